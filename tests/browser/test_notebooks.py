"""Every lesson in a real JupyterLab: its labs are painted, and looked at in both themes.

nbval runs all cells of all lessons. Here the cells up to the last lab are run, which is what a
browser has to do with; `make slow` runs the lessons that train networks, to their end.
"""

from __future__ import annotations

import re

import nbformat
import pytest

from tests.browser.notebook_page import THEMES, NotebookPage
from tests.browser.server import REPOSITORY

TRAINING = ("10-", "11-", "12-")
TRAINING_SECONDS = 600
SHOWS_A_LAB = re.compile(r"\b(rv\.\w+Lab|rv\.explore|rv\.train)\(")
NOTEBOOKS = sorted(path.name for path in (REPOSITORY / "notebooks").glob("*.ipynb"))
QUICK = [name for name in NOTEBOOKS if not name.startswith(TRAINING)]
TRAINED = [name for name in NOTEBOOKS if name.startswith(TRAINING)]


def up_to_the_last_lab(path: str) -> int:
    """How many code cells there are up to the last one that shows a lab."""
    notebook = nbformat.read(REPOSITORY / "notebooks" / path, as_version=4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return max(n for n, source in enumerate(code, start=1) if SHOWS_A_LAB.search(source))


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
