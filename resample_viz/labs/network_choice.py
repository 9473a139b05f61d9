"""Which network, on what input, and which of its steps is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import ipywidgets as widgets
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.labs.controls import LABEL
from resample_viz.networks import NETWORKS, Fix, Network
from resample_viz.operations import OperationError, Pair, Range, When
from resample_viz.words import gettext as _

NONE = "none"
NetworkName = Literal[
    "ResNet-18",
    "ResNet-50",
    "ResNet-50 + FPN",
    "FCN",
    "DeepLabV3",
    "U-Net, padded",
    "U-Net, as in its paper",
    "SegNet",
    "DCGAN generator",
    "ESPCN ×3",
]


@dataclass(frozen=True)
class NetworkChoice:
    """A network by name, the size of its input, and what fixes the U-Net's skip connections."""

    network: NetworkName = "U-Net, padded"
    input_size: Annotated[int | Pair, Range(32, 640)] = 128
    fix: Annotated[Fix, When("network", "U-Net, padded")] = "none"

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            names = ", ".join(map(repr, NETWORKS))
            raise OperationError(
                _(
                    "there is no network {network}: choose one of {names}.",
                    network=repr(self.network),
                    names=names,
                )
            )
        sizes = self.size
        whole = all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in sizes)
        if len(sizes) != 2 or not whole or max(sizes) > 4096:
            raise OperationError(
                _(
                    "input_size must be 1 to 4096 pixels, or (height, width), not "
                    "{input_size}: try input_size=224.",
                    input_size=repr(self.input_size),
                )
            )

    @property
    def size(self) -> Pair:
        """Height and width of the input."""
        size: Any = self.input_size
        return tuple(size) if isinstance(size, tuple | list) else (size, size)

    @property
    def entry(self) -> Network:
        """What is known about the network."""
        return NETWORKS[self.network]

    @property
    def shape(self) -> tuple[int, ...]:
        """The input's shape, (N, C, H, W)."""
        return self.entry.input_shape(self.size)

    def build(self, *, real: bool = False, pretrained: bool = False) -> nn.Module:
        """The network, as shapes alone or with weights."""
        entry = self.entry
        network: nn.Module = entry.build(fix=self.fix, real=real, pretrained=pretrained)
        return network

    def program(self) -> str:
        """How a learner writes it."""
        entry = self.entry
        shim = ""
        if "torchvision" in entry.setup:
            shim = "from resample_viz.compat import import_torchvision\nimport_torchvision()\n"
        code = entry.code.format(fix=self.fix)
        return (
            f'{shim}{entry.setup}\nwith torch.device("meta"):  # shapes without numbers\n'
            f"    model = {code}\ntrace = rv.trace(model, {self.shape})"
        )


def fitted(x: Tensor, shape: Sequence[int]) -> Tensor:
    """A picture as an input of `shape`: resized, as grey or colour as the network wants it.

    A network whose input is no picture gets random numbers, always the same.
    """
    if tuple(x.shape) == tuple(shape):
        return x
    if shape[1] not in (1, 3) and shape[1] != x.shape[1]:
        return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(0))
    x = F.interpolate(x, size=tuple(shape[2:]), mode="bilinear", antialias=True)
    if shape[1] == x.shape[1]:
        return x
    return x.mean(1, keepdim=True).expand(-1, shape[1], -1, -1).contiguous()


class StepChooser:
    """A list of steps, and a button that opens the chosen one in its own lab."""

    def __init__(self) -> None:
        self.list = widgets.Dropdown(options=(NONE,), description="step", style=LABEL)
        self.list.add_class("rv-control-step")
        self.open = widgets.Button(
            description="open this step in its lab",
            tooltip="the layer with these weights, on the tensor that comes in here",
            disabled=True,
        )
        self.open.add_class("rv-open-step")
        self.open.layout.width = "auto"
        self.widget = widgets.VBox([self.list, self.open])
        self.list.observe(lambda _: self._show(), names=["value"])

    def _show(self) -> None:
        self.open.disabled = self.list.value == NONE

    def offer(self, names: Sequence[str]) -> None:
        """Another list; what was chosen stays, if it is in it."""
        options = (NONE, *names)
        if options == self.list.options:
            return
        chosen = self.list.value
        self.list.options = options
        self.list.value = chosen if chosen in options else NONE

    @property
    def value(self) -> str:
        """The chosen step, as the list calls it, or "none"."""
        return str(self.list.value)

    @value.setter
    def value(self, value: str) -> None:
        if value in self.list.options:
            self.list.value = value
            return
        known = [one for one in self.list.options if one.partition(": ")[2] == value]
        if not known:
            raise OperationError(
                _(
                    "there is no step {value}: lab.trace.steps has them all, "
                    "print(lab.trace) the key steps.",
                    value=repr(value),
                )
            )
        self.list.value = known[-1]

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after every change."""
        self.list.observe(lambda _: callback(), names=["value"])
