"""Stored moves: the same as the move itself, sent against receipts, and only while one touches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from resample_viz.labs import UpsamplingLab
from resample_viz.labs.core.ahead import DEPTH, digest, tracks
from resample_viz.labs.picture import OwnPicture
from resample_viz.labs.upsampling import WAYS_BACK, UpsamplingSettings
from resample_viz.operations import OperationError, Upsample
from resample_viz.view.encoding import content_name


class Browser:
    """The other end: takes what the stage sends, and moves the slider."""

    def __init__(self, lab: UpsamplingLab, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lab = lab
        self.messages: list[dict[str, Any]] = []
        self.moves: dict[tuple[str, float], dict[str, Any]] = {}
        self.buffers: dict[str, bytes] = {}
        monkeypatch.setattr(lab.stage, "send", self.receive)

    def receive(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.messages.append(content)
        self.buffers |= zip(content["buffers"], buffers, strict=True)
        self.moves |= {(move["rest"], move["value"]): move for move in content["moves"]}

    def say(self, said: Any, **more: Any) -> None:
        self.lab.stage._handle_custom_msg({"ahead": said, **more}, [])

    def acknowledge(self) -> None:
        """Takes messages until there is none left."""
        before = 0
        while len(self.messages) > before:
            before = len(self.messages)
            self.say(before)

    def drag(self, *values: float) -> None:
        for value in values:
            slider(self.lab).value = value

    def keep_answer(self) -> None:
        """What the browser does with the answer to a slider."""
        stage = self.lab.stage
        assert stage.moves["heard"]
        for part in (*stage.frame["panels"], *stage.frame["links"]):
            self.buffers[part["buffer"]] = getattr(stage, part["slot"])

    @property
    def values(self) -> list[float]:
        return [value for _, value in self.moves]


def slider(lab: UpsamplingLab) -> Any:
    return lab.controls.sliders()["scale_factor"][0].widget


@pytest.fixture
def lab() -> Iterator[UpsamplingLab]:
    made = UpsamplingLab(image="edge", size=8)
    yield made
    made.close()


@pytest.fixture
def browser(lab: UpsamplingLab, monkeypatch: pytest.MonkeyPatch) -> Browser:
    return Browser(lab, monkeypatch)


def test_names_tell_contents_apart_and_are_the_same_in_every_process() -> None:
    x = torch.rand(1, 1, 3, 4)
    contents = [1, 1.0, True, "1", None, (1, 2), ((1,), 2), {"a": 1}, x, x + 1, x.mT, Upsample()]
    assert len({digest(content) for content in contents}) == len(contents)
    assert digest(OwnPicture.of(x)) == digest(OwnPicture.of(x.clone()))
    assert digest(Upsample(scale_factor=2.0), "x") == "2acdad96d0b47fba2a733a91"
    with pytest.raises(TypeError, match="no content"):
        digest(object())


SETTINGS = st.builds(
    UpsamplingSettings,
    image=st.sampled_from(("edge", "checkerboard", "integer_grid")),
    size=st.sampled_from((4, 7)),
    operation=st.builds(
        Upsample,
        scale_factor=st.sampled_from((0.5, 1.7, (2.0, 3.0))),
        mode=st.sampled_from(("nearest", "bilinear", "bicubic", "area")),
    ),
    way_back=st.sampled_from(WAYS_BACK),
    centre=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    preset=st.sampled_from(("", UpsamplingLab.presets[0].name)),
)


@hypothesis_settings(max_examples=8, deadline=None)
@given(SETTINGS, st.booleans(), st.integers(0, 1), st.sampled_from((-1, 1)))
def test_a_stored_move_is_what_the_move_itself_gives(
    settings: UpsamplingSettings, dark: bool, index: int, direction: int
) -> None:
    lab = UpsamplingLab(image="edge", size=4)
    with pytest.MonkeyPatch.context() as patch:
        browser = Browser(lab, patch)
        lab.stage.dark = dark
        lab.set(settings=settings)
        browser.say("ready")
        found = list(tracks(lab, settings))
        track = found[index % len(found)]
        hand = track.slider.widget
        hand.value = track.ahead(direction)[0]
        browser.keep_answer()
        browser.acknowledge()
        assert browser.messages
        for (rest, value), move in list(browser.moves.items())[:3]:
            assert rest == lab.stage.moves["sliders"][track.id]["rest"]
            hand.value = value
            told = lab.stage.moves
            assert told["heard"] == track.id
            assert told["sliders"][track.id] == {"rest": rest, "value": value}
            assert told["states"] == {**told["states"], **move["states"]}
            assert {**lab.stage.frame, "id": 0} == move["frame"]
            for panel in (*move["frame"]["panels"], *move["frame"]["links"]):
                data = getattr(lab.stage, panel["slot"])
                assert content_name(data) == panel["buffer"]
                assert browser.buffers[panel["buffer"]] == data
    lab.close()


def test_states_of_controls_are_what_the_controls_show(lab: UpsamplingLab) -> None:
    widgets = {one.model_id: one for one in (
        lab._undo_button, lab._reset_button, *lab._preset_buttons,
        *(one.widget for one in lab.controls.sliders()["scale_factor"]),
    )}  # fmt: skip

    def agree() -> bool:
        states = lab.stage.moves["states"]
        seen = {
            one: {n: widgets[one].get_state()[n] for n in state} for one, state in states.items()
        }
        return bool(seen == {one: _plain(state) for one, state in states.items()})

    moves: list[Callable[[], object]] = [
        lambda: lab.set(preset=lab.presets[1].name),
        lab.undo,
        lab.reset,
        lab.undo,
        lambda: lab.set(scale_factor=3.0),
        lambda: lab.set(scale_factor=(2.0, 3.0)),
    ]
    assert agree()
    for move in moves:
        move()
        assert agree()


def _plain(state: dict[str, Any]) -> dict[str, Any]:
    return {n: tuple(v) if isinstance(v, list) else v for n, v in state.items()}


def test_a_lab_that_nobody_touches_computes_and_sends_nothing(
    browser: Browser, lab: UpsamplingLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.say("ready")
    lab.set(scale_factor=3.0)
    lab.set(preset=lab.presets[0].name)
    assert not browser.messages


def test_where_the_browser_says_nothing_no_frame_is_made(
    browser: Browser, lab: UpsamplingLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    plain = lab.frame_of
    monkeypatch.setattr(lab, "frame_of", lambda s, *, dark: asked.append(s) or plain(s, dark=dark))
    browser.drag(2.05, 2.1)
    assert len(asked) == 2
    assert not browser.messages


def test_one_message_is_under_way_at_a_time(browser: Browser) -> None:
    browser.say("ready")
    browser.drag(2.05)
    assert browser.values == [2.1]
    browser.say(7)  # no such message
    assert browser.values == [2.1]
    browser.acknowledge()
    assert browser.values == [2.1, 2.15, 2.2, 2.25, 2.3, 2.35, 2.4, 2.45]
    assert len(browser.messages) == 2


def test_a_touch_that_comes_before_the_browser_is_ready_counts(browser: Browser) -> None:
    browser.drag(2.05)
    browser.say("ready")
    browser.acknowledge()
    assert len(browser.values) == DEPTH


def test_reversal_drops_what_waits_and_goes_the_other_way(browser: Browser) -> None:
    browser.say("ready")
    browser.drag(2.05, 2.1, 2.05)
    browser.acknowledge()
    assert browser.values == [2.1, 2.0, 1.95, 1.9, 1.85, 1.8, 1.75, 1.7, 1.65]


def test_what_the_browser_has_is_not_sent_again(browser: Browser) -> None:
    browser.say("ready")
    browser.drag(2.05)
    browser.acknowledge()
    sent = [name for message in browser.messages for name in message["buffers"]]
    assert len(sent) == len(set(sent))
    before = len(browser.messages)
    browser.drag(2.1)
    browser.acknowledge()
    new = [move["value"] for one in browser.messages[before:] for move in one["moves"]]
    assert new == [2.5]


def test_what_the_browser_has_dropped_is_sent_again(browser: Browser) -> None:
    browser.say("ready")
    browser.drag(2.05)
    browser.acknowledge()
    ((rest, _), *_) = browser.moves
    last = browser.messages[-1]
    browser.say(len(browser.messages), moves=[[rest, 2.2]], buffers=last["buffers"])
    before = len(browser.messages)
    browser.drag(2.1)
    browser.acknowledge()
    new = [move["value"] for one in browser.messages[before:] for move in one["moves"]]
    assert new == [2.2, 2.5]


def test_a_new_page_has_nothing_yet(browser: Browser) -> None:
    browser.say("ready")
    browser.drag(2.05)
    browser.acknowledge()
    browser.messages.clear()
    browser.moves.clear()
    browser.say("ready")
    assert browser.values[0] == 2.1


def test_a_refused_position_is_no_frame(
    browser: Browser, lab: UpsamplingLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = lab.frame_of

    def fussy(settings: Any, *, dark: bool) -> Any:
        if settings.operation.scale_factor == 2.15:
            raise OperationError("not 2.15: try 2.1.")
        return plain(settings, dark=dark)

    monkeypatch.setattr(lab, "frame_of", fussy)
    browser.say("ready")
    browser.drag(2.05)
    browser.acknowledge()
    assert 2.15 not in browser.values
    assert 2.2 in browser.values
    assert lab.stage.frame["alert"] == ""


@pytest.mark.parametrize("other", [
    lambda lab: lab.set(image="checkerboard"),
    lambda lab: lab.set(mode="nearest"),
    lambda lab: lab.set(preset=lab.presets[0].name),
    lambda lab: lab.undo(),
    lambda lab: setattr(lab.stage, "dark", True),
    lambda lab: setattr(lab.stage, "centre", [0.1, 0.2]),
], ids=("picture", "mode", "preset", "undo", "theme", "centre"))  # fmt: skip
def test_another_move_ends_it_and_has_other_stored_moves(
    browser: Browser, lab: UpsamplingLab, other: Any
) -> None:
    browser.say("ready")
    browser.drag(2.05)
    (before,) = lab.stage.moves["sliders"].values()
    other(lab)
    browser.acknowledge()
    assert browser.values == [2.1]
    (after,) = lab.stage.moves["sliders"].values()
    assert lab.stage.moves["heard"] == ""
    assert (before["rest"] == after["rest"]) == (lab.settings.operation.mode == "bilinear"
        and lab.settings.image == "edge" and not lab.stage.dark
        and lab.settings.centre == (0.5, 0.5))  # fmt: skip


def test_positions_end_where_the_slider_ends(lab: UpsamplingLab) -> None:
    lab.set(scale_factor=7.9)
    (track,) = tracks(lab, lab.settings)
    assert track.ahead(1) == [7.95, 8.0]
    assert all(a > b for a, b in pairwise(track.ahead(-1)))
    lab.set(scale_factor=1 / 3)  # between two positions
    (track,) = tracks(lab, lab.settings)
    assert track.ahead(1)[0] == 0.4


def test_a_closed_lab_makes_nothing_more(browser: Browser, lab: UpsamplingLab) -> None:
    browser.say("ready")
    browser.drag(2.05)
    lab.close()
    assert len(browser.messages) == 1


def test_the_kernel_does_not_write_a_sliders_rounding_back(lab: UpsamplingLab) -> None:
    """A hand may be further on when that arrives, and would be put back."""
    slider(lab).value = 2.0500000000000003
    assert lab.operation.scale_factor == 2.05
    assert slider(lab).value == 2.0500000000000003
