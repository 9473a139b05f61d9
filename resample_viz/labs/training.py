"""Training in a notebook: the loss curve and examples, live; and a stop that loses nothing."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import torch
from torch import Tensor, nn

from resample_viz.labs.background import Job
from resample_viz.labs.lifetime import adopt, close_tree, disown
from resample_viz.threads import one_thread
from resample_viz.training import Task, Training
from resample_viz.view import (
    ChartPanel,
    Frame,
    LineChart,
    Merit,
    Panel,
    Stage,
    as_text,
    painted,
    small_png,
)
from resample_viz.view.colors import ROLE_COLORS
from resample_viz.view.pictures import GREYS
from resample_viz.words import gettext as _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES = 6
LARGEST = 96  # pixels of a picture that stands alone: its middle is shown
SECONDS_BETWEEN = 0.25  # two updates of the stage
SHARE = 8  # times as long as the drawing of a frame takes, the training goes on undisturbed
SLICE = 0.02  # seconds of training between two looks at the controls of a lab
REDRAWN = 0.5  # seconds between two pictures of a lab whose network is being trained
SMOOTHING = 0.1  # the share of a new step in the running mean that the curve shows


class TrainingView(widgets.Box):
    """The stage of one training: loss curve, what goes in, what comes out, what should.

    `view.training` is the training, `view.network` the network. As the last line of a cell it shows
    itself; stored, it is a picture and one line of text.
    """

    def __init__(self, training: Training, title: str = "") -> None:
        adopt(self)
        self.training = training
        self.title = title or type(training.network).__name__
        # While a cell runs, the page cannot tell whether it is dark.
        self.stage = Stage(max_upload=0, dark=Stage.seen_dark)
        self.chart = LossCurve(training)
        self._next = -math.inf
        super().__init__([self.stage])
        self.add_class("rv-lab")
        self.add_class("rv-lab-training")
        self.stage.add_class("rv-view")
        self.stage.observe(lambda _: self.show(), names=["dark"])

    @property
    def network(self) -> nn.Module:
        """The network, with the best weights that were seen."""
        return self.training.network

    def follow(self) -> None:
        """Shows where the training is, a few times per second, or less if drawing takes long."""
        began = perf_counter()
        if began > self._next:
            self.show()
            now = perf_counter()
            self._next = now + max(SECONDS_BETWEEN, SHARE * (now - began))

    @one_thread()
    def show(self) -> None:
        """Shows where the training is, now."""
        training = self.training
        self.stage.show(self.frame())
        if training.done < training.steps and not training.note:
            left = training.seconds_left
            text = f"step {training.done} of {training.steps}"
            if math.isfinite(left):
                text += f", about {span(left)} left"
            self.stage.report(training.done / training.steps, text)
        else:
            self.stage.report(1.0, "")

    def frame(self) -> Frame:
        """The loss curve, and the same held-out examples three times."""
        training = self.training
        x, target = training.task.held_out
        x, target = x[:EXAMPLES], target[:EXAMPLES]
        y = training.predict(x)
        picture = training.task.picture
        scale = max(1, target.shape[-1] // x.shape[-1])
        blocks = LARGEST // scale
        return Frame(
            (
                self.chart.draw(dark=self.stage.dark),
                strip("x", "What goes in", "input", x.clamp(0, 1), 1, blocks),
                strip("y", "What the network makes of it", "output", picture(y), scale, blocks),
                strip("target", "What it should make", "undone", picture(target), scale, blocks),
            ),
            merits=(
                Merit("steps", f"{training.done} of {training.steps}"),
                Merit(
                    training.task.score_name,
                    f"{training.task.score(y, target):.3g}",
                    _("on the held-out examples shown"),
                ),
            ),
            hint=training.note,
            columns=1,
        )

    def figure(self) -> Figure:
        """The loss curve and the examples as a matplotlib figure."""
        from matplotlib.figure import Figure

        strips = [panel for panel in self.frame().panels if isinstance(panel, Panel)]
        drawing = Figure(figsize=(8, 3), dpi=100, layout="constrained")
        grid = drawing.add_gridspec(len(strips), 2, width_ratios=(2, 3))
        axes = drawing.add_subplot(grid[:, 0])
        self.chart.dress(axes)
        for name, series in self.chart.series().items():
            axes.plot(*series, label=name, **STYLES[name])
        axes.legend(fontsize=7, frameon=False)
        axes.set_title(self.title, fontsize=8)
        for row, panel in enumerate(strips):
            axes = drawing.add_subplot(grid[row, 1])
            axes.imshow(panel.tensor.permute(1, 2, 0).numpy(), cmap="gray", vmin=0, vmax=1)
            axes.set_title(panel.title, fontsize=8, color=ROLE_COLORS[panel.role])
            axes.set_axis_off()
        return drawing

    def close(self) -> None:
        """Frees the widgets; the network stays."""
        disown(self)
        close_tree(self)
        self.children = ()
        self.stage.clear()
        self.chart.reset()

    def __repr__(self) -> str:
        training = self.training
        said = f"{self.title}: {training.done} of {training.steps} steps"
        return f"{said}\n{training.note}" if training.note else said

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        data = super()._repr_mimebundle_(**kwargs) or {}
        exact = (*GREYS, *(style["color"] for style in STYLES.values()))
        data["text/plain"] = repr(self)
        data["image/png"] = as_text(small_png(painted(self.figure()), exact=exact))
        return data


STYLES: dict[str, dict[str, Any]] = {
    "training loss": {"color": ROLE_COLORS["input"], "linewidth": 1},
    "held-out loss": {"color": ROLE_COLORS["output"], "marker": "o", "markersize": 3},
}


class LossCurve:
    """The losses of a training, on a logarithmic scale that grows when they leave it."""

    def __init__(self, training: Training) -> None:
        self.training = training
        self.chart = LineChart(720, 200, self.dress)
        for name, style in STYLES.items():
            self.chart.add(name, **style)
        self._limits = (math.nan, math.nan)
        self._scene: tuple[Any, ...] = ()

    def reset(self) -> None:
        """Forgets the drawing; `draw` makes another."""
        self._scene = ()
        self.chart.reset()

    def series(self) -> dict[str, tuple[Any, Any]]:
        """Steps and losses, by the name of the line."""
        mean, smooth = math.nan, []
        for loss in self.training.losses:
            mean = loss if math.isnan(mean) else mean + SMOOTHING * (loss - mean)
            smooth.append(mean)
        steps, losses = zip(*self.training.checks) if self.training.checks else ((), ())
        return {
            "training loss": (range(1, len(smooth) + 1), smooth),
            "held-out loss": (steps, losses),
        }

    def draw(self, *, dark: bool) -> ChartPanel:
        """The chart as it is now."""
        series = self.series()
        losses = [loss for _, losses in series.values() for loss in losses]
        values = [loss for loss in losses if 0 < loss < math.inf]
        low, high = min(values, default=0.1), max(values, default=1.0)
        lowest, last = 10.0 ** math.floor(math.log10(low)), max(1, self.training.steps)
        scene = (dark, lowest, last, bool(values))
        if scene != self._scene or high > self._limits[1]:
            self._scene, self._limits = scene, (lowest, 1.5 * high)
            self.chart.reset(dark=dark)
        drawn, palette = self.chart.update(**series)
        held_out = self.training.checks[-1][1] if self.training.checks else math.nan
        said = f"Line chart of the loss over {self.training.done} steps; held out: {held_out:.3g}."
        return ChartPanel("loss", "Loss at each step", drawn, palette, alt=said)

    def dress(self, axes: Any) -> None:
        """Sets limits and labels."""
        axes.set(
            xlim=(0, max(1, self.training.steps)),
            ylim=self._limits if self._limits[1] > 0 else (0.01, 1),
            yscale="log",
            xlabel="step",
        )
        axes.yaxis.set_minor_formatter("")


def span(seconds: float) -> str:
    """A time to wait, in seconds or minutes.

    >>> span(12.3), span(3000)
    ('13 s', '50 min')
    """
    return f"{math.ceil(seconds)} s" if seconds < 120 else f"{math.ceil(seconds / 60)} min"


def strip(name: str, title: str, role: Any, pictures: Tensor, scale: int, blocks: int) -> Panel:
    """Pictures (N, C, H, W) side by side; of a single large one its middle.

    The middle has at most `blocks` × `blocks` blocks of `scale` × `scale` pixels, so that pictures
    of two sizes show the same part.
    """
    height, width = pictures.shape[-2:]
    if len(pictures) > 1:
        return Panel(name, title, role, torch.cat(list(pictures), dim=-1), lines=(height, width))
    top, left = (scale * max(0, (size // scale - blocks) // 2) for size in (height, width))
    shown = scale * blocks
    return Panel(name, title, role, pictures[0, :, top : top + shown, left : left + shown])


def train(
    network: nn.Module,
    task: Task,
    steps: int = 300,
    *,
    learning_rate: float = 3e-3,
    warm_up: float = 0.0,
    seed: int = 0,
    device: torch.device | str | None = None,
    title: str = "",
) -> TrainingView:
    """Trains a network in view: see `Training` for the arguments and the loop.

    In a notebook the loss curve, examples and the time left are shown while it runs. An interrupt
    of the kernel (■ in the toolbar) ends it: the network keeps the best weights seen on the
    held-out examples, and the notebook goes on.

    Raises ValueError for arguments that `Training` refuses.
    """
    training = Training(
        network,
        task,
        steps,
        learning_rate=learning_rate,
        warm_up=warm_up,
        seed=seed,
        device=device,
    )
    view = TrainingView(training, title)
    live = _Live(view)
    try:
        view.show()
        _display(live)
        with closing(training.run()) as running:
            for _ in running:
                view.follow()
    except KeyboardInterrupt:
        training.note = training.stopped
    except Exception:
        view.close()
        raise
    finally:
        live.close()
    with _undisturbed():
        view.show()
    return view


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Whoever presses ■ twice is to get the result of the first time."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def learning(training: Training, show: Callable[[], None]) -> Job:
    """A training in slices that leave the controls alive; `show` is called now and then."""
    shown = began = perf_counter()
    with closing(training.run()) as steps:
        for step in steps:
            now = perf_counter()
            if now - shown > REDRAWN:
                show()
                shown = perf_counter()
            if now - began > SLICE:
                left = span(training.seconds_left)
                yield step / training.steps, f"step {step} of {training.steps}, about {left} left"
                began = perf_counter()
    show()


class _Live(widgets.VBox):
    """What is on screen while the training runs; the result takes its place."""

    def __init__(self, view: TrainingView) -> None:
        adopt(self)
        self._said = f"training {view.title}, {view.training.steps} steps"
        how = "To stop, and keep what was learned, interrupt the kernel: ■ in the toolbar."
        super().__init__([widgets.Label(how), *view.children])
        self.add_class("rv-live")

    def __repr__(self) -> str:
        return self._said

    def close(self) -> None:
        """Closes this box, not the stage in it, which belongs to the view."""
        disown(self)
        children: tuple[widgets.Widget, ...] = self.children  # type: ignore[has-type]
        labels = children[:1]
        self.children = ()
        for label in labels:
            close_tree(label)
        close_tree(self)


def _display(live: widgets.Widget) -> None:
    """Shows a widget where there is a notebook to show it in."""
    from IPython.core.getipython import get_ipython

    if getattr(get_ipython(), "kernel", None) is not None:
        from IPython.display import display

        display(live)
