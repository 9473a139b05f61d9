"""NetworkLab: where a network's resolution goes, and what each of its cells can see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from resample_viz.analysis.tracing import (
    Activation,
    Trace,
    TraceStep,
    activation,
    gradient_footprint,
    trace,
)
from resample_viz.analysis.tracing.copies import plain_module
from resample_viz.analysis.tracing.probe import check_room, model_output
from resample_viz.analysis.tracing.recorder import brief
from resample_viz.deprecation import warn
from resample_viz.images import load_image
from resample_viz.labs.background import Job
from resample_viz.labs.controls import Simple, display, quiet
from resample_viz.labs.core.lab import Lab, Preset, calmly
from resample_viz.labs.layers import layer_lab
from resample_viz.labs.network_choice import NONE, NetworkChoice, StepChooser, fitted
from resample_viz.labs.panels import signal_range
from resample_viz.operations import OperationError
from resample_viz.view import AnyPanel, ChartPanel, Frame, Merit, Panel, Step
from resample_viz.view.ladder import Ladder
from resample_viz.words import N_
from resample_viz.words import gettext as _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SLOW = 0.1  # seconds of a trace that a learner is told to wait for
DIMMED = 0.3  # of its brightness is left to what a cell cannot see
HINT = (
    "Point at a bar, or walk with the arrow keys: size, stride, receptive field. A click chooses "
    "the step and shows its map on the picture."
)
CELL_HINT = (
    "Click a cell of the map: bright in the picture is what it may see, the footprint is what it "
    "does see with these weights."
)


class NetworkLab(Lab):
    """The ladder of a network: the size, the stride and the receptive field of every step.

    Keyword arguments: `network` (a name from `resample_viz.networks.NETWORKS`), `input_size`
    (pixels, or (height, width)), `fix` (of the padded U-Net), `step` (its name, such as
    "layer1.0.conv1": then its map is computed on the picture), `pretrained`, `image`, `size`,
    `preset`; or `model`, a module of your own. `lab.trace` is the trace. Shapes need no numbers: a
    network gets weights (random ones, always the same) only when a step's map is asked for.
    Lesson: notebooks/09-shapes-through-networks.ipynb

    >>> lab = NetworkLab(network="U-Net, as in its paper", input_size=572)
    >>> lab.trace.outputs
    ((1, 2, 388, 388),)
    >>> lab.close()
    """

    name = "network"
    one_screen = False
    operation_type = NetworkChoice
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            N_("an odd size breaks the U-Net"),
            N_(
                "100 halves to 50, 25, 12: doubling 12 gives 24, and 24 does not fit "
                "to 25. Choose a fix, and compare what becomes of the output's size."
            ),
            {"input_size": 100},
        ),
        Preset(
            N_("one fix: pad the input"),
            N_(
                "The network pads 100 to 112, the next multiple of 16, and crops the "
                "result: the output is as large as the input again."
            ),
            {"input_size": 100, "fix": "pad the input"},
        ),
        Preset(
            N_("572 becomes 388"),
            N_(
                "No padding: every convolution takes two pixels, and each skip is "
                "cropped to what it meets. 184 pixels are lost."
            ),
            {"network": "U-Net, as in its paper", "input_size": 572},
        ),
        Preset(
            N_("ResNet-50: 224 to 7"),
            N_(
                "Five halvings. From layer4 on a cell may see more than the whole "
                "picture: 427 pixels."
            ),
            {"network": "ResNet-50", "input_size": 224},
        ),
        Preset(
            N_("a pyramid for detection"),
            N_(
                "Down through ResNet-50, up again by nearest neighbours, and one head "
                "that reads all five levels: small things are found in large maps."
            ),
            {"network": "ResNet-50 + FPN", "input_size": 256},
        ),
        Preset(
            N_("dilation instead of stride"),
            N_(
                "DeepLabV3 stays at an eighth of the picture; dilation makes its cells "
                "see far, and one interpolation brings the size back."
            ),
            {"network": "DeepLabV3", "input_size": 224},
        ),
        Preset(
            N_("unpooling brings odd sizes back"),
            N_(
                "SegNet halves 100 five times, 25 to 12 among them. Its indices, and "
                "output_size, bring every size back: nothing to fix."
            ),
            {"network": "SegNet", "input_size": 100},
        ),
        Preset(
            N_("4 to 64 pixels"),
            N_(
                "A generator: only upwards. A stride of 1/16 means that 16 cells lie "
                "in one of the input's."
            ),
            {"network": "DCGAN generator"},
        ),
        Preset(
            N_("all the work on the small picture"),
            N_("ESPCN stays small until its last layer, which lays 9 channels side by side."),
            {"network": "ESPCN ×3", "input_size": 64},
        ),
    )

    def __init__(self, *, model: nn.Module | None = None, **settings: Any) -> None:
        self._own = model if model is None else plain_module(model)[0]
        self._traced: dict[Any, Trace] = {}
        self._seconds: dict[str, float] = {}  # what the last trace of each network took
        self._built: tuple[Any, nn.Module] | None = None
        self._cell: tuple[int, int] | None = None
        self._seen: tuple[Any, Activation | None, Tensor | None] = (None, None, None)
        self._opened: Lab | None = None
        if model is not None and "image" in settings and "input_size" not in settings:
            settings["input_size"] = _size_of(settings["image"])
        super().__init__(**_in_new_words(settings))

    def build_extras(self) -> dict[str, Any]:
        """The step that is looked at, and whose weights."""
        import ipywidgets as widgets

        pretrained = widgets.Checkbox(
            value=False, description="pretrained weights (downloads them)", indent=False
        )
        pretrained.add_class("rv-control-pretrained")
        steps = StepChooser()
        steps.open.on_click(self._open_chosen)
        return {"step": steps, "pretrained": Simple(pretrained)}

    # The Python door

    @property
    def operation(self) -> NetworkChoice:  # type: ignore[override]
        """What the controls describe: a network, the size of its input, a fix."""
        return NetworkChoice(**self.controls.values())

    @property
    def trace(self) -> Trace:
        """The shapes, strides and receptive fields that are shown."""
        return self._trace(self.operation)

    @property
    def model(self) -> nn.Module:
        """The network with weights: your own, or built now if it was not yet."""
        return self._model(self.operation)

    @property
    def output(self) -> Tensor:
        """What the network makes of the picture: computed when it is asked for.

        Of a network that returns several tensors, the last step's. Raises OperationError if it
        takes too much memory, or if the shapes do not fit.
        """
        operation, last = self.operation, len(self.trace.steps) - 1
        check_room(self.trace, last, gradients=False)
        returned = model_output(self._model(operation), self._input(operation))
        if isinstance(returned, Tensor):
            return returned
        return self._activation(operation, last).output

    def activation(self, step: str) -> Activation:
        """What a step, by its name, reads and makes on the picture that is shown."""
        return self._activation(self.operation, self._number(step))

    def footprint(self, step: str, row: int, col: int) -> Tensor:
        """Which input pixels feed one cell of a step's map, and how strongly: (1, 1, H, W)."""
        operation, number = self.operation, self._number(step)
        check_room(self.trace, number, gradients=True)
        return gradient_footprint(self._model(operation), self._input(operation), number, row, col)

    def open_step(self, step: str) -> Lab:
        """The lab of a step's layer, with its weights, on the tensor that comes in there."""
        chosen = self.trace.steps[self._number(step)]
        # The network that was traced has no numbers: the one that was run has the layer's weights.
        layers = dict(self._model(self.operation).named_modules())
        seen = self.activation(step).inputs
        lab = layer_lab(layers[chosen.name], seen[0]) if chosen.layer is not None else None
        if lab is None:
            raise OperationError(
                _(
                    "{name} ({operation}) has no lab of its own: choose a convolution, a "
                    "pooling or an upsampling.",
                    name=chosen.name,
                    operation=chosen.operation,
                )
            )
        return lab

    def set(self, *, step: str | None = None, wait: bool = True, **settings: Any) -> None:
        """Moves controls; see `Lab.set`. A step is looked up in the network that is then shown."""
        super().set(wait=wait, **_in_new_words(settings))
        if step is not None:
            with quiet(self):
                self.extras["step"].value = step
            self._compute(wait=wait)

    def code(self) -> str:
        """A program that computes what the lab shows."""
        return f"import torch\nimport resample_viz as rv\n\n{self.shown.code}\nprint(trace)\n"

    def figure(self) -> Figure:
        """The ladder, and the panels of the chosen step, as a matplotlib figure."""
        from matplotlib.figure import Figure

        if len(self.shown.panels) > 1:
            return super().figure()
        drawing = Figure(figsize=(7.6, 3.3), dpi=100, layout="constrained")
        axes = drawing.add_subplot()
        axes.imshow(self._ladder(self.trace).image)
        axes.set_axis_off()
        return drawing

    def __repr__(self) -> str:
        if not self.shown.panels:
            return f"{type(self).__name__} (closed)"
        strip = " → ".join(str(step) for step in self.shown.strip)
        merits = ", ".join(f"{merit.label} {merit.value}" for merit in self.shown.merits)
        lines = [f"{type(self).__name__} on {self.inputs.label}", strip, self.shown.code, merits]
        return "\n".join([*lines, *self.shown.warnings])

    def png(self) -> bytes:
        """The ladder as the bytes of a PNG."""
        return self._ladder(self.trace).png()

    def close(self) -> None:
        """Frees the widgets, and a lab that was opened from here."""
        if not self.is_closed:
            self._close_opened()
        super().close()

    # Shapes

    def frame(self, operation: NetworkChoice, x: Tensor) -> Frame:  # type: ignore[override]
        """The ladder; of a chosen step, its map, and what a cell of it sees."""
        del x
        traced = self._trace(operation)
        steps: StepChooser = self.extras["step"]
        with quiet(self):
            steps.offer([f"{n}: {step.name}" for n, step in enumerate(traced.steps)])
        self._show_controls(operation)
        number = self._chosen()
        panels: tuple[AnyPanel, ...] = (self._ladder_panel(traced, number),)
        known = number is not None and self._seen[0] == self._key(operation, number)
        if known and number is not None:
            panels += self._step_panels(traced.steps[number], operation)
        return Frame(
            panels,
            strip=self._strip(operation, traced),
            code=self._code(operation),
            merits=_merits(traced),
            formula=_described(traced.steps[number]) if number is not None else "",
            hint=self.look or (CELL_HINT if known else HINT),
            warnings=tuple(_warnings(traced)),
        )

    def _show_controls(self, operation: NetworkChoice) -> None:
        display(self.controls.single("network"), self._own is None)
        padded = operation.network == "U-Net, padded"
        display(self.controls.single("fix"), self._own is None and padded)
        fixed = self._own is None and operation.entry.fixed_shape is not None
        display(self.controls.single("input_size"), not fixed)
        has_weights = self._own is None and operation.entry.has_weights
        display(self.extras["pretrained"], has_weights and self._chosen() is not None)

    def _shape(self, operation: NetworkChoice) -> tuple[int, ...]:
        if self._own is None:
            return operation.shape
        return (1, self.input.shape[1], *operation.size)

    def _trace(self, operation: NetworkChoice) -> Trace:
        """The trace, kept as long as the network and the input's shape stay the same."""
        shape = self._shape(operation)
        key = (operation.network, operation.fix, shape)
        if key not in self._traced:
            with self._told_if_slow(operation.network, shape):
                model = self._own or self._shapes_only(operation)
                self._traced = {key: trace(model, shape)}
        return self._traced[key]

    @contextmanager
    def _told_if_slow(self, network: str, shape: tuple[int, ...]) -> Iterator[None]:
        """Says that a trace is on its way, for networks whose last trace could be waited for."""
        slow = self._seconds.get(network, 0.0) > SLOW
        if slow:
            self.stage.report(0.0, f"tracing {network} at {shape[-2]} × {shape[-1]}")
        begin = perf_counter()
        try:
            yield
        finally:
            self._seconds[network] = perf_counter() - begin
            if slow:
                self.stage.report(1.0, "")

    def _shapes_only(self, operation: NetworkChoice) -> nn.Module:
        """The network without numbers, kept while only the input's size moves."""
        key = (operation.network, operation.fix)
        if getattr(self, "_outline", (None,))[0] != key:
            self._outline = (key, operation.build())
        return self._outline[1]

    def _ladder(self, traced: Trace) -> Ladder:
        number = self._chosen()
        chosen = None
        if number is not None and traced.steps[number] in traced.on_ladder:
            chosen = traced.on_ladder.index(traced.steps[number]) + 1
        return Ladder(traced.rungs(), traced.size, dark=self.stage.dark, chosen=chosen)

    def _ladder_panel(self, traced: Trace, number: int | None) -> ChartPanel:
        del number
        ladder = self._ladder(traced)
        pixels, palette = ladder.pixels()
        labels = [f"Input: {traced.size[0]} × {traced.size[1]}."]
        labels += [_described(step) for step in traced.on_ladder]
        if traced.failure is not None:
            labels.append(str(traced.failure).partition("\n")[0])
        return ChartPanel(
            "ladder",
            "Ladder: the size of every map, and below what its cells may see",
            pixels,
            palette,
            alt=f"Ladder of {len(traced.rungs())} steps: {_sizes_in_words(traced)}.",
            spots=tuple(zip(ladder.edges, labels)),
            end=ladder.edges[-1],
        )

    def _strip(self, operation: NetworkChoice, traced: Trace) -> tuple[Step, ...]:
        name = operation.network if self._own is None else type(self._own).__name__
        begin = (Step("x", traced.inputs[0], "input"), Step(name))
        if traced.failure is not None:
            shapes = traced.failure.shapes
            return (begin[0], Step(f"{name} stops at {traced.failure.name}"), *_met(shapes))
        ends = traced.outputs[:3]
        marks = ("y",) if len(ends) == 1 else ("y₁", "y₂", "y₃")
        return (*begin, *(Step(mark, shape, "output") for mark, shape in zip(marks, ends)))

    def _code(self, operation: NetworkChoice) -> str:
        if self._own is None:
            return operation.program()
        return f"trace = rv.trace(model, {self._shape(operation)})  # model: your own"

    # Numbers

    def _chosen(self) -> int | None:
        """The number of the chosen step."""
        value = self.extras["step"].value
        return None if value == NONE else int(value.partition(":")[0])

    def _number(self, name: str) -> int:
        numbers = [n for n, step in enumerate(self.trace.steps) if step.name == name]
        if not numbers:
            raise OperationError(
                _("there is no step {name}: print(lab.trace) names them.", name=repr(name))
            )
        return numbers[-1]

    def _input(self, operation: NetworkChoice) -> Tensor:
        return fitted(self.input, self._shape(operation))

    def _model(self, operation: NetworkChoice) -> nn.Module:
        if self._own is not None:
            return self._own
        key = (operation.network, operation.fix, self.extras["pretrained"].value)
        if self._built is None or self._built[0] != key:
            self._built = None  # the old one goes before the new one comes
            try:
                network = operation.build(real=True, pretrained=key[2])
            except ConnectionError as error:
                raise OperationError(str(error)) from None
            self._built = (key, network)
        return self._built[1]

    def _activation(self, operation: NetworkChoice, number: int) -> Activation:
        check_room(self._trace(operation), number, gradients=False)
        return activation(self._model(operation), self._input(operation), number)

    def _key(self, operation: NetworkChoice, number: int) -> Any:
        return (operation, number, id(self.input), self.extras["pretrained"].value, self._cell)

    def follow_up(self, operation: NetworkChoice, x: Tensor) -> Job | None:  # type: ignore[override]
        """The chosen step's map, and the footprint of a cell of it, behind the ladder."""
        del x
        number = self._chosen()
        if number is None or self._seen[0] == self._key(operation, number):
            return None
        return self._look(operation, number)

    def _look(self, operation: NetworkChoice, number: int) -> Job:
        step = self._trace(operation).steps[number]
        yield 0.1, "making the weights"
        self._model(operation)
        yield 0.5, f"running the network up to {step.name}"
        seen = self._activation(operation, number)
        footprint = None
        cell = self._cell_in(seen.feature_map)
        if cell is not None and step.field is not None:
            yield 0.7, "following the gradient back to the picture"
            footprint = self.footprint_of(operation, number, cell)
        self._seen = (self._key(operation, number), seen, footprint)
        self.show_again()

    def footprint_of(
        self, operation: NetworkChoice, number: int, cell: tuple[int, int]
    ) -> Tensor | None:
        """The footprint of a cell, or None where it would take too much memory."""
        try:
            check_room(self._trace(operation), number, gradients=True)
        except OperationError:
            return None
        return gradient_footprint(self._model(operation), self._input(operation), number, *cell)

    def _cell_in(self, y: Tensor | None) -> tuple[int, int] | None:
        """The picked cell, or the one in the middle; None without a feature map."""
        if y is None:
            return None
        rows, cols = y.shape[2:]
        row, col = self._cell or (rows // 2, cols // 2)
        return min(row, rows - 1), min(col, cols - 1)

    def _step_panels(self, step: TraceStep, operation: NetworkChoice) -> tuple[AnyPanel, ...]:
        _, seen, footprint = self._seen
        assert seen is not None
        y = seen.feature_map
        cell = self._cell_in(y)
        if y is None or cell is None:
            return ()
        x = self._input(operation)
        panels: list[AnyPanel] = []
        if step.field is not None and x.shape[1] in (1, 3):
            panels.append(_visible_part(x, step, cell))
        panels.append(_map_panel(step, y, cell))
        if footprint is not None:
            panels.append(_footprint_panel(footprint))
        return tuple(panels)

    # Clicks

    def picked(self, panel: str, row: int, col: int) -> None:
        """A bar of the ladder chooses a step, a cell of the map is looked back from."""
        traced = self.trace
        if panel == "y":
            self._cell = (row, col)
        elif 1 <= col <= len(traced.on_ladder):
            step = traced.on_ladder[col - 1]
            self._cell = None
            with quiet(self):
                self.extras["step"].value = f"{traced.steps.index(step)}: {step.name}"
        else:
            return
        self._compute()

    @calmly
    def _open_chosen(self, _: Any) -> None:
        number = self._chosen()
        if number is None:
            return
        opened = self.open_step(self.trace.steps[number].name)
        self._close_opened()
        opened.layout.flex = "1 1 100%"
        self._opened = opened
        self.children = (*self.children[:2], opened)  # type: ignore[assignment]

    def _close_opened(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


# Words and panels


def _size_of(x: Any) -> int | tuple[int, int]:
    """Height and width of a tensor of the learner's own; one number for a square."""
    height, width = (int(size) for size in load_image(x).shape[2:])
    return height if height == width else (height, width)


def _described(step: TraceStep) -> str:
    """A step in a sentence."""
    what = step.operation if step.layer is None else brief(step.layer)
    text = f"{step.name}: {what}, {step.shape}"
    if step.field is not None and step.extent:
        rows, _ = step.field.stride
        height, width = step.field.size
        bound = "at most " if step.field.is_bound else ""
        text += f", stride {rows}, a cell may see {bound}{height} × {width} pixels"
    return f"{text}."


def _met(shapes: Sequence[tuple[int, ...]]) -> tuple[Step, ...]:
    """The tensors at which a pass has stopped."""
    return tuple(Step("met", shape, "output") for shape in shapes[:2] if shape)


def _sizes_in_words(traced: Trace) -> str:
    sizes = [traced.size, *(step.extent for step in traced.on_ladder)]
    different = [size for n, size in enumerate(sizes) if n == 0 or size != sizes[n - 1]]
    return " → ".join(f"{size[0]}×{size[1]}" for size in different if size)


def _warnings(traced: Trace) -> list[str]:
    sentences = [*filter(None, (traced.note, *traced.remarks))]
    if traced.failure is not None:
        sentences.append(str(traced.failure).partition("\n")[0])
        sentences += [f"One way: {way}." for way in traced.failure.suggestions]
    return sentences


def _merits(traced: Trace) -> tuple[Merit, ...]:
    fields = [step.field for step in traced.on_ladder if step.field is not None]
    strides = [max(field.stride) for field in fields]
    widest = max((max(field.size) for field in fields), default=1)
    smallest = min((step.extent for step in traced.on_ladder if step.extent), default=traced.size)
    return (
        Merit("parameters", f"{traced.parameters:,}", _("numbers that are learned")),
        Merit("smallest map", f"{smallest[0]} × {smallest[1]}"),
        Merit("largest stride", f"{max(strides, default=1)}", _("input pixels from cell to cell")),
        Merit("widest field", f"{widest}", _("input pixels that one cell may see, per axis")),
    )


def _visible_part(x: Tensor, step: TraceStep, cell: tuple[int, int]) -> Panel:
    """The input, dark where the cell cannot see."""
    assert step.field is not None
    top, left, bottom, right = step.field.region(*cell)
    rows, cols = x.shape[2:]
    bright = torch.full_like(x[0, :1], DIMMED)
    bright[:, max(0, top) : max(0, bottom + 1), max(0, left) : max(0, right + 1)] = 1
    low, _ = limits = signal_range(x)
    shown = low + (x[0] - low) * bright
    beyond = "; it reaches beyond the border" if _reaches_out(step, cell, rows, cols) else ""
    caption = f"rows {top} to {bottom}, columns {left} to {right}{beyond}"
    return Panel("x", f"What cell {cell} may see", "input", shown, limits, caption=caption)


def _reaches_out(step: TraceStep, cell: tuple[int, int], rows: int, cols: int) -> bool:
    assert step.field is not None
    top, left, bottom, right = step.field.region(*cell)
    return top < 0 or left < 0 or bottom >= rows or right >= cols


def _map_panel(step: TraceStep, y: Tensor, cell: tuple[int, int]) -> Panel:
    mean = y[0].mean(0, keepdim=True)
    channels = y.shape[1]
    caption = f"the mean of its {channels} channels" if channels > 1 else ""
    return Panel(
        "y",
        f"Map of {step.name}: {y.shape[2]} × {y.shape[3]}",
        "output",
        mean,
        signal_range(mean),
        caption=caption,
        pickable=True,
        picked=cell,
    )


def _footprint_panel(footprint: Tensor) -> Panel:
    strength = (footprint / footprint.max().clamp(min=1e-30)).sqrt()[0]
    share = float((footprint > 0).float().mean())
    return Panel(
        "footprint",
        "Gradient footprint: which pixels move this cell",
        "error",
        strength,
        (0.0, 1.0),
        colormap="magma",
        caption=f"square root of |∂y/∂x|, the strongest is 1; {share:.1%} of the pixels count",
    )


def _in_new_words(settings: dict[str, Any]) -> dict[str, Any]:
    if "mend" not in settings:
        return settings
    warn("mend=...", "fix=...", stacklevel=3)
    return {("fix" if name == "mend" else name): value for name, value in settings.items()}
