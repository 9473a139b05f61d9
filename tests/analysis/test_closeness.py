"""What `rv.allclose` and `rv.equal` say is what torch says, and the number beside it is right."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import resample_viz as rv

SANITIZE = Path(__file__).parents[1] / "notebooks" / "sanitize.cfg"
NUMBERS = st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=6)


@given(NUMBERS, st.floats(-1, 1, width=32), st.sampled_from([1e-8, 1e-3, 0.5]))
def test_it_says_what_torch_says_and_how_far_apart(
    numbers: list[float], shift: float, atol: float
) -> None:
    a = torch.tensor(numbers, dtype=torch.float64)
    b = a.clone()
    b[0] += shift
    close, same = rv.allclose(a, b, atol=atol), rv.equal(a, b)
    assert bool(close) == torch.allclose(a, b, atol=atol)
    assert bool(same) == torch.equal(a, b)
    assert close.apart == same.apart == float((a - b).abs().max())


def test_equal_asks_for_equal_shapes_and_allclose_for_some_that_fit() -> None:
    assert rv.allclose(torch.ones(2, 3), 1)
    assert not rv.equal(torch.ones(2, 3), torch.ones(3))
    assert str(rv.allclose(torch.ones(2), torch.ones(3))) == "False (shapes differ)"
    assert str(rv.equal(torch.ones(2), torch.ones(3))) == "False (shapes differ)"


@pytest.mark.parametrize("values", [[1, 2], np.array([1.0, 2.0]), torch.tensor([1, 2])])
def test_arrays_lists_and_integers_are_compared(values: object) -> None:
    assert rv.equal(values, [1.0, 2.0])
    assert str(rv.equal(values, [1, 2])) == "True (0 apart)"


def test_nothing_of_the_operands_is_changed() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    assert rv.allclose(weight, torch.ones(2))
    assert weight.requires_grad
    assert weight.dtype == torch.float32


def test_nothing_is_apart_in_empty_tensors_and_nan_is_not_close() -> None:
    assert str(rv.equal(torch.ones(0), torch.ones(0))) == "True (0 apart)"
    assert str(rv.allclose(torch.tensor(torch.nan), 1.0)) == "False (≈ nan apart)"


@pytest.mark.parametrize("number", ["1.2e-07", "0", "3.9", "12", "1e+03", "inf", "nan", "-0.04"])
def test_stored_outputs_are_compared_without_measured_numbers(number: str) -> None:
    """The pattern that nbval is given leaves out the number, and nothing else."""
    config = ConfigParser()
    config.read_string(SANITIZE.read_text(encoding="utf-8"))
    pattern, replace = config["measured"]["regex"], config["measured"]["replace"]
    text = re.sub(pattern, replace, f"True (≈ {number} apart), 17 of 20")
    assert text == f"True ({replace} apart), 17 of 20"
