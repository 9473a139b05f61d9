"""The networks of lessons 10 to 12: sizes, refusals, and that every weight can learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from resample_viz.networks import (
    UPSAMPLINGS,
    Autoencoder,
    MaxUnpooling,
    SegmentationNetwork,
    SuperResolutionNetwork,
    upscale_bicubic,
)

BY_NAME = st.sampled_from(UPSAMPLINGS)
ENLARGING = [name for name in UPSAMPLINGS if name != "max unpooling"]


def wide(inputs: int, outputs: int, factor: int) -> nn.Module:
    """A block of one's own."""
    return nn.Sequential(
        nn.Upsample(scale_factor=factor, mode="bicubic"),
        nn.Conv2d(inputs, outputs, 7, padding=3),
    )


@given(BY_NAME, st.integers(1, 6), st.sampled_from([1, 3]), st.integers(1, 20), st.integers(1, 3))
def test_an_autoencoder_gives_back_the_shape_it_gets(
    kind: Any, quarter: int, channels: int, code: int, count: int
) -> None:
    network = Autoencoder(4 * quarter, channels, code=code, upsampling=kind, width=2)
    x = torch.rand(count, channels, 4 * quarter, 4 * quarter)
    y = network(x)
    assert y.shape == x.shape
    assert y.min() >= 0
    assert y.max() <= 1
    assert network.encode(x)[0].shape == (count, code)


def test_everything_passes_through_the_code() -> None:
    network = Autoencoder(code=3)
    code, indices = network.encode(torch.rand(2, 1, 8, 8))
    nothing = tuple(torch.zeros_like(one) for one in indices)
    assert torch.equal(network.decode(code, indices), network.decode(code, nothing))  # type: ignore[arg-type]
    assert not torch.equal(network.decode(code, indices), network.decode(code + 1, indices))


def test_max_unpooling_is_handed_more_than_the_code() -> None:
    network = Autoencoder(code=3, upsampling="max unpooling")
    code, indices = network.encode(torch.rand(2, 1, 8, 8))
    nothing = tuple(torch.zeros_like(one) for one in indices)
    assert not torch.equal(network.decode(code, indices), network.decode(code, nothing))  # type: ignore[arg-type]


@given(
    BY_NAME,
    st.booleans(),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.integers(1, 5),
    st.sampled_from([1, 3]),
)
def test_a_segmentation_network_scores_every_pixel(
    kind: Any, skips: bool, eighths: tuple[int, int], classes: int, channels: int
) -> None:
    network = SegmentationNetwork(classes, channels, upsampling=kind, skips=skips, width=2)
    size = (8 * eighths[0], 8 * eighths[1])
    assert network(torch.rand(2, channels, *size)).shape == (2, classes, *size)


@given(
    st.sampled_from(ENLARGING), st.integers(2, 4), st.tuples(st.integers(1, 9), st.integers(1, 9))
)
def test_super_resolution_enlarges_by_its_factor(
    kind: Any, factor: int, size: tuple[int, int]
) -> None:
    network = SuperResolutionNetwork(factor, upsampling=kind, width=2)
    y = network(torch.rand(2, 1, *size))
    assert y.shape == (2, 1, factor * size[0], factor * size[1])


def test_super_resolution_adds_to_bicubic() -> None:
    network = SuperResolutionNetwork(3, width=2)
    x = torch.rand(1, 1, 6, 5)
    assert torch.allclose(network(x) - upscale_bicubic(x, 3), network.detail(x), atol=1e-6)
    nn.init.zeros_(network.up[0].weight)  # type: ignore[index]
    nn.init.zeros_(network.up[0].bias)  # type: ignore[index]
    assert torch.equal(network(x), upscale_bicubic(x, 3))


def test_its_bicubic_is_pillows() -> None:
    """Pillow has Keys' a = −0.5 as well."""
    from PIL import Image

    x = torch.rand(1, 1, 9, 7, generator=torch.Generator().manual_seed(0))
    large = Image.fromarray(x[0, 0].numpy()).resize((14, 18), Image.Resampling.BICUBIC)
    assert torch.allclose(upscale_bicubic(x, 2)[0, 0], torch.tensor(np.array(large)), atol=1e-5)
    plain = F.interpolate(x, scale_factor=2, mode="bicubic")
    assert (upscale_bicubic(x, 2) - plain).abs().max() > 1e-3


# Every weight learns

MAKERS: dict[str, tuple[Callable[[Any], nn.Module], tuple[int, ...]]] = {
    "autoencoder": (lambda kind: Autoencoder(upsampling=kind, width=8), (8, 1, 8, 8)),
    "segmentation": (lambda kind: SegmentationNetwork(upsampling=kind, width=4), (2, 3, 16, 16)),
    "with skips": (
        lambda kind: SegmentationNetwork(upsampling=kind, width=4, skips=True),
        (2, 3, 16, 16),
    ),
    "super-resolution": (
        lambda kind: SuperResolutionNetwork(upsampling=kind, width=8),
        (2, 1, 9, 9),
    ),
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (name, kind)
        for name in MAKERS
        for kind in [*(ENLARGING if name == "super-resolution" else UPSAMPLINGS), wide]
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_gradient_reaches_every_weight(name: str, kind: Any) -> None:
    make, shape = MAKERS[name]
    torch.manual_seed(0)
    network = make(kind)
    (network(torch.rand(shape)) * torch.randn(1, 1, 1, 1)).square().sum().backward()
    for of, parameter in network.named_parameters():
        assert parameter.grad is not None, of
        assert parameter.grad.abs().max() > 0, of


@pytest.mark.parametrize("name", MAKERS)
def test_the_same_seed_makes_the_same_network(name: str) -> None:
    make, shape = MAKERS[name]
    networks: list[nn.Module] = []
    for _ in range(2):
        torch.manual_seed(5)
        networks.append(make("sub-pixel convolution, ICNR").eval())
    x = torch.rand(shape)
    assert torch.equal(networks[0](x), networks[1](x))


# What does not fit


def refused(call: Callable[[], Any], told: str) -> None:
    with pytest.raises(ValueError, match=told) as error:
        call()
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text


@pytest.mark.parametrize("size", [0, 1, 2, 6, 25, -4])
def test_an_autoencoder_refuses_sizes_that_cannot_be_halved_twice(size: int) -> None:
    refused(lambda: Autoencoder(size), rf"size {size} cannot be halved twice")


@pytest.mark.parametrize("code", [0, -1])
def test_a_code_has_at_least_one_number(code: int) -> None:
    refused(lambda: Autoencoder(code=code), r"at least one number")


@pytest.mark.parametrize("shape", [(2, 1, 24, 24), (2, 3, 8, 8), (1, 8, 8), (2, 1, 8, 12)])
def test_an_autoencoder_refuses_other_pictures(shape: tuple[int, ...]) -> None:
    refused(lambda: Autoencoder()(torch.rand(shape)), r"takes pictures of shape \(N, 1, 8, 8\)")


@pytest.mark.parametrize("size", [(9, 8), (8, 12), (7, 7), (1, 1), (0, 8)])
def test_a_segmentation_network_refuses_sizes_that_cannot_be_halved(size: tuple[int, int]) -> None:
    network = SegmentationNetwork(width=2)
    refused(lambda: network(torch.rand(1, 3, *size)), r"cannot be halved three times: crop or pad")


@pytest.mark.parametrize("shape", [(1, 1, 16, 16), (3, 16, 16), (1, 4, 16, 16)])
def test_it_refuses_other_channels(shape: tuple[int, ...]) -> None:
    refused(lambda: SegmentationNetwork(width=2)(torch.rand(shape)), r"\(N, 3, H, W\), not")


@pytest.mark.parametrize("kind", ["max unpooling", MaxUnpooling])
def test_super_resolution_has_no_indices_to_unpool_by(kind: Any) -> None:
    refused(
        lambda: SuperResolutionNetwork(upsampling=kind), r"indices .*choose a sub-pixel convolution"
    )


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (1, 8, 8), (8, 8)])
def test_super_resolution_takes_luminance(shape: tuple[int, ...]) -> None:
    refused(lambda: SuperResolutionNetwork(width=2)(torch.rand(shape)), r"give it luminance\(x\)")


@pytest.mark.parametrize("make", [Autoencoder, SegmentationNetwork, SuperResolutionNetwork])
def test_no_network_knows_unknown_blocks(make: Any) -> None:
    refused(lambda: make(upsampling="bicubic"), r"no upsampling block 'bicubic'")


def test_a_block_that_gives_another_size_is_refused_when_the_network_is_made() -> None:
    def short(inputs: int, outputs: int, factor: int) -> nn.Module:
        return nn.ConvTranspose2d(inputs, outputs, factor, stride=1)

    makes: tuple[Callable[..., nn.Module], ...] = (
        Autoencoder,
        SegmentationNetwork,
        SuperResolutionNetwork,
    )
    for make in makes:
        refused(lambda make=make: make(upsampling=short), r"short\(.*change its stride")


def test_one_colour_goes_through() -> None:
    for make, shape in MAKERS.values():
        y: Tensor = make("bilinear + convolution").eval()(torch.full(shape, 0.5))
        assert y.isfinite().all()
