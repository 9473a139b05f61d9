"""ConvolutionLab: which input cells an output cell sees, and with what weights."""

from __future__ import annotations

from typing import Any, ClassVar

import ipywidgets as widgets
import torch
from torch import Tensor

from resample_viz.analysis import linear_map
from resample_viz.labs.background import Job
from resample_viz.labs.controls import LABEL, Simple, display
from resample_viz.labs.core.lab import Preset
from resample_viz.labs.kernel_lab import KernelLab, channel_of
from resample_viz.labs.kernels import (
    COLOURS,
    counted,
    fits_matrix,
    invisible_panel,
    kernel_panel,
    matrix_merits,
    matrix_panels,
    response_panel,
    restored_panel,
    same_size,
)
from resample_viz.labs.least_squares import Solved
from resample_viz.labs.panels import error_panel, merits, signal_range
from resample_viz.operations import Conv, Operation
from resample_viz.view import AnyPanel, Frame, Link, Merit, Panel, Step
from resample_viz.words import N_
from resample_viz.words import gettext as _

SHOWS = ("window", "matrix", "way back")
ADJOINT, LEAST_SQUARES = "transposed convolution, same weights", "least squares"


class ConvolutionLab(KernelLab):
    """Walk the window over a grid or a photograph; see the sum, the matrix, and the way back.

    Keyword arguments are the parameters of `Conv` (without `in_channels`, which the input decides),
    plus `image`, `size`, `preset`, `show` ("window", "matrix", "way back"), `way_back`, `channel`
    (the output channel whose sums are written out).
    Lesson: notebooks/04-convolution-arithmetic.ipynb

    >>> lab = ConvolutionLab(image="integer_grid", size=5, kernel="box", stride=2)
    >>> tuple(lab.output.shape)
    (1, 1, 3, 3)
    >>> lab.close()
    """

    name = "convolution"
    key_controls = ("show", "kernel_size", "stride", "padding")
    shows = SHOWS
    operation_type = Conv
    opening: ClassVar[dict[str, Any]] = {
        "image": "integer_grid",
        "size": 5,
        "kernel": "ones",
        "padding": 1,
    }
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            N_("a window walks"),
            N_(
                "Press play: at each place the window's 9 products add up to one cell "
                "of y. Then point at a cell of x: it goes into up to 9 cells of y."
            ),
            {"image": "integer_grid", "size": 5, "kernel": ((0, 1, 2), (2, 2, 0), (0, 1, 2))},
            controls=("kernel", "kernel_size", "stride"),
        ),
        Preset(
            N_("the border is never read"),
            N_(
                "Windows of 3 in steps of 2 fit twice into 6 cells: the crossed-out "
                "cells are in no window. No value of theirs changes y."
            ),
            {"image": "integer_grid", "size": 6, "kernel": "ones", "stride": 2},
            controls=("kernel_size", "stride", "padding"),
        ),
        Preset(
            N_("padding keeps the size"),
            N_(
                "The hatched zeros let the window stand on every cell, so y is as "
                "large as x. The corners of y are small: most of their window is 0."
            ),
            {"image": "integer_grid", "size": 5, "kernel": "ones", "padding": "same"},
            controls=("padding", "kernel_size", "padding_mode"),
        ),
        Preset(
            N_("dilation leaves holes"),
            N_(
                "The window spans 5 × 5 cells, but reads only 9 of them. Walk: what "
                "lies in the holes is read from elsewhere."
            ),
            {"image": "integer_grid", "size": 7, "kernel": "ones", "dilation": 2},
            controls=("dilation", "kernel_size"),
        ),
        Preset(
            N_("Sobel finds edges"),
            N_(
                "Red where the picture brightens to the right, blue where it darkens. "
                "Flat ground becomes 0, the middle colour."
            ),
            {"image": "camera", "size": 128, "kernel": "sobel", "padding": 1},
            controls=("kernel", "stride"),
        ),
        Preset(
            N_("groups keep the colours"),
            N_(
                "Three groups: every channel has a kernel of its own. Set groups to 1: "
                "each output then sums over all three channels, and the colours are "
                "gone."
            ),
            {
                "image": "astronaut",
                "size": 128,
                "kernel": "gaussian",
                "kernel_size": 5,
                "padding": 2,
                "out_channels": 3,
                "groups": 3,
            },
            controls=("groups", "out_channels", "channel"),
        ),
        Preset(
            N_("7 and 8 become 4"),
            N_(
                "Set the size to 8: y keeps its 4 × 4 cells. From y alone nobody can "
                "tell whether x had 7 rows or 8."
            ),
            {"image": "integer_grid", "size": 7, "kernel": "ones", "stride": 2, "padding": 1},
            controls=("kernel_size", "stride", "padding"),
        ),
        Preset(
            N_("what blurring loses"),
            N_(
                "The best that can be done with y is x̂. The invisible part is what is "
                "missing: add any multiple of it to x, and y stays the same."
            ),
            {
                "image": "astronaut",
                "size": 128,
                "kernel": "gaussian",
                "kernel_size": 4,
                "stride": 2,
                "padding": 1,
                "out_channels": 3,
                "groups": 3,
                "show": "way back",
                "way_back": LEAST_SQUARES,
            },
            controls=("way_back", "kernel", "kernel_size", "stride"),
        ),
    )

    def build_extras(self) -> dict[str, Any]:
        """What to show beside the window, the way back, and the channel that is explained."""
        shared = super().build_extras()
        way = widgets.Dropdown(
            options=(ADJOINT, LEAST_SQUARES), description=_("way back"), style=LABEL
        )
        way.add_class("rv-control-way_back")
        return {"show": shared["show"], "way_back": Simple(way), "channel": shared["channel"]}

    def groups_of(self, shape: tuple[int, ...]) -> int:
        """A weight (O, C / groups, kh, kw) says how many channels each group sees."""
        return max(1, self.input.shape[1] // shape[1])

    def weight_at(self, operation: Conv, kernel: int) -> tuple[int, int]:
        """Drawn are the kernels of one output channel."""
        return self._channel(operation), kernel

    def frame(self, operation: Conv, x: Tensor) -> Frame:  # type: ignore[override]
        """Input with its padding, kernel, output; then the matrix, or the way back."""
        y = operation(x)
        shows = self.extras["show"].value
        display(self.extras["way_back"], shows == "way back")
        channel = channel_of(self.extras["channel"], y.shape[1])
        panels: list[AnyPanel] = [*self._window(operation, x, y, channel)]
        warnings = [*_unread(operation, x)]
        measured: tuple[Merit, ...] = (
            Merit(
                "weights", f"{operation.weight.numel()}", _("numbers that a network would learn")
            ),
            Merit("products per output cell", f"{operation.weight[0].numel()}"),
        )
        code = [operation.program(), f"y = {operation.variable}(x)"]
        strip = [
            Step("x", tuple(x.shape), "input"),
            Step("Conv2d"),
            Step("y", tuple(y.shape), "output"),
        ]
        if shows == "matrix" and fits_matrix(x, y):
            linear = linear_map(operation, x.shape)
            seen = _seen(operation, channel)
            panels += matrix_panels(linear, out_channel=channel, in_channel=seen)
            measured = matrix_merits(linear, x)
        elif shows == "matrix":
            warnings.append(
                "A picture of this size makes a matrix too large to look at: choose a grid of at "
                "most 16 × 16 cells."
            )
        elif shows == "way back":
            restored, measured = self._restored(operation, x, panels)
            strip.append(Step(self.extras["way_back"].value))
            strip.append(Step("x̂", tuple(restored.shape), "undone"))
            code.append(self._code_back(operation, x))
        return Frame(
            tuple(panels),
            links=self._links(operation, x, channel),
            strip=tuple(strip),
            code="\n".join(code),
            merits=measured,
            formula=_formula(operation, x),
            hint=self.look
            or _("Point at a cell of y, or walk: the window, the products, the sum."),
            warnings=tuple(warnings),
            walk="y",
        )

    def _window(self, operation: Conv, x: Tensor, y: Tensor, channel: int) -> tuple[Panel, ...]:
        padded = operation.pad(x)
        limits = signal_range(padded)  # zeros around values from 1 to 25 are not "outside"
        return (
            Panel(
                "x",
                _("Input x") if padded.shape == x.shape else _("Input x, padded (hatched)"),
                "input",
                padded[0],
                limits,
                editable=self.inputs.editable,
                channel=None if x.shape[1] == COLOURS else _seen(operation, channel),
                margin=operation.padding_of(x.shape),
                unread=_inside(operation, x),
            ),
            kernel_panel(operation.weight[channel], _kernel_title(operation, channel)),
            response_panel("y", _("Output y"), "output", y, signal_range(x), channel),
        )

    def _links(self, operation: Conv, x: Tensor, channel: int) -> tuple[Link, ...]:
        """In the padded input the window finds a cell under every tap."""
        footprint = operation.unpadded().footprint(operation.pad(x).shape)
        bias = float(operation.bias_values[channel]) if operation.bias else 0.0
        return (Link.of("x", "y", footprint, channel=channel, bias=bias),)

    def _channel(self, operation: Conv) -> int:
        return min(int(self.extras["channel"].value), operation.weight.shape[0] - 1)

    # The way back

    def _restored(
        self, operation: Conv, x: Tensor, panels: list[AnyPanel]
    ) -> tuple[Tensor, tuple[Merit, ...]]:
        """x̂ and its figures; adds its panels."""
        limits = signal_range(x)
        if self.extras["way_back"].value == ADJOINT:
            linear = linear_map(operation, x.shape)
            solved: Solved | None = Solved(linear.adjoint(linear(x)), "")
        else:
            solved = self._least_squares.of(operation, x)
        if solved is None:  # on its way: see `follow_up`
            restored = torch.zeros_like(x)
            panels.append(restored_panel(restored, limits, "is being computed"))
            return restored, ()
        restored, note = solved
        panels.append(restored_panel(restored, limits, note))
        panels.append(error_panel(restored, x, limits))
        if self.extras["way_back"].value == LEAST_SQUARES:
            panels.append(invisible_panel(operation, x - restored))
        return restored, merits(restored, x, limits)

    def follow_up(self, operation: Operation, x: Tensor) -> Job | None:
        """Least squares, behind the frame that is shown."""
        shows, way = self.extras["show"].value, self.extras["way_back"].value
        if (shows, way) != ("way back", LEAST_SQUARES):
            return None
        return self._least_squares.job(operation, x, self.show_again)

    def _code_back(self, operation: Conv, x: Tensor) -> str:
        shape = tuple(x.shape)
        linear = f"linear = rv.linear_map(rv.ops.from_module({operation.variable}), {shape})"
        y = "y - conv.bias.view(-1, 1, 1)" if operation.bias else "y"  # what is undone is linear
        if self.extras["way_back"].value == ADJOINT:
            return f"{linear}\nx_hat = linear.adjoint({y})  # adjoint"
        return f"{linear}\nx_hat = linear.pseudo_inverse({y})  # pseudo-inverse (least squares)"


def _seen(operation: Conv, channel: int) -> int:
    """The first input channel that an output channel sees."""
    out, inputs = operation.weight.shape[:2]
    return channel * operation.groups // out * inputs


def _inside(operation: Conv, x: Tensor) -> tuple[list[int], list[int]]:
    """The unread rows and columns, in the coordinates of the padded input."""
    top, left, _, _ = operation.padding_of(x.shape)
    rows, cols = operation.unread(x.shape)
    return [row + top for row in rows], [col + left for col in cols]


def _unread(operation: Conv, x: Tensor) -> list[str]:
    rows, cols = operation.unread(x.shape)
    if not rows and not cols:
        return []
    height, width = x.shape[2:]
    left_out = height * width - (height - len(rows)) * (width - len(cols))
    return [
        f"{left_out} of the {height * width} input cells are in no window (crossed out): "
        f"{counted(len(rows), 'row')} and {counted(len(cols), 'column')} do not count. Padding, or "
        "another stride, kernel_size or input size, would reach them."
    ]


def _formula(operation: Conv, x: Tensor) -> str:
    heights = same_size(operation, tuple(x.shape))
    lines = [operation.explain_shape(x.shape)]
    if len(heights) > 1:
        names = ", ".join(map(str, heights[:-1])) + f" and {heights[-1]}"
        lines.append(f"input heights {names} all become {operation.output_shape(x.shape)[2]}")
    return "\n".join(lines)


def _kernel_title(operation: Conv, channel: int) -> str:
    out, inputs = operation.weight.shape[:2]
    if out == inputs == 1:
        return "Kernel w"
    each = "" if inputs == 1 else f", one for each of the {inputs} channels it sees"
    return f"Kernel of output channel {channel}{each}"
