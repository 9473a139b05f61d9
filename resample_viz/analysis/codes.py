"""What a few numbers can carry of a picture: the linear optimum, a smaller picture; and grids."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.analysis.spectrum import amplitudes
from resample_viz.threads import one_thread

NEIGHBOURS = 3  # steps of frequency; a Hann window spreads a wave over less than two


@dataclass(frozen=True, eq=False)
class PrincipalComponents:
    """The directions in which pictures differ most, the strongest first.

    `mean` is (C, H, W), `components` (K, C H W), orthonormal rows; K is at most the number of
    pictures.
    """

    mean: Tensor
    components: Tensor

    def encode(self, x: Tensor, numbers: int) -> Tensor:
        """The first `numbers` coordinates of pictures: (N, C, H, W) → (N, numbers)."""
        return (x - self.mean).flatten(1) @ self.components[:numbers].T

    def restore(self, x: Tensor, numbers: int) -> Tensor:
        """The pictures that come back from so many numbers, (N, C, H, W).

        Of all linear ways through so many numbers it has the smallest mean squared error on the
        pictures that it was made of (C. Eckart, G. Young, Psychometrika 1, 1936). Beyond K numbers
        nothing is gained.
        """
        back = self.encode(x, numbers) @ self.components[:numbers]
        return back.view_as(x) + self.mean


@one_thread()
def principal_components(pictures: Tensor) -> PrincipalComponents:
    """The principal components of pictures (N, C, H, W).

    >>> flat = torch.rand(9, 1, 1, 1) * torch.ones(1, 1, 4, 4)
    >>> torch.allclose(principal_components(flat).restore(flat, 1), flat, atol=1e-6)
    True
    """
    mean = pictures.mean(0)
    _, _, rows = torch.linalg.svd((pictures - mean).flatten(1), full_matrices=False)
    return PrincipalComponents(mean, rows)


def restore_bicubic(x: Tensor, numbers: int) -> tuple[Tensor, int]:
    """Pictures (N, C, H, W) made smaller and larger again, and how many numbers were in between.

    The smaller picture is the largest square that needs at most `numbers` numbers per channel;
    bicubic both ways, with antialiasing on the way down.

    >>> restore_bicubic(torch.rand(2, 1, 8, 8), 10)[1]
    9
    """
    side = min(isqrt(numbers), *x.shape[-2:])
    small = F.interpolate(x, size=(side, side), mode="bicubic", antialias=True)
    return F.interpolate(small, size=x.shape[-2:], mode="bicubic"), side**2


@one_thread()
def grid_energy(pictures: Tensor, period: int = 2) -> float:
    """How far a grid of this period stands out in the spectrum of pictures (N, C, H, W).

    The energy at the frequencies 1 / period along the height, the width or both, over the energy at
    the frequencies around them (the median of those three steps away). About 1: no grid.

    Raises ValueError for a size that is no multiple of the period, or too small for neighbours.

    >>> grid = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(12, 12)
    >>> grid_energy(grid[None, None] + 0.1 * torch.rand(1, 1, 24, 24)) > 100
    True
    """
    height, width = pictures.shape[-2:]
    if height % period or width % period or min(height, width) <= period * NEIGHBOURS:
        raise ValueError(
            f"a grid of period {period} cannot be told apart in pictures of {height} × {width}: "
            f"use a multiple of {period} that is larger than {period * NEIGHBOURS}."
        )
    energy = torch.stack([amplitudes(picture).square() for picture in pictures]).mean(0)
    middle = torch.tensor((height // 2, width // 2))
    steps = torch.tensor((height // period, width // period))
    signs = torch.cartesian_prod(*2 * [torch.tensor((0, 1, -1))])[1:]
    peaks = torch.stack([_at(energy, middle + sign * steps) for sign in signs])
    ring = torch.cartesian_prod(*2 * [torch.arange(-NEIGHBOURS, NEIGHBOURS + 1)])
    ring = ring[ring.abs().amax(1) == NEIGHBOURS]
    around = torch.stack(
        [
            torch.stack([_at(energy, middle + sign * steps + step) for step in ring]).median()
            for sign in signs
        ]
    )
    return float(peaks.sum() / around.sum().clamp(min=1e-20))


def _at(energy: Tensor, place: Tensor) -> Tensor:
    """The energy at a frequency; beyond the highest one comes the lowest again."""
    row, col = (place % torch.tensor(energy.shape)).tolist()
    energies: Tensor = energy[row, col]
    return energies
