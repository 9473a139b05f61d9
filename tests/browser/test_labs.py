"""Every lab in a real JupyterLab: a control moves the picture, and nothing breaks it.

What each preset and each value of a control paints is tried in a bare page, `test_every_lab.py`.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from resample_viz.labs import LABS, Lab
from tests.browser.notebook_page import NotebookPage

COUNT_SENT = """() => {
    window.rvSent = 0;
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
        window.rvSent++;
        send.call(this, data);
    };
}"""
MAKE = "import resample_viz as rv\nlab = rv.{}()\nlab"
MOVED: dict[str, str] = {
    "upsampling": "scale_factor",
    "resize": "target",
    "downsampling": "factor",
    "convolution": "kernel_size",
    "transposed-convolution": "stride",
    "unpooling": "kernel_size",
    "normalization": "mean",
    "network": "input_size",
    "reconstruction": "example",
    "segmentation": "example",
    "super-resolution": "factor",
}
"""A control of each lab that changes its picture; a round trip has lists alone."""


UPSAMPLING = MAKE.format("UpsamplingLab")


def run_again(notebook: NotebookPage) -> Locator:
    """Runs a cell that shows an upsampling lab: a lab in its first state."""
    notebook.replace_cells(UPSAMPLING)
    notebook.run_all()
    lab = notebook.lab("upsampling")
    notebook.wait_for_frame(lab)
    return lab


def seen(notebook: NotebookPage, lab: Locator) -> list[Any]:
    """Everything that a learner sees of a lab's result."""
    canvases = lab.locator("figure.rv-panel")
    names = [canvases.nth(i).get_attribute("data-name") for i in range(canvases.count())]
    pixels = [notebook.panel_pixels(lab, str(name)).tobytes() for name in names]
    texts = [lab.locator(part).inner_text() for part in (".rv-strip", ".rv-code", ".rv-alert")]
    return [*names, *pixels, *texts]


@pytest.fixture(scope="module")
def every_lab_runs(one_notebook: NotebookPage) -> None:
    """Every lab in a cell of its own, until a test puts other cells in their place."""
    one_notebook.replace_cells(*(MAKE.format(lab.__name__) for lab in LABS))
    one_notebook.run_all()


@pytest.fixture
def all_labs(every_lab_runs: None, kept_notebook: NotebookPage) -> NotebookPage:
    """One page with every lab, for tests that move each its own."""
    return kept_notebook


@pytest.fixture
def upsampling(kept_notebook: NotebookPage) -> NotebookPage:
    """One page and one kernel for the tests of an upsampling lab: see `run_again`."""
    return kept_notebook


@pytest.mark.parametrize("kind", LABS, ids=lambda lab: lab.name)
def test_a_hand_on_a_control_and_on_a_preset_moves_the_picture(
    all_labs: NotebookPage, kind: type[Lab]
) -> None:
    lab = all_labs.lab(kind.name)
    all_labs.wait_for_frame(lab)
    all_labs.screenshot(f"lab-{kind.name}", of=lab)
    before = seen(all_labs, lab)
    if kind.name in MOVED:
        control = all_labs.control(lab, MOVED[kind.name])
        if control.locator(".noUi-handle").count():
            all_labs.move_slider(lab, MOVED[kind.name], 1)
        else:
            control.get_by_role("button").last.click()
            all_labs.settle()
        assert all_labs.state(lab) == "ok"
        assert seen(all_labs, lab) != before
    preset = kind.presets[-1]
    lab.get_by_role("button", name=preset.name).click()
    expect(lab.locator(".rv-hint")).to_have_text(preset.look)
    all_labs.settle()
    assert all_labs.state(lab) == "ok"
    assert seen(all_labs, lab) != before


def test_labs_turn_dark_with_the_page(all_labs: NotebookPage) -> None:
    all_labs.change_theme("dark")
    for kind in LABS:
        lab = all_labs.lab(kind.name)
        assert all_labs.state(lab) == "ok"
        all_labs.screenshot(f"lab-{kind.name}-dark", of=lab)


def test_painted_pixels_are_the_tensors_values(upsampling: NotebookPage) -> None:
    lab = run_again(upsampling)
    expected = LABS[0]().output[0].clamp(0, 1).mul(255).round().permute(1, 2, 0).numpy()
    painted = upsampling.panel_pixels(lab, "y")[..., :3]
    assert painted.shape == expected.shape
    assert abs(painted.astype(float) - expected).max() <= 1  # 8 bits, rounded twice


def test_an_impossible_setting_dims_the_picture_and_says_why(upsampling: NotebookPage) -> None:
    lab = run_again(upsampling)
    before = upsampling.panel_pixels(lab, "y")
    upsampling.choose(lab, "mode", "nearest")
    upsampling.toggle(lab, "align_corners")
    assert upsampling.state(lab) == "error"
    alert = lab.get_by_role("alert")
    expect(alert).to_contain_text("align_corners=True has no meaning for mode 'nearest'")
    dimmed = lab.locator(".rv-panels").evaluate("node => Number(getComputedStyle(node).opacity)")
    assert dimmed < 1
    upsampling.choose(lab, "mode", "bilinear")
    assert upsampling.state(lab) == "ok"
    assert upsampling.panel_pixels(lab, "y").shape == before.shape


def test_a_hard_drag_ends_in_the_state_of_the_slider(upsampling: NotebookPage) -> None:
    lab = run_again(upsampling)
    handle = upsampling.control(lab, "scale_factor").locator(".noUi-handle:visible")
    for key in ("ArrowRight", "ArrowLeft", "ArrowRight"):
        for _ in range(15):
            handle.press(key)
    upsampling.settle()
    value = upsampling.control(lab, "scale_factor").locator(".widget-readout").first.inner_text()
    expect(lab.locator(".rv-code")).to_contain_text(f"scale_factor={float(value)}")


def test_hovering_asks_nothing_of_the_kernel(upsampling: NotebookPage) -> None:
    lab = run_again(upsampling)
    upsampling.page.evaluate(COUNT_SENT)
    screen = upsampling.panel(lab, "y").locator(".rv-screen")
    for x in range(20, 120, 5):
        screen.hover(position={"x": x, "y": x})
    assert upsampling.panel(lab, "y").get_attribute("data-hover")
    expect(lab.locator(".rv-sentence")).to_contain_text("from 4 input cells")
    assert upsampling.page.evaluate("window.rvSent") == 0


def test_a_cell_of_a_small_grid_can_be_edited_in_place(upsampling: NotebookPage) -> None:
    upsampling.replace_cells(
        "import resample_viz as rv\n"
        "lab = rv.UpsamplingLab(image='integer_grid', size=4, mode='nearest')\nlab"
    )
    upsampling.run_all()
    lab = upsampling.lab("upsampling")
    before = upsampling.wait_for_frame(lab)
    screen = upsampling.panel(lab, "x").locator(".rv-screen")
    screen.focus()
    screen.press("ArrowRight")
    screen.press("7")
    screen.locator("input").press("5")
    screen.locator("input").press("Enter")
    upsampling.wait_for_frame(lab, after=before)
    screen.press("ArrowRight")
    screen.press("ArrowLeft")
    expect(lab.locator(".rv-sentence")).to_contain_text("value = 75")


def test_the_learners_own_picture_is_shown(upsampling: NotebookPage) -> None:
    from io import BytesIO

    from PIL import Image

    lab = run_again(upsampling)
    file = BytesIO()
    Image.new("RGB", (40, 20), (0, 255, 0)).save(file, "png")
    before = upsampling.frame(lab)
    chooser = lab.locator("input[type=file]")
    chooser.set_input_files({"name": "g.png", "mimeType": "image/png", "buffer": file.getvalue()})
    upsampling.wait_for_frame(lab, after=before)
    upsampling.settle()
    assert upsampling.panel_pixels(lab, "x")[5, 5].tolist() == [0, 255, 0, 255]
    broken = {"name": "b.png", "mimeType": "image/png", "buffer": file.getvalue()[:60]}
    chooser.set_input_files(broken)
    expect(lab.get_by_role("alert")).not_to_be_empty()
    assert upsampling.state(lab) == "error"
    assert upsampling.panel_pixels(lab, "x")[5, 5].tolist() == [0, 255, 0, 255]


def test_two_labs_live_side_by_side(upsampling: NotebookPage) -> None:
    upsampling.replace_cells(
        "import resample_viz as rv\nfrom IPython.display import display\n"
        "display(rv.UpsamplingLab(), rv.UpsamplingLab(mode='bicubic'))"
    )
    upsampling.run_all()
    first, second = upsampling.lab("upsampling", 0), upsampling.lab("upsampling", 1)
    upsampling.wait_for_frame(first)
    quiet = upsampling.wait_for_frame(second)
    upsampling.move_slider(first, "scale_factor", 5)
    expect(first.locator(".rv-code")).to_contain_text("scale_factor=2.25")
    assert upsampling.frame(second) == quiet


def test_running_the_cell_again_replaces_the_lab(upsampling: NotebookPage) -> None:
    run_again(upsampling)
    for _ in range(3):
        upsampling.run_all()
    lab = upsampling.lab("upsampling")
    upsampling.wait_for_frame(lab)
    expect(upsampling.page.locator(".rv-lab")).to_have_count(1)
    upsampling.move_slider(lab, "scale_factor", 1)
    expect(lab.locator(".rv-code")).to_contain_text("scale_factor=2.05")
