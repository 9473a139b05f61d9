"""The exercises of notebooks/12-super-resolution.ipynb."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.analysis import psnr, upscale
from resample_viz.exercises.answers import (
    fresh_generator,
    judge_function,
    judge_number,
    judge_tensor,
)
from resample_viz.exercises.checking import exercise


@exercise("12.1")
def channels_before_the_shuffle(answer: Any) -> str | None:
    """3 colours, at each of 3 x 3 places: 27 channels."""
    return judge_number(
        answer,
        27.0,
        {
            9.0: "That is what one colour needs: the picture is in colour.",
            3.0: "That is what comes out: how many numbers does each small pixel turn into?",
            12.0: "That would be for twice the size.",
            32.0: "That is what goes into the convolution.",
            288.0: "That would be 32 channels after the shuffle.",
            96.0: "Enlarging by 3 makes 3 pixels of one along each of two axes.",
        },
        "Each small pixel becomes a square of pixels, in so many colours: count the numbers.",
    )


@exercise("12.2")
def mended_psnr(answer: Any) -> str | None:
    """PSNR of what can be shown, without the border, with a peak of 1."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for factor in (2, 3):
        truth = torch.rand(1, 1, 14, 17, generator=generator)
        noise = torch.randn(truth.shape, generator=generator)
        result = truth + 0.2 * noise
        result[..., :factor, :] += 0.3  # borders are worse than the inside
        objection = _judge_psnr(
            answer(result.clone(), truth.clone(), factor), result, truth, factor
        )
        if objection:
            return objection
    return None


def _judge_psnr(number: Any, result: Tensor, truth: Tensor, factor: int) -> str | None:
    def inside(x: Tensor, border: int = factor) -> Tensor:
        return x[..., border:-border, border:-border]

    shown = result.clamp(0, 1)
    right = psnr(inside(shown), inside(truth))
    peak = 20 * math.log10(255)
    mistakes = {
        psnr(result, truth) + peak: "The peak is the largest value that there can be: look at the "
        "range of these pictures.",
        psnr(inside(result), inside(truth)) + peak: "The border is gone, but what is the largest "
        "value that there can be here?",
        right + peak: "Border and cutting off are right, but what is the largest value here?",
        psnr(result, truth): "The peak is right. The border still counts, and so do values that no "
        "screen can show.",
        psnr(shown, truth): "Peak and cutting off are right, but the border still counts.",
        psnr(inside(result), inside(truth)): "Peak and border are right, but values that no screen "
        "can show still count: cut the result off.",
        psnr(inside(shown, 1), inside(truth, 1)): "The border is as wide as the factor.",
        right / 2: "The square root of the error needs 20 in place of 10.",
        -right: "The quotient is upside down.",
    }
    return judge_number(
        number, right, mistakes, "That is another number: go through the four steps in order."
    )


@exercise("12.3")
def back_projected(answer: Any) -> str | None:
    """So many rounds of adding the enlarged difference between small and the shrunk guess."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for factor, rounds in ((2, 3), (3, 2), (2, 0)):
        small = torch.rand(1, 2, 5, 6, generator=generator)
        guess = torch.rand(1, 2, 5 * factor, 6 * factor, generator=generator)
        found = answer(guess.clone(), small.clone(), factor, rounds)
        objection = _judge_rounds(found, guess, small, factor, rounds)
        if objection:
            return objection
    return None


def _judge_rounds(found: Any, guess: Tensor, small: Tensor, factor: int, rounds: int) -> str | None:
    def default(x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=factor, mode="bicubic")

    def walked(
        rounds: int = rounds, sign: float = 1.0, method: Any = "bicubic", antialias: bool = True
    ) -> Tensor:
        x = guess
        for _ in range(rounds):
            again = F.interpolate(x, scale_factor=1 / factor, mode="bicubic", antialias=antialias)
            lacks = small - again
            x = x + sign * (upscale(lacks, factor, method) if method else default(lacks))
        return x

    if rounds == 0:
        return judge_tensor(found, guess, (), "Without a round the guess must come back as it was.")
    mistakes = (
        (guess, "The guess came back as it was."),
        (walked(1), "That is one round only: shrink what you have, and correct it again."),
        (walked(rounds + 1), "That is one round too many."),
        (walked(sign=-1.0), "The correction goes in the wrong direction."),
        (upscale(small, factor), "Nothing of the guess is left: correct it, do not replace it."),
        (
            guess + rounds * upscale(small, factor),
            "You add all of the small picture: add what the guess lacks.",
        ),
        (walked(antialias=False), "The guess must be shrunk with anti-aliasing, as small was."),
        (walked(method="nearest"), "Enlarge the difference by bicubic, please."),
        (walked(method="bilinear"), "Enlarge the difference by bicubic, please."),
        (
            walked(method=None),
            "PyTorch's default bicubic has another kernel: enlarge by rv.upscale, please.",
        ),
        (walked().clamp(0, 1), "Leave the values as they are: cutting off contradicts again."),
    )
    return judge_tensor(
        found, walked(), mistakes, "The shape is right, the values are not: follow one round."
    )
