"""UnpoolingLab: what the indices of max pooling remember, and what is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import ipywidgets as widgets
import torch
from torch import Tensor

from resample_viz.analysis import psnr
from resample_viz.images import photograph
from resample_viz.labs.controls import Simple
from resample_viz.labs.core.lab import Lab, Preset
from resample_viz.labs.panels import SAME_AS_EXACT, Limits, signal_range, tensor_panel
from resample_viz.operations import (
    AvgPool,
    MaxPool,
    MaxUnpool,
    OperationError,
    PickFootprint,
    resize_back,
)
from resample_viz.operations.validation import pair
from resample_viz.view import Frame, Link, Merit, Panel, Step
from resample_viz.words import N_
from resample_viz.words import gettext as _

GRID = {"image": "integer_grid", "size": 6}
HINT = N_(
    "Point at a cell of y: the window, the winner in it, and the place in û to which it returns. "
    "Everything else in û is 0."
)


class UnpoolingLab(Lab):
    """Max pooling with its indices, and the ways back: with them, with wrong ones, without.

    Keyword arguments are the parameters of `MaxPool`, plus `image`, `size`, `preset`, and
    `output_size` (whether unpooling is told the size of x). `lab.indices` are the winners' places.
    Lesson: notebooks/06-pooling-and-unpooling.ipynb

    >>> lab = UnpoolingLab(image="integer_grid", size=4)
    >>> lab.indices[0, 0].tolist()
    [[5, 7], [13, 15]]
    >>> lab.close()
    """

    name = "unpooling"
    key_controls = ("kernel_size", "stride", "output_size")
    operation_type = MaxPool
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            N_("one value in four"),
            N_(
                "The numbers grow to the right and down, so the last cell of every "
                "window wins. Its index counts the cells of x row by row, from 0."
            ),
            GRID,
            controls=("kernel_size", "stride"),
        ),
        Preset(
            N_("a photograph"),
            N_(
                "The winners are back in their places, and the picture is mostly "
                "black. Compare the decibels: copying every value over its block comes "
                "much closer."
            ),
            {"image": "astronaut", "size": 128},
            controls=("kernel_size", "stride"),
        ),
        Preset(
            N_("one cell wins nine times"),
            N_(
                "Windows that overlap share a winner. Pooling counts it nine times, "
                "unpooling writes it once: this is no longer the transpose of anything."
            ),
            {"image": "impulse", "size": 7, "kernel_size": 3, "stride": 1},
            controls=("stride", "kernel_size"),
        ),
        Preset(
            N_("an odd size"),
            N_(
                "7 does not divide by 2: no window reads the last row and column "
                "(crossed out). Only output_size tells unpooling that they existed. "
                "Tick ceil_mode to read them."
            ),
            {"image": "integer_grid", "size": 7},
            controls=("ceil_mode", "output_size", "kernel_size"),
        ),
        Preset(
            N_("output_size forgotten"),
            N_(
                "The indices count rows of 7 cells, û has rows of 6: every row slips "
                "one cell further. With another picture PyTorch may refuse instead: "
                "choose the integer grid."
            ),
            {"image": "ramp", "size": 7, "output_size": False},
            controls=("output_size", "kernel_size"),
        ),
    )

    def build_extras(self) -> dict[str, Any]:
        """Whether unpooling is told the size of x."""
        checkbox = widgets.Checkbox(value=True, description="output_size", indent=False)
        checkbox.add_class("rv-control-output_size")
        return {"output_size": Simple(checkbox)}

    @property
    def indices(self) -> Tensor:
        """The flat index of every winner, (1, C, H_out, W_out)."""
        pool = self.operation
        assert isinstance(pool, MaxPool)
        return pool.with_indices(self.input)[1]

    def frame(self, operation: MaxPool, x: Tensor) -> Frame:  # type: ignore[override]
        """Input, output and indices; winners and what unpooling makes of them; the other ways."""
        y, indices = operation.with_indices(x)
        with_size = self.extras["output_size"].value
        unpool = operation.unpooling(x.shape[2:] if with_size else None)
        restored = _unpooled(operation, unpool, y, indices)
        low, high = signal_range(x)
        limits = (min(low, 0.0), max(high, 0.0))  # the zeros of û are no values out of range
        axes = operation.footprint(x.shape).axes
        pick = PickFootprint((axes[0], axes[1]), indices[0])
        wins = _wins(indices, x)
        whole = operation.unpooling(x.shape[2:])
        foreign = whole(y, operation.with_indices(self._other(x))[1])
        return Frame(
            (
                replace(
                    tensor_panel(
                        "x", _("Input x"), "input", x, limits, editable=self.inputs.editable
                    ),
                    unread=(axes[0].unread(), axes[1].unread()),
                ),
                tensor_panel("y", _("Output y"), "output", y, limits),
                _index_panel(indices, x.shape[-1]),
                _wins_panel(wins),
                _way_panel("u", "û: max unpooling", restored, x, limits),
                _way_panel("foreign", "Another picture's indices", foreign, x, limits),
                *self._without_indices(operation, x, y, limits),
            ),
            links=(Link.of("x", "y", pick, back="u"),),
            strip=(
                Step("x", tuple(x.shape), "input"),
                Step("MaxPool2d"),
                Step("y", tuple(y.shape), "output"),
                Step("MaxUnpool2d with its indices"),
                Step("û", tuple(restored.shape), "undone"),
            ),
            code=_code(operation, with_size),
            merits=_merits(wins, restored, x),
            formula=f"{operation.explain_shape(x.shape)}\nback: {_backward(unpool, y)}",
            hint=self.look or _(HINT),
            warnings=self._warnings(restored, x, wins),
            columns=3,
        )

    def _without_indices(
        self, pool: MaxPool, x: Tensor, y: Tensor, limits: Limits
    ) -> tuple[Panel, ...]:
        average = AvgPool(pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode)
        size = x.shape[2:]
        spread = average.adjoint(x.shape)(average(x))
        return (
            _way_panel("nearest", "y, nearest", resize_back(size, "nearest")(y), x, limits),
            _way_panel("bilinear", "y, bilinear", resize_back(size, "bilinear")(y), x, limits),
            _way_panel("spread", "Averages, spread evenly", spread, x, limits),
        )

    def _other(self, x: Tensor) -> Tensor:
        """Another photograph of the same shape."""
        name = "chelsea" if self.inputs.picture.value == "coffee" else "coffee"
        picture = photograph(name, (x.shape[2], x.shape[3]))
        return picture if x.shape[1] == 3 else picture.mean(1, keepdim=True).expand(x.shape)

    def _warnings(self, restored: Tensor, x: Tensor, wins: Tensor) -> tuple[str, ...]:
        warnings = []
        if restored.shape != x.shape:
            warnings.append(
                f"Without output_size, û has the size {tuple(restored.shape[2:])}, x has "
                f"{tuple(x.shape[2:])}, and the indices count the cells of x: rows slip."
            )
        if int(wins.max()) > 1:
            warnings.append(
                f"Windows overlap: one cell wins up to {int(wins.max())} times, and is written "
                "back once. The transpose would add up."
            )
        if bool((x < 0).any()):
            warnings.append(
                "x has negative values: the zeros of û may win when it is pooled again."
            )
        return tuple(warnings)


def _unpooled(pool: MaxPool, unpool: MaxUnpool, y: Tensor, indices: Tensor) -> Tensor:
    try:
        return unpool(y, indices)
    except OperationError:
        if max(pair(pool.dilation)) == 1:
            raise
        raise OperationError(
            _(
                "nn.MaxUnpool2d knows no dilation: it takes the size for a mistake, or "
                "the indices. Pool with dilation=1."
            )
        ) from None


def _wins(indices: Tensor, x: Tensor) -> Tensor:
    """How often each cell of the first picture of x wins, (C, H, W)."""
    flat = indices[0].flatten(1)
    counts = torch.zeros(x.shape[1], x.shape[2] * x.shape[3])
    return counts.scatter_add_(1, flat, torch.ones(flat.shape)).view(x.shape[1:])


def _index_panel(indices: Tensor, width: int) -> Panel:
    """The indices of channel 0 as numbers; in colour they are a map of x, row by row."""
    first = int(indices[0, 0, 0, 0])
    row, col = divmod(first, width)
    return Panel(
        "indices",
        _("Indices, row by row"),
        "index",
        indices[0, :1].float(),
        (0.0, float(max(1, int(indices.max())))),
        colormap="cividis",
        caption=_(
            "the first one: {first} = {row} × {width} + {col}, row {row}, column {col}",
            first=first,
            row=row,
            width=width,
            col=col,
        ),
        like="y",
    )


def _wins_panel(wins: Tensor) -> Panel:
    more = int((wins[0] > 1).sum())
    won = int((wins[0] > 0).sum())
    return Panel(
        "wins",
        _("How often each cell wins"),
        "index",
        wins[:1],
        (0.0, max(1.0, float(wins.max()))),
        colormap="cividis",
        caption=_(
            "{won} of {count} cells of channel 0 win, {more} of them more than once",
            won=won,
            count=wins[0].numel(),
            more=more,
        ),
        like="x",
    )


def _way_panel(name: str, title: str, restored: Tensor, x: Tensor, limits: Limits) -> Panel:
    """A way back with its PSNR; one of another size has none."""
    panel = tensor_panel(name, title, "undone", restored, limits)
    if restored.shape != x.shape:
        return panel
    says = f"PSNR {_decibels(restored, x)}"
    return replace(panel, like="x", caption=f"{says}; {panel.caption}" if panel.caption else says)


def _decibels(restored: Tensor, x: Tensor) -> str:
    low, high = signal_range(x)
    decibels = psnr(restored, x, data_range=high - low)
    return f"over {SAME_AS_EXACT} dB" if decibels > SAME_AS_EXACT else f"{decibels:.1f} dB"


def _merits(wins: Tensor, restored: Tensor, x: Tensor) -> tuple[Merit, ...]:
    won = wins > 0
    total = won.numel()
    merits = [
        Merit("winners", f"{int(won.sum())} of {total} values", _("in all channels")),
        Merit("win more than once", f"{int((wins > 1).sum())}", _("where windows overlap")),
    ]
    if restored.shape == x.shape:
        back = int((won & (restored[0] == x[0])).sum())
        merits += [
            Merit("back in place", f"{back / total:.1%}", _("values that unpooling brought back")),
            Merit("PSNR of û", _decibels(restored, x), _("higher is better")),
        ]
    return tuple(merits)


def _code(pool: MaxPool, with_size: bool) -> str:
    size = ", output_size=x.shape[2:]" if with_size else ""
    return (
        f"pool = {pool.code()[:-1]}, return_indices=True)\n"
        f"unpool = {pool.unpooling().code()}\n"
        f"y, indices = pool(x)\n"
        f"x_hat = unpool(y, indices{size})"
    )


def _backward(unpool: Any, y: Tensor) -> str:
    return "; ".join(unpool.explain_shape(y.shape).splitlines())
