"""Products with a Jacobian are those of torch.func, without what its first call imports."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.compat import has_lanczos
from resample_viz.operations import OperationError
from resample_viz.operations.jacobian import jacobian_vector, vector_jacobian


def curved(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2).sin() * x.mean() + F.max_pool2d(x, 2)


def test_both_products_are_those_of_torch_func() -> None:
    generator = torch.Generator().manual_seed(0)
    x, v = torch.rand(2, 1, 2, 6, 8, generator=generator)
    y = torch.rand(1, 2, 3, 4, generator=generator)
    torch.testing.assert_close(vector_jacobian(curved, x, y), torch.func.vjp(curved, x)[1](y)[0])
    torch.testing.assert_close(jacobian_vector(curved, x, v), torch.func.jvp(curved, (x,), (v,))[1])


def test_a_constant_has_no_slope() -> None:
    x = torch.rand(3)
    assert torch.equal(vector_jacobian(torch.ones_like, x, x), torch.zeros(3))
    assert torch.equal(jacobian_vector(torch.ones_like, x, x), torch.zeros(3))


def test_nothing_is_left_on_the_tensors() -> None:
    x = torch.rand(4, requires_grad=True)
    gradient = vector_jacobian(torch.exp, x, torch.ones(4))
    assert x.grad is None
    assert not gradient.requires_grad


def test_a_result_of_another_shape_is_refused_and_not_broadcast() -> None:
    with pytest.raises(OperationError, match=r"y has shape \(1,\), but .* becomes \(4,\)"):
        vector_jacobian(torch.exp, torch.rand(4), torch.ones(1))


def test_neither_sympy_nor_the_compiler_is_imported() -> None:
    code = """
import sys, torch
import resample_viz as rv
blur = rv.Conv(kernel="gaussian")
blur.adjoint((1, 1, 8, 8))(torch.rand(1, 1, 6, 6))
footprint = rv.Chain((blur, rv.MaxPool(2))).footprint_at(torch.rand(1, 1, 8, 8))
footprint.sources((0, 1, 1)), footprint.targets((0, 4, 4))
print(*(name for name in ("torch._dynamo", "sympy") if name in sys.modules))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # Before 2.12, torch imports sympy for forward derivatives.
    assert set(ran.stdout.split()) <= (set() if has_lanczos() else {"sympy"})
