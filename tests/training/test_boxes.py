"""The task of detection: its loss, and what counts as right."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from resample_viz.datasets import CLASSES, shape_boxes, shapes
from resample_viz.networks import Detections, LocationDetector
from resample_viz.networks.location_detector import locations
from resample_viz.training import Training, detection, detection_counts
from resample_viz.training.boxes import detection_loss

SEEDS = st.integers(0, 2**31)


def as_detections(targets: Tensor) -> list[Detections]:
    return [
        Detections(
            t[t[:, 0] > 0, 1:], t[t[:, 0] > 0, 0].long(), torch.ones(int((t[:, 0] > 0).sum()))
        )
        for t in targets
    ]


@given(SEEDS)
def test_boxes_hold_what_the_masks_show(seed: int) -> None:
    pictures, masks = shapes(3, seed=seed)
    same, boxes = shape_boxes(3, seed=seed, visible=1)
    assert torch.equal(pictures, same)
    for mask, of_picture in zip(masks, boxes):
        covered = torch.zeros(len(CLASSES), *mask.shape, dtype=torch.bool)
        for number, left, top, right, bottom in of_picture.long().tolist():
            if number:
                window = mask[top:bottom, left:right] == number
                # Every side of the box touches a pixel of the class.
                assert window[[0, -1]].any(1).all()
                assert window[:, [0, -1]].any(0).all()
                covered[number, top:bottom, left:right] = True
        for number in range(1, len(CLASSES)):
            assert covered[number][mask == number].all()


def test_what_is_hidden_has_no_box() -> None:
    _, all_of_them = shape_boxes(60, visible=1)
    _, seen = shape_boxes(60, visible=200)
    assert 0 < (seen[..., 0] > 0).sum() < (all_of_them[..., 0] > 0).sum()
    assert torch.equal(seen[seen[..., 0] > 0], all_of_them[seen[..., 0] > 0])


@given(SEEDS)
def test_the_boxes_themselves_are_all_right(seed: int) -> None:
    _, targets = shape_boxes(4, seed=seed)
    count = int((targets[..., 0] > 0).sum())
    assert detection_counts(as_detections(targets), targets) == (count, count, count)


@given(SEEDS)
def test_a_box_is_found_once_and_by_its_own_class(seed: int) -> None:
    _, targets = shape_boxes(4, seed=seed)
    count = int((targets[..., 0] > 0).sum())
    twice = [Detections(*(torch.cat([c, c]) for c in one)) for one in as_detections(targets)]
    assert detection_counts(twice, targets)[0] == count
    renamed = [one._replace(classes=one.classes + len(CLASSES)) for one in as_detections(targets)]
    assert detection_counts(renamed, targets) == (0, count, count)
    far = [one._replace(boxes=one.boxes + 100) for one in as_detections(targets)]
    assert detection_counts(far, targets) == (0, count, count)


def test_nothing_to_find_is_no_error() -> None:
    nothing = Detections(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), torch.zeros(0))
    assert detection_counts([nothing], torch.zeros(1, 4, 5)) == (0, 0, 0)
    output = LocationDetector()(torch.rand(1, 3, 48, 48))
    assert detection_loss(output, torch.zeros(1, 4, 5), locations(48, 48)).isfinite()


def test_a_short_training_makes_the_loss_smaller_and_paints_boxes() -> None:
    task = detection(*shape_boxes(24), shape_boxes(4, seed=1), batch_size=4)
    torch.manual_seed(0)
    training = Training(LocationDetector(width=8), task, 15, learning_rate=0.01)
    for _ in training.run():
        pass
    assert training.checks[-1][1] < training.checks[0][1]
    assert 0 <= training.score <= 1
    pictures, targets = task.held_out
    for shown in (targets, training.predict(pictures)):
        assert task.picture(shown).shape == pictures.shape
    assert len(task.picture(targets).flatten(2).movedim(1, 2).unique(dim=1)) > 1


def test_boxes_that_do_not_belong_are_refused() -> None:
    pictures, boxes = shape_boxes(4)
    with pytest.raises(ValueError, match="shape \\(4, boxes, 5\\)"):
        detection(pictures, boxes[:3], (pictures, boxes))
    with pytest.raises(ValueError, match="one size"):
        detection(pictures, boxes, shape_boxes(2, size=32))
