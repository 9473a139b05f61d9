"""One state per lab: lab, controls and stage agree after every move, refused or not."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
import torch
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import resample_viz as rv
from resample_viz.images import PATTERNS, PHOTOGRAPHS, ImageError
from resample_viz.labs import UpsamplingLab
from resample_viz.labs.core.lab import Preset
from resample_viz.labs.picture import OwnPicture, title
from resample_viz.labs.upsampling import WAYS_BACK, UpsamplingSettings
from resample_viz.operations import OperationError, Upsample
from resample_viz.view import Stage

NUMBERS = count(1)
MODES = ("nearest", "nearest-exact", "bilinear", "bicubic", "area", "lanczos")
PICTURES = [title(name) for name in ("astronaut", "edge", "impulse", "integer_grid")]
FACTORS = st.sampled_from([0.1, 0.5, 1.0, 1.5, 2.0, 3.3, 8.0])


def encoded(lab: UpsamplingLab) -> dict[str, Any]:
    """The frame of the lab's settings, as a stage that never showed another one has it."""
    stage = Stage()
    stage.centre = list(lab.settings.centre)
    stage.show(lab.frame_of(lab.settings, dark=lab.stage.dark), copy=lab.code())
    return shown(stage)


def shown(stage: Stage) -> dict[str, Any]:
    slots = [panel["slot"] for panel in stage.frame["panels"]]
    frame = {
        name: value for name, value in stage.frame.items() if name not in ("id", "alert", "waysOut")
    }
    return {**frame, "bytes": [getattr(stage, slot) for slot in slots]}


class Learner(RuleBasedStateMachine):
    """Moves from Python and from the browser, in any order."""

    @initialize()
    def open(self) -> None:
        self.lab = UpsamplingLab(image="edge", size=8)
        self.before = self.lab.settings

    def teardown(self) -> None:
        if hasattr(self, "lab"):
            self.lab.close()

    def tried(self, move: Callable[[], object]) -> None:
        """A move from Python: it is made, or raises and has moved nothing."""
        before = self.lab.settings
        try:
            move()
        except (OperationError, ImageError, TypeError) as error:
            refusal = str(error)
        else:
            return
        assert refusal.endswith(".")
        assert self.lab.settings == before

    def by_hand(self, move: Callable[[], object]) -> None:
        """A move from the browser: it is made, or told and has moved nothing."""
        before = self.lab.settings
        move()
        assert self.lab.settings == before or not self.lab.stage.frame["alert"]

    @rule(mode=st.sampled_from((*MODES, "linear", "cubic")))
    def set_mode(self, mode: str) -> None:
        self.tried(lambda: self.lab.set(mode=mode))

    @rule(factor=st.one_of(FACTORS, st.tuples(FACTORS, FACTORS), st.just(-1), st.just("2")))
    def set_factor(self, factor: Any) -> None:
        self.tried(lambda: self.lab.set(scale_factor=factor))

    @rule(changes=st.fixed_dictionaries({}, optional={
        "align_corners": st.booleans(), "antialias": st.booleans(),
        "way_back": st.sampled_from((*WAYS_BACK, "by magic")),
        "image": st.sampled_from(("checkerboard", "no such", "integer grid")),
        "size": st.sampled_from((4, 16, 0, 2000)), "kernel_size": st.just(3),
    }))  # fmt: skip
    def set_several(self, changes: dict[str, Any]) -> None:
        self.tried(lambda: self.lab.set(**changes))

    @rule(size=st.integers(1, 9), channels=st.sampled_from((1, 3, 5)))
    def take_a_tensor(self, size: int, channels: int) -> None:
        self.tried(lambda: self.lab.set(image=torch.rand(1, channels, size, size + 1)))

    @rule(preset=st.sampled_from([preset.name for preset in UpsamplingLab.presets]))
    def press_a_preset(self, preset: str) -> None:
        self.by_hand(lambda: self.lab._asked(lambda: self.lab.set(preset=preset), None))

    @rule(mode=st.sampled_from(MODES))
    def choose_mode(self, mode: str) -> None:
        self.by_hand(lambda: setattr(self.lab.controls.single("mode"), "value", mode))

    @rule(name=st.sampled_from(("align_corners", "antialias")), ticked=st.booleans())
    def tick(self, name: str, ticked: bool) -> None:
        self.by_hand(lambda: setattr(self.lab.controls.single(name), "value", ticked))

    @rule(factor=FACTORS)
    def drag(self, factor: float) -> None:
        part = self.lab.controls._either[0].parts["scale_factor"]
        self.by_hand(lambda: setattr(part.height.widget, "value", factor))

    @rule(which=st.sampled_from(("scale_factor", "size")))
    def choose_by(self, which: str) -> None:
        self.by_hand(lambda: setattr(self.lab.controls._either[0].which, "value", which))

    @rule(way=st.sampled_from(WAYS_BACK))
    def choose_way_back(self, way: str) -> None:
        self.by_hand(lambda: setattr(self.lab.extras["way_back"], "value", way))

    @rule(picture=st.sampled_from(PICTURES))
    def choose_picture(self, picture: str) -> None:
        self.by_hand(lambda: setattr(self.lab.inputs.picture, "value", picture))

    @rule(row=st.integers(-1, 9), col=st.integers(0, 9), value=st.sampled_from((0.5, -3.0, 1e30)))
    def type_into_a_cell(self, row: int, col: int, value: float) -> None:
        edit = {"panel": "x", "row": row, "col": col, "value": value, "n": next(NUMBERS)}
        self.by_hand(lambda: setattr(self.lab.stage, "edit", edit))

    @rule(data=st.sampled_from((b"no picture", b"")))
    def upload(self, data: bytes) -> None:
        upload = {"name": "a.png", "data": data, "n": next(NUMBERS)}
        self.by_hand(lambda: setattr(self.lab.stage, "upload", upload))

    @rule(centre=st.tuples(st.floats(0, 1), st.floats(0, 1)), dark=st.booleans())
    def look_elsewhere(self, centre: tuple[float, float], dark: bool) -> None:
        self.lab.stage.centre = list(centre)
        self.lab.stage.dark = dark

    @rule(number=st.integers(0, 1))
    def take_a_way_out(self, number: int) -> None:
        offered = self.lab.stage.frame.get("waysOut", [])
        if number < len(offered):
            self.lab.stage.way_out = {"label": offered[number], "n": next(NUMBERS)}
            assert not self.lab.stage.frame["alert"], f"{offered[number]} is no way out"

    @rule()
    def undo(self) -> None:
        self.by_hand(self.lab._undo_button.click)

    @rule()
    def reset(self) -> None:
        self.by_hand(self.lab._reset_button.click)
        assert self.lab.settings == UpsamplingSettings(
            image="edge", size=8, operation=Upsample(mode="bilinear")
        )

    @invariant()
    def lab_controls_and_stage_agree(self) -> None:
        if not hasattr(self, "lab"):
            return
        lab = self.lab
        assert lab._read() == lab.settings
        assert lab.operation == lab.settings.operation
        assert torch.equal(lab.output, lab.operation(lab.input))
        assert shown(lab.stage) == encoded(lab)


TestLearner = Learner.TestCase
TestLearner.settings = hypothesis_settings(max_examples=6, stateful_step_count=20)


@pytest.mark.slow
def test_thousands_of_moves() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        Learner, settings=hypothesis_settings(max_examples=100, stateful_step_count=60)
    )


@pytest.fixture
def lab() -> Any:
    made = UpsamplingLab(image="edge", size=8)
    yield made
    made.close()


def test_settings_evaluate_from_their_repr(lab: UpsamplingLab) -> None:
    for preset in lab.presets:
        lab.set(preset=preset.name)
        names = {"UpsamplingSettings": UpsamplingSettings, "Upsample": Upsample}
        again = eval(repr(lab.settings), names)
        assert again == lab.settings
        other = UpsamplingLab()
        other.set(settings=again)
        assert repr(other) == repr(lab)
        other.close()


def test_own_pictures_are_equal_by_their_content() -> None:
    x = torch.rand(1, 1, 4, 5)
    one = UpsamplingSettings(image=OwnPicture.of(x))
    assert one == UpsamplingSettings(image=OwnPicture.of(x.clone()))
    assert one != UpsamplingSettings(image=OwnPicture.of(x + 1))


def test_what_happens_to_a_learners_tensor_later_changes_no_state(lab: UpsamplingLab) -> None:
    x = torch.rand(1, 1, 4, 5)
    lab.set(image=x)
    before = lab.input.clone()
    x.zero_()
    assert torch.equal(lab.input, before)


def test_undo_takes_back_one_move_and_a_drag_is_one(lab: UpsamplingLab) -> None:
    opened = lab.settings
    slider = lab.controls._either[0].parts["scale_factor"].height.widget
    for factor in (2.5, 3.0, 3.5):
        slider.value = factor
    lab.set(mode="nearest")
    lab.undo()
    assert lab.operation == Upsample(mode="bilinear", scale_factor=3.5)
    lab.undo()
    assert lab.settings == opened
    lab.undo()
    assert lab.settings == opened
    assert lab._undo_button.disabled


def test_reset_can_be_taken_back(lab: UpsamplingLab) -> None:
    lab.set(mode="area")
    moved = lab.settings
    lab.reset()
    assert lab.operation.mode == "bilinear"
    lab.undo()
    assert lab.settings == moved


def test_a_size_that_takes_the_place_of_a_factor_is_the_size_that_there_was(
    lab: UpsamplingLab,
) -> None:
    lab.set(image=torch.rand(1, 1, 5, 5), scale_factor=1.5)
    lab.controls._either[0].which.value = "size"
    assert lab.operation.size == 7
    lab.set(image=torch.rand(1, 1, 5, 8), scale_factor=1.5)
    lab.controls._either[0].which.value = "size"
    assert lab.operation.size == (7, 12)


def test_another_size_keeps_the_edits_that_have_a_cell_there(lab: UpsamplingLab) -> None:
    lab.set(image="integer_grid", size=6, edits=((1, 2, 7.0), (5, 5, 9.0)))
    lab.set(size=4)
    assert lab.settings.edits == ((1, 2, 7.0),)
    assert float(lab.input[0, 0, 1, 2]) == 7.0
    lab.set(size=32)
    assert lab.settings.edits == ()


def test_a_lesson_names_the_controls_beside_the_picture(lab: UpsamplingLab) -> None:
    lab.set(at_hand=("align_corners", "mode"))
    at_hand = lab.children[1].children[0]
    names = [one._dom_classes[-1].removeprefix("rv-control-") for one in at_hand.children]
    assert names == ["image", "size", "align_corners", "mode"]
    with pytest.raises(OperationError, match="'padding' is none: choose some of scale_factor, "):
        lab.set(at_hand=("padding",))


def test_edits_are_told_and_taken_back_with_another_picture(lab: UpsamplingLab) -> None:
    lab.stage.edit = {"panel": "x", "row": 1, "col": 2, "value": 7.0, "n": next(NUMBERS)}
    assert lab.settings.edits == ((1, 2, 7.0),)
    assert float(lab.input[0, 0, 1, 2]) == 7.0
    assert "edge, edited" in repr(lab)
    lab.undo()
    assert lab.settings.edits == ()


def test_the_arguments_of_a_lab_are_known_before_it_is_made() -> None:
    names = inspect.signature(UpsamplingLab).parameters
    assert {"image", "size", "preset", "mode", "scale_factor", "way_back"} <= names.keys()
    assert not {"edits", "centre", "self"} & names.keys()


@pytest.mark.parametrize(
    ("mode", "tick", "offered"),
    [
        ("lanczos", "", ["antialias=True"]),
        ("nearest", "align_corners", ["align_corners=False"]),
        ("area", "antialias", ["mode='bicubic'", "antialias=False"]),
    ],
)
def test_a_refusal_offers_ways_out_that_work(
    lab: UpsamplingLab, mode: str, tick: str, offered: list[str]
) -> None:
    lab.controls.single("mode").value = mode
    if tick:
        lab.controls.single(tick).value = True
    assert lab.stage.frame["waysOut"] == offered
    for number, label in enumerate(offered):
        lab.controls.single("mode").value = mode
        if tick:
            lab.controls.single(tick).value = True
        lab.stage.way_out = {"label": label, "n": number + 1}
        assert lab.stage.frame["alert"] == ""
        assert lab.stage.frame["waysOut"] == []
        name, value = label.split("=")
        assert repr(getattr(lab.operation, name)) == value
        lab.reset()


def test_the_active_preset_is_marked(lab: UpsamplingLab) -> None:
    def marked() -> list[str]:
        return [b.description for b in lab._preset_buttons if "rv-active" in b._dom_classes]

    assert marked() == []
    lab._preset_buttons[1].click()
    assert marked() == [lab.presets[1].name]
    lab.set(scale_factor=3.0)
    assert marked() == []


def test_a_picture_of_ones_own_stays_in_the_list(lab: UpsamplingLab) -> None:
    x = torch.rand(1, 1, 3, 3)
    assert "your own" not in dict(lab.inputs.picture.options).values()
    lab.set(image=x)
    lab.inputs.picture.value = "checkerboard"
    lab.inputs.picture.value = "your own"
    assert torch.equal(lab.input, x)


def test_every_named_picture_is_a_setting() -> None:
    for name in (*PHOTOGRAPHS, *PATTERNS):
        assert rv.UpsamplingLab.Settings(image=name).image == name


@pytest.mark.parametrize("preset", UpsamplingLab.presets, ids=lambda preset: preset.name)
def test_a_lab_can_be_opened_on_a_preset(preset: Preset) -> None:
    x = torch.rand(1, 1, 6, 5)
    lab, mine = UpsamplingLab(preset=preset.name), UpsamplingLab(preset=preset.name, image=x)
    assert lab.stage.frame["hint"] == mine.stage.frame["hint"] == preset.look
    assert lab.settings.image == preset.settings["image"]
    assert torch.equal(mine.input, x)
    lab.close()
    mine.close()


BAD_SETTINGS: list[dict[str, Any]] = [
    {"settings": "x"},
    {"operation": rv.AvgPool(2)},
    {"centre": (5, 5)},
    {"centre": "ab"},
    {"centre": (0.5, float("nan"))},
    {"edits": 5},
    {"edits": ((1, 2),)},
    {"edits": ((1, 2, float("inf")),)},
    {"edits": ((99, 0, 1.0),)},
]


@pytest.mark.parametrize("changes", BAD_SETTINGS, ids=str)
def test_a_setting_that_is_none_is_refused_and_the_lab_goes_on(
    lab: UpsamplingLab, changes: dict[str, Any]
) -> None:
    before, frame = lab.settings, lab.stage.frame
    with pytest.raises((OperationError, ImageError, TypeError)) as refused:
        lab.set(**changes)
    assert str(refused.value).endswith(".")
    assert lab.settings == before
    assert lab.stage.frame == frame
    lab.set(image=torch.rand(1, 1, 1, 1))
    assert tuple(lab.output.shape) == (1, 1, 2, 2)


def test_what_the_stage_cannot_show_has_moved_nothing(
    lab: UpsamplingLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lab.settings

    def fails(*_: Any, **__: Any) -> None:
        raise ValueError("too many panels")

    monkeypatch.setattr(Stage, "show", fails)
    with pytest.raises(ValueError, match="too many panels"):
        lab.set(scale_factor=3.0)
    assert lab.settings == before
    assert lab._read() == before


def test_the_part_that_is_looked_at_can_be_set_from_python(lab: UpsamplingLab) -> None:
    lab.set(image="astronaut", size=256, scale_factor=4.0)
    lab.set(centre=(0.0, 1.0))
    assert shown(lab.stage) == encoded(lab)
    lab.undo()
    assert shown(lab.stage) == encoded(lab)
    assert lab.settings.centre == (0.5, 0.5)
