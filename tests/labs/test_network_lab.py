"""NetworkLab and explore: real layers and tensors in the right lab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

import resample_viz as rv
from resample_viz.images import ImageError
from resample_viz.labs import Lab, NetworkLab, explore
from resample_viz.networks import NETWORKS
from resample_viz.operations import OperationError, parameters


@pytest.fixture
def lab() -> Iterator[NetworkLab]:
    made = NetworkLab(network="ESPCN ×3", input_size=24, size=32)
    yield made
    made.close()


def panels(lab: Lab) -> dict[str, Any]:
    return {panel.name: panel for panel in lab.shown.panels}


def test_the_choices_are_the_catalogue() -> None:
    (network, *_) = parameters(NetworkLab.operation_type)
    assert network.choices == tuple(NETWORKS)


@pytest.mark.parametrize("preset", NetworkLab.presets, ids=lambda preset: preset.name)
def test_the_code_is_a_program_that_makes_the_trace(preset: Any) -> None:
    lab = NetworkLab(preset=preset.name)
    names: dict[str, Any] = {}
    exec(lab.code().replace("print(trace)", ""), names)
    assert str(names["trace"]) == str(lab.trace)
    lab.close()


def test_shapes_need_no_weights(lab: NetworkLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Module, "to_empty", lambda *_, **__: pytest.fail("memory was taken"))
    lab.set(network="ResNet-50", input_size=(224, 160))
    assert "x (1, 3, 224, 160) → ResNet-50 → y (1, 1000)" in repr(lab)
    assert lab._built is None
    assert list(panels(lab)) == ["ladder"]


@pytest.mark.parametrize("limit", [-1.0, float("inf")], ids=["always slow", "never slow"])
def test_a_trace_that_takes_long_says_so(
    lab: NetworkLab, monkeypatch: pytest.MonkeyPatch, limit: float
) -> None:
    monkeypatch.setattr("resample_viz.labs.network.SLOW", limit)
    told: list[str] = []
    lab.stage.observe(lambda change: told.append(change["new"].get("text", "")), names=["progress"])
    lab.set(input_size=(24, 28))
    lab.set(input_size=(24, 28))  # traced already
    assert told == ([] if limit > 0 else ["tracing ESPCN ×3 at 24 × 28", ""])


def test_a_failure_is_told_with_ways_out() -> None:
    lab = NetworkLab(input_size=100)
    assert "U-Net, padded stops at cat → met (1, 256, 25, 25)" in repr(lab)
    assert "(1, 1, 112, 112) the model runs to its end." in repr(lab)
    assert panels(lab)["ladder"].spots[-1][1].startswith("The trace ends at cat")
    lab.set(fix="interpolate")
    assert lab.shown.warnings == ()
    assert "y (1, 2, 100, 100)" in repr(lab)
    lab.close()


def test_a_step_shows_its_map_and_what_a_cell_sees(lab: NetworkLab) -> None:
    lab.set(step="layers.2")
    shown = panels(lab)
    assert list(shown) == ["ladder", "x", "y", "footprint"]
    expected = lab.activation("layers.2").output[0].mean(0)
    torch.testing.assert_close(shown["y"].tensor[0], expected)
    assert shown["y"].picked == (12, 12)
    assert "rows 9 to 15, columns 9 to 15" in shown["x"].caption
    cells = shown["footprint"].tensor[0].nonzero()
    assert cells.min() >= 9
    assert cells.max() <= 15


def test_bars_and_cells_are_picked(lab: NetworkLab) -> None:
    lab.stage.picked = {"panel": "ladder", "row": 0, "col": 0, "n": 1}
    assert lab.extras["step"].value == "none"
    lab.stage.picked = {"panel": "ladder", "row": 0, "col": 1, "n": 2}
    assert lab.extras["step"].value == "0: layers.0"
    lab.stage.picked = {"panel": "y", "row": 3, "col": 4, "n": 3}
    assert panels(lab)["y"].picked == (3, 4)
    assert "rows 1 to 5, columns 2 to 6" in panels(lab)["x"].caption


def test_a_step_opens_its_lab_with_its_weights_and_its_tensor(lab: NetworkLab) -> None:
    lab.set(step="layers.2")
    lab._open_chosen(None)
    opened: Any = lab._opened
    assert isinstance(opened, rv.ConvolutionLab)
    assert opened in lab.children
    ran = lab.activation("layers.2")
    assert torch.equal(opened.input, ran.inputs[0])
    torch.testing.assert_close(opened.output, ran.output, rtol=1e-4, atol=1e-5)
    lab.close()
    assert opened.is_closed


def test_a_step_without_a_lab_says_so(lab: NetworkLab) -> None:
    with pytest.raises(OperationError, match="has no lab of its own"):
        lab.open_step("layers.1")
    with pytest.raises(OperationError, match="there is no step 'nonsense'"):
        lab.set(step="nonsense")


def test_what_takes_too_much_memory_is_refused(lab: NetworkLab) -> None:
    lab.set(network="U-Net, as in its paper", input_size=2000)
    with pytest.raises(OperationError, match="choose a smaller input"):
        _ = lab.output


@pytest.mark.parametrize("bad", [0, -3, (1, 2, 3), 100_000], ids=str)
def test_an_input_size_that_is_none_is_refused(lab: NetworkLab, bad: Any) -> None:
    with pytest.raises(OperationError, match=r"\.$"):
        lab.set(input_size=bad)


def test_a_generator_reads_numbers(lab: NetworkLab) -> None:
    lab.set(network="DCGAN generator")
    assert lab.output.shape == (1, 3, 64, 64)


LAYERS: list[tuple[nn.Module, tuple[int, ...], str]] = [
    (nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1, bias=False), (1, 8, 6, 6), "transposed"),
    (nn.ConvTranspose2d(4, 4, 3, groups=2, bias=False), (1, 4, 5, 5), "transposed"),
    (nn.Conv2d(3, 5, 3, stride=2, padding="valid", bias=False), (1, 3, 9, 8), "convolution"),
    (nn.Conv2d(6, 6, (3, 5), groups=3, padding_mode="reflect", bias=False), (1, 6, 9, 9), "conv"),
    (nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), (1, 3, 5, 5), "upsampling"),
    (nn.Upsample(size=(7, 9)), (1, 3, 5, 5), "upsampling"),
    (nn.MaxPool2d(3, 2, 1), (1, 2, 9, 9), "unpooling"),
    (nn.PixelShuffle(2), (1, 8, 4, 4), "operation"),
]


@pytest.mark.parametrize(("layer", "shape", "name"), LAYERS, ids=lambda value: str(value)[:30])
def test_a_layer_opens_in_its_lab_and_computes_the_same(
    layer: nn.Module, shape: tuple[int, ...], name: str
) -> None:
    x = torch.rand(shape)
    lab = explore(layer, x)
    assert lab.name.startswith(name)
    torch.testing.assert_close(lab.output, layer(x), rtol=1e-4, atol=1e-5)
    lab.close()


def test_a_model_becomes_a_ladder() -> None:
    model = nn.Sequential(nn.Conv2d(8, 2, 3, stride=2), nn.ReLU(), nn.Upsample(scale_factor=2))
    lab = explore(model, torch.rand(1, 8, 11, 9))
    assert isinstance(lab, NetworkLab)
    assert "x (1, 8, 11, 9) → Sequential → y (1, 2, 10, 8)" in repr(lab)
    lab.set(step="0")
    torch.testing.assert_close(lab.output, model(lab.input))
    lab.close()
    alone = explore(model)
    assert alone.input.shape[1] == 8
    alone.close()


def test_what_cannot_be_explored_is_refused_in_a_sentence() -> None:
    with pytest.raises(OperationError, match=r"explore needs an nn.Module"):
        explore(torch.relu, torch.rand(1, 1, 4, 4))  # type: ignore[arg-type]
    with pytest.raises(OperationError, match="takes 3 channels, but x has 1"):
        explore(nn.Conv2d(3, 4, 3), torch.rand(1, 1, 4, 4))
    with pytest.raises(ImageError):
        explore(nn.Conv2d(3, 4, 3), torch.rand(7))
    with pytest.raises(OperationError, match="meta device"):
        explore(nn.Conv2d(1, 4, 3, device="meta"), torch.rand(1, 1, 4, 4))
    with pytest.raises(OperationError, match="multiple of 9"):
        explore(nn.PixelShuffle(3), torch.rand(1, 4, 4, 4))


class EndsBetweenSteps(torch.nn.Module):
    """What it returns is not what its last step makes."""

    def __init__(self, end: Any) -> None:
        super().__init__()
        self.end = end

    def forward(self, x: torch.Tensor) -> Any:
        return self.end(torch.nn.functional.avg_pool2d(x, 2))


@pytest.mark.parametrize(
    "end",
    [lambda y: y * 2, lambda y: y.relu() - 1, lambda y: y[:, :1], lambda y: y],
    ids=["times 2", "minus 1", "one channel", "the step itself"],
)
def test_the_output_is_what_the_model_returns(end: Any) -> None:
    model, x = EndsBetweenSteps(end), torch.rand(1, 3, 16, 16)
    lab = NetworkLab(model=model, image=x)
    torch.testing.assert_close(lab.output, model(x))
    lab.close()


def test_of_a_model_that_returns_several_tensors_the_last_step_is_the_output() -> None:
    model, x = EndsBetweenSteps(lambda y: {"out": y}), torch.rand(1, 3, 16, 16)
    lab = NetworkLab(model=model, image=x)
    torch.testing.assert_close(lab.output, model(x)["out"])
    lab.close()
