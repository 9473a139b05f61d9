"""What runs without an error and is still an accident, most of the time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import ceil, prod
from typing import Any

from resample_viz.analysis.tracing.diagnosis import times
from resample_viz.analysis.tracing.graph import Node, before
from resample_viz.analysis.tracing.passes import Pass, Runner
from resample_viz.analysis.tracing.recorder import TraceStep, layer_type
from resample_viz.analysis.tracing.sizes import changes

DRIFT = 0.25
"""Input cells by which the output may lie beside its input before it is said."""
NEARLY = (0.5, 2.0)
"""An output whose size lies between these multiples of the input's is meant to be as large."""


def remarks(seen: Pass, runner: Runner) -> tuple[str, ...]:
    """One sentence or two for each accident."""
    parts = (_batch(seen, runner), _size(seen), _stamps(seen), _drift(seen))
    return tuple(sentence for part in parts for sentence in part)


# The batch


def _batch(seen: Pass, runner: Runner) -> Iterator[str]:
    """A view that makes another number of pictures of a batch."""
    end = seen.ends[0] if len(seen.ends) == 1 else None
    if end is None or not end.shape:
        return
    count = seen.inputs[0].shape[0]
    node = _view_of_batch(end, count)
    if node is not None:
        yield _swallowed(node, count)
    elif count == 1 and not runner.is_over and _reads_vectors(end):
        outputs = runner.outputs(shapes=[(2, *shape[1:]) for shape in runner.shapes])
        if outputs and outputs[0][:1] != (2,):
            yield (
                f"With a batch of 2 the output is {outputs[0]}, and not one of 2 pictures: a view "
                "or reshape mixes the pictures of a batch. Keep the batch's axis: "
                "x.flatten(1), or x.view(x.size(0), -1)."
            )


def _view_of_batch(end: Node, count: int) -> Node | None:
    """The view that has made another number of the batch, if the output still has that number."""
    for node in before(end):
        if node.shape[:1] != end.shape[:1] or end.shape[0] == count:
            return None
        known = node.inputs[0] if node.inputs else ()
        if "view" in node.operator and len(known) > 1 and known[0] == count != node.shape[0]:
            return node
    return None


def _swallowed(node: Node, count: int) -> str:
    known = node.inputs[0]
    text = (
        f"{node.name} turns a batch of {count} into {node.shape[0]}: {known} becomes {node.shape}."
    )
    share, rest = divmod(node.shape[0], count)
    if not rest and len(known) > 2 and share == prod(known[2:]):
        text += f" These are {times(known[2:])} answers for each picture."
    return f"{text} Keep the batch's axis: x.flatten(1), or x.view(x.size(0), -1)."


def _reads_vectors(end: Node) -> bool:
    """Whether a map was laid out as vectors on the way."""
    return any(
        "view" in node.operator and node.inputs and len(node.inputs[0]) > 2 >= len(node.shape)
        for node in before(end)
    )


# The size


def _size(seen: Pass) -> Iterator[str]:
    if len(seen.ends) != 1:
        return
    size, out = seen.inputs[0].shape[2:], seen.outputs[0][2:]
    if not size or len(size) != len(out) or size == out:
        return
    if all(NEARLY[0] < m / n < NEARLY[1] for n, m in zip(size, out)):
        yield (
            f"The output has {times(out)} cells, the input {times(size)}: if they should be "
            "equal, trace(model, shape, same_size=True) finds the step."
        )


# Stamps


def _stamps(seen: Pass) -> Iterator[str]:
    """Transposed convolutions whose stamps overlap unevenly, which shows as a checkerboard.

    A. Odena, V. Dumoulin, C. Olah, Deconvolution and Checkerboard Artifacts, Distill 2016.
    """
    uneven: dict[tuple[Any, ...], list[TraceStep]] = {}
    for step in seen.steps:
        layer: Any = step.layer
        if layer is None or "ConvTranspose" not in layer_type(layer).__name__:
            continue
        if set(layer.dilation) == {1} and any(
            k % s for k, s in zip(layer.kernel_size, layer.stride)
        ):
            key = (tuple(layer.kernel_size), tuple(layer.stride))
            uneven.setdefault(key, []).append(step)
    for (taps, strides), steps in uneven.items():
        yield _told_stamps(taps, strides, list(dict.fromkeys(step.name for step in steps)))


def _told_stamps(taps: tuple[int, ...], strides: tuple[int, ...], names: list[str]) -> str:
    axes = [_counts(k, s) for k, s in zip(taps, strides)]
    counts = sorted({prod(one) for one in product(*axes)})
    even = [ceil(k / s) * s for k, s in zip(taps, strides)]
    padding = [(k - s) // 2 for k, s in zip(even, strides)]
    exact = all((k - s) % 2 == 0 for k, s in zip(even, strides))
    way = (
        f"kernel_size={_one(even)}, padding={_one(padding)} is even"
        if exact
        else (f"a kernel_size of {_one(even)} is even")
    )
    verb = "overlap" if len(names) > 1 else "overlaps"
    return (
        f"{', '.join(names)} (kernel_size={_one(taps)}, stride={_one(strides)}) {verb} unevenly: "
        f"{'/'.join(map(str, counts))} stamps meet in a cell, which can show as a checkerboard; "
        f"{way}."
    )


def _counts(taps: int, stride: int) -> list[int]:
    """How many stamps meet in the cells of a period."""
    return [ceil((taps - place) / stride) if taps > place else 0 for place in range(stride)]


def _one(values: Any) -> Any:
    return values[0] if len(set(values)) == 1 else tuple(values)


# Drift


def _joins(node: Node) -> bool:
    """Whether several ways meet in a node, or a size is no clean multiple there."""
    sizes = changes([node], -1) + changes([node], -2) if len(node.shape) == 4 else []
    return len(set(node.sources)) > 1 or any(one.deviates for one in sizes)


def _drift(seen: Pass) -> Iterator[str]:
    """An output as large as the input whose cells look beside their own place."""
    end = next((step for step in reversed(seen.steps) if step.shape == seen.outputs[0]), None) if (
        len(seen.ends) == 1
    ) else None  # fmt: skip
    if end is None or end.field is None or end.extent is None or end.field.is_bound:
        return
    if end.extent != seen.inputs[0].shape[2:] or set(end.field.stride) != {1}:
        return
    if seen.ends[0] is None or any(_joins(node) for node in before(seen.ends[0])):
        return  # with a second way that is not shifted, there is no one place
    drifts = []
    for n, size in enumerate(end.extent):
        axis = (end.field.rows, end.field.cols)[n]
        cells = range(min(size, axis.period))
        places = [sum(axis.at(cell)) / 2 - cell for cell in cells]
        drifts.append(sum(places) / len(places))
    if max(map(abs, drifts)) < DRIFT or any(one in (float("inf"), float("-inf")) for one in drifts):
        return
    rows, cols = (f"{one:+.3g}" for one in drifts)
    where = rows if rows == cols else f"({rows}, {cols})"
    yield (
        f"The output's cells look, in the middle of their fields, {where} input cells beside their "
        "own place: the ways down and up do not mirror one another, and the output is shifted."
    )
