"""Half a pixel per level: an encoder of strided convolutions against two kinds of decoders.

An odd kernel of stride 2 and padding (k − 1) / 2 reads at every second pixel, 2 i. Interpolation
takes the middle of a block, 2 i + ½, for the place of cell i. Each level of such a pair moves the
picture by half a pixel of its own, which is 2 ** level / 2 pixels of the largest picture.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.labs.panels import signal_range, tensor_panel
from resample_viz.labs.profiles import Profiles
from resample_viz.operations import Conv, ConvTranspose, Upsample
from resample_viz.view import Frame, Merit, Step
from resample_viz.view.colors import ROLE_COLORS
from resample_viz.words import gettext as _

STRIDE = 2
MIXED, MATCHED = "decoded by interpolation", "by transposed convolution"
STYLES = {
    "x": {"label": "x", "color": ROLE_COLORS["input"], "lw": 2},
    "mixed": {"label": MIXED, "color": ROLE_COLORS["output"], "lw": 1.5},
    "matched": {"label": MATCHED, "color": ROLE_COLORS["undone"], "ls": "--", "lw": 1.5},
}


class EncoderDecoder:
    """Down and up again `levels` times, with weights that keep the picture as it is.

    The encoder reads one pixel in four by a strided 3 × 3 convolution whose only weight is in the
    middle. `decode` is either bilinear interpolation, or the transposed convolution of the same
    kernel_size, stride and padding whose kernel is a tent.
    """

    def __init__(self, levels: int) -> None:
        self.levels = levels

    def mixed(self, x: Tensor) -> Tensor:
        """Strided convolution, then bilinear interpolation."""
        return self._run(x, Upsample(scale_factor=2.0, mode="bilinear"))

    def matched(self, x: Tensor) -> Tensor:
        """Strided convolution, then transposed convolution."""
        tent = ConvTranspose("bilinear", 3, STRIDE, padding=1, output_padding=1)
        return self._run(x, tent)

    def _run(self, x: Tensor, decoder: Upsample | ConvTranspose) -> Tensor:
        down = Conv(kernel="identity", kernel_size=3, stride=STRIDE, padding=1)
        alone = x.reshape(-1, 1, *x.shape[2:])  # every channel by itself
        for _level in range(self.levels):
            alone = down(alone)
        for _level in range(self.levels):
            alone = decoder(alone)
        return alone.view(*x.shape[:2], *alone.shape[2:])

    def drift(self, mixed: bool) -> float:
        """How many pixels the picture moves to the right, read off a ramp away from its ends."""
        size = 2 ** (self.levels + 4)
        ramp = torch.arange(float(size)).expand(1, 1, size, size).contiguous()
        out = self.mixed(ramp) if mixed else self.matched(ramp)
        inner = slice(size // 4, -size // 4)
        return float((ramp - out)[0, 0, size // 2, inner].mean())


def fitting(x: Tensor, levels: int) -> Tensor:
    """The picture, cut so that it can be halved `levels` times without a rest."""
    block = STRIDE**levels
    height, width = (max(block, n // block * block) for n in x.shape[2:])
    if (height, width) == x.shape[2:]:
        return x
    fits = min(height, x.shape[2]), min(width, x.shape[3])
    if fits == (height, width):
        return x[..., :height, :width]
    return F.interpolate(x, size=(height, width), mode="nearest-exact")


def drift_frame(network: EncoderDecoder, x: Tensor, chart: Profiles) -> Frame:
    """The picture after the network with the wrong and with the right decoder."""
    fitted = fitting(x, network.levels)
    mixed, matched = network.mixed(fitted), network.matched(fitted)
    limits = signal_range(x)
    off, right = (abs(network.drift(mixed=wrong)) for wrong in (True, False))
    moved = tensor_panel("mixed", MIXED.capitalize(), "output", mixed, limits)
    kept = tensor_panel("matched", MATCHED.capitalize(), "undone", matched, limits)
    row = chart.draw("one row", {"x": fitted, "mixed": mixed, "matched": matched})
    return Frame(
        (
            tensor_panel("x", "x", "input", fitted, limits),
            replace(
                moved,
                caption=_("moved by {off} pixels to the right and down", off=format(off, "g")),
            ),
            replace(kept, caption=_("moved by {right} pixels", right=format(right, "g"))),
            row,
        ),
        strip=(
            Step("x", tuple(fitted.shape), "input"),
            Step(f"{network.levels} × Conv2d(kernel 3, stride 2, padding 1)"),
            Step(f"{network.levels} × twice as large"),
            Step("x̂", tuple(mixed.shape), "undone"),
        ),
        code=_code(network.levels),
        merits=(
            Merit("drift with interpolation", f"{off:g} px", "½ · (2 ** levels − 1)"),
            Merit("with transposed convolution", f"{right:g} px"),
        ),
        formula=f"drift: (2 ** {network.levels} − 1) / 2 = {off:g} pixels",
        hint=_("Set levels: the drift is ½, 1½, 3½, 7½ pixels."),
    )


def _code(levels: int) -> str:
    return (
        "tap = torch.zeros(1, 1, 3, 3)\n"
        "tap[0, 0, 1, 1] = 1\n"
        "x_hat = x[:, :1]\n"
        f"for _ in range({levels}):\n"
        "    x_hat = F.conv2d(x_hat, tap, stride=2, padding=1)\n"
        f"for _ in range({levels}):\n"
        '    x_hat = F.interpolate(x_hat, scale_factor=2, mode="bilinear")'
    )
