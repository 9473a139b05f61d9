"""Inputs: sample photographs, test patterns, and the learner's own image.

Everything here returns float32 tensors (1, C, H, W) and raises `ImageError`, one clear sentence,
for what cannot be used. Nothing is ever downloaded.
"""

from __future__ import annotations

from resample_viz.images.arrays import MAX_CHANNELS
from resample_viz.images.errors import ImageError
from resample_viz.images.loading import load_image
from resample_viz.images.patterns import (
    PATTERNS,
    checkerboard,
    edge,
    impulse,
    integer_grid,
    label_mask,
    pattern,
    ramp,
    uniform_noise,
    zone_plate,
)
from resample_viz.images.photographs import PHOTOGRAPHS, photograph
from resample_viz.images.sizes import MAX_BYTES

__all__ = [
    "MAX_BYTES",
    "MAX_CHANNELS",
    "PATTERNS",
    "PHOTOGRAPHS",
    "ImageError",
    "checkerboard",
    "edge",
    "impulse",
    "integer_grid",
    "label_mask",
    "load_image",
    "pattern",
    "photograph",
    "ramp",
    "uniform_noise",
    "zone_plate",
]
