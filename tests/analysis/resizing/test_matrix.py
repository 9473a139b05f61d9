"""The from-scratch resize matrix: against PyTorch, ONNX's published results, and itself."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from resample_viz.analysis import (
    COORDINATES,
    MODES,
    NEAREST_ROUNDINGS,
    area_windows,
    box_kernel,
    cubic_kernel,
    field_of_view,
    kernel_weights,
    lanczos_kernel,
    linear_kernel,
    resize_matrix,
    round_coordinates,
    source_coordinates,
)

TOLERANCE = 1e-9  # float64 throughout; the promise is 1e-6
HEIGHT = 3  # of the images whose width is resized

quick = settings(deadline=None, max_examples=50)

sizes = st.integers(1, 40)
scales = st.one_of(
    st.floats(0.1, 5.0),
    st.integers(2, 100).map(lambda twentieths: twentieths / 20),  # the steps of a slider
)


@dataclass(frozen=True)
class Twin:
    """A mode of torch's interpolate and the arguments with which resize_matrix is the same."""

    torch: dict[str, Any]
    ours: dict[str, Any]
    ndim: int = 4


TWINS = {
    "linear": Twin({"mode": "linear"}, {"mode": "linear"}, ndim=3),
    "linear align_corners": Twin(
        {"mode": "linear", "align_corners": True},
        {"mode": "linear", "coordinates": "align_corners"},
        ndim=3,
    ),
    "bilinear": Twin({"mode": "bilinear"}, {"mode": "linear"}),
    "bilinear align_corners": Twin(
        {"mode": "bilinear", "align_corners": True},
        {"mode": "linear", "coordinates": "align_corners"},
    ),
    "trilinear": Twin({"mode": "trilinear"}, {"mode": "linear"}, ndim=5),
    "bicubic": Twin({"mode": "bicubic"}, {"mode": "cubic"}),
    "bicubic align_corners": Twin(
        {"mode": "bicubic", "align_corners": True},
        {"mode": "cubic", "coordinates": "align_corners"},
    ),
    "bilinear antialias": Twin(
        {"mode": "bilinear", "antialias": True}, {"mode": "linear", "antialias": True}
    ),
    "bicubic antialias": Twin(
        {"mode": "bicubic", "antialias": True},
        {"mode": "cubic", "cubic_coeff": -0.5, "antialias": True},
    ),
    "lanczos antialias": Twin(
        {"mode": "lanczos", "antialias": True}, {"mode": "lanczos3", "antialias": True}
    ),
    "area 1-D": Twin({"mode": "area"}, {"mode": "area"}, ndim=3),
    "area 2-D": Twin({"mode": "area"}, {"mode": "area"}),
}
NEAREST: dict[str, Any] = {
    "mode": "nearest",
    "coordinates": "asymmetric",
    "nearest_rounding": "floor",
}
NEAREST_EXACT: dict[str, Any] = {"mode": "nearest", "nearest_rounding": "round_prefer_ceil"}
NEAREST_TWINS = {
    "nearest 1-D": Twin({"mode": "nearest"}, NEAREST, ndim=3),
    "nearest 2-D": Twin({"mode": "nearest"}, NEAREST),
    "nearest 3-D": Twin({"mode": "nearest"}, NEAREST, ndim=5),
    "nearest-exact 1-D": Twin({"mode": "nearest-exact"}, NEAREST_EXACT, ndim=3),
    "nearest-exact 2-D": Twin({"mode": "nearest-exact"}, NEAREST_EXACT),
    "nearest-exact 3-D": Twin({"mode": "nearest-exact"}, NEAREST_EXACT, ndim=5),
}

each_twin = pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS.keys())
each_float64_nearest_twin = pytest.mark.parametrize(
    "twin",
    [twin for twin in NEAREST_TWINS.values() if twin.ndim != 4],
    ids=[name for name, twin in NEAREST_TWINS.items() if twin.ndim != 4],
)


def torch_matrix(in_size: int, twin: Twin, **how: Any) -> torch.Tensor:
    """What torch does to every unit vector along the last axis, as a matrix."""
    others = (HEIGHT,) * (twin.ndim - 3)
    unit = torch.eye(in_size, dtype=torch.float64).view(in_size, 1, *(1,) * len(others), in_size)
    unit = unit.expand(in_size, 1, *others, in_size).contiguous()
    if "size" in how:
        how["size"] = (*others, how["size"])
    else:
        how["scale_factor"] = (*(1.0 for _ in others), how["scale_factor"])
    resized = F.interpolate(unit, **how, **twin.torch)
    return resized.reshape(in_size, -1, resized.shape[-1])[:, 0].T


def assert_close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert ours.dtype == torch.float64
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max().item() <= TOLERANCE


def assert_same_cells_but_at_ties(
    ours: torch.Tensor, theirs: torch.Tensor, position: torch.Tensor
) -> None:
    """`position` is what nearest rounds down: at a whole number float32 may pick a neighbour."""
    assert ours.shape == theirs.shape
    apart = (ours.argmax(1) - theirs.argmax(1)).abs()
    at_tie = (position - position.round()).abs() < 1e-5
    assert (apart <= at_tie).all()
    assert torch.equal(theirs.sum(1), ours.sum(1))


def nearest_position(
    in_size: int, out_size: int, twin: Twin, scale: float | None = None
) -> torch.Tensor:
    coordinates = twin.ours.get("coordinates", "half_pixel")
    half = 0.0 if coordinates == "asymmetric" else 0.5
    return source_coordinates(in_size, out_size, coordinates, scale) + half


# ---------------------------------------------------------------- torch is the oracle


@each_twin
@quick
@given(in_size=sizes, out_size=sizes)
def test_with_a_size_the_matrix_is_that_of_torch(twin: Twin, in_size: int, out_size: int) -> None:
    assert_close(
        resize_matrix(in_size, out_size, **twin.ours), torch_matrix(in_size, twin, size=out_size)
    )


@each_twin
@quick
@example(in_size=3, scale=1.3)  # the size stays, the scale is not 1
@example(in_size=31, scale=1.1)
@given(in_size=sizes, scale=scales)
def test_with_a_scale_factor_the_matrix_is_that_of_torch(
    twin: Twin, in_size: int, scale: float
) -> None:
    assume(math.floor(in_size * scale) >= 1)
    theirs = torch_matrix(in_size, twin, scale_factor=scale)
    assert_close(resize_matrix(in_size, len(theirs), scale=scale, **twin.ours), theirs)


@each_twin
@quick
@given(in_size=sizes, scale=scales)
def test_with_a_recomputed_scale_factor_only_the_sizes_matter(
    twin: Twin, in_size: int, scale: float
) -> None:
    assume(math.floor(in_size * scale) >= 1)
    theirs = torch_matrix(in_size, twin, scale_factor=scale, recompute_scale_factor=True)
    assert_close(resize_matrix(in_size, len(theirs), **twin.ours), theirs)


@pytest.mark.parametrize("name", ["nearest 2-D", "nearest-exact 2-D"])
@quick
@given(in_size=sizes, out_size=sizes)
def test_nearest_on_images_with_a_size_is_that_of_torch_but_at_exact_ties(
    name: str, in_size: int, out_size: int
) -> None:
    twin = NEAREST_TWINS[name]
    assert_same_cells_but_at_ties(
        resize_matrix(in_size, out_size, **twin.ours),
        torch_matrix(in_size, twin, size=out_size),
        nearest_position(in_size, out_size, twin),
    )


@quick
@given(in_size=sizes, scale=scales)
def test_nearest_exact_on_images_with_a_scale_factor_is_that_of_torch_but_at_ties(
    in_size: int, scale: float
) -> None:
    assume(math.floor(in_size * scale) >= 1)
    twin = NEAREST_TWINS["nearest-exact 2-D"]
    theirs = torch_matrix(in_size, twin, scale_factor=scale)
    assert_same_cells_but_at_ties(
        resize_matrix(in_size, len(theirs), scale=scale, **twin.ours),
        theirs,
        nearest_position(in_size, len(theirs), twin, scale),
    )


@each_float64_nearest_twin
@quick
@given(in_size=sizes, out_size=sizes)
def test_nearest_on_float64_rows_with_a_size_is_exactly_that_of_torch(
    twin: Twin, in_size: int, out_size: int
) -> None:
    theirs = torch_matrix(in_size, twin, size=out_size)
    assert torch.equal(resize_matrix(in_size, out_size, **twin.ours), theirs)


@each_float64_nearest_twin
@quick
@example(in_size=31, scale=1.1)  # 33 / 1.1 is a hair below 30
@example(in_size=3, scale=1.3)
@given(in_size=sizes, scale=scales)
def test_nearest_on_float64_rows_with_a_scale_factor_is_exactly_that_of_torch(
    twin: Twin, in_size: int, scale: float
) -> None:
    assume(math.floor(in_size * scale) >= 1)
    theirs = torch_matrix(in_size, twin, scale_factor=scale)
    assert torch.equal(resize_matrix(in_size, len(theirs), scale=scale, **twin.ours), theirs)


@quick
@example(in_size=3, scale=1.3)
@example(in_size=3, scale=2.3)
@given(in_size=sizes, scale=scales)
def test_nearest_on_images_ignores_the_scale_factor_when_the_size_stays_or_doubles(
    in_size: int, scale: float
) -> None:
    assume(math.floor(in_size * scale) >= 1)
    twin = NEAREST_TWINS["nearest 2-D"]
    theirs = torch_matrix(in_size, twin, scale_factor=scale)
    out_size = len(theirs)
    used = None if out_size in (in_size, 2 * in_size) else scale
    assert_same_cells_but_at_ties(
        resize_matrix(in_size, out_size, scale=used, **NEAREST),
        theirs,
        nearest_position(in_size, out_size, twin, used),
    )


@pytest.mark.parametrize(("in_size", "out_size"), [(128, 262), (262, 128), (97, 31), (1, 9)])
@each_twin
def test_photograph_sizes_agree_too(twin: Twin, in_size: int, out_size: int) -> None:
    assert_close(
        resize_matrix(in_size, out_size, **twin.ours), torch_matrix(in_size, twin, size=out_size)
    )


@pytest.mark.parametrize(
    "name", ["bilinear", "bicubic", "bicubic antialias", "lanczos antialias", "area 2-D"]
)
@quick
@given(shape=st.tuples(sizes, sizes), size=st.tuples(sizes, sizes), seed=st.integers(0, 2**32 - 1))
def test_an_image_is_resized_by_one_matrix_per_axis(
    name: str, shape: tuple[int, int], size: tuple[int, int], seed: int
) -> None:
    twin = TWINS[name]
    # Torch 2.13 repeats the first row when it antialiases a contiguous image to a width of 1.
    assume(size[1] > 1 or "antialias" not in twin.torch)
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(1, 1, *shape, dtype=torch.float64, generator=generator)
    rows, columns = (resize_matrix(n, m, **twin.ours) for n, m in zip(shape, size, strict=True))
    theirs = F.interpolate(image, size=size, **twin.torch)
    assert_close(rows @ image @ columns.T, theirs)


@quick
@given(in_size=sizes, out_size=sizes)
def test_area_windows_are_those_of_adaptive_average_pooling(in_size: int, out_size: int) -> None:
    first, end = area_windows(in_size, out_size)
    x = torch.arange(in_size, dtype=torch.float64) ** 2
    means = torch.stack([x[a:b].mean() for a, b in zip(first, end, strict=True)])
    pooled = F.adaptive_avg_pool1d(x[None, None], out_size)[0, 0]
    assert torch.allclose(means, pooled, atol=1e-9)


# ---------------------------------------------------------------- ONNX Resize's published results
# One axis of the examples of the operator's page and test cases, on the input 1, 2, 3, 4 (or 1, 2).

ONNX_ROWS = {
    "nearest, sizes": (2, 8, {"mode": "nearest"}, [1, 1, 1, 1, 2, 2, 2, 2]),
    "nearest, scale 3": (2, 6, {"mode": "nearest", "scale": 3}, [1, 1, 1, 2, 2, 2]),
    "nearest, scale 0.6": (4, 2, {"mode": "nearest", "scale": 0.6}, [1, 3]),
    "nearest, down to 3": (4, 3, {"mode": "nearest"}, [1, 2, 4]),
    "nearest floor align_corners": (
        4, 8, {"mode": "nearest", "coordinates": "align_corners", "nearest_rounding": "floor"},
        [1, 1, 1, 2, 2, 3, 3, 4],
    ),
    "nearest round_prefer_ceil asymmetric": (
        4, 8,
        {"mode": "nearest", "coordinates": "asymmetric", "nearest_rounding": "round_prefer_ceil"},
        [1, 2, 2, 3, 3, 4, 4, 4],
    ),
    "nearest ceil half_pixel": (
        4, 8, {"mode": "nearest", "nearest_rounding": "ceil"}, [1, 2, 2, 3, 3, 4, 4, 4],
    ),
    "linear": (2, 4, {"mode": "linear", "scale": 2}, [1, 1.25, 1.75, 2]),
    "linear align_corners": (
        2, 4, {"mode": "linear", "coordinates": "align_corners", "scale": 2},
        [1, 4 / 3, 5 / 3, 2],
    ),
    "linear, scale 0.6": (4, 2, {"mode": "linear", "scale": 0.6}, [4 / 3, 3]),
    "linear half_pixel_symmetric, scale 0.6": (
        4, 2, {"mode": "linear", "coordinates": "half_pixel_symmetric", "scale": 0.6},
        [1.6666667, 3.3333333],
    ),
    "linear half_pixel_symmetric, scale 2.94": (
        2, 5, {"mode": "linear", "coordinates": "half_pixel_symmetric", "scale": 2.94},
        [1, 1.15986395, 1.5, 1.84013605, 2],
    ),
    "linear pytorch_half_pixel to one cell": (
        4, 1, {"mode": "linear", "coordinates": "pytorch_half_pixel"}, [1],
    ),
    "linear half_pixel to one cell": (4, 1, {"mode": "linear"}, [2.5]),
    "cubic asymmetric": (
        4, 8, {"mode": "cubic", "coordinates": "asymmetric", "scale": 2},
        [1, 1.40625, 2, 2.5, 3, 3.59375, 4, 4.09375],
    ),
    "cubic align_corners": (
        4, 8, {"mode": "cubic", "coordinates": "align_corners", "scale": 2},
        [1, 1.34110787, 1.80029155, 2.32944606, 2.67055394, 3.19970845, 3.65889213, 4],
    ),
}  # fmt: skip

# The same on the 4x4 input 1 … 16; the first row of the result.
ONNX_IMAGES = {
    "cubic": (
        8, {"mode": "cubic", "scale": 2},
        [0.47265625, 0.76953125, 1.24609375, 1.875, 2.28125, 2.91015625, 3.38671875, 3.68359375],
    ),
    "cubic, scale 0.8": (3, {"mode": "cubic", "scale": 0.8}, [1.47119141, 2.78125, 4.08251953]),
    "cubic, down to 3": (3, {"mode": "cubic"}, [1.63078704, 3.00462963, 4.37847222]),
    "cubic a=-0.5 exclude_outside": (
        8, {"mode": "cubic", "cubic_coeff": -0.5, "exclude_outside": True, "scale": 2},
        [0.55882353, 0.81494204, 1.35698249, 1.89705882, 2.39705882, 2.93713516, 3.47917561,
         3.73529412],
    ),
    "cubic a=-0.5 exclude_outside, scale 0.8": (
        3, {"mode": "cubic", "cubic_coeff": -0.5, "exclude_outside": True, "scale": 0.8},
        [1.36812675, 2.6695014, 4.0133367],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("in_size", "out_size", "arguments", "expected"), ONNX_ROWS.values(), ids=ONNX_ROWS.keys()
)
def test_rows_are_those_of_the_onnx_operator(
    in_size: int, out_size: int, arguments: dict[str, Any], expected: list[float]
) -> None:
    row = torch.arange(1, in_size + 1, dtype=torch.float64)
    resized = resize_matrix(in_size, out_size, **arguments) @ row
    assert resized.tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("out_size", "arguments", "expected"), ONNX_IMAGES.values(), ids=ONNX_IMAGES.keys()
)
def test_images_are_those_of_the_onnx_operator(
    out_size: int, arguments: dict[str, Any], expected: list[float]
) -> None:
    image = torch.arange(1, 17, dtype=torch.float64).view(4, 4)
    matrix = resize_matrix(4, out_size, **arguments)
    assert (matrix @ image @ matrix.T)[0].tolist() == pytest.approx(expected, abs=1e-6)


# ---------------------------------------------------------------- properties of its own


@st.composite
def any_arguments(draw: st.DrawFn) -> dict[str, Any]:
    mode = draw(st.sampled_from(MODES))
    antialias = mode not in ("nearest", "area") and draw(st.booleans())
    allowed = [
        c for c in COORDINATES
        if c == "half_pixel" or (mode != "area" and not (antialias and c == "align_corners"))
    ]  # fmt: skip
    return {
        "mode": mode,
        "coordinates": draw(st.sampled_from(allowed)),
        "scale": draw(st.none() | st.floats(0.05, 20.0)),
        "cubic_coeff": draw(st.floats(-1.0, 0.0)),
        "nearest_rounding": draw(st.sampled_from(NEAREST_ROUNDINGS)),
        "exclude_outside": draw(st.none() | st.booleans()),
        "antialias": antialias,
    }


@settings(deadline=None, max_examples=400)
@given(in_size=sizes, out_size=sizes, arguments=any_arguments())
def test_every_row_sums_to_one_whatever_the_arguments(
    in_size: int, out_size: int, arguments: dict[str, Any]
) -> None:
    matrix = resize_matrix(in_size, out_size, **arguments)
    assert matrix.shape == (out_size, in_size)
    assert matrix.dtype == torch.float64
    assert torch.allclose(matrix.sum(1), torch.ones(out_size, dtype=torch.float64), atol=1e-9)


@pytest.mark.parametrize("mode", ["linear", "cubic", "lanczos3", "area"])
@quick
@given(in_size=sizes, out_size=sizes)
def test_a_mirrored_row_gives_a_mirrored_result(mode: str, in_size: int, out_size: int) -> None:
    matrix = resize_matrix(in_size, out_size, mode=mode)
    assert torch.allclose(matrix, matrix.flip(0, 1), atol=1e-9)


@quick
@given(in_size=sizes, out_size=sizes, scale=scales)
def test_half_pixel_symmetric_is_centred_even_when_the_scale_was_rounded_off(
    in_size: int, out_size: int, scale: float
) -> None:
    x = source_coordinates(in_size, out_size, "half_pixel_symmetric", scale)
    assert x.mean().item() == pytest.approx((in_size - 1) / 2, abs=1e-9)


@quick
@given(in_size=sizes, out_size=st.integers(2, 40), scale=st.none() | scales)
def test_pytorch_half_pixel_differs_from_half_pixel_only_for_one_output_cell(
    in_size: int, out_size: int, scale: float | None
) -> None:
    theirs = source_coordinates(in_size, out_size, "pytorch_half_pixel", scale)
    assert torch.equal(theirs, source_coordinates(in_size, out_size, "half_pixel", scale))
    assert source_coordinates(in_size, 1, "pytorch_half_pixel", scale).tolist() == [0.0]


@pytest.mark.parametrize("mode", ["linear", "cubic", "lanczos3"])
@quick
@given(in_size=st.integers(2, 20), factor=st.integers(1, 6))
def test_an_output_cell_on_top_of_an_input_cell_copies_it(
    mode: str, in_size: int, factor: int
) -> None:
    matrix = resize_matrix(
        in_size, (in_size - 1) * factor + 1, mode=mode, coordinates="align_corners"
    )
    assert torch.equal(matrix[::factor], torch.eye(in_size, dtype=torch.float64))


@quick
@given(in_size=sizes, out_size=sizes, coordinates=st.sampled_from(COORDINATES))
def test_nearest_is_the_box_kernel(in_size: int, out_size: int, coordinates: str) -> None:
    x = source_coordinates(in_size, out_size, coordinates)
    cells = field_of_view(x, 1)
    picked = kernel_weights(x, cells, box_kernel)
    assert (picked.sum(1) == 1).all()
    assert torch.equal((picked * cells).sum(1).long(), round_coordinates(x, "round_prefer_floor"))


@quick
@given(a=st.floats(-2.0, 0.0), x=st.floats(-3.0, 3.0))
def test_kernel_weights_sum_to_one_wherever_the_sampling_point_is(a: float, x: float) -> None:
    at = torch.tensor([x], dtype=torch.float64)
    cells = field_of_view(at, 2)
    for kernel in (linear_kernel, lambda t: cubic_kernel(t, a)):
        assert kernel_weights(at, cells, kernel).sum().item() == pytest.approx(1, abs=1e-9)


@quick
@given(t=st.floats(-5.0, 5.0), lobes=st.integers(1, 4))
def test_the_lanczos_kernel_is_a_windowed_sinc(t: float, lobes: int) -> None:
    def sinc(u: float) -> float:
        return math.sin(math.pi * u) / (math.pi * u) if u else 1.0

    expected = sinc(t) * sinc(t / lobes) if abs(t) < lobes else 0.0
    weight = lanczos_kernel(torch.tensor(t, dtype=torch.float64), lobes).item()
    assert weight == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("a", [-0.75, -0.5])
def test_the_cubic_kernel_has_slope_a_at_distance_one(a: float) -> None:
    t = torch.tensor([1 - 1e-6, 1 + 1e-6], dtype=torch.float64)
    low, high = cubic_kernel(t, a).tolist()
    assert (high - low) / 2e-6 == pytest.approx(a, abs=1e-5)


ANTIALIASED = [("linear", -0.75), ("cubic", -0.5), ("lanczos3", -0.75)]


@pytest.mark.parametrize(("mode", "coeff"), ANTIALIASED)
@quick
@given(n=st.integers(2, 12), m=st.integers(2, 12), data=st.data())
def test_with_antialias_the_border_may_be_repeated_as_onnx_does(
    mode: str, coeff: float, n: int, m: int, data: st.DataObject
) -> None:
    """It is what a row gives that goes on with its border cell, far enough to both sides."""
    assume(n != m)  # such an axis is copied
    x = torch.tensor(data.draw(st.lists(st.floats(-1, 1), min_size=n, max_size=n))).double()
    options = {"mode": mode, "cubic_coeff": coeff, "antialias": True}
    longer = torch.cat([x[:1].expand(7 * n), x, x[-1:].expand(7 * n)])
    wide = (resize_matrix(15 * n, 15 * m, **options) @ longer)[7 * m : 8 * m]
    repeated = resize_matrix(n, m, exclude_outside=False, **options) @ x
    torch.testing.assert_close(repeated, wide, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("mode", "coeff"), ANTIALIASED)
@pytest.mark.parametrize("antialias", [False, True])
def test_what_is_outside_is_by_default_where_pytorch_has_it(
    mode: str, coeff: float, antialias: bool
) -> None:
    options = {"mode": mode, "cubic_coeff": coeff, "antialias": antialias}
    both = {
        flag: resize_matrix(9, 4 if antialias else 20, exclude_outside=flag, **options)
        for flag in (False, True)
    }
    usual = resize_matrix(9, 4 if antialias else 20, **options)
    assert torch.equal(usual, both[antialias])
    if mode != "linear" or antialias:  # two cells, of which the one inside gets all either way
        assert not torch.allclose(both[True], both[False])


def test_out_of_reach_of_every_cell_the_border_is_repeated() -> None:
    beyond = resize_matrix(2, 6, mode="cubic", scale=0.5, exclude_outside=True)
    assert beyond[-1].tolist() == [0.0, 1.0]


def test_antialiasing_a_reduction_spreads_over_the_cells_that_an_output_cell_stands_for() -> None:
    plain, smooth = (resize_matrix(64, 8, mode="linear", antialias=a) for a in (False, True))
    assert (plain[4] != 0).sum().item() == 2
    assert (smooth[4] != 0).sum().item() == 16


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "bilinear"}, "mode must be one of nearest, linear, cubic, area, lanczos3; got"),
        ({"mode": "linear", "coordinates": "corners"}, "coordinates must be one of half_pixel,"),
        ({"mode": "nearest", "nearest_rounding": "up"}, "nearest_rounding must be one of floor,"),
        ({"mode": "linear", "in_size": 0}, "in_size must be at least 1; got 0"),
        ({"mode": "linear", "out_size": -3}, "out_size must be at least 1; got -3"),
        ({"mode": "linear", "out_size": 2.5}, "out_size must be a whole number of cells; got 2.5"),
        ({"mode": "linear", "scale": 0}, "scale must be greater than 0; got 0"),
        ({"mode": "linear", "scale": -1.5}, "scale must be greater than 0; got -1.5"),
        ({"mode": "linear", "scale": math.nan}, "scale must be a finite number; got nan"),
        ({"mode": "linear", "scale": "two"}, "scale must be a finite number; got 'two'"),
        ({"mode": "cubic", "cubic_coeff": math.inf}, "cubic_coeff must be a finite number"),
        ({"mode": "nearest", "antialias": True}, "antialias=True widens a kernel, and mode='near"),
        ({"mode": "area", "antialias": True}, "antialias=True widens a kernel, and mode='area'"),
        (
            {"mode": "linear", "antialias": True, "coordinates": "align_corners"},
            "antialias=True needs cells of equal width",
        ),
        ({"mode": "area", "coordinates": "asymmetric"}, "mode='area' averages windows"),
        ({"mode": "linear", "in_size": 10**6, "out_size": 10**6}, "use smaller sizes"),
        ({"mode": "linear", "antialias": True, "scale": 1e-12}, "or a larger scale"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(
    arguments: dict[str, Any], message: str
) -> None:
    arguments = {"in_size": 4, "out_size": 8, **arguments}
    with pytest.raises(ValueError, match=re.escape(message)) as refusal:
        resize_matrix(arguments.pop("in_size"), arguments.pop("out_size"), **arguments)
    assert "\n" not in str(refusal.value)


def test_the_steps_refuse_unknown_names_by_themselves() -> None:
    with pytest.raises(ValueError, match="coordinates must be one of"):
        source_coordinates(4, 8, "corner")
    with pytest.raises(ValueError, match="nearest_rounding must be one of"):
        round_coordinates(torch.zeros(1), "round")
    with pytest.raises(ValueError, match="in_size must be at least 1"):
        area_windows(0, 3)
