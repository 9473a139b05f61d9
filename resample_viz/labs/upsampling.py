"""UpsamplingLab: how a small picture becomes a large one, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

import ipywidgets as widgets
import torch
from torch import Tensor

from resample_viz.labs.base import Preset
from resample_viz.labs.controls import LABEL, Simple
from resample_viz.labs.core.state import PictureSettings, StatefulLab
from resample_viz.labs.panels import (
    error_panel,
    index_panel,
    merits,
    signal_range,
    tensor_panel,
)
from resample_viz.labs.picture import is_editable
from resample_viz.operations import Axis, Operation, OperationError, Undo, Upsample
from resample_viz.view import ChartPanel, Frame, LineChart, Link, Step
from resample_viz.view.colors import ROLE_COLORS

WayBack = Literal[
    "resize back, area", "resize back, same mode", "adjoint (transpose)", "least squares"
]
WAYS_BACK: tuple[WayBack, ...] = get_args(WayBack)
PROFILE_CELLS = 12

LOOK = {
    "nearest": "Every output cell copies one input cell: blocks. Hover over one to see which.",
    "nearest-exact": "One input cell each, taken at the pixel centre: compare the index map with "
    "'nearest' at a scale such as 2.5 or 0.5.",
    "bilinear": "Each output mixes the 2 × 2 nearest input cells: smooth, and a little flat.",
    "bicubic": "Each output mixes 4 × 4 input cells, some with negative weights: crisp edges that "
    "swing below the darkest and above the lightest input value.",
    "area": "Each output averages whole input cells: made for shrinking.",
    "lanczos": "Each output mixes about 6 × 6 input cells with a windowed sinc: the sharpest, and "
    "it rings.",
}


@dataclass(frozen=True)
class UpsamplingSettings(PictureSettings):
    """All that can be set in an `UpsamplingLab`: see `PictureSettings`, and the way back."""

    operation: Upsample = field(default_factory=Upsample)
    way_back: WayBack = "resize back, area"
    operation_type: ClassVar[type[Operation]] = Upsample

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.way_back not in WAYS_BACK:
            raise OperationError(
                f"way_back cannot be {self.way_back!r} here: use one of "
                f"{', '.join(map(repr, WAYS_BACK))}."
            )


class UpsamplingLab(StatefulLab):
    """Drag `scale_factor`, switch `mode`: input, output, index map, error of the way back.

    Keyword arguments are the parameters of `Upsample`, plus `image`, `size`, `preset`, `way_back`.
    `lab.settings` is all of them as one value, `lab.undo()` takes the last move back.
    Lesson: notebooks/01-upsampling.ipynb

    >>> lab = UpsamplingLab(image="integer_grid", size=4, scale_factor=1.5, mode="bilinear")
    >>> tuple(lab.output.shape)
    (1, 1, 6, 6)
    >>> lab.close()
    """

    name = "upsampling"
    Settings = UpsamplingSettings
    operation_type = Upsample
    opening: ClassVar[dict[str, Any]] = {"mode": "bilinear"}
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            "blocks of nearest",
            "At ×6 every input cell is a 6 × 6 block. Hover over a block: one source, weight 1.",
            {"image": "astronaut", "size": 32, "mode": "nearest", "scale_factor": 6.0},
        ),
        Preset(
            "align_corners drifts",
            "The index map now runs from corner centre to corner centre: only the middle of the "
            "picture stays in place. Untick align_corners and watch the error map.",
            {
                "image": "checkerboard",
                "size": 16,
                "mode": "bilinear",
                "scale_factor": 4.0,
                "align_corners": True,
            },
        ),
        Preset(
            "bicubic overshoots",
            "The magenta cells lie outside [0, 1]: the chart shows the swing on both sides of "
            "the edge.",
            {"image": "edge", "size": 16, "mode": "bicubic", "scale_factor": 4.0},
        ),
        Preset(
            "no power of two",
            "×1.7 works like any other positive number: the output size is rounded down.",
            {"image": "astronaut", "size": 128, "mode": "bilinear", "scale_factor": 1.7},
        ),
        Preset(
            "there and back",
            "Bilinear upsampling loses nothing: least squares brings the input back to rounding, "
            "resizing back does not.",
            {
                "image": "astronaut",
                "size": 128,
                "mode": "bilinear",
                "scale_factor": 2.0,
                "way_back": "least squares",
            },
        ),
    )

    def build_extras(self) -> dict[str, Any]:
        """The way back from y to x̂."""
        way = widgets.Dropdown(options=WAYS_BACK, description="way back", style=LABEL)
        way.add_class("rv-control-way_back")
        return {"way_back": Simple(way)}

    def build_charts(self) -> dict[str, Any]:
        """The chart of one row."""
        return {"profile": RowProfile()}

    def _parameters_read(self) -> dict[str, Any]:
        """A size that takes the place of a scale factor is the size that there was."""
        values = super()._parameters_read()
        before: Upsample = self.settings.operation
        if before.size is None and values["size"] is not None:
            height, width = before.output_shape(self.input.shape)[2:]
            values["size"] = height if height == width else (height, width)
        return values

    def frame_of(self, settings: UpsamplingSettings, *, dark: bool) -> Frame:
        """Input, output, index map, error of the way back, and one row as a chart."""
        operation, x = settings.operation, self.input_of(settings)
        y = operation(x)
        undo = _way_back(settings, x)
        restored = undo(y)
        footprint = operation.footprint(x.shape)
        limits = signal_range(x)
        editable = is_editable(x)
        panels = (
            tensor_panel("x", "Input x", "input", x, limits, editable=editable),
            tensor_panel("y", "Output y", "output", y, limits),
            index_panel(footprint),
            error_panel(restored, x, limits),
            self.charts["profile"].draw(x, footprint.axes[1], dark=dark),
        )
        return Frame(
            panels,
            links=(Link("x", "y", footprint.axes),),
            strip=(
                Step("x", tuple(x.shape), "input"),
                Step("Upsample"),
                Step("y", tuple(y.shape), "output"),
                Step(undo.label),
                Step("x̂", tuple(restored.shape), "undone"),
            ),
            code="\n".join(
                line
                for line in (
                    operation.program(),
                    "y = up(x)",
                    undo.setup,
                    f"x_hat = {undo.code}  # {undo.kind}",
                )
                if line
            ),
            merits=merits(restored, x, limits),
            formula=operation.explain_shape(x.shape),
            hint=self.point_of(settings) or LOOK[operation.mode],
        )


def _way_back(settings: UpsamplingSettings, x: Tensor) -> Undo:
    wanted = settings.way_back.replace("same mode", settings.operation.mode)
    ways = settings.operation.undo(x.shape)
    return next((way for way in ways if way.label == wanted), ways[0])


class RowProfile:
    """The chart of one row: where the output samples fall between the input samples."""

    def __init__(self) -> None:
        self.chart = LineChart(720, 170, self._dress)
        self.chart.add("y", label="output y", color=ROLE_COLORS["output"], marker=".", lw=1, ms=5)
        self.chart.add("x", label="input x", color=ROLE_COLORS["input"], marker="o", ls="", ms=6)
        self._limits = ((-0.5, 1.0), (0.0, 1.0))
        self._scene: tuple[Tensor | None, bool] = (None, False)

    def dress_for(self, x: Tensor, *, dark: bool) -> None:
        """Sets the limits for another input: about a dozen cells around the centre of its row."""
        width = x.shape[-1]
        first = max(0, (width - PROFILE_CELLS) // 2)
        last = min(width - 1, first + PROFILE_CELLS)
        low, high = signal_range(x)
        room = 0.18 * (high - low)
        self._limits = ((first - 0.6, last + 0.6), (low - room, high + room))
        self.chart.reset(dark=dark)

    def _dress(self, axes: Any) -> None:
        (left, right), (bottom, top) = self._limits
        axes.set(xlim=(left, right), ylim=(bottom, top), xlabel="column of x, in pixels")
        axes.xaxis.get_major_locator().set_params(integer=True)
        room = 0.18 / 1.36 * (top - bottom)
        for level in (bottom + room, top - room):
            axes.axhline(level, color="#767676", lw=0.8, ls="--")

    def draw(self, x: Tensor, axis: Axis, *, dark: bool) -> ChartPanel:
        """Resizes the middle row of channel 0 along its width, with PyTorch's weights."""
        if self._scene[0] is not x or self._scene[1] != dark:
            self._scene = (x, dark)
            self.dress_for(x, dark=dark)
        middle = x.shape[-2] // 2
        row = x[0, 0, middle].detach()
        out = axis.matrix.to(row) @ row
        picture, palette = self.chart.update(
            x=(torch.arange(len(row)).numpy(), row.numpy()),
            y=(axis.centres.numpy(), out.numpy()),
        )
        (left, right), _ = self._limits
        span = f"row {middle}, columns {max(0, round(left))} to {round(right)}"
        low, high = float(out.min()), float(out.max())
        return ChartPanel(
            "profile",
            f"One row of x and of y ({span})",
            picture,
            palette,
            alt=f"Line chart of {span}: input samples as dots at whole pixels, output samples "
            f"between them; the output row runs from {low:.3g} to {high:.3g}.",
        )
