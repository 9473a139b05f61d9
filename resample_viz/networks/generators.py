"""Two networks that enlarge: a generator of pictures, and super-resolution."""

from __future__ import annotations

from torch import Tensor, nn


class DCGANGenerator(nn.Module):
    """Makes pictures of 64 × 64 pixels from 100 numbers.

    A. Radford, L. Metz, S. Chintala, Unsupervised Representation Learning with Deep
    Convolutional Generative Adversarial Networks, ICLR 2016, https://arxiv.org/abs/1511.06434,
    figure 1: 100 numbers → 4 × 4 → 8 → 16 → 32 → 64 × 64 pixels. Kernels of 4 in
    steps of 2, so that stamps overlap evenly (the figure has 5).
    """

    def __init__(self, numbers: int = 100, width: int = 128, out_channels: int = 3) -> None:
        super().__init__()
        widths = [8 * width, 4 * width, 2 * width, width]
        layers: list[nn.Module] = [nn.ConvTranspose2d(numbers, widths[0], 4)]
        for inputs, outputs in zip(widths, [*widths[1:], out_channels]):
            layers += [
                nn.BatchNorm2d(inputs),
                nn.ReLU(inplace=True),
                nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1),
            ]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        """(N, numbers, 1, 1) → (N, out_channels, 64, 64), in [-1, 1]."""
        result: Tensor = self.layers(z)
        return result


class ESPCN(nn.Module):
    """Super-resolution: a picture `factor` times as large.

    W. Shi et al., Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network, CVPR 2016, https://arxiv.org/abs/1609.05158, section 3.2.
    All work is done on the small picture: the last convolution makes factor² numbers for every
    pixel, and `PixelShuffle` lays them side by side.
    """

    def __init__(self, factor: int = 3, channels: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 64, 5, padding=2),
            nn.Tanh(),
            nn.Conv2d(64, 32, 3, padding=1),
            nn.Tanh(),
            nn.Conv2d(32, channels * factor**2, 3, padding=1),
            nn.PixelShuffle(factor),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) → (N, channels, factor H, factor W)."""
        result: Tensor = self.layers(x)
        return result
