"""From a layer of PyTorch's to the operation that explains it, with its weights and settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from resample_viz.operations.adaptive_pooling import AdaptiveAvgPool, AdaptiveMaxPool
from resample_viz.operations.base import Operation
from resample_viz.operations.convolution import Conv, ConvTranspose
from resample_viz.operations.errors import OperationError
from resample_viz.operations.kernels import Weights
from resample_viz.operations.normalization import Clip, Normalize
from resample_viz.operations.pooling import AvgPool, LPPool, MaxPool
from resample_viz.operations.shuffling import PixelShuffle, PixelUnshuffle
from resample_viz.operations.unpooling import MaxUnpool
from resample_viz.operations.upsample import Upsample
from resample_viz.words import gettext as _

Reader = Callable[[Any], Operation]
Read = TypeVar("Read", bound=Reader)
READERS: dict[type[nn.Module], Reader] = {}
"""What makes an operation of a layer, by the layer's class."""


def reads(kind: type[nn.Module]) -> Callable[[Read], Read]:
    """Registers the function that makes an operation of layers of this class."""

    def register(reader: Read) -> Read:
        READERS[kind] = reader
        return reader

    return register


def from_module(layer: nn.Module) -> Operation:
    """The operation that computes what `layer` computes: weights, bias, and all its settings.

    Takes PyTorch's convolutions and transposed convolutions of pictures, pooling and unpooling
    layers, nn.Upsample, nn.PixelShuffle and nn.PixelUnshuffle, nn.Hardtanh, torchvision's Normalize
    (v1 and v2), nn.Identity, and nn.Sequential of these (which becomes a `Chain`). The weights are
    copied: neither of the two changes when the other does. Of a max pooling with `return_indices`
    the operation gives the values; `with_indices` gives both.

    Raises OperationError for other modules; for layers whose `forward` or hooks are a learner's
    own; and for weights that are not there yet, or not float32.

    >>> layer = nn.Conv2d(3, 64, 3, padding=1)
    >>> x = torch.rand(2, 3, 8, 8)
    >>> torch.equal(from_module(layer)(x), layer(x))
    True
    """
    operation = operation_of(layer)
    if operation is None:
        raise OperationError(
            _(
                "there is no operation that computes what {kind} does: rv.explore and "
                "rv.trace take every module, and from_module convolutions, pooling, "
                "nn.Upsample, nn.PixelShuffle and Normalize, without hooks or a "
                "forward of your own.",
                kind=type(layer).__name__,
            )
        )
    return operation


def operation_of(layer: nn.Module) -> Operation | None:
    """The same as `from_module`, but None for what no operation computes.

    Raises OperationError for weights that are not there yet, or not float32.
    """
    if not isinstance(layer, nn.Module):
        raise OperationError(
            _(
                "{kind} is no nn.Module: give a layer, such as nn.Conv2d(3, 8, 3).",
                kind=type(layer).__name__,
            )
        )
    reader = _reader(layer)
    if reader is None:
        return None
    if isinstance(layer, nn.Sequential):
        if any(operation_of(one) is None for one in layer):
            return None
    else:
        _check_weights(layer)
    return None if layer._forward_hooks or layer._forward_pre_hooks else reader(layer)


def _reader(layer: nn.Module) -> Reader | None:
    """The reader for the layer's class, unless a class in between computes something else."""
    for kind, reader in READERS.items():
        if isinstance(layer, kind):
            same = all(
                getattr(type(layer), name, None) is getattr(kind, name, None)
                for name in ("forward", "_conv_forward", "__call__")
            )
            return reader if same and "forward" not in vars(layer) else None
    return _normalize if _is_normalize(type(layer)) else None


def _is_normalize(kind: type) -> bool:
    """Whether it is torchvision's, of v1 or v2: importing torchvision would take two seconds."""
    return kind.__name__ == "Normalize" and kind.__module__.startswith("torchvision.transforms.")


def _check_weights(layer: nn.Module) -> None:
    name = f"nn.{type(layer).__name__}"
    for weight in layer.parameters():
        if is_lazy(weight):
            raise OperationError(
                _("{name} has no weights before its first call: call it once, layer(x).", name=name)
            )
        if weight.is_meta:
            raise OperationError(
                _(
                    "{name} lies on the meta device and has no weights to show: build it "
                    'without torch.device("meta").',
                    name=name,
                )
            )
        if weight.dtype != torch.float32:
            raise OperationError(
                _(
                    "the weights of {name} are {dtype}, and operations keep them in "
                    "float32: use copy.deepcopy(layer).float().",
                    name=name,
                    dtype=weight.dtype,
                )
            )


def _settings(layer: nn.Module, *names: str) -> dict[str, Any]:
    """Settings as an operation takes them: one number instead of equal ones."""
    return {name: _joined(getattr(layer, name)) for name in names}


def _joined(value: Any) -> Any:
    same = isinstance(value, tuple | list) and len(value) <= 2 and len({*value}) == 1
    return value[0] if same and value[0] is not None else value


def _bias(layer: Any) -> Any:
    return False if layer.bias is None else tuple(layer.bias.detach().tolist())


@reads(nn.Conv2d)
def _conv(layer: nn.Conv2d) -> Conv:
    return Conv(
        kernel=Weights(layer.weight),
        groups=layer.groups,
        bias=_bias(layer),
        **_settings(layer, "stride", "padding", "padding_mode", "dilation"),
    )


@reads(nn.ConvTranspose2d)
def _conv_transpose(layer: nn.ConvTranspose2d) -> ConvTranspose:
    return ConvTranspose(
        kernel=Weights(layer.weight),
        groups=layer.groups,
        bias=_bias(layer),
        **_settings(layer, "stride", "padding", "output_padding", "dilation"),
    )


def _same_names(kind: type[nn.Module], operation: Callable[..., Operation], *names: str) -> None:
    """For a layer whose settings have the same names and meanings as the operation's."""

    @reads(kind)
    def _read(layer: nn.Module) -> Operation:
        return operation(**_settings(layer, *names))


WINDOW = ("kernel_size", "stride")
_same_names(nn.MaxPool2d, MaxPool, *WINDOW, "padding", "dilation", "ceil_mode")
_same_names(
    nn.AvgPool2d,
    AvgPool,
    *WINDOW,
    "padding",
    "ceil_mode",
    "count_include_pad",
    "divisor_override",
)
_same_names(nn.LPPool2d, LPPool, "norm_type", *WINDOW, "ceil_mode")
_same_names(nn.AdaptiveAvgPool2d, AdaptiveAvgPool, "output_size")
_same_names(nn.AdaptiveMaxPool2d, AdaptiveMaxPool, "output_size")
_same_names(nn.MaxUnpool2d, MaxUnpool, *WINDOW, "padding")
_same_names(nn.PixelShuffle, PixelShuffle, "upscale_factor")
_same_names(nn.PixelUnshuffle, PixelUnshuffle, "downscale_factor")


@reads(nn.Upsample)
def _upsample(layer: nn.Upsample) -> Upsample:
    return Upsample(
        scale_factor=layer.scale_factor,
        size=layer.size,
        mode=layer.mode,  # type: ignore[arg-type]
        align_corners=bool(layer.align_corners),
        recompute_scale_factor=bool(layer.recompute_scale_factor),
    )


@reads(nn.Hardtanh)
def _clip(layer: nn.Hardtanh) -> Clip:
    return Clip(layer.min_val, layer.max_val)


def _normalize(layer: Any) -> Normalize:
    mean, std = (_numbers(value) for value in (layer.mean, layer.std))
    return Normalize(mean, std)


def _numbers(value: Any) -> Any:
    """Statistics as torchvision takes them: numbers, sequences, arrays and tensors."""
    if isinstance(value, Tensor):
        value = value.tolist()
    return tuple(value) if hasattr(value, "__len__") else value
