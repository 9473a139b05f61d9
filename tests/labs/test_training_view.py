"""Training in view: what the stage shows, how it ends, and that nothing is left behind."""

from __future__ import annotations

import base64
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from ipywidgets.widgets import widget
from torch import Tensor, nn

import resample_viz as rv
from resample_viz.datasets import shapes, small_and_large
from resample_viz.labs import lifetime
from resample_viz.labs.lifetime import Run
from resample_viz.labs.training import TrainingView, train
from resample_viz.networks import Autoencoder, SegmentationNetwork, SuperResolutionNetwork
from resample_viz.training import Task, Training, reconstruction, segmentation, super_resolution
from resample_viz.view import ChartPanel, Panel, Stage

PICTURES = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
TASK = reconstruction(PICTURES, PICTURES[:8], noise=0.1, batch_size=8)


def network() -> nn.Module:
    torch.manual_seed(0)
    return Autoencoder(code=4, width=2)


def failing(call: int, error: BaseException) -> Task:
    """TASK, with a loss that raises in the n-th step."""
    left = [call]

    def loss(output: Tensor, target: Tensor) -> Tensor:
        left[0] -= output.requires_grad
        if left[0] == 0:
            left[0] = -1
            raise error
        return F.mse_loss(output, target)

    return Task("t", TASK.batch, TASK.held_out, loss, TASK.score, TASK.score_name)


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Every widget that the test has made is closed at its end."""
    before = set(widget._instances)
    yield
    assert set(widget._instances) == before


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the stage was told, frame by frame, with every step shown."""
    told: list[dict[str, Any]] = []
    show = TrainingView.show

    def noted(self: TrainingView) -> None:
        show(self)
        told.append({"progress": self.stage.progress, "frame": self.stage.frame})

    monkeypatch.setattr(TrainingView, "show", noted)
    monkeypatch.setattr("resample_viz.labs.training.SECONDS_BETWEEN", 0)
    monkeypatch.setattr("resample_viz.labs.training.SHARE", 0)
    return told


def test_it_is_the_loop_and_nothing_else(nothing_left: None) -> None:
    view = train(network(), TASK, 6, seed=2)
    plain = Training(network(), TASK, 6, seed=2)
    list(plain.run())
    assert view.training.losses == plain.losses
    ours, theirs = (one.state_dict().values() for one in (view.network, plain.network))
    assert all(map(torch.equal, ours, theirs))
    assert not view.network.training
    view.close()


def test_every_frame_has_the_curve_and_the_same_examples_three_times(
    shown: list[dict[str, Any]], nothing_left: None
) -> None:
    view = train(network(), TASK, 5)
    assert len(shown) == 7, "before, at every step, and at the end"
    for told in shown:
        assert [panel["name"] for panel in told["frame"]["panels"]] == ["loss", "x", "y", "target"]
        assert told["frame"]["columns"] == 1
    texts = [told["progress"].get("text", "") for told in shown]
    assert texts[0] == "step 0 of 5"
    assert [text.partition(",")[0] for text in texts[1:5]] == [
        f"step {n} of 5" for n in range(1, 5)
    ]
    assert all(text.endswith(" s left") for text in texts[1:5])
    assert texts[5:] == ["", ""]
    assert [told["progress"].get("share", 1) for told in shown][:5] == [0, 0.2, 0.4, 0.6, 0.8]
    frame = view.frame()
    x, y, target = (panel for panel in frame.panels if isinstance(panel, Panel))
    held, clean = TASK.held_out
    assert torch.equal(x.tensor, torch.cat(list(held[:6].clamp(0, 1)), dim=-1))
    assert torch.equal(target.tensor, torch.cat(list(clean[:6]), dim=-1))
    assert torch.equal(y.tensor, torch.cat(list(view.network(held[:6]).detach()), dim=-1))
    view.close()


def test_looking_takes_a_small_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame that takes a second is not drawn again for eight."""
    clock = [0.0]
    monkeypatch.setattr("resample_viz.labs.training.perf_counter", lambda: clock[0])
    view = TrainingView(Training(network(), TASK, 5))
    frames = []

    def slow() -> None:
        clock[0] += 1
        frames.append(clock[0])

    monkeypatch.setattr(view, "show", slow)
    for _ in range(100):
        view.follow()
        clock[0] += 0.5
    assert len(frames) == pytest.approx(50 / 9, abs=1.5)
    view.close()


@pytest.mark.parametrize("steps", [0, 1])
def test_hardly_a_step_is_a_result_too(steps: int, nothing_left: None) -> None:
    view = train(network(), TASK, steps)
    assert repr(view) == f"Autoencoder: {steps} of {steps} steps"
    assert view.stage.progress == {}
    assert "image/png" in view._repr_mimebundle_()
    view.close()


# Ends


@pytest.mark.parametrize("call", [1, 2, 5])
def test_an_interrupt_gives_the_view_and_says_where_it_stopped(
    call: int, nothing_left: None
) -> None:
    view = train(network(), failing(call, KeyboardInterrupt()), 9, title="digits")
    said = f"Stopped at step {call - 1} of 9: the network keeps the weights of step "
    assert view.training.note.startswith(said)
    assert repr(view) == f"digits: {call - 1} of 9 steps\n{view.training.note}"
    assert view.stage.frame["hint"] == view.training.note
    assert view.stage.progress == {}
    assert not view.network.training
    view.close()


def test_an_interrupt_while_a_frame_is_drawn_is_no_loss(
    monkeypatch: pytest.MonkeyPatch, nothing_left: None
) -> None:
    follow, calls = TrainingView.follow, iter(range(100))

    def interrupted(self: TrainingView) -> None:
        if next(calls) == 3:
            raise KeyboardInterrupt
        follow(self)

    monkeypatch.setattr(TrainingView, "follow", interrupted)
    view = train(network(), TASK, 9)
    assert "Stopped at step 4 of 9" in repr(view)
    view.close()


def test_an_interrupt_before_the_first_step_is_no_loss(
    monkeypatch: pytest.MonkeyPatch, nothing_left: None
) -> None:
    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("resample_viz.labs.training._display", interrupted)
    view = train(network(), TASK, 9)
    assert "Stopped at step 0 of 9" in repr(view)
    view.close()


def test_a_second_press_does_not_disturb_the_end(
    monkeypatch: pytest.MonkeyPatch, nothing_left: None
) -> None:
    show = TrainingView.show

    def pressed(self: TrainingView) -> None:
        if self.training.note:
            signal.raise_signal(signal.SIGINT)
        show(self)

    monkeypatch.setattr(TrainingView, "show", pressed)
    before = signal.getsignal(signal.SIGINT)
    view = train(network(), failing(3, KeyboardInterrupt()), 9)
    assert "Stopped at step 2 of 9" in repr(view)
    assert signal.getsignal(signal.SIGINT) is before
    view.close()


def test_a_loss_that_is_no_number_is_told(nothing_left: None) -> None:
    def loss(output: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(output, target) * (float("nan") if output.requires_grad else 1)

    task = Task("t", TASK.batch, TASK.held_out, loss, TASK.score, TASK.score_name)
    view = train(network(), task, 9)
    assert "At step 1 the loss was nan: training ended" in view.stage.frame["hint"]
    assert view.stage.progress == {}
    assert view._repr_mimebundle_()["text/plain"] == repr(view)
    view.close()


def test_an_error_is_the_callers_and_leaves_no_widget(nothing_left: None) -> None:
    with pytest.raises(ZeroDivisionError):
        train(network(), failing(2, ZeroDivisionError()), 9)


@pytest.mark.parametrize("arguments", [{"steps": -1}, {"learning_rate": 0}, {"device": "moon"}])
def test_what_is_refused_leaves_no_widget(arguments: Any, nothing_left: None) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        train(network(), TASK, **arguments)


def test_run_after_run_of_a_cell_leaves_one_view(
    monkeypatch: pytest.MonkeyPatch, nothing_left: None
) -> None:
    lifetime._owned.clear()
    before, counts = len(widget._instances), set()
    for number in range(6):
        monkeypatch.setattr(lifetime, "current_run", lambda n=number: Run("a", str(n)))
        view = train(network(), TASK, 2)
        counts.add(len(widget._instances) - before)
    assert len(counts) == 1
    assert lifetime._owned == {"a": ("5", [view])}
    view.close()
    view.close()
    assert lifetime._owned == {}


def test_the_live_box_closes_itself_and_leaves_the_stage(
    monkeypatch: pytest.MonkeyPatch, nothing_left: None
) -> None:
    boxes: list[Any] = []
    monkeypatch.setattr("resample_viz.labs.training._display", boxes.append)
    view = train(network(), TASK, 2, title="digits")
    (live,) = boxes
    assert repr(live) == "training digits, 2 steps"
    assert live.comm is None
    assert live.children == ()
    assert view.stage.comm is not None
    view.close()


# The static face


def test_text_and_picture_are_stored_and_stable(nothing_left: None) -> None:
    bundles = []
    for _ in range(2):
        view = train(network(), TASK, 4)
        bundles.append(view._repr_mimebundle_())
        view.close()
    assert bundles[0]["text/plain"] == "Autoencoder: 4 of 4 steps"
    assert base64.b64decode(bundles[0]["image/png"]).startswith(b"\x89PNG")
    assert bundles[0]["image/png"] == bundles[1]["image/png"]


def test_a_closed_view_still_has_its_network_and_its_words() -> None:
    view = train(network(), TASK, 2)
    view.close()
    assert repr(view) == "Autoencoder: 2 of 2 steps"
    assert view.network(PICTURES[:1]).shape == (1, 1, 8, 8)


def test_going_on_by_hand_moves_the_end_of_the_curve() -> None:
    view = train(network(), TASK, 4)
    assert view.figure().axes[0].get_xlim() == (0, 4)
    view.training.steps = 8
    list(view.training.run())
    view.show()
    assert view.figure().axes[0].get_xlim() == (0, 8)
    assert repr(view) == "Autoencoder: 8 of 8 steps"
    view.close()


def test_the_curve_stands_losses_of_zero_and_infinity() -> None:
    training = Training(network(), TASK, 4)
    view = TrainingView(training)
    for losses in ([0.0], [0.0, 1e-12, 1e12], [float("inf"), 0.5]):
        training.losses = losses
        training.checks = [(0, losses[0])]
        chart = view.frame().panels[0]
        assert isinstance(chart, ChartPanel)
        low, high = view.chart._limits
        assert 0 < low < high < float("inf")
    view.close()


def test_the_curve_fits_what_it_shows() -> None:
    view = TrainingView(Training(network(), TASK, 4))
    view.show()
    list(view.training.run())
    view.show()
    losses = [*view.training.losses, *(loss for _, loss in view.training.checks)]
    assert view.chart._limits[1] == pytest.approx(1.5 * max(losses), rel=0.3)
    view.close()


def test_the_curve_follows_the_theme_of_the_page(
    nothing_left: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stage, "seen_dark", False)
    view = train(network(), TASK, 2)
    light = view.stage.panel_0
    view.stage.dark = True
    assert view.stage.panel_0 != light
    later = train(network(), TASK, 2)
    assert later.stage.dark, "the page cannot tell while the cell runs"
    later.stage.dark = False
    view.close()
    later.close()


# Every task


def pair_task() -> Task:
    pair = small_and_large(torch.rand(1, 1, 301, 260), 2)
    return super_resolution([pair], pair, patch=8, batch_size=2)


MAKERS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Task]]] = {
    "segmentation": (
        lambda: SegmentationNetwork(width=2),
        lambda: segmentation(*shapes(20, 16), batch_size=2),
    ),
    "super-resolution": (lambda: SuperResolutionNetwork(width=2), pair_task),
    "one held-out picture": (network, lambda: reconstruction(PICTURES[:5])),
}


@pytest.mark.parametrize("name", MAKERS)
def test_every_task_can_be_watched(name: str, nothing_left: None) -> None:
    make, task = MAKERS[name]
    view = train(make(), task(), 2)
    for panel in view.frame().panels:
        if isinstance(panel, Panel):
            assert panel.tensor.shape[0] in (1, 3)
            assert panel.tensor.min() >= 0
            assert panel.tensor.max() <= 1
    assert "image/png" in view._repr_mimebundle_()
    view.close()


def test_of_one_large_pair_the_same_middle_is_shown() -> None:
    large = torch.rand(1, 1, 302, 258)
    pair = (large[..., ::2, ::2], large)
    view = TrainingView(
        Training(SuperResolutionNetwork(width=2), super_resolution([pair], pair), 2)
    )
    x, y, target = (panel.tensor for panel in view.frame().panels if isinstance(panel, Panel))
    assert x.shape == (1, 48, 48)
    assert y.shape == target.shape == (1, 96, 96)
    assert torch.equal(target[:, ::2, ::2], x)
    view.close()


def test_it_is_there_for_a_learner() -> None:
    assert rv.train is train
