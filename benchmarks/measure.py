"""Timing one case in a real JupyterLab. The clock is the page's own (see probe.js)."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from playwright.sync_api import Browser, FloatRect, Locator

from benchmarks.cases import Case
from tests.browser.notebook_page import NotebookPage, notebook_page
from tests.browser.server import REPOSITORY, JupyterServer

PROBE = Path(__file__).with_name("probe.js")
PRESSES = 20
WARM_UP = 3
DRAG_SECONDS = 5.0
DRAGS = 3
HOVERS = 20


# A key is pressed at any moment of a frame, but Playwright's answers come at its beginning. Pressed
# right after one, all keys would fall into the same moment of it, and the medians of two runs would
# differ by whole frames.
WAIT = "milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))"
FRAMES_LONG = 50.0  # milliseconds, three frames

ARM = "([root, kind]) => { window.rvProbe.arm(root, kind, 'keydown'); }"
FOLLOW = "([root, kind]) => { window.rvProbe.follow(root, kind, 'pointermove'); }"
ARM_HOVER = "panel => { window.rvProbe.armHover(panel); }"
RESULT = "() => window.rvProbe.result"
UNFOLLOW = "() => window.rvProbe.unfollow()"
RECEIVED = "() => window.rvProbe.traffic.received"
SENT = "() => window.rvProbe.traffic.sent"


@dataclass
class Samples:
    """What was measured of one case.

    Attributes:
        press: milliseconds from key press to painted pixels.
        received: bytes that the browser received for one key press.
        backlog: milliseconds from the last event of a long drag to the last change on screen.
        hover: milliseconds from a pointer movement to the drawn highlight.
        hover_frames: animation frames begun in between; 1 is the very next one.
        hover_messages: messages sent to the kernel by all the hovering.
        memory: bytes of the kernel once the cells have run.
        memory_used: bytes of the kernel after all the pressing and dragging.
    """

    press: list[float] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    backlog: list[float] = field(default_factory=list)
    hover: list[float] = field(default_factory=list)
    hover_frames: list[int] = field(default_factory=list)
    hover_messages: int = 0
    memory: list[int] = field(default_factory=list)
    memory_used: list[int] = field(default_factory=list)


def measure(case: Case, browser: Browser, server: JupyterServer, samples: Samples) -> None:
    """Open the case in a page and a kernel of its own and add to its samples."""
    with notebook_page(browser, server) as notebook:
        notebook.page.add_init_script(path=PROBE)
        notebook.open_cells(*case.cells)
        notebook.run_all()
        samples.memory.append(_kernel_memory(server))
        _press(case, notebook, samples)
        for _ in range(DRAGS):
            _drag(case, notebook, samples)
        if case.panel:
            _hover(case.panel, notebook, samples)
        samples.memory_used.append(_kernel_memory(server))


def kernel_memory(case: Case, browser: Browser, server: JupyterServer) -> int:
    """Bytes that a kernel holds after running the case's cells."""
    with notebook_page(browser, server) as notebook:
        notebook.open_cells(*case.cells)
        notebook.run_all()
        return _kernel_memory(server)


def import_seconds(first: str, then: str) -> float:
    """How long a fresh process takes to import `then` after it has imported `first`."""
    program = (
        f"import time, {first}; start = time.perf_counter(); "
        f"import {then}; print(time.perf_counter() - start)"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(answer.stdout)


def _press(case: Case, notebook: NotebookPage, samples: Samples) -> None:
    """Press arrow keys on the slider, each after the work of the last one is done."""
    page = notebook.page
    target = [page.locator("body").element_handle(), case.painted]
    page.locator(case.slider).first.locator(".noUi-handle").focus()
    chance = random.Random(0)
    # One walk around where the slider stands and back to it, so that every press changes something
    # and the pictures keep about their size.
    right, left = ["ArrowRight"] * case.steps, ["ArrowLeft"] * case.steps
    walk = itertools.cycle([*right, *left, *left, *right])
    for number, key in enumerate(itertools.islice(walk, WARM_UP + PRESSES)):
        before = page.evaluate(RECEIVED)
        page.evaluate(WAIT, chance.uniform(0, FRAMES_LONG))
        page.evaluate(ARM, target)
        page.keyboard.press(key)
        milliseconds = page.evaluate(RESULT)
        notebook.settle()
        if number >= WARM_UP:
            samples.press.append(milliseconds)
            samples.received.append(page.evaluate(RECEIVED) - before)


def _drag(case: Case, notebook: NotebookPage, samples: Samples) -> None:
    """Drag the slider back and forth over its whole range, then let it go where it was."""
    page = notebook.page
    slider = page.locator(case.slider).first
    slider.scroll_into_view_if_needed()
    track, grip = _box(slider), _box(slider.locator(".noUi-handle"))
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(FOLLOW, [page.locator("body").element_handle(), case.painted])
    start = time.monotonic()
    while (elapsed := time.monotonic() - start) < DRAG_SECONDS:
        share = abs((elapsed + 0.5) % 2 - 1)  # there and back in two seconds
        page.mouse.move(track["x"] + share * track["width"], y)
    page.mouse.move(x, y)
    page.mouse.up()
    notebook.settle()
    samples.backlog.append(max(0.0, page.evaluate(UNFOLLOW)))


def _hover(panel: str, notebook: NotebookPage, samples: Samples) -> None:
    """Point at cells far apart in a panel, and time the highlight of each."""
    page = notebook.page
    figure = page.locator(f"figure.rv-panel[data-name='{panel}']").first
    canvas = figure.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = _box(canvas)
    chance = random.Random(0)
    handle = figure.element_handle()
    sent = page.evaluate(SENT)
    for number in range(HOVERS):
        # Left and right half in turn: never the same cell twice running.
        across = (number % 2 + chance.uniform(0.1, 0.9)) / 2
        page.evaluate(ARM_HOVER, handle)
        page.mouse.move(
            box["x"] + across * box["width"], box["y"] + chance.uniform(0.1, 0.9) * box["height"]
        )
        milliseconds, frames = page.evaluate(RESULT)
        samples.hover.append(milliseconds)
        samples.hover_frames.append(frames)
    samples.hover_messages += page.evaluate(SENT) - sent


def _box(element: Locator) -> FloatRect:
    """Where an element is on the page."""
    box = element.bounding_box()
    assert box, "the element is not visible"
    return box


def _kernel_memory(server: JupyterServer) -> int:
    """Resident bytes of the server's only kernel."""
    (kernel,) = psutil.Process(server.pid).children()
    return kernel.memory_info().rss
