"""The network of lesson 12: sizes, what it adds to, every block."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from resample_viz.networks import UPSAMPLINGS, SuperResolutionNetwork, upscale_bicubic

BLOCKS = [block for block in UPSAMPLINGS if block != "max unpooling"]


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_enlarges_by_the_factor(block: str, factor: int) -> None:
    network = SuperResolutionNetwork(factor, upsampling=block, width=4)  # type: ignore[arg-type]
    assert network(torch.rand(2, 1, 5, 7)).shape == (2, 1, 5 * factor, 7 * factor)
    assert (network.factor, network.upsampling) == (factor, block)


def test_without_detail_it_is_bicubic() -> None:
    network = SuperResolutionNetwork(2)
    x = torch.rand(1, 1, 6, 5)
    torch.testing.assert_close(network(x) - network.detail(x), upscale_bicubic(x, 2))
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    assert torch.equal(network(x), upscale_bicubic(x, 2))


def test_mid_grey_is_nothing_to_the_convolutions() -> None:
    """So the zero padding is grey, and a grey picture has the same detail up to its border."""
    network = SuperResolutionNetwork(2, upsampling="sub-pixel convolution, ICNR")
    detail = network.detail(torch.full((1, 1, 24, 24), 0.5))
    biases = [layer.bias for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    for bias in biases:
        nn.init.zeros_(bias)  # type: ignore[arg-type]
    assert detail.abs().max() > 0
    assert network.detail(torch.full((1, 1, 24, 24), 0.5)).abs().max() == 0


def test_max_unpooling_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"no pooling: choose a sub-pixel convolution\.$"):
        SuperResolutionNetwork(2, upsampling="max unpooling")
