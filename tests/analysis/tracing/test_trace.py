"""Traces: published figures, receptive fields against gradients, failures in words."""

from __future__ import annotations

import gc
import re
import weakref
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.analysis import gradient_footprint, trace
from resample_viz.analysis.tracing.probe import activation, check_room
from resample_viz.analysis.tracing.trace import Trace
from resample_viz.compat import import_torchvision
from resample_viz.networks import NETWORKS, DCGANGenerator, UNet
from resample_viz.operations import OperationError


def on_meta(name: str, **options: Any) -> nn.Module:
    import_torchvision()
    from torchvision.models import get_model

    with torch.device("meta"):
        return get_model(name, weights=None, **options)


def last_map(found: Trace) -> Any:
    return [step for step in found.steps if step.extent and step.extent != (1, 1)][-1]


# Published figures


def test_resnet_50_makes_7_of_224_and_sees_427_pixels() -> None:
    """He et al. 2016, with torchvision's stride in the 3 × 3 convolution."""
    found = trace(on_meta("resnet50"), (1, 3, 224, 224))
    step = last_map(found)
    assert step.shape == (1, 2048, 7, 7)
    assert step.field.stride == (32, 32)
    assert step.field.size == (427, 427)
    assert found.parameters == 25_557_032
    assert found.outputs == ((1, 1000),)


def striding_at_the_end_of_a_stage(name: str) -> nn.Module:
    """The variant behind the table of the Distill article: TF-Slim's resnet_v1."""
    model: Any = on_meta(name)
    for stage in (model.layer2, model.layer3, model.layer4):
        stage[0].conv2.stride = stage[0].downsample[0].stride = (1, 1)
    for stage in (model.layer1, model.layer2, model.layer3):
        stage[-1].conv2.stride = (2, 2)
        stage[-1].downsample = nn.MaxPool2d(1, stride=2)
    return model


ARAUJO_NORRIS_SIM_2019 = [
    ("alexnet", 224, 195, 32),
    ("vgg16", 224, 212, 32),
    ("inception_v3", 299, 1311, 32),
]


@pytest.mark.parametrize(("name", "pixels", "field", "stride"), ARAUJO_NORRIS_SIM_2019)
def test_the_distill_table_of_araujo_norris_and_sim(
    name: str, pixels: int, field: int, stride: int
) -> None:
    options = {"init_weights": False} if name == "inception_v3" else {}
    step = last_map(trace(on_meta(name, **options), (1, 3, pixels, pixels)))
    assert step.field.size == (field, field)
    assert step.field.stride == (stride, stride)


@pytest.mark.parametrize(
    ("name", "field"), [("resnet50", 483), ("resnet101", 1027), ("resnet152", 1507)]
)
def test_the_distill_table_strides_its_resnets_at_the_end_of_a_stage(name: str, field: int) -> None:
    step = last_map(trace(striding_at_the_end_of_a_stage(name), (1, 3, 224, 224)))
    assert step.field.size == (field, field)
    assert step.field.stride == (32, 32)


def test_vgg_16_has_an_effective_padding_of_90_in_the_distill_table() -> None:
    step = last_map(trace(on_meta("vgg16"), (1, 3, 224, 224)))
    assert step.field.region(0, 0)[:2] == (-90, -90)


def test_the_u_net_of_its_paper_makes_388_of_572() -> None:
    """Ronneberger, Fischer, Brox 2015, figure 1."""
    found = trace(NETWORKS["U-Net, as in its paper"].build(), (1, 1, 572, 572))
    assert found.outputs == ((1, 2, 388, 388),)
    sizes = [step.extent[0] for step in found.steps if step.name.startswith("down") and step.extent]
    assert sizes[1::2][:2] == [570, 568]
    assert found["down.4"].shape == (1, 1024, 28, 28)


def test_the_dcgan_generator_makes_64_of_4() -> None:
    """Radford, Metz, Chintala 2016, figure 1."""
    found = trace(DCGANGenerator(), (1, 100, 1, 1))
    sizes = [step.extent[0] for step in found.key_steps if step.extent]
    assert sizes == [4, 8, 16, 32, 64]


# Receptive fields


def test_every_way_of_calling_a_convolution_is_the_same() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.rand(4, 3, 3, 3))

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, self.weight, stride=2, padding=1)

    layer = trace(nn.Conv2d(3, 4, 3, stride=2, padding=1), (1, 3, 9, 9)).steps[-1]
    called = trace(Functional(), (1, 3, 9, 9)).steps[-1]
    assert called.name == "conv2d"
    assert called.shape == layer.shape
    assert called.field == layer.field


def test_the_widest_path_counts() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.narrow, self.wide = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 5, padding=2)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.narrow(x) + self.wide(x), x], dim=1)

    found = trace(Residual(), (1, 2, 8, 8))
    assert found["add"].field.size == (5, 5)
    assert found["cat"].shape == (1, 4, 8, 8)
    assert found["cat"].field.size == (5, 5)


def test_rows_and_columns_are_told_apart() -> None:
    field = trace(nn.Conv2d(1, 1, (3, 5), stride=(1, 2)), (1, 1, 9, 11)).steps[-1].field
    assert field.size == (3, 5)
    assert field.stride == (1, 2)
    assert field.centre() == (1, 2)


def test_what_is_multiplied_onto_all_cells_is_seen_by_all() -> None:
    class Excite(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * x.mean((2, 3), keepdim=True)

    field = trace(Excite(), (1, 2, 8, 6)).steps[-1].field
    assert field.region(4, 4) == (0, 0, 7, 5)


def test_unpooling_follows_the_indices() -> None:
    class Back(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y, indices = F.max_pool2d(x, 2, return_indices=True)
            return F.max_unpool2d(y, indices, 2, output_size=x.shape[2:])

    step = trace(Back(), (1, 1, 7, 8)).steps[-1]
    assert step.shape == (1, 1, 7, 8)
    assert step.field.region(4, 5) == (4, 4, 5, 5)


def test_attention_is_an_upper_bound_and_says_so() -> None:
    class Attend(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x @ x.mT

    found = trace(Attend(), (1, 1, 6, 6))
    assert found.steps[-1].field.is_bound
    assert "≤" in str(found)


def test_crops_and_shuffles_move_the_cells() -> None:
    class Crop(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.pixel_shuffle(x[:, :, 2:-1, 3:], 2)

    found = trace(Crop(), (1, 4, 10, 10))
    assert [step.operation for step in found.steps] == ["crop", "pixel_shuffle"]
    assert found.steps[-1].field.region(3, 3) == (3, 4, 3, 4)


# Nothing is computed, and nothing is left behind


def test_a_trace_computes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    model.train()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    monkeypatch.setattr(torch, "rand", lambda *_, **__: pytest.fail("numbers were made"))
    found = trace(model, (1, 3, 4000, 4000))
    assert found.outputs == ((1, 4, 3998, 3998),)
    assert model.training
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_runs_to_its_end_without_numbers(name: str) -> None:
    network = NETWORKS[name]
    found = trace(network.build(), network.input_shape(network.size))
    assert found.failure is None
    assert found.note == ""
    assert found.outputs


def test_a_model_that_branches_on_data_is_run() -> None:
    class Branch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.Upsample(scale_factor=2)

        def forward(self, x: Tensor) -> Tensor:
            return self.up(x) if x.mean() > 0 else x

    with pytest.raises(OperationError, match="64 MB"):
        trace(Branch(), (1, 1, 9000, 9000))
    found = trace(Branch(), (1, 1, 4, 4))
    assert found.outputs == ((1, 1, 8, 8),)
    assert "branches on data" in found.note
    assert found.note in str(found)


class TwoInputs(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> dict[str, list[Tensor]]:
        return {"sum": [F.max_pool2d(x, 2) + y]}


def test_several_inputs_and_outputs_in_dictionaries() -> None:
    found = trace(TwoInputs(), ((1, 3, 8, 8), (1, 3, 4, 4)))
    assert found.outputs == ((1, 3, 4, 4),)
    alone = trace(TwoInputs(), (1, 3, 8, 8))
    assert "was called with 1" in str(alone.failure)
    assert "one shape for each input" in str(alone.failure)


def test_half_precision_and_shared_layers() -> None:
    layer = nn.Conv2d(3, 3, 3, padding=1)
    found = trace(nn.Sequential(layer, layer).half(), (1, 3, 8, 8))
    assert [step.parameters for step in found.steps] == [84, 0]
    assert found.parameters == 84


# Failures


def test_an_odd_size_breaks_the_u_net_and_every_mend_works() -> None:
    failure = trace(UNet(width=4), (1, 1, 100, 100)).failure
    assert failure is not None
    assert failure.name == "cat"
    assert failure.shapes == ((1, 16, 25, 25), (1, 16, 24, 24))
    assert "pool (MaxPool2d 2×2) makes 12 of 25, rounding down" in failure.reason
    assert "(1, 1, 112, 112)" in failure.suggestions[0].text
    assert trace(UNet(width=4), (1, 1, 112, 112)).failure is None
    words = " ".join(map(str, failure.suggestions))
    assert all(way in words for way in ("F.pad", "output_padding=1", "F.interpolate", "crop"))
    for mend in ("pad the input", "output_padding", "interpolate"):
        mended = trace(UNet(width=4, fix=mend), (1, 1, 100, 90))  # type: ignore[arg-type]
        assert mended.outputs == ((1, 2, 100, 90),)
    assert trace(UNet(width=4, fix="crop the skip"), (1, 1, 100, 90)).outputs


@pytest.mark.parametrize(
    ("model", "shape", "words"),
    [
        (nn.Conv2d(3, 4, 3), (1, 1, 8, 8), "takes 3 channels, but 1 come in"),
        (nn.Conv2d(3, 4, 3), (1, 5, 8, 8), r"x\[:, :3\]"),
        (nn.Conv2d(3, 4, 9), (1, 3, 8, 8), "larger than the padded input"),
        (nn.Sequential(nn.Flatten(), nn.Linear(100, 2)), (1, 3, 8, 8), "100 features, but 192"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(
    model: nn.Module, shape: tuple[int, ...], words: str
) -> None:
    failure = trace(model, shape).failure
    assert failure is not None
    assert failure.suggestions
    assert failure.reason.endswith(".")
    assert re.search(words, str(failure))


def test_what_could_be_traced_is_kept_when_a_model_raises() -> None:
    class Raises(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.bad = nn.Conv2d(1, 1, 3), nn.Identity()
            self.bad.forward = self.burn  # type: ignore[method-assign]

        def burn(self, x: Tensor) -> Tensor:
            raise ZeroDivisionError("of all things")

        def forward(self, x: Tensor) -> Tensor:
            return self.bad(self.conv(x))

    found = trace(Raises(), (1, 1, 8, 8))
    assert [step.name for step in found.steps] == ["conv"]
    assert found.failure is not None
    assert found.failure.name == "bad"
    assert "ZeroDivisionError: of all things." in str(found)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((3, 224, 224), r"write \(1, 3, 224, 224\)"),
        ((1, 3, 0, 8), "above 0"),
        ((1, 3, 8.5, 8), "above 0"),
        ("abc", "above 0"),
        (7, "above 0|4, "),
    ],
)
def test_an_input_shape_that_is_none_is_refused(shape: Any, words: str) -> None:
    with pytest.raises(OperationError, match=words) as caught:
        trace(nn.Conv2d(3, 4, 3), shape)
    assert str(caught.value).endswith(".")


def test_only_modules_are_traced() -> None:
    with pytest.raises(OperationError, match=r"an nn.Module, not function"):
        trace(lambda x: x, (1, 3, 8, 8))  # type: ignore[arg-type]


# The table and the picture


def test_the_table_has_a_line_for_each_telling_step() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
    found = trace(model, (1, 3, 10, 10))
    lines = str(found).splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["input", "0", "3"]
    assert "Conv2d 3×3" in lines[3]
    assert "(1, 8, 4, 4)" in lines[4]
    assert lines[-1] == "240 parameters; output (1, 8, 4, 4)"
    assert len(found.table(every=True).splitlines()) == len(lines) + 2
    blocks = trace(nn.Sequential(model, nn.Conv2d(8, 2, 1)), (1, 3, 10, 10)).table(depth=1)
    assert "4 steps" in blocks


def test_the_ladder_is_a_picture_also_where_the_trace_fails() -> None:
    for shape in ((1, 1, 96, 64), (1, 1, 100, 100)):
        assert trace(UNet(width=4), shape)._repr_png_().startswith(b"\x89PNG")


def test_a_step_is_found_by_its_name() -> None:
    found = trace(nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU())), (1, 1, 4, 4))
    assert found["0"] is found.steps[-1]
    assert found["0.0"].shape == (1, 2, 4, 4)
    with pytest.raises(KeyError, match="there is no step 'x'"):
        found["x"]


# Numbers


def test_an_activation_is_what_the_step_reads_and_makes() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Conv2d(2, 1, 3)).eval()
    x = torch.rand(1, 1, 8, 8)
    seen = activation(model, x, 0)
    torch.testing.assert_close(seen.output, model[0](x))
    assert torch.equal(seen.inputs[0], x)
    torch.testing.assert_close(activation(model, x, 2).output, model(x))
    with pytest.raises(OperationError, match="3 steps"):
        activation(model, x, 3)
    with pytest.raises(OperationError, match="fails at 0"):
        activation(model, torch.rand(1, 5, 8, 8), 2)


def test_a_footprint_of_a_cell_that_does_not_exist_is_refused() -> None:
    with pytest.raises(OperationError, match="row 9, column 0 is no cell"):
        gradient_footprint(nn.Conv2d(1, 1, 3), torch.rand(1, 1, 8, 8), 0, 9, 0)


def test_what_would_not_fit_into_memory_is_not_run() -> None:
    found = trace(NETWORKS["U-Net, as in its paper"].build(), (1, 1, 572, 572))
    with pytest.raises(OperationError, match="choose a smaller input"):
        check_room(found, len(found.steps) - 1, gradients=True)
    check_room(found, 3, gradients=False)


def test_a_square_map_is_not_taken_for_one_with_channels_last() -> None:
    model = nn.Sequential(nn.Conv2d(3, 7, 3, padding=1), nn.Conv2d(8, 4, 3))
    failure = trace(model, (1, 3, 8, 8)).failure
    assert failure is not None
    assert "last" not in str(failure)
    assert "7 come in, from 0" in failure.reason
    moved = trace(nn.Conv2d(8, 4, 3), (1, 7, 7, 8)).failure
    assert moved is not None
    assert "(N, H, W, C)" in moved.reason


def test_a_failed_trace_holds_on_to_no_model() -> None:
    """Not even until Python looks for circles: a U-Net has 124 MB."""
    model = UNet(width=2)
    trace(model, (1, 1, 96, 96))  # what torch imports at first keeps frames of its own
    gone = weakref.ref(model)
    gc.collect()
    gc.disable()
    try:
        failure = trace(model, (1, 1, 100, 100)).failure
        del model
        assert failure is not None
        assert gone() is None
    finally:
        gc.enable()
