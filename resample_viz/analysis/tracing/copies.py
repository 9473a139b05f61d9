"""Copies of a model that a trace may run: whatever happens to a copy, the model stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from torch.overrides import TorchFunctionMode

from resample_viz.operations import OperationError
from resample_viz.words import gettext as _

MOST_BYTES = 2 * 2**30
"""Of weights that are copied, where a model needs numbers."""


class CopyError(Exception):
    """A model, or something that it holds, cannot be copied."""


def plain_module(model: nn.Module) -> tuple[nn.Module, str]:
    """The module inside of wrappers that run it elsewhere or in another way, and a word on it.

    Raises OperationError for scripted models, which have no Python modules to follow.
    """
    inner = _wrapped(model)
    if inner is not None:
        plain = plain_module(inner)[0]
        where = "_orig_mod" if hasattr(model, "_orig_mod") else "module"
        return plain, f"{type(model).__name__} wraps a module: model.{where} was traced."
    if isinstance(model, torch.jit.ScriptModule):
        raise OperationError(
            _(
                "a scripted or jit-traced model is one compiled program, without the "
                "modules that a trace follows: trace the nn.Module that was given to "
                "torch.jit."
            )
        )
    return model, ""


def _wrapped(model: nn.Module) -> nn.Module | None:
    """What DataParallel, DistributedDataParallel or torch.compile was given."""
    if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
        inner: nn.Module = model.module
        return inner
    original = getattr(model, "_orig_mod", None)
    return original if isinstance(original, nn.Module) else None


def meta_copy(model: nn.Module, shared: Iterable[Any] = ()) -> nn.Module:
    """A copy of `model` with tensors that have shapes and no numbers: it takes no memory.

    Tensors that are neither parameters nor buffers (caches, masks, norms) get no numbers either,
    except single numbers. Compiled and parallel parts are replaced by what they wrap. The copy is
    in evaluation mode, and has the `shared` objects in common with the model.

    Raises CopyError.
    """
    tensors = chain(model.parameters(), model.buffers())
    memo: dict[int, Any] = {id(tensor): outline(tensor) for tensor in tensors}
    return _copied(model, memo | {id(one): one for one in shared}, _Outlines())


def real_copy(model: nn.Module, shared: Iterable[Any] = ()) -> nn.Module:
    """A copy of `model` with its numbers, in evaluation mode.

    Raises CopyError; OperationError if the weights take more than `MOST_BYTES`.
    """
    tensors = [one for one in chain(model.parameters(), model.buffers()) if not is_lazy(one)]
    needed = sum(one.numel() * one.element_size() for one in tensors)
    if needed > MOST_BYTES:
        raise OperationError(
            _(
                "this model needs numbers to be traced, and a copy of its weights "
                "would take {needed} GB: trace a smaller variant of it.",
                needed=format(needed / 2**30, ".1f"),
            )
        )
    return _copied(model, {id(one): one for one in shared}, _Detached())


def outline(tensor: Tensor) -> Tensor:
    """A tensor of the same shape, without numbers."""
    if isinstance(tensor, UninitializedParameter | UninitializedBuffer):
        kind: Any = type(tensor)
        lazy: Tensor = kind(tensor.requires_grad, device="meta", dtype=tensor.dtype)
        return lazy
    empty = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
    return nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty


class _Outlines(TorchFunctionMode):
    """While this is active, deepcopy makes outlines of tensors."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        if func is not Tensor.__deepcopy__:
            return func(*args, **(kwargs or {}))
        tensor, memo = args
        if id(tensor) not in memo:
            memo[id(tensor)] = self.twin(tensor)
        return memo[id(tensor)]

    def twin(self, tensor: Tensor) -> Tensor:
        """What stands for a tensor in the copy."""
        return tensor.detach().clone() if tensor.ndim == 0 else outline(tensor)


class _Detached(_Outlines):
    """While this is active, deepcopy takes tensors that were computed as well as given ones."""

    def twin(self, tensor: Tensor) -> Tensor:
        return tensor.detach().clone().requires_grad_(tensor.requires_grad and tensor.is_leaf)


def _copied(model: nn.Module, memo: dict[int, Any], mode: TorchFunctionMode) -> nn.Module:
    try:
        with mode, torch.no_grad():
            for module in model.modules():
                inner = _wrapped(module)
                if inner is not None:
                    memo[id(module)] = copy.deepcopy(inner, memo)
            copied = copy.deepcopy(model, memo)
    except OperationError:
        raise
    except Exception as error:
        raise CopyError(f"{type(error).__name__}: {error}") from error
    for module in copied.modules():
        module.training = False
    return copied
