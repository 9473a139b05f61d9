"""ipywidgets built from the annotations of an operation, and read back as its parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any, Protocol

import ipywidgets as widgets
from traitlets import TraitError

from resample_viz.operations import Operation, OperationError, Parameter, Range, When, parameters
from resample_viz.words import N_
from resample_viz.words import gettext as _

LABEL = {"description_width": "initial"}
CHANNELS = (N_("red"), N_("green"), N_("blue"))
MOST_BUTTONS = 6
"""More choices than this are a list that unfolds."""
MOST_LETTERS = 60
"""Choices with more letters than this in all are a list, too."""


class Control(Protocol):
    """One parameter on screen."""

    widget: widgets.Widget

    @property
    def value(self) -> Any:
        """The parameter's value."""
        ...

    @value.setter
    def value(self, value: Any) -> None: ...

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back whenever the learner, or a program, changes the value."""
        ...


class Simple:
    """A control that is one ipywidget: a checkbox, a row of buttons, a dropdown."""

    def __init__(self, widget: Any) -> None:
        self.widget = widget

    @property
    def value(self) -> Any:
        """The value that the widget shows."""
        return self.widget.value

    @value.setter
    def value(self, value: Any) -> None:
        try:
            self.widget.value = value
        except TraitError:
            options = names_of(getattr(self.widget, "options", (True, False)))
            raise OperationError(
                _(
                    "{name} cannot be {value} here: use one of {choices}.",
                    name=self.widget.description,
                    value=repr(value),
                    choices=", ".join(map(repr, options)),
                )
            ) from None

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after every change."""
        self.widget.observe(lambda _: callback(), names=["value"])


class Slider:
    """A slider whose value stays what a program asked for, such as 1/3.

    In the browser a slider rounds its value to its step as soon as it is drawn, and sends that back
    (1.9999999999999998 for 2). A change of no more than half a step is therefore not a move.
    A program may set more than the slider offers, unless its limits are `strict`: True, or other
    limits than those that the slider begins with.
    """

    def __init__(
        self, name: str, limits: Range, value: float, whole: bool, *, strict: bool | Range = False
    ) -> None:
        self._limits = strict if isinstance(strict, Range) else limits if strict else None
        self._first_high = limits.high
        kind = widgets.IntSlider if whole else widgets.FloatSlider
        digits = 3 if limits.step < 0.01 else 2
        options: dict[str, Any] = {} if whole else {"readout_format": f".{digits}f"}
        self.widget = kind(
            value=value,
            min=limits.low,
            max=limits.high,
            step=limits.step,
            description=name,
            continuous_update=True,
            style=LABEL,
            **options,
        )
        self._value = value
        self._callbacks: list[Callable[[], None]] = []
        self.widget.observe(self._moved, names=["value"])

    @property
    def value(self) -> Any:
        """The exact value."""
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._check(value)
        changed = value != self._value
        self._value = value
        # A program may ask for more than the slider offers (scale_factor=10).
        self.widget.min = min(self.widget.min, value)
        self.widget.max = max(self.widget.max, value)
        if self.read(self.widget.value) != value:  # else a hand may be further on by now
            self.widget.value = value
        if changed:
            self._tell()

    def reach(self, high: float) -> None:
        """Lets the slider end at `high`, or where it began to end, or at its value: the largest."""
        self.widget.max = max(high, self._first_high, self._value)

    def read(self, value: float) -> Any:
        """The number that a value of the widget stands for."""
        return round(value, 10)

    def _check(self, value: Any) -> None:
        limits = self._limits
        if limits is None:  # the operation has checked it
            return
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not limits.low <= value <= limits.high:
            name = self.widget.description
            raise OperationError(
                _(
                    "{name} must be a whole number from {low} to {high}, not {value}: try "
                    "{name}={low}.",
                    name=name,
                    low=limits.low,
                    high=limits.high,
                    value=repr(value),
                )
            )

    def _moved(self, change: dict[str, Any]) -> None:
        if abs(change["new"] - self._value) > 0.51 * self.widget.step:
            self._value = self.read(change["new"])
            self._tell()

    def _tell(self) -> None:
        for callback in self._callbacks:
            callback()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after every change of the exact value."""
        self._callbacks.append(callback)


class PairSliders:
    """Two sliders, height and width, of which the first moves both until they are unlocked."""

    def __init__(self, name: str, limits: Range, default: Any, whole: bool) -> None:
        self.name = name
        first, second = default if isinstance(default, tuple) else (default, default)
        self.height = Slider(name, limits, first, whole)
        self.width = Slider(_("width"), limits, second, whole)
        self.lock = widgets.Checkbox(
            value=first == second,
            description=_("h = w"),
            tooltip=_("height and width together"),
            indent=False,
        )
        self.lock.add_class(f"rv-control-{name}-together")
        self._following = False
        self.widget = widgets.Box([self.height.widget, self.lock, self.width.widget])
        self.widget.add_class("rv-pair")
        self.lock.observe(lambda _: self._show(), names=["value"])
        self._show()

    def _show(self) -> None:
        together = self.lock.value
        self.height.widget.description = self.name if together else _("height")
        self.width.widget.layout.display = "none" if together else None
        if not together:
            self._following = True  # the width takes over the height: that is no move of its own
            self.width.value = self.height.value
            self._following = False

    @property
    def value(self) -> Any:
        """One number while locked, else (height, width)."""
        if self.lock.value:
            return self.height.value
        return (self.height.value, self.width.value)

    @value.setter
    def value(self, value: Any) -> None:
        both = value if isinstance(value, tuple) else (value, value)
        if len(both) != 2:
            raise OperationError(
                _(
                    "{name} {value} has {count} numbers, but a picture has 2 axes: give one "
                    "number, or (height, width).",
                    name=self.name,
                    value=value,
                    count=len(both),
                )
            )
        height, width = both
        self.lock.value = not isinstance(value, tuple)
        self.height.value = height
        self.width.value = width

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back once per change of either number or of the lock."""
        self.height.on_change(callback)
        self.width.on_change(lambda: None if self.lock.value or self._following else callback())
        self.lock.observe(lambda _: callback(), names=["value"])


class ChannelSliders:
    """One slider for all channels of a picture or, set apart, one for each of them."""

    def __init__(self, name: str, limits: Range, default: Any) -> None:
        self.name, self.limits = name, limits
        self.sliders: list[Slider] = []
        self.lock = widgets.Checkbox(value=True, description=_("channels together"), indent=False)
        self.lock.add_class(f"rv-control-{name}-together")
        self.widget = widgets.VBox()
        self.is_quiet = True
        self._callbacks: list[Callable[[], None]] = []
        self._make((default,) * len(CHANNELS))
        self.value = default
        self.lock.observe(lambda _: self._locked(), names=["value"])
        self.is_quiet = False

    def _make(self, numbers: tuple[float, ...]) -> None:
        """As many sliders as numbers; those that are there stay."""
        for place in range(len(self.sliders), len(numbers)):
            slider = Slider(self.name, self.limits, numbers[place], False)
            slider.on_change(partial(self._moved, place))
            self.sliders.append(slider)
        for slider in self.sliders[len(numbers) :]:
            slider.widget.close()
        del self.sliders[len(numbers) :]
        self.widget.children = [*(slider.widget for slider in self.sliders), self.lock]

    def _label(self) -> None:
        together = self.lock.value
        names = CHANNELS if len(self.sliders) == len(CHANNELS) else range(len(self.sliders))
        for place, (slider, channel) in enumerate(zip(self.sliders, names)):
            one = _("{name}, {channel}", name=self.name, channel=_(str(channel)))
            slider.widget.description = self.name if together else one
            slider.widget.layout.display = "none" if together and place else None

    def _locked(self) -> None:
        if self.is_quiet:
            return
        with quiet(self):
            for slider in self.sliders[1:]:  # what was hidden takes over what was shown
                slider.value = self.sliders[0].value
            self._label()
        self._tell()

    def _moved(self, place: int) -> None:
        if place == 0 or not self.lock.value:
            self._tell()

    def _tell(self) -> None:
        if not self.is_quiet:
            for callback in self._callbacks:
                callback()

    @property
    def value(self) -> Any:
        """One number while together, else one per channel."""
        if self.lock.value:
            return self.sliders[0].value
        return tuple(slider.value for slider in self.sliders)

    @value.setter
    def value(self, value: Any) -> None:
        before = self.value
        numbers = value if isinstance(value, tuple) else (value,) * len(self.sliders)
        with quiet(self):
            self.lock.value = not isinstance(value, tuple)
            self._make(numbers)
            for slider, number in zip(self.sliders, numbers):
                slider.value = number
            self._label()
        if self.value != before:
            self._tell()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back once per change of a slider that is shown, or of the lock."""
        self._callbacks.append(callback)


class Either:
    """A parameter and the one that can be given instead of it: `scale_factor` or `size`."""

    def __init__(self, first: tuple[str, PairSliders], second: tuple[str, PairSliders]) -> None:
        self.parts = dict((first, second))
        self.which = widgets.ToggleButtons(
            options=list(self.parts),
            description=_("output size by"),
            style={**LABEL, "button_width": "auto"},
        )
        self.which.add_class(f"rv-control-{first[0]}-or-{second[0]}")
        self.widget = widgets.VBox([self.which, *(part.widget for part in self.parts.values())])
        self.which.observe(lambda _: self._show(), names=["value"])
        self._show()

    def _show(self) -> None:
        for name, part in self.parts.items():
            part.widget.layout.display = None if name == self.which.value else "none"

    def values(self) -> dict[str, Any]:
        """The chosen one with its value, the other one with None."""
        chosen = self.which.value
        return {n: part.value if n == chosen else None for n, part in self.parts.items()}

    def set(self, name: str, value: Any) -> None:
        """Gives one of the two; None leaves it alone."""
        if value is not None:
            self.which.value = name
            self.parts[name].value = value

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back on a change of the shown one, or of which one is given."""
        self.which.observe(lambda _: callback(), names=["value"])
        for name, part in self.parts.items():
            part.on_change(partial(self._if_chosen, name, callback))

    def _if_chosen(self, name: str, callback: Callable[[], None]) -> None:
        if self.which.value == name:
            callback()


class NumberOrWord:
    """A number per axis, or one of a few words instead: padding=1, padding="same"."""

    BY_NUMBER = N_("by number")

    def __init__(self, name: str, words: Iterable[str], number: PairSliders, value: Any) -> None:
        self.number = number
        start = value if isinstance(value, str) else self.BY_NUMBER
        self.which = buttons(name, offered((self.BY_NUMBER, *words)), start)
        self.which.add_class(f"rv-control-{name}-kind")
        self.widget = widgets.VBox([self.which, number.widget])
        self.which.observe(lambda _: self._show(), names=["value"])
        self._show()

    def _show(self) -> None:
        by_number = self.which.value == self.BY_NUMBER
        self.number.widget.layout.display = None if by_number else "none"

    @property
    def value(self) -> Any:
        """The word, or else the number or (height, width)."""
        word = self.which.value
        return self.number.value if word == self.BY_NUMBER else word

    @value.setter
    def value(self, value: Any) -> None:
        self.which.value = value if isinstance(value, str) else self.BY_NUMBER
        if not isinstance(value, str):
            self.number.value = value

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after every change that means something."""
        self.which.observe(lambda _: callback(), names=["value"])
        self.number.on_change(lambda: callback() if self.which.value == self.BY_NUMBER else None)


class OptionalNumber:
    """A number that need not be given: without a tick the parameter is None."""

    def __init__(self, name: str, number: Slider | PairSliders) -> None:
        self.number = number
        self.given = widgets.Checkbox(
            value=False, description=_("give {name}", name=name), indent=False
        )
        self.given.add_class(f"rv-control-{name}-given")
        self.widget = widgets.VBox([self.given, number.widget])
        self.given.observe(lambda _: self._show(), names=["value"])
        self._show()

    def _show(self) -> None:
        self.number.widget.layout.display = None if self.given.value else "none"

    @property
    def value(self) -> Any:
        """The number or (height, width), or None."""
        return self.number.value if self.given.value else None

    @value.setter
    def value(self, value: Any) -> None:
        self.given.value = value is not None
        if value is not None:
            self.number.value = value

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after every change that means something."""
        self.given.observe(lambda _: callback(), names=["value"])
        self.number.on_change(lambda: callback() if self.given.value else None)


class ChoiceOrOwn:
    """A choice by name, or something of the learner's own, which a program or an edit sets."""

    OWN = N_("your own")

    def __init__(self, name: str, choices: Iterable[str], value: str) -> None:
        self.own: Any = None
        self.widget = widgets.Dropdown(
            options=list(choices), value=value, description=name, style=LABEL
        )
        self._callbacks: list[Callable[[], None]] = []
        self.widget.observe(lambda _: self._tell(), names=["value"])

    @property
    def value(self) -> Any:
        """The name, or the learner's own thing itself."""
        return self.own if self.widget.value == self.OWN else self.widget.value

    @value.setter
    def value(self, value: Any) -> None:
        if isinstance(value, str):
            self.widget.value = value
            return
        offer(self.widget, self.OWN)
        renewed = self.widget.value == self.OWN and self.own is not value
        self.own = value
        self.widget.value = self.OWN
        if renewed:  # the widget has not moved, but what it stands for has
            self._tell()

    def _tell(self) -> None:
        for callback in self._callbacks:
            callback()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after every change."""
        self._callbacks.append(callback)


class SwitchOrOwn:
    """A checkbox that may stand for something of the learner's own, which a program sets."""

    def __init__(self, name: str, value: bool) -> None:
        self.name = name
        self.own: Any = None
        self.widget = widgets.Checkbox(value=value, description=name, indent=False)
        self._callbacks: list[Callable[[], None]] = []
        self.widget.observe(lambda _: self._tell(), names=["value"])

    @property
    def value(self) -> Any:
        """False, True, or the learner's own thing while there is a tick."""
        return self.own if self.widget.value and self.own is not None else self.widget.value

    @value.setter
    def value(self, value: Any) -> None:
        before, was_ticked = self.value, self.widget.value
        self.own = None if isinstance(value, bool) else value
        own = _("{name} (your own)", name=self.name)
        self.widget.description = self.name if self.own is None else own
        self.widget.value = self.own is not None or value
        if was_ticked == self.widget.value and before != self.value:
            self._tell()  # the widget has not moved, but what it stands for has

    def _tell(self) -> None:
        for callback in self._callbacks:
            callback()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after every change."""
        self._callbacks.append(callback)


class OperationControls:
    """All the controls of one operation class, for tensors with `ndim` dimensions.

    `given` holds the parameters that have no control because the input decides them (channels).
    """

    def __init__(self, operation: type[Operation], *, ndim: int = 4) -> None:
        self.operation = operation
        self.given: dict[str, Any] = {}
        self._conditions: list[tuple[str, When]] = []
        self._single: dict[str, Control] = {}
        self._either: list[Either] = []
        described = parameters(operation)
        instead = {p.instead_of: p for p in described if p.instead_of}
        self.widgets: dict[str, widgets.Widget] = {}
        """What stands on the screen for a parameter, or for two of which one is given."""
        for parameter in described:
            if parameter.instead_of:
                continue
            if parameter.from_input:
                self.given[parameter.name] = parameter.default
            elif parameter.name in instead:
                other = instead[parameter.name]
                either = Either(_named(parameter), _named(other))
                self._either.append(either)
                self.widgets[parameter.name] = either.widget
            else:
                self._single[parameter.name] = control(parameter, ndim)
                self.widgets[parameter.name] = self._single[parameter.name].widget
            if parameter.when:
                self._conditions.append((parameter.name, parameter.when))
        self.on_change(self._show)
        self._show()

    def _show(self) -> None:
        """Only what means something now is on the screen."""
        for name, when in self._conditions:
            display(self._single[name], self._single[when.name].value == when.value)

    @cached_property
    def widget(self) -> widgets.VBox:
        """All of them in one box, for a lab that does not place them by itself."""
        return widgets.VBox(list(self.widgets.values()))

    def single(self, name: str) -> Control:
        """The control of one parameter. Raises KeyError for names that have none of their own."""
        return self._single[name]

    def sliders(self) -> dict[str, tuple[Slider, ...]]:
        """The sliders of every parameter that can be a number: one, or height and width."""
        parts = dict(self._single)
        for either in self._either:
            parts |= either.parts
        numbers = {name: getattr(part, "number", part) for name, part in parts.items()}
        return {
            name: (number,) if isinstance(number, Slider) else (number.height, number.width)
            for name, number in numbers.items()
            if isinstance(number, Slider | PairSliders)
        }

    def values(self) -> dict[str, Any]:
        """Keyword arguments for the operation class."""
        parameters = {**self.given, **{name: one.value for name, one in self._single.items()}}
        for either in self._either:
            parameters |= either.values()
        return parameters

    def set(self, *, afresh: bool = False, **values: Any) -> None:
        """Moves controls; with `afresh`, those that are not named go to the operation's defaults.

        Every control moves once, straight to its value: the browser answers each value with its own
        rounding of it, and an answer to a value in between would come too late and count as a move.
        Raises TypeError for names that the operation does not have, and OperationError for values
        that it does not take; then no control has moved.
        """
        names = self.values().keys() - self.given.keys()
        for name in values:
            if name not in names:
                raise TypeError(
                    _(
                        "{operation} has no parameter {name}: it has {names}.",
                        operation=self.operation.__name__,
                        name=repr(name),
                        names=sorted(names),
                    )
                )
        wanted = {
            name: value
            for name, value in values.items()
            if value is not None or isinstance(self._single.get(name), OptionalNumber)
        }
        kept = dict(self.given) if afresh else self.values()
        following = self._following(wanted)
        kept |= dict.fromkeys(following)
        for either in self._either:
            if any(name in wanted for name in either.parts):
                kept |= dict.fromkeys(set(either.parts) - wanted.keys())
        checked = self.operation(**{**kept, **wanted})
        for name in names if afresh else [*wanted, *following]:
            value = getattr(checked, name)  # which may have turned a list into a tuple
            both = next((either for either in self._either if name in either.parts), None)
            if both:
                both.set(name, value)
            else:
                self._single[name].value = value

    @contextmanager
    def kept_if_refused(self) -> Iterator[None]:
        """Puts every control back if anything in the block is refused."""
        channels, before = dict(self.given), self.values()
        try:
            with put_back(self._single.values()):
                yield
        except Exception:
            self.given.update(channels)
            for either in self._either:
                for name in either.parts:
                    either.set(name, before[name])
            raise

    def _following(self, wanted: dict[str, Any]) -> list[str]:
        """The sizes that follow a tensor of the learner's own, unless they are given with it."""
        owned = (isinstance(control, ChoiceOrOwn) for control in map(self._single.get, wanted))
        if not any(own and not isinstance(v, str) for own, v in zip(owned, wanted.values())):
            return []
        fields = dataclasses.fields(self.operation)  # type: ignore[arg-type]
        follows = (f.name for f in fields if f.default is None)
        return [name for name in follows if name in self._single and name not in wanted]

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after every change of every control."""
        for one in self._single.values():
            one.on_change(callback)
        for either in self._either:
            either.on_change(callback)


def control(parameter: Parameter, ndim: int) -> Control:
    """The control for one parameter."""
    built: Control
    if parameter.kind == "number":
        sliders = _named(parameter)[1]
        built = sliders
        if parameter.words:
            built = NumberOrWord(parameter.name, parameter.words, sliders, parameter.default)
        elif parameter.optional and parameter.default is None:
            built = OptionalNumber(parameter.name, sliders)
        return built
    if parameter.own and parameter.kind == "switch":
        built = SwitchOrOwn(parameter.name, parameter.default)
    elif parameter.own:
        built = ChoiceOrOwn(parameter.name, parameter.choices, parameter.default)
    elif parameter.kind == "switch":
        box = widgets.Checkbox(value=parameter.default, description=parameter.name, indent=False)
        built = Simple(box)
    elif is_list(choices := parameter.choices_for(ndim)):
        built = Simple(
            widgets.Dropdown(
                options=choices, value=parameter.default, description=parameter.name, style=LABEL
            )
        )
    else:
        built = Simple(buttons(parameter.name, choices, parameter.default))
    built.widget.add_class(f"rv-control-{parameter.name}")
    return built


def is_list(choices: Sequence[str]) -> bool:
    """Whether choices are a list that unfolds, instead of a row of buttons."""
    return len(choices) > MOST_BUTTONS or sum(map(len, choices)) > MOST_LETTERS


def offered(names: Iterable[str]) -> list[tuple[str, str]]:
    """Options of a list or of buttons: shown in the chosen language, by their names in programs."""
    return [(_(name), name) for name in names]


def offer(shown: Any, name: str) -> None:
    """Adds an option to a list, unless it has it."""
    if name not in names_of(shown.options):
        shown.options = (
            *(one if isinstance(one, tuple) else (one, one) for one in shown.options),
            (_(name), name),
        )


def names_of(options: Iterable[Any]) -> list[Any]:
    """What options are called in programs."""
    return [one[1] if isinstance(one, tuple) else one for one in options]


def buttons(name: str, options: Iterable[Any], value: str) -> widgets.ToggleButtons:
    """A row of buttons of which one is down; `options` are names, or labels with their names."""
    return widgets.ToggleButtons(
        options=list(options),
        value=value,
        description=name,
        style={**LABEL, "button_width": "auto"},
    )


def _named(parameter: Parameter) -> tuple[str, Any]:
    """The slider or the pair of sliders of a parameter, under the parameter's name."""
    limits = parameter.range
    assert limits is not None
    default = parameter.default
    if default is None:
        default = type(limits.low)(min(limits.high, 4 * round(limits.high**0.5 / 2)))
    built: Any
    if parameter.per_channel:
        built = ChannelSliders(parameter.name, limits, default)
    elif parameter.pair:
        built = PairSliders(parameter.name, limits, default, parameter.whole)
    else:
        built = Slider(parameter.name, limits, default, parameter.whole)
    built.widget.add_class(f"rv-control-{parameter.name}")
    return parameter.name, built


@contextmanager
def put_back(controls: Iterable[Control]) -> Iterator[None]:
    """Puts controls back if anything in the block is refused."""
    before = [(one, one.value) for one in controls]
    try:
        yield
    except Exception:
        for one, value in before:
            one.value = value
        raise


def display(shown: Control, visible: bool) -> None:
    """Shows a control, or takes it off the screen where it means nothing."""
    shown.widget.layout.display = None if visible else "none"


@contextmanager
def quiet(owner: Any) -> Any:
    """While this is open, `owner.is_quiet` is true: several controls move, one frame follows."""
    before = owner.is_quiet
    owner.is_quiet = True
    try:
        yield
    finally:
        owner.is_quiet = before
