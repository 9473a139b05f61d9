"""An encoder and a decoder that give every pixel a class."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from resample_viz.networks.upsampling import BlockMaker, Upsampling, enlarge, upsampling_block


class SegmentationNetwork(nn.Module):
    """(N, channels, H, W) → a score per class and pixel, (N, classes, H, W); 8 divides H and W.

    Three poolings down, three blocks of `upsampling` (see `upsampling_block`) up. With "max
    unpooling" it is SegNet's idea, https://arxiv.org/abs/1511.00561; with `skips`, which lay the
    encoder's maps beside the enlarged ones, it is U-Net's, https://arxiv.org/abs/1505.04597.
    """

    def __init__(
        self,
        classes: int = 4,
        channels: int = 3,
        *,
        upsampling: Upsampling | BlockMaker = "bilinear + convolution",
        skips: bool = False,
        width: int = 16,
    ) -> None:
        super().__init__()
        self.channels, self.upsampling, self.skips = channels, upsampling, skips
        widths = (width, 2 * width, 2 * width)
        self.down = nn.ModuleList(map(convolution, (channels, *widths), widths))
        self.pool = nn.MaxPool2d(2, return_indices=True)
        self.middle = convolution(widths[-1], widths[-1])
        self.up, self.norm, self.merge = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for inputs, outputs in zip(widths[::-1], (*widths[-2::-1], width)):
            self.up.append(upsampling_block(upsampling, inputs, outputs))
            self.norm.append(nn.Sequential(nn.BatchNorm2d(outputs), nn.ReLU()))
            self.merge.append(convolution(outputs + inputs if skips else outputs, outputs))
        self.classify = nn.Conv2d(width, classes, 1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a quarter faster

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) → scores (N, classes, H, W).

        Raises ValueError for a size that cannot be halved three times, or other channels.
        """
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(
                f"this network takes pictures of shape (N, {self.channels}, H, W), not "
                f"{tuple(x.shape)}: make one with another number of channels."
            )
        check_size(*x.shape[-2:])
        maps, remembered = [], []
        for down in self.down:
            maps.append(down(x))
            x, indices = self.pool(maps[-1])
            remembered.append(indices)
        x = self.middle(x)
        for up, norm, merge in zip(self.up, self.norm, self.merge):
            x = norm(enlarge(up, x, remembered.pop()))
            x = merge(torch.cat([maps.pop(), x], dim=1) if self.skips else x)
        result: Tensor = self.classify(x)
        return result


def check_size(height: int, width: int) -> None:
    """Raises ValueError unless both can be halved three times."""
    if height % 8 or width % 8 or not height or not width:
        raise ValueError(
            f"{height} × {width} cannot be halved three times: crop or pad to multiples of 8, such "
            f"as {height // 8 * 8 or 8} × {width // 8 * 8 or 8}."
        )


def convolution(inputs: int, outputs: int) -> nn.Sequential:
    """A 3 × 3 convolution with normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )
