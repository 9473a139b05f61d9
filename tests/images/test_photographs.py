"""Photographs: real, offline, quantised, cheap to hold."""

from __future__ import annotations

import gc
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from resample_viz.images import PHOTOGRAPHS, photograph, photographs

# The fixture `refused` is in conftest.py.


def test_there_are_at_least_six_photographs_in_colour_and_in_grey() -> None:
    channels = {name: photograph(name, 16).shape[1] for name in PHOTOGRAPHS}
    assert len(set(PHOTOGRAPHS)) == len(PHOTOGRAPHS) >= 6
    assert set(channels.values()) == {1, 3}
    assert channels["astronaut"] == 3
    assert channels["camera"] == 1


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_every_photograph_is_a_contrasty_8_bit_picture_of_the_size_asked_for(name: str) -> None:
    x = photograph(name)
    assert x.shape in {(1, 1, 128, 128), (1, 3, 128, 128)}
    assert x.dtype == torch.float32
    assert x.is_contiguous()
    assert torch.equal(x, (x * 255).round() / 255)
    assert 0 <= x.min() < 0.4
    assert 0.7 < x.max() <= 1
    assert x.std() > 0.03


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_at_its_own_size_a_photograph_is_the_exact_centre_of_the_original(name: str) -> None:
    from skimage import data

    original = getattr(data, name)()
    side = min(original.shape[:2])
    top, left = (original.shape[0] - side) // 2, (original.shape[1] - side) // 2
    square = original[top : top + side, left : left + side].reshape(side, side, -1)
    levels = (photograph(name, side) * 255).round().to(torch.uint8)[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(levels, square)


def test_shrinking_is_anti_aliased() -> None:
    full = photograph("grass", 512)
    means = torch.nn.functional.avg_pool2d(full, 8)
    every_eighth = full[..., 4::8, 4::8]
    small = photograph("grass", 64)
    assert (small - means).abs().mean() < 0.25 * (every_eighth - means).abs().mean()


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(PHOTOGRAPHS), st.integers(1, 90), st.integers(1, 90))
def test_any_height_and_width_can_be_had(name: str, height: int, width: int) -> None:
    x = photograph(name, (height, width))
    assert tuple(x.shape[-2:]) == (height, width)
    assert x.min() >= 0
    assert x.max() <= 1


def test_a_pair_crops_instead_of_squeezing() -> None:
    wide = photograph("astronaut", (128, 256))
    # 512 x 512 cropped to its middle 256 rows: the same scale, so the same picture within.
    expected = photograph("astronaut", 256)[..., 64:192, :]
    assert (wide - expected).abs()[..., 4:-4, :].max() <= 1.5 / 255


def test_changing_the_tensor_does_not_change_the_next_one() -> None:
    first = photograph("coffee", 32)
    kept = first.clone()
    first.zero_()
    assert torch.equal(photograph("coffee", 32), kept)


def test_a_second_call_does_not_open_the_file_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = photograph("chelsea", 48)
    monkeypatch.setattr(Image, "open", None)
    assert torch.equal(photograph("chelsea", 48), first)


def test_no_original_stays_alive() -> None:
    cache = photographs._cached_levels
    cache.cache_clear()
    photograph("astronaut", 512)
    assert cache.cache_info().currsize == 0
    photograph("astronaut", 64)
    assert cache.cache_info().currsize == 1
    gc.collect()
    pictures = [o for o in gc.get_objects() if issubclass(type(o), Image.Image)]
    assert [picture for picture in pictures if picture.size == (512, 512)] == []
    assert cache.cache_info().maxsize * photographs._CACHED_PIXELS * 3 < 4e6


@pytest.mark.parametrize("name", ["astronuat", "", "../../etc/passwd", "eagle", 3, None])
def test_an_unknown_name_is_answered_with_the_known_ones(name, refused) -> None:
    with refused(repr(name), *PHOTOGRAPHS):
        photograph(name)


@pytest.mark.parametrize("size", [0, -1, (3, 0), 1.5, "128", True, None, (1, 2, 3), (4,), (2.0, 2)])
def test_an_impossible_size_is_refused(size, refused) -> None:
    with refused("size="):
        photograph("camera", size)


def test_a_photograph_over_64_mb_is_refused_before_it_is_made(refused, monkeypatch) -> None:
    monkeypatch.setattr(photographs, "_levels", None)
    with refused("64 MB"):
        photograph("astronaut", 100_000)


def test_a_missing_file_is_told_in_one_sentence(refused, monkeypatch) -> None:
    import importlib.resources

    def missing(_package: str) -> None:
        raise ModuleNotFoundError("No module named 'skimage'")

    monkeypatch.setattr(importlib.resources, "files", missing)
    with refused("scikit-image", "page"):
        photograph("page", 177)


def test_photographs_need_neither_network_nor_downloader_nor_heavy_modules() -> None:
    script = """
import socket, sys
def refuse(*args, **kwargs):
    raise SystemExit("a network connection was attempted")
socket.socket.connect = socket.getaddrinfo = refuse
sys.modules["pooch"] = None  # importing it raises ImportError
import resample_viz.images as images
assert "PIL" not in sys.modules and "skimage" not in sys.modules, "imported too early"
for name in images.PHOTOGRAPHS:
    images.photograph(name, 32)
heavy = {"scipy", "matplotlib", "torchvision", "skimage.data._fetchers", "skimage.io"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
print("done", len(images.PHOTOGRAPHS))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout.split() == ["done", str(len(PHOTOGRAPHS))], result.stderr
