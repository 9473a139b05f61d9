"""A training in JupyterLab: watched live, stopped by the toolbar, and nothing is lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.notebook_page import RUN_SECONDS, NotebookPage, Theme

MAKE = """import resample_viz as rv, torch
from resample_viz.datasets import digits
from resample_viz.networks import Autoencoder
torch.manual_seed(0)
view = rv.train(Autoencoder(code=8), rv.reconstruction(digits()), steps=100_000)
view"""
USE = "print(view.network(digits()[:2]).shape, view.training.done > 0, view.network.training)"
SECONDS = 1000 * RUN_SECONDS
STARTED = "async () => { void window.jupyterapp.commands.execute('notebook:run-cell'); }"


def stopped(notebook: NotebookPage) -> str:
    """Starts the first cell, watches it learn, presses the toolbar's button; what is said then."""
    notebook.page.locator(".jp-CodeCell .cm-content").first.click()
    notebook._awaited(STARTED)
    live = notebook.page.locator(".rv-live")
    stage = live.locator(".rv-stage")
    expect(live).to_contain_text("interrupt the kernel: ■ in the toolbar", timeout=SECONDS)
    progress = stage.locator(".rv-progress")
    expect(progress).to_have_text(
        re.compile(r"step \d+ of 100000, about \d+ (s|min) left"), timeout=SECONDS
    )
    first = int(stage.get_attribute("data-frame") or 0)
    notebook.page.wait_for_function(
        "first => Number(document.querySelector('.rv-live .rv-stage').dataset.frame) > first + 1",
        arg=first,
        timeout=SECONDS,
    )
    expect(stage.locator("figure.rv-panel")).to_have_count(4)
    field, top = (stage.locator(part).bounding_box() for part in (".rv-field", ".rv-top"))
    assert field
    assert top
    assert field["y"] - top["y"] < 120, "no blank space above the curve"
    notebook.screenshot("training-live")
    notebook.page.get_by_role("button", name="Interrupt the kernel").click()
    result = notebook.lab("training")
    expect(result.locator(".rv-hint")).to_have_text(
        re.compile(r"^Stopped at step \d+ of 100000: the network keeps the weights of step \d+"),
        timeout=SECONDS,
    )
    notebook.settle()
    expect(live).to_have_count(0)
    expect(result.locator(".rv-progress")).to_be_hidden()
    notebook.screenshot("training-stopped")
    return result.locator(".rv-hint").inner_text()


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_a_training_is_watched_and_stopped_and_nothing_is_lost(
    notebook: NotebookPage, theme: Theme
) -> None:
    notebook.turn_to_cells(MAKE, USE, theme=theme)
    said = stopped(notebook)
    notebook.page.locator(".jp-CodeCell .cm-content").nth(1).click()
    notebook._awaited(STARTED)
    notebook.settle()
    printed = notebook.page.locator(".jp-CodeCell").nth(1).locator(".jp-OutputArea-output")
    expect(printed).to_have_text(re.compile(r"torch.Size\(\[2, 1, 8, 8\]\) True False"))
    if theme == "light":  # run the cell once more: another training, the same end
        notebook.page.keyboard.press("Escape")
        assert stopped(notebook)
    assert said
    ground = notebook.panel_pixels(notebook.lab("training"), "loss")[2, 2, :3]
    assert (ground.max() < 80) == (theme == "dark"), "the curve follows the theme"
    expect(notebook.page.locator("body")).not_to_contain_text("Error displaying widget")
    expect(notebook.page.locator("body")).not_to_contain_text("Traceback")
