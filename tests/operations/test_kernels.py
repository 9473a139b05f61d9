"""Named kernels have the numbers that their names promise; own ones keep theirs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import windows
from skimage import filters

from resample_viz.operations import OperationError, Weights
from resample_viz.operations.kernels import (
    AVERAGING,
    NAMED,
    bilinear,
    gaussian,
    identity,
    laplacian,
    random,
    sharpen,
    sobel,
)

sizes = st.tuples(st.integers(1, 9), st.integers(1, 9))


@pytest.mark.parametrize("name", AVERAGING)
@given(size=sizes)
def test_an_averaging_kernel_is_positive_symmetric_and_sums_to_1(
    name: str, size: tuple[int, int]
) -> None:
    kernel = NAMED[name](size)
    assert tuple(kernel.shape) == size
    assert (kernel > 0).all()
    assert float(kernel.sum()) == pytest.approx(1, rel=1e-12)
    torch.testing.assert_close(kernel, kernel.flip(0, 1), rtol=1e-12, atol=0)


@given(st.integers(1, 9), st.integers(1, 9))
def test_the_gaussian_is_that_of_scipy_with_the_sigma_of_torchvision(h: int, w: int) -> None:
    def normalised(k: int) -> np.ndarray:
        bell = windows.gaussian(k, 0.3 * ((k - 1) * 0.5 - 1) + 0.8)
        return bell / bell.sum()

    expected = torch.from_numpy(np.outer(normalised(h), normalised(w)))
    torch.testing.assert_close(gaussian((h, w)), expected, rtol=1e-12, atol=0)


def test_the_bilinear_kernel_is_the_tent_of_transposed_convolutions() -> None:
    assert (bilinear((1, 3)) * 4).tolist() == [[1, 2, 1]]
    assert (bilinear((1, 4)) * 8).tolist() == [[1, 3, 3, 1]]
    torch.testing.assert_close(bilinear((4, 3)), bilinear((4, 1)) * bilinear((1, 3)))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_transposed_convolution_with_it_interpolates(factor: int) -> None:
    size = 2 * factor - factor % 2
    kernel = bilinear((size, size)).float()[None, None] * factor**2
    x = torch.rand(1, 1, 5, 6, generator=torch.Generator().manual_seed(3))
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    cut = factor + (factor - factor % 2) // 2
    ours = F.conv_transpose2d(padded, kernel, stride=factor, padding=cut)
    theirs = F.interpolate(x, scale_factor=factor, mode="bilinear")
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_sobel_is_the_textbooks() -> None:
    assert sobel((3, 3)).tolist() == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert sobel((2, 2)).tolist() == [[-1, 1], [-1, 1]]
    assert sobel((1, 5)).tolist() == [[-1, -2, 0, 2, 1]]
    picture = np.random.default_rng(0).random((6, 7))
    theirs = filters.sobel_v(picture)[1:-1, 1:-1]  # which is divided by 4
    ours = F.conv2d(torch.from_numpy(picture)[None, None], sobel((3, 3))[None, None])
    torch.testing.assert_close(ours[0, 0], torch.from_numpy(theirs * 4))


@given(st.integers(1, 9), st.integers(2, 9))
def test_sobel_sees_no_constant_and_is_positive_where_it_brightens(h: int, w: int) -> None:
    kernel = sobel((h, w))
    assert float(kernel.sum()) == 0
    assert float((kernel * torch.arange(w)).sum()) > 0
    assert torch.equal(kernel, kernel.flip(0)), "no difference from top to bottom"


odd = st.integers(1, 4).map(lambda n: 2 * n + 1)


def test_the_laplacian_and_the_sharpening_kernel_are_the_textbooks() -> None:
    assert laplacian((3, 3)).tolist() == [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    assert sharpen((3, 3)).tolist() == [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]


@given(odd, odd)
def test_the_laplacian_sees_curvature_only(h: int, w: int) -> None:
    kernel = laplacian((h, w))
    y, x = torch.meshgrid(torch.arange(h) - h // 2, torch.arange(w) - w // 2, indexing="ij")
    for flat in (torch.ones_like(x), x, y):
        assert float((kernel * flat).sum()) == 0
    assert float((kernel * x * x).sum()) == 2 ** (w - 2), "2, once per smoothing step"
    assert float((kernel * y * y).sum()) == 2 ** (h - 2)
    assert float(sharpen((h, w)).sum()) == 1


@given(sizes)
def test_the_identity_is_1_in_the_middle(size: tuple[int, int]) -> None:
    kernel = identity(size)
    assert kernel.nonzero().tolist() == [[(size[0] - 1) // 2, (size[1] - 1) // 2]]
    assert float(kernel.sum()) == 1


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("laplacian", (4, 3), ("'laplacian'", "odd kernel_size of 3 or more", "not (4, 3)")),
        ("sharpen", (1, 3), ("'sharpen'", "not (1, 3)", "use kernel_size=3")),
        ("sobel", (5, 1), ("'sobel'", "(5, 1) is too narrow", "use kernel_size=(5, 3)")),
    ],
)
def test_a_size_that_a_kernel_does_not_have_is_refused(
    name: str, size: tuple[int, int], words: tuple[str, ...]
) -> None:
    with pytest.raises(OperationError) as caught:
        NAMED[name](size)
    for word in words:
        assert word in str(caught.value)
    assert str(caught.value).endswith(".")


@given(st.integers(0, 99))
def test_random_weights_come_from_the_seed_alone(seed: int) -> None:
    before = torch.random.get_rng_state()
    once, again = random((2, 3, 3, 3), seed), random((2, 3, 3, 3), seed)
    assert torch.equal(once, again)
    assert not torch.equal(once, random((2, 3, 3, 3), seed + 1))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("layer", [torch.nn.Conv2d(8, 64, 5), torch.nn.ConvTranspose2d(64, 8, 5)])
def test_random_weights_vary_as_much_as_those_of_a_fresh_layer(layer: Any) -> None:
    ours = random(layer.weight.shape)
    assert float(ours.std()) == pytest.approx(float(layer.weight.detach().std()), rel=0.03)
    assert float(ours.std()) == pytest.approx(1 / math.sqrt(3 * 8 * 5 * 5), rel=0.03)


# Own kernels


@given(sizes, st.integers(0, 5))
def test_weights_are_equal_by_value(size: tuple[int, int], seed: int) -> None:
    tensor = random(size, seed)
    one, other = Weights(tensor), Weights(tensor.clone())
    assert one == other
    assert hash(one) == hash(other)
    tensor[0, 0] += 1
    assert one == other, "a change outside does not reach them"
    assert one != Weights(tensor)
    one.values[0, 0] = 7
    assert one == other, "nor one of what they gave away"


def test_weights_take_what_a_learner_has_at_hand() -> None:
    expected = Weights(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    for given_values in ([[1, 2], [3, 4]], np.array([[1, 2], [3, 4]]), [[1.0, 2.0], [3.0, 4.0]]):
        assert Weights(given_values) == expected
    layer = torch.nn.Conv2d(1, 1, 2)
    assert not Weights(layer.weight).values.requires_grad
    assert Weights([[1.0, 2.0]]) != Weights([[1.0], [2.0]]), "the shape counts"
    assert Weights([[1.0]]) != 1.0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (None, ("tensor of real numbers", "not None", "kernel='box'")),
        ([[1.0], [1.0, 2.0]], ("tensor of real numbers", "torch.ones(3, 3)")),
        (torch.ones(3, 3) * 1j, ("tensor of real numbers",)),
        (torch.ones(3), ("(kh, kw)", "shape (3,)")),
        (torch.ones(1, 3, 3), ("four axes", "shape (1, 3, 3)")),
        (torch.ones(0, 3), ("shape (0, 3)",)),
        ([[1.0, math.nan]], ("infinite or not a number", "nan_to_num")),
        ([[math.inf]], ("infinite or not a number",)),
    ],
    ids=str,
)
def test_what_is_no_kernel_is_refused(values: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(OperationError) as caught:
        Weights(values)
    for word in words:
        assert word in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_large_weights_are_shown_by_their_shape() -> None:
    assert repr(Weights([[1, 2]])) == "[[1.0, 2.0]]"
    assert repr(Weights(torch.ones(64, 3, 3, 3))) == "<own kernel (64, 3, 3, 3)>"
