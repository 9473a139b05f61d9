"""`check` itself: one line, never an error, and nothing of the learner's is touched."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import resample_viz as rv
from resample_viz.exercises import check
from resample_viz.exercises.checking import LESSONS, judges, verdict
from tests.exercises.marking import (
    NOTEBOOKS,
    exercises,
    failing,
    name_of_answer,
    notebook,
    solution,
    verdicts,
)
from tests.notebooks.hygiene import exercise_cells, source

ALL = [number for lesson in LESSONS for number in exercises(lesson)]
FUNCTIONS = [number for number in ALL if callable(solution(number))]


def test_the_package_offers_check() -> None:
    assert rv.check is check


def test_every_lesson_with_exercises_has_one_notebook() -> None:
    for lesson in LESSONS:
        assert len(list(NOTEBOOKS.glob(f"{lesson}-*.ipynb"))) == 1
        assert exercises(lesson)
    assert sorted(judges()) == sorted(ALL)


@pytest.mark.parametrize("number", ALL)
def test_the_folded_solution_is_right_whatever_the_seed(number: str) -> None:
    assert verdicts(number, solution(number)) == {"right!"}


@pytest.mark.parametrize("number", ALL)
@pytest.mark.parametrize("answer", [None, ...], ids=["None", "..."])
def test_no_answer_yet(number: str, answer: object) -> None:
    (said,) = verdicts(number, answer)
    assert said.startswith("not yet. Put your answer in place of None")


@pytest.mark.parametrize("number", ALL)
def test_the_stored_verdict_is_what_the_cell_prints(number: str) -> None:
    """The verdict of the unsolved exercise must not change from run to run."""
    lesson = notebook(number[:2])
    cell = exercise_cells(lesson)[number]
    namespace: dict[str, object] = {
        "rv": rv, "torch": torch, "nn": torch.nn, "F": torch.nn.functional,
    }  # fmt: skip
    exec(source(cell), namespace)
    (said,) = verdicts(number, namespace[name_of_answer(number)])
    stored = "".join("".join(output["text"]) for output in cell["outputs"])
    assert stored == f"Exercise {number}: {said}\n"


@pytest.mark.parametrize("number", ALL)
def test_check_prints_exactly_one_line(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    for answer in (solution(number), None, "no", failing(ValueError("one\ntwo\n"))):
        check(number, answer)
        printed = capsys.readouterr()
        assert printed.err == ""
        assert printed.out.startswith(f"Exercise {number}: ")
        assert printed.out.count("\n") == 1
        assert printed.out.endswith("\n")


@pytest.mark.parametrize("number", FUNCTIONS)
def test_an_answer_that_raises_is_told_its_error(number: str) -> None:
    (said,) = verdicts(number, failing(IndexError("too many indices\nand a long story")))
    assert said == "not yet. Your answer raised IndexError: too many indices"
    (said,) = verdicts(number, failing(NotImplementedError()))
    assert said == "not yet. Your answer raised NotImplementedError."


@pytest.mark.parametrize("number", FUNCTIONS)
def test_an_answer_that_ends_the_program_is_told_so(number: str) -> None:
    (said,) = verdicts(number, failing(SystemExit(0)))
    assert "take sys.exit() or exit() out" in said


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        (
            "The size of tensor a (3) must match the size of tensor b (7) at non-singleton "
            "dimension 2",
            "Along axis 2 one tensor has 3 and the other 7",
        ),
        (
            "Sizes of tensors must match except in dimension 1. Expected size 12 but got size 13 "
            "for tensor number 1 in the list.",
            "joined along axis 1 must agree along the others, 12 is not 13",
        ),
        ("shape '[2, 3]' is invalid for input of size 7", "print them before that line"),
    ],
)
def test_a_slip_along_one_axis_is_explained(message: str, advice: str) -> None:
    (said,) = verdicts(FUNCTIONS[0], failing(RuntimeError(message)))
    assert advice in said


def test_an_array_of_numpy_is_told_about_types() -> None:
    (said,) = verdicts("07.2", lambda y, mean, std: y.numpy())
    assert "torch.from_numpy" in said


@pytest.mark.parametrize("number", FUNCTIONS)
def test_a_function_with_other_arguments_is_told_so(number: str) -> None:
    (said,) = verdicts(number, lambda: None)
    assert "raised TypeError" in said


@pytest.mark.parametrize("number", FUNCTIONS)
def test_a_result_instead_of_the_function_is_not_accepted(number: str) -> None:
    for answer in (torch.zeros(1), 5, "enlarge", [1, 2]):
        (said,) = verdicts(number, answer)
        assert "Give the function itself" in said


@pytest.mark.parametrize("number", ["09.9", "1.1", "01", ""])
def test_an_unknown_exercise_lists_the_known_ones(
    number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    check(number, 1)
    said = capsys.readouterr().out
    assert "there is no such exercise" in said
    for known in ALL:
        assert known in said


@pytest.mark.parametrize("number", ALL)
def test_a_check_leaves_the_random_state_alone(number: str) -> None:
    before = torch.get_rng_state()
    verdict(number, solution(number))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("number", FUNCTIONS)
def test_an_answer_that_spoils_its_input_is_judged_by_its_result(number: str) -> None:
    right = solution(number)

    def copied(result: Any) -> Any:
        if isinstance(result, tuple):
            return tuple(map(copied, result))
        return result.clone() if isinstance(result, torch.Tensor) else result

    def spoils(x: Any, *rest: Any) -> Any:
        result = copied(right(x, *rest))
        if isinstance(x, torch.Tensor):
            x.zero_()
        return result

    assert verdicts(number, spoils) == {"right!"}
