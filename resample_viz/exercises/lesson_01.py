"""The exercises of notebooks/01-upsampling.ipynb."""

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


@exercise("01.1")
def value_between_two(answer: Any) -> str | None:
    """Index 3 of [0, 12, 24] enlarged twice by linear interpolation: 1.25 pixels in."""
    return judge_number(
        answer,
        15.0,
        {
            14.4: "That is the ruler of align_corners=True: the default works with half pixels.",
            12.0: "That is nearest: linear mixes the two neighbours.",
            18.0: "You divided the index by 2: put half a pixel in before, and take it out after.",
            9.0: "That is index 2: counting starts at 0.",
            21.0: "One of the two is off: either you counted to index 4, or the weights of the two "
            "neighbours are the wrong way round (the nearer one counts more).",
            1.25: "That is where the output lies on the input: now read the row there.",
        },
        "Where does index 3 fall? (i + 0.5) / 2 - 0.5. Then mix the two neighbours: the nearer one "
        "counts more.",
    )


@exercise("01.2")
def mended_enlarge(answer: Any) -> str | None:
    """Twice as large, bicubic, without the batch axis that went in, within [0, 1]."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for height, width in ((6, 9), (8, 5)):
        # Black and white cells, so that bicubic overshoots for certain.
        picture = (torch.rand(3, height, width, generator=generator) > 0.5).to(torch.float32)
        objection = _judge_enlarged(answer(picture.clone()), picture)
        if objection:
            return objection
    return None


def _judge_enlarged(result: Any, picture: Tensor) -> str | None:
    batch = picture[None]

    def resized(mode: str, **options: Any) -> Tensor:
        return F.interpolate(batch, scale_factor=2, mode=mode, **options)[0]

    cubic = resized("bicubic")
    right = cubic.clamp(0, 1)
    low, high = torch.aminmax(cubic)
    mistakes = [
        (
            F.interpolate(picture, scale_factor=2),
            "Only the width has doubled: without a batch axis, interpolate takes the channels for "
            "a batch and the height for channels.",
        ),
        (right[None], "The result still has the batch axis: take it off again."),
        (cubic, "Some values lie outside [0, 1]: bicubic overshoots. What cuts them off?"),
        (cubic[None], "Two things are left: the batch axis, and values outside [0, 1]."),
        (
            (cubic - low) / (high - low),
            "This squeezes the contrast of the whole picture: cut off what lies outside instead.",
        ),
    ]
    for mode in ("nearest", "bilinear"):
        mistakes.append((resized(mode), f"That is {mode}, not bicubic: choose the mode."))
    for options, hint in (
        ({"align_corners": True}, "align_corners=True is the other ruler: leave it off."),
        ({"antialias": True}, "antialias=True brings another bicubic kernel: leave it out."),
    ):
        mistakes.append((resized("bicubic", **options).clamp(0, 1), hint))
        mistakes.append((resized("bicubic", **options), hint))
    return judge_tensor(
        result,
        right,
        mistakes,
        "The shape is right, the values are not: interpolate in bicubic mode, then cut off.",
    )


@exercise("01.3")
def magnify_without_sliding(answer: Any) -> str | None:
    """mode="nearest-exact" for any size, on (N, C, H, W)."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    # Odd inputs: no output centre then falls on the border between two cells, so that all ways of
    # writing the right formula agree.
    extents = torch.randint(2, 14, (3, 2), generator=generator).tolist()
    for (height, width), size in zip(
        ((5, 7), (9, 5), (3, 11), (7, 5)), ((8, 11), *map(tuple, extents))
    ):
        x = torch.rand(2, 3, height, width, generator=generator)
        objection = _judge_magnified(answer(x.clone(), *size), x, size)
        if objection:
            return objection
    return None


def _judge_magnified(result: Any, x: Tensor, size: tuple[int, int]) -> str | None:
    right = F.interpolate(x, size=size, mode="nearest-exact")
    plain = F.interpolate(x, size=size, mode="nearest")
    rounded = _pick(x, size, lambda i, n, m: (i * n / m).round())
    aligned = _pick(x, size, lambda i, n, m: (i * (n - 1) / max(m - 1, 1)).round())
    mistakes = (
        (
            plain,
            "That is mode='nearest': it reads at the left border of each output cell. Read at the "
            "middle.",
        ),
        (rounded, "You round i * in / out: the middle of output cell i is half a cell further on."),
        (aligned, "You measure from corner centre to corner centre: that is align_corners."),
        (
            F.interpolate(x, size=size, mode="bilinear"),
            "That mixes neighbours: nearest copies one cell and computes nothing.",
        ),
        (
            F.interpolate(x, size=size[::-1], mode="nearest-exact"),
            "Height and width have changed places: rows first, then columns.",
        ),
    )
    return judge_tensor(
        result,
        right,
        mistakes,
        "The shape is right, the cells are not: print the row indices for 5 rows enlarged to 8; "
        "every row must be there, as often at the top as at the bottom.",
    )


def _pick(x: Tensor, size: tuple[int, int], index: Any) -> Tensor:
    rows, cols = (
        index(torch.arange(m, dtype=torch.float64), n, m).long().clamp(0, n - 1)
        for n, m in zip(x.shape[-2:], size)
    )
    return x[..., rows[:, None], cols]
