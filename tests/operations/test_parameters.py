"""Annotations, read as the description of controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from resample_viz.operations import (
    FROM_INPUT,
    Conv,
    ConvTranspose,
    Instead,
    Pair,
    Parameter,
    Range,
    Ranks,
    Upsample,
    Weights,
    parameters,
)


@dataclass(frozen=True)
class Layer:
    """Every kind of annotation once."""

    kernel_size: Annotated[int | Pair, Range(1, 7)] = 3
    dilation: Annotated[int, Range(1, 4)] = 1
    slope: Annotated[float, Range(0, 1, 0.1)] = 0.2
    scale: Annotated[float | tuple[float, ...] | None, Range(0.25, 8, 0.05)] = None
    size: Annotated[int | tuple[int, ...] | None, Range(1, 512), Instead("scale")] = None
    padding_mode: Literal["zeros", "reflect"] = "zeros"
    mode: Annotated[Literal["linear", "area"], Ranks(linear=(3,))] = "area"
    bias: bool = True
    kernel: Literal["box", "sobel"] | Weights = "box"
    padding: Annotated[int | Pair | Literal["same", "valid"], Range(0, 8)] = 0
    in_channels: Annotated[int, FROM_INPUT] = 1


def described(operation: type) -> dict[str, Parameter]:
    return {parameter.name: parameter for parameter in parameters(operation)}


def test_parameters_come_in_the_order_of_the_fields() -> None:
    assert list(described(Layer)) == list(Layer.__dataclass_fields__)
    assert list(described(Upsample)) == list(Upsample.__dataclass_fields__)


def test_a_bool_is_a_switch() -> None:
    assert described(Layer)["bias"] == Parameter("bias", "switch", True)


def test_a_literal_is_a_choice() -> None:
    expected = Parameter("padding_mode", "choice", "zeros", ("zeros", "reflect"))
    assert described(Layer)["padding_mode"] == expected


def test_a_choice_may_fit_some_numbers_of_dimensions_only() -> None:
    mode = described(Layer)["mode"]
    assert mode.choices_for(3) == ("linear", "area")
    assert mode.choices_for(4) == ("area",)
    assert described(Layer)["padding_mode"].choices_for(4) == ("zeros", "reflect")


def test_a_number_has_a_range() -> None:
    slope = Parameter("slope", "number", 0.2, range=Range(0, 1, 0.1))
    assert described(Layer)["slope"] == slope
    dilation = Parameter("dilation", "number", 1, range=Range(1, 4), whole=True)
    assert described(Layer)["dilation"] == dilation


def test_a_tuple_makes_a_pair() -> None:
    kernel = described(Layer)["kernel_size"]
    assert kernel.pair
    assert kernel.whole
    assert not kernel.optional


def test_one_parameter_can_stand_instead_of_another() -> None:
    scale, size = described(Layer)["scale"], described(Layer)["size"]
    assert (scale.pair, scale.whole, scale.optional, scale.instead_of) == (True, False, True, None)
    assert (size.pair, size.whole, size.optional, size.instead_of) == (True, True, True, "scale")


def test_a_choice_may_take_an_own_tensor_too() -> None:
    expected = Parameter("kernel", "choice", "box", ("box", "sobel"), own=True)
    assert described(Layer)["kernel"] == expected
    assert not described(Layer)["padding_mode"].own


def test_words_may_stand_for_a_number() -> None:
    padding = described(Layer)["padding"]
    assert (padding.kind, padding.words) == ("number", ("same", "valid"))
    assert (padding.pair, padding.whole, padding.optional) == (True, True, False)
    assert padding.choices == ()
    assert described(Layer)["dilation"].words == ()


def test_what_the_input_decides_needs_no_range() -> None:
    channels = described(Layer)["in_channels"]
    assert channels == Parameter("in_channels", "number", 1, whole=True, from_input=True)
    assert not described(Layer)["dilation"].from_input


@pytest.mark.parametrize("layer", [Conv, ConvTranspose])
def test_convolutions_describe_their_controls(layer: type) -> None:
    found = described(layer)
    assert list(found)[:3] == ["kernel", "kernel_size", "stride"]
    assert found["kernel"].own
    assert found["kernel_size"].default == 3, "until a learner's own kernel says otherwise"
    assert found["padding"].words == (("same", "valid") if layer is Conv else ())
    pairs = {name for name, parameter in found.items() if parameter.pair}
    assert pairs - {"output_padding"} == {"kernel_size", "stride", "padding", "dilation"}
    assert [name for name, parameter in found.items() if parameter.from_input] == ["in_channels"]


def test_defaults_are_those_of_a_fresh_operation() -> None:
    assert described(Upsample)["scale_factor"].default == 2.0, "which __post_init__ fills in"
    assert described(Upsample)["size"].default is None


def test_modes_fit_as_pytorch_documents_them() -> None:
    mode = described(Upsample)["mode"]
    everywhere = {"nearest", "nearest-exact", "area"}
    assert set(mode.choices_for(3)) == everywhere | {"linear"}
    assert set(mode.choices_for(4)) == everywhere | {"bilinear", "bicubic", "lanczos"}
    assert set(mode.choices_for(5)) == everywhere | {"trilinear"}


@dataclass(frozen=True)
class Boundless:
    """A number of which nobody said how large it may be."""

    momentum: float = 0.9


def test_a_number_without_a_range_is_a_mistake_of_its_author() -> None:
    with pytest.raises(TypeError, match="'momentum' has no Range"):
        parameters(Boundless)
