"""Long work is done in slices, between which everything else has its turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from resample_viz.labs.background import Background, Job, run_in_background


class Counting:
    """A job of `slices` slices that writes down how far it came."""

    def __init__(self, slices: int = 4) -> None:
        self.slices = slices
        self.done = 0
        self.finished = False
        self.closed = False

    def __iter__(self) -> Job:
        try:
            for number in range(self.slices):
                self.done = number + 1
                yield self.done / self.slices, f"slice {self.done}"
            self.finished = True
        finally:
            self.closed = True


def ignore(share: float, text: str) -> None:
    pass


def test_without_a_loop_a_job_runs_to_its_end_and_tells_its_progress() -> None:
    told: list[tuple[float, str]] = []
    counting = Counting(2)
    background = run_in_background(iter(counting), lambda share, text: told.append((share, text)))
    assert told == [(0.5, "slice 1"), (1.0, "slice 2")]
    assert counting.finished
    assert not background.running


def test_without_a_loop_an_exception_is_the_callers() -> None:
    def broken() -> Job:
        yield 0.5, "going well"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_in_background(broken(), ignore)


def test_on_a_loop_everything_else_has_its_turn_between_two_slices() -> None:
    order: list[str] = []

    def job() -> Job:
        for number in range(3):
            order.append(f"slice {number}")
            yield number / 3, ""

    async def others() -> None:
        for number in range(3):
            order.append(f"other {number}")
            await asyncio.sleep(0)

    async def main() -> None:
        background = run_in_background(job(), ignore)
        assert background.running
        assert order == [], "the caller goes on first"
        await others()
        while background.running:
            await asyncio.sleep(0)

    asyncio.run(main())
    kinds = [entry.split()[0] for entry in order]
    assert kinds != sorted(kinds), order
    assert kinds != sorted(kinds, reverse=True), order
    assert [entry for entry in order if entry.startswith("slice")] == [
        "slice 0",
        "slice 1",
        "slice 2",
    ]


def test_another_job_takes_the_place_of_the_first() -> None:
    first, second = Counting(), Counting()

    async def main() -> None:
        background = Background()
        background.start(iter(first), ignore)
        while first.done < 2:
            await asyncio.sleep(0)
        background.start(iter(second), ignore)
        while background.running:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert not first.finished
    assert second.finished
    assert first.done < first.slices


def test_a_cancelled_job_does_no_further_slice() -> None:
    counting = Counting()

    async def main() -> None:
        background = Background()
        background.start(iter(counting), ignore)
        while counting.done < 1:
            await asyncio.sleep(0)
        background.cancel()
        assert not background.running
        for _ in range(10):
            await asyncio.sleep(0)
        background.cancel()  # twice is no error

    asyncio.run(main())
    assert 1 <= counting.done < counting.slices
    assert not counting.finished


def test_an_exception_on_a_loop_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Job:
        yield 0.5, "going well"
        raise ZeroDivisionError("of all things")

    async def main() -> None:
        background = run_in_background(broken(), ignore)
        while background.running:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert "background work failed" in caplog.text
    assert "of all things" in caplog.text


def test_an_exception_in_the_progress_ends_the_job(caplog: pytest.LogCaptureFixture) -> None:
    counting = Counting()

    def broken(share: float, text: str) -> None:
        raise ValueError("no such stage")

    async def main() -> None:
        background = run_in_background(iter(counting), broken)
        while background.running:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert counting.done == 1
    assert "no such stage" in caplog.text


def test_cancelling_from_another_thread_waits_for_the_slice_that_is_running() -> None:
    background = Background()
    begun, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def job() -> Job:
        begun.set()
        assert go_on.wait(30)
        order.append("slice")
        yield 0.5, ""
        order.append("second slice")

    async def main() -> None:
        background.start(job(), ignore)
        while background.running:
            await asyncio.sleep(0)

    kernel = threading.Thread(target=asyncio.run, args=(main(),))
    kernel.start()
    assert begun.wait(30)
    other = threading.Thread(target=lambda: (background.cancel(), order.append("cancelled")))
    other.start()
    go_on.set()
    other.join(30)
    kernel.join(30)
    # Either the lock was free again after the first slice, or the second one came before.
    assert order in (["slice", "cancelled"], ["slice", "second slice", "cancelled"])


def test_an_empty_job_is_over_at_once() -> None:
    def nothing() -> Iterator[tuple[float, str]]:
        yield from ()

    assert not run_in_background(nothing(), ignore).running
