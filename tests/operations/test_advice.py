"""Whoever follows a refusal gets out: what it suggests is tried, whatever was wrong."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from resample_viz import ops
from resample_viz.operations import Chain, Operation, OperationError
from tests.operations.advice import Change, changes
from tests.operations.registry import REGISTRY, Trial

STEPS = 6
"""Refusals in a row: an attempt may be wrong in several ways, and is told one at a time."""
IN_WORDS_ONLY = (
    "is one cell, which has no spread",
    "choose a picture with some contrast",
    " is empty: every axis",
    " MB, more than the ",
)
"""What asks for another picture, of which no expression knows anything."""


@dataclass(frozen=True)
class Attempt:
    """Parameters of an operation, and an input."""

    kind: type[Operation]
    parameters: dict[str, Any]
    x: Any

    def refusal(self) -> str:
        """The sentence; empty where there is a result."""
        try:
            self.kind(**self.parameters)(self.x)
        except OperationError as error:
            return str(error)
        return ""

    def changed(self, change: Change) -> Attempt:
        kept = {n: v for n, v in self.parameters.items() if n != change.instead_of}
        return replace(self, parameters=kept | change.parameters, x=change.of(self.x))


def leads_out(attempt: Attempt, steps: int = STEPS) -> bool:
    """Whether following one suggestion after the other ends with a result."""
    sentence = attempt.refusal()
    if not sentence or any(words in sentence for words in IN_WORDS_ONLY):
        return True
    return steps > 0 and any(
        leads_out(attempt.changed(change), steps - 1) for change in changes(sentence)
    )


def assert_way_out(attempt: Attempt) -> None:
    """Every suggestion removes its reason, and leads to a result, if not at once."""
    sentence = attempt.refusal()
    if any(words in sentence for words in IN_WORDS_ONLY):
        return
    found = changes(sentence)
    assert found, f"nothing to try in: {sentence}"
    for change in found:
        after = attempt.changed(change)
        assert after.refusal() != sentence, f"{change.text!r} changes nothing: {sentence}"
        assert leads_out(after), f"{change.text!r} leads nowhere: {sentence} {after.refusal()}"


ALONE = {kind: entry for kind, entry in REGISTRY.items() if kind is not Chain}
EACH_KIND = pytest.mark.parametrize("kind", ALONE, ids=lambda kind: kind.__name__)


@EACH_KIND
@settings(max_examples=40)
@given(data=st.data())
def test_what_a_refusal_suggests_works(kind: type[Operation], data: st.DataObject) -> None:
    trial: Trial = data.draw(ALONE[kind].attempts)
    attempt = Attempt(kind, trial.parameters, trial.input())
    if attempt.refusal():
        assert_way_out(attempt)


def names_of(kind: Any) -> list[str]:
    return [field.name for field in fields(kind)]


PICTURE = torch.rand(1, 3, 8, 6)
NONSENSE: tuple[Any, ...] = (-1, 0, 2.5, "x", None, (), (1,), (1, 2, 3), [2, -1], 10**12, True)


@EACH_KIND
def test_a_nonsensical_parameter_has_a_way_out(kind: type[Operation]) -> None:
    channels = {"in_channels": 3} if "in_channels" in names_of(kind) else {}
    x = torch.rand(1, 4, 6, 6) if kind is ops.PixelShuffle else PICTURE
    for name in names_of(kind):
        for value in NONSENSE:
            attempt = Attempt(kind, {**channels, name: value}, x)
            if attempt.refusal():
                assert_way_out(attempt)


@EACH_KIND
@pytest.mark.parametrize(
    "x",
    [
        torch.rand(8),
        torch.rand(8, 6),
        torch.rand(1, 3, 2, 8, 6),
        torch.rand(2, 1, 1, 3, 8, 6),
        torch.full((1, 3, 8, 6), 200, dtype=torch.uint8),
        torch.ones(1, 3, 8, 6, dtype=torch.int64),
        torch.rand(1, 3, 8, 6).half(),
        torch.rand(1, 3, 8, 6).to_sparse(),
        torch.rand(1, 3, 8, 6, dtype=torch.complex64),
        torch.rand(1, 5, 8, 6),
        torch.rand(1, 3, 1, 1),
        torch.rand(1, 3, 8, 6) / 0,
    ],
    ids=lambda x: f"{tuple(x.shape)} {x.dtype} {x.layout}",
)
def test_an_input_that_is_refused_has_a_way_out(kind: type[Operation], x: Tensor) -> None:
    attempt = Attempt(kind, {}, x)
    if attempt.refusal():
        assert_way_out(attempt)


def test_a_step_of_a_chain_is_told_how_to_change() -> None:
    chain = Chain((ops.AvgPool(2), ops.MaxPool(7)))
    with pytest.raises(OperationError, match="step 2 of 2") as refused:
        chain(PICTURE)
    (change, *_) = changes(str(refused.value))
    better = Chain((ops.AvgPool(2), ops.MaxPool(**change.parameters)))
    with pytest.raises(OperationError, match="kernel_size=3 or less"):  # for the width
        better(PICTURE)
    assert Chain((ops.AvgPool(2), ops.MaxPool(3)))(PICTURE).ndim == 4


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("no: use padding=3 or less, or mode='a'.", [{"padding": 3}, {"mode": "a"}]),
        ("no: try size=(1, 2), groups=3.", [{"size": (1, 2), "groups": 3}]),
        ("no: try x[..., :4, :, :].", ["x[..., :4, :, :]"]),
        ("no: use x.expand(*x.shape[:-3], 4, -1, -1).", ["x.expand(*x.shape[:-3], 4, -1, -1)"]),
        ("no (x=1): make floats, x.float() / 255.", ["x.float() / 255"]),
        ("no: use a larger input.", []),
    ],
)
def test_sentences_are_read_as_people_read_them(sentence: str, expected: list[Any]) -> None:
    assert [change.expression or change.parameters for change in changes(sentence)] == expected
