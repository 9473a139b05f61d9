"""The exercises of notebooks/07-normalization.ipynb."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from resample_viz.exercises.answers import (
    fresh_generator,
    judge_function,
    judge_number,
    judge_tensor,
)
from resample_viz.exercises.checking import exercise

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


@exercise("07.1")
def level_behind_a_number(answer: Any) -> str | None:
    """The level from 0 to 255 behind y = 1 in the green channel: (0.456 + 0.224) * 255."""
    return judge_number(
        answer,
        173.4,
        {
            0.68: "That is the value between 0 and 1: levels run to 255.",
            173.0: "That level was cut off after the point: give the number before that.",
            174.0: "That level was rounded: give the number before that.",
            182.07: "Those are the numbers of the red channel: green is the second one.",
            160.905: "Those are the numbers of the blue channel: green is the second one.",
            255 * 1.456 * 0.224: "The two steps are in the wrong order: which one came last?",
            255 * (1 - 0.456) / 0.224: "You normalised once more instead of going back.",
            255 * 0.456: "That is the level behind y = 0: one std is missing.",
        },
        "Turn y = (x - mean) / std round until x stands alone, then scale to levels.",
    )


@exercise("07.2")
def mended_to_levels(answer: Any) -> str | None:
    """Normalised (3, H, W) back to (H, W, 3) uint8: denormalise, cut off, round."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for height, width in ((5, 7), (6, 4)):
        levels = torch.randint(-40, 300, (3, height, width), generator=generator).float()
        # Never near a half, so that all ways of writing the right formula agree; half of them just
        # below a level, so that cutting off the fraction shows.
        off = torch.rand((3, height, width), generator=generator) * 0.6 - 0.3
        levels[:, 0, :3] = torch.tensor([-30.0, 120.0, 290.0])  # every mistake has its chance
        off[:, 0, :3] = -0.25
        x = (levels + off) / 255
        objection = _judge_levels(answer((x - MEAN) / STD, MEAN, STD), x)
        if objection:
            return objection
    return None


def _judge_levels(result: Any, x: Tensor) -> str | None:
    y = (x - MEAN) / STD
    right = (255 * x).round().clamp(0, 255).to(torch.uint8)

    def last(tensor: Tensor) -> Tensor:
        return tensor.permute(1, 2, 0)

    swapped = (y + MEAN) * STD * 255
    wrapped = (255 * x).round().to(torch.int32).to(torch.uint8)
    cut = (255 * x).clamp(0, 255).to(torch.uint8)
    mistakes = [
        (right, "The levels are right, but the channels are still in front: move them last."),
        (
            right.reshape(*right.shape[1:], 3),
            "The picture is scrambled: reshape reads the numbers in a new order. permute moves "
            "axes.",
        ),
        (last(right / 255), "Those are values from 0 to 1: make them levels, and whole numbers."),
        (last(cut), "Many levels are one too low: conversion to whole numbers cuts off."),
        (cut, "Two things are left: the fraction is cut off, and the channels are in front."),
        (last(wrapped), "What lies outside wraps around, white to black: cut it off first."),
        (wrapped, "What lies outside wraps around, and the channels are still in front."),
    ]
    for made in (swapped.round(), swapped):
        clipped = made.clamp(0, 255).to(torch.uint8)
        hint = (
            "The two steps of the way back are in the wrong order: the mean was subtracted first."
        )
        mistakes += [(last(clipped), hint), (clipped, hint)]
    return judge_tensor(
        result,
        last(right),
        mistakes,
        "The shape is right, the levels are not: print one value before and after every step.",
    )


@exercise("07.3")
def folded_into_a_convolution(answer: Any) -> str | None:
    """Weight and bias of a convolution that takes x instead of (x - mean) / std."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for out, channels, size in ((4, 3, 3), (3, 3, 1), (2, 5, 2)):
        weight = torch.randn((out, channels, size, size), generator=generator)
        bias = torch.randn((out,), generator=generator)
        mean = torch.rand((channels,), generator=generator) + 0.2
        std = torch.rand((channels,), generator=generator) + 0.3
        given = [tensor.clone() for tensor in (weight, bias, mean, std)]
        objection = _judge_folded(answer(*given), weight, bias, mean, std)
        if objection:
            return objection
    return None


def _judge_folded(
    result: Any, weight: Tensor, bias: Tensor, mean: Tensor, std: Tensor
) -> str | None:
    if result is None or result is ...:
        return "The function returns nothing yet: write its body, and return weight and bias."
    if not isinstance(result, tuple | list) or len(result) != 2:
        return "Return two tensors, the new weight and the new bias: return weight, bias."
    inputs = std.view(1, -1, 1, 1)
    objection = judge_tensor(
        result[0],
        weight / inputs,
        (
            (weight, "The weight is as it was: y is x divided by something, per input channel."),
            (weight * inputs, "The weight was multiplied where it should be divided."),
        ),
        "The weight is not right yet: its second axis counts the input channels.",
    )
    if objection:
        return objection
    sums = weight.sum((2, 3))
    shift = (sums * (mean / std)).sum(1)
    return judge_tensor(
        result[1],
        bias - shift,
        (
            (
                bias,
                "The weight is right, the bias is as it was: what does the layer give for x = 0?",
            ),
            (bias + shift, "The weight is right, the bias went in the wrong direction."),
            (
                bias - (sums * mean).sum(1),
                "The weight is right; in the bias the mean counts through the new weights, not the "
                "old ones.",
            ),
        ),
        "The weight is right, the bias is not: what does the layer give for x = 0?",
    )
