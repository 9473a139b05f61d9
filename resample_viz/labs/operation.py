"""OperationLab: any operation on a picture, which cells it reads, and its ways back."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, ClassVar

from torch import Tensor, nn

from resample_viz.analysis import psnr
from resample_viz.labs.controls import OperationControls, display
from resample_viz.labs.core.lab import Lab, Preset
from resample_viz.labs.kernel_lab import channel_of, channel_slider
from resample_viz.labs.kernels import COLOURS, response_panel
from resample_viz.labs.panels import SAME_AS_EXACT, Limits, signal_range
from resample_viz.operations import (
    AvgPool,
    Footprint,
    JacobianFootprint,
    LocalFootprint,
    Operation,
    OperationError,
    Undo,
    from_module,
)
from resample_viz.view import AnyPanel, Frame, Link, Merit, Step
from resample_viz.words import N_
from resample_viz.words import gettext as _

MOST_WAYS = 3
"""Ways back that are drawn side by side."""
HINT = N_(
    "Point at a cell of y: the cells of x that it is made of. Then at a cell of x: where it goes."
)


class OperationLab(Lab):
    """A layer that has no lab of its own: x, y, which cells make which, and the ways back.

    `operation` is any operation whose parameters are numbers, or such a layer of PyTorch's; its
    parameters are keyword arguments, too, beside `image`, `size`, `preset`, and `channel` (the one
    that is drawn where there are more than three).

    Raises OperationError for an operation without such parameters.

    >>> lab = OperationLab(nn.AdaptiveAvgPool2d(3), image="integer_grid", size=7)
    >>> lab.operation, tuple(lab.output.shape)
    (AdaptiveAvgPool(output_size=3), (1, 1, 3, 3))
    >>> lab.close()
    """

    name = "operation"
    operation_type: type[Any] = AvgPool  # type: ignore[misc]
    opening: ClassVar[dict[str, Any]] = {"image": "integer_grid", "size": 6}
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            N_("padding counts"),
            N_(
                "At the border the zeros outside are averaged, too: y gets darker "
                "there. Untick count_include_pad."
            ),
            {"image": "camera", "size": 64, "kernel_size": 7, "stride": 1, "padding": 3},
            controls=("count_include_pad", "padding", "kernel_size"),
        ),
        Preset(
            N_("an odd size"),
            N_(
                "7 does not divide by 2: no window reads the last row and column. Tick "
                "ceil_mode: the windows there hang over the edge, and count only what "
                "they see."
            ),
            {"image": "integer_grid", "size": 7},
            controls=("ceil_mode", "kernel_size", "stride"),
        ),
    )

    def __init__(
        self,
        operation: Operation | nn.Module | None = None,
        *,
        image: Any = None,
        size: int | None = None,
        preset: str | None = None,
        **settings: Any,
    ) -> None:
        given = from_module(operation) if isinstance(operation, nn.Module) else operation
        self._first: Operation = AvgPool() if given is None else given
        if not isinstance(self._first, Operation):
            raise OperationError(
                _(
                    "OperationLab takes an operation or a layer, not {kind}: write "
                    "OperationLab(rv.AvgPool(2)).",
                    kind=type(operation).__name__,
                )
            )
        self.operation_type = type(self._first)
        if self.operation_type is not AvgPool:
            self.presets = ()  # type: ignore[misc]
        super().__init__(image=image, size=size, preset=preset, **settings)

    def build_controls(self) -> OperationControls:
        """The controls of this operation, where it has them."""
        try:
            controls = OperationControls(self.operation_type)
        except TypeError:
            raise OperationError(
                _(
                    "{kind} has no parameters that sliders could set: open "
                    "rv.RoundTripLab(operation=...).",
                    kind=self.operation_type.__name__,
                )
            ) from None
        values = {f.name: getattr(self._first, f.name) for f in fields(self._first)}  # type: ignore[arg-type]
        controls.set(**values)
        return controls

    def build_extras(self) -> dict[str, Any]:
        """The channel that is drawn."""
        return {"channel": channel_slider()}

    def frame(self, operation: Operation, x: Tensor) -> Frame:
        """Input, output, and what the ways back make of it."""
        y = operation(x)
        limits = signal_range(x)
        channel = self._channel(x, y)
        footprint = operation.footprint_at(x)
        ways = operation.undo_at(x)[:MOST_WAYS]
        panels: list[AnyPanel] = [
            replace(
                response_panel("x", _("Input x"), "input", x, limits, min(channel, x.shape[1] - 1)),
                editable=self.inputs.editable,
            ),
            response_panel("y", _("Output y"), "output", y, limits, channel),
        ]
        for number, way in enumerate(ways, start=1):
            panels.append(_way_panel(f"x_hat_{number}", way, way(y), x, limits, channel))
        return Frame(
            tuple(panels),
            links=_links(footprint, channel),
            strip=(
                Step("x", tuple(x.shape), "input"),
                Step(type(operation).__name__),
                Step("y", tuple(y.shape), "output"),
            ),
            code=_code(operation, ways),
            merits=_merits(x, y),
            formula=operation.explain_shape(x.shape),
            hint=self.look or _(HINT),
            columns=3,
        )

    def _channel(self, x: Tensor, y: Tensor) -> int:
        most = max(x.shape[1], y.shape[1])
        channel = min(channel_of(self.extras["channel"], most), y.shape[1] - 1)
        if x.shape[1] == y.shape[1] == COLOURS:  # all of them are drawn
            display(self.extras["channel"], False)
        return channel


def _links(footprint: Footprint, channel: int) -> tuple[Link, ...]:
    """Cells to cells, where the stage can draw it; a derivative has no two axes."""
    if isinstance(footprint, JacobianFootprint | LocalFootprint):
        axes = getattr(footprint, "axes", None)
        return (Link("x", "y", axes),) if axes else ()
    return (Link.of("x", "y", footprint, channel=channel),)


def _way_panel(
    name: str, way: Undo, restored: Tensor, x: Tensor, limits: Limits, channel: int
) -> AnyPanel:
    title = f"x̂: {_(way.label)}"
    shown = min(channel, restored.shape[1] - 1)
    panel = response_panel(name, title, "undone", restored, limits, shown)
    found = psnr(restored, x, data_range=limits[1] - limits[0])
    decibels = (
        _("over {decibels}", decibels=SAME_AS_EXACT) if found > SAME_AS_EXACT else f"{found:.1f}"
    )
    return replace(
        panel,
        like="x",
        caption=_("{kind}; PSNR {decibels} dB", kind=_(way.kind), decibels=decibels),
    )


def _code(operation: Operation, ways: tuple[Undo, ...]) -> str:
    lines = [operation.program(), f"y = {operation.definition().expression}"]
    for number, way in enumerate(ways, start=1):
        lines += [way.setup, f"x_hat_{number} = {way.code}  # {_(way.kind)}"]
    return "\n".join(filter(None, lines))


def _merits(x: Tensor, y: Tensor) -> tuple[Merit, ...]:
    cells, left = x[0].numel(), y[0].numel()
    return (Merit(_("values"), f"{cells} → {left}", _("numbers in x and in y")),)
