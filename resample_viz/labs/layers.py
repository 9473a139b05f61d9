"""A layer of the learner's own in the lab that explains it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.labs.base import Lab
from resample_viz.labs.convolution import ConvolutionLab
from resample_viz.labs.transposed_convolution import TransposedConvolutionLab
from resample_viz.labs.unpooling import UnpoolingLab
from resample_viz.labs.upsampling import UpsamplingLab
from resample_viz.operations import OperationError

MOST_CHANNELS = 8  # output channels of a convolution that its lab shows
MOST_CELLS = 64  # per axis of the input: numbers in cells are for small maps


def layer_lab(layer: nn.Module, x: Tensor) -> Lab | None:
    """The lab of a layer with its weights, on x, (1, C, H, W); None if there is no such lab.

    What it leaves out is said in its hint. Raises OperationError or ImageError if x does not fit.
    """
    make = next((make for kind, make in LABS_OF if isinstance(layer, kind)), None)
    if make is None:
        return None
    shown, notes = _middle(x)
    lab, more = make(layer, shown)
    notes += more
    if notes:
        lab.look = f"Your own {type(layer).__name__}. {' '.join(notes)}"
        lab.show_again()
    return lab


def _middle(x: Tensor) -> tuple[Tensor, list[str]]:
    """The middle of a large map."""
    rows, cols = x.shape[2:]
    if max(rows, cols) <= MOST_CELLS:
        return x, []
    high, wide = min(rows, MOST_CELLS), min(cols, MOST_CELLS)
    top, left = (rows - high) // 2, (cols - wide) // 2
    part = x[..., top : top + high, left : left + wide]
    return part, [f"The middle {high} × {wide} cells of {rows} × {cols} are shown."]


Made = tuple[Lab, list[str]]


def _convolution(layer: nn.Conv2d, x: Tensor) -> Made:
    _check_channels(layer, x)
    weight = layer.weight.detach().float()
    groups, notes = layer.groups, _bias_note(layer)
    if len(weight) > MOST_CHANNELS and groups == 1:
        notes.append(f"The first {MOST_CHANNELS} of its {len(weight)} output channels are shown.")
        weight = weight[:MOST_CHANNELS]
    elif groups > MOST_CHANNELS and groups == len(weight):
        notes.append(f"The first {MOST_CHANNELS} of its {groups} groups are shown.")
        weight, groups = weight[:MOST_CHANNELS], MOST_CHANNELS
        x = x[:, : MOST_CHANNELS * weight.shape[1]]
    settings = _settings(layer, "stride", "padding", "dilation", "padding_mode")
    return ConvolutionLab(kernel=weight, groups=groups, image=x, **settings), notes


def _transposed(layer: nn.ConvTranspose2d, x: Tensor) -> Made:
    _check_channels(layer, x)
    weight = layer.weight.detach().float()
    notes = _bias_note(layer)
    if layer.groups == 1 and weight.shape[1] > MOST_CHANNELS:
        notes.append(
            f"The first {MOST_CHANNELS} of its {weight.shape[1]} output channels are shown."
        )
        weight = weight[:, :MOST_CHANNELS]
    settings = _settings(layer, "stride", "padding", "output_padding", "dilation", "groups")
    return TransposedConvolutionLab(kernel=weight, image=x, **settings), notes


def _pooling(layer: nn.MaxPool2d, x: Tensor) -> Made:
    settings = _settings(layer, "kernel_size", "stride", "padding", "dilation", "ceil_mode")
    return UnpoolingLab(image=x, **settings), []


def _upsampling(layer: nn.Upsample, x: Tensor) -> Made:
    settings = _settings(layer, "scale_factor", "mode")
    lab = UpsamplingLab(image=x, align_corners=bool(layer.align_corners), **settings)
    if layer.size is not None:  # the lab's own keyword `size` is that of its picture
        size = layer.size if isinstance(layer.size, int) else tuple(layer.size)
        lab.controls.set(size=size)
    return lab, []


def _shuffling(layer: nn.PixelShuffle, x: Tensor) -> Made:
    """A transposed convolution that puts every channel to its own place is the same thing."""
    times = layer.upscale_factor
    if x.shape[1] % times**2:
        raise OperationError(
            f"the layer lays {times**2} channels side by side, but {x.shape[1]} come in: give it a "
            f"multiple of {times**2}."
        )
    outputs = min(x.shape[1] // times**2, MOST_CHANNELS)
    x = x[:, : outputs * times**2]
    weight = F.pixel_shuffle(torch.eye(x.shape[1])[..., None, None], times)
    notes = ["Shown as the transposed convolution that does the same: its weights are 0 and 1."]
    return TransposedConvolutionLab(kernel=weight, stride=times, image=x), notes


def _check_channels(layer: Any, x: Tensor) -> None:
    if x.shape[1] != layer.in_channels:
        raise OperationError(
            f"the layer takes {layer.in_channels} channels, but x has {x.shape[1]}: give it a "
            f"tensor of shape (1, {layer.in_channels}, H, W)."
        )
    if layer.weight.is_meta:
        raise OperationError(
            "the layer lies on the meta device and has no weights to show: build it without "
            'torch.device("meta").'
        )


def _settings(layer: nn.Module, *names: str) -> dict[str, Any]:
    """Settings as a lab takes them: one number instead of two equal ones, none that is None."""
    settings = {name: getattr(layer, name) for name in names}
    plain = {
        name: value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
        for name, value in settings.items()
    }
    return {name: value for name, value in plain.items() if value is not None}


def _bias_note(layer: Any) -> list[str]:
    return [] if layer.bias is None else ["Its bias is left out."]


LABS_OF: tuple[tuple[type[nn.Module], Callable[[Any, Tensor], Made]], ...] = (
    (nn.Conv2d, _convolution),
    (nn.ConvTranspose2d, _transposed),
    (nn.MaxPool2d, _pooling),
    (nn.Upsample, _upsampling),
    (nn.PixelShuffle, _shuffling),
)
"""Which layer opens in which lab."""
