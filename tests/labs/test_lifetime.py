"""Running a cell again closes what it made before, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ipywidgets.widgets import widget

from resample_viz.labs import UpsamplingLab, lifetime
from resample_viz.labs.lifetime import Run, adopt, current_run


@pytest.fixture(autouse=True)
def no_cells() -> Iterator[None]:
    lifetime._owned.clear()
    yield
    lifetime._owned.clear()


class Lab:
    def __init__(self, cell: str, message: str) -> None:
        self.closed = False
        adopt(self, Run(cell, message))

    def close(self) -> None:
        self.closed = True
        lifetime.disown(self)


def test_a_second_run_closes_the_lab_of_the_first() -> None:
    first, second = Lab("a", "1"), Lab("a", "2")
    assert first.closed
    assert not second.closed


def test_two_labs_of_one_run_live_together() -> None:
    labs = [Lab("a", "1"), Lab("a", "1")]
    assert not any(lab.closed for lab in labs)
    Lab("a", "2")
    assert all(lab.closed for lab in labs)


def test_another_cell_is_left_alone() -> None:
    other = Lab("b", "1")
    Lab("a", "1")
    Lab("a", "2")
    assert not other.closed


def test_a_closed_lab_is_forgotten() -> None:
    Lab("a", "1").close()
    assert lifetime._owned == {}


def test_outside_a_notebook_nothing_is_adopted() -> None:
    assert current_run() is None
    lab = UpsamplingLab(size=16)
    assert lifetime._owned == {}
    lab.close()


def test_close_frees_every_widget() -> None:
    before = set(widget._instances)
    lab = UpsamplingLab(size=16)
    assert len(set(widget._instances) - before) > 20
    lab.close()
    lab.close()
    assert set(widget._instances) == before


def test_a_lab_that_cannot_be_made_leaves_nothing_behind() -> None:
    before = set(widget._instances)
    with pytest.raises(ValueError, match="align_corners"):
        UpsamplingLab(size=16, mode="nearest", align_corners=True)
    assert set(widget._instances) == before


def test_a_closed_lab_says_so() -> None:
    lab = UpsamplingLab(size=16)
    lab.close()
    assert repr(lab) == "UpsamplingLab (closed)"
    with pytest.raises(RuntimeError, match="run its cell again"):
        _ = lab.operation
