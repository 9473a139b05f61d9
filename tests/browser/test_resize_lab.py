"""The resize lab in a real JupyterLab: two ways are chosen, compared, and found in the table."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from resample_viz.analysis import resize_method
from tests.browser.notebook_page import NotebookPage, Theme

MAKE = "import resample_viz as rv\nlab = rv.ResizeLab({})\nlab"


@pytest.fixture
def notebook(kept_notebook: NotebookPage) -> NotebookPage:
    """One page and one kernel for all tests of this file."""
    return kept_notebook


def open_lab(notebook: NotebookPage, settings: str = "", theme: Theme = "light") -> Locator:
    notebook.replace_cells(MAKE.format(settings), theme=theme)
    notebook.run_all()
    lab = notebook.lab("resize")
    notebook.wait_for_frame(lab)
    return lab


def click_pair(notebook: NotebookPage, lab: Locator, a: str, b: str) -> None:
    """Clicks the cell of two ways in the table."""
    cells = notebook.panel(lab, "table").locator("canvas.rv-cells")
    box = cells.bounding_box()
    assert box
    names = lab.locator(".rv-names li").all_inner_texts()
    x, y = (box["width"] * (names.index(name) + 0.5) / len(names) for name in (b, a))
    cells.click(position={"x": x, "y": y})
    notebook.settle()


def test_the_table_is_filled_and_a_click_chooses_the_pair(notebook: NotebookPage) -> None:
    lab = open_lab(notebook, "size=64, target=20")
    expect(lab.locator(".rv-progress")).to_be_empty()
    names = lab.locator(".rv-names li").all_inner_texts()
    assert "OpenCV INTER_AREA" in names
    assert "v2 tensor BILINEAR antialias=False" in names
    click_pair(notebook, lab, "torch area", "Pillow BOX")
    expect(lab.locator(".rv-code")).to_contain_text("mode='area'")
    expect(lab.locator(".rv-code")).to_contain_text("Image.Resampling.BOX")
    selected = (
        notebook.control(lab, "a")
        .locator("select")
        .evaluate("node => node.selectedOptions[0].label")
    )
    assert selected.replace("\xa0", " ") == "torch area"


def test_the_button_finds_the_setting_that_makes_them_equal(notebook: NotebookPage) -> None:
    lab = open_lab(notebook, "size=64, target=20, b='OpenCV INTER_CUBIC'")
    lab.get_by_role("button", name="b := closest to a").click()
    notebook.settle()
    expect(lab.locator(".rv-code")).to_contain_text("cv2.INTER_LINEAR)")
    expect(lab.locator(".rv-hint")).to_contain_text("is the same as torch bilinear float32")
    expect(lab.locator(".rv-merits")).to_contain_text("largest0.0")
    expect(lab.locator(".rv-formula")).to_contain_text("OpenCV INTER_LINEAR: the same")


def test_hovering_shows_where_each_library_takes_its_samples(notebook: NotebookPage) -> None:
    lab = open_lab(notebook, "size=64, target=16")
    for name, words in (("a", "from 4 input cells"), ("b", "from 64 input cells")):
        notebook.panel(lab, name).locator(".rv-screen").hover(position={"x": 80, "y": 80})
        expect(lab.locator(".rv-sentence")).to_contain_text(words)


def test_a_drag_ends_with_the_table_of_its_last_size(notebook: NotebookPage) -> None:
    """Moves come faster than the table can be computed: none of them waits for it."""
    lab = open_lab(notebook, "size=256, target=40")
    handle = notebook.control(lab, "target").locator(".noUi-handle:visible")
    for _ in range(25):
        handle.press("ArrowRight")
    notebook.settle()
    expect(lab.locator(".rv-code")).to_contain_text("size=(65, 65)")
    expect(lab.locator(".rv-formula")).to_contain_text("OpenCV INTER_LINEAR: the same")
    expect(lab.locator(".rv-progress")).to_be_empty()


def test_an_impossible_choice_dims_the_picture_and_says_why(notebook: NotebookPage) -> None:
    lab = open_lab(notebook, "size=32, target=8, a='torch area'")
    notebook.choose(lab, "dtype_a", "uint8")
    assert notebook.state(lab) == "error"
    expect(lab.get_by_role("alert")).to_contain_text("torch area does not take uint8")
    notebook.choose(lab, "a", resize_method("torch bilinear").name)
    assert notebook.state(lab) == "ok"
