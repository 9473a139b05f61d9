"""Every resize method: what is shown is what is run, and the weights are the library's own."""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from resample_viz.analysis.resizing import axis_matrices, libraries, methods
from resample_viz.analysis.resizing.libraries import (
    RESIZE_METHODS,
    installed_methods,
    missing_libraries,
    resize_method,
)
from resample_viz.analysis.resizing.methods import (
    DTYPES,
    IMPORTS,
    LARGEST,
    PACKAGES,
    Levels,
    ResizeMethod,
    how_to_get,
    measured_rows,
)
from resample_viz.operations import OperationError

FLOATS = installed_methods("float32")
BYTES = installed_methods("uint8")
sizes = st.integers(2, 70)


def levels(height: int, width: int, channels: int = 3, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(0, 256, (1, channels, height, width), generator=generator)
    return drawn.to(torch.float32)


def refuses(one: ResizeMethod, out: tuple[int, int], x: Tensor) -> bool:
    try:
        one.resize(x, out)
    except OperationError:
        return True
    return False


# The table


def test_all_libraries_of_the_lesson_are_here() -> None:
    assert missing_libraries() == ()
    assert {one.library for one in FLOATS} == set(PACKAGES)
    assert len({one.name for one in RESIZE_METHODS}) == len(RESIZE_METHODS)


@pytest.mark.parametrize("one", [*FLOATS, *BYTES], ids=repr)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_way_gives_the_size_that_was_asked_for(one: ResizeMethod, channels: int) -> None:
    for size in ((9, 14), (40, 31), (3, 3), (21, 3)):
        y = one.resize(levels(21, 30, channels), size)
        assert y.shape == (1, channels, *size)
        assert y.dtype == torch.float32
        if one.dtype == "uint8":
            assert torch.equal(y, y.round().clamp(0, 255))


@pytest.mark.parametrize("one", [*FLOATS, *BYTES], ids=repr)
def test_channels_do_not_mix_and_axes_do_not_turn(one: ResizeMethod) -> None:
    x = levels(17, 23)
    x[..., :2, 0], x[..., :2, 1] = 0, 255  # one range for all: scikit-image clips to it
    together = one.resize(x, (11, 29))
    apart = torch.cat([one.resize(x[:, c : c + 1], (11, 29)) for c in range(3)], dim=1)
    torch.testing.assert_close(together, apart, rtol=0, atol=0.01)


@pytest.mark.parametrize("one", [*FLOATS, *BYTES], ids=repr)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_code_is_a_program_that_gives_the_result(one: ResizeMethod, channels: int) -> None:
    x = levels(12, 15, channels)
    if one.dtype == "uint8":
        x = x.to(torch.uint8)
    a = x[0].permute(1, 2, 0).contiguous().numpy()
    names: dict[str, Any] = {"x": x, "a": a[..., 0] if channels == 1 else a}
    exec(IMPORTS[one.library], names)
    result = eval(one.code((7, 10), channels), names)
    if not isinstance(result, Tensor | list):
        result = np.asarray(result)
        assert result.shape[:2] == (7, 10)
        assert str(result.dtype) == one.dtype
        result = torch.from_numpy(np.array(result)).reshape(7, 10, channels).permute(2, 0, 1)[None]
    elif isinstance(result, list):
        result = torch.stack([torch.from_numpy(np.array(plane)) for plane in result])[None]
    else:
        assert str(result.dtype) == f"torch.{one.dtype}"
    assert torch.equal(result.float(), one.resize(levels(12, 15, channels), (7, 10)))


def test_a_picture_is_left_as_it_was() -> None:
    x = levels(8, 9)
    before = x.clone()
    for one in (*FLOATS, *BYTES):
        one.resize(x, (5, 5))
    assert torch.equal(x, before)


@pytest.mark.parametrize("channels", [1, 3])
def test_methods_that_share_copies_give_what_they_give_alone(channels: int) -> None:
    x = levels(9, 12, channels) - 0.3
    shared = Levels(x)
    for one in (*FLOATS, *BYTES):
        assert torch.equal(one.resize(shared, (5, 7)), one.resize(x, (5, 7)))


# Weights

PICKING = (axis_matrices.pillow_box, axis_matrices.skimage_nearest, axis_matrices.opencv_area)


def without_ties(in_size: int, out_size: int) -> int:
    """The next input size at which no border or centre of an output falls on one of an input.

    Where one does, float rounding decides which cell is nearest, in each library in its own way.
    """
    while math.gcd(in_size, 2 * out_size) > 1:
        in_size += 1
    return in_size


@pytest.mark.parametrize("one", [w for w in FLOATS if w.rows], ids=repr)
@settings(max_examples=25)
@given(n=sizes, m=sizes)
def test_the_weights_by_formula_are_those_of_the_library(one: ResizeMethod, n: int, m: int) -> None:
    if one.rows is axis_matrices.pillow_box:
        m += 1 - m % 2  # of an even number, the border in the middle falls on a centre
    if one.rows in PICKING or "nearest" in one.name.lower():
        n = without_ties(n, m)
    formula, _ = one.axes((n, n), (m, m))
    torch.testing.assert_close(formula, measured_rows(one, n, m), rtol=0, atol=1e-4)
    torch.testing.assert_close(formula.sum(1), torch.ones(m).double())


@pytest.mark.parametrize("one", FLOATS, ids=repr)
@settings(max_examples=10)
@given(height=sizes, width=sizes, out=st.tuples(sizes, sizes))
def test_a_picture_is_resized_by_one_matrix_per_axis(
    one: ResizeMethod, height: int, width: int, out: tuple[int, int]
) -> None:
    if one.rows in PICKING:  # also where one axis shrinks while the other one grows
        height, width = without_ties(height, out[0]), without_ties(width, out[1])
    x = levels(height, width, 1) / 2 + 64  # far from black and white: scikit-image clips
    a_rows, a_columns = one.measured_axes((height, width), out)
    expected = a_rows @ x[0, 0].double() @ a_columns.T
    y = one.resize(x, out)[0, 0].double()
    if "order=3" in one.name:
        low, high = x.aminmax()
        expected = expected.clamp(low, high)
    torch.testing.assert_close(y, expected, rtol=0, atol=0.05)


def test_opencv_area_looks_at_both_axes() -> None:
    """As soon as one axis is enlarged, the other one is no longer averaged over its extent."""
    one = resize_method("OpenCV INTER_AREA")
    x = levels(30, 12, 1)
    for out in ((10, 25), (10, 8)):
        a_rows, a_columns = one.axes((30, 12), out)
        expected = a_rows @ x[0, 0].double() @ a_columns.T
        torch.testing.assert_close(one.resize(x, out)[0, 0].double(), expected, rtol=0, atol=0.01)
    shrunk, mixed = (one.axes((30, 12), out)[0] for out in ((10, 8), (10, 25)))
    assert not torch.allclose(shrunk, mixed)


def test_scikit_image_clips_where_the_weights_would_leave_the_range() -> None:
    x = torch.zeros(1, 1, 8, 8)
    x[..., 4:] = 255
    clipped = resize_method("scikit-image order=3").resize(x, (8, 20))
    assert (clipped.min(), clipped.max()) == (0, 255)
    assert resize_method("torch bicubic").resize(x, (8, 20)).max() > 256


def test_measured_weights_are_kept_without_their_zeros() -> None:
    one = resize_method("OpenCV INTER_LINEAR")
    rows = measured_rows(one, 300, 200)
    kept = methods._sparse_rows(one, 300, 200)
    assert torch.equal(rows, kept.to_dense())
    assert kept._nnz() <= 2 * 200
    rows.zero_()  # a caller's own
    assert measured_rows(one, 300, 200).sum() > 199


# Names


@pytest.mark.parametrize("one", RESIZE_METHODS, ids=repr)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_way_is_found_by_its_name(one: ResizeMethod, dtype: str) -> None:
    assert resize_method(f"{one.name} {dtype}") == replace(one, dtype=dtype)
    assert resize_method(one.name) == one
    assert resize_method(one) is one
    assert repr(resize_method(f"{one.name} {dtype}")) == f"{one.name} {dtype}"


def test_a_library_may_be_called_as_it_is_imported() -> None:
    assert resize_method("cv2 INTER_AREA uint8") == resize_method("OpenCV INTER_AREA uint8")
    assert resize_method("PIL BOX") == resize_method("Pillow BOX")
    assert resize_method("skimage order=1") == resize_method("scikit-image order=1")


@pytest.mark.parametrize(
    ("name", "near"),
    [("cv2 linear", "OpenCV INTER_LINEAR"), ("pillow bicubic", "Pillow BICUBIC"), ("", "torch")],
)
def test_an_unknown_name_is_refused_with_those_that_come_close(name: str, near: str) -> None:
    with pytest.raises(OperationError, match=near) as caught:
        resize_method(name)
    assert str(caught.value).endswith(".")


# Refusals


def test_area_takes_no_uint8_and_says_so() -> None:
    one = resize_method("torch area uint8")
    assert one not in BYTES
    with pytest.raises(OperationError, match=r"'Byte'.*choose float32\."):
        one.resize(levels(8, 8), (4, 4))
    with pytest.raises(RuntimeError, match=r"not implemented for 'Byte'"):
        torch.nn.functional.interpolate(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), 4, mode="area")


@pytest.mark.parametrize(
    ("shape", "size", "words"),
    [
        ((1, 3, 8, 8), (0, 4), "every side must have 1 to"),
        ((1, 3, 8, 8), (LARGEST + 1, 4), "every side must have 1 to"),
        ((1, 3, 1, LARGEST + 1), (4, 4), "every side must have 1 to"),
        ((1, 1, 0, 8), (4, 4), "every side must have 1 to"),
        ((1, 5, 8, 8), (4, 4), "1 or 3 channels"),
        ((2, 3, 8, 8), (4, 4), "1 or 3 channels"),
        ((3, 8, 8), (4, 4), "1 or 3 channels"),
    ],
)
@pytest.mark.parametrize("name", ["torch bilinear", "OpenCV INTER_AREA uint8", "Pillow BOX"])
def test_what_does_not_fit_is_refused_in_one_sentence(
    name: str, shape: tuple[int, ...], size: tuple[int, int], words: str
) -> None:
    with pytest.raises(OperationError, match=words) as caught:
        resize_method(name).resize(torch.zeros(shape), size)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_what_a_library_refuses_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    one = replace(
        resize_method("torch bilinear"), template="F.interpolate(x, size={size}, mode='cubic')"
    )
    with pytest.raises(OperationError, match=r"torch bilinear refuses .*NotImplementedError"):
        one.resize(levels(8, 8), (4, 4))


@pytest.mark.parametrize("name", ["torch bicubic antialias", "torchvision v2 tensor BILINEAR"])
def test_the_one_pixel_column_that_torch_gets_wrong_is_refused(name: str) -> None:
    with pytest.raises(OperationError, match="one pixel wide"):
        resize_method(name).resize(levels(8, 8), (4, 1))
    assert resize_method("Pillow BICUBIC").resize(levels(8, 8), (4, 1)).shape == (1, 3, 4, 1)


# Without OpenCV


@pytest.fixture
def no_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    for module in (methods, libraries):
        monkeypatch.setattr(module, "find_spec", lambda name: None if name == "cv2" else find(name))
    monkeypatch.setitem(sys.modules, "cv2", None)


@pytest.mark.usefixtures("no_opencv")
def test_without_opencv_everything_else_works_and_it_is_said_how_to_get_it() -> None:
    assert missing_libraries() == ("OpenCV",)
    assert "opencv-python-headless" in how_to_get("OpenCV")
    assert {one.library for one in installed_methods("uint8")} == set(PACKAGES) - {"OpenCV"}
    with pytest.raises(OperationError, match="pip install opencv-python-headless"):
        resize_method("OpenCV INTER_AREA").resize(levels(8, 8), (4, 4))
    for one in installed_methods("float32"):
        assert not refuses(one, (4, 4), levels(8, 8))
