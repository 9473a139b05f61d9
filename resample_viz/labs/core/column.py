"""The controls beside the picture: those of the question at hand, and the others, folded."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ipywidgets as widgets

from resample_viz.labs.controls import Control, control, names_of, offered
from resample_viz.operations.parameters import describe
from resample_viz.words import gettext as _


@dataclass(frozen=True)
class Labelled:
    """Marks a setting of a lab, beside those of its operation, that has a control."""

    label: str


def labelled(settings: type) -> dict[str, str]:
    """The labels of a lab's own settings that have a control, by their names."""
    hints = typing.get_type_hints(settings, include_extras=True)
    notes = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}
    return {
        name: note.label
        for name, marks in notes.items()
        for note in marks
        if isinstance(note, Labelled)
    }


def setting_controls(settings: type) -> dict[str, Control]:
    """The controls of a lab's own settings, by name, made from their annotations."""
    hints = typing.get_type_hints(settings, include_extras=True)
    made = {}
    for name, label in labelled(settings).items():
        made[name] = control(describe(name, hints[name], getattr(settings, name)), ndim=4)
        shown = made[name].widget
        shown.description = _(label)
        if hasattr(shown, "options"):
            value = shown.value
            shown.options = offered(names_of(shown.options))
            shown.value = value
    return made


class ControlColumn:
    """Named controls in two groups: who is in which changes with the question, never in a drag."""

    def __init__(
        self, controls: Mapping[str, widgets.Widget], actions: Sequence[widgets.Widget] = ()
    ) -> None:
        self._controls = dict(controls)
        self._at_hand = widgets.VBox()
        self._at_hand.add_class("rv-at-hand")
        self._others = widgets.VBox()
        self._others.add_class("rv-others")
        # While it is up, the style sheet hides what comes next: that needs no kernel.
        self._more = more = widgets.ToggleButton(description=_("more settings"), icon="caret-down")
        more.add_class("rv-more")
        self.widget = widgets.VBox([self._at_hand, *actions, more, self._others])
        self.widget.add_class("rv-controls")
        self.names: tuple[str, ...] = ()

    def arrange(self, names: Sequence[str]) -> None:
        """Puts these controls beside the picture, in this order, and the others under a fold.

        Raises KeyError for a name that no control has.
        """
        if tuple(names) == self.names:
            return
        self.names = tuple(names)
        others = [one for name, one in self._controls.items() if name not in names]
        # A widget that stands in both boxes for a moment would be drawn twice.
        self._at_hand.children = self._others.children = ()
        self._at_hand.children = [self._controls[name] for name in names]
        self._others.children = others
        self._more.layout.display = None if others else "none"
