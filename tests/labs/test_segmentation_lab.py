"""SegmentationLab: what a network says, what is wrong with it, and where."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import resample_viz as rv
from resample_viz.images import ImageError
from resample_viz.labs import SegmentationLab
from resample_viz.labs.segmentation import COINS, HORSE, SHAPES, WRONG, shapes_task
from resample_viz.networks import UPSAMPLINGS
from resample_viz.operations import OperationError
from resample_viz.training import class_picture
from tests.labs.handling import merit


@pytest.fixture
def lab() -> Iterator[SegmentationLab]:
    made = SegmentationLab()
    yield made
    made.close()


def shown(lab: SegmentationLab) -> dict[str, Any]:
    return {panel.name: panel for panel in lab.shown.panels}


def alert(lab: SegmentationLab) -> str:
    return str(lab.stage.frame["alert"])


def trained(steps: int = 2, **options: Any) -> rv.Training:
    torch.manual_seed(0)
    training = rv.Training(rv.SegmentationNetwork(**options), shapes_task(), steps)
    for _ in training.run():
        pass
    return training


def test_the_panels_are_what_the_network_computes(lab: SegmentationLab) -> None:
    with torch.no_grad():
        scores = lab.network.eval()(lab.input)
    assert torch.equal(lab.output, scores)
    assert torch.equal(lab.classes, scores.argmax(1))
    panels = shown(lab)
    assert torch.equal(panels["x"].tensor, lab.input[0])
    assert torch.equal(panels["y"].tensor, class_picture(scores)[0])
    assert torch.equal(panels["mask"].tensor, class_picture(lab.mask)[0])


def test_the_strip_tells_the_smallest_map(lab: SegmentationLab) -> None:
    lab.set(image=COINS, upsampling="max unpooling")
    assert "→ maps (1, 32, 16, 16) → 3 × max unpooling → scores (1, 4, 128, 128)" in repr(lab)


def test_wrong_pixels_and_the_band_have_their_colours(lab: SegmentationLab) -> None:
    panel = shown(lab)["wrong"]
    wrong, band = (lab.classes != lab.mask)[0], rv.metrics.edge_band(lab.mask)[0]
    for number, places in enumerate((~wrong & ~band, ~wrong & band, wrong & ~band, wrong & band)):
        assert places.any()
        assert (panel.tensor.movedim(0, -1)[places] == WRONG[number]).all()
    inside, everything = int((wrong & band).sum()), int(wrong.sum())
    assert f"{inside} pixels in the band" in panel.caption
    assert f"{everything - inside} elsewhere" in panel.caption


def test_merits_are_iou_of_the_classes_in_the_mask(lab: SegmentationLab) -> None:
    band = rv.metrics.edge_band(lab.mask)
    present = lab.mask.unique()
    for label, within in (("IoU", None), ("in the band", band), ("beyond it", ~band)):
        each = rv.metrics.iou(lab.classes, lab.mask, 4, within)[present]
        assert merit(lab, label) == f"{float(each.nanmean()):.2f}"


def test_noise_is_added_to_the_picture_and_is_the_same_twice(lab: SegmentationLab) -> None:
    usual = lab.input
    assert lab.input is usual
    lab.set(noise=0.0)
    clean = lab.input
    assert 0.03 < float((usual - clean).std()) < 0.06
    lab.set(noise=0.05)
    assert torch.equal(lab.input, usual)
    lab.set(noise=0.3)
    assert float((lab.input - clean).std()) > 0.15
    assert 0 <= float(lab.input.min()) <= float(lab.input.max()) <= 1


@pytest.mark.parametrize("name", UPSAMPLINGS)
def test_every_block_is_shown_untrained_and_says_so(lab: SegmentationLab, name: str) -> None:
    lab.set(upsampling=name, skips=True)
    assert alert(lab) == ""
    assert lab.network.upsampling == name
    assert lab.network.skips
    assert any("not trained yet" in words for words in lab.shown.warnings)


def test_trained_networks_are_shown_beside_each_other() -> None:
    one = trained(upsampling="bilinear + convolution")
    two = trained(upsampling="max unpooling", skips=True)
    lab = SegmentationLab([one, two])
    assert lab.network is one.network, "it opens on the first"
    assert lab.shown.warnings == ()
    assert shown(lab)["wrong-0"].title == "Wrong: max unpooling, skips"
    lab.set(upsampling="max unpooling", skips=True)
    assert lab.network is two.network
    assert shown(lab)["wrong-0"].title == "Wrong: bilinear + convolution"
    lab.set(skips=False)
    assert {"wrong-0", "wrong-1"} <= set(shown(lab))
    lab.close()


def test_the_button_trains_the_network_that_is_shown(
    lab: SegmentationLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SegmentationLab, "steps", 2)
    lab.set(upsampling="nearest + convolution")
    before = [p.clone() for p in lab.network.parameters()]
    lab._press.click()
    assert alert(lab) == ""
    assert lab.training.done == 2
    assert lab.shown.warnings == ()
    assert not all(torch.equal(a, b) for a, b in zip(before, lab.network.parameters()))
    assert "trained for 2 of 2 steps" in repr(lab)


def my_block(inputs: int, outputs: int, factor: int) -> nn.Module:
    return nn.Sequential(nn.Upsample(scale_factor=factor), nn.Conv2d(inputs, outputs, 1))


def test_a_block_of_ones_own_joins_the_dropdown() -> None:
    lab = SegmentationLab(upsampling=my_block)
    assert lab.extras["upsampling"].widget.options[-1] == "my_block"
    assert lab.network.upsampling is my_block
    lab.set(upsampling="max unpooling")
    lab.set(upsampling="my_block")
    assert lab.network.upsampling is my_block
    lab.close()
    training = trained(upsampling=my_block)
    lab = SegmentationLab([training])
    assert lab.network is training.network
    lab.close()


def test_a_network_of_ones_own_goes_by_its_class() -> None:
    class Mine(nn.Sequential):
        pass

    training = rv.Training(Mine(nn.Conv2d(3, 4, 1)), shapes_task(), 1)
    for _ in training.run():
        pass
    lab = SegmentationLab([training])
    assert lab.extras["upsampling"].value == "Mine"
    assert "→ Mine → scores" in repr(lab)
    before = repr(lab)
    with pytest.raises(OperationError, match=r"Mine was given ready-made.*were\."):
        lab.set(skips=True)
    assert repr(lab) == before
    lab.extras["skips"].widget.value = False
    assert alert(lab) == ""
    lab.extras["skips"].widget.value = True
    assert "Mine was given ready-made" in alert(lab)
    lab.close()


def test_the_horse_has_the_classes_and_the_coins_have_not(lab: SegmentationLab) -> None:
    lab.set(image=HORSE, example=2)
    assert lab.mask.unique().tolist() == [0, 3]
    assert [m.label for m in lab.shown.merits][3:] == ["background", "dotted triangle"]
    lab.set(image=COINS)
    assert lab.mask.unique().tolist() == [0, 1]
    assert [m.label for m in lab.shown.merits][3:] == ["background", "coin"]
    found = (lab.classes > 0).long()
    assert merit(lab, "coin") == f"{float(rv.metrics.iou(found, lab.mask, 2)[1]):.2f}"


def test_of_a_picture_of_ones_own_nothing_is_judged(lab: SegmentationLab) -> None:
    lab.set(image=torch.rand(1, 3, 24, 40), noise=0.0)
    assert lab.mask is None
    assert set(shown(lab)) == {"x", "y", "sure"}
    sure = lab.output.softmax(1).amax(1)
    assert torch.equal(shown(lab)["sure"].tensor, sure)
    lab.set(image=SHAPES)
    assert "wrong" in shown(lab)


@pytest.mark.parametrize(
    ("x", "size"),
    [
        (torch.rand(1, 1, 1, 1), (8, 8)),
        (torch.rand(1, 3, 7, 9), (8, 16)),
        (torch.zeros(1, 3, 16, 16), (16, 16)),
        (torch.full((1, 1, 50, 50), 7.0), (56, 56)),
    ],
    ids=["one cell", "odd", "black", "out of range"],
)
def test_odd_pictures_are_shown(lab: SegmentationLab, x: Tensor, size: tuple[int, int]) -> None:
    lab.set(image=x)
    assert alert(lab) == ""
    assert tuple(lab.input.shape) == (1, 3, *size)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_an_upload_of_any_mode_is_shown(lab: SegmentationLab, mode: str) -> None:
    file = io.BytesIO()
    Image.new(mode, (900, 600)).save(file, "png")
    lab.stage.upload = {"name": "a.png", "data": file.getvalue()}
    assert alert(lab) == ""
    assert tuple(lab.input.shape) == (1, 3, 96, 96)


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"noise": "a"}, OperationError, "from 0 to 1"),
    ({"noise": -1}, OperationError, "from 0 to 1"),
    ({"noise": float("nan")}, OperationError, "from 0 to 1"),
    ({"upsampling": "magic"}, OperationError, "upsampling cannot be 'magic'"),
    ({"skips": 3}, OperationError, "skip connections cannot be 3"),
    ({"image": "nope"}, ImageError, "nope"),
    ({"image": torch.rand(1, 5, 8, 8)}, ImageError, "5 channels"),
    ({"image": torch.rand(1, 3, 600, 8)}, ImageError, "600 × 8 takes too long"),
    ({"example": 40}, ImageError, "from 0 to 39"),
    ({"size": 32}, ImageError, "size"),
]


@pytest.mark.parametrize(("settings", "kind", "words"), BAD, ids=[str(b[2]) for b in BAD])
def test_the_python_door_refuses_in_one_sentence_and_keeps_what_is_shown(
    lab: SegmentationLab, settings: dict[str, Any], kind: type[Exception], words: str
) -> None:
    before = repr(lab), lab.stage.frame["id"]
    with pytest.raises(kind, match=words) as caught:
        lab.set(**settings)
    assert str(caught.value).endswith(".")
    assert (repr(lab), lab.stage.frame["id"]) == before
    assert torch.equal(shown(lab)["x"].tensor, lab.input[0])


def test_the_code_is_a_program_that_gives_the_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    training = trained(upsampling="max unpooling")
    lab = SegmentationLab([training])
    assert "rv.train(network, task, 2, learning_rate=0.003, warm_up=0)" in lab.code()
    names: dict[str, Any] = {}
    head, body = lab.code().split("\n\n", 1)
    exec(head, names)
    names["x"] = lab.input
    exec(body.split("\n", 1)[1], names)
    assert torch.equal(names["classes"], lab.classes)
    lab.close()


def test_the_words_do_not_depend_on_the_training() -> None:
    said = set()
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = rv.SegmentationNetwork()
        training = rv.Training(network, shapes_task(), 1, seed=seed)
        for _ in training.run():
            pass
        lab = SegmentationLab([training])
        said.add(repr(lab))
        lab.close()
    assert len(said) == 1
    assert "noise 0.05, trained for 1 of 1 steps" in said.pop()
