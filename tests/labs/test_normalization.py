"""NormalizationLab: whose statistics, which way back, and the face of every mistake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from resample_viz.compat import import_torchvision
from resample_viz.labs import NormalizationLab
from resample_viz.labs.normalization import (
    BY_HAND,
    EPS,
    FORGOTTEN,
    FORMULA,
    MISTAKES,
    NAMED,
    OWN,
    TURNED,
)
from resample_viz.operations import Normalize, OperationError

IMAGENET = Normalize(*NAMED["ImageNet"])


@pytest.fixture
def lab() -> Iterator[NormalizationLab]:
    made = NormalizationLab(size=32)
    yield made
    made.close()


def shown(lab: NormalizationLab) -> dict[str, Tensor]:
    return {p.name: p.tensor for p in lab.shown.panels if hasattr(p, "tensor")}


def alert(lab: NormalizationLab) -> str:
    return str(lab.stage.frame["alert"])


def sliders(lab: NormalizationLab, name: str) -> Any:
    return lab.controls.single(name).sliders  # type: ignore[attr-defined]


def merit(lab: NormalizationLab, label: str) -> str:
    return next(m.value for m in lab.shown.merits if m.label == label)


# Whose statistics


@pytest.mark.parametrize("name", NAMED)
def test_a_name_moves_the_sliders(lab: NormalizationLab, name: str) -> None:
    lab.extras["statistics"].widget.value = "ImageNet" if name != "ImageNet" else "MNIST"
    lab.extras["statistics"].widget.value = name
    assert lab.operation == Normalize(*NAMED[name])


def test_its_own_statistics_follow_the_picture(lab: NormalizationLab) -> None:
    for picture in ("astronaut", "chelsea", "camera"):
        lab.set(image=picture, statistics=OWN)
        y = lab.output
        assert y.mean((2, 3)).abs().max() < 1e-5
        torch.testing.assert_close(y.var((2, 3), correction=0), torch.ones(1, y.shape[1]))
    lab.inputs.picture.value = "coffee"
    assert lab.output.mean((2, 3)).abs().max() < 1e-5
    assert lab.extras["statistics"].value == OWN


def test_a_slider_that_is_moved_makes_the_statistics_by_hand(lab: NormalizationLab) -> None:
    sliders(lab, "mean")[1].widget.value = 0.7
    assert lab.operation.means == (0.485, 0.7, 0.406)  # type: ignore[attr-defined]
    assert lab.extras["statistics"].value == BY_HAND
    lab.extras["statistics"].widget.value = "ImageNet"
    assert lab.operation == IMAGENET


def test_numbers_from_python_are_statistics_by_hand() -> None:
    lab = NormalizationLab(size=16, mean=0.3, std=(0.1, 0.2, 0.3))
    assert lab.operation == Normalize(0.3, (0.1, 0.2, 0.3))
    assert lab.extras["statistics"].value == BY_HAND
    lab.set(mean=0.4)
    assert lab.operation == Normalize(0.4, (0.1, 0.2, 0.3))
    with pytest.raises(OperationError, match="give a name, or numbers"):
        lab.set(mean=0.4, statistics="MNIST")
    lab.close()


def test_channels_are_together_or_apart(lab: NormalizationLab) -> None:
    control = lab.controls.single("mean")
    lab.set(mean=0.25)
    assert control.value == 0.25
    assert [s.widget.layout.display for s in sliders(lab, "mean")] == [None, "none", "none"]
    frames = lab.stage.frame["id"]
    control.lock.value = False  # type: ignore[attr-defined]
    assert control.value == (0.25, 0.25, 0.25)
    assert lab.stage.frame["id"] == frames + 1
    sliders(lab, "mean")[2].widget.value = 0.5
    assert control.value == (0.25, 0.25, 0.5)
    control.lock.value = True  # type: ignore[attr-defined]
    assert control.value == 0.25
    lab.set(image=torch.rand(1, 5, 8, 8), mean=(0.1, 0.2, 0.3, 0.4, 0.5), std=0.2)
    assert len(sliders(lab, "mean")) == 5
    assert lab.output.shape == (1, 5, 8, 8)


REFUSED = [
    ({"std": 0.0}, "std must be positive, not 0.0"),
    ({"std": -1.0}, "std must be positive"),
    ({"std": float("nan")}, "std must be a finite number"),
    ({"mean": "0.485, 0.456, 0.406"}, "not '0.485, 0.456, 0.406'"),
    ({"mean": (0.1, 0.2)}, "mean has 2 numbers"),
    ({"image": "camera"}, "mean has 3 numbers, but the picture .* 1 channel"),
    ({"image": "camera", "mistake": "BGR for RGB", "statistics": "MNIST"}, "colour picture"),
    ({"statistics": "CIFAR"}, "'CIFAR' here: use one of 'ImageNet'"),
]


@pytest.mark.parametrize(("settings", "words"), REFUSED, ids=str)
def test_bad_statistics_are_refused_and_the_picture_is_kept(
    lab: NormalizationLab, settings: dict[str, Any], words: str
) -> None:
    before, count = repr(lab), lab.stage.frame["id"]
    with pytest.raises(OperationError, match=words) as caught:
        lab.set(**settings)
    assert str(caught.value).endswith(".")
    assert lab.stage.frame["id"] == count
    lab.set(image="astronaut", mistake="none", statistics="ImageNet")
    assert repr(lab) == before


def test_a_grey_picture_with_three_means_is_told_calmly(lab: NormalizationLab) -> None:
    lab.inputs.picture.value = "camera"
    assert "give one number for all channels, such as mean=0.485." in alert(lab)
    lab.extras["statistics"].widget.value = "MNIST"
    assert alert(lab) == ""
    assert shown(lab)["rescaled"].shape[0] == 1


# What is shown


def test_both_views_are_of_the_same_tensor(lab: NormalizationLab) -> None:
    panels = {panel.name: panel for panel in lab.shown.panels}
    assert torch.equal(panels["y"].tensor, panels["rescaled"].tensor.clamp(0, 1))
    assert torch.equal(panels["rescaled"].tensor, IMAGENET(lab.input)[0])
    assert panels["y"].value_range == (0, 1)
    low, high = torch.aminmax(lab.output)
    assert panels["rescaled"].value_range == (float(low), float(high))
    share = ((lab.output < 0) | (lab.output > 1)).float().mean()
    assert f"{share:.1%} of the values outside" in panels["y"].caption


def test_rounding_is_shown_in_its_own_units(lab: NormalizationLab) -> None:
    for way, back in ((FORMULA, "× 2⁻²³"), (TURNED, "× 2⁻²³"), (FORGOTTEN, "")):
        lab.set(way_back=way)
        error = shown(lab)["error"]
        expected = (shown(lab)["x_hat"] - lab.input[0]).abs().mean(0, keepdim=True)
        if back:
            torch.testing.assert_close(error, expected / EPS, rtol=1e-3, atol=1e-2)
        else:
            torch.testing.assert_close(error, expected)
    assert merit(lab, "error of the formula").endswith("× 2⁻²³")
    assert not merit(lab, "error of doing nothing").endswith("× 2⁻²³")


def test_the_histograms_count_every_channel(lab: NormalizationLab) -> None:
    chart = lab.shown.panels[-1]
    assert chart.describe().count("from") == 3
    before = chart.picture.copy()  # type: ignore[union-attr]
    lab.set(std=0.5)
    assert (lab.shown.panels[-1].picture != before).any()  # type: ignore[union-attr]


@pytest.mark.parametrize("mistake", [m.name for m in MISTAKES])
@pytest.mark.parametrize("way", [FORMULA, TURNED, FORGOTTEN])
def test_the_program_computes_what_is_shown(lab: NormalizationLab, mistake: str, way: str) -> None:
    import_torchvision()
    lab.set(mistake=mistake, way_back=way)
    lines = [line for line in lab.code().splitlines() if not line.startswith("x = ")]
    names: dict[str, Any] = {"x": lab.input}
    exec("\n".join(lines), names)
    torch.testing.assert_close(names["y"][0], shown(lab)["rescaled"], rtol=0, atol=1e-6)
    torch.testing.assert_close(names["x_hat"][0], shown(lab)["x_hat"], rtol=0, atol=1e-6)


# The faces of the mistakes


def restored(lab: NormalizationLab, mistake: str) -> tuple[Tensor, Tensor]:
    lab.set(preset=mistake)
    return shown(lab)["x_hat"], lab.input[0]


def test_every_mistake_has_a_face_of_its_own(lab: NormalizationLab) -> None:
    faces = [restored(lab, mistake.name)[0] for mistake in MISTAKES[1:]]
    assert len(faces) == 6
    for number, face in enumerate(faces):
        for other in faces[:number]:
            assert (face - other).abs().mean() > 0.05
        assert (face - lab.input[0]).abs().mean() > 0.1


def test_normalised_twice_leaves_it_normalised_once(lab: NormalizationLab) -> None:
    back, x = restored(lab, "normalised twice")
    torch.testing.assert_close(back, IMAGENET(x[None])[0], rtol=0, atol=1e-4)


def test_statistics_of_another_scale_flatten_and_darken(lab: NormalizationLab) -> None:
    back, _ = restored(lab, "0–255 statistics")
    assert shown(lab)["rescaled"].std((1, 2)).max() < 0.01
    assert back.max() < 0.01


def test_bgr_swaps_red_and_blue(lab: NormalizationLab) -> None:
    back, x = restored(lab, "BGR for RGB")
    torch.testing.assert_close(back, x.flip(0), rtol=0, atol=1e-6)


def test_clipping_leaves_mean_to_mean_plus_std(lab: NormalizationLab) -> None:
    back, _ = restored(lab, "clipped on the way")
    for channel, mean, std in zip(back, IMAGENET.means, IMAGENET.stds):
        assert float(channel.min()) == pytest.approx(mean, abs=1e-6)
        assert float(channel.max()) == pytest.approx(mean + std, abs=1e-6)


def test_uint8_wraps_around(lab: NormalizationLab) -> None:
    restored(lab, "stored as uint8")
    levels = shown(lab)["rescaled"] * 255
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-3)
    truth = (IMAGENET(lab.input)[0] * 255).trunc().remainder(256)
    torch.testing.assert_close(levels, truth, rtol=0, atol=1e-3)


def test_the_wrong_order_darkens_by_the_same_amount_everywhere(lab: NormalizationLab) -> None:
    for way in (FORMULA, TURNED):
        lab.set(preset="inverse in the wrong order", way_back=way)
        loss = lab.input[0] - shown(lab)["x_hat"]
        for channel, mean, std in zip(loss, IMAGENET.means, IMAGENET.stds):
            assert float(channel.mean()) == pytest.approx(mean * (1 - std), abs=1e-5)
            assert float(channel.std()) < 1e-5
