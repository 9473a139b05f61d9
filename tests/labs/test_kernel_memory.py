"""Running the cell of a lab again and again leaves nothing of the earlier labs in the kernel.

What is counted is what the suite owns, after a garbage collection: widgets, objects of its classes,
tensors and the bytes behind them, the pictures that IPython keeps, and what Python has allocated.
The kernel's resident memory also depends on its allocator: see `python -m benchmarks reruns`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from resample_viz.labs import LABS

LAB_NAMES = [lab.__name__ for lab in LABS]
CELL = "lab = rv.{lab}()\nlab"
START = """
import gc, json, tracemalloc
import ipywidgets, torch
import resample_viz as rv

def count():
    gc.collect()
    objects = gc.get_objects()
    closed = lambda one: getattr(one, "is_closed", False)  # an empty lab, which `Out` keeps
    tensors = [one for one in objects if issubclass(type(one), torch.Tensor)]
    storages = {one.untyped_storage()._cdata: one.untyped_storage().nbytes() for one in tensors}
    bundles = [
        output.bundle
        for outputs in get_ipython().history_manager.outputs.values()
        for output in outputs
    ]
    pictures = {id(one["image/png"]): one["image/png"] for one in bundles if "image/png" in one}
    return {
        "widgets": len(ipywidgets.widgets.widget._instances),
        "objects": sum(
            str(type(one).__module__).startswith("resample_viz") and not closed(one)
            for one in objects
        ),
        "tensors": len(tensors),
        "tensor_bytes": sum(storages.values()),
        "picture_bytes": sum(map(len, pictures.values())),
        "python_bytes": tracemalloc.get_traced_memory()[0],
    }
"""
KEPT_BY_IPYTHON = 40_000
"""Bytes of one run: the cell's source, the text of its output, an empty lab in `Out`."""


@dataclass(frozen=True)
class Counts:
    """What a kernel holds; `python_bytes` is 0 while nothing traces it."""

    widgets: int
    objects: int
    tensors: int
    tensor_bytes: int
    picture_bytes: int
    python_bytes: int

    @property
    def owned(self) -> tuple[int, ...]:
        """All that may not grow at all."""
        return self.widgets, self.objects, self.tensors, self.tensor_bytes, self.picture_bytes


@pytest.fixture(scope="module")
def kernel() -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=60)
    run(client, START)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(kernel: BlockingKernelClient, code: str) -> str:
    """Runs a cell to its end and returns what it printed."""
    printed: list[str] = []

    def collect(message: dict) -> None:
        if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
            printed.append(message["content"]["text"])

    reply = kernel.execute_interactive(code, output_hook=collect, timeout=120)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(printed)


def count(kernel: BlockingKernelClient) -> Counts:
    return Counts(**json.loads(run(kernel, "print(json.dumps(count()))")))


def growth(kernel: BlockingKernelClient, cell: str, reruns: int) -> tuple[Counts, Counts]:
    """What the kernel holds before and after some more runs of a cell."""
    for _ in range(2):  # the first fills caches, the second closes the lab of the first
        run(kernel, cell)
    before = count(kernel)
    for _ in range(reruns):
        run(kernel, cell)
    return before, count(kernel)


@pytest.mark.parametrize("lab", LAB_NAMES)
def test_running_a_labs_cell_again_leaves_nothing(kernel: BlockingKernelClient, lab: str) -> None:
    before, after = growth(kernel, CELL.format(lab=lab), reruns=2)
    run(kernel, "lab.close()")
    assert after.owned == before.owned


@pytest.mark.slow
@pytest.mark.parametrize("lab", LAB_NAMES)
def test_nor_do_a_hundred_runs(kernel: BlockingKernelClient, lab: str) -> None:
    run(kernel, "tracemalloc.start()")
    before, after = growth(kernel, CELL.format(lab=lab), reruns=100)
    run(kernel, "lab.close(); tracemalloc.stop()")
    assert after.owned == before.owned
    assert (after.python_bytes - before.python_bytes) / 100 < KEPT_BY_IPYTHON
