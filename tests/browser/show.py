"""Frames from Python, painted by the real stage in a bare page: no server and no kernel."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import ipywidgets as widgets
from playwright.sync_api import Locator, expect

from resample_viz.labs import Lab
from resample_viz.view import Frame, Stage
from tests.browser.notebook_page import Theme
from tests.browser.stage_page import StagePage

T = TypeVar("T")
SLOTS = re.compile(r"(panel|link)_\d+")
FROM_PAGE = ("dark", "centre", "edit", "picked", "way_out", "upload")
"""The traits that the browser sets."""

JUPYTER: dict[Theme, dict[str, str]] = {
    "light": {
        "--jp-ui-font-color1": "rgba(0, 0, 0, 0.87)",
        "--jp-ui-font-color2": "rgba(0, 0, 0, 0.54)",
        "--jp-layout-color0": "white",
        "--jp-layout-color1": "white",
        "--jp-layout-color2": "#eeeeee",
        "--jp-border-color2": "#e0e0e0",
    },
    "dark": {
        "--jp-ui-font-color1": "rgba(255, 255, 255, 0.87)",
        "--jp-ui-font-color2": "rgba(255, 255, 255, 0.54)",
        "--jp-layout-color0": "#111111",
        "--jp-layout-color1": "#212121",
        "--jp-layout-color2": "#424242",
        "--jp-border-color2": "#424242",
    },
}
"""The values of JupyterLab's light and dark theme; notebooks lie on color0, other places on 1."""

# Every canvas as a number (FNV-1a over its pixels), and every text beside the panels.
SEEN = """root => {
    const hashed = canvas => {
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
        copy.drawImage(canvas, 0, 0);
        const {data} = copy.getImageData(0, 0, canvas.width, canvas.height);
        let hash = 0x811c9dc5;
        for (const word of new Uint32Array(data.buffer)) {
            hash = Math.imul(hash ^ word, 0x01000193);
        }
        return [canvas.width, canvas.height, hash];
    };
    const panels = Array.from(root.querySelectorAll('figure.rv-panel'), figure => [
        figure.dataset.name,
        hashed(figure.querySelector('canvas.rv-cells')),
        figure.querySelector('canvas.rv-cells').style.width,
        figure.querySelector('figcaption')?.innerText ?? '',
    ]);
    const texts = ['.rv-strip', '.rv-code', '.rv-alert'].map(
        part => root.querySelector(part)?.textContent ?? '');
    return JSON.stringify([panels, texts]);
}"""


class Show:
    """A stage in Python, and its traits on the page."""

    def __init__(self, page: StagePage, stage: Stage | None = None) -> None:
        self.page = page
        self.stage = stage or Stage()
        self.sent: dict[str, Any] = {}

    def traits(self) -> dict[str, Any]:
        names = ("frame", "moves", "palettes", "progress", "max_upload", "words", *FROM_PAGE)
        slots = [name for name in self.stage.keys if SLOTS.fullmatch(name)]
        return {name: getattr(self.stage, name) for name in (*names, *slots)}

    def open(self, frame: Frame, copy: str = "", **changes: Any) -> Locator:
        self.stage.show(frame, copy=copy)
        return self.mount(**changes)

    def mount(self, **changes: Any) -> Locator:
        self.sent = self.traits()
        view = self.page.mount(self.stage._esm, self.stage._css, **{**self.sent, **changes})
        return self.painted(view)

    def again(self, frame: Frame | None = None) -> None:
        """What the kernel sends: only the traits that changed, and the frame last of all."""
        if frame is not None:
            self.stage.show(frame)
        now = self.traits()
        changed = {name: value for name, value in now.items() if value != self.sent[name]}
        self.sent = now
        self.page.set(**changed)
        self.painted(self.page.page.locator("body"))

    def painted(self, view: Locator) -> Locator:
        for root in view.locator(".rv-stage").all():
            expect(root).to_have_attribute("data-frame", str(self.stage.frame["id"]))
        return view


class ShownLab:
    """A lab whose stage is painted by a bare page: its controls are moved in Python.

    The lab lives in a thread of its own, as in a kernel: in this one Playwright's event loop runs,
    and a lab would leave longer work to it. Where no loop runs, that work is done at once.
    """

    def __init__(self, page: StagePage, kernel: ThreadPoolExecutor, lab: Lab) -> None:
        self.lab, self._kernel = lab, kernel
        self._show = Show(page, lab.stage)
        self.view = self._show.mount()
        self.root = self.view.locator(".rv-stage")

    def do(self, action: Callable[[Lab], object]) -> None:
        """Does something to the lab, and waits until the page has painted what it shows."""
        self._kernel.submit(action, self.lab).result()
        self._show.again()

    def move(self, control: widgets.Widget, value: object) -> None:
        """Moves a control, as a hand in the browser does."""
        self.do(lambda _: setattr(control, "value", value))

    def change_theme(self, theme: Theme) -> None:
        """Changes the page's colours, and tells the lab as the stage does."""
        self._show.page.page.evaluate(
            "colors => Object.entries(colors).forEach("
            "([name, value]) => document.body.style.setProperty(name, value))",
            {**JUPYTER[theme], "background": JUPYTER[theme]["--jp-layout-color0"]},
        )
        self.do(lambda lab: setattr(lab.stage, "dark", theme == "dark"))

    def seen(self) -> str:
        """All that a learner sees of the result: names, pixels and captions of panels, texts."""
        return str(self.root.evaluate(SEEN))

    @property
    def state(self) -> str:
        """`"ok"` or `"error"`, as the stage says."""
        return self.root.get_attribute("data-state") or ""

    @property
    def alert(self) -> str:
        """What the stage says of a refused setting."""
        return self.view.locator(".rv-alert").inner_text()

    def controls(self) -> list[tuple[str, widgets.Widget]]:
        """Everything with a value that a learner can move now, each under its control's name."""
        return [one for part in self.lab.children[:-1] for one in _controls(part, "")]


def _controls(widget: widgets.Widget, name: str) -> Iterator[tuple[str, widgets.Widget]]:
    if getattr(widget.layout, "display", None) == "none" or getattr(widget, "disabled", False):
        return
    classes = getattr(widget, "_dom_classes", ())
    own = [one.removeprefix("rv-control-") for one in classes if one.startswith("rv-control-")]
    name = own[0] if own else name
    for child in getattr(widget, "children", ()):
        yield from _controls(child, name)
    if other_values(widget) and "rv-more" not in classes:  # which only folds
        yield name, widget


def other_values(control: widgets.Widget) -> list[Any]:
    """What a control can be moved to: both ends of a slider, every choice, the other state."""
    if hasattr(control, "options"):
        options = [one[1] if isinstance(one, tuple) else one for one in control.options]
        return [one for one in options if one != control.value]
    if isinstance(control, widgets.Checkbox | widgets.ToggleButton):
        return [not control.value]
    if hasattr(control, "min") and hasattr(control, "max"):
        return [end for end in (control.min, control.max) if end != control.value]
    return []


@contextmanager
def shown_lab(page: StagePage, make: Callable[[], Lab]) -> Iterator[ShownLab]:
    """A lab on the page; it is closed at the end."""
    with ThreadPoolExecutor(1) as kernel:
        lab = kernel.submit(make).result()
        try:
            yield ShownLab(page, kernel, lab)
        finally:
            kernel.submit(lab.close).result()
