"""Changes of a model that may mend it: each can be tried on a copy, and applied to the model."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resample_viz.analysis.tracing.copies import plain_module
from resample_viz.analysis.tracing.graph import CallSite
from resample_viz.analysis.tracing.recorder import MERGES, function_name

Kind = Literal["setting", "new layer", "input", "forward", "output"]


class Edit(ABC):
    """A change of a model."""

    @abstractmethod
    def change(self, model: nn.Module) -> nn.Module:
        """Changes `model` itself; returns what is to be called: `model`, or a module around it."""


@dataclass(frozen=True)
class Suggestion:
    """A way out that has been tried: with it, the model ran to its end.

    Attributes:
        text: what to change, in a sentence.
        kind: "setting" (of a layer, which keeps its weights), "new layer" (its weights are made
            anew, or it is inserted), "input", "forward" (a line of the forward method), "output".
        code: the line that does it.
        edit: the change itself, as `apply` does it.
    """

    text: str
    kind: Kind
    code: str
    edit: Edit = field(repr=False)

    def apply(self, model: nn.Module) -> nn.Module:
        """A repaired copy of `model`, which stays as it is; layers made anew get random weights.

        Where the input or the forward method is what changes, the copy is wrapped in a module that
        does so.
        """
        with torch.random.fork_rng(devices=[]):
            return self.edit.change(copy.deepcopy(plain_module(model)[0]))

    def __str__(self) -> str:
        return self.text


# Layers


@dataclass(frozen=True)
class SetLayers(Edit):
    """Sets attributes of layers; where their weights have other shapes then, they are made anew."""

    names: tuple[str, ...]
    settings: tuple[tuple[str, Any], ...]

    def change(self, model: nn.Module) -> nn.Module:
        """Sets them."""
        for name in self.names:
            layer = model.get_submodule(name)
            for setting, value in self.settings:
                setattr(layer, setting, _like(getattr(layer, setting), value))
            _renew(layer)
        return model


def _like(before: Any, value: Any) -> Any:
    """A number as the layer keeps it: a pair where it kept one."""
    if isinstance(before, tuple) and not isinstance(value, tuple):
        return (value,) * len(before)
    return value


def _renew(layer: Any) -> None:
    """Weights, and what a layer derives from its settings, to fit the settings."""
    if hasattr(layer, "_reversed_padding_repeated_twice") and not isinstance(layer.padding, str):
        layer._reversed_padding_repeated_twice = [n for n in layer.padding[::-1] for _ in (0, 1)]
    fitting = True
    for name, shape in _weight_shapes(layer).items():
        old = getattr(layer, name, None)
        if old is None or tuple(old.shape) == shape:
            continue
        fitting = False
        fresh = torch.empty(shape, dtype=old.dtype, device=old.device)
        is_weight = isinstance(old, nn.Parameter)
        setattr(layer, name, nn.Parameter(fresh, old.requires_grad) if is_weight else fresh)
    if not fitting and hasattr(layer, "reset_parameters"):
        layer.reset_parameters()


def _weight_shapes(layer: Any) -> dict[str, tuple[int, ...]]:
    """The shapes that PyTorch's own constructors give."""
    if isinstance(layer, nn.modules.conv._ConvNd):
        inner, outer = layer.in_channels, layer.out_channels
        if layer.transposed:
            inner, outer = outer, inner
        weight = (outer, inner // layer.groups, *layer.kernel_size)
        return {"weight": weight, "bias": (layer.out_channels,)}
    if isinstance(layer, nn.Linear):
        return {"weight": (layer.out_features, layer.in_features), "bias": (layer.out_features,)}
    if isinstance(layer, nn.modules.batchnorm._NormBase):
        names = ("weight", "bias", "running_mean", "running_var")
        return dict.fromkeys(names, (layer.num_features,))
    if isinstance(layer, nn.GroupNorm):
        return dict.fromkeys(("weight", "bias"), (layer.num_channels,))
    if isinstance(layer, nn.LayerNorm):
        return dict.fromkeys(("weight", "bias"), tuple(layer.normalized_shape))
    return {}


@dataclass(frozen=True)
class InsertBefore(Edit):
    """Puts a layer without weights before another one."""

    names: tuple[str, ...]
    make: Callable[[], nn.Module]

    def change(self, model: nn.Module) -> nn.Module:
        """Replaces the layer by the two."""
        (name,) = self.names
        layer = model.get_submodule(name)
        both = nn.Sequential(self.make(), layer)
        both.training = layer.training
        if not name:
            return both
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, both)
        return model


# The input and the output


@dataclass(frozen=True)
class OnInput(Edit):
    """Changes the (first) input before the model sees it."""

    function: Callable[[Tensor], Tensor]

    def change(self, model: nn.Module) -> nn.Module:
        """Wraps the model."""
        return Adapted(model, before=self.function)


@dataclass(frozen=True)
class PadInput(Edit):
    """Pads the input to a size, on the right and below, and crops maps of that size again."""

    size: tuple[int, ...]

    def change(self, model: nn.Module) -> nn.Module:
        """Wraps the model."""
        return Adapted(model, before=self.pad, after=self.crop)

    def pad(self, x: Tensor) -> Tensor:
        """Zeros to the right and below."""
        lacks = [more - n for n, more in zip(x.shape[2:], self.size)]
        return F.pad(x, [n for lack in lacks[::-1] for n in (0, lack)])

    def crop(self, y: Any, x: Tensor) -> Any:
        """A map that is as large as the padded input becomes as large as the input."""
        if isinstance(y, Tensor) and tuple(y.shape[2:]) == self.size:
            return crop(y, x.shape[2:], [0] * (x.ndim - 2))
        return y


@dataclass(frozen=True)
class OnOutput(Edit):
    """Changes the output, knowing the input."""

    function: Callable[[Any, Tensor], Any]

    def change(self, model: nn.Module) -> nn.Module:
        """Wraps the model."""
        return Adapted(model, after=self.function)


class Adapted(nn.Module):
    """A model whose input or output is changed on the way."""

    def __init__(
        self,
        model: nn.Module,
        before: Callable[[Tensor], Tensor] | None = None,
        after: Callable[[Any, Tensor], Any] | None = None,
    ) -> None:
        super().__init__()
        self.model, self.before, self.after = model, before, after
        self.training = model.training

    def forward(self, x: Tensor, *others: Any) -> Any:
        """The model's output on the changed input."""
        y = self.model(self.before(x) if self.before else x, *others)
        return self.after(y, x) if self.after else y


# The forward method


@dataclass(frozen=True)
class InForward(Edit):
    """Changes calls of PyTorch's functions inside of the forward method."""

    make: Callable[[], Rewriting]

    def change(self, model: nn.Module) -> nn.Module:
        """Wraps the model."""
        return Rewritten(model, self.make)


class Rewritten(nn.Module):
    """A model that runs while some calls of PyTorch's functions are changed."""

    def __init__(self, model: nn.Module, make: Callable[[], Rewriting]) -> None:
        super().__init__()
        self.model, self.make = model, make
        self.training = model.training

    def forward(self, *inputs: Any) -> Any:
        """The model's output, with these calls changed."""
        with self.make():
            return self.model(*inputs)


class Rewriting(TorchFunctionMode):
    """Sees every call of PyTorch's functions; subclasses change the arguments of some."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, int] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        name = function_name(func)
        if name == "__get__":
            return func(*args, **(kwargs or {}))
        site = CallSite(name, self._calls.get(name, 0))
        self._calls[name] = site.ordinal + 1
        return self.call(site, func, list(args), kwargs or {})

    @abstractmethod
    def call(self, site: CallSite, func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Runs the function, with the arguments as they are or changed."""


class FitMerges(Rewriting):
    """Where maps of different sizes are to meet, changes one of them to the size of the other."""

    def __init__(self, fit: Callable[[Tensor, tuple[int, ...]], Tensor], *, enlarge: bool) -> None:
        super().__init__()
        self.fit, self.enlarge = fit, enlarge

    def call(self, site: CallSite, func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Changes the tensors of cat, add and the like."""
        if site.function.rstrip("_") in MERGES:
            args = self._fitting(args)
        return func(*args, **kwargs)

    def _fitting(self, args: list[Any]) -> list[Any]:
        if args and isinstance(args[0], list | tuple):
            return [self._fitting(list(args[0])), *args[1:]]
        maps = [one for one in args if isinstance(one, Tensor) and one.ndim > 2]
        if len(maps) < 2 or len({one.shape[2:] for one in maps}) == 1:
            return args
        sizes = zip(*(one.shape[2:] for one in maps))
        size = tuple((max if self.enlarge else min)(axis) for axis in sizes)
        return [
            self.fit(one, size) if isinstance(one, Tensor) and one.ndim > 2 else one for one in args
        ]


def crop_middle(x: Tensor, size: Sequence[int]) -> Tensor:
    """The middle of a map, (N, C, …) → (N, C, *size)."""
    starts = [(n - m) // 2 for n, m in zip(x.shape[2:], size)]
    return crop(x, size, starts)


def crop(x: Tensor, size: Sequence[int], starts: Sequence[int]) -> Tensor:
    """A part of a map, (N, C, …) → (N, C, *size), that begins at `starts`."""
    for axis, (start, n) in enumerate(zip(starts, size), start=2):
        x = x.narrow(axis, start, n)
    return x


def interpolated(x: Tensor, size: Sequence[int]) -> Tensor:
    """A map at another size, by nearest neighbours."""
    return x if tuple(x.shape[2:]) == tuple(size) else F.interpolate(x, size=tuple(size))


class ReplaceCall(Rewriting):
    """Changes one call: `change` gets the function and its arguments."""

    def __init__(self, site: CallSite, change: Callable[[Any, list[Any], dict[str, Any]], Any]):
        super().__init__()
        self.site, self.change = site, change

    def call(self, site: CallSite, func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Runs the changed call."""
        if site == self.site:
            return self.change(func, args, kwargs)
        return func(*args, **kwargs)


class Unpooling(Rewriting):
    """Knows what size was pooled, from the indices that an unpooling is given."""

    def __init__(self) -> None:
        super().__init__()
        self._pooled: list[tuple[Tensor, torch.Size]] = []

    def call(self, site: CallSite, func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Remembers pooled sizes; runs an unpooling with the size that fits."""
        if "max_unpool" in site.function:
            indices = args[1] if len(args) > 1 else kwargs.get("indices")
            known = [size for places, size in self._pooled if places is indices]
            return self.unpool(func, args, kwargs, known[-1] if known else None)
        result = func(*args, **kwargs)
        if "max_pool" in site.function and isinstance(result, tuple):
            self._pooled.append((result[1], args[0].shape[2:]))
        return result

    @abstractmethod
    def unpool(
        self, func: Any, args: list[Any], kwargs: dict[str, Any], size: torch.Size | None
    ) -> Any:
        """Runs an unpooling; `size` is what was pooled, if that is known."""


TRANSPOSED = ("x", "weight", "bias", "stride", "padding", "more", "groups", "dilation")


def _check_transposed(
    x: Tensor, weight: Tensor, stride: Any, more: Any, dilation: Any, **others: Any
) -> None:
    del others
    channels = x.shape[1 - weight.ndim]
    if channels != weight.shape[0]:
        raise RuntimeError(f"expected {weight.shape[0]} channels, but got {channels}")
    if any(one >= max(s, d) for one, s, d in zip(more, stride, dilation)):
        raise RuntimeError("output padding must be smaller than either stride or dilation")


class UnpoolToPooled(Unpooling):
    """Gives every unpooling the size of what was pooled."""

    def unpool(
        self, func: Any, args: list[Any], kwargs: dict[str, Any], size: torch.Size | None
    ) -> Any:
        """Passes the size to max_unpool2d as output_size."""
        if size is not None:  # (input, indices, kernel_size, stride, padding, output_size)
            args, kwargs = args[:5], {**kwargs, "output_size": list(size)}
        return func(*args, **kwargs)


class Strict(Unpooling):
    """Refuses what PyTorch refuses on numbers only: the meta device takes some of it.

    It looks neither at the channels and the output_padding of transposed convolutions nor at
    indices. An index is a place in what was pooled: on numbers PyTorch refuses those that lie
    outside of what is made, and the others go to wrong places.
    """

    def call(self, site: CallSite, func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Looks at transposed convolutions and unpoolings. Raises RuntimeError or ValueError."""
        if site.function.startswith("conv_transpose") and len(args) == len(TRANSPOSED):
            _check_transposed(**dict(zip(TRANSPOSED, args)))
        return super().call(site, func, args, kwargs)

    def unpool(
        self, func: Any, args: list[Any], kwargs: dict[str, Any], size: torch.Size | None
    ) -> Any:
        """Compares the sizes. Raises ValueError."""
        y: Tensor = func(*args, **kwargs)
        if size is not None and y.shape[2:] != size:
            raise ValueError(
                f"the indices are places in {tuple(size)}, but unpooling makes {tuple(y.shape[2:])}"
            )
        return y
