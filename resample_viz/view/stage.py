"""The stage: one anywidget that paints frames in the browser.

One change of a lab is one message. Tensors travel as bytes in numbered slots; a slot whose bytes
did not change is not sent again, so that moving a slider does not resend the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

from resample_viz.view.colors import palette
from resample_viz.view.encoding import LINK_SLOTS, PANEL_SLOTS, Encoded, encode
from resample_viz.view.panel import Frame
from resample_viz.words import of_page

HERE = Path(__file__).parent
SLOTS = (
    *(f"panel_{n}" for n in range(PANEL_SLOTS)),
    *(f"link_{n}" for n in range(LINK_SLOTS)),
)
MAX_UPLOAD = 10_000_000
"""Bytes. The browser refuses larger files before it sends them; Jupyter's own limit is 10 MiB."""


def _slots() -> Any:
    """Ordinary traits, so that a reloaded page gets the bytes back from the kernel."""
    traits = {name: traitlets.Bytes().tag(sync=True, echo_update=False) for name in SLOTS}
    return traitlets.MetaHasTraits("Slots", (traitlets.HasTraits,), traits)


class Stage(anywidget.AnyWidget, _slots()):  # type: ignore[misc]
    """Shows frames.

    `progress` tells of a computation that goes on behind what is shown; `moves` tells which slider
    the shown frame answers, where all of them stand, and what the controls show with it: what the
    browser needs to paint frames that it was sent ahead; `words` what the page's own sentences are
    in the language that was chosen when the stage was made.

    The browser sets six traits: `edit` (a cell was typed into), `picked` (a cell of a pickable
    panel was clicked), `way_out` (what a refusal suggests was taken, by its label), `upload` (the
    learner's own picture: its name and bytes), `dark` (the page's theme) and `centre` (which part
    of panels that are larger than the screen is looked at: shares of height and width).
    """

    # Bundled from js/, because anywidget imports one text: `make bundle`.
    _esm = (HERE / "stage.js").read_text(encoding="utf-8")
    _css = (HERE / "stage.css").read_text(encoding="utf-8")

    frame = traitlets.Dict().tag(sync=True, echo_update=False)
    palettes = traitlets.Dict().tag(sync=True, echo_update=False)
    edit = traitlets.Dict().tag(sync=True, echo_update=False)
    picked = traitlets.Dict().tag(sync=True, echo_update=False)
    way_out = traitlets.Dict().tag(sync=True, echo_update=False)
    upload = traitlets.Dict().tag(sync=True, echo_update=False)
    max_upload = traitlets.Int(MAX_UPLOAD).tag(sync=True)
    moves = traitlets.Dict().tag(sync=True, echo_update=False)
    progress = traitlets.Dict().tag(sync=True, echo_update=False)
    centre = traitlets.List([0.5, 0.5]).tag(sync=True, echo_update=False)
    words = traitlets.Dict().tag(sync=True, echo_update=False)
    dark = traitlets.Bool(False).tag(sync=True, echo_update=False)
    seen_dark: ClassVar[bool] = False
    """What the page told last, for stages that are drawn before it can tell them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"words": of_page(), **kwargs})
        self._count = 0

    @traitlets.observe("dark")
    def _remember(self, change: Any) -> None:
        Stage.seen_dark = change["new"]

    def show(self, frame: Frame | Encoded, *, copy: str = "") -> None:
        """Puts a frame on the stage. `copy` is what the copy button gives (default: the code).

        Raises ValueError if the frame has more panels or links than there are slots.
        """
        if isinstance(frame, Frame):
            centre = (float(self.centre[0]), float(self.centre[1]))
            frame = encode(frame, centre, copy=copy)
        new: dict[str, bytes] = {
            name: palette(name) for name in frame.colormaps if name not in self.palettes
        }
        with self.hold_sync():
            if new:
                self.palettes = {**self.palettes, **new}
            for name, data in frame.slots().items():
                setattr(self, name, data)
            self._publish(**frame.description, alert="")

    def refuse(self, sentence: str, ways_out: Sequence[str] = ()) -> None:
        """Keeps what is shown, dimmed, and says what is wrong; each way out becomes a button."""
        refusal = {"alert": sentence, "waysOut": list(ways_out)}
        self._publish(**{**self._empty(), **self.frame, **refusal})

    def clear(self) -> None:
        """Forgets what is shown: a closed stage that someone keeps holds no pictures."""
        self.frame, self.palettes, self.moves = {}, {}, {}
        for name in SLOTS:
            setattr(self, name, b"")

    def report(self, share: float, text: str) -> None:
        """Shows how far a longer computation has come, 0 to 1; an empty text takes it away."""
        self.progress = {"share": share, "text": text} if text else {}

    def _publish(self, **content: Any) -> None:
        self._count += 1
        self.frame = {**content, "id": self._count}

    @staticmethod
    def _empty() -> dict[str, Any]:
        return {
            "panels": [],
            "links": [],
            "code": "",
            "copy": "",
            "formula": "",
            "hint": "",
            "outside": False,
            "warnings": [],
            "walk": "",
            "stamp": False,
            "columns": 0,
            "main": [],
            "sameCells": False,
            "markOutside": True,
            "strip": [],
            "merits": [],
        }
