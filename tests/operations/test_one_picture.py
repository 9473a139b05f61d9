"""(C, H, W) is taken where PyTorch's layers take it, and gives what a batch of one gives."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import resample_viz
from resample_viz import ops
from resample_viz.operations import Chain, Operation, OperationError
from tests.operations.registry import REGISTRY, Trial
from tests.operations.test_every_operation import NAMES

KINDS = [kind for kind in REGISTRY if kind.unbatched is not False]
trials = st.one_of([REGISTRY[kind].trials for kind in KINDS]).filter(
    lambda trial: trial.operation.unbatched
)


@given(trials)
def test_one_picture_becomes_what_pytorch_makes_of_it(trial: Trial) -> None:
    operation, x = trial.operation, trial.input()
    y = operation(x[0])
    assert torch.equal(y, operation(x)[0])
    assert operation.output_shape(x.shape[1:]) == tuple(y.shape)
    if not isinstance(operation, ops.MaxUnpool):  # PyTorch's wants indices
        torch.testing.assert_close(operation.module()(x[0]), y, rtol=0, atol=0)
    names: dict[str, Any] = {**NAMES, **operation.own_tensors()}
    exec(operation.program(), names)
    torch.testing.assert_close(names[operation.variable](x[0]), y, rtol=0, atol=0)


@given(trials)
def test_its_sizes_and_its_footprint_are_those_of_a_batch(trial: Trial) -> None:
    operation, x = trial.operation, trial.input()
    shape = tuple(x.shape)
    explained = operation.explain_shape(shape[1:])
    assert explained == operation.explain_shape(shape)
    one, batch = operation.footprint_at(x[0]), operation.footprint_at(x)
    out = operation.output_shape(shape)
    cells = list(product(*map(range, out[2:] if one.channelwise else out[1:])))
    assert one.sources(cells[0]) == batch.sources(cells[0])
    assert one.sources(cells[-1]) == batch.sources(cells[-1])


@given(trials)
def test_the_ways_back_and_their_code_take_one_picture(trial: Trial) -> None:
    operation, x = trial.operation, trial.input()
    y, batch = operation(x[0]), operation(x)
    for way, other in zip(operation.undo_at(x[0]), operation.undo_at(x), strict=True):
        assert (way.label, way.kind) == (other.label, other.kind)
        restored = way(y)
        assert restored.shape == x[0].shape
        torch.testing.assert_close(restored, other(batch)[0], rtol=1e-5, atol=1e-6)
        names: dict[str, Any] = {**NAMES, "rv": resample_viz, "x": x[0], "y": y}
        names |= operation.own_tensors()
        exec(operation.program(), names)
        exec(way.setup, names)
        torch.testing.assert_close(eval(way.code, names), restored, rtol=1e-4, atol=1e-4)


def test_unpooling_takes_one_picture_and_its_indices() -> None:
    x = torch.rand(3, 6, 4)
    values, indices = ops.MaxPool(2).with_indices(x)
    expected = nn.MaxUnpool2d(2)(*nn.MaxPool2d(2, return_indices=True)(x))
    assert torch.equal(ops.MaxUnpool(2)(values, indices), expected)


def test_what_the_convolutions_say_besides_takes_one_picture() -> None:
    x, conv = torch.rand(2, 5, 6), ops.Conv(torch.rand(3, 2, 3, 3), stride=2, padding=1)
    assert torch.equal(conv.unpadded()(conv.pad(x)), conv(x))
    assert conv.unread(x.shape) == conv.unread((1, *x.shape))
    back = conv.transposed(x.shape)
    y = conv(x)
    assert back(y).shape == x.shape
    torch.testing.assert_close(back.as_convolution()(back.stretched(y)), back(y))
    assert back.overlap(y.shape).shape == x.shape[1:]


def test_rows_are_no_pictures() -> None:
    row = torch.rand(2, 3, 4)
    assert ops.Upsample()(row).shape == (2, 3, 8)
    for operation in (ops.MinMax(), ops.Standardize()):  # F.instance_norm reads rows
        with pytest.raises(OperationError, match=r"use x\[None\]"):
            operation(row)


def test_a_chain_does_with_three_axes_what_sequential_does() -> None:
    x = torch.rand(2, 8, 8)
    for steps in ((ops.AvgPool(2), ops.Clip()), (ops.AvgPool(2), ops.Upsample())):
        chain = Chain(steps)
        expected: Tensor = nn.Sequential(*(step.module() for step in steps))(x)
        assert torch.equal(chain(x), expected)
        assert chain.output_shape(x.shape) == tuple(expected.shape)


@pytest.mark.parametrize("shape", [(4, 4), (1, 1, 3, 4, 4), (4,)], ids=str)
@pytest.mark.parametrize("operation", [ops.AvgPool(), ops.Conv(), ops.Normalize()], ids=str)
def test_other_numbers_of_axes_are_refused(operation: Operation, shape: tuple[int, ...]) -> None:
    with pytest.raises(OperationError, match=r"takes pictures, \(N, C, H, W\)"):
        operation(torch.rand(shape))
