"""PyTorch layers and functions of one's own as operations, for the matrix and the ways back."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from resample_viz.operations import Footprint, Operation, OperationError, Undo, operation_of
from resample_viz.operations.footprint import JacobianFootprint
from resample_viz.operations.normalization import AS_IT_IS, without_bias
from resample_viz.operations.separable import resize_back
from resample_viz.operations.validation import check_tensor, quoted, refusal, whole_shape
from resample_viz.words import gettext as _

_LINEAR = 1e-4  # relative gap of A (2 a - b) and 2 A a - A b: far above the rounding of float32


def as_operation(
    layer: Operation | Callable[[Tensor], Tensor], input_shape: Sequence[int]
) -> Operation:
    """`layer` as an operation for inputs of this shape; one of the suite's is itself.

    A module is copied, and runs in the mode (training or not) that it is in. Whether it is linear,
    apart from a bias, is tried.

    Raises OperationError for what cannot be called, or not with such an input.
    """
    if isinstance(layer, Operation):
        return layer
    shape = whole_shape(input_shape)
    same = _of_the_suite(layer)
    if same is not None and (len(shape) == 4 or same.is_one_picture(shape)):
        return same
    if not callable(layer):
        raise OperationError(
            _(
                "{layer} is no layer: give an operation such as rv.AvgPool(2), a "
                "module such as nn.Conv2d(1, 1, 3), or a function of a tensor.",
                layer=quoted(layer),
            )
        )
    if not isinstance(layer, nn.Module):
        name = getattr(layer, "__name__", type(layer).__name__)
        return Layer(layer, layer, name).tried(shape)
    _check_weights(layer)
    made = _of_module(copy.deepcopy(layer)).tried(shape)
    if made.linear or not layer.training:
        return made
    in_eval = _of_module(copy.deepcopy(layer).eval())
    return replace(made, linear_in_eval=in_eval.is_linear(shape))


def _of_module(module: nn.Module) -> Layer:
    return Layer(module, _in_float64(module), type(module).__name__)


def _check_weights(layer: nn.Module) -> None:
    for tensor in (*layer.parameters(), *layer.buffers()):
        if is_lazy(tensor) or tensor.is_meta:
            raise OperationError(
                _(
                    "{kind} has no weights yet: call it once on a tensor, or build it "
                    'without torch.device("meta").',
                    kind=type(layer).__name__,
                )
            )


def _of_the_suite(layer: Any) -> Operation | None:
    """The operation that computes the same, and so has ways back of its own, if there is one."""
    if not isinstance(layer, nn.Module):
        return None
    try:
        return operation_of(layer)
    except OperationError:  # what PyTorch takes and the suite does not: as any layer
        return None


def _in_float64(layer: nn.Module) -> nn.Module | None:
    try:
        return copy.deepcopy(layer).double()
    except (RuntimeError, TypeError, NotImplementedError):  # quantised weights, say
        return None


@dataclass(frozen=True, repr=False, eq=False)
class Layer(Operation):
    """A layer or a function of one's own. Made by `as_operation`.

    - `function`: what is called. `exact`: the same in float64, if there is such a thing.
    - `name`: what it is called in sentences.
    - `linear_in_eval`: whether it is not linear because it is in training mode.
    """

    variable = "layer"
    unbatched = False  # what three axes are is the layer's business

    function: Callable[[Tensor], Tensor]
    exact: Callable[[Tensor], Tensor] | None
    name: str
    linear: bool = True  # type: ignore[misc]
    linear_in_eval: bool = False

    def __repr__(self) -> str:
        return self.name

    def module(self) -> nn.Module:
        """The layer, or a module that calls the function."""
        if isinstance(self.function, nn.Module):
            return self.function
        return _Calls(self.function)

    def code(self) -> str:
        """Its name: the learner has it."""
        return self.name

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """What a picture of zeros turns into. Raises OperationError where it cannot be called."""
        return tuple(self(torch.zeros(whole_shape(shape))).shape)

    def explain_shape(self, shape: Sequence[int]) -> str:
        """Both shapes."""
        return f"{tuple(shape)} → {self.output_shape(shape)}"

    def footprint(self, shape: Sequence[int]) -> Footprint:
        """As autograd computes it, around a picture of noise."""
        generator = torch.Generator().manual_seed(0)
        return JacobianFootprint(self, torch.rand(whole_shape(shape), generator=generator))

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """Resizing back, or y as it is; and the adjoint of a linear one."""
        out = self.output_shape(shape)
        ways = []
        if tuple(shape) == out:
            ways.append(AS_IT_IS)
        elif len(shape) == len(out) == 4 and shape[1] == out[1]:
            ways.append(resize_back(shape[2:], "bilinear"))
        return (*ways, without_bias(self, shape)) if self.linear else tuple(ways)

    def __call__(self, x: Tensor) -> Tensor:
        """Calls it. Raises OperationError for whatever it raises, in one sentence."""
        check_tensor(x)
        function = self.exact if x.dtype == torch.float64 else self.function
        if function is None:
            raise OperationError(
                _("{name} cannot be computed in float64: use x.float().", name=self.name)
            )
        try:
            y = function(x)
        except Exception as error:
            raise OperationError(
                _("{name} cannot take this: {reason}", name=self.name, reason=refusal(error, x))
            ) from None
        if not isinstance(y, Tensor):
            raise OperationError(
                _(
                    "{name} gives {kind}, not a tensor: wrap it in a function that returns "
                    "the one tensor that is meant.",
                    name=self.name,
                    kind=type(y).__name__,
                )
            )
        return y

    def tried(self, shape: tuple[int, ...]) -> Layer:
        """With `linear` as it was found to be.

        Raises OperationError where it does not treat the first axis of its input as a batch.
        """
        x = _noise(shape, 2)
        y = self(x)
        two = None
        with contextlib.suppress(OperationError):
            two = self(torch.cat([x, x]))
        if two is None or two.shape != (2 * y.shape[0], *y.shape[1:]) or y.ndim == 0:
            raise OperationError(
                _(
                    "the first axis of {shape} is no batch for {name}: give a shape with "
                    "one, {example}.",
                    shape=shape,
                    name=self.name,
                    example=(1, *shape),
                )
            )
        return replace(self, linear=self.is_linear(shape))

    def is_linear(self, shape: Sequence[int]) -> bool:
        """Whether it is, apart from a bias, on noise of both signs."""
        a, b = _noise(shape, 0), _noise(shape, 1)
        with torch.no_grad():
            bias = self(torch.zeros_like(a))
            apart = 2 * (self(a) - bias) - (self(b) - bias)
            gap = (self(2 * a - b) - bias - apart).abs().max()
        return bool(gap <= _LINEAR * (apart.abs().max() + bias.abs().max()))


class _Calls(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """`function(x)`."""
        return self.function(x)


def _noise(shape: Sequence[int], seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(tuple(shape), generator=generator)
