"""The step at which a forward pass has ended, why, and what has been tried to mend it."""

from __future__ import annotations

from dataclasses import dataclass

from resample_viz.analysis.tracing.edits import Suggestion
from resample_viz.analysis.tracing.graph import Shape
from resample_viz.deprecation import warn


@dataclass(frozen=True)
class Failure:
    """The step that has failed.

    Attributes:
        name: its place in the model.
        operation: the layer or function.
        shapes: of the tensors that it was given.
        reason: why they do not fit, in a sentence or more.
        causes: the names of the steps that made what does not fit; empty where that is not known.
        suggestions: ways to mend it, the smallest change first. With each of them the model has
            run to its end.
    """

    name: str
    operation: str
    shapes: tuple[Shape, ...]
    reason: str
    causes: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()

    @property
    def mends(self) -> tuple[str, ...]:
        """The old name of `suggestions`, which were sentences."""
        warn("Failure.mends", "Failure.suggestions", stacklevel=2)
        return tuple(map(str, self.suggestions))

    def __str__(self) -> str:
        shapes = " and ".join(str(shape) for shape in self.shapes)
        what = "" if self.operation in self.name else f" ({self.operation})"
        where = f"{self.name}{what}" if self.name else self.operation
        read = f", which was given {shapes}" if shapes else ""
        text = f"The trace ends at {where}{read}: {self.reason}"
        return "\n".join([text, *(f"  - {one}" for one in self.suggestions)])
