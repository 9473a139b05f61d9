"""Work that takes longer than a frame, done in slices, so that the lab stays responsive.

A kernel has one thread: while a computation runs, no control is heard. A job is therefore a
generator that yields between slices of at most about 20 ms. In a kernel the slices are run by its
own event loop, with everything else that has come in between them; where no loop runs (a script, a
test), they are run at once, one after the other.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Generator
from types import GeneratorType

log = logging.getLogger(__name__)

Job = Generator[tuple[float, str], None, None]
"""Yields (share done from 0 to 1, what is being done) between slices, and at the end shows what it
made."""

Progress = Callable[[float, str], None]


class Background:
    """At most one job at a time: starting another one cancels it.

    >>> def job():
    ...     yield 0.5, "half of it"
    >>> background = Background()
    >>> background.start(job(), lambda share, text: print(share, text))
    0.5 half of it
    >>> background.running
    False
    """

    def __init__(self) -> None:
        self._job: Job | None = None
        self._tasks: set[asyncio.Task[None]] = set()  # a loop alone would let them be collected
        # Jupyter may run cells and the messages of widgets in two threads, each with its own loop.
        self._lock = threading.RLock()

    @property
    def running(self) -> bool:
        """Whether a job is waiting for its next slice."""
        return self._job is not None

    def start(self, job: Job, on_progress: Progress) -> None:
        """Cancels what is running, then runs `job` on the running loop, or at once without one.

        `on_progress` is called with what the job yields. An exception in a job on the loop is
        logged, because no one waits for its result; without a loop it is raised here.
        """
        self.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            for share, text in job:
                on_progress(share, text)
            return
        self._job = job
        task = loop.create_task(self._slices(job, on_progress))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _slices(self, job: Job, on_progress: Progress) -> None:
        await asyncio.sleep(0)  # the frame that started the job goes out first
        while self._slice(job, on_progress):
            await asyncio.sleep(0)

    def _slice(self, job: Job, on_progress: Progress) -> bool:
        """Runs one slice of a job that was not cancelled; says whether there is more to do."""
        with self._lock:
            if self._job is not job:
                return False
            try:
                step = next(job, None)
                if step is not None:
                    on_progress(*step)
                    return True
            except Exception:
                log.exception("a lab's background work failed")
            self._job = None
            return False

    def cancel(self) -> None:
        """Ends the job: when this returns, none of its slices is running, and none will."""
        with self._lock:
            job, self._job = self._job, None
            if isinstance(job, GeneratorType) and not job.gi_running:  # a job may cancel itself
                job.close()


def run_in_background(job: Job, on_progress: Progress) -> Background:
    """Starts a job of its own: on the running loop, or to its end where there is none."""
    background = Background()
    background.start(job, on_progress)
    return background
