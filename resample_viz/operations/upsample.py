"""`Upsample`: everything that torch.nn.functional.interpolate can do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.compat import has_lanczos, no_lanczos
from resample_viz.operations.base import Operation, Undo
from resample_viz.operations.errors import OperationError
from resample_viz.operations.footprint import Axis, SeparableFootprint
from resample_viz.operations.parameters import Instead, Range, Ranks
from resample_viz.operations.separable import least_squares, resize_back
from resample_viz.operations.validation import (
    AXIS_NAMES,
    LARGEST,
    check_matrix,
    is_number,
    quoted,
    whole_shape,
    with_axes,
)
from resample_viz.words import gettext as _

Mode = Literal[
    "nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area", "lanczos"
]

MODE_RANKS = Ranks(linear=(3,), bilinear=(4,), bicubic=(4,), trilinear=(5,), lanczos=(4,))
ALIGNABLE = ("linear", "bilinear", "bicubic", "trilinear")
ANTIALIASED = ("bilinear", "bicubic", "lanczos")
LAYOUTS = {3: "(N, C, W)", 4: "(N, C, H, W)", 5: "(N, C, D, H, W)"}


class Interpolate(nn.Module):
    """F.interpolate as a module, for the one option that nn.Upsample does not have: antialias."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options

    def forward(self, x: Tensor) -> Tensor:
        """Resizes x, (N, C, ...)."""
        return F.interpolate(x, **self.options)


@dataclass(frozen=True, repr=False)
class Upsample(Operation):
    """Resizes by interpolation (torch.nn.Upsample, torch.nn.functional.interpolate).

    Takes (N, C, W), (N, C, H, W) or (N, C, D, H, W). Give `scale_factor` (any positive number, or
    one per axis; 2 if nothing is given) or `size`, not both. The output size is
    floor(input size * scale_factor).

    Raises OperationError for combinations that PyTorch refuses.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html

    >>> Upsample(scale_factor=1.5, mode="bilinear").output_shape((1, 3, 5, 8))
    (1, 3, 7, 12)
    """

    variable = "up"
    unbatched = False

    scale_factor: Annotated[float | tuple[float, ...] | None, Range(0.25, 8, 0.05)] = None
    size: Annotated[int | tuple[int, ...] | None, Range(1, 512), Instead("scale_factor")] = None
    mode: Annotated[Mode, MODE_RANKS] = "nearest"
    align_corners: bool = False
    antialias: bool = False
    recompute_scale_factor: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scale_factor is None and self.size is None:
            object.__setattr__(self, "scale_factor", 2.0)
        for name in ("scale_factor", "size"):
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        self._check_sizes()
        self._check_flags()

    def _check_sizes(self) -> None:
        if self.scale_factor is not None and self.size is not None:
            raise OperationError(
                _(
                    "scale_factor ({scale_factor}) and size ({size}) both set the output size: "
                    "give one of them, scale_factor=None or size=None.",
                    scale_factor=quoted(self.scale_factor),
                    size=quoted(self.size),
                )
            )
        for factor in _as_tuple(self.scale_factor):
            if not is_number(factor) or not 0 < factor <= LARGEST:
                raise OperationError(
                    _(
                        "scale_factor must be a positive number up to {most}, not {factor}: try "
                        "scale_factor=0.5 to halve, or scale_factor=2 to double.",
                        most=LARGEST,
                        factor=quoted(factor),
                    )
                )
        for extent in _as_tuple(self.size):
            if isinstance(extent, bool) or not isinstance(extent, int) or extent < 1:
                raise OperationError(
                    _(
                        "size must be a whole number of pixels, 1 or more, not {extent}: try "
                        "size=64.",
                        extent=quoted(extent),
                    )
                )
            if extent > LARGEST:
                power = extent.bit_length() - 1
                raise OperationError(
                    _(
                        "size must be at most {most} pixels, not about 2**{power}: try size=64.",
                        most=LARGEST,
                        power=power,
                    )
                )

    def _check_flags(self) -> None:
        modes: tuple[str, ...] = Mode.__args__  # type: ignore[attr-defined]
        if self.mode not in modes:
            raise OperationError(
                _(
                    "mode {mode} does not exist, only {modes}: use mode='bilinear'.",
                    mode=quoted(self.mode),
                    modes=_list(modes),
                )
            )
        if self.align_corners and self.mode not in ALIGNABLE:
            raise OperationError(
                _(
                    "align_corners=True has no meaning for mode {mode}, only for {modes}: use "
                    "one of these, or align_corners=False.",
                    mode=repr(self.mode),
                    modes=_list(ALIGNABLE),
                )
            )
        if self.antialias and self.mode not in ANTIALIASED:
            raise OperationError(
                _(
                    "antialias=True works with {modes} only, not with {mode}: choose one of "
                    "those modes, such as mode='bicubic', or antialias=False.",
                    modes=_list(ANTIALIASED),
                    mode=repr(self.mode),
                )
            )
        if self.mode == "lanczos" and not self.antialias:
            raise OperationError(
                _("mode 'lanczos' exists only with antialias=True: use antialias=True.")
            )
        if self.mode == "lanczos" and not has_lanczos():
            raise OperationError(no_lanczos())
        if self.recompute_scale_factor and self.size is not None:
            raise OperationError(
                _(
                    "recompute_scale_factor=True needs a scale_factor to recompute, but size is "
                    "given: use recompute_scale_factor=False."
                )
            )

    def options(self) -> dict[str, Any]:
        """The keyword arguments of F.interpolate, without those that are at their defaults."""
        options: dict[str, Any] = {}
        if self.size is not None:
            options["size"] = self.size
        else:
            options["scale_factor"] = self.scale_factor
        options["mode"] = self.mode
        if self.mode in ALIGNABLE:
            options["align_corners"] = self.align_corners
        if self.recompute_scale_factor:
            options["recompute_scale_factor"] = True
        if self.antialias:
            options["antialias"] = True
        return options

    def __repr__(self) -> str:
        return f"Upsample({self._arguments()})"

    def _arguments(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.options().items())

    def module(self) -> nn.Module:
        """nn.Upsample; with antialias, which it does not have, F.interpolate as a module."""
        return Interpolate(**self.options()) if self.antialias else nn.Upsample(**self.options())

    def code(self) -> str:
        """The PyTorch expression for this layer."""
        if self.antialias:
            return f"lambda x: F.interpolate(x, {self._arguments()})"
        return f"nn.Upsample({self._arguments()})"

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(N, C, *size) or (N, C, *floor(input * scale_factor)).

        Raises OperationError where the mode does not fit the number of dimensions, or where an
        output axis would be empty.
        """
        shape = whole_shape(shape)
        self._check_rank(shape)
        spatial = shape[2:]
        out = self._resized(spatial)
        if self.antialias and out[-1] == 1 and out[0] != spatial[0]:
            raise OperationError(
                _(
                    "torch computes wrong values where antialias=True changes the height of an "
                    "output one pixel wide, {shape} to {out}: use {way_out}, or swap height and "
                    "width before and after.",
                    shape=tuple(shape),
                    out=(*shape[:2], *out),
                    way_out=self._without_antialias(),
                )
            )
        return (*shape[:2], *out)

    def _resized(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        if self.size is not None:
            return self._per_axis(self.size, len(spatial), "size")
        factors = self._factors(len(spatial))
        out = tuple(math.floor(n * f) for n, f in zip(spatial, factors))
        for name, n, factor, extent in zip(AXIS_NAMES[len(spatial)], spatial, factors, out):
            if extent < 1:
                raise OperationError(
                    _(
                        "scale_factor {factor} leaves nothing of the {name}, floor({n} x {factor}) "
                        "= 0: use scale_factor={least} or more, or size=1 instead of "
                        "scale_factor.",
                        factor=format(factor, "g"),
                        name=_(name),
                        n=n,
                        least=_round_up(1 / n),
                    )
                )
        return out

    def explain_shape(self, shape: Sequence[int]) -> str:
        """One line per axis: "height: floor(128 x 1.5) = floor(192) = 192"."""
        out = self.output_shape(shape)[2:]
        names = AXIS_NAMES[len(out)]
        if self.size is not None:
            return "\n".join(f"{_(name)}: size = {n}" for name, n in zip(names, out))
        factors = self._factors(len(out))
        return "\n".join(
            f"{_(name)}: floor({n} × {factor:g}) = floor({_rounded(n * factor)}) = {result}"
            for name, n, factor, result in zip(names, shape[2:], factors, out)
        )

    def footprint(self, shape: Sequence[int]) -> SeparableFootprint:
        """The taps of every axis, asked of PyTorch by interpolating unit impulses."""
        sizes = tuple(shape[2:])
        out = self.output_shape(shape)[2:]
        fixed = self.size is not None or self.recompute_scale_factor
        factors = (None,) * len(out) if fixed else self._factors(len(out))
        return SeparableFootprint(
            tuple(
                _axis(len(shape), self.mode, self.align_corners, self.antialias, *one)
                for one in zip(sizes, out, factors)
            )
        )

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """Resizing back (shape only), the adjoint, and the least-squares inverse."""
        size = shape[2:]
        ways = [resize_back(size, "area")]
        if self.mode != "area":
            ways.append(resize_back(size, self.mode, _resize_flags(self)))
        return (*ways, self.adjoint(shape), least_squares(self, self.footprint(shape).axes))

    def _check_rank(self, shape: Sequence[int]) -> None:
        if len(shape) not in LAYOUTS:
            raise OperationError(
                _(
                    "the input has {count} dimensions {shape}, but interpolation takes {layouts}: "
                    "use {way_out}.",
                    count=len(shape),
                    shape=tuple(shape),
                    layouts=_list(LAYOUTS.values()),
                    way_out=_with_axes(shape, self.mode),
                )
            )
        if not MODE_RANKS.allow(self.mode, len(shape)):
            alternative = {3: "linear", 4: "bilinear", 5: "trilinear"}[len(shape)]
            raise OperationError(
                _(
                    "mode {mode} takes {wanted}, but the input {shape} is {given}: use "
                    "mode={alternative}, or reshape.",
                    mode=repr(self.mode),
                    wanted=_list(LAYOUTS[n] for n in MODE_RANKS.ranks[self.mode]),
                    shape=tuple(shape),
                    given=LAYOUTS[len(shape)],
                    alternative=repr(alternative),
                )
            )
        if min(shape) < 1:
            raise OperationError(
                _("the input {shape} is empty: every axis needs 1 or more.", shape=tuple(shape))
            )

    def _without_antialias(self) -> str:
        return "mode='bicubic', antialias=False" if self.mode == "lanczos" else "antialias=False"

    def _factors(self, axes: int) -> tuple[float, ...]:
        return self._per_axis(self.scale_factor, axes, "scale_factor")

    def _per_axis(self, value: Any, axes: int, name: str) -> tuple[Any, ...]:
        values = _as_tuple(value)
        if not isinstance(value, tuple):
            return values * axes
        if len(values) != axes:
            raise OperationError(
                _(
                    "{name} {values} has {count} numbers, but the input has {axes} spatial axes: "
                    "give {axes}, or one for all, such as {name}={example}.",
                    name=name,
                    values=values,
                    count=len(values),
                    axes=axes,
                    example=repr(values[0] if values else 2),
                )
            )
        return values


@lru_cache(maxsize=16)
def _axis(
    ndim: int,
    mode: str,
    align_corners: bool,
    antialias: bool,
    n: int,
    m: int,
    factor: float | None,
) -> Axis:
    """PyTorch's own weights along one axis: n unit impulses of length n, resized to length m.

    The other axes have length 1 and keep it, so that this costs n * m sums and not a whole picture.
    """
    check_matrix(max(n, m), n)
    others = ndim - 3
    impulses = torch.eye(n).view(n, 1, *[1] * others, n)
    options: dict[str, Any] = {"mode": mode, "antialias": antialias}
    if factor is None:
        options["size"] = (*[1] * others, m)
    else:
        options["scale_factor"] = (*[1.0] * others, factor)
    if mode in ALIGNABLE:
        options["align_corners"] = align_corners
    response = F.interpolate(impulses, **options).reshape(n, m)
    return Axis.from_matrix(response.T.contiguous())


def _resize_flags(operation: Upsample) -> dict[str, Any]:
    names = ("align_corners", "antialias")
    return {name: True for name in names if getattr(operation, name)}


def _with_axes(shape: Sequence[int], mode: str) -> str:
    """An expression in x that has as many axes as `mode` can use."""
    fitting = [n for n in LAYOUTS if MODE_RANKS.allow(mode, n)]
    return with_axes(len(shape), min(fitting, key=lambda n: abs(n - max(4, len(shape)))))


def _as_tuple(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _list(names: Any) -> str:
    return ", ".join(map(str, names))


def _rounded(value: float) -> str:
    """Six digits, unless they hide why it is rounded down: 100 × 1.15 is 114.99999999999999."""
    text = f"{value:g}"
    return text if math.floor(float(text)) == math.floor(value) else repr(value)


def _round_up(value: float) -> float:
    return math.ceil(value * 1000) / 1000
