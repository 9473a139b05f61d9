"""Executes notebooks in place and stores their outputs in a form that can be kept in a repository.

    python tools/notebooks.py                 # all of notebooks/
    python tools/notebooks.py notebooks/01-upsampling.ipynb

The kernel is the `python3` of the environment that runs this file; it works in notebooks/. Stored
is what a reader without a kernel needs (pictures and words). Left out is what only a running kernel
can use or what changes from run to run: widget views and their state, timings, output metadata.
A notebook in which a cell fails is left as it was, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from itertools import count
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KEPT_CELL_METADATA = ("tags",)
CELL_SECONDS = 300


def execute(notebook: NotebookNode) -> None:
    """Runs all cells from top to bottom in a fresh kernel. Raises CellExecutionError."""
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        coalesce_streams=True,
        store_widget_state=False,
        record_timing=False,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    client.execute(env={**os.environ, "RESAMPLE_VIZ_PROGRESS": "0"})


def normalise(notebook: NotebookNode) -> None:
    """Leaves out everything that no reader needs or that changes from run to run."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    _name_cells(notebook)
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in KEPT_CELL_METADATA if key in cell.metadata}
        cell.metadata = nbformat.from_dict(kept)
        for output in cell.get("outputs", ()):
            if "data" in output:
                output.data.pop(WIDGET_VIEW, None)
                output.metadata = nbformat.from_dict({})


def _name_cells(notebook: NotebookNode) -> None:
    """Keeps the ids that cells have; new cells are named by their place, copies get a suffix."""
    taken: set[str] = set()
    nameless = []
    for place, cell in enumerate(notebook.cells):
        name = cell.get("id")
        if name and name not in taken:
            taken.add(name)
        else:
            nameless.append((name or f"cell-{place:02}", cell))
    # Afterwards, so that no new name takes away one that a later cell has.
    for name, cell in nameless:
        stem = re.sub(r"-again\d+$", "", name)[:50]
        names = (f"{stem}-again{number}" for number in count(1))
        cell.id = name if name not in taken else next(n for n in names if n not in taken)
        taken.add(cell.id)


def refresh(path: Path) -> None:
    """Executes one notebook and writes it back. Raises CellExecutionError and writes nothing."""
    notebook = nbformat.read(path, as_version=4)
    execute(notebook)
    normalise(notebook)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Execute notebooks and store clean outputs.")
    parser.add_argument("paths", nargs="*", type=Path, help="default: all of notebooks/")
    paths = parser.parse_args(arguments).paths or sorted(NOTEBOOKS.glob("*.ipynb"))
    failed = False
    for path in paths:
        try:
            refresh(path)
        except CellExecutionError as error:
            failed = True
            print(f"{path.name}: a cell failed, nothing was stored\n{error}", file=sys.stderr)  # noqa: T201
        else:
            print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")  # noqa: T201
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
