"""Every lesson in a real JupyterLab: its labs are painted, and looked at in both themes.

nbval runs all cells of all lessons. Here the cells up to the last lab before a training are run,
which is what a browser has to do with; test_training.py watches a training, and `make slow` runs
the lessons that train networks, to their end.
"""

from __future__ import annotations

import re
from itertools import takewhile

import nbformat
import pytest

from tests.browser.notebook_page import THEMES, NotebookPage
from tests.browser.server import REPOSITORY

TRAINING_SECONDS = 600
SHOWS_A_LAB = re.compile(r"\brv\.\w+Lab\(")
TRAINS = re.compile(r"\brv\.train\(")
NOTEBOOKS = sorted(path.name for path in (REPOSITORY / "notebooks").glob("*.ipynb"))


def code_cells(path: str) -> list[str]:
    notebook = nbformat.read(REPOSITORY / "notebooks" / path, as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def up_to_the_last_lab(path: str) -> int:
    """How many code cells there are up to the last that shows a lab and comes before a training."""
    before = takewhile(lambda source: not TRAINS.search(source), code_cells(path))
    return max((n for n, cell in enumerate(before, 1) if SHOWS_A_LAB.search(cell)), default=0)


QUICK = [name for name in NOTEBOOKS if up_to_the_last_lab(name)]
TRAINED = [name for name in NOTEBOOKS if any(map(TRAINS.search, code_cells(name)))]


def test_every_lesson_is_opened() -> None:
    assert {*QUICK, *TRAINED} == {*NOTEBOOKS}


def look_at_labs(notebook: NotebookPage, path: str) -> None:
    labs = notebook.page.locator(".rv-lab")
    for theme in THEMES:
        notebook.change_theme(theme)
        for number in range(labs.count()):
            lab = labs.nth(number)
            lab.scroll_into_view_if_needed()
            notebook.wait_for_frame(lab)
            assert notebook.state(lab) == "ok"
            notebook.screenshot(f"{path.removesuffix('.ipynb')}-{number}-{theme}", of=lab)


def open_lesson(notebook: NotebookPage, path: str) -> None:
    notebook.turn_to(path)
    assert "Error displaying widget" not in notebook.page.locator(".jp-Notebook").inner_text()


@pytest.mark.parametrize("path", QUICK)
def test_a_lesson_paints_its_labs(notebook: NotebookPage, path: str) -> None:
    open_lesson(notebook, path)
    notebook.run_up_to(up_to_the_last_lab(path))
    assert notebook.page.locator(".rv-lab").count() >= 1
    look_at_labs(notebook, path)


@pytest.mark.slow
@pytest.mark.parametrize("path", TRAINED)
def test_a_lesson_that_trains_runs(notebook: NotebookPage, path: str) -> None:
    open_lesson(notebook, path)
    notebook.run_all(TRAINING_SECONDS)
    look_at_labs(notebook, path)
