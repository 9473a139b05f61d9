"""UnpoolingLab: winners, what comes back, what is gone, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from resample_viz.labs import UnpoolingLab
from resample_viz.operations import OperationError


@pytest.fixture
def lab() -> Iterator[UnpoolingLab]:
    made = UnpoolingLab(image="astronaut", size=32)
    yield made
    made.close()


def shown(lab: UnpoolingLab) -> dict[str, Any]:
    return {panel.name: panel for panel in lab.shown.panels}


def merits(lab: UnpoolingLab) -> dict[str, str]:
    return {merit.label: merit.value for merit in lab.shown.merits}


def alert(lab: UnpoolingLab) -> str:
    return str(lab.stage.frame["alert"])


@pytest.mark.parametrize(
    ("settings", "share"),
    [({}, "25.0%"), ({"kernel_size": 4, "stride": 4}, "6.2%"), ({"stride": 4}, "6.2%")],
)
def test_a_quarter_of_the_values_comes_back(
    lab: UnpoolingLab, settings: dict[str, Any], share: str
) -> None:
    lab.set(**settings)
    assert merits(lab)["back in place"] == share


def test_the_panels_are_what_pytorch_computes(lab: UnpoolingLab) -> None:
    x = lab.input
    y, indices = F.max_pool2d(x, 2, return_indices=True)
    panels = shown(lab)
    assert torch.equal(lab.indices, indices)
    assert torch.equal(panels["y"].tensor, y[0])
    assert torch.equal(panels["u"].tensor, F.max_unpool2d(y, indices, 2)[0])
    assert torch.equal(panels["indices"].tensor, indices[0, :1].float())
    assert torch.equal(panels["nearest"].tensor, F.interpolate(y, scale_factor=2)[0])
    average = F.interpolate(F.avg_pool2d(x, 2), scale_factor=2)[0]
    torch.testing.assert_close(panels["spread"].tensor, average / 4)


def test_the_winners_of_another_picture_are_other_places(lab: UnpoolingLab) -> None:
    panels = shown(lab)
    own, foreign = panels["u"].tensor, panels["foreign"].tensor
    assert not torch.equal(own, foreign)
    torch.testing.assert_close(own.sum(), foreign.sum())
    lab.set(image="coffee")
    assert not torch.equal(shown(lab)["u"].tensor, shown(lab)["foreign"].tensor)


def test_a_photograph_comes_back_worse_than_by_nearest() -> None:
    lab = UnpoolingLab()
    panels = shown(lab)
    decibels = {
        name: float(panels[name].caption.split("PSNR ")[1].split()[0])
        for name in ("u", "foreign", "nearest", "bilinear", "spread")
    }
    assert decibels["nearest"] > decibels["u"] + 10
    assert decibels["foreign"] < decibels["u"]
    lab.close()


def test_wins_are_counted_where_windows_overlap() -> None:
    lab = UnpoolingLab(preset="one cell wins nine times")
    assert shown(lab)["wins"].tensor.max() == 9
    assert shown(lab)["wins"].tensor.sum() == 25
    assert merits(lab)["win more than once"] == "1"
    assert any("wins up to 9 times" in words for words in lab.shown.warnings)
    lab.close()


def test_cells_that_no_window_reads_are_crossed_out() -> None:
    lab = UnpoolingLab(preset="an odd size")
    assert shown(lab)["x"].unread == ([6], [6])
    lab.set(ceil_mode=True)
    assert shown(lab)["x"].unread == ([], [])
    lab.close()


def test_a_forgotten_output_size_slips_or_is_refused() -> None:
    lab = UnpoolingLab(preset="output_size forgotten")
    assert tuple(shown(lab)["u"].tensor.shape) == (1, 6, 6)
    assert any("rows slip" in words for words in lab.shown.warnings)
    assert "back in place" not in merits(lab)
    with pytest.raises(OperationError, match="index 40 is outside the 6 × 6 cells"):
        lab.set(image="integer_grid")
    lab.close()


def test_on_an_even_size_output_size_may_be_forgotten(lab: UnpoolingLab) -> None:
    before = shown(lab)["u"].tensor
    lab.set(output_size=False)
    assert torch.equal(shown(lab)["u"].tensor, before)
    assert lab.shown.warnings == ()


def test_negative_values_are_warned_of() -> None:
    lab = UnpoolingLab(image=torch.rand(1, 1, 6, 6) - 0.5)
    assert any("negative" in words for words in lab.shown.warnings)
    lab.close()


def test_zeros_are_not_painted_as_out_of_range() -> None:
    lab = UnpoolingLab(preset="one value in four")
    assert lab.stage.frame["outside"] is False
    lab.close()


def test_dilation_is_refused_by_its_name(lab: UnpoolingLab) -> None:
    before = repr(lab)
    with pytest.raises(OperationError, match="MaxUnpool2d knows no dilation"):
        lab.set(dilation=4)
    assert repr(lab) == before


def test_the_code_computes_what_is_shown(lab: UnpoolingLab) -> None:
    for preset in lab.presets:
        lab.set(preset=preset.name)
        head, body = lab.code().split("\n\n", 1)
        made: dict[str, Any] = {}
        exec(head, made)
        made["x"] = lab.input
        exec(body.split("\n", 1)[1], made)
        assert torch.equal(made["y"], lab.output)
        assert torch.equal(made["x_hat"][0], shown(lab)["u"].tensor)


def test_an_edited_cell_wins() -> None:
    lab = UnpoolingLab(preset="one value in four")
    lab.stage.edit = {"panel": "x", "row": 0, "col": 0, "value": 99.0, "n": 1}
    assert int(lab.indices[0, 0, 0, 0]) == 0
    assert float(shown(lab)["u"].tensor[0, 0, 0]) == 99
    lab.close()


@pytest.mark.parametrize("shape", [(1, 1, 2, 9), (1, 5, 8, 8), (1, 3, 7, 10), (1, 2, 3, 3)])
def test_odd_inputs_are_shown(shape: tuple[int, ...]) -> None:
    lab = UnpoolingLab(image=torch.rand(shape))
    assert alert(lab) == ""
    lab.close()
