"""`python -m benchmarks [speed | ahead | lessons | reruns] [NAME ...]`: what the suite takes.

speed: key press → painted pixels, in a real JupyterLab and Chromium, beside other notebooks. All
    cases are measured in one run, each twice, in opposite orders, so that a machine that warms up
    or slows down favours none, and the floor comes both first and last.
ahead: the same with frames ahead of the hand and without, and in a page from a disk
lessons: the memory of a kernel that runs a lesson to its end; of all, or of those named: 02 08
reruns: the memory of a kernel that runs the cell of a lab 100 times; all labs, or those named

Without a word all of them are measured, and stored in benchmarks/results.
"""

from __future__ import annotations

import argparse
import sys

from playwright.sync_api import sync_playwright

from benchmarks.ahead import measure_ahead, store_ahead
from benchmarks.cases import BARE_KERNEL, cases
from benchmarks.measure import Samples, import_seconds, kernel_memory, measure
from benchmarks.memory import lesson_table, lessons, rerun_table, reruns, store_memory
from benchmarks.report import Results, markdown, store
from tests.browser.server import find_chromium, jupyterlab, launch_chromium

IMPORTS = 5


def run() -> Results:
    """Measure all cases."""
    executable = _executable()
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


def run_ahead() -> str:
    """Measure frames ahead of the hand."""
    executable = _executable()
    with jupyterlab(notebooks=None) as server, sync_playwright() as playwright:
        browser = launch_chromium(playwright, executable)
        table = measure_ahead(browser, server)
        browser.close()
    return table


def _executable() -> str:
    executable = find_chromium()
    if executable is None:
        sys.exit("The benchmark needs Chromium or Chrome; the variable CHROMIUM can name one.")
    return executable


def main() -> None:
    """Measures what the command line asks for, and prints it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="?", choices=("speed", "ahead", "lessons", "reruns"))
    parser.add_argument("names", nargs="*", help="numbers of lessons, or names of labs")
    asked = parser.parse_args()
    tables = []
    if asked.what in (None, "lessons"):
        tables.append(lesson_table(lessons(asked.names)))
    if asked.what in (None, "reruns"):
        tables.append(rerun_table(reruns(asked.names)))
    if tables:
        print("\n\n".join(tables))
    if asked.what is None:
        store_memory(tables)
    if asked.what in (None, "ahead"):
        table = run_ahead()
        store_ahead(table)
        print(table)
    if asked.what in (None, "speed"):
        results = run()
        store(results)
        print(markdown(results))


if __name__ == "__main__":
    main()
