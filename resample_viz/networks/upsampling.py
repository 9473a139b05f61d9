"""The one block in which the networks of lessons 10 to 12 differ: how a map is enlarged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn

Upsampling = Literal[
    "transposed convolution k=3",
    "transposed convolution k=4",
    "nearest + convolution",
    "bilinear + convolution",
    "sub-pixel convolution",
    "sub-pixel convolution, ICNR",
    "max unpooling",
]
UPSAMPLINGS: tuple[Upsampling, ...] = get_args(Upsampling)
"""The names of the blocks that `upsampling_block` builds."""

BlockMaker = Callable[[int, int, int], nn.Module]
"""Makes a block of one's own from (channels that come in, channels that go out, factor)."""


class MaxUnpooling(nn.Module):
    """Winners go back to their places, zeros elsewhere; then a 3 × 3 convolution fills the gaps.

    (N, C, H, W) and the indices of an `nn.MaxPool2d(factor, return_indices=True)`, of the same
    shape → (N, outputs, factor H, factor W). V. Badrinarayanan, A. Kendall, R. Cipolla, SegNet,
    TPAMI 2017, https://arxiv.org/abs/1511.00561, section 3.
    """

    def __init__(self, inputs: int, outputs: int, factor: int = 2) -> None:
        super().__init__()
        self.unpool = nn.MaxUnpool2d(factor)
        self.fill = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, x: Tensor, indices: Tensor) -> Tensor:
        """Map and indices, (N, C, H, W) each → (N, outputs, factor H, factor W).

        Raises ValueError for indices of another shape.
        """
        if indices.shape != x.shape:
            raise ValueError(
                f"max unpooling of a map of shape {tuple(x.shape)} got indices of shape "
                f"{tuple(indices.shape)}: give those of the pooling whose output had the shape of "
                "this map."
            )
        result: Tensor = self.fill(self.unpool(x, indices))
        return result


def upsampling_block(
    kind: Upsampling | BlockMaker, inputs: int, outputs: int, factor: int = 2
) -> nn.Module:
    """A block that turns (N, inputs, H, W) into (N, outputs, factor H, factor W).

    `kind` is a name from `UPSAMPLINGS`, or a function of your own of (inputs, outputs, factor) that
    makes a module; it is tried on a map of 4 × 4. All blocks but `MaxUnpooling` take the map alone.

    - transposed convolution: `nn.ConvTranspose2d`, stride = factor. Its stamps overlap evenly if
      the stride divides k. A. Odena, V. Dumoulin, C. Olah, Deconvolution and Checkerboard
      Artifacts, Distill 2016, https://distill.pub/2016/deconv-checkerboard/
    - nearest or bilinear + convolution: `nn.Upsample`, then a 3 × 3 convolution, as advised there.
    - sub-pixel convolution: factor² times the channels, then `nn.PixelShuffle`. W. Shi et al.,
      CVPR 2016, https://arxiv.org/abs/1609.05158. With ICNR (see `icnr_`) it starts as nearest.
    - max unpooling: see `MaxUnpooling`.

    Raises ValueError, in one sentence, for an unknown name, for a factor that the block cannot
    enlarge by, and for a block of your own that fails or gives another shape.

    >>> upsampling_block("transposed convolution k=4", 8, 1)
    ConvTranspose2d(8, 1, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))
    """
    if isinstance(factor, bool) or not isinstance(factor, int) or factor < 1:
        raise ValueError(f"factor must be a whole number, 1 or more, not {factor!r}: try 2.")
    if callable(kind):
        return _own(kind, inputs, outputs, factor)
    if kind not in UPSAMPLINGS:
        names = ", ".join(map(repr, UPSAMPLINGS))
        raise ValueError(f"there is no upsampling block {kind!r}: choose one of {names}.")
    if kind.startswith("transposed"):
        return _transposed(inputs, outputs, factor, kernel_size=int(kind[-1]))
    if kind.startswith("sub-pixel"):
        spread = nn.Conv2d(inputs, outputs * factor**2, 3, padding=1)
        if kind.endswith("ICNR"):
            icnr_(spread, factor)
        return nn.Sequential(spread, nn.PixelShuffle(factor))
    if kind == "max unpooling":
        return MaxUnpooling(inputs, outputs, factor)
    mode = kind.partition(" ")[0]
    return nn.Sequential(
        nn.Upsample(scale_factor=factor, mode=mode), nn.Conv2d(inputs, outputs, 3, padding=1)
    )


def _own(kind: BlockMaker, inputs: int, outputs: int, factor: int) -> nn.Module:
    """A block of one's own, after it has shown that it makes the shape that is needed."""
    if isinstance(kind, nn.Module):
        raise ValueError(
            f"upsampling is {type(kind).__name__}, a module, but every level needs one of its own: "
            "give a function of (inputs, outputs, factor) that makes it."
        )
    block = kind(inputs, outputs, factor)
    name = getattr(kind, "__name__", type(kind).__name__)
    if not isinstance(block, nn.Module):
        raise ValueError(f"{name} must return a torch.nn.Module, not {type(block).__name__}.")
    if isinstance(block, MaxUnpooling):
        return block
    device = next((parameter.device for parameter in block.parameters()), None)
    x = torch.zeros(1, inputs, 4, 4, device=device)
    needed = (1, outputs, 4 * factor, 4 * factor)
    block.eval()  # a trial is to leave no trace in running statistics
    try:
        with torch.no_grad():
            shape = tuple(block(x).shape)
    except Exception as error:
        raise ValueError(
            f"the block that {name}({inputs}, {outputs}, {factor}) makes fails on a map of shape "
            f"{tuple(x.shape)} ({type(error).__name__}: {error}): it should make {needed} of it."
        ) from error
    if shape != needed:
        raise ValueError(
            f"the block that {name}({inputs}, {outputs}, {factor}) makes gives {shape} for a map "
            f"of shape {tuple(x.shape)}, not {needed}: change its stride or its padding."
        )
    return block.train()


def _transposed(inputs: int, outputs: int, factor: int, kernel_size: int) -> nn.ConvTranspose2d:
    """Enlarges by exactly `factor`: (H − 1) factor − 2 padding + k + output_padding = factor H."""
    overlap = kernel_size - factor
    padding = max(0, -(-overlap // 2))
    if 2 * padding - overlap >= factor:
        raise ValueError(
            f"a transposed convolution with k={kernel_size} cannot enlarge by exactly {factor}: "
            "use k=3, or a factor of 2 or more."
        )
    return nn.ConvTranspose2d(
        inputs,
        outputs,
        kernel_size,
        stride=factor,
        padding=padding,
        output_padding=2 * padding - overlap,
    )


def icnr_(convolution: nn.Conv2d, factor: int) -> None:
    """Starts a sub-pixel convolution as a nearest upsampling, in place: no checkerboard at first.

    The factor² kernels whose outputs `nn.PixelShuffle` lays side by side start equal: each kernel
    is repeated factor² times, one copy right after the other. A. Aitken et al., Checkerboard
    Artifact Free Sub-Pixel Convolution, https://arxiv.org/abs/1707.02937, section 3.

    Raises ValueError for a number of output channels that factor² does not divide.
    """
    if convolution.out_channels % factor**2:
        raise ValueError(
            f"{convolution.out_channels} channels cannot be laid side by side {factor**2} at a "
            f"time: use a multiple of {factor**2}."
        )
    weight, bias = convolution.weight.data, convolution.bias
    weight.copy_(weight[:: factor**2].repeat_interleave(factor**2, dim=0))
    if bias is not None:
        bias.data.copy_(bias.data[:: factor**2].repeat_interleave(factor**2))


def enlarge(block: nn.Module, x: Tensor, indices: Tensor) -> Tensor:
    """Applies a block to x, (N, C, H, W) → (N, outputs, factor H, factor W).

    `indices`, (N, C, H, W), of the encoder's pooling, go to the one block that needs them.
    """
    result: Tensor = block(x, indices) if isinstance(block, MaxUnpooling) else block(x)
    return result
