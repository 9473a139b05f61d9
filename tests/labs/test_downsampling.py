"""DownsamplingLab: methods side by side, what they fold, what moves, what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from resample_viz import pattern
from resample_viz.labs import DownsamplingLab
from resample_viz.labs.downsampling import METHODS
from resample_viz.operations import AvgPool, OperationError, Subsample
from resample_viz.view import Frame


@pytest.fixture
def lab() -> Iterator[DownsamplingLab]:
    made = DownsamplingLab(image="astronaut", size=32)
    yield made
    made.close()


def shown(lab: DownsamplingLab) -> dict[str, Any]:
    return {panel.name: panel for panel in lab.shown.panels}


def folded(frame: Frame) -> dict[str, int]:
    """Per cent of each method's energy, as its figure of merit says."""
    return {m.label: int(m.value.split("folded ")[1].rstrip("%")) for m in frame.merits}


def changes(lab: DownsamplingLab, shift: int) -> dict[str, float]:
    lines = lab.charts["moved"]._lines
    return {name: line[shift] for (name, _), line in lines.items()}


def test_the_lab_has_its_operations(lab: DownsamplingLab) -> None:
    lab.set(methods=("average pooling", "every s-th pixel"), factor=4)
    assert lab.operations == (AvgPool(4), Subsample(4))
    assert lab.operation == AvgPool(4)
    assert torch.equal(lab.output, AvgPool(4)(lab.input))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_method_has_a_result_a_spectrum_and_an_error(
    lab: DownsamplingLab, count: int
) -> None:
    names = list(METHODS)[:count]
    lab.set(methods=names)
    for number, name in enumerate(names, start=1):
        panels = shown(lab)
        assert panels[f"y{number}"].title == f"y{number}: {name}"
        assert torch.equal(panels[f"y{number}"].tensor, METHODS[name](2)(lab.input)[0])
        assert {f"spectrum{number}", f"error{number}"} <= panels.keys()
    assert len(lab.shown.merits) == len(lab.shown.links) == count
    grid = [panel for panel in lab.shown.panels if panel.role != "chart"]
    assert len(grid) % lab.shown.columns == 0, "rows are full"


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("factor", [2, 3, 8])
def test_every_method_works_at_every_factor(lab: DownsamplingLab, name: str, factor: int) -> None:
    lab.set(methods=name, factor=factor)
    assert shown(lab)["y1"].tensor.shape[-1] in (32 // factor, -(-32 // factor))


def test_the_code_computes_what_is_shown(lab: DownsamplingLab) -> None:
    names = list(METHODS)
    for first in range(0, len(names), 4):
        lab.set(methods=names[first : first + 4], factor=3, shift=2)
        head, body = lab.code().split("\n\n", 1)
        made: dict[str, Any] = {}
        exec(head, made)
        made["x"] = lab.input
        exec(body.split("\n", 1)[1], made)
        for number, _ in enumerate(names[first : first + 4], start=1):
            assert torch.equal(made[f"y{number}"][0], shown(lab)[f"y{number}"].tensor)
        assert made["x_hats"][0].shape == lab.input.shape


def test_on_the_zone_plate_dropping_pixels_folds_and_blurring_hardly_does() -> None:
    lab = DownsamplingLab(preset="who folds")
    shares = folded(lab.shown)
    assert shares["every s-th pixel"] > 40
    assert shares["bilinear, antialias"] < 10
    assert shares["average pooling"] < shares["every s-th pixel"] / 2
    lab.close()


def test_by_three_bilinear_and_bicubic_read_the_middle_pixel(lab: DownsamplingLab) -> None:
    lab.set(factor=3, methods=("nearest-exact", "bilinear", "bicubic"), size=27)
    first, second, third = (shown(lab)[f"y{n}"].tensor for n in (1, 2, 3))
    torch.testing.assert_close(first, second)
    torch.testing.assert_close(first, third)


def test_blurring_calms_what_max_pooling_lets_jump() -> None:
    lab = DownsamplingLab(preset="one pixel to the right")
    moved = changes(lab, 1)
    assert moved["max pooling"] > 2 * moved["blur pooling, 5 taps"] > 0
    still = changes(lab, 2)
    assert max(still.values()) < 0.01, "a whole step of the new grid moves nothing but the picture"
    lab.close()


def test_a_shift_moves_the_input(lab: DownsamplingLab) -> None:
    lab.set(shift=3)
    assert torch.equal(shown(lab)["x"].tensor, lab.input[0].roll(3, -1))
    assert torch.equal(lab.output, lab.operation(lab.input.roll(3, -1)))


def test_what_y_can_carry_and_what_is_too_fine_add_up() -> None:
    lab = DownsamplingLab(preset="who folds")
    panels = shown(lab)
    carried, fine = panels["below"].tensor, panels["above"].tensor
    inside = (carried > 0) & (carried < 1) & (fine > 0) & (fine < 1)
    total = carried + fine - 0.5
    torch.testing.assert_close(total[inside], panels["x"].tensor[inside])
    lab.close()


def test_the_same_settings_show_the_same_after_a_detour(lab: DownsamplingLab) -> None:
    def pictures() -> list[bytes]:
        return [panel.picture.tobytes() for panel in lab.shown.panels[-2:]]  # type: ignore[union-attr]

    before = pictures()
    lab.set(factor=7)
    lab.set(factor=2)
    assert pictures() == before


def test_a_small_picture_has_a_shorter_chart() -> None:
    lab = DownsamplingLab(image=pattern("integer_grid", 6), methods="max pooling")
    (line,) = lab.charts["kept"]._lines.values()
    assert len(line) == 5, "factors 2 to 6"
    with pytest.raises(OperationError, match="a window of 8 cells does not fit"):
        lab.set(factor=8)
    lab.close()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"factor": 1}, "factor must be a whole number from 2 to 8, not 1"),
    ({"factor": 2.5}, "not 2.5"),
    ({"factor": True}, "not True"),
    ({"shift": -1}, "shift must be"),
    ({"methods": "magic"}, "there is no method 'magic'"),
    ({"methods": ()}, "1 to 4 names, not 0"),
    ({"methods": list(METHODS)[:5]}, "not 5"),
    ({"way_back": "magic"}, "way back cannot be 'magic'"),
]


@pytest.mark.parametrize(("settings", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_cannot_be_is_refused_and_nothing_moves(
    lab: DownsamplingLab, settings: dict[str, Any], words: str
) -> None:
    before = repr(lab)
    with pytest.raises(OperationError, match=words) as caught:
        lab.set(**settings)
    assert str(caught.value).endswith(".")
    assert repr(lab) == before


def test_methods_that_are_chosen_twice_are_shown_once(lab: DownsamplingLab) -> None:
    lab.set(methods=("max pooling", "max pooling"))
    assert len(lab.shown.merits) == 1


@pytest.mark.parametrize("shape", [(1, 1, 9, 4), (1, 5, 8, 8), (1, 3, 8, 10)])
def test_odd_inputs_are_shown(shape: tuple[int, ...]) -> None:
    lab = DownsamplingLab(image=torch.rand(shape), methods=list(METHODS)[:4])
    assert lab.stage.frame["alert"] == ""
    lab.close()


def test_a_flat_picture_is_shown() -> None:
    lab = DownsamplingLab(image=torch.full((1, 1, 16, 16), 0.5))
    assert set(folded(lab.shown).values()) == {0}
    lab.close()
