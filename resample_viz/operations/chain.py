"""`Chain`: operations in order, as one operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from resample_viz.operations.base import Operation, Undo, UndoKind, check_memory
from resample_viz.operations.errors import OperationError
from resample_viz.operations.footprint import Footprint, JacobianFootprint
from resample_viz.operations.from_module import from_module, reads
from resample_viz.operations.normalization import AS_IT_IS, without_bias
from resample_viz.operations.program import Program
from resample_viz.operations.validation import AXIS_NAMES, check_tensor, quoted
from resample_viz.words import N_
from resample_viz.words import gettext as _

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

    A step may be a layer of PyTorch's, with its weights: see `from_module`. So may be all of them
    together, an nn.Sequential.

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
        super().__post_init__()
        given: Any = self.steps
        if not isinstance(given, Iterable) or isinstance(given, str):
            raise OperationError(
                _(
                    "a chain takes a tuple of operations, not {given} alone: with step for "
                    "it, write Chain((step,)).",
                    given=quoted(given),
                )
            )
        steps = tuple(from_module(one) if isinstance(one, nn.Module) else one for one in given)
        for number, step in enumerate(steps, start=1):
            if not isinstance(step, Operation):
                raise OperationError(
                    _(
                        "step {number} of the chain is {step}, which is no operation: give one "
                        "such as Upsample(scale_factor=2).",
                        number=number,
                        step=quoted(step),
                    )
                )
        object.__setattr__(self, "steps", steps)

    @property
    def linear(self) -> bool:  # type: ignore[override]
        """Whether every step is linear, apart from a bias."""
        return all(step.linear for step in self.steps)

    @property
    def unbatched(self) -> bool:  # type: ignore[override]
        """Whether (C, H, W) is one picture to every step."""
        return bool(self.steps) and all(step.unbatched for step in self.steps)

    def __repr__(self) -> str:
        comma = "," * (len(self.steps) == 1)
        return f"Chain(({', '.join(map(repr, self.steps))}{comma}))"

    def module(self) -> nn.Module:
        """nn.Sequential of the steps' layers."""
        return nn.Sequential(*(step.module() for step in self.steps))

    def code(self) -> str:
        """One expression: the steps' own, called from the inside out."""
        return f"lambda x: {_called([f'({step.code()})' for step in self._flat])}"

    def definition(self) -> Program:
        """Every step under a name of its own, with its weights, and `chain`, which calls them.

        The steps of a chain in the chain stand in one line with the others.
        """
        steps = self._programs()
        setup = [program.setup for program, _ in steps]
        setup.append(f"chain = lambda x: {_called([name for _, name in steps])}")
        return Program("\n".join(setup), "chain(x)")

    @property
    def _flat(self) -> tuple[Operation, ...]:
        """The steps, and those of chains among them."""
        flat: list[Operation] = []
        for step in self.steps:
            flat += step._flat if isinstance(step, Chain) else [step]
        return tuple(flat)

    def _programs(self) -> list[tuple[Program, str]]:
        """Every flat step's program with names that no other step has, and what it is called."""
        return [
            (program.renamed(names), names.get(step.variable, step.variable))
            for step, program, names in self._renamings()
        ]

    def own_tensors(self) -> dict[str, Tensor]:
        """Those of the steps, under the names that the program has for them."""
        return {
            names.get(name, name): tensor
            for step, _, names in self._renamings()
            for name, tensor in step.own_tensors().items()
        }

    def _renamings(self) -> list[tuple[Operation, Program, dict[str, str]]]:
        """Every flat step, its program, and new names where another step uses one of its own."""
        steps = [(step, step.definition()) for step in self._flat]
        owned = [program.defined | step.own_tensors().keys() for step, program in steps]
        counted = Counter(name for names in owned for name in names)
        renamings = []
        for number, ((step, program), own) in enumerate(zip(steps, owned), start=1):
            clashes = any(counted[name] > 1 for name in own)
            names = {name: f"{name}_{number}" for name in own if clashes}
            renamings.append((step, program, names))
        return renamings

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
            _(
                "step {number} of {count}, {name}, cannot take {shape}: {error}",
                number=number,
                count=len(self.steps),
                name=name,
                shape=shape,
                error=error,
            )
        )

    def fitting(self, shape: Sequence[int]) -> tuple[Chain, str]:
        """The longest beginning of the chain that takes `shape`, and why it is not all of it.

        The sentence is empty where all steps fit.
        """
        climbed = 0
        try:
            for _rung in self._climb(tuple(shape)):
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
            walk = " → ".join(sizes) if rungs else _("{size} stays", size=sizes[0])
            lines.append(f"{_(name)}: ({walk}) = {sizes[-1]}")
        return "\n".join(lines)

    def stages(self, x: Tensor) -> tuple[Tensor, ...]:
        """x, (N, C, H, W), and what each step makes of it, one after the other.

        Raises OperationError, with the number of the step, where one cannot take its input.
        """
        check_tensor(x)
        reached = [x]
        for number, step in enumerate(self.steps, start=1):
            try:
                reached.append(step(reached[-1]))
            except OperationError as error:
                raise self._at_step(number, tuple(reached[-1].shape), error) from None
        return tuple(reached)

    def __call__(self, x: Tensor) -> Tensor:
        """The last of `stages`: x, (N, C, ...), becomes a tensor of `output_shape(x.shape)`."""
        return self.stages(x)[-1]

    def footprint(self, shape: Sequence[int]) -> Footprint:
        """The footprint around a picture of noise, as autograd computes it."""
        check_memory(tuple(shape), 4, N_("picture"), N_("fewer channels"))
        generator = torch.Generator().manual_seed(0)
        return self.footprint_at(torch.rand(tuple(shape), generator=generator))

    def footprint_at(self, x: Tensor) -> Footprint:
        """What the last step's cells read of the first one's input x, (N, C, H, W), by autograd.

        Raises OperationError where a step cannot take what it is given.
        """
        self._accept(x)
        return JacobianFootprint(self, x)

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """The steps' own ways back, the last step's first; and the adjoint of a linear chain."""
        if self._flat != self.steps:
            return Chain(self._flat).undo(shape)
        rungs = self.ladder(shape)
        return self._ways([rung.step.undo(rung.before) for rung in rungs], tuple(shape))

    def undo_at(self, x: Tensor) -> tuple[Undo, ...]:
        """The same for this very x, (N, C, ...), with what the steps remember of their inputs."""
        if self._flat != self.steps:
            return Chain(self._flat).undo_at(x)
        inputs = self.stages(x)[:-1]
        ways = [step.undo_at(step_input) for step, step_input in zip(self.steps, inputs)]
        return self._ways(ways, tuple(x.shape))

    def _ways(self, of_steps: list[tuple[Undo, ...]], shape: Shape) -> tuple[Undo, ...]:
        if not self.steps:
            return (AS_IT_IS, without_bias(self, shape))
        best = [min(ways, key=_rank) for ways in of_steps]
        plain = [_first_of_kind(ways, "shape only") or min(ways, key=_rank) for ways in of_steps]
        composed = [self._composed(N_("step by step, each step's best"), best)]
        if plain != best:
            composed.append(self._composed(N_("step by step, shapes only"), plain))
        return (*composed, without_bias(self, shape)) if self.linear else tuple(composed)

    def _composed(self, label: str, ways: list[Undo]) -> Undo:
        def apply(y: Tensor) -> Tensor:
            for way in reversed(ways):
                y = way(y)
            return y

        back = self._composed_program(ways)
        kind = partial(_composed_kind, [way.kind for way in ways])
        return Undo(label, back.expression, apply, kind, back.setup)

    def _composed_program(self, ways: list[Undo]) -> Program:
        """Every step's own way back, on the x and y of that step, in names of its own."""
        names = [name for _, name in self._programs()]
        count = len(names)
        lines = ["x_1 = x"]
        for number in range(1, count):
            lines.append(f"x_{number + 1} = {names[number - 1]}(x_{number})")
        lines.append(f"y_{count} = y")
        for number in range(count, 0, -1):
            way = ways[number - 1].program
            own = {name: f"{name}_{number}" for name in way.defined}
            of_step = {"x": f"x_{number}", "y": f"y_{number}"}
            of_step[self.steps[number - 1].variable] = names[number - 1]
            way = way.renamed(own | of_step)
            lines += filter(None, [way.setup, f"y_{number - 1} = {way.expression}"])
        return Program("\n".join(lines), "y_0")


@reads(nn.Sequential)
def _sequential(layers: nn.Sequential) -> Chain:
    return Chain(tuple(layers))  # type: ignore[arg-type]


@reads(nn.Identity)
def _identity(layer: nn.Identity) -> Chain:  # noqa: ARG001
    return Chain(())


def _called(functions: Sequence[str]) -> str:
    """One function after the other, from the inside out: "b(a(x))"."""
    called = "x"
    for function in functions:
        called = f"{function}({called})"
    return called


def _rank(way: Undo) -> int:
    return BEST_FIRST.index(way.kind)


def _first_of_kind(ways: Sequence[Undo], kind: UndoKind) -> Undo | None:
    return next((way for way in ways if way.kind == kind), None)


def _composed_kind(kinds: Sequence[UndoKind]) -> UndoKind:
    """What inverses one after the other still are.

    Left inverses (B A = I) make a left inverse, right inverses (A B = I) a right one. A
    pseudo-inverse of every step is not the pseudo-inverse of the whole: only the shape is certain.
    """
    distinct = set(kinds)
    for kind in ("exact inverse", "left inverse", "right inverse"):
        if distinct <= {"exact inverse", kind}:
            return kind
    return kinds[0] if len(kinds) == 1 else "shape only"
