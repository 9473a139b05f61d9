"""An operation that is made without arguments is what PyTorch's layer is without them."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields

import pytest
from torch import nn

from resample_viz import ops

LAYERS = {
    ops.Conv: nn.Conv2d,
    ops.ConvTranspose: nn.ConvTranspose2d,
    ops.MaxPool: nn.MaxPool2d,
    ops.AvgPool: nn.AvgPool2d,
    ops.LPPool: nn.LPPool2d,
    ops.MaxUnpool: nn.MaxUnpool2d,
    ops.AdaptiveAvgPool: nn.AdaptiveAvgPool2d,
    ops.PixelShuffle: nn.PixelShuffle,
    ops.Upsample: nn.Upsample,
}
OURS = {
    "bias": "a bias of random numbers would hide what the kernel does",
    "stride": "of a pooling, None means the kernel's size for both",
    "scale_factor": "nn.Upsample has none, and then refuses its input",
    "align_corners": "None means False for every mode that takes it",
    "recompute_scale_factor": "None means False",
}


@pytest.mark.parametrize("operation", LAYERS, ids=lambda kind: kind.__name__)
def test_defaults_are_those_of_pytorch(operation: type) -> None:
    theirs = inspect.signature(LAYERS[operation]).parameters
    compared = 0
    for field in fields(operation):
        default = theirs[field.name].default if field.name in theirs else inspect.Parameter.empty
        if default is inspect.Parameter.empty or field.default is MISSING:
            continue
        if field.name in OURS and default in (None, True):
            continue
        compared += 1
        assert field.default == default, field.name
    assert compared or operation in (ops.AdaptiveAvgPool, ops.PixelShuffle, ops.MaxUnpool)
