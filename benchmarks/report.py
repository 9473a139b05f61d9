"""From samples to a table, a list of promises and two files."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import numpy as np
import psutil

from benchmarks.cases import FLOOR, INTERACT, LABS
from benchmarks.measure import Samples

RESULTS = Path(__file__).with_name("results")
PACKAGES = ("torch", "jupyterlab", "ipykernel", "ipywidgets", "anywidget", "matplotlib", "ipympl")

HEADER = (
    "| from key press to painted pixels | median ms | p95 ms | × floor | interact takes × "
    "| kB per update | ms after a 5 s drag | kernel MB |"
)


@dataclass(frozen=True)
class Results:
    """Everything that one run measured."""

    samples: dict[str, Samples]
    bare_memory: list[int]
    import_seconds: list[float]
    lab_import_seconds: list[float]
    chromium: str

    @property
    def floor(self) -> float:
        """The echo floor's median, in milliseconds."""
        return median(self.samples[FLOOR.name].press)

    @property
    def interact(self) -> float:
        """The median of `interact` + `plt.show()`, in milliseconds."""
        return median(self.samples[INTERACT.name].press)


@dataclass(frozen=True)
class Promise:
    """A limit and what was measured against it."""

    what: str
    limit: float
    measured: float
    unit: str = ""
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Whether the measured value is within the limit."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def row(self) -> str:
        """The promise as a row of a Markdown table."""
        sign = "≥" if self.at_least else "≤"
        verdict = "kept" if self.kept else "**missed**"
        return (
            f"| {self.what} | {sign} {self.limit:.3g} {self.unit} "
            f"| {self.measured:.3g} {self.unit} | {verdict} |"
        )


def p95(values: list[float]) -> float:
    """The 95th percentile, interpolated linearly."""
    return float(np.percentile(values, 95))


def promises(results: Results) -> Iterator[Promise]:
    """What this package promises about speed and memory, for every lab."""
    for case in LABS:
        lab, name, floor = results.samples[case.name], case.name, results.floor
        bare = median(results.bare_memory)
        press = median(lab.press)
        yield Promise(f"{name}: median", 1.5, press / floor, "× floor")
        yield Promise(f"{name}: p95", 2.5, p95(lab.press) / floor, "× floor")
        yield Promise(f"{name}: than interact", 8, results.interact / press, "× faster", True)
        yield Promise(f"{name}: after a drag, median", 3, median(lab.backlog) / floor, "× floor")
        yield Promise(f"{name}: to the browser", 250, median(lab.received) / 1e3, "kB")
        yield Promise(f"{name}: kernel", 1.3, median(lab.memory) / bare, "× bare kernel")
        if lab.hover:
            yield Promise(f"{name}: hover, worst", 1, max(lab.hover_frames), "frames")
            yield Promise(f"{name}: hover", 0, lab.hover_messages, "messages")
    yield Promise("import resample_viz", 0.5, median(results.import_seconds), "s after torch")


def markdown(results: Results) -> str:
    """The tables, as they are printed and stored."""
    lines = [HEADER, "|" + " --- |" * HEADER.count(" | ") + " --- |"]
    for name, one in results.samples.items():
        press = median(one.press)
        lines.append(
            f"| {name} | {press:.0f} | {p95(one.press):.0f} | {press / results.floor:.2f} "
            f"| {results.interact / press:.1f} | {median(one.received) / 1e3:.1f} "
            f"| {median(one.backlog):.0f} ({min(one.backlog):.0f} to {max(one.backlog):.0f}) "
            f"| {median(one.memory) / 1e6:.0f} → {median(one.memory_used) / 1e6:.0f} |"
        )
    lines += ["", "| promise | limit | measured | |", "| --- | --- | --- | --- |"]
    lines += [promise.row() for promise in promises(results)]
    lines += [
        "",
        f"Bare kernel (ipykernel + `import torch`): {median(results.bare_memory) / 1e6:.0f} MB. "
        "After `import torch`, the labs' own imports take "
        f"{median(results.lab_import_seconds):.2f} s.",
    ]
    for name, one in results.samples.items():
        if one.hover:
            lines.append(
                f"Hover over the {name}: highlight drawn {median(one.hover):.1f} ms after the "
                f"pointer's event (p95 {p95(one.hover):.1f} ms)."
            )
    if version_of("ipympl") is None:
        lines.append("ipympl is not installed, so it was not measured.")
    presses = len(results.samples[FLOOR.name].press)
    lines += ["", f"{presses} key presses each. {describe_machine(results)}"]
    return "\n".join(lines) + "\n"


def version_of(package: str) -> str | None:
    """An installed package's version, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def machine(results: Results) -> dict[str, str | int | None]:
    """What the figures depend on, and nothing that tells whose machine it is."""
    return {
        "cpus": os.cpu_count() or 0,
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "chromium": results.chromium,
    } | {package: version_of(package) for package in PACKAGES}


def describe_machine(results: Results) -> str:
    """The machine in one sentence."""
    facts = machine(results)
    return (
        f"{facts['cpus']} CPUs, {int(facts['memory_bytes'] or 0) / 2**30:.0f} GiB, "
        f"{facts['system']}, Python {facts['python']}, torch {facts['torch']}, "
        f"JupyterLab {facts['jupyterlab']}, headless Chromium {facts['chromium']}."
    )


def store(results: Results) -> None:
    """Write latest.md and latest.json."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.md").write_text(markdown(results), encoding="utf-8")
    everything = {"machine": machine(results)} | asdict(results)
    (RESULTS / "latest.json").write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
