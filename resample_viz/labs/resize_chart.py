"""Where two resize methods take their samples from: weights of one output, places of all."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from resample_viz.view import ChartPanel, LineChart
from resample_viz.view.colors import ROLE_COLORS
from resample_viz.words import gettext as _

COLOR_A = ROLE_COLORS["output"]
COLOR_B = "#56B4E9"  # Okabe and Ito's sky blue
REACHES = (2.5, 4.5, 8.5, 16.5, 32.5, 64.5, 128.5, 256.5)
TOPS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.1, 2.0)
ROOMY = 4.0
NONE = 1e-6


class WeightsChart:
    """The weights of the middle output column in a and in b, and the places of its neighbours.

    The horizontal axis counts input columns from the centre of that output: only when the kernels
    outgrow it, axes are drawn anew.
    """

    def __init__(self) -> None:
        self.chart = LineChart(720, 230, self._dress)
        stem: dict[str, Any] = {"lw": 1.5, "ms": 5}
        self.chart.add("a", label=_("a: weights"), color=COLOR_A, marker="o", **stem)
        self.chart.add("b", label=_("b: weights"), color=COLOR_B, marker="s", ls="--", **stem)
        self.chart.add(
            "at_a", label=_("a: places of outputs"), color=COLOR_A, marker="^", ls="", ms=7
        )
        self.chart.add(
            "at_b", label=_("b: places of outputs"), color=COLOR_B, marker="v", ls="", ms=7
        )
        self._limits = (REACHES[0], TOPS[-2])

    def _dress(self, axes: Any) -> None:
        reach, top = self._limits
        axes.set(
            xlim=(-reach, reach),
            ylim=(-0.42 * top, top),
            xlabel=_("input columns from the centre of the output"),
            ylabel=_("weight"),
        )
        axes.axhline(0, color="#767676", lw=0.8)
        axes.axvline(0, color="#767676", lw=0.8, ls=":")
        axes.set_yticks([tick for tick in axes.get_yticks() if -0.2 * top <= tick <= top])

    def draw(self, a: Tensor, b: Tensor) -> ChartPanel:
        """`a` and `b` are the matrices of the columns, (out, in)."""
        out, count = a.shape
        middle = out // 2
        centre = (middle + 0.5) * count / out - 0.5
        shifted = torch.arange(count, dtype=torch.float64) - centre
        used = (a[middle].abs() > NONE) | (b[middle].abs() > NONE)
        wanted = max(float(shifted[used].abs().max()) + 1, 1.6 * count / out)
        most = float(torch.maximum(a[middle], b[middle]).max())
        limits = (
            _kept(self._limits[0], REACHES, wanted),
            _kept(self._limits[1], TOPS, 1.05 * most),
        )
        if limits != self._limits:
            self._limits = limits
            self.chart.reset()
        reach, top = limits
        step = 0.012 * reach  # beside each other, where both have the same weight
        picture, palette = self.chart.update(
            a=_stems(shifted - step, a[middle]),
            b=_stems(shifted + step, b[middle]),
            at_a=_places(a, centre, -0.24 * top, reach),
            at_b=_places(b, centre, -0.34 * top, reach),
        )
        return ChartPanel(
            "weights",
            _(
                "Where a and b take their samples: output column {middle} of {out}",
                middle=middle,
                out=out,
            ),
            picture,
            palette,
            alt=(
                _(
                    "Weights of output column {middle} of {out}: {weights_a}; {weights_b}. Below "
                    "them, where the neighbouring outputs of each lie.",
                    middle=middle,
                    out=out,
                    weights_a=_words("a", a[middle]),
                    weights_b=_words("b", b[middle]),
                )
            ),
            caption=_(
                "Below the weights: where the neighbouring outputs of a and of b lie on the input."
            ),
        )


def _kept(now: float, steps: tuple[float, ...], wanted: float) -> float:
    """The limit that is drawn already, unless it is too small or much too large.

    New axes take as long as ten frames.
    """
    if wanted <= now <= ROOMY * wanted:
        return now
    return next((step for step in steps if step >= wanted), steps[-1])


def _stems(places: Tensor, weights: Tensor) -> tuple[Any, Any]:
    """A line from 0 up to each weight and back down; cells without weight have none."""
    used = (weights.abs() > NONE).nonzero().flatten()
    x = places[used].repeat_interleave(3)
    y = torch.full((3 * len(used),), math.nan, dtype=torch.float64)
    y[0::3], y[1::3] = 0.0, weights[used]
    return x.numpy(), y.numpy()


def _places(matrix: Tensor, centre: float, height: float, reach: float) -> tuple[Any, Any]:
    """The centres of mass of the weights of every output near the middle one."""
    at = matrix @ torch.arange(matrix.shape[1], dtype=matrix.dtype) - centre
    near = at[at.abs() <= reach]
    return near.numpy(), torch.full_like(near, height).numpy()


def _words(letter: str, weights: Tensor) -> str:
    used = (weights.abs() > NONE).nonzero().flatten()
    lowest = "some of them negative" if float(weights.min()) < -NONE else "none of them negative"
    return (
        f"{letter} mixes {len(used)} input columns, {int(used[0])} to {int(used[-1])}, {lowest}, "
        f"the largest weight {float(weights.max()):.3f}"
    )
