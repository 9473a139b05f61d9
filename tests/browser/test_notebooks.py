"""Every lesson, opened and run in a real JupyterLab, and looked at in both themes.

Lessons that train networks take a minute or more: they are `slow` here, since nbval runs them too.
"""

from __future__ import annotations

import pytest

from tests.browser.notebook_page import RUN_SECONDS, THEMES, NotebookPage
from tests.browser.server import REPOSITORY

TRAINING = ("10-", "11-", "12-")
TRAINING_SECONDS = 600
NOTEBOOKS = sorted(path.name for path in (REPOSITORY / "notebooks").glob("*.ipynb"))
QUICK = [name for name in NOTEBOOKS if not name.startswith(TRAINING)]
TRAINED = [name for name in NOTEBOOKS if name.startswith(TRAINING)]


def run(notebook: NotebookPage, path: str, seconds: int = RUN_SECONDS) -> None:
    notebook.open(path)
    assert "Error displaying widget" not in notebook.page.locator(".jp-Notebook").inner_text()
    notebook.run_all(seconds)


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


@pytest.mark.parametrize("path", QUICK)
def test_a_lesson_runs_and_paints_its_labs(notebook: NotebookPage, path: str) -> None:
    run(notebook, path)
    assert notebook.page.locator(".rv-lab").count() >= 1
    look_at_labs(notebook, path)


@pytest.mark.slow
@pytest.mark.parametrize("path", TRAINED)
def test_a_lesson_that_trains_runs(notebook: NotebookPage, path: str) -> None:
    run(notebook, path, TRAINING_SECONDS)
    look_at_labs(notebook, path)
