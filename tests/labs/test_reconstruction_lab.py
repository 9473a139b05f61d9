"""ReconstructionLab: what network, PCA and resizing compute; blocks of one's own; odd input."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import resample_viz as rv
from resample_viz.analysis import principal_components, restore_bicubic
from resample_viz.images import ImageError
from resample_viz.labs import ReconstructionLab
from resample_viz.labs.reconstruction import (
    DIGITS,
    FACES,
    OTHERS,
    held_out,
    learned,
    reconstruction_task,
)
from resample_viz.networks import UPSAMPLINGS
from resample_viz.operations import OperationError
from tests.labs.handling import merit, ran

ROUNDED: dict[str, float] = {"atol": 6e-4, "rtol": 0}


@pytest.fixture
def lab() -> Iterator[ReconstructionLab]:
    made = ReconstructionLab()
    yield made
    made.close()


def shown(lab: ReconstructionLab) -> dict[str, Any]:
    return {panel.name: panel for panel in lab.shown.panels}


def alert(lab: ReconstructionLab) -> str:
    return str(lab.stage.frame["alert"])


def trained(size: int = 8, *, noise: float = 0.0, **options: Any) -> rv.Training:
    torch.manual_seed(0)
    training = rv.Training(rv.Autoencoder(size, **options), reconstruction_task(size, noise), 2)
    for _ in training.run():
        pass
    return training


def png(mode: str, size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 128 if mode == "L" else (10, 200, 30)[: len(mode)]).save(file, "png")
    return file.getvalue()


@pytest.mark.parametrize("source", [DIGITS, FACES, OTHERS])
def test_the_panels_are_what_the_three_ways_compute(lab: ReconstructionLab, source: str) -> None:
    lab.set(image=source, example=3, code=10)
    x = lab.input
    size = x.shape[-1]
    with torch.no_grad():
        y = lab.network.eval()(x)
    panels = shown(lab)
    assert torch.equal(panels["x"].tensor, x[0])
    assert torch.equal(lab.output, y)
    ways = {
        "y": y,
        "pca": principal_components(learned(size)).restore(x, 10).clamp(0, 1),
        "bicubic": restore_bicubic(x, 9)[0].clamp(0, 1),
    }
    for (name, restored), label in zip(ways.items(), ("network", "PCA", "bicubic")):
        torch.testing.assert_close(panels[name].tensor, restored[0], **ROUNDED)
        error = panels[f"error-{label.lower()}"]
        torch.testing.assert_close(error.tensor, (restored - x)[0].abs(), **ROUNDED)
        assert merit(lab, label) == f"{rv.psnr(restored, x):.1f} dB"


def test_an_untrained_transposed_convolution_has_a_grid_and_nearest_has_none(
    lab: ReconstructionLab,
) -> None:
    assert "grid" not in [merit.label for merit in lab.shown.merits]
    lab.set(preset="a grid")
    assert float(merit(lab, "grid")) > 20
    lab.set(upsampling="nearest + convolution")
    assert float(merit(lab, "grid")) < 2


def test_the_code_is_shown_as_numbers(lab: ReconstructionLab) -> None:
    for numbers in (1, 5, 8, 13):
        lab.set(code=numbers)
        panel = shown(lab)["code"]
        assert lab.code_numbers.shape == (1, numbers)
        cells = panel.tensor.flatten()
        assert torch.equal(cells[:numbers], lab.code_numbers[0])
        assert not cells[numbers:].any()
        assert f"{numbers} number" in panel.caption


def test_what_is_shown_was_never_trained_on() -> None:
    for source, size in ((DIGITS, 8), (FACES, 24)):
        known, unseen = learned(size), held_out(source)
        assert torch.cdist(unseen.flatten(1), known.flatten(1)).min() > 0
        assert torch.equal(reconstruction_task(size).held_out[1], unseen)


def test_untrained_it_says_so_and_training_changes_the_picture(lab: ReconstructionLab) -> None:
    assert "not trained yet" in lab.shown.warnings[0]
    assert lab.key() == (8, 8, "transposed convolution k=4", False)
    before = lab.output
    lab.training.steps = 3
    lab.train()
    assert lab.training.done == 3
    assert lab.shown.warnings == ()
    assert not torch.equal(lab.output, before)
    assert "trained for 3 of 3 steps" in repr(lab)


def test_networks_that_were_given_are_found_again() -> None:
    given = [
        trained(code=4),
        trained(24, code=6, upsampling="nearest + convolution"),
        trained(code=4, noise=0.2),
    ]
    lab = ReconstructionLab(given)
    assert lab.network is given[0].network
    lab.set(denoising=True)
    assert lab.network is given[2].network
    lab.set(image=FACES, code=6, upsampling="nearest + convolution", denoising=False)
    assert lab.network is given[1].network
    lab.close()
    one = ReconstructionLab(given[1])
    assert one.inputs.source.value == FACES
    assert one.network is given[1].network
    one.close()


def test_a_block_of_ones_own_joins_the_dropdown() -> None:
    def doubled(inputs: int, outputs: int, factor: int) -> nn.Module:
        return nn.Sequential(nn.Upsample(scale_factor=factor), nn.Conv2d(inputs, outputs, 1))

    lab = ReconstructionLab([trained(code=3, upsampling=doubled)])
    assert "doubled" in lab.extras["upsampling"].widget.options
    assert lab.key() == (8, 3, "doubled", False)
    lab.set(upsampling="max unpooling", code=8)
    lab.set(upsampling=doubled)
    assert "2 × doubled" in repr(lab)
    assert lab.network.upsampling is doubled  # type: ignore[union-attr]
    lab.close()


@pytest.mark.parametrize("block", UPSAMPLINGS)
def test_every_block_is_shown_for_both_sizes(lab: ReconstructionLab, block: str) -> None:
    for source in (DIGITS, FACES):
        lab.set(image=source, upsampling=block)
        assert alert(lab) == ""
        assert lab.output.shape == lab.input.shape


def test_unpooling_counts_its_bits_and_borrows_indices(lab: ReconstructionLab) -> None:
    assert "bits of indices" not in repr(lab)
    lab.set(upsampling="max unpooling")
    code, indices = lab.network.encode(lab.input)  # type: ignore[operator]
    bits = sum(2 * places.numel() for places in indices)
    assert f"and {bits} bits of indices" in repr(lab)
    own = lab.output
    lab.set(borrowed=True)
    _, others = lab.network.encode(held_out(DIGITS)[1:2])  # type: ignore[operator]
    with torch.no_grad():
        assert torch.equal(lab.output, lab.network.decode(code, others))  # type: ignore[operator]
    assert not torch.equal(lab.output, own)
    assert "another picture's indices" in shown(lab)["y"].caption
    last = len(held_out(DIGITS)) - 1
    lab.set(example=last)  # whose next one is the first
    assert alert(lab) == ""


def test_with_borrowed_indices_the_result_is_compared_with_both_examples(
    lab: ReconstructionLab,
) -> None:
    lab.set(preset="whose places?")
    following = held_out(DIGITS)[1:2]
    assert torch.equal(shown(lab)["next"].tensor, following[0])
    for name, reference in (("network", lab.input), ("next", following)):
        error = (lab.output - reference)[0].abs()
        torch.testing.assert_close(shown(lab)[f"error-{name}"].tensor, error, **ROUNDED)
    assert merit(lab, "network, next example") == f"{rv.psnr(lab.output, following):.1f} dB"


@pytest.mark.parametrize("image", ["handwritten digits", "faces", "patches without a face"])
def test_the_program_takes_the_next_example_from_its_data_set(
    lab: ReconstructionLab, image: str
) -> None:
    lab.set(image=image, example=2, upsampling="max unpooling", borrowed=True)
    torch.testing.assert_close(ran(lab)["y"], lab.output)


def test_a_grid_is_seen_where_its_contrast_is_small(lab: ReconstructionLab) -> None:
    lab.set(preset="a grid")
    stretched = shown(lab)["stretched"]
    low, high = stretched.value_range
    assert 0 < high - low < 0.1
    assert 0.9 < float(((lab.output >= low) & (lab.output <= high)).float().mean()) < 1
    spectrum = shown(lab)["spectrum"].tensor[0]
    assert float(spectrum[0].max()) == 1, "a period of 2 pixels is the strongest"
    assert float(spectrum[2:-1, 2:-1].max()) < 0.5


def test_noise_is_added_and_errors_are_to_the_clean_picture(lab: ReconstructionLab) -> None:
    clean = lab.input
    lab.set(noise=0.3)
    noisy = lab.input
    assert lab.input is noisy
    assert 0.2 < float((noisy - clean).std()) < 0.4
    error = (lab.output - clean)[0].abs()
    torch.testing.assert_close(shown(lab)["error-network"].tensor, error, **ROUNDED)


@pytest.mark.parametrize("preset", [preset.name for preset in ReconstructionLab.presets])
def test_the_program_computes_what_is_shown(lab: ReconstructionLab, preset: str) -> None:
    lab.set(preset=preset)
    names = ran(lab)
    assert names["y"].shape == lab.output.shape
    torch.testing.assert_close(names["y"], lab.output)
    exec(lab.code(), {})


@pytest.mark.parametrize(
    "picture",
    [
        torch.rand(1, 1, 1, 1),
        torch.full((1, 3, 40, 30), 0.5),
        torch.rand(3, 5, 7),
        torch.rand(30, 20, 4).numpy(),
        torch.rand(1, 1, 600, 900),
        png("RGB", (50, 30)),
        png("L", (3, 3)),
    ],
    ids=["one pixel", "one colour", "small", "RGBA", "large", "file", "small grey file"],
)
def test_own_pictures_become_what_the_network_takes(lab: ReconstructionLab, picture: Any) -> None:
    for source, size in ((DIGITS, 8), (FACES, 24)):
        lab.set(image=source)
        lab.set(image=picture)
        assert alert(lab) == ""
        assert lab.input.shape == (1, 1, size, size)
        assert 0 <= float(lab.input.min()) <= float(lab.input.max()) <= 1


def test_a_picture_keeps_its_shades(lab: ReconstructionLab) -> None:
    lab.set(image=torch.full((1, 3, 40, 30), 0.5))
    torch.testing.assert_close(lab.input, torch.full((1, 1, 8, 8), 0.5))
    lab.stage.upload = {"name": "x.png", "data": png("RGB", (50, 30))}
    assert float(lab.input.mean()) == pytest.approx((10 + 200 + 30) / 3 / 255, abs=1e-3)


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"code": 0}, OperationError, "code must be a whole number from 1"),
    ({"code": 2.5}, OperationError, "not 2.5"),
    ({"code": 10**9}, OperationError, "not 1000000000"),
    ({"noise": -1}, OperationError, "noise must be a number from 0 to 1"),
    ({"noise": "much"}, OperationError, "not 'much'"),
    ({"upsampling": "magic"}, OperationError, "'magic'"),
    ({"example": 10**6}, ImageError, "example must be a whole number"),
    ({"image": torch.zeros(1, 2, 9, 9)}, ImageError, "2 channels"),
    ({"image": torch.full((1, 1, 9, 9), float("nan"))}, ImageError, "."),
    ({"image": b"no picture"}, ImageError, "."),
    ({"size": 16}, ImageError, "the size that the network was made for"),
]


@pytest.mark.parametrize(("settings", "kind", "words"), REFUSED)
def test_what_does_not_work_is_refused_in_a_sentence(
    lab: ReconstructionLab, settings: dict[str, Any], kind: type[Exception], words: str
) -> None:
    before = repr(lab)
    with pytest.raises(kind, match=words) as caught:
        lab.set(**settings)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    lab.set(code=8)
    assert repr(lab) == before


def test_an_interrupted_training_is_shown_with_its_best_weights() -> None:
    training = rv.Training(rv.Autoencoder(code=5), reconstruction_task(8), 50)
    running = training.run()
    for _ in range(3):
        next(running)
    running.close()
    lab = ReconstructionLab([training])
    assert lab.network is training.network
    assert "trained for 3 of 50 steps" in repr(lab)
    lab.close()


def test_zero_steps_leave_an_untrained_network() -> None:
    view = rv.train(rv.Autoencoder(code=5), reconstruction_task(8), 0)
    lab = ReconstructionLab([view])
    assert "not trained yet" in lab.shown.warnings[0]
    assert isinstance(lab.output, Tensor)
    lab.close()
    view.close()
