"""A way back that is learned: on other photographs, and under its own name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import torch

from resample_viz.images import photograph
from resample_viz.labs import RoundTripLab, learned
from resample_viz.labs.learned import LearnedWayBack, resized
from resample_viz.operations import AvgPool, MaxPool, OperationError, PixelUnshuffle


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[RoundTripLab]:
    monkeypatch.setattr(learned, "STEPS", 40)
    made = RoundTripLab(image="astronaut", size=64)
    yield made
    made.close()


def kinds(lab: RoundTripLab) -> set[str]:
    return {row.kind for row in lab.rows}


def test_an_untrained_way_back_is_the_resized_picture() -> None:
    x = photograph("astronaut", 32)
    way = LearnedWayBack(AvgPool(2), x, "astronaut")
    y = AvgPool(2)(x)
    assert torch.equal(way(y, (32, 32)), resized(y, (32, 32)))


@pytest.mark.parametrize("shown", ["astronaut", "coffee"])
def test_the_picture_that_is_shown_is_never_trained_on(shown: str) -> None:
    x = photograph(shown, 32)
    way = LearnedWayBack(AvgPool(2), x, shown)
    seen = [*way.pictures, *way.training.task.held_out[1]]
    assert not any(torch.equal(picture, x[0]) for picture in seen)


def test_what_was_learned_stands_among_the_ways_back_under_its_own_name(lab: RoundTripLab) -> None:
    assert "learned" not in kinds(lab)
    assert lab.network is None
    lab.learn()
    row = next(row for row in lab.rows if row.kind == "learned")
    assert row.label == "a network, 40 steps"
    assert lab.network is not None
    with torch.no_grad():
        expected = lab.network(resized(lab.output, (64, 64)))
    torch.testing.assert_close(row.restored, expected)
    resized_back = next(row for row in lab.rows if row.label == "resize back, bilinear")
    assert row.psnr > resized_back.psnr
    assert lab.rows[0] is not resized_back


def test_it_belongs_to_one_operation_and_one_picture(lab: RoundTripLab) -> None:
    lab.learn()
    lab.set(step_1="max pooling 2 × 2")
    assert "learned" not in kinds(lab)
    lab.set(step_1="average pooling 2 × 2", image="chelsea")
    assert "learned" not in kinds(lab)
    lab.set(image="astronaut")
    assert "learned" in kinds(lab)


def test_the_program_names_the_network(lab: RoundTripLab) -> None:
    lab.learn()
    found: dict[str, object] = {"lab": lab}
    exec(lab.code(), found)
    x_hat = found["x_hat"]
    assert isinstance(x_hat, torch.Tensor)
    assert x_hat.shape == lab.input.shape


def test_an_operation_that_changes_the_channels_is_refused_in_one_sentence(
    lab: RoundTripLab,
) -> None:
    with pytest.raises(OperationError, match=r"keep 1 or 3 channels.*choose another one\.$"):
        LearnedWayBack(PixelUnshuffle(2), lab.input, "astronaut")
    lab.set(step_1="pixel unshuffle 2")
    lab.learn()
    assert "keep 1 or 3 channels" in lab.stage.frame["alert"]


def test_a_move_ends_the_training_and_keeps_the_best_weights(lab: RoundTripLab) -> None:
    async def press_and_move() -> None:
        lab._press.click()
        while not lab._learned or lab._learned[0].training.done < 5:
            await asyncio.sleep(0)
        lab.extras["step_1"].value = "max pooling 2 × 2"
        await asyncio.sleep(0)

    asyncio.run(press_and_move())
    assert isinstance(lab.operation, MaxPool)
    training = lab._learned[0].training
    assert 5 <= training.done < 40
    assert not training.network.training
    assert lab.stage.progress == {}
