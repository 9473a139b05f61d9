"""What a parameter and an input may be is said in one place, for every operation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from resample_viz import ops
from resample_viz.operations.validation import LARGEST, check_whole, plain, quoted

SCALARS = [np.int64, np.int8, np.float32, np.float64, torch.tensor]


@given(st.integers(0, 100), st.sampled_from(SCALARS))
def test_numbers_of_other_libraries_become_pythons(number: int, kind: Any) -> None:
    value = plain(kind(number))
    assert value == number
    assert type(value) in (int, float)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=2))
def test_lists_arrays_and_tensors_become_tuples(numbers: list[int]) -> None:
    for value in (numbers, tuple(numbers), np.array(numbers), torch.tensor(numbers)):
        assert plain(value) == tuple(numbers)
        assert ops.MaxPool(value) == ops.MaxPool(tuple(numbers))


def test_no_program_shows_a_number_of_another_library() -> None:
    made = (
        ops.Normalize(np.float64(0.5), np.float32([0.25, 0.5, 0.125])),
        ops.Upsample(size=np.int64(5)),
        ops.Upsample(scale_factor=torch.tensor(1.5)),
        ops.MaxPool(np.int64(2), ceil_mode=np.bool_(True)),
        ops.Upsample(mode=np.str_("bilinear")),
        ops.Conv("box", kernel_size=torch.tensor([3, 1])),
    )
    for operation in made:
        assert "np." not in f"{operation.program()}{operation!r}"
        assert "tensor(" not in repr(operation)


@pytest.mark.parametrize("value", ["False", 1, 0.0, torch.tensor([1.0, 2.0])], ids=str)
def test_a_flag_is_true_or_false(value: Any) -> None:
    with pytest.raises(ops.OperationError, match="ceil_mode must be True or False"):
        ops.MaxPool(2, ceil_mode=value)


@pytest.mark.parametrize(
    "value", [True, 0, -1, 1.5, "2", None, (1, 2, 3), LARGEST + 1, 10**30, float("nan")], ids=str
)
def test_what_is_no_whole_number_is_refused_with_a_way_out(value: Any) -> None:
    with pytest.raises(ops.OperationError) as refused:
        check_whole("stride", value, 1)
    sentence = str(refused.value)
    assert sentence.startswith("stride ")
    assert "try stride=1." in sentence or "give one number" in sentence
    check_whole("stride", 1, 1)


INPUTS = [
    (None, "not None: rv.load_image"),
    ([[1.0]], "not a list: rv.load_image"),
    (np.ones((1, 1, 4, 4)), "not a ndarray: rv.load_image"),
    (torch.rand(1, 1, 4, 4, device="meta"), "meta device"),
    (torch.rand(1, 1, 4, 4).to_sparse(), r"x\.to_dense\(\)"),
    (torch.ones(1, 1, 4, 4, dtype=torch.complex64), r"x\.real"),
]
OPERATIONS = [
    ops.Upsample(),
    ops.MaxPool(),
    ops.MaxUnpool(),
    ops.Conv(),
    ops.MinMax(),
    ops.Standardize(),
    ops.Quantize(),
    ops.Normalize(),
    ops.Chain(()),
    ops.Chain((ops.AvgPool(), ops.Clip())),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize(("x", "words"), INPUTS, ids=[words for _, words in INPUTS])
def test_what_is_no_dense_tensor_of_real_numbers_is_refused(
    operation: ops.Operation, x: Any, words: str
) -> None:
    with pytest.raises(ops.OperationError, match=words):
        operation(x)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("x", [None, [1.0], np.ones((1, 1, 4, 4))], ids=["None", "list", "array"])
def test_what_asks_for_values_refuses_what_has_none(operation: ops.Operation, x: Any) -> None:
    for ask in (operation.footprint_at, operation.undo_at):
        with pytest.raises(ops.OperationError, match=r"rv\.load_image"):
            ask(x)


SHAPED = [ops.Upsample(), ops.MaxPool(), ops.Conv(), ops.ConvTranspose(), ops.Normalize()]


@pytest.mark.parametrize("operation", SHAPED, ids=lambda one: type(one).__name__)
def test_a_shape_is_of_whole_numbers_of_any_library(operation: ops.Operation) -> None:
    expected = operation.output_shape((1, 1, 8, 9))
    for shape in ([1, 1, 8, 9], np.array([1, 1, 8, 9]), torch.Size([1, 1, 8, 9])):
        out = operation.output_shape(shape)
        assert out == expected
        assert {type(n) for n in out} == {int}
    for wrong in (None, "abcd", (1, 1, 8.0, 9), (1, 1, None, 9)):
        with pytest.raises(ops.OperationError, match=r"is no shape: give whole numbers"):
            operation.output_shape(wrong)  # type: ignore[arg-type]


def test_a_dtype_is_advised_only_where_it_may_be_to_blame() -> None:
    levels = torch.full((1, 3, 8, 8), 200, dtype=torch.uint8)
    with pytest.raises(ops.OperationError, match=r"x\.float\(\) / 255\.$"):
        ops.Normalize()(levels)
    assert ops.Normalize()(levels.float() / 255).max() < 10


@given(st.text(max_size=500))
def test_a_quoted_value_is_short_and_on_one_line(text: str) -> None:
    assert len(quoted(text)) <= 60
    assert "\n" not in quoted(text)
