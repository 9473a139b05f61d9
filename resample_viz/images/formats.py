"""What a file is, told from its first bytes: a format that is read here, or a way out."""

from __future__ import annotations

import codecs
import re

from resample_viz.images.errors import ImageError
from resample_viz.words import N_
from resample_viz.words import gettext as _

READABLE = N_("PNG, JPEG, WebP, AVIF, GIF, BMP, TIFF or PNM")

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
    (b"%PDF", N_("a PDF document"), N_("export the page as PNG")),
    (b"%!PS", N_("a PostScript drawing"), N_("export it as PNG")),
    (b"\xc5\xd0\xd3\xc6", N_("a PostScript drawing"), N_("export it as PNG")),
    (b"\0\0\0\x0cjP  ", N_("a JPEG 2000 picture"), N_("save it as PNG or JPEG")),
    (b"\0\0\0\x0cJXL ", N_("a JPEG XL picture"), N_("save it as PNG or JPEG")),
    (b"\xff\x0a", N_("a JPEG XL picture"), N_("save it as PNG or JPEG")),
    (b"8BPS", N_("a Photoshop document"), N_("export it as PNG")),
    (b"\0\0\1\0", N_("an icon"), N_("save it as PNG")),
    (b"\x76\x2f\x31\x01", N_("an OpenEXR picture"), N_("read it into an array and pass that")),
    (b"SIMPLE  =", N_("a FITS file"), N_("read it into an array and pass that")),
    (b"\x93NUMPY", N_("a NumPy file"), N_("pass numpy.load(file) instead")),
    (b"\x89HDF", N_("an HDF5 file"), N_("read it into an array and pass that")),
    (b"PK\3\4", N_("a ZIP archive (or a .pt, .npz or office file)"), N_("pass what is inside")),
    (b"\x1f\x8b", N_("a gzip archive"), N_("unpack it first")),
    (b"\x1aE\xdf\xa3", N_("a video"), N_("save one frame as PNG")),
    (b"RIFF", N_("a video or sound file"), N_("save one frame as PNG")),
)


def picture_format(data: bytes) -> str:
    """Pillow's name of the format of a picture file, by its first bytes.

    Raises:
        ImageError: for an empty file, and for all that is not read here, saying what was seen.

    >>> picture_format(b"GIF89a...")
    'GIF'
    """
    if not data:
        raise ImageError(_("the file is empty (0 bytes): save or upload the picture once more."))
    for name, beginnings in _BEGINNINGS.items():
        if data.startswith(beginnings) and not (name == "PPM" and not data[2:3].isspace()):
            return name
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _boxed_format(data)
    what, way_out = _recognise(data)
    raise ImageError(
        _(
            "this is {what}, not a picture in {readable}: {way_out}.",
            what=what,
            readable=_(READABLE),
            way_out=way_out,
        )
    )


def _boxed_format(data: bytes) -> str:
    """AVIF, HEIC and MP4 share a container; the brands in its first box tell which it is."""
    brands = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
    if b"avif" in brands or b"avis" in brands:
        return "AVIF"
    if re.search(rb"hei[cxms]|hev[cxms]|mif1|msf1", brands):
        raise ImageError(
            _(
                "this is a HEIC picture, as iPhones take them, which cannot be read here: save "
                "it as JPEG or PNG."
            )
        )
    raise ImageError(
        _(
            "this is a video, not a picture in {readable}: save one frame as PNG.",
            readable=_(READABLE),
        )
    )


def _recognise(data: bytes) -> tuple[str, str]:
    """(what the bytes look like, a way out) for a file that is no readable picture."""
    head = data[:4096].replace(b"\0", b"").lower()  # without zeros UTF-16 reads like ASCII
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start.startswith((b"<!doctype html", b"<html")):
        return _("a web page"), _("save the picture itself, not the page that shows it")
    if start.startswith(b"<") and b"<svg" in head:
        return _("an SVG drawing, which has no pixels yet"), _("export it as PNG")
    for beginning, what, way_out in _OTHERS:
        if data.startswith(beginning):
            return _(what), _(way_out)
    try:  # an incremental decoder forgives a character that the cut at 24 bytes splits
        text = codecs.getincrementaldecoder("utf-8")().decode(data[:24])
    except UnicodeDecodeError:
        text = "\0"
    if text and all(c.isprintable() or c.isspace() for c in text):
        return _("text (it begins with {text})", text=repr(text)), _("choose a picture file")
    what = _(
        "no known kind of picture (its first bytes are {beginning})", beginning=data[:8].hex(" ")
    )
    return what, _("save it as PNG")
