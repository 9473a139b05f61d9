"""Handwritten digits, which scikit-learn ships inside its wheel."""

from __future__ import annotations

import torch
from torch import Tensor


def digits() -> Tensor:
    """1,797 handwritten digits, (1797, 1, 8, 8) float32 in [0, 1], in a fixed random order.

    43 people wrote them; each value is one sixteenth of a count of black pixels, 0 to 16. Source:
    https://archive.ics.uci.edu/dataset/80 (test set), as `sklearn.datasets.load_digits` has it.
    """
    from sklearn.datasets import load_digits

    pictures = torch.from_numpy(load_digits().images).to(torch.float32).div(16).unsqueeze(1)
    # In the file, digits of one writer follow each other.
    return pictures[torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))]
