"""A larger data set than those that ship inside packages: downloaded only if one asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args
from urllib.error import URLError

import torch
from torch import Tensor

from resample_viz.compat import import_torchvision
from resample_viz.images import ImageError
from resample_viz.words import gettext as _

OnlineName = Literal["FashionMNIST", "MNIST", "KMNIST", "CIFAR10"]
ONLINE: tuple[OnlineName, ...] = get_args(OnlineName)
"""The data sets of torchvision that `online` gives."""


def online(
    name: OnlineName = "FashionMNIST",
    *,
    train: bool = True,
    count: int | None = None,
    folder: str | Path | None = None,
    download: bool = False,
) -> Tensor:
    """Pictures of a torchvision data set, (N, C, H, W) float32 in [0, 1], in the data set's order.

    Grey 28 × 28 (`FashionMNIST`, `MNIST`, `KMNIST`) or colour 32 × 32 (`CIFAR10`); `count` is how
    many, all by default. Nothing is downloaded unless `download=True`; then 10 to 170 MB are, once,
    into `folder`, by default `datasets` beside the models in torch.hub's cache.
    https://docs.pytorch.org/vision/stable/datasets.html

    Raises ImageError for a name that is not in `ONLINE`, a `count` that is no number of pictures,
    and for a data set that is not in the folder; ConnectionError if it cannot be downloaded.
    """
    if name not in ONLINE:
        raise ImageError(
            _(
                "there is no data set {name} here: choose one of {choices}.",
                name=repr(name),
                choices=", ".join(ONLINE),
            )
        )
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
        raise ImageError(
            _(
                "count must be a whole number, 1 or more, not {count}: try count=2000.",
                count=repr(count),
            )
        )
    where = Path(folder) if folder is not None else Path(torch.hub.get_dir()).parent / "datasets"
    levels = torch.as_tensor(_opened(name, where, train=train, download=download).data)[:count]
    # Grey ones come as (N, H, W), colours as (N, H, W, 3).
    stack = levels[:, None] if levels.ndim == 3 else levels.movedim(-1, 1)
    return stack.to(torch.float32).div_(255)


def _opened(name: str, where: Path, *, train: bool, download: bool) -> Any:
    import_torchvision()
    from torchvision import datasets

    try:
        return getattr(datasets, name)(str(where), train=train, download=download)
    except (RuntimeError, OSError) as error:
        # torchvision says RuntimeError both where files are missing and where no mirror answered.
        if download and (isinstance(error, URLError | ConnectionError | RuntimeError)):
            raise ConnectionError(
                f"{name} could not be downloaded ({_first_line(error)}): try again with a network, "
                "or use digits() or faces(), which need none."
            ) from None
        raise ImageError(
            _(
                "{name} cannot be read in {where} ({reason}): use online(..., "
                "download=True) with a network, or digits() or faces(), which need "
                "none.",
                name=name,
                where=repr(str(where)),
                reason=_first_line(error),
            )
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".:")
