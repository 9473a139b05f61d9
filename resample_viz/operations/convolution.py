"""`Conv` and `ConvTranspose`: the convolution, and the map that is its adjoint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.operations.base import check_memory, takes_one_picture
from resample_viz.operations.errors import OperationError
from resample_viz.operations.footprint import Axis, KernelFootprint
from resample_viz.operations.kernel_layer import FOLLOWS, KernelLayer
from resample_viz.operations.kernels import AVERAGING, KernelName, Weights
from resample_viz.operations.parameters import FROM_INPUT, Pair, Range, When
from resample_viz.operations.validation import AXES, check_taps, check_tensor, either, pair, quoted
from resample_viz.words import N_
from resample_viz.words import gettext as _

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
Bias = bool | tuple[float, ...]
"""Whether there is one, or one number per output channel."""
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
Sides = tuple[int, int, int, int]
"""Cells at the top, left, bottom and right."""


@dataclass(frozen=True, repr=False)
class Conv(KernelLayer):
    """Slides a kernel over the padded input: one sum of products per place (torch.nn.Conv2d).

    Takes (N, in_channels, H, W). `kernel` is a name or a tensor of your own: (kh, kw), or
    (out_channels, in_channels / groups, kh, kw); see `KernelLayer` for what it does to channels.
    Sizes that are not given follow the tensor (else kernel_size=3 and one channel). `padding` is a
    number, (height, width), "same" or "valid". `bias` is True (0.5 in every output channel) or a
    tensor of your own, (out_channels,). The output size is
    floor((n + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1.

    Raises OperationError for what PyTorch refuses.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html

    >>> Conv(kernel="box", stride=2, padding=1).output_shape((1, 1, 5, 8))
    (1, 1, 3, 4)
    """

    variable = "conv"
    layer = nn.Conv2d
    functional = "conv2d"
    name = N_("convolution")
    padding_words = ("same", "valid")

    kernel: KernelName | Weights | Tensor = "gaussian"
    kernel_size: Annotated[int | Pair, Range(1, 7)] = FOLLOWS
    stride: Annotated[int | Pair, Range(1, 4)] = 1
    padding: Annotated[int | Pair | Literal["same", "valid"], Range(0, 6)] = 0
    padding_mode: PaddingMode = "zeros"
    dilation: Annotated[int | Pair, Range(1, 4)] = 1
    out_channels: Annotated[int, Range(1, 8)] = FOLLOWS
    groups: Annotated[int, Range(1, 8)] = 1
    bias: Bias = False
    seed: Annotated[int, Range(0, 99), When("kernel", "random")] = 0
    in_channels: Annotated[int, FROM_INPUT] = FOLLOWS

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(out_channels, in_channels / groups, kh, kw)."""
        return (self.out_channels, self.in_channels // self.groups, *self.taps)

    def __call__(self, x: Tensor) -> Tensor:
        """Applies nn.Conv2d to x, (N, C, H, W), which must fit into memory with its padding too.

        Raises OperationError; see `Operation`.
        """
        check_tensor(x)
        self._check_padding(x.shape)
        top, left, bottom, right = self.padding_of(x.shape)
        height, width = x.shape[2:]
        padded = (*x.shape[:2], top + height + bottom, left + width + right)
        check_memory(padded, x.element_size(), N_("padded input"), N_("less padding"))
        return super().__call__(x)

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(N, out_channels, H', W').

        Raises OperationError where the window is larger than the padded input, where there is too
        little to mirror or to wrap, or where the channels do not fit.
        """
        shape = self._check_padding(shape)
        top, left, bottom, right = self.padding_of(shape)
        sizes = []
        for axis, padded in enumerate((shape[2] + top + bottom, shape[3] + left + right)):
            if self.window[axis] > padded:
                raise OperationError(self._window_too_large(axis, shape[2 + axis], padded))
            sizes.append((padded - self.window[axis]) // pair(self.stride)[axis] + 1)
        return (shape[0], self.out_channels, *sizes)

    def explain_shape(self, shape: Sequence[int]) -> str:
        """One line per axis: "height: floor((5 + 2·1 − 1·(3 − 1) − 1) / 2) + 1 = 3"."""
        out = self.output_shape(shape)[2:]
        top, left, bottom, right = self.padding_of(shape)
        pads = ((top, bottom), (left, right))
        return "\n".join(
            f"{_(name)}: floor(({n} + "
            f"{f'2·{before}' if before == after else f'{before} + {after}'} − "
            f"{d}·({k} − 1) − 1) / {s}) + 1 = {result}"
            for name, n, (before, after), d, k, s, result in zip(
                AXES,
                shape[2:],
                pads,
                pair(self.dilation),
                self.taps,
                pair(self.stride),
                out,
            )
        )

    def padding_of(self, shape: Sequence[int]) -> Sides:
        """The cells that are really added at the top, left, bottom and right.

        With "same" and an odd number of cells, PyTorch adds the odd one at the end.
        """
        shape = self._check_shape(shape)
        if self.padding == "same":
            (top, bottom), (left, right) = (((w - 1) // 2, w // 2) for w in self.window)
            return top, left, bottom, right
        height, width = (0, 0) if isinstance(self.padding, str) else pair(self.padding)
        return height, width, height, width

    def pad(self, x: Tensor) -> Tensor:
        """The padded input, (N, C, top + H + bottom, left + W + right)."""
        self._check_padding(x.shape)
        top, left, bottom, right = self.padding_of(x.shape)
        return F.pad(x, (left, right, top, bottom), mode=self._pad_mode)

    def unpadded(self) -> Conv:
        """The same convolution without padding: `unpadded()(pad(x))` is `self(x)`."""
        return replace(self, padding=0, padding_mode="zeros")

    def unread(self, shape: Sequence[int]) -> tuple[list[int], list[int]]:
        """The rows and the columns of the input that no window reads."""
        rows, cols = self.footprint(shape).axes
        return rows.unread(), cols.unread()

    def footprint(self, shape: Sequence[int]) -> KernelFootprint:
        """The taps of every axis; PyTorch pads the indices, and so says where each is from."""
        out = self.output_shape(shape)[2:]
        top, left, bottom, right = self.padding_of(shape)
        for name, n, k in zip(AXES, (out[0] + top + bottom, out[1] + left + right), self.taps):
            check_taps(name, n, k)
        axes = []
        for n, sides, k, s, d in zip(
            shape[2:],
            ((top, bottom), (left, right)),
            self.window,
            pair(self.stride),
            pair(self.dilation),
        ):
            numbers = torch.arange(1, n + 1, dtype=torch.float64).view(1, 1, n)
            padded = F.pad(numbers, sides, mode=self._pad_mode).long().flatten() - 1
            axes.append(Axis.from_index(n, padded.unfold(0, k, s)[:, ::d]))
        return KernelFootprint(axes[0], axes[1], self.weight, self.groups)

    @takes_one_picture
    def transposed(self, shape: Sequence[int]) -> ConvTranspose:
        """The transposed convolution with the same weights: the adjoint for inputs of `shape`.

        Its output_padding, (n + 2 padding - window) mod stride, says which of the input sizes that
        give this output is meant.
        Source: Dumoulin and Visin, A guide to convolution arithmetic (2016), relationship 14.

        Raises OperationError where no transposed convolution is the adjoint.
        """
        self.output_shape(shape)
        top, left, bottom, right = self.padding_of(shape)
        if self.padding_mode != "zeros" and max(top, left, bottom, right) > 0:
            raise OperationError(
                _(
                    "padding_mode {padding_mode} reads cells more than once, but a "
                    "transposed convolution only cuts its padding off: use "
                    "padding_mode='zeros' for an adjoint.",
                    padding_mode=repr(self.padding_mode),
                )
            )
        if (top, left) != (bottom, right):
            raise OperationError(
                _(
                    "padding='same' adds {before} cells before and {after} after, but a "
                    "transposed convolution cuts off the same number at both ends: use an "
                    "odd kernel_size, or padding=1.",
                    before=(top, left),
                    after=(bottom, right),
                )
            )
        rest = [
            (n + 2 * p - w) % s
            for n, p, w, s in zip(shape[2:], (top, left), self.window, pair(self.stride))
        ]
        return ConvTranspose(
            kernel=Weights(self.weight),
            stride=self.stride,
            padding=_joined(top, left),
            output_padding=_joined(*rest),
            dilation=self.dilation,
            groups=self.groups,
        )

    def _way_back(self, shape: Sequence[int]) -> KernelLayer:
        return self.transposed(shape)

    def _shape_back(self, shape: Sequence[int]) -> KernelLayer:
        return replace(self, padding_mode="zeros").transposed(shape)

    @property
    def _pad_mode(self) -> str:
        return "constant" if self.padding_mode == "zeros" else self.padding_mode

    def _channels_of(self, shape: Sequence[int]) -> dict[str, int]:
        return {"out_channels": shape[0], "in_channels": shape[1] * self.groups}

    def _check_words(self) -> None:
        super()._check_words()
        if isinstance(self.padding, str) and self.padding not in self.padding_words:
            raise OperationError(
                _(
                    "padding {padding} does not exist: use a number, (height, width), "
                    "padding='same', or padding='valid'.",
                    padding=quoted(self.padding),
                )
            )
        if self.padding_mode not in PADDING_MODES:
            raise OperationError(
                _(
                    "padding_mode {padding_mode} does not exist, only {choices}: use "
                    "padding_mode='reflect'.",
                    padding_mode=quoted(self.padding_mode),
                    choices=", ".join(PADDING_MODES),
                )
            )

    def _check_groups(self) -> None:
        super()._check_groups()
        if self.padding == "same" and pair(self.stride) != (1, 1):
            half = _joined(*(w // 2 for w in self.window))
            raise OperationError(
                _(
                    "padding='same' keeps the size, which a stride of {stride} does not: "
                    "use stride=1, or padding={half}.",
                    stride=self.stride,
                    half=half,
                )
            )

    def _check_padding(self, shape: Sequence[int]) -> tuple[int, ...]:
        shape = self._check_shape(shape)
        top, left, bottom, right = self.padding_of(shape)
        for name, n, pad in zip(AXES, shape[2:], (max(top, bottom), max(left, right))):
            if self.padding_mode == "reflect" and pad >= n:
                raise OperationError(
                    _(
                        "padding_mode 'reflect' mirrors at the border cell, so padding ({pad}) "
                        "must be smaller than the {name} ({n}): use padding={most} or less, or "
                        "padding_mode='replicate'.",
                        pad=pad,
                        name=name,
                        n=n,
                        most=n - 1,
                    )
                )
            if self.padding_mode == "circular" and pad > n:
                raise OperationError(
                    _(
                        "padding_mode 'circular' wraps around once, so padding ({pad}) must "
                        "not be larger than the {name} ({n}): use padding={n} or less, or "
                        "padding_mode='replicate'.",
                        pad=pad,
                        name=name,
                        n=n,
                    )
                )
        return shape

    def _window_too_large(self, axis: int, n: int, padded: int) -> str:
        window, d, k = self.window[axis], pair(self.dilation)[axis], self.taps[axis]
        more = (padded - n) // 2 + math.ceil((window - padded) / 2)
        limit = {"reflect": n - 1, "circular": n}.get(self.padding_mode, more)
        ways = []
        largest = self._kernel_size_up_to((padded - 1) // d + 1)
        if largest:
            ways.append(_("kernel_size={most} or less", most=largest))
        if more <= limit:
            ways.append(f"padding={more}")
        elif not ways:
            ways.append(f"padding_mode='zeros', padding={more}")
        formula = f"{d}·({k} − 1) + 1"
        return _(
            "the {name} of the window, {formula} = {window}, is larger than the padded input, "
            "{n} + {padding} = {padded}: use {ways}.",
            name=AXES[axis],
            formula=formula,
            window=window,
            n=n,
            padding=padded - n,
            padded=padded,
            ways=either(ways),
        )


@dataclass(frozen=True, repr=False)
class ConvTranspose(KernelLayer):
    """Stamps a kernel into the output once per input cell, and adds up (torch.nn.ConvTranspose2d).

    Takes (N, in_channels, H, W). `kernel` is a name or a tensor of your own: (kh, kw), or
    (in_channels, out_channels / groups, kh, kw); see `KernelLayer` for what it does to channels.
    The kernels that average (box, gaussian, bilinear) are multiplied by the stride of both axes,
    so that a constant stays that constant on average. `padding` cuts cells off, `output_padding`
    adds computed ones at the end. `bias` is as for `Conv`. The output size is
    (n - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1.

    Raises OperationError for what PyTorch refuses.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html

    >>> ConvTranspose("box", stride=2, padding=1, output_padding=1).output_shape((1, 1, 3, 4))
    (1, 1, 6, 8)
    """

    variable = "tconv"
    layer = nn.ConvTranspose2d
    functional = "conv_transpose2d"
    name = N_("transposed convolution")

    kernel: KernelName | Weights | Tensor = "gaussian"
    kernel_size: Annotated[int | Pair, Range(1, 7)] = FOLLOWS
    stride: Annotated[int | Pair, Range(1, 4)] = 1
    padding: Annotated[int | Pair, Range(0, 6)] = 0
    output_padding: Annotated[int | Pair, Range(0, 3)] = 0
    dilation: Annotated[int | Pair, Range(1, 4)] = 1
    out_channels: Annotated[int, Range(1, 8)] = FOLLOWS
    groups: Annotated[int, Range(1, 8)] = 1
    bias: Bias = False
    seed: Annotated[int, Range(0, 99), When("kernel", "random")] = 0
    in_channels: Annotated[int, FROM_INPUT] = FOLLOWS

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(in_channels, out_channels / groups, kh, kw)."""
        return (self.in_channels, self.out_channels // self.groups, *self.taps)

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(N, out_channels, H', W').

        Raises OperationError where the padding leaves nothing, or where the channels do not fit.
        """
        shape = self._check_shape(shape)
        sizes = []
        for axis, n in enumerate(shape[2:]):
            stride, padding, extra = (
                pair(value)[axis] for value in (self.stride, self.padding, self.output_padding)
            )
            whole = (n - 1) * stride + self.window[axis] + extra
            if whole - 2 * padding < 1:
                raise OperationError(
                    _(
                        "padding cuts {padding} cells off at both ends, but the {name} is only "
                        "{whole}: use padding={most} or less, or a larger kernel_size.",
                        padding=padding,
                        name=AXES[axis],
                        whole=whole,
                        most=(whole - 1) // 2,
                    )
                )
            sizes.append(whole - 2 * padding)
        return (shape[0], self.out_channels, *sizes)

    def explain_shape(self, shape: Sequence[int]) -> str:
        """One line per axis: "height: (3 − 1)·2 − 2·1 + 1·(3 − 1) + 0 + 1 = 5"."""
        return "\n".join(
            f"{_(name)}: ({n} − 1)·{s} − 2·{p} + {d}·({k} − 1) + {extra} + 1 = {result}"
            for name, n, s, p, d, k, extra, result in zip(
                AXES,
                shape[2:],
                pair(self.stride),
                pair(self.padding),
                pair(self.dilation),
                self.taps,
                pair(self.output_padding),
                self.output_shape(shape)[2:],
            )
        )

    def stretched(self, x: Tensor) -> Tensor:
        """The grid, (N, C, H', W'), on which `as_convolution()` gives what this layer makes of x.

        x is (N, C, H, W). Between its neighbours lie stride - 1 zeros, and around all
        dilation (kernel_size - 1) - padding more, with output_padding in addition at the end.
        Where that is negative, as many cells are cut off instead.
        Source: Dumoulin and Visin, A guide to convolution arithmetic (2016), relationship 14.
        """
        self.output_shape(x.shape)
        for axis in (0, 1):
            x = self._stretch(x, axis)
        return x

    def stretched_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape of `stretched(x)` for an x of `shape`, (N, C, H, W)."""
        return (
            *shape[:2],
            *(n + w - 1 for n, w in zip(self.output_shape(shape)[2:], self.window)),
        )

    def _stretch(self, x: Tensor, axis: int) -> Tensor:
        """The same along one axis, 0 or 1."""
        stride, padding, extra = (
            pair(value)[axis] for value in (self.stride, self.padding, self.output_padding)
        )
        n = x.shape[2 + axis]
        shape = list(x.shape)
        shape[2 + axis] = (n - 1) * stride + 1
        spread = x.new_zeros(shape)
        spread[..., :: stride if axis == 0 else 1, :: stride if axis == 1 else 1] = x
        before = self.window[axis] - 1 - padding
        sides = (before, before + extra)
        around = (0, 0) if axis == 0 else ()
        # Added first, cut afterwards: F.pad cannot cut more than there was before it added.
        spread = F.pad(spread, (*around, *(max(side, 0) for side in sides)))
        return F.pad(spread, (*around, *(min(side, 0) for side in sides)))

    def as_convolution(self) -> Conv:
        """The ordinary convolution, kernel flipped, that reads `stretched(x)`: the gather view."""
        return Conv(
            kernel=Weights(self._gather_kernel()),
            dilation=self.dilation,
            groups=self.groups,
            bias=self.bias,
        )

    def _gather_kernel(self) -> Tensor:
        """The weights as the output sees them: (out, in / groups, kh, kw), turned by 180°."""
        inputs, outputs = self.in_channels // self.groups, self.out_channels // self.groups
        by_group = self.weight.view(self.groups, inputs, outputs, *self.taps).transpose(1, 2)
        return by_group.reshape(self.out_channels, inputs, *self.taps).flip(-2, -1)

    def footprint(self, shape: Sequence[int]) -> KernelFootprint:
        """The gather view, with the kernel of `as_convolution`: inserted zeros read nothing."""
        for name, n, k, window in zip(AXES, self.output_shape(shape)[2:], self.taps, self.window):
            check_taps(name, n + window, k)
        axes = []
        for axis, n in enumerate(shape[2:]):
            numbers = torch.arange(1, n + 1).view(1, 1, *((n, 1) if axis == 0 else (1, n)))
            index = self._stretch(numbers, axis).flatten() - 1
            taps = index.unfold(0, self.window[axis], 1)[:, :: pair(self.dilation)[axis]]
            axes.append(Axis.from_index(n, taps))
        return KernelFootprint(axes[0], axes[1], self._gather_kernel(), self.groups)

    def stamp(self, shape: Sequence[int], row: int, col: int, channel: int = 0) -> Tensor:
        """What a 1 in one input cell leaves in the output, (out_channels, H', W'), bias apart."""
        impulse = torch.zeros(1, *shape[1:])
        impulse[0, channel, row, col] = 1
        return replace(self, bias=False)(impulse)[0]

    def overlap(self, shape: Sequence[int]) -> Tensor:
        """How many (input cell, kernel tap) pairs land on each output cell, (H', W'), int64.

        Source: Odena, Dumoulin, Olah, Deconvolution and Checkerboard Artifacts, Distill (2016).
        """
        counting = replace(
            self,
            kernel=torch.ones(self.taps),
            bias=False,
            groups=1,
            in_channels=1,
            out_channels=1,
        )
        return counting(torch.ones(1, 1, *shape[2:]))[0, 0].round().long()

    def transposed(self) -> Conv:
        """The convolution whose adjoint this is: same weights, stride, padding and dilation.

        Raises OperationError if output_padding is as large as the stride (which a dilation allows):
        no convolution reads only as far as that.
        """
        for stride, extra in zip(pair(self.stride), pair(self.output_padding)):
            if extra >= stride:
                raise OperationError(
                    _(
                        "with output_padding ({extra}) as large as the stride ({stride}) this "
                        "is the adjoint of no convolution: use output_padding={most} or less.",
                        extra=extra,
                        stride=stride,
                        most=stride - 1,
                    )
                )
        return Conv(
            kernel=Weights(self.weight),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def _way_back(self, shape: Sequence[int]) -> KernelLayer:  # noqa: ARG002
        return self.transposed()

    def _gain(self) -> int:
        return math.prod(pair(self.stride)) if self.kernel in AVERAGING else 1

    def _channels_of(self, shape: Sequence[int]) -> dict[str, int]:
        return {"in_channels": shape[0], "out_channels": shape[1] * self.groups}

    def _check_groups(self) -> None:
        super()._check_groups()
        for name, stride, dilation, extra in zip(
            AXES,
            pair(self.stride),
            pair(self.dilation),
            pair(self.output_padding),
        ):
            if extra >= max(stride, dilation):
                raise OperationError(
                    _(
                        "output_padding ({extra}) along the {name} must be smaller than the "
                        "stride ({stride}) or the dilation ({dilation}): use "
                        "output_padding={most}, or stride={more}.",
                        extra=extra,
                        name=name,
                        stride=stride,
                        dilation=dilation,
                        most=max(stride, dilation) - 1,
                        more=extra + 1,
                    )
                )


def _joined(height: int, width: int) -> int | Pair:
    return height if height == width else (height, width)
