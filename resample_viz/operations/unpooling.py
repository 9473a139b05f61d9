"""Max unpooling: values go to the places that indices name, everything else is 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from resample_viz.operations.base import Operation, Undo, check_memory
from resample_viz.operations.errors import OperationError
from resample_viz.operations.footprint import Axis, SeparableFootprint
from resample_viz.operations.parameters import Pair, Range
from resample_viz.operations.program import Program
from resample_viz.operations.separable import least_squares
from resample_viz.operations.validation import AXES, check_picture, check_whole, pair
from resample_viz.words import N_
from resample_viz.words import gettext as _


class Unpool(nn.MaxUnpool2d):
    """nn.MaxUnpool2d that may be called without indices: then values go to the first cells."""

    def __init__(self, operation: MaxUnpool) -> None:
        super().__init__(operation.kernel_size, operation.stride, operation.padding)
        self.operation = operation

    def forward(  # type: ignore[override]
        self, y: Tensor, indices: Tensor | None = None
    ) -> Tensor:
        """(N, C, h, w) and int64 indices of the same shape give (N, C, H, W)."""
        if indices is None:
            indices = self.operation.first_cells(y.shape)
        return super().forward(y, indices, list(self.operation.output_shape(y.shape)[-2:]))


@dataclass(frozen=True, repr=False)
class MaxUnpool(Operation):
    """Puts every value where its index says and 0 everywhere else (torch.nn.MaxUnpool2d).

    `unpool(y, indices)` takes values and indices of the same shape (N, C, h, w). An index is
    row * width + column in the channel that comes out. Without indices the values go to the first
    cell of each window. `output_size` says which of the input sizes that a pooling of these
    parameters turns into (h, w) is meant; without it, the smallest one that floor gives.

    Raises OperationError for parameters and sizes that PyTorch refuses; for indices of another
    shape or type, or outside the output; and where, without indices, two first cells coincide.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxUnpool2d.html

    >>> unpool = MaxUnpool(kernel_size=2)
    >>> unpool(torch.tensor([[[[7.0]]]]), torch.tensor([[[[3]]]])).tolist()
    [[[[0.0, 0.0], [0.0, 7.0]]]]
    """

    variable = "unpool"

    kernel_size: Annotated[int | Pair, Range(1, 7)] = 2
    stride: Annotated[int | Pair | None, Range(1, 7)] = None
    padding: Annotated[int | Pair, Range(0, 3)] = 0
    output_size: Annotated[int | Pair | None, Range(1, 512)] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride is None:
            object.__setattr__(self, "stride", self.kernel_size)
        for name, least in (("kernel_size", 1), ("stride", 1), ("padding", 0)):
            check_whole(name, getattr(self, name), least)
        if self.output_size is not None:
            check_whole("output_size", self.output_size, 1)
        for kernel, padding in zip(pair(self.kernel_size), pair(self.padding)):
            if padding > kernel // 2:
                raise OperationError(
                    _(
                        "padding ({padding}) is more than half of kernel_size ({kernel}), and "
                        "no pooling has that: try padding={most}.",
                        padding=padding,
                        kernel=kernel,
                        most=kernel // 2,
                    )
                )

    def __repr__(self) -> str:
        arguments = [*self._options().items(), ("output_size", self.output_size)]
        return f"MaxUnpool({', '.join(f'{n}={v!r}' for n, v in arguments if v is not None)})"

    def _options(self) -> dict[str, Any]:
        options = {"kernel_size": self.kernel_size, "stride": self.stride}
        return options | ({"padding": self.padding} if self.padding else {})

    def module(self) -> Unpool:
        """nn.MaxUnpool2d, which also finds first cells itself where it is given no indices."""
        return Unpool(self)

    def code(self) -> str:
        """The PyTorch expression for this layer."""
        return f"nn.MaxUnpool2d({', '.join(f'{n}={v!r}' for n, v in self._options().items())})"

    def definition(self) -> Program:
        """The layer, and how it is called where there are no indices."""
        (s_h, s_w), (p_h, p_w), kernel = map(pair, (self.stride, self.padding, self.kernel_size))
        size = self.output_size and pair(self.output_size)
        height, width = size or (
            f"(y.shape[{axis}] - 1) * {stride} + {window - 2 * padding}"
            for axis, stride, window, padding in zip((-2, -1), (s_h, s_w), kernel, (p_h, p_w))
        )
        note = _("the first cells")
        setup = (
            f"layer = {self.code()}\n\n"
            f"def {self.variable}(y):\n"
            f"    height, width = {height}, {width}\n"
            f"    rows = (torch.arange(y.shape[-2]) * {s_h} - {p_h}).clamp(min=0)\n"
            f"    cols = (torch.arange(y.shape[-1]) * {s_w} - {p_w}).clamp(min=0)\n"
            f"    indices = (rows[:, None] * width + cols).expand(y.shape)  # {note}\n"
            f"    return layer(y, indices, output_size=(height, width))"
        )
        return Program(setup, f"{self.variable}(x)")

    def sizes(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(n − 1) × stride − 2 × padding + kernel_size along both axes."""
        numbers = zip(shape[-2:], *map(pair, (self.kernel_size, self.stride, self.padding)))
        return tuple((n - 1) * s - 2 * p + k for n, k, s, p in numbers)

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(N, C, *output_size), or the smallest size that floor turns into (h, w).

        Raises OperationError where the input has other axes, or where no pooling with these
        parameters turns `output_size` into (h, w).
        """
        shape = check_picture(N_("unpooling"), shape)
        usual = self.sizes(shape)
        wanted = usual if self.output_size is None else pair(self.output_size)
        for name, n, m, size, stride in zip(
            AXES, shape[2:], wanted, usual, pair(self.stride), strict=True
        ):
            least = max(1, size - stride + 1)
            if not least <= m < size + stride:
                raise OperationError(
                    _(
                        "no pooling with this window and stride turns a {name} of {m} into "
                        "{n}, only {least} to {most}: use output_size={usual}.",
                        name=name,
                        m=m,
                        n=n,
                        least=least,
                        most=size + stride - 1,
                        usual=tuple(max(1, one) for one in usual),
                    )
                )
        return (*shape[:2], *wanted)

    def explain_shape(self, shape: Sequence[int]) -> str:
        """One line per axis: "height: (4 − 1) × 2 − 2×0 + 2 = 8"."""
        numbers = (self.kernel_size, self.stride, self.padding)
        lines = []
        for name, n, k, s, p, size, m in zip(
            AXES, shape[2:], *map(pair, numbers), self.sizes(shape), self.output_shape(shape)[2:]
        ):
            line = f"{_(name)}: ({n} − 1) × {s} − 2×{p} + {k} = {size}"
            if m != size:
                among = {"least": max(1, size - s + 1), "most": size + s - 1, "m": m}
                line = _("{line}; of {least} to {most}, output_size = {m}", line=line, **among)
            lines.append(line)
        return "\n".join(lines)

    def first_cells(self, shape: Sequence[int]) -> Tensor:
        """The flat index of the first cell of every window, for values of `shape`.

        Raises OperationError where two windows begin with the same cell, or one outside.
        """
        size = self.output_shape(shape)[-2:]
        rows, cols = self._first(shape)
        for name, places, n in zip(AXES, (rows, cols), size):
            if len(places.unique()) < len(places) or int(places.max()) >= n:
                raise OperationError(
                    _(
                        "along the {name} of {n}, the {count} windows have no first cells of "
                        "their own: give the indices, unpool(y, indices), or use "
                        "output_size=None, padding=0.",
                        name=name,
                        n=n,
                        count=len(places),
                    )
                )
        return (rows[:, None] * size[1] + cols).expand(tuple(shape))

    def _first(self, shape: Sequence[int]) -> tuple[Tensor, ...]:
        numbers = zip(shape[-2:], pair(self.stride), pair(self.padding))
        return tuple((torch.arange(n) * s - p).clamp(min=0) for n, s, p in numbers)

    def footprint(self, shape: Sequence[int]) -> SeparableFootprint:
        """Without indices: every first cell reads its value, the other cells read nothing."""
        self.first_cells(shape)
        axes = []
        for places, m in zip(self._first(shape), self.output_shape(shape)[2:]):
            index = torch.full((m, 1), -1)
            index[places, 0] = torch.arange(len(places))
            axes.append(Axis.from_index(len(places), index))
        return SeparableFootprint(tuple(axes))

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """Without indices: the adjoint, which picks the values up again, and least squares."""
        return self.adjoint(shape), least_squares(self, self.footprint(shape).axes)

    def __call__(self, x: Tensor, indices: Tensor | None = None) -> Tensor:
        """Unpools x, (N, C, H, W), with `indices` of the same shape, or to the first cells.

        The result has `output_shape(x.shape)`.

        Raises OperationError before PyTorch sees indices that it would not survive.
        """
        shape = self._accept(x)
        check_memory(shape, x.element_size())
        if indices is None:
            self.first_cells(x.shape)
            return super().__call__(x)
        _check_indices(indices, x.shape, shape[2:])
        y: Tensor = self.module()(x, indices)
        return y


def _check_indices(indices: Tensor, shape: Sequence[int], size: Sequence[int]) -> None:
    if not isinstance(indices, Tensor) or indices.dtype != torch.int64:
        kind = indices.dtype if isinstance(indices, Tensor) else type(indices).__name__
        raise OperationError(
            _(
                "indices must be a tensor of type torch.int64, not {kind}: use indices.long().",
                kind=kind,
            )
        )
    if indices.shape != shape:
        raise OperationError(
            _(
                "there are indices of shape {shape} for values of shape {values}: "
                "every value needs one; take both from the same pooling.",
                shape=tuple(indices.shape),
                values=tuple(shape),
            )
        )
    low, high = (int(value) for value in torch.aminmax(indices))
    cells = size[0] * size[1]
    if low < 0 or high >= cells:
        raise OperationError(
            _(
                "index {index} is outside the {rows} × {cols} cells of a channel (0 "
                "to {last}): give output_size, the size of what was pooled.",
                index=low if low < 0 else high,
                rows=size[0],
                cols=size[1],
                last=cells - 1,
            )
        )
