"""Every lab in a real JupyterLab: each control changes the picture, and nothing breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from resample_viz.labs import LABS, Lab
from resample_viz.operations import Parameter, parameters
from tests.browser.notebook_page import NotebookPage, Theme

COUNT_SENT = """() => {
    window.rvSent = 0;
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
        window.rvSent++;
        send.call(this, data);
    };
}"""
OF_AN_OPERATION = [lab for lab in LABS if hasattr(lab, "operation_type")]
MAKE = "import resample_viz as rv\nlab = rv.{}()\nlab"
# All controls once more, in a page that was dark from the start; every preset sees both themes.
SLOW_DARK = pytest.param("dark", marks=pytest.mark.slow)


def open_lab(notebook: NotebookPage, lab: type[Lab], theme: Theme = "light") -> Locator:
    notebook.open_cells(MAKE.format(lab.__name__), theme=theme)
    notebook.run_all()
    shown = notebook.lab(lab.name)
    notebook.wait_for_frame(shown)
    return shown


def seen(notebook: NotebookPage, lab: Locator) -> list[Any]:
    """Everything that a learner sees of a lab's result."""
    canvases = lab.locator("figure.rv-panel")
    names = [canvases.nth(i).get_attribute("data-name") for i in range(canvases.count())]
    pixels = [notebook.panel_pixels(lab, str(name)).tobytes() for name in names]
    texts = [lab.locator(part).inner_text() for part in (".rv-strip", ".rv-code", ".rv-alert")]
    return [*names, *pixels, *texts]


def move(notebook: NotebookPage, lab: Locator, parameter: Parameter, current: str) -> None:
    """Moves one control to another value."""
    if parameter.kind == "number":
        notebook.move_slider(lab, parameter.name, 1 if parameter.whole else 3)
    elif parameter.kind == "switch":
        notebook.toggle(lab, parameter.name)
    else:
        other = next(choice for choice in parameter.choices_for(4) if choice != current)
        notebook.choose(lab, parameter.name, other)


def move_back(notebook: NotebookPage, lab: Locator, parameter: Parameter, current: str) -> None:
    """Undoes `move`."""
    if parameter.kind == "number":
        notebook.move_slider(lab, parameter.name, -1 if parameter.whole else -3)
    elif parameter.kind == "switch":
        notebook.toggle(lab, parameter.name)
    else:
        notebook.choose(lab, parameter.name, current)


@contextmanager
def brought_up(
    notebook: NotebookPage, lab: Locator, kind: type[Lab], parameter: Parameter
) -> Iterator[None]:
    """Puts the control of a parameter on the screen, if another one decides whether it is there."""
    if parameter.instead_of:
        either = f"{parameter.instead_of}-or-{parameter.name}"
        notebook.choose(lab, either, parameter.name)
        yield
        notebook.choose(lab, either, parameter.instead_of)
    elif parameter.when and opening(kind, parameter.when.name) != parameter.when.value:
        other = parameter.when.name
        expect(notebook.control(lab, parameter.name)).to_be_hidden()
        notebook.choose(lab, other, parameter.when.value)
        yield
        notebook.choose(lab, other, opening(kind, other))
    else:
        yield


def opening(kind: type[Lab], name: str) -> str:
    """What the control of a parameter shows when a lab is opened."""
    usual = getattr(kind.operation_type(), name)
    return str(kind.opening.get(name, usual))


@pytest.mark.parametrize("theme", ["light", SLOW_DARK])
@pytest.mark.parametrize("kind", OF_AN_OPERATION, ids=lambda lab: lab.name)
def test_every_control_changes_what_is_painted(
    notebook: NotebookPage, kind: type[Lab], theme: Theme
) -> None:
    lab = open_lab(notebook, kind, theme)
    notebook.screenshot(f"lab-{kind.name}-{theme}", of=lab)
    for parameter in parameters(kind.operation_type):
        if parameter.from_input:
            expect(notebook.control(lab, parameter.name)).to_have_count(0)
            continue
        current = opening(kind, parameter.name)
        with brought_up(notebook, lab, kind, parameter):
            before = seen(notebook, lab)
            move(notebook, lab, parameter, current)
            assert seen(notebook, lab) != before, f"{parameter.name} changed nothing"
            move_back(notebook, lab, parameter, current)
            assert seen(notebook, lab) == before, f"{parameter.name} did not come back"
    lab.get_by_role("button", name=kind.presets[0].name).click()
    notebook.settle()
    assert notebook.state(lab) == "ok"


@pytest.mark.parametrize("kind", LABS, ids=lambda lab: lab.name)
def test_every_preset_paints_its_point(notebook: NotebookPage, kind: type[Lab]) -> None:
    lab = open_lab(notebook, kind)
    views = []
    for preset in kind.presets:
        lab.get_by_role("button", name=preset.name).click()
        expect(lab.locator(".rv-hint")).to_have_text(preset.look)
        assert notebook.state(lab) == "ok"
        views.append(seen(notebook, lab))
        notebook.screenshot(f"lab-{kind.name}-{preset.name.replace(' ', '-')}", of=lab)
    assert all(views[i] != views[j] for i in range(len(views)) for j in range(i))
    notebook.change_theme("dark")
    assert notebook.state(lab) == "ok"
    notebook.screenshot(f"lab-{kind.name}-turned-dark", of=lab)


def test_painted_pixels_are_the_tensors_values(notebook: NotebookPage) -> None:
    lab = open_lab(notebook, LABS[0])
    expected = LABS[0]().output[0].clamp(0, 1).mul(255).round().permute(1, 2, 0).numpy()
    painted = notebook.panel_pixels(lab, "y")[..., :3]
    assert painted.shape == expected.shape
    assert abs(painted.astype(float) - expected).max() <= 1  # 8 bits, rounded twice


def test_an_impossible_setting_dims_the_picture_and_says_why(notebook: NotebookPage) -> None:
    lab = open_lab(notebook, LABS[0])
    before = notebook.panel_pixels(lab, "y")
    notebook.choose(lab, "mode", "nearest")
    notebook.toggle(lab, "align_corners")
    assert notebook.state(lab) == "error"
    alert = lab.get_by_role("alert")
    expect(alert).to_contain_text("align_corners=True has no meaning for mode 'nearest'")
    dimmed = lab.locator(".rv-panels").evaluate("node => Number(getComputedStyle(node).opacity)")
    assert dimmed < 1
    notebook.choose(lab, "mode", "bilinear")
    assert notebook.state(lab) == "ok"
    assert notebook.panel_pixels(lab, "y").shape == before.shape


def test_a_hard_drag_ends_in_the_state_of_the_slider(notebook: NotebookPage) -> None:
    lab = open_lab(notebook, LABS[0])
    handle = notebook.control(lab, "scale_factor").locator(".noUi-handle:visible")
    for key in ("ArrowRight", "ArrowLeft", "ArrowRight"):
        for _ in range(40):
            handle.press(key)
    notebook.settle()
    value = notebook.control(lab, "scale_factor").locator(".widget-readout").first.inner_text()
    expect(lab.locator(".rv-code")).to_contain_text(f"scale_factor={float(value)}")


def test_hovering_asks_nothing_of_the_kernel(notebook: NotebookPage) -> None:
    lab = open_lab(notebook, LABS[0])
    notebook.page.evaluate(COUNT_SENT)
    screen = notebook.panel(lab, "y").locator(".rv-screen")
    for x in range(20, 120, 5):
        screen.hover(position={"x": x, "y": x})
    assert notebook.panel(lab, "y").get_attribute("data-hover")
    expect(lab.locator(".rv-sentence")).to_contain_text("from 4 input cells")
    assert notebook.page.evaluate("window.rvSent") == 0


def test_a_cell_of_a_small_grid_can_be_edited_in_place(notebook: NotebookPage) -> None:
    notebook.open_cells(
        "import resample_viz as rv\n"
        "lab = rv.UpsamplingLab(image='integer_grid', size=4, mode='nearest')\nlab"
    )
    notebook.run_all()
    lab = notebook.lab("upsampling")
    before = notebook.wait_for_frame(lab)
    screen = notebook.panel(lab, "x").locator(".rv-screen")
    screen.focus()
    screen.press("ArrowRight")
    screen.press("7")
    screen.locator("input").press("5")
    screen.locator("input").press("Enter")
    notebook.wait_for_frame(lab, after=before)
    screen.press("ArrowRight")
    screen.press("ArrowLeft")
    expect(lab.locator(".rv-sentence")).to_contain_text("value = 75")


def test_the_learners_own_picture_is_shown(notebook: NotebookPage) -> None:
    from io import BytesIO

    from PIL import Image

    lab = open_lab(notebook, LABS[0])
    file = BytesIO()
    Image.new("RGB", (40, 20), (0, 255, 0)).save(file, "png")
    before = notebook.frame(lab)
    chooser = lab.locator("input[type=file]")
    chooser.set_input_files({"name": "g.png", "mimeType": "image/png", "buffer": file.getvalue()})
    notebook.wait_for_frame(lab, after=before)
    notebook.settle()
    assert notebook.panel_pixels(lab, "x")[5, 5].tolist() == [0, 255, 0, 255]
    broken = {"name": "b.png", "mimeType": "image/png", "buffer": file.getvalue()[:60]}
    chooser.set_input_files(broken)
    expect(lab.get_by_role("alert")).not_to_be_empty()
    assert notebook.state(lab) == "error"
    assert notebook.panel_pixels(lab, "x")[5, 5].tolist() == [0, 255, 0, 255]


def test_two_labs_live_side_by_side(notebook: NotebookPage) -> None:
    notebook.open_cells(
        "import resample_viz as rv\nfrom IPython.display import display\n"
        "display(rv.UpsamplingLab(), rv.UpsamplingLab(mode='bicubic'))"
    )
    notebook.run_all()
    first, second = notebook.lab("upsampling", 0), notebook.lab("upsampling", 1)
    notebook.wait_for_frame(first)
    quiet = notebook.wait_for_frame(second)
    notebook.move_slider(first, "scale_factor", 5)
    expect(first.locator(".rv-code")).to_contain_text("scale_factor=2.25")
    assert notebook.frame(second) == quiet


def test_running_the_cell_again_replaces_the_lab(notebook: NotebookPage) -> None:
    open_lab(notebook, LABS[0])
    for _ in range(3):
        notebook.run_all()
    lab = notebook.lab("upsampling")
    notebook.wait_for_frame(lab)
    expect(notebook.page.locator(".rv-lab")).to_have_count(1)
    notebook.move_slider(lab, "scale_factor", 1)
    expect(lab.locator(".rv-code")).to_contain_text("scale_factor=2.05")


def test_a_reloaded_page_gets_its_lab_back(notebook: NotebookPage) -> None:
    path = notebook.server.write_notebook([MAKE.format("UpsamplingLab")])
    notebook.open(path)
    notebook.run_all()
    lab = notebook.lab("upsampling")
    notebook.wait_for_frame(lab)
    notebook.move_slider(lab, "scale_factor", 2)
    painted = notebook.panel_pixels(lab, "y")
    notebook.save()
    notebook.open(path)
    notebook.wait_for_frame(lab)
    assert (notebook.panel_pixels(lab, "y") == painted).all()


def test_after_a_kernel_restart_hovering_works_and_the_rest_says_so(
    notebook: NotebookPage,
) -> None:
    lab = open_lab(notebook, LABS[0])
    notebook.restart_kernel()
    expect(lab.get_by_role("alert")).to_contain_text("run the cell again")
    notebook.panel(lab, "y").locator(".rv-screen").hover(position={"x": 50, "y": 50})
    expect(lab.locator(".rv-sentence")).to_contain_text("from 4 input cells")
    notebook.run_all()
    notebook.wait_for_frame(lab)
    notebook.move_slider(lab, "scale_factor", 1)
    expect(lab.locator(".rv-code")).to_contain_text("scale_factor=2.05")
