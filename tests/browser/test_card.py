"""The card at the pointer, lines with weights, the row chart, whole device pixels, fingers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Locator, expect

from resample_viz.labs.upsampling import row_panel
from resample_viz.operations import Upsample
from resample_viz.view import Frame
from tests.browser.show import Show
from tests.browser.stage_page import StagePage
from tests.browser.test_stage_page import panel, point, screen, up

SMALL = torch.arange(36.0).view(1, 6, 6) / 36


def on_one_screen(x: torch.Tensor = SMALL, **settings: Any) -> Frame:
    """A frame with main panels and a row chart."""
    frame = up(x, **settings)
    operation = Upsample(**{"scale_factor": 2.0, "mode": "bilinear", **settings})
    row = row_panel(x[None], operation(x[None]), operation)
    return replace(frame, panels=(*frame.panels, row), main=("x", "y"), same_cells=True)


def box(node: Locator) -> dict[str, float]:
    found = node.bounding_box()
    assert found
    return dict(found)


def overlaps(a: dict[str, float], b: dict[str, float]) -> bool:
    across = a["x"] < b["x"] + b["width"] and b["x"] < a["x"] + a["width"]
    return across and a["y"] < b["y"] + b["height"] and b["y"] < a["y"] + a["height"]


@pytest.mark.parametrize("cell", [(0, 0), (5, 5), (11, 11), (0, 11), (11, 0)])
def test_the_card_stands_beside_the_cell_and_inside_the_stage(
    show: Show, cell: tuple[int, int]
) -> None:
    view = show.open(on_one_screen())
    point(view, "y", *cell, (12, 12))
    card = view.locator(".rv-card")
    expect(card).to_be_visible()
    expect(card).to_contain_text(f"Output row {cell[0]}, column {cell[1]}")
    picture = box(panel(view, "y").locator("canvas.rv-cells"))
    size = picture["width"] / 12
    here = {
        "x": picture["x"] + cell[1] * size,
        "y": picture["y"] + cell[0] * size,
        "width": size,
        "height": size,
    }
    assert not overlaps(box(card), here)
    assert not overlaps(box(card), box(panel(view, "profile")))
    stage = box(view.locator(".rv-stage"))
    assert stage["x"] <= box(card)["x"]
    assert box(card)["x"] + box(card)["width"] <= stage["x"] + stage["width"]
    show.page.page.mouse.move(1, 1)
    expect(card).to_be_hidden()


def test_lines_lead_from_every_source_to_the_output_with_their_weights(show: Show) -> None:
    view = show.open(on_one_screen(torch.rand(3, 64, 64)))
    point(view, "y", 31, 60, (128, 128))
    expect(view.locator("path.rv-line")).to_have_count(4)
    weights = sorted(view.locator(".rv-line-weight").all_text_contents())
    assert weights == ["×0.06", "×0.19", "×0.19", "×0.56"]
    show.again(on_one_screen(torch.rand(3, 64, 64), mode="bicubic"))
    expect(view.locator("path.rv-line")).to_have_count(0)
    expect(view.locator("line.rv-line")).to_have_count(2)  # a funnel around all sixteen


def test_weights_stand_on_cells_that_are_large_enough(show: Show) -> None:
    view = show.open(replace(on_one_screen(), same_cells=False))
    show.page.page.evaluate(
        """() => {
            window.written = [];
            const {fillText} = CanvasRenderingContext2D.prototype;
            CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
                const figure = this.canvas.closest('[data-name=x]');
                if (figure && text.startsWith('×')) window.written.push(text);
                fillText.call(this, text, ...place);
            };
        }"""
    )
    point(view, "y", 5, 5, (12, 12))
    expect(view.locator("path.rv-line")).to_have_count(4)
    expect(view.locator(".rv-line-weight")).to_have_count(0)
    assert set(show.page.page.evaluate("window.written")) == {"×0.06", "×0.19", "×0.56"}


def test_the_row_chart_follows_the_pointer_and_leads_it(show: Show) -> None:
    view = show.open(on_one_screen())
    title = panel(view, "profile").locator(".rv-title")
    expect(title).to_contain_text("Row 6 of y")
    point(view, "y", 3, 4, (12, 12))
    expect(title).to_have_text("Row 3 of y, kernel at 1.75")
    point(view, "x", 5, 5, (6, 6))
    expect(title).to_contain_text("Row 11 of y")
    chart = box(screen(view, "profile"))
    show.page.page.mouse.move(chart["x"] + chart["width"] - 10, chart["y"] + 10)
    expect(panel(view, "y")).to_have_attribute("data-hover", "6,11")
    screen(view, "profile").focus()
    show.page.page.keyboard.press("ArrowLeft")
    expect(panel(view, "y")).to_have_attribute("data-hover", "6,10")


def test_a_pinned_cell_is_signed(show: Show) -> None:
    view = show.open(on_one_screen())
    point(view, "y", 3, 4, (12, 12))
    sign = view.locator(".rv-pin")
    expect(sign).to_be_hidden()
    show.page.page.mouse.down()
    show.page.page.mouse.up()
    expect(sign).to_be_visible()
    point(view, "y", 9, 9, (12, 12))
    expect(view.locator(".rv-card")).to_contain_text("Output row 3, column 4")
    screen(view, "y").press("Escape")
    expect(sign).to_be_hidden()


def test_cells_of_x_and_y_are_of_one_size_until_that_is_turned_off(show: Show) -> None:
    view = show.open(on_one_screen())

    def sizes() -> list[float]:
        cells = {"x": 6, "y": 12}
        return [
            box(panel(view, name).locator("canvas.rv-cells"))["width"] / n
            for name, n in cells.items()
        ]

    assert sizes()[0] == sizes()[1]
    show.again(replace(on_one_screen(), same_cells=False))
    assert sizes()[0] > 1.9 * sizes()[1]
    widths = [box(panel(view, name).locator("canvas.rv-cells"))["width"] for name in ("x", "y")]
    assert widths[0] <= widths[1]
    frame = on_one_screen(scale_factor=8.0)  # x would be a stamp
    show.again(frame)
    cells = box(panel(view, "x").locator("canvas.rv-cells"))
    assert cells["width"] > 200


# Whole device pixels


@pytest.fixture(params=[1, 1.25, 1.5, 2])
def at_a_ratio(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[Show, float]]:
    """A bare page on a screen with so many device pixels per CSS pixel."""
    context = browser.new_context(
        viewport={"width": 1100, "height": 700}, device_scale_factor=request.param
    )
    try:
        yield Show(StagePage(context.new_page())), request.param
    finally:
        context.close()


@pytest.mark.parametrize("is_one_screen", [True, False])
def test_every_cell_is_a_whole_number_of_device_pixels(
    at_a_ratio: tuple[Show, float], is_one_screen: bool
) -> None:
    show, ratio = at_a_ratio
    frame = on_one_screen(torch.rand(1, 37, 37), scale_factor=1.7)
    view = show.open(frame if is_one_screen else replace(frame, main=()))
    for name in ("x", "y"):
        canvas = panel(view, name).locator("canvas.rv-cells")
        cells = int(canvas.evaluate("node => node.width"))
        place = canvas.evaluate(
            "node => { const {left, top, width} = node.getBoundingClientRect();"
            " const screen = node.parentNode.getBoundingClientRect();"
            " return [width, left - screen.left, top - screen.top]; }"
        )
        each = place[0] * ratio / cells
        assert each == pytest.approx(round(each), abs=1e-3)
        assert each >= 1
        for offset in place[1:]:
            assert offset * ratio == pytest.approx(
                round(offset * ratio), abs=0.02
            )  # the page counts in 64ths of a pixel


# Fingers


@pytest.fixture
def touched(browser: Browser) -> Iterator[Show]:
    context = browser.new_context(viewport={"width": 600, "height": 900}, has_touch=True)
    try:
        yield Show(StagePage(context.new_page()))
    finally:
        context.close()


def tap(view: Locator, name: str, share: tuple[float, float]) -> None:
    picture = box(panel(view, name).locator("canvas.rv-cells"))
    view.page.touchscreen.tap(
        picture["x"] + share[0] * picture["width"], picture["y"] + share[1] * picture["height"]
    )


def test_a_tap_points_a_second_one_pins_and_another_cell_is_pointed_at(touched: Show) -> None:
    view = touched.open(on_one_screen())
    root = view.locator(".rv-stage")
    card = view.locator(".rv-card")
    tap(view, "x", (0.1, 0.1))
    expect(card).to_contain_text("Input row 0, column 0")
    expect(root).to_have_attribute("data-pinned", "false")
    tap(view, "x", (0.1, 0.1))
    expect(root).to_have_attribute("data-pinned", "true")
    tap(view, "x", (0.9, 0.9))
    expect(card).to_contain_text("Input row 5, column 5")
    expect(root).to_have_attribute("data-pinned", "false")
