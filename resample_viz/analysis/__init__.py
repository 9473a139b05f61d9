"""What resampling does to information: pure functions on tensors."""

from __future__ import annotations

from resample_viz.analysis.least_squares import (
    ConvergenceWarning,
    Solution,
    Steps,
    conjugate_gradients,
    finish,
)
from resample_viz.analysis.linear_map import LinearMap, linear_map
from resample_viz.analysis.metrics import mae, mse, psnr, ssim
from resample_viz.analysis.resize import (
    COORDINATES,
    MODES,
    NEAREST_ROUNDINGS,
    area_windows,
    box_kernel,
    cubic_kernel,
    drop_outside,
    field_of_view,
    kernel_stretch,
    kernel_weights,
    lanczos_kernel,
    linear_kernel,
    matrix_from_taps,
    normalise,
    resize_matrix,
    round_coordinates,
    source_coordinates,
)

__all__ = [
    "COORDINATES",
    "MODES",
    "NEAREST_ROUNDINGS",
    "ConvergenceWarning",
    "LinearMap",
    "Solution",
    "Steps",
    "area_windows",
    "box_kernel",
    "conjugate_gradients",
    "cubic_kernel",
    "drop_outside",
    "field_of_view",
    "finish",
    "kernel_stretch",
    "kernel_weights",
    "lanczos_kernel",
    "linear_kernel",
    "linear_map",
    "mae",
    "matrix_from_taps",
    "mse",
    "normalise",
    "psnr",
    "resize_matrix",
    "round_coordinates",
    "source_coordinates",
    "ssim",
]
