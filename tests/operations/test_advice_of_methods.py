"""What is refused elsewhere than in a call: the way out is tried there, too."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from resample_viz import ops
from resample_viz.analysis.resizing.libraries import resize_method
from resample_viz.operations import Chain, Operation, OperationError
from tests.operations.advice import changes

X = torch.ones(1, 1, 6, 6)
SHAPE = (1, 1, 6, 6)
OWN = torch.ones(3, 2, 3, 3)

Ask = Callable[[Operation], Any]
ASKED: list[tuple[type[Operation], dict[str, Any], Ask]] = [
    (ops.Conv, {"padding": 1, "padding_mode": "reflect"}, lambda one: one.transposed(SHAPE)),  # type: ignore[attr-defined]
    (ops.Conv, {"padding": "same", "kernel_size": 4}, lambda one: one.transposed(SHAPE)),  # type: ignore[attr-defined]
    (
        ops.ConvTranspose,
        {"output_padding": 1, "dilation": 2},
        lambda one: one.transposed(),  # type: ignore[attr-defined]
    ),
    (ops.Conv, {"kernel": OWN, "out_channels": 4}, lambda one: one),
    (ops.Conv, {"kernel": OWN, "kernel_size": 5}, lambda one: one),
    (ops.Conv, {"kernel": torch.ones(3)}, lambda one: one),
    (ops.Conv, {"kernel": "sobel", "kernel_size": (3, 1)}, lambda one: one),
    (ops.Conv, {"kernel": "laplacian", "kernel_size": 4}, lambda one: one),
    (ops.Conv, {"kernel": {1: 2}}, lambda one: one),
    (ops.Conv, {"kernel": "boxes"}, lambda one: one),
    (ops.Conv, {"bias": (1.0, 2.0)}, lambda one: one),
    (ops.MaxUnpool, {"padding": 2}, lambda one: one),
    (ops.MaxUnpool, {"stride": 1, "padding": 1}, lambda one: one(X)),
    (ops.BlurPool, {"kernel_size": 99}, lambda one: one),
    (ops.Normalize, {"mean": (1.0, 2.0), "std": (1.0, 1.0, 1.0)}, lambda one: one),
    (ops.Upsample, {"mode": "lanczos", "antialias": True, "size": (3, 1)}, lambda one: one(X)),
    (ops.Upsample, {"mode": "trilinear"}, lambda one: one(X)),
]


@pytest.mark.parametrize(
    ("kind", "parameters", "ask"), ASKED, ids=[f"{k.__name__} {p}"[:50] for k, p, _ in ASKED]
)
def test_the_suggested_parameters_work(
    kind: type[Operation], parameters: dict[str, Any], ask: Ask
) -> None:
    with pytest.raises(OperationError) as refused:
        ask(kind(**parameters))
    found = changes(str(refused.value))
    assert found
    for change in found:
        ask(kind(**{**parameters, **change.parameters}))


def quoted_code(sentence: str, code: str, names: dict[str, Any]) -> Any:
    assert code in sentence
    return eval(code, {"torch": torch, "Chain": Chain, "copy": copy, **names})


def test_a_chain_of_one_step_is_written_with_a_comma() -> None:
    for given in (ops.AvgPool(2), nn.AvgPool2d(2)):
        with pytest.raises(OperationError) as refused:
            Chain(given)  # type: ignore[arg-type]
        assert quoted_code(str(refused.value), "Chain((step,))", {"step": given})(X).shape[-1] == 3


@pytest.mark.parametrize("step", [3, None, "AvgPool", torch.relu])
def test_what_is_no_step_is_replaced_by_one(step: Any) -> None:
    with pytest.raises(OperationError) as refused:
        Chain((step,))
    names = {"Upsample": ops.Upsample}
    assert Chain((quoted_code(str(refused.value), "Upsample(scale_factor=2)", names),))(X).ndim == 4


def test_a_kernel_that_is_not_finite_is_made_finite() -> None:
    kernel = torch.tensor([[float("nan"), float("inf")]])
    with pytest.raises(OperationError) as refused:
        ops.Conv(kernel)
    code = "torch.nan_to_num(kernel, 0, 1, -1)"
    assert ops.Conv(quoted_code(str(refused.value), code, {"kernel": kernel}))(X).ndim == 4


def test_indices_are_made_whole_numbers() -> None:
    values, indices = ops.MaxPool(2).with_indices(X)
    with pytest.raises(OperationError) as refused:
        ops.MaxUnpool(2)(values, indices.int())
    whole = quoted_code(str(refused.value), "indices.long()", {"indices": indices.int()})
    assert torch.equal(ops.MaxUnpool(2)(values, whole), ops.MaxUnpool(2)(values, indices))


def test_what_has_no_numbers_can_be_asked_for_its_shape() -> None:
    x, operation = X.to("meta"), ops.AvgPool(2)
    with pytest.raises(OperationError) as refused:
        operation(x)
    code = "operation.output_shape(x.shape)"
    assert quoted_code(str(refused.value), code, {"operation": operation, "x": x}) == (1, 1, 3, 3)


def test_weights_of_another_type_are_copied() -> None:
    layer = nn.Conv2d(1, 1, 3).double()
    with pytest.raises(OperationError) as refused:
        ops.from_module(layer)
    plain = quoted_code(str(refused.value), "copy.deepcopy(layer).float()", {"layer": layer})
    assert ops.from_module(plain)(X).ndim == 4
    assert layer.weight.dtype == torch.float64


@pytest.mark.parametrize("x", [X[0], X[0, 0], torch.rand(2, 5, 6, 6)], ids=["3", "2", "batch"])
def test_resizing_in_other_libraries_tells_what_picture_it_takes(x: torch.Tensor) -> None:
    method = resize_method("torch bilinear")
    with pytest.raises(OperationError) as refused:
        method.resize(x, (3, 3))
    (change,) = changes(str(refused.value))
    assert method.resize(change.of(x), (3, 3)).shape[-2:] == (3, 3)
