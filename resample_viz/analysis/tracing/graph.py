"""Where every tensor of a forward pass comes from: the operators between it and the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from resample_viz.analysis.tracing.layout import Layout

Shape = tuple[int, ...]


@dataclass(frozen=True)
class CallSite:
    """A call in Python: the function's name, and how many calls of it came before in the pass."""

    function: str
    ordinal: int


@dataclass(eq=False)
class Node:
    """An operator that has read something that depends on the input.

    Attributes:
        name: the step that it belongs to, such as "layer1.0.conv1" or "layer1.0.add".
        operation: the layer or function, in short.
        operator: its name in ATen, such as "convolution".
        sources: where the tensors that it has read come from; `inputs` are their shapes.
        shape: the shape of what it has made.
        settings: its arguments that are no tensors, by name; "weight" is the weight's shape.
        layer: the layer that it belongs to; None for functions.
        site: the call in Python.
        number: counts the nodes of a pass.
        layout: where rows and columns lie in what it has made; None if that is not followed.
        axes: the number of axes of a map: 1 of sequences, 3 of volumes.
    """

    name: str
    operation: str
    operator: str
    sources: tuple[Node, ...]
    inputs: tuple[Shape, ...]
    shape: Shape
    settings: dict[str, Any] = field(default_factory=dict)
    layer: nn.Module | None = None
    site: CallSite | None = None
    number: int = 0
    layout: Layout | None = None
    axes: int = 2

    @property
    def size(self) -> Shape:
        """The size of its map, wherever rows and columns lie; else `shape[2:]`."""
        return self.map_size if self.has_moved and self.map_size else self.shape[2:]

    @property
    def channels(self) -> int | None:
        """The numbers of a cell of the map, wherever they lie; None of a single number."""
        if self.has_moved and self.layout is not None:
            return self.layout.channels
        return self.shape[1] if len(self.shape) > 1 else None

    @property
    def map_size(self) -> Shape | None:
        """(height, width), as far as rows and columns are followed."""
        return None if self.layout is None else self.layout.size(self.axes)

    @property
    def has_moved(self) -> bool:
        """Whether rows and columns are known to lie elsewhere than in (N, C, H, W)."""
        if self.layout is None or self.map_size is None:
            return False
        return not self.layout.is_plain(self.axes)

    def sizes_of(self, axis: int) -> tuple[int, int] | None:
        """The size of an axis, such as -1, of the map before and after a node that moves its cells.

        None where rows and columns lie in the last dimensions, or are not followed: there the
        shapes tell.
        """
        known = [one for one in self.sources if one.map_size is not None]
        if self.map_size is None or not known or axis < -self.axes:
            return None
        if not (self.has_moved or known[0].has_moved):
            return None
        alike = next((one for one in known if one.map_size == self.map_size), known[0])
        return alike.map_size[axis], self.map_size[axis]  # type: ignore[index]

    @property
    def source(self) -> Node | None:
        """Where the first tensor that it has read comes from; None of the input."""
        return self.sources[0] if self.sources else None

    def __str__(self) -> str:
        function, _, way = self.operation.partition(", ")
        if self.layer is None and function in self.name:
            return f"{self.name} ({way})" if way else self.name
        return f"{self.name} ({self.operation})" if self.name else self.operation


def ancestors(node: Node) -> set[Node]:
    """All nodes on the way from the input to `node`, itself among them."""
    known, todo = {node}, [node]
    while todo:
        fresh = [source for source in todo.pop().sources if source not in known]
        known.update(fresh)
        todo += fresh
    return known


def common_ancestor(one: Node, other: Node) -> Node | None:
    """The last node that both depend on; None if they share none."""
    shared = ancestors(one) & ancestors(other)
    return max(shared, key=lambda node: node.number, default=None)


def path_between(start: Node, end: Node) -> list[Node]:
    """The nodes after `start`, up to `end`, along one of the ways between them.

    Where ways meet, the one is followed whose map is as large as the result: a gate or a bias has
    other sizes, and does not decide about them; of attention, it is not known whether it has any.
    """
    after = {start}  # the nodes that depend on it
    for node in sorted(ancestors(end), key=lambda one: one.number):
        if any(source in after for source in node.sources):
            after.add(node)
    path: list[Node] = []
    node = end
    while node is not start:
        path.append(node)
        onward = [
            (source, shape) for source, shape in zip(node.sources, node.inputs) if source in after
        ]
        if not onward:
            return []
        alike = [source for source, _ in onward if node.map_size and source.size == node.size]
        alike = alike or [source for source, shape in onward if shape[2:] == node.shape[2:]]
        node = alike[0] if alike else onward[0][0]
    return path[::-1]


def root_of(node: Node) -> Node:
    """The input that a node depends on; the first, if on several."""
    return min((one for one in ancestors(node) if not one.sources), key=lambda one: one.number)


@dataclass(frozen=True)
class Ways:
    """Paths from an input of shape `begin` whose ends should be equally large, or as `goal` says.

    `goal` has a size per axis; None where the ends are to agree with one another.
    """

    begin: Shape
    paths: tuple[Sequence[Node], ...]
    goal: tuple[int, ...] | None = None

    @property
    def layers(self) -> dict[str, nn.Module]:
        """The layers on them, each once, the last first."""
        nodes = sorted({node for path in self.paths for node in path}, key=lambda one: -one.number)
        return {node.name: node.layer for node in nodes if node.layer is not None}


def before(node: Node) -> Iterator[Node]:
    """`node`, and what it comes from, first source by first source, back to the input."""
    current: Node | None = node
    while current is not None:
        yield current
        current = current.source
