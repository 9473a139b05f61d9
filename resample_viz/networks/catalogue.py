"""The networks of lesson 09 by name, built on the meta device unless somebody needs numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError

import torch
from torch import nn

from resample_viz.compat import import_torchvision
from resample_viz.networks.detector import PyramidDetector
from resample_viz.networks.generators import ESPCN, DCGANGenerator
from resample_viz.networks.segnet import SegNet
from resample_viz.networks.unet import UNet

OURS = "from resample_viz.networks import {0}"
TORCHVISION = "from torchvision.models import {0}"
SEGMENTATION = "from torchvision.models.segmentation import {0}"


@dataclass(frozen=True)
class Network:
    """A network, and how a learner writes it.

    `make(fix, pretrained)` builds it; `code` is the line that does, `setup` the import it needs.
    `look` says what its ladder shows.
    """

    name: str
    setup: str
    code: str
    make: Callable[[Any, bool], nn.Module]
    look: str
    channels: int = 3
    size: tuple[int, int] = (224, 224)
    fixed_shape: tuple[int, ...] | None = None
    has_weights: bool = False
    can_fix: bool = False

    def input_shape(self, size: tuple[int, int]) -> tuple[int, ...]:
        """The input of this network for pictures of `size`, (N, C, H, W)."""
        return self.fixed_shape or (1, self.channels, *size)

    def build(self, *, fix: Any = "none", pretrained: bool = False, real: bool = False) -> Any:
        """The network: shapes without numbers, or `real`, with the weights of seed 0.

        With `pretrained` torchvision's weights are loaded, from the network if they were not yet.
        Raises ConnectionError, in one sentence, where they cannot be had.
        """
        if not (real or pretrained):
            with torch.device("meta"):
                return self.make(fix, False)
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                return self.make(fix, pretrained)
        except URLError as error:
            raise ConnectionError(
                f"the pretrained weights of {self.name} could not be downloaded ({error.reason}): "
                "without them the same shapes come out, with random weights."
            ) from None


def _torchvision(name: str, **options: Any) -> Callable[[Any, bool], nn.Module]:
    def make(_: Any, pretrained: bool) -> nn.Module:
        import_torchvision()
        from torchvision.models import get_model

        if "weights_backbone" in options:
            arguments = {"weights": "DEFAULT"} if pretrained else {"weights": None, **options}
        else:
            arguments = {"weights": "DEFAULT" if pretrained else None, **options}
        model: nn.Module = get_model(name, **arguments)
        return model

    return make


NETWORKS: dict[str, Network] = {
    one.name: one
    for one in (
        Network(
            "ResNet-18",
            TORCHVISION.format("resnet18"),
            "resnet18(weights=None)",
            _torchvision("resnet18"),
            "Five halvings: 224 becomes 7. Each residual addition joins two paths of one size.",
            has_weights=True,
        ),
        Network(
            "ResNet-50",
            TORCHVISION.format("resnet50"),
            "resnet50(weights=None)",
            _torchvision("resnet50"),
            "The last map has 7 × 7 cells 32 pixels apart, and each may see 427 pixels: more than "
            "the whole picture.",
            has_weights=True,
        ),
        Network(
            "ResNet-50 + FPN",
            OURS.format("PyramidDetector"),
            "PyramidDetector(classes=3)",
            lambda _, pretrained: PyramidDetector(pretrained=pretrained),
            "Down through ResNet-50, then up again by nearest neighbours: each level joins one "
            "from the way down, and the same head reads them all.",
            size=(256, 256),
            has_weights=True,
        ),
        Network(
            "FCN",
            SEGMENTATION.format("fcn_resnet50"),
            "fcn_resnet50(weights=None, weights_backbone=None)",
            _torchvision("fcn_resnet50", weights_backbone=None),
            "Dilation instead of the last two strides: the map stays at an eighth of the picture, "
            "and one interpolation makes up for it.",
            has_weights=True,
        ),
        Network(
            "DeepLabV3",
            SEGMENTATION.format("deeplabv3_resnet50"),
            "deeplabv3_resnet50(weights=None, weights_backbone=None)",
            _torchvision("deeplabv3_resnet50", weights_backbone=None),
            "Five branches look at one map: 1 × 1, three dilations, and a pooling over all of it.",
            has_weights=True,
        ),
        Network(
            "U-Net, padded",
            OURS.format("UNet"),
            "UNet(padding=1, fix={fix!r})",
            lambda fix, _: UNet(padding=1, fix=fix),
            "Four halvings, four doublings, and a skip at every level: sizes that 16 divides go "
            "through.",
            channels=1,
            size=(128, 128),
            can_fix=True,
        ),
        Network(
            "U-Net, as in its paper",
            OURS.format("UNet"),
            "UNet(padding=0)",
            lambda _, __: UNet(padding=0),
            "No padding: 572 becomes 388, and every skip is cropped to what it meets.",
            channels=1,
            size=(572, 572),
        ),
        Network(
            "SegNet",
            OURS.format("SegNet"),
            "SegNet(classes=3)",
            lambda _, __: SegNet(),
            "Unpooling puts every winner back to its place, and brings odd sizes back as well.",
        ),
        Network(
            "DCGAN generator",
            OURS.format("DCGANGenerator"),
            "DCGANGenerator()",
            lambda _, __: DCGANGenerator(),
            "100 numbers in one cell become 4 × 4, then 8, 16, 32, 64: only transposed "
            "convolutions. Its input has one size.",
            fixed_shape=(1, 100, 1, 1),
        ),
        Network(
            "ESPCN ×3",
            OURS.format("ESPCN"),
            "ESPCN(factor=3)",
            lambda _, __: ESPCN(),
            "No layer but the last changes the size: PixelShuffle lays 9 channels side by side.",
            channels=1,
            size=(64, 64),
        ),
    )
}
"""By the name that a lab shows."""
