"""The small detector: what cells are told, what their numbers mean, and what is suppressed."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from resample_viz.compat import import_torchvision
from resample_viz.datasets import shape_boxes
from resample_viz.networks import Detections, LocationDetector
from resample_viz.networks.location_detector import (
    STRIDES,
    assign,
    box_iou,
    decode,
    locations,
    suppress,
)

EIGHTHS = st.integers(1, 8)
SEEDS = st.integers(0, 2**31)


def random_boxes(count: int, seed: int, size: float = 48.0) -> Tensor:
    corners = size * torch.rand(count, 2, 2, generator=torch.Generator().manual_seed(seed))
    return torch.cat([corners.amin(1), corners.amax(1) + 1], dim=1)


def perfect(targets: Tensor, cells: Tensor, classes: int = 3) -> Tensor:
    """The output of a detector that makes no mistake."""
    numbers, distances = assign(targets, cells)
    scores = 20.0 * torch.nn.functional.one_hot(numbers, 1 + classes)
    return torch.cat([scores, distances], dim=-1)


@given(EIGHTHS, EIGHTHS, st.integers(1, 3), st.integers(1, 5))
def test_every_cell_of_every_level_has_an_output(
    height: int, width: int, count: int, classes: int
) -> None:
    detector = LocationDetector(classes, width=4).eval()
    size = 8 * height, 8 * width
    output = detector(torch.rand(count, 3, *size))
    assert output.shape == (count, len(locations(*size)), 1 + classes + 4)
    assert output[..., -4:].min() > 0


@given(EIGHTHS, EIGHTHS)
def test_cells_lie_in_the_middle_of_their_part_of_the_picture(height: int, width: int) -> None:
    cells = locations(8 * height, 8 * width)
    for stride in STRIDES:
        x, y, _ = cells[cells[:, 2] == stride].unbind(1)
        assert len(x) == 64 * height * width // stride**2
        assert x.mean() == 4 * width
        assert y.mean() == 4 * height


@given(SEEDS)
def test_what_a_cell_is_told_is_a_box_around_it(seed: int) -> None:
    targets = torch.cat([torch.ones(5, 1), random_boxes(5, seed)], dim=1)[None]
    cells = locations(48, 48)
    classes, distances = assign(targets, cells)
    x, y, _ = cells.unbind(1)
    left, top, right, bottom = distances[0].unbind(-1)
    boxes = torch.stack([x - left, y - top, x + right, y + bottom], dim=-1)[classes[0] > 0]
    assert (distances[classes > 0] > 0).all()
    for box in boxes:
        assert (targets[0, :, 1:] - box).abs().amax(1).min() < 1e-4
    assert not distances[classes == 0].any()


@given(SEEDS)
def test_boxes_come_back_from_what_cells_are_told(seed: int) -> None:
    """Alone in its picture, a box of a usual size reaches a cell, and is decoded again."""
    _, targets = shape_boxes(1, seed=seed)
    cells = locations(48, 48)
    for target in targets[0][targets[0, :, 0] > 0]:
        if (target[3:] - target[1:3]).min() < 8:
            continue  # cut off by the border: it may lie between all cells
        (only,) = decode(perfect(target[None, None], cells), cells)
        assert only.classes.tolist() == [int(target[0])]
        assert torch.allclose(only.boxes[0], target[1:], atol=1e-3)


def test_the_smaller_box_is_told_first() -> None:
    targets = torch.tensor([[[1.0, 10, 10, 28, 28], [2.0, 13, 13, 25, 25]]])
    classes, _ = assign(targets, locations(48, 48))
    assert set(classes.unique().tolist()) == {0, 2}


@given(SEEDS, SEEDS)
def test_overlaps_are_torchvision_s(seed: int, other: int) -> None:
    import_torchvision()
    from torchvision.ops.boxes import box_iou as reference

    boxes, others = random_boxes(6, seed), random_boxes(4, other)
    assert torch.allclose(box_iou(boxes, others), reference(boxes, others), atol=1e-6)


@given(SEEDS, st.integers(0, 12), st.floats(0.1, 0.9))
def test_what_is_suppressed_has_a_better_one_of_its_class_over_it(
    seed: int, count: int, max_iou: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    some = Detections(
        random_boxes(count, seed, size=12.0),
        torch.randint(1, 3, (count,), generator=generator),
        torch.rand(count, generator=generator),
    )
    kept = suppress(some, max_iou).tolist()
    rivals = (box_iou(some.boxes, some.boxes) > max_iou) & (some.classes[:, None] == some.classes)
    assert some.scores[kept].tolist() == sorted(some.scores[kept].tolist(), reverse=True)
    for place in range(count):
        better = [k for k in kept if rivals[place, k] and some.scores[k] >= some.scores[place]]
        assert (place in kept) == (better in ([], [place]))


def test_a_flat_detector_detects_nothing() -> None:
    detections = LocationDetector().eval().detect(torch.zeros(2, 3, 48, 48), min_score=0.99)
    assert [len(one.boxes) for one in detections] == [0, 0]
    assert detections[0].boxes.shape == (0, 4)


def test_every_weight_can_learn() -> None:
    detector = LocationDetector(width=4)
    detector(torch.rand(2, 3, 48, 48)).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in detector.parameters())


@pytest.mark.parametrize("shape", [(1, 1, 48, 48), (3, 48, 48)])
def test_other_channels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"takes pictures of shape \(N, 3, H, W\)"):
        LocationDetector()(torch.zeros(shape))


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_size_that_does_not_fit_is_told_one_that_does(height: int, width: int) -> None:
    if height % 8 == 0 and width % 8 == 0 and height and width:
        return
    with pytest.raises(ValueError, match="no multiple of 8") as caught:
        locations(height, width)
    padded = str(caught.value).rstrip(".").partition("pad to ")[2]
    fitting = [int(size) for size in padded.split(" × ")]
    assert fitting[0] >= height
    assert fitting[1] >= width
    locations(*fitting)
