"""The checks of lesson 12: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import resample_viz as rv
from tests.exercises.marking import Wrong, rejected, solution, verdicts

NUMBERS = [
    Wrong("one colour", 9, "what one colour needs"),
    Wrong("colours", 3, "That is what comes out"),
    Wrong("by two", 12, "for twice the size"),
    Wrong("what comes in", 32, "goes into the convolution"),
    Wrong("as many channels", 288, "32 channels after the shuffle"),
    Wrong("one axis", 96, "along each of two axes"),
    Wrong("zero", 0, "count the numbers"),
    Wrong("not a number", float("nan"), "count the numbers"),
    Wrong("a word", "many", "must be one number"),
]


def test_12_1_agrees_with_pytorch() -> None:
    channels = solution("12.1")
    block = nn.Sequential(nn.Conv2d(32, channels, 3, padding=1), nn.PixelShuffle(3))
    assert block(torch.rand(1, 32, 4, 5)).shape == (1, 3, 12, 15)


@pytest.mark.parametrize("answer", [27, 27.0, torch.tensor(27)])
def test_12_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert verdicts("12.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_12_1_rejects(wrong: Wrong) -> None:
    rejected("12.1", wrong)


def decibels(
    result: Tensor, truth: Tensor, border: int, *, peak: float = 1.0, cut: bool = True
) -> Tensor:
    if cut:
        result = result.clamp(0, 1)
    if border:
        result, truth = (x[..., border:-border, border:-border] for x in (result, truth))
    return 10 * torch.log10(peak**2 / (result - truth).square().mean())


PSNRS = {
    "the package's": lambda r, t, f: rv.metrics.super_resolution_score(r, t, f).psnr,
    "a number": lambda r, t, f: decibels(r, t, f).item(),
}
NO_PSNRS = [
    Wrong("as given", lambda r, t, f: decibels(r, t, 0, peak=255, cut=False), "range of these"),
    Wrong("border only", lambda r, t, f: decibels(r, t, f, peak=255, cut=False), "border is gone"),
    Wrong("peak forgotten", lambda r, t, f: decibels(r, t, f, peak=255), "Border and cutting off"),
    Wrong("peak only", lambda r, t, f: decibels(r, t, 0, cut=False), "border still counts, and so"),
    Wrong("no border", lambda r, t, f: decibels(r, t, 0), "but the border still counts"),
    Wrong("not cut off", lambda r, t, f: decibels(r, t, f, cut=False), "cut the result off"),
    Wrong("border of one", lambda r, t, f: decibels(r, t, 1), "as wide as the factor"),
    Wrong("half", lambda r, t, f: decibels(r, t, f) / 2, "square root of the error"),
    Wrong("negative", lambda r, t, f: -decibels(r, t, f), "upside down"),
    Wrong("zero", lambda r, t, f: 0.0, "four steps"),
    Wrong("a picture", lambda r, t, f: r, "must be one number"),
    Wrong("empty body", lambda r, t, f: None, "must be one number"),
]


@pytest.mark.parametrize("answer", PSNRS.values(), ids=PSNRS)
def test_12_2_accepts_other_ways(answer: object) -> None:
    assert verdicts("12.2", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NO_PSNRS, ids=str)
def test_12_2_rejects(wrong: Wrong) -> None:
    rejected("12.2", wrong)


def down(x: Tensor, factor: int, *, antialias: bool = True) -> Tensor:
    return F.interpolate(x, scale_factor=1 / factor, mode="bicubic", antialias=antialias)


def rounds_of(
    up: Callable[[Tensor, int], Tensor] = rv.upscale, *, more: int = 0, sign: float = 1.0
) -> Callable[..., Tensor]:
    def walk(guess: Tensor, small: Tensor, factor: int, rounds: int) -> Tensor:
        for _ in range(rounds + more if rounds else 0):
            guess = guess + sign * up(small - down(guess, factor), factor)
        return guess

    return walk


def antialiased(x: Tensor, factor: int) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bicubic", antialias=True)


def with_mode(mode: str) -> Callable[[Tensor, int], Tensor]:
    return lambda x, factor: F.interpolate(x, scale_factor=factor, mode=mode)


def once(guess: Tensor, small: Tensor, factor: int, rounds: int) -> Tensor:
    return rounds_of()(guess, small, factor, min(rounds, 1))


def all_of_small(guess: Tensor, small: Tensor, factor: int, rounds: int) -> Tensor:
    return guess + rounds * rv.upscale(small, factor)


def never_nothing(guess: Tensor, small: Tensor, factor: int, rounds: int) -> Tensor:
    return rounds_of()(guess, small, factor, max(rounds, 1))


def aliased(guess: Tensor, small: Tensor, factor: int, rounds: int) -> Tensor:
    for _ in range(rounds):
        guess = guess + rv.upscale(small - down(guess, factor, antialias=False), factor)
    return guess


PROJECTED = {"pytorch": rounds_of(antialiased), "package": rounds_of()}
NOT_PROJECTED = [
    Wrong("guess", lambda g, s, f, r: g, "came back as it was"),
    Wrong("one round", once, "one round only"),
    Wrong("one more", rounds_of(more=1), "one round too many"),
    Wrong("wrong direction", rounds_of(sign=-1.0), "wrong direction"),
    Wrong("small", lambda g, s, f, r: rv.upscale(s, f), "Nothing of the guess is left"),
    Wrong("all of small", all_of_small, "add all of the small picture"),
    Wrong("aliased", aliased, "shrunk with anti-aliasing"),
    Wrong("nearest", rounds_of(with_mode("nearest")), "Enlarge the difference by bicubic"),
    Wrong("bilinear", rounds_of(with_mode("bilinear")), "Enlarge the difference by bicubic"),
    Wrong("default", rounds_of(with_mode("bicubic")), "has another kernel"),
    Wrong("cut", lambda *a: rounds_of()(*a).clamp(0, 1), "cutting off contradicts"),
    Wrong("exact", lambda g, s, f, r: rv.back_project(g, s), "follow one round"),
    Wrong("never nothing", never_nothing, "Without a round"),
    Wrong("zeros", lambda g, s, f, r: 0 * g, "follow one round"),
    Wrong("small as it is", lambda g, s, f, r: s, "but not their lengths"),
    Wrong("empty body", lambda *_: None, "returns nothing yet"),
]


@pytest.mark.parametrize("answer", PROJECTED.values(), ids=PROJECTED)
def test_12_3_accepts_other_ways(answer: Any) -> None:
    assert verdicts("12.3", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NOT_PROJECTED, ids=str)
def test_12_3_rejects(wrong: Wrong) -> None:
    rejected("12.3", wrong)
