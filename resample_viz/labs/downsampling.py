"""DownsamplingLab: one picture made smaller in up to four ways, and what comes back of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, ClassVar

import ipywidgets as widgets
import torch
from torch import Tensor

from resample_viz.analysis import fold_map, limit_map, mae, psnr, split_at_limit, ssim
from resample_viz.labs.controls import LABEL, Simple
from resample_viz.labs.core.lab import Lab, Preset
from resample_viz.labs.panels import (
    SAME_AS_EXACT,
    Limits,
    error_panel,
    signal_range,
    tensor_panel,
)
from resample_viz.operations import (
    AvgPool,
    BlurPool,
    LPPool,
    MaxPool,
    Operation,
    OperationError,
    Range,
    Subsample,
    Undo,
    Upsample,
    resize_back,
)
from resample_viz.view import ChartPanel, Frame, LineChart, Link, Merit, Panel, Step
from resample_viz.words import N_
from resample_viz.words import gettext as _

MOST_METHODS = 4
LARGEST_FACTOR = 8
NONE = "none"
MOST_BACKGROUNDS = 16


def _interpolation(mode: str, *, antialias: bool = False) -> Callable[[int], Operation]:
    return lambda factor: Upsample(1 / factor, mode=mode, antialias=antialias)  # type: ignore[arg-type]


METHODS: dict[str, Callable[[int], Operation]] = {
    "every s-th pixel": Subsample,
    "max pooling": MaxPool,
    "average pooling": AvgPool,
    "LP pooling": lambda factor: LPPool(2.0, factor),
    "blur pooling, 3 taps": lambda factor: BlurPool(3, factor),
    "blur pooling, 5 taps": lambda factor: BlurPool(5, factor),
    "nearest-exact": _interpolation("nearest-exact"),
    "bilinear": _interpolation("bilinear"),
    "bicubic": _interpolation("bicubic"),
    "bilinear, antialias": _interpolation("bilinear", antialias=True),
    "bicubic, antialias": _interpolation("bicubic", antialias=True),
    "lanczos, antialias": _interpolation("lanczos", antialias=True),
}
"""Ways to make a picture smaller by a whole factor, by the names that the lab gives them."""

WAYS_BACK = ("bilinear", "nearest", "bicubic")
FIRST = ("every s-th pixel", "max pooling", "bilinear, antialias")
COLORS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7")
MARKERS = ("o", "s", "^", "D")
HINT = N_(
    "Orange in a spectrum is folded: a frequency too high for the new grid, which comes back as a "
    "lower one that was never there. Compare with the picture above it."
)


@dataclass(frozen=True)
class Comparison:
    """What all methods have in common: the factor, and how far the input was moved before.

    Raises OperationError for what is not a whole number in range.
    """

    factor: Annotated[int, Range(2, LARGEST_FACTOR)] = 2
    shift: Annotated[int, Range(0, LARGEST_FACTOR)] = 0

    def __post_init__(self) -> None:
        for name, least in (("factor", 2), ("shift", 0)):
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or not least <= value <= LARGEST_FACTOR:
                raise OperationError(
                    _(
                        "{name} must be a whole number from {least} to {most}, not "
                        "{value}: try {name}={usual}.",
                        name=name,
                        least=least,
                        most=LARGEST_FACTOR,
                        value=repr(value),
                        usual=max(least, 1),
                    )
                )


@dataclass(frozen=True, eq=False)
class Result:
    """What one method makes of the picture, and what comes back."""

    name: str
    operation: Operation
    y: Tensor
    back: Undo
    restored: Tensor


class MethodPickers:
    """Four dropdowns; their value is a tuple of one to four different names of methods."""

    def __init__(self, first: Sequence[str]) -> None:
        self.pickers = []
        for number in range(MOST_METHODS):
            options = [*([NONE] if number else []), *METHODS]
            picker = widgets.Dropdown(
                options=options,
                value=first[number] if number < len(first) else NONE,
                description=_("method {number}", number=number + 1),
                style=LABEL,
            )
            picker.add_class(f"rv-control-method{number + 1}")
            self.pickers.append(picker)
        self.widget = widgets.VBox(self.pickers)

    @property
    def value(self) -> tuple[str, ...]:
        """The chosen names, each once."""
        return tuple(dict.fromkeys(p.value for p in self.pickers if p.value != NONE))

    @value.setter
    def value(self, value: Any) -> None:
        names = (value,) if isinstance(value, str) else tuple(value)
        if not 1 <= len(names) <= MOST_METHODS:
            raise OperationError(
                _(
                    "methods takes 1 to {most} names, not {count}: leave some out.",
                    most=MOST_METHODS,
                    count=len(names),
                )
            )
        for name in names:
            if name not in METHODS:
                raise OperationError(
                    _(
                        "there is no method {name}: choose from {choices}.",
                        name=repr(name),
                        choices=", ".join(METHODS),
                    )
                )
        for picker, name in zip(self.pickers, (*names, *[NONE] * MOST_METHODS)):
            picker.value = name

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after every change of one of the dropdowns."""
        for picker in self.pickers:
            picker.observe(lambda _: callback(), names=["value"])


class DownsamplingLab(Lab):
    """One picture, one factor, up to four methods: results, spectra, what comes back.

    Keyword arguments: `factor`, `shift` (the input is moved to the right by so many pixels first),
    `methods` (1 to 4 names from `METHODS`), `way_back`, plus `image`, `size`, `preset`.
    `lab.operations` are the methods, `lab.operation` and `lab.output` those of the first one.
    Lesson: notebooks/03-downsampling.ipynb

    >>> lab = DownsamplingLab(image="zone_plate", size=64, factor=4, methods="average pooling")
    >>> tuple(lab.output.shape)
    (1, 1, 16, 16)
    >>> lab.close()
    """

    name = "downsampling"
    one_screen = False
    operation_type = Comparison
    opening: ClassVar[dict[str, Any]] = {}
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            N_("who folds"),
            N_(
                "The rings get finer outwards. Beyond half the way to the border they "
                "are too fine for the new grid, and the honest result is an even grey. "
                "Who shows rings there? PSNR, SSIM and MAE do not tell: read the share "
                "that is folded."
            ),
            {
                "image": "zone_plate",
                "size": 128,
                "factor": 2,
                "methods": (
                    "every s-th pixel",
                    "max pooling",
                    "average pooling",
                    "bilinear, antialias",
                ),
            },
        ),
        Preset(
            N_("bilinear by 3 reads one pixel in nine"),
            N_(
                "At odd factors the sample falls on the middle of a pixel, and every "
                "other weight is 0: bilinear, bicubic and nearest-exact are the same "
                "picture. Hover over a cell of each, then compare with the antialiased "
                "one: its PSNR is no better, but nothing is folded."
            ),
            {
                "image": "astronaut",
                "size": 128,
                "factor": 3,
                "methods": ("nearest-exact", "bilinear", "bicubic", "bilinear, antialias"),
            },
        ),
        Preset(
            N_("one pixel to the right"),
            N_(
                "Drag shift: the first chart says how much of what comes back changes "
                "when the picture only moves. Max pooling jumps, blurring before "
                "dropping calms it."
            ),
            {
                "image": "camera",
                "size": 128,
                "factor": 2,
                "shift": 1,
                "methods": (
                    "max pooling",
                    "average pooling",
                    "blur pooling, 3 taps",
                    "blur pooling, 5 taps",
                ),
            },
        ),
        Preset(
            N_("crude compression"),
            N_(
                "One value in 16 is kept. The second chart compares what the methods "
                "bring back at every share: who is best at 1/4, and who at 1/64?"
            ),
            {
                "image": "astronaut",
                "size": 128,
                "factor": 4,
                "methods": (
                    "every s-th pixel",
                    "max pooling",
                    "average pooling",
                    "bicubic, antialias",
                ),
                "way_back": "bicubic",
            },
        ),
    )

    def build_extras(self) -> dict[str, Any]:
        """The methods, and the way back from every y."""
        way = widgets.Dropdown(options=WAYS_BACK, description=_("way back"), style=LABEL)
        way.add_class("rv-control-way_back")
        return {"methods": MethodPickers(FIRST), "way_back": Simple(way)}

    def build_charts(self) -> dict[str, Any]:
        """What moves with the picture, and what is left at every factor."""
        return {"moved": MovedChart(), "kept": KeptChart()}

    def scene_changed(self, x: Tensor) -> None:  # noqa: ARG002
        """The charts are drawn again in the theme of the page."""
        for chart in self.charts.values():
            chart.dress_for(dark=self.stage.dark)

    @property
    def operation(self) -> Operation:
        """The first of the methods."""
        return self.operations[0]

    @property
    def operations(self) -> tuple[Operation, ...]:
        """All the methods that are compared, at the chosen factor."""
        factor = self.controls.values()["factor"]
        return tuple(METHODS[name](factor) for name in self.extras["methods"].value)

    @property
    def output(self) -> Tensor:
        """What the first method makes of the moved input."""
        return self.operation(self._moved_input())

    def _moved_input(self) -> Tensor:
        return moved(self.input, self.controls.values()["shift"])

    def frame(self, operation: Operation, x: Tensor) -> Frame:  # noqa: ARG002
        """The input and the results side by side, their spectra, the errors, two charts."""
        settings = Comparison(**self.controls.values())
        way = self.extras["way_back"].value
        names = self.extras["methods"].value
        limits = signal_range(x)
        x = moved(x, settings.shift)
        back = resize_back(x.shape[2:], way)
        results = [
            Result(name, one, y := one(x), back, back(y))
            for name, one in zip(names, self.operations)
        ]
        below, _above = split_at_limit(x, settings.factor)
        columns = []
        folded = []
        for number, result in enumerate(results, start=1):
            column, share = _column(number, result, x, below, limits)
            columns.append(column)
            folded.append(share)
        charts = (
            self.charts["moved"].draw(self.input, settings, names, back),
            self.charts["kept"].draw(self.input, settings, names, way),
        )
        return Frame(
            (*self._input_row(x, below, limits, settings.factor), *_in_rows(columns), *charts),
            links=tuple(
                Link.of("x", f"y{number}", result.operation.footprint_at(x))
                for number, result in enumerate(results, start=1)
            ),
            strip=_strip(x, results),
            code=_code(settings, results),
            merits=tuple(
                _merit(result, x, limits, share) for result, share in zip(results, folded)
            ),
            formula=results[0].operation.explain_shape(x.shape),
            hint=self.look or _(HINT),
            columns=max(3, len(columns)),
        )

    def _input_row(
        self, x: Tensor, below: Tensor, limits: Limits, factor: int
    ) -> tuple[Panel, ...]:
        """The input, its spectrum, the part below the limit; with four methods, that above it."""
        panels = (
            tensor_panel("x", _("Input x"), "input", x, limits, editable=self.inputs.editable),
            spectrum_panel(
                "limit",
                "Spectrum of x",
                limit_map(x[0], factor),
                f"grey: up to 1/{2 * factor} cycles per pixel; orange: too fine for y",
            ),
            tensor_panel("below", _("x below the limit"), "index", below.clamp(*limits), limits),
        )
        if len(self.extras["methods"].value) < MOST_METHODS:
            return panels
        middle = sum(limits) / 2
        above = (x - below + middle).clamp(*limits)
        return (*panels, tensor_panel("above", _("x above the limit"), "index", above, limits))


def _in_rows(columns: Sequence[tuple[Panel, ...]]) -> list[Panel]:
    """One row for each kind of panel; one for each method where these are one or two."""
    rows = columns if len(columns) < 3 else zip(*columns)
    return [panel for row in rows for panel in row]


def moved(x: Tensor, shift: int) -> Tensor:
    """X moved to the right by whole pixels; what leaves comes in again at the left."""
    return x.roll(shift, dims=-1) if shift else x


def spectrum_panel(name: str, title: str, picture: Tensor, caption: str) -> Panel:
    """A spectrum in colour, the frequency 0 in the middle."""
    return Panel(name, title, "index", picture, caption=caption)


def _column(
    number: int, result: Result, x: Tensor, below: Tensor, limits: Limits
) -> tuple[tuple[Panel, ...], float]:
    """The result, its spectrum and the error of the way back; and how much of it is folded."""
    true = result.operation(below)
    spectrum, folded = fold_map(true[0], (result.y - true)[0])
    return (
        tensor_panel(f"y{number}", f"y{number}: {result.name}", "output", result.y, limits),
        spectrum_panel(
            f"spectrum{number}",
            f"Spectrum of y{number}",
            spectrum,
            f"folded: {folded:.0%} of the energy",
        ),
        replace(
            error_panel(result.restored, x, limits),
            name=f"error{number}",
            title=_("Error of x̂{number}", number=number),
            caption=_likeness(result.restored, x, limits),
        ),
    ), folded


def _likeness(restored: Tensor, x: Tensor, limits: Limits) -> str:
    # SSIM of the grey pictures: a third of the time, and four of them must follow a slider.
    alike = ssim(restored.mean(1), x.mean(1), data_range=limits[1] - limits[0])
    return f"MAE {mae(restored, x):.3f}, SSIM of the grey pictures {alike:.2f}"


def _merit(result: Result, x: Tensor, limits: Limits, folded: float) -> Merit:
    decibels = psnr(result.restored, x, data_range=limits[1] - limits[0])
    exact = f"over {SAME_AS_EXACT} dB" if decibels > SAME_AS_EXACT else f"{decibels:.1f} dB"
    return Merit(
        result.name,
        f"{exact}, folded {folded:.0%}",
        _(
            "PSNR of what comes back, compared with x; and the share of y's energy "
            "that folded frequencies have put there"
        ),
    )


def _strip(x: Tensor, results: Sequence[Result]) -> tuple[Step, ...]:
    first = results[0]
    more = f" and {len(results) - 1} more" if len(results) > 1 else ""
    return (
        Step("x", tuple(x.shape), "input"),
        Step(first.name + more),
        Step("y1", tuple(first.y.shape), "output"),
        Step(_(first.back.label)),
        Step("x̂1", tuple(first.restored.shape), "undone"),
    )


def _code(settings: Comparison, results: Sequence[Result]) -> str:
    lines = [f"x = x.roll({settings.shift}, dims=-1)"] if settings.shift else []
    for number, result in enumerate(results, start=1):
        *before, _last = result.operation.program().splitlines()
        code = result.operation.code()
        body = code.removeprefix("lambda x: ")
        lines += [*before, f"y{number} = {body if body != code else f'{code}(x)'}"]
    outputs = ", ".join(f"y{number}" for number in range(1, len(results) + 1))
    back = results[0].back
    lines.append(f"x_hats = [{back.code} for y in [{outputs}]]  # {_(back.kind)}")
    return "\n".join(lines)


class MethodsChart:
    """A chart with one line per method.

    What the lines show is kept as long as the picture and the way back stay the same, and so is
    every background that was drawn once: a slider that goes to and fro finds both again.
    """

    def __init__(self) -> None:
        self._dark = False
        self._charts: dict[Any, LineChart] = {}
        self._scene: tuple[Tensor | None, str] = (None, "")
        self._lines: dict[Any, list[float]] = {}

    def dress_for(self, *, dark: bool) -> None:
        """Takes over the theme."""
        self._dark = dark
        self._charts = {}

    def line(
        self, x: Tensor, way: str, key: Any, compute: Callable[[], list[float]]
    ) -> list[float]:
        """What `compute` gave for this picture, way back and key."""
        if x is not self._scene[0] or way != self._scene[1]:
            self._scene, self._lines = (x, way), {}
        if key not in self._lines:
            self._lines[key] = compute()
        return self._lines[key]

    def picture(
        self,
        lines: dict[str, list[float]],
        places: Sequence[float],
        mark: float,
        limits: tuple[float, float],
    ) -> Any:
        """The lines, and a dashed one that marks where the slider stands."""
        key = (*lines, limits)
        if key not in self._charts:
            if len(self._charts) >= MOST_BACKGROUNDS:
                self._charts = {}
            self._charts[key] = self._chart(lines, limits)
        series = {name: (places[: len(line)], line) for name, line in lines.items()}
        return self._charts[key].update(**series, now=([mark, mark], limits))

    def _chart(self, names: Iterable[str], limits: tuple[float, float]) -> LineChart:
        chart = LineChart(720, 170, lambda axes: self.dress(axes, limits))
        chart.dark = self._dark
        for name, color, marker in zip(names, COLORS, MARKERS):
            chart.add(name, color=color, marker=marker, lw=1.2, ms=5)
        chart.add("now", color="#767676", lw=1, ls="--")
        return chart

    def dress(self, axes: Any, limits: tuple[float, float]) -> None:
        """Limits and labels."""
        raise NotImplementedError


class MovedChart(MethodsChart):
    """How much of what comes back changes when the input only moves."""

    def draw(self, x: Tensor, settings: Comparison, names: Sequence[str], back: Undo) -> ChartPanel:
        """The difference for every whole shift, in per cent of the value range."""
        factor, shift = settings.factor, settings.shift
        lines = {
            name: self.line(
                x,
                back.label,
                (name, factor),
                partial(_changes, x, METHODS[name](factor), back),
            )
            for name in names
        }
        worst = max(map(max, lines.values()))
        top = next((step for step in (2, 5, 10, 20, 50) if worst <= step), 100)
        picture, palette = self.picture(lines, range(LARGEST_FACTOR + 1), shift, (0.0, float(top)))
        said = ", ".join(f"{name} {line[shift]:.1f} %" for name, line in lines.items())
        return ChartPanel(
            "moved",
            _("How much of what comes back changes when x only moves"),
            picture,
            palette,
            alt=_(
                "Line chart over shifts of 0 to {most} pixels. At {shift}: {said}.",
                most=LARGEST_FACTOR,
                shift=shift,
                said=said,
            ),
            caption=_("shift {shift}: {said}", shift=shift, said=said),
        )

    def dress(self, axes: Any, limits: tuple[float, float]) -> None:
        """0 to 8 pixels, 0 to a round number of per cent."""
        axes.set(xlim=(-0.3, LARGEST_FACTOR + 0.3), ylim=limits)
        axes.set(xlabel=_("pixels to the right"), ylabel=_("RMS change, %"))


def _changes(x: Tensor, operation: Operation, back: Undo) -> list[float]:
    """RMS of back(operation(x moved)) moved home, minus back(operation(x)), for every shift.

    Of the grey picture, in per cent of its range; without the borders, where the two sides of the
    picture meet when it is moved.
    """
    low, high = signal_range(x)
    grey = x.mean(1, keepdim=True)
    shifted = torch.cat([moved(grey, shift) for shift in range(LARGEST_FACTOR + 1)])
    returned = back(operation(shifted))
    home = torch.cat([moved(one[None], -shift) for shift, one in enumerate(returned)])
    border = min(2 * LARGEST_FACTOR, x.shape[-1] // 4)
    inside = (home - home[:1])[..., border : x.shape[-1] - border]
    rms = inside.square().mean((1, 2, 3)).sqrt()
    return [float(value) / (high - low) * 100 for value in rms]


class KeptChart(MethodsChart):
    """PSNR of what comes back against the share of the values that was kept."""

    def draw(self, x: Tensor, settings: Comparison, names: Sequence[str], way: str) -> ChartPanel:
        """One point for every factor from 2 to 8 that the picture is large enough for."""
        lines = {
            name: self.line(x, way, name, partial(_decibels, x, METHODS[name], way))
            for name in names
        }
        every = [value for line in lines.values() for value in line]
        limits = (10.0 * (min(every) // 10), 10.0 * (max(every) // 10 + 1))
        factor = settings.factor
        picture, palette = self.picture(lines, range(2, LARGEST_FACTOR + 1), factor, limits)
        best = max(lines, key=lambda name: lines[name][factor - 2])
        share = f"1/{factor**2}"
        return ChartPanel(
            "kept",
            _("As crude compression: PSNR of what comes back"),
            picture,
            palette,
            alt=_(
                "Line chart over the share of values kept. At {share} the best is {best}.",
                share=share,
                best=best,
            ),
            caption=_("{share} of the values kept: best is {best}", share=share, best=best),
        )

    def dress(self, axes: Any, limits: tuple[float, float]) -> None:
        """Shares of 1/4 to 1/64, and decibels between multiples of ten."""
        factors = range(2, LARGEST_FACTOR + 1)
        axes.set(xlim=(1.7, LARGEST_FACTOR + 0.3), ylim=limits, ylabel=_("PSNR, dB"))
        axes.set_xticks(list(factors), [f"1/{factor**2}" for factor in factors])
        axes.set_xlabel("share of the values kept")


def _decibels(x: Tensor, method: Callable[[int], Operation], way: str) -> list[float]:
    low, high = signal_range(x)
    back = resize_back(x.shape[2:], way)
    decibels = []
    for factor in range(2, LARGEST_FACTOR + 1):
        try:
            restored = back(method(factor)(x))
        except OperationError:
            break  # the picture is too small for this factor, and for larger ones
        decibels.append(min(psnr(restored, x, data_range=high - low), float(SAME_AS_EXACT)))
    return decibels
