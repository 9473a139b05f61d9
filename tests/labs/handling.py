"""What tests of labs do to them: run their program, type into their cells, read their figures."""

from __future__ import annotations

from itertools import count
from typing import Any

NUMBERS = count(1)


def ran(lab: Any) -> dict[str, Any]:
    """The names that the lab's program leaves behind, run on the lab's own input."""
    head, body = lab.code().split("\n\n", 1)
    names: dict[str, Any] = {}
    exec(head, names)
    names["x"] = lab.input
    exec(body.split("\n", 1)[1], names)  # all but the line that makes an x
    return names


def typed(lab: Any, panel: str, row: int, col: int, value: float) -> None:
    """What the browser sends when a number was typed into a cell."""
    lab.stage.edit = {"panel": panel, "row": row, "col": col, "value": value, "n": next(NUMBERS)}


def merit(lab: Any, label: str) -> str:
    """The value that stands beside a label."""
    return next(m.value for m in lab.shown.merits if m.label == label)
