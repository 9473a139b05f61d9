"""Conv and ConvTranspose: what kernels mean, what the two are to each other, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import event, given
from hypothesis import strategies as st
from torch import Tensor, nn

import resample_viz
from resample_viz.operations import (
    MAX_BYTES,
    Conv,
    ConvTranspose,
    Operation,
    OperationError,
    Weights,
)
from resample_viz.operations.kernels import AVERAGING, NAMED, random
from tests.operations.registry import REGISTRY, Trial

conv_trials = REGISTRY[Conv].trials
transpose_trials = REGISTRY[ConvTranspose].trials


def noise(*shape: int, seed: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def test_both_are_in_the_package() -> None:
    assert resample_viz.Conv is Conv
    assert resample_viz.ConvTranspose is ConvTranspose


# What a kernel does to channels


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_named_kernel_is_the_weight_of_a_single_channel(name: str) -> None:
    kernel = NAMED[name]((3, 3)).float()
    assert torch.equal(Conv(kernel=name).weight, kernel[None, None])


@pytest.mark.parametrize("name", sorted(NAMED))
def test_without_groups_a_named_kernel_sees_the_mean_of_the_channels(name: str) -> None:
    x = noise(2, 3, 6, 7)
    grey = Conv(kernel=name, in_channels=3, out_channels=2)(x)
    expected = Conv(kernel=name)(x.mean(1, keepdim=True))
    torch.testing.assert_close(grey, expected.expand(-1, 2, -1, -1), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", sorted(NAMED))
def test_with_as_many_groups_as_channels_colours_stay_apart(name: str) -> None:
    x = noise(1, 3, 6, 7)
    coloured = Conv(kernel=name, in_channels=3, out_channels=3, groups=3)(x)
    for channel in range(3):
        alone = Conv(kernel=name)(x[:, channel : channel + 1])
        torch.testing.assert_close(coloured[:, channel : channel + 1], alone)


def test_an_own_kernel_of_two_axes_is_used_like_a_named_one() -> None:
    own = Conv(kernel=NAMED["sobel"]((3, 5)), in_channels=4, out_channels=2, groups=2)
    named = Conv(kernel="sobel", kernel_size=(3, 5), in_channels=4, out_channels=2, groups=2)
    assert torch.equal(own.weight, named.weight)
    assert own.kernel_size == (3, 5), "the size follows the tensor"


def test_an_own_kernel_of_four_axes_is_used_as_it_is() -> None:
    layer = nn.Conv2d(6, 4, (2, 3), groups=2, bias=False)
    conv = Conv(kernel=layer.weight, groups=2)
    assert (conv.in_channels, conv.out_channels, conv.kernel_size) == (6, 4, (2, 3))
    x = torch.rand(1, 6, 5, 5)
    assert torch.equal(conv(x), layer(x))
    back = nn.ConvTranspose2d(6, 4, (2, 3), stride=2, groups=2, bias=False)
    tconv = ConvTranspose(kernel=back.weight, stride=2, groups=2)
    assert (tconv.in_channels, tconv.out_channels) == (6, 4)
    assert torch.equal(tconv(x), back(x))


def test_random_weights_differ_between_channels_and_seeds() -> None:
    conv = Conv(kernel="random", in_channels=3, out_channels=2, seed=4)
    assert torch.equal(conv.weight, random((2, 3, 3, 3), 4))
    assert conv.weight.unique().numel() == 2 * 3 * 3 * 3
    assert not torch.equal(conv.weight, Conv(kernel="random", seed=5, in_channels=3).weight)


@pytest.mark.parametrize("name", AVERAGING)
@given(
    k=st.integers(1, 6),
    s=st.integers(1, 4),
    channels=st.sampled_from([(1, 1, 1), (3, 1, 1), (3, 3, 3), (4, 2, 2)]),
)
def test_an_averaging_transposed_convolution_keeps_a_constant_on_average(
    name: str, k: int, s: int, channels: tuple[int, int, int]
) -> None:
    inputs, outputs, groups = channels
    layer = ConvTranspose(
        kernel=name,
        kernel_size=k,
        stride=s,
        in_channels=inputs,
        out_channels=outputs,
        groups=groups,
    )
    n = 3
    total = layer(torch.full((1, inputs, n, n), 0.7, dtype=torch.float64)).sum((2, 3))
    # Every input cell stands for s x s output cells, those that its stamp leaves at the rim too.
    expected = torch.full_like(total, 0.7 * (n * s) ** 2)
    torch.testing.assert_close(total, expected, rtol=1e-6, atol=0)


def test_a_kernel_that_does_not_average_is_not_scaled_by_the_stride() -> None:
    assert ConvTranspose(kernel="identity").weight.sum() == 1
    own = NAMED["box"]((3, 3)).float()
    assert torch.equal(ConvTranspose(kernel=own, stride=3).weight[0, 0], own)


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_a_bias_adds_a_half_to_every_channel(kind: type[Any]) -> None:
    plain, biased = kind(out_channels=2), kind(out_channels=2, bias=True)
    x = noise(1, 1, 5, 5)
    torch.testing.assert_close(biased(x), plain(x) + 0.5)
    assert biased.bias_values.tolist() == [0.5, 0.5]
    assert plain.bias_values.tolist() == [0, 0]


# Padding


@given(conv_trials)
def test_padding_first_and_convolving_without_padding_is_the_same(trial: Trial) -> None:
    conv = trial.operation
    assert isinstance(conv, Conv)
    x = trial.input(batch=2, dtype=torch.float64)
    padded = conv.pad(x)
    top, left, bottom, right = conv.padding_of(x.shape)
    assert padded.shape[2:] == (top + x.shape[2] + bottom, left + x.shape[3] + right)
    assert torch.equal(padded[..., top:, left:][..., : x.shape[2], : x.shape[3]], x)
    torch.testing.assert_close(conv.unpadded()(padded), conv(x))


def test_same_padding_puts_the_odd_cell_at_the_end() -> None:
    conv = Conv(kernel="box", kernel_size=(4, 3), padding="same")
    assert conv.padding_of((1, 1, 5, 5)) == (1, 1, 2, 1)
    assert conv.explain_shape((1, 1, 5, 5)) == (
        "height: floor((5 + 1 + 2 − 1·(4 − 1) − 1) / 1) + 1 = 5\n"
        "width: floor((5 + 2·1 − 1·(3 − 1) − 1) / 1) + 1 = 5"
    )


@given(conv_trials)
def test_unread_cells_are_those_whose_change_changes_nothing(trial: Trial) -> None:
    conv = trial.operation
    assert isinstance(conv, Conv)
    # All weights positive, so that no contributions cancel.
    everywhere = Conv(
        **{
            **trial.parameters,
            "kernel": torch.ones(conv.taps),
            "in_channels": 1,
            "out_channels": 1,
            "groups": 1,
        }
    )
    shape = (1, 1, *trial.shape[2:])
    reach = everywhere.adjoint(shape)(torch.ones(everywhere.output_shape(shape)))[0, 0]
    rows, cols = conv.unread(trial.shape)
    event(f"unread: {bool(rows or cols)}")
    unread = torch.zeros(trial.shape[2:], dtype=torch.bool)
    unread[rows] = True
    unread[:, cols] = True
    assert torch.equal(unread, reach == 0)


def test_a_stride_can_leave_cells_unread() -> None:
    assert Conv(stride=2).unread((1, 1, 6, 7)) == ([5], [])
    assert Conv(kernel_size=1, stride=2).unread((1, 1, 4, 4)) == ([1, 3], [1, 3])


# The transposed convolution, in both readings


@given(transpose_trials)
def test_gathering_from_the_stretched_grid_is_scattering(trial: Trial) -> None:
    layer = trial.operation
    assert isinstance(layer, ConvTranspose)
    x = trial.input(batch=2, dtype=torch.float64)
    gathered = layer.as_convolution()(layer.stretched(x))
    torch.testing.assert_close(gathered, layer(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "shape"),
    [
        ({"kernel_size": 2, "stride": 2, "padding": 3}, (1, 1, 5, 5)),
        ({"kernel_size": 1, "stride": 1, "padding": 1}, (1, 1, 3, 4)),
        ({"kernel_size": 1, "stride": 8, "padding": 2, "output_padding": 5}, (1, 1, 1, 2)),
        ({"kernel_size": (1, 3), "stride": 4, "padding": (3, 0)}, (1, 1, 4, 2)),
    ],
    ids=str,
)
def test_where_padding_cuts_into_the_input_the_stretched_grid_is_cut_too(
    parameters: dict[str, Any], shape: tuple[int, ...]
) -> None:
    layer = ConvTranspose(kernel="random", **parameters)
    x = noise(*shape)
    torch.testing.assert_close(layer.as_convolution()(layer.stretched(x)), layer(x))


@given(transpose_trials, st.data())
def test_the_output_is_the_sum_of_the_stamps_of_all_inputs(
    trial: Trial, data: st.DataObject
) -> None:
    layer = trial.operation
    assert isinstance(layer, ConvTranspose)
    x = trial.input()
    total = layer.bias_values.view(-1, 1, 1).expand(layer.output_shape(x.shape)[1:]).clone()
    for channel, row, col in torch.cartesian_prod(*map(torch.arange, x.shape[1:])).tolist():
        stamp = layer.stamp(x.shape, row, col, channel)
        total += x[0, channel, row, col] * stamp
    torch.testing.assert_close(total, layer(x)[0], rtol=1e-4, atol=1e-4)


def test_overlap_is_uneven_for_kernel_3_and_even_for_kernel_4() -> None:
    uneven = ConvTranspose(kernel="random", kernel_size=3, stride=2).overlap((1, 1, 5, 5))
    assert uneven[3:7, 3:7].tolist() == [[1, 2, 1, 2], [2, 4, 2, 4], [1, 2, 1, 2], [2, 4, 2, 4]]
    even = ConvTranspose(kernel="random", kernel_size=4, stride=2).overlap((1, 1, 5, 5))
    assert (even[2:-2, 2:-2] == 4).all()
    dead = ConvTranspose(kernel_size=2, stride=2, output_padding=1).overlap((1, 1, 2, 2))
    assert dead[-1].tolist() == [0] * 5, "an output_padding that no stamp reaches"


@given(transpose_trials)
def test_overlap_counts_the_taps_that_do_not_read_zeros(trial: Trial) -> None:
    layer = trial.operation
    assert isinstance(layer, ConvTranspose)
    overlap = layer.overlap(trial.shape)
    assert overlap.shape == layer.output_shape(trial.shape)[2:]
    rows, cols = layer.footprint(trial.shape).axes
    counts = (rows.index >= 0).sum(1)[:, None] * (cols.index >= 0).sum(1)
    assert torch.equal(overlap, counts)


# Each is the adjoint of the other


def inner(a: Tensor, b: Tensor) -> float:
    return float((a * b).sum())


@given(conv_trials)
def test_the_transposed_of_a_convolution_is_its_adjoint(trial: Trial) -> None:
    conv = Conv(**{**trial.parameters, "bias": False})
    x = noise(*trial.shape)
    y = noise(*conv.output_shape(trial.shape), seed=6)
    try:
        back = conv.transposed(trial.shape)
    except OperationError:
        top, left, bottom, right = conv.padding_of(trial.shape)
        mirrored = conv.padding_mode != "zeros" and max(top, left, bottom, right) > 0
        event("mirrored" if mirrored else "uneven")
        assert mirrored or (top, left) != (bottom, right)
        return
    assert inner(conv(x), y) == pytest.approx(inner(x, back(y)), rel=1e-9, abs=1e-9)
    assert torch.equal(back.weight, conv.weight), "the weights are shared"
    assert torch.equal(back.transposed().weight, conv.weight)


@given(transpose_trials)
def test_the_transposed_of_a_transposed_convolution_is_its_adjoint(trial: Trial) -> None:
    layer = ConvTranspose(**{**trial.parameters, "bias": False})
    x = noise(*trial.shape)
    y = noise(*layer.output_shape(trial.shape), seed=6)
    extras = [a >= b for a, b in zip(_pair(layer.output_padding), _pair(layer.stride))]
    if any(extras):
        with pytest.raises(OperationError, match="adjoint of no convolution"):
            layer.transposed()
        return
    back = layer.transposed()
    assert inner(layer(x), y) == pytest.approx(inner(x, back(y)), rel=1e-9, abs=1e-9)
    again = back.transposed(y.shape)
    assert again.output_shape(x.shape) == y.shape


def _pair(value: Any) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 4), st.integers(1, 30))
def test_output_padding_picks_among_the_input_sizes_that_a_stride_maps_together(
    k: int, s: int, p: int, n: int
) -> None:
    conv = Conv(kernel="box", kernel_size=k, stride=s, padding=p)
    possible = [m for m in range(max(1, k - 2 * p), 60) if conv.output_shape((1, 1, m, m))[2] == n]
    reached = []
    for extra in range(s):
        back = ConvTranspose(kernel="box", kernel_size=k, stride=s, padding=p, output_padding=extra)
        try:
            reached.append(back.output_shape((1, 1, n, n))[2])
        except OperationError:
            continue  # less than one cell is left
    assert [m for m in reached if m < 60] == possible
    for m in possible:
        assert conv.transposed((1, 1, m, m)).output_shape((1, 1, n, n))[2] == m


def test_seven_and_eight_cells_become_four() -> None:
    conv = Conv(stride=2, padding=1)
    assert conv.output_shape((1, 1, 7, 8))[2:] == (4, 4)
    assert conv.transposed((1, 1, 7, 8)).output_padding == (0, 1)


# Code


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        (Conv(), "nn.Conv2d(1, 1, kernel_size=3, bias=False)"),
        (Conv(stride=2), "nn.Conv2d(1, 1, kernel_size=3, stride=2, bias=False)"),
        (Conv(stride=(1, 1), bias=True), "nn.Conv2d(1, 1, kernel_size=3)"),
        (
            Conv(kernel_size=(3, 5), padding="same", padding_mode="reflect", bias=True),
            "nn.Conv2d(1, 1, kernel_size=(3, 5), padding='same', padding_mode='reflect')",
        ),
        (
            ConvTranspose(stride=3, output_padding=(0, 2), in_channels=2, groups=2, out_channels=4),
            "nn.ConvTranspose2d(2, 4, kernel_size=3, stride=3, output_padding=(0, 2), groups=2, "
            "bias=False)",
        ),
        (ConvTranspose(stride=1), "nn.ConvTranspose2d(1, 1, kernel_size=3, bias=False)"),
    ],
)
def test_the_code_is_what_one_would_write(operation: Operation, code: str) -> None:
    assert operation.code() == code


@pytest.mark.parametrize(
    ("operation", "line"),
    [
        (
            Conv(kernel="bilinear"),
            "conv.weight.data[:] = torch.tensor([[1., 2., 1.], [2., 4., 2.], [1., 2., 1.]]) / 16",
        ),
        (
            Conv(kernel="box", kernel_size=(1, 2), in_channels=3),
            "conv.weight.data[:] = torch.tensor([[1., 1.]]) / 6",
        ),
        (
            Conv(kernel="random", seed=3),
            "conv.weight.data[:] = torch.randn(conv.weight.shape, "
            "generator=torch.Generator().manual_seed(3)) / 27 ** 0.5",
        ),
        (
            Conv(kernel=torch.ones(64, 3, 3, 3)),
            "conv.weight.data[:] = weight  # your own tensor, (64, 3, 3, 3)",
        ),
        (
            ConvTranspose(kernel=[[[[1]]]]),
            "tconv.weight.data[:] = torch.tensor([[[[1.]]]])",
        ),
    ],
)
def test_the_weights_are_written_shortly(operation: Operation, line: str) -> None:
    assert operation.program().splitlines()[1:] == [line]


def test_the_bias_has_a_line_of_its_own() -> None:
    assert Conv(bias=True).program().splitlines()[-1] == "conv.bias.data[:] = 0.5"


def test_a_bias_may_be_numbers_of_ones_own() -> None:
    numbers = torch.rand(3)
    conv = Conv("box", out_channels=3, bias=numbers)  # type: ignore[arg-type]
    assert torch.equal(conv.bias_values, numbers)
    assert conv == Conv("box", out_channels=3, bias=numbers.tolist())  # type: ignore[arg-type]
    assert eval(repr(conv), {"Conv": Conv}) == conv
    names: dict[str, Any] = {"torch": torch, "nn": nn}
    exec(conv.program(), names)
    assert torch.equal(names["conv"].bias.data, numbers)
    assert Conv(bias=None) == Conv()  # type: ignore[arg-type]


def test_a_long_weight_or_bias_is_left_to_a_name() -> None:
    weight, bias = torch.rand(64, 3, 3, 3), torch.rand(64)
    conv = Conv(weight, bias=bias)  # type: ignore[arg-type]
    assert conv.program().splitlines()[1:] == [
        "conv.weight.data[:] = weight  # your own tensor, (64, 3, 3, 3)",
        "conv.bias.data[:] = bias  # your own tensor, (64,)",
    ]
    own = conv.own_tensors()
    assert torch.equal(own["weight"], weight)
    assert torch.equal(own["bias"], bias)
    assert Conv("box", bias=True).own_tensors() == {}


@pytest.mark.parametrize(
    ("bias", "words"),
    [
        ("yes", "must be True, False, or one number per output channel"),
        (1.0, "must be True, False, or one number per output channel"),
        ((), "is no row of numbers"),
        ((float("nan"),), "is no row of numbers"),
        (((1.0,),), "is no row of numbers"),
        ((1.0, 2.0), "use out_channels=2, or bias=True"),
    ],
)
def test_a_bias_that_does_not_fit_is_refused(bias: Any, words: str) -> None:
    with pytest.raises(OperationError, match=words):
        Conv(bias=bias)


@pytest.mark.parametrize("name", [*sorted(NAMED), "random"])
@pytest.mark.parametrize("k", [3, 5, 7])
@pytest.mark.parametrize("channels", [1, 3, 6])
def test_written_weights_are_the_weights_to_the_last_bit(name: str, k: int, channels: int) -> None:
    for kind in (Conv, ConvTranspose):
        operation = kind(kernel=name, kernel_size=k, in_channels=channels)
        names: dict[str, Any] = {"torch": torch, "nn": nn}
        exec(operation.program(), names)
        assert torch.equal(names[operation.variable].weight.data, operation.weight)


@given(st.one_of(conv_trials, transpose_trials))
def test_the_repr_makes_the_same_operation(trial: Trial) -> None:
    names = {"Conv": Conv, "ConvTranspose": ConvTranspose}
    text = repr(trial.operation)
    if "<own" not in text:
        assert eval(text, names) == trial.operation


def test_the_formula_is_shown_with_its_numbers() -> None:
    conv = Conv(stride=2, padding=1)
    line = "floor((5 + 2·1 − 1·(3 − 1) − 1) / 2) + 1 = 3"
    assert conv.explain_shape((1, 1, 5, 5)) == f"height: {line}\nwidth: {line}"
    layer = ConvTranspose(stride=2, padding=(1, 0), output_padding=(0, 1))
    assert layer.explain_shape((1, 1, 3, 3)) == (
        "height: (3 − 1)·2 − 2·1 + 1·(3 − 1) + 0 + 1 = 5\n"
        "width: (3 − 1)·2 − 2·0 + 1·(3 − 1) + 1 + 1 = 8"
    )


@given(st.one_of(conv_trials, transpose_trials))
def test_the_formula_is_true_as_it_is_written(trial: Trial) -> None:
    for line in trial.operation.explain_shape(trial.shape).splitlines():
        formula, _, result = line.partition(": ")[2].rpartition(" = ")
        python = formula.replace("·", "*").replace("−", "-")
        assert eval(python, {"floor": int}) == int(result)


# The ways back


def kinds(operation: Operation, shape: tuple[int, ...]) -> list[tuple[str, str]]:
    return [(way.label, way.kind) for way in operation.undo(shape)]


def test_the_ways_back_have_their_honest_names() -> None:
    assert kinds(Conv(kernel="sharpen", padding=1), (1, 1, 6, 6)) == [
        ("transposed convolution, random weights", "shape only"),
        ("transposed convolution, same weights", "adjoint"),
        ("least squares", "exact inverse"),
    ]
    assert kinds(
        ConvTranspose(kernel="bilinear", kernel_size=4, stride=2, padding=1), (1, 1, 6, 6)
    ) == [
        ("convolution, random weights", "shape only"),
        ("convolution, same weights", "adjoint"),
        ("least squares", "left inverse"),
    ]
    assert kinds(Conv(stride=2, padding=1, padding_mode="circular"), (1, 1, 6, 6)) == [
        ("transposed convolution, random weights", "shape only"),
        ("adjoint (transpose)", "adjoint"),
        ("least squares", "pseudo-inverse"),
    ]


def test_large_inputs_have_no_dense_inverse() -> None:
    assert len(Conv(padding=1).undo((1, 1, 32, 32))) == 3
    assert len(Conv(padding=1).undo((1, 1, 32, 33))) == 2
    assert len(ConvTranspose(stride=2).undo((1, 1, 16, 16))) == 2, "its output has 33 x 33 cells"


def test_the_shape_comes_back_and_the_values_do_not() -> None:
    conv = Conv(kernel="random", in_channels=3, out_channels=4, padding=1)
    x = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    shape_only, adjoint, least_squares = conv.undo(x.shape)
    for way in (shape_only, adjoint):
        assert way(conv(x)).shape == x.shape
        assert (way(conv(x)) - x).norm() > 0.3 * x.norm(), way.label
    torch.testing.assert_close(least_squares(conv(x)), x, rtol=0, atol=1e-3)


@given(st.one_of(conv_trials, transpose_trials))
def test_every_way_back_subtracts_the_bias_first(trial: Trial) -> None:
    plain = trial.operation_type(**{**trial.parameters, "bias": False})
    biased = trial.operation_type(**{**trial.parameters, "bias": True})
    x = trial.input(dtype=torch.float64)
    for way, other in zip(plain.undo(x.shape), biased.undo(x.shape), strict=True):
        torch.testing.assert_close(way(plain(x)), other(biased(x)), rtol=1e-6, atol=1e-6)
        assert "bias" in other.code
        assert "bias" not in way.code


def test_orthonormal_filters_are_undone_by_their_transpose() -> None:
    haar = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1.0]]) / 2
    conv = Conv(kernel=haar.view(4, 1, 2, 2), stride=2)
    x = noise(1, 1, 6, 8)
    _, adjoint, least_squares = conv.undo(x.shape)
    torch.testing.assert_close(adjoint(conv(x)), x)
    assert least_squares.kind == "exact inverse"


# What is refused

PICTURE = (1, 3, 8, 6)
Refusal = tuple[type[Any], dict[str, Any], tuple[str, ...], dict[str, Any]]
FLAT = torch.ones(3, 3)

PARAMETERS: list[Refusal] = [
    (Conv, {"kernel": "sharp"}, ("'sharp' does not exist", "sharpen"), {"kernel": "sharpen"}),
    (Conv, {"kernel": 3}, ("(kh, kw)", "shape ()"), {"kernel": FLAT}),
    (Conv, {"kernel": "laplacian", "kernel_size": 4}, ("odd kernel_size", "(4, 4)"), {}),
    (
        Conv,
        {"kernel": FLAT, "kernel_size": 5},
        ("shape (3, 3)", "makes kernel_size 3, not 5", "use kernel_size=3"),
        {"kernel": FLAT, "kernel_size": 3},
    ),
    (
        Conv,
        {"kernel": torch.ones(4, 3, 2, 3), "out_channels": 2},
        ("shape (4, 3, 2, 3)", "out_channels 4, not 2", "use out_channels=4"),
        {"kernel": torch.ones(4, 3, 2, 3), "kernel_size": (2, 3), "out_channels": 4},
    ),
    (
        ConvTranspose,
        {"kernel": torch.ones(4, 3, 3, 3), "in_channels": 3},
        ("in_channels 4, not 3", "use in_channels=4"),
        {"kernel": torch.ones(3, 4, 3, 3), "in_channels": 3},
    ),
    (Conv, {"kernel": torch.ones(3)}, ("(kh, kw)", "shape (3,)"), {"kernel": FLAT}),
    (Conv, {"stride": 0}, ("stride", "1 or more", "not 0", "stride=1"), {"stride": 1}),
    (Conv, {"stride": (2, -1)}, ("stride", "1 or more", "not -1"), {"stride": (2, 1)}),
    (Conv, {"padding": -1}, ("padding", "0 or more", "not -1"), {"padding": 0}),
    (Conv, {"dilation": 0}, ("dilation", "1 or more", "not 0"), {"dilation": 1}),
    (Conv, {"kernel_size": 2.5}, ("kernel_size", "whole number", "2.5"), {"kernel_size": 2}),
    (Conv, {"kernel_size": True}, ("kernel_size", "not True"), {"kernel_size": 1}),
    (Conv, {"kernel_size": 10**30}, ("at most", "2**99"), {"kernel_size": 1}),
    (Conv, {"stride": "same"}, ("stride", "not 'same'"), {"stride": 1}),
    (Conv, {"stride": (1, 2, 3)}, ("3 numbers", "2 axes", "(height, width)"), {"stride": (1, 2)}),
    (Conv, {"seed": -1}, ("seed", "0 or more", "not -1"), {"seed": 0}),
    (Conv, {"groups": (3, 1)}, ("groups must be one number", "(3, 1)"), {"groups": 1}),
    (Conv, {"groups": 0}, ("groups", "1 or more", "not 0"), {"groups": 1}),
    (
        Conv,
        {"groups": 2},
        ("groups (2) must divide in_channels (3)", "groups=1", "in_channels=4"),
        {"groups": 1},
    ),
    (
        Conv,
        {"groups": 3, "out_channels": 4},
        ("groups (3) must divide out_channels (4)", "groups=1", "out_channels=6"),
        {"groups": 3, "out_channels": 6},
    ),
    (Conv, {"bias": 0.5}, ("bias must be True, False, or one number", "0.5"), {"bias": True}),
    (Conv, {"padding": "full"}, ("'full' does not exist", "'same'"), {"padding": "same"}),
    (
        Conv,
        {"padding_mode": "mirror"},
        ("'mirror' does not exist", "reflect"),
        {"padding_mode": "reflect"},
    ),
    (
        Conv,
        {"padding": "same", "stride": (1, 2), "kernel_size": (3, 5)},
        ("padding='same'", "stride of (1, 2)", "stride=1", "padding=(1, 2)"),
        {"padding": (1, 2), "stride": (1, 2), "kernel_size": (3, 5)},
    ),
    (ConvTranspose, {"padding": "same"}, ("padding", "not 'same'"), {"padding": 1}),
    (
        ConvTranspose,
        {"output_padding": 2, "stride": 2},
        ("output_padding (2)", "height", "stride (2)", "dilation (1)", "=1", "stride=3"),
        {"output_padding": 2, "stride": 3},
    ),
    (
        ConvTranspose,
        {"output_padding": (0, 3), "stride": (4, 1), "dilation": (1, 2)},
        ("output_padding (3)", "width", "stride (1)", "dilation (2)", "=1", "stride=4"),
        {"output_padding": (0, 1), "stride": (4, 1), "dilation": (1, 2)},
    ),
]


@pytest.mark.parametrize(("kind", "parameters", "words", "way_out"), PARAMETERS)
def test_an_impossible_parameter_is_refused_with_a_way_out(
    kind: type[Any], parameters: dict[str, Any], words: tuple[str, ...], way_out: dict[str, Any]
) -> None:
    with pytest.raises(OperationError) as caught:
        kind(**({"in_channels": 3} | parameters))
    assert_one_sentence(str(caught.value), words)
    possible = kind(**({"in_channels": 3} | way_out))
    assert possible(torch.rand(PICTURE)).ndim == 4


SHAPES: list[tuple[type[Any], dict[str, Any], tuple[int, ...], tuple[str, ...], dict[str, Any]]] = [
    (
        Conv,
        {"kernel_size": 7},
        (1, 1, 8, 4),
        ("width of the window", "1·(7 − 1) + 1 = 7", "4 + 0 = 4", "4 or less", "padding=2"),
        {"kernel_size": 7, "padding": 2},
    ),
    (
        Conv,
        {"kernel_size": 3, "dilation": 4, "padding": 1},
        (1, 1, 6, 9),
        ("height of the window", "4·(3 − 1) + 1 = 9", "6 + 2 = 8", "2 or less", "padding=2"),
        {"kernel_size": 2, "dilation": 4, "padding": 1},
    ),
    (
        Conv,
        {"kernel_size": 5, "padding_mode": "reflect"},
        (1, 1, 2, 2),
        ("2 + 0 = 2", "kernel_size=2 or less."),
        {"kernel_size": 2, "padding_mode": "reflect"},
    ),
    (
        Conv,
        {"padding": 4, "padding_mode": "reflect"},
        (1, 1, 4, 9),
        ("'reflect'", "padding (4)", "smaller than the height (4)", "padding=3", "'replicate'"),
        {"padding": 3, "padding_mode": "reflect"},
    ),
    (
        Conv,
        {"padding": 5, "padding_mode": "circular"},
        (1, 1, 9, 4),
        ("'circular'", "padding (5)", "larger than the width (4)", "padding=4", "'replicate'"),
        {"padding": 5, "padding_mode": "replicate"},
    ),
    (
        Conv,
        {},
        PICTURE,
        ("(1, 3, 8, 6) has 3 channels", "expects 1", "in_channels=3", "x[..., :1, :, :]"),
        {"in_channels": 3},
    ),
    (Conv, {}, (1, 0, 8, 6), ("(1, 0, 8, 6) is empty",), {}),
    (ConvTranspose, {}, (8, 6), ("2 dimensions (8, 6)", "(N, C, H, W)", "x[None, None]"), {}),
    (
        ConvTranspose,
        {"stride": 2, "padding": (0, 4)},
        (1, 1, 3, 3),
        ("cuts 4 cells off", "width is only 7", "padding=3 or less"),
        {"stride": 2, "padding": (0, 3)},
    ),
]


@pytest.mark.parametrize(("kind", "parameters", "shape", "words", "way_out"), SHAPES)
def test_a_shape_that_does_not_fit_is_refused_with_a_way_out(
    kind: type[Any],
    parameters: dict[str, Any],
    shape: tuple[int, ...],
    words: tuple[str, ...],
    way_out: dict[str, Any],
) -> None:
    for ask in ("output_shape", "explain_shape", "footprint", "undo"):
        with pytest.raises(OperationError) as caught:
            getattr(kind(**parameters), ask)(shape)
        assert_one_sentence(str(caught.value), words)
    with pytest.raises(OperationError):
        kind(**parameters)(torch.rand(shape))
    if way_out:
        assert kind(**way_out)(torch.rand(shape)).ndim == 4


def assert_one_sentence(text: str, words: tuple[str, ...]) -> None:
    for word in words:
        assert word in text
    assert text.endswith(".")
    assert "\n" not in text
    assert 30 < len(text) < 300


def test_no_transposed_convolution_is_the_adjoint_of_mirrored_or_uneven_padding() -> None:
    mirrored = Conv(padding=1, padding_mode="reflect")
    with pytest.raises(OperationError) as caught:
        mirrored.transposed((1, 1, 5, 5))
    assert_one_sentence(str(caught.value), ("'reflect'", "padding_mode='zeros'"))
    assert Conv(padding=0, padding_mode="reflect").transposed((1, 1, 5, 5)).padding == 0
    uneven = Conv(kernel_size=(4, 3), padding="same")
    with pytest.raises(OperationError) as caught:
        uneven.transposed((1, 1, 5, 5))
    assert_one_sentence(str(caught.value), ("(1, 1) cells before", "(2, 1) after", "odd"))


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (Conv(out_channels=10_000, kernel_size=1), "the result (1, 10000, 128, 128) would take"),
        (Conv(padding=3000, stride=4000), "the padded input (1, 1, 6128, 6128) would take"),
        (ConvTranspose(stride=100), "the result (1, 1, 12703, 12703) would take"),
        (ConvTranspose(dilation=MAX_BYTES), "the result"),
    ],
    ids=str,
)
def test_what_would_not_fit_is_refused_before_memory_is_taken(
    operation: Operation, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*_: object, **__: object) -> None:
        pytest.fail("memory was taken")

    for name in ("conv2d", "conv_transpose2d", "pad"):
        monkeypatch.setattr(F, name, taken)
    with pytest.raises(OperationError, match="more than the 64 MB") as caught:
        operation(torch.rand(1, 1, 128, 128))
    assert sentence in str(caught.value)


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_weights_that_would_not_fit_are_refused(kind: type[Any]) -> None:
    with pytest.raises(OperationError, match=r"the weight \(.*\) would take") as caught:
        kind(kernel_size=5000)
    assert "a smaller kernel_size" in str(caught.value)


def test_an_operation_does_not_follow_changes_of_the_tensor_that_it_was_given() -> None:
    kernel = torch.ones(2, 2)
    conv = Conv(kernel=kernel)
    before = hash(conv)
    kernel[0, 0] = 9
    conv.weight[0, 0, 0, 0] = 9
    assert conv == Conv(kernel=Weights(torch.ones(2, 2)))
    assert hash(conv) == before


def test_other_kinds_of_numbers_are_told() -> None:
    with pytest.raises(OperationError, match=r"torch\.int64.*try a float32 tensor"):
        Conv()(torch.ones(1, 1, 4, 4, dtype=torch.int64))
    assert Conv()(torch.ones(1, 1, 4, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16
