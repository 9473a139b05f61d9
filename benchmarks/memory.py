"""Megabytes of a kernel: of every lesson run to its end, and of every lab's cell run 100 times.

No browser is needed. A lesson's kernel is looked at every 50 ms, with the processes that it starts.
On Linux the figure is PSS, in which a page that is shared by n processes counts as 1/n; elsewhere
it is what the processes do not share (USS).
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from tests.browser.server import REPOSITORY

NOTEBOOKS = REPOSITORY / "notebooks"
RESULTS = Path(__file__).with_name("results")
LOOK_EVERY = 0.05
CELL_SECONDS = 600
RERUNS = 100
MB = 1e6

LAB_CELL = "lab = rv.{lab}()\nlab"


@dataclass(frozen=True)
class Lesson:
    """What a lesson's kernel took, in bytes.

    Attributes:
        name: the notebook's number.
        bare: after `import torch`, before the first cell.
        imported: after the first cell, which imports what the lesson needs.
        peak: the most that was seen while all cells ran.
        peak_cell: the number of the code cell in which that was, and its first line.
        end: after the last cell.
    """

    name: str
    bare: int
    imported: int
    peak: int
    peak_cell: str
    end: int


@dataclass(frozen=True)
class Reruns:
    """Bytes of a kernel in which the cell of a lab was run once, and 100 times more."""

    lab: str
    before: int
    after: int


class Kernel:
    """A kernel that is looked at while it runs."""

    def __init__(self, client: BlockingKernelClient, process: psutil.Process) -> None:
        self.client = client
        self.process = process

    def run(self, code: str) -> int:
        """Runs a cell to its end; returns the most bytes that were seen meanwhile.

        Raises RuntimeError if the cell fails.
        """
        most = [self.memory()]
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(LOOK_EVERY):
                most.append(self.memory())

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            reply = self.client.execute_interactive(
                code, output_hook=lambda _: None, timeout=CELL_SECONDS, allow_stdin=False
            )
        finally:
            ended.set()
            watcher.join()
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"a cell failed: {reply['content'].get('evalue')}\n{code}")
        return max(*most, self.memory())

    def memory(self) -> int:
        """Bytes of the kernel and of the processes that it has started."""
        return sum(_memory(one) for one in (self.process, *self.process.children(recursive=True)))


def _memory(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.Error:  # it has just ended
        return 0
    return int(getattr(full, "pss", full.uss))


@contextmanager
def kernel(folder: Path) -> Iterator[Kernel]:
    """A fresh kernel in `folder`."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    manager, client = start_new_kernel(
        kernel_name="python3", startup_timeout=60, cwd=str(folder), env=environment
    )
    try:
        yield Kernel(client, psutil.Process(manager.provisioner.pid))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def measure_lesson(notebook: Path) -> Lesson:
    """Runs a lesson from its first cell to its last in a kernel of its own."""
    cells = [
        cell.source
        for cell in nbformat.read(notebook, as_version=4).cells
        if cell.cell_type == "code"
    ]
    with kernel(notebook.parent) as running:
        running.run("import torch")
        bare = running.memory()
        peaks = [running.run(cells[0])]
        imported = running.memory()
        peaks += [running.run(source) for source in cells[1:]]
        end = running.memory()
    number = max(range(len(peaks)), key=peaks.__getitem__)
    where = f"{number + 1}: {cells[number].strip().splitlines()[0]}"
    return Lesson(notebook.name[:2], bare, imported, max(peaks), where, end)


def measure_reruns(lab: str) -> Reruns:
    """Runs the cell of a lab once, and then 100 times more."""
    with kernel(REPOSITORY) as running:
        running.run("import resample_viz as rv")
        running.run(LAB_CELL.format(lab=lab))
        before = running.memory()
        for _ in range(RERUNS):
            running.run(LAB_CELL.format(lab=lab))
        return Reruns(lab, before, running.memory())


def lessons(numbers: list[str]) -> list[Lesson]:
    """All lessons, or those with these numbers, one after the other."""
    measured = []
    for notebook in sorted(NOTEBOOKS.glob("[0-9][0-9]-*.ipynb")):
        if not numbers or notebook.name[:2] in numbers:
            print(f"measuring: {notebook.name}", file=sys.stderr)
            measured.append(measure_lesson(notebook))
    return measured


def reruns(names: list[str]) -> list[Reruns]:
    """All labs, or those with these names, one after the other."""
    from resample_viz.labs import LABS

    measured = []
    for lab in LABS:
        if not names or lab.__name__ in names:
            print(f"measuring: {lab.__name__}, run {RERUNS} times more", file=sys.stderr)
            measured.append(measure_reruns(lab.__name__))
    return measured


def lesson_table(measured: list[Lesson]) -> str:
    """The lessons as a Markdown table, in megabytes."""
    lines = [
        "| lesson | `import torch` | its imports | peak | at the end | the peak was in code cell |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one.name} | {one.bare / MB:.0f} | {one.imported / MB:.0f} | {one.peak / MB:.0f} "
        f"| {one.end / MB:.0f} | {one.peak_cell.replace('|', '/')} |"
        for one in measured
    ]
    return "\n".join(lines)


def rerun_table(measured: list[Reruns]) -> str:
    """The labs as a Markdown table, in megabytes."""
    lines = [
        f"| lab | kernel MB, its cell run once | {RERUNS} times more | kB each time |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one.lab} | {one.before / MB:.1f} | {one.after / MB:.1f} "
        f"| {(one.after - one.before) / RERUNS / 1e3:.1f} |"
        for one in measured
    ]
    return "\n".join(lines)


def store_memory(tables: list[str]) -> None:
    """Write memory.md."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "memory.md").write_text("\n\n".join(tables) + "\n", encoding="utf-8")
