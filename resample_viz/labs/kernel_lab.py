"""`KernelLab`: what the labs of the two convolutions share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from torch import Tensor

from resample_viz.labs.controls import Simple, Slider, buttons, display
from resample_viz.labs.core.lab import Lab
from resample_viz.labs.kernels import follow_channels, with_groups, write_weight
from resample_viz.labs.least_squares import LeastSquares
from resample_viz.labs.picture import check_typed
from resample_viz.operations import Range
from resample_viz.operations.kernel_layer import KernelLayer

CHANNELS = Range(0, 7)
"""The output channels that the slider offers, unless there are more."""
ANY_CHANNEL = Range(0, 4095)


def channel_slider() -> Slider:
    """Which channel is drawn, and explained, of more than can be drawn."""
    channel = Slider("channel", CHANNELS, 0, whole=True, strict=ANY_CHANNEL)
    channel.widget.add_class("rv-control-channel")
    return channel


def channel_of(slider: Slider, channels: int) -> int:
    """The channel that the slider chooses of so many; the slider then reaches all of them."""
    display(slider, channels > 1)
    slider.reach(channels - 1)
    return min(int(slider.value), channels - 1)


class KernelLab(Lab):
    """Buttons for what to show, a slider for the output channel, kernels that can be typed into."""

    shows: ClassVar[tuple[str, ...]]

    def build_extras(self) -> dict[str, Any]:
        """What to show, and the output channel that is explained."""
        show = buttons("show", self.shows, self.shows[0])
        show.add_class("rv-control-show")
        self._least_squares = LeastSquares()
        return {"show": Simple(show), "channel": channel_slider()}

    @abstractmethod
    def weight_at(self, operation: Any, kernel: int) -> tuple[int, int]:
        """Where the weight has the kernel that is drawn in this place: its first two indices."""

    @abstractmethod
    def groups_of(self, shape: tuple[int, ...]) -> int:
        """How many groups a whole weight of this shape makes, on the input that is shown."""

    def channels_changed(self, channels: int) -> None:
        """Groups and output channels follow the picture."""
        follow_channels(self.controls, channels)

    def completed(self, moves: dict[str, Any]) -> dict[str, Any]:
        """The groups of a whole weight of the learner's own."""
        return with_groups(moves, self.groups_of)

    def edited(self, panel: str, row: int, col: int, value: float) -> None:
        """A cell of the input, or a weight of the kernels that are drawn."""
        if panel != "w":
            super().edited(panel, row, col, value)
            return
        operation = self.operation
        assert isinstance(operation, KernelLayer)
        check_typed(value)
        weight: Tensor = operation.weight
        number, col = divmod(col, operation.taps[1])
        weight[(*self.weight_at(operation, number), row, col)] = value
        alone = weight.shape[:2] == (1, 1)
        write_weight(self.controls, weight[0, 0] if alone else weight)
