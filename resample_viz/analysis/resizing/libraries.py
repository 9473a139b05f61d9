"""The table of all resize methods, and how to find one in it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib.util import find_spec

from resample_viz.analysis.resizing.axis_matrices import (
    opencv_area,
    opencv_lanczos4,
    pillow_box,
    pillow_hamming,
    skimage_linear,
    skimage_nearest,
)
from resample_viz.analysis.resizing.matrix import resize_matrix
from resample_viz.analysis.resizing.methods import DTYPES, PACKAGES, Dtype, ResizeMethod, Rows
from resample_viz.operations import OperationError
from resample_viz.words import gettext as _

_linear = partial(resize_matrix, mode="linear")
_cubic = partial(resize_matrix, mode="cubic")
_linear_aa = partial(resize_matrix, mode="linear", antialias=True)
_cubic_aa = partial(resize_matrix, mode="cubic", antialias=True, cubic_coeff=-0.5)
_lanczos = partial(resize_matrix, mode="lanczos3", antialias=True)
_floor = partial(resize_matrix, mode="nearest", coordinates="asymmetric", nearest_rounding="floor")
_centre = partial(resize_matrix, mode="nearest", nearest_rounding="round_prefer_ceil")


def _torch(mode: str, row: Rows, flag: str = "", refuses_uint8: str = "") -> ResizeMethod:
    option = f", {flag}=True" if flag else ""
    name = f"torch {mode} {flag}".strip()
    call = f"F.interpolate(x, size={{size}}, mode={mode!r}{option})"
    return ResizeMethod(name, "torch", call, row, refuses_uint8=refuses_uint8)


def _tensor(version: str, mode: str, row: Rows, antialias: bool = True) -> ResizeMethod:
    name = f"torchvision {version} tensor {mode}" + ("" if antialias else " antialias=False")
    call = f"{version}.Resize({{size}}, Mode.{mode}, antialias={antialias})(x)"
    return ResizeMethod(name, "torchvision", call, row)


def _pil(version: str, mode: str, row: Rows) -> ResizeMethod:
    call = f"{version}.Resize({{size}}, Mode.{mode})(Image.fromarray(a))"
    return ResizeMethod(f"torchvision {version} PIL {mode}", "torchvision", call, row)


def _pillow(mode: str, row: Rows) -> ResizeMethod:
    """Pillow's own. With uint8 its filters with negative weights depend on its release.

    uint8 is rounded and cut off between the passes along both axes. Before release 13 Pillow began
    with the rows, as PyTorch does; since then it begins with the columns for some sizes.
    """
    call = f"Image.fromarray(a).resize({{wh}}, Image.Resampling.{mode})"
    return ResizeMethod(f"Pillow {mode}", "Pillow", call, row)


def _opencv(mode: str, row: Rows) -> ResizeMethod:
    call = f"cv2.resize(a, {{wh}}, interpolation=cv2.INTER_{mode})"
    return ResizeMethod(f"OpenCV INTER_{mode}", "OpenCV", call, row)


def _skimage(order: int, row: Rows | None, anti_aliasing: bool = False) -> ResizeMethod:
    name = f"scikit-image order={order}" + (" anti_aliasing" if anti_aliasing else "")
    flags = f"order={order}, anti_aliasing={anti_aliasing}, preserve_range=True"
    return ResizeMethod(name, "scikit-image", f"resize(a, {{size}}, {flags})", row)


RESIZE_METHODS: tuple[ResizeMethod, ...] = (
    # nearest: the cell at the left border of the output cell
    _torch("nearest", _floor),
    _tensor("v2", "NEAREST", _floor),
    _tensor("v1", "NEAREST", _floor),
    _opencv("NEAREST", _floor),
    # nearest: the cell in its middle
    _torch("nearest-exact", _centre),
    _tensor("v2", "NEAREST_EXACT", _centre),
    _opencv("NEAREST_EXACT", _centre),
    _pillow("NEAREST", _centre),
    _pil("v2", "NEAREST", _centre),
    _pil("v1", "NEAREST", _centre),
    _skimage(0, skimage_nearest),
    # linear
    _torch("bilinear", _linear),
    _tensor("v2", "BILINEAR", _linear, antialias=False),
    _tensor("v1", "BILINEAR", _linear, antialias=False),
    _opencv("LINEAR", _linear),
    _opencv("LINEAR_EXACT", _linear),
    _skimage(1, skimage_linear),
    _torch("bilinear", partial(_linear, coordinates="align_corners"), "align_corners"),
    # linear, stretched when shrinking
    _torch("bilinear", _linear_aa, "antialias"),
    _tensor("v2", "BILINEAR", _linear_aa),
    _tensor("v1", "BILINEAR", _linear_aa),
    _pillow("BILINEAR", _linear_aa),
    _pil("v2", "BILINEAR", _linear_aa),
    _pil("v1", "BILINEAR", _linear_aa),
    _pillow("HAMMING", pillow_hamming),
    _skimage(1, None, anti_aliasing=True),
    # cubic
    _torch("bicubic", _cubic),
    _tensor("v2", "BICUBIC", _cubic, antialias=False),
    _tensor("v1", "BICUBIC", _cubic, antialias=False),
    _opencv("CUBIC", _cubic),
    _torch("bicubic", partial(_cubic, coordinates="align_corners"), "align_corners"),
    _skimage(3, None),
    # cubic, stretched when shrinking
    _torch("bicubic", _cubic_aa, "antialias"),
    _tensor("v2", "BICUBIC", _cubic_aa),
    _tensor("v1", "BICUBIC", _cubic_aa),
    _pillow("BICUBIC", _cubic_aa),
    _pil("v2", "BICUBIC", _cubic_aa),
    _pil("v1", "BICUBIC", _cubic_aa),
    _skimage(3, None, anti_aliasing=True),
    # Lanczos
    _torch("lanczos", _lanczos, "antialias"),
    _tensor("v2", "LANCZOS", _lanczos),
    _pillow("LANCZOS", _lanczos),
    _pil("v2", "LANCZOS", _lanczos),
    _pil("v1", "LANCZOS", _lanczos),
    _opencv("LANCZOS4", opencv_lanczos4),
    # area, which means three things
    _torch(
        "area",
        partial(resize_matrix, mode="area"),
        refuses_uint8="\"adaptive_avg_pool2d\" not implemented for 'Byte'",
    ),
    _opencv("AREA", opencv_area),
    _pillow("BOX", pillow_box),
)
"""Every method, those of one family side by side."""

_BY_NAME = {one.name: one for one in RESIZE_METHODS}
IMPORTED_AS = {module: library for library, (module, _) in PACKAGES.items()}


def resize_method(name: str | ResizeMethod) -> ResizeMethod:
    """A method by its name, which may end in a dtype: `resize_method("OpenCV INTER_AREA uint8")`.

    A library may also be called as it is imported: `resize_method("cv2 INTER_AREA")`.

    Raises OperationError for a name that does not exist, with the names that come close.

    >>> resize_method("Pillow BOX uint8").code((48, 64))
    'Image.fromarray(a).resize((64, 48), Image.Resampling.BOX)'
    """
    if isinstance(name, ResizeMethod):
        return name
    words = str(name).split()
    dtype: Dtype = "float32"
    if words and words[-1] in DTYPES:
        dtype = words.pop()  # type: ignore[assignment]
    if words:
        words[0] = IMPORTED_AS.get(words[0], words[0])
    method = _BY_NAME.get(" ".join(words))
    if method is None:
        raise OperationError(
            _(
                "there is no resize method called {name}: {way_out}.",
                name=repr(name),
                way_out=_near(words),
            )
        )
    return replace(method, dtype=dtype)


def _near(words: list[str]) -> str:
    """The methods whose names share most with what was asked for."""

    def shared(name: str) -> int:
        parts = name.lower().replace("_", " ").split()
        return sum(word.lower().strip("_") in parts for word in words)

    best = sorted(_BY_NAME, key=lambda name: -shared(name))[:4]
    names = ", ".join(map(repr, best))
    return _("there are {count}, such as {names}", count=len(_BY_NAME), names=names)


def installed_methods(dtype: Dtype) -> tuple[ResizeMethod, ...]:
    """The methods that can be used here on pictures of this dtype, family by family."""
    return tuple(
        replace(one, dtype=dtype)
        for one in RESIZE_METHODS
        if one.installed and not (dtype == "uint8" and one.refuses_uint8)
    )


def missing_libraries() -> tuple[str, ...]:
    """The libraries that are not installed."""
    return tuple(library for library, (module, _) in PACKAGES.items() if not find_spec(module))
