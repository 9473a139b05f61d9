"""A lab whose state is one frozen value: controls and stage follow it, and never lead it.

    control moved → settings = replace(settings, …) → frame(settings) → controls and stage

A move is refused before anything was written. So a refused move has moved nothing.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self

import ipywidgets as widgets
from torch import Tensor

from resample_viz.labs.controls import Slider, quiet
from resample_viz.labs.core.ahead import Ahead, States
from resample_viz.labs.core.column import labelled, setting_controls
from resample_viz.labs.core.controls import PictureControls
from resample_viz.labs.core.lab import Lab, calmly, whole_program
from resample_viz.labs.core.ways_out import ways_out
from resample_viz.labs.picture import (
    Edit,
    Image,
    OwnPicture,
    checked_edits,
    checked_image,
    checked_size,
    edits_within,
    fitting_size,
    picture,
)
from resample_viz.operations import Operation, OperationError, parameters
from resample_viz.operations.validation import quoted
from resample_viz.threads import one_thread
from resample_viz.view import Encoded, Frame, encode
from resample_viz.words import N_
from resample_viz.words import gettext as _

MOST_STEPS_BACK = 100
Centre = tuple[float, float]


@dataclass(frozen=True)
class PictureSettings:
    """What every lab of one operation on one picture can have set. All of it, and nothing else.

    Attributes:
        image: the name of a picture, or a learner's own, which is equal to another of its content.
        size: its height and width in pixels, where the picture does not bring its own.
        edits: cells that were typed into, in the order in which that happened.
        operation: the layer, with all its parameters.
        centre: the part of large panels that is looked at, as shares of height and width.
        preset: the preset whose point is being made; "" after the next move.
        at_hand: names of the controls that stand beside the picture; () for those of the lab. A
            preset brings its own; the others are under *more settings*.
    """

    image: Image = "astronaut"
    size: int = 128
    edits: tuple[Edit, ...] = ()
    operation: Operation = dataclasses.field(default_factory=Operation)
    centre: Centre = (0.5, 0.5)
    preset: str = ""
    at_hand: tuple[str, ...] = ()
    operation_type: ClassVar[type[Operation]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "image", checked_image(self.image))
        checked_size(self.size)
        object.__setattr__(self, "edits", checked_edits(self.edits))
        object.__setattr__(self, "centre", _checked_centre(self.centre))
        object.__setattr__(self, "at_hand", self._checked_names(self.at_hand))
        wanted = self.operation_type
        if not isinstance(self.operation, wanted):
            raise OperationError(
                _(
                    "this lab shows {wanted}, not {given}: give operation={wanted}(), or open the "
                    "layer by rv.explore.",
                    wanted=wanted.__name__,
                    given=type(self.operation).__name__,
                )
            )

    def _checked_names(self, names: Any) -> tuple[str, ...]:
        given = (names,) if isinstance(names, str) else tuple(names)
        known = control_names(type(self)) if given else ()
        for name in given:
            if name not in known:
                raise OperationError(
                    _(
                        "at_hand names controls, and {name} is none: choose some of {choices}.",
                        name=quoted(name),
                        choices=", ".join(known),
                    )
                )
        return tuple(dict.fromkeys(given))

    def moved(self, **changes: Any) -> Self:
        """These settings with some changed: own fields, or parameters of the operation.

        Another picture brings a size that suits it, and loses what was typed into the last one;
        another size keeps what was typed, as far as there are such cells; a parameter that stands
        instead of another one takes its place. Raises OperationError, ImageError, or TypeError for
        a name that there is not.
        """
        own = {field.name for field in dataclasses.fields(self)}
        moved = {name: value for name, value in changes.items() if name not in own}
        changes = {name: value for name, value in changes.items() if name in own}
        if "image" in changes:
            changes["image"] = checked_image(changes["image"])
            changes.setdefault("size", fitting_size(changes["image"], self.size))
        if "image" in changes:
            changes.setdefault("edits", ())
        elif "size" in changes:
            changes.setdefault("edits", edits_within(self.edits, checked_size(changes["size"])))
        if moved:
            operation = changes.get("operation", self.operation)
            changes["operation"] = with_parameters(operation, moved)
        return replace(self, **{"preset": "", **changes})


def control_names(settings: type[PictureSettings]) -> tuple[str, ...]:
    """The controls that `at_hand` can name: of the operation, then of the lab itself."""
    operation = (p.name for p in parameters(settings.operation_type) if not p.instead_of)
    return (*operation, *labelled(settings))


def _checked_centre(centre: Any) -> Centre:
    try:
        row, col = (float(share) for share in centre)
    except (TypeError, ValueError):
        row = col = math.nan
    if not (0 <= row <= 1 and 0 <= col <= 1):
        raise OperationError(
            _(
                "centre must be two shares from 0 to 1, of height and width, not {centre}: try "
                "centre=(0.5, 0.5).",
                centre=quoted(centre),
            )
        )
    return row, col


def with_parameters(operation: Operation, moved: dict[str, Any]) -> Operation:
    """The operation with some parameters changed. Raises OperationError or TypeError."""
    fields = {field.name for field in dataclasses.fields(operation)}  # type: ignore[arg-type]
    for name in moved:
        if name not in fields:
            raise TypeError(
                _(
                    "{operation} has no parameter {name}: it has {names}.",
                    operation=type(operation).__name__,
                    name=repr(name),
                    names=sorted(fields),
                )
            )
    given = {name: value for name, value in moved.items() if value is not None}
    cleared = {
        other: None
        for name in given
        for other in _alternatives(type(operation), name)
        if other not in given
    }
    return replace(operation, **{**cleared, **given})  # type: ignore[type-var]


def _alternatives(operation: type[Operation], name: str) -> set[str]:
    """The parameters that cannot be given together with this one."""
    pairs = [(p.name, p.instead_of) for p in parameters(operation) if p.instead_of]
    return {b if a == name else a for a, b in pairs if name in (a, b)}


class StatefulLab(Lab):
    """A lab of one operation on one picture, with `settings` as its one state.

    `lab.settings` can be printed, compared and handed to `lab.set(settings=...)`; without pictures
    of one's own its repr is code that makes it. `lab.undo()` takes the last move back,
    `lab.reset()` all of them.
    """

    Settings: ClassVar[type[PictureSettings]]
    key_controls: ClassVar[tuple[str, ...]] = ()
    """The controls beside the picture, unless a preset names others."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Gives the class a signature, for completion by Tab."""
        super().__init_subclass__(**kwargs)
        if "Settings" in vars(cls):
            cls.__signature__ = _signature(cls)

    def __init__(self, **settings: Any) -> None:
        self._state = self._usual_settings = self.Settings(
            operation=self.operation_type(**_parameters_of(self.operation_type, self.opening)),
            **{n: v for n, v in self.opening.items() if n in _own_fields(self.Settings)},
        )
        self._first = self._state
        self._past: list[PictureSettings] = []
        self._own_picture: OwnPicture | None = None
        self._input: tuple[tuple[Any, ...], Tensor] | None = None
        self._ahead = Ahead(self)
        self._ways_out: dict[str, PictureSettings] = {}
        super().__init__(**settings)
        self._past, self._first = [], self._state
        self._ahead.tell(self._state, has_past=False)
        self._write(self._state)

    def _open(self, preset: str | None, picture: dict[str, Any], settings: dict[str, Any]) -> None:
        """Shows what a fresh lab was asked for; a preset's own picture has its own size."""
        brings = preset is not None and "image" in self._preset(preset).settings
        if brings and picture["image"] is None:
            picture = {}
        self.set(preset=preset, **picture, **settings)

    # What a subclass says about itself

    @abstractmethod
    def frame_of(self, settings: Any, *, dark: bool) -> Frame:
        """Everything to show: the same for the same settings and theme. Raises OperationError."""

    def build_inputs(self) -> PictureControls:
        """The controls of the picture."""
        return PictureControls(self._state.size)

    def build_extras(self) -> dict[str, Any]:
        """The controls of the lab's own settings, from their annotations."""
        return dict(setting_controls(self.Settings))

    def point_of(self, settings: PictureSettings) -> str:
        """The sentence of the preset that the settings show, or ""."""
        return next((_(p.look) for p in self.presets if p.name == settings.preset), "")

    # The state

    @property
    def settings(self) -> Any:
        """All that is set, as one frozen value."""
        return self._state

    @property
    def operation(self) -> Operation:
        """The operation, (N, C, H, W) → (N, C, H, W)."""
        return self._state.operation

    @property
    def input(self) -> Tensor:
        """The input tensor, (1, C, H, W)."""
        return self.input_of(self._state)

    def input_of(self, settings: PictureSettings) -> Tensor:
        """The input of these settings; the same object as long as they name the same picture."""
        key = (settings.image, settings.size, settings.edits)
        if self._input is None or self._input[0] != key:
            self._input = key, picture(*key)
        return self._input[1]

    def frame(self, operation: Operation, x: Tensor) -> Frame:
        """The frame of the present settings."""
        del operation, x
        return self.frame_of(self._state, dark=self.stage.dark)

    def set(
        self,
        *,
        preset: str | None = None,
        settings: PictureSettings | None = None,
        wait: bool = True,
        **changes: Any,
    ) -> None:
        """Moves to `settings`, to a preset, or changes single settings. One move, one frame.

        A preset starts from the lab's opening, so that it shows the same whatever was shown before.
        Raises OperationError, ImageError or TypeError, and then nothing has moved.
        """
        del wait
        if settings is not None and not isinstance(settings, self.Settings):
            raise TypeError(
                _(
                    "settings must be {wanted}(...), not {given}: try "
                    "lab.set(settings=lab.settings).",
                    wanted=self.Settings.__name__,
                    given=quoted(settings),
                )
            )
        start = settings if settings is not None else self._state
        changes = {name: value for name, value in changes.items() if value is not None}
        if preset:
            chosen = self._preset(preset)
            point = {"preset": chosen.name, "at_hand": chosen.controls}
            changes = {**chosen.settings, **point, **changes}
            start = self._usual_settings
            if "image" not in chosen.settings:
                start = replace(start, image=self._state.image, size=self._state.size)
        self._move(start.moved(**changes) if changes else start)

    def undo(self) -> None:
        """Takes the last move back. A drag of one slider is one move."""
        if self._past:
            *self._past, before = self._past
            self._show_settings(before)

    def reset(self) -> None:
        """Goes back to what the lab opened with; `undo` takes that back, too."""
        self._move(self._first)

    def _move(self, settings: PictureSettings) -> None:
        before = self._state
        if settings == before and self.shown.panels:
            if self.stage.frame.get("alert"):
                self._show_settings(before)  # what was refused is not wanted any more
            self._write(before)
            return
        past = self._past
        if not _same_drag(past, before, settings):
            self._past = [*past, before][-MOST_STEPS_BACK:]
        try:
            self._show_settings(settings)
        except Exception:
            self._past = past
            raise

    def _show_settings(self, settings: PictureSettings) -> None:
        """Computes the frame first; only then anything is written."""
        frame, encoded = self.encoded_of(settings)
        if isinstance(settings.image, OwnPicture):
            self._own_picture = settings.image
        before = self._state, self.shown
        self._state, self.shown = settings, frame
        self._look_at(settings.centre)
        try:
            self._ahead.answer(settings, encoded, has_past=bool(self._past))
        except Exception:
            self._state, self.shown = before
            self._look_at(self._state.centre)
            raise
        self._write(settings)

    def encoded_of(self, settings: PictureSettings) -> tuple[Frame, Encoded]:
        """The frame of these settings, as it is and as it travels. Raises OperationError."""
        self._check_offered(settings.operation)
        with one_thread():
            frame = self.frame_of(settings, dark=self.stage.dark)
        shape = tuple(self.input_of(settings).shape)
        copied = whole_program(frame.code, settings.operation, shape)
        return frame, encode(frame, settings.centre, copy=copied)

    def _check_offered(self, operation: Operation) -> None:
        """Raises OperationError for a choice that is none for pictures, and has no button here."""
        for parameter in parameters(type(operation)):
            value = getattr(operation, parameter.name)
            choices = parameter.choices_for(4)
            if parameter.kind == "choice" and not parameter.own and value not in choices:
                raise OperationError(
                    _(
                        "{name} cannot be {value} here: use one of {choices}.",
                        name=parameter.name,
                        value=repr(value),
                        choices=", ".join(map(repr, choices)),
                    )
                )

    def _write(self, settings: PictureSettings) -> None:
        """Has every control show the settings; none of them takes that for a move."""
        with quiet(self):
            self._mark(settings)
            self.inputs.write(
                settings.image,
                settings.size,
                self._own_picture,
                is_edited=bool(settings.edits),
            )
            values = {
                field.name: getattr(settings.operation, field.name)
                for field in dataclasses.fields(settings.operation)  # type: ignore[arg-type]
            }
            self.controls.set(afresh=True, **values)
            for name, extra in self.extras.items():
                extra.value = getattr(settings, name)

    def _look_at(self, centre: Centre) -> None:
        """Has the stage encode this part of large panels."""
        with quiet(self):
            if tuple(self.stage.centre) != centre:
                self.stage.centre = list(centre)

    def _mark(self, settings: PictureSettings) -> None:
        """The active preset, and whether there is a way back."""
        self._arrange(settings.at_hand)
        marked = (self._undo_button, self._reset_button, *self._preset_buttons)
        states = self.states_of(settings, has_past=bool(self._past))
        for button in marked:
            for name, value in states[button.model_id].items():
                setattr(button, name, value)

    def states_of(self, settings: PictureSettings, *, has_past: bool) -> States:
        """What `_mark` writes, by the id of each button's model."""
        states: States = {
            self._undo_button.model_id: {"disabled": not has_past},
            self._reset_button.model_id: {"disabled": settings == self._first},
        }
        for preset, button in zip(self.presets, self._preset_buttons):
            classes = [name for name in button._dom_classes if name != "rv-active"]
            if preset.name == settings.preset:
                classes.append("rv-active")
            states[button.model_id] = {"_dom_classes": classes}
        return states

    def sliders(self) -> dict[str, tuple[Slider, ...]]:
        """The sliders of every number of the operation: one, or height and width."""
        found: dict[str, tuple[Slider, ...]] = self.controls.sliders()
        return found

    def _read(self) -> PictureSettings:
        """What the controls say, as a move from the present settings."""
        image, size = self.inputs.read()
        state = self._state
        changes: dict[str, Any] = {}
        if image != state.image:
            changes["image"] = image
        elif size != state.size:
            changes["size"] = size
        changes |= {
            name: extra.value
            for name, extra in self.extras.items()
            if extra.value != getattr(state, name)
        }
        operation = self.operation_type(**self._parameters_read())
        if operation != state.operation:
            changes["operation"] = operation
        return state.moved(**changes) if changes else state

    def _parameters_read(self) -> dict[str, Any]:
        """The parameters that the controls say."""
        values: dict[str, Any] = self.controls.values()
        return values

    def _head_buttons(self) -> list[widgets.Widget]:
        """Undo and reset."""
        self._undo_button = self._button(N_("Undo"), "undo", _("take the last move back (Ctrl+Z)"))
        self._reset_button = self._button(
            N_("Reset"), "refresh", _("back to what this lab opened with")
        )
        self._undo_button.on_click(partial(self._asked, self.undo))
        self._reset_button.on_click(partial(self._asked, self.reset))
        back = widgets.Box([self._undo_button, self._reset_button])
        back.add_class("rv-back")
        return [back]

    def _picture_controls(self) -> dict[str, widgets.Widget]:
        return {"image": self.inputs.picture, "size": self.inputs.extent}

    def _arrange(self, names: tuple[str, ...]) -> None:
        self._column.arrange(("image", "size", *(names or self.key_controls)))

    @staticmethod
    def _button(name: str, icon: str, tooltip: str) -> widgets.Button:
        button = widgets.Button(description=_(name), icon=icon, tooltip=tooltip)
        button.add_class(f"rv-{name.lower()}")
        return button

    @calmly
    def _asked(self, action: Callable[[], None], _button: Any) -> None:
        action()

    def close(self) -> None:
        """Frees everything."""
        if not self.is_closed:
            self._ahead.stop()
        super().close()

    # What the browser asks for

    def _listen(self) -> None:
        super()._listen()
        self.stage.on_msg(self._ahead.hear)
        self.stage.observe(self._taken, names=["way_out"])

    def _follow_channels(self) -> None:
        """Nothing follows the channels of the input here."""

    def _compute(self, *, wait: bool = False) -> None:
        """The theme has changed."""
        del wait
        self._show_settings(self._state)

    def _heard(self, settings: Callable[[], PictureSettings]) -> None:
        """Makes a move that came from the browser; a refused one is put back and explained."""
        wanted = self._state
        try:
            wanted = settings()
            self._move(wanted)
        except OperationError as error:
            asked = self.controls.values()
            self._write(self._state)
            self._refuse(str(error), asked, wanted)
        except Exception:
            self._write(self._state)
            raise

    def _refuse(self, sentence: str, asked: dict[str, Any], wanted: PictureSettings) -> None:
        """Says why, and offers what the sentence suggests."""
        shape = tuple(self.input_of(wanted).shape)
        ways = ways_out(sentence, self.operation_type, asked, shape)
        self._ways_out = {
            label: replace(wanted, operation=operation, preset="")
            for label, operation in ways.items()
        }
        self.stage.refuse(sentence, tuple(self._ways_out))

    @calmly
    def _taken(self, change: Any) -> None:
        settings = self._ways_out.get(change["new"].get("label"))
        if settings is not None:
            self._heard(lambda: settings)

    @calmly
    def _moved(self) -> None:
        if not self.is_quiet:
            with self._ahead.by_hand():
                self._heard(self._read)

    @calmly
    def _again(self, change: Any) -> None:
        if change["name"] == "centre":
            if not self.is_quiet:
                row, col = (float(share) for share in change["new"])
                self._show_settings(replace(self._state, centre=(row, col)))
        else:
            self._compute()

    @calmly
    def _edited(self, change: Any) -> None:
        edit = change["new"]
        if edit:
            typed = (int(edit["row"]), int(edit["col"]), float(edit["value"]))
            kept = tuple(one for one in self._state.edits if one[:2] != typed[:2])
            self._heard(lambda: self._state.moved(edits=(*kept, typed)))

    @calmly
    def _uploaded(self, change: Any) -> None:
        upload = change["new"]
        if upload:
            self.stage.upload = {}  # the bytes are not needed twice
            self._heard(lambda: self._state.moved(image=bytes(upload["data"])))


def _own_fields(settings: type[PictureSettings]) -> set[str]:
    return {field.name for field in dataclasses.fields(settings)}


def _parameters_of(operation: type[Operation], given: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(operation)}  # type: ignore[arg-type]
    return {name: value for name, value in given.items() if name in names and name != "size"}


def _same_drag(
    past: list[PictureSettings], before: PictureSettings, after: PictureSettings
) -> bool:
    """Whether a move goes on with the last one: the same number of the operation, nothing else."""
    return bool(past) and _number_moved(past[-1], before) == _number_moved(before, after) != ""


def _number_moved(before: PictureSettings, after: PictureSettings) -> str:
    """The one parameter in which the two differ, if it is a number; "" otherwise."""
    if replace(after, operation=before.operation, preset=before.preset) != before:
        return ""
    differing = [
        field.name
        for field in dataclasses.fields(before.operation)  # type: ignore[arg-type]
        if getattr(before.operation, field.name) != getattr(after.operation, field.name)
    ]
    if len(differing) != 1:
        return ""
    value = getattr(after.operation, differing[0])
    return differing[0] if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _signature(lab: type[StatefulLab]) -> inspect.Signature:
    """The keyword arguments of a lab: the preset, its settings, the parameters of its operation."""
    names = dict.fromkeys(["image", "size", "preset"])
    names |= dict.fromkeys(field.name for field in dataclasses.fields(lab.operation_type))
    hidden = {"edits", "centre"}
    names |= dict.fromkeys(_own_fields(lab.Settings) - hidden)
    return inspect.Signature(
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in names]
    )
