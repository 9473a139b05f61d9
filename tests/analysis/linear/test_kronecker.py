"""One matrix per axis: found where it is there, refused where it is not, and inverted."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, event, given
from hypothesis import strategies as st
from torch import Tensor

from resample_viz.analysis import LinearMap, finish, linear_map
from resample_viz.analysis.linear.kronecker import Kronecker, find_factors
from resample_viz.operations import (
    AvgPool,
    Chain,
    Conv,
    Normalize,
    Operation,
    PixelUnshuffle,
    Upsample,
)

SIZES = st.tuples(*[st.integers(1, 6)] * 2)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def factors_of(linear: LinearMap) -> Kronecker | None:
    return finish(find_factors(linear._forward, linear.input_shape, linear.output_shape))


@given(st.lists(SIZES, min_size=2, max_size=3), st.integers(0, 10**6))
def test_a_product_of_any_matrices_is_taken_apart(sizes: list[tuple[int, int]], seed: int) -> None:
    """Rows, columns, depths and channels of all sizes: also 1, more outputs, or fewer."""
    matrices = [normal(out, n, seed=seed + i) for i, (out, n) in enumerate(sizes)]
    whole = matrices[0]
    for matrix in matrices[1:]:
        whole = torch.kron(whole, matrix)
    outputs, inputs = ((1, *(size[i] for size in sizes)) for i in (0, 1))
    found = finish(
        find_factors(lambda x: (x.flatten(1) @ whole.T).view(-1, *outputs[1:]), inputs, outputs)
    )
    assert found is not None
    x, y = normal(2, *inputs[1:], seed=seed), normal(2, *outputs[1:], seed=seed)
    torch.testing.assert_close(found(x).flatten(1), x.flatten(1) @ whole.T)
    values = torch.linalg.svdvals(whole)
    counted = found.singular_values()
    torch.testing.assert_close(counted, values[: len(counted)])
    assert float(values[len(counted) :].sum()) < 1e-9 * float(values[0])  # wide times tall
    assume(float(values[values > 1e-9 * values[0]][-1]) > 1e-5 * float(values[0]))
    back = found.pseudo_inverse(y, 1e-9).flatten(1)
    torch.testing.assert_close(back, y.flatten(1) @ torch.linalg.pinv(whole, rtol=1e-9).T)


def test_the_tolerance_is_one_on_products_of_singular_values() -> None:
    """1e-4 x 1e-4 is 1e-8: either axis alone would pass a limit of 1e-6."""
    axis = torch.diag(torch.tensor([1.0, 1e-4], dtype=torch.float64))
    found = Kronecker((torch.ones(1, 1, 1, dtype=torch.float64), axis[None], axis[None]))
    back = found.pseudo_inverse(torch.ones(1, 1, 2, 2, dtype=torch.float64), 1e-6)
    torch.testing.assert_close(back, torch.tensor([[[[1, 1e4], [1e4, 0]]]], dtype=torch.float64))


@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.integers(0, 10**6))
def test_kernels_of_every_channel_may_differ(
    channels: int, height: int, width: int, seed: int
) -> None:
    kernel = normal(channels, 1, 3, 1, seed=seed) * normal(channels, 1, 1, 3, seed=seed + 1)
    conv = Conv(kernel=kernel.float(), padding=1, groups=channels)
    linear = linear_map(conv, (1, channels, height, width))
    found = factors_of(linear)
    assert found is not None
    values = torch.linalg.svdvals(linear.matrix())
    gap = (found.singular_values() - values).abs().max()
    assert float(gap) < 1e-4 * float(values[0])  # the weights are products up to float32
    x = normal(2, channels, height, width)
    torch.testing.assert_close(found(x), linear(x), rtol=0, atol=1e-5 * float(values[0]))


@pytest.mark.parametrize(
    ("operation", "is_product"),
    [
        (Conv(kernel="gaussian", kernel_size=5, padding=2), True),
        (Conv(kernel="box", stride=2, padding=1), True),
        (AvgPool(3, 1, 1), True),
        (Upsample(scale_factor=1.7, mode="bicubic"), True),
        (Chain((Normalize(0.4, 0.3), Conv(padding=1), AvgPool(2))), True),
        (Conv(kernel="random", padding=1), False),
        (PixelUnshuffle(2), False),
        (Conv(kernel=torch.zeros(3, 3), padding=1), False),
        (Chain((Conv(padding=1), Conv(kernel="random", padding=1))), False),
    ],
    ids=repr,
)
def test_only_what_is_a_product_is_taken_for_one(operation: Operation, is_product: bool) -> None:
    linear = linear_map(operation, (1, 1, 12, 10))
    assert (factors_of(linear) is not None) == is_product


def small_change(weight: float) -> Operation:
    kernel = torch.outer(*(torch.tensor([1.0, 2.0, 1.0]) for _ in range(2)))
    kernel[0, 2] += weight
    return Conv(kernel=kernel / 16, padding=1)


def test_a_kernel_that_is_nearly_a_product_is_none() -> None:
    shape = (1, 1, 16, 16)
    assert factors_of(linear_map(small_change(1e-7), shape)) is not None
    assert factors_of(linear_map(small_change(1e-2), shape)) is None


@given(st.integers(4, 16), st.sampled_from(["box", "gaussian", "bilinear"]))
def test_rank_and_condition_are_those_of_the_matrix(n: int, kernel: str) -> None:
    """Box blurs are singular where 3 divides n + 1."""
    linear = linear_map(Conv(kernel=kernel, padding=1), (1, 1, n, n))
    found = factors_of(linear)
    assert found is not None
    spectrum = linear._spectrum_of(found.singular_values(), linear._tolerance_of(found))
    values = torch.linalg.svdvals(linear.matrix())
    kept = values[values > 1e-9 * values[0]]
    assert spectrum.rank == len(kept)
    assert spectrum.condition == pytest.approx(float(kept[0] / kept[-1]), rel=1e-2)
    event(f"something is lost: {spectrum.lost > 0}")
    if kernel == "box":
        assert (spectrum.lost > 0) == (n % 3 == 2)
        assert spectrum.rank == ((n - 1) ** 2 if n % 3 == 2 else n * n)


def test_few_pictures_are_enough() -> None:
    linear = linear_map(Conv(padding=1), (1, 1, 256, 256))
    pictures = []

    def counting(x: Tensor) -> Tensor:
        pictures.append(len(x))
        return linear._forward(x)

    assert finish(find_factors(counting, linear.input_shape, linear.output_shape)) is not None
    assert sum(pictures) < 8 * math.log2(256)
