"""Maps whose heights or widths do not agree where they meet, or with the input's."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from itertools import chain, islice, tee
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.analysis.tracing.channels import channels_differ
from resample_viz.analysis.tracing.diagnosis import (
    Case,
    Diagnosis,
    padded_inputs,
    set_layers,
    times,
    usual_inputs,
)
from resample_viz.analysis.tracing.edits import (
    FitMerges,
    InForward,
    OnOutput,
    ReplaceCall,
    Suggestion,
    UnpoolToPooled,
    crop_middle,
    interpolated,
)
from resample_viz.analysis.tracing.graph import Node, Shape
from resample_viz.analysis.tracing.meeting import Meeting
from resample_viz.analysis.tracing.settings import (
    SettingChange,
    odd_ones,
    siblings,
    size_changes,
    unlike_siblings,
)
from resample_viz.analysis.tracing.sizes import Transposed

MOST_SLIPS = 12
MOST_SETTINGS = 12
"""Of the settings that fit by the rules, those that are tried."""


def maps_differ(case: Case, one: Node, other: Node) -> Diagnosis:
    """Two maps meet in the model that are not equally large."""
    meeting = Meeting.of(one, other)
    merges = () if meeting.has_moved else chain(_interpolated(meeting), _cropped(meeting))
    return Diagnosis(
        meeting.told(), meeting.shapes, meeting.causes, _ordered(case, meeting, iter(merges))
    )


def layouts_differ(case: Case, one: Node, other: Node) -> Diagnosis:
    """Two maps meet that are equally large, but have their channels in other places."""
    size = times(one.size)
    ways = [_axes_in_words(node) for node in (one, other)]
    reason = f"both are maps of {size}, but one lies as {ways[0]}, and the other as {ways[1]}."
    return Diagnosis(reason, (one.shape, other.shape), (), _moved_back(case))


def _axes_in_words(node: Node) -> str:
    """(N, C, H, W), (N, H, W, C) or (N, H W, C): what lies in each dimension of a map."""
    letters = {"depth": "D", "rows": "H", "cols": "L" if node.axes == 1 else "W"}
    assert node.layout is not None
    first, *dims = (" ".join(letters[axis] for axis in dim) or "C" for dim in node.layout.places)
    return f"({', '.join([first.replace('C', 'N'), *dims])})"


def _moved_back(case: Case) -> Iterator[Suggestion]:
    """Channels that were put last, second again, for the one that needs it."""
    site = case.attempt.site
    for place, (tensor, node) in enumerate(case.attempt.operands):
        if site is None or node is None or not node.has_moved or tensor.ndim != node.axes + 2:
            continue
        order = (0, node.axes + 1, *range(1, node.axes + 1))
        if node.layout is not None and node.layout.permuted(order).is_plain(node.axes):
            yield Suggestion(
                f"the channels come second again before they meet: x.permute{order}, of the one "
                f"whose shape is {tuple(tensor.shape)}",
                "forward",
                f"x = x.permute{order}",
                InForward(partial(ReplaceCall, site, partial(_with_permuted, place, order))),
            )


def _with_permuted(
    place: int, order: tuple[int, ...], func: Any, args: list[Any], kwargs: dict[str, Any]
) -> Any:
    """The call with one of its tensors in another order of axes."""
    is_list = bool(args) and isinstance(args[0], list | tuple)
    tensors = list(args[0]) if is_list else args
    tensors[place] = tensors[place].permute(order)
    return func(tensors, *args[1:], **kwargs) if is_list else func(*tensors, **kwargs)


def output_differs(case: Case, start: Node, end: Node) -> Diagnosis:
    """The output is not as large as the input, as it should be."""
    meeting = Meeting((start, end), start)
    return Diagnosis(
        "the output should be as large as the input. " + _first_upper(meeting.told()),
        meeting.shapes,
        meeting.causes,
        _ordered(case, meeting, iter([_enlarged_output(meeting)])),
    )


def _first_upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _ordered(case: Case, meeting: Meeting, merges: Iterator[Suggestion]) -> Iterator[Suggestion]:
    """What may mend it: what a wrong step asks for first, then what works for any sizes."""
    settings = _settings(case, meeting)
    slips = _slips(case)
    crops = _without_crops(meeting)
    unpooling = [_unpool()] if _unpools(meeting) else []
    padding = padded_inputs(case)
    fitted = list(merges)
    if meeting.is_laid_out or meeting.is_rounding:
        padding = chain(padding, usual_inputs(case))
    if meeting.is_laid_out:
        yield from chain(slips, crops, unpooling, padding, settings, fitted)
        return
    if meeting.is_rounding:
        kept, renewed = _split(settings)
        yield from chain(unpooling, padding, slips, crops, kept, fitted, renewed)
        return
    yield from chain(slips, crops, unpooling)
    if _is_unpadded(case, meeting):
        yield from chain(fitted[::-1], settings, padding)
    else:
        yield from chain(settings, fitted, padding)


# Settings


def _split(
    settings: Iterator[Suggestion],
) -> tuple[Iterator[Suggestion], Iterator[Suggestion]]:
    """Settings with which a layer keeps its weights, and the others; nothing is worked out yet."""
    one, other = tee(settings)
    kept = (each for each in one if each.kind == "setting")
    return kept, (each for each in other if each.kind != "setting")


def _slips(case: Case) -> Iterator[Suggestion]:
    """Settings in which a layer differs from all its siblings."""
    yield from islice((_set(case, one) for one in odd_ones(case.layers)), MOST_SLIPS)


def _settings(case: Case, meeting: Meeting) -> Iterator[Suggestion]:
    """Changes of settings, of one layer or of all of its siblings."""
    if meeting.start is None:
        return
    found = [one for one in size_changes(meeting.ways) if one.setting != "dilation"]
    likeness = {one: unlike_siblings(one, case.layers) for one in found}
    causes = meeting.causes
    trunk = {node.name for node in meeting.trunk}

    def rank(change: SettingChange) -> tuple[Any, ...]:
        right = change.setting in ("stride", "scale_factor") or not meeting.has_wrong_factor
        return (
            likeness[change],
            not change.keeps_weights,
            not right,
            change.name not in causes,
            change.name in trunk,
            change.amount,
        )

    found.sort(key=rank)
    together = [one for one in map(partial(_set_alike, case), found) if one is not None]
    yield from (_set(case, one) for one in found[:MOST_SETTINGS])
    yield from together[: MOST_SETTINGS // 2]


def _set(case: Case, change: SettingChange) -> Suggestion:
    return set_layers([change.name], case, **{change.setting: change.value})


def _set_alike(case: Case, change: SettingChange) -> Suggestion | None:
    """The same change in all layers that are set like this one, in other stages."""
    others = [
        one
        for one in siblings(case.layers, change.name, change.setting)
        if getattr(case.layers[one], change.setting) == getattr(change.layer, change.setting)
    ]
    if not others:
        return None
    names = [name for name in case.layers if name == change.name or name in others]
    return set_layers(names, case, **{change.setting: change.value})


def _is_unpadded(case: Case, meeting: Meeting) -> bool:
    """Whether the model goes without padding, as the U-Net of its paper does."""
    rules = [step.rule for step in meeting.deviations]
    if meeting.has_wrong_factor or any(getattr(rule, "stride", 1) != 1 for rule in rules):
        return False
    layers = (one for one in case.layers.values() if isinstance(one, nn.modules.conv._ConvNd))
    wide = [one for one in layers if max(one.kernel_size) > 1 and not one.transposed]
    return bool(wide) and all(not any(_numbers(one.padding)) for one in wide)


def _numbers(padding: Any) -> tuple[int, ...]:
    return (1,) if isinstance(padding, str) else padding


# Where the two meet


def _interpolated(meeting: Meeting) -> Iterator[Suggestion]:
    larger = _sizes(meeting, max)
    yield Suggestion(
        f"before they meet: F.interpolate(small, size=large.shape[2:]), here to {times(larger)}",
        "forward",
        f"small = F.interpolate(small, size={larger})",
        InForward(partial(FitMerges, interpolated, enlarge=True)),
    )


def _cropped(meeting: Meeting) -> Iterator[Suggestion]:
    smaller = _sizes(meeting, min)
    slices = [_middle(shape, smaller) for shape in meeting.shapes if shape[2:] != smaller]
    yield Suggestion(
        f"crop the larger one to its middle before they meet: large[..., {', '.join(slices[0])}]",
        "forward",
        f"large = large[..., {', '.join(slices[0])}]",
        InForward(partial(FitMerges, crop_middle, enlarge=False)),
    )


def _middle(shape: Shape, size: tuple[int, ...]) -> list[str]:
    starts = [(n - m) // 2 for n, m in zip(shape[2:], size)]
    return [f"{start}:{start + m}" for start, m in zip(starts, size)]


def _sizes(meeting: Meeting, which: Any) -> tuple[int, ...]:
    one, other = meeting.shapes
    return tuple(which(a, b) for a, b in zip(one[2:], other[2:]))


def _enlarged_output(meeting: Meeting) -> Suggestion:
    size = meeting.shapes[0][2:]
    return Suggestion(
        f"bring the result to the input's size: F.interpolate(y, size=x.shape[2:]), here "
        f"{times(size)}",
        "output",
        "y = F.interpolate(y, size=x.shape[2:])",
        OnOutput(_as_large),
    )


def _as_large(y: Any, x: Tensor) -> Any:
    return F.interpolate(y, size=x.shape[2:])


# Steps on the way


def _without_crops(meeting: Meeting) -> Iterator[Suggestion]:
    """Leaving out a crop that one of the ways goes through."""
    for node in {node for path in meeting.paths for node in path}:
        if node.operator != "slice" or node.site is None:
            continue
        if any(node.inputs[0][axis] != node.shape[axis] for axis in meeting.axes):
            before, after = times(node.inputs[0][2:]), times(node.shape[2:])
            yield Suggestion(
                f"leave out the crop at {node.name}, which makes {after} of {before}",
                "forward",
                f"x = x  # instead of x[...] at {node.name}",
                InForward(partial(ReplaceCall, node.site, _unchanged)),
            )


def _unchanged(func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """The tensor that was to be cropped, as it is."""
    del func, kwargs
    return args[0]


def _unpools(meeting: Meeting) -> bool:
    nodes = (node for path in meeting.paths for node in path)
    return any("unpool" in node.operator for node in nodes)


def _unpool() -> Suggestion:
    return Suggestion(
        "give every unpooling the size of what was pooled: "
        "unpool(y, indices, output_size=x.shape[2:]), x what the pooling has read",
        "forward",
        "y = unpool(y, indices, output_size=x.shape[2:])",
        InForward(UnpoolToPooled),
    )


def unpooling_fails(case: Case, error: str) -> Diagnosis:
    """Unpooling was given indices that lie outside of what it makes."""
    if len(case.traced) < 2:
        return Diagnosis(error, case.attempt.shapes[:2], (), padded_inputs(case))
    (values, came), (indices, pool) = case.traced[:2]
    if values.shape[2:] != indices.shape[2:]:
        return maps_differ(case, came, pool)
    if values.shape[1:2] != indices.shape[1:2]:
        return channels_differ(case, came, pool)
    reason = error
    if "pool" in pool.operator and pool.inputs:
        reason = (
            f"the indices are places in {times(pool.inputs[0][2:])} cells, which {pool} has made "
            f"{times(pool.shape[2:])} of; {_made_instead(case, pool)}."
        )
    candidates = chain(_slips(case), [_unpool()], _paired(case, pool), padded_inputs(case))
    return Diagnosis(reason, case.attempt.shapes[:2], (pool.name,), candidates)


def _made_instead(case: Case, pool: Node) -> str:
    layer: Any = case.attempt.layer
    if layer is None:
        return "unpooling makes another size"
    rule = [Transposed(Fraction(1), k, s, p) for k, s, p in _axes_of(layer, len(pool.shape) - 2)]
    size = times(one.size(n) for one, n in zip(rule, pool.shape[2:]))
    return f"{case.attempt.name}, if it is given no output_size, makes {size}"


def _axes_of(layer: Any, dimensions: int) -> Iterator[tuple[int, int, int]]:
    """Kernel size, stride and padding, axis by axis."""
    settings = (layer.kernel_size, layer.stride, layer.padding)
    values = (one if isinstance(one, tuple) else (one,) * dimensions for one in settings)
    yield from zip(*values)


def _paired(case: Case, pool: Node) -> Iterator[Suggestion]:
    """The pooling's settings for the unpooling, and the other way round."""
    here, there = case.attempt.layer, pool.layer
    if here is None or there is None:
        return
    for setting in ("kernel_size", "stride", "padding"):
        one, other = getattr(here, setting), getattr(there, setting)
        if one != other:
            yield set_layers([pool.name], case, **{setting: _plain(one)})
            yield set_layers([case.attempt.name], case, **{setting: other})


def _plain(value: Any) -> Any:
    """One number for a tuple of equal ones."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
