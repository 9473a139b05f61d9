"""Maps whose channels are last, and tokens: failures are told, and mended, as those of others."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from resample_viz.analysis import trace
from resample_viz.analysis.tracing.failure import Failure

SIZES = st.integers(7, 40)
FEW = settings(max_examples=12)


def last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)


def from_last(x: Tensor, size: torch.Size) -> Tensor:
    del size
    return x.permute(0, 3, 1, 2)


def tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def from_tokens(x: Tensor, size: torch.Size) -> Tensor:
    return x.transpose(1, 2).unflatten(2, tuple(size))


class Mixing(nn.Module):
    """Down, a linear layer for every cell, up, and a skip connection."""

    def __init__(self, way: str, meets: str = "map") -> None:
        super().__init__()
        self.way, self.meets = way, meets
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.down = nn.Conv2d(6, 5, 3, stride=2, padding=1)
        self.mix = nn.Linear(5, 5)
        self.up = nn.ConvTranspose2d(5, 6, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        there, back = (last, from_last) if self.way == "last" else (tokens, from_tokens)
        x = self.first(x)
        y = self.down(x)
        y = self.up(back(self.mix(there(y)), y.shape[2:]))
        if self.meets == "map":
            return x + y
        return there(x) + there(y)


def failure_of(model: nn.Module, shape: tuple[int, ...]) -> Failure:
    failure = trace(model, shape).failure
    assert failure is not None
    for suggestion in failure.suggestions:
        suggestion.apply(model).eval()(torch.rand(shape))
    return failure


@pytest.mark.parametrize("meets", ["map", "as it is"])
@pytest.mark.parametrize("way", ["last", "tokens"])
@FEW
@given(height=SIZES, width=SIZES)
def test_a_step_beyond_a_permutation_is_found(
    way: str, meets: str, height: int, width: int
) -> None:
    model, shape = Mixing(way, meets), (1, 3, height, width)
    if height % 2 and width % 2:
        assert trace(model, shape).failure is None
        return
    failure = failure_of(model, shape)
    names = [n for n, size in (("height", height), ("width", width)) if size % 2 == 0]
    size = height if height % 2 == 0 else width
    assert f"the {' and '.join(names)} must agree, but {size} is not {size - 1}." in failure.reason
    assert f"makes {size - 1} of {size // 2}, 1 less than 2 × {size // 2}" in failure.reason
    assert failure.causes == ("up",)
    lacks = (1 - height % 2, 1 - width % 2)
    value = lacks[0] if lacks[0] == lacks[1] else lacks
    assert f"output_padding={value} in up (ConvTranspose2d)" in map(str, failure.suggestions)


@pytest.mark.parametrize("way", ["last", "tokens"])
@FEW
@given(height=SIZES, width=SIZES, made=st.integers(1, 9))
def test_channels_are_told_from_heights(way: str, height: int, width: int, made: int) -> None:
    class Unlike(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.other = nn.Linear(4, 12), nn.Linear(4, made + 1)

        def forward(self, x: Tensor) -> Tensor:
            x = last(x) if way == "last" else tokens(x)
            return self.one(x) + self.other(x)

    if made + 1 == 12:
        return
    failure = failure_of(Unlike(), (1, 4, height, width))
    assert f"the channels must agree, but 12 is not {made + 1}." in failure.reason
    assert "one makes 12" in failure.reason
    assert "out_features=12 in other (Linear)" in map(str, failure.suggestions)


@pytest.mark.parametrize(
    ("dimensions", "name", "places"),
    [
        (1, "length", "(N, L, C)"),
        (2, "height and width", "(N, H, W, C)"),
        (3, "depth, height and width", "(N, D, H, W, C)"),
    ],
)
@pytest.mark.parametrize("way", ["last", "tokens"])
@settings(max_examples=4)
@given(data=st.data())
def test_sequences_and_volumes_are_followed_as_pictures_are(
    data: st.DataObject, way: str, dimensions: int, name: str, places: str
) -> None:
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dimensions - 1]
    back = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[dimensions - 1]

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down = conv(3, 4, 3, stride=2, padding=1)
            self.mix = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.GELU())
            self.up = back(4, 3, 3, stride=2, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.down(x)
            if way == "last":
                y = self.mix(y.movedim(1, -1)).movedim(-1, 1)
            else:
                y = from_tokens(self.mix(tokens(y)), y.shape[2:])
            return torch.cat([x, self.up(y)], 1)

    class Forgets(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x, torch.tanh(x.movedim(1, -1))], 1)

    size = [2 * data.draw(st.integers(2, 6)) for _ in range(dimensions)]
    failure = failure_of(Net(), (1, 3, *size))
    assert f"the {name} must agree, but {size[0]} is not {size[0] - 1}." in failure.reason
    assert f"halves {size[0]} to {size[0] // 2}" in failure.reason
    assert f"output_padding=1 in up ({back.__name__})" in map(str, failure.suggestions)
    other = failure_of(Forgets(), (1, 3, *size))
    assert places in other.reason
    assert other.suggestions


def test_channels_that_were_not_put_back_are_said() -> None:
    class Forgets(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(4)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x, self.norm(last(x))], 1)

    failure = failure_of(Forgets(), (2, 4, 6, 9))
    assert "both are maps of 6 × 9" in failure.reason
    assert "(N, C, H, W)" in failure.reason
    assert "(N, H, W, C)" in failure.reason
    assert "x.permute(0, 3, 1, 2)" in str(failure.suggestions[0])


@FEW
@given(size=st.integers(6, 30), start=st.integers(0, 1), step=st.integers(2, 3))
def test_every_second_cell_is_counted_as_pytorch_counts_it(
    size: int, start: int, step: int
) -> None:
    class Strided(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = last(x)[:, start::step, start::step]
            return x[..., 0::step, 0::step] + from_last(y, y.shape)

    made, other = len(range(0, size, step)), len(range(start, size, step))
    shape = (1, 2, size, size)
    if made == other:
        assert trace(Strided(), shape).failure is None
        return
    failure = failure_of(Strided(), shape)
    assert f"makes {made} of {size}, rounding up" in failure.reason
    assert f"makes {other} of {size}" in failure.reason


@FEW
@given(height=SIZES, width=SIZES)
def test_an_output_with_channels_last_is_as_large_as_its_input(height: int, width: int) -> None:
    class Last(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return last(x)

    assert trace(Last(), (1, 3, height, width), same_size=True).failure is None
