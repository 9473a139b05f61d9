"""js/geometry.js, without a browser: it means by the bytes what Python meant.

Runs on the JavaScript engine that Playwright brings along, so nothing else has to be installed.
"""

from __future__ import annotations

import json
import re
import subprocess
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright._impl._driver import compute_driver_executable

from resample_viz.operations import Upsample
from resample_viz.view import ChartPanel, IndexPanel, Link, Panel
from resample_viz.view.colors import palette
from resample_viz.view.figure import index_colors
from resample_viz.view.panel import SHOWN_CELLS
from resample_viz.view.stage import HERE

RUNNER = Path(__file__).with_name("geometry_cases.mjs")


def in_javascript(cases: list[dict[str, Any]]) -> list[Any]:
    node, _ = compute_driver_executable()
    command = [str(node), str(RUNNER), str(HERE / "js" / "geometry.js")]
    answer = subprocess.run(
        command, input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    return json.loads(answer.stdout)


OPERATIONS = [
    (Upsample(scale_factor=1.5), (1, 1, 4, 5)),
    (Upsample(scale_factor=2.35, mode="bilinear"), (1, 1, 5, 3)),
    (Upsample(size=(9, 4), mode="bicubic"), (1, 1, 4, 7)),
    (Upsample(scale_factor=0.4, mode="area"), (1, 1, 9, 11)),
    (Upsample(scale_factor=0.3, mode="lanczos", antialias=True), (1, 1, 16, 14)),
]


def test_sources_and_targets_are_those_of_the_footprint() -> None:
    cases = []
    for operation, shape in OPERATIONS:
        meta, data = Link("x", "y", operation.footprint(shape).axes).encode()
        out = operation.output_shape(shape)[2:]
        cases.append(
            {
                "what": "links",
                "link": meta,
                "bytes": list(data),
                "outputs": [[r, c] for r in range(out[0]) for c in range(out[1])],
                "inputs": [[r, c] for r in range(shape[2]) for c in range(shape[3])],
            }
        )
    for case, (operation, shape), result in zip(cases, OPERATIONS, in_javascript(cases)):
        footprint = operation.footprint(shape)
        for direction, cells, find in (
            ("sources", case["outputs"], footprint.sources),
            ("targets", case["inputs"], footprint.targets),
        ):
            for cell, found in zip(cells, result[direction]):
                ours = {(f["row"], f["col"]): f["weight"] for f in found}
                expected = dict(find(tuple(cell)))
                assert ours.keys() == expected.keys()
                for key, weight in expected.items():
                    assert ours[key] == pytest.approx(weight, abs=1e-6)


def test_bytes_need_not_be_aligned() -> None:
    """Jupyter hands out views into one message, wherever in it they begin."""
    operation, shape = OPERATIONS[1]
    link, taps = Link("x", "y", operation.footprint(shape).axes).encode()
    ask = {
        "what": "links",
        "link": link,
        "bytes": list(taps),
        "outputs": [[3, 2]],
        "inputs": [[1, 1]],
    }
    panel, data = Panel("a", "a", "output", torch.rand(1, 3, 4)).encode()
    paint = {"what": "pixels", "panel": panel, "bytes": list(data), "mark": False}
    paint |= {"palette": list(palette("gray"))}
    cases = [{**case, "shift": shift} for case in (ask, paint) for shift in (0, 1, 4)]
    answers = in_javascript(cases)
    assert answers[0]["sources"] != [[]]
    assert answers[0] == answers[1] == answers[2]
    assert answers[3] == answers[4] == answers[5]


def panels() -> list[Panel]:
    torch.manual_seed(0)
    return [
        Panel("a", "a", "output", torch.randn(3, 5, 7)),
        Panel("b", "b", "error", torch.rand(1, 80, 70) * 2, (0, 1), colormap="magma"),
        Panel("c", "c", "input", torch.rand(3, 60, 50) * 1.5 - 0.25),
        Panel("d", "d", "undone", torch.randn(1, 4, 4), (-1, 1), colormap="diverging"),
        Panel("e", "e", "output", torch.rand(1, SHOWN_CELLS + 20, 9)),
    ]


@pytest.mark.parametrize("mark", [False, True])
def test_cells_are_painted_in_the_shades_of_their_values(mark: bool) -> None:
    encoded = [panel.encode() for panel in panels()]
    cases = [
        {
            "what": "pixels",
            "panel": meta,
            "bytes": list(data),
            "palette": list(palette(meta["colormap"])),
            "mark": mark,
        }
        for meta, data in encoded
    ]
    for panel, (meta, _), result in zip(panels(), encoded, in_javascript(cases)):
        shown = panel.tensor[:, meta["row0"] : meta["row0"] + meta["shownRows"]].double()
        step = {"f32": 0, "u8": 255, "u16": 65535}[meta["dtype"]]
        slack = (meta["hi"] - meta["lo"]) / step if step else 1e-6
        values = torch.tensor(result["values"]).view(shown.shape)
        assert (values - shown).abs().max() <= max(0.51 * slack, 1e-6)
        low, high = panel.value_range
        shades = ((values - low) / (high - low) * 255).clamp(0, 255)
        painted = torch.tensor(result["rgba"]).view(*shown.shape[1:], 4)
        assert (painted[..., 3] == 255).all()
        outside = ((values < low - slack) | (values > high + slack)).any(0)
        if mark:
            assert (painted[outside][:, :3] == torch.tensor([255, 0, 255])).all()
        kept = ~outside if mark else torch.ones_like(outside)
        if panel.tensor.shape[0] == 3:
            expected = shades.permute(1, 2, 0)
            assert (painted[..., :3] - expected)[kept].abs().max() <= 0.51
        else:
            table = torch.tensor(list(palette(panel.colormap))).view(256, 3)
            candidates = [
                table[shades[0].add(d).round().clamp(0, 255).long()] for d in (-0.01, 0.01)
            ]
            hits = torch.stack([(painted[..., :3] == c).all(-1) for c in candidates]).any(0)
            assert hits[kept].all()


def test_an_index_map_has_the_colours_of_the_printed_one() -> None:
    cases, expected = [], []
    for operation, shape in OPERATIONS:
        rows, cols = operation.footprint(shape).axes
        panel = IndexPanel("i", "i", rows.positions, cols.positions, shape[2:])
        meta, data = panel.encode()
        cases.append({"what": "index", "panel": meta, "bytes": list(data)})
        expected.append(index_colors(panel))
    for colours, result in zip(expected, in_javascript(cases)):
        painted = np.array(result).reshape(*colours.shape[:2], 4)
        # A position exactly between two cells may be rounded either way.
        close = np.abs(painted[..., :3] - 255 * colours).max(-1) <= 1.01
        assert close.mean() > 0.9


def test_a_chart_is_unpacked_pixel_for_pixel() -> None:
    picture = np.random.default_rng(0).integers(0, 5, (9, 31)).astype(np.uint8)
    colours = np.arange(15, dtype=np.uint8).reshape(5, 3) * 17
    meta, data = ChartPanel("c", "c", picture, colours, "noise").encode()
    (result,) = in_javascript([{"what": "chart", "panel": meta, "bytes": list(data)}])
    painted = np.array(result).reshape(9, 31, 4)
    assert (painted[..., :3] == colours[picture]).all()
    assert (painted[..., 3] == 255).all()


def whole(rows: int, cols: int) -> dict[str, int]:
    return {"rows": rows, "cols": cols, "row0": 0, "col0": 0, "shownRows": rows, "shownCols": cols}


def test_a_panel_is_cropped_to_the_screen_around_the_centre() -> None:
    part = {**whole(900, 900), "row0": 500, "col0": 0, "shownRows": 400, "shownCols": 400}
    cases = [
        {"what": "visible", "panel": whole(64, 32), "pixels": 300, "centre": {"x": 0.5, "y": 0.5}},
        {"what": "visible", "panel": whole(800, 400), "pixels": 300, "centre": {"x": 0, "y": 1}},
        {"what": "visible", "panel": whole(800, 200), "pixels": 300, "centre": {"x": 0, "y": 1}},
        {"what": "visible", "panel": part, "pixels": 300.7, "centre": {"x": 0.5, "y": 0.1}},
    ]
    assert in_javascript(cases) == [
        {"row": 0, "col": 0, "rows": 64, "cols": 32},
        {"row": 200, "col": 0, "rows": 600, "cols": 300},
        {"row": 0, "col": 0, "rows": 800, "cols": 200},
        {"row": 500, "col": 100, "rows": 300, "cols": 300},
    ]


def test_cells_are_square_wherever_a_panel_is_cropped() -> None:
    sizes = np.random.default_rng(1).integers(1, 500, (200, 3)).tolist()
    centre = {"x": 0.3, "y": 0.9}
    cases = [
        {"what": "visible", "panel": whole(rows, cols), "pixels": width, "centre": centre}
        for rows, cols, width in sizes
    ]
    for (rows, cols, width), part in zip(sizes, in_javascript(cases), strict=True):
        height = width * rows / cols
        assert 0 <= part["row"] <= rows - part["rows"]
        assert 0 <= part["col"] <= cols - part["cols"]
        if part["cols"] > 20 and part["rows"] > 20:  # else rounding to whole cells shows
            across, down = width / part["cols"], height / part["rows"]
            assert down == pytest.approx(across, rel=0.05)


def test_the_cell_under_a_point() -> None:
    shown = {"row": 10, "col": 20, "rows": 4, "cols": 8}
    points = [(0, 0), (0.999, 0.999), (0.5, 0.25), (1, 0.5), (-0.01, 0.5)]
    cases = [{"what": "cellAt", "view": shown, "x": x, "y": y} for x, y in points]
    assert in_javascript(cases) == [
        {"row": 10, "col": 20},
        {"row": 13, "col": 27},
        {"row": 11, "col": 24},
        None,
        None,
    ]


def test_numbers_are_written_as_a_learner_reads_them() -> None:
    numbers = [(3, 4), (0.25, 4), (-0.0703125, 4), (1e-9, 4), (-1e-9, 2), (12.3456, 2), (100, 2)]
    cases = [{"what": "format", "value": value, "digits": digits} for value, digits in numbers]
    assert in_javascript(cases) == ["3", "0.25", "−0.0703", "0", "0", "12.35", "100"]


def as_a_learner_reads_it(value: float, digits: int) -> str:
    """The same rule in Python: rounded half away from zero, without trailing zeros."""
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    text = f"{rounded:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text.replace("-", "−")


def test_every_number_is_rounded_as_one_would_by_hand() -> None:
    random = np.random.default_rng(2)
    values = [
        *random.normal(size=150),
        *random.normal(size=150) * 1e4,
        *random.normal(size=50) / 1e4,
    ]
    values += [k / 32 for k in range(-70, 70)]  # ties: 0.03125 has five decimals
    cases = [
        {"what": "format", "value": value, "digits": digits}
        for value in values
        for digits in (2, 3, 4)
    ]
    expected = [as_a_learner_reads_it(case["value"], case["digits"]) for case in cases]
    assert in_javascript(cases) == expected


def test_a_written_out_sum_adds_up() -> None:
    random = np.random.default_rng(3)
    cases = []
    for count in (1, 2, 4, 5, 9, 36) * 6:
        weights, values = random.normal(size=count).round(4), random.normal(size=count).round(4)
        cells = [{"row": 0, "col": col, "weight": weight} for col, weight in enumerate(weights)]
        cases.append({"what": "sum", "cells": cells, "values": values.tolist(), "most": 4})
    for case, result in zip(cases, in_javascript(cases), strict=True):
        total = sum(c["weight"] * v for c, v in zip(case["cells"], case["values"], strict=True))
        assert result["total"] == pytest.approx(total)
        text = re.sub(r"\(\d+ more adds? ([^)]*)\)", r"\1", result["text"])
        sum_as_read = eval(text.replace("−", "-").replace("·", "*").replace("+ -", "-"))
        assert sum_as_read == pytest.approx(total, abs=1e-3)
        assert ("more add" in result["text"]) == (len(case["cells"]) > 4)
        assert "+ −" not in result["text"]


def test_a_sum_is_written_out_with_the_heaviest_terms_first() -> None:
    cells = [
        {"row": 0, "col": c, "weight": w} for c, w in enumerate((0.25, 0.75, -0.1, 0.05, 0.05))
    ]
    (result,) = in_javascript(
        [{"what": "sum", "cells": cells, "values": [2, 4, 10, 1, 1], "most": 3}]
    )
    assert result["text"] == "0.75·4 + 0.25·2 + −0.1·10 + (2 more add 0.1)".replace("+ −", "− ")
    assert result["total"] == pytest.approx(2.6)


@st.composite
def resizings(draw: st.DrawFn) -> tuple[Upsample, tuple[int, ...]]:
    mode = draw(st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic", "area"]))
    sizes = st.integers(1, 9)
    size = (draw(sizes), draw(sizes))
    corners = mode in ("bilinear", "bicubic") and draw(st.booleans())
    return Upsample(size=size, mode=mode, align_corners=corners or None), (
        1,
        1,
        draw(sizes),
        draw(sizes),
    )


@settings(max_examples=4)  # each is one start of node
@given(st.lists(resizings(), min_size=12, max_size=12))
def test_links_are_footprints_whatever_the_sizes(
    trials: list[tuple[Upsample, tuple[int, ...]]],
) -> None:
    cases = []
    for operation, shape in trials:
        meta, data = Link("x", "y", operation.footprint(shape).axes).encode()
        outputs = list(np.ndindex(*operation.output_shape(shape)[2:]))
        inputs = list(np.ndindex(*shape[2:]))
        cases.append(
            {
                "what": "links",
                "link": meta,
                "bytes": list(data),
                "outputs": outputs,
                "inputs": inputs,
            }
        )
    for case, (operation, shape), result in zip(cases, trials, in_javascript(cases)):
        footprint = operation.footprint(shape)
        for cells, find, answers in (
            (case["outputs"], footprint.sources, result["sources"]),
            (case["inputs"], footprint.targets, result["targets"]),
        ):
            for cell, answer in zip(cells, answers, strict=True):
                ours = {(f["row"], f["col"]): f["weight"] for f in answer}
                assert ours == pytest.approx(dict(find(cell)), abs=1e-6)


def test_positions_between_two_cells_are_coloured_as_in_print() -> None:
    panel = IndexPanel("i", "i", torch.arange(0, 5, 0.25), torch.arange(0, 7, 0.5), (6, 8))
    meta, data = panel.encode()
    (result,) = in_javascript([{"what": "index", "panel": meta, "bytes": list(data)}])
    painted = np.array(result).reshape(20, 14, 4)
    assert np.abs(painted[..., :3] - 255 * index_colors(panel)).max() <= 0.5 + 1e-9
