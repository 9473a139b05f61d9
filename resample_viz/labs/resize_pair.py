"""Two resize methods one picture: both results, and what there is to say about their difference."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from resample_viz.analysis import ResizeMethod
from resample_viz.analysis.resizing.compare import SAME
from resample_viz.analysis.resizing.methods import Levels, Size
from resample_viz.operations import OperationError
from resample_viz.view import Merit, Panel
from resample_viz.words import gettext as _

LIGHTEST = 32.0
"""Grey levels: the difference that is drawn in the lightest colour."""
FEW_VALUES = 16
"""A picture with at most so many different values is taken for a label mask."""


@dataclass(frozen=True)
class ResizePair:
    """Two resize methods, and the size (height, width) that both of them go to."""

    a: ResizeMethod
    b: ResizeMethod
    target: Size

    def __call__(self, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Both results for a picture (1, C, H, W) in grey levels. Raises OperationError."""
        picture = Levels(levels)
        return self.a.resize(picture, self.target), self.b.resize(picture, self.target)


def grey_levels(x: Tensor, *methods: ResizeMethod) -> Tensor:
    """The picture in the numbers of a picture file: 0 to 255 and whole, if it lies in [0, 1].

    Other pictures are taken as they are, and then uint8 is refused unless it can hold them.

    Raises OperationError for a uint8 method and a picture that has no 8-bit levels.
    """
    if float(x.min()) >= 0 and float(x.max()) <= 1:
        return (x * 255).round()
    refuse_bytes(x, *methods)
    return x


def refuse_bytes(x: Tensor, *methods: ResizeMethod) -> None:
    """Raises OperationError for a uint8 method and numbers that uint8 does not hold."""
    if all(one.dtype != "uint8" for one in methods):
        return
    fits = float(x.min()) >= 0 and float(x.max()) <= 255 and torch.equal(x, x.round())
    if not fits:
        raise OperationError(
            _(
                "uint8 holds whole numbers from 0 to 255, and this picture runs from "
                "{low} to {high}: choose float32, or scale it to [0, 1].",
                low=format(float(x.min()), ".3g"),
                high=format(float(x.max()), ".3g"),
            )
        )


def difference_panel(a: Tensor, b: Tensor) -> Panel:
    """|a − b|, the largest over the channels, on a scale that does not move with the data."""
    difference = (a - b)[0].abs().amax(0, keepdim=True)
    return Panel(
        "difference",
        _("Difference |a − b|"),
        "error",
        difference,
        (0.0, LIGHTEST),
        colormap="magma",
        caption=_(
            "in grey levels, the largest over the channels; lightest: {lightest} and more",
            lightest=format(LIGHTEST, "g"),
        ),
        like="a",
        unit="grey levels",
    )


def _signed(value: float) -> str:
    """Two decimals with their sign; what rounds to 0 has none."""
    return f"{value:+.2f}".replace("-", "−") if abs(value) >= 0.005 else "0.00"


def difference_merits(a: Tensor, b: Tensor, classes: Tensor | None) -> tuple[Merit, ...]:
    """How far apart the results are; for a label mask also how many values are no class of it."""
    difference = (a - b).abs()
    merits = [
        Merit("largest", f"{float(difference.max()):.1f}", _("largest |a − b|, in grey levels")),
        Merit("mean", f"{float(difference.mean()):.2f}", _("mean |a − b|, in grey levels")),
        Merit(
            "a − b",
            _signed(float((a - b).mean())),
            _("mean of a − b: how much brighter a is, in grey levels"),
        ),
    ]
    if classes is not None:
        for letter, y in (("a", a), ("b", b)):
            new = ~torch.isclose(y.flatten()[:, None], classes, atol=SAME).any(1)
            merits.append(
                Merit(
                    f"new in {letter}",
                    f"{float(new.float().mean()):.0%}",
                    _("share of values that the picture does not have: classes made up"),
                )
            )
    return tuple(merits)


def verdict(pair: ResizePair, y_a: Tensor, y_b: Tensor, a: Tensor, b: Tensor) -> str:
    """One sentence on how both differ; `a` and `b` are the matrices of their columns."""
    most = float((y_a - y_b).abs().max())
    if most <= SAME:
        return "a and b are the same here, to float32 rounding."
    if most <= 1 and "uint8" in (pair.a.dtype, pair.b.dtype):
        return "a and b are the same here up to one grey level: 8-bit rounding."
    middle = len(a) // 2
    mixed = [int((one[middle].abs() > 1e-6).sum()) for one in (a, b)]
    if torch.allclose(a, b, atol=1e-4):
        return "a and b use the same weights; what differs is how they round or clip."
    places = [float(one[middle] @ torch.arange(one.shape[1]).to(one)) for one in (a, b)]
    return (
        f"The middle output column: a mixes {mixed[0]} input columns around {places[0]:.2f}, "
        f"b {mixed[1]} around {places[1]:.2f}. The chart shows their weights."
    )
