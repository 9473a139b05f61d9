"""The stage alone in a browser: frames from Python, a fake model instead of a kernel."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect
from torch import Tensor

from resample_viz.operations import Upsample
from resample_viz.view import ChartPanel, Frame, IndexPanel, Link, Merit, Panel, Step
from resample_viz.view.colors import palette
from tests.browser.notebook_page import PIXELS
from tests.browser.show import JUPYTER, Show

X = torch.arange(12.0).view(1, 3, 4) / 12
MAGENTA = (255, 0, 255)


def up(x: Tensor = X, editable: bool = True, **settings: Any) -> Frame:
    """Input, output and index map of a real operation."""
    operation = Upsample(**{"scale_factor": 2.0, "mode": "bilinear", **settings})
    footprint = operation.footprint((1, *x.shape))
    rows, cols = footprint.axes
    y = operation(x[None])[0]
    return Frame(
        (
            Panel("x", "Input x", "input", x, editable=editable, caption="the input"),
            Panel("y", "Output y", "output", y),
            IndexPanel("i", "Index", rows.positions, cols.positions, x.shape[1:], like="y"),
        ),
        links=(Link("x", "y", footprint.axes),),
        strip=(Step("x", (1, *x.shape), "input"), Step("Upsample"), Step("y", (1, *y.shape))),
        code=operation.code(),
        merits=(Merit("PSNR", "31.2 dB", "higher is better"),),
        hint="look here",
    )


def single(tensor: Tensor, role: Any = "output", **more: Any) -> Frame:
    return Frame((Panel("p", "P", role, tensor, **more),))


def panel(view: Locator, name: str) -> Locator:
    return view.locator(f"figure.rv-panel[data-name={name}]")


def screen(view: Locator, name: str) -> Locator:
    return panel(view, name).locator(".rv-screen")


def pixels(view: Locator, name: str, canvas: str = "cells") -> np.ndarray:
    height, width, text = panel(view, name).locator(f"canvas.rv-{canvas}").evaluate(PIXELS)
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)


def point(view: Locator, name: str, row: int, col: int, cells: tuple[int, int]) -> None:
    """Moves the mouse to the middle of a cell."""
    target = screen(view, name)
    target.scroll_into_view_if_needed()
    box = target.locator(".rv-cells").bounding_box()
    assert box
    x = box["x"] + box["width"] * (col + 0.5) / cells[1]
    y = box["y"] + box["height"] * (row + 0.5) / cells[0]
    target.page.mouse.move(x, y)


def gray(tensor: Tensor) -> np.ndarray:
    shades = (tensor.double().clamp(0, 1) * 255).numpy()
    return np.rint(shades)


# Painting


def test_the_canvas_has_one_pixel_for_each_value(show: Show) -> None:
    view = show.open(up())
    painted = pixels(view, "x")
    assert painted.shape == (3, 4, 4)
    assert np.abs(painted[..., 0] - gray(X[0])).max() <= 0.5
    assert (painted[..., 3] == 255).all()
    assert pixels(view, "y").shape == (6, 8, 4)
    assert len(np.unique(pixels(view, "i").reshape(-1, 4), axis=0)) > 20


def test_colours_are_painted_as_they_are(show: Show) -> None:
    tensor = torch.rand(3, 90, 70, generator=torch.Generator().manual_seed(1))
    painted = pixels(show.open(single(tensor)), "p")[..., :3]
    wanted = tensor.permute(1, 2, 0).double().numpy() * 255
    assert np.abs(painted - wanted).max() <= 1.01  # 8 bits for the values, 8 for the shades


def test_one_channel_takes_the_colours_of_its_palette(show: Show) -> None:
    ramp = torch.linspace(0, 1, 256).view(1, 16, 16)
    painted = pixels(show.open(single(ramp, "error", colormap="magma")), "p")[..., :3]
    assert painted.reshape(-1, 3).tobytes() == palette("magma")


def test_a_chart_is_painted_pixel_for_pixel(show: Show) -> None:
    colors = np.array([[255, 255, 255], [1, 2, 3], [200, 100, 0]], np.uint8)
    picture = np.random.default_rng(0).integers(0, 3, (20, 31)).astype(np.uint8)
    view = show.open(Frame((ChartPanel("c", "Chart", picture, colors, "a chart"),)))
    assert np.array_equal(pixels(view, "c")[..., :3], colors[picture])


def test_a_painted_frame_raises_the_counter(show: Show) -> None:
    view = show.open(up())
    root = view.locator(".rv-stage")
    expect(root).to_have_attribute("data-frame", "1")
    show.again(up(mode="nearest"))
    expect(root).to_have_attribute("data-frame", "2")
    expect(root).to_have_attribute("data-state", "ok")


def test_the_counter_is_raised_after_the_pixels_are_there(show: Show) -> None:
    view = show.open(single(torch.zeros(1, 2, 2)))
    view.evaluate("""el => {
        window.seen = [];
        const root = el.querySelector('.rv-stage');
        const canvas = el.querySelector('canvas.rv-cells');
        new MutationObserver(() => {
            const [red] = canvas.getContext('2d').getImageData(0, 0, 1, 1).data;
            window.seen.push([root.dataset.frame, red, el.querySelector('.rv-hint').textContent]);
        }).observe(root, {attributeFilter: ['data-frame']});
    }""")
    for number in (1, 2, 3):
        show.again(Frame(single(torch.full((1, 2, 2), number / 5)).panels, hint=f"hint {number}"))
    expected = [[str(number + 1), 51 * number, f"hint {number}"] for number in (1, 2, 3)]
    assert show.page.page.evaluate("() => window.seen") == expected


def test_figures_stay_the_same_nodes_from_frame_to_frame(show: Show) -> None:
    view = show.open(up())
    view.evaluate("el => { window.before = [...el.querySelectorAll('figure, canvas')]; }")
    show.again(up(scale_factor=3.0))
    assert pixels(view, "y").shape == (9, 12, 4)
    assert view.evaluate("""el => [...el.querySelectorAll('figure, canvas')]
        .every((node, i) => node === window.before[i])""")
    show.again(Frame(tuple(reversed(up().panels[:2]))))
    assert view.locator("figure").evaluate_all("all => all.map(f => f.dataset.name)") == ["y", "x"]
    assert view.locator("figure").evaluate_all("all => all.every(f => window.before.includes(f))")


def test_the_same_codes_are_painted_anew_when_they_mean_other_values(show: Show) -> None:
    view = show.open(single(torch.full((1, 80, 80), 0.2)))
    show.again(single(torch.full((1, 80, 80), 0.8)))
    assert np.unique(pixels(view, "p")[..., 0]) == [204]
    show.again(single(torch.full((1, 80, 80), 0.8), colormap="magma"))
    wanted = np.frombuffer(palette("magma"), np.uint8).reshape(-1, 3)[204]
    assert (pixels(view, "p")[..., :3] == wanted).all()


def test_operations_in_a_row_have_one_arrow_between_them(show: Show) -> None:
    steps = (Step("x", (1, 1, 3, 4), "input"), Step("Conv"), Step("MaxPool"))
    view = show.open(replace(up(), strip=(*steps, Step("y", (1, 1, 1, 2), "output"))))
    expect(view.locator(".rv-strip")).to_have_text("x (1, 1, 3, 4)→ Conv→ MaxPool →y (1, 1, 1, 2)")


def test_words_numbers_and_shapes_stand_beside_the_panels(show: Show) -> None:
    view = show.open(up())
    expect(view.locator(".rv-strip")).to_have_text("x (1, 1, 3, 4)→ Upsample →y (1, 1, 6, 8)")
    expect(view.locator(".rv-code code")).to_have_text(show.stage.frame["code"])
    expect(view.locator(".rv-merits dt")).to_have_text("PSNR")
    expect(view.locator(".rv-merits dd")).to_have_text("31.2 dB")
    expect(view.locator(".rv-hint")).to_have_text("look here")
    expect(panel(view, "x").locator(".rv-caption")).to_have_text("the input")


# Values outside the range


def test_values_outside_the_range_are_magenta_until_that_is_turned_off(show: Show) -> None:
    tensor = torch.tensor([[[-0.5, 0.0, 0.5, 1.0, 1.5]]])
    view = show.open(single(tensor))
    is_magenta = (pixels(view, "p")[0, :, :3] == MAGENTA).all(-1)
    assert is_magenta.tolist() == [True, False, False, False, True]
    view.get_by_label("magenta").uncheck()
    show.page.frames(3)
    assert pixels(view, "p")[0, :, 0].tolist() == [0, 0, 128, 255, 255]
    assert show.page.saved == []


def test_the_checkbox_is_there_only_when_a_value_is_outside(show: Show) -> None:
    view = show.open(single(torch.tensor([[[0.0, 1.0]]])))
    expect(view.locator(".rv-marker")).to_be_hidden()
    show.again(single(torch.tensor([[[0.0, 1.1]]])))
    expect(view.locator(".rv-marker")).to_be_visible()


# Pointing


def test_an_output_cell_names_its_sources_without_the_kernel(show: Show) -> None:
    view = show.open(up())
    before = pixels(view, "x", "overlay")
    point(view, "y", 2, 3, (6, 8))
    expect(panel(view, "y")).to_have_attribute("data-hover", "2,3")
    sentence = view.locator(".rv-sentence")
    expect(sentence).to_have_attribute("aria-live", "polite")
    values = {cell: float(X[0][cell]) for cell in ((0, 1), (0, 2), (1, 1), (1, 2))}
    weights = {(1, 1): 0.5625, (0, 1): 0.1875, (1, 2): 0.1875, (0, 2): 0.0625}
    for cell, weight in weights.items():
        expect(sentence).to_contain_text(f"{weight}·{round(values[cell], 4):g}")
    total = float(Upsample(scale_factor=2.0, mode="bilinear")(X[None])[0, 0, 2, 3])
    expect(sentence).to_contain_text(f"= {total:.4f}. PyTorch: {total:.4f}.")
    expect(sentence).to_contain_text("from 4 input cells")
    assert (pixels(view, "x", "overlay") != before).any()
    expect(view.locator(".rv-loupe")).to_be_visible()
    assert show.page.saved == []
    assert show.page.sent == []


def test_an_input_cell_names_its_outputs(show: Show) -> None:
    view = show.open(up())
    before = pixels(view, "y", "overlay")
    point(view, "x", 1, 2, (3, 4))
    expect(panel(view, "x")).to_have_attribute("data-hover", "1,2")
    expect(view.locator(".rv-sentence")).to_contain_text(
        "Input row 1, column 2: value = 0.5, reaches 16 output cells, with weights that sum to 4"
    )
    assert (pixels(view, "y", "overlay") != before).any()
    assert show.page.saved == []


def test_the_loupe_shows_what_an_input_cell_adds(show: Show) -> None:
    view = show.open(up(mode="nearest"))
    show.page.page.evaluate(
        """() => {
            window.written = [];
            const {fillText} = CanvasRenderingContext2D.prototype;
            CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
                if (this.canvas.className === 'rv-loupe') window.written.push(text);
                fillText.call(this, text, ...place);
            };
        }"""
    )
    point(view, "x", 1, 2, (3, 4))
    expect(view.locator(".rv-loupe")).to_be_visible()
    assert set(show.page.page.evaluate("window.written")) == {"×1", "+0.5"}


def test_an_input_cell_that_is_never_read_is_said_to_be_lost(show: Show) -> None:
    view = show.open(up(scale_factor=0.5, mode="nearest"))
    point(view, "x", 0, 1, (3, 4))
    expect(view.locator(".rv-sentence")).to_contain_text("reaches no output cell: it is never read")


def test_the_index_map_shares_the_cells_of_the_output(show: Show) -> None:
    view = show.open(up())
    point(view, "i", 0, 7, (6, 8))
    expect(panel(view, "i")).to_have_attribute("data-hover", "0,7")
    expect(view.locator(".rv-sentence")).to_contain_text("from 1 input cell")


def test_leaving_a_panel_ends_the_highlight(show: Show) -> None:
    view = show.open(up())
    plain = pixels(view, "x", "overlay")
    point(view, "y", 2, 3, (6, 8))
    expect(panel(view, "y")).to_have_attribute("data-hover", "2,3")
    show.page.page.mouse.move(1, 1)
    expect(view.locator("[data-hover]")).to_have_count(0)
    assert np.array_equal(pixels(view, "x", "overlay"), plain)


# The keyboard


def test_arrow_keys_walk_from_cell_to_cell(show: Show) -> None:
    view = show.open(up())
    screen(view, "y").focus()
    keyboard = show.page.page.keyboard
    for key, cell in (
        ("ArrowRight", "0,0"),
        ("ArrowRight", "0,1"),
        ("ArrowDown", "1,1"),
        ("End", "1,7"),
        ("ArrowRight", "1,7"),
        ("PageDown", "5,7"),
        ("Home", "5,0"),
        ("ArrowLeft", "5,0"),
        ("PageUp", "0,0"),
    ):
        keyboard.press(key)
        expect(panel(view, "y")).to_have_attribute("data-hover", cell)
    assert show.page.saved == []


def test_enter_pins_a_cell_and_escape_frees_it(show: Show) -> None:
    view = show.open(up())
    root = view.locator(".rv-stage")
    screen(view, "y").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        show.page.page.keyboard.press(key)
    expect(root).to_have_attribute("data-pinned", "true")
    point(view, "x", 1, 1, (3, 4))
    expect(panel(view, "y")).to_have_attribute("data-hover", "1,0")
    expect(panel(view, "x")).not_to_have_attribute("data-hover", re.compile(".*"))
    show.page.page.keyboard.press("Escape")
    expect(root).to_have_attribute("data-pinned", "false")
    expect(view.locator("[data-hover]")).to_have_count(0)


def test_a_press_that_ends_elsewhere_pins_nothing(show: Show) -> None:
    view = show.open(up())
    mouse = show.page.page.mouse
    point(view, "y", 2, 3, (6, 8))
    mouse.down()
    mouse.move(1, 1)
    mouse.up()
    mouse.down()
    point(view, "y", 4, 4, (6, 8))
    mouse.up()
    expect(panel(view, "y")).to_have_attribute("data-hover", "4,4")
    expect(view.locator(".rv-stage")).to_have_attribute("data-pinned", "false")


def test_a_pinned_cell_stays_pinned_in_a_smaller_frame(show: Show) -> None:
    view = show.open(up())
    point(view, "y", 5, 7, (6, 8))
    show.page.page.mouse.down()
    show.page.page.mouse.up()
    show.again(up(scale_factor=1.0))
    expect(panel(view, "y")).to_have_attribute("data-hover", "2,3")
    expect(view.locator(".rv-stage")).to_have_attribute("data-pinned", "true")


# Editing


def test_a_number_typed_into_a_cell_is_one_edit(show: Show) -> None:
    view = show.open(up())
    screen(view, "x").focus()
    keyboard = show.page.page.keyboard
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "7", ".", "5", "Enter"):
        keyboard.press(key)
    expect(view.locator(".rv-edit")).to_have_count(0)
    assert show.page.saved == [{"edit": {"panel": "x", "row": 1, "col": 1, "value": 7.5, "n": 1}}]
    expect(screen(view, "x")).to_be_focused()


def test_every_edit_has_a_number_of_its_own(show: Show) -> None:
    view = show.open(up())
    screen(view, "x").focus()
    for key in ("ArrowRight", "5", "Enter", "5", "Enter"):
        show.page.page.keyboard.press(key)
    assert [saved["edit"]["n"] for saved in show.page.saved] == [1, 2]


@pytest.mark.parametrize("keys", [["1", "Escape"], ["1", "Backspace", "Enter"]])
def test_what_is_left_is_no_edit(show: Show, keys: list[str]) -> None:
    view = show.open(up())
    screen(view, "x").focus()
    for key in keys:
        show.page.page.keyboard.press(key)
    expect(view.locator(".rv-edit")).to_have_count(0)
    assert show.page.saved == []


@pytest.mark.parametrize("typed", ["-", "1..", "1/0", "1/", "0x", "5 6"])
def test_what_is_no_number_is_told_and_sent_nowhere(show: Show, typed: str) -> None:
    view = show.open(up())
    screen(view, "x").focus()
    for key in [*typed, "Enter"]:
        show.page.page.keyboard.press(key)
    expect(view.get_by_role("alert")).to_contain_text(f'"{typed}" is no number')
    expect(view.locator(".rv-edit")).to_have_count(0)
    assert show.page.saved == []


@pytest.mark.parametrize(("typed", "value"), [("1/4", 0.25), ("1,5", 1.5), ("-2e-1", -0.2)])
def test_numbers_are_typed_as_people_write_them(show: Show, typed: str, value: float) -> None:
    view = show.open(up())
    screen(view, "x").focus()
    for key in [*typed, "Enter"]:
        show.page.page.keyboard.press(key)
    assert [saved["edit"]["value"] for saved in show.page.saved] == [value]


def test_only_editable_panels_are_typed_into(show: Show) -> None:
    view = show.open(up())
    screen(view, "y").focus()
    show.page.page.keyboard.press("7")
    screen(view, "y").dblclick()
    expect(view.locator(".rv-edit")).to_have_count(0)
    screen(view, "x").dblclick()
    expect(view.locator(".rv-edit")).to_be_focused()


# Refusals, uploads, the kernel


def test_a_refusal_is_an_alert_over_dimmed_panels(show: Show) -> None:
    view = show.open(up())
    before = pixels(view, "y")
    alert = view.get_by_role("alert")
    expect(alert).to_be_hidden()
    show.stage.refuse("scale_factor must be positive: try 2.")
    show.again()
    expect(alert).to_have_text("scale_factor must be positive: try 2.")
    expect(view.locator(".rv-stage")).to_have_attribute("data-state", "error")
    expect(view.locator(".rv-panels")).to_have_css("opacity", "0.45")
    assert np.array_equal(pixels(view, "y"), before)
    show.again(up())
    expect(alert).to_be_hidden()
    expect(view.locator(".rv-panels")).to_have_css("opacity", "1")


def test_what_a_refusal_suggests_is_a_button(show: Show) -> None:
    view = show.open(up())
    show.stage.refuse("mode 'lanczos' needs antialias=True.", ["antialias=True"])
    show.again()
    view.get_by_role("button", name="Use antialias=True").click()
    assert show.page.saved == [{"way_out": {"label": "antialias=True", "n": 1}}]
    show.again(up())
    expect(view.locator(".rv-way-out")).to_have_count(0)


def chosen(view: Locator, size: int) -> None:
    file = {"name": "mine.png", "mimeType": "image/png", "buffer": bytes(range(size))}
    view.locator("input[type=file]").set_input_files([file])


def test_a_file_that_is_too_large_is_refused_in_the_browser(show: Show) -> None:
    view = show.open(up(), max_upload=99)
    chosen(view, 100)
    expect(view.get_by_role("alert")).to_contain_text("mine.png has 0.0 MB, more than the")
    expect(view.locator(".rv-stage")).to_have_attribute("data-state", "error")
    assert show.page.saved == []


def test_a_small_file_is_sent_once_as_bytes(show: Show) -> None:
    view = show.open(up(), max_upload=100)
    chosen(view, 100)
    show.page.page.wait_for_function("() => window.fakeWidget.model.saved.length > 0")
    assert show.page.saved == [{"upload": {"name": "mine.png", "data": bytes(range(100))}}]
    expect(view.get_by_role("alert")).to_be_hidden()
    assert view.locator("input[type=file]").input_value() == ""  # the same file may come again


def test_a_file_can_be_dropped_anywhere_on_the_stage(show: Show) -> None:
    view = show.open(up())
    prevented = panel(view, "y").evaluate("""figure => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([Uint8Array.of(1, 2, 3)], 'dropped.png'));
        return ['dragover', 'drop'].map(type => !figure.dispatchEvent(
            new DragEvent(type, {dataTransfer, bubbles: true, cancelable: true})));
    }""")
    assert prevented == [True, True], "or the browser would leave the notebook for the picture"
    show.page.page.wait_for_function("() => window.fakeWidget.model.saved.length > 0")
    assert show.page.saved == [{"upload": {"name": "dropped.png", "data": bytes((1, 2, 3))}}]


def test_a_lost_kernel_is_told_and_hovering_goes_on(show: Show) -> None:
    view = show.open(up())
    show.page.page.evaluate("() => window.fakeWidget.model.trigger('comm_live_update')")
    expect(view.get_by_role("alert")).to_contain_text("The kernel was restarted or closed.")
    point(view, "y", 2, 3, (6, 8))
    expect(panel(view, "y")).to_have_attribute("data-hover", "2,3")


# Views


def test_two_views_of_one_model_follow_it_each_with_its_own_pointer(show: Show) -> None:
    first = show.open(up())
    second = show.painted(show.page.add_view())
    point(first, "y", 2, 3, (6, 8))
    expect(panel(first, "y")).to_have_attribute("data-hover", "2,3")
    expect(second.locator("[data-hover]")).to_have_count(0)
    show.again(up(mode="nearest"))
    assert np.array_equal(pixels(first, "y"), pixels(second, "y"))


def test_a_closed_view_leaves_nothing_behind(show: Show) -> None:
    first = show.open(up())
    listeners = show.page.listeners
    second = show.painted(show.page.add_view())
    assert show.page.listeners == 2 * listeners > 0
    show.page.close_view(0)
    expect(first.locator(":scope > *")).to_have_count(0)
    assert show.page.listeners == listeners
    show.again(up(mode="nearest"))
    assert pixels(second, "y").shape == (6, 8, 4)
    show.page.close_view(1)
    assert show.page.listeners == 0
    show.page.page.evaluate("() => { document.body.dataset.jpThemeLight = 'false'; }")
    show.page.frames(3)
    assert show.page.saved == []


# Large panels


@pytest.mark.parametrize(("rows", "cols"), [(300, 1), (1, 300), (400, 30)])
def test_a_long_panel_stays_on_the_screen_with_square_cells(
    show: Show, rows: int, cols: int
) -> None:
    view = show.open(single(torch.linspace(0, 1, rows * cols).view(1, rows, cols)))
    box = screen(view, "p").bounding_box()
    assert box
    assert box["height"] <= 640
    assert box["height"] / box["width"] == pytest.approx(rows / cols, rel=0.05)
    assert pixels(view, "p").shape == (rows, cols, 4)
    screen(view, "p").focus()
    for key in ("ArrowDown", "End", "PageDown"):
        show.page.page.keyboard.press(key)
    expect(panel(view, "p")).to_have_attribute("data-hover", f"{rows - 1},{cols - 1}")


def test_a_large_panel_is_cropped_to_the_screen_and_dragged(show: Show) -> None:
    columns = torch.linspace(0, 1, 900).expand(1, 900, 900)
    view = show.open(single(columns))
    width = screen(view, "p").evaluate("el => el.clientWidth")
    before = pixels(view, "p")
    assert before.shape[:2] == (min(width, 400),) * 2
    box = screen(view, "p").bounding_box()
    assert box
    mouse = show.page.page.mouse
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x - 40, y, steps=4)
    show.page.frames(3)
    after = pixels(view, "p")
    assert after[0, 0, 0] > before[0, 0, 0]  # further to the right
    assert show.page.saved == []
    mouse.up()
    (saved,) = show.page.saved
    assert saved["centre"][0] == 0.5
    assert saved["centre"][1] == pytest.approx(0.5 + 40 / 900, abs=0.01)


def test_walking_beyond_the_shown_part_asks_for_the_rest(show: Show) -> None:
    view = show.open(single(torch.linspace(0, 1, 900).expand(1, 900, 900)))
    screen(view, "p").focus()
    for key in ("ArrowDown", "End"):
        show.page.page.keyboard.press(key)
    (saved,) = show.page.saved
    assert saved["centre"][1] == pytest.approx(1, abs=0.001)
    show.stage.centre = saved["centre"]
    show.again(single(torch.linspace(0, 1, 900).expand(1, 900, 900)))
    assert pixels(view, "p")[0, -1, 0] == 255


# Theme, copying


@pytest.mark.parametrize(("light", "dark"), [("true", False), ("false", True)])
def test_the_theme_of_the_page_is_reported(show: Show, light: str, dark: bool) -> None:
    show.open(up(), dark=not dark)
    show.page.page.evaluate("v => { document.body.dataset.jpThemeLight = v; }", light)
    show.page.page.wait_for_function(
        "dark => window.fakeWidget.model.get('dark') === dark", arg=dark
    )
    assert show.page.saved[-1] == {"dark": dark}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_outside_jupyter_the_browsers_own_theme_counts(show: Show, scheme: Any) -> None:
    show.page.page.emulate_media(color_scheme=scheme)
    show.open(up(), dark=scheme == "light")
    assert show.page.saved == [{"dark": scheme == "dark"}]


@pytest.mark.parametrize(("ground", "dark"), [("#fff", False), ("#212121", True)])
def test_a_theme_that_only_sets_colours_is_judged_by_its_ground(
    show: Show, ground: str, dark: bool
) -> None:
    show.open(up(), dark=not dark)
    show.page.page.add_style_tag(content=f":root {{ --jp-layout-color1: {ground}; }}")
    show.page.page.evaluate("() => document.body.classList.add('a-theme')")
    show.page.page.wait_for_function(
        "dark => window.fakeWidget.model.get('dark') === dark", arg=dark
    )


CLIPBOARD = """() => Object.defineProperty(navigator, 'clipboard', {configurable: true,
    value: {writeText: async text => { window.copied = text; }}})"""
PLAIN_HTTP = """() => {
    Object.defineProperty(navigator, 'clipboard', {configurable: true, value: undefined});
    document.addEventListener('copy', () => { window.copied = document.activeElement.value; });
}"""


@pytest.mark.parametrize("clipboard", [CLIPBOARD, PLAIN_HTTP], ids=["https", "plain http"])
def test_the_copy_button_copies_the_whole_program(show: Show, clipboard: str) -> None:
    program = "import torch\ny = up(x)"
    view = show.open(up(), copy=program)
    show.page.page.evaluate(clipboard)
    button = view.locator("button.rv-copy")
    expect(button).to_have_text("Copy")
    button.click()
    expect(button).to_have_text("Copied")
    assert show.page.page.evaluate("() => window.copied") == program
    expect(view.locator("textarea")).to_have_count(0)
    show.page.page.mouse.move(1, 1)
    expect(button).to_have_text("Copy")


# Accessibility


def test_every_screen_has_words_and_can_be_reached_with_the_keyboard(show: Show) -> None:
    view = show.open(up())
    screens = view.locator(".rv-screen")
    alts = [meta["alt"] for meta in show.stage.frame["panels"]]
    assert screens.evaluate_all("all => all.map(s => s.getAttribute('aria-label'))") == alts
    assert all(alts)
    assert screens.evaluate_all("all => all.map(s => s.tabIndex)") == [0] * len(alts)
    assert view.locator("canvas:not([aria-hidden=true])").count() == 0


def luminance(rgb: np.ndarray) -> float:
    """Relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(ink: list[float], ground: list[float]) -> float:
    below = np.array(ground[:3]) / 255
    above = np.array(ink[:3]) / 255 * ink[3] + below * (1 - ink[3])
    darker, lighter = sorted((luminance(above), luminance(below)))
    return (lighter + 0.05) / (darker + 0.05)


COLOURS = """node => {
    const parse = text => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
                            return [r, g, b, a]; };
    const ink = parse(getComputedStyle(node).color);
    for (let at = node; at; at = at.parentElement) {
        const ground = parse(getComputedStyle(at).backgroundColor);
        if (ground[3] === 1) return [ink, ground];
    }
    return [ink, [255, 255, 255, 1]];
}"""


READ = (
    ".rv-caption",
    ".rv-hint",
    ".rv-sentence",
    ".rv-merits dt",
    ".rv-title",
    ".rv-strip .rv-op",
    ".rv-code code",
    ".rv-copy",
    ".rv-formula",
    ".rv-own",
)


@pytest.mark.parametrize("theme", JUPYTER)
@pytest.mark.parametrize("ground", ["--jp-layout-color0", "--jp-layout-color1"])
def test_words_can_be_read_in_both_themes(show: Show, theme: str, ground: str) -> None:
    view = show.open(up())
    rules = "".join(f"{name}: {value};" for name, value in JUPYTER[theme].items())
    show.page.page.add_style_tag(
        content=f":root {{ {rules} }} body {{ background: var({ground}); }}"
    )
    found = {what: contrast(*view.locator(what).first.evaluate(COLOURS)) for what in READ}
    assert {what: ratio for what, ratio in found.items() if ratio < 4.5} == {}


def test_a_large_error_is_not_painted_as_a_value_that_is_clipped(show: Show) -> None:
    error = Panel("e", "Error", "error", torch.full((1, 2, 2), 3.0), (0, 1), colormap="magma")
    view = show.open(Frame((error,)))
    assert pixels(view, "e")[0, 0, :3].tolist() != [255, 0, 255]
    expect(view.locator(".rv-marker")).to_be_hidden()


TABLE = Panel(
    "t",
    "Table",
    "error",
    torch.tensor([[[0.0, 12.5], [float("nan"), 3.0]]]),
    (0.0, 32.0),
    "magma",
    names=(("first", "second"), ("one", "other")),
    unit="levels",
    pickable=True,
    picked=(1, 0),
)


def test_a_table_tells_what_its_cells_compare(show: Show) -> None:
    view = show.open(Frame((TABLE,)))
    expect(view.locator(".rv-names li")).to_have_text(["first", "second"])
    expect(view.locator(".rv-names .rv-picked")).to_have_text("second")
    screen(view, "t").focus()
    for key, words in (
        ("ArrowRight", "first against one: 0 levels."),
        ("ArrowRight", "first against other: 12.5 levels."),
        ("ArrowDown", "second against other: 3 levels."),
        ("ArrowLeft", "second against one: not computed."),
    ):
        screen(view, "t").press(key)
        expect(view.locator(".rv-sentence")).to_contain_text(words)


def test_a_click_or_enter_on_a_table_is_reported_and_pins_nothing(show: Show) -> None:
    view = show.open(Frame((TABLE,)))
    box = screen(view, "t").bounding_box()
    assert box
    screen(view, "t").click(position={"x": box["width"] * 0.75, "y": box["height"] * 0.25})
    assert show.page.saved == [{"picked": {"panel": "t", "row": 0, "col": 1, "n": 1}}]
    screen(view, "t").press("ArrowDown")
    screen(view, "t").press("Enter")
    assert show.page.saved[1:] == [{"picked": {"panel": "t", "row": 1, "col": 1, "n": 2}}]
    expect(view.locator(".rv-stage")).to_have_attribute("data-pinned", "false")


def test_the_cell_that_was_picked_is_outlined(show: Show) -> None:
    view = show.open(Frame((replace(TABLE, picked=None),)))
    plain = pixels(view, "t", "overlay")
    show.again(Frame((TABLE,)))
    marked = (pixels(view, "t", "overlay") != plain).any(-1)
    height, width = marked.shape
    assert marked[height // 2 + 2 :, : width // 2 - 2].any()
    assert not marked[: height // 2 - 6, width // 2 + 6 :].any()


def test_other_panels_report_no_clicks(show: Show) -> None:
    view = show.open(up())
    screen(view, "y").click(position={"x": 20, "y": 20})
    assert show.page.saved == []
    expect(view.locator(".rv-stage")).to_have_attribute("data-pinned", "true")


def test_the_sentence_names_the_library_that_computed(show: Show) -> None:
    frame = up()
    x, y, index = frame.panels
    y = Panel("y", "Output y", "output", y.tensor, by="Pillow")
    view = show.open(Frame((x, y, index), links=frame.links))
    screen(view, "y").hover(position={"x": 20, "y": 20})
    expect(view.locator(".rv-sentence")).to_contain_text("Pillow: ")


# A frame without code or links


def test_a_frame_without_code_and_links_has_no_empty_rows(show: Show) -> None:
    view = show.open(single(X))
    for part in ("code", "card", "hint", "warnings", "progress", "alert"):
        expect(view.locator(f".rv-{part}")).to_be_hidden()
    expect(view.locator(".rv-sentence")).to_have_text(re.compile("to read its value"))
    show.again(replace(up(), hint=""))
    expect(view.locator(".rv-code")).to_be_visible()
    expect(view.locator(".rv-hint")).to_be_hidden()
    expect(view.locator(".rv-sentence")).to_have_text(re.compile("see where it comes from"))
    show.again(single(X))
    expect(view.locator(".rv-code")).to_be_hidden()
    expect(view.locator(".rv-sentence")).to_have_text(re.compile("to read its value"))


def test_its_cells_can_be_read(show: Show) -> None:
    view = show.open(single(X))
    point(view, "p", 1, 2, (3, 4))
    expect(view.locator(".rv-sentence")).to_contain_text("0.5")


def test_a_stage_that_takes_no_picture_offers_no_upload(show: Show) -> None:
    view = show.open(single(X), max_upload=0)
    expect(view.locator(".rv-own")).to_be_hidden()
    view.locator(".rv-stage").evaluate(
        """stage => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["abc"], "cat.png"));
            stage.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true}));
        }"""
    )
    show.again(single(X + 0.1))
    expect(view.locator(".rv-alert")).to_be_hidden()
    expect(view.locator(".rv-stage")).to_have_attribute("data-state", "ok")
    assert show.page.get("upload") in ({}, None)


def test_a_stage_is_not_seen_before_its_first_frame(show: Show) -> None:
    view = show.page.mount(show.stage._esm, show.stage._css, **show.traits())
    expect(view.locator(".rv-stage")).to_have_count(1)
    for part in ("copy", "stepper", "marker"):
        expect(view.locator(f".rv-{part}")).to_be_hidden()
    show.sent = show.traits()
    show.again(up())
    expect(view.locator(".rv-copy")).to_be_visible()
