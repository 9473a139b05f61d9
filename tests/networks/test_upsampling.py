"""The upsampling blocks: exact sizes, the layers they are made of, and blocks of one's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from resample_viz.networks import UPSAMPLINGS, MaxUnpooling, enlarge, icnr_, upsampling_block

BY_NAME = st.sampled_from(UPSAMPLINGS)
CHANNELS = st.integers(1, 5)
SIZES = st.tuples(st.integers(1, 7), st.integers(1, 7))
FACTORS = st.integers(1, 4)
IMPOSSIBLE = ("transposed convolution k=4", 1)


def pooled(channels: int, size: tuple[int, int], factor: int) -> tuple[Tensor, Tensor]:
    """A map, and the indices of the pooling that made it."""
    large = torch.rand(1, channels, factor * size[0], factor * size[1])
    return F.max_pool2d(large, factor, return_indices=True)


@given(BY_NAME, CHANNELS, CHANNELS, SIZES, FACTORS)
def test_every_block_enlarges_by_exactly_its_factor(
    kind: Any, inputs: int, outputs: int, size: tuple[int, int], factor: int
) -> None:
    assume((kind, factor) != IMPOSSIBLE)
    x, indices = pooled(inputs, size, factor)
    y = enlarge(upsampling_block(kind, inputs, outputs, factor), x, indices)
    assert y.shape == (1, outputs, factor * size[0], factor * size[1])


def test_the_one_size_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"k=4 cannot enlarge by exactly 1: use k=3.*more\.$"):
        upsampling_block(*IMPOSSIBLE[:1], 2, 2, IMPOSSIBLE[1])


@pytest.mark.parametrize("factor", [0, -2, 1.5, True, "2"])
def test_a_factor_is_a_whole_number(factor: Any) -> None:
    with pytest.raises(ValueError, match=r"factor must be a whole number, 1 or more.*\.$"):
        upsampling_block("nearest + convolution", 1, 1, factor)


@given(CHANNELS, CHANNELS, SIZES, st.integers(2, 4))
def test_the_blocks_are_pytorchs_own_layers(
    inputs: int, outputs: int, size: tuple[int, int], factor: int
) -> None:
    x, indices = pooled(inputs, size, factor)
    for mode in ("nearest", "bilinear"):
        block: Any = upsampling_block(f"{mode} + convolution", inputs, outputs, factor)
        large = F.interpolate(x, scale_factor=factor, mode=mode)
        assert torch.equal(block(x), F.conv2d(large, block[1].weight, block[1].bias, padding=1))
    block = upsampling_block("sub-pixel convolution", inputs, outputs, factor)
    spread = F.conv2d(x, block[0].weight, block[0].bias, padding=1)
    assert torch.equal(block(x), F.pixel_shuffle(spread, factor))
    block = upsampling_block("max unpooling", inputs, outputs, factor)
    scattered = F.max_unpool2d(x, indices, factor)
    expected = F.conv2d(scattered, block.fill.weight, block.fill.bias, padding=1)
    assert torch.equal(block(x, indices), expected)


@pytest.mark.parametrize(
    ("k", "factor", "padding", "output_padding"),
    [(3, 2, 1, 1), (4, 2, 1, 0), (3, 1, 1, 0), (3, 3, 0, 0), (4, 3, 1, 1), (3, 4, 0, 1)],
)
def test_the_transposed_convolutions_have_the_usual_settings(
    k: int, factor: int, padding: int, output_padding: int
) -> None:
    block: Any = upsampling_block(f"transposed convolution k={k}", 2, 3, factor)  # type: ignore[arg-type]
    assert type(block) is nn.ConvTranspose2d
    assert block.kernel_size == (k, k)
    assert block.stride == (factor, factor)
    assert (block.padding, block.output_padding) == (
        (padding, padding),
        (output_padding, output_padding),
    )


def stamps(k: int) -> Tensor:
    """How many stamps reach each output pixel of an input of ones, away from the border."""
    block: Any = upsampling_block(f"transposed convolution k={k}", 1, 1)  # type: ignore[arg-type]
    with torch.no_grad():
        block.weight.fill_(1)
        block.bias.zero_()
        return block(torch.ones(1, 1, 6, 6))[0, 0, 2:-2, 2:-2]


def test_stamps_of_4_overlap_evenly_and_stamps_of_3_in_a_checkerboard() -> None:
    assert stamps(4).unique().tolist() == [4]
    assert stamps(3)[:2, :2].sort().values.unique().tolist() == [1, 2, 4]
    assert torch.equal(stamps(3)[:2], stamps(3)[2:4])


@given(CHANNELS, CHANNELS, SIZES, FACTORS, st.booleans())
def test_with_icnr_a_sub_pixel_convolution_starts_as_nearest_upsampling(
    inputs: int, outputs: int, size: tuple[int, int], factor: int, bias: bool
) -> None:
    block: Any = upsampling_block("sub-pixel convolution, ICNR", inputs, outputs, factor)
    if not bias:
        block[0] = nn.Conv2d(inputs, outputs * factor**2, 3, padding=1, bias=False)
        icnr_(block[0], factor)
    x = torch.rand(1, inputs, *size)
    y = block(x)
    assert torch.allclose(y, F.interpolate(y[..., ::factor, ::factor], scale_factor=factor))
    kernels = block[0].weight[:: factor**2]
    offsets = block[0].bias[:: factor**2] if bias else None
    small = F.conv2d(x, kernels, offsets, padding=1)
    assert torch.allclose(y, F.interpolate(small, scale_factor=factor), atol=1e-6)


def test_without_icnr_it_does_not() -> None:
    torch.manual_seed(0)
    y = upsampling_block("sub-pixel convolution", 3, 2)(torch.rand(1, 3, 5, 5))
    assert (y - F.interpolate(y[..., ::2, ::2], scale_factor=2)).abs().max() > 0.05


def test_icnr_refuses_channels_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"6 channels .* 4 at a time: use a multiple of 4\.$"):
        icnr_(nn.Conv2d(1, 6, 3), 2)


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no upsampling block 'bicubic': choose one of") as told:
        upsampling_block("bicubic", 1, 1)  # type: ignore[arg-type]
    assert all(repr(name) in str(told.value) for name in UPSAMPLINGS)


# Max unpooling


def test_winners_go_back_to_their_places() -> None:
    x, indices = pooled(1, (2, 3), 2)
    block = MaxUnpooling(1, 1)
    with torch.no_grad():
        block.fill.weight.zero_()
        block.fill.weight[0, 0, 1, 1] = 1
        block.fill.bias.zero_()  # type: ignore[union-attr]
    y = block(x, indices)
    assert torch.equal(y.flatten()[indices.flatten()], x.flatten())
    assert int((y != 0).sum()) == x.numel()


@pytest.mark.parametrize("shape", [(1, 2, 3, 4), (1, 1, 3, 3), (2, 2, 3, 3)])
def test_unpooling_refuses_the_indices_of_another_map(shape: tuple[int, ...]) -> None:
    block = upsampling_block("max unpooling", 2, 1)
    with pytest.raises(ValueError, match=r"\(1, 2, 3, 3\) got indices of shape .*this map\.$"):
        block(torch.rand(1, 2, 3, 3), torch.zeros(shape, dtype=torch.int64))


# A block of one's own


def smoothed(inputs: int, outputs: int, factor: int) -> nn.Module:
    return nn.Sequential(
        nn.BatchNorm2d(inputs),
        nn.Dropout(0.5),
        nn.Upsample(scale_factor=factor),
        nn.Conv2d(inputs, outputs, 5, padding=2),
    )


@given(CHANNELS, CHANNELS, SIZES, FACTORS)
def test_a_block_of_ones_own_is_used_as_it_is(
    inputs: int, outputs: int, size: tuple[int, int], factor: int
) -> None:
    torch.manual_seed(0)
    expected = smoothed(inputs, outputs, factor)
    after = torch.rand(1)
    torch.manual_seed(0)
    block: Any = upsampling_block(smoothed, inputs, outputs, factor)
    assert torch.equal(torch.rand(1), after), "trying it draws no random numbers"
    assert all(map(torch.equal, block.state_dict().values(), expected.state_dict().values()))
    assert all(module.training for module in block.modules())
    x = torch.rand(2, inputs, *size)
    assert block(x).shape == (2, outputs, factor * size[0], factor * size[1])


def test_max_unpooling_is_such_a_block() -> None:
    x, indices = pooled(2, (3, 3), 2)
    assert enlarge(upsampling_block(MaxUnpooling, 2, 5), x, indices).shape == (1, 5, 6, 6)


def too_small(inputs: int, outputs: int, factor: int) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, 3, stride=factor, padding=1)


def wrong_channels(inputs: int, outputs: int, factor: int) -> nn.Module:
    return nn.Conv2d(outputs + 1, outputs, 3)


def no_module(inputs: int, outputs: int, factor: int) -> Any:
    return F.interpolate


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (too_small, r"too_small\(2, 3, 2\) makes gives \(1, 3, 7, 7\).*not \(1, 3, 8, 8\)"),
        (wrong_channels, r"wrong_channels\(2, 3, 2\) makes fails .*RuntimeError.*\(1, 3, 8, 8\)"),
        (no_module, r"no_module must return a torch.nn.Module, not function"),
        (nn.Upsample(scale_factor=2), r"upsampling is Upsample, a module.*give a function"),
    ],
)
def test_a_block_of_ones_own_that_does_not_fit_is_refused_in_one_sentence(
    kind: Any, told: str
) -> None:
    with pytest.raises(ValueError, match=told) as refused:
        upsampling_block(kind, 2, 3)
    assert str(refused.value).endswith(".")
