"""What every lab owes its learner: the Python door, presets, calm failure, a static face."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise, permutations
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from resample_viz.images import PATTERNS, PHOTOGRAPHS, ImageError
from resample_viz.labs import LABS, Lab, UpsamplingLab
from resample_viz.labs.panels import signal_range
from resample_viz.labs.trained import TrainedLab
from resample_viz.labs.upsampling import WAYS_BACK
from resample_viz.operations import OperationError, Upsample

MODES = ("nearest", "nearest-exact", "bilinear", "bicubic", "area", "lanczos")


@pytest.fixture
def lab() -> Iterator[UpsamplingLab]:
    made = UpsamplingLab(size=32)
    yield made
    made.close()


def frames(lab: Lab) -> int:
    return lab.stage.frame["id"]


def alert(lab: Lab) -> str:
    return lab.stage.frame["alert"]


def slider(lab: Lab) -> Any:
    return lab.controls._either[0].parts["scale_factor"].height.widget


def shown(lab: Lab) -> dict[str, Any]:
    return {panel.name: panel for panel in lab.shown.panels}


# The Python door


def test_a_lab_takes_parameters_and_a_tensor() -> None:
    x = torch.rand(1, 1, 7, 9)
    lab = UpsamplingLab(mode="bicubic", scale_factor=3, image=x)
    assert lab.operation == Upsample(mode="bicubic", scale_factor=3)
    assert torch.equal(lab.input, x)
    torch.testing.assert_close(lab.output, torch.nn.Upsample(scale_factor=3, mode="bicubic")(x))
    lab.close()


def test_the_code_of_a_lab_is_a_program_that_gives_its_output(lab: UpsamplingLab) -> None:
    for preset in lab.presets:
        lab.set(preset=preset.name)
        names: dict[str, Any] = {}
        head, body = lab.code().split("\n\n", 1)
        exec(head, names)
        names["x"] = lab.input
        exec(body.split("\n", 1)[1], names)  # all but the line that makes an x
        assert torch.equal(names["y"], lab.output)
        assert names["x_hat"].shape == lab.input.shape
        exec(lab.code(), {})


def test_the_figure_draws_every_pixel_panel(lab: UpsamplingLab) -> None:
    titles = [axes.get_title() for axes in lab.figure().axes]
    assert titles == [
        "Input x",
        "Output y",
        "Index map",
        "Error of x̂",
    ]


def test_unknown_names_are_refused_with_the_known_ones(lab: UpsamplingLab) -> None:
    with pytest.raises(TypeError, match="kernel_size"):
        lab.set(kernel_size=3)
    with pytest.raises(OperationError, match="'blocks of nearest'"):
        lab.set(preset="no such thing")
    with pytest.raises(ImageError, match="astronaut"):
        lab.set(image="no such picture")


DOOR: list[tuple[dict[str, Any], str]] = [
    ({"mode": "cubic"}, "'cubic' does not exist"),
    ({"mode": "linear"}, "mode cannot be 'linear' here"),
    ({"align_corners": "yes"}, "must be True or False"),
    ({"way_back": "by magic"}, "'by magic' here: use one of 'resize back, area'"),
    ({"scale_factor": "2"}, "not '2'"),
    ({"scale_factor": -1}, "not -1"),
    ({"scale_factor": float("nan")}, "not nan"),
    ({"scale_factor": 1e308}, "not 1e"),
    ({"scale_factor": (1.0, 2.0, 3.0)}, "3 numbers"),
    ({"scale_factor": 0.01}, "leaves nothing of the height"),
    ({"scale_factor": 900.0}, "more than the 64 MB"),
]


@pytest.mark.parametrize(("settings", "words"), DOOR, ids=str)
def test_the_python_door_refuses_in_one_sentence_and_keeps_what_is_shown(
    lab: UpsamplingLab, settings: dict[str, Any], words: str
) -> None:
    before, count = repr(lab), frames(lab)
    with pytest.raises(OperationError, match=words) as caught:
        lab.set(**settings)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert (repr(lab), frames(lab)) == (before, count)
    lab.set(mode="bilinear", scale_factor=2.0)
    assert repr(lab) == before
    with pytest.raises(OperationError, match=words):
        UpsamplingLab(size=32, **settings)


# Frames


def small(kind: type[Lab], **settings: Any) -> Lab:
    """A lab on a small picture; trained networks have the size that they were made for."""
    return kind(**({} if issubclass(kind, TrainedLab) else {"size": 32}), **settings)


@pytest.mark.parametrize("kind", LABS, ids=lambda kind: kind.name)
def test_every_preset_shows_something_of_its_own(kind: type[Lab]) -> None:
    lab = small(kind)
    seen = set()
    for preset in kind.presets:
        lab.set(preset=preset.name)
        assert alert(lab) == ""
        assert lab.stage.frame["hint"] == preset.look
        seen.add(repr(lab))
    assert len(seen) == len(kind.presets)
    lab.close()


def round_and_back(names: list[str]) -> list[str]:
    """Every preset after its neighbours on both sides."""
    return [*names, *names[-2::-1]]


def every_pair(names: list[str]) -> list[str]:
    """Every preset after every other one."""
    walk = [name for pair in combinations(names, 2) for name in pair]
    walk.append(walk[0])
    assert set(pairwise(walk)) == set(permutations(names, 2))
    return walk


@pytest.mark.parametrize(
    "order", [round_and_back, pytest.param(every_pair, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("kind", LABS, ids=lambda kind: kind.name)
def test_a_preset_shows_the_same_whatever_was_shown_before(
    kind: type[Lab], order: Callable[[list[str]], list[str]]
) -> None:
    lab = small(kind)
    alone = {}
    for preset in kind.presets:
        fresh = small(kind, preset=preset.name)
        alone[preset.name] = repr(fresh)
        fresh.close()
    for before, name in pairwise(["the opening", *order([*alone])]):
        lab.set(preset=name)
        assert repr(lab) == alone[name], f"after {before}"
    lab.close()


@pytest.mark.parametrize("picture", [*PHOTOGRAPHS, *PATTERNS])
def test_every_picture_can_be_looked_at(lab: UpsamplingLab, picture: str) -> None:
    if picture == "astronaut":
        lab.inputs.picture.value = "coffee"
    before = frames(lab)
    lab.inputs.picture.value = picture.replace("_", " ")
    assert frames(lab) == before + 1, "one choice, one frame"
    assert alert(lab) == ""


def test_one_move_is_one_frame(lab: UpsamplingLab) -> None:
    before = frames(lab)
    slider(lab).value = 3.0
    assert frames(lab) == before + 1
    lab.extras["way_back"].value = "least squares"
    assert frames(lab) == before + 2
    lab.inputs.picture.value = "integer grid"  # which also brings its own size
    assert frames(lab) == before + 3
    assert tuple(lab.input.shape) == (1, 1, 6, 6)
    lab.stage.dark = True
    assert frames(lab) == before + 4
    lab._choose_preset(lab.children[0].children[0].children[1])
    assert frames(lab) == before + 5
    lab.controls._either[0].parts["scale_factor"].lock.value = False
    assert frames(lab) == before + 6
    lab.controls._either[0].which.value = "size"
    assert frames(lab) == before + 7
    lab.stage.centre = [0.0, 1.0]
    assert frames(lab) == before + 8


def test_the_way_back_keeps_its_honest_name(lab: UpsamplingLab) -> None:
    kinds = {}
    for _, way in lab.extras["way_back"].widget.options:
        lab.set(way_back=way)
        kinds[way] = lab.shown.code.rpartition("# ")[2]
    assert kinds == {
        "resize back, area": "shape only",
        "resize back, same mode": "shape only",
        "adjoint (transpose)": "adjoint",
        "least squares": "left inverse",
    }
    lab.set(scale_factor=0.5)
    assert lab.shown.code.endswith("# pseudo-inverse")


def test_least_squares_brings_an_upsampled_picture_back(lab: UpsamplingLab) -> None:
    lab.set(way_back="least squares", scale_factor=1.7, mode="bicubic")
    assert "PSNR over 100 dB" in repr(lab)


def test_the_error_panel_is_the_error(lab: UpsamplingLab) -> None:
    back = torch.nn.functional.interpolate(lab.output, size=(32, 32), mode="area")
    expected = (back - lab.input)[0].abs().mean(0, keepdim=True)
    torch.testing.assert_close(shown(lab)["error"].tensor, expected)


def test_values_outside_the_range_are_counted() -> None:
    lab = UpsamplingLab(image="edge", size=16, mode="bicubic", scale_factor=4)
    y = lab.output
    share = ((y < -1e-6) | (y > 1 + 1e-6)).float().mean()
    assert shown(lab)["y"].caption == f"{share:.1%} of the values outside [0, 1]"
    assert share > 0
    lab.close()


# Calm failure


def test_an_impossible_setting_keeps_the_picture_and_says_why(lab: UpsamplingLab) -> None:
    lab.set(mode="bilinear")
    panels = lab.stage.frame["panels"]
    picture = lab.stage.panel_1
    lab.controls._single["mode"].value = "nearest"
    lab.controls._single["align_corners"].value = True
    assert "align_corners=True has no meaning for mode 'nearest'" in alert(lab)
    assert [panel["name"] for panel in lab.stage.frame["panels"]] == [p["name"] for p in panels]
    assert lab.stage.panel_1 != b""
    lab.controls._single["mode"].value = "bilinear"
    assert alert(lab) == ""
    lab.controls._single["align_corners"].value = False
    assert lab.stage.panel_1 == picture


def test_a_result_that_is_too_large_is_refused_before_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = UpsamplingLab(image=torch.rand(1, 3, 512, 512), scale_factor=1.0)
    monkeypatch.setattr(torch.nn.Upsample, "forward", lambda *_: pytest.fail("memory was taken"))
    slider(lab).value = 8.0
    assert "more than the 64 MB" in alert(lab)
    lab.close()


def test_an_exception_that_nobody_expected_is_told_in_the_lab(
    lab: UpsamplingLab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(UpsamplingLab, "frame_of", broken)
    slider(lab).value = 3.0
    assert "ZeroDivisionError: of all things" in alert(lab)
    assert "could not follow" in caplog.text


@pytest.mark.parametrize(
    "x",
    [
        torch.rand(1, 1, 1, 1),
        torch.zeros(1, 3, 5, 5),
        torch.full((1, 1, 4, 4), 7.0),
        torch.rand(1, 5, 6, 7),
        torch.rand(1, 1, 2, 40) * 100 - 50,
    ],
    ids=["one cell", "black", "constant", "five channels", "wide range"],
)
def test_odd_inputs_are_shown(x: torch.Tensor) -> None:
    lab = UpsamplingLab(image=x)
    for mode in ("nearest", "bilinear", "bicubic", "area"):
        for factor in (1.0, 2.35):
            lab.set(mode=mode, scale_factor=factor)
            assert tuple(lab.output.shape[:2]) == tuple(x.shape[:2])
    assert repr(lab)
    lab.close()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_tensor_that_is_not_finite_is_refused_from_python(bad: float) -> None:
    x = torch.ones(1, 1, 4, 4)
    x[..., 0, 0] = bad
    with pytest.raises(ImageError, match="1 "):
        UpsamplingLab(image=x)


def png(size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (255, 0, 0)).save(file, "png")
    return file.getvalue()


def test_an_upload_becomes_the_input(lab: UpsamplingLab) -> None:
    lab.stage.upload = {"name": "red.png", "data": png((60, 40))}
    assert alert(lab) == ""
    assert tuple(lab.input.shape) == (1, 3, 32, 32), "cropped to the chosen size"
    assert lab.input[0, :, 3, 3].tolist() == [1, 0, 0]
    assert lab.stage.upload == {}
    lab.inputs.extent.value = 16
    assert tuple(lab.input.shape) == (1, 3, 16, 16)


def test_a_second_upload_replaces_the_first(lab: UpsamplingLab) -> None:
    lab.stage.upload = {"name": "red.png", "data": png((60, 40))}
    file = io.BytesIO()
    Image.new("RGB", (50, 50), (0, 0, 255)).save(file, "png")
    lab.stage.upload = {"name": "blue.png", "data": file.getvalue()}
    assert lab.input[0, :, 3, 3].tolist() == [0, 0, 1]


@pytest.mark.parametrize("data", [b"", b"<svg xmlns='x'/>", png((60, 40))[:50], bytes(200)])
def test_a_broken_upload_loses_nothing(lab: UpsamplingLab, data: bytes) -> None:
    before = lab.input
    lab.stage.upload = {"name": "broken.png", "data": data}
    assert alert(lab) != ""
    assert torch.equal(lab.input, before)
    slider(lab).value = 3.0
    assert alert(lab) == ""


def test_a_cell_of_a_small_grid_can_be_written() -> None:
    lab = UpsamplingLab(image="integer_grid", size=4, mode="nearest")
    lab.stage.edit = {"row": 1, "col": 2, "value": 50, "n": 1}
    assert lab.input[0, 0, 1, 2] == 50
    assert lab.output[0, 0, 2, 4] == 50
    lab.stage.edit = {"row": 0, "col": 0, "value": -3, "n": 2}
    assert lab.input[0, 0, :2, :3].tolist() == [[-3, 2, 3], [5, 6, 50]]
    lab.inputs.extent.value = 6
    assert lab.input[0, 0, 0, 0] == -3, "another size keeps what was typed"
    lab.close()


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"row": 4, "col": 0, "value": 1}, "row 4, column 0 is outside the 4 × 4 grid"),
        ({"row": 0, "col": -1, "value": 1}, "row 0, column -1 is outside"),
        ({"row": 0, "col": 0, "value": 1e39}, "1e+39 is too large"),
        ({"row": 0, "col": 0, "value": float("nan")}, "nan is too large"),
        ({"row": 0}, "does not work here"),
    ],
    ids=str,
)
def test_an_edit_that_means_no_cell_changes_nothing(edit: dict[str, Any], words: str) -> None:
    lab = UpsamplingLab(image="integer_grid", size=4)
    before = lab.input
    lab.stage.edit = edit
    assert words in alert(lab)
    assert lab.input is before
    lab.stage.edit = {"row": 0, "col": 0, "value": 9, "n": 1}
    assert alert(lab) == ""
    lab.close()


def test_a_photograph_cannot_be_written_into(lab: UpsamplingLab) -> None:
    lab.stage.edit = {"row": 1, "col": 2, "value": 50, "n": 1}
    assert "only small one-channel grids" in alert(lab)


moves = st.lists(
    st.one_of(
        st.tuples(st.just("mode"), st.sampled_from(MODES)),
        st.tuples(
            st.sampled_from(["align_corners", "antialias", "recompute_scale_factor"]),
            st.booleans(),
        ),
        st.tuples(st.just("scale_factor"), st.integers(5, 160).map(lambda k: k / 20)),
        st.tuples(st.just("size"), st.integers(1, 60)),
        st.tuples(st.just("which"), st.sampled_from(["scale_factor", "size"])),
        st.tuples(st.just("way_back"), st.sampled_from(WAYS_BACK)),
        st.tuples(st.just("picture"), st.sampled_from(["edge", "impulse", "zone plate"])),
    ),
    min_size=4,
    max_size=12,
)


@settings(max_examples=10)
@given(moves)
def test_whatever_a_learner_does_the_stage_shows_it_or_says_why_not(
    steps: list[tuple[str, Any]],
) -> None:
    lab = UpsamplingLab(image="edge", size=8)
    (either,) = lab.controls._either
    for name, value in steps:
        before = lab.settings
        if name == "which":
            either.which.value = value
        elif name in either.parts:
            either.parts[name].height.widget.value = value
        elif name == "picture":
            lab.inputs.picture.value = value
        else:
            {**lab.controls._single, **lab.extras}[name].value = value
        assert f"y {tuple(lab.output.shape)}" in repr(lab)
        assert lab.settings == before or not alert(lab)
    lab.close()


# The static face


def test_the_words_carry_shapes_code_and_merits(lab: UpsamplingLab) -> None:
    lines = repr(lab).splitlines()
    assert lines[0] == "UpsamplingLab on astronaut"
    assert "x (1, 3, 32, 32) → Upsample → y (1, 3, 64, 64)" in lines[1]
    assert lines[2].startswith("up = nn.Upsample(")
    assert [merit.split()[0] for merit in lines[-1].split(", ")] == ["MAE", "PSNR", "SSIM"]


def test_the_bundle_has_words_and_a_picture(lab: UpsamplingLab) -> None:
    bundle = lab._repr_mimebundle_()
    assert bundle["text/plain"] == repr(lab)
    picture = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert np.asarray(picture.convert("L")).std() > 10
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_two_labs_with_the_same_settings_say_the_same() -> None:
    one, two = UpsamplingLab(size=32), UpsamplingLab(size=32)
    assert repr(one) == repr(two)
    assert one._repr_mimebundle_()["image/png"] == two._repr_mimebundle_()["image/png"]
    one.close()
    two.close()


def test_a_lab_leaves_the_learners_threads_alone(lab: UpsamplingLab) -> None:
    torch.set_num_threads(2)
    slider(lab).value = 3.0
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.2, 0.5], (0, 1)), ([0, 255], (0, 255)), ([-1, 1], (-1, 1)), ([3, 3], (2.5, 3.5))],
)
def test_the_range_on_screen(values: list[float], expected: tuple[float, float]) -> None:
    assert signal_range(torch.tensor(values)) == expected


@pytest.mark.parametrize("kind", [lab for lab in LABS if lab.one_screen], ids=lambda lab: lab.name)
def test_presets_name_the_controls_that_they_are_about(kind: type[Lab]) -> None:
    lab = kind()
    for preset in kind.presets:
        assert 2 <= len(preset.controls) <= 4, preset.name
        lab.set(preset=preset.name, wait=False)
        at_hand = lab._column.names
        assert at_hand[-len(preset.controls) :] == preset.controls
    lab.close()
