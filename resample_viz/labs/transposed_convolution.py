"""TransposedConvolutionLab: what a "deconvolution" does, and what it does not undo."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from resample_viz.analysis import linear_map
from resample_viz.labs.background import Job
from resample_viz.labs.checkerboards import LastDrawn, as_pair, overlap_frame, random_frame
from resample_viz.labs.controls import Simple, Slider, buttons, display
from resample_viz.labs.core.lab import Preset
from resample_viz.labs.drift import STYLES, EncoderDecoder, drift_frame
from resample_viz.labs.kernel_lab import KernelLab, channel_of
from resample_viz.labs.kernels import (
    COLOURS,
    fits_matrix,
    kernel_panel,
    matrix_merits,
    matrix_panels,
    response_panel,
    restored_panel,
    same_size,
)
from resample_viz.labs.panels import error_panel, merits, signal_range, tensor_panel
from resample_viz.labs.profiles import Profiles
from resample_viz.operations import (
    Axis,
    Conv,
    ConvTranspose,
    Operation,
    OperationError,
    Range,
    check_memory,
)
from resample_viz.view import AnyPanel, Frame, Link, Merit, Panel, Step
from resample_viz.words import N_
from resample_viz.words import gettext as _

READINGS = ("scatter", "gather")
MOST_STRETCHED = 2**20  # cells of the stretched grid on which both readings are compared
NUMBERS, MATRIX, SIZES, BACK, OVERLAP, RANDOM, DRIFT = SHOWS = (
    "numbers",
    "matrix",
    "which size",
    "there and back",
    "overlap",
    "random weights",
    "drift",
)


class TransposedConvolutionLab(KernelLab):
    """Stamp the kernel, or gather from a stretched grid; count overlaps; compare with an inverse.

    Keyword arguments are the parameters of `ConvTranspose` (without `in_channels`, which the input
    decides), plus `image`, `size`, `preset`, `reading` ("scatter", "gather"), `show` ("numbers",
    "matrix", "which size", "there and back", "overlap", "random weights", "drift"), `levels` (of
    the encoder whose drift is shown), `channel` (the output channel whose sums are written out).
    Lesson: notebooks/05-transposed-convolution.ipynb

    >>> lab = TransposedConvolutionLab(image="integer_grid", size=4, padding=1, output_padding=1)
    >>> tuple(lab.output.shape)
    (1, 1, 8, 8)
    >>> lab.close()
    """

    name = "transposed-convolution"
    key_controls = ("show", "kernel_size", "stride", "padding")
    shows = SHOWS
    operation_type = ConvTranspose
    opening: ClassVar[dict[str, Any]] = {
        "image": "integer_grid",
        "size": 4,
        "kernel": "ones",
        "stride": 2,
    }
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            N_("stamps add up"),
            N_(
                "Press play: every cell of x stamps the kernel, times its own value, "
                "into y. Where stamps overlap, they add up. Then set reading to "
                "gather: the same numbers."
            ),
            {
                "image": "integer_grid",
                "size": 4,
                "kernel": ((1, 2, 1), (2, 4, 2), (1, 2, 1)),
                "stride": 2,
            },
            controls=("kernel", "stride", "kernel_size"),
        ),
        Preset(
            N_("uneven overlap: k=3, s=2"),
            N_(
                "Stamps of 3 in steps of 2: some cells get 1 stamp, some 2, some 4. "
                "That is the checkerboard, before any learning. Set kernel_size to 4."
            ),
            {"image": "integer_grid", "size": 6, "kernel": "ones", "stride": 2, "show": OVERLAP},
            controls=("kernel_size", "stride", "show"),
        ),
        Preset(
            N_("even overlap: k=4, s=2"),
            N_("4 is a multiple of 2: away from the border every cell gets 4 stamps."),
            {
                "image": "integer_grid",
                "size": 6,
                "kernel": "ones",
                "stride": 2,
                "kernel_size": 4,
                "show": OVERLAP,
            },
            controls=("kernel_size", "stride", "show"),
        ),
        Preset(
            N_("even count, uneven sum"),
            N_(
                "Nothing is trained, and the input is one flat grey. Four stamps land "
                "on every cell, but not with the same weights: k=4 flickers as much as "
                "k=3. Move the seed."
            ),
            {
                "image": "integer_grid",
                "size": 6,
                "kernel": "random",
                "stride": 2,
                "kernel_size": 4,
                "padding": 1,
                "show": RANDOM,
            },
            controls=("kernel_size", "stride"),
        ),
        Preset(
            N_("which size was meant?"),
            N_(
                "A convolution makes 4 × 4 of 7 × 7 and of 8 × 8. output_padding says "
                "which of the two is to come back: x has 8 rows here."
            ),
            {
                "image": "integer_grid",
                "size": 8,
                "kernel": "ones",
                "stride": 2,
                "padding": 1,
                "show": SIZES,
            },
            controls=("output_padding", "stride", "kernel_size"),
        ),
        Preset(
            N_("not an inverse"),
            N_(
                "The convolution, then this layer with the same weights: the shape is "
                "back, the picture is not. Even the best way back, least squares, is "
                "short of x."
            ),
            {
                "image": "astronaut",
                "size": 128,
                "kernel": "bilinear",
                "stride": 2,
                "kernel_size": 4,
                "padding": 1,
                "out_channels": 3,
                "groups": 3,
                "show": BACK,
            },
            controls=("kernel", "kernel_size", "stride"),
        ),
        Preset(
            N_("half a pixel per level"),
            N_(
                "A strided convolution reads pixel 2 i, interpolation takes it for 2 i "
                "+ ½. After four levels the lit pixel has become a spot 7.5 pixels too "
                "far right and down; a transposed convolution leaves it in its place."
            ),
            {
                "image": "impulse",
                "size": 128,
                "kernel": "bilinear",
                "stride": 2,
                "padding": 1,
                "output_padding": 1,
                "show": DRIFT,
                "levels": 4,
            },
            controls=("levels", "kernel", "reading"),
        ),
    )

    def build_extras(self) -> dict[str, Any]:
        """The reading, what to show, the levels of the encoder, the channel that is explained."""
        shared = super().build_extras()
        reading = buttons("reading", READINGS, READINGS[0])
        reading.add_class("rv-control-reading")
        levels = Slider("levels", Range(1, 4), 4, whole=True, strict=True)
        levels.widget.add_class("rv-control-levels")
        self._random = LastDrawn()
        return {
            "reading": Simple(reading),
            "show": shared["show"],
            "levels": levels,
            "channel": shared["channel"],
        }

    def build_charts(self) -> dict[str, Any]:
        """One row of the pictures whose drift is shown."""
        return {"row": Profiles(STYLES)}

    def scene_changed(self, x: Tensor) -> None:
        """The chart's limits follow the input and the theme."""
        self.charts["row"].dress_for(x, dark=self.stage.dark)

    def groups_of(self, shape: tuple[int, ...]) -> int:
        """A weight (C, O / groups, kh, kw) does not tell; one group, then."""
        del shape
        return 1

    def weight_at(self, operation: ConvTranspose, kernel: int) -> tuple[int, int]:
        """Drawn are the stamps that make one output channel."""
        inputs, outputs = operation.weight.shape[:2]
        group, within = divmod(self._channel(operation), outputs)
        return group * (inputs // operation.groups) + kernel, within

    def frame(self, operation: ConvTranspose, x: Tensor) -> Frame:  # type: ignore[override]
        """What `show` asks for."""
        shows = self.extras["show"].value
        display(self.extras["reading"], shows in (NUMBERS, MATRIX))
        display(self.extras["levels"], shows == DRIFT)
        channel_of(self.extras["channel"], operation.output_shape(x.shape)[1])
        view: dict[str, Callable[[ConvTranspose, Tensor], Frame]] = {
            NUMBERS: self._numbers,
            MATRIX: self._matrix,
            SIZES: self._sizes,
            BACK: self._there_and_back,
            OVERLAP: overlap_frame,
            RANDOM: self._random_weights,
            DRIFT: self._drift,
        }
        frame = view[shows](operation, x)
        return replace(
            frame,
            formula=frame.formula or operation.explain_shape(x.shape),
            hint=self.look or frame.hint,
        )

    def follow_up(self, operation: Operation, x: Tensor) -> Job | None:
        """Least squares, behind the frame that is shown."""
        if self.extras["show"].value != BACK:
            return None
        assert isinstance(operation, ConvTranspose)
        forwards = _convolution(operation, x)
        return self._least_squares.job(forwards, x, self.show_again)

    def _channel(self, operation: ConvTranspose) -> int:
        outputs = operation.weight.shape[1] * operation.groups
        return min(int(self.extras["channel"].value), outputs - 1)

    def _random_weights(self, operation: ConvTranspose, x: Tensor) -> Frame:
        del x  # one flat grey will do
        return random_frame(self._random.of(operation))

    def _drift(self, operation: ConvTranspose, x: Tensor) -> Frame:
        del operation  # the encoder and both decoders are given
        return drift_frame(EncoderDecoder(self.extras["levels"].value), x, self.charts["row"])

    # The numbers

    def _numbers(self, operation: ConvTranspose, x: Tensor) -> Frame:
        y = operation(x)
        gathers = self.extras["reading"].value == "gather"
        panels, links = (self._gather if gathers else self._scatter)(operation, x, y)
        return Frame(
            panels,
            links,
            strip=_strip(x, y),
            code=_code(operation, gathers),
            merits=(
                Merit("weights", f"{operation.weight.numel()}"),
                *_both_readings(operation, x, y),
            ),
            hint=_("Each cell of y gathers from the stretched grid: the kernel is turned by 180°.")
            if gathers
            else _("Each cell of x stamps the kernel into y. Point at one, or press play."),
            walk="y" if gathers else "x",
            stamp=not gathers,
        )

    def _scatter(
        self, operation: ConvTranspose, x: Tensor, y: Tensor
    ) -> tuple[tuple[AnyPanel, ...], tuple[Link, ...]]:
        """The input, the stamp, the output."""
        channel = self._channel(operation)
        limits = signal_range(x)
        stamps = operation.as_convolution().weight[channel].flip(-2, -1)
        panels = (
            self._input(x, operation),
            kernel_panel(stamps, "The stamp: kernel w"),
            response_panel("y", _("Output y: stamps added up"), "output", y, limits, channel),
        )
        footprint = operation.footprint(x.shape)
        bias = float(operation.bias_values[channel]) if operation.bias else 0.0
        return panels, (Link.of("x", "y", footprint, channel=channel, bias=bias),)

    def _gather(
        self, operation: ConvTranspose, x: Tensor, y: Tensor
    ) -> tuple[tuple[AnyPanel, ...], tuple[Link, ...]]:
        """The input, the same with zeros in between and around, the turned kernel, the output."""
        channel = self._channel(operation)
        conv = operation.as_convolution()
        check_memory(
            operation.stretched_shape(x.shape), 4, "stretched grid", "the reading 'scatter'"
        )
        stretched = operation.stretched(x)
        limits = signal_range(torch.cat([x.flatten(), x.new_zeros(1)]))
        shows = None if x.shape[1] == COLOURS else _seen(operation, channel)
        panels = (
            self._input(x, operation),
            Panel(
                "z",
                _("x stretched: zeros between, and around (hatched)"),
                "input",
                stretched[0],
                limits,
                channel=shows,
                margin=_around(operation),
            ),
            replace(
                kernel_panel(conv.weight[channel], "Kernel, turned by 180°"),
                name="w_turned",
                editable=False,
                caption="",
            ),
            response_panel("y", _("Output y"), "output", y, signal_range(x), channel),
        )
        bias = float(operation.bias_values[channel]) if operation.bias else 0.0
        links = (
            Link("x", "z", _places(operation, x)),
            Link.of("z", "y", conv.footprint(stretched.shape), channel=channel, bias=bias),
        )
        return panels, links

    def _input(self, x: Tensor, operation: ConvTranspose) -> Panel:
        shows = None if x.shape[1] == COLOURS else _seen(operation, self._channel(operation))
        editable = self.inputs.editable
        return Panel(
            "x", _("Input x"), "input", x[0], signal_range(x), editable=editable, channel=shows
        )

    # The matrix

    def _matrix(self, operation: ConvTranspose, x: Tensor) -> Frame:
        frame = self._numbers(operation, x)
        y = operation(x)
        if not fits_matrix(x, y):
            sentence = "The matrix is too large to look at: choose a grid of at most 16 × 16 cells."
            return replace(frame, warnings=(sentence,))
        linear = linear_map(operation, x.shape)
        channel = self._channel(operation)
        seen = _seen(operation, channel)
        matrices = matrix_panels(linear, out_channel=channel, in_channel=seen, transposed=True)
        return replace(
            frame,
            panels=(*frame.panels, *matrices),
            merits=matrix_merits(linear, x, transposed=True),
            hint=_(
                "A is the convolution with the same weights. The layer is Aᵀ, its "
                "transpose: its rows are the columns of A. A is an inverse of it only "
                "where AAᵀ is the identity."
            ),
        )

    # The convolution, and back

    def _sizes(self, operation: ConvTranspose, x: Tensor) -> Frame:
        """Every output_padding, and which of them gives the size that x had."""
        conv = _convolution(operation, x)
        y = conv(x)
        stride, extra = (as_pair(v) for v in (operation.stride, operation.output_padding))
        panels: list[AnyPanel] = [
            self._input(x, operation),
            response_panel("y", _("Conv2d makes of x"), "output", y, signal_range(x), 0),
        ]
        meant = None
        for more in range(min(stride)):
            back = replace(operation, output_padding=more)(y)
            size = f"{back.shape[2]} × {back.shape[3]}"
            fits = back.shape == x.shape
            meant = more if fits else meant
            words = f"output_padding={more}: {size}" + (" ✓ the size of x" if fits else "")
            panel = response_panel(f"back_{more}", words, "undone", back, signal_range(x), 0)
            chosen = "this layer" if (more, more) == extra else ""
            panels.append(replace(panel, caption=chosen))
        back = operation(y)
        warnings: tuple[str, ...] = ()
        if back.shape != x.shape:
            way_out = f"set output_padding={meant}" if meant is not None else "choose another size"
            warnings = (
                f"x has {x.shape[2]} × {x.shape[3]} cells, and {back.shape[2]} × {back.shape[3]} "
                f"come back: {way_out}.",
            )
        sizes = same_size(conv, tuple(x.shape))
        return Frame(
            tuple(panels),
            strip=_round_trip(x, y, back),
            code=_code_both_ways(conv, operation),
            formula=_both_formulas(conv, operation, x, y),
            merits=(Merit(f"sizes that become {y.shape[2]}", ", ".join(map(str, sizes))),),
            hint=_(
                "The convolution makes the same size of several sizes. output_padding "
                "says which one comes back; the new row is computed, not filled with "
                "zeros."
            ),
            warnings=warnings,
        )

    def _there_and_back(self, operation: ConvTranspose, x: Tensor) -> Frame:
        """Conv2d, then this layer with the same weights; beside it the best way back."""
        conv = _convolution(operation, x)
        y = conv(x)
        layer = replace(operation, output_padding=conv.transposed(x.shape).output_padding)
        back = layer(y)
        limits = signal_range(x)
        scaled, gain = _best_scale(back, x)
        solved = self._least_squares.of(conv, x)
        error = error_panel(scaled, x, limits)
        panels: list[AnyPanel] = [
            tensor_panel("x", "x", "input", x, limits),
            response_panel("y", _("y: Conv2d of x"), "output", y, limits, 0),
            replace(
                restored_panel(scaled, limits),
                title=_("x̂: this layer, at its best scale (× {gain})", gain=format(gain, ".2f")),
            ),
            replace(error, title=_("Its error")),
        ]
        figures = merits(scaled, x, limits)
        if solved is None:
            waiting = restored_panel(torch.zeros_like(x), limits, "is being computed")
            panels.append(
                replace(waiting, name="best", title=_("The best way back: least squares"))
            )
        else:
            best = restored_panel(solved.tensor, limits, solved.note)
            panels.append(replace(best, name="best", title=_("The best way back: least squares")))
            error = error_panel(solved.tensor, x, limits)
            panels.append(replace(error, name="best_error", title=_("Its error: what is lost")))
            psnr = merits(solved.tensor, x, limits)[1]
            figures += (Merit("least squares", psnr.value, psnr.meaning),)
        return Frame(
            tuple(panels),
            strip=_round_trip(x, y, back),
            code=_code_both_ways(conv, layer),
            formula=_both_formulas(conv, layer, x, y),
            merits=figures,
            hint=_("The shape comes back. The values do not: the layer is the transpose."),
        )


def _both_readings(operation: ConvTranspose, x: Tensor, y: Tensor) -> tuple[Merit, ...]:
    """Whether scatter and gather agree; nothing of inputs whose stretched grid is too large."""
    if math.prod(operation.stretched_shape(x.shape)) > MOST_STRETCHED:
        return ()
    other = operation.as_convolution()(operation.stretched(x))
    gap = float((other - y).abs().max())
    scale = max(1.0, float(y.abs().max()))
    return (
        Merit(
            "scatter and gather",
            "the same numbers" if gap <= 1e-5 * scale else f"differ by {gap:.1g}",
            _("the layer, and an ordinary convolution of the stretched grid"),
        ),
    )


def _convolution(operation: ConvTranspose, x: Tensor) -> Conv:
    """The convolution of which this layer is the transpose, for x as its input."""
    plain = replace(operation, output_padding=0, bias=False)
    conv = plain.transposed()
    if conv.weight.shape[1] * conv.groups != x.shape[1]:
        raise OperationError(
            _(
                "the way there takes {count} channels, as many as out_channels, but the "
                "picture has {given}: use out_channels={given}.",
                count=conv.weight.shape[1] * conv.groups,
                given=x.shape[1],
            )
        )
    return conv


def _best_scale(back: Tensor, x: Tensor) -> tuple[Tensor, float]:
    """Back times the number that brings it nearest to x: its scale alone is not held against it."""
    power = float((back * back).sum())
    gain = float((back * x).sum()) / power if power else 0.0
    return back * gain, gain


def _seen(operation: ConvTranspose, channel: int) -> int:
    """The first input channel that an output channel sees."""
    per_group = len(operation.weight) // operation.groups
    return channel // operation.weight.shape[1] * per_group


def _around(operation: ConvTranspose) -> tuple[int, int, int, int]:
    """The zeros around the stretched grid: top, left, bottom, right."""
    padding, extra = (as_pair(v) for v in (operation.padding, operation.output_padding))
    before = [w - 1 - p for w, p in zip(operation.window, padding)]
    after = [b + e for b, e in zip(before, extra)]
    top, left, bottom, right = (max(0, n) for n in (*before, *after))
    return top, left, bottom, right


def _places(operation: ConvTranspose, x: Tensor) -> tuple[Axis, Axis]:
    """Which cell of x stands in which row and column of the stretched grid."""
    height, width = x.shape[2:]
    numbers = torch.arange(1.0, height * width + 1).view(1, 1, height, width)
    alone = replace(operation, kernel=torch.ones(operation.taps), in_channels=1, out_channels=1,
                    groups=1)  # fmt: skip
    positions = alone.stretched(numbers)[0, 0].long() - 1
    rows, cols = positions.amax(1), positions.amax(0)
    row_index = torch.where(rows < 0, -1, rows // width)
    col_index = torch.where(cols < 0, -1, cols % width)
    return Axis.from_index(height, row_index[:, None]), Axis.from_index(width, col_index[:, None])


def _code_both_ways(conv: Conv, layer: ConvTranspose) -> str:
    return "\n".join(
        [
            conv.program(),
            "y = conv(x)",
            f"tconv = {layer.code()}",
            "tconv.weight.data[:] = conv.weight",
            "x_hat = tconv(y)",
        ]
    )


def _both_formulas(conv: Conv, layer: ConvTranspose, x: Tensor, y: Tensor) -> str:
    """The height of y and that of x̂."""
    there, back = conv.explain_shape(x.shape), layer.explain_shape(y.shape)
    return "\n".join(lines.splitlines()[0] for lines in (there, back))


def _code(operation: ConvTranspose, gathers: bool) -> str:
    lines = [operation.program(), f"y = {operation.variable}(x)"]
    if gathers:
        lines.append(f"layer = rv.ops.from_module({operation.variable})")
        lines.append("same = layer.as_convolution()(layer.stretched(x))")
    return "\n".join(lines)


def _strip(x: Tensor, y: Tensor) -> tuple[Step, ...]:
    return (
        Step("x", tuple(x.shape), "input"),
        Step("ConvTranspose2d"),
        Step("y", tuple(y.shape), "output"),
    )


def _round_trip(x: Tensor, y: Tensor, back: Tensor) -> tuple[Step, ...]:
    return (
        Step("x", tuple(x.shape), "input"),
        Step("Conv2d"),
        Step("y", tuple(y.shape), "output"),
        Step("ConvTranspose2d"),
        Step("x̂", tuple(back.shape), "undone"),
    )
