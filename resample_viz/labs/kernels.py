"""What the labs of the two convolutions share: kernels, signed outputs, and the matrix view."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from resample_viz.analysis import LinearMap
from resample_viz.analysis.linear.linear_maps import MAX_SVD_WORK
from resample_viz.labs.controls import ChoiceOrOwn, OperationControls
from resample_viz.labs.panels import Limits, signal_range, tensor_panel
from resample_viz.operations import Operation, OperationError, Weights
from resample_viz.view import Merit, Panel
from resample_viz.view.colors import Role
from resample_viz.words import gettext as _

MOST_KERNELS = 8  # drawn side by side
MATRIX_CELLS = 1024  # of a channel of an input or an output, up to which the matrix is drawn
COLOURS = 3
EXACT = 1e-12  # relative; below it float64 rounds


def centred(values: Tensor) -> Limits:
    """The same distance from 0 on both sides, so that 0 has the middle colour."""
    largest = float(values.detach().abs().max()) or 1.0
    return -largest, largest


def response_panel(
    name: str, title: str, role: Role, y: Tensor, limits: Limits, channel: int, **more: Any
) -> Panel:
    """An output whose values may leave the range of the input, or fall below 0.

    Three channels are a colour picture; of any other number, `channel` is shown.
    """
    shown = y.detach()[0]
    alone = None if len(shown) == 3 else channel
    values = shown if alone is None else shown[channel]
    low, high = float(values.min()), float(values.max())
    slack = 1e-6 * (limits[1] - limits[0])
    if low >= limits[0] - slack and high <= limits[1] + slack:
        return Panel(name, title, role, shown, limits, channel=alone, **more)
    if low < -slack and alone is not None:
        value_range = centred(values)
        return Panel(name, title, role, shown, value_range, "diverging", channel=alone, **more)
    return Panel(name, title, role, shown, signal_range(values), channel=alone, **more)


def kernel_panel(weights: Tensor, title: str) -> Panel:
    """The kernels (n, kh, kw) side by side; each can be typed into."""
    kernels = weights[:MOST_KERNELS]
    height, width = kernels.shape[1:]
    left_out = len(weights) - len(kernels)
    return Panel(
        "w",
        title,
        "kernel",
        torch.cat(tuple(kernels), dim=1)[None],
        centred(weights),
        "diverging",
        caption=_("{left_out} more are not drawn", left_out=left_out)
        if left_out
        else _("double-click to change a weight"),
        editable=True,
        lines=(height, width) if len(kernels) > 1 else None,
    )


def restored_panel(restored: Tensor, limits: Limits, note: str = "") -> Panel:
    """x̂, with what has to be said about it."""
    panel = tensor_panel("x_hat", _("x̂: the way back"), "undone", restored, limits)
    words = "; ".join(part for part in (note, panel.caption) if part)
    return replace(panel, caption=words, like="x")


def invisible_panel(operation: Operation, invisible: Tensor) -> Panel:
    """The part of x that the layer cannot see, on a scale of its own; the mean over channels."""
    nothing = operation(torch.zeros_like(invisible))
    seen = float((operation(invisible) - nothing).abs().max())
    shown = invisible[0].mean(0, keepdim=True)
    return Panel(
        "invisible",
        _("The invisible part x − x̂"),
        "error",
        shown,
        centred(shown),
        "diverging",
        caption=_(
            "up to {largest}; of it the layer makes at most {seen}",
            largest=format(float(invisible.abs().max()), ".2f"),
            seen=format(seen, ".1g"),
        ),
        like="x",
    )


def write_weight(controls: OperationControls, weights: Tensor) -> None:
    """Makes a whole weight, or one (kh, kw) kernel, the learner's own."""
    kernel = controls.single("kernel")
    assert isinstance(kernel, ChoiceOrOwn)
    kernel.value = Weights(weights)


def follow_channels(controls: OperationControls, channels: int) -> None:
    """A colour picture keeps its colours: each channel by itself, until told otherwise.

    A whole weight of the learner's own is for other channels: its first kernel stays. So is a bias
    of the learner's own: there is still one.
    """
    each = channels if channels == COLOURS else 1
    moves: dict[str, Any] = {"out_channels": each, "groups": each}
    moves["bias"] = bool(controls.single("bias").value)
    own = controls.single("kernel").value
    if isinstance(own, Weights) and len(own.shape) == 4:
        moves["kernel"] = Weights(own.values[0, 0])
    controls.set(**moves)


def with_groups(moves: dict[str, Any], groups: Callable[[tuple[int, ...]], int]) -> dict[str, Any]:
    """A whole weight of the learner's own says how many groups there are, if no one else does."""
    kernel = moves.get("kernel")
    if kernel is None or isinstance(kernel, str) or "groups" in moves:
        return moves
    own = kernel if isinstance(kernel, Weights) else Weights(kernel)
    return {**moves, "groups": groups(own.shape)} if len(own.shape) == 4 else moves


def fits_matrix(x: Tensor, y: Tensor) -> bool:
    """Whether the matrix from x to y can be looked at, and its rank computed in a second."""
    one_channel = max(x[0, 0].numel(), y[0, 0].numel())
    few, many = sorted((x[0].numel(), y[0].numel()))
    return one_channel <= MATRIX_CELLS and few * few * many <= MAX_SVD_WORK


def matrix_panels(
    linear: LinearMap, *, out_channel: int = 0, in_channel: int = 0, transposed: bool = False
) -> tuple[Panel, Panel]:
    """The layer and its transpose, between the cells of one output and one input channel.

    A is the convolution in both labs: a `transposed` one is Aᵀ.

    Raises OperationError where the matrix would be too large to be looked at.
    """
    out, into = linear.output_shape[2:], linear.input_shape[2:]
    rows, columns = out[0] * out[1], into[0] * into[1]
    if max(rows, columns) > MATRIX_CELLS:
        raise OperationError(
            _(
                "the matrix of this picture has {rows} × {columns} entries per pair of "
                "channels, too many to look at: choose a grid of at most 16 × 16.",
                rows=rows,
                columns=columns,
            )
        )
    first_row, first_column = out_channel * rows, in_channel * columns
    block = linear.matrix()[first_row : first_row + rows, first_column : first_column + columns]
    limits = centred(block)
    shape = f"{rows} output cells × {columns} input cells"
    whole = linear.output_shape[1] == linear.input_shape[1] == 1
    part = "" if whole else f", output channel {out_channel}, input channel {in_channel}"
    names = ("The layer as a matrix A", "Its transpose Aᵀ")
    if transposed:
        names = ("The layer as a matrix Aᵀ", "Its transpose A, the convolution")
    matrix = Panel("A", names[0], "kernel", block[None], limits, "diverging")
    transpose = Panel("At", names[1], "kernel", block.T[None], limits, "diverging")
    back = f"{columns} input cells × {rows} output cells: the way back"
    return (
        replace(matrix, caption=shape + part, ties=("y", "x")),
        replace(transpose, caption=back + part, ties=("x", "y")),
    )


def matrix_merits(linear: LinearMap, x: Tensor, *, transposed: bool = False) -> tuple[Merit, ...]:
    """What settles whether the transpose is an inverse.

    A is the convolution: of a `transposed` one the rank and what is lost are those of A, which goes
    from the output of the layer to its input.
    """
    y = torch.rand(linear.output_shape, generator=torch.Generator().manual_seed(0))
    gap = linear.adjoint_gap(x, y)
    rank = linear.rank()
    cells = math.prod((linear.output_shape if transposed else linear.input_shape)[1:])
    there, back, read = ("Aᵀ", "A", "y") if transposed else ("A", "Aᵀ", "x")
    return (
        Merit(
            f"⟨{there}x, y⟩ = ⟨x, {back}y⟩",
            "to rounding" if gap < EXACT else f"off by {gap:.1g}",
            _("the transposed convolution is the transpose"),
        ),
        Merit(
            f"‖{back}{there}x − x‖ / ‖x‖",
            f"{linear.roundtrip_error(x):.2f}",
            _("0 if {back} brought x back", back=back),
        ),
        Merit(
            "rank of A",
            f"{rank} of {cells}",
            _("how many dimensions of {read} come through the convolution", read=read),
        ),
        Merit(
            "lost",
            f"{cells - rank} dimensions",
            _("how much of {read} no one can bring back", read=read),
        ),
    )


def counted(number: int, noun: str) -> str:
    """The number and the word, with an s unless there is one: "1 row", "2 rows"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def same_size(operation: Operation, shape: tuple[int, ...]) -> list[int]:
    """The input heights that the operation makes as high as it makes this one."""
    wanted = operation.output_shape(shape)[2]
    sizes = []
    for height in range(max(1, shape[2] - 8), shape[2] + 9):
        try:
            out = operation.output_shape((*shape[:2], height, shape[3]))
        except OperationError:
            continue
        if out[2] == wanted:
            sizes.append(height)
    return sizes
