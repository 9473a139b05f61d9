"""The labs of convolutions in a real JupyterLab: typing, walking, working behind a frame."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.notebook_page import THEMES, NotebookPage
from tests.browser.test_labs import COUNT_SENT

MAKE = "import resample_viz as rv\nlab = rv.{}\nlab"


@pytest.fixture
def notebook(kept_notebook: NotebookPage) -> NotebookPage:
    """One page and one kernel for all tests of this file."""
    return kept_notebook


def opened(notebook: NotebookPage, lab: str) -> Locator:
    notebook.replace_cells(MAKE.format(lab))
    notebook.run_all()
    shown = notebook.page.locator(".rv-lab").first
    notebook.wait_for_frame(shown)
    return shown


def test_a_weight_is_typed_into_the_kernel(notebook: NotebookPage) -> None:
    lab = opened(notebook, "ConvolutionLab(size=4)")
    before = notebook.frame(lab)
    screen = notebook.panel(lab, "w").locator(".rv-screen")
    screen.focus()
    for key in ("ArrowRight", "ArrowDown", "7"):
        screen.press(key)
    screen.locator("input").press("Enter")
    notebook.wait_for_frame(lab, after=before)
    expect(lab.locator(".rv-code")).to_contain_text("[1., 1., 1.], [7., 1., 1.], [1., 1., 1.]")
    expect(notebook.control(lab, "kernel").locator("select")).to_have_value("your own")
    notebook.choose(lab, "kernel", "identity")
    expect(lab.locator(".rv-code")).to_contain_text("[0., 0., 0.], [0., 1., 0.], [0., 0., 0.]")
    assert notebook.state(lab) == "ok"


@pytest.mark.parametrize("kind", ["ConvolutionLab", "TransposedConvolutionLab"])
def test_pointing_and_walking_ask_nothing_of_the_kernel(notebook: NotebookPage, kind: str) -> None:
    lab = opened(notebook, f"{kind}()")
    notebook.page.evaluate(COUNT_SENT)
    for name in ("x", "w", "y"):
        notebook.panel(lab, name).locator(".rv-cells").hover(force=True)
    expect(lab.locator(".rv-sentence")).to_contain_text("PyTorch:")
    step = lab.get_by_role("button", name="next cell")
    for _ in range(3):
        step.click()
    expect(lab.locator(".rv-steps")).to_contain_text("cell 3 of")
    assert notebook.page.evaluate("window.rvSent") == 0


def test_the_stepper_has_its_keys_inside_a_notebook(notebook: NotebookPage) -> None:
    lab = opened(notebook, "ConvolutionLab(size=4)")
    step = lab.get_by_role("button", name="next cell")
    step.focus()
    step.press("Enter")
    expect(lab.locator(".rv-steps")).to_contain_text("cell 1 of 16")
    step.press(" ")
    expect(lab.locator(".rv-steps")).to_contain_text("cell 2 of 16")
    expect(step).to_be_focused()
    speed = lab.get_by_label("cells per second")
    before = float(speed.input_value())
    speed.press("ArrowRight")
    assert float(speed.input_value()) == before + 1


def test_controls_answer_while_least_squares_is_at_work(notebook: NotebookPage) -> None:
    lab = opened(
        notebook,
        "ConvolutionLab(image='astronaut', size=256, kernel='gaussian', kernel_size=7, padding=3)",
    )
    notebook.choose(lab, "show", "way back")
    way = notebook.control(lab, "way_back").locator("select")
    way.select_option(label="least squares")
    expect(lab.locator(".rv-progress progress")).to_be_visible()
    frame = notebook.frame(lab)
    notebook.choose(lab, "show", "window")
    notebook.wait_for_frame(lab, after=frame)
    expect(lab.locator(".rv-progress")).to_be_empty()
    expect(notebook.panel(lab, "x_hat")).to_have_count(0)
    notebook.choose(lab, "show", "way back")
    expect(notebook.panel(lab, "invisible")).to_be_visible(timeout=60_000)
    expect(lab.locator(".rv-progress")).to_be_empty()
    assert notebook.state(lab) == "ok"


def test_padding_is_given_by_a_word_or_by_a_number(notebook: NotebookPage) -> None:
    lab = opened(notebook, "ConvolutionLab(kernel_size=5, size=6)")
    notebook.choose(lab, "padding-kind", "same")
    expect(lab.locator(".rv-code")).to_contain_text("padding='same'")
    expect(notebook.control(lab, "padding")).to_be_hidden()
    notebook.move_slider(lab, "stride", 1)
    expect(lab.get_by_role("alert")).to_contain_text("padding='same' keeps the size")
    notebook.choose(lab, "padding-kind", "by number")
    expect(lab.locator(".rv-code")).to_contain_text(re.compile("stride=2, padding=1"))
    assert notebook.state(lab) == "ok"


def test_scatter_becomes_gather_in_the_middle_of_a_walk(notebook: NotebookPage) -> None:
    lab = opened(notebook, "TransposedConvolutionLab()")
    whole = notebook.panel_pixels(lab, "y")
    for _ in range(2):
        lab.get_by_role("button", name="next cell").click()
    assert (notebook.panel_pixels(lab, "y") != whole).any()
    notebook.choose(lab, "reading", "gather")
    assert (notebook.panel_pixels(lab, "y") == whole).all(), "the same numbers, none hidden"
    expect(lab.locator(".rv-steps")).to_have_text(
        f"{whole.shape[0] * whole.shape[1]} cells to walk"
    )


OUTSIDE = """lab => {
    const right = lab.getBoundingClientRect().right + 1;
    return [...lab.querySelectorAll('button, figure, input, select, .rv-sentence')]
        .filter(node => node.offsetParent && node.getBoundingClientRect().right > right)
        .map(node => node.textContent || node.className);
}"""


@pytest.mark.parametrize("kind", ["Convolution", "TransposedConvolution"])
def test_nothing_is_cut_off(notebook: NotebookPage, kind: str) -> None:
    lab = opened(notebook, f"{kind}Lab(show='matrix')")
    for width in (1500, 900):
        notebook.page.set_viewport_size({"width": width, "height": 1000})
        for theme in THEMES:
            notebook.change_theme(theme)
            notebook.screenshot(f"{kind}-{theme}-{width}", of=lab)
            assert lab.evaluate(OUTSIDE) == []
