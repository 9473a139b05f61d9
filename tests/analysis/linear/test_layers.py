"""Layers and functions of a learner's own: their map, their bias, what cannot have one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import resample_viz as rv
from resample_viz.analysis.linear.layers import as_operation
from resample_viz.operations import Conv, OperationError


def seeded(layer: nn.Module) -> Any:
    generator = torch.Generator().manual_seed(3)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -1, 1, generator=generator)
    return layer


@given(
    st.sampled_from([nn.Conv2d, nn.ConvTranspose2d]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 2),
    st.booleans(),
)
def test_the_map_of_a_layer_is_its_jacobian(
    kind: Any, channels: int, outputs: int, kernel: int, stride: int, bias: bool
) -> None:
    layer = seeded(kind(channels, outputs, kernel, stride=stride, bias=bias))
    shape = (1, channels, 5, 4)
    linear = rv.linear_map(layer, shape)
    exact = copy.deepcopy(layer).double()
    jacobian: Any = torch.autograd.functional.jacobian(exact, torch.zeros(shape).double())
    torch.testing.assert_close(linear.matrix(), jacobian.reshape(linear.matrix().shape))
    assert (linear.bias is not None) == bias
    assert ("without its bias" in repr(linear)) == bias
    if linear.bias is not None:
        x = torch.rand(shape, generator=torch.Generator().manual_seed(0)).double()
        torch.testing.assert_close(linear(x) + linear.bias, exact(x))


def test_functions_and_networks_have_a_map() -> None:
    x = torch.rand(2, 3, 8, 8)

    def halved(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2).flip(-1)

    torch.testing.assert_close(rv.linear_map(halved, x.shape)(x), halved(x))
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Upsample(scale_factor=2))
    linear = rv.linear_map(network.eval(), x.shape)
    torch.testing.assert_close(
        linear(x), (network(x) - network(torch.zeros_like(x))).detach(), rtol=1e-4, atol=1e-5
    )
    assert rv.linear_map(nn.Linear(8, 3), (1, 8)).rank() == 3
    assert rv.linear_map(nn.Conv1d(1, 1, 3, padding=1), (1, 1, 9)).nullity() == 0


def test_the_layer_stays_as_it_was() -> None:
    layer = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    before = copy.deepcopy(layer.state_dict())
    x = torch.rand(1, 1, 8, 8)
    rv.round_trip(layer, x)
    assert layer.training
    assert all(torch.equal(before[name], value) for name, value in layer.state_dict().items())
    assert {p.dtype for p in layer.parameters()} == {torch.float32}
    assert all(p.requires_grad and p.grad is None for p in layer.parameters())


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.ReLU(), (1, 1, 8, 8), "ReLU is not linear, .*: leave out"),
        (lambda x: x.abs(), (1, 1, 8, 8), "<lambda> is not linear"),
        (nn.BatchNorm2d(1), (1, 1, 8, 8), r"in training mode: give layer.eval\(\)"),
        (nn.MaxPool2d(2), (1, 1, 8, 8), "MaxPool is not linear"),
        (nn.Conv2d(3, 1, 3), (1, 2, 8, 8), "use an input of 3 channels"),
        (nn.Linear(4, 4), (4,), r"no batch for Linear: give .* \(1, 4\)\.$"),
        (nn.LazyConv2d(3, 3), (1, 2, 8, 8), "has no weights yet: call it once"),
        (lambda x: (x, x), (1, 1, 8, 8), "gives tuple, not a tensor"),
        (3, (1, 1, 8, 8), "3 is no layer: give an operation"),
        (nn.Conv2d(1, 1, 3), (1, "a"), "is no shape"),
    ],
)
def test_what_has_no_map_is_told_in_one_sentence(layer: Any, shape: Any, message: str) -> None:
    with pytest.raises(OperationError, match=message) as refusal:
        rv.linear_map(layer, shape)
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


@given(st.integers(1, 3), st.integers(1, 3))
def test_layers_that_the_suite_has_get_its_ways_back(kernel: int, stride: int) -> None:
    x = torch.rand(1, 2, 9, 9, generator=torch.Generator().manual_seed(0))
    for layer, own in (
        (nn.MaxPool2d(kernel, stride), rv.MaxPool(kernel, stride)),
        (nn.AvgPool2d(kernel, stride), rv.AvgPool(kernel, stride)),
        (nn.Upsample(scale_factor=stride, mode="bilinear"), None),
    ):
        made = as_operation(layer, x.shape)
        torch.testing.assert_close(made(x), layer(x))
        if own is not None:
            assert made == own
    assert any(row.label == "max unpooling" for row in rv.round_trip(nn.MaxPool2d(2), x))


def test_a_layer_and_its_operation_come_back_alike() -> None:
    weight = torch.tensor([[0.1, 0.2, 0.1], [0.2, 0.9, 0.2], [0.1, 0.2, 0.1]])
    layer = nn.Conv2d(1, 1, 3, padding=1)
    layer.weight.data[:] = weight
    x = rv.photograph("camera", 16)
    for operation in (layer, Conv(kernel=weight, padding=1)):
        rows = rv.round_trip(operation, x)
        assert (rows[0].kind, rows[0].psnr > 100) == ("exact inverse", True)
        assert rows.spectrum is not None
        assert rows.spectrum.lost == 0
