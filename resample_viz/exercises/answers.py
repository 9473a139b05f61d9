"""What judges share: comparing an answer with the right one and with the known wrong ones.

A judge returns None for a right answer. Otherwise it says in one sentence what is not right yet and
gives a hint, without the answer and without numbers that change from run to run: the lessons store
what `check` printed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

Mistake = tuple[Tensor, str]
"""What a known wrong answer computes, and the hint for those who made it."""


def judge_number(
    answer: Any, right: float, hints: Mapping[float, str], otherwise: str, tolerance: float = 1e-3
) -> str | None:
    """Compares one number with the right one, then with the known wrong ones.

    Right is also what was rounded to two decimals.
    """
    try:
        number = float(answer)
    except (TypeError, ValueError, RuntimeError):
        return "The answer must be one number, such as 12 or 12.5."
    if math.isclose(number, right, abs_tol=tolerance):
        return None
    for known, hint in hints.items():
        if math.isclose(number, known, abs_tol=tolerance):
            return hint
    if number == round(right, 2):
        return None  # with pencil and paper two decimals are enough
    if number in (round(right, 1), math.trunc(right * 100) / 100):
        return "That is nearly it, but rounded too far: write the fraction itself, or 3 decimals."
    return otherwise


def judge_function(answer: Any) -> str | None:
    """Objects to everything that cannot be called."""
    if callable(answer):
        return None
    return "Give the function itself, by its name and without parentheses: check(..., function)."


def judge_tensor(
    result: Any, right: Tensor, mistakes: Iterable[Mistake], otherwise: str
) -> str | None:
    """Compares a tensor with the right one, of any shape; `mistakes` name what else it may be.

    None where values (to 1e-5), shape and dtype are right; else a hint, in one sentence.
    """
    if result is None or result is ...:
        return "The function returns nothing yet: write its body, and return the result."
    if isinstance(result, np.ndarray | np.generic):
        return (
            f"The result must be a tensor, but it is of type {type(result).__name__}: stay with "
            "PyTorch's functions, or return torch.from_numpy(result)."
        )
    if not isinstance(result, Tensor):
        return f"The result must be a tensor, but it is of type {type(result).__name__}."
    if _same(result, right):
        return _object_to_dtype(result, right)
    for known, hint in mistakes:
        if _same(result, known):
            return hint
    if result.ndim != right.ndim:
        return f"The result has {result.ndim} axes, but {right.ndim} were asked for."
    if result.shape != right.shape:
        return "The number of axes is right, but not their lengths: print the shape."
    return otherwise


def fresh_generator() -> torch.Generator:
    """A generator with a new seed: the learner's own random state is left alone."""
    generator = torch.Generator()
    generator.seed()
    return generator


def _same(result: Tensor, other: Tensor) -> bool:
    if result.shape != other.shape:
        return False
    return torch.allclose(result.detach().double(), other.double(), rtol=0, atol=1e-5)


def _object_to_dtype(result: Tensor, right: Tensor) -> str | None:
    if result.dtype == right.dtype:
        return None
    return f"The values are right, but they are {result.dtype}: make them {right.dtype}."
