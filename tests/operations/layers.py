"""Random layers of PyTorch's, of every kind that an operation stands for, and inputs for them."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from resample_viz.compat import import_torchvision

SIZES = st.integers(1, 3)
NUMBERS = st.floats(-2, 2, width=32)


def one_or_two(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(numbers, st.tuples(numbers, numbers))


@st.composite
def convolutions(draw: st.DrawFn) -> nn.Conv2d:
    groups, per_in, per_out = draw(st.sampled_from([(1, 1, 1), (1, 2, 70), (2, 2, 1), (3, 1, 2)]))
    padding = draw(st.one_of(one_or_two(st.integers(0, 2)), st.sampled_from(("same", "valid"))))
    return seeded(
        draw,
        lambda: nn.Conv2d(
            groups * per_in,
            groups * per_out,
            draw(one_or_two(SIZES)),
            stride=1 if padding == "same" else draw(one_or_two(SIZES)),
            padding=padding,
            dilation=draw(one_or_two(st.integers(1, 2))),
            groups=groups,
            bias=draw(st.booleans()),
            padding_mode=draw(st.sampled_from(("zeros", "reflect", "replicate", "circular"))),
        ),
    )


@st.composite
def transposed_convolutions(draw: st.DrawFn) -> nn.ConvTranspose2d:
    groups, per_in, per_out = draw(st.sampled_from([(1, 1, 1), (1, 2, 20), (2, 2, 1), (3, 1, 2)]))
    stride, dilation = draw(SIZES), draw(SIZES)
    return seeded(
        draw,
        lambda: nn.ConvTranspose2d(
            groups * per_in,
            groups * per_out,
            draw(one_or_two(SIZES)),
            stride=stride,
            padding=draw(one_or_two(st.integers(0, 2))),
            output_padding=draw(st.integers(0, max(stride, dilation) - 1)),
            groups=groups,
            bias=draw(st.booleans()),
            dilation=dilation,
        ),
    )


def seeded(draw: st.DrawFn, make: Any) -> Any:
    """The layer with random weights that are the same for the same draw."""
    with torch.random.fork_rng():
        torch.manual_seed(draw(st.integers(0, 99)))
        return make()


WINDOW: dict[str, Any] = {"kernel_size": one_or_two(st.integers(2, 3))}
STRIDED: dict[str, Any] = {**WINDOW, "stride": st.one_of(st.none(), one_or_two(SIZES))}
PADDED = {**STRIDED, "padding": one_or_two(st.integers(0, 1)), "ceil_mode": st.booleans()}
ADAPTED = {
    "output_size": st.one_of(SIZES, st.tuples(*[st.one_of(st.none(), st.integers(1, 9))] * 2))
}
POOLINGS: dict[type[nn.Module], dict[str, Any]] = {
    nn.MaxPool2d: {**PADDED, "dilation": one_or_two(st.integers(1, 2))},
    nn.AvgPool2d: {
        **PADDED,
        "count_include_pad": st.booleans(),
        "divisor_override": st.one_of(st.none(), st.integers(1, 9)),
    },
    nn.LPPool2d: {
        **STRIDED,
        "norm_type": st.sampled_from((1, 2, 2.5)),
        "ceil_mode": st.booleans(),
    },
    nn.AdaptiveAvgPool2d: ADAPTED,
    nn.AdaptiveMaxPool2d: ADAPTED,
}
poolings = st.one_of([st.builds(kind, **settings) for kind, settings in POOLINGS.items()])


@st.composite
def upsamplings(draw: st.DrawFn) -> nn.Upsample:
    mode = draw(st.sampled_from(("nearest", "nearest-exact", "bilinear", "bicubic", "area")))
    settings: dict[str, Any] = {"mode": mode}
    if mode in ("bilinear", "bicubic"):
        settings["align_corners"] = draw(st.sampled_from((None, False, True)))
    if draw(st.booleans()):
        return nn.Upsample(size=draw(one_or_two(st.integers(1, 12))), **settings)
    scale = draw(one_or_two(st.floats(0.5, 3)))
    return nn.Upsample(
        scale_factor=scale,
        recompute_scale_factor=draw(st.sampled_from((None, False, True))),
        **settings,
    )


@st.composite
def normalizations(draw: st.DrawFn) -> nn.Module:
    """torchvision's, of both versions, with statistics as lists, tuples and tensors."""
    import_torchvision()
    from torchvision import transforms
    from torchvision.transforms import v2

    kind: Any = draw(st.sampled_from((transforms.Normalize, v2.Normalize)))
    mean = draw(st.lists(NUMBERS, min_size=3, max_size=3))
    std = draw(st.lists(st.floats(0.125, 2, width=32), min_size=3, max_size=3))
    if draw(st.booleans()):
        mean, std = torch.tensor(mean), torch.tensor(std)  # type: ignore[assignment]
    made: nn.Module = kind(mean, std)
    return made


shufflings = st.one_of(
    st.builds(nn.PixelShuffle, SIZES),
    st.builds(nn.PixelUnshuffle, SIZES),
)
others = st.one_of(st.builds(nn.Identity), st.builds(nn.Hardtanh, st.just(0.25), st.just(0.75)))
layers: st.SearchStrategy[nn.Module] = st.one_of(
    convolutions(),
    transposed_convolutions(),
    poolings,
    upsamplings(),
    normalizations(),
    shufflings,
    others,
)


@st.composite
def layers_with_inputs(draw: st.DrawFn, *, largest: int = 9) -> tuple[nn.Module, Tensor]:
    """A layer and a batch, (N, C, H, W), that PyTorch runs it on."""
    layer = draw(layers.filter(lambda one: fitting_channels(one) > 0))
    channels = fitting_channels(layer)
    step = getattr(layer, "downscale_factor", 1)
    height, width = (draw(st.integers(1, largest)) * step for _ in range(2))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 9)))
    return layer, torch.rand(draw(SIZES), channels, height, width, generator=generator)


def fitting_channels(layer: Any) -> int:
    """A number of channels that the layer takes."""
    shuffled = 2 * getattr(layer, "upscale_factor", 0) ** 2
    return int(getattr(layer, "in_channels", 0) or shuffled or 3)


def runs(layer: nn.Module, x: Tensor) -> bool:
    """Whether PyTorch takes it, and gives something to look at."""
    try:
        y = layer(x)
    except (RuntimeError, ValueError, TypeError):
        return False
    return y.numel() > 0 and bool(torch.isfinite(y).all())
