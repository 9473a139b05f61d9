"""What PyTorch does: one frozen dataclass per layer, everything about it computed by torch."""

from resample_viz.operations.adaptive_pooling import AdaptiveAvgPool, AdaptiveMaxPool
from resample_viz.operations.base import MAX_BYTES, Operation, OperationError, Undo, check_memory
from resample_viz.operations.convolution import Conv, ConvTranspose
from resample_viz.operations.footprint import (
    Axis,
    Footprint,
    KernelFootprint,
    LocalFootprint,
    PickFootprint,
    SeparableFootprint,
)
from resample_viz.operations.kernels import KernelName, Weights
from resample_viz.operations.parameters import (
    FROM_INPUT,
    Instead,
    Pair,
    Parameter,
    Range,
    Ranks,
    When,
    parameters,
)
from resample_viz.operations.pooling import AvgPool, LPPool, MaxPool
from resample_viz.operations.separable import resize_back
from resample_viz.operations.shuffling import PixelShuffle, PixelUnshuffle
from resample_viz.operations.subsampling import BlurPool, Subsample
from resample_viz.operations.unpooling import MaxUnpool
from resample_viz.operations.upsample import Upsample

__all__ = [
    "FROM_INPUT",
    "MAX_BYTES",
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "AvgPool",
    "Axis",
    "BlurPool",
    "Conv",
    "ConvTranspose",
    "Footprint",
    "Instead",
    "KernelFootprint",
    "KernelName",
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
    "Weights",
    "When",
    "check_memory",
    "parameters",
    "resize_back",
]
