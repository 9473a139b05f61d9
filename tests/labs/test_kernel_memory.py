"""A real kernel does not grow when the cell of a lab is run again and again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

MAKE = "import resample_viz as rv\nlab = rv.UpsamplingLab(size=32)\nlab"
COUNT = (
    "import gc, psutil, ipywidgets\ngc.collect()\n"
    "print(len(ipywidgets.widgets.widget._instances), psutil.Process().memory_info().rss)"
)


@pytest.fixture
def kernel() -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=60)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(kernel: BlockingKernelClient, code: str) -> str:
    """Runs a cell to its end and returns what it printed."""
    printed: list[str] = []

    def collect(message: dict) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    reply = kernel.execute_interactive(code, output_hook=collect, timeout=120)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(printed)


def test_a_hundred_runs_of_a_labs_cell_do_not_grow_the_kernel(
    kernel: BlockingKernelClient,
) -> None:
    for _ in range(20):  # allocators and caches settle
        run(kernel, MAKE)
    widgets, memory = map(int, run(kernel, COUNT).split())
    for _ in range(100):
        run(kernel, MAKE)
    more_widgets, more_memory = map(int, run(kernel, COUNT).split())
    assert more_widgets == widgets
    assert more_memory - memory < 15e6, "a hundred labs left more than 15 MB behind"
