"""What a forward pass may change outside of its own tensors, and how it is put back.

A module can keep what it computes: in attributes, in lists and dictionaries, in those of its class
or of its Python module, in the variables of a hook. `preserved` looks at all of it before a pass
and puts back what has changed.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import _lru_cache_wrapper, partial
from threading import Lock, RLock
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

SIMPLE: tuple[type, ...] = (str, bytes, int, float, complex, bool, type(None), range, slice, type)
SIMPLE += (ModuleType, BuiltinFunctionType, torch.dtype, torch.device, torch.Size)
SIMPLE += (np.dtype, np.generic)
"""Types of values that nothing can change."""
NEUTRAL = type(Lock()) | type(RLock()) | torch.jit.ScriptFunction
"""Objects that hold nothing: a copy may share them."""
MOST_OBJECTS = 200_000
MOST_BYTES = 256 * 2**20
"""Of buffers and other tensors that are no parameters: beyond, they are not cloned."""

Restore = Callable[[], None]


@contextmanager
def preserved(model: nn.Module) -> Iterator[Snapshot]:
    """Puts back, at the end, whatever was changed in `model` and in what it can reach."""
    snapshot = Snapshot(model)
    try:
        yield snapshot
    finally:
        snapshot.restore()


class Snapshot:
    """The contents of all that `model` can reach: `restore` puts them back.

    `unknown` names what cannot be looked into: whether that was changed is not known. `shared` has
    what a copy may share with the model, as it holds nothing, or as its state is put back.
    """

    def __init__(self, model: nn.Module) -> None:
        self.unknown: list[str] = []
        self.shared: list[Any] = []
        self._restores: list[Restore] = []
        self._seen: dict[int, Any] = {}  # holds on to the objects: their ids stay theirs
        self._bytes = 0
        for module in model.modules():
            self._seen.update((id(one), one) for one in module._parameters.values())
        self._walk([(type(model).__name__, model)], objects=True)
        for kind in {kind for module in model.modules() for kind in type(module).__mro__}:
            if not _is_library(kind.__module__):
                self._class(kind)

    def restore(self) -> None:
        """Puts everything back."""
        for restore in self._restores:
            restore()

    # Walking

    def _walk(self, found: Iterable[tuple[str, Any]], *, objects: bool = False) -> None:
        """Notes what is found, and all within; without `objects`, containers and numbers alone."""
        todo = list(found)
        while todo:
            path, value = todo.pop()
            if id(value) in self._seen or isinstance(value, SIMPLE):
                continue
            if not objects and not (_is_store(value) or isinstance(value, tuple | Tensor)):
                continue
            if len(self._seen) >= MOST_OBJECTS:
                self.unknown.append(f"{path}, beyond {MOST_OBJECTS:,} objects")
                return
            self._seen[id(value)] = value
            todo += [(f"{path}{step}", one) for step, one in self._inside(path, value)]

    def _inside(self, path: str, value: Any) -> list[tuple[str, Any]]:
        """Notes the content of one object; returns what is to be looked into."""
        if isinstance(value, Tensor | np.ndarray):
            self._numbers(value)
            return []
        if isinstance(value, dict | list | deque | set | tuple | frozenset):
            return self._container(value)
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, MethodType):
            return [("", value.__self__)]
        return self._object(path, value)

    def _container(self, value: Any) -> list[tuple[str, Any]]:
        if isinstance(value, dict):
            self._note_dict(value)
            return [(f"[{key!r}]", one) for key, one in value.items()]
        if not isinstance(value, tuple | frozenset):
            self._note_collection(value)
        return [(f"[{n}]", one) for n, one in enumerate(value)]

    def _object(self, path: str, value: Any) -> list[tuple[str, Any]]:
        if isinstance(value, _lru_cache_wrapper):
            self._note_cache(value)
            return []
        if isinstance(value, NEUTRAL | torch.Generator):
            self.shared.append(value)
            if isinstance(value, torch.Generator):
                self._restores.append(partial(_set_state, value, value.get_state()))
            return []
        attributes, slots = getattr(value, "__dict__", None), _slots(value)
        if attributes is None and not slots and not _is_neutral(value):
            self.unknown.append(f"{path} ({type(value).__name__})")
        self._note_slots(value, slots)
        inside = [(f".{name}", one) for name, one in slots.items()]
        return [*inside, ("", attributes)] if isinstance(attributes, dict) else inside

    def _function(self, function: FunctionType) -> list[tuple[str, Any]]:
        """Variables that a function shares, and those of its module that it names."""
        inside: list[tuple[str, Any]] = [("", function.__dict__), ("", function.__defaults__ or ())]
        for cell in function.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:  # not yet filled
                continue
            inside.append(("", content))
            self._restores.append(partial(_fill, cell, content))
        if not _is_library(function.__module__ or ""):
            self._note_globals(function.__globals__, function.__code__.co_names)
        return inside

    def _class(self, kind: type) -> None:
        attributes = dict(vars(kind))

        def restore() -> None:
            for name, value in vars(kind).copy().items():
                if name.startswith("__"):
                    continue
                if name not in attributes:
                    delattr(kind, name)
                elif attributes[name] is not value:
                    setattr(kind, name, attributes[name])

        self._restores.append(restore)
        functions = [one for one in attributes.values() if isinstance(one, FunctionType)]
        held = [one for one in attributes.values() if not isinstance(one, FunctionType | property)]
        module = sys.modules.get(kind.__module__)
        if module is not None:
            self._note_globals(vars(module), tuple(vars(module)))
        for function in functions:
            self._walk([(kind.__name__, function.__defaults__ or ())])
        self._walk([(kind.__name__, one) for one in held if _is_store(one)])

    def _note_globals(self, names: dict[str, Any], used: tuple[str, ...]) -> None:
        """Caches in a Python module: its lists and dictionaries, and names that are given anew."""
        before = {name: names[name] for name in used if name in names}

        def restore() -> None:
            for name, value in before.items():
                if names.get(name) is not value:
                    names[name] = value

        self._restores.append(restore)
        self._walk([(name, value) for name, value in before.items() if _is_store(value)])

    # What is noted of one object

    def _note_dict(self, value: dict[Any, Any]) -> None:
        before = dict(value)

        def restore() -> None:
            same = len(value) == len(before) and all(
                key in value and value[key] is one for key, one in before.items()
            )
            if not same:
                dict.clear(value)
                dict.update(value, before)

        self._restores.append(restore)

    def _note_collection(self, value: list[Any] | deque[Any] | set[Any]) -> None:
        before = list(value)

        def restore() -> None:
            now = list(value)
            if len(now) != len(before) or any(a is not b for a, b in zip(now, before)):
                value.clear()
                (value.update if isinstance(value, set) else value.extend)(before)

        self._restores.append(restore)

    def _note_slots(self, value: Any, slots: dict[str, Any]) -> None:
        def restore() -> None:
            for name, one in slots.items():
                if getattr(value, name, None) is not one:
                    object.__setattr__(value, name, one)

        if slots:
            self._restores.append(restore)

    def _note_cache(self, value: Any) -> None:
        before = value.cache_info()

        def restore() -> None:
            if value.cache_info().misses != before.misses:
                value.cache_clear()

        self._restores.append(restore)

    def _numbers(self, value: Tensor | np.ndarray[Any, Any]) -> None:
        """Numbers of buffers and caches; those of parameters are not written by a pass."""
        if isinstance(value, nn.Parameter) or (isinstance(value, Tensor) and value.is_meta):
            return
        self._bytes += value.nbytes
        if self._bytes > MOST_BYTES:
            return
        if isinstance(value, np.ndarray):
            copied = value.copy()
            self._restores.append(
                lambda: np.copyto(value, copied) if value.flags.writeable else None
            )
            return
        with torch.no_grad():
            before, version = value.detach().clone(), value._version

        def restore() -> None:
            if value._version != version:
                with torch.no_grad():
                    value.detach().copy_(before)

        self._restores.append(restore)


def _fill(cell: Any, content: Any) -> None:
    cell.cell_contents = content


def _set_state(generator: torch.Generator, state: Tensor) -> None:
    generator.set_state(state)


def _is_library(name: str) -> bool:
    return name.partition(".")[0] in ("torch", "builtins", "typing", "abc", "collections")


def _is_store(value: Any) -> bool:
    """Whether a value of a class or a Python module may be a cache."""
    return isinstance(value, dict | list | set | deque | _lru_cache_wrapper)


def _is_neutral(value: Any) -> bool:
    """Objects without contents that a pass could change: generic types, weak references."""
    kind = type(value)
    return kind.__module__ in ("weakref", "_weakref", "typing", "types", "functools")


def _slots(value: Any) -> dict[str, Any]:
    named = [vars(kind).get("__slots__", ()) for kind in type(value).__mro__]
    names = [name for one in named for name in ([one] if isinstance(one, str) else one)]
    return {
        name: getattr(value, name)
        for name in names
        if name not in ("__dict__", "__weakref__") and hasattr(value, name)
    }
