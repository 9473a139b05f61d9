"""js/layout.js, without a browser: whatever there is room for fits, and cells are whole."""

from __future__ import annotations

import json
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright._impl._driver import compute_driver_executable

from resample_viz.view.stage import HERE

GAP, TITLE, NOTES = 12, 20, 150
LEAST, LEAST_OF_THREE, LEAST_OTHER = 220, 180, 43
ROOMS = [
    {"width": w, "height": h, "ratio": r, "count": c, "smalls": s, "charts": n, "letters": 9}
    for w, h, r, c, s, n in product(
        (600, 686, 1640), (330, 420, 850), (1, 1.25, 1.5, 2), (2, 2.5), range(9), (0, 1)
    )
]


def called(module: str, calls: list[list[Any]]) -> Any:
    """The results of calls of functions in a module of js/."""
    node, _ = compute_driver_executable()
    command = [str(node), str(Path(__file__).with_name("calls.mjs")), str(HERE / "js" / module)]
    answer = subprocess.run(
        command, input=json.dumps(calls), capture_output=True, text=True, check=True
    )
    return json.loads(answer.stdout)


def height_of(room: dict[str, Any], plan: dict[str, Any]) -> Any:
    """What main panels, small ones and charts take, without the titles of the first two rows."""
    if plan["isBeside"]:
        return plan["main"] + (plan["chart"] if room["charts"] else 0)
    across = room["width"] - NOTES
    if room["charts"] and not plan["isChartApart"]:
        across -= plan["chart"] and 190 + GAP
    per_row = max(1, int((across + 1) // (plan["small"] + GAP)))
    rows = max(1, -(-room["smalls"] // per_row))
    apart = plan["chart"] + TITLE if plan["isChartApart"] else 0
    return plan["main"] + rows * plan["small"] + (rows - 1) * (TITLE + GAP / 2) + apart


def test_what_is_planned_fits_wherever_the_least_of_it_does() -> None:
    plans = called("layout.js", [["plan", room] for room in ROOMS])
    for room, plan in zip(ROOMS, plans):
        least = LEAST_OF_THREE if room["count"] > 2.5 else LEAST
        taken = room["count"] * plan["main"] + GAP * (room["count"] // 1 - 1)
        assert taken <= room["width"] + 1, room
        assert plan["main"] >= least - 1, room
        for side in (plan["main"], plan["small"], plan["chart"]):
            assert side * room["ratio"] == pytest.approx(round(side * room["ratio"]), abs=1e-6)
        is_roomy = room["height"] >= least + LEAST_OTHER + (120 if room["charts"] else 0)
        if is_roomy and room["smalls"] <= 7:
            assert height_of(room, plan) <= room["height"] + 1, (room, plan)


@pytest.mark.parametrize("ratio", [1, 1.25, 2])
def test_pictures_have_one_scale_only_where_both_can_be_seen(ratio: float) -> None:
    x = {"rows": 8, "cols": 8, "most": 37, "cropped": False}
    y = {"rows": 16, "cols": 16, "most": 18, "cropped": False}
    stamp = {"rows": 2, "cols": 2, "most": 150, "cropped": False}
    part = {**y, "cropped": True}
    scales = called(
        "layout.js",
        [["commonScale", [x, y], ratio], ["commonScale", [stamp, y], ratio],
         ["commonScale", [x, part], ratio], ["commonScale", [x], ratio]],
    )  # fmt: skip
    assert scales == [18 if 8 * 18 / ratio >= 110 else None, None, None, None]


def test_no_picture_is_larger_than_one_with_more_cells() -> None:
    x = {"rows": 16, "cols": 16, "most": 18, "cropped": False}
    y = {"rows": 64, "cols": 64, "most": 4, "cropped": False}
    assert called("layout.js", [["notLarger", x, [x, y]], ["notLarger", y, [x, y]]]) == [16, 4]


@pytest.mark.parametrize(
    ("typed", "value"),
    [("0.5", 0.5), ("0,5", 0.5), ("−2", -2), ("1/4", 0.25), (" 1e-3 ", 1e-3), ("-1/8", -0.125),
     ("", None), ("1/0", None), ("1/", None), ("1/2/3", None), ("abc", None), ("1.2.3", None),
     ("0x", None), ("Infinity", None), ("nan", None)],
)  # fmt: skip
def test_numbers_are_read_as_people_type_them(typed: str, value: float | None) -> None:
    assert called("geometry.js", [["numberTyped", typed]]) == [value]  # NaN is null in JSON
