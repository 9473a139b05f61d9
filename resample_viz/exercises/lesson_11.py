"""The exercises of notebooks/11-segment-images.ipynb."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.exercises.answers import (
    Mistake,
    fresh_generator,
    judge_function,
    judge_number,
    judge_tensor,
)
from resample_viz.exercises.checking import exercise


@exercise("11.1")
def shifted_square(answer: Any) -> str | None:
    """A 6 × 6 square, found one pixel too low and too far right: 25 in common, 47 in either."""
    return judge_number(
        answer,
        25 / 47,
        {
            25 / 72: "You counted the common pixels twice in the union.",
            25 / 36: "That is the share of the square that was found; with squares of one size it "
            "is the Dice coefficient, too. IoU divides by the union.",
            30 / 42: "That is a shift along one axis: this one goes along both.",
            47 / 25: "That is upside down: the intersection is never larger than the union.",
            25.0: "That is the intersection: divide it by the union.",
            47.0: "That is the union: divide the intersection by it.",
            22 / 47: "That is what is wrong, over the union: take what is right.",
        },
        "How many pixels lie in both squares, how many in at least one of them?",
    )


SIZES = ((16, 24), (19, 21), (30, 17), (23, 29))


@exercise("11.2")
def mended_decoder(answer: Any) -> str | None:
    """Undoes poolings: the last one first, each to the size there was before it."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for size in SIZES:
        x = torch.rand(2, 3, *size, generator=generator) + 0.1
        small, indices, sizes = _pooled(x)
        try:
            result = answer(small.clone(), list(indices), list(sizes))
        except (RuntimeError, ValueError) as error:
            objection = _explained(str(error))
            if objection is None:
                raise
            return objection
        objection = judge_tensor(
            result,
            _unpooled(small, indices, sizes),
            list(_wrong_ways(small, indices, sizes)),
            "The shape is right, the values are not: every value of the smallest map goes to the "
            "place of its maximum, and everything else is 0.",
        )
        if objection:
            return objection
    return None


def _pooled(x: Tensor) -> tuple[Tensor, list[Tensor], list[torch.Size]]:
    indices, sizes = [], []
    for _ in range(3):
        sizes.append(x.shape[-2:])
        x, places = F.max_pool2d(x, 2, return_indices=True)
        indices.append(places)
    return x, indices, sizes


def _unpooled(small: Tensor, indices: list[Tensor], sizes: list[torch.Size]) -> Tensor:
    x = small
    for places, size in zip(reversed(indices), reversed(sizes)):
        x = F.max_unpool2d(x, places, (2, 2), output_size=size)
    return x


def _explained(message: str) -> str | None:
    """What PyTorch's refusal means here."""
    if "shape" in message and "indices" in message:
        return (
            "The indices have another shape than the map: which of the three poolings comes first "
            "on the way back?"
        )
    if "invalid max index" in message:
        return (
            "With an odd size, an index points outside: several sizes shrink to the same one. "
            "Which of them is meant can be said where a step is undone."
        )
    if "output_size" in message:
        return "The size does not belong to this step: sizes and indices walk back together."
    return None


def _wrong_ways(small: Tensor, indices: list[Tensor], sizes: list[torch.Size]) -> Iterator[Mistake]:
    yield small, "Nothing was undone: the map came back as it was."
    copied = F.interpolate(small, size=list(sizes[0]))
    yield copied, "That copies values: unpooling puts each of them in one place only."
    stepwise = small
    for size in reversed(sizes):
        stepwise = F.interpolate(stepwise, size=list(size))
    yield stepwise, "That copies values: unpooling puts each of them in one place only."
    last = F.max_unpool2d(small, indices[-1], (2, 2), output_size=sizes[-1])
    yield last, "Only one of the three poolings is undone."


@exercise("11.3")
def soft_dice_loss(answer: Any) -> str | None:
    """1 − the mean over the classes of 2 Σ p m / (Σ p + Σ m), with p the softmax of the scores.

    F. Milletari, N. Navab, S.-A. Ahmadi, V-Net, 3DV 2016, https://arxiv.org/abs/1606.04797, section
    3, with plain sums in the denominator.
    """
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for batch, classes, height, width in ((2, 3, 7, 6), (1, 4, 5, 9)):
        scores = 2 * torch.randn(batch, classes, height, width, generator=generator)
        mask = torch.randint(0, classes, (batch, height, width), generator=generator)
        mask[:, 0, :classes] = torch.arange(classes)  # every class is there
        scores.requires_grad_()
        result = answer(1 * scores, mask.clone())
        objection = _judge_loss(result, scores.detach(), mask)
        if objection:
            return objection
        if not result.requires_grad:
            return "The value is right, but nothing can be learned from it: do not detach."
    return None


def _judge_loss(result: Any, scores: Tensor, mask: Tensor) -> str | None:
    classes = scores.shape[1]
    member = F.one_hot(mask, classes).movedim(-1, 1).to(scores)
    shares = scores.softmax(1)
    per_class = _dice(shares, member, (0, 2, 3))
    right = 1 - per_class.mean()
    if isinstance(result, Tensor) and result.shape == (classes,):
        return "That is one number per class: a loss is one number, their mean."
    hard = F.one_hot(scores.argmax(1), classes).movedim(-1, 1).to(scores)
    both = (shares * member).sum((0, 2, 3))
    either = (shares + member).sum((0, 2, 3)) - both
    mistakes = (
        (per_class.mean(), "That grows as the answer gets better: a loss gets smaller."),
        (
            1 - _dice(scores, member, (0, 2, 3)).mean(),
            "Scores are no shares: they can be negative. Take their softmax over the classes.",
        ),
        (
            1 - _dice(shares, member, (0, 1, 2, 3)).mean(),
            "Large classes hide small ones: first one "
            "number per class, over all pictures and pixels, then their mean.",
        ),
        (1 - _dice(shares, member, (2, 3)).mean(), "Nearly: the sums run over all pictures, too."),
        (1 - _dice(hard, member, (0, 2, 3)).mean(), "argmax has no gradient: keep the shares."),
        (
            1 - (both / either).mean(),
            "That is IoU, the intersection over the union: Dice is twice "
            "the intersection over the sum of both sizes.",
        ),
        (1 - per_class.mean() / 2, "The 2 is missing: a perfect answer must give 0."),
    )
    return judge_tensor(
        result,
        right,
        mistakes,
        "One number, but not the right one: what does it give for scores that are 100 at the right "
        "class and 0 elsewhere? It should be 0.",
    )


def _dice(shares: Tensor, member: Tensor, axes: tuple[int, ...]) -> Tensor:
    return 2 * (shares * member).sum(axes) / (shares + member).sum(axes)
