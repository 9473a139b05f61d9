"""SuperResolutionLab: what a trained network makes of a small picture, and what it makes up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

import ipywidgets as widgets
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.analysis import BASELINES, back_project, mse, super_resolution_score, upscale
from resample_viz.datasets import (
    TEST_PHOTOGRAPHS,
    TRAINING_PHOTOGRAPHS,
    VALIDATION_PHOTOGRAPH,
    downscale,
    luminance,
    native,
    training_pairs,
    validation_pair,
)
from resample_viz.images import ImageError, pattern
from resample_viz.labs.blocks import BlockChoice, Noise, noisy
from resample_viz.labs.controls import LABEL, Simple, buttons
from resample_viz.labs.core.lab import Preset
from resample_viz.labs.crops import Crops
from resample_viz.labs.panels import SAME_AS_EXACT
from resample_viz.labs.trained import TrainedLab
from resample_viz.labs.training import TrainingView
from resample_viz.networks import UPSAMPLINGS, SuperResolutionNetwork
from resample_viz.operations import Operation
from resample_viz.training import Task, Training, super_resolution
from resample_viz.view import Frame, Merit, Panel, Step
from resample_viz.view.colors import Role
from resample_viz.words import N_
from resample_viz.words import gettext as _

FACTORS = (2, 3)
BLOCKS = tuple(block for block in UPSAMPLINGS if block != "max unpooling")
AS_IT_IS = "not at all: enlarge it as it is"
PATTERN_SIZE = 256
STRONG = 0.15
"""The error, or the detail, that is drawn in the strongest colour."""
Key = tuple[int, str]


def stripes(size: int = PATTERN_SIZE, period: float = 3.2, angle: float = 20.0) -> Tensor:
    """Slanted stripes, (1, 1, size, size) in [0, 1]: too fine for half the size.

    >>> stripes(8).shape
    torch.Size([1, 1, 8, 8])
    """
    turn = math.radians(angle)
    cells = torch.arange(size, dtype=torch.float64)
    along = cells * math.cos(turn) + cells[:, None] * math.sin(turn)
    return (0.5 + 0.4 * (2 * math.pi * along / period).cos()).to(torch.float32)[None, None]


SOURCES: dict[str, Callable[[], Tensor]] = {
    **{name: partial(native, name) for name in (*TEST_PHOTOGRAPHS, VALIDATION_PHOTOGRAPH)},
    **{f"{name} (trained on)": partial(native, name) for name in TRAINING_PHOTOGRAPHS},
    "zone plate": partial(pattern, "zone_plate", PATTERN_SIZE),
    "fine stripes": stripes,
}

DEGRADATIONS: dict[str, tuple[str, Callable[[Tensor, int], Tensor]]] = {
    "anti-aliased bicubic": (
        'F.interpolate(x, scale_factor=1 / {0}, mode="bicubic", antialias=True).clamp(0, 1)',
        downscale,
    ),
    "bicubic without anti-aliasing": (
        'F.interpolate(x, scale_factor=1 / {0}, mode="bicubic").clamp(0, 1)',
        lambda x, factor: F.interpolate(x, scale_factor=1 / factor, mode="bicubic").clamp(0, 1),
    ),
    "mean of the pixels": ("F.avg_pool2d(x, {0})", F.avg_pool2d),
    "blurred, then bicubic": (
        "F.interpolate(F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), scale_factor=1 / {0}, "
        'mode="bicubic", antialias=True).clamp(0, 1)',
        lambda x, factor: downscale(F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), factor),
    ),
    AS_IT_IS: ("x", lambda x, _: x),
}
"""How the small picture comes about: code, with the factor in its braces, and what it does."""


class SuperResolutionLab(TrainedLab):
    """A small picture enlarged by a network and by a baseline, beside the truth and both errors.

    `trained` are the trainings, or what `train` returned, of networks `SuperResolutionNetwork`.
    Settings: `factor`, `upsampling`, `compare_with`, `shrunk_by`, `noise`, `consistent`; `image`,
    `size`, `down`, `across`; `preset`. Shown and measured is luminance.
    Lesson: notebooks/12-super-resolution.ipynb

    >>> lab = SuperResolutionLab(factor=3, size=48)
    >>> tuple(lab.small.shape), tuple(lab.output.shape)
    ((1, 1, 16, 16), (1, 1, 48, 48))
    >>> lab.close()
    """

    name = "super-resolution"
    key_controls = ("factor", "upsampling", "compare_with", "noise")
    steps: ClassVar[int] = 300
    learning_rate: ClassVar[float] = 3e-3
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            N_("edges come back"),
            N_(
                "Compare the two errors: the outlines are what the network gets right "
                "and bicubic does not. They are in the picture of its detail, too."
            ),
            {"image": "camera", "size": 96, "down": 0.2, "across": 0.4},
            controls=("factor", "upsampling", "compare_with"),
        ),
        Preset(
            N_("texture does not"),
            N_(
                "Fur, at a third of the size. The detail that the network should add "
                "is everywhere, the one that it adds is weak: nobody can guess single "
                "hairs."
            ),
            {"image": "chelsea", "size": 96, "down": 0.9, "across": 0.6, "factor": 3},
            controls=("factor", "compare_with"),
        ),
        Preset(
            N_("rings that are not there"),
            N_(
                "Shrunk without anti-aliasing, fine rings became coarse ones. The "
                "network draws them as sharp as true ones: nothing in the small "
                "picture tells them apart."
            ),
            {
                "image": "zone plate",
                "size": 192,
                "down": 0.5,
                "across": 0.5,
                "shrunk_by": "bicubic without anti-aliasing",
            },
            controls=("shrunk_by", "compare_with", "consistent"),
        ),
        Preset(
            N_("shrunk in another way"),
            N_(
                "Shrunk without anti-aliasing, it is sharp already. The network "
                "sharpens it all the same, as it was trained to, and falls behind "
                "bicubic."
            ),
            {
                "image": "camera",
                "size": 96,
                "down": 0.2,
                "across": 0.4,
                "shrunk_by": "bicubic without anti-aliasing",
            },
            controls=("shrunk_by", "consistent"),
        ),
        Preset(
            N_("noise is detail, too"),
            N_(
                "A little noise on the small picture. The network has seen none in its "
                "training: it sharpens noise as it sharpens edges."
            ),
            {"image": "camera", "size": 96, "down": 0.2, "across": 0.4, "noise": 0.05},
            controls=("noise", "shrunk_by", "consistent"),
        ),
    )
    opening: ClassVar[dict[str, Any]] = presets[0].settings
    blocks = BLOCKS

    def __init__(self, trained: Iterable[Training | TrainingView] = (), **settings: Any) -> None:
        self._tasks: dict[int, Task] = {}
        super().__init__(trained, **settings)

    # What is trained

    def key(self) -> Key:
        """The factor, and the name of the upsampling block."""
        return self.extras["factor"].value, self.extras["upsampling"].value

    def key_of(self, training: Training) -> Key:
        """The same of a network; a block of one's own goes by the name of its maker."""
        network = training.network
        if not isinstance(network, SuperResolutionNetwork):
            raise TypeError(
                f"this lab shows networks SuperResolutionNetwork, not a {type(network).__name__}: "
                "give what rv.train(rv.SuperResolutionNetwork(2), ...) returned."
            )
        return network.factor, self._blocks.take(network.upsampling)

    def build(self, key: Any) -> nn.Module:
        """A network with random weights."""
        factor, name = key
        return SuperResolutionNetwork(factor, upsampling=self._blocks[name])

    def task(self, key: Any) -> Task:
        """Patches of the photographs that are for training."""
        factor, _ = key
        if factor not in self._tasks:
            self._tasks[factor] = super_resolution(training_pairs(factor), validation_pair(factor))
        return self._tasks[factor]

    # Controls

    def build_inputs(self) -> Any:
        """A part of a photograph, of a pattern, or of the learner's own picture."""
        return Crops(SOURCES, as_luminance)

    def build_extras(self) -> dict[str, Any]:
        """What decides the network, what it is compared with, and what it is given."""
        keys: list[Any] = list(self._trainings)
        factors: Any = sorted({*FACTORS, *(factor for factor, _ in keys)})
        start: Any = next(iter(keys), (FACTORS[0], "sub-pixel convolution"))
        extras: dict[str, Any] = {
            "factor": Simple(buttons("factor", factors, start[0])),
            "upsampling": BlockChoice(self._blocks, start[1]),
            "compare_with": Simple(dropdown("compare with", BASELINES, "bicubic")),
            "shrunk_by": Simple(dropdown("shrunk by", DEGRADATIONS, "anti-aliased bicubic")),
            "noise": Noise(0.0, 0.1),
            "consistent": Simple(
                widgets.Checkbox(False, description="made consistent", indent=False)
            ),
        }
        for name, extra in extras.items():
            extra.widget.add_class(f"rv-control-{name}")
        return extras

    # The Python door

    @property
    def small(self) -> Tensor:
        """What network and baseline are given, (1, 1, H, W)."""
        small = DEGRADATIONS[self.extras["shrunk_by"].value][1](self._cut, self.key()[0])
        return noisy(small, self.extras["noise"].value, clip=True)

    @property
    def truth(self) -> Tensor | None:
        """The picture that was shrunk; None if none was."""
        return None if self.extras["shrunk_by"].value == AS_IT_IS else self._cut

    @property
    def output(self) -> Tensor:
        """What the network makes of the small picture, as it is shown."""
        return self._finished(self.training.predict(self.small), self.small)

    @property
    def _cut(self) -> Tensor:
        """The input without the rows and columns that the factor does not divide."""
        factor, (height, width) = self.key()[0], self.input.shape[-2:]
        if min(height, width) < factor:
            raise ImageError(
                _(
                    "a picture of {height} × {width} has no pixel left at 1/{factor} of "
                    "its size: use a larger one.",
                    height=height,
                    width=width,
                    factor=factor,
                )
            )
        return self.input[..., : height // factor * factor, : width // factor * factor]

    def _finished(self, picture: Tensor, small: Tensor) -> Tensor:
        return back_project(picture, small) if self.extras["consistent"].value else picture

    # What is shown

    def frame(self, operation: Operation, x: Tensor) -> Frame:
        """Small picture, baseline, network and truth; below, both errors and both details."""
        del operation, x
        method, factor = self.extras["compare_with"].value, self.key()[0]
        small, truth = self.small, self.truth
        y = self.output
        base = self._finished(upscale(small, factor, method), small)
        panels = [
            picture("small", "Small picture: what is given", "input", small),
            picture("base", f"Enlarged: {method}", "index", base.clamp(0, 1)),
            picture("y", "Enlarged: the network", "output", y.clamp(0, 1)),
        ]
        if truth is not None:
            panels.append(picture("truth", "The truth", "undone", truth))
            panels += [
                error("error-base", method, base, truth),
                error("error", "network", y, truth),
            ]
        panels.append(detail("detail", f"The network minus {method}", y - base))
        if truth is not None:
            panels.append(detail("lacks", f"The truth minus {method}", truth - base))
        return Frame(
            tuple(panels),
            strip=self._strip(small, y),
            code=self._program(),
            merits=self._merits({method: base, "network": y}, small, truth),
            hint=self.look or ("" if truth is not None else WITHOUT_TRUTH),
            warnings=self.untrained,
            columns=4,
        )

    def _strip(self, small: Tensor, y: Tensor) -> tuple[Step, ...]:
        factor, block = self.key()
        before = () if self.truth is None else (
            Step("x", tuple(self._cut.shape), "undone"), Step(self.extras["shrunk_by"].value)
        )  # fmt: skip
        return (
            *before,
            Step("small", tuple(small.shape), "input"),
            Step(f"×{factor}, {block}"),
            Step("y", tuple(y.shape), "output"),
        )

    def _merits(
        self, results: dict[str, Tensor], small: Tensor, truth: Tensor | None
    ) -> tuple[Merit, ...]:
        factor, merits = self.key()[0], []
        if truth is not None and min(truth.shape[-2:]) > 2 * factor:
            scores = {name: super_resolution_score(y, truth, factor) for name, y in results.items()}
            merits += [
                Merit(f"PSNR {name}", decibels(score.psnr), _("higher is nearer to the truth"))
                for name, score in scores.items()
            ]
            merits += [
                Merit(f"SSIM {name}", f"{score.ssim:.3f}", _("1 is the truth"))
                for name, score in scores.items()
                if not math.isnan(score.ssim)
            ]
        meaning = "shrunk again: its root mean square distance from the small picture"
        for name, y in results.items():
            apart = mse(shrunk_again(y, factor), small) ** 0.5
            merits.append(Merit(f"contradiction {name}", f"{apart:.3f}", meaning))
        return tuple(merits)

    def _program(self) -> str:
        factor, block = self.key()
        shrink = DEGRADATIONS[self.extras["shrunk_by"].value][0].format(factor)
        noise = self.extras["noise"].value
        upsampling = block if callable(self._blocks[block]) else f'"{block}"'
        lines = [
            f"small = {shrink}",
            f"small = (small + {noise:g} * torch.randn(small.shape)).clamp(0, 1)" if noise else "",
            f"network = rv.SuperResolutionNetwork({factor}, upsampling={upsampling})",
            "y = network(small).detach()",
            "y = rv.back_project(y, small)" if self.extras["consistent"].value else "",
        ]
        return "\n".join(filter(None, lines))

    def code(self) -> str:
        """A program that trains the network, and computes what the lab shows."""
        factor, steps = self.key()[0], self.training.done or self.steps
        built = f"network = rv.SuperResolutionNetwork({factor}"
        training = (
            f"task = rv.super_resolution(training_pairs({factor}), validation_pair({factor}))\n"
            f"rv.train(network, task, {steps}, learning_rate={self.training.learning_rate:g})\n"
        )
        return (
            super()
            .code()
            .replace(
                "\n\n", "\nfrom resample_viz.datasets import training_pairs, validation_pair\n\n", 1
            )
            .replace(built, f"torch.manual_seed(0)\n{built}")
            .replace("y = network", f"{training}y = network", 1)
        )

    def __repr__(self) -> str:
        """Words that hold on every machine: of the network, whose weights do not, only its rank."""
        frame = self.shown
        if not frame.panels:
            return super().__repr__()
        said = [f"{m.label} {m.value}" for m in frame.merits if not m.label.endswith("network")]
        values = {merit.label: merit.value for merit in frame.merits}
        ahead = [label for label in values if label == "PSNR network"]
        if ahead and self.training.done:
            method = self.extras["compare_with"].value
            network, base = (_number(values[f"PSNR {name}"]) for name in ("network", method))
            said.append(f"network ahead {'yes' if network > base else 'no'}")
        strip = " → ".join(str(step) for step in frame.strip)
        return (
            f"{type(self).__name__} on {self.inputs.label}\n{strip}\n{frame.code}\n"
            f"{', '.join(said)}"
        )


WITHOUT_TRUTH = "The picture is enlarged as it is. There is no truth to measure by: judge by eye."


def as_luminance(x: Tensor) -> Tensor:
    """Luminance of a picture in [0, 1].

    Raises ImageError for values outside, or a number of channels that is neither 1 nor 3.
    """
    low, high = float(x.min()), float(x.max())
    if low < 0 or high > 1:
        raise ImageError(
            _(
                "the picture has values from {low} to {high}, but they must lie in [0, "
                "1]: divide by 255, or by what they may be at most.",
                low=format(low, "g"),
                high=format(high, "g"),
            )
        )
    return luminance(x)


def shrunk_again(y: Tensor, factor: int) -> Tensor:
    """Anti-aliased bicubic, without cutting off: what `back_project` makes equal to `small`."""
    return F.interpolate(y, scale_factor=1 / factor, mode="bicubic", antialias=True)


def dropdown(name: str, options: Iterable[str], value: str) -> widgets.Dropdown:
    """A list that unfolds."""
    return widgets.Dropdown(options=list(options), value=value, description=name, style=LABEL)


def picture(name: str, title: str, role: Role, x: Tensor) -> Panel:
    """Luminance as grey."""
    return Panel(name, title, role, x.detach()[0])


def error(name: str, method: str, result: Tensor, truth: Tensor) -> Panel:
    """How far each pixel is from the truth."""
    apart = (result.clamp(0, 1) - truth).detach()[0].abs()
    return Panel(
        name,
        f"Error: {method}",
        "error",
        apart,
        (0.0, STRONG),
        colormap="magma",
        caption=f"lightest: {STRONG:g} and more",
        like="truth",
    )


def detail(name: str, title: str, difference: Tensor) -> Panel:
    """What one picture has and the other one lacks: red is brighter, blue is darker."""
    return Panel(
        name,
        title,
        "error",
        difference.detach()[0],
        (-STRONG, STRONG),
        colormap="diverging",
        caption=f"red: brighter, blue: darker; strongest: {STRONG:g}",
        like="y",
    )


def decibels(psnr: float) -> str:
    """To a hundredth: the differences between methods are small."""
    return f"over {SAME_AS_EXACT} dB" if psnr > SAME_AS_EXACT else f"{psnr:.2f} dB"


def _number(value: str) -> float:
    return math.inf if value.startswith("over") else float(value.split()[0])
