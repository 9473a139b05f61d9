"""Walks over cells, padding, matrices and progress, in a bare page with a fake model."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect

from resample_viz.analysis import linear_map
from resample_viz.labs.kernels import kernel_panel, matrix_panels
from resample_viz.operations import Conv, ConvTranspose
from resample_viz.view import Frame, Link, Panel
from tests.browser.show import Show
from tests.browser.test_stage_page import panel, pixels, point, screen

X = torch.arange(1.0, 17.0).view(1, 1, 4, 4)
RANGE = (0.0, 200.0)
# A walk over 12 × 12 cells that has begun to play. Not a certain cell: the test may look too late
# for that one, on a busy machine.
ON_ITS_WAY = re.compile(r"cell ([2-9]|\d\d+) of 144")


def conv(x: torch.Tensor = X, *, matrix: bool = False, **settings: Any) -> Frame:
    """A window that walks over the padded input."""
    operation = Conv(**{"kernel": "ones", "padding": 1, "bias": True, **settings})
    padded = operation.pad(x)
    footprint = operation.unpadded().footprint(padded.shape)
    margin = operation.padding_of(x.shape)
    more = matrix_panels(linear_map(operation, x.shape)) if matrix else ()
    return Frame(
        (
            Panel("x", "Input x", "input", padded[0], RANGE, editable=True, margin=margin),
            kernel_panel(operation.weight[0], "Kernel w"),
            Panel("y", "Output y", "output", operation(x)[0], RANGE),
            *more,
        ),
        links=(Link.of("x", "y", footprint, bias=float(operation.bias_values[0])),),
        walk="y",
    )


def stamps(x: torch.Tensor = X, **settings: Any) -> Frame:
    """Stamps that add up."""
    operation = ConvTranspose(**{"kernel": "ones", "stride": 2, **settings})
    return Frame(
        (
            Panel("x", "Input x", "input", x[0], RANGE),
            Panel("y", "Output y", "output", operation(x)[0], RANGE),
        ),
        links=(Link.of("x", "y", operation.footprint(x.shape)),),
        walk="x",
        stamp=True,
    )


def press(view: Locator, label: str, times: int = 1) -> None:
    for _ in range(times):
        view.get_by_role("button", name=label, exact=True).click()


def hidden(view: Locator) -> list[int]:
    """The numbers of the cells of y that are transparent."""
    return np.flatnonzero(pixels(view, "y")[..., 3] == 0).tolist()


def steps(view: Locator) -> Locator:
    return view.locator(".rv-steps")


# Steps


def test_a_walk_reveals_the_output_cell_by_cell(show: Show) -> None:
    view = show.open(conv())
    whole = pixels(view, "y")
    expect(steps(view)).to_have_text("16 cells to walk")
    for label, cell in (
        ("first cell", 0),
        ("next cell", 1),
        ("next cell", 2),
        ("one cell back", 1),
        ("first cell", 0),
    ):
        press(view, label)
        expect(steps(view)).to_have_text(f"cell {cell + 1} of 16")
        expect(panel(view, "y")).to_have_attribute("data-hover", f"0,{cell}")
        assert hidden(view) == list(range(cell + 1, 16))
    expect(view.get_by_role("button", name="one cell back")).to_be_disabled()
    press(view, "end the walk")
    expect(steps(view)).to_have_text("16 cells to walk")
    assert np.array_equal(pixels(view, "y"), whole)
    expect(view.locator("[data-hover]")).to_have_count(0)
    assert show.page.saved == []


def test_the_buttons_of_the_stepper_answer_the_keyboard(show: Show) -> None:
    view = show.open(conv())
    button = view.get_by_role("button", name="next cell")
    button.focus()
    for key, cell in (("Enter", 1), (" ", 2), ("Enter", 3)):
        button.press(key)
        expect(steps(view)).to_have_text(f"cell {cell} of 16")
    expect(button).to_be_focused()
    view.get_by_role("button", name="end the walk").press("Enter")
    expect(steps(view)).to_have_text("16 cells to walk")


def test_playing_walks_to_the_end_without_the_kernel(show: Show) -> None:
    view = show.open(conv())
    view.get_by_label("cells per second").fill("60")
    play = view.get_by_role("button", name="play or pause")
    play.click()
    expect(steps(view)).to_have_text("cell 16 of 16")
    expect(play).to_have_text("▶ Play")
    assert hidden(view) == []
    assert show.page.saved == []
    assert show.page.sent == []


def test_a_pause_holds_and_the_next_play_goes_on(show: Show) -> None:
    view = show.open(conv(torch.rand(1, 1, 12, 12)))
    play = view.get_by_role("button", name="play or pause")
    play.click()
    expect(play).to_have_text("❚❚ Pause")
    expect(steps(view)).to_have_text(ON_ITS_WAY)
    play.click()
    held = steps(view).inner_text()
    show.page.frames(30)
    expect(steps(view)).to_have_text(held)
    play.click()
    expect(steps(view)).not_to_have_text(held)
    press(view, "next cell")
    expect(play).to_have_text("▶ Play")


def test_pointing_while_it_plays_disturbs_nothing(show: Show) -> None:
    view = show.open(conv(torch.rand(1, 1, 12, 12)))
    view.get_by_label("cells per second").fill("10")
    view.get_by_role("button", name="play or pause").click()
    expect(steps(view)).to_have_text(ON_ITS_WAY)
    point(view, "w", 1, 1, (3, 3))
    show.page.frames(2)
    expect(panel(view, "w")).not_to_have_attribute("data-hover", re.compile(".*"))
    expect(panel(view, "y")).to_have_attribute("data-hover", re.compile(".*"))
    press(view, "end the walk")


def test_a_frame_with_fewer_cells_ends_the_walk_and_one_with_more_goes_on(show: Show) -> None:
    view = show.open(conv())
    press(view, "next cell", 6)
    show.again(conv(torch.rand(1, 1, 5, 5)))
    expect(steps(view)).to_have_text("cell 6 of 25")
    assert hidden(view) == list(range(6, 25))
    show.again(conv(torch.rand(1, 1, 2, 2)))
    expect(steps(view)).to_have_text("4 cells to walk")
    assert hidden(view) == []


def test_a_frame_without_a_walk_has_no_stepper(show: Show) -> None:
    view = show.open(conv())
    press(view, "next cell", 2)
    frame = conv()
    show.again(Frame(frame.panels, frame.links))
    expect(view.locator(".rv-stepper")).to_be_hidden()
    assert hidden(view) == []


def test_closing_a_view_ends_what_plays(show: Show) -> None:
    view = show.open(conv(torch.rand(1, 1, 12, 12)))
    view.evaluate("el => { window.words = el.querySelector('.rv-steps'); }")
    view.get_by_role("button", name="play or pause").click()
    expect(steps(view)).to_have_text(ON_ITS_WAY)
    show.page.close_view(0)
    before = show.page.page.evaluate("() => window.words.textContent")
    show.page.frames(40)
    assert show.page.page.evaluate("() => window.words.textContent") == before


# Stamps


def test_stamps_add_up_to_what_pytorch_computes(show: Show) -> None:
    view = show.open(stamps())
    whole = pixels(view, "y")
    press(view, "next cell")
    operation = ConvTranspose("ones", stride=2)
    first = operation.stamp(X.shape, 0, 0)[0] * X[0, 0, 0, 0]
    assert np.array_equal(pixels(view, "y")[..., 0] > 0, first.numpy() > 0)
    view.get_by_label("cells per second").fill("60")
    view.get_by_role("button", name="play or pause").click()
    expect(steps(view)).to_have_text("cell 16 of 16")
    assert np.array_equal(pixels(view, "y"), whole)
    assert show.page.saved == []


def test_what_has_added_up_so_far_is_read_as_such(show: Show) -> None:
    view = show.open(stamps())
    press(view, "next cell", 2)
    point(view, "y", 0, 2, (9, 9))
    expect(view.locator(".rv-sentence")).to_contain_text("value so far = 3")
    press(view, "end the walk")
    point(view, "y", 0, 4, (9, 9))
    expect(view.locator(".rv-sentence")).not_to_contain_text("so far")


# Windows and sums


def test_an_output_shows_its_window_its_products_and_its_bias(show: Show) -> None:
    view = show.open(conv())
    before = pixels(view, "x", "overlay")
    point(view, "y", 0, 0, (4, 4))
    sentence = view.locator(".rv-sentence")
    expect(sentence).to_contain_text("from 9 input cells")
    expect(sentence).to_contain_text("1·0 + 1·0 + 1·0 + 1·0 + 1·1 + 1·2 + 1·0 + 1·5 + 1·6")
    expect(sentence).to_contain_text("+ 0.5 (bias) = 14.5. PyTorch: 14.5.")
    changed = (pixels(view, "x", "overlay") != before).any(-1)
    size = changed.shape[0] / 6
    rows, cols = np.nonzero(changed)
    assert rows.max() < 3.3 * size, "padding included, three cells and the outline"
    assert cols.max() < 3.3 * size
    assert rows.min() < 0.5 * size


def test_an_input_lights_up_every_output_that_it_reaches(show: Show) -> None:
    view = show.open(conv(stride=2))
    point(view, "x", 2, 2, (6, 6))  # row 1, column 1 of the input, inside the padding
    expect(view.locator(".rv-sentence")).to_contain_text(
        "Input row 1, column 1: value = 6, reaches 4 output cells, with weights that sum to 4"
    )
    point(view, "x", 0, 0, (6, 6))
    expect(view.locator(".rv-sentence")).to_contain_text("Padding at row −1, column −1: value = 0")


@pytest.mark.parametrize("channel", [0, 2])
def test_of_a_colour_picture_the_sum_and_pytorch_speak_of_one_channel(
    show: Show, channel: int
) -> None:
    x = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(4))
    operation = Conv("random", 2, in_channels=3, out_channels=3, groups=3)
    y = operation(x)
    frame = Frame(
        (Panel("x", "X", "input", x[0]), Panel("y", "Y", "output", y[0])),
        links=(Link.of("x", "y", operation.footprint(x.shape), channel=channel),),
    )
    view = show.open(frame)
    point(view, "y", 1, 2, (3, 3))
    value = f"{float(y[0, channel, 1, 2]):.4f}".rstrip("0").replace("-", "−")
    expect(view.locator(".rv-sentence")).to_contain_text(f"= {value}. PyTorch: {value}.")


def test_padding_is_not_for_typing(show: Show) -> None:
    view = show.open(conv())
    box = screen(view, "x").bounding_box()
    assert box
    at = {"x": box["width"] / 12, "y": box["height"] / 12}
    screen(view, "x").dblclick(position=at)
    expect(view.locator(".rv-edit")).to_have_count(0)
    screen(view, "x").dblclick(position={"x": at["x"] * 3, "y": at["y"] * 5})
    show.page.page.keyboard.type("42")
    show.page.page.keyboard.press("Enter")
    (saved,) = show.page.saved
    assert saved["edit"] == {"panel": "x", "row": 1, "col": 0, "value": 42, "n": 1}


def test_a_kernel_sends_its_own_name_with_an_edit(show: Show) -> None:
    view = show.open(conv())
    screen(view, "w").focus()
    for key in ("ArrowDown", "ArrowDown", "3", "Enter"):
        show.page.page.keyboard.press(key)
    assert show.page.saved[0]["edit"]["panel"] == "w"


# The matrix


def test_rows_and_columns_of_the_matrix_are_tied_to_cells(show: Show) -> None:
    view = show.open(conv(matrix=True))
    overlays = {name: pixels(view, name, "overlay") for name in ("x", "y", "A", "At")}

    def lit() -> set[str]:
        return {n for n, before in overlays.items() if (pixels(view, n, "overlay") != before).any()}

    point(view, "A", 6, 1, (16, 16))
    expect(view.locator(".rv-sentence")).to_have_text(
        "Matrix row 6, column 1: value = 1, the weight with which x row 0, column 1 goes into "
        "y row 1, column 2."
    )
    assert lit() == {"x", "y", "A"}
    for name, cell, cells in (("y", (1, 2), (4, 4)), ("x", (1, 2), (6, 6))):
        point(view, name, *cell, cells)
        expect(panel(view, name)).to_have_attribute("data-hover", "1,2")
        assert lit() == {"x", "y", "A", "At"}
    point(view, "x", 0, 0, (6, 6))
    expect(view.locator(".rv-sentence")).to_contain_text("Padding")
    assert lit() == {"x", "y"}, "padding has no column"


# Progress and warnings


def test_progress_is_shown_and_goes_away(show: Show) -> None:
    view = show.open(conv())
    bar = view.locator(".rv-progress progress")
    expect(bar).to_have_count(0)
    show.page.set(progress={"share": 0.25, "text": "20 of 80 iterations"})
    expect(bar).to_have_js_property("value", 0.25)
    expect(view.locator(".rv-progress")).to_contain_text("20 of 80 iterations")
    show.page.set(progress={})
    expect(view.locator(".rv-progress")).to_be_empty()


def test_a_page_that_opens_in_the_middle_shows_the_progress_too(show: Show) -> None:
    view = show.open(conv(), progress={"share": 0.5, "text": "half of it"})
    expect(view.locator(".rv-progress")).to_contain_text("half of it")


def test_warnings_stand_above_the_panels(show: Show) -> None:
    frame = conv()
    view = show.open(Frame(frame.panels, warnings=("two rows are lost.", "and a column.")))
    lines = view.locator(".rv-warnings > div")
    expect(lines).to_have_text(["⚠ two rows are lost.", "⚠ and a column."])
    show.again(conv())
    expect(lines).to_have_count(0)
