"""What PyTorch does: one frozen dataclass per layer, everything about it computed by torch."""

from resample_viz.operations.base import MAX_BYTES, Operation, OperationError, Undo, check_memory
from resample_viz.operations.footprint import Axis, Footprint, KernelFootprint, SeparableFootprint
from resample_viz.operations.parameters import Instead, Pair, Parameter, Range, Ranks, parameters
from resample_viz.operations.upsample import Upsample

__all__ = [
    "MAX_BYTES",
    "Axis",
    "Footprint",
    "Instead",
    "KernelFootprint",
    "Operation",
    "OperationError",
    "Pair",
    "Parameter",
    "Range",
    "Ranks",
    "SeparableFootprint",
    "Undo",
    "Upsample",
    "check_memory",
    "parameters",
]
