"""The task of lesson 09's detector: the loss of its scores and boxes, and how many are right."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.networks.location_detector import (
    Detections,
    assign,
    box_iou,
    decode,
    locations,
)
from resample_viz.training.loop import Batch, Task
from resample_viz.training.tasks import check_pictures, class_picture

RIGHT = 0.5
"""A detection is right if it has the class of a box, and at least this IoU with it."""


def detection(
    pictures: Tensor, boxes: Tensor, held_out: tuple[Tensor, Tensor], *, batch_size: int = 16
) -> Task:
    """Find the boxes of a picture's objects, and their classes, with a `LocationDetector`.

    `pictures` are (N, 3, H, W) in [0, 1], `boxes` (N, boxes, 5): class, left, top, right, bottom,
    with class 0 where there is none, as `shape_boxes` gives them; `held_out` is such a pair of the
    same size, which is not trained on.

    Raises ValueError for pictures that are no floats in (N, C, H, W), or boxes that do not belong
    to them.
    """
    for some, of_them in ((pictures, boxes), held_out):
        check_pictures(some)
        if of_them.ndim != 3 or len(of_them) != len(some) or of_them.shape[2] != 5:
            raise ValueError(
                f"boxes of {len(some)} pictures have shape ({len(some)}, boxes, 5), a class and "
                f"four sides each, not {tuple(of_them.shape)}: try shape_boxes({len(some)})."
            )
        if some.shape[2:] != pictures.shape[2:]:
            raise ValueError(
                f"pictures to train on and to judge by have one size, not {tuple(pictures.shape)} "
                f"and {tuple(some.shape)}: crop or resize one of them, and its boxes."
            )
    size = (int(pictures.shape[2]), int(pictures.shape[3]))
    cells = locations(*size)

    def batch(random: torch.Generator) -> Batch:
        chosen = torch.randint(len(pictures), (batch_size,), generator=random)
        return pictures[chosen], boxes[chosen]

    def picture(tensor: Tensor) -> Tensor:
        is_target = tensor.shape[-1] == 5
        if is_target:
            drawn = [one[one[:, 0] > 0] for one in tensor]
        else:
            drawn = [
                torch.cat([one.classes[:, None].to(one.boxes), one.boxes], dim=1)
                for one in decode(tensor, cells)
            ]
        return class_picture(torch.stack([painted(one, *size) for one in drawn]))

    return Task(
        "detection",
        batch,
        held_out,
        lambda output, target: detection_loss(output, target, cells.to(output)),
        lambda output, target: detection_f1(decode(output, cells), target),
        f"F1 at IoU {RIGHT}",
        picture,
    )


def detection_loss(output: Tensor, targets: Tensor, cells: Tensor) -> Tensor:
    """Cross-entropy of all cells, the background's among them, and 1 − IoU of those with a box.

    `output` is (N, cells, 1 + classes + 4), `targets` (N, boxes, 5), `cells` (cells, 3); see
    `LocationDetector`, `detection` and `locations`. A scalar. As two boxes are measured from one
    cell, their overlap is the smaller distance to each side (J. Yu et al., UnitBox, ACM MM 2016,
    https://arxiv.org/abs/1608.01471).
    """
    classes, wanted = assign(targets, cells)
    of_classes = F.cross_entropy(output[..., :-4].flatten(0, 1), classes.flatten())
    is_object = classes > 0
    if not is_object.any():
        return of_classes
    distances, wanted = output[..., -4:][is_object], wanted[is_object]
    smaller = torch.minimum(distances, wanted)
    both, area, wanted_area = (
        (sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3])
        for sides in (smaller, distances, wanted)
    )
    overlap = both / (area + wanted_area - both)
    return of_classes + (1 - overlap).mean()


def detection_counts(detections: list[Detections], targets: Tensor) -> tuple[int, int, int]:
    """How many detections are right, how many there are, and how many boxes there should be.

    From the best to the worst, each detection takes the box of its class that it overlaps most and
    that none before it took; it is right if their IoU is at least `RIGHT`. (M. Everingham et al.,
    The PASCAL Visual Object Classes Challenge, IJCV 2010, section 4.2.)
    """
    right = 0
    for picture, target in zip(detections, targets):
        target = target[target[:, 0] > 0]
        free = torch.ones(len(target), dtype=torch.bool)
        overlaps = box_iou(picture.boxes, target[:, 1:])
        for overlap, number in zip(overlaps, picture.classes):
            overlap = overlap * (free & (target[:, 0] == number))
            if len(target) and overlap.max() >= RIGHT:
                free[overlap.argmax()] = False
                right += 1
    return right, sum(len(one.boxes) for one in detections), int((targets[..., 0] > 0).sum())


def detection_f1(detections: list[Detections], targets: Tensor) -> float:
    """2 · right / (detections + boxes), in [0, 1]: 1 if all boxes are found and no other ones."""
    right, predicted, wanted = detection_counts(detections, targets)
    return 2 * right / (predicted + wanted) if predicted + wanted else 1.0


def painted(boxes: Tensor, height: int, width: int) -> Tensor:
    """Outlines of boxes (n, 5), class first, as a mask (height, width) of class numbers."""
    mask = torch.zeros(height, width, dtype=torch.int64)
    for number, *sides in boxes.round().long().tolist():
        left, top, right, bottom = sides
        rows, columns = slice(max(0, top), max(0, bottom)), slice(max(0, left), max(0, right))
        inside = mask[rows, columns]
        if inside.numel():
            inside[[0, -1]] = number
            inside[:, [0, -1]] = number
    return mask
