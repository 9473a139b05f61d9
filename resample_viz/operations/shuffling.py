"""Channels to space and back: nothing is computed, every value only moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import nn

from resample_viz.operations.base import Operation, Undo
from resample_viz.operations.errors import OperationError
from resample_viz.operations.footprint import Axis, KernelFootprint
from resample_viz.operations.parameters import Range
from resample_viz.operations.validation import AXES, check_picture, check_whole, either, quoted
from resample_viz.words import N_
from resample_viz.words import gettext as _

Factor = Annotated[int, Range(1, 4)]


def check_factor(name: str, value: int) -> None:
    """Raises OperationError unless `value` is one whole number, 1 or more."""
    if isinstance(value, tuple | list):
        raise OperationError(
            _(
                "{name} must be one number, for both axes, not {value}: try {name}=2.",
                name=name,
                value=quoted(value),
            )
        )
    check_whole(name, value, 1)


@dataclass(frozen=True)
class PixelShuffle(Operation):
    """r² channels become blocks of r x r cells of one channel (torch.nn.PixelShuffle).

    Takes (N, C r², H, W), gives (N, C, H r, W r): output channel c takes the cell (u, v) of each
    block from channel c r² + u r + v.

    Raises OperationError for a number of channels that r² does not divide.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.PixelShuffle.html

    >>> PixelShuffle(2).output_shape((1, 12, 4, 5))
    (1, 3, 8, 10)
    """

    variable = "shuffle"

    upscale_factor: Factor = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_factor("upscale_factor", self.upscale_factor)

    def module(self) -> nn.Module:
        """nn.PixelShuffle."""
        return nn.PixelShuffle(self.upscale_factor)

    def code(self) -> str:
        """The PyTorch expression for this layer."""
        return f"nn.PixelShuffle({self.upscale_factor})"

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(N, C / r², H r, W r). Raises OperationError where r² does not divide C."""
        shape = check_picture(N_("pixel shuffling"), shape)
        batch, channels, height, width = shape
        r = self.upscale_factor
        if channels % r**2:
            raise OperationError(
                _(
                    "{channels} channels are no multiple of {square} and cannot be shuffled "
                    "into blocks of {r} × {r}: use {ways}.",
                    channels=channels,
                    square=r**2,
                    r=r,
                    ways=self._ways_out(channels),
                )
            )
        return (batch, channels // r**2, height * r, width * r)

    def _ways_out(self, channels: int) -> str:
        """Another factor that fits, and the next numbers of channels."""
        r = self.upscale_factor
        factor = max(k for k in range(1, r) if channels % k**2 == 0)
        fewer = channels // r**2 * r**2
        ways = [f"x[..., :{fewer}, :, :]"] if fewer else []
        if factor > 1 or not fewer:
            ways.append(f"upscale_factor={factor}")
        return either([*ways, _("{count} channels", count=fewer + r**2)])

    def explain_shape(self, shape: Sequence[int]) -> str:
        """One line for the channels, one per axis."""
        out = self.output_shape(shape)
        r = self.upscale_factor
        lines = [_("channels: ({n} / {r}²) = {m}", n=shape[1], r=r, m=out[1])]
        return "\n".join(
            lines
            + [f"{_(name)}: ({n} × {r}) = {m}" for name, n, m in zip(AXES, shape[2:], out[2:])]
        )

    def footprint(self, shape: Sequence[int]) -> KernelFootprint:
        """One-hot kernels: every output reads one cell of one channel."""
        channels, height, width = self.output_shape(shape)[1:]
        r = self.upscale_factor
        kernel = torch.eye(r**2).view(1, r**2, r, r).expand(channels, -1, -1, -1)
        rows, cols = (_spread(n // r, r) for n in (height, width))
        return KernelFootprint(rows, cols, kernel, groups=channels)

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """PixelUnshuffle: the exact inverse, and the adjoint as well."""
        r = self.upscale_factor
        way = Undo(
            N_("pixel unshuffle"),
            f"F.pixel_unshuffle(y, {r})",
            lambda y: F.pixel_unshuffle(y, r),
            lambda: "exact inverse",
        )
        return way, self.adjoint(shape)


@dataclass(frozen=True)
class PixelUnshuffle(Operation):
    """Blocks of r x r cells become r² channels (torch.nn.PixelUnshuffle).

    Takes (N, C, H, W), gives (N, C r², H / r, W / r): a downsampling that loses nothing.

    Raises OperationError for sizes that r does not divide.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.PixelUnshuffle.html

    >>> PixelUnshuffle(2).output_shape((1, 3, 8, 10))
    (1, 12, 4, 5)
    """

    variable = "unshuffle"

    downscale_factor: Factor = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_factor("downscale_factor", self.downscale_factor)

    def module(self) -> nn.Module:
        """nn.PixelUnshuffle."""
        return nn.PixelUnshuffle(self.downscale_factor)

    def code(self) -> str:
        """The PyTorch expression for this layer."""
        return f"nn.PixelUnshuffle({self.downscale_factor})"

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(N, C r², H / r, W / r). Raises OperationError where r does not divide a size."""
        shape = check_picture(N_("pixel unshuffling"), shape)
        r = self.downscale_factor
        for name, n in zip(AXES, shape[2:]):
            if n % r:
                raise OperationError(
                    _(
                        "the {name} of {n} is no multiple of {r} and cannot be cut into such "
                        "blocks: use {ways}.",
                        name=name,
                        n=n,
                        r=r,
                        ways=self._ways_out(*shape[2:]),
                    )
                )
        batch, channels, height, width = shape
        return (batch, channels * r**2, height // r, width // r)

    def _ways_out(self, height: int, width: int) -> str:
        """Another factor that fits, and the next size."""
        r = self.downscale_factor
        factor = max(k for k in range(1, r) if height % k == width % k == 0)
        high, wide = (n // r * r for n in (height, width))
        ways = [f"x[..., :{high}, :{wide}]"] if high and wide else []
        if factor > 1 or not ways:
            ways.append(f"downscale_factor={factor}")
        high, wide = (-(-n // r) * r for n in (height, width))
        return either([*ways, _("a size of {height} × {width}", height=high, width=wide)])

    def explain_shape(self, shape: Sequence[int]) -> str:
        """One line for the channels, one per axis."""
        out = self.output_shape(shape)
        r = self.downscale_factor
        lines = [_("channels: ({n} × {r}²) = {m}", n=shape[1], r=r, m=out[1])]
        return "\n".join(
            lines
            + [f"{_(name)}: ({n} / {r}) = {m}" for name, n, m in zip(AXES, shape[2:], out[2:])]
        )

    def footprint(self, shape: Sequence[int]) -> KernelFootprint:
        """One-hot kernels: every output reads one cell of one channel."""
        channels, height, width = shape[1:]
        r = self.downscale_factor
        self.output_shape(shape)
        kernel = torch.eye(r**2).view(r**2, 1, r, r).repeat(channels, 1, 1, 1)
        rows, cols = (Axis.from_index(n, torch.arange(n).view(-1, r)) for n in (height, width))
        return KernelFootprint(rows, cols, kernel, groups=channels)

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """PixelShuffle: the exact inverse, and the adjoint as well."""
        r = self.downscale_factor
        way = Undo(
            N_("pixel shuffle"),
            f"F.pixel_shuffle(y, {r})",
            lambda y: F.pixel_shuffle(y, r),
            lambda: "exact inverse",
        )
        return way, self.adjoint(shape)


@lru_cache(maxsize=16)
def _spread(n: int, r: int) -> Axis:
    """Tap t of output i reads input i // r if t is i's place in its block, else nothing."""
    out = torch.arange(n * r)[:, None]
    return Axis.from_index(n, torch.where(torch.arange(r) == out % r, out // r, -1))
