"""The interpolation kernel of an `Upsample`, measured: PyTorch's own weight at every distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.operations import Upsample

SAMPLES_PER_CELL = 65
"""An odd number, so that distance 0 is among them."""
REACH = 6
"""Input cells on either side of the impulse: twice what the widest kernel, Lanczos, reads."""


@dataclass(frozen=True, eq=False)
class SampledKernel:
    """Weights of an interpolation kernel along one axis.

    Attributes:
        offsets: distances from the sampling point in input cells, ascending, (n,).
        weights: the weight of an input cell at that distance, (n,).
        centres: where the kernel is centred for each output cell, in input cells, (out,).
    """

    offsets: Tensor
    weights: Tensor
    centres: Tensor

    def at(self, distances: Tensor) -> Tensor:
        """The weights at some distances, of any shape, linearly between samples, 0 beyond them."""
        place = (distances.double() - self.offsets[0]) / (self.offsets[1] - self.offsets[0])
        low = place.floor().clamp(0, len(self.offsets) - 2).long()
        share = (place - low).clamp(0, 1)
        inside = (place >= 0) & (place <= len(self.offsets) - 1)
        return torch.lerp(self.weights[low], self.weights[low + 1], share) * inside


def sampled_kernel(operation: Upsample, shape: Sequence[int]) -> SampledKernel | None:
    """The kernel with which the rows of an input, (N, C, H, W), are resized.

    Measured: an impulse, enlarged by PyTorch in the same mode, is the kernel. Where `antialias`
    shrinks, PyTorch stretches the kernel by 1 / scale and then divides by the sum of the weights.
    At the borders, what would lie outside counts for the cell at the edge.
    None for mode "area", which averages whole windows and has no kernel.
    Source: `area_pixel_compute_source_index` in ATen/native/UpSample.h and `_compute_weights` in
    ATen/native/cpu/UpSampleKernel.cpp of PyTorch.

    >>> kernel = sampled_kernel(Upsample(scale_factor=2, mode="bilinear"), (1, 1, 5, 5))
    >>> [round(float(w), 2) for w in kernel.at(torch.tensor([0.0, 0.25, 0.75, 1.0]))]
    [1.0, 0.75, 0.25, 0.0]
    """
    if operation.mode == "area":
        return None
    size, out = shape[-1], operation.output_shape(shape)[-1]
    is_aligned = operation.align_corners and out > 1
    step = (size - 1) / (out - 1) if is_aligned else _input_cells_per_output(operation, size, out)
    lag = _lag(operation.mode)
    outputs = torch.arange(out, dtype=torch.float64)
    if is_aligned and not operation.antialias:
        centres = outputs * step
    else:  # with antialias, PyTorch takes the step of align_corners, and not its places
        centres = (outputs + lag) * step - lag
    offsets, weights = _impulse_response(operation.mode, operation.antialias)
    stretch = max(1.0, step) if operation.antialias else 1.0
    return SampledKernel(offsets * stretch, weights / stretch, centres)


def _input_cells_per_output(operation: Upsample, size: int, out: int) -> float:
    factor = operation.scale_factor
    if factor is None or operation.recompute_scale_factor:
        return size / out
    return 1 / (factor[-1] if isinstance(factor, tuple) else factor)


def _lag(mode: str) -> float:
    """Where in its cell an output samples: at its middle, but with "nearest" at its start."""
    return 0.0 if mode == "nearest" else 0.5


@lru_cache(maxsize=16)
def _impulse_response(mode: str, antialias: bool) -> tuple[Tensor, Tensor]:
    """Offsets and weights, (n,), of the kernel of a mode, as wide as it is not to be 0."""
    impulse = torch.zeros(1, 1, 1, 2 * REACH + 1)
    impulse[..., REACH] = 1
    options = {"align_corners": False} if mode in ("bilinear", "bicubic") else {}
    enlarged = F.interpolate(
        impulse, scale_factor=(1, SAMPLES_PER_CELL), mode=mode, antialias=antialias, **options
    )
    weights = enlarged[0, 0, 0].double()
    # An output at p reads the impulse at REACH with the weight of the distance REACH - p.
    places = (torch.arange(len(weights)) + _lag(mode)) / SAMPLES_PER_CELL - _lag(mode)
    offsets, weights = (REACH - places).flip(0), weights.flip(0)
    read = weights.nonzero().flatten()
    wide = slice(int(read[0]) - 1, int(read[-1]) + 2)
    return offsets[wide], weights[wide]
