"""The exercises of notebooks/05-transposed-convolution.ipynb."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.exercises.answers import (
    Mistake,
    fresh_generator,
    judge_function,
    judge_number,
    judge_tensor,
)
from resample_viz.exercises.checking import exercise


@exercise("05.1")
def sum_of_stamps(answer: Any) -> str | None:
    """Index 2 of [1, 10, 100] through a transposed convolution, [1, 2, 3, 4], stride=2, padding=2.

    The stamps add up to [1, 2, 13, 24, 130, 240, 300, 400], of which padding keeps the middle four.
    """
    missing = "One stamp is missing: two of them overlap in this cell. Add both."
    return judge_number(
        answer,
        130.0,
        {
            420.0: "You turned the kernel around: a stamp is put down as it is.",
            13.0: "That is index 2 before anything is cut off: padding=2 takes two cells off each "
            "end.",
            24.0: "That is one cell too early: padding=2 takes two cells off each end, and "
            "counting starts at 0.",
            240.0: "That is one cell too far: counting starts at 0.",
            100.0: missing,
            30.0: missing,
            123.0: "Those stamps lie one cell apart: stride=2 sets them down two cells apart.",
            1.0: "padding does not add cells to the output of a transposed convolution: it takes "
            "cells off.",
        },
        "Write the three stamps below each other, each two cells further to the right, and add "
        "them up column by column. Then take two cells off each end.",
    )


SKIPS = ((8, 10), (7, 9), (8, 9), (7, 10), (12, 6), (5, 5))


@exercise("05.2")
def mended_join(answer: Any) -> str | None:
    """A decoder's step: enlarged to the size of the skip connection, even or odd, and joined."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for height, width in SKIPS:
        skip = torch.rand(2, 3, height, width, generator=generator)
        small = torch.rand(2, 5, (height + 1) // 2, (width + 1) // 2, generator=generator)
        up = _upconvolution(generator)
        right = _joined(up(small, output_size=[height, width]).detach(), skip)
        plain = up(small).detach()
        try:
            result = answer(small.clone(), skip.clone(), up)
        except RuntimeError as error:
            if not str(error).startswith("Sizes of tensors must match"):
                raise
            return (
                f"With a skip of {height} x {width} the two sizes do not match. Several sizes "
                "shrink to the same one: which of them is meant can be said where up is called."
            )
        objection = judge_tensor(
            result,
            right,
            list(_wrong_joins(plain, right, skip)),
            "The shape is right, the values are not: the first channels are what up computes for "
            "the size of skip, the others are skip as it came.",
        )
        if objection:
            return objection
    return None


def _upconvolution(generator: torch.Generator) -> nn.ConvTranspose2d:
    up = nn.ConvTranspose2d(5, 4, kernel_size=3, stride=2, padding=1)
    for parameter in up.parameters():
        parameter.data = torch.rand(parameter.shape, generator=generator)
    return up


def _joined(large: Tensor, skip: Tensor) -> Tensor:
    return torch.cat([large, skip], dim=1)


def _wrong_joins(plain: Tensor, right: Tensor, skip: Tensor) -> Iterator[Mistake]:
    height, width = skip.shape[2:]
    large = right[:, :-3]
    yield _joined(skip, large), "Nearly: what was enlarged comes first, then skip."
    yield large, "That is only what was enlarged: skip must be joined to it."
    yield (
        _joined(plain, skip[..., : plain.shape[2], : plain.shape[3]]),
        "You cut skip down: the result must have the size of skip, with all that is in it.",
    )
    for mode in ("nearest", "bilinear"):
        yield (
            _joined(F.interpolate(plain, size=(height, width), mode=mode), skip),
            "The sizes agree, but up's output was resampled once more. up itself can compute the "
            "size that is meant.",
        )
    rows, columns = height - plain.shape[2], width - plain.shape[3]
    for sides, mode in (
        ((0, columns, 0, rows), "constant"),
        ((0, columns, 0, rows), "replicate"),
        ((columns, 0, rows, 0), "constant"),
    ):
        yield (
            _joined(F.pad(plain, sides, mode=mode), skip),
            "The sizes agree, but the missing row and column were filled in. up itself can "
            "compute them.",
        )


@exercise("05.3")
def initialised_smoothly(answer: Any) -> str | None:
    """ICNR: every group of factor² filters becomes copies of one of the filters that came in."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for channels, factor in ((3, 2), (2, 3), (5, 2)):
        weight = torch.randn(channels * factor**2, 2, 3, 3, generator=generator)
        objection = _judge_initialised(answer(weight.clone(), factor), weight, factor)
        if objection:
            return objection
    return None


def _judge_initialised(result: Any, weight: Tensor, factor: int) -> str | None:
    copies = factor**2
    channels = len(weight) // copies
    firsts = weight[::copies]
    chosen = _chosen(result, weight, copies)
    right = (firsts if chosen is None else chosen).repeat_interleave(copies, dim=0)
    tiled = (
        "The copies are there, but in the wrong order: pixel_shuffle takes the filters of a block "
        "from neighbours in the list, not from one filter per round."
    )
    few = (
        "Only one filter per output channel is left: the weight must keep its shape, so each is "
        "needed once for every cell of the block."
    )
    same = "Now all output channels get the same filter: each group needs one of its own."
    mistakes = [
        (weight, "The filters are as they were: within a group they still differ."),
        (firsts.repeat(copies, 1, 1, 1), tiled),
        (weight[:channels].repeat(copies, 1, 1, 1), tiled),
        (firsts, few),
        (weight[:channels], few),
        (
            weight[::factor].repeat_interleave(factor, dim=0),
            "Your groups are too small: a block has factor x factor cells.",
        ),
        (weight[:1].expand_as(weight), same),
        (torch.zeros_like(weight), "With zeros everything is smooth, and nothing can be seen."),
        (
            weight.unflatten(0, (channels, copies)).mean(1).repeat_interleave(copies, dim=0),
            "The blocks are smooth, but the mean of several random filters is weaker than each of "
            "them: take one of the group.",
        ),
    ]
    return judge_tensor(
        result,
        right,
        mistakes,
        "The shape is right, the filters are not: within each group of factor ** 2 neighbours all "
        "must be the same one of the filters that came in.",
    )


def _chosen(result: Any, weight: Tensor, copies: int) -> Tensor | None:
    """The first filter of every group of the result, if they are different filters of weight."""
    if not isinstance(result, Tensor) or result.shape != weight.shape:
        return None
    kept = result.detach()[::copies].to(weight.dtype)
    found = (kept[:, None] == weight[None]).flatten(2).all(-1)
    one_each = bool((found.sum(1) == 1).all())
    return kept if one_each and bool((found.sum(0) <= 1).all()) else None
