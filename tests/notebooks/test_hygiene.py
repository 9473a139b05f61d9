"""The stored notebooks obey every rule, and every rule rejects what it is there to reject."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebooks import hygiene
from tests.notebooks.hygiene import RULES, Notebook, Rule, exercise_cells, offences, solutions
from tests.notebooks.samples import BAD, Change, good, runs, says, written

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
CHANGES = [
    pytest.param(rule, change, id=f"{rule}-{name.replace(' ', '-')}")
    for rule, changes in BAD.items()
    for name, change in changes.items()
]


@pytest.fixture
def _lesson_99(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hygiene, "judges", lambda: {"99.1": lambda answer: None, "98.1": None})


def test_the_lessons_are_numbered_without_a_gap() -> None:
    assert [path.name[:3] for path in NOTEBOOKS] == [f"{lesson:02}-" for lesson in range(13)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_stored_notebook(path: Path, rule: Rule) -> None:
    assert list(rule(Notebook.read(path))) == []


def test_every_rule_has_a_notebook_that_breaks_it() -> None:
    assert list(BAD) == [rule.__name__ for rule in RULES]
    assert all(BAD.values())


@pytest.mark.usefixtures("_lesson_99")
def test_the_good_notebook_obeys_every_rule(tmp_path: Path) -> None:
    assert offences(written(good(), tmp_path)) == []


@pytest.mark.usefixtures("_lesson_99")
@pytest.mark.parametrize(("rule", "change"), CHANGES)
def test_one_change_is_rejected_by_exactly_one_rule(
    rule: str, change: Change, tmp_path: Path
) -> None:
    raw = good()
    change(raw)
    found = offences(written(raw, tmp_path))
    assert {offence.partition(":")[0] for offence in found} == {rule}, found


@pytest.mark.usefixtures("_lesson_99")
@pytest.mark.parametrize(
    "change",
    [
        runs("_ = plot(1); show()"),
        runs("x = 'interact'  # interact, Out[3], ;"),
        runs("text = '''\n;'''"),
        says("A ratio such as 3:2, `[a](b)`, or\n```\n[a](b)\n[c]: d\n```\n"),
        says('<a href="https://pytorch.org">PyTorch</a> and [short](#In-short)'),
    ],
    ids=["inner-semicolon", "in-a-string", "semicolon-in-a-string", "links-in-code", "good-links"],
)
def test_what_only_looks_wrong_is_accepted(change: Change, tmp_path: Path) -> None:
    raw = good()
    change(raw)
    assert offences(written(raw, tmp_path)) == []


def test_sources_and_outputs_may_be_stored_as_lists_of_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As nbformat writes them."""
    monkeypatch.setattr(hygiene, "judges", lambda: {"99.1": lambda answer: None})
    raw = good()
    for cell in raw["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
        for output in cell.get("outputs", ()):
            for holder, key in ((output, "text"), (output.get("data", {}), "text/plain")):
                if key in holder:
                    holder[key] = holder[key].splitlines(keepends=True)
    assert offences(written(raw, tmp_path)) == []


def test_lesson_00_has_fewer_sections(tmp_path: Path) -> None:
    raw = good()
    for cell in raw["cells"]:
        for heading in ("Predict", "Explain", "Pitfalls"):
            if cell["cell_type"] == "markdown":
                cell["source"] = cell["source"].replace(f"## {heading}", "")
    notebook = written(raw, tmp_path)
    assert list(hygiene.has_its_sections(notebook))
    short = Notebook(tmp_path / "00-good.ipynb", notebook.raw)
    assert list(hygiene.has_its_sections(short)) == []


def test_exercises_and_solutions_are_found(tmp_path: Path) -> None:
    notebook = written(good(), tmp_path)
    assert solutions(notebook) == {"99.1": "answer = 1\n"}
    assert {n: cell["id"] for n, cell in exercise_cells(notebook).items()} == {"99.1": "exercise"}
