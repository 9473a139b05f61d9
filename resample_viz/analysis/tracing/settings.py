"""Settings of a layer that would give another size: worked out by the layers' rules, then tried."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from torch import nn

from resample_viz.analysis.tracing.graph import Node, Ways
from resample_viz.analysis.tracing.recorder import layer_type
from resample_viz.analysis.tracing.sizes import SAME, Rule, Scaled, Transposed, Window, rule_of

Values = tuple[Any, ...]
Rules = list[tuple[str, Rule | None]]

CONVOLUTION = {
    "padding": range(8),
    "stride": range(1, 5),
    "dilation": range(1, 5),
    "kernel_size": range(1, 12),
}
POOLING = {"ceil_mode": (False, True), **CONVOLUTION}
TRANSPOSED = {"output_padding": range(8), **CONVOLUTION}
SCALED = {"scale_factor": (1.0, 2.0, 3.0, 4.0, 8.0)}


@dataclass(frozen=True)
class SettingChange:
    """A setting of a layer: `value` instead of `before`, a number or one per axis."""

    name: str
    layer: nn.Module
    setting: str
    value: Any
    before: Any

    @property
    def amount(self) -> float:
        """How far the value moves."""
        return sum(abs(float(a) - float(b)) for a, b in zip(_all(self.value), _all(self.before)))

    @property
    def keeps_weights(self) -> bool:
        """Whether the layer's weights stay as they are."""
        return self.setting != "kernel_size" or not hasattr(self.layer, "weight")


def size_changes(ways: Ways) -> Iterator[SettingChange]:
    """Single settings with which the ends of some ways would be as large as they should be."""
    dimensions = len(ways.begin) - 2
    rules = {axis: [_rules(path, axis) for path in ways.paths] for axis in range(-dimensions, 0)}
    for name, layer in ways.layers.items():
        own = {
            axis: [[one for one in path if one[0] == name or not _keeps(one[1])] for path in paths]
            for axis, paths in rules.items()
        }
        for setting, values in _choices(layer).items():
            before = _per_axis(getattr(layer, setting, None), dimensions)
            if before is None:
                continue
            fitting = [
                [one for one in values if _fits(ways, axis, own[axis], (name, setting, one))]
                for axis in range(-dimensions, 0)
            ]
            value = _nearest(fitting, before)
            if value is not None and value != before:
                yield SettingChange(name, layer, setting, _short(value), _short(before))


def _choices(layer: nn.Module) -> Mapping[str, Iterable[Any]]:
    kind = layer_type(layer).__name__
    if "ConvTranspose" in kind:
        return TRANSPOSED
    if "Conv" in kind:
        return CONVOLUTION
    if "Pool" in kind and hasattr(layer, "kernel_size") and "Unpool" not in kind:
        return POOLING
    return SCALED if getattr(layer, "scale_factor", None) is not None else {}


def _per_axis(value: Any, dimensions: int) -> Values | None:
    """A setting as one value per axis; None if it has no numbers, as padding="same"."""
    if value is None or isinstance(value, str):
        return None
    values = tuple(value) if isinstance(value, tuple | list) else (value,) * dimensions
    return values if len(values) == dimensions else None


def _rules(path: Sequence[Node], axis: int) -> Rules:
    """What the steps of a path do to an axis; functions that keep sizes are left out."""
    rules = ((node.name, rule_of(node, axis)) for node in path)
    return [(name, rule) for name, rule in rules if rule is not SAME]


def _keeps(rule: Rule | None) -> bool:
    """Whether a rule keeps every size, as most convolutions do."""
    if not isinstance(rule, Window):
        return rule is SAME
    span = rule.dilation * (rule.kernel_size - 1)
    return rule.stride == 1 and 2 * rule.padding == span


def _fits(ways: Ways, axis: int, rules: Sequence[Rules], change: tuple[str, str, Any]) -> bool:
    """Whether, with another value, the ends would be as large along an axis as they should be."""
    sizes = {_replayed(path, ways.begin[axis], *change) for path in rules}
    return sizes == {ways.goal[axis]} if ways.goal else len(sizes) == 1 and None not in sizes


def _replayed(rules: Rules, n: int, name: str, setting: str, value: Any) -> int | None:
    """The size at the end of a path, by the rules of its steps; None if one is not known."""
    for step, rule in rules:
        if step == name and rule is not None:
            rule = _changed(rule, setting, value)
        if rule is None:
            return None
        n = rule.size(n)
        if n < 1:
            return None
    return n


def _changed(rule: Rule, setting: str, value: Any) -> Rule | None:
    if setting == "scale_factor":
        return Scaled(Fraction(value))
    if not isinstance(rule, Window | Transposed) or not hasattr(rule, setting):
        return rule
    new: Rule = replace(rule, **{setting: value})
    if setting == "stride":
        transposed = isinstance(rule, Transposed)
        new = replace(new, factor=Fraction(value) if transposed else Fraction(1, value))
    return new


def _nearest(fitting: Sequence[Sequence[Any]], before: Values) -> Values | None:
    """One value for all axes if there is one, else one for each; the nearest to `before`."""
    if not all(fitting):
        return None
    if isinstance(before[0], bool):
        common = set.intersection(*map(set, fitting))
        return (common.pop(),) * len(before) if len(common) == 1 else None
    common = set.intersection(*map(set, fitting))
    nearest = tuple(
        min(values, key=lambda one: (abs(one - now), one)) for values, now in zip(fitting, before)
    )
    if common:
        uniform = min(common, key=lambda one: (sum(abs(one - now) for now in before), one))
        worse = sum(abs(uniform - now) for now in before) > sum(
            abs(one - now) for one, now in zip(nearest, before)
        )
        if len(set(before)) == 1 and not worse:
            return (uniform,) * len(before)
    return nearest


def _short(values: Values) -> Any:
    """One number for equal ones."""
    return values[0] if len(set(values)) == 1 else values


def _all(value: Any) -> Values:
    return value if isinstance(value, tuple) else (value,) * 3


# Siblings


def siblings(layers: Mapping[str, nn.Module], name: str, setting: str) -> list[str]:
    """The layers of the same kind and the same place in other stages: names that differ in digits.

    "enc.1.conv" and "enc.2.conv" are siblings, and so are "up1" and "up2"; but not convolutions
    with other kernels, unless it is about the kernels.
    """
    pattern, kind = _pattern(name), layer_type(layers[name])
    taps = None if setting == "kernel_size" else getattr(layers[name], "kernel_size", None)
    return [
        other
        for other, layer in layers.items()
        if other != name
        and _pattern(other) == pattern
        and layer_type(layer) is kind
        and taps in (None, getattr(layer, "kernel_size", None))
    ]


def _pattern(name: str) -> str:
    return re.sub(r"\d+", "#", name)


def odd_ones(layers: Mapping[str, nn.Module]) -> Iterator[SettingChange]:
    """Settings in which a layer differs from all its siblings, which agree: likely a slip."""
    for name, layer in layers.items():
        for setting in _choices(layer):
            others = [layers[one] for one in siblings(layers, name, setting)]
            before = getattr(layer, setting, None)
            values = {_short(_all(getattr(one, setting, None))) for one in others}
            if (
                len(others) > 1
                and len(values) == 1
                and before is not None
                and _short(_all(before)) not in values
            ):
                yield SettingChange(name, layer, setting, values.pop(), _short(_all(before)))


def unlike_siblings(change: SettingChange, layers: Mapping[str, nn.Module]) -> int:
    """0 if a change makes a layer like its siblings, 2 if it makes it unlike them, else 1."""
    names = siblings(layers, change.name, change.setting)
    others = [getattr(layers[one], change.setting, None) for one in names]
    common = {_short(_all(one)) for one in others}
    if len(common) != 1:
        return 1
    (usual,) = common
    if usual == _short(_all(change.value)):
        return 0
    return 2 if usual == _short(_all(change.before)) else 1
