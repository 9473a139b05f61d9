"""Linear maps: the matrix, and everything that goes without it, over random operations."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from hypothesis import event, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from resample_viz.analysis import ConvergenceWarning, LinearMap, Solution, finish, linear_map
from resample_viz.analysis.linear import least_squares as least_squares_module
from resample_viz.images import photograph
from resample_viz.operations import (
    Conv,
    ConvTranspose,
    Footprint,
    Operation,
    OperationError,
    Undo,
    Upsample,
)
from tests.operations.registry import REGISTRY, Trial, gradient_fits

all_trials = st.one_of([entry.trials for kind, entry in REGISTRY.items() if kind.linear])
linear_trials = all_trials.filter(gradient_fits)
HALF = Upsample(scale_factor=0.5, mode="area")
NOT_TRANSPOSED = Upsample(scale_factor=1.3, mode="bicubic"), (1, 1, 3, 3)


@dataclass(frozen=True)
class OwnLayer(Operation):
    """A layer as a learner may bring it: its weights are float32 and stay so."""

    layer: nn.Module

    def module(self) -> nn.Module:
        return self.layer

    def code(self) -> str:
        return repr(self.layer)

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return tuple(self.layer(torch.zeros(tuple(shape))).shape)

    def explain_shape(self, shape: Sequence[int]) -> str:
        return str(self.output_shape(shape))

    def footprint(self, shape: Sequence[int]) -> Footprint:
        raise NotImplementedError

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        return ()


@dataclass(frozen=True)
class Squares(OwnLayer):
    """An operation that is not linear."""

    linear = False


def noise(shape: Sequence[int], seed: int = 2, dtype: Any = torch.float64) -> Tensor:
    return torch.rand(tuple(shape), generator=torch.Generator().manual_seed(seed), dtype=dtype)


def seeded(layer: Any) -> Any:
    """The layer with weights that are the same in every run."""
    nn.init.uniform_(layer.weight, -1, 1, generator=torch.Generator().manual_seed(5))
    return layer


def map_of(trial: Trial) -> LinearMap:
    return linear_map(trial.operation, trial.shape)


def well_conditioned(matrix: Tensor) -> bool:
    """Conjugate gradients find everything; nothing is close to being lost."""
    values = torch.linalg.svdvals(matrix)
    return bool(((values > 0.05 * values[0]) | (values < 1e-9 * values[0])).all())


# ---------------------------------------------------------------- the map and its transpose


@given(linear_trials)
def test_the_map_is_the_operation_without_its_bias(trial: Trial) -> None:
    a, x = map_of(trial), trial.input()
    expected = trial.operation(x) - trial.operation(torch.zeros_like(x))
    assert a(x).shape == a.output_shape
    torch.testing.assert_close(a(x), expected, rtol=1e-4, atol=1e-5)


@given(linear_trials)
def test_matrix_and_map_agree(trial: Trial) -> None:
    a, x = map_of(trial), trial.input(batch=2, channels=trial.shape[1], dtype=torch.float64)
    by_matrix = (x.flatten(1) @ a.matrix().T).view(2, *a.output_shape[1:])
    torch.testing.assert_close(a(x), by_matrix, rtol=0, atol=1e-10)


@given(linear_trials)
def test_the_matrix_is_the_jacobian(trial: Trial) -> None:
    a = map_of(trial)
    x = torch.zeros(a.input_shape, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(trial.operation, x)
    torch.testing.assert_close(a.matrix(), jacobian.reshape(a.matrix().shape), rtol=0, atol=1e-10)


@given(linear_trials)
def test_the_adjoint_is_the_transposed_matrix(trial: Trial) -> None:
    a = map_of(trial)
    y = noise((2, *a.output_shape[1:]))
    transposed = (y.flatten(1) @ a.matrix()).view(2, *a.input_shape[1:])
    torch.testing.assert_close(a.adjoint(y), transposed, rtol=0, atol=1e-10)
    # The graph that is kept is that of two pictures: one alone gives the same.
    torch.testing.assert_close(a.adjoint(y[:1]), transposed[:1], rtol=0, atol=1e-10)


@given(linear_trials)
def test_both_inner_products_are_equal_to_rounding(trial: Trial) -> None:
    a = map_of(trial)
    assert a.adjoint_gap(noise(a.input_shape), noise(a.output_shape, seed=3)) < 1e-12


def test_where_the_backward_pass_is_no_transpose_the_gap_says_so() -> None:
    a = linear_map(*NOT_TRANSPOSED)
    assert a.adjoint_gap(noise(a.input_shape), noise(a.output_shape)) > 1e-3
    y = noise(a.output_shape)
    with pytest.raises(OperationError, match=r"another map \(gap 0\..*\): use size instead"):
        a.pseudo_inverse(y, by_matrix=False)
    torch.testing.assert_close(
        a.pseudo_inverse(y).flatten(), torch.linalg.pinv(a.matrix()) @ y.flatten()
    )


@given(linear_trials)
def test_the_roundtrip_error_is_that_of_the_matrix(trial: Trial) -> None:
    a, x = map_of(trial), trial.input(dtype=torch.float64)
    flat, matrix = x.flatten(), a.matrix()
    expected = (matrix.T @ matrix @ flat - flat).norm() / flat.norm()
    assert a.roundtrip_error(x) == pytest.approx(float(expected), abs=1e-9)


def test_only_an_orthonormal_map_is_undone_by_its_transpose() -> None:
    x = noise((1, 1, 6, 6))
    haar = torch.tensor([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]) / 2
    assert linear_map(Conv(kernel=haar.view(4, 1, 2, 2), stride=2), x.shape).roundtrip_error(
        x
    ) == pytest.approx(0, abs=1e-12)
    assert linear_map(HALF, x.shape).roundtrip_error(x) > 0.5


@pytest.mark.parametrize(
    "layer", [seeded(nn.Conv2d(2, 3, 3)), seeded(nn.ConvTranspose2d(2, 3, 3, stride=2))]
)
def test_a_bias_does_not_matter(layer: nn.Module) -> None:
    torch.nn.init.constant_(layer.bias, 7.0)  # type: ignore[arg-type]
    a, x = linear_map(OwnLayer(layer), (1, 2, 5, 6)), noise((1, 2, 5, 6))
    assert a(torch.zeros(1, 2, 5, 6)).abs().max() == 0
    torch.testing.assert_close(a(2 * x), 2 * a(x), rtol=0, atol=1e-5)
    y = layer(x.float()).detach() - layer(torch.zeros(1, 2, 5, 6)).detach()
    torch.testing.assert_close(
        a.pseudo_inverse(y), a.pseudo_inverse(a(x).float()), atol=1e-3, rtol=0
    )
    for other in (Conv(kernel="box", bias=True, padding=1), ConvTranspose(bias=True)):
        without = linear_map(replace(other, bias=False), (1, 1, 4, 4)).matrix()
        torch.testing.assert_close(linear_map(other, (1, 1, 4, 4)).matrix(), without)


def test_a_layer_that_knows_float32_only_is_run_in_float32() -> None:
    layer = seeded(nn.Conv2d(1, 2, 3, padding=1, bias=False))
    own = linear_map(OwnLayer(layer), (1, 1, 6, 6))
    exact = linear_map(Conv(kernel=layer.weight.detach(), padding=1), (1, 1, 6, 6))
    torch.testing.assert_close(own.matrix(), exact.matrix(), rtol=0, atol=1e-6)
    y = noise(own.output_shape)
    torch.testing.assert_close(own.adjoint(y), exact.adjoint(y), rtol=0, atol=1e-5)
    way = {"by_matrix": False, "limit": 300}
    ways = own.pseudo_inverse(y, **way), exact.pseudo_inverse(y, **way)  # type: ignore[arg-type]
    torch.testing.assert_close(*ways, rtol=0, atol=1e-2)
    assert layer.weight.dtype == torch.float32
    assert layer.weight.requires_grad
    assert layer.weight.grad is None


def test_where_float64_picks_other_neighbours_float32_is_what_counts() -> None:
    operation = Upsample(scale_factor=2.3, mode="nearest-exact")
    x = torch.arange(16.0).view(1, 1, 16)
    a = linear_map(operation, x.shape)
    assert not torch.equal(operation(x.double()), operation(x).double())
    assert torch.equal(a(x), operation(x))
    assert torch.equal(a.matrix() @ x.flatten().double(), operation(x).flatten().double())


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_results_have_the_dtype_of_the_argument(dtype: torch.dtype) -> None:
    a = linear_map(HALF, (1, 3, 4, 4))
    x = noise((2, 3, 4, 4)).to(dtype)
    y = a(x)
    tensors = [y, a.adjoint(y), a.pseudo_inverse(y), a.invisible_part(x), a.visible_part(x)]
    assert {t.dtype for t in tensors} == {dtype}
    assert [t.shape for t in tensors[1:]] == [x.shape] * 4


def test_no_gradient_is_asked_for_or_left() -> None:
    a = linear_map(Conv(padding=1), (1, 1, 4, 4))
    x = noise((1, 1, 4, 4)).requires_grad_()
    with torch.no_grad():
        results = [a(x), a.adjoint(x), a.pseudo_inverse(x), a.matrix()]
    results += [a(x), a.adjoint(x), a.pseudo_inverse(x, by_matrix=False), a.invisible_part(x)]
    assert not any(t.requires_grad for t in results)


def test_the_matrix_is_the_callers_own() -> None:
    a = linear_map(HALF, (1, 1, 4, 4))
    a.matrix().zero_()
    assert a.matrix().sum() == 4


# ---------------------------------------------------------------- rank


@given(linear_trials)
def test_the_rank_is_the_number_of_singular_values(trial: Trial) -> None:
    a = map_of(trial)
    values = torch.linalg.svdvals(a.matrix())
    assert a.rank() == int((values > a.spectrum().tolerance * values[0]).sum())
    assert a.rank() + a.nullity() == math.prod(trial.shape)


def test_of_8x8_numbers_a_strided_convolution_and_a_pooling_lose_48() -> None:
    shape = (1, 1, 8, 8)
    strided = linear_map(Conv(kernel="random", stride=2, padding=1), shape)
    pooling = linear_map(OwnLayer(nn.AvgPool2d(2)), shape)
    for a in (strided, pooling, linear_map(HALF, shape)):
        assert (a.rank(), a.nullity()) == (16, 48)


def test_of_a_batch_the_map_is_that_of_one_picture() -> None:
    a = linear_map(HALF, (5, 3, 8, 8))
    assert (a.input_shape, a.output_shape) == ((1, 3, 8, 8), (1, 3, 4, 4))
    assert (a.rank(), a.nullity()) == (48, 144)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_enlarging_loses_nothing(mode: str) -> None:
    a = linear_map(Upsample(scale_factor=2, mode=mode), (1, 1, 6, 6))
    assert a.nullity() == 0
    x = noise(a.input_shape)
    torch.testing.assert_close(a.pseudo_inverse(a(x)), x)
    assert a.invisible_part(x).abs().max() < 1e-12


def test_a_map_that_gives_nothing_has_rank_0() -> None:
    a = linear_map(Conv(kernel=torch.zeros(3, 3), padding=1), (1, 1, 4, 4))
    x = noise(a.input_shape)
    assert (a.rank(), a.nullity()) == (0, 16)
    torch.testing.assert_close(a.invisible_part(x), x)
    torch.testing.assert_close(a.invisible_part(x, by_matrix=False), x)


# ---------------------------------------------------------------- pseudo-inverse


@settings(max_examples=100)
@given(linear_trials)
def test_the_pseudo_inverse_is_that_of_moore_and_penrose(trial: Trial) -> None:
    """R. Penrose, A generalized inverse for matrices, Proc. Cambridge 51 (1955), (3)-(6)."""
    a = map_of(trial)
    matrix = a.matrix()
    columns = torch.eye(len(matrix), dtype=torch.float64).view(-1, *a.output_shape[1:])
    inverse = a.pseudo_inverse(columns, by_matrix=True).flatten(1).T
    large = 1 + inverse.abs().max()
    for product, expected in (
        (matrix @ inverse @ matrix, matrix),
        (inverse @ matrix @ inverse / large, inverse / large),
        ((matrix @ inverse).T / large, matrix @ inverse / large),
        ((inverse @ matrix).T / large, inverse @ matrix / large),
    ):
        torch.testing.assert_close(product, expected, rtol=0, atol=1e-5)


@settings(max_examples=100)
@given(linear_trials)
def test_without_a_matrix_the_pseudo_inverse_is_the_same(trial: Trial) -> None:
    a = map_of(trial)
    y = noise((2, *a.output_shape[1:]))
    easy = well_conditioned(a.matrix())
    event(f"well conditioned: {easy}")
    solution = finish(a.solve_steps(y, by_matrix=False, limit=300, tolerance=1e-6))
    if easy:
        assert solution.converged
    if solution.converged and easy:
        expected = a.pseudo_inverse(y, by_matrix=True)
        torch.testing.assert_close(
            solution.tensor, expected, rtol=0, atol=1e-4 * float(1 + expected.abs().max())
        )


@settings(max_examples=100)
@given(linear_trials, st.booleans())
def test_a_picture_is_a_visible_and_an_invisible_part(trial: Trial, by_matrix: bool) -> None:
    a, x = map_of(trial), trial.input(dtype=torch.float64)
    if not well_conditioned(a.matrix()):
        return
    effort: dict[str, Any] = {"by_matrix": by_matrix, "tolerance": 1e-6, "limit": 300}
    invisible, visible = a.invisible_part(x, **effort), a.visible_part(x, **effort)
    torch.testing.assert_close(visible + invisible, x)
    assert a(invisible).abs().max() < 1e-4
    assert float((visible * invisible).sum()) == pytest.approx(0, abs=1e-4)
    torch.testing.assert_close(a(visible), a(x), rtol=0, atol=1e-4)
    event(f"something is lost: {a.nullity() > 0}")
    if a.nullity() == 0:
        assert invisible.abs().max() < 1e-4


def test_of_a_photograph_the_invisible_part_is_what_pooling_forgets() -> None:
    x = photograph("astronaut", 128)
    invisible = linear_map(HALF, x.shape).invisible_part(x)
    blocks = Upsample(scale_factor=2)(HALF(x))  # nearest is the pseudo-inverse of the mean
    torch.testing.assert_close(invisible, x - blocks, rtol=0, atol=1e-5)


# ---------------------------------------------------------------- convergence and progress


def blurred() -> tuple[LinearMap, Tensor]:
    x = photograph("camera", 32)
    return linear_map(Conv(kernel="gaussian", kernel_size=5, padding=2), x.shape), x


def test_a_result_that_is_not_there_yet_is_told() -> None:
    a, x = blurred()
    y = a(x)
    runs: list[Callable[[], Tensor]] = [
        lambda: a.pseudo_inverse(y, by_matrix=False, limit=1),
        lambda: a.invisible_part(x, by_matrix=False, limit=1),
        lambda: a.visible_part(x, by_matrix=False, limit=1),
    ]
    for run in runs:
        with pytest.warns(ConvergenceWarning, match=r"at iteration 1: .* off by an estimated"):
            run()
    solution = finish(a.solve_steps(y, by_matrix=False, limit=1))
    assert (solution.converged, solution.iterations) == (False, 1)
    assert solution.error > 1e-3


def test_the_warning_points_at_the_learners_line() -> None:
    a, x = blurred()
    for run in (a.pseudo_inverse, a.invisible_part, a.visible_part):
        with pytest.warns(ConvergenceWarning) as caught:
            run(x, by_matrix=False, limit=1)  # type: ignore[operator]
        assert {warning.filename for warning in caught} == {__file__}


def test_a_result_that_is_there_gives_no_warning() -> None:
    x = photograph("camera", 64)
    a = linear_map(Conv(kernel="box", stride=2, padding=1), x.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        restored = a.pseudo_inverse(a(x), by_matrix=False)
    torch.testing.assert_close(a(restored), a(x), rtol=0, atol=2e-3)


def run_through(steps: Any) -> tuple[list[float], list[str], Solution]:
    shares, texts = [], []
    while True:
        try:
            share, text = next(steps)
        except StopIteration as stop:
            return shares, texts, stop.value
        shares.append(share)
        texts.append(text)


def test_the_share_done_rises_to_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(least_squares_module, "SLICE_SECONDS", 0.0)  # one slice per iteration
    a, x = blurred()
    for steps in (
        a.solve_steps(a(x), by_matrix=False, limit=30),
        a.invisible_steps(x, by_matrix=False, limit=30),
    ):
        shares, texts, solution = run_through(steps)
        assert len(shares) == 32
        assert shares == sorted(shares)
        assert 0 == shares[0] < shares[1] < shares[-2] < shares[-1] == 1
        assert texts[1] == "iteration 1 of at most 30"
        assert texts[-1] == "not converged at iteration 30"
        assert solution.iterations == 30
    easy = linear_map(Conv(kernel="box", stride=2, padding=1), x.shape)
    shares, texts, solution = run_through(easy.solve_steps(easy(x), by_matrix=False))
    assert shares == sorted(shares)
    assert solution.converged
    assert texts[-1] == f"converged at iteration {solution.iterations}"
    assert run_through(easy.solve_steps(easy(x), by_matrix=True))[0] == [1.0]


@pytest.mark.parametrize("stride", [1, 2])
def test_slices_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch, stride: int) -> None:
    """Nor, therefore, does the speed of the machine: stored outputs of lessons hold."""
    x = photograph("camera", 48)
    a = linear_map(Conv(kernel="gaussian", kernel_size=5, stride=stride, padding=2), x.shape)
    monkeypatch.setattr(least_squares_module, "SLICE_SECONDS", math.inf)
    whole = finish(a.invisible_steps(x, by_matrix=False))
    monkeypatch.setattr(least_squares_module, "SLICE_SECONDS", 0.0)
    sliced = finish(a.invisible_steps(x, by_matrix=False))
    assert whole.converged == (stride == 2)
    assert torch.equal(whole.tensor, sliced.tensor)
    assert replace(whole, tensor=x) == replace(sliced, tensor=x)


def test_the_residual_of_an_invisible_part_is_what_is_still_seen_of_it() -> None:
    a, x = blurred()
    solution = finish(a.invisible_steps(x.double(), by_matrix=False, limit=20))
    seen = a(solution.tensor).norm() / a(x.double()).norm()
    assert solution.residual == pytest.approx(float(seen), rel=1e-6)


# ---------------------------------------------------------------- refusals


def test_what_is_not_linear_is_refused() -> None:
    with pytest.raises(OperationError, match="Squares is not linear, so there is no matrix"):
        linear_map(Squares(nn.Identity()), (1, 1, 4, 4))


def test_an_input_that_the_operation_refuses_is_refused_in_its_words() -> None:
    with pytest.raises(OperationError, match=r"use x\[None, None\]"):
        linear_map(HALF, (4, 4))


def test_what_would_not_fit_is_refused_before_memory_is_taken() -> None:
    mixed = linear_map(Conv(kernel="random", padding=1), (1, 1, 64, 64))
    a = linear_map(HALF, (1, 3, 512, 512))
    for refused in (a.matrix, mixed.rank, mixed.nullity, mixed.condition):
        with pytest.raises(OperationError, match=r"use .*(smaller input|1,000 cells).*\.$"):
            refused()
    with pytest.raises(OperationError, match=re.escape("196,608 x 786,432 entries, more than")):
        a.pseudo_inverse(torch.zeros(a.output_shape), by_matrix=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(1, 1, 3, 4), r"x has shape \(1, 1, 3, 4\), but this map takes \(1, 1, 4, 4\)"),
        (torch.zeros(4, 4), r"x has shape \(4, 4\), but this map takes"),
        (torch.zeros(0, 1, 4, 4), "x has shape"),
        (torch.zeros(1, 1, 4, 4, dtype=torch.int64), r"floating-point numbers, not torch.int64"),
        ([[0.0]], "floating-point numbers, not list"),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused_in_one_sentence(given: Any, message: str) -> None:
    a = linear_map(HALF, (1, 1, 4, 4))
    for method in (a, a.roundtrip_error, a.invisible_part, a.visible_part):
        with pytest.raises(OperationError, match=message) as refusal:
            method(given)
        assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_least_squares_of_what_is_not_finite_is_refused(value: float) -> None:
    a = linear_map(HALF, (1, 1, 4, 4))
    for by_matrix in (True, False):
        with pytest.raises(OperationError, match="not finite, and least squares would spread"):
            a.pseudo_inverse(torch.full((1, 1, 2, 2), value), by_matrix=by_matrix)
        with pytest.raises(OperationError, match="not finite"):
            a.invisible_part(torch.full((1, 1, 4, 4), value), by_matrix=by_matrix)


@pytest.mark.parametrize(
    ("effort", "message"),
    [
        ({"tolerance": 0.0}, "tolerance is a relative error between 0 and 1, not 0.0"),
        ({"tolerance": math.nan}, "tolerance is a relative error"),
        ({"limit": 0}, "limit is a number of iterations, not 0"),
    ],
)
def test_an_effort_that_means_nothing_is_refused(effort: dict[str, Any], message: str) -> None:
    a = linear_map(HALF, (1, 1, 4, 4))
    with pytest.raises(OperationError, match=message):
        a.pseudo_inverse(torch.zeros(1, 1, 2, 2), **effort)
