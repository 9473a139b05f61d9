"""Data sets of torchvision: read from its own files, never downloaded unasked."""

from __future__ import annotations

import pickle
import socket
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from resample_viz.compat import import_torchvision
from resample_viz.datasets import ONLINE, online
from resample_viz.images import ImageError

LEVELS = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
GREY = [name for name in ONLINE if name != "CIFAR10"]


def idx(array: np.ndarray) -> bytes:
    """The format of MNIST's files: a magic number with the dimensions, the sizes, the bytes."""
    return struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


def write_grey(folder: Path, name: str) -> None:
    """Both parts; what is to test on is the reverse of what is to train on."""
    raw = folder / name / "raw"
    raw.mkdir(parents=True)
    for part, pictures in (("train", LEVELS), ("t10k", LEVELS[::-1])):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(pictures))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.zeros(5, np.uint8)))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """No socket reaches anything; what was tried is noted."""
    tried: list[Any] = []

    def refuse(*address: Any, **_: Any) -> Any:
        tried.append(address)
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


@pytest.mark.parametrize("name", GREY)
@pytest.mark.parametrize("train", [True, False])
def test_grey_pictures_are_read_from_torchvisions_files(
    name: Any, train: bool, tmp_path: Path, offline: list[Any]
) -> None:
    write_grey(tmp_path, name)
    pictures = online(name, folder=tmp_path, train=train)
    assert pictures.dtype == torch.float32
    levels = torch.tensor(LEVELS if train else LEVELS[::-1].copy())
    assert torch.equal(pictures, levels[:, None] / 255)
    assert offline == []


def test_colours_are_read_from_torchvisions_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: list[Any]
) -> None:
    import_torchvision()
    from torchvision.datasets import CIFAR10

    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: True)  # of the real files
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    levels = np.random.default_rng(1).integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    root = tmp_path / CIFAR10.base_folder
    root.mkdir()
    content = {"data": levels.reshape(4, -1), "labels": [0] * 4}
    for name, _ in CIFAR10.test_list:
        (root / name).write_bytes(pickle.dumps(content))
    (root / CIFAR10.meta["filename"]).write_bytes(pickle.dumps({CIFAR10.meta["key"]: ["a"]}))
    pictures = online("CIFAR10", folder=str(tmp_path), train=False)
    assert torch.equal(pictures, torch.from_numpy(levels) / 255)
    assert offline == []


@pytest.mark.parametrize(("count", "found"), [(1, 1), (3, 3), (99, 5), (None, 5)])
def test_count_is_how_many(count: int | None, found: int, tmp_path: Path) -> None:
    write_grey(tmp_path, "FashionMNIST")
    assert online(folder=tmp_path, count=count).shape == (found, 1, 28, 28)


def test_by_default_it_is_looked_for_beside_torch_hubs_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    write_grey(tmp_path / "datasets", "FashionMNIST")
    assert len(online()) == 5


@pytest.mark.parametrize("name", ONLINE)
def test_nothing_is_downloaded_unasked(name: Any, tmp_path: Path, offline: list[Any]) -> None:
    with pytest.raises(
        ImageError, match=rf"^{name} cannot be read in .*download=True.*\.$"
    ) as told:
        online(name, folder=tmp_path)
    assert "\n" not in str(told.value)
    assert offline == []


@pytest.mark.parametrize("name", ONLINE)
def test_without_a_network_one_sentence_names_the_way_out(
    name: Any, tmp_path: Path, offline: list[Any]
) -> None:
    told = rf"^{name} could not be downloaded \(.+\): try again .* digits\(\) or faces\(\).*\.$"
    with pytest.raises(ConnectionError, match=told) as error:
        online(name, folder=tmp_path, download=True)
    assert "\n" not in str(error.value)
    assert offline, "it was tried"


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ImageError, match=r"cannot be read in .*file"):
        online(folder=tmp_path / "file", download=True)


@pytest.mark.parametrize("name", ["ImageNet", "fashionmnist", "", None])
def test_an_unknown_name_is_answered_with_those_there_are(name: Any) -> None:
    with pytest.raises(ImageError, match=r"choose one of FashionMNIST, .*CIFAR10\.$"):
        online(name)


@pytest.mark.parametrize("count", [0, -1, 2.5, True])
def test_a_count_is_a_whole_number(count: Any, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"count must be a whole number"):
        online(folder=tmp_path, count=count)
