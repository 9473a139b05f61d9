"""A layer of one's own in its lab: whole, as PyTorch computes it, and untouched."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from torch import Tensor, nn

from resample_viz.compat import import_torchvision
from resample_viz.labs import Lab, NetworkLab, OperationLab, explore
from resample_viz.operations import OperationError
from tests.operations.layers import layers_with_inputs, runs

Case = tuple[nn.Module, Tensor]
warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")


def computed(lab: Lab) -> Tensor:
    """y of the program that `lab.code()` gives, on the lab's input."""
    names: dict[str, Any] = {"lab": lab}
    first, _, rest = lab.code().partition("x = torch.rand")
    import_torchvision()
    exec(f"{first}\nx = lab.input\n{rest.partition(chr(10))[2]}", names)
    y: Tensor = names["y"]
    return y


@settings(max_examples=60)
@given(layers_with_inputs())
def test_a_lab_shows_what_the_layer_computes(case: Case) -> None:
    layer, batch = case
    x = batch[:1]
    assume(runs(layer, x))
    with torch.no_grad():
        expected = layer(x)
    before, given_x = copy.deepcopy(layer.state_dict()), x.clone()
    lab = explore(layer, x)
    assert torch.equal(lab.input, x)
    torch.testing.assert_close(lab.output, expected, rtol=0, atol=1e-6)
    assert lab.stage.frame["alert"] == ""
    if not isinstance(lab, NetworkLab):
        torch.testing.assert_close(computed(lab).detach(), expected, rtol=0, atol=1e-6)
    lab.close()
    assert torch.equal(x, given_x)
    for name, values in layer.state_dict().items():
        assert torch.equal(values, before[name])


def test_the_first_layer_of_every_article_is_shown_whole() -> None:
    layer, x = nn.Conv2d(3, 64, 3, padding=1), torch.rand(1, 3, 120, 100)
    lab = explore(layer, x)
    assert torch.equal(lab.input, x)
    assert lab.output.shape == (1, 64, 120, 100)
    assert torch.equal(lab.output, layer(x))
    lab.set(channel=63)
    (panel,) = (panel for panel in lab.shown.panels if panel.name == "y")
    assert panel.channel == 63  # type: ignore[union-attr]
    assert lab.extras["channel"].widget.max == 63
    assert torch.equal(computed(lab), layer(x))
    lab.close()


def test_the_wide_layers_of_classifiers_fit() -> None:
    layer, x = nn.Conv2d(1024, 32, 1), torch.rand(1, 1024, 7, 7)
    lab = explore(layer, x)
    torch.testing.assert_close(lab.output, layer(x), rtol=0, atol=1e-6)
    lab.close()


def test_what_cannot_be_written_out_is_named() -> None:
    layer, x = nn.Conv2d(64, 64, 3, padding=1), torch.rand(1, 64, 8, 8)
    lab = explore(layer, x)
    assert "lab.operation.own_tensors()['weight']  # (64, 64, 3, 3); lab is your lab" in lab.code()
    assert torch.equal(computed(lab), layer(x))
    lab.close()


def test_a_bias_of_ones_own_is_a_tick_that_comes_and_goes() -> None:
    layer, x = nn.ConvTranspose2d(2, 3, 3, stride=2), torch.rand(1, 2, 5, 5)
    lab = explore(layer, x)
    assert layer.bias is not None
    box = lab.controls.single("bias")
    assert box.widget.description == "bias (your own)"
    box.widget.value = False
    expected = layer(x) - layer.bias.view(-1, 1, 1)
    torch.testing.assert_close(lab.output, expected, rtol=0, atol=1e-6)
    box.widget.value = True
    assert torch.equal(lab.output, layer(x))
    lab.set(bias=True)
    torch.testing.assert_close(lab.output, expected + 0.5, rtol=0, atol=1e-6)
    lab.set(image="integer_grid", size=5)  # of one channel: the weights are for two
    assert lab.stage.frame["alert"] == ""
    lab.close()


NAMED: list[tuple[Any, str]] = [
    (nn.AvgPool2d(3, 2, 1, count_include_pad=False), "operation"),
    (nn.LPPool2d(2, 2), "operation"),
    (nn.AdaptiveAvgPool2d((None, 3)), "operation"),
    (nn.AdaptiveMaxPool2d(4), "operation"),
    (nn.PixelUnshuffle(2), "operation"),
    (nn.MaxPool2d(2, return_indices=True), "unpooling"),
    (nn.MaxUnpool2d(2), "unpooling"),
    (nn.UpsamplingBilinear2d(scale_factor=1.5), "upsampling"),
    (nn.ReLU(), "network"),
    (nn.Sequential(nn.AvgPool2d(2)), "network"),
]


@pytest.mark.parametrize(("layer", "name"), NAMED, ids=lambda value: str(value)[:24])
def test_a_layer_opens_in_the_lab_that_fits_it(layer: nn.Module, name: str) -> None:
    lab = explore(layer, torch.rand(1, 3, 8, 8))
    assert lab.name == name
    lab.close()


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_normalize_of_both_versions_opens_in_its_lab(channels: int) -> None:
    import_torchvision()
    from torchvision import transforms
    from torchvision.transforms import v2

    x = torch.rand(1, channels, 8, 9)
    statistics = [0.25] * channels, [0.5] * channels
    for kind in (transforms.Normalize, v2.Normalize):
        lab = explore(kind(*statistics), x)
        assert lab.name == "normalization"
        assert torch.equal(lab.output, kind(*statistics)(x))
        lab.close()


def test_unpooling_pools_first_and_says_so() -> None:
    x = torch.rand(1, 2, 6, 6)
    lab = explore(nn.MaxUnpool2d(3), x)
    values, indices = nn.MaxPool2d(3, return_indices=True)(x)
    (panel,) = (panel for panel in lab.shown.panels if panel.name == "u")
    assert torch.equal(panel.tensor, nn.MaxUnpool2d(3)(values, indices)[0, :1])  # type: ignore[union-attr]
    assert "x is first pooled with the same window" in lab.shown.hint
    lab.close()


SAID: list[tuple[nn.Module, Tensor, str]] = [
    (nn.AvgPool2d(2), torch.rand(16, 1, 6, 6), "first of the 16 pictures"),
    (nn.ReLU(), torch.rand(16, 1, 6, 6), "first of the 16 pictures"),
    (nn.AvgPool2d(2), torch.rand(1, 1, 6, 6).double(), "x is torch.float64"),
    (nn.MaxPool2d(2), torch.ones(1, 1, 6, 6, dtype=torch.uint8), "float32, divided by 255"),
    (nn.Conv2d(1, 1, 3).double(), torch.rand(1, 1, 6, 6), "weights are torch.float64"),
    (nn.AdaptiveAvgPool2d((None, 2)), torch.rand(1, 1, 6, 6), "output_size=(None, 2) is (6, 2)"),
    (nn.MaxPool2d(3, dilation=2), torch.rand(1, 1, 9, 9), "MaxUnpool2d cannot go back"),
]


@pytest.mark.parametrize(("layer", "x", "words"), SAID, ids=[words for *_, words in SAID])
def test_what_is_shown_otherwise_is_said(layer: nn.Module, x: Tensor, words: str) -> None:
    lab = explore(layer, x)
    assert words in lab.shown.hint
    assert words in lab.stage.frame["hint"]
    lab.close()


def test_three_axes_are_what_the_layer_takes_them_for() -> None:
    x = torch.rand(7, 9, 3)  # seven channels to a pooling, a picture to a convolution of three
    lab = explore(nn.AvgPool2d(2), x)
    assert torch.equal(lab.output[0], nn.AvgPool2d(2)(x))
    lab.close()
    lab = explore(nn.Conv2d(3, 2, 3), x)
    assert torch.equal(lab.input[0], x.permute(2, 0, 1))
    lab.close()


def test_hooks_stay_and_are_heard() -> None:
    layer = nn.AvgPool2d(2)
    handle = layer.register_forward_hook(lambda module, x, y: 2 * y)
    x = torch.rand(1, 1, 4, 4)
    lab = explore(layer, x)
    torch.testing.assert_close(lab.output, layer(x))
    assert [*layer._forward_hooks] == [handle.id]
    lab.close()


@pytest.mark.parametrize(
    ("layer", "x", "words"),
    [
        (nn.Conv2d(3, 600, 3, padding=1), torch.rand(1, 3, 256, 256), "more than the 64 MB"),
        (nn.Upsample(scale_factor=20), torch.rand(1, 3, 256, 256), "more than the 64 MB"),
        (nn.AvgPool2d(9), torch.rand(1, 1, 4, 4), "does not fit"),
        (nn.PixelUnshuffle(2), torch.rand(1, 1, 5, 4), "multiple of 2"),
    ],
    ids=["channels", "scale", "window", "unshuffle"],
)
def test_what_does_not_fit_is_refused_in_a_sentence(
    layer: nn.Module, x: Tensor, words: str
) -> None:
    with pytest.raises(OperationError, match=words) as refused:
        explore(layer, x)
    assert len(str(refused.value)) < 300


def test_an_operation_lab_takes_parameters_and_refuses_what_has_none() -> None:
    lab = OperationLab(nn.LPPool2d(3, 2), image="integer_grid", size=6, kernel_size=3)
    assert (lab.operation.norm_type, lab.operation.kernel_size) == (3, 3)  # type: ignore[attr-defined]
    lab.close()
    with pytest.raises(OperationError, match="has no parameters that sliders could set"):
        OperationLab(nn.Sequential(nn.AvgPool2d(2)))
    with pytest.raises(OperationError, match=r"write OperationLab\(rv\.AvgPool\(2\)\)"):
        OperationLab(2)  # type: ignore[arg-type]
