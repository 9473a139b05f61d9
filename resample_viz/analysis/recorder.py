"""Follows shapes and receptive fields while a model runs, operator by operator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from resample_viz.analysis.receptive import Field
from resample_viz.analysis.receptive_rules import RULES, Call, extent, field_of, is_pointwise

Shape = tuple[int, ...]

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
        field: the receptive field of the output's cells; None if it does not depend on the input.
        parameters: the numbers that the layer has learned, at its first use; 0 later.
        layer: the layer itself; None for functions.
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
        """Height and width of a map, (N, C, H, W); None for flattened outputs."""
        return (self.shape[-2], self.shape[-1]) if len(self.shape) == 4 else None

    @property
    def is_telling(self) -> bool:
        """Whether the step changes more than values: a shape, a field, or what paths meet."""
        if self.layer is None or isinstance(self.layer, nn.Linear):
            return True
        before = self.inputs[0] if self.inputs else ()
        return before != self.shape or "kernel_size" in vars(self.layer)


@dataclass
class Attempt:
    """The operator that has raised, and the shapes of the tensors that it was given."""

    name: str
    operation: str
    shapes: tuple[Shape, ...]
    layer: nn.Module | None
    error: Exception


class Reached(Exception):  # noqa: N818  not an error
    """Raised inside a model once it has made what was asked for."""


class Recorder(TorchDispatchMode):
    """While this is active, every operator adds to `steps`; see `watching` for the layers' names.

    With `keep`, the pass ends after step number `keep` by raising `Reached`; `kept` then holds the
    tensors that the step has read and made.
    """

    def __init__(self, inputs: Sequence[Tensor], keep: int | None = None) -> None:
        super().__init__()
        self.steps: list[TraceStep] = []
        self.failed: Attempt | None = None
        self.keep = keep
        self.kept: tuple[tuple[Tensor, ...], Tensor] | None = None
        self._places: list[tuple[str, nn.Module]] = []
        self._read: list[tuple[Tensor, ...]] = []
        self._counted: set[int] = set()
        self._fields = WeakTensorKeyDictionary()
        if inputs[0].ndim == 4:
            self._fields[inputs[0]] = Field.of_input()

    # Operators

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Runs the operator, and follows the fields of what it makes."""
        del types
        kwargs = kwargs or {}
        given = list(tensors_in([*args, *kwargs.values()]))
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            self._fail(func.overloadpacket.__name__, given, error)
            raise
        seen = [(tensor, self._fields[tensor]) for tensor in given if tensor in self._fields]
        made = list(tensors_in([result]))
        if seen and made:
            self._follow(func, args, kwargs, seen, made)
        return result

    def _follow(self, func: Any, args: Any, kwargs: Any, seen: Any, made: list[Tensor]) -> None:
        call = Call.of(func, args, kwargs, seen, made[0])
        found = field_of(call, pointwise=is_pointwise(func))
        for tensor in made:
            self._fields[tensor] = found
        if not (self._places and is_layer(self._places[-1][1])) and _is_step(call):
            shown = FUNCTIONS.get(call.name, call.name.strip("_"))
            name = ".".join(filter(None, (self._place, shown.partition(",")[0])))
            self._add(name, shown, tuple(tensor for tensor, _ in seen), made[0], None)

    def _fail(self, operator: str, given: list[Tensor], error: Exception) -> None:
        if self.failed is not None:
            return
        layer = self._places[-1][1] if self._places else None
        function = FUNCTIONS.get(operator, operator.strip("_")).partition(",")[0]
        if layer is not None and is_layer(layer):
            name, operation = self._place, brief(layer)
        else:
            name, operation, layer = ".".join(filter(None, (self._place, function))), function, None
        self.failed = Attempt(
            name, operation, tuple(tuple(one.shape) for one in given), layer, error
        )

    # Layers

    @property
    def _place(self) -> str:
        return self._places[-1][0] if self._places else ""

    def enter(self, name: str, module: nn.Module, inputs: Any) -> None:
        """A module begins its forward pass."""
        self._places.append((name, module))
        self._read.append(tuple(tensors_in(inputs)))

    def leave(self, module: nn.Module, output: Any) -> None:
        """A module has ended it."""
        name, _ = self._places.pop()
        read = self._read.pop()
        made = next(tensors_in([output]), None)
        if is_layer(module) and made is not None:
            self._add(name, brief(module), read, made, module)

    def fail(self, error: Exception) -> Attempt:
        """What has failed: an operator, or else the innermost module that was running."""
        if self.failed is None:
            name, module = self._places[-1] if self._places else ("", None)
            shapes = tuple(tuple(one.shape) for one in (self._read[-1] if self._read else ()))
            operation = brief(module) if module is not None else "forward"
            self.failed = Attempt(name or "forward", operation, shapes, module, error)
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
        if operation == "crop" and self.steps and self.steps[-1].name == name:
            inputs = self.steps.pop().inputs  # rows and columns are cut by two operators
        counted = [] if layer is None else layer.parameters(recurse=False)
        parameters = sum(one.numel() for one in counted if id(layer) not in self._counted)
        self._counted.add(id(layer))
        self.steps.append(
            TraceStep(
                name,
                operation,
                inputs,
                tuple(made.shape),
                self._fields.get(made),
                parameters,
                layer,
            )
        )
        if len(self.steps) - 1 == self.keep:
            self.kept = (read, made)
            raise Reached


def _is_step(call: Call) -> bool:
    """Whether a function outside of layers is worth a line: it moves cells, or paths meet in it."""
    if call.name == "slice":
        return extent(call.source) != extent(call.out)
    if call.name in MERGES:
        return len({id(tensor) for tensor, _ in call.seen}) > 1
    if call.name in ("view", "mean"):
        return call.source.ndim == 4 and extent(call.source) != extent(call.out)
    return call.name in RULES or call.name in ("addmm", "mm", "bmm")


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
    is_own = type(module).__module__.startswith("torch.nn.")
    return is_own and not isinstance(module, nn.Sequential) and not any(module.children())


def brief(module: nn.Module) -> str:
    """A layer in a few words: what decides its shape.

    >>> brief(nn.Conv2d(3, 8, 3, stride=2))
    'Conv2d 3×3, stride 2'
    """
    words = [type(module).__name__]
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
    """Tells the recorder which module is running; in evaluation mode, which is put back after."""
    modes = [(module, module.training) for module in model.modules()]
    handles = []

    def enter(name: str) -> Callable[..., None]:
        return lambda module, inputs: recorder.enter(name, module, inputs)

    def leave(module: nn.Module, inputs: Any, output: Any) -> None:
        del inputs
        recorder.leave(module, output)

    try:
        for name, module in model.named_modules():
            handles.append(module.register_forward_pre_hook(enter(name)))
            handles.append(module.register_forward_hook(leave))
            module.training = False
        yield
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes:
            module.training = training
