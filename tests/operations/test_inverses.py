"""Pseudo-inverses, also of matrices on which LAPACK's fast driver gives up."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from resample_viz.analysis import linear_map
from resample_viz.operations import Conv
from resample_viz.operations.inverses import pseudo_inverse


def giving_up(*_: Any, **__: Any) -> Any:
    raise torch.linalg.LinAlgError("linalg.svd: The algorithm failed to converge")


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 4), st.integers(0, 99))
def test_the_slow_driver_gives_the_same_inverse(
    rows: int, columns: int, lost: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    matrix[: min(lost, rows - 1)] = 0
    expected = torch.linalg.pinv(matrix, rtol=1e-6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.linalg, "pinv", giving_up)
        found = pseudo_inverse(matrix)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_map_with_many_equal_singular_values_has_its_inverse(threads: int) -> None:
    """With two threads torch.linalg.svd gave up on this one (torch 2.13)."""
    operation = Conv("ones", 2, padding=1, padding_mode="circular", dilation=4)
    x = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.set_num_threads(threads)
    linear = linear_map(operation, x.shape)
    back = linear.pseudo_inverse(operation(x), by_matrix=True)
    torch.set_num_threads(1)
    torch.testing.assert_close(operation(back), operation(x))
    assert float(back.norm()) < float(x.norm())
