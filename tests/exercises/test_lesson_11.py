"""The checks of lesson 11: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import resample_viz as rv
from tests.exercises.marking import Wrong, rejected, solution, verdicts

NUMBERS = [
    Wrong("recall", 25 / 36, "share of the square"),
    Wrong("counted twice", 25 / 72, "counted the common pixels twice"),
    Wrong("Dice", 50 / 72, "the Dice coefficient"),
    Wrong("one axis", 30 / 42, "along one axis"),
    Wrong("upside down", 47 / 25, "upside down"),
    Wrong("intersection", 25, "That is the intersection"),
    Wrong("union", 47, "That is the union"),
    Wrong("what is wrong", 22 / 47, "That is what is wrong"),
    Wrong("one", 1, "How many pixels lie in both"),
    Wrong("not a number", float("nan"), "How many pixels lie in both"),
    Wrong("a word", "half", "must be one number"),
    Wrong("one decimal", 0.5, "rounded too far"),
]


def test_11_1_agrees_with_iou() -> None:
    mask, found = torch.zeros(2, 20, 20, dtype=torch.int64)
    mask[3:9, 3:9] = 1
    found[4:10, 4:10] = 1
    assert solution("11.1") == pytest.approx(float(rv.metrics.iou(found, mask, 2)[1]))


@pytest.mark.parametrize("answer", [25 / 47, 0.532, 0.53, torch.tensor(25 / 47)])
def test_11_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert verdicts("11.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_11_1_rejects(wrong: Wrong) -> None:
    rejected("11.1", wrong)


Step = Any


def undone(x: Tensor, steps: Step) -> Tensor:
    for places, size in steps:
        x = F.max_unpool2d(x, places, 2, output_size=size)
    return x


def with_the_layer(x: Tensor, indices: list[Tensor], sizes: list[torch.Size]) -> Tensor:
    unpool = nn.MaxUnpool2d(2)
    while indices:
        x = unpool(x, indices.pop(), output_size=sizes.pop())
    return x


def by_scatter(x: Tensor, indices: list[Tensor], sizes: list[torch.Size]) -> Tensor:
    for places, size in zip(indices[::-1], sizes[::-1]):
        canvas = torch.zeros(*x.shape[:2], size[0] * size[1])
        x = canvas.scatter(2, places.flatten(2), x.flatten(2)).view(*x.shape[:2], *size)
    return x


def without_sizes(x: Tensor, indices: list[Tensor], sizes: list[torch.Size]) -> Tensor:
    for places in indices[::-1]:
        x = F.max_unpool2d(x, places, 2)
    return x


def in_wrong_order(x: Tensor, indices: list[Tensor], sizes: list[torch.Size]) -> Tensor:
    for places in indices:
        x = F.max_unpool2d(x, places, 2)
    return x


DECODERS = {"the layer": with_the_layer, "scatter": by_scatter}
NO_DECODERS = [
    Wrong("as given", in_wrong_order, "which of the three poolings comes first"),
    Wrong("no sizes", without_sizes, ""),
    Wrong(
        "sizes forwards",
        lambda x, i, s: undone(x, zip(i[::-1], s)),
        "walk back together",
    ),
    Wrong("copied", lambda x, i, s: F.interpolate(x, size=list(s[0])), "That copies values"),
    Wrong("one step", lambda x, i, s: undone(x, [(i[-1], s[-1])]), "Only one of the three"),
    Wrong("unchanged", lambda x, i, s: x, "Nothing was undone"),
    Wrong("zeros", lambda x, i, s: 0 * with_the_layer(x, i, s), "the values are not"),
    Wrong("empty body", lambda x, i, s: None, "returns nothing yet"),
]


@pytest.mark.parametrize("answer", DECODERS.values(), ids=DECODERS)
def test_11_2_accepts_other_ways(answer: object) -> None:
    assert verdicts("11.2", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NO_DECODERS, ids=str)
def test_11_2_rejects(wrong: Wrong) -> None:
    rejected("11.2", wrong)


def test_11_2_reports_what_it_cannot_explain() -> None:
    (said,) = verdicts("11.2", lambda x, i, s: x.view(7, 11, 13))
    assert "raised RuntimeError" in said


def shares_and_members(scores: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    return scores.softmax(1), F.one_hot(mask, scores.shape[1]).movedim(-1, 1)


def dice(p: Tensor, m: Tensor, axes: Any = (0, 2, 3)) -> Tensor:
    return 2 * (p * m).sum(axes) / (p + m).sum(axes)


def class_by_class(scores: Tensor, mask: Tensor) -> Tensor:
    p = scores.softmax(1)
    values = []
    for k in range(scores.shape[1]):
        m = (mask == k).float()
        values.append(2 * (p[:, k] * m).sum() / (p[:, k].sum() + m.sum()))
    return 1 - torch.stack(values).mean()


def with_axes(axes: Any) -> Any:
    return lambda s, m: 1 - dice(*shares_and_members(s, m), axes).mean()


def hard(scores: Tensor, mask: Tensor) -> Tensor:
    decided = F.one_hot(scores.argmax(1), scores.shape[1]).movedim(-1, 1)
    return class_by_class(100.0 * decided, mask)


NO_LOSSES = [
    Wrong("gain", lambda s, m: dice(*shares_and_members(s, m)).mean(), "a loss gets smaller"),
    Wrong("per class", lambda s, m: 1 - dice(*shares_and_members(s, m)), "one number per class"),
    Wrong(
        "scores", lambda s, m: 1 - dice(s, shares_and_members(s, m)[1]).mean(), "Take their softmax"
    ),
    Wrong("all at once", with_axes((0, 1, 2, 3)), "Large classes hide small ones"),
    Wrong("hard", hard, "argmax has no gradient"),
    Wrong("detached", lambda s, m: class_by_class(s, m).detach(), "do not detach"),
    Wrong(
        "without 2", lambda s, m: 1 - dice(*shares_and_members(s, m)).mean() / 2, "The 2 is missing"
    ),
    Wrong("cross entropy", lambda s, m: F.cross_entropy(s, m), "not the right one"),
    Wrong("a float", lambda s, m: class_by_class(s, m).item(), "must be a tensor"),
    Wrong("nothing yet", lambda s, m: None, "returns nothing yet"),
    Wrong(
        "axes",
        lambda s, m: (s.softmax(1) * F.one_hot(m, s.shape[1])).sum(),
        "print both shapes",
    ),
]


def test_11_3_accepts_other_ways() -> None:
    assert verdicts("11.3", class_by_class) == {"right!"}


@pytest.mark.parametrize("wrong", NO_LOSSES, ids=str)
def test_11_3_rejects(wrong: Wrong) -> None:
    rejected("11.3", wrong)


def test_the_loss_of_the_solution_is_0_for_a_perfect_answer() -> None:
    mask = torch.randint(0, 3, (2, 6, 5))
    scores = 100.0 * F.one_hot(mask, 3).movedim(-1, 1)
    assert float(solution("11.3")(scores, mask)) == pytest.approx(0, abs=1e-6)
