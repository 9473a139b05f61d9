"""What PyTorch does: one frozen dataclass per layer, everything about it computed by torch."""

from resample_viz.deprecation import renamed
from resample_viz.operations.adaptive_pooling import AdaptiveAvgPool, AdaptiveMaxPool
from resample_viz.operations.base import Operation, Undo, check_memory
from resample_viz.operations.chain import Chain, ShapeStep
from resample_viz.operations.convolution import Conv, ConvTranspose
from resample_viz.operations.errors import OperationError
from resample_viz.operations.footprint import (
    Axis,
    Footprint,
    JacobianFootprint,
    KernelFootprint,
    LocalFootprint,
    PickFootprint,
    SeparableFootprint,
)
from resample_viz.operations.from_module import from_module, operation_of
from resample_viz.operations.kernels import KernelName, Weights
from resample_viz.operations.normalization import Clip, MinMax, Normalize, Quantize, Standardize
from resample_viz.operations.parameters import (
    FROM_INPUT,
    Instead,
    Pair,
    Parameter,
    PerChannel,
    Range,
    Ranks,
    When,
    parameters,
)
from resample_viz.operations.pooling import AvgPool, LPPool, MaxPool
from resample_viz.operations.program import Program
from resample_viz.operations.separable import resize_back
from resample_viz.operations.shuffling import PixelShuffle, PixelUnshuffle
from resample_viz.operations.subsampling import BlurPool, Subsample
from resample_viz.operations.unpooling import MaxUnpool
from resample_viz.operations.upsample import Upsample
from resample_viz.operations.validation import MAX_BYTES

__all__ = [
    "FROM_INPUT",
    "MAX_BYTES",
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "AvgPool",
    "Axis",
    "BlurPool",
    "Chain",
    "Clip",
    "Conv",
    "ConvTranspose",
    "Footprint",
    "Instead",
    "JacobianFootprint",
    "KernelFootprint",
    "KernelName",
    "LPPool",
    "LocalFootprint",
    "MaxPool",
    "MaxUnpool",
    "MinMax",
    "Normalize",
    "Operation",
    "OperationError",
    "Pair",
    "Parameter",
    "PerChannel",
    "PickFootprint",
    "PixelShuffle",
    "PixelUnshuffle",
    "Program",
    "Quantize",
    "Range",
    "Ranks",
    "SeparableFootprint",
    "ShapeStep",
    "Standardize",
    "Subsample",
    "Undo",
    "Upsample",
    "Weights",
    "When",
    "check_memory",
    "from_module",
    "operation_of",
    "parameters",
    "resize_back",
]

__getattr__ = renamed(
    __name__,
    {
        "Rung": "resample_viz.operations.ShapeStep",
    },
)
