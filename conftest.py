"""How the tests share one machine, whichever of them are run and in however many processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling

BROWSER = "tests/browser/"

# Before torch is loaded, and for all kernels: an OpenMP thread that waits for the others is to give
# its core away. Otherwise it spins, and two processes on two cores take several times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# What a notebook shows is compared, however busy the machine is.
os.environ["RESAMPLE_VIZ_PROGRESS"] = "0"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Among several processes, begin with what takes longest in one piece."""

    def place(item: pytest.Item) -> int:
        if item.nodeid.startswith(BROWSER):
            return 0
        return 1 if item.path.suffix == ".ipynb" else 2

    if hasattr(config, "workerinput"):  # this is one of them
        items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Keep the tests of a file together, in the order of the tests.

    The cells of a notebook need their order and one kernel, and the tests of a file share fixtures.
    Each process that has a file of browser tests starts a Chromium, and a JupyterLab if need be.
    """
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)
