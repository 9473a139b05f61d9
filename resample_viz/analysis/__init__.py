"""What resampling does to information: pure functions on tensors."""

from __future__ import annotations

from resample_viz.analysis.codes import (
    PrincipalComponents,
    grid_energy,
    principal_components,
    restore_bicubic,
)
from resample_viz.analysis.compare import Comparison, same_resize, worst_difference
from resample_viz.analysis.least_squares import (
    ConvergenceWarning,
    Solution,
    Steps,
    conjugate_gradients,
    finish,
)
from resample_viz.analysis.libraries import WAYS, installed_ways, missing_libraries, way
from resample_viz.analysis.linear_maps import LinearMap, linear_map
from resample_viz.analysis.metrics import mae, mse, psnr, ssim
from resample_viz.analysis.probe import Activation, activation, gradient_footprint
from resample_viz.analysis.receptive import AxisField, Field
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
from resample_viz.analysis.round_trips import RoundTrip, Twin, round_trip, twin
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
    EnlargementScore,
    enlarged,
    enlargement_score,
    made_consistent,
)
from resample_viz.analysis.trace import Trace, TraceStep, trace
from resample_viz.analysis.trace_failure import Failure
from resample_viz.analysis.ways import Way, how_to_get

__all__ = [
    "BASELINES",
    "COORDINATES",
    "MODES",
    "NEAREST_ROUNDINGS",
    "WAYS",
    "Activation",
    "AxisField",
    "Baseline",
    "Comparison",
    "ConvergenceWarning",
    "EnlargementScore",
    "Failure",
    "Field",
    "LinearMap",
    "PrincipalComponents",
    "RoundTrip",
    "Solution",
    "Steps",
    "Trace",
    "TraceStep",
    "Twin",
    "Way",
    "activation",
    "amplitudes",
    "area_windows",
    "box_kernel",
    "conjugate_gradients",
    "cubic_kernel",
    "displayed",
    "drop_outside",
    "edge_band",
    "enlarged",
    "enlargement_score",
    "field_of_view",
    "finish",
    "fold_map",
    "folded_frequency",
    "frequencies",
    "gradient_footprint",
    "grid_energy",
    "how_to_get",
    "installed_ways",
    "iou",
    "kernel_stretch",
    "kernel_weights",
    "lanczos_kernel",
    "limit_map",
    "linear_kernel",
    "linear_map",
    "made_consistent",
    "mae",
    "matrix_from_taps",
    "mean_iou",
    "missing_libraries",
    "mse",
    "normalise",
    "principal_components",
    "psnr",
    "resize_matrix",
    "restore_bicubic",
    "round_coordinates",
    "round_trip",
    "same_resize",
    "source_coordinates",
    "split_at_limit",
    "ssim",
    "trace",
    "twin",
    "way",
    "worst_difference",
]
