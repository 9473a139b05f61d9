"""`python -m benchmarks`: key press → painted pixels, in a real JupyterLab and Chromium.

Everything is measured in one run: each case twice, in opposite orders, so that a machine that
warms up or slows down favours none, and the floor comes both first and last.
"""

from __future__ import annotations

import sys

from playwright.sync_api import sync_playwright

from benchmarks.cases import BARE_KERNEL, cases
from benchmarks.measure import Samples, import_seconds, kernel_memory, measure
from benchmarks.report import Results, markdown, store
from tests.browser.server import find_chromium, jupyterlab, launch_chromium

IMPORTS = 5


def run() -> Results:
    """Measure all cases."""
    executable = find_chromium()
    if executable is None:
        sys.exit("The benchmark needs Chromium or Chrome; the variable CHROMIUM can name one.")
    imports = [import_seconds("torch", "resample_viz") for _ in range(IMPORTS)]
    lab_imports = [import_seconds("torch", "resample_viz.labs") for _ in range(IMPORTS)]
    samples = {case.name: Samples() for case in cases()}
    bare: list[int] = []
    with jupyterlab(notebooks=None) as server, sync_playwright() as playwright:
        browser = launch_chromium(playwright, executable)
        for order in (cases(), cases()[::-1]):
            bare.append(kernel_memory(BARE_KERNEL, browser, server))
            for case in order:
                print(f"measuring: {case.name}", file=sys.stderr)
                measure(case, browser, server, samples[case.name])
        chromium = browser.version
        browser.close()
    return Results(samples, bare, imports, lab_imports, chromium)


if __name__ == "__main__":
    results = run()
    store(results)
    print(markdown(results))
