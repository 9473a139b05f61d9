"""Settings of all tests: threads, how hypothesis looks for counterexamples, an older torch."""

from __future__ import annotations

import os

import pytest
import torch
from hypothesis import settings

from resample_viz.compat import has_lanczos, no_lanczos

torch.set_num_threads(1)  # the tensors are small, and the machine is shared

settings.register_profile("local", deadline=None, max_examples=60)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in ("1", "true") else "local")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips what is about torch's Lanczos where torch has none; test_compat says what is then told.

    Tests are about it if their name says so, parameters included, or the marker `lanczos`.
    """
    if has_lanczos():
        return
    for item in items:
        named = "lanczos" in item.name.lower() and item.path.name != "test_compat.py"
        if named or item.get_closest_marker("lanczos"):
            item.add_marker(pytest.mark.skip(reason=no_lanczos()))
