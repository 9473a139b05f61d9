"""Operations on single values: shift, scale, cut off, store in 8 bits.

The numbers are given (Normalize, Clip, Quantize) or the picture's own (MinMax, Standardize).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.operations.base import Operation, Undo, UndoKind, check_memory
from resample_viz.operations.errors import OperationError
from resample_viz.operations.footprint import (
    Axis,
    Footprint,
    JacobianFootprint,
    KernelFootprint,
    SeparableFootprint,
)
from resample_viz.operations.parameters import PerChannel, Range
from resample_viz.operations.validation import AXES, check_picture, is_number, quoted
from resample_viz.words import N_, ngettext
from resample_viz.words import gettext as _

Statistics = float | tuple[float, ...]
"""One number for all channels, or one per channel."""
Scope = Literal["picture", "channel"]

SCOPE_AXES = {N_("picture"): (1, 2, 3), N_("channel"): (2, 3)}
INSTANCE_NORM_EPS = 1e-5  # PyTorch's default: keeps the division of a constant picture finite
LARGEST_MEAN = 1000.0  # from here on, float32 rounding of x - mean is over 1e-4 of a picture


class Elementwise(nn.Module):
    """A function of one tensor as a module, for what torch.nn has no layer for."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """`function(x)`, for x of any shape that the function takes."""
        return self.function(x)


class PictureOperation(Operation):
    """An operation on pictures that keeps the shape."""

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The same shape. Raises OperationError for what is not (N, C, H, W), or empty."""
        return check_picture(type(self).__name__, shape)

    def explain_shape(self, shape: Sequence[int]) -> str:
        """One line per axis: "height: (128 stays) = 128"."""
        out = self.output_shape(shape)[2:]
        return "\n".join(
            _("{name}: ({n} stays) = {n}", name=name, n=n) for name, n in zip(AXES, out)
        )

    def footprint(self, shape: Sequence[int]) -> Footprint:
        """The footprint around a picture of noise: the values decide about the weights."""
        check_memory(self.output_shape(shape), 4, N_("picture"), N_("fewer channels"))
        generator = torch.Generator().manual_seed(0)
        return self.footprint_at(torch.rand(self.output_shape(shape), generator=generator))

    def footprint_at(self, x: Tensor) -> Footprint:
        """The slopes of every output around this very input x, (N, C, H, W), by autograd.

        Raises OperationError for what the operation cannot take.
        """
        self._accept(x)
        return JacobianFootprint(self, x)

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """Nothing but y as it is: the numbers that it would take are not in y."""
        self.output_shape(shape)
        return (AS_IT_IS,)


def without_bias(operation: Operation, shape: Sequence[int]) -> Undo:
    """The adjoint of the linear part: what the operation makes of zeros is taken off y first."""
    adjoint = operation.adjoint(shape)
    layer = operation.variable

    def apply(y: Tensor) -> Tensor:
        return adjoint(y - operation(y.new_zeros(tuple(shape))))

    code = f"torch.func.vjp({layer}, x)[1](y - {layer}(torch.zeros_like(x)))[0]"
    return Undo(adjoint.label, code, apply, lambda: "adjoint")


AS_IT_IS = Undo(N_("as it is"), "y", lambda y: y, lambda: "shape only")


@dataclass(frozen=True, repr=False)
class Normalize(PictureOperation):
    """(x - mean) / std for every channel (torchvision.transforms.v2.Normalize, bit for bit).

    `mean` and `std` are one number for all channels, or one per channel; `std` is positive.

    Raises OperationError for statistics that are no numbers or do not match the channels.
    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.Normalize.html

    >>> Normalize(0.5, 0.25)(torch.tensor([[[[0.0, 1.0]]]])).tolist()
    [[[[-2.0, 2.0]]]]
    """

    variable = "normalize"

    mean: Annotated[Statistics, Range(-1, 1, 0.001), PerChannel()] = 0.5
    std: Annotated[Statistics, Range(0.01, 2, 0.001), PerChannel()] = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("mean", "std"):
            value = getattr(self, name)
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))
            _check_numbers(name, getattr(self, name))
        for std in self.stds:
            if not std > 0 or torch.tensor(std) == 0:
                raise OperationError(
                    _(
                        "std must be positive, not {std}, because it divides: give the "
                        "standard deviation of the channel, such as std=0.229.",
                        std=repr(std),
                    )
                )
        if 1 < len(self.means) != len(self.stds) > 1:
            raise OperationError(
                _(
                    "mean has {means} numbers and std has {stds}: give one of each "
                    "per channel, or one for all channels, such as mean={example}.",
                    means=len(self.means),
                    stds=len(self.stds),
                    example=repr(self.means[0]),
                )
            )

    @property
    def means(self) -> tuple[float, ...]:
        """The means as a tuple, of one number if all channels share it."""
        return self.mean if isinstance(self.mean, tuple) else (self.mean,)

    @property
    def stds(self) -> tuple[float, ...]:
        """The standard deviations as a tuple."""
        return self.std if isinstance(self.std, tuple) else (self.std,)

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean!r}, std={self.std!r})"

    def module(self) -> nn.Module:
        """The same two steps as torchvision's kernel: subtract, then divide."""
        return Elementwise(self._normalise)

    def _normalise(self, x: Tensor) -> Tensor:
        if not x.is_floating_point():
            raise TypeError(f"Input tensor should be a float tensor. Got {x.dtype}")
        mean, std = (
            torch.as_tensor(numbers, dtype=x.dtype, device=x.device).view(-1, 1, 1)
            for numbers in (self.means, self.stds)
        )
        return x.sub(mean).div(std)

    def code(self) -> str:
        """The torchvision call; `from torchvision.transforms import v2` comes before it."""
        return f"v2.Normalize(mean={list(self.means)}, std={list(self.stds)})"

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The same shape. Raises OperationError if the statistics do not match the channels."""
        shape = super().output_shape(shape)
        for name, numbers in (("mean", self.means), ("std", self.stds)):
            if len(numbers) not in (1, shape[1]):
                raise OperationError(
                    ngettext(
                        "{name} has {given} numbers, but the picture {shape} has {count} channel: "
                        "give one number for all channels, such as {name}={first}.",
                        "{name} has {given} numbers, but the picture {shape} has {count} channels: "
                        "give one number for all channels, such as {name}={first}, or {count} of "
                        "them.",
                        shape[1],
                        name=name,
                        given=len(numbers),
                        shape=tuple(shape),
                        first=repr(numbers[0]),
                    )
                )
        return shape

    def inverse(self) -> Normalize:
        """Normalize(-mean / std, 1 / std): exact in algebra, off by float32 rounding.

        >>> Normalize(0.5, 0.25).inverse()
        Normalize(mean=-2.0, std=4.0)
        """
        count = max(len(self.means), len(self.stds))
        means, stds = (numbers * (count // len(numbers)) for numbers in (self.means, self.stds))
        mean = tuple(-m / s for m, s in zip(means, stds))
        std = tuple(1 / s for s in stds)
        return Normalize(mean[0], std[0]) if count == 1 else Normalize(mean, std)

    def footprint(self, shape: Sequence[int]) -> SeparableFootprint | KernelFootprint:
        """Every cell feeds itself alone, with the weight 1 / std of its channel."""
        channels, height, width = self.output_shape(shape)[1:]
        gains = torch.tensor(self.stds).reciprocal()
        rows, cols = (Axis.from_index(n, torch.arange(n)[:, None]) for n in (height, width))
        if len(gains) > 1:
            return KernelFootprint(rows, cols, gains.view(-1, 1, 1, 1), groups=channels)
        return SeparableFootprint((rows, Axis(width, cols.index, cols.weights * gains)))

    def footprint_at(self, x: Tensor) -> Footprint:
        """The footprint of the shape: the values of x do not matter."""
        self._accept(x)
        return self.footprint(x.shape)

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """The formula, Normalize with the statistics turned round, y as it is, the adjoint."""
        self.output_shape(shape)
        setup = f"mean, std = {list(self.means)}, {list(self.stds)}"
        formula = "y * torch.tensor(std).view(-1, 1, 1) + torch.tensor(mean).view(-1, 1, 1)"
        inverse = self.inverse()
        turned = f"v2.Normalize(mean={list(inverse.means)}, std={list(inverse.stds)})(y)"
        return (
            Undo("y * std + mean", formula, self._denormalise, self._kind, setup),
            Undo("Normalize(-mean / std, 1 / std)", turned, inverse, self._kind),
            AS_IT_IS,
            without_bias(self, shape),
        )

    def _denormalise(self, y: Tensor) -> Tensor:
        std, mean = (
            torch.as_tensor(numbers, dtype=y.dtype).view(-1, 1, 1)
            for numbers in (self.stds, self.means)
        )
        return y * std + mean

    def _kind(self) -> UndoKind:
        swamped = max(map(abs, self.means)) >= LARGEST_MEAN
        return "pseudo-inverse" if swamped else "exact inverse"


class BySelf(PictureOperation):
    """An operation that takes its numbers from the picture that it is applied to."""

    linear: ClassVar[bool] = False
    unbatched: ClassVar[bool] = False  # F.instance_norm takes (C, H, W) for a batch of rows
    by: Scope

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by not in SCOPE_AXES:
            raise OperationError(
                _(
                    "by must be 'picture' or 'channel', not {by}: use by='channel'.",
                    by=quoted(self.by),
                )
            )

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The same shape. Raises OperationError for a single cell, which has no spread."""
        shape = super().output_shape(shape)
        if math.prod(shape[axis] for axis in SCOPE_AXES[self.by]) == 1:
            raise OperationError(
                _(
                    "a {by} of {shape} is one cell, which has no spread: take two cells or more.",
                    by=_(self.by),
                    shape=tuple(shape),
                )
            )
        return shape

    def __call__(self, x: Tensor) -> Tensor:
        """Applies the layer to x, (N, C, H, W); the shape stays.

        Raises OperationError where the picture's numbers give no result.
        """
        self._accept(x)
        _check_finite(x)
        return super().__call__(x)


@dataclass(frozen=True)
class MinMax(BySelf):
    """(x - min) / (max - min): the darkest value becomes 0, the lightest 1.

    `by` says whether the extremes are those of each whole picture or of each of its channels.

    Raises OperationError where all values are the same, and for NaN and infinity.

    >>> MinMax()(torch.tensor([[[[2.0, 3.0, 6.0]]]])).tolist()
    [[[[0.0, 0.25, 1.0]]]]
    """

    variable = "scale"

    by: Scope = "picture"

    def module(self) -> nn.Module:
        """Subtract the minimum, divide by the range."""
        return Elementwise(self._scale)

    def _scale(self, x: Tensor) -> Tensor:
        low, high = self._extremes(x)
        return (x - low) / (high - low)

    def _extremes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        axes = SCOPE_AXES[self.by]
        return x.amin(axes, keepdim=True), x.amax(axes, keepdim=True)

    def __call__(self, x: Tensor) -> Tensor:
        """Scales x, (N, C, H, W), to [0, 1].

        Raises OperationError where there is no range to divide by.
        """
        self._accept(x)
        low, high = self._extremes(x)
        if bool((low == high).any()):
            value = float(low[low == high][0])
            raise OperationError(
                _(
                    "all values of a {by} are {value}, so max - min is 0 and nothing can "
                    "be divided by it: choose a picture with some contrast.",
                    by=_(self.by),
                    value=format(value, "g"),
                )
            )
        return super().__call__(x)

    def code(self) -> str:
        """The expression; extremes per picture or per channel."""
        axes = SCOPE_AXES[self.by]
        low, high = (f"x.{name}({axes}, keepdim=True)" for name in ("amin", "amax"))
        return f"lambda x: (x - {low}) / ({high} - {low})"

    def undo_at(self, x: Tensor) -> tuple[Undo, ...]:
        """The exact inverse for whoever kept the extremes of x, (N, C, H, W), and y as it is."""
        self._accept(x)
        low, high = self._extremes(x.detach())
        setup = (
            f"low, high = x.amin({SCOPE_AXES[self.by]}, True), x.amax({SCOPE_AXES[self.by]}, True)"
        )
        kept = Undo(
            N_("with min and max kept"),
            "y * (high - low) + low",
            lambda y: y * (high - low) + low,
            lambda: "exact inverse",
            setup,
        )
        return (kept, AS_IT_IS)


@dataclass(frozen=True)
class Standardize(BySelf):
    """(x - mean) / sqrt(var + 1e-5) with the picture's own numbers.

    Per channel it is F.instance_norm, per picture F.layer_norm: the normalisation that a network
    with nn.InstanceNorm2d or nn.LayerNorm does inside.

    Raises OperationError for pictures of one cell, and for NaN and infinity.

    >>> Standardize()(torch.tensor([[[[1.0, 3.0]]]])).round(decimals=3).tolist()
    [[[[-1.0, 1.0]]]]
    """

    variable = "standardize"

    by: Scope = "channel"

    def module(self) -> nn.Module:
        """F.instance_norm or F.layer_norm, without weights of their own."""
        if self.by == "channel":
            return Elementwise(F.instance_norm)
        return Elementwise(lambda x: F.layer_norm(x, x.shape[1:]))

    def code(self) -> str:
        """The PyTorch call."""
        if self.by == "channel":
            return "lambda x: F.instance_norm(x)"
        return "lambda x: F.layer_norm(x, x.shape[1:])"

    def undo_at(self, x: Tensor) -> tuple[Undo, ...]:
        """The exact inverse for whoever kept mean and variance of x, (N, C, H, W), and y itself."""
        self._accept(x)
        axes = SCOPE_AXES[self.by]
        var, mean = torch.var_mean(x.detach(), axes, correction=0, keepdim=True)
        spread = (var + INSTANCE_NORM_EPS).sqrt()
        kept = Undo(
            N_("with mean and std kept"),
            "y * (var + 1e-5).sqrt() + mean",
            lambda y: y * spread + mean,
            lambda: "exact inverse",
            f"var, mean = torch.var_mean(x, {axes}, correction=0, keepdim=True)",
        )
        return (kept, AS_IT_IS)


@dataclass(frozen=True)
class Clip(PictureOperation):
    """Cuts off what lies outside [low, high] (torch.clamp).

    Raises OperationError unless low < high, both finite.

    >>> Clip()(torch.tensor([[[[-0.5, 0.5, 1.5]]]])).tolist()
    [[[[0.0, 0.5, 1.0]]]]
    """

    linear: ClassVar[bool] = False
    variable = "clip"

    low: Annotated[float, Range(-3, 3, 0.05)] = 0.0
    high: Annotated[float, Range(-3, 3, 0.05)] = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, usual in (("low", 0.0), ("high", 1.0)):
            if isinstance(getattr(self, name), tuple | list):
                given = quoted(getattr(self, name))
                raise OperationError(
                    _(
                        "{name} must be one number, not {given}: try {name}={usual}.",
                        name=name,
                        given=given,
                        usual=usual,
                    )
                )
            _check_numbers(name, getattr(self, name))
        if not self.low < self.high:
            raise OperationError(
                _(
                    "low ({low}) must be below high ({high}), or nothing is left between "
                    "them: use low={lower}, or high={higher}.",
                    low=format(self.low, "g"),
                    high=format(self.high, "g"),
                    lower=repr(self.high - 1),
                    higher=repr(self.low + 1),
                )
            )

    def module(self) -> nn.Module:
        """torch.clamp."""
        return Elementwise(lambda x: x.clamp(self.low, self.high))

    def code(self) -> str:
        """The PyTorch call."""
        return f"lambda x: x.clamp({self.low!r}, {self.high!r})"


@dataclass(frozen=True)
class Quantize(PictureOperation):
    """Stores [0, 1] as the 256 levels of torch.uint8, and reads it back.

    `rounding`: "truncate" drops the fraction, as `.to(torch.uint8)` and torchvision's
    `to_pil_image` do; "round" takes the nearest level. `overflow`: what lies outside [0, 1] is
    cut off ("clip") or starts again at the other end ("wrap"), as the low 8 bits of an integer do.

    Raises OperationError for NaN and infinity, which no level can say.

    >>> (255 * Quantize()(torch.tensor([[[[0.5, 1.02]]]]))).tolist()
    [[[[127.0, 4.0]]]]
    """

    linear: ClassVar[bool] = False
    variable = "quantize"

    rounding: Literal["truncate", "round"] = "truncate"
    overflow: Literal["wrap", "clip"] = "wrap"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, choices in (("rounding", ("truncate", "round")), ("overflow", ("wrap", "clip"))):
            if getattr(self, name) not in choices:
                raise OperationError(
                    _(
                        "{name} must be {first} or {second}, not {value}: use {name}={first}.",
                        name=name,
                        first=repr(choices[0]),
                        second=repr(choices[1]),
                        value=quoted(getattr(self, name)),
                    )
                )

    def module(self) -> nn.Module:
        """To uint8, and back to the dtype of x."""
        return Elementwise(self._store)

    def _store(self, x: Tensor) -> Tensor:
        levels = x * 255
        if self.rounding == "round":
            levels = levels.round()
        if self.overflow == "clip":
            levels = levels.clamp(0, 255)
        # By way of int32: what a negative float becomes as uint8 differs from machine to machine.
        return levels.to(torch.int32).to(torch.uint8).to(x.dtype) / 255

    def __call__(self, x: Tensor) -> Tensor:
        """Stores x, (N, C, H, W), and reads it back.

        Raises OperationError for what is not finite.
        """
        self._accept(x)
        _check_finite(x)
        return super().__call__(x)

    def code(self) -> str:
        """The PyTorch call."""
        rounded = ".round()" if self.rounding == "round" else ""
        clipped = ".clamp(0, 255)" if self.overflow == "clip" else ""
        levels = f"(x * 255){rounded}{clipped}.to(torch.int32).to(torch.uint8)"
        return f"lambda x: {levels}.to(x.dtype) / 255"


def _check_numbers(name: str, value: Any) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    example = {"mean": "0.485", "std": "0.229", "low": "0.0", "high": "1.0"}[name]
    for number in numbers:
        if not is_number(number):
            raise OperationError(
                _(
                    "{name} must be a finite number, or one per channel, up to 1e15, not "
                    "{value}: try {name}={example}.",
                    name=name,
                    value=quoted(value),
                    example=example,
                )
            )
    if not numbers:
        raise OperationError(
            _(
                "{name} is empty: give one number per channel, or one for all, such as "
                "{name}={example}.",
                name=name,
                example=example,
            )
        )


def _check_finite(x: Tensor) -> None:
    strange = int(torch.count_nonzero(~x.isfinite()))
    if strange:
        raise OperationError(
            _(
                "{strange} of the picture's {count} values are NaN or infinite: replace "
                "them first, for example with torch.nan_to_num(x).",
                strange=strange,
                count=x.numel(),
            )
        )
