"""Real numbers from inside a network: what a step reads and makes, and which pixels it looks at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from resample_viz.analysis.tracing.copies import plain_module, real_copy
from resample_viz.analysis.tracing.preserving import preserved
from resample_viz.analysis.tracing.recorder import Reached, Recorder, watching
from resample_viz.analysis.tracing.trace import Trace
from resample_viz.operations import OperationError
from resample_viz.words import gettext as _

MOST_BYTES = 600 * 2**20
"""Of weights and maps together that are held at once; the smallest machines have 1 GB."""


class Activation(NamedTuple):
    """What a step has read, and what it has made.

    `feature_map` is the output as (N, C, H, W), also where channels come last or where it is
    tokens, (N, H W, C); None where no rows and columns are left.
    """

    inputs: tuple[Tensor, ...]
    output: Tensor
    feature_map: Tensor | None


def activation(model: nn.Module, x: Tensor, step: int) -> Activation:
    """The tensors of step number `step` (in the order of `trace(model, x.shape).steps`).

    The model runs on `x` in evaluation mode, without gradients, up to this step and no further.

    Raises OperationError if the model ends, or fails, before it.
    """
    with torch.no_grad():
        return _run(model, x, step)


def gradient_footprint(model: nn.Module, x: Tensor, step: int, row: int, col: int) -> Tensor:
    """Which pixels of `x` feed one cell of a feature map, and how strongly: (1, 1, H, W).

    The gradient of the cell's sum over all channels with respect to the input, in absolute value,
    summed over the input's channels. It is 0 outside the theoretical receptive field, and far from
    even within it: W. Luo et al., Understanding the Effective Receptive Field in Deep Convolutional
    Neural Networks, NeurIPS 2016, https://arxiv.org/abs/1701.04128.

    Raises OperationError as `activation` does, and for a cell outside of the map.
    """
    leaf = x.detach().clone().requires_grad_()
    with torch.enable_grad(), _laid_out_gradients(model):
        y = _run(model, leaf, step).feature_map
    if y is None or not (0 <= row < y.shape[2] and 0 <= col < y.shape[3]):
        raise OperationError(
            _(
                "row {row}, column {col} is no cell of {output}: choose a step whose "
                "output has rows and columns, and a cell of it.",
                row=row,
                col=col,
                output=_("an output without rows")
                if y is None
                else _("a map of shape {shape}", shape=tuple(y.shape)),
            )
        )
    if not y.requires_grad:  # whole numbers, such as places of maxima, have no gradient
        return torch.zeros_like(x[:1, :1])
    (gradient,) = torch.autograd.grad(y[:, :, row, col].sum(), leaf, materialize_grads=True)
    return gradient.abs().sum(1, keepdim=True)


@contextmanager
def _laid_out_gradients(model: nn.Module) -> Iterator[None]:
    """Gives batch normalisations their gradients in the usual order of memory.

    Of one picture whose cells have become tokens, (1, C, H, W) with the strides (C, 1, W C, C),
    PyTorch 2.13 takes the gradient's numbers on CPUs from wrong places there.
    """

    def ask(module: nn.Module, inputs: Any, output: Any) -> None:
        del module, inputs
        if isinstance(output, Tensor) and output.requires_grad:
            output.register_hook(Tensor.contiguous)

    norms = [one for one in model.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
    handles = [norm.register_forward_hook(ask) for norm in norms]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def check_room(found: Trace, step: int, *, gradients: bool) -> None:
    """Raises OperationError if running a network up to a step would take too much memory.

    With `gradients` every map on the way is kept, without them about two at a time.
    """
    way = [one.values * 4 for one in found.steps[: step + 1]]
    maps = sum(way) if gradients else 3 * max(way, default=0)
    needed = found.parameters * 4 + maps
    if needed > MOST_BYTES:
        raise OperationError(
            _(
                "the weights and maps up to this step take about {needed} MB, more than "
                "the {most} MB that a lab keeps: choose a smaller input or an earlier "
                "step. The shapes need no memory.",
                needed=format(needed / 2**20, ".0f"),
                most=MOST_BYTES // 2**20,
            )
        )


def initialised(model: nn.Module, x: Tensor) -> nn.Module:
    """A copy of `model` whose lazy layers have got weights, always the same, by a pass over `x`.

    Raises OperationError if the model fails on `x`.
    """
    copied = real_copy(model)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        try:
            copied(x)
        except Exception as error:
            raise OperationError(
                _(
                    "the model fails on an input of shape {shape} ({kind}): trace(model, "
                    "{shape}) says why.",
                    shape=tuple(x.shape),
                    kind=type(error).__name__,
                )
            ) from None
    return copied


def model_output(model: nn.Module, x: Tensor) -> Any:
    """What the model returns for x, in evaluation mode and without gradients; it stays as it was.

    Raises OperationError if the model fails.
    """
    with torch.no_grad():
        return _watched(model, x, Recorder([x]))


def _run(model: nn.Module, x: Tensor, step: int) -> Activation:
    recorder = Recorder([x], keep=step)
    with suppress(Reached):
        _watched(model, x, recorder)
    if recorder.kept is None:
        raise OperationError(
            _(
                "there is no step {step}: on this input the model has {count} steps.",
                step=step,
                count=len(recorder.steps),
            )
        )
    inputs, output = recorder.kept
    field = recorder.steps[step].field
    if field is None:
        return Activation(inputs, output, output if output.ndim == 4 else None)
    return Activation(inputs, output, field.layout.as_map(output))


def _watched(model: nn.Module, x: Tensor, recorder: Recorder) -> Any:
    """Runs the model as far as the recorder lets it; raises Reached where that ends."""
    model = plain_module(model)[0]
    if any(is_lazy(one) for one in model.parameters()):
        model = initialised(model, x)
    try:
        with preserved(model), watching(model, recorder), recorder:
            return model(x)
    except Reached:
        raise
    except Exception as error:
        failed = recorder.fail(error)
        raise OperationError(
            _(
                "the model fails at {name} ({kind}) on an input of shape {shape}: "
                "trace(model, {shape}) says why.",
                name=failed.name,
                kind=type(error).__name__,
                shape=tuple(x.shape),
            )
        ) from None
