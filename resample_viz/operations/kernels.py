"""Named 2-D kernels, and a learner's own one.

Every function takes a size (height, width) and gives a tensor of that shape in double precision:
what is divided later, by a number of channels, is then rounded once. As in PyTorch, a convolution
does not flip its kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from resample_viz.operations.errors import OperationError
from resample_viz.operations.parameters import Pair
from resample_viz.words import gettext as _

KernelName = Literal[
    "gaussian", "box", "ones", "bilinear", "sobel", "laplacian", "sharpen", "identity", "random"
]
AVERAGING = ("gaussian", "box", "bilinear")
"""The kernels whose weights are positive and sum to 1."""


class Weights:
    """A learner's own kernel: immutable, hashable, equal to another one of the same values.

    `values` is (kh, kw), used like a named kernel, or the four axes of a layer's weight. Takes
    tensors, arrays and nested lists; keeps them as float32, apart from any graph.

    Raises OperationError for other shapes, and for values that are not finite numbers.
    """

    def __init__(self, values: Any) -> None:
        kept = _as_float32(values)
        if kept.ndim not in (2, 4) or kept.numel() == 0:
            raise OperationError(
                _(
                    "a kernel is a tensor (kh, kw), or the whole weight of a layer with "
                    "its four axes, but this one has the shape {shape}: try "
                    "kernel=torch.ones(3, 3).",
                    shape=tuple(kept.shape),
                )
            )
        if not torch.isfinite(kept).all():
            raise OperationError(
                _(
                    "kernel has values that are infinite or not a number: use finite ones, "
                    "such as those of torch.nan_to_num(kernel, 0, 1, -1)."
                )
            )
        self._values = kept
        self._hash = hash((tuple(kept.shape), kept.numpy().tobytes()))

    @property
    def values(self) -> Tensor:
        """A copy of the numbers, float32, of shape `shape`."""
        return self._values.clone()

    @property
    def shape(self) -> tuple[int, ...]:
        """(kh, kw), or four sizes."""
        return tuple(self._values.shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Weights) and torch.equal(self._values, other._values)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        if self._values.numel() > 36:
            return f"<own kernel {self.shape}>"
        return repr(self._values.tolist())


def _as_float32(values: Any) -> Tensor:
    try:
        tensor = torch.as_tensor(values)
        if tensor.is_complex():
            raise TypeError("complex numbers")
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise OperationError(
            _(
                "kernel must be the name of a kernel or a tensor of real numbers, not "
                "{given}: try kernel='box', or kernel=torch.ones(3, 3).",
                given=_short(values),
            )
        ) from None
    return tensor.detach().clone().to("cpu", torch.float32)


def box(size: Pair) -> Tensor:
    """The mean of the window, (kh, kw): every weight is 1 / (kh * kw)."""
    return torch.ones(size, dtype=torch.float64) / math.prod(size)


def ones(size: Pair) -> Tensor:
    """The sum of the window, (kh, kw): every weight is 1."""
    return torch.ones(size, dtype=torch.float64)


def gaussian(size: Pair) -> Tensor:
    """A sampled Gaussian, (kh, kw), normalised to sum 1; sigma = 0.3 ((k - 1) / 2 - 1) + 0.8.

    Source of the rule for sigma: torchvision.transforms.functional.gaussian_blur, which uses it
    when no sigma is given (and took it from OpenCV's getGaussianKernel).
    """
    return _outer(*map(_bell, size))


def bilinear(size: Pair) -> Tensor:
    """The tent of linear interpolation, (kh, kw), summing to 1: 1 2 1 for size 3, 1 3 3 1 for 4.

    Along each axis weight i is 1 - |i - (k - 1) / 2| / ((k + 1) // 2): what a transposed
    convolution of stride (k + 1) // 2 needs to interpolate.
    Source: the "bilinear upsampling" filler of Caffe's deconvolution layer; Long, Shelhamer,
    Darrell, Fully Convolutional Networks (2015), section 3.3.
    """
    return _outer(*map(_tent, size))


def sobel(size: Pair) -> Tensor:
    """How fast the picture brightens to the right, smoothed from top to bottom: (kh, kw).

    Binomial smoothing along the height times a binomially smoothed difference along the width:
    -1 0 1 times 1 2 1 for size 3. Raises OperationError for a width below 2.
    Source: Sobel and Feldman (1968); the larger sizes as OpenCV's getDerivKernels has them.
    """
    height, width = size
    if width < 2:
        raise OperationError(
            _(
                "kernel 'sobel' takes differences along the width, for which "
                "kernel_size {size} is too narrow: use kernel_size=({height}, 3).",
                size=size,
                height=height,
            )
        )
    return _binomial(height)[:, None] * _convolve(_binomial(width - 1), [-1.0, 1.0])


def laplacian(size: Pair) -> Tensor:
    """The sum of the second differences along both axes, 1 -2 1 each, through the middle: (kh, kw).

    Sizes above 3 smooth the differences binomially along their axis. Raises OperationError unless
    both sizes are odd and 3 or more.
    Source: the five-point stencil, e.g. Gonzalez and Woods, Digital Image Processing, section 3.6.
    """
    _check_odd("laplacian", size)
    height, width = size
    kernel = torch.zeros(size, dtype=torch.float64)
    kernel[:, width // 2] += _convolve(_binomial(height - 2), [1.0, -2.0, 1.0])
    kernel[height // 2] += _convolve(_binomial(width - 2), [1.0, -2.0, 1.0])
    return kernel


def sharpen(size: Pair) -> Tensor:
    """The picture minus its Laplacian, (kh, kw): 5 in the middle of four -1 for size 3. Sums to 1.

    Raises OperationError unless both sizes are odd and 3 or more.
    Source: Gonzalez and Woods, Digital Image Processing, section 3.6 (unsharp masking).
    """
    _check_odd("sharpen", size)
    return identity(size) - laplacian(size)


def identity(size: Pair) -> Tensor:
    """1 in the middle of (kh, kw), at ((kh - 1) // 2, (kw - 1) // 2), and 0 elsewhere."""
    kernel = torch.zeros(size, dtype=torch.float64)
    kernel[tuple((k - 1) // 2 for k in size)] = 1
    return kernel


def random(shape: Sequence[int], seed: int = 0) -> Tensor:
    """Independent normal numbers of mean 0, with the variance that PyTorch starts a layer with.

    That variance is 1 / (3 fan_in), fan_in being the product of all axes of `shape` but the first
    one of four. `shape` may be (kh, kw) too. The numbers come from a generator of their own.
    Source: torch.nn.Conv2d (uniform between -1 / sqrt(fan_in) and 1 / sqrt(fan_in), so of that
    variance); for nn.ConvTranspose2d too PyTorch takes the second axis of the weight.
    """
    generator = torch.Generator().manual_seed(seed)
    weights: Tensor = torch.randn(tuple(shape), generator=generator)
    scaled: Tensor = weights / three_fan_in(shape) ** 0.5
    return scaled


def three_fan_in(shape: Sequence[int]) -> int:
    """One over the variance of `random` weights."""
    return 3 * math.prod(shape[-3:])


NAMED: dict[str, Callable[[Pair], Tensor]] = {
    "gaussian": gaussian,
    "box": box,
    "ones": ones,
    "bilinear": bilinear,
    "sobel": sobel,
    "laplacian": laplacian,
    "sharpen": sharpen,
    "identity": identity,
}


def _bell(k: int) -> Tensor:
    sigma = 0.3 * ((k - 1) / 2 - 1) + 0.8
    x = torch.arange(k, dtype=torch.float64) - (k - 1) / 2
    return torch.exp(-((x / sigma) ** 2) / 2)


def _tent(k: int) -> Tensor:
    x = torch.arange(k, dtype=torch.float64) - (k - 1) / 2
    return (k + 1) // 2 - x.abs()


def _outer(column: Tensor, row: Tensor) -> Tensor:
    kernel = column[:, None] * row
    return kernel / kernel.sum()


def _binomial(k: int) -> Tensor:
    return torch.tensor([math.comb(k - 1, i) for i in range(k)], dtype=torch.float64)


def _convolve(a: Tensor, b: list[float]) -> Tensor:
    """The product of two polynomials, whose coefficients these are."""
    total = torch.zeros(len(a) + len(b) - 1, dtype=torch.float64)
    for i, factor in enumerate(b):
        total[i : i + len(a)] += factor * a
    return total


def _check_odd(name: str, size: Pair) -> None:
    if any(k < 3 or k % 2 == 0 for k in size):
        raise OperationError(
            _(
                "kernel {name} needs a middle, so an odd kernel_size of 3 or more, not "
                "{size}: use kernel_size=3.",
                name=repr(name),
                size=size,
            )
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 40 else _("a {kind}", kind=type(value).__name__)
