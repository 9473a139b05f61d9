"""From a pass that has failed to a `Failure`: the kind of failure, the reason, what was tried."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any

from torch import nn

from resample_viz.analysis.tracing.channels import (
    channels_differ,
    table_differs,
    wrong_channels,
    wrong_features,
)
from resample_viz.analysis.tracing.diagnosis import (
    Candidates,
    Case,
    Diagnosis,
    padded_inputs,
    resized_inputs,
    set_layers,
    usual_inputs,
)
from resample_viz.analysis.tracing.edits import Suggestion
from resample_viz.analysis.tracing.failure import Failure
from resample_viz.analysis.tracing.graph import Node
from resample_viz.analysis.tracing.passes import Pass, Runner
from resample_viz.analysis.tracing.recorder import MERGES, Attempt
from resample_viz.analysis.tracing.settings import odd_ones
from resample_viz.analysis.tracing.spatial import (
    layouts_differ,
    maps_differ,
    output_differs,
    unpooling_fails,
)
from resample_viz.operations import (
    AvgPool,
    Conv,
    ConvTranspose,
    MaxPool,
    Operation,
    OperationError,
    PixelShuffle,
    PixelUnshuffle,
)

MOST_SUGGESTIONS = 5
MOST_OF_A_KIND = {"setting": 2, "forward": 2, "new layer": 2}


def explain(seen: Pass, runner: Runner, *, same_size: bool = False) -> Failure:
    """Why a pass has ended early, and which ways out work."""
    assert seen.attempt is not None
    case = Case(seen, runner, seen.attempt)
    diagnosis = _diagnosed(case)
    return _failure(case, diagnosis, seen.attempt.name, seen.attempt.operation, same_size)


def explain_size(seen: Pass, runner: Runner) -> Failure:
    """Why the output is not as large as the input, and which ways out work."""
    start, end = seen.inputs[0], seen.ends[0]
    assert end is not None
    attempt = Attempt(end.name, end.operation, None, ValueError("another size"))
    case = Case(seen, runner, attempt)
    diagnosis = output_differs(case, start, end)
    return _failure(case, diagnosis, "the output", "output", True)


def _failure(
    case: Case, diagnosis: Diagnosis, name: str, operation: str, same_size: bool
) -> Failure:
    return Failure(
        name,
        operation,
        diagnosis.shapes,
        diagnosis.reason,
        diagnosis.causes,
        tuple(_tried(case.runner, diagnosis.candidates, same_size)),
    )


def _tried(runner: Runner, candidates: Candidates, same_size: bool) -> Iterator[Suggestion]:
    """Those candidates with which the model runs to its end: at most two of a kind."""
    size = runner.shapes[0][2:]
    kinds: list[str] = []
    for candidate in candidates:
        if kinds.count(candidate.kind) == MOST_OF_A_KIND.get(candidate.kind, 1):
            continue
        if runner.is_over or len(kinds) == MOST_SUGGESTIONS:
            return
        runner.report(f"trying: {candidate.text}")
        outputs = runner.outputs(candidate.edit)
        if not outputs or (same_size and outputs[0][2:] != size):
            continue
        kinds.append(candidate.kind)
        yield candidate


# Kinds of failures


def _diagnosed(case: Case) -> Diagnosis:
    for kind in (_too_many_arguments, _merge, _unpooling, _weights, _own_words, _too_small):
        diagnosis = kind(case)
        if diagnosis is not None:
            return diagnosis
    return Diagnosis(_first_line(case.attempt), _maps(case), (), _any_input(case))


def _any_input(case: Case) -> Candidates:
    """Where nothing else is known: other sizes of the input."""
    return chain(padded_inputs(case), usual_inputs(case)) if case.input_shape[2:] else ()


def _maps(case: Case) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(tensor.shape) for tensor, _ in case.traced) or case.attempt.shapes


def _first_line(attempt: Attempt) -> str:
    error, code = attempt.error, attempt.code
    line = (str(error).strip().splitlines() or [""])[0].rstrip(".")
    if line:
        return f"{type(error).__name__}: {line}."
    return f"{type(error).__name__}" + (f", without a word, at `{code}`." if code else ".")


def _too_many_arguments(case: Case) -> Diagnosis | None:
    error, count = case.attempt.error, len(case.runner.shapes)
    if not isinstance(error, TypeError) or "argument" not in str(error):
        return None
    if case.attempt.name != "forward":
        return None
    reason = (
        f"{_first_line(case.attempt)[:-1]}, but it was called with {count}: give one shape for "
        "each input, trace(model, ((1, 3, 64, 64), (1, 1, 64, 64))), or wrap the model in a module "
        "whose forward takes pictures alone."
    )
    return Diagnosis(reason, ())


def _merge(case: Case) -> Diagnosis | None:
    """Tensors meet whose shapes do not agree."""
    attempt = case.attempt
    if attempt.operator not in (*MERGES, "div", "where", "maximum", "minimum", "copy", "lerp"):
        return None
    nodes = [node for _, node in case.traced]
    for one, other in pairwise(nodes):
        unlike = _unlike(one, other, attempt.operator)
        if unlike == "size":
            return maps_differ(case, one, other)
        if unlike == "layout":
            return layouts_differ(case, one, other)
        if unlike == "channels":
            return channels_differ(case, one, other)
    tables = [tensor for tensor, node in attempt.operands if node is None]
    if nodes and tables and _unlike_shape(nodes[0].shape, tuple(tables[0].shape)):
        return table_differs(case, nodes[0], tables[0])
    return None


def _unlike(one: Node, other: Node, operator: str) -> str:
    """Whether two tensors do not fit in their sizes or in their channels."""
    if one.has_moved or other.has_moved:
        return _unlike_moved(one, other, operator)
    if len(one.shape) != len(other.shape) or len(one.shape) < 3:
        return ""
    bare = operator in ("cat", "stack")  # these do not repeat an axis of size 1
    pairs = [a != b and (bare or 1 not in (a, b)) for a, b in zip(one.shape, other.shape)]
    if any(pairs[2:]):
        return "size"
    return "channels" if pairs[1] and operator != "cat" else ""


def _unlike_moved(one: Node, other: Node, operator: str) -> str:
    """The same of maps of which one, or both, have channels last, or are tokens."""
    if one.layout is None or other.layout is None or other.map_size is None or one.map_size is None:
        return ""
    if one.layout.places != other.layout.places:
        return "layout" if one.map_size == other.map_size else ""
    if one.map_size != other.map_size:
        return "size"
    return "channels" if one.channels != other.channels and operator != "cat" else ""


def _unlike_shape(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return any(a != b and 1 not in (a, b) for a, b in zip(one[::-1], other[::-1]))


def _unpooling(case: Case) -> Diagnosis | None:
    if "unpool" not in case.attempt.operator and "Unpool" not in case.attempt.operation:
        return None
    return unpooling_fails(case, _first_line(case.attempt))


def _weights(case: Case) -> Diagnosis | None:
    """A layer takes another number of channels or features."""
    place = case.layer_of() or case.layer_of("running_mean")
    if place is None:
        return None
    name, layer = place
    if isinstance(layer, nn.Linear):
        return wrong_features(case, name, layer)
    return wrong_channels(case, name, layer)


OPERATIONS: dict[type[nn.Module], tuple[type[Operation], tuple[str, ...]]] = {
    nn.Conv2d: (Conv, ("kernel_size", "stride", "padding", "dilation")),
    nn.ConvTranspose2d: (
        ConvTranspose,
        ("kernel_size", "stride", "padding", "output_padding", "dilation"),
    ),
    nn.MaxPool2d: (MaxPool, ("kernel_size", "stride", "padding", "dilation", "ceil_mode")),
    nn.AvgPool2d: (AvgPool, ("kernel_size", "stride", "padding", "ceil_mode")),
    nn.PixelShuffle: (PixelShuffle, ("upscale_factor",)),
    nn.PixelUnshuffle: (PixelUnshuffle, ("downscale_factor",)),
}
"""Layers that the package explains, with the settings that decide about shapes."""


def _own_words(case: Case) -> Diagnosis | None:
    """What the package's own operation says about this layer and this shape."""
    layer = case.attempt.layer
    maps = _maps(case)
    kind = next((kind for kind in OPERATIONS if isinstance(layer, kind)), None)
    if kind is None or not maps or len(maps[0]) != 4:
        return None
    operation, names = OPERATIONS[kind]
    settings: dict[str, Any] = {name: getattr(layer, name) for name in names}
    batch, channels, *size = maps[0]
    # An operation's kernel takes one channel, as the number of channels is not what is wrong.
    shape = (batch, 1 if operation in (Conv, ConvTranspose) else channels, *size)
    try:
        operation(**settings).output_shape(shape)
    except OperationError as error:
        return Diagnosis(str(error), maps[:1], (case.attempt.name,), _for_layer(case))
    return None


def _for_layer(case: Case) -> Iterator[Suggestion]:
    """Other settings of the layer that has failed, of the one before it, or a larger input."""
    name, layer = case.attempt.name, case.attempt.layer
    if layer is None:
        return
    if isinstance(layer, nn.PixelShuffle):
        yield from _for_shuffle(case, name, layer)
    for slip in odd_ones(case.layers):
        if slip.name == name:
            yield set_layers([name], case, **{slip.setting: slip.value})
    extra = max(getattr(layer, "output_padding", (0,)))
    if extra:
        yield set_layers([name], case, stride=extra + 1)
        yield set_layers([name], case, output_padding=extra - 1)
    yield from _larger_inputs(case)
    if hasattr(layer, "kernel_size") and not isinstance(layer, nn.ConvTranspose2d):
        taps = max(_pair(layer.kernel_size))
        yield set_layers([name], case, padding=taps // 2)
        room = min(case.traced[0][0].shape[2:])
        if room < taps:
            yield set_layers([name], case, kernel_size=room)


def _for_shuffle(case: Case, name: str, layer: nn.PixelShuffle) -> Iterator[Suggestion]:
    channels, block = case.traced[0][0].shape[1], layer.upscale_factor**2
    _, node = case.traced[0]
    if node.layer is not None and hasattr(node.layer, "out_channels"):
        below = channels // block * block
        nearest = sorted((below, below + block), key=lambda n: abs(n - channels))
        yield from (set_layers([node.name], case, out_channels=n) for n in nearest if n)
    for factor in range(layer.upscale_factor - 1, 1, -1):
        if channels % factor**2 == 0:
            yield set_layers([name], case, upscale_factor=factor)


def _pair(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value, value)


def _too_small(case: Case) -> Diagnosis | None:
    """A map on which a window does not find room."""
    words = str(case.attempt.error).lower()
    signs = ("kernel size", "output size", "too small", "padding size should be less")
    if not any(sign in words for sign in signs) or not case.traced:
        return None
    return Diagnosis(
        _first_line(case.attempt), _maps(case)[:1], (case.attempt.name,), _larger_inputs(case)
    )


def _larger_inputs(case: Case) -> Iterator[Suggestion]:
    """The next sizes of the input, and multiples of it."""
    yield from padded_inputs(case)
    size = case.input_shape[2:]
    yield from resized_inputs(case, (tuple(n * m for n in size) for m in (2, 4, 8, 16)))
