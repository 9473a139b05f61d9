"""The one exception of this package."""

from __future__ import annotations


class ImageError(ValueError):
    """A picture, array or tensor that cannot be used: one sentence with the rule and a way out."""


def shown(value: object) -> str:
    """A value as code for an error sentence, on one line and never long.

    >>> shown("cat.png"), shown("x" * 100)[:5]
    ("'cat.png'", "'xxxx")
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:50]} ... {text[-20:]}"
