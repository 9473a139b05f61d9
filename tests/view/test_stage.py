"""One change of a lab is one small message."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import torch

import resample_viz as rv
from resample_viz.view import Frame, Link, Panel, Stage
from resample_viz.view.colors import ROLE_COLORS
from resample_viz.view.stage import HERE, PANEL_SLOTS


class Comm:
    """Records what a widget sends."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, Any], list[Any]]] = []

    def send(self, data: Any = None, metadata: Any = None, buffers: Any = None) -> None:
        self.sent.append((data, buffers or []))


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


def listen(widget: Any, monkeypatch: pytest.MonkeyPatch) -> Comm:
    comm = Comm()
    monkeypatch.setattr(widget.comm, "send", comm.send, raising=False)
    return comm


def frame(*panels: Panel, **more: Any) -> Frame:
    return Frame(panels, **more)


def panel(name: str, value: float) -> Panel:
    return Panel(name, name, "output", torch.full((1, 2, 2), value))


def names(message: tuple[dict[str, Any], list[Any]]) -> set[str]:
    """The traits in a message, those that travel as bytes included."""
    data = message[0]
    return set(data["state"]) | {path[0] for path in data["buffer_paths"]}


def test_a_frame_is_one_message(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    comm = listen(stage, monkeypatch)
    stage.show(frame(panel("x", 1), panel("y", 2), code="y = f(x)"))
    assert len(comm.sent) == 1
    assert names(comm.sent[0]) == {"frame", "palettes", "panel_0", "panel_1"}


def test_what_did_not_change_is_not_sent_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.show(frame(panel("x", 1), panel("y", 2)))
    comm = listen(stage, monkeypatch)
    stage.show(frame(panel("x", 1), panel("y", 3)))
    assert [names(message) for message in comm.sent] == [{"frame", "panel_1"}]


def test_a_refusal_keeps_everything_and_sends_only_the_words(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.show(frame(panel("x", 1), code="y = f(x)"))
    before = stage.frame
    comm = listen(stage, monkeypatch)
    stage.refuse("too large: make it smaller.")
    assert [names(message) for message in comm.sent] == [{"frame"}]
    assert stage.frame == {**before, "alert": "too large: make it smaller.", "id": 2}
    stage.show(frame(panel("x", 1)))
    assert stage.frame["alert"] == ""


def test_more_than_a_stage_can_show_is_refused_and_nothing_is_sent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = [panel(f"p{number}", number) for number in range(PANEL_SLOTS)]
    stage.show(frame(*most))
    comm = listen(stage, monkeypatch)
    with pytest.raises(
        ValueError, match=f"has {PANEL_SLOTS + 1} panels, but a stage shows at most {PANEL_SLOTS}"
    ):
        stage.show(frame(*most, panel("one more", 1)))
    link = Link("p0", "p1", ())
    with pytest.raises(ValueError, match="has 5 links, but a stage shows at most 4"):
        stage.show(frame(*most, links=(link,) * 5))
    assert comm.sent == []


def test_a_second_page_gets_everything_from_the_kernel(stage: Stage) -> None:
    stage.show(frame(panel("x", 1), panel("y", 2)))
    state = stage.get_state()
    for meta in state["frame"]["panels"]:
        assert len(state[meta["slot"]]) == 16
    assert set(state["palettes"]) == {"gray"}


def test_a_refusal_before_the_first_frame_is_shown_too(stage: Stage) -> None:
    stage.refuse("no picture.")
    assert stage.frame["panels"] == []
    assert stage.frame["alert"] == "no picture."


def test_an_update_at_the_defaults_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = rv.UpsamplingLab()
    comm = listen(lab.stage, monkeypatch)
    lab.set(scale_factor=2.05)
    assert len(comm.sent) == 1
    data, buffers = comm.sent[0]
    size = len(json.dumps(data)) + sum(len(memoryview(buffer)) for buffer in buffers)
    assert size < 250_000
    assert "panel_0" not in names(comm.sent[0]), "the input did not change"
    lab.close()


def test_an_update_stays_small_at_the_largest_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = rv.UpsamplingLab()
    comm = listen(lab.stage, monkeypatch)
    lab.set(scale_factor=8.0)
    assert sum(len(memoryview(buffer)) for buffer in comm.sent[0][1]) < 600_000
    lab.close()


# Walks, warnings, progress


def test_walk_stamp_and_warnings_are_part_of_the_frame(stage: Stage) -> None:
    stage.show(frame(panel("x", 1), walk="x", stamp=True, warnings=("two rows are lost.",)))
    kept = {name: stage.frame[name] for name in ("walk", "stamp", "warnings")}
    assert kept == {"walk": "x", "stamp": True, "warnings": ["two rows are lost."]}
    stage.refuse("too large: make it smaller.")
    assert {name: stage.frame[name] for name in kept} == kept
    stage.show(frame(panel("x", 1)))
    assert [stage.frame[name] for name in kept] == ["", False, []]


def test_progress_is_a_small_message_of_its_own(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.show(frame(panel("x", 1)))
    comm = listen(stage, monkeypatch)
    stage.report(0.25, "20 of 80 iterations")
    assert stage.progress == {"share": 0.25, "text": "20 of 80 iterations"}
    stage.report(1.0, "")
    assert stage.progress == {}
    assert [names(message) for message in comm.sent] == [{"progress"}, {"progress"}]


def test_values_outside_the_range_count_in_the_shown_panels(stage: Stage) -> None:
    stage.show(frame(panel("x", 0.5)))
    assert stage.frame["outside"] is False
    stage.show(frame(panel("x", 1.5)))
    assert stage.frame["outside"] is True


def test_styles_stay_inside_the_lab() -> None:
    text = re.sub(r"/\*.*?\*/", "", (HERE / "stage.css").read_text(), flags=re.DOTALL)
    selectors = [s.strip() for rule in re.findall(r"([^{}]+)\{", text) for s in rule.split(",")]
    assert selectors
    assert [s for s in selectors if not s.startswith((".rv-", "@media "))] == []


def test_a_palette_is_sent_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    magma = Panel("e", "e", "error", torch.ones(1, 2, 2), colormap="magma")
    comm = listen(stage, monkeypatch)
    stage.show(frame(panel("x", 1)))
    stage.show(frame(panel("x", 2)))
    stage.show(frame(panel("x", 2), magma))
    stage.show(frame(panel("x", 3), magma))
    assert ["palettes" in names(message) for message in comm.sent] == [True, False, True, False]
    assert set(stage.palettes) == {"gray", "magma"}


def test_the_browser_and_python_agree_on_the_colours_of_roles() -> None:
    css = (HERE / "stage.css").read_text()
    for role in ("input", "kernel", "output", "undone"):
        assert f"--rv-{role}: {ROLE_COLORS[role].lower()};" in css
