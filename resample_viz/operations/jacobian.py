"""Products with the Jacobian J of a function at x: J^T y and J v, as PyTorch's autograd has them.

`torch.func.vjp` and `torch.func.jvp` say the same in one word, but their first call imports
PyTorch's compiler, 800 modules and 37 MB.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd import forward_ad

from resample_viz.operations.errors import OperationError
from resample_viz.words import gettext as _


def vector_jacobian(function: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """J^T y, of the shape of `x`, for `y` of the shape of `function(x)`. No graph is kept.

    Raises OperationError if `y` has another shape.

    >>> vector_jacobian(lambda x: x[:2] ** 2, torch.tensor([1.0, 2, 3]), torch.ones(2))
    tensor([2., 4., 0.])
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        image = function(x)
        if image.shape != y.shape:
            raise OperationError(
                _(
                    "y has shape {shape}, but an input of shape {before} becomes "
                    "{after}: give a y of that shape, or another input shape.",
                    shape=tuple(y.shape),
                    before=tuple(x.shape),
                    after=tuple(image.shape),
                )
            )
        if not image.requires_grad:  # it is the same for all x
            return torch.zeros_like(x)
        # Given to `grad` itself, y would have it import sympy, 40 MB.
        (gradient,) = torch.autograd.grad((image * y).sum(), x)
    return gradient


def jacobian_vector(function: Callable[[Tensor], Tensor], x: Tensor, v: Tensor) -> Tensor:
    """J v, of the shape of `function(x)`, for `v` of the shape of `x`.

    >>> jacobian_vector(lambda x: x[:2] ** 2, torch.tensor([1.0, 2, 3]), torch.ones(3))
    tensor([2., 4.])
    """
    with forward_ad.dual_level():
        image, tangent = forward_ad.unpack_dual(function(forward_ad.make_dual(x.detach(), v)))
    return torch.zeros_like(image) if tangent is None else tangent
