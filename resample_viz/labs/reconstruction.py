"""ReconstructionLab: a picture through a few numbers and back, by network, PCA and resizing."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import replace
from functools import cache, partial
from typing import Any, ClassVar, NamedTuple, cast

import ipywidgets as widgets
import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.analysis import psnr
from resample_viz.analysis.codes import (
    PrincipalComponents,
    grid_energy,
    principal_components,
    restore_bicubic,
)
from resample_viz.analysis.spectrum import amplitudes
from resample_viz.datasets import digits, faces, other_patches
from resample_viz.labs.blocks import BlockChoice, Noise, noisy
from resample_viz.labs.controls import Simple, Slider
from resample_viz.labs.core.lab import Preset
from resample_viz.labs.examples import Examples, own_picture
from resample_viz.labs.panels import error_panel, tensor_panel
from resample_viz.labs.trained import TrainedLab
from resample_viz.networks import UPSAMPLINGS, Autoencoder
from resample_viz.operations import Operation, OperationError, Range
from resample_viz.training import Task, Training, reconstruction
from resample_viz.view import Frame, Merit, Panel, Step
from resample_viz.view.colors import Role
from resample_viz.words import N_
from resample_viz.words import gettext as _

DIGITS, FACES, OTHERS = "handwritten digits", "faces", "patches without a face"
SMALL, LARGE = 8, 24  # the sizes of a digit and of a face
LEARNED_FACES = 80  # the other faces are held out
TRAINED_NOISE = 0.4
LONGEST_CODE = 64
CODE_COLUMNS = 8
UNPOOLING = "max unpooling"
NEXT = "next example"
OUTLIERS = 0.02
"""This share of the darkest and of the lightest cells is cut off where a picture is stretched."""
UNIT = (0.0, 1.0)


class Key(NamedTuple):
    """Which network: for pictures of what size, with what code and block, trained with noise?"""

    size: int
    code: int
    upsampling: str
    denoising: bool


class ReconstructionLab(TrainedLab):
    """What comes back from a few numbers: of an autoencoder, of PCA and of bicubic resizing.

    `trained` are trainings, or what `train` returned, of `Autoencoder`s for digits (8 × 8) or faces
    (24 × 24). Settings: `code` (how many numbers), `upsampling` (a name of `UPSAMPLINGS`, or a
    function that makes a block), `noise` (standard deviation, added to the picture), `denoising`
    (show the network that was trained with noise), `borrowed` (max unpooling is handed the indices
    of the next example); `image` is "handwritten digits", "faces", "patches without a face" or a
    picture of your own, `example` a number. `lab.code_numbers` is the code.
    Lesson: notebooks/10-reconstruct-images.ipynb

    >>> lab = ReconstructionLab(code=4)
    >>> lab.code_numbers.shape, lab.output.shape
    (torch.Size([1, 4]), torch.Size([1, 1, 8, 8]))
    >>> lab.close()
    """

    name = "reconstruction"
    key_controls = ("code", "upsampling", "noise")
    steps = 400
    learning_rate = 0.01
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            N_("8 numbers of 64"),
            N_(
                "Eight numbers for 64 pixels. Compare the three errors: the network "
                "may bend, PCA is the best straight way, bicubic resizing knows "
                "nothing of digits."
            ),
            {"image": DIGITS, "example": 0, "code": 8},
            controls=("code", "upsampling"),
        ),
        Preset(
            N_("PCA catches up"),
            N_(
                "With 32 numbers PCA is nearly perfect. The network has not learned to "
                "be that precise: nothing in it passes a picture through unchanged."
            ),
            {"image": DIGITS, "example": 0, "code": 32},
            controls=("code", "upsampling"),
        ),
        Preset(
            N_("a grid"),
            N_(
                "Untrained, or trained for a few steps only, a transposed convolution "
                "leaves its stamps in the picture: a grid with a period of 2 and 4 "
                "pixels. See it in the stretched output, and as bright spots at the "
                "borders of the spectrum. The number beside “grid” says how far it "
                "stands out; about 1 is none."
            ),
            {
                "image": FACES,
                "example": 0,
                "code": 16,
                "upsampling": "transposed convolution k=3",
            },
            controls=("upsampling", "code"),
        ),
        Preset(
            N_("more than the code"),
            N_(
                "Max unpooling looks like the best block. But its decoder is handed "
                "768 bits beside the code: where every maximum was."
            ),
            {"image": DIGITS, "example": 0, "code": 8, "upsampling": UNPOOLING},
            controls=("upsampling", "code"),
        ),
        Preset(
            N_("whose places?"),
            N_(
                "The code of this digit, the indices of the next example. Of a trained "
                "network out comes the next one: the indices were the message. The "
                "errors say which of the two it is nearer to."
            ),
            {
                "image": DIGITS,
                "example": 0,
                "code": 8,
                "upsampling": UNPOOLING,
                "borrowed": True,
            },
            controls=("borrowed", "upsampling", "code"),
        ),
        Preset(
            N_("noise"),
            N_(
                "Noise goes in, and the network was trained to give back the picture "
                "without it. PCA removes noise as well, because it keeps few of 64 "
                "directions."
            ),
            {"image": DIGITS, "example": 0, "code": 8, "noise": TRAINED_NOISE, "denoising": True},
            controls=("noise", "denoising", "code"),
        ),
    )

    # What decides the network

    def key(self) -> Key:
        """The size of the picture, and what the controls say."""
        return Key(
            self.inputs.tensor.shape[-1],
            self.extras["code"].value,
            self.extras["upsampling"].value,
            bool(self.extras["denoising"].value),
        )

    def key_of(self, training: Training) -> Key:
        """The key of a network that was given with its training."""
        noisy, clean = training.task.held_out
        network = training.network
        name = self._blocks.take(network.upsampling)
        return Key(clean.shape[-1], int(cast(int, network.code)), name, not noisy.equal(clean))

    def build(self, key: Hashable) -> Autoencoder:
        """An autoencoder with these settings."""
        size, code, name, _ = cast(Key, key)
        return Autoencoder(size, code=code, upsampling=self._blocks[name])

    def task(self, key: Hashable) -> Task:
        """Digits or faces, with noise or without."""
        size, _, _, denoising = cast(Key, key)
        return reconstruction_task(size, TRAINED_NOISE if denoising else 0.0)

    # Controls

    def build_extras(self) -> dict[str, Any]:
        """Code, block, noise, whether the network was trained with noise, whose indices."""
        first = cast("Key | None", next(iter(self._trainings), None))
        return {
            "code": Code(first.code if first else 8),
            "upsampling": BlockChoice(
                self._blocks, first.upsampling if first else "transposed convolution k=4"
            ),
            "noise": Noise(0.0, 0.5),
            "denoising": _checkbox("denoising", "trained with noise", first and first.denoising),
            "borrowed": _checkbox("borrowed", "indices of the next example", False),
        }

    def build_inputs(self) -> Examples:
        """Pictures that were never trained on, and the learner's own."""
        sources = {name: partial(held_out, name) for name in (DIGITS, FACES, OTHERS)}
        first = cast("Key | None", next(iter(self._trainings), None))
        if first and first.size == LARGE:
            sources = {name: sources[name] for name in (FACES, OTHERS, DIGITS)}
        return Examples(sources, self._fitted)

    def _fitted(self, image: Any) -> Tensor:
        """The learner's picture, as large as what is looked at."""
        return own_picture(image, self.inputs.tensor.shape[-1], 1)

    # What is shown

    @property
    def input(self) -> Tensor:
        """The picture with its noise, (1, 1, size, size)."""
        return noisy(self.inputs.tensor, self.extras["noise"].value)

    @property
    def code_numbers(self) -> Tensor:
        """What the encoder makes of the input, (1, code)."""
        return self._encoded(self.input)[0]

    @property
    def output(self) -> Tensor:
        """What the decoder makes of the code (and, for max unpooling, of indices)."""
        code, indices = self._encoded(self.input)
        if self._borrows:
            indices = self._encoded(self._next_example)[1]
        with torch.no_grad():
            result: Tensor = self._autoencoder.decode(code, indices).cpu()
        return result

    @property
    def _autoencoder(self) -> Autoencoder:
        return cast(Autoencoder, self.network)

    @property
    def _borrows(self) -> bool:
        return bool(self.extras["borrowed"].value) and self.key().upsampling == UNPOOLING

    @property
    def _next_example(self) -> Tensor:
        pictures: Tensor = self.inputs.pictures
        number = (self.inputs.number + 1) % len(pictures)
        return pictures[number : number + 1]

    def _next_source(self) -> tuple[str, str]:
        """The data set of the next example, and the code that takes it from there."""
        inputs = self.inputs
        if inputs.is_own:
            return "digits", "x"  # a picture of one's own has no next one
        first = {DIGITS: len(learned(SMALL)), FACES: LEARNED_FACES, OTHERS: 0}[inputs.source.value]
        name = {DIGITS: "digits", FACES: "faces", OTHERS: "other_patches"}[inputs.source.value]
        number = first + (inputs.number + 1) % len(inputs.pictures)
        return name, f"{name}()[{number}:{number + 1}]"

    def _encoded(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        network = self._autoencoder.eval()
        with torch.no_grad():
            return network.encode(self.training.on_device((x, x))[0])

    def frame(self, operation: Operation, x: Tensor) -> Frame:
        """Picture, code, what comes back three times (within [0, 1]), and each time its error."""
        del operation
        key, clean = self.key(), self.inputs.tensor
        code, y = self.code_numbers.cpu(), self.output
        said = _said(self._bits, self._borrows)
        shown = [_Shown("network", "network", "output", y, clean, "x", said)]
        if self._borrows:
            shown.append(_Shown("next", "network", "output", y, self._next_example, NEXT, said))
        else:
            by_pca = components(key.size).restore(x, key.code).clamp(0, 1)
            kept = _count(min(key.code, _most(key.size)))
            shown.append(_Shown("pca", "PCA", "undone", by_pca, clean, "x", kept))
            resized, numbers = restore_bicubic(x, key.code)
            kept = _count(numbers)
            shown.append(
                _Shown("bicubic", "bicubic", "undone", resized.clamp(0, 1), clean, "x", kept)
            )
        panels = [_input_panel(x), *(one.panel for one in shown)]
        if self._borrows:  # beside the one result, not a second time the result
            panels[-1] = tensor_panel("next", NEXT.capitalize(), "input", self._next_example, UNIT)
        return Frame(
            # Each error under its picture.
            (*panels, code_panel(code), *(one.error for one in shown), *_seen_grid(y)),
            strip=self._strip(x, code, y),
            code=self._code(key),
            merits=(
                *(Merit(one.against, one.decibels, _("PSNR; higher is better")) for one in shown),
                *_grid(y),
            ),
            hint=self.look or _hint(key),
            warnings=self.untrained,
            columns=len(panels),
        )

    @property
    def _bits(self) -> int:
        """What the indices can carry: two bits say which of the four cells of a window it was."""
        if self.key().upsampling != UNPOOLING:
            return 0
        return sum(2 * places[0].numel() for places in self._encoded(self.input)[1])

    def _strip(self, x: Tensor, code: Tensor, y: Tensor) -> tuple[Step, ...]:
        beside = (Step(f"and {self._bits} bits of indices"),) if self._bits else ()
        return (
            Step("x", tuple(x.shape), "input"),
            Step("encoder"),
            Step("code", tuple(code.shape), "undone"),
            *beside,
            Step(f"2 × {self.key().upsampling}"),
            Step("y", tuple(y.shape), "output"),
        )

    def _code(self, key: Key) -> str:
        """How the network was made, trained and used."""
        block = repr(key.upsampling) if key.upsampling in UPSAMPLINGS else key.upsampling
        training = self.training
        noise = f", noise={TRAINED_NOISE}" if key.denoising else ""
        source, another = self._next_source()
        needed = {"digits" if key.size == SMALL else "faces", *((source,) if self._borrows else ())}
        trained = (
            f"rv.train(network, task, {training.steps}, learning_rate={training.learning_rate:g})\n"
            if training.done
            else ""
        )
        borrowed = f"_, indices = network.encode({another})\n    " if self._borrows else ""
        return (
            f"from resample_viz.datasets import {', '.join(sorted(needed))}\n"
            f"{_task_code(key.size, noise)}"
            "torch.manual_seed(0)\n"
            f"network = rv.Autoencoder({key.size}, code={key.code}, upsampling={block})\n"
            f"{trained}"
            "with torch.no_grad():\n"
            "    code, indices = network.eval().encode(x)\n"
            f"    {borrowed}y = network.decode(code, indices)"
        )


class _Shown(NamedTuple):
    """A picture that came back, what it is compared with, and what is said of it."""

    name: str
    way: str
    role: Role
    restored: Tensor
    reference: Tensor
    referred: str
    """What the reference is called."""
    said: str

    @property
    def decibels(self) -> str:
        return f"{psnr(self.restored, self.reference):.1f} dB"

    @property
    def against(self) -> str:
        """`"PCA"`, or `"network, next example"` if it is not compared with x."""
        return self.way if self.referred == "x" else f"{self.way}, {self.referred}"

    @property
    def panel(self) -> Panel:
        name = "y" if self.name == "network" else self.name
        caption = f"{self.said}; {self.decibels}"
        picture = _readable(self.restored[0])
        return Panel(name, _capital(self.way), self.role, picture, UNIT, caption=caption, like="x")

    @property
    def error(self) -> Panel:
        panel = error_panel(self.restored, self.reference, UNIT)
        return replace(
            panel,
            name=f"error-{self.name}",
            title=f"Error: {_capital(self.against)}",
            tensor=_readable(panel.tensor),
        )


class Code(Slider):
    """How many numbers the code has."""

    def __init__(self, value: int) -> None:
        super().__init__("code", Range(1, LONGEST_CODE), value, whole=True)
        self.widget.add_class("rv-control-code")

    def _check(self, value: Any) -> None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not 1 <= value <= LARGE**2:
            raise OperationError(
                _(
                    "code must be a whole number from 1 to {most}, not {value}: try 8.",
                    most=LARGE**2,
                    value=repr(value),
                )
            )


def _checkbox(name: str, description: str, checked: bool | None) -> Simple:
    box = widgets.Checkbox(value=bool(checked), description=description, indent=False)
    box.add_class(f"rv-control-{name}")
    return Simple(box)


def learned(size: int) -> Tensor:
    """The pictures that networks of this size are trained on, (N, 1, size, size); faces twice."""
    if size == SMALL:
        return digits()[: -len(held_out(DIGITS))]
    left = faces()[:LEARNED_FACES]
    return torch.cat([left, left.flip(-1)])


@cache
def held_out(source: str) -> Tensor:
    """Pictures that are never trained on, (N, 1, size, size)."""
    if source == DIGITS:
        pictures = digits()
        return pictures[-(len(pictures) // 10) :]
    return faces()[LEARNED_FACES:] if source == FACES else other_patches()


def reconstruction_task(size: int, noise: float = 0.0) -> Task:
    """The task of lesson 10: digits for 8, faces for 24."""
    if size == SMALL:
        return reconstruction(learned(size), held_out(DIGITS), noise=noise)
    return reconstruction(learned(size), held_out(FACES), noise=noise, batch_size=16)


@cache
def components(size: int) -> PrincipalComponents:
    """The principal components of what networks of this size are trained on."""
    return principal_components(learned(size))


def code_panel(code: Tensor) -> Panel:
    """The numbers of a code, (1, K), in rows of eight; what is left of the last row is hatched."""
    numbers = code[0]
    columns = min(CODE_COLUMNS, len(numbers))
    missing = -len(numbers) % columns
    extent = max(float(numbers.abs().max()), 1e-6)
    return Panel(
        "code",
        "The code",
        "index",
        F.pad(numbers, (0, missing)).view(1, -1, columns),
        (-extent, extent),
        colormap="diverging",
        caption=f"{_count(len(numbers))}, row by row; white is 0"
        + (f"; the last {missing} cells are empty" if missing else ""),
    )


def _input_panel(x: Tensor) -> Panel:
    return tensor_panel("x", "Input x", "input", x, UNIT)


def _grid(y: Tensor) -> tuple[Merit, ...]:
    """Whether a grid stands out in the output; a digit has too few pixels to tell."""
    if y.shape[-1] == SMALL:
        return ()
    meaning = "energy of the output at a period of 2 pixels, over the energy around; 1: no grid"
    return (Merit("grid", f"{grid_energy(y):.1f}", meaning),)


def _seen_grid(y: Tensor) -> tuple[Panel, ...]:
    """The output on a scale of its own, and its spectrum, linear: where `_grid` is."""
    if y.shape[-1] == SMALL:
        return ()
    low, high = (float(y.quantile(share)) for share in (OUTLIERS, 1 - OUTLIERS))
    amplitude = amplitudes(y[0])
    return (
        Panel(
            "stretched",
            "The output, stretched",
            "output",
            y[0].clamp(low, high),
            (low, high) if high > low else (low, low + 1e-6),
            caption=f"black: {low:.3f} and less, white: {high:.3f} and more",
            like="x",
        ),
        Panel(
            "spectrum",
            "Spectrum of the output",
            "index",
            (amplitude / amplitude.max().clamp(min=1e-12))[None],
            UNIT,
            colormap="magma",
            caption="lowest frequency in the middle; a period of 2 pixels at the borders",
        ),
    )


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _readable(x: Tensor) -> Tensor:
    """Three decimals: 0 instead of 5.3e-10 in a cell."""
    return x.round(decimals=3)


def _count(numbers: int) -> str:
    return f"{numbers} number{'' if numbers == 1 else 's'}"


def _most(size: int) -> int:
    return len(components(size).components)


def _said(bits: int, borrowed: bool) -> str:
    if not bits:
        return "from the code alone"
    whose = "another picture's" if borrowed else "its own"
    return f"from the code and {bits} bits: {whose} indices"


def _hint(key: Key) -> str:
    if key.upsampling == UNPOOLING:
        return (
            "The decoder is handed the places of all maxima, in bits far more than the code. Tick "
            "“indices of the next example” to see what the code alone still says."
        )
    side = math.isqrt(key.code)
    return (
        f"{_count(key.code)} for {key.size**2} pixels; bicubic resizing keeps {side} × {side}. "
        "Move the code, and compare the errors."
    )


def _task_code(size: int, noise: str) -> str:
    if size == SMALL:
        return f"task = rv.reconstruction(digits(){noise})\n"
    return (
        f"left, kept = faces()[:{LEARNED_FACES}], faces()[{LEARNED_FACES}:]\n"
        f"task = rv.reconstruction(torch.cat([left, left.flip(-1)]), kept{noise}, batch_size=16)\n"
    )
