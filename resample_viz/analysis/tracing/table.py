"""A trace as text: a line for each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby

from resample_viz.analysis.tracing.graph import Shape
from resample_viz.analysis.tracing.recorder import TraceStep

HEADINGS = ("step", "operation", "shape", "stride", "receptive field", "centre", "parameters")


def table_of(steps: Sequence[TraceStep], shape: Shape) -> list[str]:
    """The lines of a table: headings, the input, and `steps`."""
    has_fields = len(shape) == 4
    first = ("input", "", words(shape), *(("1", "1×1", "0, 0") if has_fields else "---"), "")
    lines = [HEADINGS, first, *map(_row, steps)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEADINGS))]
    lines.insert(1, tuple("-" * width for width in widths))
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines
    ]


def modules_of(steps: Sequence[TraceStep], depth: int) -> list[TraceStep]:
    """The steps of each module at a depth, as one step."""

    def place(step: TraceStep) -> str:
        return ".".join(step.name.split(".")[:depth])

    return [_ended(name, list(part)) for name, part in groupby(steps, place)]


def words(shape: Shape) -> str:
    """(1, 3, 224, 224)."""
    return "(" + ", ".join(map(str, shape)) + ")"


def _row(step: TraceStep) -> tuple[str, ...]:
    parameters = f"{step.parameters:,}" if step.parameters else ""
    shape = words(step.shape)
    if step.field is None:
        return (step.name, step.operation, shape, "-", "-", "-", parameters)
    rows, cols = step.field.stride
    stride = _pair(_fraction(rows), _fraction(cols)) if rows or cols else "-"
    height, width = step.field.size
    sees = ("≤ " if step.field.is_bound else "") + f"{height}×{width}"
    sees += " *" if step.field.statistics else ""
    centre = ", ".join(f"{place:g}" for place in step.field.centre())
    return (step.name, step.operation, shape, stride, sees, centre, parameters)


def _pair(one: str, other: str) -> str:
    return one if one == other else f"{one}, {other}"


def _fraction(value: Fraction) -> str:
    """A stride: 32, 1/2, or where no simple fraction says it, 1.98."""
    return str(value) if value.denominator <= 64 else f"{float(value):.2f}"


def _ended(name: str, part: list[TraceStep]) -> TraceStep:
    """A whole module as one step."""
    last = part[-1]
    if len(part) == 1:
        return last
    counted = sum(step.parameters for step in part)
    return replace(
        last, name=name, operation=f"{len(part)} steps", inputs=part[0].inputs, parameters=counted
    )
