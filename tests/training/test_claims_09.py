"""What lesson 09 says of its detector holds for other seeds, too. `-rP` shows the numbers."""

from __future__ import annotations

import pytest
import torch

import resample_viz as rv
from resample_viz.datasets import shape_boxes
from resample_viz.networks import LocationDetector
from resample_viz.training import detection_counts

SEEDS = (0, 1, 2)

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("seed", SEEDS)]


def test_more_than_half_is_right_and_shapes_alone_are_found_best(seed: int) -> None:
    task = rv.detection(
        *shape_boxes(800, seed=3 * seed), held_out=shape_boxes(40, seed=3 * seed + 1)
    )
    torch.manual_seed(seed)
    detector = LocationDetector(classes=3)
    for _ in rv.Training(detector, task, 400, learning_rate=0.01, warm_up=0.2, seed=seed).run():
        pass
    test, truth = shape_boxes(100, seed=3 * seed + 2)
    detected = detector.detect(test)
    right, predicted, wanted = detection_counts(detected, truth)
    alone = (truth[..., 0] > 0).sum(1) == 1
    found, _, there = detection_counts([d for d, one in zip(detected, alone) if one], truth[alone])
    lead = found / there - (right - found) / (wanted - there)
    print(  # noqa: T201
        f"seed {seed}: precision {right / predicted:.2f}, recall {right / wanted:.2f}, "
        f"alone {found / there:.2f} of {there}, ahead by {lead:.2f}"
    )
    assert right / predicted > 0.55
    assert right / wanted > 0.55
    assert found / there > 0.8
    assert lead > 0.05
