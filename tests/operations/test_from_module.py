"""A layer of PyTorch's as an operation: the same numbers, weights, bias and settings included."""

from __future__ import annotations

import copy
import re
import warnings
from importlib import import_module
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from torch import Tensor, nn

from resample_viz import ops
from resample_viz.compat import import_torchvision
from resample_viz.operations import Chain, OperationError, from_module, operation_of
from tests.operations.layers import layers_with_inputs, runs

import_torchvision()
NAMES = {"torch": torch, "nn": nn, "F": F, "v2": import_module("torchvision.transforms.v2")}

Case = tuple[nn.Module, Tensor]
warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")


@given(layers_with_inputs())
def test_the_operation_computes_what_the_layer_computes(case: Case) -> None:
    layer, x = case
    assume(runs(layer, x))
    before, given_x = copy.deepcopy(layer.state_dict()), x.clone()
    operation = from_module(layer)
    with torch.no_grad():
        assert torch.equal(operation(x), layer(x))
    assert operation.output_shape(x.shape) == layer(x).shape
    assert torch.equal(x, given_x)
    for name, values in layer.state_dict().items():
        assert torch.equal(values, before[name])
    assert operation == from_module(copy.deepcopy(layer))


@given(layers_with_inputs())
def test_its_program_computes_it_too(case: Case) -> None:
    layer, x = case
    assume(runs(layer, x))
    operation = from_module(layer)
    program = operation.definition()
    names: dict[str, Any] = {**NAMES, **operation.own_tensors(), "x": x}
    exec(program.setup, names)
    with torch.no_grad():
        assert torch.equal(eval(program.expression, names), layer(x))


@given(layers_with_inputs(), layers_with_inputs())
def test_a_chain_takes_layers(first: Case, second: Case) -> None:
    (one, x), other = first, second[0]
    model = nn.Sequential(one, nn.Sequential(other, nn.Identity()))
    assume(runs(model, x))
    try:
        expected = ops.Chain((from_module(one), from_module(other)))(x)
    except OperationError:  # what no one should get, such as -inf of a window without cells
        assume(False)
    chain = ops.Chain(model)
    with torch.no_grad():
        torch.testing.assert_close(chain(x), model(x), rtol=0, atol=0)
    assert torch.equal(chain(x), expected)
    names: dict[str, Any] = {**NAMES, **chain.own_tensors(), "x": x}
    exec(chain.program(), names)
    assert torch.equal(names["chain"](x), chain(x))


def test_what_changes_later_does_not_change_the_operation() -> None:
    layer = nn.Conv2d(1, 2, 3)
    operation = from_module(layer)
    with torch.no_grad():
        layer.weight.zero_()
    assert operation.weight.abs().sum() > 0  # type: ignore[attr-defined]


def test_max_pooling_with_indices_gives_the_values() -> None:
    layer = nn.MaxPool2d(2, return_indices=True)
    x = torch.rand(1, 1, 4, 4)
    assert torch.equal(from_module(layer)(x), layer(x)[0])


def test_layers_that_are_parametrised_are_taken_as_they_are() -> None:
    layer = torch.nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 3, 3))
    x = torch.rand(1, 2, 5, 5)
    with torch.no_grad():
        torch.testing.assert_close(from_module(layer)(x), layer(x), rtol=0, atol=1e-6)


class Doubled(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def hooked() -> nn.Module:
    layer = nn.AvgPool2d(2)
    layer.register_forward_hook(lambda module, x, y: 2 * y)
    return layer


@pytest.mark.parametrize(
    "layer",
    [nn.ReLU(), Doubled(1, 1, 3), hooked(), nn.Sequential(nn.AvgPool2d(2), nn.Tanh())],
    ids=["ReLU", "own forward", "hook", "inside of Sequential"],
)
def test_what_computes_something_else_is_no_operation(layer: nn.Module) -> None:
    assert operation_of(layer) is None
    with pytest.raises(OperationError, match="there is no operation that computes what"):
        from_module(layer)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (nn.LazyConv2d(3, 3), "call it once"),
        (nn.Conv2d(1, 1, 3, device="meta"), "meta device"),
        (nn.Conv2d(1, 1, 3).double(), r"copy\.deepcopy\(layer\)\.float\(\)"),
        (torch.relu, "is no nn.Module"),
    ],
    ids=["lazy", "meta", "float64", "function"],
)
def test_layers_without_weights_to_read_are_refused(layer: Any, words: str) -> None:
    with pytest.raises(OperationError, match=words):
        from_module(layer)


def test_a_chain_says_which_step_is_no_operation() -> None:
    with pytest.raises(OperationError, match=re.escape("there is no operation that computes")):
        Chain((nn.AvgPool2d(2), nn.ReLU()))  # type: ignore[arg-type]
