"""Fixtures of the browser tests.

`notebook` is a notebook in a real JupyterLab; `stage_page` is a bare page that renders an
anywidget module with a fake model. Both fail a test that leaves an error in the console, and both
keep a screenshot of a test that fails.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.notebook_page import NotebookPage, artifacts, notebook_page
from tests.browser.server import (
    JupyterServer,
    find_chromium,
    in_ci,
    jupyterlab,
    launch_chromium,
)
from tests.browser.show import Show
from tests.browser.stage_page import VIEWPORT, StagePage

NO_BROWSER = "browser tests need Chromium or Chrome (the variable CHROMIUM can name one)"
FAILED = pytest.StashKey[bool]()

expect.set_options(timeout=20_000)  # ms; Playwright's own 5 s are short while the cores are busy


# Both end with the last browser test: as long as Playwright has a browser, its event loop runs in
# this thread, and what asks whether a loop is running would get another answer than in a script.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium. Where there is none, its tests are skipped; in CI they fail."""
    executable = find_chromium()
    if executable is None:
        (pytest.fail if in_ci() else pytest.skip)(NO_BROWSER)
    with sync_playwright() as playwright:
        chromium = launch_chromium(playwright, executable)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def jupyter_server(browser: Browser) -> Iterator[JupyterServer]:
    """A JupyterLab server of this run's own (it needs the browser so as not to start in vain)."""
    with jupyterlab() as server:
        yield server


@pytest.fixture(scope="package")
def lab_page(browser: Browser, jupyter_server: JupyterServer) -> Iterator[NotebookPage]:
    """A page that JupyterLab stays loaded in: to load it takes longer than most of the tests."""
    with notebook_page(browser, jupyter_server) as page:
        yield page


@pytest.fixture
def notebook(request: pytest.FixtureRequest, lab_page: NotebookPage) -> Iterator[NotebookPage]:
    """A page for `NotebookPage.turn_to`, with a kernel that ends with the test."""
    with borrowed(lab_page, request.session):
        yield lab_page
        if request.node.stash.get(FAILED, False):
            lab_page.screenshot(f"failed-{request.node.name}")


@pytest.fixture(scope="module")
def one_notebook(request: pytest.FixtureRequest, lab_page: NotebookPage) -> Iterator[NotebookPage]:
    """A notebook and a kernel for all tests of a file: see `NotebookPage.replace_cells`."""
    with borrowed(lab_page, request.session):
        lab_page.turn_to_cells("")
        yield lab_page


@contextmanager
def borrowed(page: NotebookPage, session: pytest.Session) -> Iterator[None]:
    """Leaves the page's notebook at the end, or the whole page if something went wrong on it."""
    failed = session.testsfailed
    page.errors.clear()
    yield
    errors = list(page.errors)
    if errors or session.testsfailed > failed:
        page.renew()
    else:
        page.leave()
    assert not errors, f"errors in the browser's console: {errors}"


@pytest.fixture
def kept_notebook(
    request: pytest.FixtureRequest, one_notebook: NotebookPage
) -> Iterator[NotebookPage]:
    """`one_notebook`, with a screenshot of a test that fails."""
    yield one_notebook
    if request.node.stash.get(FAILED, False):
        one_notebook.screenshot(f"failed-{request.node.name}")


@pytest.fixture(scope="module")
def bare_page(browser: Browser) -> Iterator[StagePage]:
    """The page of a file's bare-page tests: a new window costs Chromium more than a test."""
    context = browser.new_context(viewport=VIEWPORT)
    yield StagePage(context.new_page())
    context.close()


@pytest.fixture
def stage_page(request: pytest.FixtureRequest, bare_page: StagePage) -> Iterator[StagePage]:
    """A bare page for an anywidget module, without any server, and as good as new."""
    bare_page.renew()
    yield bare_page
    if request.node.stash.get(FAILED, False):
        bare_page.page.screenshot(path=artifacts() / f"failed-{request.node.name}.png")
    assert not bare_page.errors, f"errors in the browser's console: {bare_page.errors}"


@pytest.fixture
def show(stage_page: StagePage) -> Show:
    """A stage in Python, painted by a bare page."""
    return Show(stage_page)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test failed, so that its fixture can take a screenshot."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    if report.skipped and NO_BROWSER in str(report.longrepr):
        # One place for all of them, so that pytest's summary has one line for all of them.
        report.longrepr = (__file__, 1, f"Skipped: {NO_BROWSER}")
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser: `pytest -m "not browser"` leaves it out."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
