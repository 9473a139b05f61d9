"""Intersection over union, and the band along edges, against their definitions."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from resample_viz.analysis import edge_band, iou, mean_iou

HAND = torch.tensor([[0, 0, 1], [2, 2, 1]])
FOUND = torch.tensor([[0, 1, 1], [2, 0, 0]])


def numbers(shape: tuple[int, ...], classes: int, seed: int) -> Tensor:
    return torch.randint(classes, shape, generator=torch.Generator().manual_seed(seed))


def by_sets(predicted: Tensor, mask: Tensor, classes: int) -> list[float]:
    """The definition, with sets of pixels."""
    ratios = []
    for number in range(classes):
        one, other = (
            {i for i, value in enumerate(of.flatten().tolist()) if value == number}
            for of in (predicted, mask)
        )
        ratios.append(len(one & other) / len(one | other) if one | other else math.nan)
    return ratios


def equal(found: Tensor, expected: list[float]) -> bool:
    return torch.equal(found.isnan(), torch.tensor(expected).isnan()) and torch.allclose(
        found.nan_to_num(), torch.tensor(expected, dtype=found.dtype).nan_to_num()
    )


def test_an_example_by_hand() -> None:
    """Class 0: 1 pixel of 4; class 1: 1 of 3; class 2: 1 of 2."""
    assert iou(FOUND, HAND, 3).tolist() == pytest.approx([1 / 4, 1 / 3, 1 / 2])
    assert mean_iou(FOUND, HAND, 3) == pytest.approx((1 / 4 + 1 / 3 + 1 / 2) / 3)


@given(
    st.integers(1, 5),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.integers(0, 10**6),
    st.sampled_from([torch.uint8, torch.int32, torch.int64]),
)
def test_iou_is_what_the_sets_say(classes: int, shape: list[int], seed: int, dtype: Any) -> None:
    predicted, mask = (numbers(tuple(shape), classes, seed + i).to(dtype) for i in (0, 1))
    assert equal(iou(predicted, mask, classes), by_sets(predicted, mask, classes))
    within = numbers(tuple(shape), 2, seed + 2).bool()
    inside = by_sets(predicted[within], mask[within], classes)
    assert equal(iou(predicted, mask, classes, within), inside)
    assert torch.equal(
        iou(predicted, mask, classes).nan_to_num(), iou(mask, predicted, classes).nan_to_num()
    )


def test_many_classes_fit_into_bytes() -> None:
    mask = torch.arange(200, dtype=torch.uint8)
    assert iou(mask, mask, 200).eq(1).all()


def test_what_does_not_occur_does_not_count() -> None:
    assert iou(FOUND, HAND, 5)[3:].isnan().all()
    assert mean_iou(FOUND, HAND, 5) == mean_iou(FOUND, HAND, 3)
    assert math.isnan(mean_iou(FOUND, HAND, 3, torch.zeros(2, 3, dtype=torch.bool)))
    assert math.isnan(mean_iou(FOUND[:0], HAND[:0], 3))


def test_pixels_that_are_left_out_may_have_any_number() -> None:
    mask = HAND.clone()
    mask[0, 0] = 255
    told = iou(FOUND, mask, 3, within=mask < 3)
    assert told.tolist() == pytest.approx([0, 1 / 3, 1 / 2])


@pytest.mark.parametrize(
    ("predicted", "mask", "classes", "told"),
    [
        (FOUND, HAND[0], 3, r"one shape; got \(2, 3\) and \(3,\): take scores\.argmax"),
        (FOUND, HAND, 2, r"from 0 to 1, but there is 2"),
        (FOUND, HAND - 1, 3, r"from 0 to 2, but there is -1"),
        (FOUND - 1, HAND, 3, r"from 0 to 2, but there is -1"),
        (FOUND, torch.full((2, 3), 255), 3, r"from 0 to 2, but there is 255"),
        (FOUND.float(), HAND, 3, r"whole class numbers"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_sentence(
    predicted: Tensor, mask: Tensor, classes: int, told: str
) -> None:
    with pytest.raises(ValueError, match=told) as error:
        iou(predicted, mask, classes)
    assert str(error.value).endswith(".")


# Edges


def by_search(mask: Tensor, width: int) -> Tensor:
    """The definition: is there another class among the pixels at most `width` steps away?"""
    band = torch.zeros_like(mask, dtype=torch.bool)
    height, length = mask.shape
    for row in range(height):
        for col in range(length):
            for r in range(max(0, row - width), min(height, row + width + 1)):
                for c in range(max(0, col - width), min(length, col + width + 1)):
                    band[row, col] |= mask[r, c] != mask[row, col]
    return band


@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(0, 999)
)
def test_the_band_is_what_a_search_finds(
    height: int, length: int, width: int, classes: int, seed: int
) -> None:
    coarse = numbers((2, height, length), classes, seed)
    expected = torch.stack([by_search(one, width) for one in coarse])
    assert torch.equal(edge_band(coarse, width), expected)
    assert torch.equal(edge_band(coarse[0], width), expected[0])


def test_pictures_do_not_touch_each_other() -> None:
    masks = torch.stack([torch.zeros(4, 4), torch.ones(4, 4)]).long()
    assert not edge_band(masks, 3).any()


def test_a_straight_edge_has_a_band_of_twice_the_width() -> None:
    mask = torch.zeros(5, 12, dtype=torch.int64)
    mask[:, 6:] = 7
    for width in (1, 2, 3):
        assert edge_band(mask, width).sum(1).tolist() == [2 * width] * 5


@pytest.mark.parametrize("width", [0, -1])
def test_a_band_has_a_width(width: int) -> None:
    with pytest.raises(ValueError, match=r"at least 1 pixel wide.*\.$"):
        edge_band(HAND, width)
