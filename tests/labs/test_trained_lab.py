"""Labs of trained networks: a small one made here, trained by its button behind the controls."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Hashable, Iterator
from typing import Any, ClassVar

import ipywidgets as widgets
import pytest
import torch
import torch.nn.functional as F
from ipywidgets.widgets import widget
from torch import Tensor, nn

from resample_viz.images import ImageError
from resample_viz.labs.controls import Simple
from resample_viz.labs.core.lab import Preset
from resample_viz.labs.examples import OWN, Examples, own_picture
from resample_viz.labs.trained import TrainedLab
from resample_viz.labs.training import train
from resample_viz.networks import Autoencoder
from resample_viz.training import Task, Training, reconstruction
from resample_viz.view import Frame, Panel

PICTURES = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
TASK = reconstruction(PICTURES, batch_size=8)


class CodeLab(TrainedLab):
    """How an autoencoder with few numbers reconstructs."""

    name = "code"
    steps = 60
    presets: ClassVar[tuple[Preset, ...]] = (Preset("two numbers", "look", {"code": 2}),)
    built: ClassVar[list[int]] = []
    loss: ClassVar[Callable[[Tensor, Tensor], Tensor]] = F.mse_loss

    def build_inputs(self) -> Any:
        sources = {"held out": lambda: TASK.held_out[1], "first": lambda: PICTURES[:1]}
        return Examples(sources, lambda image: own_picture(image, 8, 1))

    def build_extras(self) -> dict[str, Any]:
        dropdown = widgets.Dropdown(options=[2, 4, 8], value=4, description="code")
        dropdown.add_class("rv-control-code")
        return {"code": Simple(dropdown)}

    def key(self) -> Hashable:
        return self.extras["code"].value

    def key_of(self, training: Training) -> Hashable:
        return training.network.code

    def build(self, key: Any) -> nn.Module:
        self.built.append(key)
        return made(key)

    def task(self, key: Any) -> Task:
        return Task("t", TASK.batch, TASK.held_out, type(self).loss, TASK.score, TASK.score_name)

    def frame(self, operation: Any, x: Tensor) -> Frame:
        y = self.training.predict(x)
        return Frame(
            (Panel("x", "x", "input", x[0]), Panel("y", "y", "output", y[0])),
            code=f"Autoencoder(code={self.key()})",
            warnings=self.untrained,
        )


def made(code: int) -> nn.Module:
    network = Autoencoder(code=code, width=2)
    network.code = code  # type: ignore[assignment]
    return network


def trained(code: int, steps: int = 3) -> Training:
    torch.manual_seed(7)
    training = Training(made(code), TASK, steps)
    list(training.run())
    return training


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No widget is left, and every slice is one step long."""
    before = set(widget._instances)
    CodeLab.built = []
    yield
    assert set(widget._instances) == before


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resample_viz.labs.training.SLICE", -1)
    monkeypatch.setattr("resample_viz.labs.training.REDRAWN", -1)


@pytest.fixture
def lab() -> Iterator[CodeLab]:
    made = CodeLab()
    yield made
    made.close()


def on_a_loop(press: Callable[[], None], until: Callable[[], bool], then: Callable[[], Any]) -> Any:
    """What a kernel does: `press` starts a job, and `then` comes in between two of its slices."""

    async def main() -> Any:
        press()
        while not until():
            await asyncio.sleep(0)
        result = then()
        for _ in range(5):
            await asyncio.sleep(0)
        return result

    return asyncio.run(main())


def held_out_loss(training: Training) -> float:
    return F.mse_loss(training.predict(TASK.held_out[0]), TASK.held_out[1]).item()


# Untrained, and trained


def test_an_untrained_network_is_shown_and_says_so(lab: CodeLab) -> None:
    (said,) = lab.shown.warnings
    assert said == (
        "This network was not trained yet: its weights are random. Press “Train this network” "
        "(60 steps)."
    )
    assert lab.stage.frame["warnings"] == [said]
    assert lab.output.shape == lab.input.shape == (1, 1, 8, 8)


def test_opening_a_lab_builds_one_network_and_trains_none(lab: CodeLab) -> None:
    assert CodeLab.built == [4]
    assert lab.training.done == 0
    lab.set(code=2)
    lab.set(code=4)
    assert CodeLab.built == [4, 2], "each once"


def test_random_weights_are_the_same_every_time_and_leave_the_seed_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    outputs = []
    torch.manual_seed(3)
    for _ in range(2):
        lab = CodeLab()
        outputs.append(lab.output)
        lab.close()
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(*outputs)


@pytest.mark.parametrize("wrapped", [list, tuple, iter, None], ids=str)
def test_networks_that_were_trained_are_shown(wrapped: Any) -> None:
    view = train(made(4), TASK, 2)
    lab = CodeLab(wrapped([view, trained(2)]) if wrapped else view)
    assert lab.network is view.network
    assert lab.shown.warnings == ()
    assert CodeLab.built == []
    lab.set(code=8)
    assert CodeLab.built == [8]
    assert lab.shown.warnings
    lab.close()
    view.close()


@pytest.mark.parametrize("wrong", [nn.Conv2d(1, 1, 1), "network", 3])
def test_what_is_no_training_is_refused_in_one_sentence(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"CodeLab shows what `rv.train` returned.*\.$"):
        CodeLab([wrong])
    other = Training(nn.Conv2d(1, 1, 1), TASK, 1)
    with pytest.raises(TypeError, match=r"not Conv2d: give a list"):
        CodeLab([other])


# The button


def test_without_a_kernel_the_button_trains_to_the_end(lab: CodeLab) -> None:
    before = held_out_loss(lab.training)
    shown = lab.stage.frame["id"]
    lab._press.click()
    assert lab.training.done == 60
    assert lab.shown.warnings == ()
    assert lab.stage.progress == {}
    assert lab.stage.frame["id"] > shown
    assert held_out_loss(lab.training) < before
    assert torch.equal(lab.shown.panels[1].tensor, lab.output[0])  # type: ignore[union-attr]


def test_the_button_trains_as_the_loop_does(lab: CodeLab, slices: None) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        plain = Training(made(4), TASK, 60)
    list(plain.run())
    lab._press.click()
    assert lab.training.losses == plain.losses, "looking in between changes nothing"


def test_pressed_again_it_goes_on(lab: CodeLab) -> None:
    for done in (60, 120):
        lab._press.click()
        assert lab.training.done == done


def test_in_a_kernel_it_trains_in_slices_and_tells_how_far_it_is(
    lab: CodeLab, slices: None
) -> None:
    told: list[str] = []

    def at_a_few() -> bool:
        told.append(lab.stage.progress.get("text", ""))
        return lab.training.done >= 5

    def look() -> None:
        assert lab._background.running
        assert lab.training.done < 60

    frame = lab.stage.frame["id"]
    on_a_loop(lab._press.click, at_a_few, look)
    assert told[0] == ""
    assert told[-1].startswith("step 5 of 60, about ")
    assert told[-1].endswith(" s left")
    assert lab.stage.frame["id"] > frame + 3, "the picture follows"


def test_it_comes_to_its_end_by_itself(lab: CodeLab, slices: None) -> None:
    on_a_loop(lab._press.click, lambda: not lab._background.running, lambda: None)
    assert lab.training.done == 60
    assert lab.stage.progress == {}
    assert lab.shown.warnings == ()


@pytest.mark.parametrize("move", ["code", "example", "preset"])
def test_a_move_ends_the_training_and_the_best_weights_are_kept(
    lab: CodeLab, slices: None, move: str
) -> None:
    first = lab.training
    moves: dict[str, Callable[[], Any]] = {
        "code": lambda: setattr(lab.extras["code"].widget, "value", 8),
        "example": lambda: setattr(lab.inputs.example.widget, "value", 2),
        "preset": lambda: lab.set(preset="two numbers", wait=False),
    }
    on_a_loop(lab._press.click, lambda: first.done >= 7, moves[move])
    assert not lab._background.running
    assert lab.stage.progress == {}
    assert 7 <= first.done < 60
    assert held_out_loss(first) == min(loss for _, loss in first.checks)
    assert first.note.startswith(f"Stopped at step {first.done} of 60")
    assert not first.network.training
    if move == "example":
        assert lab.shown.warnings == (first.note,)
    else:
        assert "random" in lab.shown.warnings[0]


def test_pressed_while_it_trains_it_goes_on(lab: CodeLab, slices: None) -> None:
    on_a_loop(lab._press.click, lambda: lab.training.done >= 5, lab._press.click)
    assert 5 <= lab.training.done < 60
    on_a_loop(lab._press.click, lambda: not lab._background.running, lambda: None)
    assert lab.training.done == 60
    assert lab.training.note == ""


def test_training_from_python_ends_the_one_that_runs(lab: CodeLab, slices: None) -> None:
    on_a_loop(lab._press.click, lambda: lab.training.done >= 5, lab.train)
    assert lab.training.done == 60
    assert not lab._background.running


def test_closing_while_it_trains_keeps_the_best(slices: None) -> None:
    lab = CodeLab()
    training = lab.training
    on_a_loop(lab._press.click, lambda: training.done >= 5, lab.close)
    assert 5 <= training.done < 60
    assert held_out_loss(training) == min(loss for _, loss in training.checks)
    assert repr(lab) == "CodeLab (closed)"


def test_an_interrupt_of_training_from_python_keeps_the_best(
    lab: CodeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [10]

    def loss(output: Tensor, target: Tensor) -> Tensor:
        left[0] -= output.requires_grad
        if left[0] == 0:
            raise KeyboardInterrupt
        return F.mse_loss(output, target)

    monkeypatch.setattr(CodeLab, "loss", staticmethod(loss))
    lab.set(code=8)
    lab.train()
    assert lab.training.done == 9
    assert lab.shown.warnings == (lab.training.note,)
    assert held_out_loss(lab.training) == min(loss for _, loss in lab.training.checks)
    assert lab.stage.progress == {}


def test_a_loss_that_is_no_number_is_told(lab: CodeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    def loss(output: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(output, target) * (float("nan") if output.requires_grad else 1)

    monkeypatch.setattr(CodeLab, "loss", staticmethod(loss))
    lab.set(code=8)
    lab._press.click()
    assert "random" in lab.shown.warnings[0]
    assert "At step 1 the loss was nan" in lab.shown.warnings[1]


def test_an_error_in_a_training_is_told_in_one_sentence(
    lab: CodeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loss(output: Tensor, target: Tensor) -> Tensor:
        if output.requires_grad:
            raise RuntimeError("no such loss")
        return F.mse_loss(output, target)

    monkeypatch.setattr(CodeLab, "loss", staticmethod(loss))
    lab.set(code=8)
    lab._press.click()
    assert "RuntimeError: no such loss" in lab.stage.frame["alert"]
    assert not lab.network.training


# Its end, and its face


def test_run_after_run_leaves_nothing() -> None:
    counts = set()
    for _ in range(4):
        before = len(widget._instances)
        lab = CodeLab([trained(4, 1)])
        lab.train()
        counts.add(len(widget._instances) - before)
        lab.close()
        lab.close()
        assert len(widget._instances) == before
    assert len(counts) == 1


def test_a_lab_that_cannot_be_made_leaves_nothing() -> None:
    with pytest.raises(ImageError):
        CodeLab(image="no such picture")
    with pytest.raises(ValueError, match="code"):
        CodeLab(code=99)


def test_text_and_picture_are_stable() -> None:
    bundles = []
    for _ in range(2):
        lab = CodeLab()
        bundles.append(lab._repr_mimebundle_())
        lab.close()
    assert bundles[0]["text/plain"] == bundles[1]["text/plain"]
    assert bundles[0]["text/plain"].startswith("CodeLab on held out, example 0")
    assert base64.b64decode(bundles[0]["image/png"]).startswith(b"\x89PNG")
    assert bundles[0]["image/png"] == bundles[1]["image/png"]


# Examples


def test_an_example_is_chosen_by_source_and_number(lab: CodeLab) -> None:
    lab.set(image="held out", example=3)
    assert torch.equal(lab.input, TASK.held_out[1][3:4])
    assert lab.inputs.label == "held out, example 3"
    lab.set(image="first")
    assert torch.equal(lab.input, PICTURES[:1])
    assert lab.inputs.label == "first"
    assert lab.inputs.example.widget.layout.display == "none"


def test_the_same_example_is_the_same_object(lab: CodeLab) -> None:
    assert lab.input is lab.input


@pytest.mark.parametrize("example", [-1, 4, 1.5, True, "1"])
def test_an_example_that_is_not_there_is_refused(lab: CodeLab, example: Any) -> None:
    before = lab.input
    with pytest.raises(ImageError, match=r"whole number from 0 to 3 here.*\.$"):
        lab.set(example=example)
    assert lab.input is before


@pytest.mark.parametrize(
    "picture",
    [
        torch.rand(1, 20, 30),
        torch.rand(3, 5, 5),
        torch.rand(1, 1, 1, 1),
        torch.full((1, 1, 40, 40), 0.5),
        torch.rand(3, 1500, 1200),
    ],
    ids=lambda picture: str(tuple(picture.shape)),
)
def test_a_picture_of_ones_own_becomes_what_the_network_takes(
    lab: CodeLab, picture: Tensor
) -> None:
    lab.set(image=picture)
    assert lab.input.shape == (1, 1, 8, 8)
    assert 0 <= lab.input.min() <= lab.input.max() <= 1
    assert lab.inputs.is_own
    assert lab.inputs.label == OWN
    lab.set(image="held out")
    assert not lab.inputs.is_own


def test_of_a_wide_picture_the_middle_is_taken(lab: CodeLab) -> None:
    middle = torch.rand(1, 8, 8)
    lab.set(image=torch.cat([torch.zeros(1, 8, 3), middle, torch.zeros(1, 8, 3)], dim=2))
    assert torch.equal(lab.input[0], middle)


def test_an_upload_in_colour_is_turned_grey(lab: CodeLab) -> None:
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.new("RGBA", (300, 200), (255, 0, 0, 255)).save(file, "PNG")
    lab.set(image=file.getvalue())
    assert torch.allclose(lab.input, torch.full((1, 1, 8, 8), 1 / 3))


def test_a_second_picture_of_ones_own_takes_the_place_of_the_first(lab: CodeLab) -> None:
    lab.set(image=torch.zeros(1, 8, 8))
    lab.set(image=torch.ones(1, 8, 8))
    assert lab.input.min() == 1
    assert lab.stage.frame["alert"] == ""
    assert lab.inputs.source.options.count(OWN) == 1


@pytest.mark.parametrize(
    "wrong", [torch.rand(2, 8, 8), torch.rand(4, 9, 9), "no such file.png", b"no picture", 3]
)
def test_a_picture_that_cannot_be_used_is_refused(lab: CodeLab, wrong: Any) -> None:
    before = lab.input
    with pytest.raises(ImageError, match=r"\.$"):
        lab.set(image=wrong)
    assert lab.input is before
    assert OWN not in lab.inputs.source.options or not lab.inputs.is_own


def test_examples_have_the_size_of_the_network_and_are_not_edited(lab: CodeLab) -> None:
    with pytest.raises(ImageError, match=r"the size that the network was made for\.$"):
        lab.set(size=16)
    lab.stage.edit = {"panel": "x", "row": 0, "col": 0, "value": 1.0, "n": 1}
    assert "cannot be edited" in lab.stage.frame["alert"]
