"""A layer of the learner's own in the lab that explains it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn

from resample_viz.labs.convolution import ConvolutionLab
from resample_viz.labs.core.lab import Lab
from resample_viz.labs.normalization import NormalizationLab
from resample_viz.labs.operation import OperationLab
from resample_viz.labs.transposed_convolution import TransposedConvolutionLab
from resample_viz.labs.unpooling import UnpoolingLab
from resample_viz.labs.upsampling import UpsamplingLab
from resample_viz.operations import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    Chain,
    Conv,
    ConvTranspose,
    MaxPool,
    MaxUnpool,
    Normalize,
    Operation,
    OperationError,
    Upsample,
    operation_of,
)
from resample_viz.operations.kernel_layer import KernelLayer
from resample_viz.words import gettext as _

Made = tuple[Lab, list[str]]
UNPOOLED = (
    "MaxUnpool2d takes values and indices: here x is first pooled with the same window, which "
    "gives both."
)


def layer_lab(layer: nn.Module, x: Tensor, said: Sequence[str] = ()) -> Lab | None:
    """The lab of a layer with its weights and settings, on x, (1, C, H, W).

    It also says what it shows otherwise than the layer has it, after what was `said` before. None
    if there is no such lab. Raises OperationError or ImageError if x does not fit.
    """
    plain, notes = _in_float32(layer)
    operation = operation_of(plain)
    if operation is None or isinstance(operation, Chain):
        return None
    if isinstance(operation, KernelLayer):
        _check_channels(operation, x)
    if not isinstance(operation, MaxUnpool):
        operation(x)  # which says what is wrong, before anything is opened
    make = next((make for kind, make in LABS_OF if isinstance(operation, kind)), _plainly)
    lab, more = make(operation, x)
    say(lab, layer, [*said, *notes, *more])
    return lab


def say(lab: Lab, module: nn.Module, notes: Sequence[str]) -> None:
    """Shows sentences under the lab, until a control moves."""
    if notes:
        lab.look = f"Your own {type(module).__name__}. {' '.join(notes)}"
        lab.show_again()


def _in_float32(layer: nn.Module) -> tuple[nn.Module, list[str]]:
    """A layer that labs can compute: itself, or a copy of its weights in float32."""
    kinds = {one.dtype for one in layer.parameters() if one.is_floating_point()}
    if kinds <= {torch.float32} or any(one.is_meta for one in layer.parameters()):
        return layer, []
    names = ", ".join(sorted(map(str, kinds)))
    return copy.deepcopy(layer).float(), [f"Its weights are {names}: the lab computes in float32."]


def _check_channels(operation: KernelLayer, x: Tensor) -> None:
    if x.shape[1] != operation.in_channels:
        raise OperationError(
            _(
                "the layer takes {in_channels} channels, but x has {count}: give it a "
                "tensor of shape (1, {in_channels}, H, W).",
                in_channels=operation.in_channels,
                count=x.shape[1],
            )
        )


def _parameters(operation: Operation, *without: str) -> dict[str, Any]:
    """The parameters that are given, as keyword arguments."""
    given = {f.name: getattr(operation, f.name) for f in fields(operation)}  # type: ignore[arg-type]
    return {n: value for n, value in given.items() if value is not None and n not in without}


def _convolution(operation: Conv, x: Tensor) -> Made:
    # The kernel says how many channels there are.
    given = _parameters(operation, "kernel_size", "in_channels", "out_channels", "seed")
    return ConvolutionLab(image=x, **given), []


def _transposed(operation: ConvTranspose, x: Tensor) -> Made:
    given = _parameters(operation, "kernel_size", "in_channels", "out_channels", "seed")
    return TransposedConvolutionLab(image=x, **given), []


def _pooling(operation: MaxPool, x: Tensor) -> Made:
    try:
        return UnpoolingLab(image=x, **_parameters(operation)), []
    except OperationError:  # nn.MaxUnpool2d knows no dilation
        return OperationLab(operation, image=x), ["nn.MaxUnpool2d cannot go back from here."]


def _unpooling(operation: MaxUnpool, x: Tensor) -> Made:
    return UnpoolingLab(image=x, **_parameters(operation, "output_size")), [UNPOOLED]


def _upsampling(operation: Upsample, x: Tensor) -> Made:
    given = _parameters(operation, "size")
    if operation.size is None:
        return UpsamplingLab(image=x, **given), []
    lab = UpsamplingLab(image=x, scale_factor=1.0, **given)
    lab.controls.set(size=operation.size)  # the lab's own keyword `size` is that of its picture
    return lab, []


def _normalization(operation: Normalize, x: Tensor) -> Made:
    return NormalizationLab(image=x, mean=operation.mean, std=operation.std), []


def _adaptive(operation: AdaptiveAvgPool | AdaptiveMaxPool, x: Tensor) -> Made:
    """None in output_size, for which there is no slider, is the size of this very x."""
    if None not in operation.parts:
        return _plainly(operation, x)
    size = operation.sizes(x.shape)
    note = f"output_size={operation.output_size} is {size} for an x of this size."
    return OperationLab(type(operation)(size), image=x), [note]


def _plainly(operation: Operation, x: Tensor) -> Made:
    return OperationLab(operation, image=x), []


LABS_OF: tuple[tuple[Any, Callable[[Any, Tensor], Made]], ...] = (
    (Conv, _convolution),
    (ConvTranspose, _transposed),
    (MaxPool, _pooling),
    (MaxUnpool, _unpooling),
    (Upsample, _upsampling),
    (Normalize, _normalization),
    ((AdaptiveAvgPool, AdaptiveMaxPool), _adaptive),
)
"""Which operation opens in which lab; all others in `OperationLab`."""
