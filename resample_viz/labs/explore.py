"""`explore`: your own layer, with its weights and your tensor, in the lab that explains it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from resample_viz.analysis.tracing.copies import plain_module
from resample_viz.analysis.tracing.probe import initialised
from resample_viz.analysis.tracing.trace import KINDS, dimensions_of, example_shape
from resample_viz.images import load_image
from resample_viz.labs.core.lab import Lab
from resample_viz.labs.layers import layer_lab, say
from resample_viz.labs.network import NetworkLab
from resample_viz.operations import OperationError
from resample_viz.words import gettext as _


def explore(layer_or_model: nn.Module, x: Any = None) -> Lab:
    """Opens `layer_or_model` in the lab that explains it, on `x`, (1, C, H, W).

    What `ops.from_module` reads comes with its weights, bias and settings, whole: `lab.output` is
    `layer(x)`, and `lab.code()` computes it. Every other module is shown as a ladder
    (`NetworkLab`). `x` is anything that `load_image` takes, or (C, H, W) as the layer takes it; of
    a batch the first is shown. Without `x`, layers see random numbers. Lazy layers are shown as
    they would be after a pass over `x`, a compiled or parallel model as what it wraps;
    `layer_or_model` stays as it is. What is shown otherwise than the layer has it (one picture of a
    batch, numbers of another precision) is said in the lab.

    Raises OperationError or ImageError if the layer, or `x`, does not fit, or if x or y would take
    more than 64 MB; OperationError for scripted models, and for models of sequences and volumes.

    >>> lab = explore(nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1), torch.rand(1, 8, 6, 6))
    >>> type(lab).__name__, tuple(lab.output.shape)
    ('TransposedConvolutionLab', (1, 3, 12, 12))
    >>> lab.close()
    """
    if not isinstance(layer_or_model, nn.Module):
        raise OperationError(
            _(
                "explore needs an nn.Module, not {kind}: for a function there are the "
                "labs themselves, such as rv.UpsamplingLab.",
                kind=type(layer_or_model).__name__,
            )
        )
    model, _shape = plain_module(layer_or_model)
    _check_dimensions(model)
    picture, notes = _picture(model, x)
    if any(is_lazy(one) for one in model.parameters()):
        model = initialised(model, picture)
    lab = layer_lab(model, picture, notes)
    if lab is None:
        lab = NetworkLab(model=model, image=picture)
        say(lab, model, notes)
    return lab


def _check_dimensions(model: nn.Module) -> None:
    """Raises OperationError for models that work along one axis or three."""
    dimensions = dimensions_of(model)
    if 2 in dimensions or not dimensions & {1, 3}:
        return
    n = min(dimensions & {1, 3})
    raise OperationError(
        _(
            "explore shows pictures, (N, C, H, W), but the layers of this model "
            "take {layouts}: rv.trace(model, {example}) follows their shapes.",
            layouts=KINDS[n],
            example=example_shape(model, n),
        )
    )


def _picture(module: nn.Module, x: Any) -> tuple[Tensor, list[str]]:
    """The input, and what to say about it; random numbers of as many channels as are taken."""
    if x is None:
        weights = (one for one in module.modules() if hasattr(one, "in_channels"))
        first: Any = next(weights, None)
        channels = (first.in_channels if first is not None else 0) or 3  # a lazy layer has none
        size = 8 if first is module else 64
        generator = torch.Generator().manual_seed(0)
        return torch.rand(1, channels, size, size, generator=generator), []
    if not isinstance(x, Tensor):
        return load_image(x), []
    notes = []
    if x.dtype not in (torch.float32, torch.bool):
        scaled = {torch.uint8: ", divided by 255", torch.uint16: ", divided by 65535"}
        notes.append(f"x is {x.dtype}: the lab computes in float32{scaled.get(x.dtype, '')}.")
    if x.ndim == 4 and len(x) > 1:
        notes.append(f"The first of the {len(x)} pictures of x is shown: x[1:] shows the next.")
    if x.ndim == 3 and _is_channels_first(module, x):
        x = x[None]
    return load_image(x[:1] if x.ndim == 4 else x), notes


def _is_channels_first(module: nn.Module, x: Tensor) -> bool:
    """Whether x is (C, H, W) to the layer, which only another number of channels speaks against.

    `load_image` also reads pictures with channels last.
    """
    wanted = getattr(module, "in_channels", None)
    return not wanted or x.shape[0] == wanted
