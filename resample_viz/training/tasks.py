"""The tasks of lessons 10 to 12: reconstruction, segmentation, super-resolution."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.analysis import mean_iou, psnr
from resample_viz.training.loop import Batch, Task

CLASS_COLORS = (
    "#404040", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442"
)  # fmt: skip
"""Background dark grey, then the Okabe–Ito set."""


def reconstruction(
    pictures: Tensor, held_out: Tensor | None = None, *, noise: float = 0.0, batch_size: int = 64
) -> Task:
    """Give back the picture that came in; with `noise`, without the noise that was added to it.

    `pictures` are (N, C, H, W) in [0, 1]; so is `held_out`, by default the last tenth of them,
    which is then not trained on. `noise` is the standard deviation of what is added.

    Raises ValueError for too few pictures, whole numbers instead of floats, or a noise below 0.
    """
    if not 0 <= noise < math.inf:
        raise ValueError(f"noise is a standard deviation, 0 or more, not {noise!r}: try 0.1.")
    if held_out is None:
        kept = held_out_count(pictures)
        pictures, held_out = pictures[:-kept], pictures[-kept:]
    check_pictures(pictures)
    check_pictures(held_out)

    def noisy(clean: Tensor, random: torch.Generator) -> Tensor:
        return clean + noise * torch.randn(clean.shape, generator=random) if noise else clean

    def batch(random: torch.Generator) -> Batch:
        chosen = pictures[torch.randint(len(pictures), (batch_size,), generator=random)]
        return noisy(chosen, random), chosen

    return Task(
        "reconstruction",
        batch,
        (noisy(held_out, torch.Generator().manual_seed(1)), held_out),
        F.mse_loss,
        psnr,
        "PSNR in dB",
    )


def segmentation(
    pictures: Tensor, masks: Tensor, held_out: Batch | None = None, *, batch_size: int = 16
) -> Task:
    """Give every pixel its class.

    `pictures` are (N, C, H, W) in [0, 1], `masks` (N, H, W) int64 from 0, the background;
    `held_out` is such a pair, by default the last tenth, which is then not trained on.

    Raises ValueError for too few pictures, whole numbers instead of floats, or masks that do not
    belong to them.
    """
    if held_out is None:
        kept = held_out_count(pictures)
        held_out = pictures[-kept:], masks[-kept:]
        pictures, masks = pictures[:-kept], masks[:-kept]
    for some, of_them in ((pictures, masks), held_out):
        check_pictures(some)
        if of_them.shape != (len(some), *some.shape[2:]) or of_them.dtype != torch.int64:
            raise ValueError(
                f"masks of pictures {tuple(some.shape)} have shape {(len(some), *some.shape[2:])} "
                f"and dtype int64, not {tuple(of_them.shape)} and {of_them.dtype}: try "
                "masks.long(), without a channel axis."
            )

    def batch(random: torch.Generator) -> Batch:
        chosen = torch.randint(len(pictures), (batch_size,), generator=random)
        return pictures[chosen], masks[chosen]

    return Task(
        "segmentation",
        batch,
        held_out,
        F.cross_entropy,
        lambda scores, mask: mean_iou(scores.argmax(1), mask, classes=scores.shape[1]),
        "mean IoU",
        class_picture,
    )


def class_picture(tensor: Tensor) -> Tensor:
    """Masks (N, H, W), or scores (N, classes, H, W), in class colours: (N, 3, H, W) in [0, 1].

    >>> class_picture(torch.zeros(1, 2, 2, dtype=torch.int64)).unique().mul(255).tolist()
    [64.0]
    """
    classes = tensor.argmax(1) if tensor.ndim == 4 else tensor
    colors = torch.tensor([list(bytes.fromhex(color[1:])) for color in CLASS_COLORS]) / 255
    return colors[classes % len(colors)].movedim(-1, 1)


def super_resolution(
    pictures: Sequence[tuple[Tensor, Tensor]],
    held_out: Batch,
    *,
    patch: int = 24,
    batch_size: int = 16,
) -> Task:
    """Give back the large picture that a small one was made of.

    `pictures` are pairs (small, large), (1, C, H, W) and (1, C, factor H, factor W) in [0, 1], each
    at least `patch` small pixels high and wide; every batch cuts patches of that size out of them.
    `held_out` is one such pair, of another picture.

    Raises ValueError for no picture at all, one that is smaller than a patch, or a pair that does
    not have one whole factor for all.
    """
    if not pictures:
        raise ValueError("super_resolution needs at least one pair of pictures (small, large).")
    factor = held_out[1].shape[-1] // held_out[0].shape[-1]
    for small, large in (*pictures, held_out):
        fitting = tuple(factor * size for size in small.shape[-2:])
        if large.shape[-2:] != fitting:
            raise ValueError(
                f"{small.shape[-2]} × {small.shape[-1]} pixels go with {fitting[0]} × {fitting[1]} "
                f"at a factor of {factor}, not with {large.shape[-2]} × {large.shape[-1]}: make "
                "all pairs with small_and_large(picture, factor)."
            )
    for small, _ in pictures:
        if min(small.shape[-2:]) < patch:
            height, width = small.shape[-2:]
            raise ValueError(
                f"a picture of {height} × {width} is smaller than a patch of {patch} × {patch}: "
                f"use patch={min(height, width)}, or a larger picture."
            )

    def patches(random: torch.Generator) -> Batch:
        small, large = pictures[int(torch.randint(len(pictures), (), generator=random))]
        row, col = (
            int(torch.randint(size - patch + 1, (), generator=random)) for size in small.shape[-2:]
        )
        return (
            small[..., row : row + patch, col : col + patch],
            large[
                ...,
                factor * row : factor * (row + patch),
                factor * col : factor * (col + patch),
            ],
        )

    def batch(random: torch.Generator) -> Batch:
        drawn = [patches(random) for _ in range(batch_size)]
        return torch.cat([small for small, _ in drawn]), torch.cat([large for _, large in drawn])

    return Task(
        "super-resolution",
        batch,
        held_out,
        F.l1_loss,
        lambda output, target: psnr(output.clamp(0, 1), target),
        "PSNR in dB",
    )


def held_out_count(pictures: Tensor) -> int:
    """How many of pictures (N, C, H, W) are held out for validation: a tenth, at least one.

    Raises ValueError for fewer than 2.
    """
    if len(pictures) < 2:
        raise ValueError(
            f"{len(pictures)} pictures cannot be split into some to train on and some to judge by: "
            "give at least 2, or held_out."
        )
    return max(1, len(pictures) // 10)


def check_pictures(pictures: Tensor) -> None:
    """Raises ValueError for what is no batch of pictures, (N, C, H, W) floats, in one sentence."""
    if pictures.ndim != 4 or not pictures.numel() or not pictures.is_floating_point():
        raise ValueError(
            f"pictures are floats of shape (N, C, H, W) in [0, 1], not {pictures.dtype} of shape "
            f"{tuple(pictures.shape)}: try pictures[:, None].float() / 255 for grey bytes."
        )
