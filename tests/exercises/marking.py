"""What the tests of all lessons share: the folded solutions, and verdicts over many seeds."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import torch

from resample_viz.compat import import_torchvision
from resample_viz.exercises.checking import judges, verdict
from tests.notebooks.hygiene import Notebook, exercise_cells, solutions, source

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SEEDS = range(25)
WRITTEN = (ast.Assign, ast.AugAssign, ast.Return)
WORK = (ast.Call, ast.BinOp, ast.Subscript, ast.Attribute)


class Wrong(NamedTuple):
    """A wrong answer, by name, and words of the hint that belongs to it."""

    name: str
    answer: Any
    hint: str

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


@cache
def notebook(lesson: str) -> Notebook:
    (path,) = NOTEBOOKS.glob(f"{lesson}-*.ipynb")
    return Notebook.read(path)


def exercises(lesson: str) -> list[str]:
    return sorted(number for number in judges() if number.startswith(f"{lesson}."))


def solution_code(number: str) -> str:
    return solutions(notebook(number[:2]))[number]


def solution(number: str) -> Any:
    """What the folded solution hands to check, run with the imports of its notebook."""
    lesson = notebook(number[:2])
    if "torchvision" in "".join(source(cell) for _, cell in lesson.code):
        import_torchvision()
    namespace: dict[str, Any] = {}
    for _, cell in lesson.code:
        for node in ast.parse(source(cell)).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                exec(ast.unparse(node), namespace)
    exec(solution_code(number), namespace)
    return namespace[name_of_answer(number)]


def name_of_answer(number: str) -> str:
    """The name that the exercise's cell hands to check."""
    call = ast.parse(source(exercise_cells(notebook(number[:2]))[number])).body[-1]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    name = call.value.args[1]
    assert isinstance(name, ast.Name)
    return name.id


def verdicts(number: str, answer: Any) -> set[str]:
    """All verdicts over many seeds: there should be one."""
    module = judges()[number].__module__
    said = set()
    for seed in SEEDS:
        generator = torch.Generator().manual_seed(seed)
        with patch(f"{module}.fresh_generator", return_value=generator):
            said.add(verdict(number, answer))
    return said


def rejected(number: str, wrong: Wrong) -> None:
    """Asserts that the answer gets its hint, whatever the seed, and that the hint gives nothing
    away."""
    (said,) = verdicts(number, wrong.answer)
    assert said.startswith("not yet. "), said
    assert wrong.hint in said
    assert_discreet(number, said)


def assert_discreet(number: str, said: str) -> None:
    """No numbers of the answer and no code of the solution, in one line."""
    assert len(said.splitlines()) == 1
    assert len(said) < 250
    assert not re.search(r"tensor\(|\d\.\d{3}", said), said
    answer = solution(number)
    if not callable(answer):
        assert not re.search(rf"(?<![\d.]){answer}(?![\d.]*\d)", said), said
        return
    (function,) = ast.parse(solution_code(number)).body
    assert isinstance(function, ast.FunctionDef)
    written = "".join(said.split())
    for value in computed(function):
        assert "".join(ast.unparse(value).split()) not in written, said


def computed(function: ast.FunctionDef) -> list[ast.expr]:
    """What a function assigns and returns, wherever it stands; bare names give nothing away."""
    told = [line.value for line in ast.walk(function) if isinstance(line, WRITTEN) and line.value]
    assert told
    return [value for value in told if any(isinstance(n, WORK) for n in ast.walk(value))]


def failing(error: Exception) -> Callable[..., Any]:
    """A function that raises, whatever it is given."""

    def function(*_: Any) -> Any:
        raise error

    return function
