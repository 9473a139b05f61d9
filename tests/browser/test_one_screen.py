"""Cause and effect on one screen, in a real JupyterLab with its file browser open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from resample_viz.labs import LABS, Lab, UpsamplingLab
from tests.browser.notebook_page import NotebookPage, notebook_page
from tests.browser.server import JupyterServer
from tests.browser.test_every_lab import spread

SCREENS = {(1366, 768): 640, (1280, 720): 590}
"""Window, and the height in CSS pixels that a lab may take of it."""
FULL_SCREENS = ((853, 480), (1920, 1080))
ON_ONE_SCREEN = [lab for lab in LABS if lab.one_screen and lab is not UpsamplingLab]
PRESETS = [preset.name for preset in UpsamplingLab.presets]
LEAST_SIDE = 220
LEAST_OF_THREE = 180
LEAST_TRACK = 160
MOST_PRESETS = 3
"""So many situations of a lab are tried, the first and the last among them; `make slow` all."""
FILLER = ["print('a line of output')"] * 12
LAB = "import resample_viz as rv\nlab = rv.UpsamplingLab()\nlab"

# Where everything stands that a learner is to see at once, from the corner of the lab.
BOXES = """lab => {
    const corner = lab.getBoundingClientRect();
    const box = node => {
        const {left, top, right, bottom, width, height} = node.getBoundingClientRect();
        return {left: left - corner.left, top: top - corner.top, right: right - corner.left,
                bottom: bottom - corner.top, width, height};
    };
    const nameOf = node => [...node.classList].find(one => one.startsWith('rv-')) ?? node.className;
    const all = selector => Object.fromEntries([...lab.querySelectorAll(selector)]
        .filter(node => node.offsetParent)
        .map(node => [node.dataset.name ?? nameOf(node), box(node)]));
    return {
        lab: box(lab),
        panels: all('figure.rv-panel'),
        main: all('.rv-main-row > figure.rv-panel:not([data-role=kernel])'),
        parts: all('.rv-strip, .rv-notes, .rv-hint, .rv-presets, .rv-undo, .rv-at-hand > *'),
        tracks: [...lab.querySelectorAll('.noUi-target')].filter(node => node.offsetParent)
            .map(node => node.getBoundingClientRect().width),
    };
}"""
COUNTED = """lab => Object.fromEntries([...lab.querySelectorAll('figure.rv-panel canvas.rv-cells')]
    .map(canvas => {
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
        copy.drawImage(canvas, 0, 0);
        let hash = 0;
        for (const byte of copy.getImageData(0, 0, canvas.width, canvas.height).data)
            hash = (hash * 31 + byte) | 0;
        return [canvas.closest('figure').dataset.name, `${canvas.width} ${canvas.height} ${hash}`];
    }))"""


@pytest.fixture(scope="module")
def among_cells(browser: Browser, jupyter_server: JupyterServer) -> Iterator[NotebookPage]:
    """A lab in the middle of a long notebook, of which JupyterLab draws only what is seen."""
    with notebook_page(browser, jupyter_server) as notebook:
        notebook.open_cells(*FILLER, LAB, *FILLER)
        notebook.run_all()
        yield notebook


@pytest.fixture
def lab(among_cells: NotebookPage) -> Locator:
    found = among_cells.lab("upsampling")
    bring_to_top(among_cells, found)
    among_cells.wait_for_frame(found)
    return found


def bring_to_top(notebook: NotebookPage, lab: Locator) -> None:
    lab.evaluate("node => node.scrollIntoView({block: 'start'})")
    notebook.settle()


def choose_preset(notebook: NotebookPage, lab: Locator, name: str) -> None:
    if name:
        lab.get_by_role("button", name=name).click()
        notebook.settle()


@pytest.mark.parametrize("preset", ["", *PRESETS])
@pytest.mark.parametrize("window", SCREENS, ids=str)
def test_all_that_a_preset_is_about_stands_on_one_screen(
    among_cells: NotebookPage, lab: Locator, window: tuple[int, int], preset: str
) -> None:
    width, height = window
    among_cells.page.set_viewport_size({"width": width, "height": height})
    among_cells.settle()
    choose_preset(among_cells, lab, preset)
    bring_to_top(among_cells, lab)
    seen = lab.evaluate(BOXES)
    assert seen["lab"]["height"] <= SCREENS[window]
    assert {"x", "y", "index", "error", "profile"} <= seen["panels"].keys()
    for name, box in {**seen["panels"], **seen["parts"]}.items():
        assert 0 <= box["left"] < box["right"] <= seen["lab"]["width"] + 1, name
        assert 0 <= box["top"] < box["bottom"] <= SCREENS[window], name
    for name in ("x", "y"):
        assert min(seen["panels"][name][side] for side in ("width", "height")) >= LEAST_SIDE
    assert seen["tracks"]
    assert min(seen["tracks"]) >= LEAST_TRACK


@pytest.mark.parametrize("most", [MOST_PRESETS, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ON_ONE_SCREEN, ids=lambda kind: kind.name)
def test_the_presets_of_a_lab_stand_on_one_screen(
    notebook: NotebookPage, kind: type[Lab], most: int
) -> None:
    notebook.turn_to_cells(f"import resample_viz as rv\nlab = rv.{kind.__name__}()\nlab")
    notebook.run_all()
    lab = notebook.lab(kind.name)
    notebook.wait_for_frame(lab)
    for preset in spread(["", *(preset.name for preset in kind.presets)], most):
        choose_preset(notebook, lab, preset)
        for (width, height), limit in SCREENS.items():
            notebook.page.set_viewport_size({"width": width, "height": height})
            bring_to_top(notebook, lab)
            seen = lab.evaluate(BOXES)
            assert seen["lab"]["height"] <= limit, f"{preset or 'opening'} at {width}"
            for name, box in {**seen["panels"], **seen["parts"]}.items():
                where = f"{name} of {preset or 'opening'} at {width}"
                assert 0 <= box["left"] < box["right"] <= seen["lab"]["width"] + 1, where
                assert 0 <= box["top"] < box["bottom"] <= limit, where
            least = LEAST_SIDE if len(seen["main"]) < 3 else LEAST_OF_THREE
            for box in seen["main"].values():
                assert min(box["width"], box["height"]) >= least
            assert min(seen["tracks"] or [LEAST_TRACK]) >= LEAST_TRACK
    notebook.page.set_viewport_size({"width": 1366, "height": 768})


@pytest.mark.parametrize("preset", UpsamplingLab.presets, ids=lambda preset: preset.name)
def test_the_controls_of_a_preset_stand_beside_the_picture_and_change_it(
    among_cells: NotebookPage, lab: Locator, preset: Any
) -> None:
    assert 2 <= len(preset.controls) <= 4
    choose_preset(among_cells, lab, preset.name)
    at_hand = lab.locator(".rv-at-hand")
    for name in preset.controls:
        expect(at_hand.locator(f".rv-control-{name}").first).to_be_visible()
    expect(lab.locator(".rv-presets .rv-active")).to_have_text(preset.name)
    before, boxes = lab.evaluate(COUNTED), lab.evaluate(BOXES)
    among_cells.move_slider(lab, "scale_factor", -4)
    after, moved = lab.evaluate(COUNTED), lab.evaluate(BOXES)
    for part in ("panels", "parts", "tracks"):
        assert moved[part] == boxes[part], "nothing moves while one drags"
    assert before["y"] != after["y"]
    expect(lab.locator(".rv-presets .rv-active")).to_have_count(0)


@pytest.mark.parametrize("window", FULL_SCREENS, ids=str)
def test_full_screen_holds_the_whole_lab_and_leads_back(
    among_cells: NotebookPage, lab: Locator, window: tuple[int, int]
) -> None:
    page = among_cells.page
    page.set_viewport_size({"width": window[0], "height": window[1]})
    bring_to_top(among_cells, lab)
    full = lab.get_by_role("button", name="Full screen")
    full.scroll_into_view_if_needed()
    before = lab.evaluate("node => node.getBoundingClientRect().top")
    full.click()
    expect(page.locator(".rv-lab:fullscreen")).to_have_count(1)
    for preset in PRESETS:
        choose_preset(among_cells, lab, preset)
        seen = lab.evaluate(BOXES)
        for name, box in {**seen["panels"], **seen["parts"]}.items():
            assert 0 <= box["left"] < box["right"] <= window[0], f"{preset}: {name}"
            assert 0 <= box["top"] < box["bottom"] <= window[1], f"{preset}: {name}"
        for name in ("x", "y"):
            assert seen["panels"][name]["width"] >= LEAST_SIDE
    among_cells.screenshot(f"upsampling-full-screen-{window[0]}")
    among_cells.move_slider(lab, "scale_factor", -1)
    page.evaluate("document.exitFullscreen()")
    expect(page.locator(".rv-lab:fullscreen")).to_have_count(0)
    among_cells.settle()
    assert abs(lab.evaluate("node => node.getBoundingClientRect().top") - before) <= 1
    assert among_cells.state(lab) == "ok"


def test_a_narrow_page_has_one_column_and_nothing_beside_it(
    among_cells: NotebookPage, lab: Locator
) -> None:
    among_cells.page.set_viewport_size({"width": 700, "height": 900})
    bring_to_top(among_cells, lab)
    expect(lab).to_have_class(re.compile("rv-narrow"))
    seen = lab.evaluate(BOXES)
    for name, box in {**seen["panels"], **seen["parts"]}.items():
        assert 0 <= box["left"] < box["right"] <= seen["lab"]["width"] + 1, name
    assert seen["parts"]["rv-strip"]["top"] > seen["parts"]["rv-presets"]["top"]
    among_cells.page.set_viewport_size({"width": 1366, "height": 768})


def test_ctrl_z_takes_a_move_back_and_leaves_the_notebook_alone(
    among_cells: NotebookPage, lab: Locator
) -> None:
    choose_preset(among_cells, lab, PRESETS[0])
    among_cells.move_slider(lab, "scale_factor", -3)
    code = lab.locator(".rv-code")
    expect(code).to_contain_text("scale_factor=7.85")
    cells = among_cells.page.locator(".jp-Cell").count()
    lab.locator(".rv-control-scale_factor .noUi-handle").first.press("Control+z")
    expect(code).to_contain_text("scale_factor=8.0")
    lab.locator("[data-name=y] .rv-screen").press("Control+z")
    expect(code).not_to_contain_text("scale_factor=8.0")
    assert among_cells.page.locator(".jp-Cell").count() == cells


def test_sliders_say_their_names_and_round_numbers(among_cells: NotebookPage, lab: Locator) -> None:
    handle = lab.locator(".rv-control-scale_factor .noUi-handle").first
    among_cells.move_slider(lab, "scale_factor", 1)
    expect(handle).to_have_attribute("aria-label", "scale_factor")
    said = handle.get_attribute("aria-valuetext") or ""
    assert len(said) <= 5
    focused = handle.evaluate("node => getComputedStyle(node).outlineStyle")
    assert focused == "solid"


def test_a_value_is_typed_into_the_readout(among_cells: NotebookPage, lab: Locator) -> None:
    readout = lab.locator(".rv-control-scale_factor .widget-readout").first
    readout.click()
    readout.press("Control+a")
    among_cells.page.keyboard.type("3.25")
    readout.press("Enter")
    expect(lab.locator(".rv-code")).to_contain_text("scale_factor=3.25")
