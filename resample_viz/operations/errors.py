"""The error that operations raise."""

from __future__ import annotations


class OperationError(ValueError):
    """A parameter set or an input that PyTorch refuses, told in one sentence with a way out."""
