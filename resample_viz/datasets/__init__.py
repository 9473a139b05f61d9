"""Data to train on, without a download: it ships inside installed packages, or is generated.

`online` is the one exception, and downloads only if it is told to.
"""

from resample_viz.datasets.digits import digits
from resample_viz.datasets.faces import faces, other_patches
from resample_viz.datasets.luminance import (
    TEST_PHOTOGRAPHS,
    TRAINING_PHOTOGRAPHS,
    VALIDATION_PHOTOGRAPH,
    downscale,
    luminance,
    native,
    small_and_large,
    training_pairs,
    validation_pair,
)
from resample_viz.datasets.online import ONLINE, online
from resample_viz.datasets.outlines import coins, horse
from resample_viz.datasets.shapes import CLASSES, shape_boxes, shapes
from resample_viz.deprecation import renamed

__all__ = [
    "CLASSES",
    "ONLINE",
    "TEST_PHOTOGRAPHS",
    "TRAINING_PHOTOGRAPHS",
    "VALIDATION_PHOTOGRAPH",
    "coins",
    "digits",
    "downscale",
    "faces",
    "horse",
    "luminance",
    "native",
    "online",
    "other_patches",
    "shape_boxes",
    "shapes",
    "small_and_large",
    "training_pairs",
    "validation_pair",
]

__getattr__ = renamed(
    __name__,
    {
        "shrunk": "resample_viz.datasets.downscale",
    },
)
