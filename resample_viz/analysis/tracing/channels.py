"""Layers that are given another number of channels or features than they take."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain
from math import isqrt, prod
from typing import Any

from torch import Tensor, nn

from resample_viz.analysis.tracing.diagnosis import (
    Case,
    Diagnosis,
    near_inputs,
    on_input,
    resized_inputs,
    set_layers,
    times,
    usual_inputs,
)
from resample_viz.analysis.tracing.edits import (
    InsertBefore,
    Suggestion,
)
from resample_viz.analysis.tracing.graph import Node, Shape, Ways, before, path_between, root_of
from resample_viz.analysis.tracing.meeting import steps_in_words
from resample_viz.analysis.tracing.settings import odd_ones, size_changes, unlike_siblings
from resample_viz.analysis.tracing.sizes import changes

TAKES = ("in_channels", "num_features", "num_channels")


def _is_square_as_it_is(shape: tuple[int, ...]) -> bool:
    """Whether (N, C, H, W) makes a square picture of a shape, and (N, H, W, C) does not."""
    return shape[-2] == shape[-1] != shape[1]


def wrong_channels(case: Case, name: str, layer: nn.Module) -> Diagnosis | None:
    """A convolution or a normalisation, (N, C, …), that takes another C."""
    setting = next((one for one in TAKES if hasattr(layer, one)), None)
    if setting is None or not case.traced:
        return None
    tensor, node = case.traced[0]
    shape = tuple(tensor.shape)
    takes = getattr(layer, setting)
    if len(shape) < 3 or shape[1] == takes:
        return None
    given = shape[1]
    reason = f"the layer takes {takes} channels, but {given} come in."
    seem_last = shape[-1] == takes and not _is_square_as_it_is(shape)
    if seem_last:
        reason += f" The last axis has {takes}: the channels seem to be last, (N, H, W, C)."
    makers = list(_makers(case, node))
    if makers and not seem_last:
        reason = f"the layer takes {takes} channels, but {given} come in, from {makers[0][0]}."
    candidates = chain(
        _moved(name, node, shape) if seem_last else (),
        _counts(case, name, setting, given, makers, takes),
        _chosen(node, takes, given),
    )
    return Diagnosis(reason, (shape,), (name,), candidates)


def _moved(name: str, node: Node, shape: Shape) -> Iterator[Suggestion]:
    """Channels that are last, moved to where the layer looks for them."""
    order = (0, len(shape) - 1, *range(1, len(shape) - 1))
    code = f"x.permute{order}"
    if node.operator == "input":
        yield on_input(
            f"the channels come second: {code}",
            f"y = model({code})",
            partial(permuted, order=order),
        )
    else:
        yield Suggestion(
            f"the channels come second: {code} before {name or 'the layer'}",
            "forward",
            f"x = {code}",
            InsertBefore((name,), partial(Permute, order)),
        )


def permuted(x: Tensor, order: tuple[int, ...]) -> Tensor:
    """The axes in another order."""
    return x.permute(order)


class Permute(nn.Module):
    """Puts the axes into another order."""

    def __init__(self, order: tuple[int, ...]) -> None:
        super().__init__()
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        """The axes in another order."""
        return x.permute(self.order)


def _counts(
    case: Case,
    name: str,
    setting: str,
    given: int,
    makers: list[tuple[str, str]],
    takes: int,
) -> Iterator[Suggestion]:
    """Another number of channels, in this layer or in the one before."""
    layer = case.seen.model.get_submodule(name)
    yield set_layers([name], case, **{setting: given})
    for maker, gives in makers[:1]:
        yield set_layers([maker], case, **{gives: takes})
    groups = getattr(layer, "groups", 1)
    if groups > 1 and groups == takes == getattr(layer, "out_channels", 0):
        yield set_layers([name], case, in_channels=given, out_channels=given, groups=given)


def _makers(case: Case, node: Node) -> Iterator[tuple[str, str]]:
    """The layers that decide about a map's number of channels, the last first."""
    channels = node.channels
    for one in before(node):
        if one.channels != channels or len(one.sources) > 1:
            return
        if one.layer is None or one.name not in case.layers:
            continue
        for setting in ("out_channels", "out_features"):
            if hasattr(one.layer, setting):
                yield one.name, setting
                return


def _chosen(node: Node, takes: int, given: int) -> Iterator[Suggestion]:
    """The input's channels, repeated or chosen."""
    if node.operator != "input":
        return
    if given == 1:
        dims = ", -1" * (len(node.shape) - 2)
        code = f"x.expand(-1, {takes}{dims})"
        yield on_input(
            f"one channel for all: {code}", f"y = model({code})", partial(_repeated, takes=takes)
        )
    elif given > takes:
        code = f"x[:, :{takes}]"
        yield on_input(
            f"choose {takes} of the {given} channels: {code}",
            f"y = model({code})",
            partial(_first, takes=takes),
        )


def _repeated(x: Tensor, takes: int) -> Tensor:
    return x.expand(-1, takes, *x.shape[2:])


def _first(x: Tensor, takes: int) -> Tensor:
    return x[:, :takes]


def channels_differ(case: Case, one: Node, other: Node) -> Diagnosis:
    """Two tensors meet that do not have equally many channels."""
    shapes = (one.shape, other.shape)
    a, b = one.channels, other.channels
    makers = [list(_makers(case, node))[:1] for node in (one, other)]
    names = [part[0][0] for part in makers if part]
    text = f"the channels must agree, but {a} is not {b}."
    for part, n in zip(makers, (a, b)):
        text += f" {part[0][0]} makes {n}." if part else ""
    changes = [
        set_layers([maker], case, **{setting: wanted})
        for part, wanted in zip(makers, (b, a))
        for maker, setting in part
    ]
    return Diagnosis(text, shapes, tuple(names), changes)


# Linear layers


def wrong_features(case: Case, name: str, layer: Any) -> Diagnosis | None:
    """A linear layer that takes another number of features."""
    if not case.traced:
        return None
    tensor, node = case.traced[0]
    shape, takes = tuple(tensor.shape), layer.in_features
    if not shape or shape[-1] == takes:
        return None
    if len(shape) > 2 and takes in (prod(shape[1:]), shape[1]):
        return _not_flattened(name, shape, takes)
    reason = f"the layer takes {takes} features, but {shape[-1]} come in"
    candidates: Iterator[Suggestion] = iter(())
    causes: tuple[str, ...] = (name,)
    flat = next(
        (one for one in before(node) if len(one.shape) > 2 and len(one.shape) > len(shape)), None
    )
    fits = None
    if flat is not None and prod(flat.shape[1:]) == shape[-1]:
        channels, *size = flat.shape[1:]
        reason += f": {channels} channels of {times(size)}"
        fits = _size_for(takes, channels, size)
        if fits is not None:
            reason += f"; {takes} would be {channels} channels of {times(fits)}"
            candidates = _for_size(case, name, flat, size, fits)
            steps = [one for one in changes(_path_to(flat), -1) if one.deviates]
            causes += tuple(one.node.name for one in steps)
            reason += f". {steps_in_words(steps)}" if steps else ""
    counts = [set_layers([name], case, in_features=shape[-1])]
    makers = list(_makers(case, node)) if len(shape) == 2 else []
    counts += [set_layers([maker], case, **{setting: takes}) for maker, setting in makers[:1]]
    order = (candidates, counts) if fits else (counts, usual_inputs(case))
    return Diagnosis(f"{reason}.", (shape,), causes, chain(*order))


def _path_to(node: Node) -> list[Node]:
    return path_between(root_of(node), node)


def _not_flattened(name: str, shape: Shape, takes: int) -> Diagnosis:
    """A map goes into a linear layer as it is."""
    channels, *size = shape[1:]
    reason = (
        f"the layer takes {takes} features, but reads the last axis alone, of {shape[-1]}: "
        "the map is not flattened"
    )
    product = f" × {times(size)}" if takes == prod(shape[1:]) else ""
    if product:
        reason += f" ({channels}{product} = {takes})"
    flatten = Suggestion(
        f"nn.Flatten() before {name or 'the layer'}",
        "new layer",
        "x = torch.flatten(x, 1)",
        InsertBefore((name,), nn.Flatten),
    )
    others = []
    if takes == channels and prod(size) > 1:
        pooled = Suggestion(
            f"nn.AdaptiveAvgPool2d(1) and nn.Flatten() before {name or 'the layer'}",
            "new layer",
            f"x = torch.flatten(F.adaptive_avg_pool{len(size)}d(x, 1), 1)",
            InsertBefore((name,), partial(_pool_and_flatten, len(size), 1)),
        )
        others = [pooled, *_last(name, shape)]
    return Diagnosis(f"{reason}.", (shape,), (name,), chain([flatten], others))


def _last(name: str, shape: Shape) -> Iterator[Suggestion]:
    """Channels moved to the end, for a linear layer that is to be applied to every cell."""
    order = (0, *range(2, len(shape)), 1)
    yield Suggestion(
        f"to apply it to every cell, put the channels last: x.permute{order} before {name}",
        "forward",
        f"x = x.permute{order}",
        InsertBefore((name,), partial(Permute, order)),
    )


def _size_for(takes: int, channels: int, size: list[int]) -> list[int] | None:
    """The size of the map that has as many features as the layer takes; None if there is none."""
    cells, rest = divmod(takes, channels)
    if rest or not cells:
        return None
    if len(size) == 1:
        return [cells]
    side = isqrt(cells)
    if len(size) == 2 and len(set(size)) == 1:
        return [side, side] if side * side == cells else None
    if len(size) == 2:
        for high in range(1, cells + 1):
            if cells % high == 0 and high * size[1] == (cells // high) * size[0]:
                return [high, cells // high]
    return None


def _for_size(
    case: Case, name: str, flat: Node, size: list[int], fits: list[int]
) -> Iterator[Suggestion]:
    """Ways to a map of the size that the linear layer was made for."""
    ways = Ways(root_of(flat).shape, (_path_to(flat),), tuple(fits))
    slips = {(one.name, one.setting): one for one in odd_ones(case.layers)}
    for one in (*slips.values(), *size_changes(ways)):
        if (one.name, one.setting) in slips or unlike_siblings(one, case.layers) == 0:
            yield set_layers([one.name], case, **{one.setting: one.value})
    whole = case.input_shape[2:]
    if len(whole) == len(size):
        sizes = {
            tuple(max(1, n * m // k + more) for n, k, m in zip(whole, size, fits))
            for more in (0, -1, 1, -2, 2)
        }
        yield from resized_inputs(case, sorted(sizes, key=lambda one: abs(sum(one) - sum(whole))))
    yield Suggestion(
        f"pool to a fixed size before flattening: nn.AdaptiveAvgPool{len(size)}d({tuple(fits)})",
        "new layer",
        f"x = F.adaptive_avg_pool{len(size)}d(x, {tuple(fits)})",
        InsertBefore((name,), partial(_unflatten_and_pool, tuple(size), tuple(fits))),
    )
    features = case.traced[0][0].shape[-1]
    yield set_layers([name], case, in_features=features)


def _pool_and_flatten(dimensions: int, size: int) -> nn.Module:
    return nn.Sequential(_pool(dimensions, size), nn.Flatten())


def _pool(dimensions: int, size: Any) -> nn.Module:
    kinds = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
    pool: nn.Module = kinds[dimensions - 1](size)
    return pool


def _unflatten_and_pool(size: tuple[int, ...], fits: tuple[int, ...]) -> nn.Module:
    """For a vector that is a flattened map: the same as pooling before flattening."""
    pool = _pool(len(size), fits)
    return nn.Sequential(nn.Unflatten(1, (-1, *size)), pool, nn.Flatten())


# Tables that the positions of a model must fit


def table_differs(case: Case, node: Node, table: Tensor) -> Diagnosis:
    """Something that depends on the input's size meets a parameter of a fixed size."""
    name = case.owner(table) or "a tensor of the model"
    axis = next(
        n for n, (a, b) in enumerate(zip(node.shape[::-1], table.shape[::-1]))
        if a != b and 1 not in (a, b)
    )  # fmt: skip
    a, b = node.shape[::-1][axis], table.shape[::-1][axis]
    reason = (
        f"{a} positions come in, but {name} has {b}, whatever the input: the model is made for "
        "inputs of one size."
    )
    whole = case.input_shape[2:]
    sizes = []
    for extra in (0, 1, 2):
        if a > extra and b > extra and whole:
            share = ((b - extra) / (a - extra)) ** (1 / len(whole))
            sizes.append(tuple(max(1, round(n * share)) for n in whole))
    candidates = chain(near_inputs(case, dict.fromkeys(sizes)), usual_inputs(case))
    shapes = (node.shape, tuple(table.shape))
    return Diagnosis(reason, shapes, (name,), candidates)
