"""A chain is its steps, in order; and its way back is theirs, in reverse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import resample_viz as rv
from resample_viz.compat import import_torchvision
from resample_viz.operations import (
    AvgPool,
    BlurPool,
    Chain,
    Clip,
    MaxPool,
    MinMax,
    Normalize,
    Operation,
    OperationError,
    Quantize,
    Standardize,
    Upsample,
)

STEPS: tuple[Operation, ...] = (
    Normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.4)),
    Normalize(0.5, 0.5),
    Upsample(scale_factor=2, mode="bilinear"),
    Upsample(scale_factor=0.5, mode="area"),
    Upsample(size=(7, 9), mode="bicubic"),
    Clip(),
    MinMax(),
    Standardize(),
    Quantize(),
    MaxPool(2),
    AvgPool(2, ceil_mode=True),
)
MOST_STEPS = 5  # of all chains in a chain together: each may double the picture
nested = st.recursive(
    st.sampled_from(STEPS),
    lambda steps: st.lists(steps, max_size=3).map(lambda inner: Chain(tuple(inner))),
    max_leaves=4,
)
chains = (
    st.lists(nested, max_size=4)
    .map(lambda steps: Chain(tuple(steps)))
    .filter(lambda chain: len(chain._flat) <= MOST_STEPS)
    .filter(lambda chain: not chain.fitting((1, 3, 8, 10))[1])
)
DOWN = Upsample(scale_factor=0.5, mode="area")


def picture() -> Tensor:
    return torch.rand((1, 3, 8, 10), generator=torch.Generator().manual_seed(3))


def names_for(x: Tensor) -> dict[str, Any]:
    import_torchvision()
    from torchvision.transforms import v2

    return {"torch": torch, "nn": nn, "F": F, "v2": v2, "rv": rv, "x": x}


@settings(max_examples=40)
@given(chains)
def test_a_chain_is_its_steps_in_order(chain: Chain) -> None:
    x = picture()
    expected = x
    for step in chain.steps:
        expected = step(expected)
    assert torch.equal(chain(x), expected)
    assert torch.equal(chain.module()(x), expected)
    assert chain.output_shape(x.shape) == tuple(expected.shape)
    assert [tuple(stage.shape) for stage in chain.stages(x)][1:] == [
        rung.after for rung in chain.ladder(x.shape)
    ]
    *rungs, height, width = chain.explain_shape(x.shape).splitlines()
    assert rungs == [str(rung) for rung in chain.ladder(x.shape)]
    assert (height.count("→"), width.count("→")) == (len(chain.steps),) * 2


@settings(max_examples=40)
@given(chains)
def test_the_code_of_a_chain_is_the_chain(chain: Chain) -> None:
    x = picture()
    names = names_for(x)
    assert torch.equal(eval(chain.code(), dict(names))(x), chain(x))
    exec(chain.program(), names)
    assert torch.equal(names["chain"](x), chain(x))
    assert eval(repr(chain), {**vars(rv.operations), "Chain": Chain}) == chain


@settings(max_examples=40)
@given(chains)
def test_the_code_of_every_way_back_does_what_it_says(chain: Chain) -> None:
    x = picture()
    for way in chain.undo_at(x):
        names = {**names_for(x), "y": chain(x)}
        exec(chain.program(), names)
        if way.setup:
            exec(way.setup, names)
        torch.testing.assert_close(eval(way.code, names), way(chain(x)), rtol=1e-3, atol=1e-3)
        assert way(chain(x)).shape == x.shape


@settings(max_examples=40)
@given(chains)
def test_an_exact_or_left_inverse_of_a_chain_gives_the_input_back(chain: Chain) -> None:
    x = picture()
    for way in chain.undo_at(x):
        if way.kind in ("exact inverse", "left inverse"):
            torch.testing.assert_close(way(chain(x)), x, rtol=0, atol=1e-3)


def kinds(*steps: Operation) -> list[str]:
    return [way.kind for way in Chain(steps).undo((1, 3, 8, 8))]


def test_the_kind_of_a_composed_way_back_is_what_can_be_proved() -> None:
    twice = Upsample(scale_factor=2, mode="bilinear")
    assert kinds(Normalize(), Normalize(0.1, 2.0)) == ["exact inverse", "shape only", "adjoint"]
    assert kinds(Normalize(), twice)[0] == "left inverse"
    assert kinds(twice, twice)[0] == "left inverse"
    assert kinds(DOWN)[0] == "pseudo-inverse"
    assert kinds(DOWN, twice)[0] == "shape only", "pseudo-inverses do not compose"
    assert kinds(Normalize(), Clip()) == ["shape only", "shape only"]


def test_pseudo_inverses_of_the_steps_do_not_compose() -> None:
    """Why the best of each step is then called shape only: it is not the shortest solution."""
    crop = Upsample(size=(3, 8), mode="bilinear")
    chain = Chain((Upsample(size=(5, 8), mode="bicubic"), crop))
    best = chain.undo((1, 1, 8, 8))[0]
    whole = rv.linear_map(chain, (1, 1, 8, 8)).matrix()
    truth = torch.linalg.pinv(whole)
    y = torch.rand(1, 1, 3, 8, generator=torch.Generator().manual_seed(0))
    expected = (truth @ y.double().flatten()).view(1, 1, 8, 8).float()
    assert not torch.allclose(best(y), expected, atol=1e-3)


def test_a_chain_is_linear_if_all_its_steps_are() -> None:
    assert Chain().linear
    assert Chain((Normalize(), DOWN)).linear
    assert not Chain((Normalize(), Clip(), DOWN)).linear


def test_the_adjoint_of_a_chain_is_the_adjoints_in_reverse() -> None:
    x = picture().double()
    chain = Chain((Normalize(0.1, (0.5, 2.0, 3.0)), DOWN))
    y = torch.rand_like(chain(x))
    (way,) = (way for way in chain.undo(x.shape) if way.kind == "adjoint")
    first, second = chain.steps
    bias = chain(torch.zeros_like(x))
    expected = first.adjoint(x.shape)(second.adjoint(x.shape)(y))
    torch.testing.assert_close(way(y + bias), expected)
    torch.testing.assert_close(((chain(x) - bias) * y).sum(), (x * way(y + bias)).sum())


# What does not fit


MISFITS: list[tuple[tuple[Operation, ...], int, str]] = [
    ((DOWN, DOWN, DOWN, DOWN), 3, "step 4 of 4, Upsample, cannot take (1, 3, 1, 1)"),
    ((Normalize((0.1, 0.2), (1.0, 1.0)),), 0, "step 1 of 1, Normalize, cannot take (1, 3, 8, 10)"),
    ((Clip(), Upsample(size=1), Standardize()), 2, "step 3 of 3, Standardize, cannot take"),
    ((DOWN, Upsample(mode="trilinear")), 1, "step 2 of 2, Upsample, cannot take (1, 3, 4, 5)"),
]


@pytest.mark.parametrize(("steps", "fitting", "words"), MISFITS)
def test_a_misfit_names_the_step_and_the_chain_up_to_there_is_left(
    steps: tuple[Operation, ...], fitting: int, words: str
) -> None:
    chain, x = Chain(steps), picture()
    for attempt in (lambda: chain(x), lambda: chain.output_shape(x.shape)):
        with pytest.raises(OperationError) as caught:
            attempt()
        assert words in str(caught.value)
        assert str(caught.value).endswith(".")
    shorter, sentence = chain.fitting(x.shape)
    assert shorter.steps == steps[:fitting]
    assert words in sentence
    shorter(x)


def test_all_of_a_chain_that_fits_is_left() -> None:
    chain = Chain((DOWN, Clip()))
    assert chain.fitting((1, 3, 8, 8)) == (chain, "")


def test_a_step_that_refuses_the_values_is_named() -> None:
    chain = Chain((Clip(2.0, 3.0), MinMax()))
    with pytest.raises(
        OperationError, match=r"step 2 of 2, MinMax, cannot take .* values of a pict"
    ):
        chain(picture())
    assert chain.fitting((1, 3, 8, 10)) == (chain, "")


def test_only_operations_are_steps() -> None:
    with pytest.raises(OperationError, match="step 2 of the chain is 'Clip'"):
        Chain((Clip(), "Clip"))  # type: ignore[arg-type]
    with pytest.raises(OperationError, match="takes a tuple of operations"):
        Chain(Clip())  # type: ignore[arg-type]
    assert Chain([Clip(), DOWN]) == Chain((Clip(), DOWN))  # type: ignore[arg-type]


def test_the_footprint_goes_through_all_steps() -> None:
    chain = Chain((Normalize(0.0, 0.5), DOWN))
    sources = chain.footprint((1, 1, 4, 4)).sources((0, 0, 1))
    assert sources == [
        (cell, pytest.approx(0.5)) for cell in ((0, 0, 2), (0, 0, 3), (0, 1, 2), (0, 1, 3))
    ]


def test_what_the_programs_of_steps_define_has_names_of_its_own() -> None:
    """A blur's program makes a row and a kernel first, and another blur's makes others."""
    x = picture()
    blurs = Chain((BlurPool(3, 1), Chain((BlurPool(5, 1), Clip()))))
    names = names_for(x)
    exec(blurs.program(), names)
    assert torch.equal(names["chain"](x), blurs(x))
    assert {"row_1", "kernel_1", "row_2", "kernel_2"} <= names.keys()


def test_two_steps_of_a_kind_have_names_of_their_own() -> None:
    chain = Chain((DOWN, Clip(), DOWN))
    assert chain.program().splitlines()[-1] == "chain = lambda x: up_3(clip(up_1(x)))"
