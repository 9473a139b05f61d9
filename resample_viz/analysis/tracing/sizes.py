"""What a step makes of the size of an axis, by its rule, and how that differs from a pure factor.

A stride of 2 halves, a scale of 2 doubles; but 85 cannot be halved, a kernel without padding takes
cells away, and a transposed convolution may stay short. The formulas are those of PyTorch's pages:
https://docs.pytorch.org/docs/stable/nn.html, "Shape" of each layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

from resample_viz.analysis.tracing.graph import Node

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


@dataclass(frozen=True)
class Rule:
    """A step along one axis: `factor` is what it is meant to do to a size."""

    factor: Fraction

    def size(self, n: int) -> int:
        """The size that it makes of n."""
        return floor(n * self.factor)

    def why(self, n: int) -> str:
        """Why the result is not n times the factor; "" if it is."""
        exact = n * self.factor
        if self.size(n) == exact:
            return ""
        return "rounding up" if self.size(n) > exact else "rounding down"

    def told(self, n: int, made: int) -> str:
        """What it makes of n, in words that follow the step's name."""
        if made == n:
            return f"keeps {n}"
        verb = {Fraction(1, 2): "halves", Fraction(2): "doubles"}.get(self.factor)
        if verb and made == n * self.factor:
            return f"{verb} {n} to {made}"
        why = self.why(n) if made == self.size(n) else ""
        return f"makes {made} of {n}" + (f", {why}" if why else "")


@dataclass(frozen=True)
class Window(Rule):
    """A convolution or a pooling."""

    kernel_size: int = 1
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    ceil_mode: bool = False

    def size(self, n: int) -> int:
        """floor((n + 2 padding − dilation (kernel_size − 1) − 1) / stride) + 1; or ceil."""
        room = n + 2 * self.padding - self.dilation * (self.kernel_size - 1) - 1
        made = (-(-room // self.stride) if self.ceil_mode else room // self.stride) + 1
        if self.ceil_mode and (made - 1) * self.stride >= n + self.padding:
            made -= 1  # a window must not begin in the padding on the right
        return made

    def why(self, n: int) -> str:
        """Rounding, or what the kernel takes away without padding."""
        made, exact = self.size(n), n * self.factor
        if made == exact:
            return ""
        if abs(made - exact) < 1 and self.stride > 1:
            return "rounding up" if made > exact else "rounding down"
        span = self.dilation * (self.kernel_size - 1) + 1
        takes = span - 1 - 2 * self.padding
        if self.stride == 1:
            verb = f"takes {takes}" if takes > 0 else f"adds {-takes}"
            return f"as a window of {span} with padding {self.padding} {verb}"
        ideal = "half" if self.stride == 2 else f"a {self.stride}th part"
        side = "less" if made < exact else "more"
        return f"{side} than {ideal}: its window of {span} has padding {self.padding}"


@dataclass(frozen=True)
class Transposed(Rule):
    """A transposed convolution, or unpooling without output_size."""

    kernel_size: int = 1
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    output_padding: int = 0

    def size(self, n: int) -> int:
        """(n − 1) stride − 2 padding + dilation (kernel_size − 1) + output_padding + 1."""
        span = self.dilation * (self.kernel_size - 1) + 1
        return (n - 1) * self.stride - 2 * self.padding + span + self.output_padding

    def why(self, n: int) -> str:
        """How far it stays behind its stride."""
        lack = n * self.stride - self.size(n)
        if not lack:
            return ""
        return f"{abs(lack)} {'less' if lack > 0 else 'more'} than {self.stride} × {n}"


@dataclass(frozen=True)
class Scaled(Rule):
    """An interpolation by a scale that may be no whole number."""

    def size(self, n: int) -> int:
        """N scale, rounded down, in double precision."""
        return int(n * float(self.factor))

    def why(self, n: int) -> str:
        """The product that is rounded down."""
        exact = n * float(self.factor)
        if self.size(n) == n * self.factor:
            return ""
        return f"as {n} × {float(self.factor):.6g} = {exact:.6g} is rounded down"


@dataclass(frozen=True)
class Added(Rule):
    """Padding, or a crop: `cells` more or fewer."""

    cells: int = 0

    def size(self, n: int) -> int:
        """N + cells."""
        return n + self.cells

    def why(self, n: int) -> str:
        """Nothing to explain: the cells are said."""
        del n
        return ""

    def told(self, n: int, made: int) -> str:
        """Pads or crops."""
        verb = "pads" if made > n else "crops"
        return f"{verb} {n} to {made}" if made != n else f"keeps {n}"


@dataclass(frozen=True)
class Fixed(Rule):
    """A size that does not depend on n: adaptive pooling, interpolation to a size."""

    made: int = 1

    def size(self, n: int) -> int:
        """The fixed size."""
        del n
        return self.made

    def why(self, n: int) -> str:
        """Its size is fixed."""
        del n
        return ""

    def told(self, n: int, made: int) -> str:
        """The size that is asked for."""
        return f"keeps {n}" if made == n else f"makes {made} of {n}, a size that it is given"


@dataclass(frozen=True)
class Layout(Fixed):
    """Numbers that are laid out in another order or number of axes."""

    def told(self, n: int, made: int) -> str:
        """The size that comes out."""
        del n
        return f"lays numbers out anew, as a size of {made}"


SAME = Added(Fraction(1))


@dataclass(frozen=True)
class Change:
    """What a node has made of the size of one axis: `rule` None if its rule is not known."""

    node: Node
    rule: Rule | None
    before: int
    after: int

    @property
    def deviates(self) -> bool:
        """Whether the size is another than the step's factor says."""
        if self.rule is None:
            return True
        return not isinstance(self.rule, Fixed) and self.after != self.before * self.rule.factor

    def __str__(self) -> str:
        if self.rule is None:
            return f"{self.node} makes {self.after} of {self.before}"
        return f"{self.node} {self.rule.told(self.before, self.after)}"


def changes(path: list[Node], axis: int) -> list[Change]:
    """The steps of a path that change the size of an axis.

    `axis` counts from the end: -1 is the last one. Channels that are put last, and maps that are
    read as tokens, change no size of the map. Where numbers are laid out anew and rows and columns
    cannot be followed (a vector as a map), the sizes before do not count: the list begins anew.
    """
    result: list[Change] = []
    for node in path:
        moved = node.sizes_of(axis)
        if moved is not None:
            if moved[0] != moved[1]:
                result.append(Change(node, rule_of(node, axis), *moved))
            continue
        shape = _read(node)
        if shape is None or len(shape) != len(node.shape) or _is_layout(node):
            result = [Change(node, Layout(Fraction(1), node.shape[axis]), 0, node.shape[axis])]
            continue
        before, after = shape[axis], node.shape[axis]
        rule = rule_of(node, axis)
        if before != after or (rule is not None and rule.factor != 1):
            result.append(Change(node, rule, before, after))
    return result


def _is_layout(node: Node) -> bool:
    """Whether a node moves numbers to other axes."""
    moves = node.operator in ("permute", "transpose", "t", "view", "_unsafe_view", "_reshape_alias")
    return moves and node.inputs[0][2:] != node.shape[2:]


def _read(node: Node) -> tuple[int, ...] | None:
    """The shape of what decides about a node's size: the first input that is shaped like it."""
    alike = [shape for shape in node.inputs if shape[2:] == node.shape[2:]]
    return next(iter(alike or node.inputs), None)


def rule_of(node: Node, axis: int) -> Rule | None:
    """The rule of a node along an axis that counts from the end; None if it is not known."""
    moved = node.sizes_of(axis)
    if moved is not None:
        return _rule_of_moved(node, *moved)
    shape = _read(node)
    if shape is None:
        return None
    settings, size = node.settings, node.shape[axis]
    name = node.operator.strip("_")
    if name == "convolution":
        return _convolution(settings, axis, len(node.shape) - 2)
    if "pool" in name and "unpool" not in name and "kernel_size" in settings:
        return _pooling(settings, axis, len(node.shape) - 2)
    if name.startswith("upsample"):
        return _interpolation(settings, axis, shape[axis], size)
    if "unpool" in name:
        return _unpooling(node, axis)
    if name in ("pixel_shuffle", "pixel_unshuffle"):
        times = settings.get("upscale_factor") or settings.get("downscale_factor") or 1
        return Rule(Fraction(times) if name == "pixel_shuffle" else Fraction(1, times))
    if "pad" in name or name == "slice":
        return _cut_or_padded(settings, shape[axis], size)
    if "adaptive" in name or name in ("view", "unsafe_view", "mean", "grid_sampler_2d"):
        return Fixed(Fraction(1), size)
    return SAME if size == shape[axis] else None


def _rule_of_moved(node: Node, before: int, after: int) -> Rule | None:
    """The rule of a node along rows or columns that lie elsewhere than in (N, C, H, W)."""
    if before != after and not ("pad" in node.operator or node.operator == "slice"):
        return None
    return _cut_or_padded(node.settings, before, after)


def _cut_or_padded(settings: dict[str, Any], before: int, after: int) -> Rule:
    """Of a padding, or of a slice, which may take every second cell, from a first one on."""
    step = settings.get("step", 1)
    if before == after or step == 1:
        return Added(Fraction(1), after - before) if before != after else SAME
    start = settings.get("start") or 0
    return Window(Fraction(1, step), (start % before) + 1, step)


def _at(value: Any, axis: int, otherwise: int = 0) -> int:
    """One axis of a setting that is one number, or one per axis."""
    if value is None or (isinstance(value, list | tuple) and not value):
        return otherwise
    if isinstance(value, list | tuple):
        return int(value[axis] if len(value) >= -axis else value[0])
    return int(value)


def _convolution(settings: dict[str, Any], axis: int, dimensions: int) -> Rule | None:
    weight = settings.get("weight")
    if weight is None or -axis > dimensions:
        return None if -axis <= dimensions else SAME
    taps = weight[axis]
    stride, padding, dilation = (
        _at(settings.get(name), axis, usual)
        for name, usual in (("stride", 1), ("padding", 0), ("dilation", 1))
    )
    if settings.get("transposed"):
        more = _at(settings.get("output_padding"), axis)
        return Transposed(Fraction(stride), taps, stride, padding, dilation, more)
    return Window(Fraction(1, stride), taps, stride, padding, dilation)


def _pooling(settings: dict[str, Any], axis: int, dimensions: int) -> Rule | None:
    if -axis > dimensions:
        return SAME
    taps = _at(settings["kernel_size"], axis, 1)
    stride = _at(settings.get("stride"), axis, taps)
    padding, dilation = _at(settings.get("padding"), axis), _at(settings.get("dilation"), axis, 1)
    mode = bool(settings.get("ceil_mode"))
    return Window(Fraction(1, stride), taps, stride, padding, dilation, mode)


def _interpolation(settings: dict[str, Any], axis: int, before: int, after: int) -> Rule:
    given = settings.get("scale_factors")
    names = {-1: ("scales_w", "scales"), -2: ("scales_h",), -3: ("scales_d",)}
    scale = given[axis] if given else None
    for name in names[axis]:
        scale = settings.get(name) if scale is None else scale
    if scale is None:
        return Fixed(Fraction(after, before), after)
    return Scaled(Fraction(scale))


def _unpooling(node: Node, axis: int) -> Rule:
    size = node.shape[axis]
    layer: Any = node.layer
    if layer is None or not hasattr(layer, "stride"):
        return Fixed(Fraction(1), size)
    taps, stride = _at(layer.kernel_size, axis), _at(layer.stride, axis)
    rule = Transposed(Fraction(stride), taps, stride, _at(layer.padding, axis))
    return rule if rule.size(_read(node)[axis]) == size else Fixed(rule.factor, size)  # type: ignore[index]


def axis_name(axis: int, dimensions: int) -> str:
    """The name of an axis that counts from the end: "height" of -2, of a picture."""
    return AXES[dimensions][axis]
