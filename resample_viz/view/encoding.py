"""Frames as they travel: a description for JSON, and buffers that are named by their content.

The stage gets a frame so when it asks for one, and before it asks, and finds it so in a page
without a kernel. The same frame has the same name, whoever made it and when.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from resample_viz.view.colors import Colormap
from resample_viz.view.panel import CENTRE, Centre, Frame, Panel

PANEL_SLOTS = 20
LINK_SLOTS = 4
NAME_BYTES = 12
"""Of a digest: 96 bits, so that two contents never share a name by chance."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """A frame as the stage takes it.

    Attributes:
        name: a digest of everything below; frames of one name look the same.
        description: what goes into JSON. Each panel and link names its `buffer`, and the `slot` of
            the stage that takes it.
        buffers: the bytes, by the digest of their content.
        colormaps: the palettes that the panels are painted with.
    """

    name: str
    description: dict[str, Any]
    buffers: dict[str, bytes]
    colormaps: frozenset[Colormap]

    def slots(self) -> dict[str, bytes]:
        """The bytes, by the slot that takes them."""
        parts = (*self.description["panels"], *self.description["links"])
        return {part["slot"]: self.buffers[part["buffer"]] for part in parts}


def content_name(data: bytes) -> str:
    """A name that only this content has.

    >>> content_name(b"x") == content_name(b"x") != content_name(b"y")
    True
    """
    return hashlib.blake2b(data, digest_size=NAME_BYTES).hexdigest()


def encode(frame: Frame, centre: Centre = CENTRE, *, copy: str = "") -> Encoded:
    """The frame, with the part of large panels around `centre` (shares of height and width).

    `copy` is what the copy button gives; by default the code. Raises ValueError if the frame has
    more panels or links than a stage has slots.
    """
    _check_fits(frame)
    buffers: dict[str, bytes] = {}

    def part(kind: str, number: int, meta: dict[str, Any], data: bytes) -> dict[str, Any]:
        name = content_name(data)
        buffers[name] = data
        return {**meta, "slot": f"{kind}_{number}", "buffer": name}

    description = {
        "panels": [part("panel", n, *panel.encode(centre)) for n, panel in enumerate(frame.panels)],
        "links": [part("link", n, *link.encode()) for n, link in enumerate(frame.links)],
        "code": frame.code,
        "copy": copy or frame.code,
        "formula": frame.formula,
        "hint": frame.hint,
        "outside": any(
            isinstance(panel, Panel) and panel.role != "error" and panel.outside > 0
            for panel in frame.panels
        ),
        "warnings": list(frame.warnings),
        "walk": frame.walk,
        "stamp": frame.stamp,
        "columns": frame.columns,
        "waysOut": [],
        "main": list(frame.main),
        "sameCells": frame.same_cells,
        "markOutside": frame.mark_outside,
        "strip": [vars(step) for step in frame.strip],
        "merits": [vars(merit) for merit in frame.merits],
    }
    name = content_name(json.dumps(description).encode())
    colormaps = frozenset(panel.colormap for panel in frame.panels if isinstance(panel, Panel))
    return Encoded(name, {**description, "name": name}, buffers, colormaps)


def _check_fits(frame: Frame) -> None:
    for what, shown, slots in (
        ("panels", frame.panels, PANEL_SLOTS),
        ("links", frame.links, LINK_SLOTS),
    ):
        if len(shown) > slots:
            raise ValueError(
                f"the frame has {len(shown)} {what}, but a stage shows at most {slots}: "
                "leave some out."
            )
