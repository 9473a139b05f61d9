"""The ways out that a refusal names, as moves that can be made."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from resample_viz.operations import Operation, OperationError

MOST = 2
SUGGESTION = re.compile(r"\b([a-z_]+)=('[^']*'|-?[\w.]+)")
"""As every refusal writes what to try: align_corners=False, mode='bicubic', size=7."""


def ways_out(
    sentence: str, operation: type[Operation], asked: dict[str, Any], shape: tuple[int, ...]
) -> dict[str, Operation]:
    """The operations that a refusal suggests instead of what was asked for, by what they change.

    Only those that take an input of this shape, (N, C, H, W).
    """
    names = {field.name for field in dataclasses.fields(operation)}  # type: ignore[arg-type]
    found: dict[str, Operation] = {}
    for name, value in _suggestions(sentence):
        if name not in names or len(found) == MOST or asked.get(name) == value:
            continue
        try:
            other = operation(**{**asked, name: value})
            other.output_shape(shape)
        except (OperationError, TypeError):
            continue
        found[f"{name}={value!r}"] = other
    return found


def _suggestions(sentence: str) -> Iterator[tuple[str, Any]]:
    """Names and values; what comes last in a sentence is its way out, and comes first here."""
    _, separator, ends = sentence.rpartition(":")
    for part in (ends, sentence if separator else ""):
        for name, text in SUGGESTION.findall(part):
            try:
                yield name, ast.literal_eval(text.rstrip("."))
            except (SyntaxError, ValueError):
                continue
