"""What resampling does to information: pure functions on tensors."""

from __future__ import annotations

from resample_viz.analysis.codes import (
    PrincipalComponents,
    grid_energy,
    principal_components,
    restore_bicubic,
)
from resample_viz.analysis.linear.least_squares import (
    ConvergenceWarning,
    Solution,
    Steps,
    conjugate_gradients,
    finish,
)
from resample_viz.analysis.linear.linear_maps import LinearMap, linear_map
from resample_viz.analysis.linear.round_trips import Metamer, RoundTrip, metamer, round_trip
from resample_viz.analysis.metrics import mae, mse, psnr, ssim
from resample_viz.analysis.probe import Activation, activation, gradient_footprint
from resample_viz.analysis.receptive import AxisField, Field
from resample_viz.analysis.resizing.compare import Comparison, max_difference, same_resize
from resample_viz.analysis.resizing.libraries import (
    RESIZE_METHODS,
    installed_methods,
    missing_libraries,
    resize_method,
)
from resample_viz.analysis.resizing.matrix import (
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
from resample_viz.analysis.resizing.methods import ResizeMethod, how_to_get
from resample_viz.analysis.segmentation import edge_band, iou, mean_iou
from resample_viz.analysis.spectrum import (
    amplitudes,
    displayed,
    fold_map,
    folded_frequency,
    frequencies,
    limit_map,
    split_at_limit,
)
from resample_viz.analysis.super_resolution import (
    BASELINES,
    Baseline,
    SuperResolutionScore,
    back_project,
    super_resolution_score,
    upscale,
)
from resample_viz.analysis.trace import Trace, TraceStep, trace
from resample_viz.analysis.trace_failure import Failure
from resample_viz.deprecation import renamed

__all__ = [
    "BASELINES",
    "COORDINATES",
    "MODES",
    "NEAREST_ROUNDINGS",
    "RESIZE_METHODS",
    "Activation",
    "AxisField",
    "Baseline",
    "Comparison",
    "ConvergenceWarning",
    "Failure",
    "Field",
    "LinearMap",
    "Metamer",
    "PrincipalComponents",
    "ResizeMethod",
    "RoundTrip",
    "Solution",
    "Steps",
    "SuperResolutionScore",
    "Trace",
    "TraceStep",
    "activation",
    "amplitudes",
    "area_windows",
    "back_project",
    "box_kernel",
    "conjugate_gradients",
    "cubic_kernel",
    "displayed",
    "drop_outside",
    "edge_band",
    "field_of_view",
    "finish",
    "fold_map",
    "folded_frequency",
    "frequencies",
    "gradient_footprint",
    "grid_energy",
    "how_to_get",
    "installed_methods",
    "iou",
    "kernel_stretch",
    "kernel_weights",
    "lanczos_kernel",
    "limit_map",
    "linear_kernel",
    "linear_map",
    "mae",
    "matrix_from_taps",
    "max_difference",
    "mean_iou",
    "metamer",
    "missing_libraries",
    "mse",
    "normalise",
    "principal_components",
    "psnr",
    "resize_matrix",
    "resize_method",
    "restore_bicubic",
    "round_coordinates",
    "round_trip",
    "same_resize",
    "source_coordinates",
    "split_at_limit",
    "ssim",
    "super_resolution_score",
    "trace",
    "upscale",
]

__getattr__ = renamed(
    __name__,
    {
        "EnlargementScore": "resample_viz.analysis.SuperResolutionScore",
        "Twin": "resample_viz.analysis.Metamer",
        "WAYS": "resample_viz.analysis.RESIZE_METHODS",
        "Way": "resample_viz.analysis.ResizeMethod",
        "enlarged": "resample_viz.analysis.upscale",
        "enlargement_score": "resample_viz.analysis.super_resolution_score",
        "installed_ways": "resample_viz.analysis.installed_methods",
        "made_consistent": "resample_viz.analysis.back_project",
        "twin": "resample_viz.analysis.metamer",
        "way": "resample_viz.analysis.resize_method",
        "worst_difference": "resample_viz.analysis.max_difference",
    },
)
