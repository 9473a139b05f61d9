"""ResizeLab: one picture, one target size, two libraries. Why are the pixels different?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from resample_viz.analysis import how_to_get, installed_methods, missing_libraries
from resample_viz.analysis.resizing.methods import IMPORTS
from resample_viz.labs.background import Job
from resample_viz.labs.core.lab import Lab, Preset, calmly
from resample_viz.labs.panels import Limits, signal_range
from resample_viz.labs.resize_chart import WeightsChart
from resample_viz.labs.resize_controls import ResizeControls
from resample_viz.labs.resize_pair import (
    FEW_VALUES,
    ResizePair,
    difference_merits,
    difference_panel,
    grey_levels,
    refuse_bytes,
    verdict,
)
from resample_viz.labs.resize_table import Table, compare_all
from resample_viz.operations import Axis
from resample_viz.view import Frame, Link, Panel, Step
from resample_viz.words import N_


class ResizeLab(Lab):
    """Choose two resize methods, `a` and `b`, and see where, why and by how much they differ.

    Keyword arguments: `a` and `b` (names such as "OpenCV INTER_AREA", with or without a dtype at
    the end), `dtype_a`, `dtype_b`, `target` (pixels, or (height, width)), `image`, `size` (of the
    picture), `preset`. All results are in grey levels, 0 to 255. In the table of all methods
    against all, a click chooses the two. Lesson: notebooks/02-pixel-coordinates.ipynb

    >>> lab = ResizeLab(a="torch bilinear antialias", b="Pillow BILINEAR", size=32, target=8)
    >>> bool((lab.outputs[0] - lab.outputs[1]).abs().max() < 0.01)
    True
    >>> lab.close()
    """

    name = "resize"
    opening: ClassVar[dict[str, Any]] = {"size": 256}
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            N_("one name, two pictures"),
            N_(
                "Both are called bilinear. Without antialias torch looks at 2 of every "
                "8 columns, Pillow at all of them. Press 'b := closest to a': nothing "
                "of Pillow's is torch's."
            ),
            {"image": "astronaut", "size": 512, "target": 64},
            controls=("a", "b", "closest", "target"),
        ),
        Preset(
            N_("one flag makes them equal"),
            N_(
                "With antialias=True torch widens the kernel as Pillow does: the "
                "difference is black. In 8 bits a cell may be one level off, at some "
                "sizes."
            ),
            {
                "image": "astronaut",
                "size": 256,
                "a": "torch bilinear antialias uint8",
                "b": "Pillow BILINEAR uint8",
            },
            controls=("a", "b", "closest", "target"),
        ),
        Preset(
            N_("OpenCV is torch without antialias"),
            N_(
                "Equal to float32 rounding. So a model trained on Pillow's pictures "
                "and served with OpenCV's sees what torch without antialias makes."
            ),
            {
                "image": "astronaut",
                "size": 256,
                "a": "torch bicubic",
                "b": "OpenCV INTER_CUBIC",
            },
            controls=("a", "b", "closest", "target"),
        ),
        Preset(
            N_("three kinds of area"),
            N_(
                "torch averages whole cells that may overlap, OpenCV exact shares of "
                "cells. Drag target to 64 or 128: where the step is a whole number, "
                "they are one."
            ),
            {
                "image": "astronaut",
                "size": 256,
                "a": "torch area",
                "b": "OpenCV INTER_AREA",
                "target": 100,
            },
            controls=("a", "b", "target"),
        ),
        Preset(
            N_("nearest, and the other nearest"),
            N_(
                "Each output copies one input cell. nearest reads at the left border "
                "of the output's place, nearest-exact in its middle: see the samples "
                "below the weights."
            ),
            {
                "image": "ramp",
                "size": 64,
                "a": "torch nearest",
                "b": "torch nearest-exact",
                "target": 9,
            },
            controls=("a", "b", "target"),
        ),
        Preset(
            N_("two rulers"),
            N_(
                "align_corners=True pins the outer cells and stretches the rest: the "
                "samples drift apart from the middle outwards."
            ),
            {
                "image": "ramp",
                "size": 32,
                "a": "torch bilinear",
                "b": "torch bilinear align_corners",
                "target": 12,
            },
            controls=("a", "b", "target"),
        ),
        Preset(
            N_("8 bits make it brighter"),
            N_(
                "Same weights. Each of the two uint8 passes rounds halves up, so that "
                "the mean rises by about 0.4 grey levels. Halve again, and it rises "
                "again."
            ),
            {
                "image": "astronaut",
                "size": 256,
                "a": "torch bilinear uint8",
                "b": "torch bilinear float32",
                "target": 128,
            },
            controls=("dtype_a", "dtype_b", "a", "b"),
        ),
        Preset(
            N_("image and mask drift apart"),
            N_(
                "What one v2.Resize does to an image (a) and to its mask (b): the "
                "outlines are half an output cell apart. And a has values that are no "
                "class."
            ),
            {
                "image": "label_mask",
                "size": 64,
                "a": "torchvision v2 tensor BILINEAR",
                "b": "torchvision v2 tensor NEAREST",
                "target": 13,
            },
            controls=("a", "b", "target"),
        ),
    )

    def build_controls(self) -> ResizeControls:
        """Two methods and a size."""
        controls = ResizeControls()
        controls.closest.on_click(self._choose_closest)
        return controls

    def build_charts(self) -> dict[str, Any]:
        """The chart of where both take their samples from."""
        return {"weights": WeightsChart()}

    def scene_changed(self, x: Tensor) -> None:
        """The chart follows the theme; what takes long is done once for a picture."""
        self._levels = grey_levels(x)
        known = self._levels.unique()
        self._classes = known if len(known) <= FEW_VALUES else None
        self.charts["weights"].chart.reset(dark=self.stage.dark)

    # The Python door

    @property
    def operation(self) -> ResizePair:  # type: ignore[override]
        """The two methods and the target size that the controls describe."""
        return ResizePair(**self.controls.values())

    @property
    def outputs(self) -> tuple[Tensor, Tensor]:
        """What a and b make of the picture, in grey levels, (1, C, height, width)."""
        pair = self.operation
        return pair(grey_levels(self.input, pair.a, pair.b))

    @property
    def output(self) -> Tensor:
        """What a makes of the picture, in grey levels."""
        return self.outputs[0]

    def code(self) -> str:
        """A program that computes what the lab shows."""
        pair = self.operation
        libraries = (IMPORTS[one.library] for one in (pair.a, pair.b))
        lines = dict.fromkeys(line for text in libraries for line in text.splitlines())
        lines = {"import torch": None, **lines}
        shape = tuple(self.input.shape)
        program = [*lines, "", f"levels = torch.randint(0, 256, {shape})  # your picture, 0 to 255"]
        for letter, one in (("a", pair.a), ("b", pair.b)):
            call = one.code(pair.target, shape[1])
            program += ["", f"x = levels.to(torch.{one.dtype})"]
            if "x" not in call.split("(x, ")[0] and "(x)" not in call and "x[0]" not in call:
                axes = "[0, 0]" if shape[1] == 1 else "[0].permute(1, 2, 0).contiguous()"
                program.append(f"a = x{axes}.numpy()")
            program.append(f"y_{letter} = {call}")
        return "\n".join(program) + "\n"

    def table(self) -> Table:
        """All methods against all on this picture: computed to its end if it is not yet."""
        self._finish()
        return self._table

    def figure(self) -> Any:
        """The panels as a matplotlib figure, the table with all its numbers."""
        self._finish()
        return super().figure()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        if not self.is_closed:
            self._finish()
        return super()._repr_mimebundle_(**kwargs)

    # From control to frame

    _levels: Tensor = torch.zeros(0)
    _classes: Tensor | None = None
    _table = Table.empty()
    _job: Job | None = None

    def frame(self, pair: ResizePair, x: Tensor) -> Frame:  # type: ignore[override]
        """Picture, both results, their difference, the weights of both, and all against all."""
        levels = self._levels
        refuse_bytes(levels, pair.a, pair.b)
        y_a, y_b = pair(levels)
        limits = (0.0, 255.0) if float(levels.max()) <= 255 else signal_range(levels)
        if float(levels.min()) < 0:
            limits = signal_range(levels)
        axes = [one.axes((x.shape[2], x.shape[3]), pair.target) for one in (pair.a, pair.b)]
        self._follow_table(levels, pair)
        return Frame(
            (
                self._picture("x", "Picture", "input", levels, limits),
                self._picture("a", f"a: {pair.a.name}", "output", y_a, limits, by=pair.a.library),
                self._picture("b", f"b: {pair.b.name}", "output", y_b, limits, by=pair.b.library),
                difference_panel(y_a, y_b),
                self.charts["weights"].draw(axes[0][1], axes[1][1]),
                self._table.panel(pair.a, pair.b),
            ),
            main=("a", "b"),
            links=tuple(
                Link("x", name, tuple(Axis.from_matrix(matrix.float()) for matrix in both))
                for name, both in zip("ab", axes)
            ),
            strip=(
                Step("x", tuple(x.shape), "input"),
                Step("a and b"),
                Step("y", tuple(y_a.shape), "output"),
            ),
            code=f"y_a = {pair.a.code(pair.target, x.shape[1])}  # {pair.a.dtype}\n"
            f"y_b = {pair.b.code(pair.target, x.shape[1])}  # {pair.b.dtype}",
            merits=difference_merits(y_a, y_b, self._classes),
            formula=self._table.ranking(pair.a),
            hint=self.look or verdict(pair, y_a, y_b, axes[0][1], axes[1][1]),
            warnings=tuple(
                f"{how_to_get(library)} Its methods are missing in the lists and in the table."
                for library in missing_libraries()
            ),
        )

    def _picture(
        self, name: str, title: str, role: Any, levels: Tensor, limits: Limits, by: str = ""
    ) -> Panel:
        editable = role == "input" and self.inputs.editable and limits != (0.0, 255.0)
        panel = Panel(name, title, role, levels[0], limits, editable=editable, by=by or "PyTorch")
        if not panel.outside:
            return panel
        share = f"{panel.outside:.1%} of the values outside [{limits[0]:g}, {limits[1]:g}]"
        return replace(panel, caption=share)

    def _follow_table(self, levels: Tensor, pair: ResizePair) -> None:
        """Starts all against all afresh where picture, size or dtypes have changed."""
        key = (levels.shape, pair.target, pair.a.dtype, pair.b.dtype)
        if not self._table.belongs_to(key, levels):
            self._table = Table(key, levels, installed_methods(key[2]), installed_methods(key[3]))
            self._job = self._compare_all()

    def follow_up(self, pair: ResizePair, x: Tensor) -> Job | None:  # type: ignore[override]
        """All methods against all, as far as it is not done."""
        del pair, x
        return self._rest() if self._job is not None else None

    def _rest(self) -> Job:
        """What is left of the comparison, wherever a move has interrupted it."""
        # Not `yield from`: dropping this generator would end the job along with it.
        while self._job is not None and (step := next(self._job, None)) is not None:
            yield step

    def _compare_all(self) -> Job:
        yield from compare_all(self._table)
        self._job = None
        self.show_again()

    def _finish(self) -> None:
        self._cancel_background()
        for _ in self._told(self._rest()):
            pass

    # All against all, by click

    def picked(self, panel: str, row: int, col: int) -> None:
        """A cell of the table chooses the two methods."""
        del panel
        one, other = self._table.methods_a[row], self._table.methods_b[col]
        self.set(a=one, b=other, wait=False)

    @calmly
    def _choose_closest(self, _: Any) -> None:
        pair = self.operation
        closest = self.table().closest(pair.a, pair.b.library)
        self.set(b=closest)
        if self._table.same(pair.a, closest):
            self.look = f"{closest!r} is the same as {pair.a!r}: use it on the other side."
        else:
            self.look = (
                f"Nothing of {pair.b.library}'s is the same as {pair.a!r} here: {closest!r} comes "
                "closest. If both sides must agree, choose one library for both."
            )
        self.show_again()
