"""What each of PyTorch's operators does to receptive fields.

The operators are those that layers and functions come down to (`aten::convolution` for Conv2d,
ConvTranspose2d and F.conv2d alike), so that it does not matter how a model calls them. Values alone
count: batch and group statistics of normalisation layers are not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from resample_viz.analysis.tracing.receptive import (
    AxisField,
    Field,
    adaptive,
    copied,
    gather,
    resized,
    stamp,
    window,
)


@dataclass(frozen=True)
class Call:
    """One operator that was run: its name, its arguments by name, what it read and made.

    `seen` holds the tensors among the arguments that depend on the input, with their fields.
    """

    name: str
    arguments: dict[str, Any]
    seen: list[tuple[Tensor, Field]]
    out: Tensor

    @classmethod
    def of(cls, func: Any, args: Any, kwargs: Any, seen: Any, out: Tensor) -> Call:
        """Names the arguments as the operator's schema does, and adds its defaults."""
        known = func._schema.arguments
        named = {one.name: one.default_value for one in known if one.has_default_value()}
        named |= {one.name: value for one, value in zip(known, args)} | kwargs
        return cls(func.overloadpacket.__name__.rstrip("_"), named, seen, out)

    @property
    def source(self) -> Tensor:
        """The (first) tensor that was read."""
        return self.seen[0][0]

    @property
    def field(self) -> Field:
        """Its field."""
        return self.seen[0][1]

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def pair(self, name: str) -> tuple[int, int]:
        """An argument with a number per axis; one number stands for both."""
        value = self.arguments[name]
        if isinstance(value, int):
            return value, value
        return (value[0], value[-1])

    def both(self, change: Callable[[AxisField, int], AxisField]) -> Field:
        """Applies `change(axis, 0 or 1)` to rows and columns."""
        return Field(change(self.field.rows, 0), change(self.field.cols, 1), self.field.is_bound)

    @property
    def sizes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(rows, columns) before and after."""
        return extent(self.source), extent(self.out)


Rule = Callable[[Call], Field]
RULES: dict[str, Rule] = {}

KEEP = {
    "native_batch_norm",
    "cudnn_batch_norm",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_no_training",
    "_batch_norm_with_update",
    "_batch_norm_no_update",
    "native_group_norm",
    "native_layer_norm",
    "native_dropout",
    "_prelu_kernel",
    "clone",
    "detach",
    "alias",
    "_to_copy",
    "contiguous",
    "glu",
    "fill",
    "zero",
}
"""Operators that change values in place, so to say: cell by cell."""

ALONG_DIM = {"_softmax", "_log_softmax", "sum", "mean", "amax", "amin", "cumsum", "split"}
ALONG_DIM |= {"select", "squeeze", "unsqueeze", "cat", "stack", "index_select", "split_with_sizes"}
ALONG_DIM |= {"unbind", "flip", "roll", "std", "var", "norm", "linalg_vector_norm"}
"""Operators that work along `dim`: they keep the fields if that is no axis of the picture."""


def field_of(call: Call, *, pointwise: bool) -> Field:
    """The receptive field of what the call has made."""
    if call.name in RULES:
        return RULES[call.name](call)
    if call.out.ndim >= 3 and _keeps_the_picture(call, pointwise):
        return _merged(call)
    return _mixed(call)


def extent(tensor: Tensor) -> tuple[int, int]:
    """The last two sizes; 1 for those that are missing."""
    rows, cols = (1, 1, *tensor.shape)[-2:]
    return int(rows), int(cols)


def _keeps_the_picture(call: Call, pointwise: bool) -> bool:
    if pointwise or call.name in KEEP or call.name == "expand":
        return True
    if call.name in ALONG_DIM:
        axes = (call.source.ndim - 2, call.source.ndim - 1)
        return not any(dim in axes for dim in _dims(call))
    if call.name in ("permute", "transpose"):
        order = list(range(call.source.ndim))
        if call.name == "permute":
            order = [dim % len(order) for dim in call["dims"]]
        else:
            one, other = call["dim0"] % len(order), call["dim1"] % len(order)
            order[one], order[other] = order[other], order[one]
        return order[-2:] == [len(order) - 2, len(order) - 1]
    if call.name in ("view", "_unsafe_view", "reshape", "_reshape_alias"):
        return call.source.ndim >= 3 and extent(call.source) == extent(call.out)
    return False


def _dims(call: Call) -> list[int]:
    """The dimensions an operator works along; all of them if it names none."""
    given = call.arguments.get("dim", call.arguments.get("dims"))
    if given is None or given == []:
        return list(range(call.source.ndim))
    dims = given if isinstance(given, Sequence) else [given]
    return [dim % call.source.ndim for dim in dims]


def _merged(call: Call) -> Field:
    """All paths that meet in the output; single rows and columns are broadcast."""
    rows, cols = extent(call.out)
    result: Field | None = None
    for tensor, field in call.seen:
        high, wide = extent(tensor)
        fitted = field.broadcast(high == 1 < rows, wide == 1 < cols)
        result = fitted if result is None else result.joined(fitted, rows, cols)
    assert result is not None
    return result


def _mixed(call: Call) -> Field:
    """Every output may depend on every cell of every input: certain where one cell is left."""
    flattened = call.out.ndim <= 2 and call.out.shape[:1] == call.source.shape[:1]
    known = flattened or extent(call.out) == (1, 1)
    result: Field | None = None
    for tensor, field in call.seen:
        whole = field.whole(*extent(tensor), known=known)
        result = whole if result is None else result.joined(whole, 1, 1)
    assert result is not None
    return result


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Registers the rule of operators."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


@rule("convolution", "_convolution")
def _convolution(call: Call) -> Field:
    taps = call["weight"].shape[2:]
    after = call.sizes[1]
    if len(taps) != 2 or call["weight"] is call.source:
        return _mixed(call)
    step, pad, spread = (call.pair(name) for name in ("stride", "padding", "dilation"))
    layer = stamp if call["transposed"] else window
    return call.both(
        lambda axis, n: layer(axis, taps[n], step[n], pad[n], spread[n], size=after[n])
    )


@rule("max_pool2d_with_indices", "avg_pool2d", "max_pool2d")
def _pool(call: Call) -> Field:
    taps, pad, after = call.pair("kernel_size"), call.pair("padding"), call.sizes[1]
    step = call.pair("stride") if call["stride"] else taps
    spread = call.pair("dilation") if "dilation" in call.arguments else (1, 1)
    return call.both(
        lambda axis, n: window(axis, taps[n], step[n], pad[n], spread[n], size=after[n])
    )


@rule("_adaptive_avg_pool2d", "adaptive_max_pool2d")
def _adaptive_pool(call: Call) -> Field:
    before, after = call.sizes
    return call.both(lambda axis, n: adaptive(axis, before[n], after[n]))


@rule("max_unpool2d")
def _unpool(call: Call) -> Field:
    """A winner may return to any cell of its window; which one, the indices say."""
    before, after = call.sizes
    factor = [max(1, round(m / n)) for n, m in zip(before, after)]
    joined = _merged(Call(call.name, call.arguments, call.seen, call.source))
    rows = gather(joined.rows, factor[0], 1, lambda _: (0,), after[0])
    cols = gather(joined.cols, factor[1], 1, lambda _: (0,), after[1])
    return Field(rows, cols, joined.is_bound)


@rule("pixel_shuffle")
def _shuffle(call: Call) -> Field:
    times, after = call["upscale_factor"], call.sizes[1]
    return call.both(lambda axis, n: gather(axis, times, 1, lambda _: (0,), after[n]))


@rule("pixel_unshuffle")
def _unshuffle(call: Call) -> Field:
    times, after = call["downscale_factor"], call.sizes[1]
    return call.both(lambda axis, n: window(axis, times, times, size=after[n]))


@rule("constant_pad_nd", "reflection_pad2d", "replication_pad2d")
def _pad(call: Call) -> Field:
    """Padding moves the cells; what lies in it is counted as if the picture went on."""
    pad = call["pad" if "pad" in call.arguments else "padding"]
    before = {1: pad[0], 0: pad[2] if len(pad) > 2 else 0}
    after = call.sizes[1]
    return call.both(lambda axis, n: gather(axis, 1, 1, lambda _: (-before[n],), after[n]))


@rule("slice")
def _slice(call: Call) -> Field:
    axis = call["dim"] % call.source.ndim - (call.source.ndim - 2)
    if axis < 0:
        return call.field
    size, after = call.sizes[0][axis], call.sizes[1][axis]
    start = call["start"] or 0
    start = max(0, start + size) if start < 0 else min(start, size)
    step = call["step"]
    return call.both(
        lambda one, n: gather(one, 1, step, lambda _: (start,), after) if n == axis else one
    )


def _scales(call: Call) -> tuple[float | None, float | None]:
    given = call.arguments
    if given.get("scale_factors"):
        return given["scale_factors"][0], given["scale_factors"][-1]
    return given.get("scales_h"), given.get("scales_w")


@rule("upsample_nearest2d", "_upsample_nearest_exact2d")
def _nearest(call: Call) -> Field:
    before, after = call.sizes
    exact, scales = "exact" in call.name, _scales(call)
    return call.both(
        lambda axis, n: copied(axis, before[n], after[n], scale=scales[n], exact=exact)
    )


@rule(
    "upsample_bilinear2d",
    "upsample_bicubic2d",
    "_upsample_bilinear2d_aa",
    "_upsample_bicubic2d_aa",
)
def _interpolate(call: Call) -> Field:
    before, after = call.sizes
    scales = _scales(call)
    return call.both(
        lambda axis, n: resized(
            axis,
            before[n],
            after[n],
            reach=2 if "bicubic" in call.name else 1,
            scale=scales[n],
            align_corners=call["align_corners"],
            antialias=call.name.endswith("aa"),
        )
    )


def is_pointwise(func: Any) -> bool:
    """Whether PyTorch itself says that an operator works cell by cell."""
    return torch.Tag.pointwise in func.tags
