"""What stored moves give, and what they take: one walk, with frames ahead of the hand and without.

From key press to painted pixels, on the slider of the scale factor: 60 positions with reversals,
in a real JupyterLab, each walk in a lab and a kernel of its own; and the same in a page from disk.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import psutil
from playwright.sync_api import Browser, Page

from benchmarks.measure import ARM, FRAMES_LONG, PROBE, RECEIVED, WAIT
from benchmarks.report import RESULTS
from resample_viz.labs import UpsamplingLab
from resample_viz.labs.core.page import write_page
from tests.browser.notebook_page import VIEWPORT, notebook_page
from tests.browser.server import JupyterServer

WALK = tuple(
    chain.from_iterable(
        repeat(key, count)
        for key, count in (
            ("ArrowRight", 15),
            ("ArrowLeft", 8),
            ("ArrowRight", 17),
            ("ArrowLeft", 20),
        )
    )
)
PAUSES = (300, 0)
"""Milliseconds between what was painted and the next key."""
PLAIN = """
from resample_viz.labs.core.ahead import Ahead
Ahead.tell = lambda *_, **__: None  # then the browser knows no slider
"""
LAB = "import resample_viz as rv\nlab = rv.UpsamplingLab()\nlab"

# Counts the kernel's answers to a slider, to tell what was painted before one came.
ANSWERS = """(() => {
    const Plain = window.WebSocket;
    const decoder = new TextDecoder('latin1');
    window.rvAnswers = 0;
    window.WebSocket = class extends Plain {
        constructor(...parts) {
            super(...parts);
            this.addEventListener('message', ({data}) => {
                if (!(data instanceof ArrayBuffer)) return;
                const size = Math.min(data.byteLength, 65536);
                const text = decoder.decode(new Uint8Array(data, 0, size));
                if (text.includes('"heard": "')) window.rvAnswers += 1;
            });
        }
    };
})();"""
PAINTED = """() => window.rvProbe.result.then(milliseconds => [milliseconds, window.rvAnswers])"""


@dataclass
class Walk:
    """What was measured on one walk.

    Attributes:
        press: milliseconds from key press to painted pixels.
        there: presses whose frame was painted before the kernel had answered.
        received: bytes that the browser received.
        cpu: seconds that the kernel computed.
    """

    press: list[float] = field(default_factory=list)
    there: int = 0
    received: int = 0
    cpu: float = 0.0

    def row(self, name: str) -> str:
        """A line of the table."""
        return (
            f"| {name} | {median(self.press):.0f} | {quantiles(self.press, n=20)[-1]:.0f} "
            f"| {self.there / len(self.press):.0%} | {self.received / 1e6:.1f} | {self.cpu:.2f} |"
        )


HEADER = """\
| walk of 60 positions | median ms | p95 ms | there already | MB received | kernel CPU s |
| --- | --- | --- | --- | --- | --- |"""


def walk(browser: Browser, server: JupyterServer, *, ahead: bool, pause: int) -> Walk:
    """One walk in a fresh kernel. The first key finds nothing that was made before."""
    with notebook_page(browser, server) as notebook:
        notebook.page.add_init_script(path=PROBE)
        notebook.page.add_init_script(ANSWERS)
        notebook.open_cells(LAB if ahead else PLAIN + LAB)
        notebook.run_all()
        (kernel,) = psutil.Process(server.pid).children()
        measured = Walk()
        before, computed = notebook.page.evaluate(RECEIVED), _cpu(kernel)
        for milliseconds, was_there in _presses(notebook.page, pause):
            measured.press.append(milliseconds)
            measured.there += was_there and ahead
        notebook.settle()
        measured.received = notebook.page.evaluate(RECEIVED) - before
        measured.cpu = _cpu(kernel) - computed
        return measured


def _presses(page: Page, pause: int) -> Iterator[tuple[float, bool]]:
    """(milliseconds to the paint, whether it came before the kernel's answer) of every key."""
    target = [page.locator("body").element_handle(), "stage"]
    page.locator(".rv-control-scale_factor .noUi-handle").first.focus()
    chance = random.Random(0)
    for key in WALK:
        page.evaluate(WAIT, pause + chance.uniform(0, FRAMES_LONG))
        page.evaluate(ARM, target)
        answers = page.evaluate("() => window.rvAnswers ?? 0")
        page.keyboard.press(key)
        milliseconds, answered = page.evaluate(PAINTED)
        yield milliseconds, answered == answers


def _cpu(kernel: psutil.Process) -> float:
    times = kernel.cpu_times()
    return float(times.user + times.system)


def walk_in_page(browser: Browser) -> Walk:
    """The same walk in a page that was written to a disk."""
    with TemporaryDirectory() as folder:
        index = write_page(UpsamplingLab, Path(folder), parameter="scale_factor")
        context = browser.new_context(viewport=VIEWPORT, offline=True)
        page = context.new_page()
        page.add_init_script(path=PROBE)
        page.goto(index.as_uri())
        page.wait_for_function("() => Number(document.querySelector('.rv-stage')?.dataset.frame)")
        measured = Walk()
        for milliseconds, _ in _presses(page, PAUSES[0]):
            measured.press.append(milliseconds)
            measured.there += 1
        context.close()
    return measured


def measure_ahead(browser: Browser, server: JupyterServer) -> str:
    """The table: every walk twice, in opposite orders, so that none is favoured."""
    kinds = [(ahead, pause) for pause in PAUSES for ahead in (False, True)]
    walks = {kind: Walk() for kind in kinds}
    for order in (kinds, kinds[::-1]):
        for ahead, pause in order:
            one, both = walk(browser, server, ahead=ahead, pause=pause), walks[ahead, pause]
            both.press += one.press
            both.there += one.there
            both.received += one.received // 2
            both.cpu += one.cpu / 2
    rows = [
        walks[ahead, pause].row(f"{'with' if ahead else 'without'} frames ahead, {pause} ms pause")
        for ahead, pause in kinds
    ]
    page = walk_in_page(browser).row(f"page from a disk, {PAUSES[0]} ms pause")
    return "\n".join([HEADER, *rows, page]) + "\n"


def store_ahead(table: str) -> None:
    """Writes ahead.md beside the other results."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ahead.md").write_text(table, encoding="utf-8")
