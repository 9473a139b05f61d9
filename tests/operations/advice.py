"""What a refusal suggests, as changes that can be made: the sentence is taken at its word.

The way out stands after the last colon of a sentence: alternatives that are joined by "or". Each is
a keyword argument or several (`padding=1`, `size=1 instead of scale_factor`), or an expression in x
(`x[None]`, `x.float() / 255`); alternatives in plain words are for human readers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

VALUE = "|".join(
    (
        r"[\w.]+\([^()]*\)",  # torch.ones(3, 3)
        r"\((?:[^()]|\([^()]*\))*\)",  # (1, 2)
        r"\[[^\]]*\]",
        r"'[^']*'",
        r"-?\d[\d.]*(?:e[-+]?\d+)?",
        r"\w[\w.]*",  # None
    )
)
KEYWORD = re.compile(rf"\b([a-z_]+)=({VALUE})")
INNER = r"[^()\[\]]*(?:[(\[][^()\[\]]*(?:[(\[][^()\[\]]*[)\]][^()\[\]]*)*[)\]][^()\[\]]*)*"
EXPRESSION = re.compile(
    rf"\btorch\.nan_to_num\(x\)|\bx(?:\[{INNER}\]|\.[a-z_]+(?:\({INNER}\))?)+(?: / \d+)?"
)


@dataclass(frozen=True)
class Change:
    """One alternative: other parameters, or another x."""

    text: str
    parameters: dict[str, Any] = field(default_factory=dict)
    expression: str = ""
    instead_of: str = ""

    def of(self, x: Any) -> Tensor:
        changed: Tensor = eval(self.expression, {"x": x, "torch": torch}) if self.expression else x
        return changed


def changes(sentence: str) -> list[Change]:
    """The alternatives of a refusal that can be tried."""
    assert sentence.endswith("."), sentence
    way_out = sentence[:-1].rpartition(": ")[2]
    found = []
    for text in re.split(r",? or |; ", way_out):
        expression = EXPRESSION.search(text)
        if expression:
            found.append(Change(text, expression=expression[0]))
            continue
        keywords = {
            name: eval(value, {"torch": torch, "float": float})
            for name, value in KEYWORD.findall(text)
        }
        if keywords:
            other = re.search(r"instead of (\w+)", text)
            found.append(Change(text, keywords, instead_of=other[1] if other else ""))
    return found
