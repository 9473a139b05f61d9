"""Arrays and tensors: values, layouts, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from resample_viz.images import MAX_CHANNELS, load_image

few = settings(max_examples=50, deadline=None)
sides = st.integers(1, 12)
long_sides = st.integers(5, 12)


def filled(shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
    """An array that holds 0, 1, 2, … so that a wrong order of axes shows."""
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


@few
@given(hnp.arrays(np.uint8, st.tuples(sides, sides, st.sampled_from([1, 3]))))
def test_a_uint8_hwc_array_comes_back_as_the_same_levels(array: np.ndarray) -> None:
    x = load_image(array)
    assert x.dtype == torch.float32
    assert x.shape == (1, array.shape[2], *array.shape[:2])
    levels = (x[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    np.testing.assert_array_equal(levels, array)
    np.testing.assert_array_equal(x[0].permute(1, 2, 0).numpy(), array.astype(np.float32) / 255)


@few
@given(hnp.arrays(st.sampled_from([np.uint8, np.uint16, np.bool_]), st.tuples(sides, sides)))
def test_the_top_level_of_a_picture_type_is_1(array: np.ndarray) -> None:
    top = {"uint8": 255, "uint16": 65535, "bool": 1}[array.dtype.name]
    for source in (array, torch.from_numpy(array)):
        np.testing.assert_array_equal(load_image(source)[0, 0], array.astype(np.float32) / top)


@few
@given(
    hnp.arrays(
        st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.int32, np.int64]),
        st.tuples(sides, sides),
        elements=st.integers(-100, 100),
    )
)
def test_other_numbers_are_taken_as_they_are(array: np.ndarray) -> None:
    for source in (array, torch.from_numpy(array)):
        np.testing.assert_array_equal(load_image(source)[0, 0], array.astype(np.float32))


@few
@given(st.integers(1, 9), sides, sides)
def test_four_axes_are_always_read_as_nchw(channels: int, height: int, width: int) -> None:
    array = filled((1, channels, height, width))
    for source in (array, torch.from_numpy(array)):
        np.testing.assert_array_equal(load_image(source), array)


@few
@given(sides, sides, st.sampled_from([1, 3]))
def test_an_array_whose_last_axis_is_1_or_3_is_channels_last(h: int, w: int, c: int) -> None:
    array = filled((h, w, c))
    np.testing.assert_array_equal(load_image(array)[0], array.transpose(2, 0, 1))


@few
@given(sides, sides, st.integers(5, 12))
def test_an_array_with_another_last_axis_is_channels_first(c: int, h: int, w: int) -> None:
    array = filled((c, h, w))
    np.testing.assert_array_equal(load_image(array)[0], array)


@few
@given(st.integers(1, 12), sides, sides)
def test_a_tensor_is_channels_first_unless_only_the_other_reading_makes_sense(
    a: int, b: int, c: int
) -> None:
    tensor = torch.from_numpy(filled((a, b, c)))
    if c in (1, 3) and a > 4 and b > 4:
        assert torch.equal(load_image(tensor)[0], tensor.permute(2, 0, 1))
    elif not (c == 4 and a > 4 and b > 4):
        assert torch.equal(load_image(tensor)[0], tensor)


@pytest.mark.parametrize(
    ("shape", "channels"),
    [
        ((4, 9, 3), 4),
        ((9, 4, 3), 9),
        ((5, 5, 3), 3),
        ((5, 5, 1), 1),
        ((3, 9, 3), 3),
        ((64, 4, 4), 64),
    ],
)
def test_the_boundary_between_the_two_readings_of_a_tensor(shape, channels: int) -> None:
    assert load_image(torch.zeros(shape)).shape[1] == channels


@few
@given(hnp.arrays(np.uint8, st.tuples(long_sides, long_sides, st.just(4))))
def test_rgba_is_laid_on_white(array: np.ndarray) -> None:
    colour, alpha = np.split(array.astype(np.float64) / 255, [3], axis=2)
    expected = (colour * alpha + 1 - alpha).transpose(2, 0, 1)
    for source in (array, torch.from_numpy(array), array.astype(np.float32) / 255):
        np.testing.assert_allclose(load_image(source)[0], expected, atol=1e-6)


def test_four_channels_that_are_no_rgba_get_a_way_out(refused) -> None:
    with refused("RGBA", "(1, 4, H, W)", "-2"):
        load_image(np.full((6, 6, 4), -2.0))


@pytest.mark.parametrize(
    "make",
    [
        lambda a: a[::-1, ::-1],
        lambda a: a.T,
        lambda a: a.astype(">f4"),
        lambda a: np.asfortranarray(a),
        lambda a: np.broadcast_to(a[:1], (5, 7)),
        lambda a: a.astype(">u2"),
        lambda a: np.ma.masked_array(a),
    ],
)
def test_views_and_byte_orders_make_no_difference(make) -> None:
    array = make(filled((5, 7)))
    top = 65535 if array.dtype.kind == "u" else 1
    np.testing.assert_array_equal(
        load_image(array)[0, 0], np.array(array, dtype=np.float32) / np.float32(top)
    )


def test_a_read_only_array_is_welcome() -> None:
    array = filled((3, 5))
    array.flags.writeable = False
    np.testing.assert_array_equal(load_image(array)[0, 0], array)


@pytest.mark.parametrize(
    "make", [lambda: torch.ones(1, 1, 4, 4), lambda: np.ones((4, 4), np.float32)]
)
def test_the_result_shares_no_memory_with_the_source(make) -> None:
    source = make()
    load_image(source).zero_()
    assert source.sum() == 16


def test_a_tensor_is_detached_from_its_graph() -> None:
    parameter = torch.nn.Parameter(torch.ones(1, 2, 5, 5))
    for source in (parameter, parameter * 2):
        x = load_image(source)
        assert not x.requires_grad
        assert type(x) is torch.Tensor
        assert x.grad_fn is None


def test_a_channels_last_tensor_comes_back_contiguous() -> None:
    x = torch.rand(1, 3, 6, 5).to(memory_format=torch.channels_last)
    y = load_image(x)
    assert torch.equal(x, y)
    assert y.is_contiguous()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.float8_e5m2])
def test_every_float_type_becomes_float32(dtype: torch.dtype) -> None:
    x = load_image(torch.full((2, 2), 0.5).to(dtype))
    assert x.dtype == torch.float32
    assert torch.equal(x, torch.full((1, 1, 2, 2), 0.5))


def test_feature_maps_are_welcome_up_to_a_documented_number_of_channels(refused) -> None:
    assert load_image(torch.zeros(1, MAX_CHANNELS, 2, 2)).shape[1] == MAX_CHANNELS
    with refused("5000 channels", "4096"):
        load_image(torch.zeros(1, 5000, 2, 2))
    with refused("600 channels", "512", "permute(0, 3, 1, 2)"):
        load_image(torch.zeros(1, 600, 400, 3))
    with refused("600 channels", "permute(2, 0, 1)"):
        load_image(np.zeros((600, 400, 2)))
    assert str(MAX_CHANNELS) in (load_image.__doc__ or "")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("what", ["numpy", "torch"])
def test_nan_and_infinite_values_are_counted(bad: float, what: str, refused) -> None:
    array = np.zeros((4, 5))
    array[0, :3] = bad
    source = array if what == "numpy" else torch.from_numpy(array)
    counts = "3 NaN and 0 infinite" if np.isnan(bad) else "0 NaN and 3 infinite"
    with refused(counts, "among 20", f"{what}.nan_to_num"):
        load_image(source)


def test_numbers_too_large_for_float32_are_refused_without_a_warning(refused, recwarn) -> None:
    for source in (np.full((2, 2), 1e300), torch.full((2, 2), 1e300, dtype=torch.float64)):
        with refused("4 infinite", "3.4e38"):
            load_image(source)
    assert not recwarn.list


@pytest.mark.parametrize("shape", [(), (5,), (1, 1, 1, 4, 4), (1,) * 7])
def test_a_wrong_number_of_dimensions_names_the_shape_and_the_accepted_ones(shape, refused) -> None:
    for source in (np.zeros(shape), torch.zeros(shape)):
        with refused(str(shape), f"{len(shape)} dimension", "(H, W)", "(1, C, H, W)"):
            load_image(source)


@pytest.mark.parametrize(
    "shape", [(0, 4), (4, 0), (0, 4, 4), (3, 0, 4), (1, 0, 4, 4), (0, 3, 4, 4)]
)
def test_an_empty_array_is_refused(shape, refused) -> None:
    for source in (np.zeros(shape), torch.zeros(shape)):
        with refused("empty", str(shape)):
            load_image(source)


def test_a_batch_is_refused_with_the_way_to_its_first_picture(refused) -> None:
    with refused("batch of 8", "x[:1]"):
        load_image(torch.zeros(8, 3, 4, 4))


@pytest.mark.parametrize(
    ("source", "word"),
    [
        (np.zeros((2, 2), complex), "numpy.abs"),
        (np.array([["a", "b"]]), "real numbers"),
        (np.array([[None, 1]]), "object"),
        (np.zeros((2, 2), "datetime64[s]"), "datetime64"),
        (np.zeros((2, 2), [("x", "f4")]), "real numbers"),
        (torch.zeros(2, 2, dtype=torch.complex64), "x.abs()"),
        (torch.eye(3).to_sparse(), "to_dense"),
        (torch.zeros(2, 2, device="meta"), "meta"),
        (torch.zeros(2, 2).to(torch.uint8).view(torch.bits8), "bits8"),
    ],
)
def test_what_holds_no_real_numbers_is_refused(source, word: str, refused) -> None:
    with refused(word):
        load_image(source)


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_tensor_is_refused(refused) -> None:
    with refused("dequantize"):
        load_image(torch.quantize_per_tensor(torch.ones(2, 2), 0.1, 0, torch.quint8))


@pytest.mark.parametrize("shape", [(1, 1, 4097, 4096), (1, 3, 10**6, 10**6), (10**8, 10**8)])
def test_a_tensor_over_64_mb_is_refused_before_it_is_copied(shape, refused) -> None:
    with refused("64 MB"):
        load_image(torch.zeros(()).expand(shape))
    with refused("64 MB"):
        load_image(np.broadcast_to(np.uint8(0), shape))


def test_numbers_are_never_resampled(refused) -> None:
    x = torch.rand(1, 1, 6, 8)
    assert torch.equal(load_image(x, size=(6, 8)), x)
    for source in (x, x.numpy(), (x * 255).to(torch.uint8)):
        with refused("6 x 8", "F.interpolate"):
            load_image(source, size=4)


@pytest.mark.parametrize("source", [None, 3, 2.5, [[1, 2]], {"a": 1}, np.float32(3), object(), len])
def test_what_is_no_image_at_all_is_refused_with_what_is_accepted(source, refused) -> None:
    with refused(type(source).__name__, "path", "array", "tensor"):
        load_image(source)


def test_a_long_value_does_not_make_a_long_sentence(refused) -> None:
    for value in (np.zeros((50, 50)), "x" * 9999, torch.zeros(9, 9)):
        with refused("size="):
            load_image(np.zeros((2, 2)), size=value)  # type: ignore[arg-type]
