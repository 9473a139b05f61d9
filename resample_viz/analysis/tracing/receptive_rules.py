"""What each of PyTorch's operators does to receptive fields.

The operators are those that layers and functions come down to (`aten::convolution` for Conv2d,
ConvTranspose2d and F.conv2d alike), so that it does not matter how a model calls them. An operator
for which there is no rule is taken to mix everything that it reads: an upper bound that holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from resample_viz.analysis.tracing.layout import AXES, Axis, Layout
from resample_viz.analysis.tracing.receptive import (
    AxisField,
    Field,
    adaptive,
    copied,
    gather,
    picked,
    resized,
    stamp,
    union,
    window,
)


@dataclass(frozen=True)
class Call:
    """One operator that was run: its name, its arguments by name, what it read and one output.

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
        """An argument with a number per axis, rows and columns last; one number stands for all."""
        value = self.arguments[name]
        if isinstance(value, int):
            return value, value
        return (value[-1], value[-1]) if len(value) == 1 else (value[-2], value[-1])

    def both(self, change: Callable[[AxisField, int], AxisField]) -> Field:
        """Applies `change(axis, 0 or 1)` to rows and columns of a map (..., H, W)."""
        return replace(
            self.field,
            rows=change(self.field.rows, 0),
            cols=change(self.field.cols, 1),
            layout=Layout.of_map(self.out.shape),
        )

    @property
    def sizes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(rows, columns) before and after."""
        return extent(self.source), extent(self.out)


def layout_of(call: Call, *, pointwise: bool, axes: int) -> Layout | None:
    """Where the axes of a sequence or a volume lie in what the call has made; None if unknown.

    The fields of the call count by their layouts alone; for rows and columns they mean nothing.
    """
    if re.sub(r"[13]d", "2d", call.name) in ON_MAPS:
        is_plain = all(field.layout.is_plain(axes) for _, field in call.seen)
        return Layout.of_map(call.out.shape, axes) if is_plain else None
    field = field_of(call, pointwise=pointwise)
    return None if field is None else field.layout


Rule = Callable[[Call], Field | None]
"""What an operator makes of the fields that it reads; None if all may be mixed."""
RULES: dict[str, Rule] = {}
ON_MAPS: set[str] = set()
"""The operators that take their last two dimensions for rows and columns."""

ELEMENTWISE = {
    "_prelu_kernel",
    "_to_copy",
    "alias",
    "bernoulli",
    "clone",
    "contiguous",
    "copy",
    "detach",
    "expand",
    "fill",
    "hardswish",
    "lift_fresh",
    "log_sigmoid_forward",
    "native_dropout",
    "rrelu_with_noise",
    "zero",
}
"""Operators that work cell by cell, beside those of which PyTorch says so itself."""

NORMS = {
    "native_batch_norm",
    "cudnn_batch_norm",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_no_training",
    "_batch_norm_with_update",
    "_batch_norm_no_update",
    "native_group_norm",
    "native_layer_norm",
    "_fused_rms_norm",
}
ALONG_DIM = {
    *(
        "_log_softmax",
        "_softmax",
        "cat",
        "cummax",
        "cummin",
        "cumprod",
        "cumsum",
        "flip",
    ),
    *("gather", "index_select", "logcumsumexp", "roll", "slice", "sort", "split"),
    *("split_with_sizes", "tensor_split", "topk", "unsafe_split", "unsafe_split_with_sizes"),
}
"""Operators along `dim` that leave the number of dimensions as it is."""
REDUCTIONS = {
    *(
        "all",
        "amax",
        "amin",
        "any",
        "argmax",
        "argmin",
        "kthvalue",
        "linalg_vector_norm",
        "logsumexp",
        "max",
    ),
    *("mean", "median", "min", "mode", "nanmean", "nansum", "norm", "prod", "std", "std_mean"),
    *("sum", "var", "var_mean"),
}
"""Operators along `dim`, or all dimensions, of which one number is left."""
READ_ALL = REDUCTIONS | {"_log_softmax", "_softmax", "sort", "logcumsumexp"}


INDEPENDENT = {
    *("empty_like", "full_like", "new_empty", "new_full", "new_ones", "new_zeros", "ones_like"),
    *("rand_like", "randint_like", "randn_like", "zeros_like", "new_empty_strided"),
}
"""Operators that read the shape of a tensor, and no cell."""


def field_of(call: Call, *, pointwise: bool) -> Field | None:
    """The receptive field of what the call has made; None if that depends on no cell."""
    if call.name in INDEPENDENT:
        return None
    if pointwise or call.name in ELEMENTWISE:
        return _elementwise(call)
    field = RULES[call.name](call) if call.name in RULES else None
    return _mixed(call) if field is None else field


def extent(tensor: Tensor) -> tuple[int, int]:
    """The last two sizes; 1 for those that are missing."""
    rows, cols = (1, 1, *tensor.shape)[-2:]
    return int(rows), int(cols)


def is_pointwise(func: Any) -> bool:
    """Whether PyTorch itself says that an operator works cell by cell."""
    return torch.Tag.pointwise in func.tags


def _mixed(call: Call, *, is_bound: bool = True) -> Field:
    """Every output may depend on every cell of every input."""
    layout = Layout.without_map(call.out.shape)
    first, *others = (field.whole(layout, is_bound=is_bound) for _, field in call.seen)
    for other in others:
        first = first.joined(other)
    return first


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Registers the rule of operators."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def map_rule(*names: str, inputs: int = 1) -> Callable[[Rule], Rule]:
    """Registers the rule of operators that take their last two dimensions for rows and columns.

    If more of their arguments than `inputs` depend on the picture, as weights may, all is mixed.
    """

    def register(function: Rule) -> Rule:
        def apply(call: Call) -> Field | None:
            are_maps = all(field.layout.is_map for _, field in call.seen)
            return function(call) if are_maps and len(call.seen) <= inputs else None

        ON_MAPS.update(names)
        rule(*names)(apply)
        return function

    return register


# Cell by cell, with broadcasting


def _elementwise(call: Call) -> Field:
    """All tensors that meet in the output, dimension by dimension from the last one."""
    layout = _broadcast_layout(call)
    if layout is None:
        return _mixed(call)
    first, *others = (field.laid_out(layout) for _, field in call.seen)
    for other in others:
        first = first.joined(other)
    return first


def _broadcast_layout(call: Call) -> Layout | None:
    """The layout of the output; None if rows and columns of two inputs do not lie together."""
    dims = []
    for place in range(-call.out.ndim, 0):
        size = call.out.shape[place]
        parts = {
            field.layout.dims[place]
            for tensor, field in call.seen
            if -place <= tensor.ndim and tensor.shape[place] == size
        }
        with_axis = {dim for dim in parts if any(name for name, _ in dim)}
        if len(with_axis) > 1 or any(t.ndim > call.out.ndim for t, _ in call.seen):
            return None
        dims.append(with_axis.pop() if with_axis else (("", size),))
    layout = Layout(tuple(dims))
    axes = [axis for dim in dims for axis, _ in dim if axis]
    if len(axes) != len(set(axes)):
        return None
    return layout


# Dimensions


def _dims(call: Call) -> list[int]:
    """The dimensions an operator works along; all of them if it names none."""
    value = call.arguments.get("dim", call.arguments.get("dims"))
    if value is None or value == []:
        return list(range(call.source.ndim))
    dims = value if isinstance(value, Sequence) else [value]
    return [dim % call.source.ndim for dim in dims]


def _axes_in(layout: Layout, dims: Sequence[int]) -> list[Axis]:
    return [name for dim in dims for name, _ in layout.dims[dim] if name]


@rule(*REDUCTIONS)
def _reduced(call: Call) -> Field | None:
    if len(call.seen) > 1:
        return _elementwise(call)  # torch.max(a, b)
    dims, layout = _dims(call), call.field.layout
    axes = _axes_in(layout, dims)
    if call.out.ndim == call.source.ndim:
        after = layout.shrunk_to_one(dims)
    elif call.out.ndim == call.source.ndim - len(dims):
        after = layout.removed(dims)
    else:
        return None
    return call.field.whole(after, *axes, is_bound=False) if axes else call.field.laid_out(after)


@rule(*ALONG_DIM - {"slice"})
def _along(call: Call) -> Field | None:
    dims = _dims(call)
    if any(field.layout.has_axis(dims) for _, field in call.seen):
        axes = _axes_in(call.field.layout, dims)
        if call.name in READ_ALL and len(call.seen) == 1:
            return call.field.whole(call.field.layout, *axes, is_bound=False)
        return None
    layouts = [field.layout.replaced(dims, call.out.shape) for _, field in call.seen]
    fields = [field.laid_out(layout) for (_, field), layout in zip(call.seen, layouts)]
    with_map = [field for field in fields if field.layout.has_axis(range(call.out.ndim))]
    if len({field.layout for field in with_map}) > 1:
        return None
    first, *others = with_map + [field for field in fields if field not in with_map]
    for other in others:
        first = first.joined(other)
    return first


@rule("stack")
def _stacked(call: Call) -> Field | None:
    place = call["dim"] % call.out.ndim
    layouts = {field.layout.inserted(place, call.out.shape[place]) for _, field in call.seen}
    if len(layouts) > 1:
        return None
    layout = layouts.pop()
    first, *others = (field.laid_out(layout) for _, field in call.seen)
    for other in others:
        first = first.joined(other)
    return first


@rule("unsqueeze")
def _unsqueezed(call: Call) -> Field:
    place = call["dim"] % call.out.ndim
    return call.field.laid_out(call.field.layout.inserted(place))


@rule("squeeze")
def _squeezed(call: Call) -> Field:
    gone = [dim for dim in _dims(call) if call.source.shape[dim] == 1]
    return call.field.laid_out(call.field.layout.removed(gone))


@rule("select", "unbind")
def _selected(call: Call) -> Field | None:
    (dim,) = _dims(call)
    if call.field.layout.has_axis([dim]):
        return None
    return call.field.laid_out(call.field.layout.removed([dim]))


@rule("permute", "transpose", "t", "movedim", "numpy_T")
def _permuted(call: Call) -> Field | None:
    order = list(range(call.source.ndim))
    if call.name == "permute":
        order = [dim % len(order) for dim in call["dims"]]
    elif call.name == "transpose":
        one, other = call["dim0"] % len(order), call["dim1"] % len(order)
        order[one], order[other] = order[other], order[one]
    elif call.name == "t":
        order = order[::-1]
    else:
        return None
    return call.field.laid_out(call.field.layout.permuted(order))


@rule("view", "_unsafe_view", "reshape", "_reshape_alias", "flatten", "unflatten")
def _reshaped(call: Call) -> Field | None:
    layout = call.field.layout.reshaped(call.out.shape)
    return None if layout is None else call.field.laid_out(layout)


@rule("repeat")
def _repeated(call: Call) -> Field | None:
    layout = call.field.layout
    for _ in range(call.out.ndim - call.source.ndim):
        layout = layout.inserted(0)
    repeated = [dim for dim, times in enumerate(call["repeats"]) if times > 1]
    if layout.has_axis(repeated):
        return None
    return call.field.laid_out(layout.replaced(repeated, call.out.shape))


@rule("channel_shuffle", "native_channel_shuffle")
def _channels_moved(call: Call) -> Field | None:
    return None if call.field.layout.has_axis([1]) else call.field


# Products


@rule("mm", "addmm", "bmm", "baddbmm", "linear")
def _product(call: Call) -> Field | None:
    """Of a tensor with weights; what is summed over is seen as a whole."""
    names = ("self", "mat1", "batch1", "mat2", "batch2", "input", "weight")
    factors = [call[name] for name in names if name in call.arguments]
    if call.name in ("addmm", "baddbmm"):
        factors = factors[1:]  # what is added comes first
    if len(call.seen) != 1 or not any(call.source is factor for factor in factors):
        return None
    is_left = call.source is factors[0]
    summed = call.source.ndim - 1 if is_left else call.source.ndim - 2
    layout = call.field.layout
    axes = _axes_in(layout, [summed])
    kept = [dim for n, dim in enumerate(layout.dims) if n != summed]
    if call.out.ndim == call.source.ndim:
        place = call.out.ndim - 1 if is_left else call.out.ndim - 2
        kept.insert(place, (("", call.out.shape[place]),))
    after = Layout(tuple(kept))
    if len(after.dims) != call.out.ndim:
        return None
    return call.field.whole(after, *axes, is_bound=False) if axes else call.field.laid_out(after)


@rule("glu")
def _gated(call: Call) -> Field | None:
    """The first half of `dim`, gated by the second one."""
    (dim,) = _dims(call)
    layout, half = call.field.layout, call.out.shape[dim]
    axes = _axes_in(layout, [dim])
    if not axes or len(layout.dims[dim]) > 1:
        return None if axes else call.field.laid_out(layout.replaced([dim], call.out.shape))
    return call.field.along(
        axes[0],
        lambda cells: union(cells, gather(cells, 1, 1, lambda _: (half,), half), half),
        layout.resized(dim, half),
    )


# Normalisation


@rule(*NORMS)
def _normalised(call: Call) -> Field | None:
    if call.out.shape != call.source.shape or len(call.seen) > 1:
        return None  # a mean or variance; or weights that depend on the input
    layout = call.field.layout
    if call.name in ("native_layer_norm", "_fused_rms_norm"):
        taken = range(call.source.ndim - len(call["normalized_shape"]), call.source.ndim)
        over_map = layout.has_axis(taken)
    elif call.name == "native_group_norm":
        over_map = True
    else:
        uses_stored = call.name.endswith(("no_training", "no_update"))
        over_map = bool(call.arguments.get("training", not uses_stored))
    return replace(call.field, statistics=call.field.statistics or over_map)


# Windows


@map_rule("convolution", "_convolution")
def _convolution(call: Call) -> Field:
    taps = call["weight"].shape[2:]
    after = call.sizes[1]
    if len(taps) != 2 or call.source is not call["input"]:
        return _mixed(call)
    step, pad, spread = (call.pair(name) for name in ("stride", "padding", "dilation"))
    layer = stamp if call["transposed"] else window
    return call.both(
        lambda axis, n: layer(axis, taps[n], step[n], pad[n], spread[n], size=after[n])
    )


@map_rule(
    "max_pool2d_with_indices",
    "avg_pool2d",
    "max_pool2d",
    "avg_pool3d",
    "max_pool3d_with_indices",
)
def _pool(call: Call) -> Field:
    """Pooling of three dimensions, the first of them channels, as LocalResponseNorm has it."""
    taps, pad, after = call.pair("kernel_size"), call.pair("padding"), call.sizes[1]
    step = call.pair("stride") if call["stride"] else taps
    spread = call.pair("dilation") if "dilation" in call.arguments else (1, 1)
    return call.both(
        lambda axis, n: window(axis, taps[n], step[n], pad[n], spread[n], size=after[n])
    )


@map_rule("_adaptive_avg_pool2d", "adaptive_max_pool2d")
def _adaptive_pool(call: Call) -> Field:
    before, after = call.sizes
    return call.both(lambda axis, n: adaptive(axis, before[n], after[n]))


@map_rule("max_unpool2d", inputs=2)
def _unpool(call: Call) -> Field:
    """A winner may return to any cell of its window; which one, the indices say."""
    before, after = call.sizes
    factor = [max(1, round(m / n)) for n, m in zip(before, after)]
    joined = _elementwise(replace(call, out=call.source))
    rows = gather(joined.rows, factor[0], 1, lambda _: (0,), after[0])
    cols = gather(joined.cols, factor[1], 1, lambda _: (0,), after[1])
    return replace(joined, rows=rows, cols=cols, layout=Layout.of_map(call.out.shape))


@map_rule("pixel_shuffle")
def _shuffle(call: Call) -> Field:
    times, after = call["upscale_factor"], call.sizes[1]
    return call.both(lambda axis, n: gather(axis, times, 1, lambda _: (0,), after[n]))


@map_rule("pixel_unshuffle")
def _unshuffle(call: Call) -> Field:
    times, after = call["downscale_factor"], call.sizes[1]
    return call.both(lambda axis, n: window(axis, times, times, size=after[n]))


@map_rule("constant_pad_nd")
def _pad(call: Call) -> Field:
    """Padding moves the cells; what lies in it is counted as if the picture went on."""
    pad = call["pad"]
    before = {1: pad[0], 0: pad[2] if len(pad) > 2 else 0}
    after = call.sizes[1]
    return call.both(lambda axis, n: gather(axis, 1, 1, lambda _: (-before[n],), after[n]))


@map_rule("reflection_pad2d", "replication_pad2d")
def _pad_by_copies(call: Call) -> Field:
    """Every padded cell is a copy of one that is there."""
    left, _, top, _ = call["padding"]
    before, (sizes, after) = (top, left), call.sizes

    def copy(place: int, size: int) -> tuple[int]:
        if call.name == "replication_pad2d":
            return (min(max(place, 0), size - 1),)
        mirrored = abs(place)
        return (2 * (size - 1) - mirrored if mirrored >= size else mirrored,)

    return call.both(
        lambda axis, n: picked(axis, [copy(cell - before[n], sizes[n]) for cell in range(after[n])])
    )


@rule("slice")
def _slice(call: Call) -> Field | None:
    dim = call["dim"] % call.source.ndim
    layout = call.field.layout
    axes = _axes_in(layout, [dim])
    if not axes:
        return call.field.laid_out(layout.replaced([dim], call.out.shape))
    if len(layout.dims[dim]) > 1:
        return None
    size, after = call.source.shape[dim], call.out.shape[dim]
    start = call["start"] or 0
    start = max(0, start + size) if start < 0 else min(start, size)
    step = call["step"]
    return call.field.along(
        axes[0],
        lambda cells: gather(cells, 1, step, lambda _: (start,), max(after, 1)),
        layout.resized(dim, after),
    )


# Interpolation


def _scales(call: Call) -> tuple[float | None, float | None]:
    arguments = call.arguments
    if arguments.get("scale_factors"):
        return arguments["scale_factors"][0], arguments["scale_factors"][-1]
    return arguments.get("scales_h"), arguments.get("scales_w")


@map_rule("upsample_nearest2d", "_upsample_nearest_exact2d")
def _nearest(call: Call) -> Field:
    before, after = call.sizes
    exact, scales = "exact" in call.name, _scales(call)
    return call.both(
        lambda axis, n: copied(axis, before[n], after[n], scale=scales[n], exact=exact)
    )


@map_rule(
    "upsample_bilinear2d",
    "upsample_bicubic2d",
    "_upsample_bilinear2d_aa",
    "_upsample_bicubic2d_aa",
    "_upsample_lanczos2d_aa",
)
def _interpolate(call: Call) -> Field:
    before, after = call.sizes
    scales = _scales(call)
    reach = next((n for name, n in (("bicubic", 2), ("lanczos", 3)) if name in call.name), 1)
    return call.both(
        lambda axis, n: resized(
            axis,
            before[n],
            after[n],
            reach=reach,
            scale=scales[n],
            align_corners=call["align_corners"],
            antialias=call.name.endswith("aa"),
        )
    )


# Writing into a part of a tensor


def written(base: Tensor, before: Field | None, part: Tensor, field: Field) -> Field:
    """The field of `base` after `part`, a view of it with this field, has been written.

    Circular padding is made this way. Where the part does not lie in the base as a block of a map,
    all of it may be seen.
    """
    layout = Layout.of_map(base.shape)
    starts = _starts(base, part)
    is_block = base.ndim == part.ndim >= 3 and starts is not None and field.layout.is_map
    if not is_block or (before is not None and not before.layout.is_map):
        seen = [(part, field)] if before is None else [(part, field), (base, before)]
        return _mixed(Call("write", {}, seen, base))
    assert starts is not None
    old = before or replace(field, is_bound=False, layout=layout)
    rows, cols = (
        _overwritten(
            None if before is None else before.axis(axis),
            base.shape[dim],
            field.axis(axis),
            starts[dim],
            part.shape[dim],
        )
        for axis, dim in zip(AXES, (-2, -1))
    )
    return replace(
        old,
        rows=rows,
        cols=cols,
        layout=layout,
        is_bound=old.is_bound or field.is_bound,
        statistics=old.statistics or field.statistics,
    )


def _overwritten(
    before: AxisField | None, size: int, part: AxisField, start: int, length: int
) -> AxisField:
    """Cells `start` to `start + length` see what the part's do, and what they saw before.

    What was there before counts on: the part may cover some of the other axis only.
    """
    nothing = (float("inf"), float("-inf"))
    cells = [nothing if before is None else before.at(cell) for cell in range(size)]
    for cell in range(length):
        low, high = part.at(cell)
        first, last = cells[start + cell]
        cells[start + cell] = min(first, low), max(last, high)
    advance = (before or part).stride * size
    lows, highs = (tuple(cell[n] for cell in cells) for n in (0, 1))
    return AxisField(size, advance, lows, highs, aperiodic=True)


def _starts(base: Tensor, part: Tensor) -> list[int] | None:
    """The place in `base` of the first cell of `part`; None if that is no block of it."""
    if base.ndim != part.ndim or base.stride() != part.stride() or 0 in base.stride():
        return None
    rest = int(part.storage_offset()) - int(base.storage_offset())
    strides = base.stride()
    starts = [0] * base.ndim
    for dim in sorted(range(base.ndim), key=lambda n: -strides[n]):
        if part.shape[dim] < base.shape[dim]:
            starts[dim], rest = divmod(rest, strides[dim])
    fits = all(s + n <= m for s, n, m in zip(starts, part.shape, base.shape))
    return starts if fits and rest == 0 and part.numel() else None
