"""Pooling with windows of one size: the largest value, the average, the power average."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.operations.base import Operation, Undo
from resample_viz.operations.errors import OperationError
from resample_viz.operations.footprint import (
    Axis,
    LocalFootprint,
    PickFootprint,
    SeparableFootprint,
)
from resample_viz.operations.parameters import Pair, Range
from resample_viz.operations.separable import least_squares, resize_back
from resample_viz.operations.unpooling import MaxUnpool
from resample_viz.operations.validation import AXES, check_picture, check_whole, pair, quoted
from resample_viz.operations.windows import Window
from resample_viz.words import N_
from resample_viz.words import gettext as _

Size = Annotated[int | Pair, Range(1, 7)]
Stride = Annotated[int | Pair | None, Range(1, 7)]
Padding = Annotated[int | Pair, Range(0, 3)]


class SlidingPool(Operation):
    """What the pooling layers share: windows of one size, a stride, sizes, reading rules.

    Subclasses are dataclasses with the fields `kernel_size` and `stride`, and some of `padding`,
    `dilation` and `ceil_mode`.
    """

    variable = "pool"
    layer: Any
    """The class of PyTorch's layer."""
    kernel_size: Any
    stride: Any
    padding: Any = 0
    dilation: Any = 1
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride is None:
            object.__setattr__(self, "stride", self.kernel_size)
        for name, least in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            check_whole(name, getattr(self, name), least)
        for kernel, padding in zip(pair(self.kernel_size), pair(self.padding)):
            if padding > kernel // 2:
                raise OperationError(
                    _(
                        "padding ({padding}) must be at most half of kernel_size ({kernel}), "
                        "else a window would see nothing but padding: try padding={most}, or "
                        "kernel_size={least}.",
                        padding=padding,
                        kernel=kernel,
                        most=kernel // 2,
                        least=2 * padding,
                    )
                )

    def options(self) -> dict[str, Any]:
        """The keyword arguments of the layer, without those that are at their defaults."""
        values = {f.name: (getattr(self, f.name), f.default) for f in fields(self)}  # type: ignore[arg-type]
        needed = ("kernel_size", "stride", "norm_type")
        return {n: value for n, (value, usual) in values.items() if n in needed or value != usual}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._arguments()})"

    def _arguments(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.options().items())

    def module(self) -> nn.Module:
        """PyTorch's layer with these parameters."""
        layer: nn.Module = self.layer(**self.options())
        return layer

    def code(self) -> str:
        """The PyTorch expression for this layer."""
        return f"nn.{self.layer.__name__}({self._arguments()})"

    def windows(self) -> tuple[Window, Window]:
        """The windows along the height and along the width."""
        numbers = (self.kernel_size, self.stride, self.padding, self.dilation)
        (k_h, k_w), (s_h, s_w), (p_h, p_w), (d_h, d_w) = map(pair, numbers)
        ceil = self.ceil_mode
        rows = Window(AXES[0], k_h, s_h, p_h, d_h, ceil)
        return rows, Window(AXES[1], k_w, s_w, p_w, d_w, ceil)

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(N, C, windows along the height, windows along the width).

        Raises OperationError where the input has other axes, or where no window fits.
        """
        shape = check_picture(N_("pooling"), shape)
        return (*shape[:2], *(w.count(n) for w, n in zip(self.windows(), shape[2:])))

    def explain_shape(self, shape: Sequence[int]) -> str:
        """One line per axis: "height: floor((7 − 2) / 2 + 1) = floor(3.5) = 3"."""
        self.output_shape(shape)
        return "\n".join(w.explain(n) for w, n in zip(self.windows(), shape[2:]))

    def footprint(self, shape: Sequence[int]) -> SeparableFootprint:
        """The windows: every cell that may feed an output, with weight 1."""
        return SeparableFootprint(self._axes(shape))

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """Resizing back (shape only): without the indices nothing else is left."""
        return resize_back(shape[2:], "nearest"), resize_back(shape[2:], "bilinear")

    def _axes(self, shape: Sequence[int]) -> tuple[Axis, Axis]:
        self.output_shape(shape)
        rows, cols = (w.axis(n) for w, n in zip(self.windows(), shape[2:]))
        return rows, cols


@dataclass(frozen=True, repr=False)
class MaxPool(SlidingPool):
    """The largest value of each window (torch.nn.MaxPool2d). Takes (N, C, H, W).

    `stride` is `kernel_size` if it is not given. Padding counts as minus infinity: it never wins.
    `with_indices(x)` returns the winners' places too, as `return_indices=True` does.

    Raises OperationError for parameters that PyTorch refuses, and for inputs so small that a
    dilated window would reach over them and read padding only (PyTorch then returns -inf and an
    index outside the input).
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html

    >>> MaxPool(kernel_size=2).output_shape((1, 3, 7, 8))
    (1, 3, 3, 4)
    """

    linear = False
    layer = nn.MaxPool2d

    kernel_size: Size = 2
    stride: Stride = None
    padding: Padding = 0
    dilation: Annotated[int | Pair, Range(1, 4)] = 1
    ceil_mode: bool = False

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(N, C, windows along the height, windows along the width).

        Raises OperationError where the input has other axes, where no window fits, or where a
        dilated window would read padding only.
        """
        result = super().output_shape(shape)
        for window, n in zip(self.windows(), shape[2:]):
            # Only a tap distance larger than the input can step over it.
            if window.dilation > n and bool((window.axis(n).index < 0).all(1).any()):
                raise OperationError(
                    _(
                        "with dilation {dilation} and padding {padding}, a window reads "
                        "nothing of the {name} of {n}: use dilation={n}, or padding=0.",
                        dilation=window.dilation,
                        padding=window.padding,
                        name=window.name,
                        n=n,
                    )
                )
        return result

    def with_indices(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The largest values and their flat indices, both (N, C, H_out, W_out).

        An index is row * width + column in the unpadded channel of x, the same for all pictures
        and channels. Raises OperationError like a call.
        """
        return self(x), F.max_pool2d(x, **self.options(), return_indices=True)[1]

    def footprint_at(self, x: Tensor) -> PickFootprint:
        """The winners of the first picture of x, (N, C, H, W)."""
        self._accept(x)
        return PickFootprint(self._axes(x.shape), self.with_indices(x[:1].detach())[1][0])

    def unpooling(self, size: Sequence[int] | None = None) -> MaxUnpool:
        """The unpooling with this window and stride; `size` is that of what was pooled."""
        output_size = (size[0], size[1]) if size else None
        return MaxUnpool(self.kernel_size, self.stride, self.padding, output_size)

    def undo_at(self, x: Tensor) -> tuple[Undo, ...]:
        """Max unpooling with the winners of x, (N, C, H, W), then what needs no indices.

        PyTorch's unpooling knows no dilation: where it refuses the size of x, it is left out.
        """
        self._accept(x)
        y, winners = self.with_indices(x.detach())
        unpool = self.unpooling(x.shape[2:])
        try:
            unpool.output_shape(y.shape)
        except OperationError:
            return self.undo(x.shape)
        once = bool((torch.sort(winners.flatten(2)).values.diff(dim=2) != 0).all())
        way = Undo(
            N_("max unpooling"),
            f"{unpool.code()}(y, indices, output_size={tuple(x.shape[2:])})",
            lambda y: unpool(y, winners),
            # The gradient adds up where one cell wins twice; unpooling writes the last value there.
            lambda: "adjoint" if once else "shape only",
            f"_, indices = F.max_pool2d(x, {self._arguments()}, return_indices=True)",
        )
        return (way, *self.undo(x.shape))


@dataclass(frozen=True, repr=False)
class AvgPool(SlidingPool):
    """The average of each window (torch.nn.AvgPool2d). Takes (N, C, H, W).

    `stride` is `kernel_size` if it is not given. Padded zeros count in the divisor unless
    `count_include_pad` is False; cells beyond the padding, which `ceil_mode` reaches, never count.
    `divisor_override` replaces the divisor.

    Raises OperationError for parameters that PyTorch refuses.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html

    >>> AvgPool(kernel_size=3, stride=1, padding=1)(torch.ones(1, 1, 3, 3))[0, 0, 0, 0].item()
    0.4444444477558136
    """

    layer = nn.AvgPool2d

    kernel_size: Size = 2
    stride: Stride = None
    padding: Padding = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: Annotated[int | None, Range(1, 49)] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.divisor_override is not None:
            if isinstance(self.divisor_override, tuple):
                raise OperationError(
                    _("divisor_override must be one number: use divisor_override=None.")
                )
            check_whole("divisor_override", self.divisor_override, 1)

    def footprint(self, shape: Sequence[int]) -> SeparableFootprint:
        """One over the number of cells that count, for each cell of a window."""
        rows, cols = self._axes(shape)
        if self.divisor_override is not None:
            divided = Axis(rows.in_size, rows.index, rows.weights / self.divisor_override)
            return SeparableFootprint((divided, cols))
        return SeparableFootprint(
            tuple(
                window.average(n, count_include_pad=self.count_include_pad)
                for window, n in zip(self.windows(), shape[2:])
            )
        )

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """Resizing back, the adjoint (each average is spread evenly), and least squares.

        Where the windows tile the input, nearest upsampling is the pseudo-inverse; it is then
        called a right inverse, because averaging what it gives returns the averages.
        """
        nearest = resize_back(shape[2:], "nearest")
        if self._tiles(shape):
            nearest = Undo(nearest.label, nearest.code, nearest.apply, lambda: "right inverse")
        return (
            nearest,
            resize_back(shape[2:], "bilinear"),
            self.adjoint(shape),
            least_squares(self, self.footprint(shape).axes),
        )

    def _tiles(self, shape: Sequence[int]) -> bool:
        """Whether every input cell is in exactly one window and all windows divide alike."""
        area = math.prod(pair(self.kernel_size))
        return self.divisor_override in (None, area) and all(
            w.stride == w.kernel and w.padding == 0 and n % w.kernel == 0
            for w, n in zip(self.windows(), shape[2:])
        )


@dataclass(frozen=True, repr=False)
class LPPool(SlidingPool):
    """The power average of each window, (sum of x^p)^(1/p) (torch.nn.LPPool2d). Takes (N, C, H, W).

    p, `norm_type`, is 1 for the sum and grows towards the largest value. Where `ceil_mode` lets a
    window hang over the edge, PyTorch scales the sum up as if the window were full.

    Raises OperationError for parameters that PyTorch refuses. Negative values with an odd or
    broken power give NaN, as in PyTorch.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LPPool2d.html
    """

    linear = False
    layer = nn.LPPool2d

    norm_type: Annotated[float, Range(1, 8, 0.5)] = 2.0
    kernel_size: Size = 2
    stride: Stride = None
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        power = self.norm_type
        if isinstance(power, bool) or not isinstance(power, int | float) or not 0 < power < 1e3:
            raise OperationError(
                _(
                    "norm_type must be a positive number below 1000, not {power}: try norm_type=2.",
                    power=quoted(power),
                )
            )

    def footprint_at(self, x: Tensor) -> LocalFootprint:
        """The derivative at the first picture of x, (N, C, H, W).

        It is (x / y)^(p − 1), scaled for cut windows, and 0 where y is 0 and the derivative does
        not exist.
        """
        self._accept(x)
        rows, cols = self._axes(x.shape)
        power, y = self.norm_type, self(x[:1])[0].detach()
        first = x[0].detach()
        # (C, rows, taps of a column, columns, taps of a row), with the taps moved to the end
        cells = first[:, rows.index.clamp(min=0)][..., cols.index.clamp(min=0)]
        cells = cells.permute(0, 1, 3, 2, 4)
        y = y[..., None, None]
        share = cells / y.where(y > 0, torch.inf)
        read = rows.weights[:, None, :, None] * cols.weights[None, :, None, :]
        full = read[0, 0].numel() / read.sum((2, 3), keepdim=True)
        return LocalFootprint((rows, cols), share.pow(power - 1) * read * full * (y > 0))
