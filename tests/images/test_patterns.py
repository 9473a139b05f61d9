"""Test patterns: every value follows from the formula in the docstring."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resample_viz.images import (
    PATTERNS,
    checkerboard,
    edge,
    impulse,
    integer_grid,
    label_mask,
    pattern,
    ramp,
    uniform_noise,
    zone_plate,
)

sides = st.integers(1, 40)
few = settings(max_examples=40, deadline=None)


@few
@given(st.sampled_from(sorted(PATTERNS)), sides, sides)
def test_every_pattern_is_a_fresh_float_tensor_in_range(name: str, height: int, width: int) -> None:
    x = pattern(name, (height, width))
    assert x.shape == (1, 1, height, width)
    assert x.dtype == torch.float32
    assert x.is_contiguous()
    top = height * width if name == "integer_grid" else 1
    assert x.min() >= 0
    assert x.max() <= top
    kept = x.clone()
    x.fill_(7)
    assert torch.equal(pattern(name, (height, width)), kept)


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_a_single_size_makes_a_square_and_every_pattern_has_its_own(name: str) -> None:
    assert pattern(name, 9).shape == (1, 1, 9, 9)
    assert torch.equal(pattern(name), PATTERNS[name]())
    assert (PATTERNS[name].__doc__ or "").count("Shows") == 1


@few
@given(sides, sides)
def test_an_impulse_is_one_pixel_in_the_middle(height: int, width: int) -> None:
    x = impulse((height, width))
    assert x.sum() == 1
    assert x[0, 0, height // 2, width // 2] == 1


@few
@given(sides, sides)
def test_an_edge_is_a_clean_step_in_the_middle(height: int, width: int) -> None:
    row = [float(j >= width // 2) for j in range(width)]
    assert edge((height, width))[0, 0].tolist() == [row] * height


@few
@given(st.integers(2, 12), st.integers(2, 12), st.floats(-360, 360))
def test_a_turned_edge_holds_the_area_on_its_bright_side(
    height: int, width: int, angle: float
) -> None:
    fine = 32  # the oracle: count the sub-pixels whose centre is on the bright side
    columns = (torch.arange(width * fine, dtype=torch.float64) + 0.5) / fine - width // 2
    rows = (torch.arange(height * fine, dtype=torch.float64) + 0.5) / fine - height // 2
    radians = math.radians(angle)
    bright = columns * math.cos(radians) + rows[:, None] * math.sin(radians) > 0
    counted = torch.nn.functional.avg_pool2d(bright.double()[None, None], fine)
    assert (edge((height, width), angle) - counted).abs().max() < 1.5 / fine


@few
@given(sides, st.sampled_from([0.0, 30.0, 45.0, 89.9999999, 90.0, 200.0]))
def test_an_edge_turned_by_180_degrees_swaps_bright_and_dark(side: int, angle: float) -> None:
    torch.testing.assert_close(
        edge(side, angle) + edge(side, angle + 180), torch.ones(1, 1, side, side)
    )


def test_an_edge_of_90_degrees_is_bright_below() -> None:
    torch.testing.assert_close(edge(6, 90)[0, 0, :, 0], torch.tensor([0.0, 0, 0, 1, 1, 1]))


@few
@given(sides, st.integers(2, 40))
def test_a_ramp_rises_evenly_from_black_to_white(height: int, width: int) -> None:
    x = ramp((height, width))[0, 0]
    assert torch.equal(x, x[:1].expand(height, width))
    torch.testing.assert_close(x[0], torch.linspace(0, 1, width))
    assert x[0, 0] == 0
    assert x[0, -1] == 1


@few
@given(sides, sides, st.integers(1, 10))
def test_a_checkerboard_has_the_period_asked_for(height: int, width: int, side: int) -> None:
    x = checkerboard((height + 2 * side, width + 2 * side), period=2 * side)[0, 0]
    assert torch.equal(x[side:], 1 - x[:-side])
    assert torch.equal(x[:, side:], 1 - x[:, :-side])
    assert not x[:side, :side].any()


def test_the_finest_checkerboard_averages_to_flat_grey() -> None:
    means = torch.nn.functional.avg_pool2d(checkerboard(32, period=2), 2)
    assert torch.equal(means, torch.full_like(means, 0.5))


@few
@given(sides, sides)
def test_a_zone_plate_is_symmetric_and_follows_its_formula(height: int, width: int) -> None:
    x = zone_plate((height, width))
    torch.testing.assert_close(x, x.flip(-1))
    torch.testing.assert_close(x, x.flip(-2))
    r2 = ((height - 1) / 2) ** 2 + ((width - 1) / 2) ** 2
    corner = (1 + math.cos(math.pi * r2 / max(height, width))) / 2
    assert x[0, 0, 0, 0].item() == pytest.approx(corner, abs=1e-5)


def test_a_zone_plate_never_exceeds_what_its_grid_can_hold() -> None:
    # The phase step between neighbours is the local frequency; half a turn is the finest there is.
    n = 65
    offsets = torch.arange(n, dtype=torch.float64) - (n - 1) / 2
    steps = (math.pi * offsets.square() / n).diff().abs()
    assert steps.max() <= math.pi
    x = zone_plate(n)[0, 0, n // 2]
    torch.testing.assert_close(x.double(), (1 + torch.cos(math.pi * offsets.square() / n)) / 2)


@few
@given(sides, sides)
def test_an_integer_grid_counts_along_the_rows_from_1(height: int, width: int) -> None:
    expected = torch.arange(1.0, height * width + 1)
    assert torch.equal(integer_grid((height, width)).flatten(), expected)


def test_an_integer_grid_is_small_by_default() -> None:
    assert integer_grid().shape == (1, 1, 6, 6)
    assert integer_grid().max() == 36


@few
@given(st.integers(0, 2**63 - 1))
def test_noise_follows_its_seed_and_leaves_the_global_state_alone(seed: int) -> None:
    before = torch.get_rng_state()
    x = uniform_noise(16, seed)
    assert torch.equal(x, uniform_noise(16, seed))
    assert not torch.equal(x, uniform_noise(16, seed ^ 1))
    assert torch.equal(torch.get_rng_state(), before)


def test_noise_is_uniform() -> None:
    x = uniform_noise(128)
    assert x.mean().item() == pytest.approx(1 / 2, abs=0.01)
    assert x.var().item() == pytest.approx(1 / 12, abs=0.002)


@pytest.mark.parametrize("name", sorted(PATTERNS))
@pytest.mark.parametrize("size", [0, (4, -1), 2.5, "8", (1, 2, 3)])
def test_an_impossible_size_is_refused_by_every_pattern(name: str, size, refused) -> None:
    with refused("size="):
        pattern(name, size)


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_a_pattern_over_64_mb_is_refused_before_memory_is_taken(name: str, refused) -> None:
    with refused("64 MB"):
        pattern(name, 10**9)


@pytest.mark.parametrize("name", ["zoneplate", None, 3])
def test_an_unknown_pattern_is_answered_with_the_known_ones(name, refused) -> None:
    with refused(*PATTERNS):
        pattern(name)


@pytest.mark.parametrize("period", [0, 1, 3, -2, 2.0, True])
def test_a_checkerboard_needs_an_even_period(period, refused) -> None:
    with refused("period="):
        checkerboard(8, period)


@pytest.mark.parametrize("seed", [-1, 2**63, 0.5, None])
def test_noise_needs_a_whole_seed(seed, refused) -> None:
    with refused("seed="):
        uniform_noise(4, seed)


@pytest.mark.parametrize("angle", [math.nan, math.inf, "steep", None])
def test_an_edge_needs_a_real_angle(angle, refused) -> None:
    with refused("angle="):
        edge(4, angle)


@given(st.integers(1, 60), st.integers(1, 60))
def test_a_label_mask_has_classes_and_nothing_between(height: int, width: int) -> None:
    classes = label_mask((height, width)) * 3
    assert torch.equal(classes, classes.round())
    assert set(classes.unique().tolist()) <= {0, 1, 2, 3}


def test_a_label_mask_of_any_useful_size_has_all_classes() -> None:
    for size in (12, 32, 64, 256):
        classes = (label_mask(size) * 3).round()
        assert classes.unique().tolist() == [0, 1, 2, 3]
        assert classes[0, 0, 0, 0] == 0
        assert classes[0, 0, int(0.38 * size), int(0.67 * size)] == 3
