"""`Operation`: one PyTorch layer, with everything a lab needs to explain it."""

from __future__ import annotations

import ast
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ClassVar, Literal, TypeVar

from torch import Tensor, nn

from resample_viz.operations.errors import OperationError
from resample_viz.operations.footprint import Footprint
from resample_viz.operations.jacobian import vector_jacobian
from resample_viz.operations.program import Program
from resample_viz.operations.validation import (
    MAX_BYTES,
    check_tensor,
    normalise_parameters,
    refusal,
)
from resample_viz.words import N_
from resample_viz.words import gettext as _

UndoKind = Literal[
    "shape only",
    "adjoint",
    "exact inverse",
    "left inverse",
    "right inverse",
    "pseudo-inverse",
    "learned",
    "not converged",
]
"""What a way back is. With `A` the operation, and `B` the way back:

- "shape only": the shape fits, nothing else is certain.
- "adjoint": the transpose of `A`.
- "exact inverse", "left inverse": B A x = x for all x; the second where y has more cells than x.
- "right inverse": A B y = y for all y: what it gives has this y, and need not be x.
- "pseudo-inverse": of all x for which A x is as near to y as possible, the shortest.
- "learned": what a network has learned.
- "not converged": on its way to the pseudo-inverse when the iterations ended; none of the others.
"""
UNDO_KINDS = (
    N_("shape only"),
    N_("adjoint"),
    N_("exact inverse"),
    N_("left inverse"),
    N_("right inverse"),
    N_("pseudo-inverse"),
    N_("learned"),
    N_("not converged"),
)
"""The same as phrases to translate."""


@dataclass(frozen=True)
class Undo:
    """One way back from `y = operation(x)` to something of the shape of x, under its honest name.

    `label` names the method ("resize back, area"; marked by `N_`), `code` is the PyTorch expression
    in `y`, `setup` a statement that it needs first (with the package imported as `rv`).
    `name_kind` gives the kind; it is a function because telling an inverse from a pseudo-inverse
    takes a matrix rank, which nobody should wait for who does not ask.
    """

    label: str
    code: str
    apply: Callable[[Tensor], Tensor]
    name_kind: Callable[[], UndoKind]
    setup: str = ""

    @property
    def kind(self) -> UndoKind:
        """What this way back honestly is."""
        return self.name_kind()

    @property
    def program(self) -> Program:
        """`setup` and `code` as one value."""
        return Program(self.setup, self.code)

    def __call__(self, y: Tensor) -> Tensor:
        """What this way back makes of y, (N, C, ...): a tensor of the shape of the input."""
        return self.apply(y)

    def of_one_picture(self) -> Undo:
        """The same for y (C, H, W): a batch of one is made of it, and taken apart again."""
        program = self.program.renamed({"x": "x[None]", "y": "y[None]"})
        code = f"{_in_brackets(program.expression)}[0]" if self.code != "y" else "y"
        return replace(self, code=code, setup=program.setup, apply=lambda y: self(y[None])[0])


def _in_brackets(expression: str) -> str:
    whole = isinstance(ast.parse(expression, mode="eval").body, ast.Call | ast.Name)
    return expression if whole else f"({expression})"


def _length(shape: Any) -> int | None:
    return len(shape) if hasattr(shape, "__len__") and not isinstance(shape, str) else None


def _same(result: Any) -> Any:
    return result


Method = TypeVar("Method", bound=Callable[..., Any])
STRIPPED: dict[str, Callable[[Any], Any]] = {
    "output_shape": lambda shape: shape[1:],
    "explain_shape": _same,
    "footprint": _same,
    "footprint_at": _same,
    "undo": lambda ways: tuple(way.of_one_picture() for way in ways),
    "undo_at": lambda ways: tuple(way.of_one_picture() for way in ways),
    "__call__": lambda y: y[0],
    # of the convolutions
    "pad": lambda padded: padded[0],
    "padding_of": _same,
    "stretched": lambda spread: spread[0],
    "stamp": _same,
    "overlap": _same,
}
"""The methods that take one picture as well, and how the batch axis leaves their results."""


def takes_one_picture(method: Method) -> Method:
    """A method for batches that takes (C, H, W) too, where PyTorch's layer does."""
    strip = STRIPPED.get(method.__name__, _same)

    @wraps(method)
    def either(self: Operation, given: Any, *more: Any, **named: Any) -> Any:
        if not self.is_one_picture(given):
            return method(self, given, *more, **named)
        more = tuple(one[None] if isinstance(one, Tensor) else one for one in more)
        named = {n: v[None] if isinstance(v, Tensor) else v for n, v in named.items()}
        return strip(method(self, self.as_batch(given), *more, **named))

    return either  # type: ignore[return-value]


class Operation(ABC):
    """A PyTorch resampling layer with fixed parameters.

    Subclasses are frozen dataclasses whose annotations describe the parameters (see
    `resample_viz.operations.parameters`). Shapes are whole tensor shapes, (N, C, H, W) for
    pictures. A subclass is written for batches: one picture, (C, H, W), is then taken as well
    (unless `unbatched` is False), and gives results without a batch axis.
    """

    linear: ClassVar[bool] = True
    """Whether operation(a x + b z) = a operation(x) + b operation(z), apart from a bias."""
    unbatched: ClassVar[bool] = True
    """Whether (C, H, W) is one picture. To `Upsample` it is a batch of rows."""
    variable: ClassVar[str] = "layer"
    """What the layer is called in the programs that are shown to learners."""
    saves_memory: ClassVar[str] = N_("a smaller scale")
    """What to use, or a smaller input, when a result would be too large."""

    def __init_subclass__(cls, **options: Any) -> None:
        """What the subclass says about batches holds for one picture, too."""
        super().__init_subclass__(**options)
        for name in STRIPPED.keys() & vars(cls).keys():
            setattr(cls, name, takes_one_picture(vars(cls)[name]))

    def is_one_picture(self, given: Any) -> bool:
        """Whether a tensor, or a shape, is (C, H, W) to this operation."""
        if isinstance(given, Tensor):
            return self.unbatched and given.ndim == 3
        return self.unbatched and _length(given) == 3

    def as_batch(self, given: Any) -> Any:
        """The tensor, or shape, (1, C, H, W) of one picture; a batch as it is."""
        if not self.is_one_picture(given):
            return given
        return given[None] if isinstance(given, Tensor) else (1, *given)

    def __post_init__(self) -> None:
        """Numbers of NumPy and PyTorch become Python's; a flag is True or False."""
        normalise_parameters(self)

    @abstractmethod
    def module(self) -> nn.Module:
        """The real PyTorch layer."""

    @abstractmethod
    def code(self) -> str:
        """The expression that makes `module()`, in terms of `torch`, `nn`, `F` and `v2`."""

    def definition(self) -> Program:
        """Defines the layer under the name `variable`, its weights included, and calls it on x."""
        return Program(f"{self.variable} = {self.code()}", f"{self.variable}(x)")

    def program(self) -> str:
        """The statements of `definition`, as they are shown."""
        return str(self.definition())

    def own_tensors(self) -> dict[str, Tensor]:
        """What `program` leaves to a name because it is long: a learner's own weight or bias."""
        return {}

    @abstractmethod
    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape that `shape` becomes, by the documented formula.

        Raises OperationError where the operation cannot be applied to that shape.
        """

    @abstractmethod
    def explain_shape(self, shape: Sequence[int]) -> str:
        """The formula behind `output_shape`, with the numbers in it."""

    @abstractmethod
    def footprint(self, shape: Sequence[int]) -> Footprint:
        """Which input cells feed which output cell when the input has `shape`."""

    @takes_one_picture
    def footprint_at(self, x: Tensor) -> Footprint:
        """The footprint for this very input; another one only where the values decide (max).

        x is (N, C, H, W). Raises OperationError where the operation cannot take it.
        """
        self._accept(x)
        return self.footprint(x.shape)

    @abstractmethod
    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """The ways back to an input of `shape`, each under its honest name."""

    @takes_one_picture
    def undo_at(self, x: Tensor) -> tuple[Undo, ...]:
        """The ways back to this very input; more only where its values are remembered (max).

        x is (N, C, H, W). Raises OperationError where the operation cannot take it.
        """
        self._accept(x)
        return self.undo(x.shape)

    @takes_one_picture
    def __call__(self, x: Tensor) -> Tensor:
        """Applies the PyTorch layer to `x`, in the precision of `x`.

        Raises OperationError if the shapes do not fit, if the result would be larger than
        `MAX_BYTES` (before memory is taken), or if PyTorch itself refuses.
        """
        out = self._accept(x)
        check_memory(out, x.element_size(), instead=self.saves_memory)
        try:
            return self._compute(x)
        except (RuntimeError, ValueError, TypeError, OverflowError) as error:
            raise OperationError(refusal(error, x)) from None

    def _accept(self, x: Tensor) -> tuple[int, ...]:
        """The shape that `x` becomes. Raises OperationError for what it cannot take."""
        check_tensor(x)
        return self.output_shape(x.shape)

    def _compute(self, x: Tensor) -> Tensor:
        """Runs the layer; one that has weights takes care that they are in the precision of `x`."""
        y: Tensor = self.module()(x)
        return y

    def adjoint(self, shape: Sequence[int]) -> Undo:
        """The transposed map, as autograd computes it."""

        def apply(y: Tensor) -> Tensor:
            return vector_jacobian(self, y.new_zeros(tuple(shape)), y)

        code = f"torch.func.vjp({self.variable}, x)[1](y)[0]"
        return Undo(N_("adjoint (transpose)"), code, apply, lambda: "adjoint")


def check_memory(
    shape: Sequence[int],
    element_size: int,
    what: str = N_("result"),
    instead: str = Operation.saves_memory,
) -> None:
    """Raises OperationError if a tensor of this shape would take more than `MAX_BYTES`."""
    needed = math.prod(shape) * element_size
    if needed > MAX_BYTES:
        raise OperationError(
            _(
                "the {what} {shape} would take {needed} MB, more than the {most} MB that a lab "
                "keeps: use {instead} or a smaller input.",
                what=_(what),
                shape=tuple(shape),
                needed=format(needed / 2**20, ".0f"),
                most=MAX_BYTES // 2**20,
                instead=_(instead),
            )
        )
