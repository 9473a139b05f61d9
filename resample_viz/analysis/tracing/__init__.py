"""Traces: the shapes, strides and receptive fields of a network, where they fail and what helps."""

from __future__ import annotations

from resample_viz.analysis.tracing.edits import Suggestion
from resample_viz.analysis.tracing.failure import Failure
from resample_viz.analysis.tracing.probe import Activation, activation, gradient_footprint
from resample_viz.analysis.tracing.receptive import AxisField, Field
from resample_viz.analysis.tracing.recorder import TraceStep
from resample_viz.analysis.tracing.trace import Trace, trace

__all__ = [
    "Activation",
    "AxisField",
    "Failure",
    "Field",
    "Suggestion",
    "Trace",
    "TraceStep",
    "activation",
    "gradient_footprint",
    "trace",
]
