"""The exercises of notebooks/02-pixel-coordinates.ipynb."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from resample_viz.analysis import resize_matrix, resize_method
from resample_viz.analysis.resizing.axis_matrices import opencv_area, pillow_box
from resample_viz.exercises.answers import (
    fresh_generator,
    judge_function,
    judge_number,
    judge_tensor,
)
from resample_viz.exercises.checking import exercise


@exercise("02.1")
def value_where_the_sample_falls(answer: Any) -> str | None:
    """Index 1 of [0, 1, 2, 3, 4] brought to size 2 by linear interpolation: 3.25 pixels in."""
    return judge_number(
        answer,
        3.25,
        {
            4.0: "That is the ruler of align_corners=True: the default works with half pixels.",
            2.5: "That is scale_factor=0.5, or the index times 2.5: with size=2 a step is 5 / 2 "
            "pixels, and the first sample lies half a step, less half a pixel, from the centre of "
            "pixel 0.",
            0.75: "That is index 0: the second number is wanted.",
            3.0: "That is nearest-exact, or torch's area: linear mixes the two neighbours.",
            2.0: "That is nearest: linear mixes the two neighbours.",
            3.75: "You put half a pixel in: now take it out again at the end.",
            3.5: "That is Pillow's BOX: without antialias only two pixels are mixed.",
            3.2: "That is OpenCV's INTER_AREA: without antialias only two pixels are mixed.",
        },
        "Where does index 1 fall? (i + 0.5) * in / out - 0.5. On this row a pixel's value is its "
        "own place.",
    )


SIDE = 24


@exercise("02.2")
def mended_serving(answer: Any) -> str | None:
    """Pillow's BILINEAR on uint8, from a tensor: antialias, whole levels, uint8."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for height, width in ((96, 70), (53, 120)):
        picture = torch.randint(0, 256, (3, height, width), generator=generator, dtype=torch.uint8)
        objection = _judge_serving(answer(picture.clone()), picture)
        if objection:
            return objection
    return None


def _judge_serving(result: Any, picture: Tensor) -> str | None:
    right = _served("Pillow BILINEAR uint8", picture)
    if isinstance(result, Tensor) and result.shape == (1, *right.shape):
        return "The batch axis is still there: take it off again."
    if not isinstance(result, Tensor) or result.shape != right.shape:
        return judge_tensor(result, right, (), "")
    difference = result.detach().double() - right.double()
    if result.dtype != torch.uint8:
        if float(difference.abs().max()) <= 1:
            return "The values are right, but a picture for this model is uint8: round, and cast."
        if float((255 * result.detach().double() - right).abs().max()) <= 1:
            return "The values run from 0 to 1: this model was trained on 0 to 255."
    elif abs(float(difference.mean())) > 0.3 and float(difference.abs().max()) <= 2:
        if float(difference.mean()) > 0:
            return "Everything is brighter, by half a level: round to the nearest, not up."
        return "Casting to uint8 cuts off what is behind the point: everything is darker. Round."
    elif float(difference.abs().max()) <= 1:
        return None
    return _named_mistake(result, picture)


def _named_mistake(result: Tensor, picture: Tensor) -> str:
    """What else the result may be, up to rounding."""
    mistakes = {
        "torch bilinear": "This looks at 2 of the 4 or so pixels that a result stands for, Pillow "
        "at all of them. Which flag widens the kernel?",
        "torch bicubic antialias": "That is bicubic: the training code says BILINEAR.",
        "torch bicubic": "That is bicubic: the training code says BILINEAR.",
        "torch bilinear align_corners": "align_corners=True is another ruler: leave it off.",
        "torch area": "Area comes close, and is not the same: look for Pillow's own weights.",
        "torch nearest": "That copies single pixels: choose the mode.",
        "torch nearest-exact": "That copies single pixels: choose the mode.",
        "Pillow BOX": "That is BOX: the training code says BILINEAR.",
    }
    for name, hint in mistakes.items():
        known = _served(name, picture).double().clamp(0, 255)
        if float((result.detach().double() - known).abs().max()) <= 1.01:
            return hint
    return (
        "The shape is right, the values are not: compare with Pillow's picture, cell by cell; the "
        "largest difference must not be more than 1."
    )


def _served(name: str, picture: Tensor) -> Tensor:
    return resize_method(name).resize(picture[None].float(), (SIDE, SIDE))[0]


@exercise("02.3")
def exact_area(answer: Any) -> str | None:
    """OpenCV's INTER_AREA as a matrix (m, n): the shares of the cells that an output covers."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    drawn = torch.randint(3, 12, (2,), generator=generator).tolist()
    for n, m in ((5, 2), (7, 3), (12, 4), *((2 * m + 1, m) for m in drawn)):
        objection = _judge_area(answer(n, m), n, m)
        if objection:
            return objection
    return None


def _judge_area(result: Any, n: int, m: int) -> str | None:
    right = opencv_area(n, m)
    mistakes = [
        (right.T, "Rows and columns have changed places: one row for every output."),
        (right * n / m, "Every row must sum to 1: divide by the length of the output cell."),
        (
            resize_matrix(n, m, mode="area"),
            "That is torch's area: it averages whole pixels. A pixel that is covered in part must "
            "count in part.",
        ),
        (
            pillow_box(n, m),
            "That is Pillow's BOX: a pixel counts fully or not at all. Here it counts as far as it "
            "is covered.",
        ),
        (
            resize_matrix(n, m, mode="linear", antialias=True),
            "That is the antialiased triangle: area gives every covered pixel its share alone.",
        ),
        (resize_matrix(n, m, mode="linear"), "That mixes two pixels: area takes all it covers."),
    ]
    if isinstance(result, Tensor) and not result.is_floating_point():
        return "The weights are shares, such as 0.4: make them floating point."
    found = result.double() if isinstance(result, Tensor) else result
    return judge_tensor(
        found,
        right,
        mistakes,
        "The shape is right, the weights are not: print those for 5 pixels in 2; the middle pixel "
        "goes half to each.",
    )
