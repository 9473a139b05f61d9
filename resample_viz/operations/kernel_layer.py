"""`KernelLayer`: what a convolution and a transposed convolution have in common."""

from __future__ import annotations

import math
import textwrap
import warnings
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from resample_viz.operations.base import Operation, Undo, check_memory
from resample_viz.operations.errors import OperationError
from resample_viz.operations.inverses import (
    inverse_kind,
    lost_below,
    pseudo_inverse,
    reciprocal_condition,
)
from resample_viz.operations.kernels import NAMED, Weights, random, three_fan_in
from resample_viz.operations.parameters import Pair
from resample_viz.operations.program import Program
from resample_viz.operations.validation import (
    check_picture,
    check_whole,
    either,
    is_number,
    pair,
    quoted,
)
from resample_viz.words import N_
from resample_viz.words import gettext as _

BIAS = 0.5
"""What `bias=True` adds to every output cell: half of the range of a picture, which one sees."""
MOST_CELLS = 1024  # of an input and of an output whose dense matrix is inverted: about a second
MOST_NUMBERS = 64  # of an own kernel that are written out in a program
MOST_BIASES = 16  # of an own bias that are
MOST_SHOWN = 8  # of an own bias that a repr writes out
FOLLOWS: Any = None
"""The default of a size: what a learner's own kernel says, else what `USUAL` says."""
LEAST = {
    "kernel_size": 1,
    "stride": 1,
    "padding": 0,
    "output_padding": 0,
    "dilation": 1,
    "groups": 1,
    "in_channels": 1,
    "out_channels": 1,
    "seed": 0,
}
PAIRS = ("kernel_size", "stride", "padding", "output_padding", "dilation")
USUAL = {"kernel_size": 3, "out_channels": 1, "in_channels": 1}


class KernelLayer(Operation):
    """A layer that slides a kernel over (N, C, H, W), with groups and a bias.

    The weights come from a named kernel, or from a learner's own one. A named or a two-dimensional
    kernel is applied to the *mean* of the input channels that an output channel sees: each weight
    is divided by their number, in_channels / groups. With groups=1 a colour picture becomes grey,
    with groups=3 its colours stay. kernel="random" draws every weight alone (see `kernels.random`),
    and a tensor with four axes is used as it is. `bias` is True, which adds 0.5 everywhere, or one
    number per output channel.
    """

    layer: ClassVar[type[nn.Module]]
    functional: ClassVar[str]
    """The function in torch.nn.functional that the layer calls."""
    name: ClassVar[str]
    """What this layer is called in a sentence."""
    padding_words: ClassVar[tuple[str, ...]] = ()
    """What `padding` may be instead of a number."""
    saves_memory = N_("fewer out_channels, less padding")

    kernel: Any
    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    groups: Any
    in_channels: Any
    out_channels: Any
    bias: Any
    seed: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.name == "kernel" and not isinstance(value, str | Weights):
                object.__setattr__(self, "kernel", Weights(value))
        self._check_words()
        self._check_number("groups")
        self._follow_the_kernel()
        for name in LEAST:
            if hasattr(self, name):
                self._check_number(name)
        self._check_bias_length()
        self._check_groups()
        check_memory(
            self.weight_shape, 4, N_("weight"), N_("a smaller kernel_size, fewer channels")
        )
        self._plane()  # which refuses sizes that the kernel does not exist in

    # Weights

    @property
    def taps(self) -> Pair:
        """The kernel's height and width."""
        return pair(self.kernel_size)

    @property
    def window(self) -> Pair:
        """How many cells the dilated kernel spans: dilation (kernel_size - 1) + 1."""
        height, width = (d * (k - 1) + 1 for d, k in zip(pair(self.dilation), self.taps))
        return height, width

    @property
    @abstractmethod
    def weight_shape(self) -> tuple[int, int, int, int]:
        """The shape of the PyTorch layer's weight."""

    @property
    def weight(self) -> Tensor:
        """A copy of the layer's weights, float32, of `weight_shape`."""
        if isinstance(self.kernel, Weights) and len(self.kernel.shape) == 4:
            return self.kernel.values
        if self.kernel == "random":
            return random(self.weight_shape, self.seed)
        plane = self._plane()
        assert plane is not None
        return plane.expand(self.weight_shape).clone()

    @property
    def bias_values(self) -> Tensor:
        """What is added to each output channel, (out_channels,), float32; 0 without a bias."""
        if isinstance(self.bias, tuple):
            return torch.tensor(self.bias)
        return torch.full((self.out_channels,), BIAS if self.bias else 0.0)

    def _plane(self) -> Tensor | None:
        """The (kh, kw) weights that are the same for all channels, if they are."""
        if isinstance(self.kernel, Weights):
            if len(self.kernel.shape) == 4:
                return None
            plane = self.kernel.values.double()
        elif self.kernel == "random":
            return None
        else:
            plane = NAMED[self.kernel](self.taps)
        scaled: Tensor = plane * self._gain() / (self.in_channels // self.groups)
        return scaled.float()

    def _gain(self) -> int:
        """What a named kernel is multiplied with."""
        return 1

    # The layer and its code

    def options(self) -> dict[str, Any]:
        """The keyword arguments of the PyTorch layer that are not at PyTorch's defaults."""
        usual: dict[str, Any] = {"stride": 1, "padding": 0, "output_padding": 0}
        usual |= {"dilation": 1, "groups": 1, "padding_mode": "zeros", "bias": True}
        options = {"kernel_size": self.kernel_size}
        for name, default in usual.items():
            value = getattr(self, name, default)
            value = bool(value) if name == "bias" else value
            if value not in (default, (default, default)):
                options[name] = value
        return options

    def module(self) -> nn.Module:
        """The PyTorch layer with `weight` and `bias_values`; they ask for no gradient."""
        return self._module_in(torch.float32)

    def _compute(self, x: Tensor) -> Tensor:
        layer = self._module_in(x.dtype if x.is_floating_point() else torch.float32)
        with warnings.catch_warnings():
            # Padding by an odd number of cells costs PyTorch a copy: no news to who looks at it.
            warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")
            y: Tensor = layer(x)
        return y

    def _module_in(self, dtype: torch.dtype) -> nn.Module:
        # On "meta" PyTorch draws no initial weights, which would move a learner's random numbers.
        layer = self.layer(self.in_channels, self.out_channels, **self.options(), device="meta")
        layer.weight = nn.Parameter(self.weight.to(dtype), requires_grad=False)
        if self.bias:
            layer.bias = nn.Parameter(self.bias_values.to(dtype), requires_grad=False)
        return layer

    def code(self) -> str:
        """The PyTorch expression for this layer, its weights apart: see `program`."""
        return (
            f"nn.{self.layer.__name__}({self.in_channels}, {self.out_channels}, "
            f"{_arguments(self.options())})"
        )

    def definition(self) -> Program:
        """The layer, its weights and its bias, in up to three statements.

        A learner's own kernel of more than 64 numbers, or bias of more than 16, is not written out:
        the program then takes it from the name `weight` or `bias`; see `own_tensors`.
        """
        layer = super().definition()
        lines = [layer.setup, f"{self.variable}.weight.data[:] = {self._weight_code()}"]
        if self.bias:
            lines.append(f"{self.variable}.bias.data[:] = {self._bias_code()}")
        return Program("\n".join(lines), layer.expression)

    def own_tensors(self) -> dict[str, Tensor]:
        """`weight`, and `bias`, where the program leaves them to these names."""
        own = {}
        if self._is_long_kernel():
            own["weight"] = self.weight
        if self._is_long_bias():
            own["bias"] = self.bias_values
        return own

    def _is_long_kernel(self) -> bool:
        own = isinstance(self.kernel, Weights)
        return own and math.prod(self.kernel.shape) > MOST_NUMBERS

    def _is_long_bias(self) -> bool:
        return isinstance(self.bias, tuple) and len(self.bias) > MOST_BIASES

    def _weight_code(self) -> str:
        if self.kernel == "random":
            return _random_code(f"{self.variable}.weight.shape", self.weight_shape, self.seed)
        if self._is_long_kernel():
            return "weight  # " + _("your own tensor, {shape}", shape=self.kernel.shape)
        plane = self._plane()
        return written_out(self.weight if plane is None else plane)

    def _bias_code(self) -> str:
        if not isinstance(self.bias, tuple):
            return f"{BIAS}"
        if self._is_long_bias():
            return "bias  # " + _("your own tensor, {shape}", shape=(len(self.bias),))
        return written_out(self.bias_values)

    def __repr__(self) -> str:
        shown = [
            f"{field.name}={_shown(value)}"
            for field in fields(self)  # type: ignore[arg-type]
            if (value := getattr(self, field.name)) != USUAL.get(field.name, field.default)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    # The ways back

    @abstractmethod
    def _way_back(self, shape: Sequence[int]) -> KernelLayer:
        """The layer with the same weights that is the adjoint for inputs of this shape.

        Raises OperationError where no layer is.
        """

    def _shape_back(self, shape: Sequence[int]) -> KernelLayer:
        """A layer that gives `shape` back. Raises OperationError where no layer does."""
        return self._way_back(shape)

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """Another layer with random weights (shape only), the adjoint, and least squares.

        A bias is subtracted first, as what is undone is the linear part. Least squares takes a
        dense matrix, so it is there only if input and output have 1024 cells or less, all channels
        together.
        """
        cells = math.prod(shape[1:]), math.prod(self.output_shape(shape)[1:])
        ways = [self._undo_shape(shape), self._undo_by_the_adjoint(shape)]
        if max(cells) <= MOST_CELLS:
            ways.append(self._least_squares(tuple(shape[1:])))
        return tuple(way for way in ways if way)

    def _undo_shape(self, shape: Sequence[int]) -> Undo | None:
        try:
            back: KernelLayer = replace(
                self._shape_back(shape),  # type: ignore[type-var]
                kernel="random",
                seed=self.seed + 1,
            )
        except OperationError:
            return None
        weight = _random_code(f"{self.variable}.weight.shape", self.weight_shape, back.seed)
        return Undo(
            N_("{layer}, random weights", layer=back.name),
            back._call(self._y_code(), weight),
            lambda y: back(y - self._offset(y)),
            lambda: "shape only",
        )

    def _undo_by_the_adjoint(self, shape: Sequence[int]) -> Undo:
        try:
            back = self._way_back(shape)
        except OperationError:
            adjoint = self.adjoint(shape)
            code = f"torch.func.vjp({self.variable}, x)[1]({self._y_code()})[0]"
            return replace(adjoint, code=code, apply=lambda y: adjoint(y - self._offset(y)))
        return Undo(
            N_("{layer}, same weights", layer=back.name),
            back._call(self._y_code(), f"{self.variable}.weight"),
            lambda y: back(y - self._offset(y)),
            lambda: "adjoint",
        )

    def _least_squares(self, cells: tuple[int, ...]) -> Undo:
        linear: KernelLayer = replace(self, bias=False)  # type: ignore[type-var]

        def apply(y: Tensor) -> Tensor:
            flat = (y - self._offset(y)).double().flatten(1)
            inverse = _pinv(linear, cells, lost_below(y.dtype))
            return (flat @ inverse.T).view(len(y), *cells).to(y.dtype)

        setup = f"A = torch.func.jacrev({self.variable})(x[:1]).reshape(y[0].numel(), -1)"
        flat = f"({self._y_code()}).flatten(1)" if self.bias else "y.flatten(1)"
        code = f"({flat} @ torch.linalg.pinv(A).T).view(x.shape)"
        return Undo(N_("least squares"), code, apply, lambda: _kind(linear, cells), setup)

    def _offset(self, y: Tensor) -> Tensor:
        return self.bias_values.to(y.dtype).view(-1, 1, 1)

    def _y_code(self) -> str:
        return f"y - {self.variable}.bias.view(-1, 1, 1)" if self.bias else "y"

    def _call(self, tensor: str, weight: str) -> str:
        options = self.options()
        for name in ("kernel_size", "bias"):
            options.pop(name, None)
        return f"F.{self.functional}({', '.join([tensor, weight, *_each(options)])})"

    # What PyTorch refuses

    def _check_words(self) -> None:
        names = (*NAMED, "random")
        if isinstance(self.kernel, str) and self.kernel not in names:
            raise OperationError(
                _(
                    "kernel {kernel} does not exist, only {choices}: use kernel='box', or "
                    "a tensor of your own.",
                    kernel=quoted(self.kernel),
                    choices=", ".join(names),
                )
            )
        if self.bias is None:  # as PyTorch has it
            object.__setattr__(self, "bias", False)
        if not isinstance(self.bias, bool | tuple):
            raise OperationError(
                _(
                    "bias must be True, False, or one number per output channel, not "
                    "{bias}: try bias=True.",
                    bias=quoted(self.bias),
                )
            )
        if isinstance(self.bias, tuple):
            self._check_bias_numbers(self.bias)

    def _check_bias_numbers(self, numbers: tuple[Any, ...]) -> None:
        if not numbers or not all(map(is_number, numbers)):
            raise OperationError(
                _(
                    "bias {numbers} is no row of numbers, one per output channel: try "
                    "bias=True, which adds 0.5 everywhere.",
                    numbers=quoted(numbers),
                )
            )
        rounded = torch.tensor(numbers, dtype=torch.float32).tolist()
        object.__setattr__(self, "bias", tuple(rounded))

    def _check_number(self, name: str) -> None:
        value = getattr(self, name)
        if name == "padding" and value in self.padding_words:
            return
        check_whole(name, value, LEAST[name], pairs=name in PAIRS)

    @abstractmethod
    def _channels_of(self, shape: Sequence[int]) -> dict[str, int]:
        """in_channels and out_channels of a weight with four axes."""

    def _follow_the_kernel(self) -> None:
        """Sizes that are not given follow a learner's own tensor; those that are must fit it."""
        says: dict[str, Any] = {}
        if isinstance(self.kernel, Weights):
            height, width = self.kernel.shape[-2:]
            says["kernel_size"] = height if height == width else (height, width)
            if len(self.kernel.shape) == 4:
                says |= self._channels_of(self.kernel.shape)
        for name, usual in USUAL.items():
            value, wanted = getattr(self, name), says.get(name)
            if value is None:
                object.__setattr__(self, name, usual if wanted is None else wanted)
            elif wanted is not None and value not in (wanted, (wanted, wanted)):
                raise OperationError(
                    _(
                        "your own kernel of shape {shape} makes {name} {wanted}, not {value}: "
                        "use {name}={wanted}, or a kernel of another shape.",
                        shape=self.kernel.shape,
                        name=name,
                        wanted=wanted,
                        value=value,
                    )
                )

    def _kernel_size_up_to(self, largest: int) -> int:
        """The largest kernel_size up to this that the kernel exists in; 0 if there is none."""
        if isinstance(self.kernel, Weights):
            return 0
        for size in range(largest, 0, -1):
            try:
                if self.kernel != "random":
                    NAMED[self.kernel]((size, size))
            except OperationError:
                continue
            return size
        return 0

    def _check_bias_length(self) -> None:
        if isinstance(self.bias, tuple) and len(self.bias) != self.out_channels:
            raise OperationError(
                _(
                    "bias has {count} numbers, but there are {out_channels} output "
                    "channels: use out_channels={count}, or bias=True.",
                    count=len(self.bias),
                    out_channels=self.out_channels,
                )
            )

    def _check_groups(self) -> None:
        for name in ("in_channels", "out_channels"):
            count = getattr(self, name)
            if count % self.groups:
                near = math.ceil(count / self.groups) * self.groups
                raise OperationError(
                    _(
                        "groups ({groups}) must divide {name} ({count}): use groups={fitting}, or "
                        "{name}={near}.",
                        groups=self.groups,
                        name=name,
                        count=count,
                        fitting=math.gcd(count, self.groups),
                        near=near,
                    )
                )

    def _other_channels(self, given: int) -> str:
        """The ways out for an input with another number of channels."""
        wanted = self.in_channels
        fixed = isinstance(self.kernel, Weights) and len(self.kernel.shape) == 4
        groups = math.gcd(given, self.groups)
        ways = [] if fixed else [f"in_channels={given}"]
        if ways and groups != self.groups:
            ways = [f"in_channels={given}, groups={groups}"]
        if given > wanted:
            ways.append(f"x[..., :{wanted}, :, :]")
        elif given == 1:
            ways.append(f"x.expand(*x.shape[:-3], {wanted}, -1, -1)")
        elif fixed:
            ways.append(_("an input of {count} channels", count=wanted))
        return either(ways)

    def _check_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        shape = check_picture(N_("a {layer}", layer=self.name), shape)
        if shape[1] != self.in_channels:
            raise OperationError(
                _(
                    "the input {shape} has {count} channels, but this {name} expects "
                    "{in_channels}: use {ways}.",
                    shape=tuple(shape),
                    count=shape[1],
                    name=self.name,
                    in_channels=self.in_channels,
                    ways=self._other_channels(shape[1]),
                )
            )
        return shape


def written_out(values: Tensor) -> str:
    """Code that evaluates to these very float32 numbers, of any shape, over a divisor if it can."""
    for divisor in _divisors(values.flatten()):
        whole = (values.double() * divisor).round().float()
        if torch.equal(whole / divisor, values):
            code = _tensor_code(whole.long().tolist(), lambda n: f"{n}.")
            return code if divisor == 1 else f"{code} / {divisor}"
    return _tensor_code(values.numpy(), lambda n: f"{n!s}")


def _divisors(values: Tensor) -> list[int]:
    """The smallest divisor, if any, over which the first values are whole numbers."""
    few = values[:MOST_NUMBERS]
    divisors = torch.arange(1, 4097)[:, None]
    wholes = (few.double() * divisors).round()
    fits = ((wholes.float() / divisors) == few).all(1)
    return [found + 1 for found in fits.nonzero().flatten().tolist()[:1]]


def _tensor_code(values: Any, number: Any) -> str:
    def nested(level: Any, depth: int) -> str:
        if not hasattr(level, "__len__"):
            return str(number(level))
        inner = [nested(one, depth + 1) for one in level]
        line = f"[{', '.join(inner)}]"
        if len(line) < 80:
            return line
        indent = "    " * depth
        if not hasattr(level[0], "__len__"):  # a long row of numbers is folded
            inner = textwrap.wrap(", ".join(inner), 96 - 4 * depth)
            return f"[\n    {indent}" + f"\n    {indent}".join(inner) + f",\n{indent}]"
        return f"[\n    {indent}" + f",\n    {indent}".join(inner) + f",\n{indent}]"

    return f"torch.tensor({nested(values, 0)})"


def _random_code(shape_code: str, shape: Sequence[int], seed: int) -> str:
    generator = f"torch.Generator().manual_seed({seed})"
    return f"torch.randn({shape_code}, generator={generator}) / {three_fan_in(shape)} ** 0.5"


def _shown(value: Any) -> str:
    """A value as a repr has it; of a long bias no more than its length."""
    long = isinstance(value, tuple) and len(value) > MOST_SHOWN
    return f"<own bias ({len(value)},)>" if long else repr(value)


def _each(options: dict[str, Any]) -> list[str]:
    return [f"{name}={value!r}" for name, value in options.items()]


def _arguments(options: dict[str, Any]) -> str:
    return ", ".join(_each(options))


@lru_cache(maxsize=2)
def _matrix(layer: KernelLayer, cells: tuple[int, ...]) -> Tensor:
    """The dense (out, in) matrix in double precision: each column is what one input turns into."""
    impulses = torch.eye(math.prod(cells), dtype=torch.float64)
    return layer._compute(impulses.view(-1, *cells)).flatten(1).T


@lru_cache(maxsize=2)
def _pinv(layer: KernelLayer, cells: tuple[int, ...], rtol: float) -> Tensor:
    return pseudo_inverse(_matrix(layer, cells), rtol=rtol)


@lru_cache(maxsize=8)
def _kind(layer: KernelLayer, cells: tuple[int, ...]) -> Any:
    matrix = _matrix(layer, cells)
    return inverse_kind(reciprocal_condition(matrix), matrix.shape[0] == matrix.shape[1])
