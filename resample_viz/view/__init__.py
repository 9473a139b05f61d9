"""Pictures: panels (plain data), painted in the browser by the stage or printed by matplotlib."""

from resample_viz.view.charts import LineChart
from resample_viz.view.encoding import Encoded, encode
from resample_viz.view.figure import figure, painted, png
from resample_viz.view.panel import (
    AnyPanel,
    ChartPanel,
    Frame,
    IndexPanel,
    Link,
    Merit,
    Panel,
    RowPanel,
    Step,
)
from resample_viz.view.pictures import as_text, small_png
from resample_viz.view.stage import Stage

__all__ = [
    "AnyPanel",
    "ChartPanel",
    "Encoded",
    "Frame",
    "IndexPanel",
    "LineChart",
    "Link",
    "Merit",
    "Panel",
    "RowPanel",
    "Stage",
    "Step",
    "as_text",
    "encode",
    "figure",
    "painted",
    "png",
    "small_png",
]
