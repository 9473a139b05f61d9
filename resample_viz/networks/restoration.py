"""A small network that guesses what an operation has lost."""

from __future__ import annotations

from torch import Tensor, nn


class RestorationNetwork(nn.Module):
    """(N, channels, H, W), resized from what an operation left → the guess, of the same shape.

    What is learned is added. The last convolution starts with zeros, so that an untrained network
    gives back the resized picture.
    """

    def __init__(self, channels: int, width: int = 24) -> None:
        super().__init__()
        last = nn.Conv2d(width, channels, 3, padding=1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.detail = nn.Sequential(
            nn.Conv2d(channels, width, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            last,
        )

    def forward(self, resized: Tensor) -> Tensor:
        """(N, channels, H, W), resized → the restored picture, of the same shape."""
        result: Tensor = resized + self.detail(resized)
        return result
