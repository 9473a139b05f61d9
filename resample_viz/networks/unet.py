"""U-Net, in the sizes of its paper and with padding, and what fixes its skip connections."""

from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.deprecation import warn

Fix = Literal["none", "pad the input", "output_padding", "interpolate", "crop the skip"]
FIXES: tuple[str, ...] = get_args(Fix)


class UNet(nn.Module):
    """Segmentation with skip connections.

    O. Ronneberger, P. Fischer, T. Brox, U-Net: Convolutional Networks for Biomedical Image
    Segmentation, MICCAI 2015, https://arxiv.org/abs/1505.04597, figure 1.
    With `padding=0`, as in the paper, 572 × 572 becomes 388 × 388, and the skips are cropped. With
    `padding=1` sizes stay, if they can be halved four times; else the maps that meet differ by one,
    unless a `fix` sees to it. `width` is the number of channels of the first stage: 64 there.
    """

    def __init__(
        self,
        in_channels: int = 1,
        classes: int = 2,
        *,
        width: int = 64,
        padding: int = 1,
        fix: Fix = "none",
        mend: Fix | None = None,
    ) -> None:
        super().__init__()
        if mend is not None:
            warn("UNet(mend=...)", "UNet(fix=...)", stacklevel=2)
            fix = mend
        self.padding, self.fix = padding, fix
        widths = [width * 2**stage for stage in range(5)]
        inputs = [in_channels, *widths[:-1]]
        self.down = nn.ModuleList(two_convs(a, b, padding) for a, b in zip(inputs, widths))
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(2 * wide, wide, 2, stride=2) for wide in widths[-2::-1]
        )
        self.merge = nn.ModuleList(two_convs(2 * w, w, padding) for w in widths[-2::-1])
        self.classify = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, classes, H, W), or 184 less per axis without padding."""
        height, width = x.shape[-2:]
        if self.fix == "pad the input":
            x = F.pad(x, (0, -width % 16, 0, -height % 16))
        skips: list[Tensor] = []
        for stage in self.down:
            x = stage(self.pool(x) if skips else x)
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, skips[-2::-1]):
            x = merge(self.join(up, x, skip))
        x = self.classify(x)
        return x[..., :height, :width] if self.fix == "pad the input" else x

    def join(self, up: nn.Module, x: Tensor, skip: Tensor) -> Tensor:
        """x, (N, C, h, w), upsampled by `up`, beside its skip, (N, K, H, W), along the channels."""
        size = skip.shape[-2:]
        x = up(x, output_size=size) if self.fix == "output_padding" else up(x)
        if self.fix == "interpolate" and x.shape[-2:] != size:
            x = F.interpolate(x, size=size, mode="bilinear")
        if self.fix == "crop the skip" or self.padding == 0:
            top, left = ((a - b) // 2 for a, b in zip(size, x.shape[-2:]))
            skip = skip[..., top : top + x.shape[-2], left : left + x.shape[-1]]
        return torch.cat([skip, x], dim=1)


def two_convs(inputs: int, outputs: int, padding: int) -> nn.Sequential:
    """Two 3 × 3 convolutions, each with a ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=padding),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=padding),
        nn.ReLU(inplace=True),
    )
