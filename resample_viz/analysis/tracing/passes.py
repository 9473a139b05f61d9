"""Forward passes of a copy: with a recorder, or only to see whether it runs to its end."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from time import process_time
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.utils.parametrize import is_parametrized

from resample_viz.analysis.tracing.copies import CopyError, meta_copy, outline, real_copy
from resample_viz.analysis.tracing.edits import Edit, Strict
from resample_viz.analysis.tracing.graph import Node, Shape
from resample_viz.analysis.tracing.recorder import (
    Attempt,
    Recorder,
    TraceStep,
    is_layer,
    tensors_in,
    watching,
)
from resample_viz.operations import OperationError
from resample_viz.operations.base import check_memory
from resample_viz.words import gettext as _


def _say_nothing(text: str) -> None:
    del text


@dataclass(frozen=True, eq=False)
class Pass:
    """What one forward pass has shown.

    `inputs` and `outputs` are where the tensors come from; `attempt` is what has raised, if
    anything has; `model` is the copy that was run.
    """

    steps: tuple[TraceStep, ...]
    inputs: tuple[Node, ...]
    outputs: tuple[Shape, ...]
    ends: tuple[Node | None, ...]
    attempt: Attempt | None
    model: nn.Module

    @property
    def parameters(self) -> int:
        """The numbers that the model has learned."""
        return sum(one.numel() for one in self.model.parameters())


@dataclass(eq=False)
class Runner:
    """Runs copies of a model on inputs of given shapes, without numbers or on random ones.

    Attributes:
        model: the model itself; it is never run where a copy can be made.
        shapes: of the inputs.
        real: whether the copies have numbers.
        shared: what copies may have in common with the model.
        unknown: what the model holds that could not be put back, if it had to be run itself.
        report: is told, in a few words, how far the work is.
        deadline: the time (of `time.process_time`) after which nothing more is tried.
    """

    model: nn.Module
    shapes: tuple[Shape, ...]
    real: bool = False
    shared: Sequence[Any] = ()
    unknown: Sequence[str] = ()
    report: Callable[[str], None] = _say_nothing
    deadline: float = float("inf")
    _outline: nn.Module | None = None
    _prototype: nn.Module | None = None
    _known: dict[Any, Shape] = field(default_factory=dict)

    def __post_init__(self) -> None:
        floats = (one.dtype for one in self.model.parameters() if one.is_floating_point())
        self.dtype = next(floats, None)

    def with_numbers(self) -> Runner:
        """The same on random numbers. Raises OperationError for inputs over 64 MB."""
        for shape in self.shapes:
            check_memory(shape, 4, "input", "another model")
        return replace(self, real=True, _outline=None)

    @property
    def is_over(self) -> bool:
        """Whether there is no time left to try anything."""
        return process_time() > self.deadline

    # One pass, recorded

    def record(self) -> Pass:
        """Runs a copy under a recorder.

        Raises OperationError if there can be no copy, and the model holds what cannot be put back.
        """
        try:
            model = self._fresh()
            run: Callable[..., Any] = model
        except CopyError as error:
            model, run = self.model, self._in_place(error)
        inputs = self._inputs(self.shapes)
        recorder = Recorder(inputs)
        recorder.report = self.report
        ends: list[Tensor] = []
        attempt = None
        with self._running(), Strict(), watching(model, recorder), recorder:
            try:
                ends = list(tensors_in([run(*inputs)]))
            except Exception as error:
                attempt = recorder.fail(error)
        starts = [recorder.node(one) for one in inputs]
        return Pass(
            tuple(recorder.steps),
            tuple(one for one in starts if one is not None),
            tuple(tuple(one.shape) for one in ends),
            tuple(recorder.node(one) for one in ends),
            attempt,
            model,
        )

    # Trials

    def outputs(self, edit: Edit | None = None, shapes: Sequence[Shape] | None = None) -> Any:
        """The shapes of the outputs with an edit, or on inputs of other shapes; None if it fails.

        The edit may fail too: then it is no way out.
        """
        try:
            with self._running():
                model = self._trial(getattr(edit, "names", ()))
                model = edit.change(model) if edit is not None else model
                with Strict():
                    ends = model(*self._inputs(shapes or self.shapes))
        except Exception:
            return None
        return tuple(tuple(one.shape) for one in tensors_in([ends]))

    # Parts

    def _in_place(self, error: CopyError) -> Callable[..., Any]:
        """Runs the model itself: what it changes is put back by `preserved`."""
        if self.unknown:
            raise OperationError(
                _(
                    "this model cannot be copied ({error}), and what it keeps in {name} "
                    "could not be put back after a pass, so it was not run: set this "
                    "attribute to None while you trace.",
                    error=error,
                    name=self.unknown[0],
                )
            )
        if self.real:
            return self.model
        tensors = {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}
        weights = {name: outline(one) for name, one in tensors.items()}
        return lambda *inputs: functional_call(self.model, weights, inputs)

    def _fresh(self) -> nn.Module:
        """A copy to be run once: what it keeps for itself goes with it."""
        if self._outline is None:
            self._outline = (real_copy if self.real else meta_copy)(self.model, self.shared)
        common = [*self.shared]
        if not self.real:  # edits replace tensors that have no numbers: nothing changes them
            common += [*self._outline.parameters(), *self._outline.buffers()]
        return copy.deepcopy(self._outline, {id(one): one for one in common})

    def _trial(self, edited: Sequence[str]) -> nn.Module:
        """A copy in which layers that are not edited look up what they made in the trial before.

        Nearly all of a trial repeats another one, and on the meta device it is the operators that
        take the time.
        """
        if self.real:
            return self._fresh()
        if self._prototype is None:
            self._prototype = self._fresh()
            for name, layer in self._prototype.named_modules():
                if _is_plain(layer):
                    found = partial(_looked_up, self._known, name, layer.forward)
                    layer.forward = found
        layers = {n: one for n, one in self._prototype.named_modules() if "forward" in vars(one)}
        tensors = (*self._prototype.parameters(), *self._prototype.buffers())
        common = (self._known, *self.shared, *tensors)
        common += tuple(one for name, one in layers.items() if name not in edited)
        trial = copy.deepcopy(self._prototype, {id(one): one for one in common})
        for name in edited:
            if name in layers:
                del trial.get_submodule(name).forward
        return trial

    def _inputs(self, shapes: Sequence[Shape]) -> list[Tensor]:
        if not self.real:
            return [torch.empty(shape, device="meta", dtype=self.dtype) for shape in shapes]
        generator = torch.Generator().manual_seed(0)
        return [torch.rand(shape, generator=generator, dtype=self.dtype) for shape in shapes]

    @contextmanager
    def _running(self) -> Iterator[None]:
        """What surrounds every pass: nothing that it does is to be seen afterwards."""
        device = "cpu" if self.real else "meta"
        with (
            torch.random.fork_rng(devices=[]),
            torch.no_grad(),
            torch.device(device),
        ):
            yield


def _is_plain(layer: nn.Module) -> bool:
    """Whether all that a layer does is to be known from its settings and the shape of its input."""
    hooks = (layer._forward_pre_hooks, layer._forward_hooks)
    changed = "forward" in vars(layer) or is_parametrized(layer) or any(hooks)
    return is_layer(layer) and not changed and not isinstance(layer, LazyModuleMixin)


def _looked_up(
    known: dict[Any, Any], name: str, forward: Callable[..., Any], *args: Any, **kwargs: Any
) -> Any:
    """What a layer makes of one tensor, from its shape, if that has been seen."""
    x = args[0] if len(args) == 1 and not kwargs else None
    if not isinstance(x, Tensor) or not x.is_meta:
        return forward(*args, **kwargs)
    layer = getattr(forward, "__self__", None)
    if isinstance(layer, nn.modules.batchnorm._BatchNorm) and x.shape[1:2] == (layer.num_features,):
        return torch.empty_like(x)  # as `normalised` says
    key = (name, x.shape, x.stride(), x.dtype)
    if key not in known:
        y = forward(x)
        if not isinstance(y, Tensor):
            return y
        known[key] = (y.shape, y.stride(), y.dtype)
        return y
    shape, stride, dtype = known[key]
    return torch.empty_strided(shape, stride, dtype=dtype, device="meta")
