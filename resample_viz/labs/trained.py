"""`TrainedLab`: networks that were just trained, and one more at a press of a button."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import ipywidgets as widgets
import torch
from torch import Tensor, nn

from resample_viz.labs.background import Job
from resample_viz.labs.blocks import Blocks
from resample_viz.labs.core.lab import Lab, calmly
from resample_viz.labs.training import TrainingView, learning
from resample_viz.networks import UPSAMPLINGS
from resample_viz.operations import Operation
from resample_viz.training import Task, Training

UNTRAINED = (
    "This network was not trained yet: its weights are random. Press “{button}” ({steps} steps)."
)
Trained = Training | TrainingView


@dataclass(frozen=True)
class Nothing:
    """The settings of these labs are extras; there is no operation whose parameters they are."""


class TrainedLab(Lab):
    """What trained networks make of a picture; subclasses say which networks, and show what.

    `trained` are the trainings, or the views that `train` returned, whose networks are shown. For
    settings that none of them has, the lab builds a network: it is shown untrained, and the button
    trains it, a few steps at a time, while the lab goes on working. Moving a control ends the
    training; the network keeps the best weights seen so far.
    """

    operation_type = Nothing
    steps: ClassVar[int] = 300
    learning_rate: ClassVar[float] = 3e-3
    warm_up: ClassVar[float] = 0.0
    blocks: ClassVar[tuple[str, ...]] = UPSAMPLINGS
    button: ClassVar[str] = "Train this network"

    def __init__(self, trained: Trained | Iterable[Trained] = (), **settings: Any) -> None:
        self._blocks = Blocks(self.blocks)
        trainings = [trained] if isinstance(trained, Training | TrainingView) else trained
        self._trainings: dict[Hashable, Training] = dict(map(self._keyed, trainings))
        self._press = widgets.Button(description=self.button, layout={"width": "auto"})
        self._press.add_class("rv-control-train")
        super().__init__(**settings)
        self._press.on_click(self._pressed)

    def _keyed(self, one: Trained) -> tuple[Hashable, Training]:
        """A training under the settings of its network. Raises TypeError for anything else."""
        training = one.training if isinstance(one, TrainingView) else one
        try:
            return self.key_of(training), training
        except AttributeError:
            raise TypeError(
                f"{type(self).__name__} shows what `rv.train` returned for its lesson's networks, "
                f"not {type(getattr(training, 'network', one)).__name__}: give a list of those."
            ) from None

    # What a subclass says about itself

    @abstractmethod
    def key(self) -> Hashable:
        """The settings that decide which network is shown."""

    @abstractmethod
    def key_of(self, training: Training) -> Hashable:
        """The settings of a network that was given, in the same form as `key`."""

    @abstractmethod
    def build(self, key: Hashable) -> nn.Module:
        """A network with these settings, with random weights."""

    @abstractmethod
    def task(self, key: Hashable) -> Task:
        """What a network with these settings is trained for."""

    # The Python door

    @property
    def training(self) -> Training:
        """The training of the network that is shown; of an untrained one, with no steps done."""
        key = self.key()
        if key not in self._trainings:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                network = self.build(key)
            self._trainings[key] = Training(
                network,
                self.task(key),
                self.steps,
                learning_rate=self.learning_rate,
                warm_up=self.warm_up,
            )
        return self._trainings[key]

    @property
    def network(self) -> nn.Module:
        """The network that is shown."""
        return self.training.network

    @property
    def operation(self) -> Operation:
        """There is none: a network is shown, see `network`."""
        return Nothing()  # type: ignore[return-value]

    @property
    def output(self) -> Tensor:
        """What the network that is shown makes of the input."""
        return self.training.predict(self.input)

    def train(self) -> None:
        """Trains the network that is shown, to the end or an interrupt, and shows it."""
        self._cancel_background()
        try:
            self.later(self._learn(), wait=True)
        except KeyboardInterrupt:
            self.stage.report(1.0, "")
            self.show_again()

    @property
    def untrained(self) -> tuple[str, ...]:
        """Warnings: the network that is shown has random weights, or its training ended early."""
        random = UNTRAINED.format(button=self.button, steps=self.steps)
        said = ("" if self.training.done else random, self.training.note)
        return tuple(filter(None, said))

    def show_again(self) -> None:
        """Shows the frame, and remembers in words what it was made with."""
        super().show_again()
        noise = f"noise {self.extras['noise'].value:g}, " if "noise" in self.extras else ""
        self._made_with = f"{noise}trained for {self.training.done} of {self.training.steps} steps"

    def __repr__(self) -> str:
        """Without figures of merit: they depend on the training, and on the machine."""
        said = super().__repr__()
        if not self.shown.panels:
            return said
        *rest, _ = said.split("\n")
        return "\n".join((*rest, self._made_with))

    def _learn(self) -> Job:
        return learning(self.training, self.show_again)

    @calmly
    def _pressed(self, _: Any) -> None:
        if self.training.done >= self.training.steps:
            self.training.steps += self.steps
        self.later(self._learn())

    def build_actions(self) -> list[widgets.Widget]:
        """The button that trains."""
        return [self._press]
