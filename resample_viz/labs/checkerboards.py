"""Where checkerboards come from: uneven counts, uneven sums, and gradients.

Source: Odena, Dumoulin, Olah, *Deconvolution and Checkerboard Artifacts*, Distill (2016); for pixel
shuffle and ICNR Aitken et al., *Checkerboard artifact free sub-pixel convolution* (2017).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.operations import ConvTranspose, OperationError, Pair
from resample_viz.view import Frame, Merit, Panel, Step
from resample_viz.words import gettext as _

INPUTS = 16  # channels of the random layers
DRAWS = 64  # layers that are drawn at once, as that many output channels
GRID = 8  # cells of the constant picture that they are given
MOST_COUNTED = 12  # rows and columns of an input whose overlaps are counted
UNEVEN = (
    "standard deviation of the means of the stride × stride phases, over their mean absolute "
    "value; the median of all draws"
)


def as_pair(value: int | Pair) -> Pair:
    """Height and width."""
    return value if isinstance(value, tuple) else (value, value)


def overlap_after_resizing(operation: ConvTranspose, shape: tuple[int, ...]) -> Tensor:
    """How many (input cell, tap) pairs land on each output of nearest upsampling + convolution.

    The convolution has the kernel size of `operation` and padding "same", (H', W') int64.
    """
    height, width = as_pair(operation.stride)
    large = F.interpolate(torch.ones(1, 1, *shape[2:]), scale_factor=(height, width))
    taps = torch.ones(1, 1, *operation.taps)
    with_borders = F.pad(large, _same(operation.taps))
    return F.conv2d(with_borders, taps)[0, 0].round().long()


def interior(counts: Tensor, operation: ConvTranspose) -> Tensor:
    """The cells that lie further from the border than a window reaches; all, if there are none."""
    height, width = operation.window
    inner = counts[height - 1 : 1 - height or None, width - 1 : 1 - width or None]
    return inner if inner.numel() else counts


def unevenness(y: Tensor, stride: Pair) -> Tensor:
    """How much a constant input is made to flicker, for every channel of y, (N, C, H, W).

    Standard deviation over mean absolute value of the means of the stride × stride phases: cells
    that lie at the same place of their block. 0 is smooth.
    """
    phases = [
        y[0, :, row :: stride[0], col :: stride[1]].mean((-1, -2))
        for row in range(stride[0])
        for col in range(stride[1])
    ]
    values = torch.stack(phases)
    return values.std(0) / values.abs().mean(0).clamp(min=1e-12)


class RandomLayers:
    """What layers with PyTorch's own initial weights make of a constant picture.

    `responses` are (1, DRAWS, H, W): one layer in each channel.
    """

    def __init__(self, operation: ConvTranspose) -> None:
        height, width = as_pair(operation.stride)
        if height != width:
            raise OperationError(
                _(
                    "pixel shuffle enlarges height and width alike, but the stride is "
                    "{height} × {width}: use one number for the stride.",
                    height=height,
                    width=width,
                )
            )
        self.stride, self.taps, self.seed = (height, width), operation.taps, operation.seed
        constant = torch.ones(1, INPUTS, GRID, GRID)
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            transposed = nn.ConvTranspose2d(INPUTS, DRAWS, self.taps, self.stride, bias=False)
            conv = nn.Conv2d(INPUTS, DRAWS, self.taps, bias=False)
            wide = nn.Conv2d(INPUTS, DRAWS * height * width, self.taps, bias=False)
            same = _same(self.taps)
            large = F.interpolate(constant, scale_factor=self.stride)
            icnr = conv.weight.repeat_interleave(height * width, dim=0)
            self.responses = {
                "transposed convolution": transposed(constant),
                "nearest upsampling + convolution": conv(F.pad(large, same)),
                "convolution + pixel shuffle": F.pixel_shuffle(wide(F.pad(constant, same)), height),
                "the same, ICNR initialisation": F.pixel_shuffle(
                    F.conv2d(F.pad(constant, same), icnr), height
                ),
            }
            self.responses["gradient of a strided convolution"] = self._gradient(conv, height)

    def _gradient(self, conv: nn.Conv2d, stride: int) -> Tensor:
        """What flows back into x from sum(y), y being a convolution of this stride, a draw each."""
        size = GRID * stride
        with torch.enable_grad():
            x = torch.zeros(1, DRAWS, size, size, requires_grad=True)
            y = F.conv2d(x, conv.weight.detach()[:, :1], stride=stride, groups=DRAWS)
            y.sum().backward()
        assert x.grad is not None
        return x.grad

    def middle(self, name: str) -> Tensor:
        """One response without the borders that padding or the first and last stamps leave."""
        y = self.responses[name]
        margins = [self._margin(n, s) for n, s in zip(self.taps, self.stride)]
        rows, cols = (slice(m, -m) for m in margins)
        inside: Tensor = y[..., rows, cols]
        return inside

    def unevenness(self, name: str) -> float:
        """The median over the draws of `unevenness`."""
        return float(unevenness(self.middle(name), self.stride).median())

    @staticmethod
    def _margin(taps: int, stride: int) -> int:
        """Whole blocks, so that the phases stay in step."""
        return stride * -(-taps // stride)


class LastDrawn:
    """The layers of the last operation: they depend on its kernel_size, stride and seed alone."""

    def __init__(self) -> None:
        self._drawn: tuple[object, RandomLayers] | None = None

    def of(self, operation: ConvTranspose) -> RandomLayers:
        """The random layers of an operation. Raises OperationError for an uneven stride."""
        key = (operation.taps, operation.stride, operation.seed)
        if self._drawn is None or self._drawn[0] != key:
            self._drawn = (key, RandomLayers(operation))
        return self._drawn[1]


def overlap_frame(operation: ConvTranspose, x: Tensor) -> Frame:
    """How many stamps land on each cell: here, at twice the stride, and after resizing."""
    grid = (1, 1, *(min(n, MOST_COUNTED) for n in x.shape[2:]))
    height, width = as_pair(operation.stride)
    even = ConvTranspose(
        kernel="ones", kernel_size=(2 * height, 2 * width), stride=operation.stride
    )
    stride, taps = _size((height, width)), _size(operation.taps)
    counts = {
        "this layer": operation.overlap(grid),
        f"kernel_size {_size(even.taps)}, stride {stride}": even.overlap(grid),
        f"nearest ×{stride}, then Conv2d {taps}": overlap_after_resizing(operation, grid),
    }
    distinct = [int(count) for count in interior(counts["this layer"], operation).unique()]
    inside = ", ".join(map(str, distinct))
    panels = tuple(
        Panel(
            f"count_{i}",
            _("{title}: stamps per cell", title=title),
            "output",
            count[None].float(),
            (0.0, float(count.max())),
            "cividis",
            caption="" if i else _("away from the border: {inside}", inside=inside),
        )
        for i, (title, count) in enumerate(counts.items())
    )
    return Frame(
        panels,
        strip=(
            Step("x", grid, "input"),
            Step("ConvTranspose2d"),
            Step("y", operation.output_shape((*x.shape[:2], *grid[2:])), "output"),
        ),
        code=f"count = rv.{operation!r}.overlap({grid})",
        merits=(
            Merit("stamps per cell", inside, _("away from the border")),
            Merit("even", "yes" if len(distinct) == 1 else "no"),
        ),
        hint=_("Even overlap needs a kernel_size that is a multiple of the stride."),
        main=tuple(panel.name for panel in panels),
    )


def random_frame(layers: RandomLayers) -> Frame:
    """What untrained layers make of one flat grey."""
    panels, figures = [], []
    for i, name in enumerate(layers.responses):
        y = layers.middle(name)[0, :1]
        largest = float(y.abs().max()) or 1.0
        uneven = f"{layers.unevenness(name):.1f}"
        panels.append(
            Panel(
                f"random_{i}",
                name[0].upper() + name[1:],
                "output",
                y,
                (-largest, largest),
                "diverging",
                caption=_("phases differ by {uneven} × their mean", uneven=uneven),
            )
        )
        figures.append(Merit(name, uneven, UNEVEN))
    grid = (1, INPUTS, GRID, GRID)
    return Frame(
        tuple(panels),
        strip=(Step("one flat grey", grid, "input"), Step("each untrained layer")),
        code=f"tconv = nn.ConvTranspose2d({INPUTS}, 1, kernel_size={layers.taps}, "
        f"stride={layers.stride}, bias=False)\ny = tconv(torch.ones{grid})",
        merits=tuple(figures),
        hint=_(
            "One flat grey through untrained layers: one of {draws} draws is "
            "shown, the figures are the median of all. 0.0 is smooth. ICNR starts "
            "all phases with the same weights.",
            draws=DRAWS,
        ),
    )


def _size(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} × {pair[1]}"


def _same(taps: Pair) -> tuple[int, int, int, int]:
    """Padding that keeps the size, in the order of F.pad; the odd cell comes at the end."""
    (top, bottom), (left, right) = (((k - 1) // 2, k // 2) for k in taps)
    return left, right, top, bottom
