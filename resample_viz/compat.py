"""What differs between installations of PyTorch: its newest mode, and torchvision without CUDA.

torchvision's wheel on PyPI is linked against CUDA. Beside a CPU-only torch its compiled operators
do not load, and then `import torchvision` itself fails: "operator torchvision::nms does not exist"
(https://github.com/pytorch/vision/issues/9077, https://github.com/pytorch/vision/issues/9085).
Transforms, models and feature pyramids need none of these operators.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from resample_viz.words import gettext as _

MISSING = "operator torchvision::nms does not exist"
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[Any] = []  # a torch.library.Library takes its schemas along when it goes


def has_lanczos() -> bool:
    """Whether F.interpolate has mode="lanczos" here, as it does since torch 2.12."""
    import torch

    return hasattr(torch.ops.aten, "_upsample_lanczos2d_aa")


def no_lanczos() -> str:
    """What to say where there is none."""
    import torch

    return _(
        "torch {version} has no mode 'lanczos', which came with 2.12: use 'bicubic' with "
        "antialias=True, or install a newer torch.",
        version=torch.__version__,
    )


def import_torchvision() -> ModuleType:
    """Imports torchvision and returns it; `from torchvision.transforms import v2` works afterwards.

    Where the import fails for want of compiled operators, the two that it asks for are declared
    (without an implementation) and the import is done again. Where it works, nothing is declared.
    Calling `torchvision.ops.nms` stays an error then, and says so.

    Raises whatever else the import raises, such as ImportError where there is no torchvision.

    >>> import_torchvision().__name__
    'torchvision'
    """
    try:
        return import_module("torchvision")
    except RuntimeError as error:
        if MISSING not in str(error):
            raise
    _declare()
    return import_module("torchvision")


def _declare() -> None:
    from torch.library import Library

    library = Library("torchvision", "FRAGMENT")
    for schema in SCHEMAS:
        library.define(schema)
    _declared.append(library)
