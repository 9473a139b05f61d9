"""Least squares behind the frame: progress, cancelled by the next move, and told when it fails."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from resample_viz.labs import ConvolutionLab, TransposedConvolutionLab
from resample_viz.labs.convolution import LEAST_SQUARES
from resample_viz.operations import OperationError
from tests.labs.test_labs import alert, shown


@pytest.fixture
def lab() -> Iterator[ConvolutionLab]:
    made = ConvolutionLab(image="camera", size=64, kernel="gaussian", padding=1)
    yield made
    made.close()


def progress(lab: Any) -> list[dict[str, Any]]:
    """What the stage is told, from now on."""
    told: list[dict[str, Any]] = []
    lab.stage.observe(lambda change: told.append(change["new"]), names=["progress"])
    return told


async def until(happened: Callable[[], Any]) -> None:
    while not happened():
        await asyncio.sleep(0)


def look_back(lab: Any) -> None:
    """Two moves of a learner."""
    lab.extras["way_back"].value = LEAST_SQUARES
    lab.extras["show"].value = "way back"


def test_on_a_loop_the_frame_comes_first_and_the_result_later(lab: ConvolutionLab) -> None:
    told = progress(lab)

    async def main() -> None:
        look_back(lab)
        assert shown(lab)["x_hat"].caption == "is being computed"
        assert "invisible" not in shown(lab)
        await until(lambda: "invisible" in shown(lab))
        await until(lambda: not lab._background.running)

    asyncio.run(main())
    shares = [step["share"] for step in told if step]
    assert len(shares) > 1
    assert shares == sorted(shares)
    assert all(step["text"] for step in told if step)
    assert told[-1] == {}
    assert shown(lab)["x_hat"].tensor.any()
    assert alert(lab) == ""


@pytest.mark.parametrize("move", ["show", "slider", "picture", "preset", "edit"])
def test_the_next_move_cancels_it(lab: ConvolutionLab, move: str) -> None:
    async def main() -> None:
        look_back(lab)
        await until(lambda: lab.stage.progress)
        old = lab._background._job
        if move == "show":
            lab.extras["show"].value = "window"
        elif move == "slider":
            lab.controls.single("stride").height.widget.value = 2
        elif move == "picture":
            lab.inputs.picture.value = "coffee"
        elif move == "preset":
            lab.set(preset="a window walks", wait=False)
        else:
            lab.stage.edit = {"panel": "w", "row": 0, "col": 0, "value": 1.0, "n": 1}
        assert lab._background._job is not old
        if move in ("show", "preset"):
            assert lab.stage.progress == {}
            assert not lab._background.running
            for _ in range(20):
                await asyncio.sleep(0)
            assert "x_hat" not in shown(lab)
            return
        await until(lambda: not lab._background.running)
        assert "invisible" in shown(lab)
        back = shown(lab)["x_hat"].tensor
        assert back.shape == lab.input.shape[1:]

    asyncio.run(main())
    assert alert(lab) == ""


def test_a_lab_that_is_closed_meanwhile_does_nothing_more(lab: ConvolutionLab) -> None:
    async def main() -> None:
        look_back(lab)
        await until(lambda: lab.stage.progress)
        lab.close()
        for _ in range(20):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert lab.shown.panels == ()


def test_a_closed_lab_remembers_no_tensor() -> None:
    lab = ConvolutionLab(show="way back", way_back=LEAST_SQUARES)
    assert lab._least_squares._solved is not None
    other = TransposedConvolutionLab(preset="even count, uneven sum")
    remembered = [weakref.ref(one) for one in (lab._least_squares, other._random, lab.shown)]
    lab.close()
    other.close()
    gc.collect()
    assert [one() for one in remembered] == [None, None, None]
    with pytest.raises(RuntimeError, match="was closed"):
        _ = lab._least_squares


def failing(error: Exception) -> Callable[..., Any]:
    def steps(*_: Any, **__: Any) -> Iterator[tuple[float, str]]:
        yield 0.1, "going well"
        raise error

    return steps


@pytest.mark.parametrize(
    ("error", "words"),
    [(OperationError("too large: make it smaller."), "too large"), (ZeroDivisionError("oh"), "oh")],
    ids=["refused", "unexpected"],
)
def test_work_that_fails_says_so_and_takes_its_progress_away(
    lab: ConvolutionLab, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    monkeypatch.setattr("resample_viz.analysis.LinearMap.solve_steps", failing(error))

    async def main() -> None:
        look_back(lab)
        await until(lambda: lab.stage.progress)
        await until(lambda: not lab._background.running)

    asyncio.run(main())
    assert words in alert(lab)
    assert alert(lab).endswith(".")
    assert lab.stage.progress == {}


def test_not_converged_is_said_in_the_panel(
    lab: ConvolutionLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    from resample_viz.analysis import LinearMap

    solve = LinearMap.solve_steps
    monkeypatch.setattr(LinearMap, "solve_steps", lambda self, y: solve(self, y, limit=1))
    lab.set(show="way back", way_back=LEAST_SQUARES, kernel="random")  # no matrix per axis
    assert shown(lab)["x_hat"].caption.startswith("not converged: after 1 iterations off by about")
