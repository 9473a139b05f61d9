"""The training loop: it fits on one screen, and it can be stopped at any step."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor, nn

from resample_viz.memory import return_freed
from resample_viz.threads import FastestThreads

Batch = tuple[Tensor, Tensor]
"""What goes into the network, and what should come out."""


@dataclass(frozen=True, eq=False)
class Task:
    """What a network is to learn, and how it is judged.

    `batch` draws a batch from a random generator; `held_out` is never trained on: the weights that
    do best on it are kept. `loss` is what training makes small; `score` is what people ask for, and
    `score_name` says its name and unit. `picture` makes pictures, (N, 1 or 3, H, W) in [0, 1], of
    what comes out, or should; what goes in is one already.
    """

    name: str
    batch: Callable[[torch.Generator], Batch]
    held_out: Batch
    loss: Callable[[Tensor, Tensor], Tensor]
    score: Callable[[Tensor, Tensor], float]
    score_name: str
    picture: Callable[[Tensor], Tensor] = lambda tensor: tensor.clamp(0, 1)


class Training:
    """One training of a network: `run` is the loop, everything else is what it leaves behind.

    `losses` has the loss of every step, `checks` the pairs (step, held-out loss), `best_step` the
    step whose weights were kept, `note` a sentence if it ended early. Raise `steps` and call `run`
    again to go on from the best weights. `device` is where it runs, the network's own by default.
    `seed` decides the batches; the network's first weights are there already, so seed torch before
    you make it. It takes as many of torch's threads as make it faster: `torch.set_num_threads(1)`
    before makes it the same in every bit each time. The learning rate rises over the share
    `warm_up` of the steps (from 0 to below 1), and then falls along a cosine.

    Raises ValueError for a number of steps below 0, a learning rate that is not positive, a network
    without weights, or a device that is not there.

    >>> from resample_viz.training import reconstruction
    >>> network = nn.Conv2d(1, 1, 3, padding=1)
    >>> training = Training(network, reconstruction(torch.rand(40, 1, 8, 8)), steps=20)
    >>> for step in training.run():
    ...     pass
    >>> training.done, training.checks[-1][1] < training.checks[0][1]
    (20, True)
    """

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        steps: int = 300,
        *,
        learning_rate: float = 3e-3,
        warm_up: float = 0.0,
        seed: int = 0,
        device: torch.device | str | None = None,
    ) -> None:
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
            raise ValueError(f"steps must be a whole number, 0 or more, not {steps!r}: try 300.")
        if not 0 < learning_rate < math.inf:
            raise ValueError(f"learning_rate must be above 0, not {learning_rate!r}: try 0.003.")
        if not 0 <= warm_up < 1:
            raise ValueError(
                f"warm_up is a share of the steps, from 0 to below 1, not {warm_up!r}: try 0.2."
            )
        if not any(parameter.requires_grad for parameter in network.parameters()):
            raise ValueError(
                f"{type(network).__name__} has no weights that training could change: use a "
                "network with a convolution or a linear layer."
            )
        if device is not None:
            _move(network, device)
        self.network, self.task, self.steps = network, task, steps
        self.learning_rate, self.warm_up, self.seed = learning_rate, warm_up, seed
        self.check_every = max(1, steps // 20)
        self.losses: list[float] = []
        self.checks: list[tuple[int, float]] = []
        self.best_step, self.note = 0, ""
        self._best: dict[str, Tensor] = {}
        self._least = math.inf
        self._random = torch.Generator().manual_seed(seed)
        self._began = (0, perf_counter())
        self._threads = FastestThreads()

    def run(self) -> Generator[int, None, None]:
        """Trains, and yields the number of each step when it is done.

        However it ends (to the end, closed, interrupted), the network has the best weights seen.
        """
        optimizer = torch.optim.Adam(self.network.parameters(), self.learning_rate)
        schedule = self.schedule(optimizer)
        self._began, self.note = (self.done, perf_counter()), ""
        self._threads = FastestThreads()
        try:
            self.check()
            while self.done < self.steps:
                with self._threads.step():
                    loss = self._step(optimizer)
                if not math.isfinite(loss):
                    self.note = (
                        f"At step {self.done + 1} the loss was {loss}: training ended, the "
                        f"weights of step {self.best_step} are kept. Try a smaller "
                        f"learning_rate than {self.learning_rate:g}."
                    )
                    return
                schedule.step()
                self.losses.append(loss)
                if self.done % self.check_every == 0 or self.done == self.steps:
                    self.check()
                yield self.done
        except (GeneratorExit, KeyboardInterrupt):
            if self.checks and self.done > self.checks[-1][0]:
                self.check()  # what was learned since the last one may be the best
            if self.done < self.steps:
                self.note = self.stopped
            raise
        finally:
            if self._best:
                self.network.load_state_dict(self._best)
            self.network.eval()
            return_freed()

    def _step(self, optimizer: torch.optim.Optimizer) -> float:
        """One step of the optimizer; its loss. A loss that is not finite changes no weight."""
        self.network.train()  # whoever looked at it meanwhile left it in evaluation mode
        x, target = self.on_device(self.task.batch(self._random))
        loss = self.task.loss(self.network(x), target)
        if loss.isfinite():
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.item()

    def schedule(self, optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
        """The learning rate falls along a cosine; with `warm_up` it rises to its value first."""
        left = max(1, self.steps - self.done)
        if not self.warm_up:
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, left)
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.learning_rate, total_steps=left + 1, pct_start=self.warm_up
        )

    @property
    def done(self) -> int:
        """The number of steps that were made."""
        return len(self.losses)

    @property
    def stopped(self) -> str:
        """What `note` says of a training that was stopped here."""
        return (
            f"Stopped at step {self.done} of {self.steps}: the network keeps the weights of step "
            f"{self.best_step}, the best so far on the held-out examples."
        )

    @property
    def seconds_left(self) -> float:
        """How long the remaining steps will take, if they take as long as those before."""
        first, began = self._began
        if self.done == first:
            return math.nan
        return (perf_counter() - began) / (self.done - first) * (self.steps - self.done)

    def on_device(self, batch: Batch) -> Batch:
        """The batch where the network is."""
        device = next((p.device for p in self.network.parameters()), torch.device("cpu"))
        return batch[0].to(device), batch[1].to(device)

    def predict(self, x: Tensor) -> Tensor:
        """What the network makes of x, (N, C, H, W), now: in evaluation mode, on the CPU."""
        self.network.eval()
        with torch.no_grad(), self._threads.apply():
            result: Tensor = self.network(self.on_device((x, x))[0]).cpu()
        return result

    def check(self) -> None:
        """Computes the held-out loss, and keeps the weights if they are the best so far."""
        x, target = self.task.held_out
        with self._threads.apply():
            loss = self.task.loss(self.predict(x), target).item()
        if loss < self._least or not self._best:
            self.best_step, self._best = self.done, copy.deepcopy(self.network.state_dict())
            self._least = math.inf if math.isnan(loss) else loss
        self.checks.append((self.done, loss))

    @property
    def score(self) -> float:
        """The task's score on the held-out examples, with the weights that the network has."""
        x, target = self.task.held_out
        with self._threads.apply():
            return self.task.score(self.predict(x), target)


def _move(network: nn.Module, device: torch.device | str) -> None:
    try:
        network.to(device)
    # What torch raises depends on what it was built with.
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ValueError(
            f"the network cannot be moved to {str(device)!r} here ({reason}): leave device out to "
            "train where the network is."
        ) from None
