"""Models that are made for one size, and those that refuse a size themselves."""

from __future__ import annotations

import re
from math import isqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from resample_viz.analysis import trace
from resample_viz.analysis.tracing.diagnosis import USUAL_SIZES

FEW = settings(max_examples=10)


class Positions(nn.Module):
    """Tokens of strided convolutions that round up, and a table of positions for one size."""

    def __init__(self, size: int, steps: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(*(nn.Conv2d(3, 3, 3, 2, padding=1) for _ in range(steps)))
        cells = -(-size // 2**steps)
        self.table = nn.Parameter(torch.zeros(1, cells**2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.convs(x).flatten(2).transpose(1, 2) + self.table


@FEW
@given(size=st.sampled_from(USUAL_SIZES[4:]), more=st.integers(1, 9), steps=st.integers(3, 4))
def test_the_usual_size_comes_before_others_that_happen_to_run(
    size: int, more: int, steps: int
) -> None:
    model, given_size = Positions(size, steps), size + 2**steps + more
    failure = trace(model, (1, 3, given_size, given_size)).failure
    assert failure is not None
    first = failure.suggestions[0]
    found = re.search(r"with \(1, 3, (\d+), \1\)", first.text)
    assert found is not None
    assert int(found[1]) in USUAL_SIZES
    assert "may be made for" in first.text
    first.apply(model)(torch.rand(1, 3, given_size, given_size))


class LaidOut(nn.Module):
    """Attention over tokens, laid out as a map of one size, and a skip connection."""

    def __init__(self, size: int, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        self.patches = nn.Conv2d(1, 4, 8, stride=8)
        self.mix = nn.MultiheadAttention(4, 2, batch_first=True)
        self.up = nn.ConvTranspose2d(4, 1, 8, stride=8)
        self.side = size // 8

    def forward(self, x: Tensor) -> Tensor:
        y = self.patches(x).flatten(2).transpose(1, 2)
        y = self.mix(y, y, y)[0] + (y if self.residual else 0)
        y = y.view(x.shape[0], self.side, self.side, 4).permute(0, 3, 1, 2)
        return torch.cat([x, self.up(y)], 1)


@pytest.mark.parametrize("residual", [False, True])
@FEW
@given(size=st.sampled_from([32, 64, 96]), more=st.integers(1, 7))
def test_a_map_that_is_laid_out_for_one_size_asks_for_this_size(
    residual: bool, size: int, more: int
) -> None:
    model = LaidOut(size, residual).eval()
    shape = (1, 1, size + more, size + more)
    failure = trace(model, shape).failure
    assert failure is not None
    assert f"{size + more} is not {size}" in failure.reason
    if residual:  # tokens stay where they are
        assert f"makes {size // 8} of {size + more}, rounding down" in failure.reason
    else:
        assert f"lays numbers out anew, as a size of {size // 8}" in failure.reason
    assert f"with (1, 1, {size}, {size})" in failure.suggestions[0].text
    failure.suggestions[0].apply(model)(torch.rand(shape))


def test_an_error_without_words_is_told_by_its_line() -> None:
    class Refuses(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            torch._assert(x.shape[-1] % 7 == 0, "")
            return x

    class Raises(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if isqrt(x.shape[-1]) ** 2 != x.shape[-1]:
                raise ValueError
            return x

    failure = trace(Refuses(), (1, 3, 64, 64)).failure
    assert failure is not None
    assert 'at `torch._assert(x.shape[-1] % 7 == 0, "")`.' in failure.reason
    assert failure.suggestions
    other = trace(Raises(), (1, 3, 65, 65)).failure
    assert other is not None
    assert other.reason == "ValueError, without a word, at `raise ValueError`."


@pytest.mark.parametrize(
    ("dimensions", "words"),
    [(1, "length"), (2, "height and width"), (3, "depth, height and width")],
)
def test_axes_are_listed_as_in_a_sentence(dimensions: int, words: str) -> None:
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
            self.conv = kinds[dimensions - 1](1, 1, 3)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.conv(x)

    failure = trace(Skip(), (1, 1, *(9,) * dimensions)).failure
    assert failure is not None
    assert f"the {words} must agree" in failure.reason
