"""Random parameter sets and shapes for every operation: a new operation is added here, once.

A `Trial` is a parameter set with an input shape. `trials` gives some that PyTorch accepts,
`attempts` gives any, most of them impossible. `Entry.pytorch` is the oracle: the plain PyTorch
call that takes the same parameters without any of our checks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor

from resample_viz.operations import Operation, Upsample
from resample_viz.operations.upsample import ALIGNABLE, ANTIALIASED, MODE_RANKS

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Trial:
    """Parameters of one operation, perhaps impossible, and the shape of an input."""

    operation_type: type[Operation]
    parameters: dict[str, Any]
    shape: Shape

    @property
    def operation(self) -> Operation:
        return self.operation_type(**self.parameters)

    def pytorch(self, x: Tensor) -> Tensor:
        return REGISTRY[self.operation_type].pytorch(x, **self.parameters)

    def input(self, *, batch: int = 1, channels: int = 1, dtype: Any = torch.float32) -> Tensor:
        """The same random numbers every time, so that a failing trial fails again."""
        generator = torch.Generator().manual_seed(1)
        shape = (batch, channels, *self.shape[2:])
        return torch.rand(shape, generator=generator, dtype=dtype)


@dataclass(frozen=True)
class Entry:
    """What the tests have to know about one operation."""

    pytorch: Callable[..., Tensor]
    trials: st.SearchStrategy[Trial]
    attempts: st.SearchStrategy[Trial]


def pytorch_upsample(
    x: Tensor,
    *,
    mode: str = "nearest",
    align_corners: bool = False,
    antialias: bool = False,
    **options: Any,
) -> Tensor:
    """F.interpolate, which wants align_corners=None for the modes that have no corners."""
    corners = align_corners if align_corners or mode in ALIGNABLE else None
    if options.get("scale_factor") is None and options.get("size") is None:
        options["scale_factor"] = 2.0
    return F.interpolate(x, mode=mode, align_corners=corners, antialias=antialias, **options)


MODES = (
    "nearest",
    "nearest-exact",
    "linear",
    "bilinear",
    "bicubic",
    "trilinear",
    "area",
    "lanczos",
)
LARGEST = {3: 12, 4: 6, 5: 4}  # cells per axis, by the number of tensor dimensions
STEEPEST = {3: 4.0, 4: 3.0, 5: 2.0}


def factors(most: float) -> st.SearchStrategy[float]:
    """The steps of a slider, thirds and sevenths, and anything else."""
    return st.one_of(
        st.integers(6, round(20 * most)).map(lambda twentieths: twentieths / 20),
        st.sampled_from((1 / 3, 2 / 3, 1.0, 5 / 3, 2.0, 1 / 7)),
        st.floats(0.3, most),
    )


@st.composite
def upsampling_trials(draw: st.DrawFn) -> Trial:
    ndim = draw(st.sampled_from((3, 4, 4, 5)))
    modes = [mode for mode in MODES if MODE_RANKS.allow(mode, ndim)]
    mode = draw(st.sampled_from(modes))
    parameters: dict[str, Any] = {"mode": mode}
    if mode in ALIGNABLE:
        parameters["align_corners"] = draw(st.booleans())
    if mode in ANTIALIASED:
        parameters["antialias"] = mode == "lanczos" or draw(st.booleans())
    extents = draw(st.lists(st.integers(1, LARGEST[ndim]), min_size=ndim - 2, max_size=ndim - 2))
    parameters |= draw(_output_size(extents, STEEPEST[ndim]))
    trial = Trial(Upsample, parameters, (1, 1, *extents))
    if parameters.get("antialias") and trial.pytorch(trial.input()).shape[-1] == 1:
        # torch 2.13 is wrong there, and that is refused: see the test of refusals.
        plain = {"mode": "bicubic"} if mode == "lanczos" else {}
        return replace(trial, parameters=parameters | {"antialias": False} | plain)
    return trial


def gradient_fits(trial: Trial) -> bool:
    """Whether PyTorch's backward pass is the transpose of its forward pass.

    In torch 2.13 it is not where a factor leaves an axis as long as it was (3 x 1.3 = 3), or makes
    it exactly twice as long (3 x 2.3 = 6): for some modes one pass goes by the sizes, as if the
    factor were 1 or 2, and the other one by the factor. Found by these tests; see the test that
    shows it.
    """
    operation, mode = trial.operation, trial.parameters["mode"]
    scale = trial.parameters.get("scale_factor")
    if scale is None or trial.parameters.get("recompute_scale_factor"):
        return True
    sizes = trial.shape[2:]
    out = operation.output_shape(trial.shape)[2:]
    factors = scale if isinstance(scale, tuple) else (scale,) * len(sizes)
    rounded = [m // n for n, m, f in zip(sizes, out, factors) if m % n == 0 and f != m // n]
    if mode == "nearest" and len(trial.shape) != 4:
        return not {1, 2} & set(rounded)
    if trial.parameters.get("antialias"):
        return 1 not in rounded
    return not (mode == "bicubic" and out == sizes and rounded)


@st.composite
def _output_size(draw: st.DrawFn, extents: list[int], steepest: float) -> dict[str, Any]:
    if draw(st.booleans()):
        size = st.integers(1, round(steepest * max(extents)))
        return {"size": draw(st.one_of(size, st.tuples(*[size for _ in extents])))}
    # Factors below 1 / n would leave nothing: that is an attempt, not a trial.
    least = [math.nextafter(1 / n, math.inf) for n in extents]
    if draw(st.booleans()):
        scale: Any = max(draw(factors(steepest)), *least)
    else:
        scale = tuple(max(draw(factors(steepest)), low) for low in least)
    return {"scale_factor": scale, "recompute_scale_factor": draw(st.booleans())}


@st.composite
def upsampling_attempts(draw: st.DrawFn) -> Trial:
    ndim = draw(st.sampled_from((2, 3, 4, 4, 5, 6)))
    extents = draw(st.lists(st.integers(1, 5), min_size=ndim - 2, max_size=ndim - 2))
    scales = st.one_of(factors(3.0), st.sampled_from((0.0, -1.0, 0.1)))
    sizes = st.integers(-1, 6)
    parameters = draw(
        st.fixed_dictionaries(
            {"mode": st.sampled_from(MODES)},
            optional={
                "scale_factor": st.one_of(scales, _tuples(scales)),
                "size": st.one_of(sizes, _tuples(sizes)),
                "align_corners": st.booleans(),
                "antialias": st.booleans(),
                "recompute_scale_factor": st.booleans(),
            },
        )
    )
    return Trial(Upsample, parameters, (1, 1, *extents))


def _tuples(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, min_size=1, max_size=3).map(tuple)


REGISTRY: dict[type[Operation], Entry] = {
    Upsample: Entry(pytorch_upsample, upsampling_trials(), upsampling_attempts()),
}

trials = st.one_of([entry.trials for entry in REGISTRY.values()])
gradient_trials = trials.filter(gradient_fits)
attempts = st.one_of([entry.attempts for entry in REGISTRY.values()])
