"""Whatever the bytes are: an ImageError of one sentence, or a sound tensor."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, features

from resample_viz.images import ImageError, load_image
from resample_viz.images.formats import _BEGINNINGS, _OTHERS

many = settings(max_examples=150, deadline=None)


def _files() -> dict[str, bytes]:
    gradient = np.indices((24, 20)).sum(0).astype(np.uint8) * 5
    colour = np.stack(
        [gradient, gradient.T[:24].repeat(2, 1)[:, :20][:20].repeat(2, 0)[:24], gradient], 2
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    files: dict[str, bytes] = {}
    variants: list[tuple[str, np.ndarray, dict[str, object]]] = [
        ("PNG", colour, {"exif": exif}),
        ("PNG", gradient.astype(np.uint16) * 257, {}),
        ("PNG", np.dstack([colour, gradient]), {}),
        ("JPEG", colour, {"exif": exif}),
        ("JPEG", gradient, {"progressive": True}),
        ("GIF", gradient, {"transparency": 5}),
        ("WEBP", colour, {}),
        ("BMP", colour, {}),
        ("TIFF", colour, {"compression": "tiff_adobe_deflate"}),
        ("TIFF", gradient.astype(np.float32), {}),
        ("PPM", colour, {}),
        ("AVIF", colour, {}),
    ]
    for name, array, options in variants:
        if name in ("WEBP", "AVIF") and not features.check(name.lower()):
            continue
        buffer = BytesIO()
        Image.fromarray(array).save(buffer, name, **options)
        files[f"{name} {len(files)}"] = buffer.getvalue()
    return files


FILES = _files()
names = st.sampled_from(sorted(FILES))
sizes = st.sampled_from([None, 8, (3, 50)])


def survives(data: bytes, size: int | tuple[int, int] | None) -> None:
    """load_image(data) gives a sound tensor or an ImageError, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            x = load_image(data, size=size)
        except ImageError as error:
            sentence = str(error)
        else:
            sentence = ""
    if sentence:
        assert sentence.endswith(".")
        assert sentence.isprintable()
        return
    assert x.dtype == torch.float32
    assert x.ndim == 4
    assert x.shape[:2] in {(1, 1), (1, 3)}
    assert bool(torch.isfinite(x).all())


def test_every_file_is_sound_before_it_is_damaged() -> None:
    for data in FILES.values():
        assert load_image(data, size=8).shape[-2:] == (8, 8)


@many
@given(st.binary(max_size=200), sizes)
@example(b"\0" * 12, None)
def test_random_bytes(data: bytes, size) -> None:
    survives(data, size)


@many
@given(
    st.sampled_from(
        [b for group in _BEGINNINGS.values() for b in group] + [b for b, *_ in _OTHERS]
    ),
    st.binary(max_size=200),
    sizes,
)
def test_random_bytes_behind_a_known_beginning(beginning: bytes, rest: bytes, size) -> None:
    survives(beginning + rest, size)


@many
@given(names, st.floats(0, 1), sizes)
def test_files_cut_off_anywhere(name: str, part: float, size) -> None:
    data = FILES[name]
    survives(data[: int(part * len(data))], size)


@settings(max_examples=300, deadline=None)
@given(
    names, st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8), sizes
)
def test_files_with_changed_bytes(name: str, changes: list[tuple[float, int]], size) -> None:
    data = bytearray(FILES[name])
    for where, value in changes:
        data[min(int(where * len(data)), len(data) - 1)] = value
    survives(bytes(data), size)


@settings(max_examples=200, deadline=None)
@given(names, st.integers(0, 200), st.binary(min_size=1, max_size=8), sizes)
def test_files_with_a_damaged_header(name: str, where: int, patch: bytes, size) -> None:
    data = bytearray(FILES[name])
    data[where : where + len(patch)] = patch
    survives(bytes(data), size)


@many
@given(names, st.floats(0, 1), st.floats(0, 1), sizes)
def test_files_with_a_piece_missing(name: str, one: float, other: float, size) -> None:
    data = FILES[name]
    start, end = sorted((int(one * len(data)), int(other * len(data))))
    survives(data[:start] + data[end:], size)
