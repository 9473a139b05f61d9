"""`Program`: code that is shown to a learner and runs as it is shown."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

IMPORTS = {
    "rv": "import resample_viz as rv",
    "torch": "import torch",
    "nn": "from torch import nn",
    "F": "import torch.nn.functional as F",
    "v2": "from torchvision.transforms import v2",
}
"""The names that programs may use without defining them, and the line that brings each one."""


@dataclass(frozen=True)
class Program:
    """Statements, and an expression that uses what they define.

    >>> program = Program("pool = nn.MaxPool2d(2)", "pool(x)")
    >>> print(program.renamed({"pool": "pool_1"}).complete("y"))
    from torch import nn
    pool_1 = nn.MaxPool2d(2)
    y = pool_1(x)
    """

    setup: str = ""
    expression: str = ""

    @property
    def imports(self) -> tuple[str, ...]:
        """The import statements that the program needs, found by reading it."""
        used = {name for code in (self.setup, self.expression) for name, *_ in _names(code)}
        return tuple(line for name, line in IMPORTS.items() if name in used)

    @property
    def defined(self) -> frozenset[str]:
        """The names that the statements define."""
        nodes = list(ast.walk(ast.parse(self.setup)))
        functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        stored = {
            node.id
            for node in nodes
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        return frozenset(functions | stored)

    @property
    def used(self) -> frozenset[str]:
        """Every name in the code, defined in it or not."""
        return frozenset(
            name for code in (self.setup, self.expression) for name, *_ in _names(code)
        )

    def renamed(self, names: Mapping[str, str]) -> Program:
        """The same program with other names for what it uses or defines."""
        return Program(_renamed(self.setup, names), _renamed(self.expression, names))

    def complete(self, result: str) -> str:
        """Imports, statements, and the expression under a name: all that it takes to run it."""
        lines = (*self.imports, self.setup, f"{result} = {self.expression}")
        return "\n".join(filter(None, lines))

    def __str__(self) -> str:
        return self.setup


def _names(code: str) -> Iterator[tuple[str, int, int]]:
    """Every name in the code, with the line (from 0) and the byte at which it begins."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name):
            yield node.id, node.lineno - 1, node.col_offset
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno - 1, node.col_offset
        elif isinstance(node, ast.FunctionDef):
            yield node.name, node.lineno - 1, node.col_offset + len("def ")


def _renamed(code: str, names: Mapping[str, str]) -> str:
    """Names, not attributes or keywords or strings; all else stays as it is written."""
    lines = [line.encode() for line in code.split("\n")]
    places = sorted({place for place in _names(code) if place[0] in names}, key=lambda one: one[1:])
    for name, line, start in reversed(places):
        text = lines[line]
        lines[line] = text[:start] + names[name].encode() + text[start + len(name.encode()) :]
    return "\n".join(line.decode() for line in lines)
