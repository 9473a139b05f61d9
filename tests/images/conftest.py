"""Small pictures as files in memory, and a check that every refusal is one usable sentence."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from resample_viz.images import ImageError

Encode = Callable[..., bytes]
Refused = Callable[..., AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to open a connection fails the test: nothing here may ever download."""

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("a network connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="session")
def encode() -> Encode:
    """encode(array or image, "PNG", **options): the bytes of a picture file."""

    def encoded(picture: np.ndarray | Image.Image, name: str = "PNG", **options: Any) -> bytes:
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        if name in ("WEBP", "AVIF") and not features.check(name.lower()):
            pytest.skip(f"this Pillow was built without {name}")
        buffer = BytesIO()
        image.save(buffer, name, **options)
        return buffer.getvalue()

    return encoded


@pytest.fixture(scope="session")
def refused() -> Refused:
    """with refused("word", "word"): the block raises ImageError, one sentence with these words."""

    @contextmanager
    def check(*words: str) -> Iterator[None]:
        with pytest.raises(ImageError) as caught:
            yield
        sentence = str(caught.value)
        assert type(caught.value) is ImageError
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert 20 < len(sentence) < 320
        for word in words:
            assert word.lower() in sentence.lower(), f"{word!r} is not in {sentence!r}"

    return check
