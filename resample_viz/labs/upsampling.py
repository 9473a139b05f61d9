"""UpsamplingLab: how a small picture becomes a large one, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal, get_args

from torch import Tensor

from resample_viz.analysis.resizing.kernel import sampled_kernel
from resample_viz.labs.core.column import Labelled
from resample_viz.labs.core.lab import Preset
from resample_viz.labs.core.state import PictureSettings, StatefulLab
from resample_viz.labs.panels import (
    error_panel,
    index_panel,
    merits,
    signal_range,
    tensor_panel,
)
from resample_viz.labs.picture import is_editable
from resample_viz.operations import Operation, OperationError, Undo, Upsample
from resample_viz.view import Frame, Link, RowPanel, Step
from resample_viz.words import N_
from resample_viz.words import gettext as _

WayBack = Literal[
    "resize back, area", "resize back, same mode", "adjoint (transpose)", "least squares"
]
WAYS_BACK: tuple[WayBack, ...] = get_args(WayBack)
SHOWN_WAYS = (
    N_("resize back, area"),
    N_("resize back, same mode"),
    N_("adjoint (transpose)"),
    N_("least squares"),
)
"""The same as phrases to translate."""

LOOK = {
    "nearest": N_("Every output cell copies one input cell: blocks. Hover over one to see which."),
    "nearest-exact": N_(
        "One input cell each, taken at the pixel centre: compare the index map with "
        "'nearest' at a scale such as 2.5 or 0.5."
    ),
    "bilinear": N_("Each output mixes the 2 × 2 nearest input cells: smooth, and a little flat."),
    "bicubic": N_(
        "Each output mixes 4 × 4 input cells, some with negative weights: crisp edges that "
        "swing below the darkest and above the lightest input value."
    ),
    "area": N_("Each output averages whole input cells: made for shrinking."),
    "lanczos": N_(
        "Each output mixes about 6 × 6 input cells with a windowed sinc: the sharpest, and "
        "it rings."
    ),
}


@dataclass(frozen=True)
class UpsamplingSettings(PictureSettings):
    """All that can be set in an `UpsamplingLab`; for what it adds, see `PictureSettings`.

    Attributes:
        way_back: how x̂ is made of y.
        same_cells: whether x and y are drawn at one scale, where both can be seen then.
        mark_outside: whether values outside the range of x are magenta.
    """

    operation: Upsample = field(default_factory=Upsample)
    way_back: Annotated[WayBack, Labelled(N_("way back"))] = "resize back, area"
    same_cells: Annotated[bool, Labelled(N_("cells of one size in x and y"))] = True
    mark_outside: Annotated[bool, Labelled(N_("values out of range in magenta"))] = True
    operation_type: ClassVar[type[Operation]] = Upsample

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.way_back not in WAYS_BACK:
            raise OperationError(
                _(
                    "way_back cannot be {way_back} here: use one of {choices}.",
                    way_back=repr(self.way_back),
                    choices=", ".join(map(repr, WAYS_BACK)),
                )
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
    key_controls = ("mode", "scale_factor")
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            N_("blocks of nearest"),
            N_("At ×8 every input cell is an 8 × 8 block. Point at a block: one source, weight 1."),
            {"image": "astronaut", "size": 32, "mode": "nearest", "scale_factor": 8.0},
            controls=("mode", "scale_factor"),
        ),
        Preset(
            N_("align_corners drifts"),
            N_(
                "The index map now runs from corner centre to corner centre: only the middle of "
                "the picture stays in place. Untick align_corners and watch the error map."
            ),
            {
                "image": "checkerboard",
                "size": 16,
                "mode": "bilinear",
                "scale_factor": 4.0,
                "align_corners": True,
            },
            controls=("align_corners", "scale_factor", "mode"),
        ),
        Preset(
            N_("bicubic overshoots"),
            N_(
                "The magenta cells lie outside [0, 1]: the chart shows the swing on both sides of "
                "the edge."
            ),
            {"image": "edge", "size": 16, "mode": "bicubic", "scale_factor": 4.0},
            controls=("mode", "scale_factor", "mark_outside"),
        ),
        Preset(
            N_("no power of two"),
            N_(
                "×1.8 works like any other positive number: the output size is rounded down, "
                "here from 230.4 to 230."
            ),
            {"image": "astronaut", "size": 128, "mode": "bilinear", "scale_factor": 1.8},
            controls=("scale_factor", "recompute_scale_factor", "mode"),
        ),
        Preset(
            N_("there and back"),
            N_(
                "Bilinear upsampling loses nothing: least squares brings the input back to "
                "rounding, resizing back does not."
            ),
            {
                "image": "astronaut",
                "size": 128,
                "mode": "bilinear",
                "scale_factor": 2.0,
                "way_back": "least squares",
            },
            controls=("way_back", "mode", "scale_factor"),
        ),
    )

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
        del dark  # nothing of it is drawn in Python
        operation, x = settings.operation, self.input_of(settings)
        y = operation(x)
        undo = _way_back(settings, x)
        restored = undo(y)
        footprint = operation.footprint(x.shape)
        limits = signal_range(x)
        editable = is_editable(x)
        panels = (
            tensor_panel("x", _("Input x"), "input", x, limits, editable=editable),
            tensor_panel("y", _("Output y"), "output", y, limits),
            replace(index_panel(footprint), title=_("Index map")),
            replace(error_panel(restored, x, limits), title=_("Error of x̂")),
            row_panel(x, y, operation),
        )
        return Frame(
            panels,
            links=(Link("x", "y", footprint.axes),),
            strip=(
                Step("x", tuple(x.shape), "input"),
                Step("Upsample"),
                Step("y", tuple(y.shape), "output"),
                Step(_(undo.label)),
                Step("x̂", tuple(restored.shape), "undone"),
            ),
            code="\n".join(
                line
                for line in (
                    operation.program(),
                    "y = up(x)",
                    undo.setup,
                    f"x_hat = {undo.code}  # {_(undo.kind)}",
                )
                if line
            ),
            merits=merits(restored, x, limits),
            formula=operation.explain_shape(x.shape),
            hint=self.point_of(settings) or _(LOOK[operation.mode]),
            main=("x", "y"),
            same_cells=settings.same_cells,
            mark_outside=settings.mark_outside,
        )


def _way_back(settings: UpsamplingSettings, x: Tensor) -> Undo:
    wanted = settings.way_back.replace("same mode", settings.operation.mode)
    ways = settings.operation.undo(x.shape)
    return next((way for way in ways if way.label == wanted), ways[0])


def row_panel(x: Tensor, y: Tensor, operation: Upsample) -> RowPanel:
    """One row of x, (1, C, H, W), and of y, and the kernel that leads from one to the other."""
    kernel = sampled_kernel(operation, x.shape)
    row = y[0, 0, y.shape[-2] // 2].detach()
    low, high = (float(value) for value in row.aminmax())
    return RowPanel(
        "profile",
        _("One row of y"),
        "x",
        "y",
        alt=_(
            "Chart of one row, which follows the pointer: the samples of x as dots, those of y as "
            "a line, below them the kernel with its weights. The middle row of y runs from {low} "
            "to {high}.",
            low=format(low, ".3g"),
            high=format(high, ".3g"),
        ),
        value_range=signal_range(x),
        kernel=None if kernel is None else (kernel.offsets, kernel.weights, kernel.centres),
    )
