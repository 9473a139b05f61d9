"""Picture files: formats, colour modes, orientation, sizes."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageOps

from resample_viz.images import load_image, pictures

few = settings(max_examples=30, deadline=None)
sides = st.integers(1, 20)
RNG = np.random.default_rng(0)


def hwc(x: torch.Tensor) -> np.ndarray:
    """The 8-bit levels of a tensor, (H, W) or (H, W, 3)."""
    levels = (x[0].permute(1, 2, 0) * 255).numpy()
    np.testing.assert_allclose(levels, levels.round(), atol=1e-4)
    return (
        levels.round().astype(np.uint8).squeeze(2)
        if x.shape[1] == 1
        else levels.round().astype(np.uint8)
    )


@few
@given(
    hnp.arrays(np.uint8, st.one_of(st.tuples(sides, sides), st.tuples(sides, sides, st.just(3)))),
    st.sampled_from(["PNG", "BMP", "TIFF", "PPM"]),
)
def test_a_lossless_file_comes_back_level_by_level(encode, array: np.ndarray, name: str) -> None:
    x = load_image(encode(array, name))
    np.testing.assert_array_equal(hwc(x), array)
    assert x.shape[1] == (3 if array.ndim == 3 else 1)


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_bytes_come_in_any_container(encode, wrap) -> None:
    array = RNG.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(hwc(load_image(wrap(encode(array)))), array)


def test_a_path_may_be_text_or_a_path(encode, tmp_path: Path, monkeypatch) -> None:
    array = RNG.integers(0, 256, (4, 5), dtype=np.uint8)
    path = tmp_path / "a picture without suffix"
    path.write_bytes(encode(array))
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in (path, str(path), "~/a picture without suffix"):
        np.testing.assert_array_equal(hwc(load_image(source)), array)


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("JPEG", {"quality": 95}, 6),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 95}, 10),
        ("AVIF", {"quality": 95}, 10),
        ("GIF", {}, 0),
    ],
)
def test_the_other_formats_come_back_close(encode, name, options, tolerance) -> None:
    blocks = np.kron(
        np.arange(0, 240, 15, dtype=np.uint8).reshape(4, 4), np.ones((16, 16), np.uint8)
    )
    picture = np.stack([blocks] * 3, axis=2)
    levels = hwc(load_image(encode(picture, name, **options))).astype(int)
    assert np.abs(levels.reshape(64, 64, -1) - picture).max() <= tolerance


def test_cmyk_becomes_rgb(encode) -> None:
    inks = Image.new("CMYK", (8, 8), (0, 255, 255, 0))  # magenta and yellow ink: red
    for source in (inks, encode(inks, "TIFF"), encode(inks, "JPEG", quality=100)):
        red = load_image(source)[0, :, 4, 4]
        torch.testing.assert_close(red, torch.tensor([1.0, 0, 0]), atol=0.02, rtol=0)


def test_a_palette_becomes_its_colours_not_its_indices(encode) -> None:
    indices = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8)).convert("P")
    indices.putpalette([10, 20, 30, 200, 100, 0, 7, 7, 7])
    expected = [[[10, 20, 30], [200, 100, 0]], [[7, 7, 7], [200, 100, 0]]]
    for source in (indices, encode(indices), encode(indices, "GIF"), encode(indices, "TIFF")):
        assert hwc(load_image(source)).tolist() == expected


def test_a_transparent_palette_colour_is_white(encode) -> None:
    indices = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    indices.putpalette([10, 20, 30, 200, 100, 0])
    for name in ("PNG", "GIF"):
        levels = hwc(load_image(encode(indices, name, transparency=1)))
        assert levels.tolist() == [[[10, 20, 30], [255, 255, 255]]]


@few
@given(hnp.arrays(np.uint8, st.tuples(sides, sides, st.sampled_from([2, 4]))))
def test_opacity_is_laid_on_white(encode, array: np.ndarray) -> None:
    colour, alpha = np.split(array.astype(float), [array.shape[2] - 1], axis=2)
    expected = colour * alpha / 255 + 255 - alpha
    image = Image.fromarray(array)
    for source in (image, encode(image)):
        x = load_image(source)
        assert x.shape[1] == array.shape[2] - 1
        assert np.abs(x[0].permute(1, 2, 0).numpy() * 255 - expected).max() <= 1.01


@pytest.mark.parametrize(
    ("image", "transparent", "expected"),
    [
        (Image.new("L", (2, 2), 9), 9, [1.0]),
        (Image.new("1", (2, 2), 0), 0, [1.0]),
        (Image.new("RGB", (2, 2), (1, 2, 3)), (1, 2, 3), [1.0, 1.0, 1.0]),
        (Image.new("RGB", (2, 2), (255, 0, 0)), (1, 2, 3), [1.0, 0.0, 0.0]),
    ],
)
def test_a_png_colour_declared_transparent_is_white(encode, image, transparent, expected) -> None:
    x = load_image(encode(image, transparency=transparent))
    assert x[0, :, 1, 1].tolist() == expected


def test_black_and_white_becomes_0_and_1_in_one_channel(encode) -> None:
    bits = Image.fromarray(np.array([[True, False, True]]))
    for source in (bits, encode(bits), encode(bits, "TIFF"), encode(bits, "PPM")):
        assert load_image(source).tolist() == [[[[1.0, 0.0, 1.0]]]]


@few
@given(hnp.arrays(np.uint16, st.tuples(sides, sides)), st.sampled_from(["PNG", "TIFF", "PPM"]))
def test_16_bit_grey_keeps_all_its_levels(encode, array: np.ndarray, name: str) -> None:
    expected = array.astype(np.float32) / np.float32(65535)
    np.testing.assert_array_equal(load_image(encode(array, name))[0, 0], expected)


def test_16_bit_modes_of_pillow_agree() -> None:
    array = np.array([[0, 300, 65535]])
    expected = (array / 65535).astype(np.float32)
    for dtype in ("<u2", ">u2", "<i4"):
        x = load_image(Image.fromarray(array.astype(dtype)))
        np.testing.assert_array_equal(x[0, 0], expected)


@pytest.mark.parametrize("bad", [-1, 65536])
def test_32_bit_levels_outside_16_bits_are_refused(encode, bad: int, refused) -> None:
    array = np.array([[5, bad]], dtype=np.int32)
    for source in (Image.fromarray(array), encode(array, "TIFF")):
        with refused("0 to 65535", str(bad)):
            load_image(source)


def test_a_float_tiff_keeps_its_values(encode) -> None:
    array = np.array([[-2.5, 0.0, 1000.0]], dtype=np.float32)
    for source in (Image.fromarray(array), encode(array, "TIFF")):
        np.testing.assert_array_equal(load_image(source)[0, 0], array)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("size", [None, 2])
def test_a_float_tiff_with_nan_is_refused(encode, bad: float, size, refused) -> None:
    array = np.full((4, 4), bad, dtype=np.float32)
    with refused("NaN", "nan_to_num"):
        load_image(encode(array, "TIFF"), size=size)


@pytest.mark.parametrize("mode", ["YCbCr", "HSV", "RGBX", "RGBa", "La", "PA"])
def test_rarer_modes_of_pillow_work(mode: str) -> None:
    via = {"RGBa": "RGBA", "La": "LA", "PA": "P"}.get(mode, mode)
    image = Image.new("RGB", (3, 3), "red").convert(via).convert(mode)
    x = load_image(image)
    assert x.shape[1] == (1 if mode == "La" else 3)
    expected = Image.new("RGB", (1, 1), "red").convert("L" if mode == "La" else "RGB")
    np.testing.assert_allclose(
        x[0, :, 1, 1] * 255, np.atleast_1d(expected.getpixel((0, 0))), atol=2
    )


def test_a_lab_picture_becomes_rgb() -> None:
    grey = load_image(Image.new("LAB", (2, 2), (128, 128, 128)))[0, :, 1, 1]  # L* = 50, no colour
    torch.testing.assert_close(grey, torch.full((3,), 119 / 255), atol=0.01, rtol=0)


def test_a_mode_that_cannot_become_rgb_is_refused(refused, monkeypatch) -> None:
    def unknown(*_args: object, **_options: object) -> None:
        raise ValueError("conversion not supported")

    image = Image.new("HSV", (2, 2))
    monkeypatch.setattr(Image.Image, "convert", unknown)
    with refused("HSV", "conversion not supported"):
        load_image(image)


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_or_a_stack_of_pages_the_first_is_taken(encode, name: str) -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if name == "WEBP" else {}
    data = encode(frames[0], name, save_all=True, append_images=frames[1:], **options)
    assert getattr(Image.open(BytesIO(data)), "n_frames", 1) == 3
    assert hwc(load_image(data)).reshape(-1, 3).tolist() == [[255, 0, 0]] * 24


def stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """How a camera stores a picture, by the EXIF standard's table of the 0th row and 0th column."""
    row, column = {
        1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left"),
        5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom"),
    }[orientation]  # fmt: skip
    array = upright if row in ("top", "bottom") else upright.swapaxes(0, 1)
    array = array[::-1] if row in ("bottom", "right") else array
    return np.ascontiguousarray(array[:, ::-1] if column in ("bottom", "right") else array)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP"])
def test_a_rotated_photograph_stands_upright(encode, orientation: int, name: str) -> None:
    upright = RNG.integers(0, 256, (5, 9, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if name == "WEBP" else {}
    data = encode(stored(upright, orientation), name, exif=exif, **options)
    np.testing.assert_array_equal(hwc(load_image(data)), upright)
    np.testing.assert_array_equal(hwc(load_image(Image.open(BytesIO(data)))), upright)
    np.testing.assert_array_equal(
        np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data)))), upright
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("shape", [(32, 48), (2000, 3000)])
def test_a_rotated_jpeg_stands_upright_also_when_shrunk(encode, orientation: int, shape) -> None:
    corners = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)
    upright = np.kron(corners, np.ones((shape[0] // 2, shape[1] // 2, 1), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(stored(upright, orientation), "JPEG", exif=exif, quality=95, subsampling=0)
    x = hwc(load_image(data, size=(8, 12))).astype(int)
    assert x.shape == (8, 12, 3)
    found = x[[1, 1, -2, -2], [1, -2, 1, -2]]
    assert np.abs(found - corners.reshape(4, 3)).max() <= 12


def test_a_damaged_exif_block_does_not_lose_the_picture(encode) -> None:
    array = RNG.integers(0, 256, (3, 4), dtype=np.uint8)
    for exif in (
        b"Exif\0\0garbage",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01",
    ):
        np.testing.assert_array_equal(hwc(load_image(encode(array, exif=exif))), array)


def test_a_pillow_image_is_left_as_it_was() -> None:
    image = Image.effect_noise((40, 30), 50)
    before, kept = image.copy(), image.tobytes()
    load_image(image, size=8)
    load_image(image).zero_()
    assert image.tobytes() == kept
    assert image.size == before.size
    assert image.mode == "L"


@few
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 30), st.integers(1, 30))
def test_a_size_crops_the_centre_and_resizes_it(w: int, h: int, tw: int, th: int) -> None:
    array = np.random.default_rng(w * 61 + h).integers(0, 256, (h, w), dtype=np.uint8)
    x = load_image(Image.fromarray(array), size=(th, tw))
    scale = min(Fraction(w, tw), Fraction(h, th))
    cw, ch = max(1, round(tw * scale)), max(1, round(th * scale))
    left, top = (w - cw) // 2, (h - ch) // 2
    crop = Image.fromarray(array[top : top + ch, left : left + cw])
    np.testing.assert_array_equal(
        hwc(x), np.asarray(crop.resize((tw, th), Image.Resampling.LANCZOS))
    )


def test_without_a_size_every_pixel_is_kept(encode) -> None:
    assert load_image(encode(np.zeros((7, 300), np.uint8))).shape == (1, 1, 7, 300)


def test_shrinking_the_finest_checkerboard_gives_flat_grey(encode) -> None:
    board = ((np.indices((256, 256)).sum(0) % 2) * 255).astype(np.uint8)
    sixteen = board.astype(np.uint16) * 257
    for array in (board, sixteen):
        x = load_image(encode(array), size=32)[..., 2:-2, 2:-2]
        assert (x - 0.5).abs().max() < 0.02


def test_16_bit_pictures_stay_in_range_when_resized(encode) -> None:
    step = np.zeros((64, 64), np.uint16)
    step[:, 32:] = 65535
    x = load_image(encode(step), size=50)
    assert x.min() == 0
    assert x.max() == 1


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA", "F", "I;16"])
def test_a_large_picture_shrunk_in_strips_looks_like_the_direct_way(mode: str, monkeypatch) -> None:
    small = Image.fromarray(RNG.integers(0, 256, (29, 31, 4), dtype=np.uint8))
    small.putalpha(small.getchannel(3).resize((31, 29)))
    big = small.resize((1117, 1013), Image.Resampling.BICUBIC)
    levels = np.asarray(big.convert("L"))
    image = {
        "F": lambda: Image.fromarray(levels.astype(np.float32) / 255),
        "I;16": lambda: Image.fromarray(levels.astype(np.uint16) * 257),
        "P": lambda: big.convert("RGB").convert("P"),
    }.get(mode, lambda: big.convert(mode))()
    assert image.mode == mode
    direct = load_image(image, size=(60, 70))
    monkeypatch.setattr(pictures, "_LARGE_PIXELS", 0)
    strips = load_image(image, size=(60, 70))
    assert strips.shape == direct.shape
    assert not torch.equal(strips, direct)
    assert (strips - direct).abs().mean() < 0.01
    assert (strips - direct).abs().max() < 0.08


def test_a_large_jpeg_is_decoded_small_and_looks_like_the_direct_way(encode, monkeypatch) -> None:
    from PIL import JpegImagePlugin

    sizes: list[tuple[int, int] | None] = []
    draft = JpegImagePlugin.JpegImageFile.draft

    def spy(self, mode, size):
        result = draft(self, mode, size)
        sizes.append(self.size)
        return result

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "draft", spy)
    noise = Image.fromarray(RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8))
    data = encode(noise.resize((2700, 1800), Image.Resampling.BICUBIC), "JPEG", quality=90)
    drafted = load_image(data, size=100)
    assert sizes == [(338, 225)]
    monkeypatch.setattr(pictures, "_LARGE_PIXELS", 10**9)
    direct = load_image(data, size=100)
    assert len(sizes) == 1
    assert (drafted - direct).abs().mean() < 0.01
