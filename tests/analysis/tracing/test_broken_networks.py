"""One known fault in a random network: the trace names its step, and its advice works."""

from __future__ import annotations

import copy
from collections import Counter

import pytest
import torch

from resample_viz.analysis import trace
from tests.analysis.tracing.broken_networks import Broken, broken_network

SAMPLE = range(90)
ALL = range(1000)
WANTED = 0.95


def judged(case: Broken) -> tuple[bool, bool]:
    """Whether the step is named, and whether the first suggestion makes the network run.

    What else is suggested has to make it run as well, whatever the fault.
    """
    before = copy.deepcopy(case.model.state_dict())
    failure = trace(case.model, case.shape, case.same_size).failure
    after = case.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert failure is not None, f"{case}: no failure"
    for suggestion in failure.suggestions:
        assert case.runs(suggestion.apply(case.model)), f"{case}: {suggestion.text}"
    first = failure.suggestions[0].text if failure.suggestions else ""
    return case.step in f"{failure} {first}", bool(failure.suggestions)


def shares(seeds: range) -> tuple[float, float, Counter[str]]:
    named = fixed = 0
    missed: Counter[str] = Counter()
    for seed in seeds:
        case = broken_network(seed)
        is_named, is_fixed = judged(case)
        named += is_named
        fixed += is_fixed
        missed[case.kind] += not (is_named and is_fixed)
    return named / len(seeds), fixed / len(seeds), missed


@pytest.mark.parametrize("seeds", [SAMPLE, pytest.param(ALL, marks=pytest.mark.slow)], ids=len)
def test_the_step_is_named_and_the_first_suggestion_works(seeds: range) -> None:
    named, fixed, missed = shares(seeds)
    print(f"named {named:.1%}, fixed {fixed:.1%}, missed {dict(+missed)}")  # noqa: T201
    assert named >= WANTED
    assert fixed >= WANTED
