"""`check`, and how a lesson registers what it accepts."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

Judge = Callable[[Any], str | None]
"""Returns None if the answer is right, else one sentence: what is not right yet, and a hint."""

_judges: dict[str, Judge] = {}
LESSONS = sorted(path.stem[-2:] for path in Path(__file__).parent.glob("lesson_*.py"))


def exercise(number: str) -> Callable[[Judge], Judge]:
    """Registers the judge of an exercise under its number, such as "01.2"."""

    def register(judge: Judge) -> Judge:
        _judges[number] = judge
        return judge

    return register


def check(number: str, answer: Any) -> None:
    """Prints whether `answer` solves the exercise, and if not, what is missing and a hint.

    An answer that raises is reported with its error; nothing is raised here.

    >>> check("01.1", None)
    Exercise 01.1: not yet. Put your answer in place of None (or ...), then run the cell again.
    """
    print(f"Exercise {number}: {verdict(number, answer)}")  # noqa: T201


def verdict(number: str, answer: Any) -> str:
    """The sentence that `check` prints."""
    judge = judges().get(number)
    if judge is None:
        return f"there is no such exercise; there are {', '.join(sorted(judges()))}."
    if answer is None or answer is ...:
        return "not yet. Put your answer in place of None (or ...), then run the cell again."
    try:
        with torch.random.fork_rng(devices=[]):  # an answer may make layers with random weights
            objection = judge(answer)
    except SystemExit:
        return "not yet. Your answer ends the program: take sys.exit() or exit() out of it."
    except Exception as error:
        return f"not yet. Your answer raised {_in_one_line(error)}"
    return f"not yet. {objection}" if objection else "right!"


SHAPES = (
    (
        r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton "
        r"dimension (\d+)",
        "Along axis {2} one tensor has {0} and the other {1}: print both shapes; an axis of length "
        "1, as in t[:, None, None], goes with every length.",
    ),
    (
        r"Sizes of tensors must match except in dimension (\d+)\. Expected size (\d+) but got size "
        r"(\d+)",
        "What is joined along axis {0} must agree along the others, {1} is not {2}: print both "
        "shapes.",
    ),
    (
        r"mat1 and mat2 shapes cannot be multiplied|inconsistent tensor size|shape '.*' is invalid"
        r"|must match the existing size|size mismatch",
        "Shapes do not fit: print them before that line.",
    ),
)
"""What PyTorch says of shapes that do not fit, and what to do."""


def _in_one_line(error: Exception) -> str:
    """The kind of error, and the first line of its message or, for shapes, what to do."""
    kind, message = type(error).__name__, str(error).strip()
    for pattern, advice in SHAPES:
        if match := re.search(pattern, message):
            return f"{kind}. {advice.format(*match.groups())}"
    first = message.partition("\n")[0]
    return f"{kind}: {first}" if first else f"{kind}."


def judges() -> dict[str, Judge]:
    """All judges, by exercise number."""
    for lesson in LESSONS:
        import_module(f"resample_viz.exercises.lesson_{lesson}")
    return _judges
