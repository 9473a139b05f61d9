"""What the pooling labs put on the stage, in a bare browser page: winners, places, rows."""

from __future__ import annotations

import pytest
import torch
from playwright.sync_api import Locator, expect

from resample_viz.labs import DownsamplingLab, UnpoolingLab
from resample_viz.view import Frame, Panel
from tests.browser.show import Show
from tests.browser.test_stage_page import panel, pixels, point


def drawn(view: Locator, name: str) -> int:
    """How many pixels of a panel's overlay are not transparent."""
    return int((pixels(view, name, "overlay")[..., 3] > 0).sum())


def test_a_cell_of_y_shows_its_winner_and_the_place_to_which_it_returns(show: Show) -> None:
    lab = UnpoolingLab(preset="one value in four")
    view = show.open(lab.shown)
    before = {name: drawn(view, name) for name in ("x", "u", "wins", "spread")}
    point(view, "y", 0, 1, (3, 3))
    sentence = view.locator(".rv-sentence")
    expect(sentence).to_contain_text("the largest of the 4 cells of its window")
    expect(sentence).to_contain_text("row 1, column 3")
    assert all(drawn(view, name) > count for name, count in before.items())
    lab.close()


ENDS = """view => {
    const frame = view.querySelector('.rv-panels').getBoundingClientRect();
    const cell = (name, row, col, rows, cols) => {
        const box = view.querySelector(`[data-name=${name}] .rv-overlay`).getBoundingClientRect();
        return [box.left - frame.left + (col + 0.5) / cols * box.width,
                box.top - frame.top + (row + 0.5) / rows * box.height];
    };
    const lines = [...view.querySelectorAll('line.rv-arrow')].map(line =>
        ['x1', 'y1', 'x2', 'y2'].map(name => Number(line.getAttribute(name))));
    return [lines, [...cell('x', 1, 3, 6, 6), ...cell('y', 0, 1, 3, 3)],
            [...cell('y', 0, 1, 3, 3), ...cell('u', 1, 3, 6, 6)]];
}"""


def test_arrows_lead_from_the_winner_to_its_place(show: Show) -> None:
    lab = UnpoolingLab(preset="one value in four")
    view = show.open(lab.shown)
    assert view.locator("line.rv-arrow").count() == 0
    point(view, "y", 0, 1, (3, 3))
    (there, back), *expected = view.evaluate(ENDS)
    assert there == pytest.approx(expected[0], abs=1)
    assert back == pytest.approx(expected[1], abs=1)
    show.page.page.keyboard.press("Escape")
    show.page.page.mouse.move(2, 2)
    expect(view.locator("line.rv-arrow")).to_have_count(0)
    lab.close()


def test_a_cell_that_wins_nowhere_reaches_nothing(show: Show) -> None:
    lab = UnpoolingLab(preset="one value in four")
    view = show.open(lab.shown)
    point(view, "x", 0, 0, (6, 6))
    expect(view.locator(".rv-sentence")).not_to_contain_text("largest")
    expect(view.locator(".rv-sentence")).to_contain_text("row 0, column 0")
    lab.close()


def test_unpooled_zeros_are_not_painted_magenta(show: Show) -> None:
    lab = UnpoolingLab(preset="one value in four")
    painted = pixels(show.open(lab.shown), "u")
    assert painted[0, 0, :3].tolist() == [0, 0, 0]
    assert painted[1, 1, 0] > 0
    lab.close()


@pytest.mark.parametrize("columns", [2, 3])
def test_a_frame_says_how_many_panels_stand_in_a_row(show: Show, columns: int) -> None:
    panels = tuple(Panel(f"p{n}", f"P{n}", "output", torch.rand(1, 4, 4)) for n in range(6))
    view = show.open(Frame(panels, columns=columns))
    boxes = [panel(view, f"p{n}").bounding_box() for n in range(6)]
    rows = {round(box["y"]) for box in boxes if box}
    assert len(rows) == 6 // columns
    show.again(Frame(panels[:1]))
    assert view.locator(".rv-panels").evaluate("node => getComputedStyle(node).display") == "flex"


def test_the_four_methods_stand_side_by_side(show: Show) -> None:
    lab = DownsamplingLab(preset="who folds")
    view = show.open(lab.shown)
    for kind in ("y", "spectrum", "error"):
        boxes = [panel(view, f"{kind}{n}").bounding_box() for n in (1, 2, 3, 4)]
        assert len({round(box["y"]) for box in boxes if box}) == 1
    assert pixels(view, "y1").shape == (64, 64, 4)
    lab.close()


def test_folded_frequencies_are_painted_in_colour(show: Show) -> None:
    lab = DownsamplingLab(preset="who folds")
    painted = pixels(show.open(lab.shown), "limit").astype(int)
    middle, corner = painted[48:80, 48:80], painted[:16, :16]
    assert abs(middle[..., 0] - middle[..., 2]).max() <= 3, "grey below the limit"
    assert (corner[..., 0] - corner[..., 2]).max() > 60, "orange above it"
    lab.close()
