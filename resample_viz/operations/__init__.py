"""What PyTorch does: one frozen dataclass per layer, everything about it computed by torch."""

from resample_viz.operations.adaptive_pooling import AdaptiveAvgPool, AdaptiveMaxPool
from resample_viz.operations.base import MAX_BYTES, Operation, OperationError, Undo, check_memory
from resample_viz.operations.footprint import (
    Axis,
    Footprint,
    KernelFootprint,
    LocalFootprint,
    PickFootprint,
    SeparableFootprint,
)
from resample_viz.operations.parameters import Instead, Pair, Parameter, Range, Ranks, parameters
from resample_viz.operations.pooling import AvgPool, LPPool, MaxPool
from resample_viz.operations.separable import resize_back
from resample_viz.operations.shuffling import PixelShuffle, PixelUnshuffle
from resample_viz.operations.subsampling import BlurPool, Subsample
from resample_viz.operations.unpooling import MaxUnpool
from resample_viz.operations.upsample import Upsample

__all__ = [
    "MAX_BYTES",
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "AvgPool",
    "Axis",
    "BlurPool",
    "Footprint",
    "Instead",
    "KernelFootprint",
    "LPPool",
    "LocalFootprint",
    "MaxPool",
    "MaxUnpool",
    "Operation",
    "OperationError",
    "Pair",
    "Parameter",
    "PickFootprint",
    "PixelShuffle",
    "PixelUnshuffle",
    "Range",
    "Ranks",
    "SeparableFootprint",
    "Subsample",
    "Undo",
    "Upsample",
    "check_memory",
    "parameters",
    "resize_back",
]
