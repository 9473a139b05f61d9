"""Controls that the labs of trained networks share: the upsampling block, and noise."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from resample_viz.labs.controls import LABEL, Simple, Slider
from resample_viz.operations import OperationError, Range
from resample_viz.words import gettext as _


class Blocks(dict[str, Any]):
    """Upsampling blocks by the name that a lab shows: names of PyTorch's own, functions, networks.

    >>> blocks = Blocks(("nearest + convolution",))
    >>> def mine(inputs, outputs, factor): ...
    >>> blocks.take(mine), list(blocks)
    ('mine', ['nearest + convolution', 'mine'])
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__((name, name) for name in names)

    def take(self, block: Any) -> str:
        """Adds a block if it is new, and says its name: that of a function is its own."""
        if isinstance(block, str):
            name = block
        else:
            name = str(getattr(block, "__name__", type(block).__name__))
        self[name] = block
        return name


class BlockChoice(Simple):
    """A dropdown of blocks; a function of one's own joins it under its name."""

    def __init__(self, blocks: Blocks, value: str) -> None:
        self._blocks = blocks
        drop = widgets.Dropdown(
            options=list(blocks), value=value, description="upsampling", style=LABEL
        )
        drop.add_class("rv-control-upsampling")
        super().__init__(drop)

    @property
    def value(self) -> Any:
        """The name of the block."""
        return self.widget.value

    @value.setter
    def value(self, value: Any) -> None:
        if callable(value):
            value = self._blocks.take(value)
            self.widget.options = list(self._blocks)
        Simple.value.fset(self, value)  # type: ignore[attr-defined]


class Noise(Slider):
    """The standard deviation of the noise that is added to the picture; a program may set 1."""

    def __init__(self, usual: float, most: float) -> None:
        super().__init__("noise", Range(0.0, most, 0.01), usual, whole=False)
        self.widget.add_class("rv-control-noise")

    def _check(self, value: Any) -> None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value <= 1:
            raise OperationError(
                _("noise must be a number from 0 to 1, not {value}: try 0.2.", value=repr(value))
            )


_last_noisy: MutableMapping[Tensor, tuple[float, bool, Tensor]] = WeakIdKeyDictionary()
"""The last noisy version of every picture that is still in use."""


def noisy(x: Tensor, noise: float, *, clip: bool = False) -> Tensor:
    """The picture x with normal noise of this standard deviation: for the same x the same object.

    With `clip` it is cut off at 0 and 1, as a camera does.
    """
    if not noise:
        return x
    last = _last_noisy.get(x)
    if last is None or last[:2] != (noise, clip):
        random = torch.Generator().manual_seed(0)
        noised = x + noise * torch.randn(x.shape, generator=random)
        last = _last_noisy[x] = (noise, clip, noised.clamp_(0, 1) if clip else noised)
    return last[2]
