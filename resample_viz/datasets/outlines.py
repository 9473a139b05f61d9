"""Real outlines, to test what was learned on generated shapes: a horse, and coins."""

from __future__ import annotations

from importlib.resources import files

import torch
from torch import Tensor

from resample_viz.datasets.shapes import check_request, textured
from resample_viz.images import photograph


def horse(size: int = 48, *, seed: int = 0, noise: float = 0.05) -> tuple[Tensor, Tensor]:
    """The outline of a real horse, filled with the three patterns of `shapes` in turn.

    Pictures (3, 3, size, size) in [0, 1] and masks (3, size, size) int64: one picture per class.
    The outline is scikit-image's `horse`, drawn by hand. Raises ValueError for a size below 16.
    """
    import numpy as np
    from PIL import Image

    check_request(3, size, noise)
    with (files("skimage") / "data" / "horse.png").open("rb") as file, Image.open(file) as drawing:
        small = drawing.convert("L").resize((size, size), Image.Resampling.BOX)
    inside = torch.from_numpy(np.array(small)) < 128
    random = torch.Generator().manual_seed(seed)
    pictures, masks = [], []
    for number in (1, 2, 3):
        ground, filling = textured(0, size, random), textured(number, size, random)
        pictures.append(torch.where(inside, filling, ground))
        masks.append(inside * number)
    stack = torch.stack(pictures)
    stack += noise * torch.randn(stack.shape, generator=random)
    return stack.clamp_(0, 1), torch.stack(masks)


def coins(size: int = 128) -> tuple[Tensor, Tensor]:
    """A photograph of coins, (1, 3, size, size) in [0, 1], and its mask, (1, size, size) int64.

    Grey, in three equal channels. The mask, 1 for coin, follows from the photograph: Otsu's
    threshold after a background that rises to one side was taken away, holes filled and specks
    removed. It is good to about a pixel. Raises ValueError for a size below 16.
    """
    check_request(1, size, 0)
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    x = photograph("coins", size)
    grey = x[0, 0].double().numpy()
    flat = grey - ndimage.gaussian_filter(grey, size / 4)
    foreground = ndimage.binary_fill_holes(flat > threshold_otsu(flat))
    foreground = ndimage.binary_opening(foreground, iterations=2)
    mask = torch.from_numpy(foreground).to(torch.int64)
    return x.expand(1, 3, -1, -1).clone(), mask[None]
