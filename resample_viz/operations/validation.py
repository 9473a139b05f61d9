"""What a parameter, a shape and an input may be: the one place that says so for all operations."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from typing import Any, get_type_hints

import torch
from torch import Tensor

from resample_viz.operations.errors import OperationError
from resample_viz.operations.parameters import Pair
from resample_viz.words import N_
from resample_viz.words import gettext as _

MAX_BYTES = 64 * 2**20
"""Results larger than this are refused before any memory is taken."""
LARGEST = MAX_BYTES  # cells of an axis: no longer one can fit, and larger numbers overflow
MOST_TAPS = 2**22
"""Of an axis: pairs of an output and a cell that it reads. The list then takes 50 MB."""
AXIS_NAMES = {
    1: (N_("width"),),
    2: (N_("height"), N_("width")),
    3: (N_("depth"), N_("height"), N_("width")),
}
"""What axes are called in sentences, by how many a picture has; `gettext` translates them."""
AXES = AXIS_NAMES[2]
LARGEST_NUMBER = 10**15
"""Of a statistic or a limit: float64 still tells whole numbers of this size apart."""
SHOWN = 60
"""Characters of a value that a sentence quotes."""


def quoted(value: object) -> str:
    """A value as a sentence quotes it: its repr, cut short.

    >>> quoted("z" * 100)
    "'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz…"
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def plain(value: Any) -> Any:
    """Python's own numbers, and tuples of them, instead of those of NumPy and PyTorch.

    Lists, arrays and tensors become tuples, which can be hashed and printed; a tensor with one
    number becomes that number, and -0.0 is 0.0. Whatever is no number stays as it is.

    >>> plain(torch.tensor([0.5, 0.25])), plain([1, torch.tensor(2)])
    ((0.5, 0.25), (1, 2))
    """
    if isinstance(value, str):
        return str(value)  # also of NumPy's
    if isinstance(value, bool | int | None):
        return value
    if hasattr(value, "tolist"):  # arrays, tensors and scalars of both libraries
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    return value + 0.0 if isinstance(value, float) else value


def normalise_parameters(operation: Any) -> None:
    """Makes the parameters of a frozen dataclass plain, and its flags True or False.

    None stands for False, as in PyTorch. Fields that hold objects of the package stay.

    Raises OperationError for a flag that is neither.
    """
    kind: Any = type(operation)
    flags = _flags(kind)
    for field in fields(operation):
        value = getattr(operation, field.name)
        new = plain(value) if _is_plain_field(value) else value
        if field.name in flags and value is None:
            new = False  # as PyTorch has it
        elif field.name in flags and not isinstance(new, bool):
            raise OperationError(
                _(
                    "{name} must be True or False, not {value}: try {name}={meant}.",
                    name=field.name,
                    value=quoted(value),
                    meant=_meant(new),
                )
            )
        if new is not value:
            object.__setattr__(operation, field.name, new)


def _meant(value: object) -> bool:
    """The flag that was most likely meant by what is none: "false", 0 and "" mean False.

    >>> _meant("False"), _meant(0.0), _meant("yes")
    (False, False, True)
    """
    if isinstance(value, str):
        return value.strip().lower() not in ("", "0", "false", "no", "none", "off")
    return value not in (0, ())


def _is_plain_field(value: object) -> bool:
    return hasattr(value, "tolist") or isinstance(value, list | tuple | float | str)


@cache
def _flags(kind: Any) -> frozenset[str]:
    return frozenset(name for name, hint in get_type_hints(kind).items() if hint is bool)


def is_number(value: object) -> bool:
    """Whether a value is a number of at most `LARGEST_NUMBER`, and no True or False."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -LARGEST_NUMBER <= value <= LARGEST_NUMBER  # type: ignore[operator]


def pair(value: Any) -> Pair:
    """(height, width) of a number that stands for both, or of a pair."""
    return value if isinstance(value, tuple) else (value, value)


def check_whole(name: str, value: Any, least: int, *, pairs: bool = True) -> None:
    """Raises OperationError unless `value` is a whole number of at least `least`, or two of them.

    The message names the parameter, the value and a way out. Without `pairs` it is one number.
    """
    if isinstance(value, tuple) and not pairs:
        raise OperationError(
            _(
                "{name} must be one number, not {value}: try {name}={least}.",
                name=name,
                value=quoted(value),
                least=least,
            )
        )
    check_pair(name, value)
    for number in pair(value):
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise OperationError(
                _(
                    "{name} must be a whole number, {least} or more, not {number}: try "
                    "{name}={least}.",
                    name=name,
                    least=least,
                    number=quoted(number),
                )
            )
        if number > LARGEST:
            raise OperationError(
                _(
                    "{name} must be at most {most}, not about 2**{power}: try {name}={least}.",
                    name=name,
                    most=LARGEST,
                    power=number.bit_length() - 1,
                    least=least,
                )
            )


def check_pair(name: str, value: Any) -> None:
    """Raises OperationError for a tuple that is no (height, width)."""
    if isinstance(value, tuple) and len(value) != 2:
        raise OperationError(
            _(
                "{name} {value} has {count} numbers, but a picture has 2 axes: give one "
                "number, or (height, width), such as {name}={example}.",
                name=name,
                value=quoted(value),
                count=len(value),
                example=quoted(value[0]) if value else 1,
            )
        )


def whole_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape as Python's own whole numbers. Raises OperationError for what is none."""
    try:
        return tuple(operator.index(n) for n in shape)
    except TypeError:
        raise OperationError(
            _(
                "{shape} is no shape: give whole numbers, such as (1, 3, 128, 128).",
                shape=quoted(shape),
            )
        ) from None


def check_picture(what: str, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of a batch of pictures, (N, C, H, W), as Python's own whole numbers.

    Raises OperationError for another number of axes, and where there is nothing in it.
    """
    shape = whole_shape(shape)
    if len(shape) != 4:
        way_out = _("a slice, x[:, :, 0]") if len(shape) == 5 else with_axes(len(shape), 4)
        raise OperationError(
            _(
                "the input has {count} dimensions {shape}, but {what} takes pictures, (N, C, "
                "H, W): use {way_out}.",
                count=len(shape),
                shape=tuple(shape),
                what=_(what),
                way_out=way_out,
            )
        )
    if min(shape) < 1:
        raise OperationError(
            _("the input {shape} is empty: every axis needs 1 or more.", shape=tuple(shape))
        )
    return shape


def either(ways: Sequence[str]) -> str:
    """Ways out of which one is enough.

    >>> either(["padding=1", "stride=2", "a larger input"])
    'padding=1, or stride=2, or a larger input'
    """
    first, *others = ways
    for other in others:
        first = _("{ways}, or {other}", ways=first, other=other)
    return first


def with_axes(given: int, wanted: int) -> str:
    """An expression in x that has `wanted` axes instead of `given` ones.

    >>> with_axes(2, 4), with_axes(6, 4)
    ('x[None, None]', 'x.flatten(0, 2)')
    """
    if given > wanted:
        return f"x.flatten(0, {given - wanted})"
    return f"x[{', '.join(['None'] * (wanted - given))}]"


def check_tensor(x: Any) -> None:
    """Raises OperationError unless `x` is a dense tensor with real numbers in it."""
    if not isinstance(x, Tensor):
        raise OperationError(
            _(
                "an operation takes a tensor, (N, C, H, W), not {given}: rv.load_image makes one "
                "of pictures, arrays and files.",
                given=described(x),
            )
        )
    if x.is_meta:
        raise OperationError(
            _(
                "a tensor on PyTorch's meta device has a shape and no numbers: ask "
                "operation.output_shape(x.shape)."
            )
        )
    if x.layout != torch.strided:
        raise OperationError(
            _(
                "the input is stored as {layout}, but layers read dense tensors: use x.to_dense().",
                layout=x.layout,
            )
        )
    if x.is_complex():
        raise OperationError(
            _(
                "the input has complex numbers ({dtype}): use its real part, x.real, or x.abs().",
                dtype=x.dtype,
            )
        )


def described(value: object) -> str:
    """What a value is, in words: "None", "an Image", "a list"."""
    kind = type(value).__name__
    if value is None:
        return "None"
    return _("an {kind}", kind=kind) if kind[0] in "AEIOUaeiou" else _("a {kind}", kind=kind)


def check_taps(name: str, outputs: int, taps: int) -> None:
    """Raises OperationError if the taps of this axis are too many to list, before they are."""
    if outputs * taps > MOST_TAPS:
        raise OperationError(
            _(
                "along the {name}, {outputs} outputs read {taps} cells each, more than the "
                "{most} taps that are listed: use a smaller input or kernel, less "
                "padding, or a smaller size.",
                name=_(name),
                outputs=format(outputs, ","),
                taps=format(taps, ","),
                most=format(MOST_TAPS, ","),
            )
        )


def check_matrix(outputs: int, inputs: int, what: str = N_("matrix of one axis")) -> None:
    """Raises OperationError if a float32 matrix (outputs, inputs) would be too large."""
    if 4 * outputs * inputs > MAX_BYTES:
        raise OperationError(
            _(
                "the {what} would be {outputs} × {inputs} numbers, more than the {most} MB "
                "that are allowed: use a smaller input, or a smaller size.",
                what=_(what),
                outputs=format(outputs, ","),
                inputs=format(inputs, ","),
                most=MAX_BYTES // 2**20,
            )
        )


def refusal(error: Exception, x: Tensor) -> str:
    """What PyTorch refuses of x, of any shape, in one sentence.

    A dtype is advised only where it may be to blame.
    """
    first = str(error).strip().splitlines()[0].rstrip(".")
    facts = {"dtype": x.dtype, "shape": tuple(x.shape), "reason": first}
    if x.dtype == torch.uint8:
        return _(
            "PyTorch refuses this on a {dtype} tensor of shape {shape} ({reason}): "
            "make floats in [0, 1] of the levels, x.float() / 255.",
            **facts,
        )
    if not x.is_floating_point() or x.dtype in (torch.float16, torch.bfloat16):
        return _(
            "PyTorch refuses this on a {dtype} tensor of shape {shape} ({reason}): "
            "try a float32 tensor, x.float().",
            **facts,
        )
    return _("PyTorch refuses this on a {dtype} tensor of shape {shape} ({reason}).", **facts)
