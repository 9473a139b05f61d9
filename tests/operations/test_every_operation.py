"""What holds for every operation, with PyTorch and autograd as the judges."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from resample_viz import operations
from resample_viz.compat import import_torchvision
from resample_viz.operations import Footprint, Operation, OperationError, Upsample
from tests.operations.registry import (
    REGISTRY,
    Trial,
    attempts,
    gradient_trials,
    refused_on_purpose,
    separable_trials,
    trials,
)

ALL_OPERATIONS = [
    found
    for found in vars(operations).values()
    if isinstance(found, type) and issubclass(found, Operation) and found is not Operation
]
ROUNDING = 4e-6  # float32: up to 16 weights of about 1 are summed where taps meet at a border
import_torchvision()
V2 = import_module("torchvision.transforms.v2")
NAMES = {"torch": torch, "nn": nn, "F": F, "v2": V2}  # what the code of an operation may use
CELLS = 10  # output cells that are looked at one by one


def jacobian(trial: Trial) -> Tensor:
    """d y[i] / d x[j] by one backward pass: one copy of the input for each output cell."""
    cells = torch.Size(trial.operation.output_shape(trial.shape)).numel()
    copies = trial.input().expand(cells, *[-1] * (len(trial.shape) - 1)).clone().requires_grad_()
    outputs = trial.operation.module()(copies).reshape(cells, cells)
    if not outputs.requires_grad:  # rounded to levels: flat
        return torch.zeros(cells, copies[0].numel())
    outputs.diagonal().sum().backward()
    assert copies.grad is not None
    return copies.grad.reshape(cells, -1)


def impulse_responses(trial: Trial) -> Tensor:
    """The same matrix from the forward pass: each column is what one input cell adds."""
    cells = torch.Size(trial.shape).numel()
    impulses = torch.eye(cells).view(cells, *trial.shape[1:])
    nothing = trial.operation(torch.zeros(trial.shape))
    return (trial.operation(impulses) - nothing).reshape(cells, -1).T


def grid(footprint: Footprint, shape: Sequence[int]) -> tuple[int, ...]:
    """The sizes over which the cells of this very footprint run: with the channel or without."""
    return tuple(shape[2:] if footprint.channelwise else shape[1:])


def about(weight: float) -> Any:
    """The same number but for float32 rounding, also where it is what is left of larger ones."""
    return pytest.approx(weight, rel=1e-5, abs=1e-6)


def some_cells(data: st.DataObject, sizes: tuple[int, ...]) -> list[tuple[int, ...]]:
    cells = list(product(*map(range, sizes)))
    if len(cells) <= CELLS:
        return cells
    return data.draw(st.lists(st.sampled_from(cells), min_size=CELLS, max_size=CELLS))


def test_every_operation_is_in_the_registry_of_these_tests() -> None:
    assert set(ALL_OPERATIONS) == set(REGISTRY)


@given(trials)
def test_the_output_shape_is_what_pytorch_gives(trial: Trial) -> None:
    x = trial.input(batch=2, channels=3)
    assert trial.operation.output_shape(x.shape) == tuple(trial.pytorch(x).shape)


@settings(max_examples=150)
@given(attempts)
@example(Trial(Upsample, {"scale_factor": 0.25, "mode": "area"}, (1, 1, 3, 3)))
@example(Trial(Upsample, {"size": 3, "recompute_scale_factor": True}, (1, 1, 3, 3)))
@example(Trial(Upsample, {"mode": "lanczos"}, (1, 1, 3, 3)))
def test_an_operation_is_refused_exactly_where_pytorch_refuses_it(attempt: Trial) -> None:
    x = attempt.input()
    try:
        expected: Tensor | None = attempt.pytorch(x)
    except (RuntimeError, ValueError, TypeError, NotImplementedError):
        expected = None
    if refused_on_purpose(attempt):
        expected = None
    event(f"PyTorch {'refuses' if expected is None else 'accepts'}")
    if expected is None:
        with pytest.raises(OperationError):
            attempt.operation.output_shape(x.shape)
    else:
        assert attempt.operation.output_shape(x.shape) == tuple(expected.shape)
        torch.testing.assert_close(attempt.operation(x), expected)


@given(trials)
def test_an_operation_computes_what_pytorch_computes(trial: Trial) -> None:
    x = trial.input(batch=2, channels=3)
    torch.testing.assert_close(trial.operation(x), trial.pytorch(x), rtol=0, atol=0)


@given(trials)
def test_the_program_defines_the_operation(trial: Trial) -> None:
    x = trial.input(channels=2)
    names = {**NAMES, "weight": getattr(trial.operation, "weight", None)}
    exec(trial.operation.program(), names)
    layer = names[trial.operation.variable]
    torch.testing.assert_close(layer(x), trial.operation(x), rtol=0, atol=0)
    assert isinstance(eval(trial.operation.code(), dict(NAMES)), Callable)


@given(trials)
def test_the_module_is_a_torch_module_without_weights_to_guess(trial: Trial) -> None:
    before = torch.random.get_rng_state()
    module, again = trial.operation.module(), trial.operation.module()
    assert torch.equal(torch.random.get_rng_state(), before), "a learner's seed stays good"
    assert isinstance(module, nn.Module)
    assert module.state_dict().keys() == again.state_dict().keys()
    for name, values in module.state_dict().items():
        assert torch.equal(values, again.state_dict()[name])


@given(trials)
def test_an_operation_works_in_double_precision_too(trial: Trial) -> None:
    x = trial.input()
    y = trial.operation(x.double())
    assert y.dtype == torch.float64
    torch.testing.assert_close(y.float(), trial.operation(x), rtol=1e-4, atol=1e-4)


@given(gradient_trials, st.data())
def test_the_footprint_is_the_jacobian(trial: Trial, data: st.DataObject) -> None:
    expected = jacobian(trial)
    assert trial.operation.footprint(trial.shape).channelwise == trial.channelwise
    footprint = trial.operation.footprint_at(trial.input())
    sizes = grid(footprint, trial.operation.output_shape(trial.shape))
    for cell in some_cells(data, sizes):
        row = torch.zeros(grid(footprint, trial.shape))
        for source, weight in footprint.sources(cell):
            assert row[source] == 0, f"{source} is listed twice"
            assert weight != 0
            row[source] = weight
        number = torch.arange(expected.shape[0]).reshape(sizes)[cell]
        torch.testing.assert_close(row.flatten(), expected[number], rtol=1e-5, atol=ROUNDING)


@pytest.mark.parametrize(
    ("parameters", "shape"),
    [
        ({"mode": "nearest"}, (1, 1, 3)),
        ({"mode": "nearest"}, (1, 1, 3, 3, 3)),
        ({"mode": "nearest", "scale_factor": 2.3}, (1, 1, 3)),
        ({"mode": "bicubic"}, (1, 1, 3, 3)),
        ({"mode": "bilinear", "antialias": True}, (1, 1, 3, 3)),
        ({"mode": "bicubic", "antialias": True}, (1, 1, 3, 3)),
        ({"mode": "lanczos", "antialias": True}, (1, 1, 3, 3)),
    ],
)
def test_pytorchs_gradient_does_not_fit_where_rounding_hides_a_factor(
    parameters: dict[str, Any], shape: tuple[int, ...]
) -> None:
    trial = Trial(Upsample, {"scale_factor": 1.3, **parameters}, shape)
    assert not torch.allclose(jacobian(trial), impulse_responses(trial), atol=1e-3), (
        "PyTorch fixed its gradient: drop gradient_fits"
    )


@given(separable_trials)
@example(Trial(Upsample, {"mode": "nearest", "scale_factor": (1.3, 2.0)}, (1, 1, 3, 4)))
@example(Trial(Upsample, {"mode": "bicubic", "scale_factor": (1.3, 2.0)}, (1, 1, 3, 4)))
@example(
    Trial(
        Upsample,
        {"mode": "bilinear", "scale_factor": (1.3, 2.0), "antialias": True},
        (1, 1, 3, 4),
    )
)
@example(Trial(Upsample, {"mode": "nearest", "scale_factor": (1.3, 1.3, 2.0)}, (1, 1, 3, 3, 2)))
def test_the_matrices_of_the_axes_make_up_the_forward_pass(trial: Trial) -> None:
    matrices = trial.operation.footprint(trial.shape).matrices()  # type: ignore[attr-defined]
    whole = torch.ones(1, 1)
    for matrix in matrices:
        whole = torch.kron(whole, matrix)
    torch.testing.assert_close(whole, impulse_responses(trial), rtol=0, atol=ROUNDING)


@given(trials, st.data())
def test_targets_are_the_transpose_of_sources(trial: Trial, data: st.DataObject) -> None:
    footprint = trial.operation.footprint_at(trial.input())
    out = trial.operation.output_shape(trial.shape)
    for output in some_cells(data, grid(footprint, out)):
        for source, weight in footprint.sources(output):
            assert dict(footprint.targets(source))[output] == about(weight)
    for given_cell in some_cells(data, grid(footprint, trial.shape)):
        for target, weight in footprint.targets(given_cell):
            assert dict(footprint.sources(target))[given_cell] == about(weight)


@given(trials)
def test_explain_shape_contains_the_input_and_the_output_sizes(trial: Trial) -> None:
    operation = trial.operation
    lines = operation.explain_shape(trial.shape).splitlines()
    out = operation.output_shape(trial.shape)[2:]
    for line, given_size, result in zip(lines[-len(out) :], trial.shape[2:], out, strict=True):
        assert line.endswith(f" = {result}")
        assert f"({given_size} " in line or trial.parameters.get("size")


@given(trials)
def test_operations_are_frozen_and_equal_ones_hash_equal(trial: Trial) -> None:
    first, second = trial.operation, trial.operation_type(**trial.parameters)
    assert first == second
    assert hash(first) == hash(second)
    for field in dataclasses.fields(first):  # type: ignore[arg-type]
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(first, field.name, None)


@given(trials)
def test_parameters_given_as_lists_are_the_same_as_tuples(trial: Trial) -> None:
    as_lists: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in trial.parameters.items()
    }
    assert trial.operation_type(**as_lists) == trial.operation


@pytest.mark.parametrize("operation_type", ALL_OPERATIONS)
def test_an_operation_without_arguments_works(operation_type: type[Operation]) -> None:
    operation = operation_type()
    x = torch.rand(1, getattr(operation, "in_channels", 4), 6, 8)
    assert tuple(operation(x).shape) == operation.output_shape(x.shape)
