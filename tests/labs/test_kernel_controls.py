"""Controls of layers with kernels: words, own tensors, hidden ones, and what the input decides."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from resample_viz.labs.controls import (
    ChoiceOrOwn,
    NumberOrWord,
    OperationControls,
    PairSliders,
    Slider,
    names_of,
)
from resample_viz.operations import Conv, ConvTranspose, OperationError, Range, Weights


@pytest.fixture
def controls() -> OperationControls:
    return OperationControls(Conv)


def told(control: Any) -> list[Any]:
    """The values after each call back."""
    values: list[Any] = []
    control.on_change(lambda: values.append(control.value))
    return values


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_fresh_controls_describe_the_layer_with_its_own_defaults(kind: Any) -> None:
    assert kind(**OperationControls(kind).values()) == kind()


SETTINGS: list[dict[str, Any]] = [
    {"padding": "same"},
    {"padding": (0, 2), "padding_mode": "circular"},
    {"padding": 9},
    {"kernel": "random", "seed": 5},
    {"kernel": torch.ones(2, 3)},
    {"kernel": [[1, 2], [3, 4]], "stride": [1, 2]},
    {"kernel": torch.arange(8.0).view(4, 1, 1, 2)},
    {"out_channels": 12, "bias": True},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda value: str(value)[:40])
def test_what_is_set_is_what_comes_out_and_a_fresh_start_forgets_it(
    controls: OperationControls, settings: dict[str, Any]
) -> None:
    controls.set(**settings)
    assert Conv(**controls.values()) == Conv(**settings)
    controls.set(afresh=True)
    assert Conv(**controls.values()) == Conv()


# A number or a word


def padding() -> NumberOrWord:
    sliders = PairSliders("padding", Range(0, 6), 1, whole=True)
    return NumberOrWord("padding", ("same", "valid"), sliders, 1)


def test_a_word_stands_in_the_place_of_the_number() -> None:
    control = padding()
    values = told(control)
    control.which.value = "same"
    assert control.value == "same"
    assert control.number.widget.layout.display == "none"
    control.number.height.widget.value = 4
    control.which.value = control.BY_NUMBER
    assert control.number.widget.layout.display is None
    assert values == ["same", 4], "a number that does not count is not told"


def test_a_number_is_told_once_when_it_takes_the_place_of_a_word() -> None:
    control = padding()
    control.value = "valid"
    assert control.value == "valid"
    control.value = (2, 3)
    assert control.value == (2, 3)
    assert control.which.value == control.BY_NUMBER


def test_a_word_that_is_none_is_refused_in_one_sentence(controls: OperationControls) -> None:
    with pytest.raises(OperationError, match=r"padding 'full' does not exist.*\.$"):
        controls.set(padding="full")


# A choice or something of one's own


def test_an_own_tensor_joins_the_choices_and_can_be_left_again() -> None:
    control = ChoiceOrOwn("kernel", ("box", "ones"), "box")
    values = told(control)
    assert control.OWN not in names_of(control.widget.options)
    own, other = Weights(torch.ones(2, 2)), Weights(torch.zeros(2, 2))
    control.value = own
    control.value = other
    control.value = other
    control.value = "ones"
    control.widget.value = control.OWN
    assert values == [own, other, "ones", other], "each change is told once"
    assert names_of(control.widget.options).count(control.OWN) == 1


# Hidden controls


def test_the_seed_is_on_the_screen_while_it_means_something(controls: OperationControls) -> None:
    seed = controls.single("seed").widget.layout
    assert seed.display == "none"
    controls.single("kernel").value = "random"
    assert seed.display is None
    controls.set(kernel="box")
    assert seed.display == "none"
    controls.set(kernel=torch.ones(2, 2))
    assert seed.display == "none"


# What the input decides


def test_channels_of_the_input_have_no_control(controls: OperationControls) -> None:
    assert controls.given == {"in_channels": 1}
    with pytest.raises(KeyError):
        controls.single("in_channels")
    with pytest.raises(TypeError, match="no parameter 'in_channels'"):
        controls.set(in_channels=3)
    controls.given["in_channels"] = 3
    controls.set(afresh=True, kernel="box")
    assert controls.values()["in_channels"] == 3


# Sizes that follow an own tensor


def test_sizes_follow_an_own_tensor(controls: OperationControls) -> None:
    controls.set(kernel_size=5, out_channels=2)
    controls.set(kernel=torch.ones(2, 3))
    assert controls.values()["kernel_size"] == (2, 3)
    controls.set(kernel=torch.ones(4, 1, 1, 1))
    assert (controls.values()["kernel_size"], controls.values()["out_channels"]) == (1, 4)


def test_a_size_given_with_an_own_tensor_must_fit_it(controls: OperationControls) -> None:
    controls.set(kernel=torch.ones(2, 2), kernel_size=2)
    before = controls.values()
    with pytest.raises(OperationError, match="makes kernel_size 2, not 3"):
        controls.set(kernel=torch.ones(2, 2) * 5, kernel_size=3)
    assert controls.values() == before


def test_a_named_kernel_keeps_the_size_that_is_set(controls: OperationControls) -> None:
    controls.set(kernel_size=5)
    controls.set(kernel="box")
    assert controls.values()["kernel_size"] == 5


# Refusals


def test_what_is_refused_further_on_puts_every_control_back(controls: OperationControls) -> None:
    controls.set(kernel=torch.ones(2, 2), padding="same", out_channels=2)
    before = controls.values()

    def refused() -> None:
        controls.given["in_channels"] = 3
        controls.set(kernel="random", kernel_size=3, padding=(1, 2), seed=7, groups=1)
        raise OperationError("no.")

    with pytest.raises(OperationError, match="no"), controls.kept_if_refused():
        refused()
    assert controls.values() == before
    with controls.kept_if_refused():
        controls.set(kernel="box")
    assert controls.values()["kernel"] == "box"


@pytest.mark.parametrize("value", [0, 5, 2.5, "2", True, None])
def test_a_slider_of_the_labs_own_takes_what_it_offers_and_nothing_else(value: Any) -> None:
    slider = Slider("levels", Range(1, 4), 2, whole=True, strict=True)
    with pytest.raises(OperationError, match=r"levels must be a whole number from 1 to 4.*\.$"):
        slider.value = value
    assert (slider.value, slider.widget.value) == (2, 2)
    slider.value = 4
    assert slider.widget.value == 4
