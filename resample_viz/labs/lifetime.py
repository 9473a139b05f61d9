"""Labs end: running a cell again closes the labs that the cell made before.

ipywidgets keeps every widget alive until it is closed, so a cell that is run a hundred times would
otherwise leave a hundred labs in the kernel.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import ipywidgets as widgets


class Closable(Protocol):
    """Anything with an end."""

    def close(self) -> None:
        """Frees everything."""


class Run(NamedTuple):
    """One execution of one cell."""

    cell: str
    message: str


_owned: dict[str, tuple[str, list[Closable]]] = {}


def current_run() -> Run | None:
    """The cell that is being executed, or None outside a notebook and inside widget callbacks."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    kernel = getattr(get_ipython(), "kernel", None)
    parent: dict[str, Any] = kernel.get_parent("shell") if kernel else {}
    if parent.get("header", {}).get("msg_type") != "execute_request":
        return None
    # JupyterLab names the cell. Elsewhere the same source is taken to be the same cell.
    cell = parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code", "")
    return Run(cell, parent["header"]["msg_id"])


def adopt(lab: Closable, run: Run | None = None) -> None:
    """Registers a new lab with its cell and closes those of the cell's earlier runs."""
    run = run or current_run()
    if run is None:
        return
    message, labs = _owned.get(run.cell, ("", []))
    if message != run.message:
        for old in labs:
            old.close()
        labs = []
    _owned[run.cell] = (run.message, [*labs, lab])


def disown(lab: Closable) -> None:
    """Forgets a lab that was closed."""
    for cell, (message, labs) in list(_owned.items()):
        kept = [other for other in labs if other is not lab]
        if kept:
            _owned[cell] = (message, kept)
        else:
            del _owned[cell]


def close_tree(root: widgets.Widget) -> None:
    """Closes a widget with all its children, layouts and styles."""
    for child in getattr(root, "children", ()):
        close_tree(child)
    for part in ("layout", "style"):
        owned = getattr(root, part, None)
        if isinstance(owned, widgets.Widget):
            owned.close()
    root.unobserve_all()
    widgets.Widget.close(root)


IPYWIDGETS_OWN = ("_trait_", "_cross_validation_lock", "_model_id", "_repr_mimebundle_")
"""Beginnings of the attributes that traitlets and ipywidgets give every widget."""


def empty(root: widgets.Widget) -> frozenset[str]:
    """Takes from a closed widget every attribute that is not of ipywidgets; returns their names.

    A name that its class has too falls back to that value. Whatever a lab remembers is freed so,
    also by labs that are yet to be written.
    """
    own = frozenset(name for name in vars(root) if not name.startswith(IPYWIDGETS_OWN))
    for name in own:
        del vars(root)[name]
    return own
