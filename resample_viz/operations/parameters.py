"""What the annotations of an operation say about its parameters.

A lab builds its controls from these descriptions and from nothing else:

    switch   `bool`                              a checkbox
             `... | tuple[float, ...]`           and numbers of the learner's own
    choice   `Literal["a", "b"]`                 a row of buttons
             `... | Weights`                     and the learner's own tensor
    number   `Annotated[float, Range(0, 1)]`     a slider
             `... | tuple[float, float]`         two sliders, locked until the learner unlocks them
             `... PerChannel()`                  one slider, or one per channel of the picture
             `... | Literal["same"]`             and words that stand for a number

A parameter marked `FROM_INPUT` has no control: the tensor that comes in decides.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

Pair = tuple[int, int]
"""Height and width, in that order."""


@dataclass(frozen=True)
class Range:
    """The values that a slider offers. The operation itself may accept more."""

    low: float
    high: float
    step: float = 1


@dataclass(frozen=True)
class Instead:
    """Marks a parameter given *instead of* another one (`size` instead of `scale_factor`)."""

    of: str


@dataclass(frozen=True)
class PerChannel:
    """Marks a number that may also be a tuple of one number per channel (not per axis)."""


class FromInput:
    """The type of `FROM_INPUT`."""


FROM_INPUT = FromInput()
"""Marks a parameter that the input tensor decides: its number of channels."""


@dataclass(frozen=True)
class When:
    """Marks a parameter that means nothing unless another one has a certain value."""

    name: str
    value: str


class Ranks:
    """Which choices fit which number of tensor dimensions; a choice not named here fits all."""

    def __init__(self, **ranks: tuple[int, ...]) -> None:
        self.ranks = ranks

    def allow(self, choice: str, ndim: int) -> bool:
        """Whether `choice` can be used on a tensor with `ndim` dimensions."""
        return ndim in self.ranks.get(choice, (ndim,))


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation, as its annotation describes it.

    `own` choices take a learner's own tensor too; `words` can stand in the place of a number.
    """

    name: str
    kind: Literal["switch", "choice", "number"]
    default: Any
    choices: tuple[str, ...] = ()
    range: Range | None = None
    ranks: Ranks | None = None
    pair: bool = False
    per_channel: bool = False
    whole: bool = False
    optional: bool = False
    instead_of: str | None = None
    own: bool = False
    words: tuple[str, ...] = ()
    from_input: bool = False
    when: When | None = None

    def choices_for(self, ndim: int) -> tuple[str, ...]:
        """The choices that fit a tensor with `ndim` dimensions."""
        ranks = self.ranks
        if ranks is None:
            return self.choices
        return tuple(choice for choice in self.choices if ranks.allow(choice, ndim))


@cache
def parameters(operation: type) -> tuple[Parameter, ...]:
    """The parameters of an operation class, in the order of its fields.

    >>> from resample_viz.operations import Upsample
    >>> [p.name for p in parameters(Upsample) if p.kind == "switch"]
    ['align_corners', 'antialias', 'recompute_scale_factor']
    """
    hints = typing.get_type_hints(operation, include_extras=True)
    fields = dataclasses.fields(operation)
    usual = operation()
    return tuple(describe(f.name, hints[f.name], getattr(usual, f.name)) for f in fields)


def describe(name: str, hint: Any, default: Any) -> Parameter:
    """A parameter as its annotation describes it. Raises TypeError for a number without a Range."""
    notes: tuple[Any, ...] = ()
    if typing.get_origin(hint) is typing.Annotated:
        hint, *rest = typing.get_args(hint)
        notes = tuple(rest)
    marks = {type(note): note for note in notes}
    instead = marks[Instead].of if Instead in marks else None
    if hint is bool:
        return Parameter(name, "switch", default, instead_of=instead)
    members = _members(hint)
    if bool in members:
        return Parameter(name, "switch", default, own=True)
    literals = [member for member in members if typing.get_origin(member) is Literal]
    words = tuple(word for literal in literals for word in typing.get_args(literal))
    pairs = [typing.get_args(member) for member in members if typing.get_origin(member) is tuple]
    scalars = {kind for pair in pairs for one in pair for kind in _members(one)} or set(members)
    if literals and not {int, float} & scalars:
        return Parameter(
            name,
            "choice",
            default,
            words,
            ranks=marks.get(Ranks),
            instead_of=instead,
            own=len(members) > len(literals),
            when=marks.get(When),
        )
    if Range not in marks and FromInput not in marks:
        raise TypeError(f"the annotation of {name!r} has no Range, so no slider can be made for it")
    return Parameter(
        name,
        "number",
        default,
        range=marks.get(Range),
        pair=bool(pairs) and PerChannel not in marks,
        per_channel=PerChannel in marks,
        whole=int in scalars,
        optional=type(None) in members,
        instead_of=instead,
        words=words,
        from_input=FromInput in marks,
        when=marks.get(When),
    )


def _members(hint: Any) -> tuple[Any, ...]:
    """The types of a union; a type that is none is its own only member."""
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if is_union else (hint,)
