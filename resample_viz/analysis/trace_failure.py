"""Why a forward pass has ended early, and how to mend it, in words that name the layers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from torch import nn

from resample_viz.analysis.recorder import MERGES, Attempt, Shape, TraceStep

AXES = ((-2, "height"), (-1, "width"))


@dataclass(frozen=True)
class Failure:
    """The step that has failed.

    Attributes:
        name: its place in the model.
        operation: the layer or function.
        shapes: of the tensors that it was given.
        reason: why they do not fit, in a sentence.
        mends: ways to mend it.
        padded: the input shape with which it would fit, if padding the input is a way.
    """

    name: str
    operation: str
    shapes: tuple[Shape, ...]
    reason: str
    mends: tuple[str, ...] = ()
    padded: Shape | None = None

    def with_padding(self, *, works: bool) -> Failure:
        """Adds padding the input to the ways, if a trace has shown that it `works`."""
        if not works or self.padded is None:
            return replace(self, padded=None)
        rows, cols = self.padded[-2:]
        way = (
            f"pad the input to {rows} × {cols} (F.pad) and crop the result: with {self.padded} the "
            "model runs to its end"
        )
        return replace(self, mends=(way, *self.mends))

    def __str__(self) -> str:
        shapes = " and ".join(str(shape) for shape in self.shapes)
        what = "" if self.operation in self.name else f" ({self.operation})"
        given = f", which was given {shapes}" if shapes else ""
        text = f"The trace ends at {self.name}{what}{given}: {self.reason}"
        return "\n".join([text, *(f"  - {way}" for way in self.mends)])


def explain(failed: Attempt, steps: Sequence[TraceStep], inputs: Sequence[Shape]) -> Failure:
    """The failure in words."""
    plain = Failure(failed.name, failed.operation, failed.shapes, _first_line(failed.error))
    function = failed.operation.partition(",")[0]
    maps = [shape for shape in failed.shapes if len(shape) == 4]
    if function in MERGES and len(maps) >= 2 and maps[0][-2:] != maps[1][-2:]:
        return _sizes_differ(replace(plain, shapes=tuple(maps[:2])), steps, inputs)
    if isinstance(failed.error, TypeError) and "argument" in str(failed.error):
        return _arguments(plain, inputs)
    if isinstance(failed.layer, nn.Linear) or function in ("linear", "matmul"):
        return _flattened(plain, failed.layer)
    if isinstance(failed.layer, nn.Conv2d | nn.ConvTranspose2d):
        return _convolution(plain, failed.layer)
    return plain


def _first_line(error: Exception) -> str:
    line = (str(error).strip().splitlines() or [""])[0].rstrip(".")
    return f"{type(error).__name__}: {line}." if line else f"{type(error).__name__}."


def _sizes_differ(failure: Failure, steps: Sequence[TraceStep], inputs: Sequence[Shape]) -> Failure:
    """Two paths meet whose maps are not equally large."""
    one, other = failure.shapes
    differing = [(axis, name) for axis, name in AXES if one[axis] != other[axis]]
    axis, _ = differing[0]
    small, large = sorted((one, other), key=lambda shape: shape[axis])
    halver = next((step for step in reversed(steps) if _loses(step, axis, large[axis])), None)
    names = " and ".join(word for _, word in differing)
    reason = f"the {names} must agree, but {large[axis]} is not {small[axis]}. "
    if halver is not None:
        made = halver.shape[axis]
        reason += (
            f"{halver.name} ({halver.operation}) made {made} of {large[axis]}, which is no "
            f"multiple of {large[axis] // made}; enlarging {made} again gives {small[axis]}."
        )
    else:
        reason += "Layers without padding have made one map smaller on its way."
    rows, cols = (min(a, b) for a, b in zip(one[-2:], other[-2:]))
    mends = [
        "before they meet: F.interpolate(small, size=large.shape[-2:])",
        f"crop the larger one: large[..., :{rows}, :{cols}]",
    ]
    enlarger = _enlarger(steps, small)
    if halver is not None and enlarger is not None:
        mends.insert(
            0,
            f"output_padding={large[axis] - small[axis]} in {enlarger.name} "
            f"(ConvTranspose2d), or call it with output_size=({large[-2]}, {large[-1]})",
        )
    padded = _next_multiple(steps, inputs[0]) if halver is not None else None
    return replace(failure, reason=reason, mends=tuple(mends), padded=padded)


def _loses(step: TraceStep, axis: int, size: int) -> bool:
    """Whether a step made less than its share of an axis of this size."""
    before = step.inputs[0] if step.inputs else ()
    if len(before) != 4 or len(step.shape) != 4 or before[axis] != size:
        return False
    return step.shape[axis] < size and size % step.shape[axis] != 0


def _enlarger(steps: Sequence[TraceStep], shape: Shape) -> TraceStep | None:
    """The transposed convolution that made a map of this size last."""
    for step in reversed(steps):
        if isinstance(step.layer, nn.ConvTranspose2d) and step.shape[-2:] == shape[-2:]:
            return step
    return None


def _next_multiple(steps: Sequence[TraceStep], shape: Shape) -> Shape | None:
    """The input, as large as the next multiple of the largest stride."""
    fields = [step.field for step in steps if step.field is not None and step.extent]
    if not fields:
        return None
    rows, cols = (int(max(field.stride[n] for field in fields)) for n in (0, 1))
    if rows < 1 or cols < 1:
        return None
    return (*shape[:2], ceil(shape[2] / rows) * rows, ceil(shape[3] / cols) * cols)


def _arguments(failure: Failure, inputs: Sequence[Shape]) -> Failure:
    return replace(
        failure,
        reason=f"{failure.reason[:-1]}, but it was called with {len(inputs)}.",
        mends=(
            "give one shape for each input: trace(model, ((1, 3, 64, 64), (1, 1, 64, 64)))",
            "wrap the model in a module whose forward takes pictures alone",
        ),
    )


def _flattened(failure: Failure, layer: nn.Module | None) -> Failure:
    shapes = [shape for shape in failure.shapes if shape]
    wanted = getattr(layer, "in_features", None)
    given = shapes[0][-1] if wanted is None and shapes else None
    for shape in shapes:  # the input of the layer is the one that is no weight
        if wanted is not None and shape[-1] != wanted and shape[0] != wanted:
            given = shape[-1]
    if wanted is None or given is None:
        return failure
    return replace(
        failure,
        reason=f"the layer takes {wanted} features, but {given} come in: how many there are "
        "depends on the size of the picture.",
        mends=(
            "pool to a fixed size before flattening: nn.AdaptiveAvgPool2d((h, w))",
            "give the input the size for which the model was made",
            f"nn.Linear({given}, ...), or nn.LazyLinear, for this size",
        ),
    )


def _convolution(failure: Failure, layer: nn.Conv2d | nn.ConvTranspose2d) -> Failure:
    given = failure.shapes[0] if failure.shapes else ()
    channels = given[1] if len(given) == 4 else None
    if channels is not None and channels != layer.in_channels:
        return replace(
            failure,
            shapes=(given,),
            reason=f"the layer takes {layer.in_channels} channels, but {channels} come in.",
            mends=(
                f"in_channels={channels} in {failure.name}",
                "one channel for all: x.expand(-1, 3, -1, -1)"
                if channels == 1
                else f"choose {layer.in_channels} of them: x[:, :{layer.in_channels}]",
            ),
        )
    if re.search(r"[Kk]ernel size|output size|too small", failure.reason):
        return replace(
            failure,
            shapes=(given,),
            reason="the map is smaller than the kernel: nothing is left of it.",
            mends=("a larger input", "more padding, or fewer layers that halve"),
        )
    return replace(failure, shapes=(given,) if given else ())
