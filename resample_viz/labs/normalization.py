"""NormalizationLab: what mean and std make of a picture, and how to get it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import ipywidgets as widgets
import torch
from torch import Tensor

from resample_viz.analysis import psnr
from resample_viz.labs.controls import CHANNELS, LABEL, Simple, quiet
from resample_viz.labs.core.lab import Lab, Preset
from resample_viz.labs.panels import (
    SAME_AS_EXACT,
    error_panel,
    signal_range,
    tensor_panel,
)
from resample_viz.operations import Normalize, OperationError, Quantize, Undo
from resample_viz.operations.normalization import Statistics
from resample_viz.view import AnyPanel, ChartPanel, Frame, LineChart, Merit, Panel, Step
from resample_viz.words import N_
from resample_viz.words import gettext as _

OWN, BY_HAND = "the picture's own", "by hand"
NAMED: dict[str, tuple[Statistics, Statistics]] = {
    "ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "CIFAR-10": ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
    "MNIST": (0.1307, 0.3081),
    "[-1, 1]": (0.5, 0.5),
}
"""Statistics that learners meet: those of torchvision's pretrained weights, of the training sets of
CIFAR-10 and MNIST, and the shift to [-1, 1] of generative models."""

FORMULA, TURNED, FORGOTTEN = "y * std + mean", "Normalize(-mean / std, 1 / std)", "as it is"
WAYS_BACK = (FORMULA, TURNED, FORGOTTEN)
SHORT = {FORMULA: "the formula", TURNED: "Normalize turned round", FORGOTTEN: "doing nothing"}
BY_NUMBER = {"mean", "std"}
EPS = torch.finfo(torch.float32).eps  # 2**-23: the step between float32 numbers from 1 to 2
ROUNDING_ONLY = 64 * EPS  # errors up to here are shown in units of EPS
COLORS = ("#D55E00", "#009E73", "#0072B2")
GREY = "#767676"
BINS = 160


@dataclass(frozen=True)
class Mistake:
    """Something that people write: what becomes of x on the way, and what to recognise it by.

    `there` makes y, and `code` is the statement for it. `swapped` says that the two steps of the
    way back are in the wrong order.
    """

    name: str
    look: str
    code: str
    there: Callable[[Normalize, Tensor], Tensor]
    swapped: bool = False


def _as_bgr(operation: Normalize, x: Tensor) -> Tensor:
    if x.shape[1] != 3:
        raise OperationError(
            _(
                "blue and red can change places in three channels only, and this "
                "picture has {count}: choose a colour picture.",
                count=x.shape[1],
            )
        )
    return operation(x.flip(1))


def _times_255(operation: Normalize) -> Normalize:
    mean, std = (
        tuple(255 * number for number in numbers) for numbers in (operation.means, operation.stds)
    )
    return Normalize(mean, std)


MISTAKES = (
    Mistake(
        "none",
        "The same picture twice: imshow cuts off everything below 0 and above 1, rescaled nothing "
        "is lost. The way back is exact in algebra: what is left is the rounding of float32.",
        "y = normalize(x)",
        lambda operation, x: operation(x),
    ),
    Mistake(
        "normalised twice",
        "Twice the contrast it should have: after one way back the picture is still normalised "
        "once, with black and white patches. Often the weights' own transforms() had done it "
        "already.",
        "y = normalize(normalize(x))",
        lambda operation, x: operation(operation(x)),
    ),
    Mistake(
        "0–255 statistics",
        "Statistics for 0 to 255 on a picture from 0 to 1: y is one flat value near −2, and what "
        "comes back with the right statistics is nearly black.",
        "y = normalize_255(x)",
        lambda operation, x: _times_255(operation)(x),
    ),
    Mistake(
        "BGR for RGB",
        "Red and blue have changed places: orange becomes blue, skin looks ill, grey and green "
        "stay. OpenCV reads pictures as blue, green, red.",
        "y = normalize(x.flip(1))  # blue, green, red, as OpenCV reads them",
        _as_bgr,
    ),
    Mistake(
        "clipped on the way",
        "A pale, flat picture: y was cut to [0, 1] before the way back, so that nothing is darker "
        "than mean and nothing lighter than mean + std.",
        "y = normalize(x).clamp(0, 1)",
        lambda operation, x: operation(x).clamp(0, 1),
    ),
    Mistake(
        "stored as uint8",
        "Bands and specks: what lies outside [0, 1] wraps around when it becomes uint8, and what "
        "is left comes back pale.",
        "y = (normalize(x) * 255).to(torch.int32).to(torch.uint8) / 255",
        lambda operation, x: Quantize()(operation(x)),
    ),
    Mistake(
        "inverse in the wrong order",
        "Everything is darker by the same amount, mean · (1 − std): the mean was added before the "
        "multiplication. Normalize(-mean, 1 / std) does the same.",
        "y = normalize(x)",
        lambda operation, x: operation(x),
        swapped=True,
    ),
)
BY_NAME = {mistake.name: mistake for mistake in MISTAKES}


class NormalizationLab(Lab):
    """Drag `mean` and `std`, make a mistake on purpose, and see which way back still works.

    Keyword arguments are those of `Normalize` (one number, or one per channel), plus `statistics`
    (a name instead of numbers), `mistake`, `way_back`, `image`, `size`, `preset`.
    Lesson: notebooks/07-normalization.ipynb

    >>> lab = NormalizationLab(size=8, statistics="[-1, 1]")
    >>> lab.operation
    Normalize(mean=0.5, std=0.5)
    >>> lab.close()
    """

    name = "normalization"
    key_controls = ("statistics", "mean", "std", "mistake")
    operation_type = Normalize
    opening: ClassVar[dict[str, Any]] = {"statistics": "ImageNet"}
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            N_("ImageNet"),
            N_(
                "0 becomes −2.1 and 1 becomes 2.6: nothing is squeezed into the range "
                "from mean to std. Compare the two views of the same y."
            ),
            {"statistics": "ImageNet"},
            controls=("statistics", "mean", "std"),
        ),
        Preset(
            N_("from −1 to 1"),
            N_(
                "mean = std = 0.5 turns [0, 1] into [−1, 1]: the shape of every "
                "histogram stays, only its place and its width change."
            ),
            {"statistics": "[-1, 1]"},
            controls=("statistics", "mean", "std"),
        ),
        Preset(
            N_("its own statistics"),
            N_(
                "Only now has every channel mean 0 and std 1. Statistics of a data set "
                "do that for the data set, not for one picture."
            ),
            {"statistics": OWN},
            controls=("statistics", "mean", "std"),
        ),
        *(
            Preset(
                mistake.name,
                mistake.look,
                {"statistics": "ImageNet", "mistake": mistake.name},
                controls=("mistake", "statistics", "way_back"),
            )
            for mistake in MISTAKES[1:]
        ),
    )
    _followed: tuple[str, Tensor | None] = (BY_HAND, None)
    _applied: dict[str, Any] | None = None

    def build_extras(self) -> dict[str, Any]:
        """Whose statistics, which mistake, which way back is shown."""
        choices = {
            "statistics": (*NAMED, OWN, BY_HAND),
            "mistake": tuple(BY_NAME),
            "way_back": WAYS_BACK,
        }
        extras = {}
        for name, options in choices.items():
            box = widgets.Dropdown(options=options, description=name.replace("_", " "), style=LABEL)
            box.add_class(f"rv-control-{name}")
            extras[name] = Simple(box)
        return extras

    def build_charts(self) -> dict[str, Any]:
        """The histograms of x and y."""
        return {"histogram": Histograms()}

    def scene_changed(self, x: Tensor) -> None:
        """The chart's lines follow the channels, its colours the theme."""
        self.charts["histogram"].dress_for(x, dark=self.stage.dark)

    def __init__(self, **settings: Any) -> None:
        if BY_NUMBER & settings.keys():
            settings.setdefault("statistics", BY_HAND)
        super().__init__(**settings)

    def set(self, *, preset: str | None = None, **settings: Any) -> None:
        """Moves controls. Numbers given for mean or std make the statistics "by hand"."""
        name = settings.get("statistics", BY_HAND)
        if BY_NUMBER & settings.keys():
            if name != BY_HAND:
                raise OperationError(
                    _(
                        "statistics={name} sets mean and std already: give a name, or numbers.",
                        name=repr(name),
                    )
                )
            settings["statistics"] = BY_HAND
        if preset or name != BY_HAND:
            self._followed = (BY_HAND, None)  # the name is followed anew
        super().set(preset=preset, **settings)

    def _compute(self, *, wait: bool = False) -> None:
        self._follow_statistics()
        super()._compute(wait=wait)

    def _follow_statistics(self) -> None:
        """A name moves the sliders; a slider that was moved since makes the name "by hand"."""
        box = self.extras["statistics"]
        wanted = (box.value, self.input if box.value == OWN else None)
        same = wanted[0] == self._followed[0] and wanted[1] is self._followed[1]
        with quiet(self):
            if same and box.value != BY_HAND and self.controls.values() != self._applied:
                box.value = BY_HAND
            elif not same and box.value != BY_HAND:
                mean, std = NAMED.get(box.value) or own_statistics(self.input)
                self.controls.set(mean=mean, std=std)
                self._applied = self.controls.values()
        self._followed = (box.value, wanted[1])

    def frame(self, operation: Normalize, x: Tensor) -> Frame:  # type: ignore[override]
        """x, y as imshow cuts it and rescaled, the picture that came back, its error."""
        operation.output_shape(x.shape)
        mistake = BY_NAME[self.extras["mistake"].value]
        y = mistake.there(operation, x)
        ways = ways_back(operation, x, swapped=mistake.swapped)
        restored = {label: way(y) for label, way in ways.items()}
        shown = self.extras["way_back"].value
        limits = signal_range(x)
        return Frame(
            (
                _described("x", "Input x", "input", x, limits),
                _as_imshow(y),
                _described("rescaled", "The same y, rescaled", "output", y, _range(y), like="y"),
                _described("x_hat", "x̂ after the way back", "undone", restored[shown], limits),
                _error(restored[shown], x, limits),
                self.charts["histogram"].draw(y),
            ),
            strip=(
                Step("x", tuple(x.shape), "input"),
                Step("Normalize" if mistake.name == "none" else f"Normalize ({mistake.name})"),
                Step("y", tuple(y.shape), "output"),
                Step(_(ways[shown].label)),
                Step("x̂", tuple(restored[shown].shape), "undone"),
            ),
            code=_program(operation, mistake, ways[shown]),
            merits=_merits(y, restored, x, limits, shown),
            formula=_ends(operation, x),
            hint=self.look or mistake.look,
        )


def own_statistics(x: Tensor) -> tuple[Statistics, Statistics]:
    """Mean and standard deviation of every channel of the first picture."""
    channels = x[0].double().flatten(1)
    means, stds = channels.mean(1).tolist(), channels.std(1, correction=0).tolist()
    return (means[0], stds[0]) if len(means) == 1 else (tuple(means), tuple(stds))


def ways_back(operation: Normalize, x: Tensor, *, swapped: bool) -> dict[str, Undo]:
    """The three ways back, by their label in the lab; `swapped` breaks those that compute."""
    formula, turned, forgotten, _ = operation.undo(x.shape)
    if swapped:
        mean, std = (
            torch.tensor(numbers).view(-1, 1, 1) for numbers in (operation.means, operation.stds)
        )
        slip = Normalize(tuple(-m for m in operation.means), tuple(1 / s for s in operation.stds))
        formula = Undo(
            "(y + mean) * std",
            "(y + torch.tensor(mean).view(-1, 1, 1)) * torch.tensor(std).view(-1, 1, 1)",
            lambda y: (y + mean) * std,
            lambda: "shape only",
            formula.setup,
        )
        turned = Undo("Normalize(-mean, 1 / std)", f"{slip.code()}(y)", slip, lambda: "shape only")
    return {FORMULA: formula, TURNED: turned, FORGOTTEN: forgotten}


def _program(operation: Normalize, mistake: Mistake, way: Undo) -> str:
    lines = [operation.program(), mistake.code, way.setup]
    if "normalize_255" in mistake.code:
        lines[0] = f"normalize_255 = {_times_255(operation).code()}"
    kind = "" if mistake.name != "none" else f"  # {_(way.kind)}"
    return "\n".join(line for line in (*lines, f"x_hat = {way.code}{kind}") if line)


def _ends(operation: Normalize, x: Tensor) -> str:
    """Where 0 and 1 go, channel by channel."""
    count = max(len(operation.means), len(operation.stds))
    means, stds = (n * (count // len(n)) for n in (operation.means, operation.stds))
    names = _channel_names(x) if count > 1 else ["every channel"]
    return "\n".join(
        f"{name}: 0 → (0 − {m:.4g}) / {s:.4g} = {-m / s:.3f};  1 → {(1 - m) / s:.3f}"
        for name, m, s in zip(names, means, stds)
    )


def _channel_names(x: Tensor) -> Sequence[str]:
    count = x.shape[1]
    if count == len(CHANNELS):
        return CHANNELS
    return ["grey"] if count == 1 else [f"channel {number}" for number in range(count)]


def _described(
    name: str, title: str, role: Any, tensor: Tensor, limits: tuple[float, float], like: str = "x"
) -> Panel:
    """A panel whose caption gives the range of the numbers."""
    panel = tensor_panel(name, title, role, tensor, limits)
    low, high = _range(tensor)
    caption = f"from {low:.2f} to {high:.2f}"
    if panel.caption:
        caption = f"{caption}; {panel.caption}"
    return replace(panel, caption=caption, like="" if name == "x" else like)


def _as_imshow(y: Tensor) -> Panel:
    """As matplotlib draws colours: cut to [0, 1], with a warning at most."""
    panel = tensor_panel("y", _("Normalised y, as imshow cuts it"), "output", y.clamp(0, 1), (0, 1))
    share = float(((y < 0) | (y > 1)).float().mean())
    return replace(
        panel,
        caption=_("{share} of the values outside [0, 1], cut off", share=format(share, ".1%")),
        like="x",
    )


def _range(tensor: Tensor) -> tuple[float, float]:
    low, high = (float(value) for value in torch.aminmax(tensor))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _error(restored: Tensor, x: Tensor, limits: tuple[float, float]) -> AnyPanel:
    """The error, on a scale of its own where only the rounding of float32 is left."""
    error = (restored - x).abs()
    if float(error.max()) > ROUNDING_ONLY:
        return error_panel(restored, x, limits)
    panel = error_panel(restored / EPS, x / EPS, (0.0, 8.0))
    return replace(
        panel,
        title=_("Error |x̂ − x| in units of 2⁻²³"),
        caption=_(
            "largest {largest} in one channel; lightest: 2 and more",
            largest=format(float(error.max()) / EPS, ".2g"),
        ),
    )


def _merits(
    y: Tensor,
    restored: dict[str, Tensor],
    x: Tensor,
    limits: tuple[float, float],
    shown: str,
) -> tuple[Merit, ...]:
    low, high = _range(y)
    decibels = psnr(restored[shown], x, data_range=limits[1] - limits[0])
    exact = f"over {SAME_AS_EXACT} dB"
    return (
        Merit("y", f"from {low:.2f} to {high:.2f}", _("the range of the normalised tensor")),
        *(
            Merit(
                f"error of {SHORT[way]}",
                _size(back, x),
                _("largest |x̂ − x|, and how many times 2⁻²³"),
            )
            for way, back in restored.items()
        ),
        Merit(
            "PSNR of x̂",
            exact if decibels > SAME_AS_EXACT else f"{decibels:.1f} dB",
            _("peak signal-to-noise ratio of the way back that is shown; higher is better"),
        ),
    )


def _size(restored: Tensor, x: Tensor) -> str:
    largest = float((restored - x).abs().max())
    if largest > ROUNDING_ONLY:
        return f"{largest:.2g}"
    return f"{largest:.1e} = {largest / EPS:.2g} × 2⁻²³" if largest else "0"


class Histograms:
    """How often every value occurs: x dotted, y drawn out, one line per channel."""

    def __init__(self) -> None:
        self.reach = 0.0
        self.names: Sequence[str] = ()
        self.x = torch.zeros(1, 1, 1, 1)

    def dress_for(self, x: Tensor, *, dark: bool) -> None:
        """Makes the lines of another picture: of its first three channels if it has more."""
        self.x, self.names = x.detach(), _channel_names(x)[:3]
        self.colors = COLORS if len(self.names) > 1 else (GREY,)
        self.chart = LineChart(720, 190, self._dress)
        for name, color in zip(self.names, self.colors):
            self.chart.add(f"y, {name}", color=color, lw=1.4)
        self.chart.reset(dark=dark)

    def _dress(self, axes: Any) -> None:
        """The lines of x stay while a slider moves, so that they belong to the background."""
        axes.set(xlim=(-self.reach, self.reach), ylim=(0, 1.05), yticks=[], xlabel=_("value"))
        axes.set_ylabel("share of cells", fontsize=8)
        for number, (name, color) in enumerate(zip(self.names, self.colors)):
            axes.plot(*self._counted(self.x, number), color=color, lw=1, ls=":", label=f"x, {name}")

    def draw(self, y: Tensor) -> ChartPanel:
        """Every curve is as high as the chart where it has its peak."""
        reach = _reach(max(float(y.abs().max()), float(self.x.abs().max())))
        if reach != self.reach:
            self.reach = reach
            self.chart.reset()
        lines = {f"y, {name}": self._counted(y, n) for n, name in enumerate(self.names)}
        picture, palette = self.chart.update(**lines)
        ranges = "; ".join(
            f"{name} from {float(y[0, n].min()):.2f} to {float(y[0, n].max()):.2f}"
            for n, name in enumerate(self.names)
        )
        return ChartPanel(
            "histogram",
            _("Histograms: x dotted, y drawn out"),
            picture,
            palette,
            alt=_("Histograms of every channel before and after. In y: {ranges}.", ranges=ranges),
            caption=f"y: {ranges}",
        )

    def _counted(self, tensor: Tensor, channel: int) -> tuple[Any, Any]:
        counts = torch.histc(tensor[0, channel].float(), BINS, -self.reach, self.reach)
        middles = (torch.arange(BINS) + 0.5) * (2 * self.reach / BINS) - self.reach
        return middles.numpy(), (counts / counts.max()).numpy()


def _reach(largest: float) -> float:
    """A limit of the axis that stays while a slider moves a little."""
    reach = 1.5
    while reach < largest:
        reach *= 2
    return reach
