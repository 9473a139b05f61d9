"""tools/notebooks.py stores what can be kept, and nothing at all when a cell fails."""

from __future__ import annotations

import importlib.util
import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import v4

from tests.notebooks import hygiene
from tests.notebooks.hygiene import WIDGET_VIEW, Notebook

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "notebooks.py"
LAB = """import resample_viz as rv
lab = rv.UpsamplingLab(image="integer_grid", size=4, scale_factor=2)
lab"""
PLACE = "from pathlib import Path\nprint(Path.cwd().name)"


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notebooks_tool", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = load_script()


class Run(NamedTuple):
    """What one call of the tool left behind: a notebook with a bad cell, then one with a lab."""

    code: int
    out: str
    err: str
    bad: Path
    bad_before: bytes
    lab: Path


def with_rubbish(*sources: str) -> nbformat.NotebookNode:
    """Stored by an editor, with metadata and outputs of an earlier run."""
    notebook = v4.new_notebook(
        metadata={
            "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"old": {}}}},
            "kernelspec": {"display_name": "Other", "language": "python", "name": "other-env"},
            "language_info": {"name": "python", "version": "3.9.1"},
        }
    )
    for place, lines in enumerate(sources):
        cell = v4.new_code_cell(lines, id=f"kept-{place}", execution_count=40 + place)
        cell.metadata = nbformat.from_dict({"tags": ["kept"], "collapsed": True})
        cell.outputs = [v4.new_output("display_data", {WIDGET_VIEW: {"model_id": "old"}})]
        notebook.cells.append(cell)
    return notebook


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The two kernel starts of this file."""
    folder = tmp_path_factory.mktemp("notebooks")
    bad, lab = folder / "bad.ipynb", folder / "lab.ipynb"
    nbformat.write(with_rubbish("print(1)", "1 / 0", "print(2)"), bad)
    nbformat.write(with_rubbish(LAB, PLACE), lab)
    before = bad.read_bytes()
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = tool.main([str(bad), str(lab)])
    return Run(code, out.getvalue(), err.getvalue(), bad, before, lab)


def test_a_notebook_that_fails_is_left_untouched(run: Run) -> None:
    assert run.bad.read_bytes() == run.bad_before
    assert sorted(path.name for path in run.bad.parent.iterdir()) == ["bad.ipynb", "lab.ipynb"]


def test_a_notebook_that_fails_gives_exit_code_1_and_its_error(run: Run) -> None:
    assert run.code == 1
    assert "bad.ipynb: a cell failed, nothing was stored" in run.err
    assert "ZeroDivisionError" in run.err
    assert "lab.ipynb" not in run.err


def test_the_others_are_stored_all_the_same(run: Run) -> None:
    assert run.out.startswith("lab.ipynb: ")
    assert run.out.endswith(" kB\n")
    assert "bad.ipynb" not in run.out


def test_a_lab_loses_its_view_and_state_and_keeps_its_picture_and_words(run: Run) -> None:
    stored = run.lab.read_text(encoding="utf-8")
    assert "vnd.jupyter.widget" not in stored
    (output,) = Notebook.read(run.lab).cells[0]["outputs"]
    assert set(output["data"]) == {"image/png", "text/plain"}
    assert output["metadata"] == {}


@pytest.mark.parametrize(
    "rule",
    [
        hygiene.is_valid,
        hygiene.has_clean_metadata,
        hygiene.ran_in_order,
        hygiene.no_widget_views,
        hygiene.no_stderr,
        hygiene.errors_are_meant,
        hygiene.words_are_stable,
        hygiene.pictures_are_pictures,
        hygiene.labs_have_a_static_face,
    ],
    ids=lambda rule: rule.__name__,
)
def test_what_was_stored_obeys_the_rules(run: Run, rule: hygiene.Rule) -> None:
    assert list(rule(Notebook.read(run.lab))) == []


def test_ids_tags_and_sources_are_kept(run: Run) -> None:
    cells = Notebook.read(run.lab).cells
    assert [cell["id"] for cell in cells] == ["kept-0", "kept-1"]
    assert [cell["metadata"] for cell in cells] == [{"tags": ["kept"]}] * 2
    assert [hygiene.source(cell) for cell in cells] == [LAB, PLACE]


def test_cells_run_in_the_folder_of_the_lessons(run: Run) -> None:
    (output,) = Notebook.read(run.lab).cells[1]["outputs"]
    assert "".join(output["text"]) == "notebooks\n"


IDS = st.one_of(st.none(), st.sampled_from(["a", "a-again1", "cell-00", "cell-01", "x" * 64]))


@given(st.lists(IDS, max_size=8))
def test_cells_end_up_with_ids_of_their_own(ids: list[str | None]) -> None:
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("Text.") for _ in ids])
    for cell, name in zip(notebook.cells, ids):
        cell.pop("id")
        if name:
            cell.id = name
    tool.normalise(notebook)
    nbformat.validate(notebook)
    given_back = [cell.id for cell in notebook.cells]
    assert len(set(given_back)) == len(ids)
    for name in set(ids) - {None}:
        assert given_back[ids.index(name)] == name, "the first one keeps its id"


@given(st.lists(IDS, max_size=8))
def test_a_second_pass_changes_nothing(ids: list[str | None]) -> None:
    notebook = v4.new_notebook(cells=[v4.new_code_cell("1") for _ in ids])
    for cell, name in zip(notebook.cells, ids):
        cell.id = name or ""
    tool.normalise(notebook)
    once = nbformat.writes(notebook)
    tool.normalise(notebook)
    assert nbformat.writes(notebook) == once
