"""Small grey patches with faces and without, which scikit-image ships inside its wheel."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from io import BytesIO

import torch
from torch import Tensor

FACES = 100
"""The first so many of the 200 patches are faces."""


def faces() -> Tensor:
    """100 grey faces, (100, 1, 24, 24) float32 in [0, 1].

    Cut from Labeled Faces in the Wild (G. B. Huang et al., University of Massachusetts, 2007), in
    scikit-image's 25 × 25 pixels without the last row and column, so that they can be halved.
    """
    return _patches()[:FACES].clone()


def other_patches() -> Tensor:
    """100 patches of the same photographs without a face, (100, 1, 24, 24) float32 in [0, 1]."""
    return _patches()[FACES:].clone()


@cache
def _patches() -> Tensor:
    import numpy as np

    # Read where it lies: `skimage.data` would import a downloader.
    stored = (files("skimage") / "data" / "lfw_subset.npy").read_bytes()
    pictures = torch.from_numpy(np.load(BytesIO(stored))).to(torch.float32)
    return pictures[:, None, :24, :24].contiguous()
