"""Panels and frames: what a lab shows, as plain data that any renderer can draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from resample_viz.view.colors import Colormap, Role
from resample_viz.words import gettext as _

PRECISE_CELLS = 4096
"""Panels with at most this many values travel as float32."""
SHOWN_CELLS = 400
"""Of larger panels only a part of this many cells per axis travels: a screen shows no more."""
CHANNEL_VALUES = 2**19
"""Inputs with at most this many values travel with all their channels."""
CENTRE = (0.5, 0.5)

Centre = tuple[float, float]
"""The middle of the part of large panels that is looked at, as shares of height and width."""

Indices = npt.NDArray[np.uint8]


def window(cells: int, middle: float) -> tuple[int, int]:
    """First cell and number of cells of the part of an axis around `middle` (0 to 1).

    >>> window(1000, 0.5), window(1000, 1.0), window(30, 0.5)
    ((300, 400), (600, 400), (0, 30))
    """
    count = min(cells, SHOWN_CELLS)
    first = round(middle * cells - count / 2)
    return max(0, min(cells - count, first)), count


class TapAxis(Protocol):
    """One axis of a footprint: tap t of output i reads input `index[i, t]`, -1 for none."""

    @property
    def in_size(self) -> int:
        """The number of input cells."""
        ...

    @property
    def index(self) -> Tensor:
        """The input cells behind each output, (out, taps)."""
        ...

    @property
    def weights(self) -> Tensor:
        """Their weights, (out, taps)."""
        ...


@dataclass(frozen=True, eq=False)
class Panel:
    """A tensor, (C, H, W), shown cell by cell: as colour if C = 3, else one `channel` of it.

    `value_range` are the values drawn as the darkest and the lightest shade; values outside it are
    clipped on screen, never in the numbers. `like` names a panel whose cells lie at the same
    places. The outer cells that `margin` counts (top, left, bottom, right) are padding: they are
    hatched, and every cell is named from where the inside begins. `unread` lists the rows and
    columns that no output reads, `lines` draws a heavier line every so many rows and columns.
    `ties` makes the panel a matrix: row i is cell i, row by row, of the first panel named, and
    column j is cell j of the second one. `names` says what the rows and the columns stand for, and
    `unit` what is counted. A click on a cell of a `pickable` panel is reported to the kernel; the
    cell that was `picked` is outlined. `by` is the library that computed the values.
    """

    name: str
    title: str
    role: Role
    tensor: Tensor
    value_range: tuple[float, float] = (0.0, 1.0)
    colormap: Colormap = "gray"
    caption: str = ""
    like: str = ""
    editable: bool = False
    channel: int | None = None
    margin: tuple[int, int, int, int] = (0, 0, 0, 0)
    unread: tuple[Sequence[int], Sequence[int]] = ((), ())
    lines: tuple[int, int] | None = None
    ties: tuple[str, str] | None = None
    names: tuple[Sequence[str], Sequence[str]] = ((), ())
    unit: str = ""
    pickable: bool = False
    picked: tuple[int, int] | None = None
    by: str = "PyTorch"

    def __post_init__(self) -> None:
        if self.tensor.ndim != 3 or (self.channel is None and self.tensor.shape[0] not in (1, 3)):
            raise ValueError(
                f"panel {self.name!r} needs a (1, H, W) or (3, H, W) tensor, not "
                f"{tuple(self.tensor.shape)}: choose one channel with x[:, :1], or channel=0."
            )

    @property
    def shown(self) -> Tensor:
        """What is painted: (3, H, W) colours or one channel, (1, H, W)."""
        if self.channel is None:
            return self.tensor
        return self.tensor[self.channel : self.channel + 1]

    def encode(self, centre: Centre = CENTRE) -> tuple[dict[str, Any], bytes]:
        """A description that goes into JSON, and the values as bytes.

        Small panels keep float32. Larger inputs keep 16 bits and everything else 8 bits between the
        tensor's own minimum and maximum: enough for the eye, and little enough to follow a slider.
        Inputs travel whole, because sums over cells and channels are written out from them.
        """
        _, rows, cols = self.tensor.shape
        whole = self.role == "input"
        row, shown_rows = (0, rows) if whole else window(rows, centre[0])
        col, shown_cols = (0, cols) if whole else window(cols, centre[1])
        every_channel = whole and self.tensor.numel() <= CHANNEL_VALUES
        sent = self.tensor if every_channel else self.shown
        part = sent.detach()[:, row : row + shown_rows, col : col + shown_cols]
        values = part.to(torch.float32).contiguous()
        low, high = self.extremes
        if values.numel() <= PRECISE_CELLS:
            dtype, codes = "f32", values  # NaN and infinity too: JavaScript knows them
        else:
            dtype, levels, kind = ("u8", 255, torch.uint8)
            if whole:
                dtype, levels, kind = ("u16", 65535, torch.uint16)
            gain = levels / (high - low) if high > low else 0.0
            # What is not finite is clipped: codes cannot say it.
            codes = values.sub(low).mul_(gain).round_().nan_to_num_(0).clamp_(0, levels).to(kind)
        meta = {
            "kind": "pixels",
            "name": self.name,
            "title": self.title,
            "role": self.role,
            "rows": rows,
            "cols": cols,
            "row0": row,
            "col0": col,
            "shownRows": shown_rows,
            "shownCols": shown_cols,
            "channels": len(values),
            "firstChannel": 0 if every_channel else self.channel or 0,
            "channel": self.channel or 0,
            "colour": len(self.shown) == 3,
            "dtype": dtype,
            "lo": low,
            "hi": high,
            "vmin": self.value_range[0],
            "vmax": self.value_range[1],
            "colormap": self.colormap,
            "caption": self.caption,
            "like": self.like,
            "editable": self.editable,
            "margin": list(self.margin),
            "unread": [list(cells) for cells in self.unread],
            "lines": list(self.lines or ()),
            "ties": list(self.ties or ()),
            "names": [list(words) for words in self.names],
            "unit": self.unit,
            "pickable": self.pickable,
            "picked": list(self.picked or ()),
            "by": self.by,
            "alt": self.describe(),
        }
        return meta, codes.numpy().tobytes()

    @cached_property
    def extremes(self) -> tuple[float, float]:
        """The smallest and the largest finite value; (0, 0) if there is none."""
        values = self.tensor.detach()
        low, high = (float(value) for value in torch.aminmax(values))
        if math.isfinite(low) and math.isfinite(high):
            return low, high
        finite = values[values.isfinite()]
        return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)

    @cached_property
    def outside(self) -> float:
        """The share of values that lie outside `value_range` by more than float32 rounding."""
        low, high = self.value_range
        slack = 1e-6 * (high - low)
        if low - slack <= self.extremes[0] and self.extremes[1] <= high + slack:
            return 0.0
        below = torch.count_nonzero(self.tensor < low - slack)
        above = torch.count_nonzero(self.tensor > high + slack)
        return float(below + above) / self.tensor.numel()

    def describe(self) -> str:
        """The panel in words, for those who do not see it."""
        rows, cols = self.tensor.shape[1:]
        low, high = self.extremes
        facts = {
            "title": self.title,
            "rows": rows,
            "cols": cols,
            "low": f"{low:.3g}",
            "high": f"{high:.3g}",
        }
        said = (
            _("{title}: {rows} by {cols} cells, colour, values {low} to {high}.", **facts)
            if len(self.shown) == 3
            else _("{title}: {rows} by {cols} cells, one channel, values {low} to {high}.", **facts)
        )
        return f"{said} {self.caption}" if self.caption else said


@dataclass(frozen=True, eq=False)
class IndexPanel:
    """Where each output cell reads: a row position per output row, a column position per column."""

    name: str
    title: str
    rows: Tensor
    cols: Tensor
    in_size: tuple[int, int]
    caption: str = ""
    like: str = ""
    role: Role = "index"

    def encode(self, centre: Centre = CENTRE) -> tuple[dict[str, Any], bytes]:
        """A description that goes into JSON, and the positions as float32 bytes, rows first."""
        row, shown_rows = window(len(self.rows), centre[0])
        col, shown_cols = window(len(self.cols), centre[1])
        meta = {
            "kind": "index",
            "name": self.name,
            "title": self.title,
            "role": self.role,
            "rows": len(self.rows),
            "cols": len(self.cols),
            "row0": row,
            "col0": col,
            "shownRows": shown_rows,
            "shownCols": shown_cols,
            "inRows": self.in_size[0],
            "inCols": self.in_size[1],
            "caption": self.caption,
            "like": self.like,
            "alt": self.describe(),
        }
        places = (self.rows[row : row + shown_rows], self.cols[col : col + shown_cols])
        return meta, torch.cat(places).to(torch.float32).numpy().tobytes()

    def describe(self) -> str:
        """The panel in words."""
        top, bottom, left, right = (
            f"{float(place):.3g}"
            for place in (self.rows[0], self.rows[-1], self.cols[0], self.cols[-1])
        )
        said = _(
            "{title}: rows read from {top} to {bottom}, columns from {left} to {right}.",
            title=self.title,
            top=top,
            bottom=bottom,
            left=left,
            right=right,
        )
        return f"{said} {self.caption}"


@dataclass(frozen=True, eq=False)
class ChartPanel:
    """A chart, and what it says in words.

    `picture` holds the palette index of every pixel, (H, W) uint8; `palette` the colours, (n, 3).
    `spots` are bars that can be pointed at: the left edge of each in pixels, and what it says;
    `end` is the right edge of the last one. A click on one is reported as cell (0, its number).
    """

    name: str
    title: str
    picture: Indices
    palette: Indices
    alt: str
    caption: str = ""
    role: Role = "chart"
    spots: tuple[tuple[float, str], ...] = ()
    end: float = 0.0

    def encode(self, _: Centre = CENTRE) -> tuple[dict[str, Any], bytes]:
        """A description that goes into JSON; palette, run lengths and run colours as bytes.

        Runs of one colour, because a browser takes 10 ms to decode even a small PNG, and this 1 ms.
        """
        height, width = self.picture.shape
        flat = self.picture.ravel()
        begins = np.empty(flat.size, bool)
        np.not_equal(flat[1:], flat[:-1], out=begins[1:])
        begins[::255] = True  # 8 bits are enough for every length
        starts = np.flatnonzero(begins)
        lengths = np.diff(starts, append=flat.size).astype(np.uint8)
        meta = {
            "kind": "chart",
            "name": self.name,
            "title": self.title,
            "role": self.role,
            "rows": height,
            "cols": width,
            "shownRows": height,
            "shownCols": width,
            "runs": len(starts),
            "colors": len(self.palette),
            "spots": [list(spot) for spot in self.spots],
            "end": self.end,
            "pickable": bool(self.spots),
            "caption": self.caption,
            "alt": self.alt,
        }
        return meta, self.palette.tobytes() + lengths.tobytes() + flat[starts].tobytes()

    def describe(self) -> str:
        """The panel in words."""
        return self.alt


@dataclass(frozen=True, eq=False)
class RowPanel:
    """One row of two linked panels as a chart, drawn by the stage: it follows the pointer.

    `source` and `target` name the panels. `kernel` are offsets and weights of the interpolation
    kernel along a row, (n,) each, and `centres`, (out,), where it stands for each output cell; None
    if there is no such kernel. `value_range` is what the chart reaches from and to, and a bit more.
    """

    name: str
    title: str
    source: str
    target: str
    alt: str
    value_range: tuple[float, float] = (0.0, 1.0)
    kernel: tuple[Tensor, Tensor, Tensor] | None = None
    caption: str = ""
    role: Role = "chart"

    def encode(self, _: Centre = CENTRE) -> tuple[dict[str, Any], bytes]:
        """A description that goes into JSON; offsets, weights and centres as float32 bytes."""
        parts = self.kernel or ()
        meta = {
            "kind": "row",
            "name": self.name,
            "title": self.title,
            "role": self.role,
            "rows": 1,
            "cols": 1,
            "shownRows": 1,
            "shownCols": 1,
            "source": self.source,
            "target": self.target,
            "vmin": self.value_range[0],
            "vmax": self.value_range[1],
            "samples": len(parts[0]) if parts else 0,
            "caption": self.caption,
            "alt": self.alt,
        }
        return meta, b"".join(_bytes(part, torch.float32) for part in parts)

    def describe(self) -> str:
        """The panel in words."""
        return self.alt


@dataclass(frozen=True, eq=False)
class Link:
    """The cells of panel `source` that feed the cells of panel `target`, as taps per axis.

    The weight of a source cell is the product of the weights of its two taps. With a `kernel`, (O,
    I / groups, taps, taps), it is the kernel's weight between the channels instead; `channel` is
    the output channel that is explained, `bias` what is added to its sums. With `winners`, (C, out
    rows, out cols), each target takes one cell of its window alone: the one of that flat index, row
    by row in the source panel. `back` names a panel to which winners return, each to the cell of
    that same index.
    """

    source: str
    target: str
    axes: Sequence[TapAxis]
    kernel: Tensor | None = None
    groups: int = 1
    channel: int = 0
    bias: float = 0.0
    winners: Tensor | None = None
    back: str = ""

    @classmethod
    def of(cls, source: str, target: str, footprint: Any, **more: Any) -> Link:
        """The link of a footprint: its axes, and its kernel or its winners if it has any."""
        fields = {
            name: getattr(footprint, name)
            for name in ("kernel", "groups", "winners")
            if hasattr(footprint, name)
        }
        return cls(source, target, footprint.axes, **fields, **more)

    def encode(self) -> tuple[dict[str, Any], bytes]:
        """A description that goes into JSON, and the bytes: taps, kernel, winners.

        Taps are int32 indices and float32 weights, axis by axis; of the kernel (float32) and of the
        winners (int32) only the explained channel travels.
        """
        described = []
        buffers = []
        for axis in self.axes:
            out, taps = axis.weights.shape
            described.append({"in": axis.in_size, "out": out, "taps": taps})
            buffers += [_bytes(axis.index, torch.int32), _bytes(axis.weights, torch.float32)]
        meta: dict[str, Any] = {
            "source": self.source,
            "target": self.target,
            "channel": self.channel,
            "axes": described,
        }
        if self.kernel is not None:
            inputs = self.kernel.shape[1]
            first = self.channel * self.groups // len(self.kernel) * inputs
            meta |= {"kernel": inputs, "firstChannel": first, "bias": self.bias}
            buffers.append(_bytes(self.kernel[self.channel], torch.float32))
        if self.winners is not None:
            meta |= {"winners": self.winners[self.channel].numel(), "back": self.back}
            buffers.append(_bytes(self.winners[self.channel], torch.int32))
        return meta, b"".join(buffers)


def _bytes(tensor: Tensor, dtype: torch.dtype) -> bytes:
    return tensor.detach().to(dtype).contiguous().numpy().tobytes()


@dataclass(frozen=True)
class Step:
    """One station of the shape strip: a tensor with its shape, or an operation between two."""

    label: str
    shape: tuple[int, ...] | None = None
    role: Role | None = None

    def __str__(self) -> str:
        return f"{self.label} {self.shape}" if self.shape else self.label


@dataclass(frozen=True)
class Merit:
    """A figure of merit with what it measures: PSNR 31.24 dB."""

    label: str
    value: str
    meaning: str = ""


AnyPanel = Panel | IndexPanel | ChartPanel | RowPanel


@dataclass(frozen=True, eq=False)
class Frame:
    """Everything that a lab shows at one moment.

    `walk` names the panel whose cells a learner can step through. Stepping through the target of a
    link reveals it cell by cell; with `stamp`, stepping through the source adds up in the target
    what the cells so far have put there. The panels fill `columns` columns, or as many as fit if
    it is 0; but if `main` names panels, these are as large as one screen lets them be, beside each
    other, and the others stand below, small. With `same_cells` the cells of the main panels are of
    one size where all of these can be seen then; with `mark_outside` values outside a panel's range
    are magenta.
    """

    panels: tuple[AnyPanel, ...]
    links: tuple[Link, ...] = ()
    strip: tuple[Step, ...] = ()
    code: str = ""
    merits: tuple[Merit, ...] = ()
    formula: str = ""
    hint: str = ""
    warnings: tuple[str, ...] = ()
    walk: str = ""
    stamp: bool = False
    columns: int = 0
    main: tuple[str, ...] = ()
    same_cells: bool = False
    mark_outside: bool = True
