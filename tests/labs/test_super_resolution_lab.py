"""SuperResolutionLab: what is shown is what the network makes, of any picture, or a sentence."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from ipywidgets import widget
from PIL import Image
from torch import nn

import resample_viz as rv
from resample_viz.analysis import BASELINES, super_resolution_score, upscale
from resample_viz.datasets import downscale, native
from resample_viz.images import ImageError
from resample_viz.labs import SuperResolutionLab
from resample_viz.labs.super_resolution import AS_IT_IS, BLOCKS, DEGRADATIONS, SOURCES
from resample_viz.networks import SuperResolutionNetwork
from resample_viz.operations import OperationError
from resample_viz.training import Training
from tests.labs.handling import merit, ran


def trained(factor: int = 2, steps: int = 2, **options: Any) -> Training:
    """A short training on a small random picture."""
    torch.manual_seed(0)
    network = SuperResolutionNetwork(factor, **options)
    large = torch.rand(1, 1, 24 * factor, 24 * factor)
    pair = (downscale(large, factor), large)
    task = rv.super_resolution([pair], pair, patch=12, batch_size=2)
    training = Training(network, task, steps, learning_rate=2e-3)
    for _ in training.run():
        pass
    return training


@pytest.fixture
def lab() -> Iterator[SuperResolutionLab]:
    made = SuperResolutionLab(size=32)
    yield made
    made.close()


def panels(lab: SuperResolutionLab) -> dict[str, Any]:
    return {panel.name: panel for panel in lab.shown.panels}


def alert(lab: SuperResolutionLab) -> str:
    return str(lab.stage.frame["alert"])


def test_what_is_shown_is_what_was_computed(lab: SuperResolutionLab) -> None:
    shown = panels(lab)
    small = downscale(lab.input, 2)
    base = upscale(small, 2)
    with torch.no_grad():
        y = lab.network(small)
    expected = {
        "small": small,
        "base": base.clamp(0, 1),
        "y": y.clamp(0, 1),
        "truth": lab.input,
        "error-base": (base.clamp(0, 1) - lab.input).abs(),
        "error": (y.clamp(0, 1) - lab.input).abs(),
        "detail": y - base,
        "lacks": lab.input - base,
    }
    assert list(shown) == list(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(shown[name].tensor, tensor[0])
    assert torch.equal(lab.output, y)


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("method", BASELINES)
def test_the_figures_are_those_of_the_pictures_shown(factor: int, method: str) -> None:
    lab = SuperResolutionLab(factor=factor, compare_with=method, size=48)
    shown = panels(lab)
    for name, panel in (("network", "y"), (method, "base")):
        score = super_resolution_score(
            shown[panel].tensor[None], shown["truth"].tensor[None], factor
        )
        assert merit(lab, f"PSNR {name}") == f"{score.psnr:.2f} dB"
        assert merit(lab, f"SSIM {name}") == f"{score.ssim:.3f}"
        again = F.interpolate(
            shown[panel].tensor[None], scale_factor=1 / factor, mode="bicubic", antialias=True
        )
        apart = (
            (again - lab.small).square().mean().sqrt().item()
        )  # values beyond [0, 1] were cut here
        assert float(merit(lab, f"contradiction {name}")) == pytest.approx(apart, abs=2e-3)
    lab.close()


@pytest.mark.parametrize("source", SOURCES)
def test_every_picture_can_be_looked_at(lab: SuperResolutionLab, source: str) -> None:
    lab.set(image=source, size=48, down=1.0, across=0.0)
    assert lab.input.shape == (1, 1, 48, 48)
    assert alert(lab) == ""
    assert lab.inputs.label == source


def test_every_preset_says_which_part_of_which_picture() -> None:
    for preset in SuperResolutionLab.presets:
        assert {"image", "size", "down", "across"} <= preset.settings.keys()


def test_the_part_is_cut_out_where_the_sliders_say() -> None:
    lab = SuperResolutionLab(image="camera", size=48, down=1.0, across=0.5)
    assert torch.equal(lab.input, native("camera")[..., -48:, 232:280])
    before = lab.stage.frame["id"]
    lab.inputs.down.widget.value = 0.0
    assert lab.stage.frame["id"] == before + 1
    assert torch.equal(lab.input, native("camera")[..., :48, 232:280])
    lab.close()


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_the_small_picture_is_made_as_the_code_says(name: str) -> None:
    lab = SuperResolutionLab(shrunk_by=name, factor=3, size=50)
    code, _ = DEGRADATIONS[name]
    cut = lab.input[..., :48, :48]
    small = eval(code.format(3), {"F": F, "x": cut})
    assert torch.equal(lab.small, small)
    assert code.format(3) in lab.shown.code
    assert ("truth" in panels(lab)) == (name != AS_IT_IS)
    lab.close()


def test_without_a_truth_nothing_is_claimed() -> None:
    lab = SuperResolutionLab(shrunk_by=AS_IT_IS, size=32)
    assert lab.truth is None
    assert list(panels(lab)) == ["small", "base", "y", "detail"]
    assert panels(lab)["y"].tensor.shape == (1, 64, 64)
    assert not any("PSNR" in m.label for m in lab.shown.merits)
    assert "no truth" in lab.shown.hint
    lab.close()


def test_made_consistent_it_contradicts_nothing(lab: SuperResolutionLab) -> None:
    assert float(merit(lab, "contradiction network")) > 0.005
    lab.set(consistent=True)
    assert merit(lab, "contradiction network") == "0.000"
    assert merit(lab, "contradiction bicubic") == "0.000"
    torch.testing.assert_close(panels(lab)["y"].tensor, lab.output[0].clamp(0, 1))


def test_noise_is_the_same_every_time(lab: SuperResolutionLab) -> None:
    clean = lab.small
    lab.set(noise=0.05)
    assert torch.equal(lab.small, lab.small)
    assert 0.02 < (lab.small - clean).std() < 0.06


# Networks


def test_trained_networks_are_shown_and_not_called_untrained() -> None:
    two, three = trained(2), trained(3, upsampling="nearest + convolution")
    lab = SuperResolutionLab([two, three], size=32)
    assert lab.network is two.network
    assert lab.shown.warnings == ()
    assert "network ahead" in repr(lab)
    lab.set(factor=3, upsampling="nearest + convolution")
    assert lab.network is three.network
    lab.set(factor=2)
    assert "not trained yet" in lab.shown.warnings[0]
    assert "network ahead" not in repr(lab)
    lab.close()


def test_the_words_do_not_depend_on_the_weights() -> None:
    said = set()
    for steps in (20, 30):
        lab = SuperResolutionLab([trained(steps=steps)], size=48)
        said.add(repr(lab).replace(f"task, {steps},", "task, N,"))
        lab.close()
    assert len(said) == 1


@pytest.mark.lanczos
def test_ahead_means_the_higher_psnr(lab: SuperResolutionLab) -> None:
    training = lab.training
    with torch.no_grad():
        for parameter in training.network.parameters():
            parameter.zero_()  # bicubic itself, at its own rounding
    training.losses.append(0.0)
    for method, verdict in (("nearest", "yes"), ("Lanczos", "no")):
        lab.set(compare_with=method)
        ahead = float(merit(lab, "PSNR network")[:-3]) > float(merit(lab, f"PSNR {method}")[:-3])
        assert ahead == (verdict == "yes")
        assert repr(lab).endswith(f"network ahead {verdict}")


def own_block(inputs: int, outputs: int, factor: int) -> nn.Module:
    return nn.Sequential(nn.Upsample(scale_factor=factor), nn.Conv2d(inputs, outputs, 1))


def test_a_block_of_ones_own_joins_the_dropdown() -> None:
    lab = SuperResolutionLab([trained(upsampling=own_block)], size=32)
    assert lab.key() == (2, "own_block")
    assert lab.extras["upsampling"].widget.options == (*BLOCKS, "own_block")
    lab.set(factor=3)
    assert lab.output.shape[-1] == 30
    assert isinstance(lab.network.up[1], nn.Conv2d)  # type: ignore[index]
    lab.close()


def test_other_networks_are_refused() -> None:
    other = Training(nn.Conv2d(1, 1, 1), trained(steps=0).task, 1)
    before = set(widget._instances)
    with pytest.raises(
        TypeError, match=r"shows networks SuperResolutionNetwork, not a Conv2d.*\.$"
    ):
        SuperResolutionLab([other])
    assert set(widget._instances) == before


def test_the_button_trains_the_network_that_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SuperResolutionLab, "steps", 2)
    monkeypatch.setattr(SuperResolutionLab, "task", lambda self, key: trained(steps=0).task)
    lab = SuperResolutionLab(size=32)
    before = lab.output
    assert lab.shown.warnings
    lab.train()
    assert (lab.training.done, lab.shown.warnings) == (2, ())
    assert not torch.equal(lab.output, before)
    lab.close()


@pytest.mark.parametrize("consistent", [False, True])
def test_the_program_computes_what_is_shown(
    monkeypatch: pytest.MonkeyPatch, consistent: bool
) -> None:
    monkeypatch.setattr(SuperResolutionLab, "steps", 1)
    lab = SuperResolutionLab(size=32, factor=3, consistent=consistent)
    lab.train()
    lab.set(noise=0.0)
    x = lab.input
    lab.inputs._made = (lab.inputs._made[0], x[..., :30, :30])  # what the factor divides
    torch.testing.assert_close(ran(lab)["y"], lab.output)
    lab.close()


# The learner's own picture


def file(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return buffer.getvalue()


OWN = {
    "grey": Image.new("L", (50, 40), 80),
    "colour": Image.new("RGB", (50, 40), (200, 30, 90)),
    "transparent": Image.new("RGBA", (50, 40), (200, 30, 90, 128)),
    "smaller than a patch": Image.new("L", (7, 5), 10),
}


@pytest.mark.parametrize("image", OWN.values(), ids=OWN)
def test_an_upload_is_shown_at_its_own_size(lab: SuperResolutionLab, image: Image.Image) -> None:
    lab.set(size=96)
    lab.stage.upload = {"name": "own.png", "data": file(image)}
    assert alert(lab) == ""
    assert lab.input.shape == (1, 1, image.height, image.width)
    assert lab.inputs.label == "your own"
    lab.set(factor=3)
    assert alert(lab) == ""


def test_a_picture_of_one_colour_has_a_perfect_baseline(lab: SuperResolutionLab) -> None:
    lab.set(image=torch.full((1, 1, 32, 32), 0.25))
    assert merit(lab, "PSNR bicubic") == "over 100 dB"
    assert "dB" in merit(lab, "PSNR network")


def test_a_second_picture_replaces_the_first(lab: SuperResolutionLab) -> None:
    for level in (0.25, 0.75):
        lab.set(image=torch.full((1, 1, 20, 20), level))
        assert lab.input.unique().tolist() == [level]


def test_a_huge_file_is_cut_and_shrunk_to_what_fits(lab: SuperResolutionLab) -> None:
    lab.stage.upload = {"name": "x.png", "data": file(Image.new("RGB", (3000, 2500), "red"))}
    assert alert(lab) == ""
    assert lab.inputs.whole.shape == (1, 1, 768, 768)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"image": torch.zeros(1, 1, 1, 1)}, "1 × 1 is too small to be shrunk"),
    ({"image": torch.zeros(1, 5, 9, 9)}, "the picture has 5 channels"),
    ({"image": torch.full((1, 1, 9, 9), 200.0)}, "divide by 255"),
    ({"image": np.full((4, 4), np.nan)}, "NaN"),
    ({"image": "no such picture"}, "neither a picture nor a file called"),
    ({"image": b"not a picture"}, "picture"),
    ({"size": 0}, "size must be 4 to 192"),
    ({"size": True}, "size must be 4 to 192"),
    ({"down": 2}, "down must be a number from 0"),
    ({"across": "left"}, "across must be a number"),
]


@pytest.mark.parametrize(("settings", "words"), REFUSED)
def test_bad_input_is_refused_in_a_sentence(
    lab: SuperResolutionLab, settings: dict[str, Any], words: str
) -> None:
    before = repr(lab)
    with pytest.raises(ImageError, match=words) as caught:
        lab.set(**settings)
    assert str(caught.value).endswith(".")
    assert repr(lab) == before
    lab.set(size=32)
    assert repr(lab) == before


def test_settings_that_do_not_exist_are_refused(lab: SuperResolutionLab) -> None:
    with pytest.raises(OperationError, match="factor cannot be 7"):
        lab.set(factor=7)
    with pytest.raises(OperationError, match="upsampling cannot be 'max unpooling'"):
        lab.set(upsampling="max unpooling")
    lab.stage.edit = {"panel": "small", "row": 0, "col": 0, "value": 1.0, "n": 1}
    assert "cannot be edited" in alert(lab)
