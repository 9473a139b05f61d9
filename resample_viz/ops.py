"""The layers, and what they are made of: `rv.ops.MaxPool(kernel_size=2)`.

`from_module` makes one of a layer of PyTorch's, with its weights and settings.

A layer of your own is a frozen dataclass that extends `Operation`; a parameter annotated with a
`Range` is a slider, and `undo` says what can be brought back, as `Undo` values.
"""

from resample_viz.operations import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    BlurPool,
    Chain,
    Clip,
    Conv,
    ConvTranspose,
    Footprint,
    LPPool,
    MaxPool,
    MaxUnpool,
    MinMax,
    Normalize,
    Operation,
    OperationError,
    Pair,
    PixelShuffle,
    PixelUnshuffle,
    Quantize,
    Range,
    Standardize,
    Subsample,
    Undo,
    Upsample,
    from_module,
)

__all__ = [
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "AvgPool",
    "BlurPool",
    "Chain",
    "Clip",
    "Conv",
    "ConvTranspose",
    "Footprint",
    "LPPool",
    "MaxPool",
    "MaxUnpool",
    "MinMax",
    "Normalize",
    "Operation",
    "OperationError",
    "Pair",
    "PixelShuffle",
    "PixelUnshuffle",
    "Quantize",
    "Range",
    "Standardize",
    "Subsample",
    "Undo",
    "Upsample",
    "from_module",
]
