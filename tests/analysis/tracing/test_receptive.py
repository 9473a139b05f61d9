"""Receptive fields against autograd: operators with a rule, and operators without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from resample_viz.analysis import activation, gradient_footprint
from resample_viz.analysis.tracing.layout import Layout
from resample_viz.analysis.tracing.receptive import AxisField, picked
from resample_viz.analysis.tracing.trace import trace


class Function(nn.Module):
    """A function of tensors as a module, so that it can stand in a chain."""

    def __init__(self, name: str, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.name, self.function = name, function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def __repr__(self) -> str:
        return self.name


class Mixer(nn.Module):
    """Channels mixed in another layout: what ConvNeXt, einsum and tokens come down to."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.weight = how, nn.Parameter(torch.rand(4, 4) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        if self.how == "einsum":
            return torch.einsum("bchw,co->bohw", x, self.weight)
        if self.how == "channels last":
            return (x.permute(0, 2, 3, 1) @ self.weight).permute(0, 3, 1, 2)
        tokens = x.flatten(2).transpose(1, 2) @ self.weight
        return tokens.transpose(1, 2).unflatten(2, x.shape[2:])

    def __repr__(self) -> str:
        return f"Mixer({self.how!r})"


def convolution(k: tuple[int, int], s: int, p: int, d: int, mode: str) -> nn.Module:
    return nn.Conv2d(4, 4, k, s, p, d, padding_mode=mode)


def transposed(k: int, s: int, p: int) -> nn.Module:
    return nn.ConvTranspose2d(4, 4, k + s, stride=s, padding=p)


small = st.integers(1, 3)
windows = st.one_of(
    st.builds(
        convolution,
        st.tuples(small, small),
        small,
        st.integers(0, 2),
        st.integers(1, 2),
        st.sampled_from(["zeros", "zeros", "reflect", "replicate", "circular"]),
    ),
    st.builds(transposed, small, small, st.integers(0, 1)),
    st.builds(lambda k, s: nn.AvgPool2d(k, s), small, small),
    st.builds(lambda k: nn.LPPool2d(2, k), small),
    st.builds(
        lambda f, mode: nn.Upsample(scale_factor=f, mode=mode),
        st.sampled_from([0.7, 1.5, 2.0, 3.0]),
        st.sampled_from(["nearest", "bilinear", "bicubic", "nearest-exact"]),
    ),
    st.builds(nn.AdaptiveAvgPool2d, st.integers(3, 9)),
    st.builds(nn.ZeroPad2d, st.integers(-1, 2)),
    st.builds(nn.ReflectionPad2d, st.integers(0, 2)),
    st.builds(nn.ReplicationPad2d, st.integers(0, 2)),
    st.builds(nn.CircularPad2d, st.integers(0, 2)),
    st.builds(lambda s: Function(f"x[..., {s}:, ::2]", lambda x: x[..., s:, ::2]), small),
    st.just(Function("glu of rows", lambda x: F.glu(F.pad(x, (0, 0, 0, x.shape[2] % 2)), 2))),
)

ON_CELLS = [
    *(nn.ReLU(), nn.Hardswish(), nn.LogSigmoid(), nn.RReLU(), nn.GELU(), nn.PReLU(4), nn.Mish()),
    *(nn.Softmax2d(), nn.ChannelShuffle(2), nn.LocalResponseNorm(3), nn.BatchNorm2d(4)),
    *(nn.Dropout2d(), nn.Identity(), Mixer("einsum"), Mixer("channels last"), Mixer("tokens")),
    Function("max over channels", lambda x: torch.max(x, 1, keepdim=True)[0] + x),
    Function("min over channels", lambda x: x - x.amin(1, keepdim=True)),
    Function("logsumexp", lambda x: x * x.logsumexp(1, keepdim=True)),
    Function("sort", lambda x: x.sort(1).values),
    Function("topk", lambda x: torch.cat([x.topk(2, 1).values] * 2, 1)),
    Function("norm", lambda x: F.normalize(x + 1, dim=1)),
    Function("split", lambda x: torch.cat([part + 1 for part in x.split([1, 3], 1)], 1)),
    Function("unbind", lambda x: torch.stack(x.unbind(1), 1)),
    Function("stack", lambda x: torch.stack([x, 2 * x], 2).sum(2)),
    Function("repeat", lambda x: x.mean(1, keepdim=True).repeat(1, 4, 1, 1) + x),
    Function("cumsum", lambda x: x.cumsum(1)),
    Function("roll of channels", lambda x: x.roll(1, 1)),
    Function("flip of channels", lambda x: x.flip(1) + x),
    Function("glu", lambda x: F.glu(torch.cat([x, x], 1), 1)),
    Function("where", lambda x: torch.where(x > 0.5, x, 2 * x)),
    Function("swap twice", lambda x: x.transpose(2, 3).contiguous().transpose(2, 3)),
    Function("layer norm of channels", lambda x: _layer_norm(x)),
    Function("masked", lambda x: x.masked_fill(x < 0.1, 0.0)),
    Function("in place", lambda x: x.clone().mul_(2).add_(x)),
    Function("with noise", lambda x: x + torch.zeros_like(x)),
]
MIXING = [
    Function("mean over rows", lambda x: x.mean(2, keepdim=True) + x),
    Function("squeeze and excitation", lambda x: x * x.mean((2, 3), keepdim=True)),
    Function("softmax over columns", lambda x: x.softmax(3)),
    Function("rolled rows", lambda x: x.roll(1, 2)),
    Function("turned", lambda x: x.rot90(2, (2, 3))),
    Function("flipped columns", lambda x: x.flip(3)),
    Function("unfolded", lambda x: F.fold(F.unfold(x, 3, padding=1), x.shape[2:], 3, padding=1)),
    Function("attention", lambda x: _attention(x)),
    Function("sampled", lambda x: F.grid_sample(x, _grid(x), align_corners=False)),
    Function("window partition", lambda x: _window_partition(x)),
    Function("part written", lambda x: _part_written(x)),
    Function("transposed", lambda x: x.transpose(2, 3).contiguous() if _square(x) else x),
    Function("cumulated", lambda x: x.cumsum(2)),
    Function("sorted rows", lambda x: x.sort(2).values),
    Function("dynamic", lambda x: F.conv2d(x, x.mean((0, 2, 3)).expand(4, 4)[..., None, None])),
    Function("split rows", lambda x: torch.cat(x.chunk(2, 2)[::-1], 2)),
    Function("outer", lambda x: x.mean(2, keepdim=True) * x.mean(3, keepdim=True)),
]


def _square(x: Tensor) -> bool:
    return x.shape[2] == x.shape[3]


def _layer_norm(x: Tensor) -> Tensor:
    return F.layer_norm(x.permute(0, 2, 3, 1), (4,)).permute(0, 3, 1, 2)


def _attention(x: Tensor) -> Tensor:
    tokens = x.flatten(2).transpose(1, 2)
    mixed = F.scaled_dot_product_attention(tokens, tokens, tokens)
    return mixed.transpose(1, 2).reshape(x.shape)


def _grid(x: Tensor) -> Tensor:
    return torch.rand(x.shape[0], 5, 6, 2, generator=torch.Generator().manual_seed(1)) * 2 - 1


def _window_partition(x: Tensor) -> Tensor:
    x = x[..., : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
    n, c, h, w = x.shape
    parts = x.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return (parts.mean((4, 5), keepdim=True) + parts).permute(0, 3, 1, 4, 2, 5).reshape(x.shape)


def _part_written(x: Tensor) -> Tensor:
    y = torch.zeros_like(x)
    y[..., 1:, :-1] = x[..., :-1, 1:]
    y[..., 0, :] += x[..., -1, :]
    return y


def cells_that_matter(
    model: nn.Module, x: Tensor, row: int, col: int
) -> tuple[list[int], list[int]] | None:
    """By autograd: the first and the last (row, column) of x that reach a cell of the output."""
    x = x.clone().requires_grad_()
    with torch.random.fork_rng():
        model.eval()(x)[0, :, row, col].sum().backward()
    gradient = x.grad[0].abs().sum(0)  # type: ignore[index]
    cells = (gradient > 1e-6 * gradient.max()).nonzero()  # less is the rounding of coordinates
    return None if not len(cells) else (cells.min(0).values.tolist(), cells.max(0).values.tolist())


def positive(module: nn.Module) -> nn.Module:
    """With weights above 0 no path cancels another one: gradients show every cell that is read."""
    for parameter in module.parameters():
        nn.init.uniform_(parameter, 0.5, 1.0)
    return module


def check(model: nn.Module, height: int, width: int, data: st.DataObject) -> Any:
    """The field of a cell of the output holds every cell that autograd finds. Returns the step."""
    model = positive(nn.Sequential(model, nn.Conv2d(4, 4, 1)))
    result = trace(model, (1, 4, height, width))
    if result.failure is not None or len(result.outputs[0]) != 4 or 0 in result.outputs[0]:
        return None
    rows, cols = result.outputs[0][-2:]
    if rows > 100 or cols > 100:
        return None
    step = result.steps[-1]
    field = step.field
    row, col = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, cols - 1))
    x = torch.rand(1, 4, height, width, generator=torch.Generator().manual_seed(0)) + 0.1
    reached = cells_that_matter(model, x, row, col)
    if reached is None:
        return None
    (first_row, first_col), (last_row, last_col) = reached
    if field.layout.map_size is None:
        row = col = 0  # all cells see the same
    top, left, bottom, right = field.region(row, col)
    assert top <= first_row <= last_row <= bottom
    assert left <= first_col <= last_col <= right
    return step, (top, left, bottom, right), reached


each = st.one_of(windows, windows, st.sampled_from(ON_CELLS))


@settings(max_examples=120, deadline=None)
@given(st.lists(each, min_size=1, max_size=5), st.integers(12, 30), st.integers(12, 30), st.data())
def test_no_cell_that_reaches_the_output_is_left_out(
    chain: list[nn.Module], height: int, width: int, data: st.DataObject
) -> None:
    found = check(nn.Sequential(*chain), height, width, data)
    assert found is None or not found[0].field.is_bound, "there is a rule for every one of these"


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.one_of(each, st.sampled_from(MIXING)), min_size=1, max_size=4),
    st.integers(12, 24),
    st.integers(12, 24),
    st.data(),
)
def test_what_has_no_rule_is_a_bound_that_holds(
    chain: list[nn.Module], height: int, width: int, data: st.DataObject
) -> None:
    check(nn.Sequential(*chain), height, width, data)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(ON_CELLS), min_size=1, max_size=4), st.data())
def test_what_works_cell_by_cell_or_on_channels_changes_no_field(
    chain: list[nn.Module], data: st.DataObject
) -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 3), *chain)
    found = check(model, 12, 13, data)
    assert found is not None
    step, region, reached = found
    assert step.field.size == (3, 3)
    assert not step.field.is_bound
    assert not step.field.statistics
    assert region == (*reached[0], *reached[1])


@pytest.mark.parametrize("mixing", MIXING, ids=repr)
def test_a_mixing_operator_is_a_bound_or_sees_all(mixing: nn.Module) -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), mixing, nn.Conv2d(4, 4, 1))
    step = trace(model, (1, 4, 12, 12)).steps[-1]
    assert step.field is not None
    assert step.field.is_bound or max(step.field.size) >= 12


@pytest.mark.parametrize(
    ("norm", "counts"),
    [
        (nn.GroupNorm(2, 4), True),
        (nn.InstanceNorm2d(4), True),
        (nn.BatchNorm2d(4), False),
        (nn.BatchNorm2d(4, track_running_stats=False), True),
        (nn.LayerNorm((4, 12, 12)), True),
    ],
    ids=lambda value: str(value)[:30],
)
def test_statistics_of_a_map_are_told_beside_the_field(norm: nn.Module, counts: bool) -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), norm, nn.ReLU())
    field = trace(model, (1, 4, 12, 12)).steps[-1].field
    assert field is not None
    assert field.size == (3, 3)
    assert field.statistics == counts


# Layouts


@pytest.mark.parametrize(
    ("move", "shape"),
    [
        (lambda x: x.permute(0, 2, 3, 1), (2, 6, 7, 5)),
        (lambda x: x.flatten(2), (2, 5, 42)),
        (lambda x: x.flatten(2).transpose(1, 2), (2, 42, 5)),
        (lambda x: x.permute(0, 2, 3, 1).reshape(84, 5), (84, 5)),
        (lambda x: x.unsqueeze(2), (2, 5, 1, 6, 7)),
    ],
    ids=["channels last", "flattened", "tokens", "rows of a matrix", "one more"],
)
def test_a_moved_map_is_found_again(
    move: Callable[[Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    class Moved(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return move(x) + 1

    x = torch.rand(2, 5, 6, 7)
    result = trace(nn.Sequential(nn.AvgPool2d(1), Moved(), nn.Identity()), x.shape)
    step = next(one for one in result.steps if one.shape == shape)
    layout = step.field.layout
    assert layout.map_size == (6, 7)
    assert step.extent == (6, 7)
    assert torch.equal(layout.as_map(move(x)), x)


def test_a_map_that_is_torn_apart_is_none() -> None:
    layout = Layout.of_map((1, 3, 8, 8))
    assert layout.reshaped((1, 3, 4, 2, 8)) is None
    assert layout.reshaped((1, 24, 8)).map_size == (8, 8)  # type: ignore[union-attr]
    assert Layout.without_map((1, 3)).as_map(torch.rand(1, 3)) is None


def test_copied_cells_are_looked_up_one_by_one() -> None:
    axis = picked(AxisField.of_input(), [[1], [0], [1], [2], [1]])
    assert [axis.at(cell) for cell in range(5)] == [(1, 1), (0, 0), (1, 1), (2, 2), (1, 1)]


def test_a_channels_last_step_is_shown_as_its_map() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.mix = nn.Conv2d(3, 24, 4, 4), nn.Linear(24, 96)

        def forward(self, x: Tensor) -> Tensor:
            return self.mix(self.stem(x).permute(0, 2, 3, 1))

    x = torch.rand(1, 3, 64, 48)
    block = Block()
    steps = trace(block, x.shape).steps
    number = next(n for n, step in enumerate(steps) if step.name == "mix")
    seen = activation(block, x, number)
    assert seen.output.shape == (1, 16, 12, 96)
    assert seen.feature_map is not None
    assert torch.equal(seen.feature_map, seen.output.permute(0, 3, 1, 2))
    assert gradient_footprint(block, x, number, 15, 3).nonzero()[:, 2:].min(0).values.tolist() == [
        60,
        12,
    ]


def test_the_table_says_where_statistics_come_in() -> None:
    table = str(
        trace(nn.Sequential(nn.Conv2d(4, 4, 3), nn.GroupNorm(2, 4), nn.MaxPool2d(2)), (1, 4, 9, 9))
    )
    assert "4×4 *" in table
    assert "statistics of a normalisation" in table
