"""The exercises of notebooks/06-pooling-and-unpooling.ipynb."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.exercises.answers import (
    fresh_generator,
    judge_function,
    judge_number,
    judge_tensor,
)
from resample_viz.exercises.checking import exercise


@exercise("06.1")
def flat_index(answer: Any) -> str | None:
    """Row 3, column 7 of a channel of 6 x 10 cells: 3 * 10 + 7, whatever the padding."""
    return judge_number(
        answer,
        37.0,
        {
            56.0: "That counts the padded rows and columns: an index knows nothing of the padding.",
            43.0: "That takes the padded width: an index knows nothing of the padding.",
            45.0: "That counts column by column: PyTorch counts row by row.",
            25.0: "A full row is as long as the channel is wide: you took the height.",
            38.0: "Counting starts at 0, also for indices.",
            48.0: "Counting starts at 0: row 3 is the fourth row, and three rows lie before it.",
            8.0: "That is a place in the output: an index names a cell of the input.",
        },
        "How many full rows lie before row 3, how long is each, and how many cells follow?",
    )


@exercise("06.2")
def winners_in_their_places(answer: Any) -> str | None:
    """F.max_unpool2d after F.max_pool2d, with output_size, for any size."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for height, width in ((7, 9), (6, 8), (5, 4)):
        x = torch.rand(2, 3, height, width, generator=generator)
        # The last window's winner then has an index beyond the smaller canvas, whatever the seed.
        x[..., height // 2 * 2 - 1, width // 2 * 2 - 1] = 2
        x[..., :2, :2] = 1.5  # four alike: the first of them wins
        objection = _judge_places(answer(x.clone()), x)
        if objection:
            return objection
    return None


def _judge_places(result: Any, x: Tensor) -> str | None:
    size = x.shape[2:]
    y, indices = F.max_pool2d(x, 2, return_indices=True)
    right = F.max_unpool2d(y, indices, [2, 2], output_size=size)
    first = torch.zeros_like(x)
    first[..., : size[0] // 2 * 2 : 2, : size[1] // 2 * 2 : 2] = y
    mistakes = (
        (x, "That is x itself: only the winners come back."),
        (torch.zeros_like(x), "Everything is 0: the winners have to be written."),
        (
            F.interpolate(y, size=size),
            "Every value is copied all over its window: only the winner's place gets it.",
        ),
        (first, "The values stand in the first cell of each window: use their indices."),
        (
            (right != 0).to(x.dtype),
            "That marks the winners' places: write the values there.",
        ),
        (
            _every_largest(x, y),
            "Where the largest value stands twice in a window, you keep it twice: a window has one "
            "winner, and the indices say which.",
        ),
    )
    return judge_tensor(
        result,
        right,
        mistakes,
        "The shape is right, the cells are not: pool with indices, then unpool with them.",
    )


def _every_largest(x: Tensor, y: Tensor) -> Tensor:
    """X where it equals the largest value of its window, 0 elsewhere."""
    kept = torch.zeros_like(x)
    height, width = (2 * n for n in y.shape[2:])
    inside = x[..., :height, :width]
    largest = F.interpolate(y, scale_factor=2)
    kept[..., :height, :width] = torch.where(inside == largest, inside, 0)
    return kept


@exercise("06.3")
def values_at_indices(answer: Any) -> str | None:
    """x.flatten(2).gather(2, indices.flatten(2)), in the shape of the indices."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for height, width in ((6, 10), (7, 5), (8, 8)):
        picture, x = torch.rand(2, 2, 3, height, width, generator=generator)
        y, indices = F.max_pool2d(picture, 2, return_indices=True)
        objection = _judge_picked(answer(x.clone(), indices.clone()), x, indices, y)
        if objection:
            return objection
    return None


def _judge_picked(result: Any, x: Tensor, indices: Tensor, y: Tensor) -> str | None:
    height, width = x.shape[2:]
    flat = indices.flatten(2)
    right = x.flatten(2).gather(2, flat)
    turned = x.mT.flatten(2).gather(2, flat)
    whole = (height * width) * torch.arange(x.shape[1])[:, None]
    mistakes = (
        (right, "The values are right: give them the shape of the indices."),
        (F.max_pool2d(x, 2), "That pools x by its own winners: take those that the indices name."),
        (y, "Those are the values of the picture: read x at its places."),
        (turned.view_as(y), "The index counts row by row: you read x column by column."),
        (
            x[:, :1].expand_as(x).flatten(2).gather(2, flat).view_as(y),
            "All channels read from channel 0: every channel has its own places and values.",
        ),
        (
            x.flatten()[flat].view_as(y),
            "All pictures and channels read from the very first channel: indices start again at 0 "
            "in each.",
        ),
        (
            x.flatten(1)[:1].expand(len(x), -1).gather(1, (flat + whole).flatten(1)).view_as(y),
            "All pictures read from the first one: every picture has its own values.",
        ),
    )
    return judge_tensor(
        result,
        right.view_as(y),
        mistakes,
        "The shape is right, the values are not: flatten the channels, then read along them at the "
        "indices.",
    )
