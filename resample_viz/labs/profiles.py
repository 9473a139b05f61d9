"""The middle row of several pictures, drawn into one chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from resample_viz.labs.panels import signal_range
from resample_viz.view import ChartPanel, LineChart
from resample_viz.words import gettext as _

ROOM = 0.18  # of the range, above and below


class Profiles:
    """A chart of one row, with a line for each picture; the styles are in matplotlib's terms."""

    def __init__(self, styles: Mapping[str, Mapping[str, Any]]) -> None:
        self.chart = LineChart(720, 170, self._dress)
        for name, style in styles.items():
            self.chart.add(name, **style)
        self._limits = ((-0.5, 1.0), (0.0, 1.0))

    def dress_for(self, x: Tensor, *, dark: bool) -> None:
        """Sets the limits for another input."""
        low, high = signal_range(x)
        room = ROOM * (high - low)
        self._limits = ((-0.5, x.shape[-1] - 0.5), (low - room, high + room))
        self.chart.reset(dark=dark)

    def _dress(self, axes: Any) -> None:
        axes.set(xlim=self._limits[0], ylim=self._limits[1], xlabel=_("column, in pixels"))
        axes.xaxis.get_major_locator().set_params(integer=True)

    def draw(self, title: str, pictures: Mapping[str, Tensor]) -> ChartPanel:
        """The middle row of channel 0 of every picture, (1, C, H, W)."""
        series = {}
        for name, picture in pictures.items():
            row = picture.detach()[0, 0, picture.shape[-2] // 2].numpy()
            series[name] = (range(len(row)), row)
        drawn, palette = self.chart.update(**series)
        return ChartPanel(
            "profile",
            title.capitalize(),
            drawn,
            palette,
            alt=_("Line chart of {title}: {choices}.", title=title, choices=", ".join(pictures)),
        )
