"""How well does a mask fit? Over the whole picture, and along the edges alone."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.threads import one_thread


@one_thread()
def iou(predicted: Tensor, mask: Tensor, classes: int, within: Tensor | None = None) -> Tensor:
    """Intersection over union of each class, (classes,): 1 is perfect, 0 is nothing in common.

    `predicted` and `mask` are class numbers of any one shape, in all pictures together; `within`,
    of the same shape, counts only the pixels where it is true. NaN for a class that is in neither.
    M. Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010, section 4.

    Raises ValueError for different shapes, numbers that are not whole, or a class number outside 0
    to classes − 1 where it counts.

    >>> iou(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]), 2).tolist()
    [0.5, 0.5]
    """
    shapes = {tuple(t.shape) for t in (predicted, mask, within) if t is not None}
    if len(shapes) > 1:
        raise ValueError(
            "iou compares class numbers of one shape; got "
            f"{' and '.join(map(str, sorted(shapes)))}: take scores.argmax(1) first."
        )
    if within is not None:
        predicted, mask = predicted[within.bool()], mask[within.bool()]
    if predicted.is_floating_point() or mask.is_floating_point():
        raise ValueError("iou compares whole class numbers: take scores.argmax(1) first.")
    predicted, mask = predicted.long(), mask.long()  # a byte cannot hold classes²
    numbers = torch.stack([predicted, mask])
    strange = numbers[(numbers < 0) | (numbers >= classes)]
    if strange.numel():
        raise ValueError(
            f"class numbers must lie from 0 to {classes - 1}, but there is {int(strange[0])}: give "
            "another number of classes, or leave such pixels out by within."
        )
    pairs = torch.bincount((mask * classes + predicted).flatten(), minlength=classes**2)
    counts = pairs.reshape(classes, classes).double()
    both = counts.diagonal()
    either = counts.sum(0) + counts.sum(1) - both
    return torch.where(either > 0, both / either, math.nan)


def mean_iou(predicted: Tensor, mask: Tensor, classes: int, within: Tensor | None = None) -> float:
    """The mean of `iou` over the classes that occur, in [0, 1]; NaN if there is no pixel to count.

    Class numbers (N, H, W), and raises what `iou` raises.
    """
    return float(iou(predicted, mask, classes, within).nanmean())


def edge_band(mask: Tensor, width: int = 2) -> Tensor:
    """The pixels at most `width` steps from another class: (N, H, W) or (H, W) bool.

    A step leads to one of the eight neighbours.

    Raises ValueError for a width below 1.

    >>> edge_band(torch.tensor([[0, 0, 0, 1, 1, 1]]), width=1).int().tolist()
    [[0, 0, 1, 1, 0, 0]]
    """
    if width < 1:
        raise ValueError(f"the band must be at least 1 pixel wide, not {width}: try width=2.")
    shape = (-1, 1, *mask.shape[-2:])
    numbers = mask.to(torch.float32).reshape(shape)
    largest = F.max_pool2d(numbers, 2 * width + 1, stride=1, padding=width)
    smallest = -F.max_pool2d(-numbers, 2 * width + 1, stride=1, padding=width)
    return (largest != smallest).reshape(mask.shape)
