"""Operations on single values: equal to torchvision's, and undone by what was kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from resample_viz.compat import import_torchvision
from resample_viz.operations import (
    Clip,
    JacobianFootprint,
    KernelFootprint,
    MinMax,
    Normalize,
    Operation,
    OperationError,
    Quantize,
    SeparableFootprint,
    Standardize,
)

IMAGENET = Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
LEVELS = (torch.arange(256).float() / 255).view(1, 1, 1, 256).expand(1, 3, 1, 256).contiguous()
means = st.floats(-3, 3)
stds = st.floats(0.05, 5)


@st.composite
def statistics(draw: st.DrawFn) -> Normalize:
    """One number or one per channel, for 1 to 5 channels."""
    channels = draw(st.integers(1, 5))
    numbers = []
    for values in (means, stds):
        each = st.tuples(*[values] * channels)
        numbers.append(draw(st.one_of(values, each)))
    return Normalize(*numbers)


def picture(channels: int = 3, *, dtype: Any = torch.float32, batch: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.rand((batch, channels, 4, 5), generator=generator, dtype=dtype)


def channels_of(operation: Normalize) -> int:
    return max(len(operation.means), len(operation.stds))


def way(ways: Sequence[Any], label: str) -> Any:
    return next(one for one in ways if one.label == label)


# Normalize


@given(statistics(), st.sampled_from((torch.float32, torch.float64, torch.float16)))
def test_normalize_is_torchvisions_bit_for_bit(operation: Normalize, dtype: Any) -> None:
    import_torchvision()
    from torchvision import transforms
    from torchvision.transforms import v2

    x = picture(channels_of(operation), dtype=dtype)
    mean, std = list(operation.means), list(operation.stds)
    for theirs in (transforms.Normalize(mean, std), v2.Normalize(mean, std)):
        assert torch.equal(operation(x), theirs(x))
    assert torch.equal(eval(operation.code(), {"v2": v2})(x), operation(x))


def test_normalize_does_not_bring_values_into_the_range_from_mean_to_std() -> None:
    low, high = torch.aminmax(IMAGENET(LEVELS))
    assert (round(float(low), 3), round(float(high), 3)) == (-2.118, 2.64)


@given(statistics())
def test_the_inverse_undoes_it_up_to_rounding(operation: Normalize) -> None:
    x = picture(channels_of(operation))
    for back in (operation.inverse(), *operation.undo(x.shape)[:2]):
        torch.testing.assert_close(back(operation(x)), x, rtol=0, atol=1e-5)
    double = x.double()
    back = operation.inverse()(operation(double))
    torch.testing.assert_close(back, double, rtol=0, atol=1e-13)


def test_the_inverse_is_exact_in_algebra_and_off_by_rounding_in_float32() -> None:
    y = IMAGENET(LEVELS)
    formula, turned = (one(y) for one in IMAGENET.undo(y.shape)[:2])
    assert (formula - LEVELS).abs().max().item() == 2**-24
    assert (turned - LEVELS).abs().max().item() == 2**-23
    assert round((turned == LEVELS).float().mean().item(), 3) == 0.546


def test_where_rounding_swamps_the_picture_it_is_not_called_an_inverse() -> None:
    far = Normalize(1e6, 1.0)
    assert (far.undo((1, 3, 4, 5))[0](far(picture())) - picture()).abs().max() > 1e-3
    assert far.undo((1, 3, 4, 5))[0].kind == "pseudo-inverse"
    assert IMAGENET.undo((1, 3, 4, 5))[0].kind == "exact inverse"


def test_one_number_serves_every_channel() -> None:
    x = picture(7)
    assert torch.equal(Normalize(0.3, 0.2)(x), Normalize((0.3,) * 7, (0.2,) * 7)(x))
    mixed = Normalize(0.3, (0.2, 0.4, 0.1))
    assert torch.equal(mixed(picture()), Normalize((0.3,) * 3, (0.2, 0.4, 0.1))(picture()))
    assert len(mixed.inverse().means) == 3


def test_the_footprint_is_one_cell_with_the_weight_of_its_channel() -> None:
    alike = Normalize(0.5, 0.25).footprint((1, 3, 4, 5))
    assert isinstance(alike, SeparableFootprint)
    assert alike.sources((1, 2)) == [((1, 2), 4.0)]
    apart = Normalize(0.5, (0.5, 0.25, 2.0)).footprint((1, 3, 4, 5))
    assert isinstance(apart, KernelFootprint)
    assert apart.sources((2, 3, 1)) == [((2, 3, 1), 0.5)]
    assert apart.targets((1, 0, 4)) == [((1, 0, 4), 4.0)]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"std": 0.0}, "std must be positive, not 0.0"),
    ({"std": -0.2}, "std must be positive, not -0.2"),
    ({"std": 1e-50}, "std must be positive, not 1e-50"),  # 0 in float32
    ({"std": (0.2, 0.0, 0.2)}, "std must be positive, not 0.0"),
    ({"std": float("nan")}, "std must be a finite number"),
    ({"std": True}, "std must be a finite number"),
    ({"mean": float("inf")}, "mean must be a finite number"),
    ({"mean": "0.485, 0.456, 0.406"}, "not '0.485, 0.456, 0.406'"),
    ({"mean": ("0.485", "0.456", "0.406")}, "mean must be a finite number, or one per channel"),
    ({"mean": ()}, "mean is empty"),
    ({"mean": (0.5, 0.5), "std": (1.0, 1.0, 1.0)}, "mean has 2 numbers and std has 3"),
]


@pytest.mark.parametrize(("parameters", "words"), REFUSED, ids=str)
def test_impossible_statistics_are_refused_in_one_sentence(
    parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(OperationError) as caught:
        Normalize(**parameters)
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_three_numbers_do_not_fit_other_channels(channels: int) -> None:
    with pytest.raises(OperationError, match=f"mean has 3 numbers, .* {channels} channel"):
        IMAGENET(picture(channels))


def test_what_is_not_a_float_picture_is_refused() -> None:
    with pytest.raises(OperationError, match=r"uint8 tensor .* x.float()"):
        IMAGENET(torch.zeros(1, 3, 4, 4, dtype=torch.uint8))
    with pytest.raises(OperationError, match=r"2 dimensions \(4, 4\).*x\[None, None\]"):
        IMAGENET(torch.zeros(4, 4))


# The picture's own numbers


@given(st.integers(1, 4), st.floats(-2, 2), st.floats(0.1, 3))
def test_min_max_fills_zero_to_one(channels: int, shift: float, gain: float) -> None:
    x = picture(channels) * gain + shift
    for operation in (MinMax(), MinMax(by="channel")):
        y = operation(x)
        assert (y.min().item(), y.max().item()) == (0, 1)
        torch.testing.assert_close(operation(3 * x + 1), y, rtol=0, atol=1e-4)
        torch.testing.assert_close(operation(x[1:]), y[1:])  # each picture for itself
    each = MinMax(by="channel")(x)
    assert torch.equal(each.amin((2, 3)), torch.zeros(2, channels))
    assert torch.equal(each.amax((2, 3)), torch.ones(2, channels))


@given(st.integers(1, 4), st.sampled_from(("picture", "channel")))
def test_standardize_gives_mean_0_and_spread_1(channels: int, by: Any) -> None:
    y = Standardize(by)(picture(channels))
    axes = (2, 3) if by == "channel" else (1, 2, 3)
    var, mean = torch.var_mean(y, axes, correction=0)
    torch.testing.assert_close(mean, torch.zeros_like(mean), rtol=0, atol=1e-5)
    torch.testing.assert_close(var, torch.ones_like(var), rtol=0, atol=1e-3)


def test_standardize_is_what_instance_norm_and_layer_norm_do() -> None:
    x = picture()
    assert torch.equal(Standardize()(x), torch.nn.InstanceNorm2d(3)(x))
    assert torch.equal(Standardize("picture")(x), torch.nn.LayerNorm(x.shape[1:])(x))


def test_standardize_keeps_a_constant_picture_finite() -> None:
    assert torch.equal(Standardize()(torch.ones(1, 3, 4, 4)), torch.zeros(1, 3, 4, 4))


OWN = [MinMax(), MinMax("channel"), Standardize(), Standardize("picture")]


@pytest.mark.parametrize("operation", OWN, ids=repr)
def test_only_who_kept_the_numbers_gets_the_picture_back(operation: Operation) -> None:
    x = 3 * picture() - 1
    kept, as_it_is = operation.undo_at(x)
    assert kept.kind == "exact inverse"
    torch.testing.assert_close(kept(operation(x)), x, rtol=0, atol=1e-5)
    assert [one.kind for one in operation.undo(x.shape)] == ["shape only"]
    assert as_it_is(operation(x)).shape == x.shape
    names = {"torch": torch, "x": x, "y": operation(x)}
    exec(kept.setup, names)
    torch.testing.assert_close(eval(kept.code, names), x, rtol=0, atol=1e-5)


@pytest.mark.parametrize("operation", OWN, ids=repr)
def test_the_pictures_own_numbers_make_it_not_linear(operation: Operation) -> None:
    x = picture()
    assert not operation.linear
    assert not torch.allclose(operation(2 * x), 2 * operation(x), atol=1e-2)


@pytest.mark.parametrize("operation", [*OWN, Quantize()], ids=repr)
@pytest.mark.parametrize("strange", [float("nan"), float("inf")])
def test_what_is_not_finite_is_counted(operation: Operation, strange: float) -> None:
    x = picture(batch=1)
    x[0, 0, 0, 0] = strange
    with pytest.raises(OperationError, match=r"1 of the picture's 60 values are NaN or infinite"):
        operation(x)


def test_a_picture_without_contrast_has_no_range() -> None:
    flat = torch.full((1, 3, 4, 4), 0.5)
    with pytest.raises(OperationError, match=r"all values of a picture are 0.5"):
        MinMax()(flat)
    flat[0, 0, 0, 0] = 1
    with pytest.raises(OperationError, match=r"all values of a channel are 0.5"):
        MinMax("channel")(flat)
    with pytest.raises(OperationError, match=r"a channel of .* is one cell"):
        Standardize()(torch.zeros(1, 3, 1, 1))
    with pytest.raises(OperationError, match="by must be"):
        MinMax("row")  # type: ignore[arg-type]


# Cut off, stored in 8 bits


@given(st.floats(-2, 2), st.floats(0.1, 2))
def test_clip_is_clamp(low: float, width: float) -> None:
    x = 6 * picture() - 3
    assert torch.equal(Clip(low, low + width)(x), x.clamp(low, low + width))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"low": 1.0, "high": 1.0}, r"low \(1\) must be below high \(1\)"),
        ({"low": "0"}, "not '0'"),
        ({"high": (1.0, 1.0)}, "must be one number"),
        ({"high": float("inf")}, "finite"),
    ],
    ids=str,
)
def test_clip_needs_two_numbers_in_order(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(OperationError, match=words):
        Clip(**parameters)


def test_levels_survive_being_stored() -> None:
    for rounding in ("truncate", "round"):
        for overflow in ("wrap", "clip"):
            assert torch.equal(Quantize(rounding, overflow)(LEVELS), LEVELS)  # type: ignore[arg-type]


def test_truncation_takes_one_from_what_rounding_leaves_alone() -> None:
    back = IMAGENET.inverse()(IMAGENET(LEVELS))
    wrong = {
        rounding: int((Quantize(rounding, "clip")(back) != LEVELS).sum())  # type: ignore[arg-type]
        for rounding in ("truncate", "round")
    }
    assert wrong == {"truncate": 224, "round": 0}


def test_what_lies_outside_wraps_around_or_is_cut_off() -> None:
    x = torch.tensor([1.02, -0.02, 1.1]).view(1, 1, 1, 3)
    wrapped, clipped = (Quantize("truncate", how)(x) * 255 for how in ("wrap", "clip"))  # type: ignore[arg-type]
    assert wrapped.round().flatten().tolist() == [4, 251, 24]
    assert clipped.round().flatten().tolist() == [255, 0, 255]
    with pytest.raises(OperationError, match="overflow must be"):
        Quantize(overflow="saturate")  # type: ignore[arg-type]


@pytest.mark.parametrize("operation", [Clip(), Quantize(), Quantize("round", "clip")], ids=repr)
def test_what_was_cut_off_does_not_come_back(operation: Operation) -> None:
    x = 3 * picture() - 1
    assert [one.kind for one in operation.undo_at(x)] == ["shape only"]
    assert not operation.linear


# Footprints of what depends on the values


def jacobian(operation: Operation, x: Tensor) -> Tensor:
    """(outputs, inputs), by autograd's own function for it."""
    full = torch.autograd.functional.jacobian(operation.module(), x)
    return full.reshape(x.numel(), x.numel())


@pytest.mark.parametrize("operation", [*OWN, Clip(0.2, 0.7), Quantize()], ids=repr)
def test_the_footprint_at_a_picture_is_the_jacobian_there(operation: Operation) -> None:
    x = picture(2, batch=1)[..., :3, :3]
    expected = jacobian(operation, x)
    footprint = operation.footprint_at(x)
    assert isinstance(footprint, JacobianFootprint)
    numbers = torch.arange(x.numel()).view(x.shape[1:])
    for cell in ((0, 0, 0), (1, 2, 1), (0, 1, 2)):
        row, column = torch.zeros(x.numel()), torch.zeros(x.numel())
        for source, weight in footprint.sources(cell):
            row[numbers[source]] = weight
        for target, weight in footprint.targets(cell):
            column[numbers[target]] = weight
        torch.testing.assert_close(row, expected[numbers[cell]], rtol=0, atol=1e-5)
        torch.testing.assert_close(column, expected[:, numbers[cell]], rtol=0, atol=1e-5)


def test_a_cell_outside_the_picture_has_no_footprint() -> None:
    footprint = Clip().footprint((1, 3, 4, 4))
    with pytest.raises(IndexError):
        footprint.sources((0, 4, 0))
    with pytest.raises(IndexError):
        footprint.targets((3, 0, 0))
