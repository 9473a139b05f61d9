"""The exercises of notebooks/03-downsampling.ipynb."""

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


@exercise("03.1")
def folded_wave(answer: Any) -> str | None:
    """0.35 cycles per pixel, every second pixel kept: 0.7 cycles per new pixel fold to 0.3."""
    return judge_number(
        answer,
        0.3,
        {
            0.7: "No grid shows more than half a cycle per pixel: this folds.",
            0.35: "That is the wave before: the new pixels are twice as far apart.",
            0.175: "New pixels are farther apart, so there are more cycles between them, not "
            "fewer.",
            0.15: "That is right in old pixels: the question asks for cycles per new pixel.",
            0.2: "Beyond half a cycle it does not go on from 0 again: it comes back down.",
            0.5: "That is the limit: from there the frequency comes back down.",
            -0.3: "Right, but for the sign: a wave running backwards looks the same.",
        },
        "How many cycles lie between two new pixels? If more than half a cycle, take it from a "
        "whole one.",
    )


@exercise("03.2")
def mended_thumbnail(answer: Any) -> str | None:
    """A quarter of the size, antialiased bilinear, without the batch axis that went in."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for height, width in ((16, 24), (32, 12)):
        picture = torch.rand(3, height, width, generator=generator)
        objection = _judge_thumbnail(answer(picture.clone()), picture)
        if objection:
            return objection
    return None


def _judge_thumbnail(result: Any, picture: Tensor) -> str | None:
    batch = picture[None]

    def quarter(mode: str, **options: Any) -> Tensor:
        return F.interpolate(batch, scale_factor=0.25, mode=mode, **options)[0]

    right = quarter("bilinear", antialias=True)
    plain = "antialias is still off: it reads 4 pixels of every 16."
    corners = quarter("bilinear", align_corners=True)
    mistakes = (
        (right[None], "The result still has the batch axis: take it off again."),
        (
            quarter("bilinear")[None],
            "Two things are left: the batch axis, and that it reads 4 pixels of every 16.",
        ),
        (quarter("bilinear"), plain),
        (corners, "align_corners=True is the other ruler: leave it off, and antialias."),
        (quarter("nearest"), "That keeps one pixel in 16: mix them all."),
        (
            quarter("area"),
            "That is the plain average of 16 (area, or twice by 2): one antialiased step was asked "
            "for.",
        ),
        (quarter("bicubic", antialias=True), "That is bicubic: bilinear was asked for."),
        (quarter("lanczos", antialias=True), "That is lanczos: bilinear was asked for."),
    )
    return judge_tensor(
        result,
        right,
        mistakes,
        "The shape is right, the values are not: interpolate in bilinear mode, with antialias.",
    )


@exercise("03.3")
def blur_then_drop(answer: Any) -> str | None:
    """[1, 2, 1] / 4 along both axes, one reflected pixel around, stride 2, every channel alone."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for height, width in ((6, 8), (7, 5), (9, 9)):
        x = torch.rand(2, 3, height, width, generator=generator)
        objection = _judge_blurred(answer(x.clone()), x)
        if objection:
            return objection
    return None


def _judge_blurred(result: Any, x: Tensor) -> str | None:
    def blurred(row: tuple[int, ...], mode: str = "reflect", stride: int = 2) -> Tensor:
        weights = torch.tensor(row, dtype=torch.float32)
        kernel = weights.outer(weights).expand(x.shape[1], 1, -1, -1)
        padded = F.pad(x, (1, 1, 1, 1), mode)
        return F.conv2d(padded, kernel, stride=stride, groups=x.shape[1])

    filtered = blurred((1, 2, 1), stride=1) / 16
    right = filtered[..., ::2, ::2]
    mistakes = (
        (filtered, "The picture is filtered: now keep every second pixel of it."),
        (x[..., ::2, ::2], "Every second pixel is kept: filter before."),
        (right * 16, "The picture has become lighter: divide the weights, along both axes."),
        (right * 4, "The picture has become lighter: divide along both axes, not along one."),
        (blurred((1, 2, 1), "constant") / 16, "The borders are too dark: reflect, do not fill."),
        (blurred((1, 2, 1), "replicate") / 16, "That repeats the border pixel: reflect it."),
        (blurred((1, 1, 1)) / 9, "That is the plain average of 9: the middle counts twice."),
        (filtered[..., 1::2, 1::2], "That starts with the second pixel: start with the first."),
        (
            right.mean(1, keepdim=True).expand_as(right),
            "The channels are mixed: filter each of them alone.",
        ),
    )
    return judge_tensor(
        result,
        right,
        mistakes,
        "The shape is right, the values are not: pad by one reflected pixel, weigh [1, 2, 1] / 4 "
        "along both axes, keep every second pixel.",
    )
