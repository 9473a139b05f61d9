"""Super-resolution: a bicubic enlargement, and what a small network adds to it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.networks.upsampling import (
    BlockMaker,
    MaxUnpooling,
    Upsampling,
    upsampling_block,
)


class SuperResolutionNetwork(nn.Module):
    """(N, 1, H, W) → (N, 1, factor H, factor W): luminance, in [0, 1].

    All convolutions work on the small picture; one block of `upsampling` (see `upsampling_block`)
    enlarges at the end, as in W. Shi et al., CVPR 2016, https://arxiv.org/abs/1609.05158. The block
    makes only what a bicubic enlargement lacks, as in J. Kim, J. K. Lee, K. M. Lee, Accurate Image
    Super-Resolution Using Very Deep Convolutional Networks, CVPR 2016,
    https://arxiv.org/abs/1511.04587: the network starts from bicubic, and learns the rest.

    Two details keep short trainings from failing: mid-grey is 0 for the convolutions, so that their
    zero padding is grey, and the activation is leaky: with ReLU, channels died and stayed dead.

    Raises ValueError for "max unpooling": there is no encoder whose indices it could use.
    """

    def __init__(
        self,
        factor: int = 2,
        *,
        upsampling: Upsampling | BlockMaker = "sub-pixel convolution",
        width: int = 32,
    ) -> None:
        super().__init__()
        self.factor, self.upsampling = factor, upsampling
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 5, padding=2),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.up = upsampling_block(upsampling, width, 1, factor)
        if isinstance(self.up, MaxUnpooling):
            raise ValueError(
                "max unpooling needs the indices of an encoder's pooling, and this network has no "
                "pooling: choose a sub-pixel convolution."
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W) → (N, 1, factor H, factor W), a little beyond [0, 1], as bicubic is."""
        result: Tensor = self.detail(x) + upscale_bicubic(x, self.factor)
        return result

    def detail(self, x: Tensor) -> Tensor:
        """What the network adds to bicubic, (N, 1, factor H, factor W), in the units of x.

        Raises ValueError for another number of channels than 1.
        """
        if x.ndim != 4 or x.shape[1] != 1:
            raise ValueError(
                f"this network enlarges luminance, (N, 1, H, W), not {tuple(x.shape)}: give it "
                "luminance(x)."
            )
        result: Tensor = self.up(self.body(x - 0.5))
        return result


def upscale_bicubic(x: Tensor, factor: int) -> Tensor:
    """(N, C, H, W) → (N, C, factor H, factor W), bicubic with Keys' a = −0.5.

    It is the baseline of the papers; without antialias, PyTorch's bicubic has a = −0.75.
    """
    return F.interpolate(x, scale_factor=factor, mode="bicubic", antialias=True)
