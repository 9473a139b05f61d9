"""NetworkLab in the browser: bars choose steps, cells choose footprints, a step opens its lab."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.notebook_page import NotebookPage, Theme

MAKE = (
    "import resample_viz as rv\n"
    "lab = rv.NetworkLab(network='ESPCN ×3', input_size=64, image='astronaut')\nlab"
)


@pytest.fixture
def notebook(kept_notebook: NotebookPage) -> NotebookPage:
    """One page and one kernel for all tests of this file."""
    return kept_notebook


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_a_bar_chooses_a_step_and_the_step_opens_its_lab(
    notebook: NotebookPage, theme: Theme
) -> None:
    notebook.replace_cells(MAKE, theme=theme)
    notebook.run_all()
    lab = notebook.lab("network")
    notebook.wait_for_frame(lab)
    screen = notebook.panel(lab, "ladder").locator(".rv-screen")
    screen.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight"):  # the first one shows the input
        screen.press(key)
    sentence = lab.locator(".rv-sentence")
    expect(sentence).to_contain_text("layers.2: Conv2d 3×3")
    screen.press("Enter")
    expect(notebook.panel(lab, "footprint")).to_be_visible()
    notebook.settle()
    notebook.screenshot(f"lab-network-step-{theme}", of=lab)
    before = notebook.panel_pixels(lab, "footprint").tobytes()
    size = notebook.panel(lab, "y").locator(".rv-screen").bounding_box()
    assert size is not None
    notebook.panel(lab, "y").locator(".rv-screen").click(
        position={"x": size["width"] / 5, "y": size["height"] / 5}
    )
    notebook.settle()
    assert notebook.panel_pixels(lab, "footprint").tobytes() != before
    lab.get_by_role("button", name="open this step in its lab").click()
    opened = notebook.lab("convolution")
    notebook.wait_for_frame(opened)
    expect(opened.locator(".rv-code")).to_contain_text("your own tensor")
    notebook.screenshot(f"lab-network-opened-{theme}", of=lab)
    assert notebook.state(opened) == "ok"


def test_an_odd_size_is_told_and_a_mend_works(notebook: NotebookPage) -> None:
    notebook.replace_cells("import resample_viz as rv\nlab = rv.NetworkLab(input_size=100)\nlab")
    notebook.run_all()
    lab = notebook.lab("network")
    notebook.wait_for_frame(lab)
    told = lab.locator(".rv-warnings")
    expect(told).to_contain_text("The trace ends at cat")
    expect(told).to_contain_text("(1, 1, 112, 112) the model runs to its end")
    notebook.screenshot("lab-network-odd", of=lab)
    notebook.choose(lab, "fix", "pad the input")
    expect(told).to_be_empty()
    expect(lab.locator(".rv-strip")).to_contain_text("(1, 2, 100, 100)")
    notebook.move_slider(lab, "input_size", 1)
    expect(lab.locator(".rv-strip")).to_contain_text("(1, 2, 101, 101)")


def test_a_bar_is_clicked(notebook: NotebookPage) -> None:
    notebook.replace_cells(MAKE)
    notebook.run_all()
    lab = notebook.lab("network")
    notebook.wait_for_frame(lab)
    screen = notebook.panel(lab, "ladder").locator(".rv-screen")
    box = screen.bounding_box()
    assert box is not None
    screen.click(position={"x": box["width"] * 0.95, "y": box["height"] / 2})
    expect(notebook.panel(lab, "y")).to_be_visible()
    chosen = lab.locator(".rv-control-step select").evaluate("node => node.value")
    assert "layers.5" in chosen
