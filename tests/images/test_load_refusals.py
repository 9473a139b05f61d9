"""Files that cannot be used: each gets one sentence, before memory or time is spent."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from resample_viz.images import ImageError, load_image, loading


def png_header(width: int, height: int) -> bytes:
    """A well-formed PNG of this size whose pixels are missing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def jpeg_header(encode, width: int, height: int) -> bytes:
    data = bytearray(encode(np.zeros((8, 8), np.uint8), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_header(encode, width: int, height: int) -> bytes:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = bytearray(encode(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    canvas = data.index(b"VP8X") + 12
    data[canvas : canvas + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(
        3, "little"
    )
    return bytes(data)


def bombs(encode, width: int, height: int) -> dict[str, bytes]:
    return {
        "PNG": png_header(width, height),
        "JPEG": jpeg_header(encode, width, height),
        "GIF": b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0, 0, 0)
        + b","
        + struct.pack("<HHHHB", 0, 0, width, height, 0)
        + b"\x02\x00;",
        "BMP": b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0),
        "PPM": f"P6\n{width} {height}\n255\n".encode(),
    }


@pytest.mark.parametrize("side", [7_100, 12_000, 20_000, 60_000])
@pytest.mark.parametrize("size", [None, 64])
def test_a_decompression_bomb_is_refused_by_its_header(
    encode, side, size, refused, monkeypatch
) -> None:
    def decode(*_args: object) -> None:
        raise AssertionError("the pixels were decoded")

    sources = bombs(encode, side, side)
    monkeypatch.setattr(ImageFile.ImageFile, "load", decode)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for data in sources.values():
            million = f"{side * side / 1e6:,.1f} million pixels"
            with refused(million, "50 million"):
                load_image(data, size=size)


def test_a_webp_bomb_is_refused_by_its_header(encode, refused) -> None:
    with refused("268.4 million pixels", "50 million"):
        load_image(webp_header(encode, 16_383, 16_383), size=64)


def test_a_bomb_opened_by_the_learner_is_refused_before_it_is_decoded(refused) -> None:
    with refused("64.0 million pixels"):
        load_image(Image.open(BytesIO(png_header(8000, 8000))), size=64)


def test_a_picture_whose_tensor_would_not_fit_is_refused_with_a_way_out(
    refused, monkeypatch
) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)
    with refused("64 MB", "size=256"):
        load_image(png_header(4000, 3000))
    with refused("64 MB"):
        load_image(png_header(40, 30), size=10_000)


def test_a_file_over_10_mb_is_refused_before_it_is_read(
    tmp_path: Path, refused, monkeypatch
) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(10_000_001)
    monkeypatch.setattr(loading, "open", None, raising=False)
    with refused("10,000,001 bytes", "10,000,000"):
        load_image(path)


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_bytes_over_the_limit_are_refused(encode, wrap, refused) -> None:
    data = encode(np.zeros((4, 4), np.uint8))
    assert load_image(wrap(data), max_bytes=len(data)).shape == (1, 1, 4, 4)
    with refused("bytes", "allowed"):
        load_image(wrap(data), max_bytes=len(data) - 1)


def test_a_file_that_grows_while_it_is_read_is_still_refused(
    encode, tmp_path, refused, monkeypatch
) -> None:
    path = tmp_path / "grows.png"
    path.write_bytes(encode(np.zeros((40, 40), np.uint8)))

    class Small:
        st_mode, st_size = os.stat(path).st_mode, 1

    with monkeypatch.context() as patch:  # os is everyone's: pytest too needs it whole again
        patch.setattr(loading.os, "stat", lambda _path: Small)
        with refused("51 bytes", "50"):
            load_image(path, max_bytes=50)


def test_an_empty_file_is_refused(tmp_path: Path, refused) -> None:
    path = tmp_path / "empty.png"
    path.touch()
    for source in (path, b"", bytearray(), memoryview(b"")):
        with refused("0 bytes"):
            load_image(source)


def test_an_empty_picture_is_refused(refused) -> None:
    with refused("empty"):
        load_image(Image.new("RGB", (0, 5)))


@pytest.mark.parametrize("keep", [20, 40, 60, 120])
@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "PPM"])
def test_a_file_that_is_cut_off_is_refused(encode, name: str, keep: int, refused) -> None:
    data = encode(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8), name)
    assert load_image(data).shape[-2:] == (64, 64)
    with refused(name, "cut off"):
        load_image(data[:keep])


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "AVIF", "PPM"])
def test_a_half_file_is_refused(encode, name: str, refused) -> None:
    data = encode(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8), name)
    with refused(name, "cut off"):
        load_image(data[: len(data) // 2])


def test_a_cut_off_picture_opened_by_the_learner_is_refused(encode, refused) -> None:
    data = encode(np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8))
    with refused("PNG", "cut off"):
        load_image(Image.open(BytesIO(data[:2000])))


def test_a_closed_picture_is_refused(encode, tmp_path, refused) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(np.zeros((4, 4), np.uint8)))
    image = Image.open(path)
    image.close()
    with refused("PNG"):
        load_image(image)


SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"


@pytest.mark.parametrize(
    "text",
    [SVG, "<?xml version='1.0'?>\n<!-- drawn -->\n" + SVG, "\ufeff  " + SVG, SVG.upper(),
     "<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' ''>" + SVG],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_svg_drawing_is_recognised_and_gets_a_way_out(text: str, encoding: str, refused) -> None:
    with refused("SVG", "export it as PNG"):
        load_image(text.encode(encoding))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><html><svg></svg></html>", ("web page",)),
        (b"%PDF-1.7 ...", ("PDF", "PNG")),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", ("PostScript", "PNG")),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), ("HEIC", "JPEG or PNG")),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heix" + bytes(40), ("HEIC",)),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(40), ("video", "frame")),
        (b"RIFF\x10\0\0\0AVI LIST", ("video",)),
        (b"\0\0\0\x0cjP  \r\n\x87\n", ("JPEG 2000",)),
        (b"\xff\x0a\x00\x10\x20", ("JPEG XL",)),
        (b"8BPS\0\x01", ("Photoshop",)),
        (b"\x93NUMPY\x01\0", ("NumPy", "numpy.load")),
        (b"PK\x03\x04\x14\0", ("ZIP", ".pt")),
        (b"\x1f\x8b\x08\0", ("gzip",)),
        (b"Dear learner, hello.", ("text", "Dear learner")),
        ("Привет, как дела сегодня?".encode(), ("text", "Привет")),
        (b"P5 is my favourite", ("PPM",)),
        (b"P1ease choose a picture", ("text", "P1ease")),
        (b"\x7fELF\x02\x01\x01\0\0\0", ("first bytes", "7f 45 4c 46")),
        (b"\0", ("first bytes", "00")),
        (b"\xff\xd8\xff", ("JPEG", "cut off")),
    ],
)
@pytest.mark.parametrize("size", [None, 8])
def test_what_is_no_readable_picture_is_named(data: bytes, words, size, refused) -> None:
    with refused(*words):
        load_image(data, size=size)


def test_no_file_ever_reaches_a_reader_outside_the_listed_formats(encode, refused) -> None:
    for name in ("EPS", "PDF", "ICO", "PCX", "TGA", "SGI", "JPEG2000"):
        with refused():
            load_image(encode(Image.new("RGB", (16, 16)), name))


@pytest.mark.parametrize("name", ["WEBP", "AVIF"])
def test_a_pillow_without_a_format_says_so(encode, name: str, refused, monkeypatch) -> None:
    from PIL import features

    data = encode(Image.new("RGB", (8, 8)), name)
    monkeypatch.setattr(features, "check", lambda _feature: False)
    with refused(name, "PNG or JPEG"):
        load_image(data)


def test_paths_that_lead_nowhere_are_told_apart(tmp_path: Path, refused) -> None:
    with refused("no file", "nowhere.png"):
        load_image(tmp_path / "nowhere.png")
    with refused("not a file"):
        load_image(tmp_path)
    with refused("web address"):
        load_image("https://example.org/cat.png")
    with refused("photograph('astronaut')"):
        load_image("astronaut")
    with refused("cannot be read"):
        load_image("a\0b")
    with refused("cannot be read"):
        load_image("x" * 5000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path, refused) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with refused("not a file"):
        load_image(tmp_path / "pipe.png")


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, refused, monkeypatch) -> None:
    (tmp_path / "secret.png").write_bytes(b"x")

    def denied(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(loading, "open", denied, raising=False)
    with refused("Permission denied", "secret.png"):
        load_image(tmp_path / "secret.png")


@pytest.mark.parametrize("size", [0, -3, 2.5, "64", (8,), (8, 0), True])
def test_an_impossible_size_is_refused_for_every_source(encode, size, refused) -> None:
    array = np.zeros((4, 4), np.uint8)
    for source in (array, encode(array), Image.fromarray(array)):
        with refused("size="):
            load_image(source, size=size)


def test_running_out_of_memory_is_told_in_one_sentence(encode, refused, monkeypatch) -> None:
    def exhausted(*_args: object) -> None:
        raise MemoryError

    data = encode(np.zeros((4, 4), np.uint8))
    monkeypatch.setattr(ImageFile.ImageFile, "load", exhausted)
    with refused("memory"):
        load_image(data)


def test_a_file_without_a_size_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of the system, such as /proc/kmsg, say that they are empty, and never end."""
    path = tmp_path / "endless"
    path.touch()
    monkeypatch.setattr("builtins.open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(ImageError):
        load_image(path)
