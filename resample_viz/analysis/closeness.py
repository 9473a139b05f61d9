"""Whether two tensors agree, and by how much they do not: a yes with its number.

`torch.allclose` and `torch.equal` say True or False. A reader wants to see how close it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Closeness:
    """A comparison: true in a condition, and printed with the largest difference.

    Attributes:
        holds: what `torch.allclose` or `torch.equal` says.
        apart: the largest absolute difference, in the units of the tensors; None for tensors of
            different shapes.
        exact: whether equality was asked for. Where rounding is allowed, it decides on "≈ 0".

    >>> print(Closeness(True, 1.19e-7), Closeness(True, 0.0, exact=True), sep=" / ")
    True (≈ 1.2e-07 apart) / True (0 apart)
    """

    holds: bool
    apart: float | None
    exact: bool = False

    def __bool__(self) -> bool:
        return self.holds

    def __str__(self) -> str:
        if self.apart is None:
            return f"{self.holds} (shapes differ)"
        number = "0" if self.exact and self.holds else f"≈ {self.apart:.2g}"
        return f"{self.holds} ({number} apart)"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __repr__(self) -> str:
        return str(self)


def allclose(a: Any, b: Any, *, rtol: float = 1e-5, atol: float = 1e-8) -> Closeness:
    """`torch.allclose(a, b, rtol=rtol, atol=atol)`, with the largest difference beside it.

    Tensors, arrays, nested lists or numbers, of shapes that can be broadcast; others are not close.
    Both are compared as float64.

    >>> print(allclose(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5])))
    False (≈ 0.5 apart)
    """
    try:
        x, y = torch.broadcast_tensors(_float64(a), _float64(b))
    except RuntimeError:
        return Closeness(False, None)
    return Closeness(torch.allclose(x, y, rtol=rtol, atol=atol), _largest(x, y))


def equal(a: Any, b: Any) -> Closeness:
    """`torch.equal(a, b)`, with the largest difference beside it. Tensors, arrays or nested lists.

    >>> print(equal(torch.ones(2), torch.ones(2)), equal(torch.ones(2), torch.ones(3)), sep=", ")
    True (0 apart), False (shapes differ)
    """
    x, y = _float64(a), _float64(b)
    if x.shape != y.shape:
        return Closeness(False, None, exact=True)
    return Closeness(torch.equal(x, y), _largest(x, y), exact=True)


def _float64(values: Any) -> Tensor:
    return torch.as_tensor(values).detach().to(torch.float64)


def _largest(x: Tensor, y: Tensor) -> float:
    return float((x - y).abs().max()) if x.numel() else 0.0
