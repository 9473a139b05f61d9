"""An autoencoder for small pictures: everything has to pass through a few numbers."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.networks.upsampling import BlockMaker, Upsampling, enlarge, upsampling_block


class Autoencoder(nn.Module):
    """(N, channels, size, size) → `code` numbers → (N, channels, size, size), in [0, 1].

    Two poolings halve the picture, a linear layer leaves `code` numbers; two blocks of `upsampling`
    (see `upsampling_block`) make a picture of them again. With "max unpooling" the decoder is also
    handed the encoder's indices, which is more than the code.

    Raises ValueError for a size that cannot be halved twice, and for pictures of another shape.
    """

    def __init__(
        self,
        size: int = 8,
        channels: int = 1,
        *,
        code: int = 16,
        upsampling: Upsampling | BlockMaker = "transposed convolution k=4",
        width: int = 16,
    ) -> None:
        super().__init__()
        if size % 4 or size < 4:
            raise ValueError(
                f"size {size} cannot be halved twice: use a multiple of 4, such as 24."
            )
        if code < 1:
            raise ValueError(f"the code needs at least one number, not {code}: try code=16.")
        self.shape = (channels, size, size)
        smallest = (2 * width, size // 4, size // 4)
        values = 2 * width * (size // 4) ** 2
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.second = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.pool = nn.MaxPool2d(2, return_indices=True)
        self.to_code = nn.Sequential(nn.Flatten(), nn.Linear(values, code))
        self.from_code = nn.Sequential(
            nn.Linear(code, values), nn.ReLU(), nn.Unflatten(1, smallest)
        )
        self.code, self.upsampling = code, upsampling
        self.up = nn.ModuleList(
            [
                upsampling_block(upsampling, 2 * width, width),
                upsampling_block(upsampling, width, channels),
            ]
        )

    def encode(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Pictures (N, channels, size, size) → codes (N, code), and the two poolings' indices.

        Raises ValueError for pictures of another shape.
        """
        if tuple(x.shape[1:]) != self.shape:
            channels, size, _ = self.shape
            raise ValueError(
                f"this autoencoder takes pictures of shape (N, {channels}, {size}, {size}), not "
                f"{tuple(x.shape)}: resize them, or make one with another size or channels."
            )
        x, outer = self.pool(F.relu(self.first(x)))
        x, inner = self.pool(F.relu(self.second(x)))
        return self.to_code(x), (inner, outer)

    def decode(self, code: Tensor, indices: tuple[Tensor, Tensor]) -> Tensor:
        """Codes (N, code) → pictures (N, channels, size, size) in [0, 1].

        The indices are for max unpooling alone.
        """
        x = F.relu(enlarge(self.up[0], self.from_code(code), indices[0]))
        return enlarge(self.up[1], x, indices[1]).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (N, channels, size, size) through their codes and back, in [0, 1]."""
        return self.decode(*self.encode(x))
