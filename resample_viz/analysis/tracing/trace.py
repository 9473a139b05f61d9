"""`trace`: the shapes, strides and receptive fields along a forward pass, without doing it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import index
from time import process_time
from typing import Any

from torch import nn

from resample_viz.analysis.tracing.copies import plain_module
from resample_viz.analysis.tracing.explain import explain, explain_size
from resample_viz.analysis.tracing.failure import Failure
from resample_viz.analysis.tracing.graph import Shape
from resample_viz.analysis.tracing.passes import Pass, Runner
from resample_viz.analysis.tracing.preserving import preserved
from resample_viz.analysis.tracing.recorder import TraceStep
from resample_viz.analysis.tracing.remarks import remarks
from resample_viz.analysis.tracing.table import modules_of, table_of, words
from resample_viz.deprecation import warn
from resample_viz.operations import OperationError
from resample_viz.progress import Progress
from resample_viz.words import N_
from resample_viz.words import gettext as _

SECONDS = 2.0
"""What a trace may take together with what is tried; at least half of it is left for trials."""
REAL = (
    "PyTorch could not run this model on shapes alone, so it was run on random numbers: where it "
    "branches on data, this is one of several ways through it."
)


@dataclass(frozen=True, eq=False)
class Trace:
    """What `trace` has found: `steps`, and the `failure` that has ended it, if any.

    `print(trace)` prints a table; a notebook also shows a ladder of resolutions.

    Attributes:
        inputs: the shapes of the inputs.
        steps: the layers and functions that have run, in order.
        outputs: the shapes of the outputs.
        parameters: the numbers that the model has learned.
        failure: the step that has failed, why, and what mends it; None if all went well.
        note: how the model was run, where that matters.
        remarks: what has raised no error and is still an accident, most of the time.
    """

    inputs: tuple[Shape, ...]
    steps: tuple[TraceStep, ...]
    outputs: tuple[Shape, ...]
    parameters: int
    failure: Failure | None = None
    note: str = ""
    remarks: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> TraceStep:
        """The last step of that name, such as trace["layer4.2.conv3"]; of a module, its last step.

        Raises KeyError.
        """
        for step in reversed(self.steps):
            if step.name == name or step.name.startswith(f"{name}."):
                return step
        raise KeyError(f"there is no step {name!r}: there are {[one.name for one in self.steps]}")

    @property
    def key_steps(self) -> tuple[TraceStep, ...]:
        """The steps that change more than values: no activations, no normalisations."""
        return tuple(step for step in self.steps if step.is_key)

    @property
    def telling(self) -> tuple[TraceStep, ...]:
        """The old name of `key_steps`."""
        warn("Trace.telling", "Trace.key_steps", stacklevel=2)
        return self.key_steps

    def table(self, *, depth: int | None = None, every: bool = False) -> str:
        """The trace as text, a line for each step that changes more than values.

        With `depth`, a line for the end of each module at that depth: 1 for "layer1", "layer2".
        With `every`, activations and normalisations have their lines too.
        """
        steps: Sequence[TraceStep] = self.steps if every else self.key_steps
        if depth is not None:
            steps = modules_of(self.steps, depth)
        return "\n".join([*table_of(steps, self.inputs[0]), *self._end()])

    def _end(self) -> list[str]:
        shapes = ", ".join(words(shape) for shape in self.outputs)
        end = [f"{self.parameters:,} parameters"]
        if shapes:
            end[0] += f"; output {shapes}"
        if any(step.field and step.field.is_bound for step in self.steps):
            end.append("≤: a layer that does not read by windows may see all that its input saw.")
        if any(step.field and step.field.statistics for step in self.steps):
            end.append("*: and, by the statistics of a normalisation, the whole map before it.")
        return [*end, *filter(None, (self.note, *self.remarks, str(self.failure or "")))]

    def __str__(self) -> str:
        return self.table()

    __repr__ = __str__

    def _repr_png_(self) -> bytes | None:
        from resample_viz.view.ladder import Ladder

        return Ladder(self.rungs(), self.size).png() if self.size else None

    @property
    def size(self) -> tuple[int, ...]:
        """The sizes of the (first) input without batch and channels: of a picture, (H, W)."""
        return self.inputs[0][2:]

    def rungs(self) -> list[Any]:
        """The input, the key steps that make maps, and the failed one, as a `Ladder` has it."""
        from resample_viz.view.ladder import Rung

        rungs = [Rung("input", self.size, (1, 1), 1.0)]
        for step in self.on_ladder:
            if step.field is None:
                rungs.append(Rung(step.name, step.shape[2:]))
            else:
                stride = float(step.field.stride[0])
                rungs.append(Rung(step.name, step.extent, step.field.size, stride))
        if self.failure is not None:
            rungs.append(Rung(self.failure.name, None))
        return rungs

    @property
    def on_ladder(self) -> tuple[TraceStep, ...]:
        """The key steps that make a map of the (first) input."""
        rank = len(self.inputs[0])
        return tuple(
            step
            for step in self.key_steps
            if len(step.shape) == rank and (step.field is not None or rank != 4)
        )


def trace(
    model: nn.Module,
    input_shape: Sequence[int] | Sequence[Sequence[int]],
    same_size: bool = False,
) -> Trace:
    """The shapes along `model`'s forward pass on an input of `input_shape`, (N, C, H, W).

    A copy of the model is run on PyTorch's meta device, on which tensors have shapes but no
    numbers: it takes neither memory nor arithmetic, and `model` stays as it is, with all that it
    keeps. A model that needs numbers (it branches on data) is run, as a copy too, on random ones.
    Layers are traced as in evaluation, uninitialised ones as they would be after a first pass. For
    a model with several inputs give several shapes; fields then refer to the first one. Sequences,
    (N, C, L), and volumes, (N, C, D, H, W), are traced without receptive fields.

    Where the shapes do not fit, the trace ends at the step that failed: `trace(...).failure` names
    it with the shapes, the reason, and suggestions with which the model has run. With `same_size`,
    an output that is not as large as the input is a failure, too. What runs and is still an
    accident, most of the time, is in `trace(...).remarks`.

    Receptive fields: A. Araujo, W. Norris, J. Sim, Computing Receptive Fields of Convolutional
    Neural Networks, Distill 2019, generalised to layers that enlarge.

    Raises OperationError if `model` is no module, or a scripted one; if `input_shape` is no shape;
    if the model can neither be copied nor put back as it was; and for inputs over 64 MB where a
    model needs numbers.

    >>> trace(nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.Conv2d(8, 8, 3)), (1, 3, 33, 33))[
    ...     "1"
    ... ].field.size
    (7, 7)
    """
    shapes = _shapes(model, input_shape)
    plain, note = plain_module(model)
    begin = process_time()
    with preserved(plain) as snapshot, Progress() as progress:
        runner = Runner(
            plain,
            shapes,
            shared=snapshot.shared,
            unknown=snapshot.unknown,
            report=progress.report,
        )
        seen = runner.record()
        if seen.attempt is not None and _wants_numbers(seen.attempt.error) and not _is_meta(plain):
            runner = runner.with_numbers()
            seen, note = runner.record(), f"{note} {REAL}".strip()
        runner.deadline = max(begin + SECONDS, process_time() + SECONDS / 2)
        found = Trace(shapes, seen.steps, seen.outputs, seen.parameters, note=note)
        if seen.attempt is not None:
            return replace(found, failure=explain(seen, runner, same_size=same_size))
        if same_size and _is_other_size(seen):
            return replace(found, failure=explain_size(seen, runner))
        return replace(found, remarks=remarks(seen, runner))


def _is_other_size(seen: Pass) -> bool:
    """Whether the (first) output is a map of another size than the input."""
    return bool(seen.ends) and seen.ends[0] is not None and (
        seen.ends[0].size != seen.inputs[0].size
    )  # fmt: skip


def _is_meta(model: nn.Module) -> bool:
    return any(one.is_meta for one in (*model.parameters(), *model.buffers()))


def _wants_numbers(error: BaseException) -> bool:
    """Whether a pass has failed for want of numbers, and not of fitting shapes."""
    return isinstance(error, NotImplementedError) or "meta" in str(error)


def dimensions_of(model: nn.Module) -> set[int]:
    """The numbers of axes that the layers of a model work along: {2} of a network for pictures.

    >>> dimensions_of(nn.Sequential(nn.Conv1d(1, 1, 3), nn.MaxPool1d(2)))
    {1}
    """
    names = (type(module).__name__ for module in model.modules())
    return {int(found[1]) for found in (re.search(r"([123])d$", name) for name in names) if found}


def _shapes(model: Any, given: Any) -> tuple[Shape, ...]:
    if not isinstance(model, nn.Module):
        raise OperationError(
            _(
                "trace needs an nn.Module, not {kind}: for a function, write a module "
                "whose forward calls it.",
                kind=type(model).__name__,
            )
        )
    try:
        several = [tuple(one) for one in given]
    except TypeError:
        several = [tuple(given) if isinstance(given, Sequence) else (given,)]
    shapes = tuple(tuple(_whole(n) for n in shape) for shape in several)
    if not all(shape and min(shape) > 0 for shape in shapes):
        raise OperationError(
            _(
                "input_shape {given} is no shape: give whole numbers above 0, such as "
                "(1, 3, 224, 224).",
                given=repr(given),
            )
        )
    _check_axes(model, shapes[0])
    return shapes


def _whole(n: Any) -> int:
    """A whole number of Python, NumPy or PyTorch; 0 for anything else."""
    try:
        return 0 if isinstance(n, bool) else index(n)
    except TypeError:
        return 0


KINDS = {
    1: N_("sequences, (N, C, L)"),
    2: N_("pictures, (N, C, H, W)"),
    3: N_("volumes, (N, C, D, H, W)"),
}


def _check_axes(model: nn.Module, shape: Shape) -> None:
    """Raises OperationError if the shape has other axes than the model's layers work along."""
    dimensions = dimensions_of(model) or {len(shape) - 2}
    if len(shape) - 2 in dimensions or len(dimensions) > 1:
        return
    (wanted,) = dimensions
    raise OperationError(
        _(
            "input_shape {shape} has {count} numbers, but the layers of this model "
            "take {layouts}: write {meant}.",
            shape=shape,
            count=len(shape),
            layouts=KINDS[wanted],
            meant=_meant(model, shape, wanted),
        )
    )


def _meant(model: nn.Module, shape: Shape, dimensions: int) -> Shape:
    """The shape that was probably meant."""
    return (1, *shape) if len(shape) == dimensions + 1 else example_shape(model, dimensions)


def example_shape(model: nn.Module, dimensions: int) -> Shape:
    """A shape that a model for sequences (1), pictures (2) or volumes (3) may take."""
    first: Any = next((one for one in model.modules() if hasattr(one, "in_channels")), None)
    channels = first.in_channels if first is not None else 3
    return (1, channels or 3, *(({1: 1024, 2: 224, 3: 64}[dimensions],) * dimensions))
