"""Two maps that do not fit: which steps made them so, followed back to where their ways part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import prod

from resample_viz.analysis.tracing.graph import (
    Node,
    Shape,
    Ways,
    common_ancestor,
    path_between,
    root_of,
)
from resample_viz.analysis.tracing.sizes import Change, Fixed, Layout, axis_name, changes

MOST_CHANGES = 6
UNLIKE = 1.3
"""Two ways whose factors differ by more do not merely round: a factor is wrong."""


@dataclass(frozen=True, eq=False)
class Meeting:
    """Two maps of other sizes, (N, C, …) or with channels last: where they come from.

    `start` is the last step that both depend on; `paths` lead from it to the two.
    """

    ends: tuple[Node, Node]
    start: Node | None

    @classmethod
    def of(cls, one: Node, other: Node) -> Meeting:
        """Follows both back."""
        return cls((one, other), common_ancestor(one, other))

    @cached_property
    def shapes(self) -> tuple[Shape, Shape]:
        """Of the two maps."""
        return self.ends[0].shape, self.ends[1].shape

    @cached_property
    def sizes(self) -> tuple[Shape, Shape]:
        """Heights and widths of the two, wherever rows and columns lie."""
        return self.ends[0].size, self.ends[1].size

    @property
    def has_moved(self) -> bool:
        """Whether they meet with channels last, or as tokens, (N, H W, C)."""
        return any(one.has_moved for one in self.ends)

    @cached_property
    def axes(self) -> list[int]:
        """The axes along which they differ, counted from the end."""
        one, other = self.sizes
        return [axis for axis in range(-len(one), 0) if one[axis] != other[axis]]

    @cached_property
    def paths(self) -> tuple[list[Node], list[Node]]:
        """The nodes after `start`, up to each of the two."""
        if self.start is None:
            return [], []
        return path_between(self.start, self.ends[0]), path_between(self.start, self.ends[1])

    @cached_property
    def trunk(self) -> list[Node]:
        """The nodes between the input and `start`."""
        return path_between(root_of(self.start), self.start) if self.start is not None else []

    @property
    def ways(self) -> Ways:
        """The paths from the input to both."""
        begin = () if self.start is None else root_of(self.start).shape
        return Ways(begin, tuple([*self.trunk, *path] for path in self.paths))

    def before(self, axis: int) -> list[Change]:
        """The steps before `start` that made another size than their factor says."""
        return [step for step in changes(self.trunk, axis) if step.deviates]

    def changes(self, axis: int) -> tuple[list[Change], list[Change]]:
        """What the steps of both paths make of an axis."""
        return changes(self.paths[0], axis), changes(self.paths[1], axis)

    def factors(self, axis: int) -> tuple[Fraction, Fraction]:
        """By what the steps are meant to multiply an axis, on both paths."""
        one, other = self.changes(axis)
        return _factor(one), _factor(other)

    @property
    def has_wrong_factor(self) -> bool:
        """Whether the steps of one path are meant to make another size than those of the other."""
        for axis in self.axes:
            one, other = self.factors(axis)
            fixed = any(
                isinstance(step.rule, Fixed) for part in self.changes(axis) for step in part
            )
            if not fixed and not 1 / UNLIKE < one / other < UNLIKE:
                return True
        return False

    @property
    def is_laid_out(self) -> bool:
        """Whether one of the two was laid out anew on its way, perhaps to a size that is fixed."""
        both = (step for axis in self.axes for part in self.changes(axis) for step in part)
        return any(isinstance(step.rule, Layout) for step in both)

    @property
    def deviations(self) -> list[Change]:
        """The steps that made another size than their factor says, on the axes that differ."""
        found = {
            change.node.name: change
            for axis in self.axes
            for part in self.changes(axis)
            for change in part
            if change.deviates
        }
        return list(found.values())

    @property
    def is_rounding(self) -> bool:
        """Whether sizes that a stride does not divide are all that is wrong."""
        words = [step.rule.why(step.before) if step.rule else "" for step in self.deviations]
        rounding = [word for word in words if word.startswith("rounding")]
        return bool(rounding) and not self.has_wrong_factor

    @property
    def causes(self) -> tuple[str, ...]:
        """The names of the steps that are to blame, as far as it is known."""
        steps = self.deviations
        if self.has_wrong_factor:
            axis = self.axes[0]
            both = (step for part in self.changes(axis) for step in part)
            steps = [step for step in both if step.rule and step.rule.factor != 1]
        steps += [step for axis in self.axes for step in self.before(axis)]
        return tuple(dict.fromkeys(step.node.name for step in steps))

    def told(self) -> str:
        """Which sizes do not agree, and which steps made them."""
        one, other = self.sizes
        axis = self.axes[0]
        dimensions = len(one)
        *first, last = (axis_name(axis, dimensions) for axis in self.axes)
        names = " and ".join(filter(None, (", ".join(first), last)))
        text = f"the {names} must agree, but {one[axis]} is not {other[axis]}."
        if self.start is None:
            return text
        ways = [steps_in_words(part) for part in self.changes(axis)]
        named = [way for way in ways if way]
        if len(named) == 2:
            text += f" On one way, {ways[0]}; on the other, {ways[1]}."
        elif named:
            text += f" {named[0]}."
        if self.has_wrong_factor:
            a, b = self.factors(axis)
            text += f" Taken together, that is × {a} on one way and × {b} on the other."
        before = steps_in_words(self.before(axis))
        if before:
            text += f" Before that, {before}."
        return text


def _factor(steps: Sequence[Change]) -> Fraction:
    return prod((step.rule.factor for step in steps if step.rule), start=Fraction(1))


def steps_in_words(steps: Sequence[Change]) -> str:
    """Some steps in words: those that deviate, and the last, where there are many."""
    shown = list(steps)
    if len(shown) > MOST_CHANGES:
        told = [step for step in shown if step.deviates][: MOST_CHANGES - 1]
        shown = told + [step for step in shown[-1:] if step not in told]
    return "; ".join(map(str, shown))
