"""Frames ahead of the hand: while a slider is touched, the frames that it is about to ask for.

The contract of a stored move:

    (rest, slider, value) → (frame, state of every control that follows)

`rest` names all that is set except what the slider sets, so that the move is the same from wherever
the slider stands; buffers are named by their content. The browser paints a stored move in the next
animation frame. The kernel answers the move all the same, and its answer has the last word.

Nothing happens as long as nobody touches a slider. The browser says when the first one is touched
("ready"), keeps what it is sent, takes one message at a time, and tells with each receipt what it
had to drop. Where the browser says nothing, nothing is made and nothing is sent.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from resample_viz.images import ImageError
from resample_viz.labs.background import Background, Job
from resample_viz.labs.controls import Slider
from resample_viz.operations import OperationError
from resample_viz.view import Encoded, Frame, Stage

DEPTH = 8
"""Positions that are made ahead of where the slider stands."""
MESSAGE = 250_000
"""Bytes that are sent at once, or one frame: an answer of the kernel must not wait for long."""
States = dict[str, dict[str, Any]]
"""Traits of controls, by the id of the control's model."""


class Moving(Protocol):
    """A lab, as far as frames are made ahead of it."""

    stage: Stage

    def encoded_of(self, settings: Any) -> tuple[Frame, Encoded]:
        """The frame of these settings, as it is and as it travels. Raises OperationError."""
        ...

    def states_of(self, settings: Any, *, has_past: bool) -> States:
        """The controls that show more than one setting, as they are with these settings."""
        ...

    def sliders(self) -> dict[str, tuple[Slider, ...]]:
        """The sliders of every number of the operation: one, or height and width."""
        ...


def digest(*values: Any) -> str:
    """A name for these values that another process gives them, too.

    >>> digest(1.5, "x") == digest(1.5, "x") != digest(1.5, "y")
    True

    Raises TypeError for a value whose content cannot be told.
    """
    return hashlib.blake2b(_canonical(values).encode(), digest_size=12).hexdigest()


def _canonical(value: Any) -> str:
    """Text that is the same for the same content. Sources that do not compare are left out."""
    if value is None or isinstance(value, str | bytes | bool | int | float):
        return repr(value)
    if isinstance(value, Tensor):
        data = value.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
        return f"{value.dtype}{tuple(value.shape)}{hashlib.blake2b(data).hexdigest()}"
    if isinstance(value, tuple | list):
        return f"({','.join(map(_canonical, value))})"
    if isinstance(value, dict):
        return f"{{{','.join(f'{_canonical(k)}:{_canonical(v)}' for k, v in value.items())}}}"
    if dataclasses.is_dataclass(value):
        fields = (field.name for field in dataclasses.fields(value) if field.compare)
        content = {name: getattr(value, name) for name in fields}
        return f"{type(value).__name__}{_canonical(content)}"
    raise TypeError(f"{type(value).__name__} has no content that could name it.")


@dataclass(frozen=True)
class Track:
    """A slider, and the settings along it.

    Attributes:
        parameter: the number of the operation that the slider sets.
        slider: the slider.
        number: where it stands.
        others: the other number of a pair that was set apart, and which axis the slider has.
        followers: sliders that it takes along.
    """

    parameter: str
    slider: Slider
    number: float
    others: tuple[int, float] | None = None
    followers: tuple[Slider, ...] = ()

    @property
    def id(self) -> str:
        """The id of the slider's model in the browser."""
        return str(self.slider.widget.model_id)

    def moved(self, settings: Any, number: float) -> Any:
        """The settings with the slider at `number`. Raises OperationError."""
        value: Any = number
        if self.others:
            axis, other = self.others
            value = (other, number) if axis else (number, other)
        return settings.moved(**{self.parameter: value})

    def rest(self, settings: Any, *, dark: bool) -> str:
        """A name for all that is set beside the slider; a move leaves no preset."""
        own = {
            field.name: getattr(settings, field.name)
            for field in dataclasses.fields(settings)
            if field.name not in ("operation", "preset")
        }
        operation = {
            field.name: getattr(settings.operation, field.name)
            for field in dataclasses.fields(settings.operation)
            if field.name != self.parameter
        }
        kinds = type(settings).__name__, type(settings.operation).__name__
        return digest(kinds, own, operation, self.parameter, self.others, dark)

    def ahead(self, direction: int) -> list[float]:
        """The next positions in a direction, 1 or -1, as the slider offers them."""
        box = self.slider.widget
        here = round((self.number - box.min) / box.step)
        last = round((box.max - box.min) / box.step)
        places = range(here + direction, here + direction * (DEPTH + 1), direction)
        return [self.position(place) for place in places if 0 <= place <= last]

    def position(self, place: int) -> float:
        """The slider's value so many steps from its low end."""
        box = self.slider.widget
        number: float = self.slider.read(box.min + place * box.step)
        return number

    def following(self, number: float) -> States:
        """What the slider takes along to `number`."""
        return {slider.widget.model_id: {"value": number} for slider in self.followers}


def tracks(lab: Moving, settings: Any) -> Iterator[Track]:
    """The sliders that set a number of the settings' operation."""
    for name, sliders in lab.sliders().items():
        value = getattr(settings.operation, name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield Track(name, sliders[0], value, followers=sliders[1:])
        elif isinstance(value, tuple) and len(value) == len(sliders) == 2:
            height, width = value
            yield Track(name, sliders[0], height, (0, width))
            yield Track(name, sliders[1], width, (1, height))


def stored(
    track: Track, rest: str, number: float, encoded: Encoded, states: States
) -> dict[str, Any]:
    """A stored move, as it goes into JSON; the frame's buffers go beside it."""
    return {
        "slider": track.id,
        "rest": rest,
        "value": number,
        "frame": {**encoded.description, "alert": "", "id": 0},
        "states": states,
    }


class Ahead:
    """Makes and sends the frames that a touched slider is about to need."""

    def __init__(self, lab: Moving) -> None:
        self._lab = lab
        self._background = Background()
        self._by_hand = False
        self._stands: dict[str, tuple[str, float]] = {}
        self._touched: tuple[Any, Track, int] | None = None
        self._queue: dict[str, tuple[Any, Encoded]] = {}
        self._kept: set[str] = set()
        self._is_heard = self._has_credit = False
        self._sent = 0

    @contextmanager
    def by_hand(self) -> Iterator[None]:
        """While this is open, moves come from a control in the browser."""
        self._by_hand = True
        try:
            yield
        finally:
            self._by_hand = False

    def answer(self, settings: Any, encoded: Encoded, *, has_past: bool) -> None:
        """Shows the frame of a move, with what the browser needs to know of the next ones."""
        before, now = self._stands, self._standing(settings)
        moved = next((one for one in now.values() if self._is_move(*one)), None)
        with self._lab.stage.hold_sync():
            self.tell(settings, has_past=has_past, heard=moved[0].id if moved else "")
            self._lab.stage.show(encoded)
        self._stands = {name: (rest, track.number) for name, (track, rest) in now.items()}
        if moved is None:
            self.stop()
            return
        track, rest = moved
        if self._is_heard:  # the browser keeps answers, too
            self._kept |= {_key(rest, track.number), *encoded.buffers}
        self._follow(settings, track, 1 if track.number > before[track.id][1] else -1)

    def tell(self, settings: Any, *, has_past: bool, heard: str = "") -> None:
        """Tells the browser where the sliders stand, and what the other controls show."""
        now = self._standing(settings)
        states = self._lab.states_of(settings, has_past=has_past)
        for track, _ in now.values():
            states |= track.following(track.number)
        sliders = {n: {"rest": rest, "value": track.number} for n, (track, rest) in now.items()}
        self._lab.stage.moves = {"heard": heard, "sliders": sliders, "states": states}

    def _standing(self, settings: Any) -> dict[str, tuple[Track, str]]:
        dark = self._lab.stage.dark
        each = tracks(self._lab, settings)
        return {track.id: (track, track.rest(settings, dark=dark)) for track in each}

    def _is_move(self, track: Track, rest: str) -> bool:
        if not self._by_hand or track.id not in self._stands:
            return False
        before, number = self._stands[track.id]
        return before == rest and number != track.number

    def stop(self) -> None:
        """Drops what is under way: something else was moved, or nothing is any more."""
        self._background.cancel()
        self._queue.clear()
        self._touched = None

    def hear(self, _: Any, content: Any, __: Any) -> None:
        """What the browser says: that a slider is touched, or that a message has arrived."""
        said = content.get("ahead") if isinstance(content, dict) else None
        if said == "ready":  # a page that has nothing yet
            self._is_heard = self._has_credit = True
            self._kept.clear()
            if self._touched:
                self._follow(*self._touched)
        elif said == self._sent:
            self._kept.difference_update(content.get("buffers", ()))
            self._kept.difference_update(_key(*move) for move in content.get("moves", ()))
            self._has_credit = True
            self._send()

    def _follow(self, settings: Any, track: Track, direction: int) -> None:
        self._touched = settings, track, direction
        rest = track.rest(settings, dark=self._lab.stage.dark)
        wanted = {_key(rest, number): number for number in track.ahead(direction)}
        self._background.cancel()
        self._queue = {key: one for key, one in self._queue.items() if key in wanted}
        if self._is_heard:
            self._background.start(self._make(settings, track, rest, wanted), lambda *_: None)

    def _make(self, settings: Any, track: Track, rest: str, wanted: dict[str, float]) -> Job:
        """One frame per slice, the nearest first. A refused position is no frame."""
        for done, (key, number) in enumerate(wanted.items()):
            if key in self._kept or key in self._queue:
                continue
            try:
                settings_there = track.moved(settings, number)
                _, encoded = self._lab.encoded_of(settings_there)
            except (OperationError, ImageError):
                continue
            if encoded.colormaps <= self._lab.stage.palettes.keys():
                states = self._lab.states_of(settings_there, has_past=True)
                states |= track.following(number)
                self._queue[key] = stored(track, rest, number, encoded, states), encoded
                self._send()
            yield done / len(wanted), ""

    def _send(self) -> None:
        """The nearest of what waits, as one message, if the browser has taken the last one."""
        if not (self._has_credit and self._queue):
            return
        moves: list[Any] = []
        new: dict[str, bytes] = {}
        for key, (move, encoded) in list(self._queue.items()):
            buffers = {n: data for n, data in encoded.buffers.items() if n not in self._kept}
            if moves and sum(map(len, {**new, **buffers}.values())) > MESSAGE:
                break
            moves.append(move)
            new |= buffers
            del self._queue[key]
            self._kept.add(key)
        self._kept |= new.keys()
        self._has_credit = False
        self._sent += 1
        content = {"ahead": self._sent, "moves": moves, "buffers": list(new)}
        self._lab.stage.send(content, buffers=list(new.values()))


def _key(rest: str, number: float) -> str:
    """The name of a stored move: a slider's rest is no other slider's."""
    return f"{rest} {float(number)!r}"
