"""The measured kernel is the one that PyTorch weighs with."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from resample_viz.analysis.resizing.kernel import sampled_kernel
from resample_viz.operations import OperationError, Upsample

SIZE = 40
SMOOTH = ("bilinear", "bicubic", "lanczos")


@given(
    mode=st.sampled_from(SMOOTH),
    scale=st.floats(0.3, 6),
    antialias=st.booleans(),
    align_corners=st.booleans(),
)
def test_its_values_at_the_samples_are_the_weights(
    mode: str, scale: float, antialias: bool, align_corners: bool
) -> None:
    try:
        operation = Upsample(
            scale_factor=scale, mode=mode, antialias=antialias, align_corners=align_corners
        )
    except OperationError:
        return  # no such combination
    kernel = sampled_kernel(operation, (1, 1, SIZE, SIZE))
    assert kernel is not None
    weights = operation.footprint((1, 1, SIZE, SIZE)).axes[1].matrix.double()
    values = kernel.at(torch.arange(SIZE) - kernel.centres[:, None])
    if antialias:
        values = values / values.sum(1, keepdim=True)
    reach = float(kernel.offsets[-1])
    inside = (kernel.centres >= reach) & (kernel.centres <= SIZE - 1 - reach)
    assert torch.allclose(values[inside], weights[inside], atol=2e-3)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_a_mode_of_blocks_reads_the_one_cell_under_its_box(mode: str) -> None:
    operation = Upsample(scale_factor=4, mode=mode)
    kernel = sampled_kernel(operation, (1, 1, 5, 5))
    assert kernel is not None
    read = operation.footprint((1, 1, 5, 5)).axes[1].matrix.argmax(1)
    assert torch.equal(kernel.at(read - kernel.centres), torch.ones(20).double())


def test_area_has_no_kernel() -> None:
    assert sampled_kernel(Upsample(mode="area"), (1, 1, 5, 5)) is None


def test_the_kernel_of_a_row_stands_on_the_width() -> None:
    kernel = sampled_kernel(Upsample(scale_factor=(1.0, 2.0), mode="bilinear"), (1, 1, 3, 4))
    assert kernel is not None
    assert len(kernel.centres) == 8
