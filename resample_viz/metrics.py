"""How far one tensor is from another: `rv.metrics.ssim(a, b)`.

Errors of a reconstruction, the scores of super-resolution, and the overlap of segmentations.
"""

from resample_viz.analysis.metrics import mae, mse, psnr, ssim
from resample_viz.analysis.segmentation import edge_band, iou, mean_iou
from resample_viz.analysis.super_resolution import SuperResolutionScore, super_resolution_score

__all__ = [
    "SuperResolutionScore",
    "edge_band",
    "iou",
    "mae",
    "mean_iou",
    "mse",
    "psnr",
    "ssim",
    "super_resolution_score",
]
