"""Downsampling without pooling: every s-th cell, and every s-th cell of a blurred picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.operations.base import Operation, Undo
from resample_viz.operations.errors import OperationError
from resample_viz.operations.footprint import Axis, SeparableFootprint
from resample_viz.operations.parameters import Pair, Range
from resample_viz.operations.program import Program
from resample_viz.operations.separable import least_squares, resize_back
from resample_viz.operations.validation import AXES, check_picture, check_whole, pair, quoted
from resample_viz.words import N_
from resample_viz.words import gettext as _

PaddingMode = Literal["reflect", "replicate", "zeros", "circular"]


class Slice(nn.Module):
    """x[..., offset::stride, offset::stride] as a module."""

    def __init__(self, stride: Pair, offset: Pair) -> None:
        super().__init__()
        self.rows, self.cols = (slice(first, None, step) for first, step in zip(offset, stride))

    def forward(self, x: Tensor) -> Tensor:
        """Every stride-th row and column of x, (N, C, H, W)."""
        return x[..., self.rows, self.cols]


@dataclass(frozen=True)
class Subsample(Operation):
    """Keeps every `stride`-th cell, from `offset` on, and drops the rest: x[..., ::2, ::2].

    Takes (N, C, H, W). Raises OperationError if the offset leaves nothing.

    >>> Subsample(stride=2).output_shape((1, 3, 7, 8))
    (1, 3, 4, 4)
    """

    variable = "subsample"

    stride: Annotated[int | Pair, Range(1, 8)] = 2
    offset: Annotated[int | Pair, Range(0, 7)] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("stride", self.stride, 1)
        check_whole("offset", self.offset, 0)

    def module(self) -> nn.Module:
        """Slicing as a module: PyTorch has no layer for it."""
        return Slice(pair(self.stride), pair(self.offset))

    def code(self) -> str:
        """The slice, as PyTorch writes it."""
        slices = (f"{o or ''}::{s}" for o, s in zip(pair(self.offset), pair(self.stride)))
        return f"lambda x: x[..., {', '.join(slices)}]"

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(N, C, *ceil((input - offset) / stride)).

        Raises OperationError where the input has other axes, or where nothing is left.
        """
        shape = check_picture(N_("subsampling"), shape)
        for name, n, offset in zip(AXES, shape[2:], pair(self.offset)):
            if offset >= n:
                raise OperationError(
                    _(
                        "offset {offset} is beyond the {name} of {n}: use offset={most} or less.",
                        offset=offset,
                        name=name,
                        n=n,
                        most=n - 1,
                    )
                )
        numbers = zip(shape[2:], pair(self.offset), pair(self.stride))
        return (*shape[:2], *(-(-(n - offset) // stride) for n, offset, stride in numbers))

    def explain_shape(self, shape: Sequence[int]) -> str:
        """One line per axis: "height: ceil((7 − 0) / 2) = ceil(3.5) = 4"."""
        out = self.output_shape(shape)[2:]
        return "\n".join(
            f"{_(name)}: ceil(({n} − {o}) / {s}) = ceil({(n - o) / s:g}) = {m}"
            for name, n, o, s, m in zip(AXES, shape[2:], pair(self.offset), pair(self.stride), out)
        )

    def footprint(self, shape: Sequence[int]) -> SeparableFootprint:
        """One tap of weight 1 for each output."""
        self.output_shape(shape)
        numbers = zip(shape[2:], pair(self.offset), pair(self.stride))
        return SeparableFootprint(tuple(_every(n, offset, stride) for n, offset, stride in numbers))

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """Resizing back, the adjoint (zeros go where cells were dropped), and least squares."""
        ways = (self.adjoint(shape), least_squares(self, self.footprint(shape).axes))
        return resize_back(shape[2:], "nearest"), resize_back(shape[2:], "bilinear"), *ways


@lru_cache(maxsize=16)
def _every(n: int, offset: int, stride: int) -> Axis:
    return Axis.from_index(n, torch.arange(offset, n, stride)[:, None])


def binomial(taps: int) -> Tensor:
    """The row of Pascal's triangle with this many entries, (taps,), summing to 1: [1, 2, 1] / 4.

    >>> binomial(3).tolist()
    [0.25, 0.5, 0.25]
    """
    row = torch.tensor([math.comb(taps - 1, k) for k in range(taps)], dtype=torch.float32)
    shares: Tensor = row / 2 ** (taps - 1)
    return shares


class Blur(nn.Module):
    """A fixed filter for every channel, then every stride-th cell."""

    kernel: Tensor

    def __init__(self, kernel_size: int, stride: Pair, mode: str) -> None:
        super().__init__()
        self.stride = stride
        self.mode = "constant" if mode == "zeros" else mode
        self.padding = ((kernel_size - 1) // 2, kernel_size // 2) * 2
        row = binomial(kernel_size)
        self.register_buffer("kernel", row.outer(row), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Filters and subsamples x, (N, C, H, W)."""
        channels = x.shape[-3]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, -1, -1)
        return F.conv2d(
            F.pad(x, self.padding, self.mode), kernel, stride=self.stride, groups=channels
        )


@dataclass(frozen=True, repr=False)
class BlurPool(Operation):
    """A binomial filter, then every `stride`-th cell: blur before you drop. Takes (N, C, H, W).

    `kernel_size` 3 is the filter [1, 2, 1] / 4 along both axes, 5 is [1, 4, 6, 4, 1] / 16.

    Raises OperationError where the padding does not fit: reflected padding must be smaller than
    the input, circular padding at most as large.
    Source: R. Zhang, Making Convolutional Networks Shift-Invariant Again, ICML 2019,
    https://proceedings.mlr.press/v97/zhang19a.html
    """

    variable = "blur_pool"

    kernel_size: Annotated[int, Range(1, 7)] = 3
    stride: Annotated[int | Pair, Range(1, 8)] = 2
    padding_mode: PaddingMode = "reflect"

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.kernel_size, tuple):
            raise OperationError(
                _(
                    "kernel_size must be one number, for both axes, not {kernel_size}: try "
                    "kernel_size=3.",
                    kernel_size=quoted(self.kernel_size),
                )
            )
        check_whole("kernel_size", self.kernel_size, 1)
        check_whole("stride", self.stride, 1)
        if self.kernel_size > 65:
            raise OperationError(
                _(
                    "kernel_size must be at most 65, not {kernel_size}: try kernel_size=5.",
                    kernel_size=self.kernel_size,
                )
            )
        modes: tuple[str, ...] = PaddingMode.__args__  # type: ignore[attr-defined]
        if self.padding_mode not in modes:
            raise OperationError(
                _(
                    "padding_mode {padding_mode} does not exist, only {choices}: use "
                    "padding_mode='reflect'.",
                    padding_mode=quoted(self.padding_mode),
                    choices=", ".join(modes),
                )
            )

    def __repr__(self) -> str:
        return (
            f"BlurPool(kernel_size={self.kernel_size}, stride={self.stride!r}, "
            f"padding_mode={self.padding_mode!r})"
        )

    @property
    def padding(self) -> tuple[int, int]:
        """Cells added in front of and behind each axis, so that stride 1 keeps the size."""
        return (self.kernel_size - 1) // 2, self.kernel_size // 2

    def module(self) -> nn.Module:
        """F.pad and F.conv2d as a module: PyTorch has no layer for it."""
        return Blur(self.kernel_size, pair(self.stride), self.padding_mode)

    def code(self) -> str:
        """Padding and convolution; `kernel` is defined by `program()`."""
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        return (
            f'lambda x: F.conv2d(F.pad(x, {self.padding * 2}, "{mode}"), '
            f"kernel.expand(x.shape[-3], 1, -1, -1), stride={self.stride!r}, groups=x.shape[-3])"
        )

    def definition(self) -> Program:
        """The kernel, then the layer."""
        row = [math.comb(self.kernel_size - 1, k) for k in range(self.kernel_size)]
        setup = (
            f"row = torch.tensor({row}) / {sum(row)}\n"
            f"kernel = row.outer(row)\n{self.variable} = {self.code()}"
        )
        return Program(setup, f"{self.variable}(x)")

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(N, C, *ceil(input / stride)).

        Raises OperationError where the input has other axes, or is too small for its padding.
        """
        shape = check_picture(N_("blur pooling"), shape)
        room = {"reflect": 1, "circular": 0}.get(self.padding_mode)
        for name, n in zip(AXES, shape[2:]):
            if room is not None and self.padding[1] > n - room:
                raise OperationError(
                    _(
                        "{padding_mode} padding of {padding} does not fit the {name} of {n}: use "
                        "kernel_size={most} or less, or padding_mode='replicate'.",
                        padding_mode=self.padding_mode,
                        padding=self.padding[1],
                        name=name,
                        n=n,
                        most=max(1, 2 * (n - room)),
                    )
                )
        return (*shape[:2], *(-(-n // stride) for n, stride in zip(shape[2:], pair(self.stride))))

    def explain_shape(self, shape: Sequence[int]) -> str:
        """One line per axis: "height: ceil((7 cells) / 2) = ceil(3.5) = 4"."""
        out = self.output_shape(shape)[2:]
        return "\n".join(
            _(
                "{name}: ceil(({n} cells) / {s}) = ceil({share}) = {m}",
                name=name,
                n=n,
                s=s,
                share=format(n / s, "g"),
                m=m,
            )
            for name, n, s, m in zip(AXES, shape[2:], pair(self.stride), out)
        )

    def footprint(self, shape: Sequence[int]) -> SeparableFootprint:
        """The filter's taps at every stride-th cell; mirrored ones read a cell twice."""
        self.output_shape(shape)
        return SeparableFootprint(
            tuple(
                _blurring(n, self.kernel_size, stride, self.padding_mode)
                for n, stride in zip(shape[2:], pair(self.stride))
            )
        )

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """Resizing back, the adjoint, and least squares."""
        ways = (self.adjoint(shape), least_squares(self, self.footprint(shape).axes))
        return resize_back(shape[2:], "nearest"), resize_back(shape[2:], "bilinear"), *ways


@lru_cache(maxsize=16)
def _blurring(n: int, taps: int, stride: int, mode: str) -> Axis:
    padding = ((taps - 1) // 2, taps // 2)
    cells = torch.arange(n, dtype=torch.float32)[None, None]
    padded = F.pad(cells, padding, value=-1) if mode == "zeros" else F.pad(cells, padding, mode)
    index = padded.flatten().long().unfold(0, taps, stride)
    weights = binomial(taps).expand(index.shape).where(index >= 0, 0)
    return Axis(n, index, weights)
