"""The exercises of notebooks/00-start-here.ipynb."""

from __future__ import annotations

from typing import Any

import torch

from resample_viz.exercises.answers import (
    fresh_generator,
    judge_function,
    judge_number,
    judge_tensor,
)
from resample_viz.exercises.checking import exercise


@exercise("00.1")
def read_a_cell(answer: Any) -> str | None:
    """Row 7, column 4 of the 6x6 integer grid, enlarged twice by nearest: input row 3, column 2."""
    return judge_number(
        answer,
        21.0,
        {
            22.25: "That is what bilinear gives: set mode to nearest, then look again.",
            16.0: "That is row 4, column 7: the row comes first.",
            14.75: "That is row 4, column 7, in bilinear mode: the row comes first, and set mode.",
            20.0: "Rows and columns count from 0: row 7 is the eighth row.",
            18.75: "Rows and columns count from 0, and the mode is not nearest yet.",
        },
        "That is another cell: click a cell of y, walk with the arrow keys to row 7, column 4, and "
        "read the sentence under the code.",
    )


@exercise("00.2")
def picture_to_tensor(answer: Any) -> str | None:
    """(H, W, 3) uint8 levels to a (1, 3, H, W) float32 tensor in [0, 1]."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for height, width in ((4, 7), (9, 5), (6, 6)):
        levels = torch.randint(0, 256, (height, width, 3), generator=generator, dtype=torch.uint8)
        levels[0, 0] = 255  # so that no wrong answer gets another one's hint by chance
        objection = _judge_conversion(answer(levels.clone()), levels)
        if objection:
            return objection
    return None


def _judge_conversion(result: Any, levels: torch.Tensor) -> str | None:
    height, width, _ = levels.shape
    channels_first = levels.permute(2, 0, 1)
    right = channels_first[None].to(torch.float32) / 255
    mistakes = (
        (levels, "The levels came back as they were: move the channels, add a batch axis, scale."),
        (channels_first, "The channels are in front: now add a batch axis, and scale to [0, 1]."),
        (right[0], "The batch axis is missing: x[None] puts one in front."),
        (right * 255, "The axes are right, but the values still run to 255: scale them to [0, 1]."),
        (right * 255 / 256, "The largest level, 255, must become exactly 1: 256 is one too many."),
        (levels[None] / 255, "The channels are still last, (N, H, W, C): make them second."),
        (
            levels.reshape(1, 3, height, width) / 255,
            "The shape is right but the picture is scrambled: reshape reads the numbers in a new "
            "order. permute moves axes.",
        ),
        (
            levels.permute(2, 1, 0)[None] / 255,
            "Height and width have changed places: permute(2, 1, 0) turns all axes around.",
        ),
        (
            torch.div(right * 255, 255, rounding_mode="floor"),
            "Nearly everything became 0: // divides whole numbers and drops the rest.",
        ),
    )
    return judge_tensor(
        result,
        right,
        mistakes,
        "The shape is right, the values are not: compare x[0, 0] with levels[..., 0] / 255.",
    )
