"""The three tasks: what a batch is made of, how it is judged, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from resample_viz.analysis import mean_iou, psnr
from resample_viz.training import (
    Task,
    class_picture,
    reconstruction,
    segmentation,
    super_resolution,
)
from resample_viz.training.tasks import CLASS_COLORS


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


PICTURES = torch.rand(50, 1, 4, 4, generator=seeded(0))
MASKS = torch.randint(4, (30, 8, 8), generator=seeded(1))
COLOURS = torch.rand(30, 3, 8, 8, generator=seeded(2))


def refused(call: Callable[[], Any], told: str) -> None:
    with pytest.raises(ValueError, match=told) as error:
        call()
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


def batches(task: Task, count: int = 20) -> list[tuple[Tensor, Tensor]]:
    random = seeded(0)
    return [task.batch(random) for _ in range(count)]


TASKS = {
    "reconstruction": lambda: reconstruction(PICTURES, noise=0.1),
    "segmentation": lambda: segmentation(COLOURS, MASKS),
    "super-resolution": lambda: super_resolution([PAIR], PAIR, patch=5),
}
LARGE = torch.arange(24 * 30.0).reshape(1, 1, 24, 30)
PAIR = (LARGE[..., ::2, ::2], LARGE)


@pytest.mark.parametrize("name", TASKS)
def test_the_same_generator_gives_the_same_batch(name: str) -> None:
    task = TASKS[name]()
    assert task.name == name
    assert all(map(torch.equal, task.batch(seeded(4)), task.batch(seeded(4))))
    assert not torch.equal(task.batch(seeded(4))[0], task.batch(seeded(5))[0])


# Reconstruction


def test_without_noise_what_goes_in_is_what_should_come_out() -> None:
    task = reconstruction(PICTURES, batch_size=7)
    for x, target in batches(task):
        assert torch.equal(x, target)
        assert x.shape == (7, 1, 4, 4)
    assert torch.equal(*task.held_out)


@pytest.mark.parametrize("noise", [0.05, 0.3, 2.0])
def test_noise_is_a_standard_deviation(noise: float) -> None:
    task = reconstruction(torch.rand(600, 1, 8, 8), noise=noise)
    for x, target in (task.held_out, task.batch(seeded(0))):
        added = x - target
        assert added.std().item() == pytest.approx(noise, rel=0.06)
        assert abs(added.mean().item()) < 0.06 * noise
    first, second = (pair[0] - pair[1] for pair in batches(task, 2))
    assert not torch.equal(first, second), "noise is new in every batch"


def test_a_tenth_is_held_out_and_at_least_one() -> None:
    for count, kept in ((50, 5), (9, 1), (2, 1), (25, 2)):
        task = reconstruction(PICTURES[:count])
        assert torch.equal(task.held_out[1], PICTURES[count - kept : count])
        rest = {tuple(one.flatten().tolist()) for one in PICTURES[: count - kept]}
        for _, target in batches(task):
            assert {tuple(one.flatten().tolist()) for one in target} <= rest


def test_all_that_is_not_held_out_is_drawn() -> None:
    drawn = torch.cat([target for _, target in batches(reconstruction(PICTURES))])
    assert len(drawn.flatten(1).unique(dim=0)) == 45


def test_held_out_pictures_can_be_given() -> None:
    task = reconstruction(PICTURES[:3], PICTURES[3:7])
    assert torch.equal(task.held_out[1], PICTURES[3:7])


def test_a_reconstruction_is_judged_in_decibels() -> None:
    task = reconstruction(PICTURES)
    assert task.loss(PICTURES + 0.1, PICTURES).item() == pytest.approx(0.01, rel=1e-4)
    assert task.score(PICTURES + 0.1, PICTURES) == pytest.approx(20, abs=1e-3)
    assert task.picture(torch.tensor([-1.0, 0.5, 2.0])).tolist() == [0, 0.5, 1]


def test_reconstruction_refuses_what_it_cannot_learn_from() -> None:
    refused(lambda: reconstruction(PICTURES[:1]), r"1 pictures cannot be split")
    refused(lambda: reconstruction(PICTURES[:0]), r"0 pictures cannot be split")
    refused(lambda: reconstruction(PICTURES[:0], PICTURES), r"floats of shape \(N, C, H, W\)")
    refused(lambda: reconstruction((255 * PICTURES).byte()), r"not torch.uint8 of shape")
    refused(lambda: reconstruction(PICTURES[:, 0]), r"of shape \(45, 4, 4\)")
    for noise in (-0.1, float("nan"), float("inf")):
        refused(lambda noise=noise: reconstruction(PICTURES, noise=noise), r"standard deviation")


# Segmentation


def test_pictures_go_with_their_masks() -> None:
    numbers = torch.arange(20)
    pictures = numbers.reshape(20, 1, 1, 1).expand(20, 3, 2, 2).float()
    task = segmentation(pictures, numbers.reshape(20, 1, 1).expand(20, 2, 2), batch_size=6)
    for x, mask in (*batches(task), task.held_out):
        assert torch.equal(x[:, 0].long(), mask)
    assert sorted(task.held_out[1].unique().tolist()) == [18, 19]
    drawn = torch.cat([mask for _, mask in batches(task)])
    assert sorted(drawn.unique().tolist()) == list(range(18))


def test_a_segmentation_is_judged_by_mean_iou() -> None:
    task = segmentation(COLOURS, MASKS)
    scores = F.one_hot(MASKS, 4).movedim(-1, 1).float()
    assert task.score(scores, MASKS) == 1
    turned = scores.roll(1, dims=1)
    assert task.score(turned, MASKS) == 0
    half = torch.cat([scores[:15], turned[15:]])
    assert task.score(half, MASKS) == mean_iou(half.argmax(1), MASKS, 4)
    assert task.loss(100 * scores, MASKS) < 1e-6


@pytest.mark.parametrize(
    "masks",
    [MASKS[:-1], MASKS[:, None], MASKS.float(), MASKS.to(torch.uint8), MASKS[:, :4]],
    ids=["one less", "channel axis", "floats", "bytes", "another size"],
)
def test_segmentation_refuses_masks_that_do_not_belong(masks: Tensor) -> None:
    refused(lambda: segmentation(COLOURS, masks), r"masks of pictures .*try masks\.long\(\)")


def test_segmentation_needs_two_pictures() -> None:
    refused(lambda: segmentation(COLOURS[:1], MASKS[:1]), r"cannot be split")


@given(st.integers(1, 3), st.integers(1, 8), st.integers(1, 5))
def test_a_class_picture_has_one_colour_per_class(count: int, classes: int, size: int) -> None:
    mask = torch.randint(classes, (count, size, size))
    picture = class_picture(mask)
    assert picture.shape == (count, 3, size, size)
    for number in mask.unique().tolist():
        colour = torch.tensor(list(bytes.fromhex(CLASS_COLORS[number][1:]))) / 255
        assert (picture.movedim(1, -1)[mask == number] == colour).all()
    scores = F.one_hot(mask, classes).movedim(-1, 1).float()
    assert torch.equal(class_picture(scores), picture)


def test_there_may_be_more_classes_than_colours() -> None:
    assert class_picture(torch.full((1, 1, 1), 8)).shape == (1, 3, 1, 1)
    assert len(set(CLASS_COLORS)) == len(CLASS_COLORS)


# Super-resolution


@given(
    st.integers(1, 4),
    st.tuples(st.integers(6, 12), st.integers(6, 12)),
    st.integers(1, 6),
    st.integers(0, 1000),
)
def test_small_and_large_patches_show_the_same_place(
    factor: int, size: tuple[int, int], patch: int, seed: int
) -> None:
    height, width = size
    small = torch.arange(float(height * width)).reshape(1, 1, height, width)
    large = F.interpolate(small, scale_factor=factor)
    task = super_resolution([(small, large)], (small, large), patch=patch, batch_size=3)
    x, target = task.batch(seeded(seed))
    assert x.shape == (3, 1, patch, patch)
    assert torch.equal(target, F.interpolate(x, scale_factor=factor))


def test_patches_come_from_everywhere_in_every_picture() -> None:
    first = torch.arange(12.0).reshape(1, 1, 3, 4)
    pairs = [(one, F.interpolate(one, scale_factor=2)) for one in (first, first + 100)]
    task = super_resolution(pairs, pairs[0], patch=1, batch_size=200)
    numbers = task.batch(seeded(0))[0].unique().tolist()
    assert numbers == [*range(12), *range(100, 112)]


def test_a_picture_as_large_as_a_patch_is_taken_whole() -> None:
    pair = (LARGE[..., :24:2, :24:2], LARGE[..., :24, :24])
    task = super_resolution([pair], pair, patch=12, batch_size=1)
    assert all(map(torch.equal, task.batch(seeded(0)), pair))


def test_super_resolution_is_judged_in_decibels_within_the_range() -> None:
    task = super_resolution([PAIR], PAIR, patch=3)
    target = torch.ones(1, 1, 4, 4)
    assert task.score(target + 5, target) == float("inf")
    assert task.score(target - 0.1, target) == pytest.approx(psnr(target - 0.1, target))
    assert task.loss(target - 0.25, target) == 0.25


@pytest.mark.parametrize("size", [(1, 1), (23, 40), (40, 8)])
def test_a_picture_smaller_than_a_patch_is_refused(size: tuple[int, int]) -> None:
    small = torch.rand(1, 1, *size)
    pair = (small, F.interpolate(small, scale_factor=2))
    least = min(size)
    told = rf"{size[0]} × {size[1]} is smaller than a patch of 24 × 24: use patch={least}, or"
    refused(lambda: super_resolution([pair], pair), told)
    super_resolution([pair], pair, patch=least).batch(seeded(0))


def test_super_resolution_refuses_pairs_that_do_not_belong() -> None:
    refused(lambda: super_resolution([], PAIR), r"at least one pair")
    other = (PAIR[0], F.interpolate(PAIR[0], scale_factor=3))
    refused(lambda: super_resolution([other], PAIR, patch=3), r"factor of 2, not with 36 × 45")
    odd = (PAIR[0], LARGE[..., :-1])
    refused(lambda: super_resolution([odd], PAIR, patch=3), r"factor of 2, not with 24 × 29")
