"""What notebooks/12-super-resolution.ipynb says of its trainings holds for other seeds, too."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import resample_viz as rv
from resample_viz.datasets import (
    TEST_PHOTOGRAPHS,
    downscale,
    small_and_large,
    training_pairs,
    validation_pair,
)
from resample_viz.networks import SuperResolutionNetwork, Upsampling
from resample_viz.training import Task, Training

pytestmark = pytest.mark.slow

SEEDS = (0, 1, 2)
STEPS = {2: 300, 3: 400}
AHEAD = {2: 0.5, 3: 0.4}  # dB
Enlarging = Callable[[Tensor], Tensor]


class Plain(SuperResolutionNetwork):
    """Without the bicubic picture that the network adds to."""

    def forward(self, x: Tensor) -> Tensor:
        return self.detail(x)


@cache
def task(factor: int) -> Task:
    return rv.super_resolution(training_pairs(factor), validation_pair(factor))


def trained(network: nn.Module, factor: int, steps: int, seed: int) -> Training:
    training = Training(network, task(factor), steps, learning_rate=3e-3, seed=seed)
    for _ in training.run():
        pass
    return training


@cache
def main(factor: int, seed: int) -> Training:
    torch.manual_seed(seed)
    return trained(SuperResolutionNetwork(factor), factor, STEPS[factor], seed)


def scores(make: Enlarging, factor: int) -> list[tuple[float, float]]:
    pairs = [small_and_large(name, factor) for name in TEST_PHOTOGRAPHS]
    return [rv.metrics.super_resolution_score(make(small), large, factor) for small, large in pairs]


def ahead(one: Enlarging, other: Enlarging, factor: int) -> list[float]:
    """By how many dB, for each photograph."""
    return [a[0] - b[0] for a, b in zip(scores(one, factor), scores(other, factor))]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def bicubic(factor: int) -> Enlarging:
    return lambda x: rv.upscale(x, factor)


def consistent(make: Enlarging) -> Enlarging:
    return lambda x: rv.back_project(make(x), x)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("factor", STEPS)
def test_the_network_is_ahead_of_bicubic_on_photographs_never_seen(factor: int, seed: int) -> None:
    network = main(factor, seed).predict
    gains = ahead(network, bicubic(factor), factor)
    print(f"x{factor}, seed {seed}:", {n: round(g, 2) for n, g in zip(TEST_PHOTOGRAPHS, gains)})  # noqa: T201
    assert mean(gains) > AHEAD[factor]
    assert min(gains) > 0.2
    similar = zip(scores(network, factor), scores(bicubic(factor), factor))
    assert all(a[1] > b[1] for a, b in similar)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("factor", STEPS)
def test_all_of_that_is_consistency_which_needs_no_training(factor: int, seed: int) -> None:
    network, plain = main(factor, seed).predict, consistent(bicubic(factor))
    assert mean(ahead(plain, bicubic(factor), factor)) > 0.5
    lead, best = (mean(ahead(make, plain, factor)) for make in (network, consistent(network)))
    print(f"x{factor}, seed {seed}: {lead:+.2f}, made consistent {best:+.2f}")  # noqa: T201
    assert abs(lead) < 0.2
    assert best > lead
    lanczos = consistent(lambda x: rv.upscale(x, factor, "Lanczos"))
    assert mean(ahead(network, lanczos, factor)) < 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_it_undoes_the_shrinking_that_it_was_trained_for(seed: int) -> None:
    _, large = small_and_large("camera", 2)
    small = downscale(large, 2)
    noise = 0.03 * torch.randn(small.shape, generator=torch.Generator().manual_seed(0))
    ways = {
        "as in training": small,
        "no antialias": F.interpolate(large, scale_factor=0.5, mode="bicubic").clamp(0, 1),
        "every second": large[..., ::2, ::2],
        "blurred": downscale(F.avg_pool2d(large, 3, 1, 1, count_include_pad=False), 2),
        "noisy": (small + noise).clamp(0, 1),
    }
    reached = {}
    gains = {}
    for name, x in ways.items():
        reached[name] = rv.metrics.super_resolution_score(main(2, seed).predict(x), large, 2).psnr
        gains[name] = (
            reached[name] - rv.metrics.super_resolution_score(rv.upscale(x, 2), large, 2).psnr
        )
    print(seed, {name: (round(reached[name], 2), round(gains[name], 2)) for name in ways})  # noqa: T201
    assert gains["as in training"] > 0.3
    assert max(gains[name] for name in ("no antialias", "every second", "noisy")) < -0.1
    assert max(reached, key=lambda name: reached[name]) == "as in training"


@pytest.mark.parametrize("seed", SEEDS)
def test_without_the_bicubic_picture_it_is_behind_after_as_many_steps(seed: int) -> None:
    gains = {}
    for kind in (Plain, SuperResolutionNetwork):
        torch.manual_seed(seed)
        training = trained(kind(2), 2, 60, seed)
        gains[kind.__name__] = ahead(training.predict, bicubic(2), 2)
    print(seed, gains)  # noqa: T201
    assert max(gains["Plain"]) < -2
    assert min(gains["SuperResolutionNetwork"]) > -0.1


BLOCKS: dict[Upsampling, bool] = {
    "sub-pixel convolution": True,
    "sub-pixel convolution, ICNR": False,
    "transposed convolution k=3": True,
    "transposed convolution k=4": True,
    "bilinear + convolution": False,
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("block", BLOCKS)
def test_checkerboards_before_the_first_step_and_soon_after(block: Upsampling, seed: int) -> None:
    torch.manual_seed(seed)
    network = SuperResolutionNetwork(2, upsampling=block)

    def pattern() -> float:
        with torch.no_grad():
            flat = network.detail(torch.full((1, 1, 16, 16), 0.7))
        return float(flat[..., 12:20, 12:20].std())

    before = pattern()
    trained(network, 2, 30, seed)
    print(block, seed, f"{before:.4f} {pattern():.4f}")  # noqa: T201
    assert before > 2e-3 if BLOCKS[block] else before < 1e-5
    assert pattern() < 0.02
