"""A layer of PyTorch's has the map and the ways back of the operation that computes the same."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from torch import Tensor, nn

from resample_viz import ops
from resample_viz.analysis import linear_map, round_trip
from resample_viz.analysis.linear.layers import as_operation
from tests.operations.layers import layers_with_inputs, runs


@settings(max_examples=40, deadline=None)
@given(layers_with_inputs(largest=5))
def test_the_map_of_a_layer_is_the_layer_without_its_bias(case: tuple[nn.Module, Tensor]) -> None:
    layer, x = case
    assume(runs(layer, x))
    operation = as_operation(layer, x.shape)
    assert operation == ops.from_module(layer)
    if not operation.linear or x[0].numel() > 200:
        return
    with torch.no_grad():
        expected = layer(x) - layer(torch.zeros_like(x))
    torch.testing.assert_close(linear_map(layer, x.shape)(x), expected, rtol=1e-4, atol=1e-5)


def test_a_convolution_with_a_bias_has_its_own_ways_back() -> None:
    layer = nn.Conv2d(2, 8, 3, padding=1)
    x = torch.rand(1, 2, 6, 6)
    assert {row.label for row in round_trip(layer, x)} >= {"transposed convolution, same weights"}
    assert round_trip(layer, x)[0].psnr > 100


@pytest.mark.parametrize("layer", [nn.AvgPool2d(2), nn.MaxPool2d(2), nn.Conv2d(2, 8, 3)], ids=str)
def test_one_picture_has_the_ways_back_of_a_batch_of_one(layer: nn.Module) -> None:
    x = torch.rand(1, 2, 6, 6)
    rows, batch = round_trip(layer, x[0]), round_trip(layer, x)
    assert [row.label for row in rows] == [row.label for row in batch]
    for row, other in zip(rows, batch):
        assert torch.equal(row.restored, other.restored[0])


def test_the_map_of_one_picture_is_that_of_a_batch() -> None:
    assert linear_map(ops.AvgPool(2), (3, 6, 6)).input_shape == (1, 3, 6, 6)
