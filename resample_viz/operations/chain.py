"""`Chain`: operations in order, as one operation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from resample_viz.operations.base import Operation, OperationError, Undo, UndoKind
from resample_viz.operations.footprint import Footprint, JacobianFootprint
from resample_viz.operations.normalization import AS_IT_IS, without_bias
from resample_viz.operations.upsample import AXIS_NAMES

Shape = tuple[int, ...]
BEST_FIRST: tuple[UndoKind, ...] = (
    "exact inverse",
    "left inverse",
    "right inverse",
    "pseudo-inverse",
    "shape only",
    "learned",
    "adjoint",
)


@dataclass(frozen=True)
class ShapeStep:
    """One station of the shape ladder: what goes into a step, and what comes out of it."""

    step: Operation
    before: Shape
    after: Shape

    def __str__(self) -> str:
        return f"{type(self.step).__name__}: {self.before} → {self.after}"


@dataclass(frozen=True, repr=False)
class Chain(Operation):
    r"""Operations one after the other, the first one first (torch.nn.Sequential).

    Raises OperationError where a step cannot take what the step before it gives: the sentence names
    the step, and `fitting` gives the chain up to there.

    >>> from resample_viz.operations import Normalize, Upsample
    >>> chain = Chain((Normalize(), Upsample(scale_factor=0.5)))
    >>> print(*chain.ladder((1, 3, 8, 8)), sep="\n")
    Normalize: (1, 3, 8, 8) → (1, 3, 8, 8)
    Upsample: (1, 3, 8, 8) → (1, 3, 4, 4)
    """

    variable = "chain"

    steps: tuple[Operation, ...] = ()

    def __post_init__(self) -> None:
        given: Any = self.steps
        if isinstance(given, Operation):
            raise OperationError(
                f"a chain takes a tuple of operations: write Chain(({type(given).__name__}(...),))."
            )
        for number, step in enumerate(given, start=1):
            if not isinstance(step, Operation):
                raise OperationError(
                    f"step {number} of the chain is {step!r}, which is no operation: give one such "
                    "as Upsample(scale_factor=2)."
                )
        object.__setattr__(self, "steps", tuple(given))

    @property
    def linear(self) -> bool:  # type: ignore[override]
        """Whether every step is linear, apart from a bias."""
        return all(step.linear for step in self.steps)

    def __repr__(self) -> str:
        comma = "," * (len(self.steps) == 1)
        return f"Chain(({', '.join(map(repr, self.steps))}{comma}))"

    def module(self) -> nn.Module:
        """nn.Sequential of the steps' layers."""
        return nn.Sequential(*(step.module() for step in self.steps))

    def code(self) -> str:
        """One expression: the steps' own, called from the inside out."""
        return f"lambda x: {self._calls([f'({step.code()})' for step in self.steps])}"

    def program(self) -> str:
        """Every step under its own name, with its weights, and `chain`, which calls them."""
        lines = []
        for step, name in zip(self.steps, self._names()):
            lines.append(step.program())
            if name != step.variable:
                lines.append(f"{name} = {step.variable}")
        return "\n".join([*lines, f"chain = lambda x: {self._calls(self._names())}"])

    @staticmethod
    def _calls(functions: Sequence[str]) -> str:
        called = "x"
        for function in functions:
            called = f"{function}({called})"
        return called

    def _names(self) -> list[str]:
        """A name for every step: its variable, with a number where two steps share it."""
        variables = [step.variable for step in self.steps]
        return [
            f"{variable}_{number}" if variables.count(variable) > 1 else variable
            for number, variable in enumerate(variables, start=1)
        ]

    def ladder(self, shape: Sequence[int]) -> tuple[ShapeStep, ...]:
        """One rung per step. Raises OperationError at the first step that does not fit."""
        return tuple(self._climb(tuple(shape)))

    def _climb(self, shape: Shape) -> Iterator[ShapeStep]:
        for number, step in enumerate(self.steps, start=1):
            try:
                after = step.output_shape(shape)
            except OperationError as error:
                raise self._at_step(number, shape, error) from None
            yield ShapeStep(step, shape, after)
            shape = after

    def _at_step(self, number: int, shape: Shape, error: OperationError) -> OperationError:
        name = type(self.steps[number - 1]).__name__
        return OperationError(
            f"step {number} of {len(self.steps)}, {name}, cannot take {shape}: {error}"
        )

    def fitting(self, shape: Sequence[int]) -> tuple[Chain, str]:
        """The longest beginning of the chain that takes `shape`, and why it is not all of it.

        The sentence is empty where all steps fit.
        """
        climbed = 0
        try:
            for _ in self._climb(tuple(shape)):
                climbed += 1
        except OperationError as error:
            return Chain(self.steps[:climbed]), str(error)
        return self, ""

    def output_shape(self, shape: Sequence[int]) -> Shape:
        """What the last step gives."""
        rungs = self.ladder(shape)
        return rungs[-1].after if rungs else tuple(shape)

    def explain_shape(self, shape: Sequence[int]) -> str:
        """The shape ladder, and one line per axis: "height: (128 → 256 → 64) = 64"."""
        rungs = self.ladder(shape)
        stations = [tuple(shape), *(rung.after for rung in rungs)]
        lines = [*map(str, rungs)]
        for axis, name in enumerate(AXIS_NAMES[len(shape) - 2], start=2):
            sizes = [str(station[axis]) for station in stations]
            walk = " → ".join(sizes) if rungs else f"{sizes[0]} stays"
            lines.append(f"{name}: ({walk}) = {sizes[-1]}")
        return "\n".join(lines)

    def stages(self, x: Tensor) -> tuple[Tensor, ...]:
        """x, and what each step makes of it, one after the other.

        Raises OperationError, with the number of the step, where one cannot take its input.
        """
        reached = [x]
        for number, step in enumerate(self.steps, start=1):
            try:
                reached.append(step(reached[-1]))
            except OperationError as error:
                raise self._at_step(number, tuple(reached[-1].shape), error) from None
        return tuple(reached)

    def __call__(self, x: Tensor) -> Tensor:
        """The last of `stages`."""
        return self.stages(x)[-1]

    def footprint(self, shape: Sequence[int]) -> Footprint:
        """The footprint around a picture of noise, as autograd computes it."""
        generator = torch.Generator().manual_seed(0)
        return self.footprint_at(torch.rand(tuple(shape), generator=generator))

    def footprint_at(self, x: Tensor) -> Footprint:
        """What the last step's cells read of the first one's input, as autograd computes it."""
        self.output_shape(x.shape)
        return JacobianFootprint(self, x)

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """The steps' own ways back, the last step's first; and the adjoint of a linear chain."""
        rungs = self.ladder(shape)
        return self._ways([rung.step.undo(rung.before) for rung in rungs], tuple(shape))

    def undo_at(self, x: Tensor) -> tuple[Undo, ...]:
        """The same, with what the steps remember of their inputs."""
        inputs = self.stages(x)[:-1]
        ways = [step.undo_at(given) for step, given in zip(self.steps, inputs)]
        return self._ways(ways, tuple(x.shape))

    def _ways(self, of_steps: list[tuple[Undo, ...]], shape: Shape) -> tuple[Undo, ...]:
        if not self.steps:
            return (AS_IT_IS, without_bias(self, shape))
        best = [min(ways, key=_rank) for ways in of_steps]
        plain = [_first_of_kind(ways, "shape only") or min(ways, key=_rank) for ways in of_steps]
        found = [self._composed("step by step, each step's best", best)]
        if plain != best:
            found.append(self._composed("step by step, shapes only", plain))
        return (*found, without_bias(self, shape)) if self.linear else tuple(found)

    def _composed(self, label: str, ways: list[Undo]) -> Undo:
        def apply(y: Tensor) -> Tensor:
            for way in reversed(ways):
                y = way(y)
            return y

        setup, code = self._composed_code(ways)
        return Undo(label, code, apply, lambda: _composed_kind([way.kind for way in ways]), setup)

    def _composed_code(self, ways: list[Undo]) -> tuple[str, str]:
        """Every step's own code, with x, y and the layer renamed to those of the step."""
        count = len(self.steps)
        names = self._names()
        lines = ["x_1 = x"]
        for number in range(1, count):
            lines.append(f"x_{number + 1} = {names[number - 1]}(x_{number})")
        lines.append(f"y_{count} = y")
        for number in range(count, 0, -1):
            step, way = self.steps[number - 1], ways[number - 1]
            rename = _renaming(
                {"x": f"x_{number}", "y": f"y_{number}", step.variable: names[number - 1]}
            )
            if way.setup:
                lines.append(rename(way.setup))
            lines.append(f"y_{number - 1} = {rename(way.code)}")
        return "\n".join(lines), "y_0"


def _renaming(names: dict[str, str]) -> Callable[[str], str]:
    pattern = re.compile(r"\b(?<![\w.])(" + "|".join(map(re.escape, names)) + r")\b(?!\s*=[^=])")
    return lambda code: pattern.sub(lambda found: names[found[1]], code)


def _rank(way: Undo) -> int:
    return BEST_FIRST.index(way.kind)


def _first_of_kind(ways: Sequence[Undo], kind: UndoKind) -> Undo | None:
    return next((way for way in ways if way.kind == kind), None)


def _composed_kind(kinds: Sequence[UndoKind]) -> UndoKind:
    """What inverses one after the other still are.

    Left inverses (B A = I) make a left inverse, right inverses (A B = I) a right one. A
    pseudo-inverse of every step is not the pseudo-inverse of the whole: only the shape is certain.
    """
    found = set(kinds)
    for kind in ("exact inverse", "left inverse", "right inverse"):
        if found <= {"exact inverse", kind}:
            return kind
    return kinds[0] if len(kinds) == 1 else "shape only"
