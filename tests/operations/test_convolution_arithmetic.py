"""Every numbered relationship of Dumoulin and Visin, against PyTorch.

V. Dumoulin, F. Visin, A guide to convolution arithmetic for deep learning, arXiv 1603.07285.
Their letters: input size i, kernel k, stride s, zero padding p, output o; a transposed convolution
takes i' to o'. Each relationship is a property over random whole numbers: PyTorch gives the size,
and our `output_shape` must know it.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, example, given
from hypothesis import strategies as st
from torch import Tensor, nn

from resample_viz.operations import Conv, ConvTranspose

inputs = st.integers(1, 20)
kernels = st.integers(1, 6)
strides = st.integers(1, 5)
paddings = st.integers(0, 6)


def convolved(i: int, k: int, **options: int) -> int:
    """The output size that PyTorch computes, on which our formula must agree."""
    conv = Conv(kernel="box", kernel_size=k, **options)
    size = nn.Conv2d(1, 1, k, **options)(torch.zeros(1, 1, i, i)).shape[-1]
    assert conv.output_shape((1, 1, i, i)) == (1, 1, size, size)
    return size


def transposed(i: int, k: int, **options: int) -> int:
    """The same for a transposed convolution."""
    options = {"stride": 1, **options}
    layer = ConvTranspose(kernel="box", kernel_size=k, **options)
    size = nn.ConvTranspose2d(1, 1, k, **options)(torch.zeros(1, 1, i, i)).shape[-1]
    assert layer.output_shape((1, 1, i, i)) == (1, 1, size, size)
    return size


def conv_of(i: int, k: int, **options: int) -> tuple[Conv, Tensor]:
    """A convolution with random weights, and the output that it makes of a random input."""
    conv = Conv(kernel="random", kernel_size=k, **options)
    x = torch.rand(1, 1, i, i, generator=torch.Generator().manual_seed(0))
    return conv, conv(x)


def assert_direct_convolution_is_the_transpose(
    conv: Conv, y: Tensor, i: int, padding: int, a: int = 0
) -> None:
    """The paper's equivalent direct convolution: flipped kernel, stretched input, stride 1.

    Where the paper's p' = k - p - 1 is negative, cells are cut off (F.pad does so).
    """
    s = conv.stride
    assert isinstance(s, int)
    n = y.shape[-1]
    stretched = torch.zeros(1, 1, s * (n - 1) + 1, s * (n - 1) + 1)
    stretched[..., ::s, ::s] = y
    padded = F.pad(F.pad(stretched, (0, a, 0, a)), (padding,) * 4)  # F.pad adds or cuts, not both
    direct = F.conv2d(padded, conv.weight.flip(-2, -1))
    ours = conv.transposed((1, 1, i, i))
    assert direct.shape[-1] == i
    torch.testing.assert_close(direct, ours(y), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(direct, conv.adjoint((1, 1, i, i))(y), rtol=1e-4, atol=1e-5)
    if padding >= 0:
        torch.testing.assert_close(ours.stretched(y), padded, rtol=0, atol=0)


# Convolution


@given(inputs, kernels)
def test_relationship_1_no_padding_unit_strides(i: int, k: int) -> None:
    assume(k <= i)
    assert convolved(i, k) == (i - k) + 1


@given(inputs, kernels, paddings)
def test_relationship_2_padding_unit_strides(i: int, k: int, p: int) -> None:
    assume(k <= i + 2 * p)
    assert convolved(i, k, padding=p) == (i - k) + 2 * p + 1


@given(inputs, st.integers(0, 4))
def test_relationship_3_half_padding(i: int, n: int) -> None:
    k = 2 * n + 1
    assert convolved(i, k, padding=k // 2) == i
    assert Conv(kernel_size=k, padding="same").padding_of((1, 1, i, i)) == (n, n, n, n)


@given(inputs, kernels)
def test_relationship_4_full_padding(i: int, k: int) -> None:
    assert convolved(i, k, padding=k - 1) == i + (k - 1)


@given(inputs, kernels, strides)
def test_relationship_5_no_padding_any_stride(i: int, k: int, s: int) -> None:
    assume(k <= i)
    assert convolved(i, k, stride=s) == (i - k) // s + 1


@given(inputs, kernels, strides, paddings)
def test_relationship_6_padding_any_stride(i: int, k: int, s: int, p: int) -> None:
    assume(k <= i + 2 * p)
    assert convolved(i, k, stride=s, padding=p) == (i + 2 * p - k) // s + 1


@given(inputs, kernels, strides, paddings, st.integers(0, 4))
def test_relationship_6_one_output_size_has_as_many_input_sizes_as_the_stride(
    i: int, k: int, s: int, p: int, a: int
) -> None:
    assume(k <= i + 2 * p and (i + 2 * p - k) % s == 0)
    same = convolved(i + a, k, stride=s, padding=p) == convolved(i, k, stride=s, padding=p)
    assert same == (a < s)


@given(inputs, kernels, strides)
def test_relationship_7_pooling(i: int, k: int, s: int) -> None:
    assume(k <= i)
    x = torch.zeros(1, 1, i, i)
    for pool in (nn.MaxPool2d(k, s), nn.AvgPool2d(k, s)):
        assert pool(x).shape[-1] == (i - k) // s + 1


# Transposed convolution


@given(inputs, kernels)
def test_relationship_8_transposed_no_padding_unit_strides(i: int, k: int) -> None:
    assume(k <= i)
    conv, y = conv_of(i, k)
    assert transposed(y.shape[-1], k) == y.shape[-1] + (k - 1)
    assert_direct_convolution_is_the_transpose(conv, y, i, padding=k - 1)


@given(inputs, kernels, paddings)
def test_relationship_9_transposed_padding_unit_strides(i: int, k: int, p: int) -> None:
    assume(k <= i + 2 * p)
    conv, y = conv_of(i, k, padding=p)
    assert transposed(y.shape[-1], k, padding=p) == y.shape[-1] + (k - 1) - 2 * p
    assert_direct_convolution_is_the_transpose(conv, y, i, padding=k - p - 1)


@given(inputs, st.integers(0, 4))
def test_relationship_10_transposed_half_padding(i: int, n: int) -> None:
    k = 2 * n + 1
    conv, y = conv_of(i, k, padding=n)
    assert transposed(y.shape[-1], k, padding=n) == y.shape[-1] == i
    assert_direct_convolution_is_the_transpose(conv, y, i, padding=n)


@given(inputs, kernels)
def test_relationship_11_transposed_full_padding(i: int, k: int) -> None:
    conv, y = conv_of(i, k, padding=k - 1)
    assert transposed(y.shape[-1], k, padding=k - 1) == y.shape[-1] - (k - 1)
    assert_direct_convolution_is_the_transpose(conv, y, i, padding=0)


@given(inputs, kernels, strides)
def test_relationship_12_transposed_no_padding_any_stride(i: int, k: int, s: int) -> None:
    assume(k <= i and (i - k) % s == 0)
    conv, y = conv_of(i, k, stride=s)
    assert transposed(y.shape[-1], k, stride=s) == s * (y.shape[-1] - 1) + k
    assert_direct_convolution_is_the_transpose(conv, y, i, padding=k - 1)


@given(inputs, kernels, strides, paddings)
def test_relationship_13_transposed_padding_any_stride(i: int, k: int, s: int, p: int) -> None:
    assume(k <= i + 2 * p and (i + 2 * p - k) % s == 0)
    conv, y = conv_of(i, k, stride=s, padding=p)
    assert transposed(y.shape[-1], k, stride=s, padding=p) == s * (y.shape[-1] - 1) + k - 2 * p
    assert_direct_convolution_is_the_transpose(conv, y, i, padding=k - p - 1)


@given(inputs, kernels, strides, paddings)
@example(1, 1, 5, 2)
def test_relationship_14_transposed_of_a_convolution_that_leaves_cells_out(
    i: int, k: int, s: int, p: int
) -> None:
    assume(k <= i + 2 * p)
    conv, y = conv_of(i, k, stride=s, padding=p)
    a = (i + 2 * p - k) % s
    size = transposed(y.shape[-1], k, stride=s, padding=p, output_padding=a)
    assert size == s * (y.shape[-1] - 1) + a + k - 2 * p == i
    assert conv.transposed((1, 1, i, i)).output_padding == a
    assert_direct_convolution_is_the_transpose(conv, y, i, padding=k - p - 1, a=a)


@given(inputs, kernels, strides, paddings, st.integers(1, 4))
def test_relationship_15_dilation(i: int, k: int, s: int, p: int, d: int) -> None:
    effective = k + (k - 1) * (d - 1)
    assume(effective <= i + 2 * p)
    assert Conv(kernel="box", kernel_size=k, dilation=d).window == (effective, effective)
    size = convolved(i, k, stride=s, padding=p, dilation=d)
    assert size == (i + 2 * p - k - (k - 1) * (d - 1)) // s + 1


# The figures


@pytest.mark.parametrize(
    ("figure", "i", "options", "o"),
    [
        ("no padding, unit strides", 4, {"kernel_size": 3}, 2),
        ("arbitrary padding, unit strides", 5, {"kernel_size": 4, "padding": 2}, 6),
        ("half padding, unit strides", 5, {"kernel_size": 3, "padding": 1}, 5),
        ("full padding, unit strides", 5, {"kernel_size": 3, "padding": 2}, 7),
        ("no padding, strides", 5, {"kernel_size": 3, "stride": 2}, 2),
        ("padding and strides", 5, {"kernel_size": 3, "stride": 2, "padding": 1}, 3),
        ("padding and strides, odd", 6, {"kernel_size": 3, "stride": 2, "padding": 1}, 3),
        ("dilation", 7, {"kernel_size": 3, "dilation": 2}, 3),
    ],
)
def test_the_figures_of_convolutions_and_of_their_transposes(
    figure: str, i: int, options: dict[str, Any], o: int
) -> None:
    conv = Conv(kernel="random", **options)
    x = torch.rand(1, 1, i, i, generator=torch.Generator().manual_seed(0))
    assert conv(x).shape[-1] == o
    back = conv.transposed(x.shape)
    assert back(conv(x)).shape == x.shape, "every figure has its transposed twin"
    torch.testing.assert_close(back.as_convolution()(back.stretched(conv(x))), back(conv(x)))


@pytest.mark.parametrize(
    ("figure", "i", "options", "stretched", "before", "after"),
    [
        ("no padding, unit strides", 2, {"kernel_size": 3}, 2, 2, 2),
        ("arbitrary padding, unit strides", 6, {"kernel_size": 4, "padding": 2}, 6, 1, 1),
        ("half padding, unit strides", 5, {"kernel_size": 3, "padding": 1}, 5, 1, 1),
        ("full padding, unit strides", 7, {"kernel_size": 3, "padding": 2}, 7, 0, 0),
        ("no padding, strides", 2, {"kernel_size": 3, "stride": 2}, 3, 2, 2),
        ("padding and strides", 3, {"kernel_size": 3, "stride": 2, "padding": 1}, 5, 1, 1),
        (
            "padding and strides, odd",
            3,
            {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
            5,
            1,
            2,
        ),
    ],
)
def test_the_figures_of_stretched_inputs(
    figure: str, i: int, options: dict[str, Any], stretched: int, before: int, after: int
) -> None:
    layer = ConvTranspose(**{"kernel": "box", "stride": 1, **options})
    grid = layer.stretched(torch.ones(1, 1, i, i))[0, 0]
    filled = grid.any(0).nonzero().flatten()
    assert int(filled[0]) == before
    assert len(grid) - 1 - int(filled[-1]) == after
    assert int(filled[-1] - filled[0]) + 1 == stretched
    assert grid.sum() == i * i


def test_the_odd_figure_leaves_the_last_row_and_column_of_the_padding_unread() -> None:
    conv = Conv(kernel="box", stride=2, padding=1)
    assert conv.unread((1, 1, 6, 6)) == ([], []), "only padding is left out"
    assert conv.pad(torch.ones(1, 1, 6, 6)).shape[-1] == 8
    assert conv.unpadded().unread((1, 1, 8, 8)) == ([7], [7])


def test_the_alternative_view_of_strides_keeps_one_in_s_of_all_outputs() -> None:
    x = torch.rand(1, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    every = Conv(kernel="random")(x)
    torch.testing.assert_close(every[..., ::2, ::2], Conv(kernel="random", stride=2)(x))


def test_the_convolution_as_a_matrix_has_the_weights_where_the_paper_has_them() -> None:
    conv = Conv(kernel=torch.arange(1.0, 10.0).view(3, 3))
    matrix = conv(torch.eye(16).view(16, 1, 4, 4)).flatten(1).T
    assert matrix.tolist() == [
        [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0],
        [0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0],
        [0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0],
        [0, 0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9],
    ]
    back = conv.transposed((1, 1, 4, 4))(torch.eye(4).view(4, 1, 2, 2)).flatten(1).T
    assert torch.equal(back, matrix.T)
