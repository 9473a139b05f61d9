"""Upsample: what it refuses and how it says so, what it explains, and when it takes memory."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from resample_viz.operations import MAX_BYTES, OperationError, Upsample

PICTURE = (1, 3, 8, 6)


def refusal(shape: tuple[int, ...] = PICTURE, **parameters: Any) -> str:
    with pytest.raises(OperationError) as caught:
        Upsample(**parameters).output_shape(shape)
    return str(caught.value)


# Each refusal, the words that it must contain (the rule and the offending numbers), and what its
# way out amounts to.
PARAMETERS: list[tuple[dict[str, Any], tuple[str, ...], dict[str, Any]]] = [
    (
        {"scale_factor": 3.0, "size": 16},
        ("scale_factor (3.0)", "size (16)", "give one of them"),
        {"size": 16},
    ),
    ({"scale_factor": 0.0}, ("positive", "not 0.0", "scale_factor=0.5"), {"scale_factor": 0.5}),
    ({"scale_factor": -1.5}, ("positive", "not -1.5"), {"scale_factor": 2}),
    ({"scale_factor": float("nan")}, ("positive", "not nan"), {"scale_factor": 2}),
    ({"scale_factor": float("inf")}, ("up to", "not inf"), {"scale_factor": 2}),
    ({"scale_factor": 1e308}, ("up to", "not 1e+308"), {"scale_factor": 2}),
    ({"scale_factor": (2.0, -1.0)}, ("positive", "not -1.0"), {"scale_factor": (2.0, 0.5)}),
    ({"scale_factor": "2"}, ("positive number", "not '2'"), {"scale_factor": 2}),
    ({"scale_factor": True}, ("positive number", "not True"), {"scale_factor": 2}),
    ({"size": 0}, ("1 or more", "not 0", "size=64"), {"size": 64}),
    ({"size": (8, -4)}, ("1 or more", "not -4"), {"size": (8, 4)}),
    ({"size": 12.5}, ("whole number", "not 12.5"), {"size": 12}),
    ({"size": True}, ("whole number", "not True"), {"size": 64}),
    ({"size": 10**400}, ("at most", "2**1328"), {"size": 64}),
    ({"mode": "cubic"}, ("'cubic' does not exist", "bicubic"), {"mode": "bicubic"}),
    (
        {"mode": "area", "align_corners": True},
        ("align_corners=True", "'area'", "bilinear", "align_corners=False"),
        {"mode": "area", "align_corners": False},
    ),
    (
        {"mode": "nearest", "antialias": True},
        ("antialias=True", "'nearest'", "bilinear", "antialias=False"),
        {"mode": "bilinear", "antialias": True},
    ),
    (
        {"mode": "lanczos"},
        ("'lanczos'", "only with antialias=True"),
        {"mode": "lanczos", "antialias": True},
    ),
    (
        {"size": 16, "recompute_scale_factor": True},
        ("recompute_scale_factor=True", "size is given", "recompute_scale_factor=False"),
        {"size": 16},
    ),
]


@pytest.mark.parametrize(("parameters", "words", "way_out"), PARAMETERS, ids=str)
def test_an_impossible_parameter_is_refused_with_a_way_out(
    parameters: dict[str, Any], words: tuple[str, ...], way_out: dict[str, Any]
) -> None:
    sentence = refusal(**parameters)
    for word in words:
        assert word in sentence
    assert_one_sentence(sentence)
    assert Upsample(**way_out)(torch.rand(PICTURE)).ndim == 4


SHAPES: list[tuple[dict[str, Any], tuple[int, ...], tuple[str, ...], dict[str, Any]]] = [
    (
        {"scale_factor": 0.1},
        PICTURE,
        ("nothing of the height", "floor(8 x 0.1) = 0", "0.125", "size=1"),
        {"size": 1},
    ),
    (
        {"scale_factor": (1.0, 0.1)},
        PICTURE,
        ("nothing of the width", "floor(6 x 0.1) = 0", "0.167"),
        {"scale_factor": (1.0, 0.167)},
    ),
    (
        {"scale_factor": (2.0, 2.0, 2.0)},
        PICTURE,
        ("scale_factor (2.0, 2.0, 2.0)", "3 numbers", "2 spatial axes", "give 2, or one for all"),
        {"scale_factor": 2.0},
    ),
    ({"size": (4,)}, PICTURE, ("size (4,)", "1 numbers", "2 spatial axes"), {"size": (4, 4)}),
    (
        {"mode": "linear"},
        PICTURE,
        ("'linear' takes (N, C, W)", "(1, 3, 8, 6) is (N, C, H, W)", "'bilinear'"),
        {"mode": "bilinear"},
    ),
    (
        {"mode": "bicubic"},
        (1, 2, 9),
        ("'bicubic' takes (N, C, H, W)", "(1, 2, 9)", "'linear'"),
        {"mode": "linear"},
    ),
    (
        {"mode": "lanczos", "antialias": True},
        (1, 2, 3, 4, 5),
        ("'lanczos'", "(N, C, D, H, W)", "'trilinear'"),
        {"mode": "trilinear"},
    ),
]


@pytest.mark.parametrize(("parameters", "shape", "words", "way_out"), SHAPES, ids=str)
def test_a_shape_that_does_not_fit_is_refused_with_a_way_out(
    parameters: dict[str, Any],
    shape: tuple[int, ...],
    words: tuple[str, ...],
    way_out: dict[str, Any],
) -> None:
    sentence = refusal(shape, **parameters)
    for word in words:
        assert word in sentence
    assert_one_sentence(sentence)
    assert Upsample(**way_out)(torch.rand(shape)).ndim == len(shape)


@pytest.mark.parametrize("shape", [(), (8, 6), (1, 1, 2, 3, 4, 5)])
def test_the_number_of_dimensions_is_told(shape: tuple[int, ...]) -> None:
    sentence = refusal(shape)
    assert f"has {len(shape)} dimensions {shape}" in sentence
    assert_one_sentence(sentence)


@pytest.mark.parametrize("shape", [(0, 3, 8, 6), (1, 0, 8, 6), (1, 3, 8, 0)])
def test_an_empty_input_is_refused(shape: tuple[int, ...]) -> None:
    sentence = refusal(shape)
    assert f"{shape} is empty" in sentence
    assert_one_sentence(sentence)


def assert_one_sentence(text: str) -> None:
    assert text.endswith(".")
    assert "\n" not in text
    assert 30 < len(text) < 300


@given(st.integers(1, 5000))
def test_the_smallest_factor_that_is_named_leaves_one_cell_or_more(cells: int) -> None:
    sentence = refusal((1, 1, 1, cells), scale_factor=(1.0, 0.5 / cells))
    least = float(sentence.partition("use scale_factor=")[2].partition(" or more")[0])
    assert Upsample(scale_factor=(1.0, least)).output_shape((1, 1, 1, cells))[-1] >= 1


def test_what_pytorch_refuses_for_another_reason_is_told_too() -> None:
    with pytest.raises(OperationError, match=r"torch\.int32") as caught:
        Upsample(mode="bicubic")(torch.ones(1, 1, 4, 4, dtype=torch.int32))
    assert "try a float32 tensor" in str(caught.value)
    assert "\n" not in str(caught.value)


# torch 2.13 antialiases wrongly where the output is one pixel wide


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("width", [1, 3])
def test_an_antialiased_output_one_pixel_wide_is_refused(mode: str, width: int) -> None:
    parameters: dict[str, Any] = {"mode": mode, "antialias": True, "size": (3, 1)}
    sentence = refusal((1, 1, 5, width), **parameters)
    assert "one pixel wide" in sentence
    assert f"(1, 1, 5, {width}) to (1, 1, 3, 1)" in sentence
    assert "antialias=False" in sentence
    turned = Upsample(**{**parameters, "size": (1, 3)})  # the way out
    assert turned.output_shape((1, 1, width, 5)) == (1, 1, 1, 3)


def test_that_refusal_has_a_reason() -> None:
    ramp = torch.arange(4.0).view(1, 1, 4, 1).expand(1, 1, 4, 2)
    options: dict[str, Any] = {"mode": "bilinear", "antialias": True}
    narrow = F.interpolate(ramp, size=(2, 1), **options)
    wide = F.interpolate(ramp, size=(2, 2), **options)
    assert wide[0, 0, :, 0].tolist() == pytest.approx([0.7143, 2.2857], abs=1e-3)
    assert not torch.allclose(narrow, wide[..., :1]), "PyTorch fixed it: drop the refusal"


# Memory


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object, **__: object) -> None:
        pytest.fail("memory was taken")

    monkeypatch.setattr(torch.nn.Upsample, "forward", taken)
    monkeypatch.setattr(F, "interpolate", taken)


@pytest.mark.parametrize(
    "parameters",
    [
        {"scale_factor": 64.0},
        {"scale_factor": 1e7},
        {"size": 10_000},
        {"size": (MAX_BYTES, 1)},
        {"scale_factor": 64.0, "mode": "bicubic", "antialias": True},
    ],
    ids=str,
)
def test_a_result_that_would_not_fit_is_refused_before_memory_is_taken(
    parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch)
    operation = Upsample(**parameters)
    x = torch.rand(1, 3, 128, 128)
    shape = operation.output_shape(x.shape)
    megabytes = round(4 * torch.Size(shape).numel() / 2**20)
    with pytest.raises(OperationError, match="more than the 64 MB") as caught:
        operation(x)
    assert f"the result {shape} would take {megabytes} MB" in str(caught.value)
    assert "use a smaller scale or a smaller input" in str(caught.value)


@pytest.mark.parametrize(("dtype", "fits"), [(torch.float32, True), (torch.float64, False)])
def test_the_limit_counts_bytes_and_includes_itself(
    dtype: torch.dtype, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.nn.Upsample, "forward", lambda _, x: x)
    operation = Upsample(size=4096)  # 4096 x 4096 float32 values are 64 MB
    x = torch.zeros(1, 1, 2, 2, dtype=dtype)
    if fits:
        assert operation(x) is x
    else:
        with pytest.raises(OperationError, match="would take 128 MB"):
            operation(x)


# Explaining


def test_the_formula_is_shown_with_its_numbers() -> None:
    operation = Upsample(scale_factor=(1.7, 0.5))
    assert operation.explain_shape((1, 3, 5, 7)) == (
        "height: floor(5 × 1.7) = floor(8.5) = 8\nwidth: floor(7 × 0.5) = floor(3.5) = 3"
    )
    row = Upsample(scale_factor=3).explain_shape((1, 3, 5))
    assert row == "width: floor(5 × 3) = floor(15) = 15"
    volume = Upsample(size=(2, 3, 4)).explain_shape((1, 1, 5, 5, 5))
    assert volume == "depth: size = 2\nheight: size = 3\nwidth: size = 4"


def test_a_product_that_float_arithmetic_leaves_just_short_is_shown_as_it_is() -> None:
    x = torch.rand(1, 1, 100)
    assert F.interpolate(x, scale_factor=1.15).shape[-1] == 114
    words = Upsample(scale_factor=1.15).explain_shape(x.shape)
    assert words == "width: floor(100 × 1.15) = floor(114.99999999999999) = 114"


@given(st.integers(1, 100_000), st.floats(0.01, 100))
def test_the_formula_is_true_as_it_is_written(cells: int, factor: float) -> None:
    assume(cells * factor >= 1)
    words = Upsample(scale_factor=factor).explain_shape((1, 1, cells))
    product, _, result = words.rpartition("floor(")[2].partition(") = ")
    assert math.floor(float(product)) == int(result)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "nn.Upsample(scale_factor=2.0, mode='nearest')"),
        ({"size": (4, 6), "mode": "area"}, "nn.Upsample(size=(4, 6), mode='area')"),
        (
            {"scale_factor": 1.5, "mode": "bilinear"},
            "nn.Upsample(scale_factor=1.5, mode='bilinear', align_corners=False)",
        ),
        (
            {"size": 9, "mode": "lanczos", "antialias": True},
            "lambda x: F.interpolate(x, size=9, mode='lanczos', antialias=True)",
        ),
    ],
)
def test_the_code_is_what_one_would_write(parameters: dict[str, Any], code: str) -> None:
    assert Upsample(**parameters).code() == code
    assert eval(repr(Upsample(**parameters)), {"Upsample": Upsample}) == Upsample(**parameters)
