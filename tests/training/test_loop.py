"""The training loop: reproducible, readable, and stopped at any step without a loss."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from resample_viz.training import Batch, Task, Training, reconstruction

PICTURES = torch.rand(30, 1, 8, 8, generator=torch.Generator().manual_seed(0))
TASK = reconstruction(PICTURES, batch_size=8)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 1, 3, padding=1)
    )


def trained(seed: int = 0, steps: int = 12, **more: Any) -> Training:
    training = Training(network(), TASK, steps, seed=seed, **more)
    for _ in training.run():
        pass
    return training


def weights(of: nn.Module) -> list[Tensor]:
    return [tensor.clone() for tensor in of.state_dict().values()]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(map(torch.equal, one, other))


def held_out_loss(of: nn.Module, task: Task = TASK) -> float:
    of.eval()
    with torch.no_grad():
        return task.loss(of(task.held_out[0]), task.held_out[1]).item()


class Interrupting:
    """A loss that raises at its n-th call in training; the checks do not count."""

    def __init__(self, call: int, error: BaseException | None = None) -> None:
        self.left, self.error = call, error or KeyboardInterrupt()

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        if output.requires_grad:
            self.left -= 1
            if self.left == 0:
                raise self.error
        return F.mse_loss(output, target)


def with_loss(loss: Callable[[Tensor, Tensor], Tensor]) -> Task:
    return Task("t", TASK.batch, TASK.held_out, loss, TASK.score, "score")


# Seeds, and what the loop is


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    first = weights(trained(seed=1).network)
    torch.rand(5)  # other random numbers in between are of no concern
    assert same(first, weights(trained(seed=1).network))
    assert not same(first, weights(trained(seed=2).network))


def test_the_loop_is_the_one_that_everybody_writes() -> None:
    steps, ours = 12, trained(seed=3, steps=12)
    by_hand = network()
    random = torch.Generator().manual_seed(3)
    optimizer = torch.optim.Adam(by_hand.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    losses = []
    by_hand.train()
    for _ in range(steps):
        x, target = TASK.batch(random)
        loss = F.mse_loss(by_hand(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    assert ours.losses == losses
    assert ours.best_step == steps
    assert same(weights(ours.network), weights(by_hand))


def test_with_a_warm_up_the_learning_rate_rises_and_then_falls() -> None:
    training = Training(network(), TASK, 50, learning_rate=0.02, warm_up=0.2)
    optimizer = torch.optim.Adam(training.network.parameters(), 0.02)
    schedule = training.schedule(optimizer)
    rates = []
    for _ in range(50):
        optimizer.step()
        rates.append(schedule.get_last_lr()[0])
        schedule.step()
    assert rates.index(max(rates)) == 10
    assert max(rates) == pytest.approx(0.02, rel=0.01)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    list(training.run())
    assert training.done == 50


def test_it_learns() -> None:
    training = trained(steps=60, learning_rate=0.02)
    assert training.checks[-1][1] < 0.7 * training.checks[0][1]
    assert training.done == 60
    assert training.note == ""
    assert math.isfinite(training.score)


def test_checks_come_twenty_times_and_at_both_ends() -> None:
    training = trained(steps=45)
    steps = [step for step, _ in training.checks]
    assert steps == [*range(0, 45, 2), 45]


def test_whoever_looks_in_between_does_not_change_what_is_learned() -> None:
    expected = trained(steps=10)
    looked = Training(network(), TASK, 10)
    for _ in looked.run():
        assert math.isfinite(looked.score)
        assert not looked.network.training
    assert same(weights(looked.network), weights(expected.network))


def test_the_network_is_left_in_evaluation_mode() -> None:
    assert not trained(steps=3).network.training
    assert not trained(steps=0).network.training


def test_predict_is_in_evaluation_mode_and_without_gradients() -> None:
    training = Training(network(), TASK, 5)
    before = weights(training.network)
    y = training.predict(torch.rand(4, 1, 8, 8))
    assert not y.requires_grad
    assert same(before, weights(training.network)), "running statistics have moved"


def test_held_out_pictures_are_never_trained_on() -> None:
    numbered = torch.arange(40.0).reshape(40, 1, 1, 1).expand(40, 1, 4, 4) / 40
    seen: set[float] = set()
    task = reconstruction(numbered, batch_size=16)

    class Noting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(1, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                seen.update(x.unique().tolist())
            return self.layer(x)

    for _ in Training(Noting(), task, 40).run():
        pass
    assert seen == set(numbered[:36].unique().tolist())
    assert set(task.held_out[0].unique().tolist()) == set(numbered[36:].unique().tolist())


# The best is kept


def up_and_down() -> Task:
    """A task whose held-out loss is best at the fourth check."""
    wanted = iter([5.0, 4.0, 3.0, 1.0, 2.0, 2.5, *[6.0] * 100])

    def loss(output: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(output, target) if output.requires_grad else torch.tensor(next(wanted))

    return with_loss(loss)


def test_the_best_weights_are_kept_with_the_batch_norm_statistics_that_belong_to_them() -> None:
    training = Training(network(), up_and_down(), 10)
    seen = {0: weights(training.network)}
    for step in training.run():
        seen[step] = weights(training.network)
    assert training.best_step == 3
    assert same(weights(training.network), seen[3])
    assert not same(weights(training.network), seen[10])
    statistics = dict(training.network.named_buffers())["1.running_mean"]
    assert any(torch.equal(statistics, one) for one in seen[3])
    assert not torch.equal(statistics, torch.zeros(3))


@settings(max_examples=15)
@given(st.integers(1, 30))
def test_a_closed_training_keeps_the_best(stop: int) -> None:
    training = Training(network(), TASK, 40, learning_rate=0.01)
    with closing(training.run()) as steps:
        for step in steps:
            if step == stop:
                break
    assert training.done == stop
    assert held_out_loss(training.network) == min(loss for _, loss in training.checks)
    assert training.note == training.stopped
    assert training.note.startswith(f"Stopped at step {stop} of 40: the network keeps the weights")
    assert not training.network.training


@settings(max_examples=15)
@given(st.integers(1, 30))
def test_an_interrupt_inside_a_step_keeps_the_best(call: int) -> None:
    training = Training(network(), with_loss(Interrupting(call)), 40, learning_rate=0.01)
    with pytest.raises(KeyboardInterrupt):
        list(training.run())
    assert training.done == call - 1
    assert held_out_loss(training.network) == min(loss for _, loss in training.checks)
    assert f"Stopped at step {call - 1} of 40" in training.note
    assert not training.network.training


def test_what_was_learned_since_the_last_check_is_not_lost() -> None:
    training = Training(network(), with_loss(Interrupting(100)), 4000, learning_rate=0.01)
    first = held_out_loss(training.network)
    with suppress(KeyboardInterrupt):
        list(training.run())
    assert training.check_every > training.done == 99
    assert training.best_step == 99
    assert held_out_loss(training.network) < 0.8 * first


def test_an_interrupt_while_the_optimizer_writes_keeps_whole_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training = Training(network(), TASK, 40)
    real, calls = torch.optim.Adam.step, iter(range(100))

    def halfway(self: Any, *args: Any) -> Any:
        if next(calls) == 5:
            with torch.no_grad():
                next(iter(training.network.parameters())).fill_(1000)
            raise KeyboardInterrupt
        return real(self, *args)

    monkeypatch.setattr(torch.optim.Adam, "step", halfway)
    with pytest.raises(KeyboardInterrupt):
        list(training.run())
    assert max(float(tensor.max()) for tensor in training.network.state_dict().values()) < 10
    assert held_out_loss(training.network) == min(loss for _, loss in training.checks)


def test_an_interrupt_in_the_very_first_check_leaves_the_network_as_it_was() -> None:
    def stopped(output: Tensor, target: Tensor) -> Tensor:
        raise KeyboardInterrupt

    training = Training(network(), with_loss(stopped), 5)
    before = weights(training.network)
    with pytest.raises(KeyboardInterrupt):
        list(training.run())
    assert same(before, weights(training.network))
    assert "Stopped at step 0 of 5" in training.note


def test_an_error_is_the_callers_and_the_best_is_kept() -> None:
    training = Training(network(), with_loss(Interrupting(8, ZeroDivisionError())), 40)
    with pytest.raises(ZeroDivisionError):
        list(training.run())
    assert held_out_loss(training.network) == min(loss for _, loss in training.checks)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_training(bad: float) -> None:
    calls = iter(range(100))

    def loss(output: Tensor, target: Tensor) -> Tensor:
        good = F.mse_loss(output, target)
        return good * bad if output.requires_grad and next(calls) == 5 else good

    training = Training(network(), with_loss(loss), 40)
    list(training.run())
    assert training.done == 5
    assert training.note.startswith(f"At step 6 the loss was {bad}: training ended")
    assert training.note.endswith("than 0.003.")
    assert all(map(math.isfinite, training.losses))
    assert all(tensor.isfinite().all() for tensor in training.network.parameters())
    assert held_out_loss(training.network) == min(loss for _, loss in training.checks)


def test_a_learning_rate_that_is_far_too_large_leaves_a_network_that_works() -> None:
    training = Training(network(), TASK, 40, learning_rate=1e30)
    list(training.run())
    assert held_out_loss(training.network) <= training.checks[0][1]


def test_a_first_check_that_is_no_number_does_not_hide_the_later_ones() -> None:
    first = iter([True])

    def loss(output: Tensor, target: Tensor) -> Tensor:
        good = F.mse_loss(output, target)
        return good if output.requires_grad or not next(first, False) else good * math.nan

    training = Training(network(), with_loss(loss), 20)
    list(training.run())
    assert training.best_step > 0


# Zero steps, and going on


def test_zero_steps_leave_the_network_as_it_was() -> None:
    training = Training(network(), TASK, 0)
    before = weights(training.network)
    assert list(training.run()) == []
    assert same(before, weights(training.network))
    assert (training.done, training.best_step, training.note) == (0, 0, "")
    assert [step for step, _ in training.checks] == [0]
    assert math.isnan(training.seconds_left)


def test_raising_the_steps_goes_on_from_the_best() -> None:
    training = Training(network(), TASK, 40, learning_rate=0.01)
    with closing(training.run()) as steps:
        next(steps)
    assert training.note
    best, checks = weights(training.network), len(training.checks)
    training.steps = 60
    run = training.run()
    assert next(run) == 2
    assert training.note == "", "it goes on"
    assert training.checks[checks][0] == 1
    list(run)
    assert training.done == len(training.losses) == 60
    assert not same(best, weights(training.network))
    assert held_out_loss(training.network) == min(loss for _, loss in training.checks)


def test_going_on_draws_other_batches() -> None:
    drawn: list[Tensor] = []

    def batch(random: torch.Generator) -> Batch:
        drawn.append(torch.rand(1, generator=random))
        return TASK.batch(random)

    task = Task("t", batch, TASK.held_out, F.mse_loss, TASK.score, "score")
    training = Training(network(), task, 3)
    list(training.run())
    training.steps = 6
    list(training.run())
    assert len({float(number) for number in drawn}) == 6


def test_going_on_with_nothing_left_to_do_does_nothing() -> None:
    training = trained(steps=4)
    before = weights(training.network)
    assert list(training.run()) == []
    assert same(before, weights(training.network))


def test_the_time_left_follows_from_the_steps_done(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("resample_viz.training.loop.perf_counter", lambda: clock[0])
    training = Training(network(), TASK, 8)
    run = training.run()
    next(run)
    clock[0] += 3
    assert training.seconds_left == pytest.approx(21)
    next(run)
    assert training.seconds_left == pytest.approx(9)
    run.close()


# What is refused


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"steps": -1}, "steps must be a whole number, 0 or more, not -1"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"steps": True}, "steps must be a whole number"),
        ({"learning_rate": 0}, "learning_rate must be above 0"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0"),
        ({"learning_rate": math.nan}, "learning_rate must be above 0"),
        ({"learning_rate": math.inf}, "learning_rate must be above 0"),
        ({"warm_up": 1.0}, "warm_up is a share of the steps"),
        ({"warm_up": -0.1}, "warm_up is a share of the steps"),
        ({"device": "nonsense"}, "cannot be moved to 'nonsense' here"),
        ({"network": nn.ReLU()}, "ReLU has no weights that training could change"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_is_refused_in_one_sentence(
    arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=told) as error:
        Training(**{"network": network(), "task": TASK, **arguments})
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_in_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"moved to 'cuda' here \(.*\): leave device out"):
        Training(network(), TASK, device="cuda")


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu"), None])
def test_the_device_is_where_it_runs(device: Any) -> None:
    training = Training(network(), TASK, 2, device=device)
    assert [t.device.type for t in training.on_device(TASK.held_out)] == ["cpu", "cpu"]
    assert len(list(training.run())) == 2


def test_a_frozen_part_stays_as_it_is() -> None:
    half = network()
    half[0].requires_grad_(False)  # type: ignore[index]
    before = copy.deepcopy(half[0].state_dict())  # type: ignore[index]
    list(Training(half, TASK, 5).run())
    assert same(list(before.values()), weights(half[0]))  # type: ignore[index]
