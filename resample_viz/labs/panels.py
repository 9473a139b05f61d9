"""Panels and figures of merit that several labs show."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from resample_viz.analysis import mae, psnr, ssim
from resample_viz.operations import Axis, SeparableFootprint
from resample_viz.view import Frame, IndexPanel, Merit, Panel
from resample_viz.view.colors import Role
from resample_viz.words import gettext as _

ERROR_SHARE = 0.25  # of the input's range: the error that is drawn in the lightest colour
MAIN_ROLES: tuple[Role, ...] = ("input", "kernel", "output")
SAME_AS_EXACT = 100  # dB; beyond it only float32 rounding is left, and that differs by machine

Limits = tuple[float, float]


def signal_range(x: Tensor) -> Limits:
    """(0, 1) for tensors that stay within it, else their own minimum and maximum."""
    low, high = (float(v) for v in torch.aminmax(x))
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def tensor_panel(
    name: str, title: str, role: Role, x: Tensor, limits: Limits, *, editable: bool = False
) -> Panel:
    """The first image of a batch; the caption says what is left out and what is clipped."""
    first = x.detach()[0]
    shown = first if first.shape[0] in (1, 3) else first[:1]
    panel = Panel(name, title, role, shown, limits, editable=editable)
    notes = []
    if len(shown) < len(first):
        notes.append(_("channel 0 of {count}", count=len(first)))
    if panel.outside:
        share, span = f"{panel.outside:.1%}", f"[{limits[0]:g}, {limits[1]:g}]"
        notes.append(_("{share} of the values outside {span}", share=share, span=span))
    return replace(panel, caption="; ".join(notes))


def error_panel(restored: Tensor, x: Tensor, limits: Limits) -> Panel:
    """|restored − x|, the mean over the channels, on a scale that does not move with the data."""
    error = (restored - x).detach()[0].abs().mean(0, keepdim=True)
    lightest = (limits[1] - limits[0]) * ERROR_SHARE
    return Panel(
        "error",
        _("Error |x̂ − x| after the way back"),
        "error",
        error,
        (0.0, lightest),
        colormap="magma",
        caption=_(
            "largest {largest}; lightest: {lightest} and more",
            largest=format(float(error.max()), ".3g"),
            lightest=format(lightest, "g"),
        ),
        like="x",
    )


def index_panel(footprint: SeparableFootprint) -> IndexPanel:
    """Where each output cell reads, and how far that is from its own place."""
    rows, cols = footprint.axes
    drift = max(_drift(rows), _drift(cols))
    return IndexPanel(
        "index",
        _("Index map: which input cell y reads"),
        rows.positions,
        cols.positions,
        (rows.in_size, cols.in_size),
        caption=_(
            "orange: the row of x that is read, blue: its column; up to {drift} pixels off",
            drift=format(drift, ".2f"),
        ),
        like="y",
    )


def _drift(axis: Axis) -> float:
    """The largest distance between where an output reads and where its own centre lies."""
    return float((axis.positions - axis.centres).abs().max())


def merits(restored: Tensor, x: Tensor, limits: Limits) -> tuple[Merit, ...]:
    """MAE, PSNR and SSIM of a reconstruction, rounded to what holds on every machine."""
    data_range = limits[1] - limits[0]
    decibels = psnr(restored, x, data_range=data_range)
    exact = _("over {decibels} dB", decibels=SAME_AS_EXACT)
    return (
        Merit("MAE", f"{mae(restored, x):.3f}", _("mean absolute error of x̂; 0 is perfect")),
        Merit(
            "PSNR",
            exact if decibels > SAME_AS_EXACT else f"{decibels:.1f} dB",
            _("peak signal-to-noise ratio of x̂; higher is better"),
        ),
        Merit(
            "SSIM",
            f"{ssim(restored, x, data_range=data_range):.2f}",
            _("structural similarity of x̂; 1 is perfect"),
        ),
    )


def main_panels(frame: Frame) -> tuple[str, ...]:
    """The panels that come first: the input and the output, with the kernel between them.

    Where there is no such pair, the first two panels that have cells.
    """
    pictures = [panel for panel in frame.panels if isinstance(panel, Panel)]
    first = {role: next((p.name for p in pictures if p.role == role), "") for role in MAIN_ROLES}
    if first["input"] and first["output"]:
        return tuple(name for name in first.values() if name)
    return tuple(panel.name for panel in pictures[:2])
