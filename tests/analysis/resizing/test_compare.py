"""`same_resize`, and every agreement and difference that the lesson claims, over random sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import PIL
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from packaging.version import Version
from PIL import Image
from torch import Tensor

from resample_viz.analysis.resizing.compare import SAME, grey_levels, max_difference, same_resize
from resample_viz.analysis.resizing.libraries import installed_methods, resize_method
from resample_viz.images import load_image, photograph
from resample_viz.operations import OperationError
from tests.analysis.resizing.test_methods import levels, without_ties

sizes = st.integers(2, 60)
pairs = st.tuples(sizes, sizes)

SAME_WEIGHTS = [
    ("torch nearest", "OpenCV INTER_NEAREST"),
    ("torch nearest", "torchvision v2 tensor NEAREST"),
    ("torch nearest-exact", "OpenCV INTER_NEAREST_EXACT"),
    ("torch nearest-exact", "Pillow NEAREST"),
    ("torch nearest-exact", "torchvision v2 PIL NEAREST"),
    ("torch nearest-exact", "scikit-image order=0"),
    ("torch bilinear", "OpenCV INTER_LINEAR"),
    ("torch bilinear", "OpenCV INTER_LINEAR_EXACT"),
    ("torch bilinear", "torchvision v2 tensor BILINEAR antialias=False"),
    ("torch bicubic", "OpenCV INTER_CUBIC"),
    ("torch bilinear antialias", "Pillow BILINEAR"),
    ("torch bilinear antialias", "torchvision v2 tensor BILINEAR"),
    ("torch bilinear antialias", "torchvision v1 tensor BILINEAR"),
    ("torch bicubic antialias", "Pillow BICUBIC"),
    ("torch bicubic antialias", "torchvision v1 PIL BICUBIC"),
    ("torch lanczos antialias", "Pillow LANCZOS"),
    ("torch lanczos antialias", "torchvision v2 tensor LANCZOS"),
]


def fitting(name: str, of: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The sizes of the picture, for nearest without ties."""
    if "nearest" not in name:
        return of
    return without_ties(of[0], size[0]), without_ties(of[1], size[1])


@pytest.mark.parametrize(("a", "b"), SAME_WEIGHTS)
@settings(max_examples=15)
@given(of=pairs, size=pairs)
def test_same_weights_on_every_size(
    a: str, b: str, of: tuple[int, int], size: tuple[int, int]
) -> None:
    x = levels(*fitting(a, of, size))
    difference = resize_method(a).resize(x, size) - resize_method(b).resize(x, size)
    assert difference.abs().max() <= SAME


POSITIVE = [pair for pair in SAME_WEIGHTS if "bicubic" not in pair[0] and "lanczos" not in pair[0]]


@pytest.mark.parametrize(("a", "b"), POSITIVE)
@settings(max_examples=10)
@given(of=pairs, size=pairs)
def test_in_uint8_they_agree_up_to_one_level(
    a: str, b: str, of: tuple[int, int], size: tuple[int, int]
) -> None:
    x = levels(*fitting(a, of, size))
    difference = resize_method(f"{a} uint8").resize(x, size) - resize_method(f"{b} uint8").resize(
        x, size
    )
    assert difference.abs().max() <= 1


ROWS_FIRST = Version(PIL.__version__) < Version("13")
"""Whether this Pillow always goes along the rows first, as torch does."""


def in_two_passes(x: Tensor, axes: tuple[Tensor, Tensor], *, rows_first: bool) -> Tensor:
    """What uint8 makes of a picture: after each pass, levels are rounded and cut off."""
    vertical, horizontal = axes
    passes = [lambda y: y @ horizontal.T, lambda y: vertical @ y]
    y = x.double()
    for run in passes if rows_first else passes[::-1]:
        y = (run(y) + 0.5).floor().clamp(0, 255)
    return y.float()


@pytest.mark.parametrize(("mode", "pillow"), [("bicubic", "BICUBIC"), ("lanczos", "LANCZOS")])
@settings(max_examples=20)
@given(of=pairs, size=pairs)
def test_with_negative_weights_uint8_is_cut_off_between_two_passes(
    mode: str, pillow: str, of: tuple[int, int], size: tuple[int, int]
) -> None:
    """torch goes along the rows first, as Pillow did before 13; Pillow 13 chooses the order."""
    x = levels(*of)
    axes = resize_method(f"Pillow {pillow}").axes(of, size)
    rows_first, columns_first = (in_two_passes(x, axes, rows_first=flag) for flag in (True, False))
    one = resize_method(f"torch {mode} antialias uint8").resize(x, size)
    other = resize_method(f"Pillow {pillow} uint8").resize(x, size)
    assert (one - rows_first).abs().max() <= 2
    to_rows_first, to_columns_first = (
        float((other - y).abs().max()) for y in (rows_first, columns_first)
    )
    assert (to_rows_first if ROWS_FIRST else min(to_rows_first, to_columns_first)) <= 2


@pytest.mark.lanczos
def test_pillow_13_goes_along_the_columns_first_for_some_sizes() -> None:
    found = same_resize(
        "torch lanczos antialias uint8", "Pillow LANCZOS uint8", (40, 90), of=(60, 50)
    )
    assert bool(found) == ROWS_FIRST
    assert found.at_worst <= SAME
    assert ROWS_FIRST or found.worst > 10


@settings(max_examples=30)
@given(n=sizes, m=sizes)
def test_the_two_rules_of_nearest_differ_by_at_most_one_input_cell_of_an_output(
    n: int, m: int
) -> None:
    ramp = torch.arange(float(n)).expand(1, 1, n, n).contiguous()
    floor = resize_method("torch nearest").resize(ramp, (m, m))
    centre = resize_method("torch nearest-exact").resize(ramp, (m, m))
    assert (centre - floor).min() >= 0
    assert (centre - floor).max() <= n / (2 * m) + 1


@given(k=st.integers(1, 6), m=st.integers(2, 20))
@settings(max_examples=20)
def test_the_three_areas_are_one_where_the_step_is_whole(k: int, m: int) -> None:
    x = levels(k * m, k * m)
    three = [resize_method(name).resize(x, (m, m)) for name in AREAS]
    for other in three[1:]:
        torch.testing.assert_close(other, three[0], rtol=0, atol=SAME)


AREAS = ("torch area", "OpenCV INTER_AREA", "Pillow BOX")


@given(n=st.integers(3, 60), m=st.integers(2, 59))
@settings(max_examples=30)
def test_the_three_areas_are_three_where_it_is_not(n: int, m: int) -> None:
    assume(n > m and n % m)
    torch_area, opencv, box = (
        resize_method(name).measured_axes((n, n), (m, m))[0] for name in AREAS
    )
    assert not torch.allclose(torch_area, opencv, atol=1e-3)
    assert not torch.allclose(opencv, box, atol=1e-3)
    assert not torch.allclose(torch_area, box, atol=1e-3)


@given(n=st.integers(8, 60), m=st.integers(2, 30))
@settings(max_examples=20)
def test_antialias_changes_every_shrinking(n: int, m: int) -> None:
    assume(n >= m + 2)
    for mode in ("bilinear", "bicubic"):
        plain, flagged = (
            resize_method(name).measured_axes((n, n), (m, m))[0]
            for name in (f"torch {mode}", f"torch {mode} antialias")
        )
        assert not torch.allclose(plain, flagged, atol=1e-3)


@given(n=st.integers(2, 30), more=st.integers(1, 30))
@settings(max_examples=20)
def test_antialias_changes_enlarging_for_bicubic_only(n: int, more: int) -> None:
    m = n + more
    same = {}
    for mode in ("bilinear", "bicubic"):
        plain, flagged = (
            resize_method(name).measured_axes((n, n), (m, m))[0]
            for name in (f"torch {mode}", f"torch {mode} antialias")
        )
        same[mode] = torch.allclose(plain, flagged, atol=1e-4)
    assert same == {"bilinear": True, "bicubic": False}


@given(m=st.integers(20, 40))
@settings(max_examples=15)
def test_halving_in_uint8_brightens(m: int) -> None:
    """Two passes, each rounded half up: half a grey level on noise, never darker."""
    x = levels(2 * m, 2 * m, seed=m)
    exact = resize_method("torch bilinear").resize(x, (m, m))
    rounded = resize_method("torch bilinear uint8").resize(x, (m, m))
    assert (rounded - exact).min() >= 0
    assert 0.4 < (rounded - exact).mean() < 0.6


# same_resize itself


ALL = [one.name for one in installed_methods("float32")]


@settings(max_examples=40)
@given(a=st.sampled_from(ALL), b=st.sampled_from(ALL), of=sizes, size=sizes)
def test_it_says_what_the_libraries_do(a: str, b: str, of: int, size: int) -> None:
    found = same_resize(a, b, size, of)
    x = levels(of, of, seed=0)
    one, other = resize_method(a).resize(x, (size, size)), resize_method(b).resize(x, (size, size))
    difference = (one - other).abs()
    assert found.worst == pytest.approx(float(difference.max()), abs=1e-3)
    assert found.mean == pytest.approx(float(difference.mean()), abs=1e-3)
    if "order=3" not in a + b:
        assert found.worst <= found.at_worst + SAME
    assert bool(found) == (found.at_worst <= SAME and found.worst <= SAME)
    assert found.closest.library == found.b.library
    for candidate in installed_methods("float32"):
        if candidate.library == found.b.library:
            mean = float((candidate.resize(x, (size, size)) - one).abs().mean())
            assert float((found.closest.resize(x, (size, size)) - one).abs().mean()) <= mean + 0.002


@settings(max_examples=25)
@given(
    a=st.sampled_from([name for name in ALL if "order=3" not in name]),
    b=st.sampled_from([name for name in ALL if "order=3" not in name]),
    of=st.integers(2, 24),
    size=st.integers(2, 24),
)
def test_the_worst_difference_is_reached_by_a_picture(a: str, b: str, of: int, size: int) -> None:
    axes = [resize_method(name).measured_axes((of, of), (size, size)) for name in (a, b)]
    (a_rows, a_columns), (b_rows, b_columns) = axes
    # All weights of all output cells: (rows, columns, rows in, columns in).
    weights = torch.einsum("ip,jq->ijpq", a_rows, a_columns)
    weights = weights - torch.einsum("ip,jq->ijpq", b_rows, b_columns)
    worst = weights.clamp(min=0).sum(dim=(2, 3))
    row, column = divmod(int(worst.argmax()), size)
    picture = (weights[row, column] > 0).float()[None, None] * 255
    bound = max_difference(*axes)
    assert bound == pytest.approx(float(worst.max()) * 255, rel=1e-6)
    one, other = (resize_method(name).resize(picture, (size, size)) for name in (a, b))
    assert float((one - other)[0, 0, row, column]) == pytest.approx(bound, abs=SAME)


def test_the_words_name_the_way_out() -> None:
    found = same_resize("torch bilinear", "cv2 INTER_CUBIC", 20, of=50)
    assert not found
    assert str(found).splitlines()[1] == (
        "OpenCV INTER_LINEAR float32 is the same as torch bilinear float32: use it instead."
    )
    assert "different." in str(found)


def test_the_words_say_that_there_is_none() -> None:
    found = same_resize("torch area", "Pillow BILINEAR", 20, of=50)
    assert "No setting of Pillow is the same. Closest: Pillow BICUBIC float32" in str(found)
    assert "No setting of Pillow comes closer." in str(
        same_resize("torch area", "Pillow BICUBIC", 20, of=50)
    )


def test_equal_ways_are_the_same() -> None:
    found = same_resize(
        "torch bilinear antialias uint8", "Pillow BILINEAR uint8", (20, 31), (50, 40)
    )
    assert found
    assert str(found) == (
        "torch bilinear antialias uint8 and Pillow BILINEAR uint8, 50 × 40 to 20 × 31: "
        "the same, up to 8-bit rounding."
    )


def test_a_dtype_alone_makes_a_difference() -> None:
    found = same_resize("torch bicubic uint8", "torch bicubic", 30, of=50)
    assert not found
    assert found.at_worst == 0
    assert "same weights, but rounded or clipped differently" in str(found)


def test_a_picture_of_ones_own_is_compared() -> None:
    flat = torch.full((1, 1, 9, 12), 100.0)
    found = same_resize("torch bilinear", "Pillow BICUBIC", 5, picture=flat)
    assert found.in_size == (9, 12)
    assert found.worst == pytest.approx(0, abs=1e-3)
    assert found.at_worst > 10
    assert not found


@settings(max_examples=20)
@given(
    seed=st.integers(0, 99),
    channels=st.sampled_from([1, 3]),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.float16]),
)
def test_differences_are_in_grey_levels_whatever_the_scale(
    seed: int, channels: int, dtype: torch.dtype
) -> None:
    x = levels(12, 15, channels, seed)
    expected = same_resize("torch bilinear", "Pillow BILINEAR", (5, 6), picture=x)
    assert expected.worst > 1
    for picture in (x.byte(), x[0], x.byte()[0], (x / 255).to(dtype), (x / 255)[0], x.long()):
        found = same_resize("torch bilinear", "Pillow BILINEAR", (5, 6), picture=picture)
        assert found.worst == pytest.approx(expected.worst, rel=0.02)
        assert found.mean == pytest.approx(expected.mean, rel=0.02)
        assert found.in_size == (12, 15)


def test_photographs_of_the_package_differ_by_grey_levels() -> None:
    found = same_resize("torch bilinear", "Pillow BILINEAR", 64, picture=photograph("astronaut"))
    assert "46.5 grey levels at most here" in str(found)


def test_an_overshoot_does_not_make_levels_of_a_picture() -> None:
    x = torch.tensor([-0.07, 0.5, 1.12])
    torch.testing.assert_close(grey_levels(x), x * 255)
    assert torch.equal(grey_levels(torch.tensor([0.0, 2.5])), torch.tensor([0.0, 2.5]))
    assert torch.equal(grey_levels(torch.tensor([0, 1])), torch.tensor([0.0, 1.0]))
    assert torch.equal(grey_levels(torch.tensor([False, True])), torch.tensor([0.0, 255.0]))


def test_a_picture_with_a_gradient_stays_as_it_is() -> None:
    x = torch.rand(3, 8, 8, requires_grad=True)
    before = x.detach().clone()
    same_resize("torch bilinear", "OpenCV INTER_LINEAR", 5, picture=x)
    assert torch.equal(x, before)
    assert x.grad is None


@pytest.mark.parametrize("kind", [Image.fromarray, np.asarray, lambda array: array.tolist()])
def test_other_pictures_are_refused_with_a_way_out_that_works(kind: Any) -> None:
    array = levels(9, 12)[0].permute(1, 2, 0).byte().numpy()
    picture = kind(array)
    with pytest.raises(OperationError, match=r"picture must be a tensor.*rv\.load_image"):
        same_resize("torch bilinear", "Pillow BILINEAR", 5, picture=picture)
    loaded = load_image(array if isinstance(picture, list) else picture)
    found = same_resize("torch bilinear", "Pillow BILINEAR", 5, picture=loaded)
    assert found.worst > 1


@pytest.mark.parametrize(
    ("shape", "way_out"),
    [
        ((9, 12, 3), lambda x: x.permute(2, 0, 1)[None]),
        ((5, 9, 12), lambda x: x[None, :1]),
        ((2, 3, 9, 12), lambda x: x[:1]),
        ((2, 5, 9, 12), lambda x: x[:1, :1]),
        ((1, 9, 12, 3), lambda x: x.permute(0, 3, 1, 2)[:1]),
    ],
)
def test_the_way_out_for_another_shape_works(shape: tuple[int, ...], way_out: Any) -> None:
    x = torch.rand(shape)
    with pytest.raises(OperationError) as caught:
        same_resize("torch bilinear", "Pillow BILINEAR", 5, picture=x)
    words = str(caught.value)
    code = words[words.index(" x") + 1 if " x[" in words else words.index("x.") :].rstrip(".")
    assert torch.equal(eval(code, {"x": x}), way_out(x))
    assert same_resize("torch bilinear", "Pillow BILINEAR", 5, picture=way_out(x)).in_size == (
        9,
        12,
    )


def test_a_picture_with_nan_is_refused() -> None:
    x = torch.rand(1, 3, 8, 8)
    x[0, 0, 2, 3] = torch.nan
    with pytest.raises(OperationError, match=r"torch\.nan_to_num"):
        same_resize("torch bilinear", "Pillow BILINEAR", 5, picture=x)
    assert (
        same_resize("torch bilinear", "Pillow BILINEAR", 5, picture=torch.nan_to_num(x)).worst > 1
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("torch", "Pillow BOX"), "there is no resize method"),
        (("torch area uint8", "Pillow BOX"), "does not take uint8"),
        (("torch area", "Pillow BOX", 0), "every side"),
        (("torch area", "Pillow BOX", 8, 4096), "every side"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments: tuple, words: str) -> None:
    with pytest.raises(OperationError, match=words):
        same_resize(*arguments)


def test_weights_are_cut_to_where_they_are() -> None:
    far = torch.zeros(2, 500, dtype=torch.float64)
    far[0, 3] = far[1, 480] = 1.0
    near: Tensor = far.clone()
    near[1, 480], near[1, 481] = 0.25, 0.75
    assert max_difference((far, far), (far, far)) == 0
    assert max_difference((far, far), (near, far)) == pytest.approx(0.75 * 255)
    assert max_difference((near, near), (far, far)) == pytest.approx(255 * (1 - 0.25**2))
