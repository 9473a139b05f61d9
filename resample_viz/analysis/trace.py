"""`trace`: the shapes, strides and receptive fields along a forward pass, without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from resample_viz.analysis.recorder import Recorder, Shape, TraceStep, tensors_in, watching
from resample_viz.analysis.trace_failure import Failure, explain
from resample_viz.operations import OperationError
from resample_viz.operations.base import check_memory

HEADINGS = ("step", "operation", "shape", "stride", "receptive field", "centre", "parameters")
REAL = (
    "PyTorch could not run this model on shapes alone, so it was run on random numbers: where it "
    "branches on data, this is one of several ways through it."
)


@dataclass(frozen=True, eq=False)
class Trace:
    """What `trace` has found: `steps`, and the `failure` that has ended it, if any.

    `print(trace)` prints a table; a notebook also shows a ladder of resolutions.
    """

    inputs: tuple[Shape, ...]
    steps: tuple[TraceStep, ...]
    outputs: tuple[Shape, ...]
    parameters: int
    failure: Failure | None = None
    note: str = ""

    def __getitem__(self, name: str) -> TraceStep:
        """The last step of that name, such as trace["layer4.2.conv3"]; of a module, its last step.

        Raises KeyError.
        """
        for step in reversed(self.steps):
            if step.name == name or step.name.startswith(f"{name}."):
                return step
        raise KeyError(f"there is no step {name!r}: there are {[one.name for one in self.steps]}")

    @property
    def telling(self) -> tuple[TraceStep, ...]:
        """The steps that change more than values: no activations, no normalisations."""
        return tuple(step for step in self.steps if step.is_telling)

    def table(self, *, depth: int | None = None, every: bool = False) -> str:
        """The trace as text, a line for each step that changes more than values.

        With `depth`, a line for the end of each module at that depth: 1 for "layer1", "layer2".
        With `every`, activations and normalisations have their lines too.
        """
        steps = self.steps if every else self.telling
        rows = [_row(step) for step in steps]
        if depth is not None:
            rows = [_row(_ended(name, part)) for name, part in _grouped(self.steps, depth)]
        first = ("input", "", _words(self.inputs[0]), "1", "1×1", "0, 0", "")
        lines = [HEADINGS, first, *rows]
        widths = [max(len(line[n]) for line in lines) for n in range(len(HEADINGS))]
        lines.insert(1, tuple("-" * width for width in widths))
        text = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
            for line in lines
        ]
        return "\n".join([*text, *self._end()])

    def _end(self) -> list[str]:
        shapes = ", ".join(_words(shape) for shape in self.outputs)
        end = [f"{self.parameters:,} parameters"]
        if shapes:
            end[0] += f"; output {shapes}"
        if any(step.field and step.field.is_bound for step in self.steps):
            end.append("≤: a layer that does not read by windows may see all that its input saw.")
        return [*end, *filter(None, (self.note, str(self.failure or "")))]

    def __str__(self) -> str:
        return self.table()

    __repr__ = __str__

    def _repr_png_(self) -> bytes:
        from resample_viz.view.ladder import Ladder

        return Ladder(self.rungs(), self.size).png()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the (first) input."""
        return self.inputs[0][-2], self.inputs[0][-1]

    def rungs(self) -> list[Any]:
        """The input, the telling steps that make maps, and the failed one, as a `Ladder` has it."""
        from resample_viz.view.ladder import Rung

        found = [Rung("input", self.size, (1, 1), 1.0)]
        for step in self.on_ladder:
            assert step.field is not None
            found.append(Rung(step.name, step.extent, step.field.size, float(step.field.stride[0])))
        if self.failure is not None:
            found.append(Rung(self.failure.name, None))
        return found

    @property
    def on_ladder(self) -> tuple[TraceStep, ...]:
        """The telling steps that make a map of the (first) input."""
        return tuple(step for step in self.telling if step.extent and step.field is not None)


def trace(model: nn.Module, input_shape: Sequence[int] | Sequence[Sequence[int]]) -> Trace:
    """The shapes along `model`'s forward pass on an input of `input_shape`, (N, C, H, W).

    The pass is run on PyTorch's meta device, on which tensors have shapes but no numbers: it takes
    neither memory nor arithmetic, and `model` keeps its weights where they are. A model that needs
    numbers (it branches on data) is run on random ones. Layers are traced as in evaluation. For a
    model with several inputs give several shapes; fields then refer to the first one.

    Where the shapes do not fit, the trace ends at the step that failed: `trace(...).failure` names
    it with the shapes, the reason and ways to mend it.

    Receptive fields: A. Araujo, W. Norris, J. Sim, Computing Receptive Fields of Convolutional
    Neural Networks, Distill 2019, generalised to layers that enlarge (`analysis.receptive`).

    Raises OperationError if `model` is no module, or `input_shape` no shape; and for inputs over 64
    MB where a model needs numbers.

    >>> trace(nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.Conv2d(8, 8, 3)), (1, 3, 33, 33))[
    ...     "1"
    ... ].field.size
    (7, 7)
    """
    shapes = _shapes(model, input_shape)
    found = _traced(model, shapes)
    if found.failure is None or found.failure.padded is None:
        return found
    again = _traced(model, (found.failure.padded, *shapes[1:]))
    return replace(found, failure=found.failure.with_padding(works=again.failure is None))


def _traced(model: nn.Module, shapes: tuple[Shape, ...]) -> Trace:
    weights = dict(model.named_parameters()) | dict(model.named_buffers())
    dtype = next((one.dtype for one in model.parameters() if one.is_floating_point()), None)
    on_meta = {name: one.to("meta") for name, one in weights.items()}
    found, error = _run(model, shapes, on_meta, dtype)
    lies_on_meta = any(one.is_meta for one in weights.values())
    if error is None or lies_on_meta or not _wants_numbers(error):
        return found
    for shape in shapes:
        check_memory(shape, 4, "input", "another model")
    found, _ = _run(model, shapes, None, dtype)
    return replace(found, note=REAL)


def _run(
    model: nn.Module,
    shapes: tuple[Shape, ...],
    weights: dict[str, Tensor] | None,
    dtype: torch.dtype | None,
) -> tuple[Trace, Exception | None]:
    """One forward pass: on the meta device with `weights`, or as the model is."""
    device = "cpu" if weights is None else "meta"
    generator = torch.Generator().manual_seed(0)
    if weights is None:
        inputs = [torch.rand(shape, generator=generator, dtype=dtype) for shape in shapes]
    else:
        inputs = [torch.empty(shape, device="meta", dtype=dtype) for shape in shapes]
    recorder = Recorder(inputs)
    outputs: tuple[Shape, ...] = ()
    failure, caught = None, None
    with watching(model, recorder), torch.no_grad(), torch.device(device), recorder:
        try:
            if weights is None:
                made = model(*inputs)
            else:
                made = functional_call(model, weights, tuple(inputs))
            outputs = tuple(tuple(one.shape) for one in tensors_in([made]))
        except Exception as error:
            caught = error
            failure = explain(recorder.fail(error), recorder.steps, shapes)
    parameters = sum(one.numel() for one in model.parameters())
    steps = tuple(recorder.steps)
    return Trace(shapes, steps, outputs, parameters, failure), caught


def _wants_numbers(error: Exception) -> bool:
    """Whether a pass has failed for want of numbers, and not of fitting shapes."""
    return isinstance(error, NotImplementedError) or "meta" in str(error)


def _shapes(model: Any, given: Any) -> tuple[Shape, ...]:
    if not isinstance(model, nn.Module):
        raise OperationError(
            f"trace needs an nn.Module, not {type(model).__name__}: for a function, write a module "
            "whose forward calls it."
        )
    try:
        several = [tuple(one) for one in given]
    except TypeError:
        several = [tuple(given) if isinstance(given, Sequence) else (given,)]
    for shape in several:
        whole = all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in shape)
        if not whole or not shape:
            raise OperationError(
                f"input_shape {given!r} is no shape: give whole numbers above 0, such as "
                "(1, 3, 224, 224)."
            )
    if len(several[0]) != 4:
        raise OperationError(
            f"input_shape {several[0]} has {len(several[0])} numbers, but a batch of pictures has "
            f"4, (N, C, H, W): write {_four(several[0])}."
        )
    return tuple(several)


def _four(shape: Shape) -> Shape:
    """The shape that was probably meant."""
    return (1, *shape) if len(shape) == 3 else (1, 3, 224, 224)


# The table


def _row(step: TraceStep) -> tuple[str, ...]:
    parameters = f"{step.parameters:,}" if step.parameters else ""
    shape = _words(step.shape)
    if step.field is None:
        return (step.name, step.operation, shape, "-", "-", "-", parameters)
    rows, cols = step.field.stride
    stride = _pair(_fraction(rows), _fraction(cols)) if rows or cols else "-"
    height, width = step.field.size
    sees = ("≤ " if step.field.is_bound else "") + f"{height}×{width}"
    centre = ", ".join(f"{place:g}" for place in step.field.centre())
    return (step.name, step.operation, shape, stride, sees, centre, parameters)


def _words(shape: Shape) -> str:
    return "(" + ", ".join(map(str, shape)) + ")"


def _pair(one: str, other: str) -> str:
    return one if one == other else f"{one}, {other}"


def _fraction(value: Fraction) -> str:
    """A stride: 32, 1/2, or where no simple fraction says it, 1.98."""
    return str(value) if value.denominator <= 64 else f"{float(value):.2f}"


def _grouped(steps: Sequence[TraceStep], depth: int) -> list[tuple[str, list[TraceStep]]]:
    def place(step: TraceStep) -> str:
        return ".".join(step.name.split(".")[:depth])

    return [(name, list(part)) for name, part in groupby(steps, place)]


def _ended(name: str, part: list[TraceStep]) -> TraceStep:
    """A whole module as one step."""
    last = part[-1]
    if len(part) == 1:
        return last
    counted = sum(step.parameters for step in part)
    return replace(
        last, name=name, operation=f"{len(part)} steps", inputs=part[0].inputs, parameters=counted
    )
