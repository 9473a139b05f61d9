"""Handwritten digits, which scikit-learn ships inside its wheel."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import torch
from torch import Tensor

from resample_viz.images import ImageError
from resample_viz.words import gettext as _

COUNT, SIDE = 1797, 8
LOAD = """
import sys
from sklearn.datasets import load_digits
sys.stdout.buffer.write(load_digits().images.astype("uint8").tobytes())
"""


def digits() -> Tensor:
    """1,797 handwritten digits, (1797, 1, 8, 8) float32 in [0, 1], in a fixed random order.

    43 people wrote them; each value is one sixteenth of a count of black pixels, 0 to 16. Source:
    https://archive.ics.uci.edu/dataset/80 (test set), as `sklearn.datasets.load_digits` has it.

    Raises ImageError if scikit-learn is not installed.
    """
    pictures = _levels().float() / 16
    # In the file, digits of one writer follow each other.
    return pictures[torch.randperm(COUNT, generator=torch.Generator().manual_seed(0))]


@cache
def _levels() -> Tensor:
    """The counts, (1797, 1, 8, 8) uint8.

    Importing scikit-learn takes 80 MB for as long as a process lives, so another one does it.
    """
    loaded = subprocess.run(  # noqa: S603  a constant, and our own Python
        [sys.executable, "-c", LOAD], capture_output=True, check=False
    )
    if len(loaded.stdout) != COUNT * SIDE**2:
        raise ImageError(
            _("the digits are missing: they ship inside scikit-learn, so install or reinstall it.")
        )
    return torch.frombuffer(bytearray(loaded.stdout), dtype=torch.uint8).reshape(-1, 1, SIDE, SIDE)
