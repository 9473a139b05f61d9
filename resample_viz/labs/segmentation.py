"""SegmentationLab: which pixels a network gets wrong, and how many of them lie along the edges."""

from __future__ import annotations

import math
from collections.abc import Hashable
from functools import cache, partial
from typing import Any, ClassVar, cast

import ipywidgets as widgets
import torch
from torch import Tensor, nn

from resample_viz.analysis import edge_band, iou
from resample_viz.datasets import CLASSES, coins, horse, shapes
from resample_viz.images import ImageError
from resample_viz.labs.blocks import BlockChoice, Noise, noisy
from resample_viz.labs.controls import Simple
from resample_viz.labs.core.lab import Preset
from resample_viz.labs.examples import Examples, own_picture
from resample_viz.labs.trained import TrainedLab
from resample_viz.networks import UPSAMPLINGS, SegmentationNetwork
from resample_viz.operations import Operation, OperationError
from resample_viz.training import Task, Training, class_picture, segmentation
from resample_viz.view import Frame, Merit, Panel, Step
from resample_viz.words import N_
from resample_viz.words import gettext as _

SHAPES, HORSE, COINS = "generated shapes", "a real outline", "a photograph of coins"
HELD_OUT = 40
OWN_SIZE, LARGEST = 96, 512
SIZE = 48
COLORS = "background grey, disc blue, square orange, triangle green"
WRONG = torch.tensor(
    [(0.13, 0.13, 0.13), (0.38, 0.38, 0.38), (0.94, 0.89, 0.26), (0.84, 0.37, 0.0)]
)
"""A right pixel, a right one in the band, a wrong one, a wrong one in the band."""

Key = tuple[str, bool]
"""The name of the block, and whether there are skip connections."""


class SegmentationLab(TrainedLab):
    """What networks for segmentation make of a picture: the classes, the wrong pixels, the edges.

    `trained` are trainings, or what `train` returned, of `SegmentationNetwork`s or of a network of
    your own that gives scores (N, 4, H, W). Settings: `upsampling` (a name of `UPSAMPLINGS`, or a
    function that makes a block), `skips`, `noise`; `image` is "generated shapes", "a real outline",
    "a photograph of coins" or a picture of your own, `example` a number. `lab.classes` is what the
    network says, `lab.mask` what is true. Lesson: notebooks/11-segment-images.ipynb

    >>> lab = SegmentationLab(upsampling="max unpooling")
    >>> lab.classes.shape, lab.mask.shape
    (torch.Size([1, 48, 48]), torch.Size([1, 48, 48]))
    >>> lab.close()
    """

    name = "segmentation"
    key_controls = ("upsampling", "skips", "noise")
    learning_rate = 0.01
    warm_up = 0.2
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            N_("bilinear"),
            N_(
                "Once it is trained, nearly all is right inside the shapes. The wrong "
                "pixels lie along the edges: three poolings have forgotten where in "
                "its 8 × 8 pixels an edge was."
            ),
            {
                "image": SHAPES,
                "example": 0,
                "upsampling": "bilinear + convolution",
                "skips": False,
            },
            controls=("upsampling", "skips", "noise"),
        ),
        Preset(
            N_("max unpooling"),
            N_(
                "SegNet's idea: the indices of the poolings say where the largest "
                "values were. Fewer wrong pixels in the band."
            ),
            {"image": SHAPES, "example": 0, "upsampling": "max unpooling", "skips": False},
            controls=("upsampling", "skips", "noise"),
        ),
        Preset(
            N_("skip connections"),
            N_(
                "U-Net's idea: the decoder is handed the maps themselves, not only the "
                "places of their maxima. The edges are nearly right."
            ),
            {"image": SHAPES, "example": 0, "upsampling": "bilinear + convolution", "skips": True},
            controls=("skips", "upsampling", "noise"),
        ),
        Preset(
            N_("a horse"),
            N_(
                "No such outline was ever trained on. The body is found; thin legs and "
                "ears are what three poolings lose first."
            ),
            {"image": HORSE, "example": 0, "upsampling": "bilinear + convolution", "skips": True},
            controls=("upsampling", "skips"),
        ),
        Preset(
            N_("coins"),
            N_(
                "A real photograph, grey. The network has learned coloured patterns: "
                "coins have none, so it does not know them. Any class counts as coin "
                "here."
            ),
            {
                "image": COINS,
                "noise": 0.0,
                "upsampling": "bilinear + convolution",
                "skips": True,
            },
            controls=("noise", "upsampling", "skips"),
        ),
        Preset(
            N_("six times the noise"),
            N_("Noise of 0.3 instead of the 0.05 of training: now the inside is wrong as well."),
            {
                "image": SHAPES,
                "example": 0,
                "noise": 0.3,
                "upsampling": "bilinear + convolution",
                "skips": True,
            },
            controls=("noise", "skips", "upsampling"),
        ),
    )

    # What decides the network

    def key(self) -> Key:
        """The name of the block, and whether there are skip connections."""
        return self.extras["upsampling"].value, bool(self.extras["skips"].value)

    def key_of(self, training: Training) -> Key:
        """The key of a given network; one of another kind goes by the name of its class."""
        network = training.network
        name = self._blocks.take(getattr(network, "upsampling", type(network).__name__))
        return name, bool(getattr(network, "skips", False))

    def build(self, key: Hashable) -> SegmentationNetwork:
        """A network with this block."""
        name, skips = cast(Key, key)
        block = self._blocks[name]
        if isinstance(block, str) and block not in UPSAMPLINGS:
            raise OperationError(
                _(
                    "the network {name} was given ready-made, and there is no other one of "
                    "it: choose another block, or set skip connections as they were.",
                    name=name,
                )
            )
        return SegmentationNetwork(upsampling=block, skips=skips)

    def task(self, key: Hashable) -> Task:
        """300 generated pictures; 40 others are held out."""
        del key
        return shapes_task()

    # Controls

    def build_extras(self) -> dict[str, Any]:
        """The block, skips or not, and the noise of the picture."""
        block, checked = cast(Key, next(iter(self._trainings), ("max unpooling", False)))
        skips = widgets.Checkbox(value=checked, description="skip connections", indent=False)
        skips.add_class("rv-control-skips")
        return {
            "upsampling": BlockChoice(self._blocks, block),
            "skips": Simple(skips),
            "noise": Noise(0.05, 0.4),
        }

    def build_inputs(self) -> Examples:
        """Pictures that were never trained on, and the learner's own."""
        sources = {name: partial(pictures_of, name) for name in (SHAPES, HORSE, COINS)}
        return Examples(sources, fitted)

    # What is shown

    @property
    def input(self) -> Tensor:
        """The picture with its noise, (1, 3, H, W) in [0, 1]."""
        return noisy(self.inputs.tensor, self.extras["noise"].value, clip=True)

    @property
    def mask(self) -> Tensor | None:
        """The true classes, (1, H, W); of coins 1 for coin. None for a picture of your own."""
        if self.inputs.is_own:
            return None
        number = self.inputs.number
        return examples(self.inputs.source.value)[1][number : number + 1]

    @property
    def classes(self) -> Tensor:
        """The class of the highest score, (1, H, W)."""
        return self.output.argmax(1)

    def frame(self, operation: Operation, x: Tensor) -> Frame:
        """Picture, mask, what the network says, what is wrong; then what others get wrong."""
        del operation
        scores = self.output
        classes = scores.argmax(1)
        mask = self.mask
        block, skips = self.key()
        outputs: tuple[Panel, ...]
        merits: tuple[Merit, ...]
        if mask is None:
            outputs, merits = _unjudged(scores), _shares(classes)
        else:
            only = self.inputs.source.value == COINS
            judged = _as_object(classes) if only else classes
            outputs = (
                Panel(
                    "mask",
                    "What is true",
                    "undone",
                    class_picture(mask)[0],
                    caption="background grey, coins blue" if only else COLORS,
                ),
                Panel("y", "What the network says", "output", class_picture(classes)[0], like="x"),
                wrong_panel("wrong", "What is wrong", judged, mask),
                *self._others(x, mask, only),
            )
            merits = _merits(judged, mask, ("background", "coin") if only else CLASSES)
        return Frame(
            (Panel("x", "Picture", "input", x[0]), *outputs),
            strip=(
                Step("x", tuple(x.shape), "input"),
                *_way(self.network, x, f"{block}{', skips' if skips else ''}"),
                Step("scores", tuple(scores.shape), "output"),
                Step("argmax"),
                Step("classes", tuple(classes.shape), "output"),
            ),
            code=self._code(block, skips),
            merits=merits,
            hint=self.look or HINT,
            warnings=self.untrained,
            columns=4,
        )

    def _others(self, x: Tensor, mask: Tensor, only: bool) -> tuple[Panel, ...]:
        """What the other networks that were given, or trained here, get wrong."""
        panels: list[Panel] = []
        for key, training in self._trainings.items():
            if key == self.key() or not training.done:
                continue
            block, skips = cast(Key, key)
            classes = training.predict(x).argmax(1)
            title = f"Wrong: {block}{', skips' if skips else ''}"
            judged = _as_object(classes) if only else classes
            panels.append(wrong_panel(f"wrong-{len(panels)}", title, judged, mask))
        return tuple(panels)

    def _code(self, block: str, skips: bool) -> str:
        """How the network was made, trained and used."""
        named = repr(block) if block in UPSAMPLINGS else block
        training = self.training
        trained = (
            f"rv.train(network, task, {training.steps}, learning_rate={training.learning_rate:g}, "
            f"warm_up={training.warm_up:g})\n"
            if training.done
            else ""
        )
        return (
            "from resample_viz.datasets import shapes\n"
            "task = rv.segmentation(*shapes(300), shapes(40, seed=1), batch_size=8)\n"
            "torch.manual_seed(0)\n"
            f"network = rv.SegmentationNetwork(upsampling={named}, skips={skips})\n"
            f"{trained}"
            "with torch.no_grad():\n"
            "    classes = network.eval()(x).argmax(1)"
        )


HINT = (
    "The lighter ring in the last picture is the band: at most 2 pixels from another class. Change "
    "the block, then skip connections, and watch the wrong pixels in it."
)


@cache
def shapes_task() -> Task:
    """The task of lesson 11: 300 generated pictures, 40 others held out."""
    return segmentation(*shapes(300, SIZE), shapes(HELD_OUT, SIZE, seed=1), batch_size=8)


@cache
def examples(source: str) -> tuple[Tensor, Tensor]:
    """Pictures (N, 3, H, W) without noise, and masks (N, H, W)."""
    if source == HORSE:
        return horse(SIZE, noise=0.0)
    return coins() if source == COINS else shapes(HELD_OUT, SIZE, seed=2, noise=0.0)


def _way(network: nn.Module, x: Tensor, name: str) -> tuple[Step, ...]:
    """What lies between picture and scores; of a network of one's own only its name is known."""
    if not isinstance(network, SegmentationNetwork):
        return (Step(name),)
    batch, _, height, width = x.shape
    channels = network.middle[0].out_channels
    assert isinstance(channels, int)
    smallest = (batch, channels, height // 8, width // 8)
    return Step("3 × max pooling"), Step("maps", smallest), Step(f"3 × {name}")


def pictures_of(source: str) -> Tensor:
    """The pictures alone."""
    return examples(source)[0]


def fitted(image: Any) -> Tensor:
    """A learner's picture; its border is repeated until it can be halved three times.

    Files become squares of 96 × 96; tensors and arrays keep their size.

    Raises ImageError for what cannot be read, or is larger than 512 pixels.
    """
    numbers = isinstance(image, Tensor) or type(image).__module__ == "numpy"
    picture = own_picture(image, None if numbers else OWN_SIZE, 3)
    height, width = picture.shape[-2:]
    if max(height, width) > LARGEST:
        raise ImageError(
            _(
                "a picture of {height} × {width} takes too long here: crop it to "
                "{largest} pixels, or pass F.interpolate(x, size=(96, 96), "
                "mode='bilinear', antialias=True).",
                height=height,
                width=width,
                largest=LARGEST,
            )
        )
    sides = (0, -width % 8, 0, -height % 8)
    padded: Tensor = nn.functional.pad(picture, sides, mode="replicate")
    return padded


def wrong_panel(name: str, title: str, classes: Tensor, mask: Tensor) -> Panel:
    """The wrong pixels of the first picture, and the band along its edges."""
    wrong, band = (classes != mask)[0], edge_band(mask)[0]
    inside = int((wrong & band).sum())
    return Panel(
        name,
        title,
        "error",
        WRONG[2 * wrong.long() + band.long()].movedim(-1, 0),
        caption=f"wrong: {inside} pixels in the band (orange), {int(wrong.sum()) - inside} "
        "elsewhere (yellow)",
        like="x",
    )


def _as_object(classes: Tensor) -> Tensor:
    return (classes > 0).long()


def _unjudged(scores: Tensor) -> tuple[Panel, ...]:
    """Of a picture whose mask nobody knows: the classes, and how sure the network is."""
    sure = scores.softmax(1).amax(1)
    return (
        Panel("y", "What the network says", "output", class_picture(scores)[0], caption=COLORS),
        Panel(
            "sure",
            "How sure it is",
            "index",
            sure,
            (0.0, 1.0),
            colormap="cividis",
            caption="largest softmax of the scores; sure is not right",
            like="x",
        ),
    )


def _shares(classes: Tensor) -> tuple[Merit, ...]:
    counts = torch.bincount(classes.flatten(), minlength=len(CLASSES)) / classes.numel()
    return tuple(
        Merit(name, f"{float(share):.0%}", _("of the pixels"))
        for name, share in zip(CLASSES, counts)
    )


def _merits(classes: Tensor, mask: Tensor, names: tuple[str, ...]) -> tuple[Merit, ...]:
    """IoU over everything, in the band and beyond it, then class by class."""
    band, count = edge_band(mask), max(len(names), int(classes.max()) + 1)
    each = iou(classes, mask, count)
    present = mask.unique()
    parts = [Merit("IoU", _mean(each, present), _("the mean over the classes in the mask"))]
    for label, within, meaning in (
        ("in the band", band, "at most 2 pixels from another class"),
        ("beyond it", ~band, "all other pixels"),
    ):
        parts.append(Merit(label, _mean(iou(classes, mask, count, within), present), meaning))
    for number in present.tolist():
        parts.append(Merit(names[number], f"{float(each[number]):.2f}", _("IoU of this class")))
    return tuple(parts)


def _mean(each: Tensor, present: Tensor) -> str:
    mean = float(each[present].nanmean())
    return "-" if math.isnan(mean) else f"{mean:.2f}"
