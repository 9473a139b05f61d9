"""SegNet: the decoder unpools with the indices that the encoder's poolings remember."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and convolutions of the five stages: those of VGG-16."""


class SegNet(nn.Module):
    """Segmentation by unpooling.

    V. Badrinarayanan, A. Kendall, R. Cipolla, SegNet: A Deep Convolutional Encoder-Decoder
    Architecture for Image Segmentation, TPAMI 2017, https://arxiv.org/abs/1511.00561.
    Odd sizes do no harm: each unpooling is told the size of what its pooling has seen.
    """

    def __init__(self, in_channels: int = 3, classes: int = 3) -> None:
        super().__init__()
        widths = [in_channels, *(width for width, _ in STAGES)]
        ends = [classes, *widths[1:-1]]
        self.encoder = nn.ModuleList(
            convs(inputs, width, count) for inputs, (width, count) in zip(widths, STAGES)
        )
        self.decoder = nn.ModuleList(
            convs(width, end, count) for end, (width, count) in zip(ends[::-1], STAGES[::-1])
        )
        self.pool = nn.MaxPool2d(2, return_indices=True)
        self.unpool = nn.MaxUnpool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, classes, H, W)."""
        remembered = []
        for stage in self.encoder:
            x = stage(x)
            size = x.shape[-2:]
            x, indices = self.pool(x)
            remembered.append((indices, size))
        for stage, (indices, size) in zip(self.decoder, reversed(remembered)):
            x = stage(self.unpool(x, indices, output_size=size))
        return x


def convs(inputs: int, outputs: int, count: int) -> nn.Sequential:
    """3 × 3 convolutions with normalisation and ReLU. A narrower output comes with the last one."""
    width = max(inputs, outputs)
    channels = [inputs, *[width] * (count - 1), outputs]
    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        layers += [
            nn.Conv2d(before, after, 3, padding=1),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
