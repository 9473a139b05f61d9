"""What lesson 11 claims, for three seeds of data, first weights and batches.

`-rP` shows the numbers.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import resample_viz as rv
from resample_viz.datasets import coins, horse, shapes

NETWORKS: dict[str, dict[str, Any]] = {
    "bilinear": {"upsampling": "bilinear + convolution"},
    "transposed": {"upsampling": "transposed convolution k=4"},
    "unpooling": {"upsampling": "max unpooling"},
    "skips": {"upsampling": "bilinear + convolution", "skips": True},
}
SEEDS = (0, 1, 2)

pytestmark = pytest.mark.slow
EACH_SEED = pytest.mark.parametrize("seed", SEEDS)


@cache
def experiment(seed: int) -> tuple[dict[str, nn.Module], Tensor, Tensor]:
    """The notebook's experiment: its four networks, its 100 test pictures and their masks."""
    held_out = shapes(40, seed=3 * seed + 1)
    task = rv.segmentation(*shapes(300, seed=3 * seed), held_out, batch_size=8)
    networks = {}
    for name, options in NETWORKS.items():
        torch.manual_seed(seed)
        network = rv.SegmentationNetwork(**options)
        for _ in rv.Training(network, task, 300, learning_rate=0.01, warm_up=0.2, seed=seed).run():
            pass
        networks[name] = network
    return networks, *shapes(100, seed=3 * seed + 2)


def said(network: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return network(x).argmax(1)


@cache
def scores(seed: int) -> dict[str, tuple[float, float, float]]:
    """Mean IoU over everything, in the band, and beyond it."""
    networks, test, truth = experiment(seed)
    band = rv.metrics.edge_band(truth)
    found = {}
    for name, network in networks.items():
        y = said(network, test)
        whole, near, far = (
            rv.metrics.mean_iou(y, truth, 4, within) for within in (None, band, ~band)
        )
        found[name] = whole, near, far
        print(f"seed {seed} {name:10} {whole:.3f}, band {near:.3f}, beyond {far:.3f}")  # noqa: T201
    return found


def object_iou(network: nn.Module, x: Tensor, mask: Tensor) -> float:
    found = rv.metrics.iou((said(network, x) > 0).long(), (mask > 0).long(), 2)[1].item()
    print(f"object IoU {found:.3f}")  # noqa: T201
    return found


@EACH_SEED
def test_in_the_band_skips_come_first_then_unpooling(seed: int) -> None:
    band = {name: row[1] for name, row in scores(seed).items()}
    assert band["skips"] - band["unpooling"] > 0.05
    assert band["unpooling"] - band["bilinear"] > 0.02
    assert band["transposed"] - band["bilinear"] < 0.5 * (band["skips"] - band["bilinear"])


@EACH_SEED
def test_beyond_the_band_there_is_little_to_choose(seed: int) -> None:
    assert min(row[2] for row in scores(seed).values()) > 0.9


@EACH_SEED
def test_places_are_what_is_missing(seed: int) -> None:
    _, _, truth = experiment(seed)
    shares = nn.functional.avg_pool2d(nn.functional.one_hot(truth, 4).movedim(-1, 1).float(), 8)
    back = nn.functional.interpolate(shares, scale_factor=8, mode="bilinear").argmax(1)
    limit = rv.metrics.mean_iou(back, truth, 4, rv.metrics.edge_band(truth))
    assert scores(seed)["bilinear"][1] - limit < 0.15
    assert scores(seed)["unpooling"][1] - limit > 0.05


@EACH_SEED
def test_the_horse_is_found_and_the_coins_are_not(seed: int) -> None:
    networks = experiment(seed)[0]
    outline = {name: object_iou(network, *horse()) for name, network in networks.items()}
    assert min(outline.values()) > 0.5
    assert outline["skips"] - outline["bilinear"] > 0.03
    assert all(object_iou(network, *coins()) < 0.3 for network in networks.values())


@EACH_SEED
def test_objects_without_colour_are_lost(seed: int) -> None:
    networks, test, truth = experiment(seed)
    grey = test.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    coloured = object_iou(networks["skips"], test, truth)
    assert coloured > 0.8
    assert coloured - object_iou(networks["skips"], grey, truth) > 0.3


@EACH_SEED
def test_the_indices_of_another_picture_ruin_the_edges(seed: int) -> None:
    networks, test, truth = experiment(seed)
    network: Any = networks["unpooling"]
    hook = network.pool.register_forward_hook(lambda _, __, out: (out[0], out[1].roll(1, 0)))
    foreign = rv.metrics.mean_iou(said(network, test), truth, 4, rv.metrics.edge_band(truth))
    hook.remove()
    assert scores(seed)["unpooling"][1] - foreign > 0.1


@EACH_SEED
def test_in_some_picture_unpooling_is_worse(seed: int) -> None:
    networks, test, truth = experiment(seed)
    wrong = {
        name: (said(networks[name], test) != truth).flatten(1).sum(1)
        for name in ("bilinear", "unpooling")
    }
    assert (wrong["unpooling"] > wrong["bilinear"]).any()


def test_with_five_seeds_the_order_is_the_same_and_figures_move_by_hundredths() -> None:
    task = rv.segmentation(*shapes(300, seed=0), shapes(40, seed=1), batch_size=8)
    test, truth = shapes(100, seed=2)
    within = rv.metrics.edge_band(truth)
    found: dict[str, list[float]] = {name: [] for name in NETWORKS}
    for seed in range(5):
        for name, options in NETWORKS.items():
            torch.manual_seed(seed)
            network = rv.SegmentationNetwork(**options)
            training = rv.Training(network, task, 300, learning_rate=0.01, warm_up=0.2, seed=seed)
            for _ in training.run():
                pass
            found[name].append(rv.metrics.mean_iou(said(network, test), truth, 4, within))
        band = {name: values[-1] for name, values in found.items()}
        print(seed, {name: round(value, 3) for name, value in band.items()})  # noqa: T201
        assert band["skips"] > band["unpooling"] > max(band["bilinear"], band["transposed"])
    spread = {name: max(values) - min(values) for name, values in found.items()}
    assert 0.01 < max(spread.values()) < 0.1
