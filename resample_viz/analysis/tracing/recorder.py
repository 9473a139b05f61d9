"""Follows shapes and receptive fields while a model runs, operator by operator."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.parametrize import is_parametrized
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

import resample_viz
from resample_viz.analysis.tracing.graph import CallSite, Node, Shape
from resample_viz.analysis.tracing.layout import Layout
from resample_viz.analysis.tracing.receptive import AxisField, Field
from resample_viz.analysis.tracing.receptive_rules import (
    ON_MAPS,
    Call,
    extent,
    field_of,
    is_pointwise,
    layout_of,
    written,
)
from resample_viz.deprecation import warn

FUNCTIONS = {
    "convolution": "conv2d",
    "max_pool2d_with_indices": "max_pool2d",
    "_adaptive_avg_pool2d": "adaptive_avg_pool2d",
    "upsample_nearest2d": "interpolate, nearest",
    "_upsample_nearest_exact2d": "interpolate, nearest-exact",
    "upsample_bilinear2d": "interpolate, bilinear",
    "_upsample_bilinear2d_aa": "interpolate, bilinear, antialias",
    "upsample_bicubic2d": "interpolate, bicubic",
    "_upsample_bicubic2d_aa": "interpolate, bicubic, antialias",
    "constant_pad_nd": "pad",
    "reflection_pad2d": "pad, reflect",
    "replication_pad2d": "pad, replicate",
    "slice": "crop",
    "view": "flatten",
    "mean": "mean",
    "addmm": "linear",
    "mm": "matmul",
    "bmm": "matmul",
}
"""What learners call the operators; the others keep their own name."""
LIBRARIES = tuple(
    str(Path(file).parent) for file in (torch.__file__, resample_viz.__file__) if file
)
"""Folders of code that is not the model's."""
MOST_OF_A_LINE = 100
MERGES = ("cat", "stack", "add", "sub", "mul")
SETTINGS = (
    ("stride", 1),
    ("padding", 0),
    ("output_padding", 0),
    ("dilation", 1),
    ("groups", 1),
)


@dataclass(frozen=True, eq=False)
class TraceStep:
    """One layer or function that a model has run.

    Attributes:
        name: the layer's place in the model ("layer1.0.conv1"); of a function, the place of the
            module that calls it, and the function ("layer1.0.add").
        operation: the layer or function with what decides its shape, in short.
        inputs: the shapes of the tensors that it has read.
        shape: the shape of its (first) output.
        field: the receptive field of the output's cells; None if it does not depend on the input,
            or if the input is no picture.
        parameters: the numbers that the layer has learned, at its first use; 0 later.
        layer: the layer itself, of the copy that was run; None for functions.
    """

    name: str
    operation: str
    inputs: tuple[Shape, ...]
    shape: Shape
    field: Field | None
    parameters: int = 0
    layer: nn.Module | None = None

    @property
    def values(self) -> int:
        """Numbers in the output, per image of the batch."""
        count = 1
        for size in self.shape[1:]:
            count *= size
        return count

    @property
    def extent(self) -> tuple[int, int] | None:
        """Height and width of the map; None for outputs in which no rows and columns are left."""
        if self.field is None:
            return (self.shape[-2], self.shape[-1]) if len(self.shape) == 4 else None
        return self.field.layout.map_size

    @property
    def is_key(self) -> bool:
        """Whether the step changes more than values: a shape, a field, or what paths meet."""
        if self.layer is None or isinstance(self.layer, nn.Linear):
            return True
        before = self.inputs[0] if self.inputs else ()
        return before != self.shape or "kernel_size" in vars(self.layer)

    @property
    def is_telling(self) -> bool:
        """The old name of `is_key`."""
        warn("TraceStep.is_telling", "TraceStep.is_key", stacklevel=2)
        return self.is_key


@dataclass(eq=False)
class Attempt:
    """What has raised: an operator, a function or a module, and what it was given.

    `operands` are the tensors that it was given, and where they come from: None if not from the
    input. `read` are those of the layer, where it is one: an operator may see them reshaped.
    `operator` is what ATen or Python calls the function; `site` is its call in Python.
    `code` is the line of the model's code that has raised it, if that can be read.
    """

    name: str
    operation: str
    layer: nn.Module | None
    error: BaseException
    operands: tuple[tuple[Tensor, Node | None], ...] = ()
    read: tuple[tuple[Tensor, Node | None], ...] = ()
    operator: str = ""
    site: CallSite | None = None
    code: str = ""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Of the tensors that it has read."""
        return tuple(tuple(tensor.shape) for tensor, _ in self.read)


class Reached(Exception):  # noqa: N818  not an error
    """Raised inside a model once it has made what was asked for."""


class Recorder(TorchDispatchMode):
    """While this is active, every operator adds to `steps`; see `watching` for the layers' names.

    With `keep`, the pass ends after step number `keep` by raising `Reached`; `kept` then holds the
    tensors that the step has read and made. Operators run below autograd: what one of them makes
    is a part of the graph only when the function that has called it returns: there the pass ends.
    """

    def __init__(self, inputs: Sequence[Tensor], keep: int | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.steps: list[TraceStep] = []
        self.failed: Attempt | None = None
        self.keep = keep
        self.kept: tuple[tuple[Tensor, ...], Tensor] | None = None
        self.site: CallSite | None = None
        self.report: Callable[[str], None] | None = None
        self._places: list[tuple[str, nn.Module]] = []
        self._read: list[tuple[Tensor, ...]] = []
        self._counted: set[int] = set()
        self._fields = WeakTensorKeyDictionary()
        self._nodes = WeakTensorKeyDictionary()
        self._count = 0
        self._crop: CallSite | None = None  # of the last step, where it was a crop
        for one in inputs:
            self._nodes[one] = self._node("input", (), tuple(one.shape))
        self._axes = inputs[0].ndim - 2
        if inputs[0].ndim == 4:
            self._fields[inputs[0]] = Field.of_input(inputs[0].shape)
            self._lay_out(inputs[0], self._fields[inputs[0]].layout)
        elif self._axes in (1, 3):
            self._lay_out(inputs[0], Layout.of_map(inputs[0].shape, self._axes))

    def node(self, tensor: Tensor) -> Node | None:
        """Where a tensor comes from; None if it does not depend on the input."""
        node: Node | None = self._nodes.get(tensor)
        return node

    # Operators

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Runs the operator, and follows the fields of what it makes."""
        del types
        kwargs = kwargs or {}
        if self.site is None:
            self.end_if_reached()
        read = list(tensors_in([*args, *kwargs.values()]))
        try:
            result = normalised(func, args) or func(*args, **kwargs)
        except Exception as error:
            self.fail_at(func.overloadpacket.__name__, read, error)
            raise
        made = list(tensors_in([result]))
        traced = [(tensor, self._nodes[tensor]) for tensor in read if tensor in self._nodes]
        if traced and made:
            settings = _settings(func, args, kwargs)
            self._link(func.overloadpacket.__name__.rstrip("_"), traced, made, settings)
        seen = [(tensor, self._fields[tensor]) for tensor in read if tensor in self._fields]
        if made and (seen or traced):
            self._follow(func, args, kwargs, seen or traced, made, has_field=bool(seen))
        return result

    def _link(
        self,
        operator: str,
        traced: Sequence[tuple[Tensor, Node]],
        made: Sequence[Tensor],
        settings: dict[str, Any],
    ) -> None:
        sources = tuple(node for _, node in traced)
        inputs = tuple(tuple(tensor.shape) for tensor, _ in traced)
        for tensor in made:
            self._nodes[tensor] = self._node(
                operator, sources, tuple(tensor.shape), inputs, settings
            )

    def _node(
        self,
        operator: str,
        sources: tuple[Node, ...],
        shape: Shape,
        inputs: tuple[Shape, ...] = (),
        settings: dict[str, Any] | None = None,
    ) -> Node:
        self._count += 1
        name, operation, layer = ("input", "input", None) if not sources else self._label(operator)
        return Node(
            name, operation, operator, sources, inputs, shape, settings or {}, layer,
            self.site, self._count,
        )  # fmt: skip

    def _label(self, operator: str) -> tuple[str, str, nn.Module | None]:
        """The step that runs now: the layer, or else the function."""
        layer = self._places[-1][1] if self._places else None
        if layer is not None and is_layer(layer):
            return self._place, brief(layer), layer
        function = _shown(operator, self._dimensions)
        return ".".join(filter(None, (self._place, function.partition(",")[0]))), function, None

    @property
    def _dimensions(self) -> int:
        read = self._read[0] if self._read else ()
        return read[0].ndim - 2 if read else 2

    def _follow(
        self, func: Any, args: Any, kwargs: Any, seen: Any, made: list[Tensor], *, has_field: bool
    ) -> None:
        call = Call.of(func, args, kwargs, seen, made[0])
        if not has_field and self._axes in (1, 3):
            self._follow_layouts(call, func, made)
        if has_field:
            for tensor in made:
                field = field_of(replace(call, out=tensor), pointwise=is_pointwise(func))
                if field is not None:
                    self._fields[tensor] = field
                    self._lay_out(tensor, field.layout)
            if func._schema.is_mutable and made[0]._base is not None and made[0] in self._fields:
                self._write(made[0]._base, made[0])
        if not (self._places and is_layer(self._places[-1][1])) and _is_step(call):
            name, shown, _ = self._label(call.name)
            self._add(name, shown, tuple(tensor for tensor, _ in seen), made[0], None)

    def _lay_out(self, tensor: Tensor, layout: Layout | None) -> None:
        """Notes where rows and columns lie in what a node has made."""
        node = self.node(tensor)
        if node is not None:
            node.layout, node.axes = layout, self._axes

    def _follow_layouts(self, call: Call, func: Any, made: list[Tensor]) -> None:
        """Of sequences and volumes, whose fields are not followed."""
        cell = AxisField.of_input()
        layouts = [(one, self._nodes[one].layout) for one, _ in call.seen]
        seen = [(one, Field(cell, cell, layout)) for one, layout in layouts if layout is not None]
        if len(seen) != len(layouts):
            return
        for tensor in made:
            known = replace(call, out=tensor, seen=seen)
            layout = layout_of(known, pointwise=is_pointwise(func), axes=self._axes)
            self._lay_out(tensor, layout)

    def _write(self, base: Tensor, part: Tensor) -> None:
        self._fields[base] = written(base, self._fields.get(base), part, self._fields[part])

    def fail_at(self, operator: str, read: Sequence[Tensor], error: BaseException) -> None:
        """Notes what has raised an error: the innermost that sees it is the first that does."""
        if self.failed is not None and self.failed.error is error:
            return
        name, operation, layer = self._label(operator)
        self._note_failure(name, operation, layer, read, error, operator.rstrip("_"))

    def _note_failure(
        self,
        name: str,
        operation: str,
        layer: nn.Module | None,
        read: Sequence[Tensor],
        error: BaseException,
        operator: str = "",
    ) -> None:
        operands = tuple((one, self.node(one)) for one in read)
        whole = operands
        if layer is not None and is_layer(layer) and self._read:
            whole = tuple((one, self.node(one)) for one in self._read[-1])
        self.failed = Attempt(name, operation, layer, error, operands, whole, operator, self.site)

    # Functions

    def returned(self, function: str, read: Sequence[Tensor], made: Sequence[Tensor]) -> None:
        """A function in Python has made tensors, not all by operators that could be followed."""
        traced = [(tensor, self._nodes[tensor]) for tensor in read if tensor in self._nodes]
        lost = [tensor for tensor in made if tensor not in self._nodes]
        if traced and lost:
            self._link(function, traced, lost, {})

    # Layers

    @property
    def _place(self) -> str:
        return self._places[-1][0] if self._places else ""

    def enter(self, name: str, module: nn.Module, inputs: Any) -> None:
        """A module begins its forward pass."""
        if self.report is not None:
            self.report(f"tracing {name}, after {len(self.steps)} steps")
        self._places.append((name, module))
        self._read.append(tuple(tensors_in(inputs)))

    def leave(self, module: nn.Module, output: Any) -> None:
        """A module has ended it."""
        while self._places and self._places[-1][1] is not module:  # an error was caught in there
            self._places.pop()
            self._read.pop()
        made = next(tensors_in([output]), None)
        if made is not None:
            self.returned(type(module).__name__, self._read[-1], list(tensors_in([output])))
        name, _ = self._places.pop()
        read = self._read.pop()
        if is_layer(module) and made is not None:
            self._add(name, brief(module), read, made, module)

    def fail(self, error: BaseException) -> Attempt:
        """What has failed: an operator, or else the innermost module that was running."""
        known = self.failed is not None and _is_caused(error, self.failed.error)
        if self.failed is None or not known:
            name, module = self._places[-1] if self._places else ("", None)
            read = self._read[-1] if self._read else ()
            operation = brief(module) if module is not None else "forward"
            self._note_failure(name or "forward", operation, module, read, error)
        assert self.failed is not None
        self.failed.code = _raising_line(self.failed.error)
        _forget_frames(error)
        return self.failed

    def _add(
        self,
        name: str,
        operation: str,
        read: tuple[Tensor, ...],
        made: Tensor,
        layer: nn.Module | None,
    ) -> None:
        inputs = tuple(tuple(one.shape) for one in read)
        is_crop = layer is None and operation == "crop"
        if is_crop and self.site is not None and self.site == self._crop:
            inputs = self.steps.pop().inputs  # rows and columns are cut by two operators
            read = self.kept[0] if self.kept is not None else read
        self._crop = self.site if is_crop else None
        counted = [] if layer is None else layer.parameters()
        parameters = sum(one.numel() for one in counted if id(layer) not in self._counted)
        self._counted.add(id(layer))
        field = self._fields.get(made)
        self.steps.append(
            TraceStep(name, operation, inputs, tuple(made.shape), field, parameters, layer)
        )
        if len(self.steps) - 1 == self.keep:
            self.kept = (read, made)
            if layer is not None:
                raise Reached

    def end_if_reached(self, made: Sequence[Tensor] = ()) -> None:
        """Ends the pass once the step that was asked for is done; `made` by the function around it.

        A view is made a part of the graph by a copy: then it is this one that is kept.
        """
        if self.kept is None:
            return
        read, kept = self.kept
        views = [one for one in made if one.requires_grad and _is_same_view(one, kept)]
        if views and not kept.requires_grad:
            self.kept = read, views[0]
        raise Reached


class Functions(TorchFunctionMode):
    """While this is active, `recorder` knows which function of PyTorch runs, and which has failed.

    Some functions raise before any operator is run, as `F.max_unpool2d` does.
    """

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder
        self._counts: Counter[str] = Counter()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        kwargs = kwargs or {}
        name = function_name(func)
        if name == "__get__":  # an attribute, such as x.shape
            return func(*args, **kwargs)
        outer, self.recorder.site = self.recorder.site, CallSite(name, self._counts[name])
        self._counts[name] += 1
        read = list(tensors_in([*args, *kwargs.values()]))
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            self.recorder.fail_at(name, read, error)
            raise
        if read:
            self.recorder.returned(name, read, list(tensors_in([result])))
        self.recorder.end_if_reached(list(tensors_in([result])))
        self.recorder.site = outer
        return result


def normalised(func: Any, args: Any) -> tuple[Tensor, ...] | None:
    """What batch normalisation makes on the meta device; None for all other operators.

    It keeps the shape, which PyTorch's meta kernel finds out in 4 ms per layer, by carrying out the
    formula: most of the time of a trace of ResNet-50. Channels that do not fit are left to it.
    """
    if func.overloadpacket.__name__ != "native_batch_norm" or not args[0].is_meta:
        return None
    x, *tensors = args[:5]
    if any(one is not None and one.shape != x.shape[1:2] for one in tensors):
        return None
    return torch.empty_like(x), x.new_empty(0), x.new_empty(0)


def _is_same_view(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same numbers in the same order."""
    places = [(x.data_ptr(), tuple(x.shape), x.stride()) for x in (one, other)]
    return places[0] == places[1]


def function_name(func: Any) -> str:
    """The name of a function that a TorchFunctionMode sees; "fn" where it has none of its own.

    >>> function_name(Tensor.add)
    'add'
    """
    name = getattr(func, "__name__", "")
    return "max_pool" if "boolean_dispatch" in getattr(func, "__qualname__", "") else name


def _is_caused(error: BaseException, inner: BaseException) -> bool:
    """Whether `error` is `inner`, or was raised because of it."""
    current: BaseException | None = error
    while current is not None:
        if current is inner:
            return True
        current = current.__cause__ or current.__context__
    return False


def _raising_line(error: BaseException) -> str:
    """The line of the model's code that has raised an error; "" if it cannot be read."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if not one.filename.startswith(LIBRARIES) and one.line]
    return shorten(own[-1].line or "", MOST_OF_A_LINE, placeholder=" …") if own else ""


def _forget_frames(error: BaseException) -> None:
    """Drops the frames that an error and its causes were raised through: they hold the model.

    Whoever keeps the error would keep the model with it, in a circle, until Python looks for such.
    """
    current: BaseException | None = error
    while current is not None:
        current.__traceback__ = None
        current = current.__cause__ or current.__context__


def _settings(func: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """The arguments of an operator that are no tensors; of its weight, the shape."""
    known = func._schema.arguments
    named = {one.name: one.default_value for one in known if one.has_default_value()}
    named |= {one.name: value for one, value in zip(known, args)} | kwargs
    weight = named.get("weight")
    plain = {name: value for name, value in named.items() if not _has_tensors(value)}
    return plain | ({"weight": tuple(weight.shape)} if isinstance(weight, Tensor) else {})


def _has_tensors(value: Any) -> bool:
    return next(tensors_in([value]), None) is not None


def _shown(operator: str, dimensions: int) -> str:
    """What learners call an operator."""
    shown = FUNCTIONS.get(operator, FUNCTIONS.get(operator.replace(f"{dimensions}d", "2d")))
    if shown is None:
        return operator.strip("_")
    return shown.replace("2d", f"{dimensions}d") if dimensions in (1, 3) else shown


def _is_step(call: Call) -> bool:
    """Whether a function outside of layers is worth a line: it moves cells, or paths meet in it."""
    if call.name == "slice":
        return extent(call.source) != extent(call.out)
    if call.name in MERGES:
        return len({id(tensor) for tensor, _ in call.seen}) > 1
    if call.name in ("view", "mean"):
        return call.source.ndim == 4 and extent(call.source) != extent(call.out)
    known = re.sub(r"[13]d", "2d", call.name)
    return known in ON_MAPS or known in ("addmm", "mm", "bmm")


def tensors_in(values: Iterable[Any]) -> Iterator[Tensor]:
    """All tensors in nested lists, tuples and dictionaries."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, dict):
            yield from tensors_in(value.values())
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


def is_layer(module: nn.Module) -> bool:
    """Whether a module is one of PyTorch's own layers, which is one step of a trace."""
    kind = layer_type(module)
    is_own = kind.__module__.startswith("torch.nn.")
    alone = is_parametrized(module) or not any(module.children())
    return is_own and alone and not issubclass(kind, nn.Sequential)


def layer_type(module: nn.Module) -> type[nn.Module]:
    """The layer's class; of one with weight norm or another parametrisation, what it was before."""
    return type(module).__mro__[1] if is_parametrized(module) else type(module)


def brief(module: nn.Module) -> str:
    """A layer in a few words: what decides its shape.

    >>> brief(nn.Conv2d(3, 8, 3, stride=2))
    'Conv2d 3×3, stride 2'
    """
    words = [layer_type(module).__name__]
    taps = getattr(module, "kernel_size", None)
    if taps is not None:
        words[0] += f" {_times(taps)}"
    for name in ("scale_factor", "upscale_factor", "downscale_factor", "size", "output_size"):
        value = getattr(module, name, None)
        if value is not None:
            words[0] += f" {_times(value)}" if "size" in name else f" ×{_plain(value)}"
    is_pool = "Pool" in words[0]
    for name, usual in SETTINGS:
        value = _plain(getattr(module, name, usual))
        if value != usual and not (is_pool and name == "stride" and value == _plain(taps)):
            shown = _times(value) if isinstance(value, tuple) else str(value)
            words.append(f"{name.replace('_', ' ')} {shown}")
    if getattr(module, "ceil_mode", False):
        words.append("ceil mode")
    return ", ".join(words)


def _plain(value: Any) -> Any:
    """One number instead of a tuple of equal ones; 2 instead of 2.0."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        value = value[0]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _times(value: Any) -> str:
    """3×3, of one number for both axes as well."""
    if not isinstance(value, tuple | int):
        return str(value)
    return "×".join(map(str, value if isinstance(value, tuple) else (value, value)))


@contextmanager
def watching(model: nn.Module, recorder: Recorder) -> Iterator[None]:
    """Tells the recorder which module is running; in evaluation mode, which is put back after.

    Steps have the same numbers on all devices, with gradients or without.
    """
    modes = [(module, module.training) for module in model.modules()]
    handles = []

    def enter(name: str) -> Callable[..., None]:
        return lambda module, args, kwargs: recorder.enter(name, module, [*args, kwargs])

    def leave(module: nn.Module, inputs: Any, output: Any) -> None:
        del inputs
        recorder.leave(module, output)

    try:
        for name, module in model.named_modules():
            handles.append(module.register_forward_pre_hook(enter(name), with_kwargs=True))
            handles.append(module.register_forward_hook(leave))
            module.training = False
        # All other kernels for attention are one operator, on some devices only.
        with Functions(recorder), sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes:
            module.training = training
