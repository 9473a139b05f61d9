"""`Lab`: controls at the left, the stage at the right, and what every lab owes its learner."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import torch
from torch import Tensor

from resample_viz.images import ImageError
from resample_viz.labs.background import Background, Job
from resample_viz.labs.controls import OperationControls, quiet
from resample_viz.labs.core.column import ControlColumn
from resample_viz.labs.inputs import InputControls
from resample_viz.labs.lifetime import adopt, close_tree, disown, empty
from resample_viz.labs.panels import main_panels
from resample_viz.memory import return_freed
from resample_viz.operations import Operation, OperationError, Program
from resample_viz.operations.kernel_layer import written_out
from resample_viz.operations.program import IMPORTS
from resample_viz.progress import Progress
from resample_viz.threads import one_thread
from resample_viz.view import Frame, Stage, as_text, figure, png
from resample_viz.words import gettext as _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

MOST_WRITTEN = 4096
"""Numbers of a weight that `lab.code()` writes out: some fifty kilobytes."""


@dataclass(frozen=True)
class Preset:
    """A named situation that makes one point: settings, and a sentence on what to look at.

    `controls` names the two to four that the point is about.

    Its English name is what it is called in settings and programs; name and sentence are marked by
    `N_`, and translated where they are shown.
    """

    name: str
    look: str
    settings: dict[str, Any] = field(default_factory=dict)
    controls: tuple[str, ...] = ()


def _written(name: str, values: Tensor) -> str:
    """Code for the numbers of a tensor; of very many, where they are to be found."""
    if values.numel() > MOST_WRITTEN:
        note = _("{shape}; lab is your lab", shape=tuple(values.shape))
        return f"lab.operation.own_tensors()[{name!r}]  # {note}"
    return _text(tuple(values.shape), values.numpy().tobytes())


@lru_cache(maxsize=4)
def _text(shape: tuple[int, ...], data: bytes) -> str:
    """The same for float32 numbers: they stay while other controls move."""
    return written_out(torch.frombuffer(bytearray(data), dtype=torch.float32).view(shape))


def whole_program(code: str, operation: Any, shape: tuple[int, ...]) -> str:
    """Code that is shown, with its imports, an input, and the tensors that it only names."""
    program = Program(code)
    needed = {*program.imports, *(IMPORTS[name] for name in ("torch", "nn", "F"))}
    imports = [line for line in IMPORTS.values() if line in needed]
    note = _("your picture, (N, C, H, W)")
    x = f"x = torch.rand{shape}  # {note}"
    own: dict[str, Tensor] = getattr(operation, "own_tensors", dict)()
    tensors = [f"{name} = {_written(name, values)}" for name, values in own.items()]
    return "\n".join([*imports, "", x, *tensors, program.setup, ""])


def unexpected(error: Exception) -> str:
    """What a learner is told about an exception that nobody thought of."""
    return _(
        "This setting does not work here ({kind}: {reason}). The last picture is kept: change the "
        "setting back, or try another picture.",
        kind=type(error).__name__,
        reason=error,
    )


def calmly(method: Callable[..., None]) -> Callable[..., None]:
    """Turns every exception of a callback into one sentence on the stage.

    An exception in an observer that the browser triggered would otherwise show up nowhere.
    """

    @wraps(method)
    def guarded(self: Lab, *args: Any) -> None:
        try:
            method(self, *args)
        except (OperationError, ImageError) as error:
            self.stage.refuse(str(error))
        except Exception as error:
            log.exception("a lab could not follow a control")
            self.stage.refuse(unexpected(error))

    return guarded


class Lab(widgets.Box):
    """A box of controls and a stage. Subclasses say which operation, which presets, which frame.

    `lab.operation`, `lab.input`, `lab.output`, `lab.code()`, `lab.figure()` give what is on screen;
    `lab.set(...)` moves the controls from Python; `lab.close()` frees everything. Running the cell
    again closes the lab that it made before.
    """

    name: ClassVar[str]
    operation_type: ClassVar[type[Any]]
    """The dataclass whose fields become the controls: an operation, or what several have in common
    (then the lab has its own property `operation`)."""
    presets: ClassVar[tuple[Preset, ...]] = ()
    one_screen: ClassVar[bool] = True
    """Whether controls and panels are laid out for one screen, instead of one below the other."""
    key_controls: ClassVar[tuple[str, ...]] = ()
    """The controls beside the picture, unless a preset names others; () for all."""
    opening: ClassVar[dict[str, Any]] = {}
    """Settings that a fresh lab starts with, where the operation's own defaults show too little."""
    is_closed = True  # until there is something to close
    is_quiet = True

    def __init__(
        self,
        *,
        image: Any = None,
        size: int | None = None,
        preset: str | None = None,
        **settings: Any,
    ) -> None:
        adopt(self)
        self.is_quiet = True
        self.is_closed = False
        self.look = ""
        self.stage = Stage()
        self._background = Background()
        self.controls = self.build_controls()
        self.inputs = self.build_inputs()
        self.extras = self.build_extras()
        self._usual = {name: extra.value for name, extra in self.extras.items()}
        self.charts = self.build_charts()
        super().__init__(self._parts())
        self.add_class("rv-lab")
        self.add_class(f"rv-lab-{self.name}")
        self.stage.add_class("rv-view")
        try:
            self._open(preset, {"image": image, "size": size}, settings)
        except Exception:
            self.close()
            raise
        self._listen()

    def _open(self, preset: str | None, picture: dict[str, Any], settings: dict[str, Any]) -> None:
        """Shows what a fresh lab was asked for."""
        if preset:  # which may bring a picture of its own
            self.inputs.set(**picture)
            self.set(preset=preset, **settings)
        else:
            chosen = {name: value for name, value in picture.items() if value is not None}
            self.set(**{**self._opening_for(chosen), **chosen, **settings})

    def _opening_for(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The opening; its picture and the size of that picture go with another picture."""
        pictured = {"image", "size"} if "image" in asked else set()
        return {name: value for name, value in self.opening.items() if name not in pictured}

    # What a subclass says about itself

    @abstractmethod
    def frame(self, operation: Operation, x: Tensor) -> Frame:
        """Everything to show for this operation on this input. Raises OperationError."""

    def build_controls(self) -> Any:
        """The controls of the lab's subject; a lab that has no one operation brings its own."""
        return OperationControls(self.operation_type)

    def build_inputs(self) -> Any:
        """The controls that choose the input."""
        return InputControls()

    def build_extras(self) -> dict[str, Any]:
        """Controls that are not parameters of the operation, by name."""
        return {}

    def build_charts(self) -> dict[str, Any]:
        """Charts that are kept from frame to frame, by name."""
        return {}

    def follow_up(self, operation: Operation, x: Tensor) -> Job | None:
        """A longer computation that completes the frame just shown; see `later`."""

    def scene_changed(self, x: Tensor) -> None:
        """Called before the first frame of another input or of another theme."""

    def picked(self, panel: str, row: int, col: int) -> None:
        """Called when a learner clicked a cell of a pickable panel."""

    def channels_changed(self, channels: int) -> None:
        """Called when the input has another number of channels, to move what depends on it."""

    def completed(self, moves: dict[str, Any]) -> dict[str, Any]:
        """Parameters that were asked for, with those that follow from them and from the input."""
        return moves

    def edited(self, panel: str, row: int, col: int, value: float) -> None:
        """Called when a learner typed `value` into a cell of `panel`; the base knows the input."""
        del panel
        self.inputs.write(row, col, value)

    # The Python door

    @property
    def operation(self) -> Operation:
        """The operation that the controls describe. Raises OperationError if there is none."""
        operation: Operation = self.operation_type(**self.controls.values())
        return operation

    @property
    def input(self) -> Tensor:
        """The input tensor, (1, C, H, W)."""
        x: Tensor = self.inputs.tensor
        return x

    @property
    def output(self) -> Tensor:
        """`lab.operation(lab.input)`."""
        return self.operation(self.input)

    def code(self) -> str:
        """A program that computes what the lab shows."""
        return whole_program(self.shown.code, self.operation, tuple(self.input.shape))

    def figure(self) -> Figure:
        """The panels as a matplotlib figure."""
        return figure(self.shown)

    def set(self, *, preset: str | None = None, wait: bool = True, **settings: Any) -> None:
        """Moves controls: parameters of the operation, `image`, `size`, `preset`, extras.

        A preset starts from the defaults, so that it shows the same whatever was shown before.
        Longer computations are waited for, unless `wait` is False.
        Raises OperationError, ImageError or TypeError, and then nothing has moved on the stage.
        """
        chosen = self._preset(preset) if preset else None
        moves = {**(chosen.settings if chosen else {}), **settings}
        picture = {name: moves.pop(name) for name in self.inputs.names if name in moves}
        extras = {name: moves.pop(name) for name in self.extras if name in moves}
        with quiet(self), self.inputs.kept_if_refused(), self.controls.kept_if_refused():
            if chosen:
                extras = {**self._usual, **extras}
            self.inputs.set(**picture)
            self._follow_channels()
            self.controls.set(afresh=bool(chosen), **self.completed(moves))
            for name, value in extras.items():
                self.extras[name].value = value
        self.look = _(chosen.look) if chosen else ""
        if chosen:
            self._arrange(chosen.controls)
        self._compute(wait=wait)

    def close(self) -> None:
        """Frees everything; IPython's history may keep the empty lab alive.

        Networks stay with whoever has trained them.
        """
        if self.is_closed:
            return
        self.is_quiet = self.is_closed = True
        self._background.cancel()
        disown(self)
        close_tree(self)
        self.children = ()
        self._freed = empty(self)

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("_freed", ()):
            raise RuntimeError(_("this lab was closed: run its cell again to get a new one."))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # From control to frame

    shown: Frame = Frame(())
    _freed: frozenset[str] = frozenset()
    _stored: tuple[Frame, str] | None = None
    _scene: tuple[Any, ...] = (None, None)

    def later(self, job: Job, *, wait: bool = False) -> None:
        """Runs a longer computation behind what is shown, until it ends or a control moves.

        The job yields (share done, what is being done) between slices of at most about 20 ms. With
        `wait` this returns when it has ended; an interrupt ends it, and the lab stays as it is.
        """
        if wait:
            with Progress(in_notebooks=False) as progress:  # there, the stage shows it
                for share, text in self._told(job):
                    self.stage.report(share, text)
                    progress.report(f"{text} ({share:.0%})")
        else:
            self._background.start(self._told(job), self.stage.report)

    def show_again(self) -> None:
        """Shows the frame once more, with what a longer computation has found."""
        self.shown = self._laid_out(self.frame(self.operation, self.input))
        self.stage.show(self.shown, copy=self.code())

    def _laid_out(self, frame: Frame) -> Frame:
        """The frame with its main panels named, where the lab is to stand on one screen."""
        if not self.one_screen or frame.main:
            return frame
        return replace(frame, main=main_panels(frame), same_cells=True)

    def _told(self, job: Job) -> Job:
        """The job, one slice at a time, with what it cannot do told in one sentence."""
        try:
            with closing(job):
                while True:
                    with one_thread():
                        step = next(job, None)
                    if step is None:
                        break
                    yield step
        except (OperationError, ImageError) as error:
            self.stage.refuse(str(error))
        except Exception as error:
            log.exception("a longer computation of a lab failed")
            self.stage.refuse(unexpected(error))
        finally:
            self.stage.report(1.0, "")
            return_freed()

    def _cancel_background(self) -> None:
        if self._background.running:
            self._background.cancel()
            self.stage.report(1.0, "")

    def _follow_channels(self) -> None:
        sizes = self.controls.given
        channels = self.input.shape[1]
        if sizes and set(sizes.values()) != {channels}:
            sizes.update(dict.fromkeys(sizes, channels))
            self.channels_changed(channels)

    def _compute(self, *, wait: bool = False) -> None:
        self._cancel_background()
        x = self.input
        scene = (x, self.stage.dark)
        if not all(new is old for new, old in zip(scene, self._scene)):
            self._scene = scene
            self.scene_changed(x)
        with one_thread():
            self.show_again()
            job = self.follow_up(self.operation, x)
        if job is not None:
            self.later(job, wait=wait)

    @calmly
    def _moved(self) -> None:
        if not self.is_quiet:
            self.look = ""
            with quiet(self):
                self._follow_channels()
            self._compute()

    @calmly
    def _again(self, _: Any) -> None:
        self._compute()

    @calmly
    def _edited(self, change: Any) -> None:
        edit = change["new"]
        if edit:
            with quiet(self):
                self.edited(edit.get("panel", "x"), edit["row"], edit["col"], edit["value"])
            self._compute()

    @calmly
    def _picked(self, change: Any) -> None:
        pick = change["new"]
        if pick:
            self.picked(pick["panel"], pick["row"], pick["col"])

    @calmly
    def _uploaded(self, change: Any) -> None:
        upload = change["new"]
        if upload:
            self.stage.upload = {}  # the bytes are not needed twice
            with quiet(self):
                self.inputs.set(image=bytes(upload["data"]))
                self._follow_channels()
            self._compute()

    @calmly
    def _choose_preset(self, button: Any) -> None:
        self.set(preset=self._preset_of[button], wait=False)

    def _preset(self, name: str) -> Preset:
        chosen = next((preset for preset in self.presets if preset.name == name), None)
        if chosen is None:
            names = ", ".join(repr(preset.name) for preset in self.presets)
            raise OperationError(
                _("there is no preset {name}: choose one of {names}.", name=repr(name), names=names)
            )
        return chosen

    def _listen(self) -> None:
        self.is_quiet = False
        self.controls.on_change(self._moved)
        self.inputs.on_change(self._moved)
        for extra in self.extras.values():
            extra.on_change(self._moved)
        self.stage.observe(self._again, names=["dark", "centre"])
        self.stage.observe(self._edited, names=["edit"])
        self.stage.observe(self._picked, names=["picked"])
        self.stage.observe(self._uploaded, names=["upload"])

    def build_actions(self) -> list[widgets.Widget]:
        """Buttons that stand under the controls."""
        return []

    def _parts(self) -> list[widgets.Widget]:
        """What the box holds; the stage comes last."""
        presets, actions = self._preset_row(), self.build_actions()
        if not self.one_screen:
            named = self._named_controls().values()
            column = widgets.VBox([presets, *named, *actions])
            column.add_class("rv-controls")
            return [column, self.stage]
        self.add_class("rv-one-screen")
        head = widgets.Box([presets, *self._head_buttons()])
        head.add_class("rv-lab-head")
        self._column = ControlColumn(self._named_controls(), actions)
        self._arrange(())
        return [head, self._column.widget, self.stage]

    def _head_buttons(self) -> list[widgets.Widget]:
        """What stands beside the presets."""
        return []

    def _named_controls(self) -> dict[str, widgets.Widget]:
        """Everything that can be set, by the names that presets use."""
        controls = self.controls
        named = controls.widgets if hasattr(controls, "widgets") else {"controls": controls.widget}
        extras = {name: extra.widget for name, extra in self.extras.items()}
        return {**self._picture_controls(), **named, **extras}

    def _picture_controls(self) -> dict[str, widgets.Widget]:
        return {"picture": self.inputs.widget}

    def _arrange(self, names: tuple[str, ...]) -> None:
        """Puts these controls beside the picture."""
        if self.one_screen:
            known = tuple(self._named_controls())
            self._column.arrange(("picture", *(names or self.key_controls or known[1:])))

    def _preset_row(self) -> widgets.Box:
        buttons = []
        self._preset_of: dict[widgets.Widget, str] = {}  # what is written on them is translated
        for preset in self.presets:
            button = widgets.Button(description=_(preset.name), tooltip=_(preset.look))
            button.add_class("rv-preset")
            button.on_click(self._choose_preset)
            self._preset_of[button] = preset.name
            buttons.append(button)
        self._preset_buttons = buttons
        presets = widgets.Box(buttons)
        presets.add_class("rv-presets")
        return presets

    # The static face

    def __repr__(self) -> str:
        frame = self.shown
        if not frame.panels:
            return _("{lab} (closed)", lab=type(self).__name__)
        strip = " → ".join(str(step) for step in frame.strip)
        merits = ", ".join(f"{merit.label} {merit.value}" for merit in frame.merits)
        first = _("{lab} on {picture}", lab=type(self).__name__, picture=self.inputs.label)
        return f"{first}\n{strip}\n{frame.code}\n{merits}"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        data = super()._repr_mimebundle_(**kwargs) or {}
        data["text/plain"] = repr(self)
        if self.shown.panels:
            if self._stored is None or self._stored[0] is not self.shown:
                self._stored = (self.shown, as_text(self.png()))
                return_freed()
            data["image/png"] = self._stored[1]
        return data

    def png(self) -> bytes:
        """What is shown, as the bytes of the small PNG that a notebook stores."""
        return png(self.shown)
