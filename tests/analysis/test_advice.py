"""What the analysis suggests where it refuses is code that runs as it stands, and helps."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from resample_viz import ops
from resample_viz.analysis import linear_map, metamer, round_trip
from resample_viz.operations import OperationError

X = torch.rand(1, 1, 8, 8)
HALF = ops.AvgPool(2)
MAP = linear_map(HALF, X.shape)
NAN = torch.full((1, 1, 4, 4), float("nan"))

# what is asked, of a tensor under the name that the sentence has for it
ASKED: list[tuple[str, Any, Callable[..., Any]]] = [
    ("x", X.numpy(), MAP),
    ("x", (9 * X).int(), MAP),
    ("x", X[0], MAP),
    ("y", NAN[0] * 0, MAP.adjoint),
    ("y", NAN, MAP.pseudo_inverse),
    ("x", (255 * X).to(torch.uint8), lambda x: round_trip(HALF, x)),
    ("x", (255 * X).int(), lambda x: round_trip(HALF, x)),
    ("x", 2 * X, lambda x: metamer(HALF, x)),
]


@pytest.mark.parametrize(("name", "tensor", "ask"), ASKED)
def test_the_suggested_expression_is_taken(name: str, tensor: Any, ask: Callable[..., Any]) -> None:
    with pytest.raises(OperationError) as refused:
        ask(tensor)
    way_out = str(refused.value)[:-1].rpartition(": ")[2]
    code = re.search(rf"(torch\.\w+\({name}\)|\b{name}\b)[^ ,]*(, \d\)| / 255)?", way_out)
    assert code, way_out
    ask(eval(code[0], {"torch": torch, name: tensor}))


@pytest.mark.parametrize("wrong", [{"tolerance": 2.0}, {"limit": 0}], ids=str)
def test_the_suggested_effort_is_taken(wrong: dict[str, Any]) -> None:
    with pytest.raises(OperationError) as refused:
        MAP.pseudo_inverse(HALF(X), **wrong)
    (name,) = wrong
    value = re.search(rf"try {name}=([\w.-]+)\.$", str(refused.value))
    assert value
    MAP.pseudo_inverse(HALF(X), **{name: eval(value[1])})


def test_own_limits_are_taken() -> None:
    x = 2 * X
    with pytest.raises(OperationError, match=r"limits=\(float\(x.min\(\)\), float\(x.max\(\)\)\)"):
        metamer(HALF, x)
    metamer(HALF, x, limits=(float(x.min()), float(x.max())))


def test_layers_that_have_no_weights_get_them() -> None:
    lazy = nn.LazyConv2d(1, 3)
    with pytest.raises(OperationError, match="call it once on a tensor"):
        linear_map(lazy, X.shape)
    lazy(X)
    assert linear_map(lazy, X.shape).output_shape == (1, 1, 6, 6)


def test_a_map_of_other_sizes_is_another_map() -> None:
    x = torch.rand(1, 1, 4, 6)
    with pytest.raises(OperationError, match="call linear_map with the sizes of x"):
        MAP(x)
    assert linear_map(HALF, np.array(x.shape))(x).shape == (1, 1, 2, 3)
