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
from resample_viz.analysis.spectrum import (
    amplitudes,
    displayed,
    fold_map,
    folded_frequency,
    frequencies,
    limit_map,
    split_at_limit,
)

__all__ = [
    "COORDINATES",
    "MODES",
    "NEAREST_ROUNDINGS",
    "ConvergenceWarning",
    "LinearMap",
    "Solution",
    "Steps",
    "amplitudes",
    "area_windows",
    "box_kernel",
    "conjugate_gradients",
    "cubic_kernel",
    "displayed",
    "drop_outside",
    "field_of_view",
    "finish",
    "fold_map",
    "folded_frequency",
    "frequencies",
    "kernel_stretch",
    "kernel_weights",
    "lanczos_kernel",
    "limit_map",
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
    "split_at_limit",
    "ssim",
]
