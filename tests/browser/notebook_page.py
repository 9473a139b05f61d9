"""A notebook in JupyterLab, as its reader handles it: open, run, drag, look.

Nothing here sleeps. JupyterLab's own promises (command finished, kernel answered) say when a step
is over, and Playwright waits for the rest. A lab is found by what it promises to the outside:
`.rv-lab-<name>`, in it `.rv-stage[data-frame][data-state]`, `figure.rv-panel[data-name]` and
`.rv-control-<parameter>`.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, ViewportSize

from tests.browser.server import REPOSITORY, JupyterServer

Theme = Literal["light", "dark"]

THEMES: dict[Theme, str] = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
RUN_SECONDS = 120
VIEWPORT: ViewportSize = {"width": 1400, "height": 1000}

# JupyterLab's own noise: it asks the old kernel's debugger while that kernel is being replaced.
EXCUSED = ("Could not restore the debugger state",)
# It also asks for the picture of a text cell before it knows in which folder the notebook lies.
TOO_EARLY = re.compile(r"https?://[^/]+/pictures/")

OPEN = """async path => {
    const app = window.jupyterapp;
    await app.restored;
    const panel = await app.commands.execute('docmanager:open', {path});
    await panel.context.ready;
    await panel.sessionContext.ready;
    const {kernel, id} = panel.sessionContext.session;
    await kernel.info;
    const pending = new Set();   // messages that the kernel has not worked off yet
    kernel.anyMessage.connect((_, {msg, direction}) => {
        if (direction === 'send' && msg.channel === 'shell') {
            pending.add(msg.header.msg_id);
        } else if (msg.content.execution_state === 'idle') {
            pending.delete(msg.parent_header.msg_id);
        }
    });
    window.rv = {panel, pending};
    return id;
}"""

# To ask the kernel something and wait for its answer would not do: JupyterLab sends the messages of
# widgets to a subshell, which works beside the main one. Several quiet frames, because ipywidgets
# holds one more change of a control back until the first is worked off, and because pictures take
# time to decode.
SETTLED = """async () => {
    const frames = () => Array.from(
        document.querySelectorAll('.rv-stage'), stage => stage.dataset.frame).join();
    for (let quiet = 0; quiet < 4;) {
        const before = frames();
        await new Promise(requestAnimationFrame);
        quiet = window.rv.pending.size === 0 && frames() === before ? quiet + 1 : 0;
    }
}"""

CHANGE_THEME = """async theme => {
    await window.jupyterapp.commands.execute('apputils:change-theme', {theme});
}"""

RUN_ALL = "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }"

# Without `close`, which asks whether what was changed is to be saved.
LEAVE = """() => {
    window.rv.panel.dispose();
    window.rv.pending.clear();   // nothing listens to the kernel's answers any more
}"""

REPLACE = """sources => {
    const {sharedModel} = window.rv.panel.content.model;
    while (sharedModel.cells.length > 1) sharedModel.deleteCell(1);
    sharedModel.cells[0].setSource(sources[0]);
    for (const source of sources.slice(1)) sharedModel.addCell({cell_type: 'code', source});
}"""

RUN_UP_TO = """async count => {
    const {content} = window.rv.panel;
    const code = content.widgets.filter(cell => cell.model.type === 'code');
    const last = content.widgets.indexOf(code[count - 1]);
    content.activeCellIndex = last;
    content.deselectAll();
    const {commands} = window.jupyterapp;
    await commands.execute('notebook:run-all-above');
    content.activeCellIndex = last;
    await commands.execute('notebook:run-cell');
}"""

RESTART = """async () => {
    const context = window.rv.panel.sessionContext;
    await context.restartKernel();
    window.rv.pending.clear();   // the old kernel will not answer any more
    await context.session.kernel.requestKernelInfo();
}"""

OUTPUTS = """() => window.rv.panel.content.model.toJSON().cells
    .filter(cell => cell.cell_type === 'code')
    .map(cell => cell.outputs)"""

ERRORS = """() => window.rv.panel.content.model.toJSON().cells
    .filter(cell => cell.cell_type === 'code')
    .filter(cell => !(cell.metadata.tags ?? []).includes('raises-exception'))
    .flatMap(cell => cell.outputs)
    .filter(output => output.output_type === 'error')
    .map(output => `${output.ename}: ${output.evalue}`)"""

# The pixels go through a canvas of our own: reading back from the lab's would change how the
# browser stores it, and it would not work for every kind of context.
PIXELS = """canvas => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
    copy.drawImage(canvas, 0, 0);
    const {data} = copy.getImageData(0, 0, canvas.width, canvas.height);
    let text = '';
    for (let i = 0; i < data.length; i += 32768) {
        text += String.fromCharCode(...data.subarray(i, i + 32768));
    }
    return [canvas.height, canvas.width, btoa(text)];
}"""


class NotebookPage:
    """One browser page with one notebook in it.

    Attributes:
        browser: the browser that it is a page of.
        page: Playwright's page, for whatever has no method here.
        server: the JupyterLab that it shows.
        errors: texts of console errors and uncaught exceptions so far.
    """

    def __init__(self, browser: Browser, server: JupyterServer) -> None:
        self.browser = browser
        self.server = server
        self._begin()

    def _begin(self) -> None:
        self.page = self.browser.new_context(viewport=VIEWPORT).new_page()
        self.errors = collect_errors(self.page)
        self._sessions: set[str] = set()
        self._loaded = False

    def renew(self) -> None:
        """Close the page, end its kernels, and begin with a blank one (cookies, cache, layout)."""
        self.close()
        self._begin()

    def open(self, path: str, theme: Theme = "light") -> None:
        """Load JupyterLab and open the notebook at `path` in it; its kernel is ready.

        The path is relative to the served directory.
        """
        name = THEMES[theme]
        self.server.configure("@jupyterlab/apputils-extension:themes", theme=name)
        self.page.goto(f"{self.server.url}lab?reset&token={self.server.token}")
        self.page.wait_for_function("window.jupyterapp")
        self._loaded = True
        self._sessions.add(self._awaited(OPEN, path))
        self._wait_for_theme(theme)

    def turn_to(self, path: str, theme: Theme = "light") -> None:
        """Open a notebook in the JupyterLab that is there, in place of the one before.

        It gets a kernel of its own; that of the one before ends. JupyterLab is loaded if it has not
        been: that takes longer than many a notebook.
        """
        if not self._loaded:
            self.open(path, theme)
            return
        self.leave()
        self.page.set_viewport_size(VIEWPORT)
        self.change_theme(theme)  # while there is no notebook to be painted anew
        self._sessions.add(self._awaited(OPEN, path))

    def turn_to_cells(self, *cells: str, theme: Theme = "light") -> None:
        """Turn to a new notebook made of these code cells."""
        self.turn_to(self.server.write_notebook(cells), theme)

    def leave(self) -> None:
        """Close the notebook, if one is open, as it is; its kernel ends."""
        if self._sessions:
            self.page.evaluate(LEAVE)
        self._end_sessions()

    def open_cells(self, *cells: str, theme: Theme = "light") -> None:
        """Open a new notebook made of these code cells."""
        self.open(self.server.write_notebook(cells), theme)

    def replace_cells(self, *sources: str, theme: Theme = "light") -> None:
        """Put these code cells in place of all cells; the kernel goes on, which saves a start."""
        self.page.set_viewport_size(VIEWPORT)
        self.page.evaluate(REPLACE, sources)
        self.change_theme(theme)

    def change_theme(self, theme: Theme) -> None:
        """Change the theme of the open page, if it is another one, and settle."""
        if not self._theme(theme).count():
            self._awaited(CHANGE_THEME, THEMES[theme])
            self._wait_for_theme(theme)
        self.settle()

    def run_all(self, seconds: int = RUN_SECONDS) -> None:
        """Run all cells and wait until they are done and painted.

        Raises:
            AssertionError: a cell without the tag `raises-exception` ended in an error.
        """
        self._awaited(RUN_ALL, seconds=seconds)
        self._expect_no_errors()

    def run_up_to(self, count: int) -> None:
        """Run so many code cells, from the first one; raises what `run_all` raises."""
        self._awaited(RUN_UP_TO, count)
        self._expect_no_errors()

    def _expect_no_errors(self) -> None:
        self.settle()
        errors = self.page.evaluate(ERRORS)
        assert not errors, f"cells ended in errors: {errors}"

    def settle(self) -> None:
        """Wait until the kernel has worked off what was sent and the browser has painted it."""
        self._awaited(SETTLED)

    def restart_kernel(self) -> None:
        """Restart the kernel and wait until the new one answers; outputs stay as they are."""
        self._awaited(RESTART)

    def save(self) -> None:
        """Save the notebook, so that opening it once more finds its outputs."""
        self._awaited("() => window.rv.panel.context.save()")

    def cell_outputs(self) -> list[list[dict[str, Any]]]:
        """The outputs of every code cell, in the notebook format."""
        return self.page.evaluate(OUTPUTS)

    def lab(self, name: str, index: int = 0) -> Locator:
        """The `index`-th lab of this name in the notebook: `lab("upsampling")`."""
        return self.page.locator(f".rv-lab-{name}").nth(index)

    def frame(self, lab: Locator) -> int:
        """How many frames the lab's stage has painted (0: none yet)."""
        return int(lab.locator(".rv-stage").get_attribute("data-frame") or 0)

    def wait_for_frame(self, lab: Locator, after: int = 0) -> int:
        """Wait until the stage has painted a frame later than `after`; return its number."""
        lab.scroll_into_view_if_needed()
        stage = lab.locator(".rv-stage").element_handle()
        is_later = "([stage, after]) => Number(stage.dataset.frame) > after"
        self.page.wait_for_function(is_later, arg=[stage, after])
        return self.frame(lab)

    def state(self, lab: Locator) -> str:
        """`"ok"` or `"error"`, as the stage says."""
        return lab.locator(".rv-stage").get_attribute("data-state") or ""

    def control(self, lab: Locator, parameter: str) -> Locator:
        """The control of this parameter; it is unfolded if it stands under *more settings*."""
        name = f".rv-control-{parameter}"
        if lab.locator(f".rv-more:not(.mod-active) + .rv-others {name}").count():
            lab.locator(".rv-more").click()
        return lab.locator(name)

    def move_slider(self, lab: Locator, parameter: str, presses: int, index: int = 0) -> None:
        """Press the right (or, if negative, left) arrow key on a slider, and settle.

        Of a parameter with two sliders, `index` picks the first or the second.
        """
        handle = self.control(lab, parameter).locator(".noUi-handle").nth(index)
        handle.focus()
        for _ in range(abs(presses)):
            handle.press("ArrowRight" if presses > 0 else "ArrowLeft")
        self.settle()

    def choose(self, lab: Locator, parameter: str, label: str) -> None:
        """Pick one of a Dropdown's or a ToggleButtons' options by its label, and settle."""
        control = self.control(lab, parameter)
        dropdown = control.locator("select")
        if dropdown.count():
            dropdown.select_option(label=label)
        else:
            control.get_by_role("button", name=label, exact=True).click()
        self.settle()

    def toggle(self, lab: Locator, parameter: str) -> None:
        """Click a checkbox, and settle."""
        self.control(lab, parameter).locator("input[type=checkbox]").click()
        self.settle()

    def panel(self, lab: Locator, name: str) -> Locator:
        """The panel of this name."""
        return lab.locator(f"figure.rv-panel[data-name='{name}']")

    def panel_pixels(self, lab: Locator, name: str) -> npt.NDArray[np.uint8]:
        """What a panel's canvas shows: RGBA of shape (height, width, 4), 0 to 255."""
        canvas = self.panel(lab, name).locator("canvas").first
        height, width, text = canvas.evaluate(PIXELS)
        return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        """Keep a picture of the page, or of one element, as `<name>.png` among the artifacts."""
        path = artifacts() / f"{name}.png"
        (of or self.page).screenshot(path=path)
        return path

    def close(self) -> None:
        """Close the page and end its kernels."""
        self.page.context.close()
        self._end_sessions()

    def _end_sessions(self) -> None:
        while self._sessions:
            self.server.end_session(self._sessions.pop())

    def _wait_for_theme(self, theme: Theme) -> None:
        self._theme(theme).wait_for(state="attached")

    def _theme(self, theme: Theme) -> Locator:
        return self.page.locator(f"body[data-jp-theme-name='{THEMES[theme]}']")

    def _awaited(self, function: str, argument: object = None, seconds: int = RUN_SECONDS) -> Any:
        """Evaluate an async function in the page, with a deadline (Playwright sets none)."""
        script = f"""argument => Promise.race([
            ({function})(argument),
            new Promise((_, refuse) => setTimeout(
                () => refuse(new Error('nothing after {seconds} s')), {seconds * 1000})),
        ])"""
        return self.page.evaluate(script, argument)


@contextmanager
def notebook_page(browser: Browser, server: JupyterServer) -> Iterator[NotebookPage]:
    """A page of its own (cookies, cache, layout); at the end its console must hold no error."""
    notebook = NotebookPage(browser, server)
    try:
        yield notebook
    finally:
        notebook.close()
    assert not notebook.errors, f"errors in the browser's console: {notebook.errors}"


def collect_errors(page: Page) -> list[str]:
    """Return a list that grows with the page's console errors and uncaught exceptions."""
    errors: list[str] = []

    def note(text: str, url: str = "") -> None:
        if not text.startswith(EXCUSED) and not TOO_EARLY.match(url):
            errors.append(f"{text} {url}".rstrip())

    def note_message(message: ConsoleMessage) -> None:
        if message.type == "error":
            note(message.text, message.location.get("url", ""))

    page.on("console", note_message)
    page.on("pageerror", lambda error: note(str(error)))
    return errors


def artifacts() -> Path:
    """The directory that screenshots are kept in (RV_ARTIFACTS, or test-artifacts/)."""
    directory = Path(os.environ.get("RV_ARTIFACTS", REPOSITORY / "test-artifacts"))
    directory.mkdir(parents=True, exist_ok=True)
    return directory
