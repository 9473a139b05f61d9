"""A failure in words, and what might mend it: to be tried before it is offered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor, nn

from resample_viz.analysis.tracing.edits import (
    OnInput,
    PadInput,
    SetLayers,
    Suggestion,
    interpolated,
)
from resample_viz.analysis.tracing.graph import Node, Shape
from resample_viz.analysis.tracing.passes import Pass, Runner
from resample_viz.analysis.tracing.recorder import Attempt, is_layer, layer_type

MULTIPLES = (2, 4, 8, 14, 16, 24, 32, 48, 64, 96, 128, 256)
USUAL_SIZES = (28, 32, 64, 96, 128, 224, 240, 256, 288, 299, 320, 384, 448, 512)
"""Sizes for which networks are made."""

NEAR = 0.15
"""The part by which a size may be off that was estimated from a count of positions."""

Candidates = Iterable[Suggestion]


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Why a pass has ended, as a `Failure` says it, and what may mend it, the smallest first."""

    reason: str
    shapes: tuple[Shape, ...]
    causes: tuple[str, ...] = ()
    candidates: Candidates = ()


@dataclass(frozen=True, eq=False)
class Case:
    """What is known about a pass that has failed."""

    seen: Pass
    runner: Runner
    attempt: Attempt

    @cached_property
    def layers(self) -> dict[str, nn.Module]:
        """PyTorch's own layers in the model, by name."""
        return {name: one for name, one in self.seen.model.named_modules() if is_layer(one)}

    @cached_property
    def traced(self) -> list[tuple[Tensor, Node]]:
        """The tensors at the failed step that depend on the input, and where they come from."""
        return [(tensor, node) for tensor, node in self.attempt.read if node is not None]

    def owner(self, tensor: Tensor) -> str | None:
        """The name of a parameter or a buffer."""
        named = (*self.seen.model.named_parameters(), *self.seen.model.named_buffers())
        return next((name for name, one in named if one is tensor), None)

    def layer_of(self, attribute: str = "weight") -> tuple[str, nn.Module] | None:
        """The layer that has failed, by itself or by a function that has read its weight."""
        if self.attempt.layer is not None and is_layer(self.attempt.layer):
            name = next((n for n, one in self.layers.items() if one is self.attempt.layer), None)
            return None if name is None else (name, self.attempt.layer)
        for tensor, node in self.attempt.operands:
            name = self.owner(tensor) if node is None else None
            if name is not None and name.rpartition(".")[2] == attribute:
                place = name.rpartition(".")[0]
                return place, self.seen.model.get_submodule(place)
        return None

    @property
    def input_shape(self) -> Shape:
        """Of the (first) input."""
        return self.runner.shapes[0]


# Suggestions that several diagnoses make


def set_layers(names: Iterable[str], case: Case, **settings: object) -> Suggestion:
    """Other settings of some layers."""
    names = tuple(names)
    layer = case.seen.model.get_submodule(names[0])
    shown = ", ".join(f"{setting}={value!r}" for setting, value in settings.items())
    places = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    kind = layer_type(layer).__name__
    keeps = all(one not in WEIGHTED for one in settings) or not hasattr(layer, "weight")
    return Suggestion(
        f"{shown} in {places} ({kind})" if places else f"{shown} in {kind}",
        "setting" if keeps else "new layer",
        "; ".join(f"{one}: {shown}" for one in names),
        SetLayers(names, tuple(settings.items())),
    )


WEIGHTED = {"kernel_size", "in_channels", "out_channels", "num_features", "in_features", "groups"}
WEIGHTED |= {"out_features", "num_channels", "normalized_shape"}
"""Settings that decide about the shape of a layer's weights."""


def on_input(text: str, code: str, function: Callable[[Tensor], Tensor]) -> Suggestion:
    """Another input."""
    return Suggestion(text, "input", code, OnInput(function))


def padded_inputs(case: Case) -> Iterator[Suggestion]:
    """The input, padded to the next sizes that might work, in increasing order."""
    batch, channels, *size = case.input_shape
    for larger in _larger(tuple(size)):
        shape = (batch, channels, *larger)
        lacks = [m - n for n, m in zip(size, larger)]
        pads = [n for lack in lacks[::-1] for n in (0, lack)]
        yield Suggestion(
            f"pad the input to {times(larger)} (F.pad) and crop the result: with {shape} the "
            "model runs to its end",
            "input",
            f"y = model(F.pad(x, {pads}))",
            PadInput(larger),
        )


def _larger(size: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Sizes at which divisions by strides may work out: multiples of some numbers, and few more."""
    sizes = {tuple(-(-n // m) * m for n in size) for m in MULTIPLES}
    sizes |= {tuple(n + more for n in size) for more in (1, 2, 3)}
    sizes |= {tuple(-(-(n - 1) // m) * m + 1 for n in size) for m in (4, 8, 16, 32)}
    fitting = [one for one in sizes if one != size and all(m >= n for n, m in zip(size, one))]
    return sorted(fitting, key=lambda one: (sum(one), one))


def resized_inputs(case: Case, sizes: Iterable[tuple[int, ...]]) -> Iterator[Suggestion]:
    """The input at sizes for which the model may be made."""
    batch, channels, *_ = case.input_shape
    for size in sizes:
        shape = (batch, channels, *size)
        is_usual = len(set(size)) == 1 and size[0] in USUAL_SIZES
        what = "the size that it may be made for" if is_usual else "a size that it takes"
        yield on_input(
            f"give the model {what}: with {shape} it runs to its end",
            f"y = model(F.interpolate(x, size={size}))",
            lambda x, size=size: interpolated(x, size),  # type: ignore[misc]
        )


def near_inputs(case: Case, sizes: Iterable[tuple[int, ...]]) -> Iterator[Suggestion]:
    """Sizes that were estimated; before them, the usual ones that they may stand for."""
    sizes = list(sizes)
    distances = {
        (usual,) * len(size): abs(usual - max(size))
        for size in sizes[::-1]
        for usual in USUAL_SIZES
        if abs(usual - max(size)) <= NEAR * usual
    }
    nearest = sorted(distances, key=lambda one: distances[one])
    yield from resized_inputs(case, dict.fromkeys([*nearest, *sizes]))


def usual_inputs(case: Case) -> Iterator[Suggestion]:
    """Sizes for which networks are made, the nearest first."""
    size = tuple(case.input_shape[2:])
    if not size:
        return
    nearest = sorted(USUAL_SIZES, key=lambda one: abs(one - max(size)))
    yield from resized_inputs(case, ((one,) * len(size) for one in nearest))


def times(size: Iterable[int]) -> str:
    """112 × 96."""
    return " × ".join(map(str, size))
