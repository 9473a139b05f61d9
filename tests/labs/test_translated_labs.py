"""In another language no sentence of a lab is left in English, and names in programs stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import ipywidgets as widgets
import pytest
import torch

from resample_viz.images import ImageError, load_image
from resample_viz.labs import UpsamplingLab
from resample_viz.labs.core.lab import unexpected
from resample_viz.labs.picture import picture
from resample_viz.operations import OperationError, Upsample, parameters
from tests.pseudo import forgotten, in_pseudo, pseudo

MODES = next(p for p in parameters(Upsample) if p.name == "mode").choices_for(4)
X = torch.rand(1, 3, 4, 4)


class OwnThing:
    pass


def texts(lab: UpsamplingLab) -> Iterator[str]:
    """Everything that a learner can read or hear, control by control and panel by panel."""
    frame = lab.stage.frame
    for panel in frame["panels"]:
        yield from (panel[key] for key in ("title", "caption", "alt"))
    yield from (step["label"] for step in frame["strip"])
    for merit in frame["merits"]:
        yield from (merit[key] for key in ("label", "value", "meaning"))
    yield from (frame[key] for key in ("alert", "formula", "hint"))
    yield from frame["warnings"]
    yield from (comment for code in (frame["code"], frame["copy"]) for comment in comments(code))
    first, *_ = repr(lab).split("\n")
    yield first
    yield from labels(lab)


def labels(widget: widgets.Widget) -> Iterator[str]:
    for name in ("description", "tooltip", "placeholder"):
        yield getattr(widget, name, "") or ""
    yield from getattr(widget, "_options_labels", ())
    for child in getattr(widget, "children", ()):
        yield from labels(child)


def comments(code: str) -> list[str]:
    """Programs are code; what stands behind a # in them is for people."""
    return re.findall(r"#.*", code)


def left_in_english(lab: UpsamplingLab) -> dict[str, list[str]]:
    return {text: words for text in texts(lab) if (words := forgotten(text))}


@pytest.fixture
def lab() -> Iterator[UpsamplingLab]:
    with in_pseudo():
        shown = UpsamplingLab(image="integer_grid", size=6)
        yield shown
        shown.close()


def test_english_would_be_found() -> None:
    shown = UpsamplingLab(image="integer_grid", size=6)
    assert len(left_in_english(shown)) > 30
    shown.close()


@pytest.mark.parametrize("preset", [p.name for p in UpsamplingLab.presets])
def test_presets_are_translated_and_keep_their_names(lab: UpsamplingLab, preset: str) -> None:
    lab.set(preset=preset)
    assert left_in_english(lab) == {}
    assert lab.settings.preset == preset
    assert lab.stage.frame["hint"] == pseudo(lab._preset(preset).look)
    assert lab.figure().axes


def test_a_button_chooses_the_preset_that_it_stands_for(lab: UpsamplingLab) -> None:
    button = lab._preset_buttons[2]
    assert button.description == pseudo("bicubic overshoots")
    button.click()
    assert lab.settings.preset == "bicubic overshoots"
    assert [b for b in lab._preset_buttons if "rv-active" in b._dom_classes] == [button]


@pytest.mark.parametrize("way", ["area", "same mode", "adjoint (transpose)", "least squares"])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_and_way_back_is_translated(lab: UpsamplingLab, mode: str, way: str) -> None:
    way = way if way[0] == "l" or "(" in way else f"resize back, {way}"
    lab.set(mode=mode, antialias=mode == "lanczos", way_back=way, scale_factor=1.5)
    assert left_in_english(lab) == {}
    assert lab.settings.way_back == way


def test_own_and_edited_pictures_are_translated(lab: UpsamplingLab) -> None:
    lab.stage.edit = {"panel": "x", "row": 0, "col": 1, "value": 7.0, "n": 1}
    assert lab.settings.edits == ((0, 1, 7.0),)
    assert left_in_english(lab) == {}
    lab.set(image=X)
    assert left_in_english(lab) == {}
    lab.inputs.picture.value = "zone plate"
    assert lab.settings.image == "zone_plate"
    assert left_in_english(lab) == {}


def test_an_unlocked_pair_is_translated(lab: UpsamplingLab) -> None:
    lab.set(scale_factor=(1.5, 2.5))
    assert left_in_english(lab) == {}
    lab.set(operation=Upsample(size=(9, 7)))
    assert left_in_english(lab) == {}


def test_a_refused_move_is_told_in_the_language(lab: UpsamplingLab) -> None:
    lab.set(mode="nearest")
    lab.controls.single("align_corners").value = True
    assert lab.stage.frame["alert"].startswith("[")
    assert left_in_english(lab) == {}
    assert not lab.settings.operation.align_corners
    lab.stage.upload = {"name": "a.png", "data": b"%PDF"}
    assert lab.stage.frame["alert"].startswith("[")
    assert left_in_english(lab) == {}


REFUSED: list[Any] = [
    lambda: Upsample(scale_factor=2, size=3),
    lambda: Upsample(scale_factor=-1),
    lambda: Upsample(size=0),
    lambda: Upsample(size=2**70),
    lambda: Upsample(mode="bicubik"),
    lambda: Upsample(mode="nearest", align_corners=True),
    lambda: Upsample(mode="area", antialias=True),
    lambda: Upsample(mode="lanczos"),
    lambda: Upsample(align_corners="maybe"),
    lambda: Upsample(size=3, recompute_scale_factor=True),
    lambda: Upsample(scale_factor=(1, 2, 3)).output_shape((1, 1, 4, 4)),
    lambda: Upsample(scale_factor=0.1)(X),
    lambda: Upsample(scale_factor=0.1).output_shape((1, 1, 4, 99)),
    lambda: Upsample(mode="linear")(X),
    lambda: Upsample()(X[0, 0]),
    lambda: Upsample()(X[:0]),
    lambda: Upsample(scale_factor=4000)(X),
    lambda: Upsample(size=(8, 1), mode="bilinear", antialias=True)(X),
    lambda: Upsample().output_shape(2.5),
    lambda: Upsample()(OwnThing()),
    lambda: Upsample()(X.to("meta")),
    lambda: Upsample()(X.to_sparse()),
    lambda: Upsample()(X.to(torch.complex64)),
    lambda: Upsample(scale_factor=99999).footprint((1, 1, 4, 999)),
    lambda: UpsamplingLab(size=0),
    lambda: UpsamplingLab(image="no_such_picture"),
    lambda: UpsamplingLab(preset="none"),
    lambda: UpsamplingLab(way_back="none"),
    lambda: UpsamplingLab(mode="linear"),
    lambda: picture("ramp", 4, ((9, 9, 1.0),)),
    lambda: picture("astronaut", 64, ((0, 0, 1.0),)),
    lambda: load_image(X, size=8),
    lambda: load_image(X * torch.nan),
    lambda: load_image(torch.zeros(5)),
    lambda: load_image(torch.zeros(2, 3, 4, 4)),
    lambda: load_image(torch.zeros(1, 9000, 4, 4)),
    lambda: load_image(torch.zeros(0, 4)),
    lambda: load_image(b""),
    lambda: load_image(b"PK\3\4"),
    lambda: load_image(b"<svg"),
    lambda: load_image(b"\x89PNG\r\n\x1a\nxxxx"),
    lambda: load_image(bytes(99), max_bytes=9),
    lambda: load_image("no_such_file"),
    lambda: load_image("https://a.example/b_c.png"),
    lambda: load_image(OwnThing()),
]


@pytest.mark.parametrize("place", range(len(REFUSED)))
def test_refusals_are_translated(place: int) -> None:
    with in_pseudo(), pytest.raises((OperationError, ImageError)) as refused:
        REFUSED[place]()
    assert str(refused.value).startswith("[")
    assert forgotten(str(refused.value)) == []


def test_what_nobody_thought_of_is_translated() -> None:
    with in_pseudo():
        assert forgotten(unexpected(ZeroDivisionError("1 / 0"))) == []
