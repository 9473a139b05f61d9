"""The data that ships or is generated: ranges, seeds, exact masks, and no network."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from resample_viz import datasets
from resample_viz.analysis import edge_band
from resample_viz.datasets import (
    CLASSES,
    TEST_PHOTOGRAPHS,
    TRAINING_PHOTOGRAPHS,
    VALIDATION_PHOTOGRAPH,
    coins,
    digits,
    downscale,
    faces,
    horse,
    luminance,
    other_patches,
    shapes,
    small_and_large,
)
from resample_viz.datasets.luminance import SIDES
from resample_viz.datasets.shapes import outline, textured
from resample_viz.images import ImageError, photograph

SIZES = st.integers(16, 40)

DATA: dict[str, Callable[[], Tensor]] = {
    "digits": digits,
    "faces": faces,
    "other patches": other_patches,
    "shapes": lambda: shapes(20)[0],
    "horse": lambda: horse()[0],
    "coins": lambda: coins()[0],
    "luminance": lambda: small_and_large("astronaut", 3)[1],
}


@pytest.mark.parametrize("name", DATA)
def test_values_lie_from_0_to_1_and_use_that_range(name: str) -> None:
    pictures = DATA[name]()
    assert pictures.dtype == torch.float32
    assert pictures.ndim == 4
    assert pictures.isfinite().all()
    assert 0 <= pictures.min() < 0.15
    assert 0.85 < pictures.max() <= 1


@pytest.mark.parametrize("name", DATA)
def test_the_same_call_gives_the_same_pictures_of_the_callers_own(name: str) -> None:
    first = DATA[name]()
    kept = first.clone()
    first.zero_()
    assert torch.equal(DATA[name](), kept)


@pytest.mark.parametrize("name", DATA)
def test_nothing_asks_a_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("no network, please")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    DATA[name]()


def test_no_random_numbers_are_taken_from_the_caller() -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    for data in DATA.values():
        data()
    assert torch.equal(torch.rand(1), expected)


# Digits and faces


def test_the_digits_are_scikit_learns_in_another_order() -> None:
    from sklearn.datasets import load_digits

    ours, theirs = digits(), torch.tensor(load_digits().images).float() / 16
    assert ours.shape == (1797, 1, 8, 8)
    assert not torch.equal(ours[:, 0], theirs)
    assert sorted(ours.flatten(1).tolist()) == sorted(theirs.flatten(1).tolist())


def test_without_scikit_learn_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[digits.__module__]  # the package's name `digits` is the function
    monkeypatch.setattr(module, "LOAD", "import no_such_library")
    module._levels.cache_clear()
    with pytest.raises(
        ImageError, match=r"ship inside scikit-learn, so install or reinstall it\.$"
    ):
        digits()


def test_digits_do_not_import_scikit_learn() -> None:
    program = (
        "import sys; from resample_viz.datasets import digits; digits(); "
        "assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_no_class_of_digits_is_missing_from_the_last_tenth() -> None:
    from sklearn.datasets import load_digits

    order = torch.randperm(1797, generator=torch.Generator().manual_seed(0))
    assert torch.equal(digits()[:, 0], torch.tensor(load_digits().images)[order].float() / 16)
    labels = torch.tensor(load_digits().target)[order][-179:]
    assert labels.bincount().min() >= 10


def test_faces_are_those_of_scikit_image_without_a_row_and_a_column() -> None:
    from skimage.data import lfw_subset

    theirs = torch.tensor(lfw_subset())
    assert faces().shape == other_patches().shape == (100, 1, 24, 24)
    assert torch.equal(torch.cat([faces(), other_patches()])[:, 0], theirs[:, :24, :24].float())


# Generated shapes


@settings(max_examples=15)
@given(st.integers(0, 5), SIZES, st.integers(0, 2**31), st.floats(0, 0.5))
def test_shapes_have_the_size_asked_for_and_follow_from_the_seed(
    count: int, size: int, seed: int, noise: float
) -> None:
    pictures, masks = shapes(count, size, seed=seed, noise=noise)
    assert pictures.shape == (count, 3, size, size)
    assert masks.shape == (count, size, size)
    assert masks.dtype == torch.int64
    again = shapes(count, size, seed=seed, noise=noise)
    assert torch.equal(pictures, again[0])
    assert torch.equal(masks, again[1])
    if count:
        assert not torch.equal(pictures, shapes(count, size, seed=seed + 1, noise=noise)[0])
        assert masks.max() < len(CLASSES)


@settings(max_examples=10)
@given(SIZES, st.integers(0, 2**31))
def test_masks_are_exact_and_know_what_is_in_front(size: int, seed: int) -> None:
    """Drawn once more, back to front; every pixel of the mask has the pattern that it names."""
    pictures, masks = shapes(3, size, seed=seed, noise=0)
    random = torch.Generator().manual_seed(seed)
    for picture, mask in zip(pictures, masks):
        layers = [(torch.ones(size, size, dtype=torch.bool), 0, textured(0, size, random))]
        for _ in range(int(torch.randint(1, 5, (), generator=random))):
            number = int(torch.randint(1, 4, (), generator=random))
            layers.append((outline(number, size, random), number, textured(number, size, random)))
        for row in range(size):
            for col in range(size):
                _, number, pattern = [layer for layer in layers if layer[0][row, col]][-1]
                assert mask[row, col] == number
                assert torch.equal(picture[:, row, col], pattern[:, row, col])


def test_shapes_overlap_often_enough() -> None:
    random = torch.Generator().manual_seed(0)
    overlaps = sum(
        bool((outline(1, 48, random) & outline(2, 48, random)).any()) for _ in range(100)
    )
    assert overlaps > 15


def test_shapes_have_the_form_that_their_class_names() -> None:
    random = torch.Generator().manual_seed(0)
    for number in (1, 2, 3):
        inside = next(
            found
            for found in (outline(number, 400, random) for _ in range(100))
            if not (found[0].any() or found[-1].any() or found[:, 0].any() or found[:, -1].any())
        )
        y, x = (axis.double() for axis in inside.nonzero(as_tuple=True))
        farthest = ((y - y.mean()).square() + (x - x.mean()).square()).max().sqrt()
        filled = inside.sum() / (torch.pi * farthest**2)
        # A disc fills its circle; an inscribed square 2/π of it, a triangle 3√3/4π.
        assert float(filled) == pytest.approx((1, 2 / torch.pi, 0.4135)[number - 1], rel=0.05)


def test_noise_is_a_standard_deviation() -> None:
    clean, _ = shapes(40, seed=3, noise=0)
    for noise in (0.02, 0.1):
        noisy, masks = shapes(40, seed=3, noise=noise)
        assert torch.equal(masks, shapes(40, seed=3, noise=0)[1])
        inside = (clean > 0.4) & (clean < 0.6)  # where nothing is clipped
        assert (noisy - clean)[inside].std().item() == pytest.approx(noise, rel=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_no_class_is_rare(seed: int) -> None:
    _, masks = shapes(60, seed=seed)
    shares = masks.flatten().bincount(minlength=4) / masks.numel()
    assert shares[1:].min() > 0.03
    assert 0.5 < shares[0] < 0.9
    with_class = [(masks == number).flatten(1).any(1).double().mean() for number in (1, 2, 3)]
    assert min(with_class) > 0.35


@pytest.mark.parametrize(
    "arguments",
    [(-1,), (2, 15), (2, 0), (2.0,), (2, 48.0), (True,), ("2",)],
    ids=str,
)
def test_shapes_that_cannot_be_drawn_are_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"whole count of 0 or more.*try size=48.*\.$"):
        shapes(*arguments)


@pytest.mark.parametrize("noise", [-0.1, float("nan"), float("inf")])
def test_impossible_noise_is_refused(noise: float) -> None:
    for make in (lambda: shapes(1, noise=noise), lambda: horse(noise=noise)):
        with pytest.raises(ValueError, match=r"a noise of 0 or more"):
            make()


def test_more_than_fits_is_refused_before_it_is_made() -> None:
    with pytest.raises(ValueError, match=r"would take 46\.1 GB: ask for fewer"):
        shapes(1_000_000)


# Real outlines


@pytest.mark.parametrize("size", [16, 48, 96])
def test_the_horse_has_three_fillings(size: int) -> None:
    pictures, masks = horse(size)
    assert pictures.shape == (3, 3, size, size)
    assert [mask.unique().tolist() for mask in masks] == [[0, 1], [0, 2], [0, 3]]
    assert torch.equal(masks[0] > 0, masks[2] > 0)
    assert 0.15 < float((masks > 0).double().mean()) < 0.5


def test_the_horse_is_scikit_images() -> None:
    from skimage.data import horse as theirs
    from skimage.transform import resize

    small = torch.tensor(resize(~theirs(), (48, 48), anti_aliasing=False, order=0))
    wrong = (horse(48)[1][0] > 0) != small.bool()
    assert not (wrong & ~edge_band(small, 2)).any(), "it differs at most along the edge"


def test_the_horse_follows_from_its_seed() -> None:
    assert torch.equal(horse(seed=1)[0], horse(seed=1)[0])
    assert not torch.equal(horse(seed=1)[0], horse(seed=2)[0])


def test_coins_are_found() -> None:
    from scipy import ndimage

    picture, mask = coins(128)
    assert picture.shape == (1, 3, 128, 128)
    assert mask.shape == (1, 128, 128)
    assert mask.unique().tolist() == [0, 1]
    assert torch.equal(picture[:, 0], picture[:, 2])
    _labels, count = ndimage.label(mask[0].numpy())
    assert 12 <= count <= 30, "24 coins, some of them cut by the border"
    assert picture[:, 0][mask == 1].mean() > picture[:, 0][mask == 0].mean() + 0.15


@pytest.mark.parametrize("make", [horse, coins])
@pytest.mark.parametrize("size", [0, 1, 15, -3, 20.5])
def test_outlines_refuse_sizes_that_show_nothing(make: Any, size: Any) -> None:
    with pytest.raises(ValueError, match=r"size of 16 or more"):
        make(size)


# Luminance


def test_luminance_is_the_y_of_scikit_image() -> None:
    from skimage.color import rgb2ycbcr

    x = torch.rand(2, 3, 9, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theirs = torch.tensor(rgb2ycbcr(x.movedim(1, -1).numpy()))[..., 0] / 255
    assert torch.allclose(luminance(x)[:, 0], theirs, atol=1e-12)
    assert luminance(torch.zeros(1, 3, 1, 1)).item() == pytest.approx(16 / 255)
    assert luminance(torch.ones(1, 3, 1, 1)).item() == pytest.approx(235 / 255)


def test_grey_stays_as_it_is() -> None:
    x = torch.rand(2, 1, 4, 4)
    assert torch.equal(luminance(x), x)


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_luminance_needs_a_colour(channels: int) -> None:
    with pytest.raises(ImageError, match=rf"has {channels} channels: take x\[:, :3\].*\.$"):
        luminance(torch.rand(1, channels, 4, 4))


def test_no_photograph_is_trained_on_and_tested() -> None:
    names = [*TRAINING_PHOTOGRAPHS, VALIDATION_PHOTOGRAPH, *TEST_PHOTOGRAPHS]
    assert sorted(names) == sorted(SIDES)


@pytest.mark.parametrize("name", SIDES)
def test_photographs_are_taken_at_the_size_of_their_files(name: str) -> None:
    from skimage import data

    theirs = np.asarray(getattr(data, name)())
    side = SIDES[name]
    assert min(theirs.shape[:2]) == side
    top, left = ((size - side) // 2 for size in theirs.shape[:2])
    square = torch.tensor(theirs[top : top + side, left : left + side].copy()).reshape(
        side, side, -1
    )
    assert torch.equal(photograph(name, side)[0].mul(255).round().byte(), square.movedim(-1, 0))


@settings(max_examples=20)
@given(st.integers(1, 6), st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 3]))
def test_a_pair_has_its_factor_whatever_the_size(
    factor: int, height: int, width: int, channels: int
) -> None:
    x = torch.rand(1, channels, height, width)
    if min(height, width) < factor:
        with pytest.raises(ImageError, match=r"has no pixel left at 1/.*larger picture\.$"):
            small_and_large(x, factor)
        return
    small, large = small_and_large(x, factor)
    assert small.shape == (1, 1, height // factor, width // factor)
    assert large.shape == (1, 1, height // factor * factor, width // factor * factor)
    assert torch.equal(large, luminance(x)[..., : large.shape[2], : large.shape[3]])
    assert small.min() >= 0
    assert small.max() <= 1


def test_shrunk_keeps_the_mean_and_removes_what_would_alias() -> None:
    checks = (torch.arange(24) + torch.arange(24)[:, None]).remainder(2).float()[None, None]
    assert torch.allclose(downscale(checks, 2), torch.full((1, 1, 12, 12), 0.5), atol=0.06)
    with pytest.raises(ImageError, match=r"24 × 24 cannot be shrunk to exactly 1/5"):
        downscale(checks, 5)


def test_everything_public_is_listed() -> None:
    assert all(hasattr(datasets, name) for name in datasets.__all__)
