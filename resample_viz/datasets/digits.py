"""Handwritten digits, which scikit-learn ships inside its wheel."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from resample_viz.images import ImageError

PIXELS = 64
"""So many columns of the file are pixels; the last one is the digit."""


def digits() -> Tensor:
    """1,797 handwritten digits, (1797, 1, 8, 8) float32 in [0, 1], in a fixed random order.

    43 people wrote them; each value is one sixteenth of a count of black pixels, 0 to 16. Source:
    https://archive.ics.uci.edu/dataset/80 (test set), as `sklearn.datasets.load_digits` has it.

    Raises ImageError if scikit-learn is not installed.
    """
    import numpy as np

    # Read where it lies: importing scikit-learn takes 80 MB of the kernel, and over a second.
    package = find_spec("sklearn")
    stored = [Path(at) / "datasets/data/digits.csv.gz" for at in _folders(package)]
    if not stored or not stored[0].exists():
        raise ImageError(
            "the digits are missing: they ship inside scikit-learn, so install or reinstall it."
        )
    with gzip.open(stored[0], "rt") as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.float32)
    pictures = torch.from_numpy(rows[:, :PIXELS]).reshape(-1, 1, 8, 8) / 16
    # In the file, digits of one writer follow each other.
    return pictures[torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))]


def _folders(package: object) -> list[str]:
    return list(getattr(package, "submodule_search_locations", None) or ())
