"""What PyTorch does: one frozen dataclass per layer, everything about it computed by torch."""

from resample_viz.operations.base import MAX_BYTES, Operation, OperationError, Undo, check_memory
from resample_viz.operations.convolution import Conv, ConvTranspose
from resample_viz.operations.footprint import Axis, Footprint, KernelFootprint, SeparableFootprint
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
from resample_viz.operations.upsample import Upsample

__all__ = [
    "FROM_INPUT",
    "MAX_BYTES",
    "Axis",
    "Conv",
    "ConvTranspose",
    "Footprint",
    "Instead",
    "KernelFootprint",
    "KernelName",
    "Operation",
    "OperationError",
    "Pair",
    "Parameter",
    "Range",
    "Ranks",
    "SeparableFootprint",
    "Undo",
    "Upsample",
    "Weights",
    "When",
    "check_memory",
    "parameters",
]
