"""A learned way back: a small network that has seen what an operation does to other photographs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.analysis import psnr
from resample_viz.images import PHOTOGRAPHS, photograph
from resample_viz.networks import RestorationNetwork
from resample_viz.operations import Operation, OperationError
from resample_viz.training import Batch, Task, Training
from resample_viz.words import gettext as _

STEPS = 300
PATCH = 32
BATCH = 16
HELD_OUT = "coffee"
"""A photograph that decides which weights are kept."""


class LearnedWayBack:
    """The training of a `RestorationNetwork` for one operation, on patches of photographs.

    `shown` is the name of the picture that it will be judged by: it is not trained on, and does not
    decide which weights are kept.

    Raises OperationError if the operation changes the channels, or leaves nothing of a patch.
    """

    def __init__(self, operation: Operation, x: Tensor, shown: str) -> None:
        self.operation, self.channels, self.shown = operation, x.shape[1], shown
        channels = x.shape[1]
        self.patch = tuple(min(PATCH, size) for size in x.shape[-2:])
        y_shape = operation.output_shape((1, channels, *self.patch))
        if len(y_shape) != 4 or y_shape[1] != channels or x.shape[1] not in (1, 3):
            raise OperationError(
                _(
                    "a way back can be learned here for operations that keep 1 or 3 "
                    "channels, but this one makes {y_shape} of {x_shape}: choose another one.",
                    y_shape=tuple(y_shape),
                    x_shape=(1, channels, *self.patch),
                )
            )
        others = [name for name in PHOTOGRAPHS if name != shown]
        held_out = HELD_OUT if HELD_OUT in others else others[0]
        names = [name for name in others if name != held_out]
        size = max(x.shape[-2:])
        self.pictures = torch.cat(
            [_in_channels(photograph(name, size), channels) for name in names]
        )
        kept = _in_channels(photograph(held_out, size), channels)
        random = torch.Generator().manual_seed(1)
        judged = self._pairs(torch.cat([self._cut(kept, random) for _ in range(BATCH)]))
        task = Task("a way back", self._batch, judged, F.mse_loss, psnr, "PSNR in dB")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = RestorationNetwork(channels)
        self.training = Training(network, task, STEPS)

    def __call__(self, y: Tensor, size: Sequence[int]) -> Tensor:
        """The guess at the picture of `size` of which the operation has made y."""
        return self.training.predict(resized(y, size))

    def belongs_to(self, operation: Operation, x: Tensor, shown: str) -> bool:
        """Whether it can be used there: on this operation, and on a picture it has never seen."""
        known = (self.operation, self.channels, self.shown)
        return known == (operation, x.shape[1], shown)

    def _cut(self, pictures: Tensor, random: torch.Generator) -> Tensor:
        number = int(torch.randint(len(pictures), (), generator=random))
        row, col = (
            int(torch.randint(size - part + 1, (), generator=random))
            for size, part in zip(pictures.shape[-2:], self.patch)
        )
        height, width = self.patch
        return pictures[number : number + 1, :, row : row + height, col : col + width]

    def _batch(self, random: torch.Generator) -> Batch:
        return self._pairs(torch.cat([self._cut(self.pictures, random) for _ in range(BATCH)]))

    def _pairs(self, patches: Tensor) -> Batch:
        height, width = self.patch
        return resized(self.operation(patches), (height, width)), patches


def resized(y: Tensor, size: Sequence[int]) -> Tensor:
    """What a network starts from: bicubic, anti-aliased where it shrinks."""
    return F.interpolate(y, size=tuple(size), mode="bicubic", antialias=True)


def _in_channels(x: Tensor, channels: int) -> Tensor:
    """The same picture in 1 or 3 channels."""
    return x.mean(1, keepdim=True) if channels == 1 else x.expand(-1, channels, -1, -1)
