"""What notebooks/10-reconstruct-images.ipynb says, for three other seeds."""

from __future__ import annotations

from functools import cache
from statistics import median
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import resample_viz as rv
from resample_viz.analysis import grid_energy, restore_bicubic
from resample_viz.labs.reconstruction import (
    DIGITS,
    FACES,
    components,
    held_out,
    reconstruction_task,
)
from resample_viz.networks import UPSAMPLINGS

pytestmark = pytest.mark.slow

SEEDS = (1, 2, 3)
K3, K4, NEAREST, BILINEAR, SUB_PIXEL, ICNR, UNPOOLING = UPSAMPLINGS


class Linear(nn.Module):
    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(64, numbers), nn.Linear(numbers, 64)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.up(self.down(x.flatten(1)))
        return result.view_as(x)


@cache
def trained(
    seed: int, size: int = 8, noise: float = 0.0, steps: int = 400, **options: Any
) -> rv.Training:
    """As the notebook trains its autoencoders."""
    torch.manual_seed(seed)
    network = rv.Autoencoder(size, **options)
    return run(network, seed, size, noise, steps, 0.01 if size == 8 else 0.005)


def run(
    network: nn.Module, seed: int, size: int, noise: float, steps: int, learning_rate: float
) -> rv.Training:
    task = reconstruction_task(size, noise)
    training = rv.Training(network, task, steps, learning_rate=learning_rate, seed=seed)
    for _ in training.run():
        pass
    return training


def pca(numbers: int) -> float:
    restored = components(8).restore(held_out(DIGITS), numbers)
    return rv.psnr(restored.clamp(0, 1), held_out(DIGITS))


@pytest.mark.parametrize("seed", SEEDS)
def test_ahead_of_pca_with_few_numbers_and_behind_with_many(seed: int) -> None:
    for numbers in (2, 4, 8):
        assert trained(seed, code=numbers).score > pca(numbers) + 0.25
    assert trained(seed, code=32).score < pca(32) - 3


def test_bicubic_resizing_is_behind_pca() -> None:
    for numbers in (4, 9, 16, 25, 36):
        restored, used = restore_bicubic(held_out(DIGITS), numbers)
        assert rv.psnr(restored, held_out(DIGITS)) < pca(used) - 3


@pytest.mark.parametrize("seed", SEEDS)
def test_two_matrices_come_to_the_result_of_pca(seed: int) -> None:
    torch.manual_seed(seed)
    training = run(Linear(32), seed, 8, 0.0, 1500, 0.01)
    straight = rv.psnr(training.predict(held_out(DIGITS)).clamp(0, 1), held_out(DIGITS))
    assert abs(straight - pca(32)) < 1
    assert straight > trained(seed, code=32).score + 3


@pytest.mark.parametrize("seed", SEEDS)
def test_blocks_of_digits(seed: int) -> None:
    found = {block: trained(seed, code=8, upsampling=block).score for block in UPSAMPLINGS}
    alike = [found[block] for block in (K3, K4, SUB_PIXEL, ICNR)]
    assert max(alike) - min(alike) < 1
    assert found[BILINEAR] < min(alike) - 1
    assert found.pop(UNPOOLING) > max(found.values()) + 2


@pytest.mark.parametrize("seed", SEEDS)
def test_the_indices_are_the_message(seed: int) -> None:
    unseen = held_out(DIGITS)
    network: Any = trained(seed, code=8, upsampling=UNPOOLING).network
    with torch.no_grad():
        code, indices = network.encode(unseen)
        other = network.decode(code, tuple(places.roll(-1, 0) for places in indices))
        mean_code = network.decode(code.mean(0).expand_as(code), indices)
    assert rv.psnr(other, unseen.roll(-1, 0)) > rv.psnr(other, unseen) + 5
    others = [trained(seed, code=8, upsampling=block).score for block in UPSAMPLINGS[:-1]]
    assert rv.psnr(mean_code, unseen) > max(others) + 0.25


@pytest.mark.parametrize("seed", SEEDS)
def test_trained_with_noise_is_better_at_noise(seed: int) -> None:
    denoising = trained(seed, noise=0.4, code=8)
    noisy, clean = denoising.task.held_out
    assert denoising.score > rv.psnr(trained(seed, code=8).predict(noisy), clean) + 0.5
    assert denoising.score > rv.psnr(components(8).restore(noisy, 8).clamp(0, 1), clean) + 0.1
    assert denoising.score > rv.psnr(noisy.clamp(0, 1), clean) + 3


def grid(block: str, steps: int, seed: int, networks: int = 5) -> float:
    """The median over some networks, as in the notebook."""
    seeds = range(10 * seed, 10 * seed + networks)
    runs = [trained(s, 24, steps=steps, code=16, upsampling=block) for s in seeds]
    return median(grid_energy(one.predict(held_out(FACES))) for one in runs)


@pytest.mark.parametrize("seed", SEEDS)
def test_grids_before_and_after_training(seed: int) -> None:
    for block in (K3, K4, SUB_PIXEL):
        assert grid(block, 0, seed) > 20
    for block in (NEAREST, ICNR):
        assert grid(block, 0, seed) < 1
    assert grid(K3, 20, seed) > 3 * grid(NEAREST, 20, seed)
    late = {block: grid(block, 300, seed, networks=1) for block in (K3, NEAREST, ICNR)}
    assert late[K3] < grid(K3, 0, seed) / 10
    assert late[ICNR] > 1.5 > 1 > late[NEAREST]
