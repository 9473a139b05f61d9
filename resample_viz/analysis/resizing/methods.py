"""A resize method: one call of PyTorch, torchvision, Pillow, OpenCV or scikit-image.

A `ResizeMethod` is one call of one library, on one dtype. It is run as it is written:
`ResizeMethod.code(...)` is the expression that `ResizeMethod.resize` evaluates, so what is shown is
what was computed. Each method also knows the weights by which it resizes an axis
(`ResizeMethod.axes`).

Pictures are tensors (1, C, H, W) with one or three channels, in grey levels from 0 to 255. Pillow
and torchvision on PIL images take float32 pictures channel by channel, in mode "F".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from importlib.util import find_spec
from typing import Any, Literal

import torch
from torch import Tensor

from resample_viz.analysis.resizing.axis_matrices import (
    opencv_area,
    opencv_area_enlarging,
)
from resample_viz.compat import has_lanczos, import_torchvision, no_lanczos
from resample_viz.operations import MAX_BYTES, OperationError
from resample_viz.words import gettext as _

Dtype = Literal["float32", "uint8"]
Size = tuple[int, int]
Rows = Callable[[int, int], Tensor]

DTYPES: tuple[Dtype, ...] = ("float32", "uint8")
LARGEST = 2048
"""Pixels per axis of what goes in and of what comes out."""

PACKAGES = {
    "torch": ("torch", "torch"),
    "torchvision": ("torchvision", "torchvision"),
    "Pillow": ("PIL", "pillow"),
    "OpenCV": ("cv2", "opencv-python-headless"),
    "scikit-image": ("skimage", "scikit-image"),
}
"""Library → the name that is imported, and the package that pip installs."""


class Levels:
    """A picture (1, C, H, W) in grey levels, as libraries take it: each copy is made once.

    To make the copies for every method anew would take more time than many a method does.
    """

    def __init__(self, levels: Tensor) -> None:
        self.levels = levels
        self._tensors: dict[Dtype, Tensor] = {}
        self._arrays: dict[Dtype, Any] = {}

    def names(self, code: str, dtype: Dtype) -> dict[str, Any]:
        """What the call `code` reads: `x`, (1, C, H, W), or `a`, (H, W, C) or (H, W)."""
        read = _compile(code).co_names
        return {
            **({"x": self._tensor(dtype)} if "x" in read else {}),
            **({"a": self._array(dtype)} if "a" in read else {}),
        }

    def _tensor(self, dtype: Dtype) -> Tensor:
        if dtype not in self._tensors:
            x = self.levels.contiguous()
            is_float = dtype == "float32"
            self._tensors[dtype] = x if is_float else x.round().clamp_(0, 255).to(torch.uint8)
        return self._tensors[dtype]

    def _array(self, dtype: Dtype) -> Any:
        if dtype not in self._arrays:
            image = self._tensor(dtype)[0].permute(1, 2, 0).contiguous()
            self._arrays[dtype] = (image[..., 0] if image.shape[-1] == 1 else image).numpy()
        return self._arrays[dtype]


@dataclass(frozen=True, repr=False)
class ResizeMethod:
    """One resize method: a call of a library with its settings, on pictures of one dtype.

    Attributes:
        name: library, mode and flags, as a learner types them: "OpenCV INTER_AREA".
        library: one of `PACKAGES`.
        template: the call, with {size} for (height, width) and {wh} for (width, height).
        rows: the matrix of an axis from its sizes by formula, or None where it has to be measured.
        dtype: of the picture that goes in, and of what comes out.
        refuses_uint8: what the library says to uint8, where it takes float32 only.
    """

    name: str
    library: str
    template: str
    rows: Rows | None
    dtype: Dtype = "float32"
    refuses_uint8: str = ""

    @property
    def installed(self) -> bool:
        """Whether the library is there, and has this method in its version."""
        return self._is_found and not self._lacks_lanczos

    @property
    def _is_found(self) -> bool:
        return find_spec(PACKAGES[self.library][0]) is not None

    @property
    def _lacks_lanczos(self) -> bool:
        """Whether this is Lanczos on tensors, and torch is too old for it."""
        return self._runs_in_torch and "lanczos" in self.name.lower() and not has_lanczos()

    @property
    def _runs_in_torch(self) -> bool:
        return self.library == "torch" or "tensor" in self.name

    def __repr__(self) -> str:
        return f"{self.name} {self.dtype}"

    def code(self, size: Size, channels: int = 3) -> str:
        """The call as a Python expression in `x`, (1, C, H, W), and `a`, the same as (H, W, C).

        One-channel arrays are (H, W). Names are those of `imports`.
        """
        height, width = size
        call = self.template.format(size=f"({height}, {width})", wh=f"({width}, {height})")
        if self.library == "scikit-image" and self.dtype == "uint8":
            return f"np.rint({call}).clip(0, 255).astype(np.uint8)"
        if "Image.fromarray(a)" in call and self.dtype == "float32" and channels > 1:
            plane = call.replace("fromarray(a)", "fromarray(plane)")
            return f"[{plane} for plane in x[0].numpy()]"
        return call

    def resize(self, levels: Tensor | Levels, size: Size) -> Tensor:
        """The picture `levels`, (1, C, H, W) in grey levels, at (height, width): float32 levels.

        A uint8 method is given the levels rounded, and its whole numbers come back as float32.
        Many methods on one picture share its copies, if they are given the same `Levels`.

        Raises OperationError where the library is missing, for sizes that do not fit, and where
        the library refuses.
        """
        picture = levels if isinstance(levels, Levels) else Levels(levels)
        self._check(picture.levels, size)
        channels = picture.levels.shape[1]
        code = self.code(size, channels)
        names = {**tools(self.library), **picture.names(code, self.dtype)}
        try:
            result = eval(_compile(code), names)  # noqa: S307 - our own text
        except Exception as error:
            raise OperationError(_refusal(self, error)) from None
        return _levels(result, channels)

    def axes(self, in_size: Size, out_size: Size) -> tuple[Tensor, Tensor]:
        """The matrices of the rows and of the columns, each (out, in) float64.

        By formula where there is one. Otherwise measured, by resizing unit impulses.
        """
        if self.rows is opencv_area and any(m > n for n, m in zip(in_size, out_size)):
            return tuple(  # type: ignore[return-value]
                opencv_area_enlarging(n, m) for n, m in zip(in_size, out_size)
            )
        find = self.rows or partial(measured_rows, self)
        first, second = (find(n, m) for n, m in zip(in_size, out_size))
        return first, second

    def measured_axes(self, in_size: Size, out_size: Size) -> tuple[Tensor, Tensor]:
        """The same, (out, in) float64 each, asked of the library, whatever the formula says."""
        if self.rows is opencv_area and len({m > n for n, m in zip(in_size, out_size)}) == 2:
            return self.axes(in_size, out_size)  # one axis cannot be asked without the other
        first, second = (measured_rows(self, n, m) for n, m in zip(in_size, out_size))
        return first, second

    def _check(self, levels: Tensor, size: Size) -> None:
        if not self._is_found:
            raise OperationError(f"{self.name}: {how_to_get(self.library)}")
        if self._lacks_lanczos:
            raise OperationError(f"{self.name}: {no_lanczos()}")
        if self.dtype == "uint8" and self.refuses_uint8:
            raise OperationError(
                _(
                    "{name} does not take uint8 ({refuses_uint8}): choose float32.",
                    name=self.name,
                    refuses_uint8=self.refuses_uint8,
                )
            )
        if levels.ndim != 4 or levels.shape[0] != 1 or levels.shape[1] not in (1, 3):
            raise OperationError(
                _(
                    "the libraries agree on pictures of 1 or 3 channels, (1, C, H, W), but "
                    "this is {shape}: {way_out}.",
                    shape=tuple(levels.shape),
                    way_out=_way_out(levels.shape),
                )
            )
        height, width = size
        for extent in (*levels.shape[2:], height, width):
            if not 1 <= extent <= LARGEST:
                raise OperationError(
                    _(
                        "{before} to {after}: every side must have 1 to {most} pixels. Choose "
                        "a smaller picture or another size.",
                        before=tuple(levels.shape[2:]),
                        after=(height, width),
                        most=LARGEST,
                    )
                )
        if 4 * levels.shape[1] * height * width > MAX_BYTES:
            raise OperationError(
                _(
                    "{channels} channels of {height} × {width} take more than the {most} MB "
                    "that a lab keeps: choose a smaller size.",
                    channels=levels.shape[1],
                    height=height,
                    width=width,
                    most=MAX_BYTES // 2**20,
                )
            )
        if self._runs_in_torch and self._antialiased and width == 1 and height != levels.shape[2]:
            raise OperationError(
                _(
                    "torch computes wrong values where antialias=True changes the height "
                    "of an output one pixel wide: make it two pixels wide, or use "
                    "antialias=False."
                )
            )

    @property
    def _antialiased(self) -> bool:
        return "antialias=True" in self.template


def _way_out(shape: torch.Size) -> str:
    """How a tensor of another shape becomes (1, C, H, W) with 1 or 3 channels."""
    if len(shape) == 2:
        return _("write x[None, None]")
    if len(shape) == 3:
        if shape[0] in (1, 3):
            return _("write x[None]")
        if shape[2] in (1, 3):
            return _("write x.permute(2, 0, 1)[None]")
        return _("choose one channel with x[None, :1]")
    if len(shape) == 4 and shape[0] >= 1 and shape[1] >= 1:
        if shape[3] in (1, 3) and shape[1] not in (1, 3):
            return _("write x.permute(0, 3, 1, 2)[:1]")
        if shape[1] in (1, 3):
            return _("choose one picture with x[:1]")
        return _("choose one channel with x[:1, :1]")
    return "give a picture that rv.photograph or rv.load_image made"


def _refusal(method: ResizeMethod, error: Exception) -> str:
    first = (str(error).strip().splitlines() or [""])[0].rstrip(".")
    return (
        f"{method.name} refuses this picture ({type(error).__name__}: {first}): "
        "choose another size, or another method."
    )


def _levels(result: Any, channels: int) -> Tensor:
    """What a library returned, as (1, C, H, W) float32: a tensor, an image, an array, or planes."""
    import numpy as np

    if isinstance(result, Tensor):
        return result.to(torch.float32)
    if isinstance(result, list):
        result = np.stack(result, axis=-1)
    pixels = torch.from_numpy(np.array(result)).to(torch.float32)
    return pixels.reshape(*pixels.shape[:2], channels).permute(2, 0, 1)[None].contiguous()


@lru_cache(maxsize=128)
def _compile(code: str) -> Any:
    return compile(code, "<resize method>", "eval")


@cache
def tools(library: str) -> dict[str, Any]:
    """The names that the calls of a library use; see `IMPORTS` for the same as text."""
    names: dict[str, Any] = {}
    if library == "torchvision":
        import_torchvision()
    exec(IMPORTS[library], names)  # noqa: S102 - our own text, shown to the learner
    return names


IMPORTS = {
    "torch": "import torch.nn.functional as F",
    "torchvision": (
        "from PIL import Image\nfrom torchvision.transforms import v2\n"
        "from torchvision import transforms as v1\n"
        "from torchvision.transforms import InterpolationMode as Mode"
    ),
    "Pillow": "from PIL import Image",
    "OpenCV": "import cv2",
    "scikit-image": "import numpy as np\nfrom skimage.transform import resize",
}
"""What a program has to import for the calls of a library."""


def how_to_get(library: str) -> str:
    """What to do about a library that is not installed."""
    package = PACKAGES[library][1]
    return _(
        "{library} is not installed here: run %pip install {package} in a cell, then restart "
        "the kernel.",
        library=library,
        package=package,
    )


def measured_rows(method: ResizeMethod, in_size: int, out_size: int) -> Tensor:
    """The matrix (out, in) of an axis as the library has it: `in_size` unit impulses, resized.

    They are the columns of one picture whose width is kept, so that only its height is measured.
    Two columns more, below and above all others, keep scikit-image from clipping the answer.
    float64. Raises what `ResizeMethod.resize` raises.
    """
    return _sparse_rows(method, in_size, out_size).to_dense()


@lru_cache(maxsize=64)
def _sparse_rows(method: ResizeMethod, in_size: int, out_size: int) -> Tensor:
    """The same, kept without its zeros: a row has few weights."""
    if in_size == 1:
        return torch.ones(out_size, 1, dtype=torch.float64).to_sparse()
    impulses = torch.cat([torch.eye(in_size), torch.tensor([[-9.0, 9.0]]).expand(in_size, 2)], 1)
    response = replace(method, dtype="float32").resize(
        impulses[None, None], (out_size, in_size + 2)
    )
    weights = response[0, 0, :, :in_size].double()
    return weights.masked_fill_(weights.abs() < 1e-6, 0.0).to_sparse()
