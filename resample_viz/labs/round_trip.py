"""RoundTripLab: what an operation makes of a picture, and what every way back brings back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import ipywidgets as widgets
from torch import Tensor, nn

from resample_viz.analysis.linear.least_squares import part
from resample_viz.analysis.linear.linear_maps import WEAK, Spectrum, linear_map
from resample_viz.analysis.linear.round_trips import (
    Metamer,
    RoundTrip,
    least_squares_steps,
    metamer_steps,
    own_ways,
    ranked,
    to_solve,
)
from resample_viz.deprecation import warn
from resample_viz.labs.background import Job
from resample_viz.labs.controls import LABEL, Simple
from resample_viz.labs.core.lab import Lab, Preset, calmly
from resample_viz.labs.learned import LearnedWayBack
from resample_viz.labs.panels import SAME_AS_EXACT, error_panel, signal_range, tensor_panel
from resample_viz.labs.training import learning
from resample_viz.operations import (
    AvgPool,
    Chain,
    Clip,
    Conv,
    MaxPool,
    Normalize,
    Operation,
    OperationError,
    PixelUnshuffle,
    Quantize,
    Subsample,
    Undo,
    Upsample,
)
from resample_viz.view import AnyPanel, Frame, Merit, Panel, Step
from resample_viz.words import N_
from resample_viz.words import gettext as _

NOTHING, OWN = "nothing", "your own"
SLOTS = ("step_1", "step_2", "step_3", "step_4", "step_5")
MOST_WAYS = 5
LEARN = "Learn a way back (about 10 s)"
LARGEST_SIZE = 512
"""Of a picture in this lab: all ways back, and a second picture, then take a few seconds."""
NO_TWIN = 0.01  # mean change of a second picture below which there is none to speak of


def _blur(channels: int, stride: int) -> Operation:
    return Conv(
        kernel="gaussian",
        kernel_size=3,
        stride=stride,
        padding=1,
        in_channels=channels,
        out_channels=channels,
        groups=channels,
    )


STEPS: dict[str, Callable[[int], Operation]] = {
    "average pooling 2 × 2": lambda _: AvgPool(2),
    "max pooling 2 × 2": lambda _: MaxPool(2),
    "every 2nd pixel": lambda _: Subsample(2),
    "blur 3 × 3": lambda channels: _blur(channels, 1),
    "blur 3 × 3, stride 2": lambda channels: _blur(channels, 2),
    "nearest × 2": lambda _: Upsample(scale_factor=2),
    "bilinear × 2": lambda _: Upsample(scale_factor=2, mode="bilinear"),
    "bilinear × ½, antialias": lambda _: Upsample(
        scale_factor=0.5, mode="bilinear", antialias=True
    ),
    "pixel unshuffle 2": lambda _: PixelUnshuffle(2),
    "normalise to [−1, 1]": lambda _: Normalize(0.5, 0.5),
    "clip to [0, 1]": lambda _: Clip(),
    "store as uint8": lambda _: Quantize("round", "clip"),
}
"""What a chain can be built of, by name; a function of the number of channels that come in."""


PHOTOGRAPH: dict[str, Any] = {"image": "astronaut", "size": 128}


@dataclass(frozen=True)
class Nothing:
    """The lab's steps are extras; there is no operation whose parameters would be controls."""


@dataclass(eq=False)
class Found:
    """What the longer computations have found for one operation on one picture."""

    operation: Operation | None = None
    x: Tensor | None = None
    rows: list[RoundTrip] = field(default_factory=list)
    spectrum: Spectrum | None = None
    metamer: Metamer | None = None
    is_complete: bool = False

    def belongs_to(self, operation: Operation, x: Tensor) -> bool:
        """Whether nothing has changed since."""
        return self.x is x and self.operation == operation


class RoundTripLab(Lab):
    """Choose an operation, or build a chain of up to five, and compare the ways back.

    `step_1` to `step_5` are names of `STEPS`; `operation` takes any operation or `Chain` of your
    own instead. Also `image`, `size`, `preset`.
    Lesson: notebooks/08-what-can-be-undone.ipynb

    >>> lab = RoundTripLab(step_1="pixel unshuffle 2", image="integer_grid", size=4)
    >>> lab.rows[0].kind, lab.rows[0].mae
    ('exact inverse', 0.0)
    >>> lab.close()
    """

    name = "round-trip"
    operation_type = Nothing
    opening: ClassVar[dict[str, Any]] = {"step_1": "average pooling 2 × 2"}
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            N_("two pictures, one tensor"),
            N_(
                "Average pooling makes the same y of the first picture and of the "
                "second one. Nobody who has only y can tell which of them it was."
            ),
            {"step_1": "average pooling 2 × 2", **PHOTOGRAPH},
            controls=("step_1", "step_2"),
        ),
        Preset(
            N_("nothing is lost"),
            N_(
                "Pixel unshuffle moves every value to another place: its adjoint is "
                "its inverse. There is no second picture."
            ),
            {"step_1": "pixel unshuffle 2", **PHOTOGRAPH},
            controls=("step_1", "step_2"),
        ),
        Preset(
            N_("larger, not richer"),
            N_(
                "Bilinear upsampling is a tall matrix: least squares brings the "
                "picture back, the adjoint only brings back its shape, far too bright."
            ),
            {"step_1": "bilinear × 2", **PHOTOGRAPH},
            controls=("step_1", "step_2"),
        ),
        Preset(
            N_("winners only"),
            N_(
                "Max pooling is not linear. Unpooling returns the winners to their "
                "places and leaves zeros elsewhere: plain resizing comes nearer."
            ),
            {"step_1": "max pooling 2 × 2", **PHOTOGRAPH},
            controls=("step_1", "step_2"),
        ),
        Preset(
            N_("all steps at once"),
            N_(
                "Blurred, then pooled. Going back step by step, each step at its best, "
                "is not the best way back of the whole: least squares of both steps at "
                "once comes nearer."
            ),
            {
                "step_1": "blur 3 × 3, stride 2",
                "step_2": "average pooling 2 × 2",
                **PHOTOGRAPH,
                "size": 64,
            },
            controls=("step_1", "step_2", "step_3"),
        ),
    )
    _own: Operation | None = None
    _found = Found()

    def __init__(self, *, operation: Operation | None = None, **settings: Any) -> None:
        self._learned: list[LearnedWayBack] = []
        self._press = widgets.Button(description=LEARN, layout={"width": "auto"})
        self._press.add_class("rv-control-learn")
        if operation is not None:
            settings = {"step_1": OWN, **settings, "operation": operation}
        super().__init__(**settings)
        self._press.on_click(self._pressed)

    def build_extras(self) -> dict[str, Any]:
        """Five dropdowns."""
        extras = {}
        for name in SLOTS:
            box = widgets.Dropdown(
                options=(NOTHING, *STEPS, OWN), description=name.replace("_", " "), style=LABEL
            )
            box.add_class(f"rv-control-{name}")
            extras[name] = Simple(box)
        return extras

    def set(self, *, preset: str | None = None, wait: bool = True, **settings: Any) -> None:
        """Moves controls; `operation` is taken in place of all steps."""
        if "operation" in settings:
            own = settings.pop("operation")
            if not isinstance(own, Operation):
                raise OperationError(
                    _(
                        "operation must be one of the suite's, such as rv.MaxPool(2), not {own}.",
                        own=repr(own),
                    )
                )
            self._own = own
            settings = {**dict.fromkeys(SLOTS, NOTHING), "step_1": OWN, **settings}
        _check_size(settings.get("size"))
        super().set(preset=preset, wait=wait, **settings)

    @property
    def operation(self) -> Operation:
        """The operation, or the chain of all steps that are not "nothing"."""
        names = [self.extras[slot].value for slot in SLOTS]
        steps: list[Operation] = []
        for number, name in enumerate(names, start=1):
            if name == OWN:
                if self._own is None:
                    raise OperationError(
                        _(
                            "step {number} is {own}, but there is none yet: give one from Python, "
                            "lab.set(operation=rv.MaxPool(3)).",
                            number=number,
                            own=repr(OWN),
                        )
                    )
                steps.append(self._own)
            elif name != NOTHING:
                fitting, _why = Chain(tuple(steps)).fitting(self.input.shape)
                steps.append(STEPS[name](fitting.output_shape(self.input.shape)[1]))
        return steps[0] if len(steps) == 1 else Chain(tuple(steps))

    @property
    def rows(self) -> tuple[RoundTrip, ...]:
        """Every way back that has been computed so far, the nearest to the picture first."""
        fitting, _why = self._fitting(self.operation, self.input)
        return self._rows(fitting, self.input, fitting(self.input))

    @property
    def metamer(self) -> Metamer | None:
        """The second picture, once it has been found."""
        return self._found.metamer

    @property
    def twin(self) -> Metamer | None:
        """The old name of `metamer`."""
        warn("RoundTripLab.twin", "RoundTripLab.metamer", stacklevel=2)
        return self.metamer

    @property
    def network(self) -> nn.Module | None:
        """The network that has learned a way back of what is shown, if there is one."""
        operation, _why = self._fitting(self.operation, self.input)
        learned = self._way_learned(operation, self.input)
        return learned.training.network if learned else None

    def learn(self) -> None:
        """Trains a network to bring the picture back, on other photographs; about ten seconds."""
        self.later(self._learn(), wait=True)

    @calmly
    def _pressed(self, _: Any) -> None:
        self.later(self._learn())

    def _learn(self) -> Job:
        yield 0.0, "cutting patches out of other photographs"
        self.look = ""
        operation, _why = self._fitting(self.operation, self.input)
        x = self.input
        pending = self.follow_up(operation, x)
        if pending is not None:  # only one job runs at a time
            yield from pending
        learned = self._way_learned(operation, x)
        if learned is None:
            learned = LearnedWayBack(operation, x, self.inputs.picture.value)
            self._learned.append(learned)
        yield from learning(learned.training, self.show_again)

    def _way_learned(self, operation: Operation, x: Tensor) -> LearnedWayBack | None:
        shown = self.inputs.label
        return next((w for w in self._learned if w.belongs_to(operation, x, shown)), None)

    def build_actions(self) -> list[widgets.Widget]:
        """The button that trains."""
        return [self._press]

    @staticmethod
    def _fitting(operation: Operation, x: Tensor) -> tuple[Operation, str]:
        return operation.fitting(x.shape) if isinstance(operation, Chain) else (operation, "")

    def _rows(self, operation: Operation, x: Tensor, y: Tensor) -> tuple[RoundTrip, ...]:
        low, high = signal_range(x)
        later = self._found.rows if self._found.belongs_to(operation, x) else []
        solved = {row.label for row in later}
        rows = [row for _way, row in own_ways(operation, x, high - low) if row.label not in solved]
        return ranked([*rows, *later, *self._learned_row(operation, x, y, high - low)])

    def _learned_row(
        self, operation: Operation, x: Tensor, y: Tensor, span: float
    ) -> list[RoundTrip]:
        learned = self._way_learned(operation, x)
        if learned is None or not learned.training.done:
            return []
        label = f"a network, {learned.training.done} steps"
        return [RoundTrip.of("learned", label, learned(y, x.shape[-2:]), x, span)]

    def follow_up(self, operation: Operation, x: Tensor) -> Job | None:
        """Least squares where the operation has no such way, and the second picture."""
        operation, _why = self._fitting(operation, x)
        if not self._found.belongs_to(operation, x):
            self._found = Found(operation, x)
        return None if self._found.is_complete or not operation.linear else self._search(x)

    def _search(self, x: Tensor) -> Job:
        result = self._found
        operation = result.operation
        assert operation is not None
        low, high = signal_range(x)
        linear = linear_map(operation, x.shape)
        if result.spectrum is None:
            result.spectrum = yield from part(linear.spectrum_steps(), 0, 0.3)
        rows = [row for _way, row in own_ways(operation, x, high - low)]
        label = to_solve(operation, rows, result.spectrum)
        if label and not result.rows:
            steps = least_squares_steps(linear, x, result.spectrum, high - low, label)
            result.rows = [(yield from part(steps, 0.3, 0.6))]
            self.show_again()
        search = metamer_steps(operation, x, limits=(low, high))
        result.metamer = yield from part(search, 0.6, 1)
        result.is_complete = True
        self.show_again()

    @property
    def spectrum(self) -> Spectrum | None:
        """Rank and condition number of a linear operation, once they have been found."""
        return self._found.spectrum

    def frame(self, operation: Operation, x: Tensor) -> Frame:
        """x, y, the second picture, and each way back beside its error, the best one first."""
        operation, sentence = self._fitting(operation, x)
        y = operation(x)
        rows = self._rows(operation, x, y)
        limits = signal_range(x)
        result = self._found if self._found.belongs_to(operation, x) else Found()
        panels: list[AnyPanel] = [
            tensor_panel("x", _("Input x"), "input", x, limits),
            _result(y, limits),
            *_metamer_panels(result.metamer, limits),
        ]
        for rank, row in enumerate(rows[:MOST_WAYS], start=1):
            panels += _pair(rank, row, x, limits)
        best = rows[0]
        warnings = filter(None, (sentence, *map(_not_converged, rows)))
        return Frame(
            tuple(panels),
            strip=(*_strip(operation, x, y), Step(_(best.label)), _tensor("x̂", best.restored)),
            code=_program(operation, x, best),
            merits=(
                *_merits(rows),
                *_spectrum_merits(result.spectrum),
                *_metamer_merit(result.metamer),
            ),
            formula=operation.explain_shape(x.shape),
            hint=self.look or _hint(operation, rows, result),
            warnings=tuple(warnings),
        )


def _check_size(size: Any) -> None:
    if isinstance(size, int) and size > LARGEST_SIZE:
        raise OperationError(
            _(
                "this lab goes every way back, which takes minutes for {size} × {size} "
                "pixels: use size={most} or less, or rv.round_trip(operation, "
                "x).",
                size=size,
                most=LARGEST_SIZE,
            )
        )


def _result(y: Tensor, limits: tuple[float, float]) -> Panel:
    within = limits[0] <= float(y.min()) and float(y.max()) <= limits[1]
    return tensor_panel("y", _("Output y"), "output", y, limits if within else signal_range(y))


def _metamer_panels(metamer: Metamer | None, limits: tuple[float, float]) -> list[AnyPanel]:
    if metamer is None or metamer.change < NO_TWIN:
        return []
    panel = tensor_panel(
        "metamer", _("Another x with the same y"), "input", metamer.picture, limits
    )
    return [
        replace(
            panel,
            role="undone",
            like="x",
            caption=_(
                "differs by {change} per cell from x; its y by at most 1e-4",
                change=format(metamer.change, ".2f"),
            ),
        )
    ]


def _metamer_merit(metamer: Metamer | None) -> tuple[Merit, ...]:
    if metamer is None:
        return ()
    some = metamer.change >= NO_TWIN
    return (
        Merit(
            "second picture",
            f"{metamer.change:.2f} away, same y" if some else "none",
            _("a picture that the operation cannot tell from x, and its mean distance from x"),
        ),
    )


def _pair(rank: int, row: RoundTrip, x: Tensor, limits: tuple[float, float]) -> tuple[Panel, Panel]:
    shown = tensor_panel(f"way{rank}", f"{rank}. {_(row.kind)}", "undone", row.restored, limits)
    caption = f"{_(row.label)}: {_decibels(row)}, MAE {row.mae:.3f}, SSIM {row.ssim:.2f}"
    if row.same_as:
        caption += f"; the same picture as {row.same_as}"
    error = error_panel(row.restored, x, limits)
    return (
        replace(shown, caption="; ".join(filter(None, (caption, shown.caption))), like="x"),
        replace(error, name=f"error{rank}", title=_("{rank}. Error |x̂ − x|", rank=rank)),
    )


def _decibels(row: RoundTrip) -> str:
    return f"over {SAME_AS_EXACT} dB" if row.psnr > SAME_AS_EXACT else f"{row.psnr:.1f} dB"


def _merits(rows: tuple[RoundTrip, ...]) -> tuple[Merit, ...]:
    places = {row.label: rank for rank, row in enumerate(rows, start=1) if not row.same_as}
    merits = []
    for rank, row in enumerate(rows, start=1):
        same = f" = {places[row.same_as]}." if row.same_as in places else ""
        hint = f"PSNR; higher is nearer to x{', the same picture' if same else ''}"
        merits.append(Merit(f"{rank}. {_called(row)}", f"{_decibels(row)}{same}", hint))
    return tuple(merits)


def _spectrum_merits(found: Spectrum | None) -> tuple[Merit, ...]:
    if found is None:
        return ()
    return (
        Merit(
            "rank",
            f"{found.rank:,} of {found.inputs:,}",
            _("how many dimensions of x come through; the others are lost for good"),
        ),
        Merit(
            "condition",
            f"{found.condition:.2g}",
            _("how many times weaker the weakest direction comes through than the strongest"),
        ),
    )


def _not_converged(row: RoundTrip) -> str:
    if row.kind != "not converged":
        return ""
    return (
        f"{row.label}: the iterations ended before the answer, which is nearer to x; a smaller "
        "size has it."
    )


def _called(row: RoundTrip) -> str:
    return row.label if row.kind in row.label else f"{row.kind}, {row.label}"


def _tensor(label: str, tensor: Tensor) -> Step:
    role = {"x": "input", "y": "output", "x̂": "undone"}[label]
    return Step(label, tuple(tensor.shape), role)  # type: ignore[arg-type]


def _strip(operation: Operation, x: Tensor, y: Tensor) -> tuple[Step, ...]:
    steps = operation.steps if isinstance(operation, Chain) else (operation,)
    names = [Step(type(step).__name__) for step in steps]
    return (_tensor("x", x), *names, _tensor("y", y))


def _program(operation: Operation, x: Tensor, best: RoundTrip) -> str:
    layer = operation.variable
    lines = [operation.program(), f"y = {layer}(x)"]
    way = next((way for way in operation.undo_at(x) if way.label == best.label), None)
    if best.kind == "learned":
        way = Undo(
            best.label,
            "network(resized)",
            lambda y: y,
            lambda: best.kind,
            'resized = F.interpolate(y, size=x.shape[-2:], mode="bicubic", antialias=True)\n'
            "network = lab.network  # trained in this lab, on other photographs",
        )
    elif way is None:
        in_rv = re.sub(r"\b([A-Z]\w+)\(", r"rv.\1(", repr(operation))
        way = Undo(
            best.label,
            "A.pseudo_inverse(A(x.double())).to(x)",
            lambda y: y,
            lambda: best.kind,
            f"A = rv.linear_map({in_rv}, x.shape)  # in float64: in float32, weak directions drown",
        )
    return "\n".join(filter(None, (*lines, way.setup, f"x_hat = {way.code}  # {_(best.kind)}")))


def _hint(operation: Operation, rows: tuple[RoundTrip, ...], found: Found) -> str:
    if any(row.kind == "learned" for row in rows):
        return (
            "The network was trained on other photographs: what it adds is what usually was there, "
            "not what was there here."
        )
    spectrum = found.spectrum
    if spectrum is not None and not spectrum.lost and spectrum.condition >= WEAK:
        return (
            f"Nothing is lost for good: the rank is full. But weak directions come through up to "
            f"{spectrum.condition:.2g} times weaker than strong ones, and drown in little noise."
        )
    if any(row.kind in ("exact inverse", "left inverse") for row in rows):
        return "Everything can be brought back: there is an inverse among the ways back."
    if not operation.linear:
        return "This is not linear: what comes back depends on what was kept of x."
    if spectrum is not None and spectrum.lost:
        return (
            "Something is lost for good. Of all pictures with this y, least squares gives the "
            "shortest; another one is shown, as soon as it is found."
        )
    return (
        "Of all pictures with this y, least squares gives the shortest. If there is another one, "
        "it is shown as soon as it is found."
    )
