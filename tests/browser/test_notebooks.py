"""Every lesson, opened and run in a real JupyterLab, in both themes."""

from __future__ import annotations

import pytest

from tests.browser.notebook_page import NotebookPage, Theme
from tests.browser.server import REPOSITORY

NOTEBOOKS = sorted(path.name for path in (REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", NOTEBOOKS)
def test_a_lesson_runs_and_paints_its_labs(notebook: NotebookPage, path: str, theme: Theme) -> None:
    notebook.open(path, theme)
    assert "Error displaying widget" not in notebook.page.locator(".jp-Notebook").inner_text()
    notebook.run_all()
    labs = notebook.page.locator(".rv-lab")
    assert labs.count() >= 1
    for number in range(labs.count()):
        lab = labs.nth(number)
        lab.scroll_into_view_if_needed()
        notebook.wait_for_frame(lab)
        assert notebook.state(lab) == "ok"
        notebook.screenshot(f"{path.removesuffix('.ipynb')}-{number}-{theme}", of=lab)
