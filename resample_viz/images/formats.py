"""What a file is, told from its first bytes: a format that is read here, or a way out."""

from __future__ import annotations

import codecs
import re

from resample_viz.images.errors import ImageError

READABLE = "PNG, JPEG, WebP, AVIF, GIF, BMP, TIFF or PNM"

# Pillow's name of the format -> how such a file begins. Only these are ever handed to Pillow: it
# knows some 40 more formats, which would cost memory to load, and one of them starts Ghostscript.
_BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "BMP": (b"BM",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "PPM": (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"Pf"),
}

# How a file begins -> (what it is, what to do). For those people really drop into a notebook.
_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF document", "export the page as PNG"),
    (b"%!PS", "a PostScript drawing", "export it as PNG"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript drawing", "export it as PNG"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture", "save it as PNG or JPEG"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture", "save it as PNG or JPEG"),
    (b"\xff\x0a", "a JPEG XL picture", "save it as PNG or JPEG"),
    (b"8BPS", "a Photoshop document", "export it as PNG"),
    (b"\0\0\1\0", "an icon", "save it as PNG"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture", "read it into an array and pass that"),
    (b"SIMPLE  =", "a FITS file", "read it into an array and pass that"),
    (b"\x93NUMPY", "a NumPy file", "pass numpy.load(file) instead"),
    (b"\x89HDF", "an HDF5 file", "read it into an array and pass that"),
    (b"PK\3\4", "a ZIP archive (or a .pt, .npz or office file)", "pass what is inside"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"\x1aE\xdf\xa3", "a video", "save one frame as PNG"),
    (b"RIFF", "a video or sound file", "save one frame as PNG"),
)


def picture_format(data: bytes) -> str:
    """Pillow's name of the format of a picture file, by its first bytes.

    Raises:
        ImageError: for an empty file, and for all that is not read here, saying what was seen.

    >>> picture_format(b"GIF89a...")
    'GIF'
    """
    if not data:
        raise ImageError("the file is empty (0 bytes): save or upload the picture once more.")
    for name, beginnings in _BEGINNINGS.items():
        if data.startswith(beginnings) and not (name == "PPM" and not data[2:3].isspace()):
            return name
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _boxed_format(data)
    what, way_out = _recognise(data)
    raise ImageError(f"this is {what}, not a picture in {READABLE}: {way_out}.")


def _boxed_format(data: bytes) -> str:
    """AVIF, HEIC and MP4 share a container; the brands in its first box tell which it is."""
    brands = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
    if b"avif" in brands or b"avis" in brands:
        return "AVIF"
    if re.search(rb"hei[cxms]|hev[cxms]|mif1|msf1", brands):
        raise ImageError(
            "this is a HEIC picture, as iPhones take them, which cannot be read here: save it as "
            "JPEG or PNG."
        )
    raise ImageError(f"this is a video, not a picture in {READABLE}: save one frame as PNG.")


def _recognise(data: bytes) -> tuple[str, str]:
    """(what the bytes look like, a way out) for a file that is no readable picture."""
    head = data[:4096].replace(b"\0", b"").lower()  # without zeros UTF-16 reads like ASCII
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page", "save the picture itself, not the page that shows it"
    if start.startswith(b"<") and b"<svg" in head:
        return "an SVG drawing, which has no pixels yet", "export it as PNG"
    for beginning, what, way_out in _OTHERS:
        if data.startswith(beginning):
            return what, way_out
    try:  # an incremental decoder forgives a character that the cut at 24 bytes splits
        text = codecs.getincrementaldecoder("utf-8")().decode(data[:24])
    except UnicodeDecodeError:
        text = "\0"
    if text and all(c.isprintable() or c.isspace() for c in text):
        return f"text (it begins with {text!r})", "choose a picture file"
    return f"no known kind of picture (its first bytes are {data[:8].hex(' ')})", "save it as PNG"
