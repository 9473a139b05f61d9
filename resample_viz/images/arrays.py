"""Arrays and tensors, brought to (1, C, H, W) float32."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from resample_viz.images.errors import ImageError
from resample_viz.images.sizes import check_bytes
from resample_viz.words import N_, ngettext
from resample_viz.words import gettext as _

MAX_CHANNELS = 4096
"""Feature maps with more channels are refused, as no network's layers have them."""
MANY_CHANNELS = 512
"""More of them are most often axes in the wrong order, if the last one is so short alone:"""
NARROW = 4

_SHAPES = N_("(H, W), (C, H, W), (H, W, C) with C = 1, 3 or 4, or (1, C, H, W)")


def from_array(array: np.ndarray, target: tuple[int, int] | None) -> Tensor:
    """A numpy array as a tensor (1, C, H, W): see `load_image`."""
    if array.dtype.kind not in "biuf":
        raise ImageError(
            _(
                "the array holds {dtype} values, not real numbers: for complex ones pass "
                "numpy.abs(x), for others array.astype(float).",
                dtype=array.dtype,
            )
        )
    axes = _axes(array.shape, N_("array"), channels_last_wins=True)
    # numpy converts what torch.from_numpy refuses: other byte orders, negative strides, read-only.
    with np.errstate(over="ignore"):
        values = torch.from_numpy(np.array(array, dtype=np.float32, order="C", subok=False))
    return _arranged(values, axes, _top_level(str(array.dtype.newbyteorder("="))), target, "array")


def from_tensor(tensor: Tensor, target: tuple[int, int] | None) -> Tensor:
    """A torch tensor as a tensor (1, C, H, W): see `load_image`."""
    if tensor.is_complex():
        raise ImageError(
            _("the tensor holds {dtype} values: pass x.abs() or x.real.", dtype=tensor.dtype)
        )
    if tensor.is_quantized:
        raise ImageError(
            _("the tensor is quantised ({dtype}): pass x.dequantize().", dtype=tensor.dtype)
        )
    if tensor.is_nested or tensor.layout != torch.strided:
        raise ImageError(
            _("the tensor's layout is {layout}: pass x.to_dense().", layout=tensor.layout)
        )
    if tensor.is_meta:
        raise ImageError(
            _("the tensor is on the meta device and holds no values: pass a real one.")
        )
    axes = _axes(tuple(tensor.shape), N_("tensor"), channels_last_wins=False)
    plain = tensor.detach().as_subclass(Tensor)
    try:
        values = plain.to("cpu", torch.float32, copy=True, memory_format=torch.contiguous_format)
    except (
        RuntimeError,
        TypeError,
    ) as error:  # packed types such as torch.uint4 have no conversion
        raise ImageError(
            _(
                "{dtype} values cannot be turned into float32: pass another type.",
                dtype=tensor.dtype,
            )
        ) from error
    top = _top_level(str(tensor.dtype).removeprefix("torch."))
    return _arranged(values, axes, top, target, "tensor")


def _axes(shape: tuple[int, ...], what: str, *, channels_last_wins: bool) -> str:
    """The layout of a shape: "HW", "CHW", "HWC" or "NCHW". Refuses what has none, or will not fit.

    Three axes can be read in two ways. NumPy keeps channels last and PyTorch keeps them first, so
    - an array is (H, W, C) if its last axis is 1, 3 or 4 long, otherwise (C, H, W);
    - a tensor is (C, H, W), unless only the other reading makes sense: its last axis is 1, 3 or 4
      long and both others are longer than 4.
    Four axes are always (1, C, H, W), which leaves nothing to guess.
    """
    if len(shape) not in (2, 3, 4):
        raise ImageError(
            ngettext(
                "the {what} of shape {shape} has {count} dimension: pass {shapes}.",
                "the {what} of shape {shape} has {count} dimensions: pass {shapes}.",
                len(shape),
                what=_(what),
                shape=shape,
                shapes=_(_SHAPES),
            )
        )
    if 0 in shape:
        raise ImageError(
            _(
                "the {what} of shape {shape} is empty: every side must be at least 1.",
                what=_(what),
                shape=shape,
            )
        )
    if len(shape) == 4 and shape[0] != 1:
        raise ImageError(
            _(
                "the {what} of shape {shape} is a batch of {count}, and one picture is shown at "
                "a time: pass x[:1] for the first.",
                what=_(what),
                shape=shape,
                count=shape[0],
            )
        )
    layout = {2: "HW", 3: "CHW", 4: "NCHW"}[len(shape)]
    last_may_be_channels = len(shape) == 3 and shape[2] in (1, 3, 4)
    if last_may_be_channels and (channels_last_wins or min(shape[:2]) > 4):
        layout = "HWC"
    sides = dict(zip(layout, shape, strict=True))
    channels = sides.get("C", 1)
    most = MANY_CHANNELS if shape[-1] <= NARROW < shape[-2] else MAX_CHANNELS
    if channels > most:
        raise ImageError(
            _(
                "the {what} of shape {shape} has {channels} channels, more than the {most} "
                "allowed: pass some of them (x[:, :64]), or move the channels to the front "
                "({way_out}).",
                what=_(what),
                shape=shape,
                channels=channels,
                most=most,
                way_out="x.permute(0, 3, 1, 2)" if len(shape) == 4 else "x.permute(2, 0, 1)",
            )
        )
    check_bytes(channels, sides["H"], sides["W"], _("pass a part of it, e.g. x[..., :512, :512]"))
    return layout


def _top_level(dtype: str) -> float | None:
    """The level that means white, for the types that hold picture levels."""
    return {"uint8": 255.0, "uint16": 65535.0}.get(dtype)


def _arranged(
    values: Tensor, axes: str, top: float | None, target: tuple[int, int] | None, what: str
) -> Tensor:
    """Float values laid out as `axes` says, scaled and checked, as (1, C, H, W)."""
    _check_finite(values, what)
    if top is not None:
        values = values.div_(top)
    if axes == "HWC":
        values = values.permute(2, 0, 1)
        if len(values) == 4:
            values = _on_white(values, what)
    picture = values.reshape(1, -1, *values.shape[-2:]).contiguous()
    if target is not None and target != tuple(picture.shape[-2:]):
        raise ImageError(
            _(
                "the {what} is {height} x {width} and numbers are never resampled silently: "
                "leave size out, or pass F.interpolate(x, size={target}).",
                what=_(what),
                height=picture.shape[-2],
                width=picture.shape[-1],
                target=target,
            )
        )
    return picture


def _check_finite(values: Tensor, what: str) -> None:
    nan, infinite = int(values.isnan().sum()), int(values.isinf().sum())
    if nan or infinite:
        raise ImageError(
            _(
                "the {what} holds {nan} NaN and {infinite} infinite values among {count} "
                "(float32 ends at 3.4e38): replace them with {library}.nan_to_num(x).",
                what=_(what),
                nan=nan,
                infinite=infinite,
                count=values.numel(),
                library="torch" if what == "tensor" else "numpy",
            )
        )


def _on_white(rgba: Tensor, what: str) -> Tensor:
    """(4, H, W) red, green, blue and opacity in [0, 1], laid on white: (3, H, W)."""
    colour, alpha = rgba[:3], rgba[3:]
    low, high = float(alpha.min()), float(alpha.max())
    if low < 0 or high > 1:
        raise ImageError(
            _(
                "the {what} of shape (H, W, 4) is read as RGBA, but its opacity runs from "
                "{low} to {high} instead of 0 to 1: pass a 4-channel feature map as (1, 4, H, "
                "W).",
                what=_(what),
                low=format(low, ".3g"),
                high=format(high, ".3g"),
            )
        )
    return colour * alpha + (1 - alpha)
