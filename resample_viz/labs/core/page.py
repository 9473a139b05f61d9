"""A lab as a page without a kernel: the moves that it makes, made once and stored.

The lab itself is moved, and what a kernel would send is written down: the frame, and every trait of
every control that differs anywhere. The contract is the one of `labs.core.ahead`; buffers are named
by their content, and each is written once.
"""

from __future__ import annotations

import base64
import json
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import ipywidgets as widgets
from ipywidgets.embed import dependency_state

from resample_viz.labs.core.ahead import Track, tracks
from resample_viz.labs.core.state import StatefulLab
from resample_viz.view import Encoded, Stage
from resample_viz.view.colors import palette
from resample_viz.view.stage import HERE

EVERY = 5
"""Steps of the slider from one stored position to the next."""
NOTE = (
    "This page has no kernel: its presets and {slider} move through frames that PyTorch made when "
    "it was written. For the other controls, run resample_viz.{lab}() in JupyterLab."
)
STAGE_STATE = ("_model_name", "_model_module", "_model_module_version", "_view_name",
               "_view_module", "_view_module_version", "_dom_classes", "layout")  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """What a lab showed after a move.

    Attributes:
        slider: the id of the slider that was moved; "" for the opening and for presets.
        stands: where the sliders stand, as the stage tells the browser.
        encoded: the frame.
        controls: all traits of all widgets, by id.
    """

    slider: str
    stands: dict[str, Any]
    encoded: Encoded
    controls: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Situation:
    """The opening, or a preset (then with its button's id), and the slider's moves from there."""

    name: str
    button: str
    shown: Shown
    moves: tuple[Shown, ...]

    def all(self) -> tuple[Shown, ...]:
        """What it shows, and where the slider leads from it."""
        return (self.shown, *self.moves)


def write_page(
    lab_type: type[StatefulLab], folder: Path | str, *, parameter: str, every: int = EVERY
) -> Path:
    """Writes a page with the lab's presets, and with the slider of `parameter` from each of them.

    The folder is made, or its page replaced. Returns the path of index.html, which any browser
    opens from a disk. Raises OperationError for a lab whose operation has no such slider.
    """
    folder = Path(folder)
    frames = folder / "frames"
    shutil.rmtree(frames, ignore_errors=True)
    frames.mkdir(parents=True)
    lab = lab_type()
    try:
        situations = tuple(_situations(lab, parameter, every))
        models = _models(lab, situations[0])
        _write_frames(situations, frames)
        _write_lab(lab, situations, models, folder)
    finally:
        lab.close()
    for source in (HERE / "stage.css", *(HERE / "page" / name for name in
                   ("page.js", "widgets.js", "widgets.css"))):  # fmt: skip
        shutil.copyfile(source, folder / source.name)
    template = Template((HERE / "page" / "index.html").read_text(encoding="utf-8"))
    note = NOTE.format(slider=parameter, lab=lab_type.__name__)
    page = template.substitute(title=escape(lab_type.__name__), note=escape(note))
    index = folder / "index.html"
    index.write_text(page, encoding="utf-8")
    return index


# Making the moves


def _situations(lab: StatefulLab, parameter: str, every: int) -> Iterator[Situation]:
    """The opening and every preset, each with the moves of the slider."""
    buttons = {button.description: button for button in lab._preset_buttons}
    for number, preset in enumerate((None, *lab.presets)):
        if preset:
            lab.set(preset=preset.name)
        track = _track(lab, parameter)
        low, values = _positions(track, every)
        grid = {"min": low, "max": values[-1], "step": every * track.slider.widget.step}
        shown = _shown(lab, "", track, grid)
        moves = tuple(_moves(lab, track, values, grid))
        button = buttons[preset.name].model_id if preset else ""
        yield Situation(str(number), button, shown, moves)


def _track(lab: StatefulLab, parameter: str) -> Track:
    return next(track for track in tracks(lab, lab.settings) if track.parameter == parameter)


def _positions(track: Track, every: int) -> tuple[float, list[float]]:
    """The lowest stored position, and all of them; the present one is among them."""
    box = track.slider.widget
    here = round((track.number - box.min) / box.step)
    last = round((box.max - box.min) / box.step)
    values = [track.position(place) for place in range(here % every, last + 1, every)]
    return values[0], values


def _moves(
    lab: StatefulLab, track: Track, values: list[float], grid: dict[str, float]
) -> Iterator[Shown]:
    """The slider by hand to every position; to the present one last, so that it is a move, too."""
    for value in sorted(values, key=lambda value: value == track.number):
        track.slider.widget.value = value
        yield _shown(lab, track.id, track, grid)


def _shown(lab: StatefulLab, slider: str, track: Track, grid: dict[str, float]) -> Shown:
    controls = {one.model_id: _traits(one) for one in _tree(lab) if one is not lab.stage}
    controls[track.id] |= grid  # what is stored is what is offered
    _, encoded = lab.encoded_of(lab.settings)
    return Shown(slider, lab.stage.moves["sliders"], encoded, controls)


def _traits(widget: widgets.Widget) -> dict[str, Any]:
    """What a kernel tells the browser of a widget, without what the page decides."""
    return {name: value for name, value in widget.get_state().items() if name != "disabled"}


def _tree(root: widgets.Widget) -> Iterator[widgets.Widget]:
    yield root
    for part in ("layout", "style"):
        owned = getattr(root, part, None)
        if isinstance(owned, widgets.Widget):
            yield owned
    for child in getattr(root, "children", ()):
        yield from _tree(child)


# Writing them


def _write_frames(situations: tuple[Situation, ...], folder: Path) -> None:
    """A script for every situation. A buffer is in the first one that has it; others need that."""
    written: dict[str, str] = {}
    varied = _varied([shown for situation in situations for shown in situation.all()])
    for situation in situations:
        buffers: dict[str, bytes] = {}
        for shown in situation.all():
            buffers |= shown.encoded.buffers
        content: dict[str, Any] = {
            "name": situation.name,
            "needs": sorted({written[name] for name in buffers if name in written}),
            "shown": _stored(situation.shown, varied),
            "moves": [_stored(move, varied) for move in situation.moves],
            "buffers": {n: _packed(data) for n, data in buffers.items() if n not in written},
        }
        written |= dict.fromkeys(content["buffers"], situation.name)
        _write_script(folder / f"{situation.name}.js", "rvFrames({})", content)


def _varied(all_shown: list[Shown]) -> dict[str, list[str]]:
    """The traits that are not the same everywhere, by the id of their widget."""
    first = all_shown[0].controls
    found = {
        one: [n for n in state if any(shown.controls[one][n] != state[n] for shown in all_shown)]
        for one, state in first.items()
    }
    return {one: names for one, names in found.items() if names}


def _stored(shown: Shown, varied: dict[str, list[str]]) -> dict[str, Any]:
    """A move in JSON. Cells cannot be typed into: that would be a move that is not stored."""
    frame = shown.encoded.description
    panels = [{**panel, "editable": False, "pickable": False} for panel in frame["panels"]]
    stands = shown.stands.get(shown.slider, {"rest": "", "value": 0})
    return {
        "slider": shown.slider,
        **stands,
        "frame": {**frame, "panels": panels, "alert": ""},
        "states": {
            one: {name: shown.controls[one][name] for name in names}
            for one, names in varied.items()
        },
        "sliders": shown.stands,
    }


def _models(lab: StatefulLab, opening: Situation) -> dict[str, Any]:
    """The lab's widgets, for ipywidgets' own front end; those that nothing answers are disabled."""
    models: dict[str, Any] = dependency_state([lab], drop_defaults=False)
    slider = opening.moves[0].slider
    live = {slider, *(button.model_id for button in lab._preset_buttons)}
    for one, model in models.items():
        if one == lab.stage.model_id:
            kept = {name: model["state"][name] for name in STAGE_STATE}
            model["state"] = {**kept, "frame": {}, "moves": {}, "progress": {}, "max_upload": 0,
                              "centre": [0.5, 0.5], "dark": False}  # fmt: skip
            model.pop("buffers", None)
        elif one not in live and "disabled" in model["state"]:
            model["state"]["disabled"] = True
    models[slider]["state"] |= opening.shown.controls[slider]
    return models


def _write_lab(
    lab: StatefulLab, situations: tuple[Situation, ...], models: dict[str, Any], folder: Path
) -> None:
    every = [shown.encoded for situation in situations for shown in situation.all()]
    colormaps = frozenset[Any]().union(*(encoded.colormaps for encoded in every))
    content = {
        "models": models,
        "lab": lab.model_id,
        "stage": lab.stage.model_id,
        "slider": situations[0].moves[0].slider,
        "situations": [{"name": one.name, "button": one.button} for one in situations],
        "esm": Stage._esm,
        "palettes": {name: _packed(palette(name)) for name in sorted(colormaps)},
    }
    _write_script(folder / "lab.js", "rvStored = {}", content)


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


def _write_script(path: Path, statement: str, content: Any) -> None:
    path.write_text(statement.format(json.dumps(content)) + ";\n", encoding="utf-8")
