"""Detection without anchors: every cell of a feature pyramid says what it lies in, and how far.

The idea is that of Z. Tian et al., FCOS: Fully Convolutional One-Stage Object Detection, ICCV 2019,
https://arxiv.org/abs/1904.01355, made small. Boxes are (left, top, right, bottom) in pixels, as in
torchvision. All of it is plain PyTorch: torchvision's compiled operators are not needed.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDES = (4, 8)
"""Pixels between the cells of the two levels of the pyramid."""
LONGEST_SIDE = 5
"""The longer side of a box that a level looks for, at most, in strides; the last takes the rest."""
CENTRAL = 1.5
"""A cell is told of a box if it lies within so many strides of the box's centre."""


class Detections(NamedTuple):
    """What was detected in one picture, best first.

    `boxes` (n, 4) in pixels; `classes` (n,) int64 from 1; `scores` (n,), probabilities.
    """

    boxes: Tensor
    classes: Tensor
    scores: Tensor


class LocationDetector(nn.Module):
    """(N, 3, H, W) → class scores and a box for every cell of a pyramid; 8 divides H and W.

    A body of convolutions makes maps of stride 4 and 8. The coarser one is enlarged and added to
    the finer one, and one head reads both. For each cell it gives the scores of the background
    (class 0) and of `classes` classes, and the distances from the cell's centre to the four sides
    of the box that it lies in.

    >>> detector = LocationDetector(classes=3)
    >>> detector(torch.rand(1, 3, 48, 48)).shape  # 12 × 12 and 6 × 6 cells; 4 scores, 4 distances
    torch.Size([1, 180, 8])
    """

    def __init__(self, classes: int = 3, *, width: int = 32) -> None:
        super().__init__()
        self.classes = classes
        self.body = nn.ModuleList(
            [
                nn.Sequential(
                    _convolution(3, width, stride=2), _convolution(width, width, stride=2)
                ),
                nn.Sequential(
                    _convolution(width, 2 * width, stride=2), _convolution(2 * width, 2 * width)
                ),
            ]
        )
        self.lateral = nn.ModuleList(nn.Conv2d(n * width, width, kernel_size=1) for n in (1, 2))
        self.head = nn.Sequential(_convolution(width, width), _convolution(width, width))
        self.classify = nn.Conv2d(width, 1 + classes, kernel_size=3, padding=1)
        self.measure = nn.Conv2d(width, 4, kernel_size=3, padding=1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, cells, 1 + classes + 4): scores, then left, top, right, bottom.

        The cells are in the order of `locations(H, W)`; distances are in pixels, above 0.

        Raises ValueError for other channels, or a size that 8 does not divide.
        """
        if x.ndim != 4 or x.shape[1] != 3:
            raise ValueError(
                f"this detector takes pictures of shape (N, 3, H, W), not {tuple(x.shape)}: give a "
                "grey one three channels by x.expand(-1, 3, -1, -1)."
            )
        check_size(*x.shape[-2:])
        fine = self.body[0](x)
        coarse = self.lateral[1](self.body[1](fine))
        fine = self.lateral[0](fine) + F.interpolate(coarse, scale_factor=2, mode="nearest")
        levels = [self._read(level, stride) for level, stride in zip((fine, coarse), STRIDES)]
        return torch.cat(levels, dim=1)

    def _read(self, level: Tensor, stride: int) -> Tensor:
        """The head on one level: (N, width, h, w) → (N, h w, 1 + classes + 4)."""
        features = self.head(level)
        # The same head serves both levels: it measures in strides.
        distances = stride * self.measure(features).exp()
        return torch.cat([self.classify(features), distances], dim=1).flatten(2).transpose(1, 2)

    @torch.no_grad()
    def detect(
        self, x: Tensor, *, min_score: float = 0.5, max_iou: float = 0.5
    ) -> list[Detections]:
        """What it sees in pictures (N, 3, H, W): one `Detections` each.

        Kept is what has a probability of at least `min_score`; of two boxes of one class with an
        IoU above `max_iou`, the better one.
        """
        output = self(x)
        return decode(output, locations(*x.shape[-2:]).to(output), min_score, max_iou)


def locations(height: int, width: int) -> Tensor:
    """The cells of all levels for pictures of that size, (cells, 3): x, y and stride in pixels.

    Raises ValueError for a size that 8 does not divide.

    >>> locations(8, 8)[-1].tolist()
    [4.0, 4.0, 8.0]
    """
    check_size(height, width)
    levels = []
    for stride in STRIDES:
        y = torch.arange(0.5 * stride, height, stride)
        x = torch.arange(0.5 * stride, width, stride)
        rows, columns = torch.meshgrid(y, x, indexing="ij")
        levels.append(torch.stack([columns, rows, torch.full_like(rows, stride)], -1).flatten(0, 1))
    return torch.cat(levels)


def assign(targets: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
    """What every cell should say: classes (N, cells) int64, and distances (N, cells, 4).

    `targets` are (N, boxes, 5), each a class and a box, class 0 where there is none; `cells` as
    `locations` gives them. A cell answers for a box if it lies in its middle and on the level for
    its size; for the smallest of several. All others are background, with distances of 0.
    """
    numbers, boxes = targets[..., 0].long(), targets[..., 1:]
    x, y, stride = cells.unbind(1)
    left, top, right, bottom = (side[:, None] for side in boxes.unbind(2))
    x, y, stride = (column[:, None] for column in (x, y, stride))
    # (N, cells, boxes) from here on.
    distances = torch.stack([x - left, y - top, right - x, bottom - y], dim=-1)
    longest = torch.maximum(right - left, bottom - top)
    limits = [0.0, *(LONGEST_SIDE * stride for stride in STRIDES[:-1]), float("inf")]
    on_level = torch.zeros_like(longest.expand(distances.shape[:-1]), dtype=torch.bool)
    for own, low, high in zip(STRIDES, limits, limits[1:]):
        on_level |= (stride == own) & (longest > low) & (longest <= high)
    off_centre = torch.maximum((x - (left + right) / 2).abs(), (y - (top + bottom) / 2).abs())
    answers = on_level & (distances.amin(-1) > 0) & (off_centre <= CENTRAL * stride)
    answers &= numbers[:, None] > 0
    area = ((right - left) * (bottom - top)).expand(answers.shape)
    smallest = area.masked_fill(~answers, float("inf")).argmin(-1, keepdim=True)
    is_object = answers.any(-1)
    classes = numbers.gather(1, smallest[..., 0]) * is_object
    chosen = distances.gather(2, smallest[..., None].expand(-1, -1, -1, 4))[:, :, 0]
    return classes, chosen * is_object[..., None]


def decode(
    output: Tensor, cells: Tensor, min_score: float = 0.5, max_iou: float = 0.5
) -> list[Detections]:
    """The detector's output (N, cells, 1 + classes + 4) as boxes, see `LocationDetector.detect`."""
    scores, classes = output[..., :-4].softmax(-1)[..., 1:].max(-1)
    x, y, _ = cells.unbind(1)
    left, top, right, bottom = output[..., -4:].unbind(-1)
    boxes = torch.stack([x - left, y - top, x + right, y + bottom], dim=-1)
    detections = []
    for picture in range(len(output)):
        good = (scores[picture] >= min_score).nonzero()[:, 0]
        some = Detections(boxes[picture, good], classes[picture, good] + 1, scores[picture, good])
        kept = suppress(some, max_iou)
        detections.append(Detections(*(column[kept] for column in some)))
    return detections


def suppress(detections: Detections, max_iou: float) -> Tensor:
    """Non-maximum suppression, class by class: the places of those that are kept, best first.

    From the best to the worst, each is kept unless one of its class that is already kept overlaps
    it by an IoU above `max_iou`.
    """
    order = detections.scores.argsort(descending=True, stable=True)
    overlaps = box_iou(detections.boxes, detections.boxes) > max_iou
    overlaps &= detections.classes[:, None] == detections.classes
    kept: list[int] = []
    for place in order.tolist():
        if not overlaps[place, kept].any():
            kept.append(place)
    return torch.tensor(kept, dtype=torch.int64)


def box_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of each box (n, 4) with each of the others (m, 4): (n, m).

    >>> box_iou(torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[1.0, 0, 3, 2]])).round(decimals=2)
    tensor([[0.3300]])
    """
    corner = torch.maximum(boxes[:, None, :2], others[:, :2])
    far = torch.minimum(boxes[:, None, 2:], others[:, 2:])
    both = (far - corner).clamp(min=0).prod(-1)
    areas, other_areas = ((b[:, 2:] - b[:, :2]).prod(-1) for b in (boxes, others))
    return both / (areas[:, None] + other_areas - both).clamp(min=1e-12)


def check_size(height: int, width: int) -> None:
    """Raises ValueError unless the last stride divides both."""
    last = STRIDES[-1]
    if height % last or width % last or not height or not width:
        raise ValueError(
            f"{height} × {width} is no multiple of {last}, the stride of the last level: pad to "
            f"{max(last, -(-height // last) * last)} × {max(last, -(-width // last) * last)}."
        )


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """A 3 × 3 convolution with normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
