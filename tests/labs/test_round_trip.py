"""RoundTripLab: chains from names, ways back in order, a second picture with the same y."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import torch

import resample_viz as rv
from resample_viz.labs import RoundTripLab
from resample_viz.labs.round_trip import NOTHING, SLOTS, STEPS
from resample_viz.operations import AvgPool, Chain, MaxPool, OperationError, Subsample


@pytest.fixture
def lab() -> Iterator[RoundTripLab]:
    made = RoundTripLab(size=32)
    yield made
    made.close()


def names(lab: RoundTripLab) -> list[str]:
    return [panel.name for panel in lab.shown.panels]


def test_one_step_is_the_operation_and_several_are_a_chain(lab: RoundTripLab) -> None:
    assert lab.operation == AvgPool(2)
    lab.set(step_3="every 2nd pixel")
    assert lab.operation == Chain((AvgPool(2), Subsample(2)))
    lab.set(**dict.fromkeys(SLOTS, NOTHING))
    assert lab.operation == Chain()
    assert torch.equal(lab.output, lab.input)


@pytest.mark.parametrize("step", STEPS)
def test_every_step_works_alone_and_after_another(lab: RoundTripLab, step: str) -> None:
    lab.set(step_1=step)
    assert lab.stage.frame["alert"] == ""
    lab.set(step_1="pixel unshuffle 2", step_2=step, size=16)
    assert lab.stage.frame["alert"] == ""
    assert lab.output.shape == lab.operation(lab.input).shape


def test_the_ways_back_stand_in_the_order_of_their_rank(lab: RoundTripLab) -> None:
    rows = lab.rows
    expected = rv.round_trip(lab.operation, lab.input)
    assert [row.label for row in rows] == [row.label for row in expected]
    panels = {panel.name: panel for panel in lab.shown.panels}
    for rank, row in enumerate(rows, start=1):
        panel: Any = panels[f"way{rank}"]
        assert panel.title == f"{rank}. {row.kind}"
        assert row.label in panel.caption
        assert torch.equal(panel.tensor, row.restored[0])
        error: Any = panels[f"error{rank}"]
        torch.testing.assert_close(
            error.tensor, (row.restored - lab.input)[0].abs().mean(0, keepdim=True)
        )


def test_average_pooling_has_two_pictures_for_one_tensor(lab: RoundTripLab) -> None:
    metamer = lab.metamer
    assert metamer is not None
    gap = (AvgPool(2)(metamer.picture) - lab.output).abs().max()
    assert gap <= 1e-4
    assert (metamer.picture - lab.input).abs().mean() > 0.1
    assert "metamer" in names(lab)
    lab.set(preset="nothing is lost")
    assert "metamer" not in names(lab)
    assert "second picture none" in repr(lab)


def test_a_chain_gets_least_squares_afterwards(lab: RoundTripLab) -> None:
    lab.set(preset="all steps at once")
    assert lab.rows[0].kind == "pseudo-inverse"


def test_the_program_computes_the_best_way_back(lab: RoundTripLab) -> None:
    for preset in lab.presets:
        lab.set(preset=preset.name, size=32)
        lines = [line for line in lab.code().splitlines() if not line.startswith("x = ")]
        found: dict[str, Any] = {"x": lab.input}
        exec("\n".join(lines), found)
        torch.testing.assert_close(found["y"], lab.output)
        torch.testing.assert_close(found["x_hat"], lab.rows[0].restored, rtol=0, atol=5e-3)


def test_own_operations_come_from_python(lab: RoundTripLab) -> None:
    lab.set(operation=MaxPool(3))
    assert lab.operation == MaxPool(3)
    lab.set(step_2="average pooling 2 × 2")
    assert lab.operation == Chain((MaxPool(3), AvgPool(2)))
    with pytest.raises(OperationError, match="one of the suite's"):
        lab.set(operation="MaxPool")
    other = RoundTripLab(operation=Chain((AvgPool(2), AvgPool(2))), size=16)
    assert tuple(other.output.shape) == (1, 3, 4, 4)
    other.close()
    with pytest.raises(OperationError, match="there is none yet"):
        RoundTripLab(step_1="your own")


def test_what_does_not_fit_is_named_and_the_beginning_still_shows(lab: RoundTripLab) -> None:
    lab.set(image="integer_grid", size=4, **dict.fromkeys(SLOTS[:4], "average pooling 2 × 2"))
    (warning,) = lab.shown.warnings
    assert warning.startswith("step 3 of 4, AvgPool, cannot take (1, 1, 1, 1)")
    assert [str(step) for step in lab.shown.strip][:4] == [
        "x (1, 1, 4, 4)",
        "AvgPool",
        "AvgPool",
        "y (1, 1, 1, 1)",
    ]


def test_full_rank_is_not_called_lost(lab: RoundTripLab) -> None:
    lab.set(step_1="blur 3 × 3", size=64)
    assert lab.spectrum is not None
    assert (lab.spectrum.lost, lab.rows[0].kind) == (0, "exact inverse")
    assert "Nothing is lost for good" in lab.shown.hint
    assert "weak directions" in lab.shown.hint
    merits = {merit.label: merit.value for merit in lab.shown.merits}
    assert merits["rank"] == "12,288 of 12,288"
    assert merits["second picture"] == "none"
    assert float(merits["condition"]) == pytest.approx(503, rel=0.02)
    lab.set(step_1="average pooling 2 × 2")
    assert "Something is lost for good" in lab.shown.hint
    assert "3,072 of 12,288" in repr(lab)


def test_what_has_not_converged_is_called_so_in_the_lab(lab: RoundTripLab) -> None:
    lab.set(operation=rv.Conv(kernel="random", padding=1), image="camera", size=64)
    assert any(row.kind == "not converged" for row in lab.rows)
    (warning,) = lab.shown.warnings
    assert "stopped after 80 iterations" in warning
    assert "not converged" in repr(lab)
    assert "lost" not in lab.shown.hint


def test_ways_that_give_one_picture_say_so_in_the_lab(lab: RoundTripLab) -> None:
    merits = [merit.value for merit in lab.shown.merits]
    assert merits[2].endswith("dB = 2.")
    panels = {panel.name: panel for panel in lab.shown.panels}
    way: Any = panels["way3"]
    assert "the same picture as resize back, nearest" in way.caption


def test_a_picture_that_would_take_minutes_is_refused(lab: RoundTripLab) -> None:
    with pytest.raises(OperationError, match=r"use size=512 or less, or rv.round_trip"):
        lab.set(size=1024)
    assert lab.input.shape == (1, 3, 32, 32)


def test_nothing_is_searched_again_for_another_theme(lab: RoundTripLab) -> None:
    found = lab.metamer
    lab.stage.dark = True
    assert lab.metamer is found
    lab.set(step_1="every 2nd pixel")
    assert lab.metamer is not found


def test_searching_does_not_block_the_controls() -> None:
    async def main() -> None:
        lab = RoundTripLab(image="integer_grid", size=4)
        lab._choose_preset(lab.children[0].children[0].children[2])
        assert lab.stage.frame["panels"], "the frame is out before the search begins"
        assert lab.metamer is None
        assert lab._background.running
        lab.extras["step_1"].widget.value = "max pooling 2 × 2"
        assert not lab._background.running, "the next move cancels it"
        lab.close()

    asyncio.run(main())
