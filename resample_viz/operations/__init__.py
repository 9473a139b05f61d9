"""What PyTorch does: one frozen dataclass per layer, everything about it computed by torch."""

from resample_viz.operations.base import MAX_BYTES, Operation, OperationError, Undo, check_memory
from resample_viz.operations.chain import Chain, Rung
from resample_viz.operations.footprint import (
    Axis,
    Footprint,
    JacobianFootprint,
    KernelFootprint,
    SeparableFootprint,
)
from resample_viz.operations.normalization import Clip, MinMax, Normalize, Quantize, Standardize
from resample_viz.operations.parameters import (
    Instead,
    Pair,
    Parameter,
    PerChannel,
    Range,
    Ranks,
    parameters,
)
from resample_viz.operations.upsample import Upsample

__all__ = [
    "MAX_BYTES",
    "Axis",
    "Chain",
    "Clip",
    "Footprint",
    "Instead",
    "JacobianFootprint",
    "KernelFootprint",
    "MinMax",
    "Normalize",
    "Operation",
    "OperationError",
    "Pair",
    "Parameter",
    "PerChannel",
    "Quantize",
    "Range",
    "Ranks",
    "Rung",
    "SeparableFootprint",
    "Standardize",
    "Undo",
    "Upsample",
    "check_memory",
    "parameters",
]
