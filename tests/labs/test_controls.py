"""Controls say what the annotations say, and keep the values that they are given."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resample_viz.labs.controls import OperationControls, PairSliders, Slider, control
from resample_viz.operations import (
    AvgPool,
    MaxPool,
    OperationError,
    Range,
    Upsample,
    parameters,
)


def test_fresh_controls_describe_the_operation_with_its_own_defaults() -> None:
    assert Upsample(**OperationControls(Upsample).values()) == Upsample()


def test_every_parameter_has_a_control_with_its_class() -> None:
    classes: set[str] = set()

    def visit(widget: widgets.Widget) -> None:
        classes.update(widget._dom_classes)
        for child in getattr(widget, "children", ()):
            visit(child)

    visit(OperationControls(Upsample).widget)
    assert {f"rv-control-{parameter.name}" for parameter in parameters(Upsample)} <= classes


def test_choices_are_those_that_fit_the_number_of_dimensions() -> None:
    (mode,) = [parameter for parameter in parameters(Upsample) if parameter.name == "mode"]
    four = control(mode, 4).widget.options
    assert {"bilinear", "bicubic", "nearest", "area", "lanczos"} < set(four)
    assert {"linear", "trilinear"}.isdisjoint(four)
    assert "trilinear" in control(mode, 5).widget.options


SETTINGS = [
    {"scale_factor": 3.0},
    {"scale_factor": (0.5, 2.0)},
    {"scale_factor": 1 / 3},
    {"scale_factor": 20.0},
    {"size": 17},
    {"size": (5, 300)},
    {"mode": "bicubic", "align_corners": True},
    {"mode": "lanczos", "antialias": True},
    {"mode": "area", "recompute_scale_factor": True},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_what_is_set_is_what_comes_out(settings: dict[str, Any]) -> None:
    controls = OperationControls(Upsample)
    controls.set(**settings)
    assert Upsample(**controls.values()) == Upsample(**settings)


def test_an_unknown_parameter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TypeError, match=r"no parameter 'kernel'.*'scale_factor'"):
        OperationControls(Upsample).set(kernel=3)


@given(st.floats(0.25, 8))
def test_a_value_between_two_steps_survives_the_browsers_own_rounding(value: float) -> None:
    slider = Slider("scale_factor", Range(0.25, 8, 0.05), 2.0, whole=False)
    slider.value = value
    moved: list[float] = []
    slider.on_change(lambda: moved.append(slider.value))
    slider.widget.value = 0.25 + 0.05 * round((value - 0.25) / 0.05)  # what noUiSlider sends back
    assert slider.value == value
    assert moved == []


@pytest.mark.parametrize("steps", [1, -1, 7])
def test_a_step_of_the_slider_is_a_move_and_lands_on_a_short_decimal(steps: int) -> None:
    slider = Slider("scale_factor", Range(0.25, 8, 0.05), 2.0, whole=False)
    moved: list[float] = []
    slider.on_change(lambda: moved.append(slider.value))
    slider.widget.value = 0.25 + 0.05 * (35 + steps)
    assert moved == [round(2 + 0.05 * steps, 2)]


def test_a_pair_moves_together_until_it_is_unlocked() -> None:
    pair = PairSliders("kernel_size", Range(1, 7), 3, whole=True)
    pair.height.widget.value = 5
    assert pair.value == 5
    pair.lock.value = False
    assert pair.value == (5, 5), "unlocking changes nothing yet"
    pair.width.widget.value = 2
    assert pair.value == (5, 2)
    pair.lock.value = True
    assert pair.value == 5


def test_one_move_is_told_once() -> None:
    controls = OperationControls(Upsample)
    told: list[int] = []
    controls.on_change(lambda: told.append(1))
    either = controls._either[0]
    either.parts["scale_factor"].height.widget.value = 4.0
    assert len(told) == 1
    either.parts["size"].height.widget.value = 9
    assert len(told) == 1, "size is not what is given"
    either.which.value = "size"
    assert len(told) == 2


def test_unlocking_tells_once_that_one_number_became_two() -> None:
    pair = PairSliders("scale_factor", Range(0.25, 8, 0.05), 2.0, whole=False)
    told: list[Any] = []
    pair.on_change(lambda: told.append(pair.value))
    pair.height.widget.value = 3.0
    pair.lock.value = False
    pair.width.widget.value = 4.0
    pair.lock.value = True
    assert told == [3.0, (3.0, 3.0), (3.0, 4.0), 3.0]


def test_no_parameter_has_two_controls() -> None:
    classes: list[str] = []

    def visit(widget: widgets.Widget) -> None:
        classes.extend(name for name in widget._dom_classes if name.startswith("rv-control-"))
        for child in getattr(widget, "children", ()):
            visit(child)

    visit(OperationControls(Upsample).widget)
    assert "rv-control-scale_factor" in classes
    assert len(classes) == len(set(classes))


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_fresh_start_brings_every_default_back(settings: dict[str, Any]) -> None:
    controls = OperationControls(Upsample)
    controls.set(**settings)
    controls.set(afresh=True)
    assert Upsample(**controls.values()) == Upsample()


def test_a_fresh_start_moves_each_slider_once_and_straight_to_its_value() -> None:
    controls = OperationControls(Upsample)
    controls.set(scale_factor=5.0)
    moved: list[float] = []
    slider = controls._either[0].parts["scale_factor"].height
    slider.widget.observe(lambda change: moved.append(change["new"]), names=["value"])
    controls.set(afresh=True, scale_factor=3.0, mode="bicubic")
    assert moved == [3.0]
    controls.set(afresh=True, size=(4, 9))
    assert Upsample(**controls.values()) == Upsample(size=(4, 9))


REFUSED = [
    ({"scale_factor": -1.0}, "positive"),
    ({"scale_factor": 2.0, "size": 9}, "give one of them"),
    ({"scale_factor": 3.0, "mode": "nearest", "align_corners": True}, "no meaning"),
    ({"scale_factor": 3.0, "mode": "cubic"}, "does not exist"),
    ({"scale_factor": "3"}, "positive number"),
]


@pytest.mark.parametrize(("settings", "words"), REFUSED, ids=str)
def test_where_the_operation_refuses_no_control_moves(settings: dict[str, Any], words: str) -> None:
    controls = OperationControls(Upsample)
    before = controls.values()
    with pytest.raises(OperationError, match=words):
        controls.set(**settings)
    assert controls.values() == before


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mode": "linear"}, "'linear' here: use one of 'nearest'"),
        (
            {"align_corners": "yes"},
            "align_corners must be True or False, not 'yes'",
        ),
        ({"scale_factor": (1.0, 2.0, 3.0)}, "has 3 numbers, but a picture has 2 axes"),
    ],
    ids=str,
)
def test_what_a_picture_cannot_have_is_refused_in_one_sentence(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(OperationError, match=words):
        OperationControls(Upsample).set(**{"mode": "bilinear", **settings})


def test_a_list_is_as_good_as_a_tuple() -> None:
    controls = OperationControls(Upsample)
    controls.set(scale_factor=[0.5, 3.0])
    assert controls.values()["scale_factor"] == (0.5, 3.0)


def test_a_number_that_need_not_be_given_has_a_tick() -> None:
    controls = OperationControls(AvgPool)
    assert AvgPool(**controls.values()) == AvgPool()
    told: list[str] = []
    controls.on_change(lambda: told.append("told"))
    optional: Any = controls.single("divisor_override")
    optional.number.value = 7
    assert controls.values()["divisor_override"] is None
    assert told == [], "a number that is not given means nothing"
    optional.given.value = True
    assert controls.values()["divisor_override"] == 7
    controls.set(divisor_override=3)
    assert controls.values()["divisor_override"] == 3
    controls.set(divisor_override=None)
    assert controls.values()["divisor_override"] is None
    controls.set(divisor_override=5)
    controls.set(afresh=True)
    assert AvgPool(**controls.values()) == AvgPool()


def test_a_stride_that_is_not_given_starts_as_the_kernel_size() -> None:
    assert OperationControls(MaxPool).values()["stride"] == 2
