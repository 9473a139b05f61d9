"""Running a cell again closes what it made before, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ipywidgets.widgets import widget

from resample_viz.images import ImageError
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


@pytest.mark.parametrize("broken", [{"image": "no such picture"}, {"size": 0}], ids=str)
def test_nor_does_one_without_a_picture(broken: dict[str, Any]) -> None:
    before = set(widget._instances)
    with pytest.raises(ImageError):
        UpsamplingLab(**broken)
    assert set(widget._instances) == before


def test_a_cell_that_failed_can_be_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetime, "current_run", lambda: Run("a", "1"))
    with pytest.raises(ImageError):
        UpsamplingLab(image="no such picture")
    monkeypatch.setattr(lifetime, "current_run", lambda: Run("a", "2"))
    lab = UpsamplingLab(size=16)
    assert lifetime._owned == {"a": ("2", [lab])}
    lab.close()


def test_run_after_run_of_a_cell_leaves_one_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(widget._instances)
    counts = set()
    for number in range(12):
        monkeypatch.setattr(lifetime, "current_run", lambda n=number: Run("a", str(n)))
        lab = UpsamplingLab(image="impulse", size=4)
        counts.add(len(set(widget._instances) - before))
    assert len(counts) == 1
    assert lifetime._owned == {"a": ("11", [lab])}
    lab.close()
    assert set(widget._instances) == before


class Shell:
    """What IPython knows about the message that it is working on."""

    def __init__(self, **parent: Any) -> None:
        self.kernel = self
        self.parent = parent

    def get_parent(self, channel: str) -> dict[str, Any]:
        return self.parent if channel == "shell" else {}


EXECUTE = {"msg_type": "execute_request", "msg_id": "m1"}


@pytest.mark.parametrize(
    ("parent", "run"),
    [
        ({"header": EXECUTE, "metadata": {"cellId": "c1"}}, Run("c1", "m1")),
        ({"header": EXECUTE, "metadata": {}, "content": {"code": "lab"}}, Run("lab", "m1")),
        ({"header": {"msg_type": "comm_msg", "msg_id": "m2"}}, None),
        ({}, None),
    ],
    ids=["JupyterLab", "elsewhere", "in a widget's callback", "no message"],
)
def test_the_cell_is_known_by_its_id_or_its_source(
    parent: dict[str, Any], run: Run | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: Shell(**parent))
    assert current_run() == run


def test_a_closed_lab_says_so() -> None:
    lab = UpsamplingLab(size=16)
    lab.close()
    assert repr(lab) == "UpsamplingLab (closed)"
    with pytest.raises(RuntimeError, match="run its cell again"):
        _ = lab.operation
