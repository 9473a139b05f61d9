"""Conjugate gradients, against scipy's LSQR and against what the matrix says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import lsqr

from resample_viz.analysis import Solution, conjugate_gradients, finish


def random_matrix(rows: int, columns: int, rank: int, seed: int) -> torch.Tensor:
    """Of the given rank at most, with singular values between 0.2 and 1."""
    generator = torch.Generator().manual_seed(seed)
    left, right = (
        torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))[0]
        for n in (rows, columns)
    )
    values = 0.2 + 0.8 * torch.rand(rank, generator=generator, dtype=torch.float64)
    return left[:, :rank] * values @ right[:rank]


def solve(matrix: torch.Tensor, y: torch.Tensor, **options: float) -> Solution:
    return finish(conjugate_gradients(lambda x: matrix @ x, lambda y: matrix.T @ y, y, **options))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_the_solution_is_that_of_scipy(rows: int, columns: int, rank: int, seed: int) -> None:
    matrix = random_matrix(rows, columns, min(rows, columns, rank), seed)
    y = torch.randn(rows, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)
    solution = solve(matrix, y, tolerance=1e-9, limit=200)
    expected = lsqr(matrix.numpy(), y.numpy(), atol=1e-14, btol=1e-14, iter_lim=500)[0]
    assert solution.converged
    np.testing.assert_allclose(solution.tensor.numpy(), expected, rtol=0, atol=1e-6)
    residual = np.linalg.norm(y.numpy() - matrix.numpy() @ expected) / y.norm().item()
    assert solution.residual == pytest.approx(residual, abs=1e-6)


@given(st.floats(0.003, 0.5), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_what_is_called_converged_is_within_its_tolerance(
    weakest: float, limit: int, seed: int
) -> None:
    """Also where a direction is weak, so that the gradient is small long before."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.logspace(math.log10(weakest), 0, 20, dtype=torch.float64)
    x = torch.randn(20, generator=generator, dtype=torch.float64)
    solution = solve(values.diag(), values * x, limit=limit, tolerance=1e-2)
    if solution.converged:
        assert (solution.tensor - x).norm() <= 3e-2 * x.norm()
    else:
        assert solution.iterations == limit
        assert solution.error > 1e-2


def test_a_small_gradient_is_not_yet_a_small_error() -> None:
    values = torch.linspace(1e-3, 1, 200, dtype=torch.float64)
    x = torch.ones(200, dtype=torch.float64)
    solution = solve(values.diag(), values * x, limit=60)
    gradient = values * (values * x - values * solution.tensor)
    assert gradient.norm() < 1e-3 * (values * values * x).norm()
    assert (solution.tensor - x).norm() > 1e-2 * x.norm()
    assert not solution.converged


def test_what_nothing_explains_gives_nothing() -> None:
    matrix = torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    solution = solve(matrix, torch.tensor([0.0, 3.0], dtype=torch.float64))
    assert solution.tensor.tolist() == [0.0, 0.0]
    assert (solution.converged, solution.iterations, solution.residual) == (True, 0, 1.0)
    nothing = solve(matrix, torch.zeros(2, dtype=torch.float64))
    assert (nothing.converged, nothing.residual) == (True, 0.0)


def test_what_only_rounding_explains_ends_at_once() -> None:
    matrix = random_matrix(30, 10, 10, seed=0)
    y = torch.randn(30, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y -= matrix @ torch.linalg.pinv(matrix) @ y
    solution = solve(matrix, y)
    assert solution.converged
    assert solution.iterations < 20
    assert solution.tensor.abs().max() < 1e-12


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_very_large_and_very_small_numbers_neither_overflow_nor_vanish(scale: float) -> None:
    matrix = random_matrix(8, 5, 5, seed=2)
    x = torch.linspace(-1, 1, 5, dtype=torch.float64)
    solution = solve(matrix, matrix @ x * scale, tolerance=1e-9)
    assert solution.converged
    torch.testing.assert_close(solution.tensor / scale, x)


def test_rounding_in_a_direction_that_the_map_does_not_see_ends_it() -> None:
    y = torch.ones(3, dtype=torch.float64)
    solution = finish(conjugate_gradients(torch.zeros_like, lambda y: 1e-17 * y, y))
    assert solution.converged
    assert solution.tensor.tolist() == [0.0, 0.0, 0.0]


def test_an_exact_solution_ends_it_at_any_iteration() -> None:
    for rank in range(1, 25):
        values = torch.arange(1.0, rank + 1, dtype=torch.float64)
        solution = solve(values.diag(), values, tolerance=1e-13, limit=2000)
        assert solution.converged
        torch.testing.assert_close(solution.tensor, torch.ones_like(values))
