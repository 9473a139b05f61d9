"""Panels: what is put into bytes comes out again, and the words say what is shown."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from resample_viz.operations import Axis
from resample_viz.view import ChartPanel, IndexPanel, Link, Merit, Panel, Step
from resample_viz.view.colors import Role
from resample_viz.view.panel import PRECISE_CELLS, SHOWN_CELLS, window

LEVELS = {"u8": 255, "u16": 65535}
DTYPES: dict[str, Any] = {"f32": np.float32, "u16": np.uint16, "u8": np.uint8}


def noise(*shape: int, seed: int = 0, low: float = 0.0, high: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(*shape, generator=generator)


def decoded(meta: dict[str, Any], data: bytes) -> npt.NDArray[np.float64]:
    """What the bytes of a pixel panel stand for, (C, rows shown, columns shown)."""
    codes = np.frombuffer(data, DTYPES[meta["dtype"]]).astype(np.float64)
    if meta["dtype"] in LEVELS:
        codes = meta["lo"] + codes * (meta["hi"] - meta["lo"]) / LEVELS[meta["dtype"]]
    return codes.reshape(meta["channels"], meta["shownRows"], meta["shownCols"])


@st.composite
def pixel_panels(draw: st.DrawFn) -> Panel:
    channels = draw(st.sampled_from([1, 3]))
    rows, cols = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    low = draw(st.floats(-5, 5))
    spread = draw(st.sampled_from([0.0, 1e-2, 1.0, 40.0]))
    tensor = noise(channels, rows, cols, seed=draw(st.integers(0, 99)), low=low, high=low + spread)
    role = draw(st.sampled_from(["input", "output", "error"]))
    return Panel("p", "Panel", role, tensor)


# Pixels


@given(pixel_panels())
def test_pixels_survive_encoding_within_half_a_step(panel: Panel) -> None:
    meta, data = panel.encode()
    values = decoded(meta, data)
    low, high = panel.extremes
    if panel.tensor.numel() <= PRECISE_CELLS:
        assert meta["dtype"] == "f32"
        assert np.array_equal(values, panel.tensor.double().numpy())
        return
    assert meta["dtype"] == ("u16" if panel.role == "input" else "u8")
    step = (high - low) / LEVELS[meta["dtype"]]
    rounding = 1e-6 * max(abs(low), abs(high))  # the values themselves are float32
    error = np.abs(values - panel.tensor.double().numpy()).max()
    assert error <= 0.51 * step + rounding


@pytest.mark.parametrize(("role", "wide"), [("output", "u8"), ("error", "u8"), ("input", "u16")])
def test_up_to_4096_values_travel_as_floats(role: Role, wide: str) -> None:
    few, many = noise(1, 64, 64), noise(1, 64, 65)
    assert few.numel() == PRECISE_CELLS
    for tensor, dtype in ((few, "f32"), (many, wide)):
        meta, data = Panel("p", "P", role, tensor).encode()
        assert meta["dtype"] == dtype
        assert len(data) == tensor.numel() * DTYPES[dtype]().itemsize


def test_a_constant_panel_keeps_its_value() -> None:
    meta, data = Panel("p", "P", "output", torch.full((3, 80, 80), 0.7)).encode()
    assert meta["dtype"] == "u8"
    assert np.allclose(decoded(meta, data), 0.7, atol=1e-7)


@given(st.floats(0, 1), st.floats(0, 1))
def test_of_a_large_output_the_part_around_the_centre_travels(down: float, right: float) -> None:
    tensor = noise(1, 700, 450)
    meta, data = Panel("y", "Y", "output", tensor).encode((down, right))
    row, col = meta["row0"], meta["col0"]
    assert (meta["rows"], meta["cols"]) == (700, 450)
    assert (meta["shownRows"], meta["shownCols"]) == (SHOWN_CELLS, SHOWN_CELLS)
    assert row <= min(down * 700, 699) <= row + SHOWN_CELLS
    assert col <= min(right * 450, 449) <= col + SHOWN_CELLS
    part = tensor[:, row : row + SHOWN_CELLS, col : col + SHOWN_CELLS]
    assert np.abs(decoded(meta, data) - part.double().numpy()).max() <= 0.51 / 255


def test_a_large_input_travels_whole() -> None:
    tensor = noise(1, 700, 450)
    meta, data = Panel("x", "X", "input", tensor).encode((0.9, 0.1))
    assert (meta["row0"], meta["col0"], meta["shownRows"], meta["shownCols"]) == (0, 0, 700, 450)
    assert np.abs(decoded(meta, data) - tensor.double().numpy()).max() <= 0.51 / 65535


@given(st.integers(1, 3000), st.floats(0, 1))
def test_a_window_lies_inside_the_axis(cells: int, middle: float) -> None:
    first, count = window(cells, middle)
    assert count == min(cells, SHOWN_CELLS)
    assert 0 <= first <= cells - count


def test_encoding_leaves_the_tensor_alone() -> None:
    tensor = noise(3, 60, 60)
    before = tensor.clone()
    Panel("p", "P", "output", tensor).encode()
    assert torch.equal(tensor, before)


def test_a_tensor_that_is_being_trained_is_shown_too() -> None:
    tensor = noise(1, 70, 70)
    weights = Panel("p", "P", "kernel", tensor.clone().requires_grad_())
    assert weights.encode() == Panel("p", "P", "kernel", tensor).encode()


def test_a_tensor_that_is_a_view_is_encoded_in_its_own_order() -> None:
    tensor = noise(1, 5, 9).transpose(1, 2)
    meta, data = Panel("p", "P", "output", tensor).encode()
    assert np.array_equal(decoded(meta, data), tensor.double().numpy())


@pytest.mark.parametrize("shape", [(4, 4), (2, 4, 4), (4, 4, 4), (1, 3, 4, 4), (4,), ()])
def test_tensors_that_are_no_picture_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"panel 'p' needs a \(1, H, W\) or \(3, H, W\)") as info:
        Panel("p", "P", "output", torch.zeros(shape))
    assert str(shape) in str(info.value)
    assert "choose one channel" in str(info.value)


def test_the_share_outside_the_range_ignores_rounding() -> None:
    tensor = torch.tensor([[[-0.5, 0.0, 1.0, 2.0]]])
    assert Panel("p", "P", "output", tensor).outside == 0.5
    assert Panel("p", "P", "output", tensor, value_range=(-0.5, 2.0)).outside == 0
    assert Panel("p", "P", "output", torch.tensor([[[-1e-7, 1 + 1e-7]]])).outside == 0


def test_pixels_in_words() -> None:
    tensor = torch.tensor([[[0.25, -1.0, 2.0]]])
    assert Panel("p", "Output y", "output", tensor).describe() == (
        "Output y: 1 by 3 cells, one channel, values -1 to 2."
    )
    panel = Panel("p", "Input x", "input", torch.zeros(3, 2, 4), caption="all black")
    assert panel.describe() == "Input x: 2 by 4 cells, colour, values 0 to 0. all black"
    assert panel.encode()[0]["alt"] == panel.describe()


# Index maps


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_positions_survive_encoding_exactly(rows: int, cols: int, seed: int) -> None:
    down, right = noise(rows, seed=seed, high=7.0), noise(cols, seed=seed + 1, high=9.0)
    meta, data = IndexPanel("i", "Index", down, right, (8, 10)).encode()
    places = np.frombuffer(data, np.float32)
    assert np.array_equal(places[: meta["shownRows"]], down.numpy())
    assert np.array_equal(places[meta["shownRows"] :], right.numpy())
    assert (meta["inRows"], meta["inCols"]) == (8, 10)


def test_of_a_large_index_map_the_part_around_the_centre_travels() -> None:
    rows = torch.arange(1000.0)
    meta, data = IndexPanel("i", "Index", rows, rows[:50], (1000, 50)).encode((1.0, 0.0))
    places = np.frombuffer(data, np.float32)
    assert (meta["row0"], meta["shownRows"], meta["shownCols"]) == (600, 400, 50)
    assert np.array_equal(places, np.r_[600:1000, 0:50])


def test_an_index_map_in_words() -> None:
    panel = IndexPanel("i", "Index map", torch.tensor([-0.25, 1.5]), torch.arange(3.0), (2, 3), "a")
    words = "Index map: rows read from -0.25 to 1.5, columns from 0 to 2. a"
    assert panel.describe() == panel.encode()[0]["alt"] == words


# Charts


@given(
    st.integers(1, 40), st.integers(1, 60), st.integers(1, 16), st.integers(0, 99), st.booleans()
)
def test_the_runs_of_a_chart_give_the_same_picture(
    height: int, width: int, colors: int, seed: int, quiet: bool
) -> None:
    random = np.random.default_rng(seed)
    picture = random.integers(0, colors, (height, width)).astype(np.uint8)
    if quiet:
        picture[1:] = picture[0, 0]  # long runs that go on in the next row
    palette = random.integers(0, 256, (colors, 3)).astype(np.uint8)
    meta, data = ChartPanel("c", "Chart", picture, palette, "a chart").encode()
    runs = meta["runs"]
    end = 3 * meta["colors"]
    lengths = np.frombuffer(data[end : end + runs], np.uint8)
    indices = np.frombuffer(data[end + runs :], np.uint8)
    assert len(indices) == runs
    assert np.array_equal(np.repeat(indices, lengths).reshape(height, width), picture)
    assert np.array_equal(np.frombuffer(data[:end], np.uint8).reshape(-1, 3), palette)
    assert lengths.sum() == width * height


def test_a_chart_in_words() -> None:
    blank = np.zeros((2, 3), np.uint8)
    panel = ChartPanel("c", "Chart", blank, np.zeros((1, 3), np.uint8), "a flat line")
    assert panel.describe() == panel.encode()[0]["alt"] == "a flat line"


# All of them


def test_descriptions_are_json() -> None:
    blank = np.zeros((2, 3), np.uint8)
    taps = Axis(4, torch.tensor([0, 1]), noise(2, 2))
    for shown in (
        Panel("p", "P", "output", noise(3, 60, 60)),
        IndexPanel("i", "I", torch.arange(3.0), torch.arange(2.0), (3, 2)),
        ChartPanel("c", "C", blank, blank[:1], "a chart"),
        Link("x", "y", (taps, taps)),
    ):
        meta, data = shown.encode()
        assert json.loads(json.dumps(meta, allow_nan=False)) == meta
        assert isinstance(data, bytes)


# Links, steps, merits


def test_the_taps_of_a_link_survive_encoding_exactly() -> None:
    down = Axis(4, torch.tensor([[0, 1], [1, 2], [2, -1]]), noise(3, 2, seed=1))
    right = Axis(5, torch.tensor([[0, 1], [3, 4]]), noise(2, 2, seed=2).double())
    meta, data = Link("x", "y", (down, right)).encode()
    assert (meta["source"], meta["target"]) == ("x", "y")
    assert meta["axes"] == [{"in": 4, "out": 3, "taps": 2}, {"in": 5, "out": 2, "taps": 2}]
    at = 0
    for axis in (down, right):
        index = np.frombuffer(data, np.int32, axis.index.numel(), at)
        at += index.nbytes
        weights = np.frombuffer(data, np.float32, axis.weights.numel(), at)
        at += weights.nbytes
        assert np.array_equal(index, axis.index.numpy().ravel())
        assert np.array_equal(weights, axis.weights.float().numpy().ravel())
    assert at == len(data)


def test_a_step_reads_as_a_station() -> None:
    assert str(Step("x", (1, 3, 8, 8), "input")) == "x (1, 3, 8, 8)"
    assert str(Step("Upsample")) == "Upsample"
    assert vars(Merit("PSNR", "31.24 dB")) == {"label": "PSNR", "value": "31.24 dB", "meaning": ""}


@pytest.mark.parametrize("cells", [4, 80], ids=["as floats", "as codes"])
def test_values_that_are_not_finite_break_neither_json_nor_the_rest(cells: int) -> None:
    tensor = torch.rand(1, cells, cells)
    tensor[0, 0, :3] = torch.tensor([float("nan"), float("inf"), -float("inf")])
    meta, data = Panel("p", "Panel", "output", tensor).encode()
    json.dumps(meta, allow_nan=False)
    kind = {"f32": np.float32, "u8": np.uint8}[meta["dtype"]]
    codes = np.frombuffer(data, kind).astype(np.float64).reshape(cells, cells)
    values = (
        codes if meta["dtype"] == "f32" else meta["lo"] + (meta["hi"] - meta["lo"]) / 255 * codes
    )
    assert np.abs(values[1:] - tensor[0, 1:].numpy()).max() <= 0.5 / 255 + 1e-6


def test_a_table_names_its_rows_and_columns() -> None:
    table = Panel(
        "t",
        "Table",
        "error",
        noise(1, 2, 3),
        names=(("one", "two"), ("a", "b", "c")),
        unit="grey levels",
        pickable=True,
        picked=(1, 2),
    )
    meta, _ = table.encode()
    assert meta["names"] == [["one", "two"], ["a", "b", "c"]]
    assert (meta["unit"], meta["pickable"], meta["picked"]) == ("grey levels", True, [1, 2])


def test_another_panel_is_no_table() -> None:
    meta, _ = Panel("p", "P", "output", noise(1, 2, 3), by="Pillow").encode()
    assert meta["names"] == [[], []]
    assert (meta["pickable"], meta["picked"], meta["by"]) == (False, [], "Pillow")
