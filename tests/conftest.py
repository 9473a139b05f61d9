"""Settings of all tests: one thread for torch, and how hypothesis looks for counterexamples."""

from __future__ import annotations

import os

import torch
from hypothesis import settings

torch.set_num_threads(1)  # the tensors are small, and the machine is shared

settings.register_profile("local", deadline=None, max_examples=60)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in ("1", "true") else "local")
