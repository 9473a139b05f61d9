"""How many threads torch works with: what helps here and now, and never for longer than a block.

torch takes a thread for every core that it sees. Where other programs want the cores too, or a
container may use fewer than it sees, threads that wait for each other make small tensors tens of
times slower. `cpus` is what may be used, `one_thread` is for short work, and `FastestThreads` finds
by measuring what is best for steps that are repeated. The caller's `torch.get_num_threads()` is the
upper bound, and is the same again afterwards.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, thread_time

import torch

BLOCK_SECONDS = 0.1
"""Steps are timed in blocks of at least this length."""
BLOCK_STEPS = 3
"""Steps of a block, at least."""
WORTH_IT = 0.8
"""Another number of threads is taken if it needs less than this share of the time."""
OF_A_CORE = 0.9
"""One thread that gets less than this share of a core is on a machine without cores to spare."""
SLOWED_DOWN = 1.3
"""Blocks that take so many times as long as when the threads were chosen: the load has changed."""
PATIENCE = 20
"""After a trial that did not help, the next one comes this many times its duration later."""


@contextmanager
def num_threads(count: int) -> Iterator[None]:
    """Has torch work with `count` threads."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(count)
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Has torch work with one thread; also as a decorator, `@one_thread()`.

    For frames, measures and singular values: their tensors are small, and the browser needs a core
    too. On two busy cores, threads that wait for each other made a 10 ms frame take 300 ms and an
    SVD twenty times as long; on idle ones an SVD of the sizes in use here gains nothing.
    """
    with num_threads(1):
        yield


def cpus(
    visible: int | None = None,
    *,
    cgroups: Path = Path("/sys/fs/cgroup"),
    membership: Path = Path("/proc/self/cgroup"),
) -> int:
    """How many CPUs this process may keep busy: at least 1, quotas rounded down.

    The smallest of `visible` (by default the CPUs that the process may be scheduled on) and the CPU
    quotas of the control groups that the process is in, of version 1 or 2, with all their parents.
    `joblib.cpu_count` rounds up and does not look at parents: half a CPU too few is slower than one
    that is left idle.

    Source: the Linux kernel's documentation, "Control Group v2" (cpu.max) and "CFS Bandwidth
    Control" (cpu.cfs_quota_us, cpu.cfs_period_us).

    >>> cpus(1)
    1
    """
    if visible is None:
        visible = _schedulable()
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # not Linux
        return visible
    quotas = [quota for line in lines for quota in _quotas(line, cgroups)]
    return max(1, math.floor(min([visible, *quotas])))


def _schedulable() -> int:
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(line: str, cgroups: Path) -> Iterator[float]:
    """The quotas, in CPUs, of a control group and its parents: a line of /proc/self/cgroup."""
    _, controllers, path = line.split(":", 2)
    if controllers and "cpu" not in controllers.split(","):
        return
    root = cgroups / controllers  # version 2 names no controllers, and has one tree for all
    if controllers and not root.exists():
        root = cgroups / "cpu"
    group = root / path.lstrip("/")
    for folder in (group, *group.parents):
        # In a container the path may be that of the host, of which only the root is to be seen.
        quota = _quota(folder)
        if quota is not None:
            yield quota
        if folder == root:
            return


def _quota(folder: Path) -> float | None:
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        share = float(quota) / float(period)
    except (OSError, ValueError, ZeroDivisionError):  # there is none, or it is "max"
        return None
    return share if share > 0 else None  # -1: no limit, in version 1


@dataclass
class Pause:
    """The time until which no other number of threads is tried, after a trial that did not help."""

    until: float = -math.inf


PAUSE = Pause()


class FastestThreads:
    """Finds, while steps of one kind are repeated, the number of threads that is fastest.

    It begins with one thread, and tries twice as many as long as that pays, up to `most`: by
    default the caller's number of threads, or `cpus()` if they are fewer. Where one thread does not
    even get a core to itself, no more are tried. It begins anew when steps become slower, and
    otherwise looks again so seldom that trials take at most a twentieth of the time; those that
    share a `pause`, by default all, wait for each other's. `clock` counts seconds, `cpu_clock`
    those in which a core works for this thread.

    With another number of threads sums are taken in another order: results may differ in their last
    digits from run to run, unless the caller has set one thread (`torch.set_num_threads(1)`).

    >>> threads = FastestThreads()
    >>> for _ in range(3):
    ...     with threads.step():
    ...         product = torch.rand(10, 10) @ torch.rand(10, 10)
    >>> threads.count
    1
    """

    def __init__(
        self,
        most: int | None = None,
        *,
        clock: Callable[[], float] = perf_counter,
        cpu_clock: Callable[[], float] = thread_time,
        pause: Pause = PAUSE,
    ) -> None:
        if most is None:
            most = min(torch.get_num_threads(), cpus())
        self._counts: list[int] = [*(2**k for k in range((most - 1).bit_length())), most]
        self._clock, self._cpu_clock, self._pause = clock, cpu_clock, pause
        self._restart()

    def _restart(self) -> None:
        """Begins with one thread."""
        self._chosen = self._tried = 0  # places in `counts`
        self._direction = 1  # of the next trial
        self._settled_until = -math.inf
        self._block = _Block()
        self._usual: _Block | None = None

    @property
    def count(self) -> int:
        """The number of threads of the next step."""
        return self._counts[self._tried]

    @contextmanager
    def apply(self) -> Iterator[None]:
        """The threads that are best so far, for work that is not one of the steps."""
        with num_threads(self._counts[self._chosen]):
            yield

    @contextmanager
    def step(self) -> Iterator[None]:
        """The threads for one step, whose time is taken."""
        with num_threads(self.count):
            began, worked = self._clock(), self._cpu_clock()
            yield
            self._block.add(self._clock() - began, self._cpu_clock() - worked)
        if len(self._counts) > 1:
            if self._tried == self._chosen:
                self._keep()
            else:
                self._compare()

    def _keep(self) -> None:
        """After a step with the threads that are best so far."""
        block = self._block
        if block.steps < BLOCK_STEPS or block.seconds < BLOCK_SECONDS:
            return
        if self._usual and block.per_step > SLOWED_DOWN * self._usual.per_step and self._chosen:
            self._restart()
            return
        if self._usual is None or not self._chosen:
            self._usual = block
        crowded = not self._chosen and block.worked < OF_A_CORE * block.seconds
        if self._clock() >= max(self._settled_until, self._pause.until) and not crowded:
            if not 0 <= self._chosen + self._direction < len(self._counts):
                self._direction = -self._direction
            self._tried += self._direction
        self._block = _Block(is_warm=self._tried == self._chosen)

    def _compare(self) -> None:
        """After a step of a trial, which ends as soon as it is known who is faster."""
        trial, usual = self._block, self._usual
        assert usual is not None
        is_slower = trial.seconds > WORTH_IT * usual.seconds or trial.total > 2 * usual.seconds
        if not is_slower and trial.steps < usual.steps:
            return
        later = self._clock() + PATIENCE * trial.total
        if is_slower:
            self._tried, self._direction = self._chosen, -self._direction
            self._pause.until = later
        else:
            self._chosen, self._usual = self._tried, trial
            if not 0 <= self._chosen + self._direction < len(self._counts):
                self._settled_until = later
        self._block = _Block(is_warm=not is_slower)


class _Block:
    """Steps in a row. The first one after a change gets the threads ready, and is not compared."""

    def __init__(self, *, is_warm: bool = False) -> None:
        self.is_warm = is_warm
        self.steps, self.seconds, self.worked, self.total = 0, 0.0, 0.0, 0.0

    def add(self, seconds: float, worked: float) -> None:
        """Counts a step of so many seconds, in which a core worked for so many of them."""
        self.total += seconds
        if self.is_warm:
            self.steps += 1
            self.seconds += seconds
            self.worked += worked
        self.is_warm = True

    @property
    def per_step(self) -> float:
        """Mean seconds of the steps that are compared."""
        return self.seconds / self.steps
