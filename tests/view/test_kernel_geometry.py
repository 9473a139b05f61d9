"""geometry.js on convolutions: which cells, which weights, which sums."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from resample_viz.operations import Conv, ConvTranspose
from resample_viz.view import Link
from tests.operations.registry import REGISTRY, Trial
from tests.view.test_geometry import in_javascript

CONVOLUTIONS = st.one_of(REGISTRY[Conv].trials, REGISTRY[ConvTranspose].trials)


def grid(rows: int, cols: int) -> list[list[int]]:
    return [[row, col] for row, col in product(range(rows), range(cols))]


def weights(cells: list[dict[str, Any]], *key: str) -> dict[tuple[int, ...], float]:
    """The weight of every cell; taps that read the same cell are added up, zeros left out."""
    found: dict[tuple[int, ...], float] = defaultdict(float)
    for cell in cells:
        found[tuple(cell[name] for name in key)] += cell["weight"]
    return {cell: weight for cell, weight in found.items() if abs(weight) > 1e-9}


def case_of(trial: Trial, channel: int) -> dict[str, Any]:
    """Every output cell of one channel, and every input cell of every channel that it sees."""
    operation: Any = trial.operation
    link = Link.of("x", "y", operation.footprint(trial.shape), channel=channel)
    meta, data = link.encode()
    first = meta["firstChannel"]
    seen = range(first, first + meta["kernel"])
    return {
        "what": "links",
        "link": meta,
        "bytes": list(data),
        "outputs": grid(*operation.output_shape(trial.shape)[2:]),
        "inputs": [[*cell, c] for c in seen for cell in grid(*trial.shape[2:])],
    }


@settings(max_examples=4)  # each is one start of node
@given(st.lists(CONVOLUTIONS, min_size=12, max_size=12), st.data())
def test_sources_and_targets_are_those_of_the_kernel_footprint(
    trials: list[Trial], data: st.DataObject
) -> None:
    channels = [
        data.draw(st.integers(0, trial.operation.output_shape(trial.shape)[1] - 1))
        for trial in trials
    ]
    cases = [case_of(trial, channel) for trial, channel in zip(trials, channels)]
    results = in_javascript(cases)
    for trial, out, case, result in zip(trials, channels, cases, results, strict=True):
        footprint = trial.operation.footprint(trial.shape)
        for cell, found in zip(case["outputs"], result["sources"], strict=True):
            ours = weights(found, "channel", "row", "col")
            theirs = {c: w for c, w in footprint.sources((out, *cell)) if abs(w) > 1e-9}
            assert ours == pytest.approx(theirs, abs=1e-6)
        for (row, col, channel), found in zip(case["inputs"], result["targets"], strict=True):
            reached = footprint.targets((channel, row, col))
            theirs = {c[1:]: w for c, w in reached if c[0] == out and abs(w) > 1e-9}
            assert weights(found, "row", "col") == pytest.approx(theirs, abs=1e-6)


def test_a_tap_of_weight_zero_is_a_source_too_and_stands_where_the_kernel_has_it() -> None:
    operation = Conv(kernel=torch.tensor([[0.0, 1.0], [2.0, 0.0]]))
    meta, data = Link.of("x", "y", operation.footprint((1, 1, 3, 3))).encode()
    case = {"what": "links", "link": meta, "bytes": list(data), "outputs": [[1, 0]], "inputs": []}
    (result,) = in_javascript([case])
    assert [(s["row"], s["col"], s["weight"]) for s in result["sources"][0]] == [
        (1, 0, 0),
        (1, 1, 1),
        (2, 0, 2),
        (2, 1, 0),
    ]
    assert [s["tap"] for s in result["sources"][0]][1] == {"row": 0, "col": 1}


@settings(max_examples=3)
@given(st.lists(REGISTRY[Conv].trials, min_size=10, max_size=10))
def test_a_window_is_every_cell_under_a_tap_whatever_its_weight(trials: list[Trial]) -> None:
    cases = [case_of(trial, 0) for trial in trials]
    for trial, case, result in zip(trials, cases, in_javascript(cases), strict=True):
        operation = trial.operation
        assert isinstance(operation, Conv)
        rows, cols = operation.footprint(trial.shape).axes
        for (row, col), found in zip(case["outputs"], result["windows"], strict=True):
            reads = [
                {i for i in axis.index[at].tolist() if i >= 0}
                for axis, at in ((rows, row), (cols, col))
            ]
            assert {(c["row"], c["col"]) for c in found} == set(product(*reads))


def test_a_winner_is_the_only_source_and_its_window_is_all_that_was_looked_at() -> None:
    x = torch.randn(1, 5, 7, generator=torch.Generator().manual_seed(5))
    y, winners = torch.nn.functional.max_pool2d(x, 3, stride=2, return_indices=True)
    axes = Conv("ones", 3, 2).footprint((1, 1, 5, 7)).axes
    meta, data = Link("x", "y", axes, winners=winners).encode()
    case = {
        "what": "links",
        "link": meta,
        "bytes": list(data),
        "outputs": grid(*y.shape[1:]),
        "inputs": grid(5, 7),
    }
    (result,) = in_javascript([case])
    reached: dict[tuple[int, int], list[list[int]]] = defaultdict(list)
    for cell, (source,), window in zip(case["outputs"], result["sources"], result["windows"]):
        assert x[0, source["row"], source["col"]] == y[0, cell[0], cell[1]]
        assert len(window) == 9
        assert {"row": source["row"], "col": source["col"]} in window
        reached[source["row"], source["col"]].append(cell)
    for (row, col), found in zip(case["inputs"], result["targets"], strict=True):
        assert [[t["row"], t["col"]] for t in found] == reached[row, col]


# Stamps that add up


def stamping(trial: Trial, channel: int, x: Tensor, steps: int) -> dict[str, Any]:
    operation = trial.operation
    assert isinstance(operation, ConvTranspose)
    bias = float(operation.bias_values[channel])
    footprint = operation.footprint(trial.shape)
    meta, data = Link.of("x", "y", footprint, channel=channel, bias=bias).encode()
    return {
        "what": "addedUp",
        "link": meta,
        "bytes": list(data),
        "values": x[0].tolist(),
        "steps": steps,
        "half": (steps + 1) // 2,
    }


@settings(max_examples=4)
@given(st.lists(REGISTRY[ConvTranspose].trials, min_size=8, max_size=8), st.data())
def test_stamps_add_up_to_what_pytorch_computes_and_on_the_way_to_their_sum(
    trials: list[Trial], data: st.DataObject
) -> None:
    cases, expected = [], []
    for trial in trials:
        operation = trial.operation
        assert isinstance(operation, ConvTranspose)
        channel = data.draw(st.integers(0, operation.out_channels - 1))
        cells = math.prod(trial.shape[2:])
        steps = data.draw(st.integers(0, cells - 1))
        x = trial.input()
        so_far = x.flatten(2).clone()
        so_far[..., steps:] = 0
        for many, given_so_far in ((cells, x), (steps, so_far.view(x.shape))):
            cases.append(stamping(trial, channel, x, many))
            expected.append(trial.pytorch(given_so_far)[0, channel])
    for wanted, (at_once, onwards) in zip(expected, in_javascript(cases), strict=True):
        np.testing.assert_allclose(at_once, wanted.flatten().numpy(), atol=1e-4, rtol=1e-5)
        np.testing.assert_allclose(onwards, at_once, atol=1e-9)


def test_the_first_steps_are_the_first_stamps() -> None:
    operation = ConvTranspose(kernel=torch.tensor([[1.0, 2.0], [3.0, 4.0]]), stride=1)
    x = torch.tensor([[[[1.0, 10.0], [100.0, 1000.0]]]])
    trial = Trial(ConvTranspose, {"kernel": operation.kernel, "stride": 1}, (1, 1, 2, 2))
    answers = in_javascript([stamping(trial, 0, x, steps) for steps in range(5)])
    results = [at_once for at_once, _ in answers]
    assert [np.reshape(result, (3, 3)).tolist() for result in results[:3]] == [
        [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
        [[1, 2, 0], [3, 4, 0], [0, 0, 0]],
        [[1, 12, 20], [3, 34, 40], [0, 0, 0]],
    ]
    stamps = [operation.stamp((1, 1, 2, 2), *divmod(n, 2))[0] * x.flatten()[n] for n in range(4)]
    for (before, after), stamp in zip(pairwise(results), stamps, strict=True):
        assert np.subtract(after, before).reshape(3, 3).tolist() == stamp.tolist()


# Cells with numbers


def test_cells_are_numbered_row_by_row_and_padding_has_no_number() -> None:
    panel = {"rows": 4, "cols": 6, "margin": [1, 2, 0, 1]}
    cases = [{"what": "numbers", "panel": panel, "cells": grid(4, 6), "count": 9}]
    (result,) = in_javascript(cases)
    numbers = np.reshape(result["numbers"], (4, 6))
    assert numbers[0].tolist() == [-1] * 6
    assert numbers[1:].tolist() == [
        [-1, -1, 0, 1, 2, -1],
        [-1, -1, 3, 4, 5, -1],
        [-1, -1, 6, 7, 8, -1],
    ]


@given(
    st.lists(
        st.tuples(*[st.integers(1, 6)] * 2, *[st.integers(0, 3)] * 4), min_size=20, max_size=20
    )
)
@settings(max_examples=3)
def test_a_cell_is_where_its_number_says(sizes: list[tuple[int, ...]]) -> None:
    cases = []
    for rows, cols, *margin in sizes:
        top, left, bottom, right = margin
        panel = {"rows": rows + top + bottom, "cols": cols + left + right, "margin": margin}
        cells = grid(panel["rows"], panel["cols"])
        cases.append({"what": "numbers", "panel": panel, "cells": cells, "count": rows * cols})
    for case, result in zip(cases, in_javascript(cases), strict=True):
        numbered = [n for n in result["numbers"] if n >= 0]
        assert numbered == list(range(case["count"]))
        at = dict(zip(map(tuple, case["cells"]), result["numbers"]))
        for number, cell in enumerate(result["cells"]):
            assert at[cell["row"], cell["col"]] == number


# Sums in words


def terms(*found: float) -> list[dict[str, Any]]:
    return [{"row": 0, "col": col, "weight": weight} for col, weight in enumerate(found)]


def written(cells: list[dict[str, Any]], values: list[float], **options: Any) -> dict[str, Any]:
    (result,) = in_javascript([{"what": "sum", "cells": cells, "values": values, **options}])
    return result


def test_a_window_is_written_out_in_its_order_without_taps_of_weight_zero() -> None:
    result = written(terms(0, 1, -2, 0, 5), [9, 4, 3, 9, 2], inOrder=True, most=9)
    assert result["text"] == "1·4 − 2·3 + 5·2"
    assert result["total"] == 8


def test_a_bias_is_part_of_the_sum() -> None:
    result = written(terms(1, 1), [4, 3], inOrder=True, bias=0.5)
    assert (result["text"], result["total"]) == ("1·4 + 1·3 + 0.5 (bias)", 7.5)
    result = written(terms(1, 1), [4, 3], inOrder=True, bias=-0.25)
    assert (result["text"], result["total"]) == ("1·4 + 1·3 − 0.25 (bias)", 6.75)


def test_what_is_left_of_a_long_window_is_one_number() -> None:
    result = written(terms(1, 0, 2, 3, 4), [1, 9, 1, 1, 1], inOrder=True, most=2, bias=0.5)
    assert result["text"] == "1·1 + 2·1 + (2 more add 7) + 0.5 (bias)"
    assert result["total"] == 10.5


@pytest.mark.parametrize("bias", [0, 0.5])
def test_nothing_but_zeros_is_written_as_the_bias_or_as_zero(bias: float) -> None:
    result = written(terms(0, 0), [5, 6], inOrder=True, bias=bias)
    assert (result["text"], result["total"]) == (f"{bias} (bias)" if bias else "0", bias)
