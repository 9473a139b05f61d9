"""What is installed is what is needed."""

from __future__ import annotations

from importlib.metadata import metadata, version
from importlib.resources import files
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]


def test_the_version_is_one() -> None:
    assert Version(version("resample-viz")) >= Version("0.1.0")
    assert metadata("resample-viz")["License-Expression"] == "MIT"


@pytest.mark.parametrize("name", ["stage.js", "stage.css"])
def test_the_stage_finds_its_files(name: str) -> None:
    assert files("resample_viz.view").joinpath(name).read_text()


def test_a_wheel_carries_all_sources_and_nothing_else(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    packed = {n for n in ZipFile(wheel).namelist() if n.startswith("resample_viz/")}
    sources = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "resample_viz").rglob("*")
        if path.suffix in {".py", ".pyi", ".js", ".css", ".html", ".json", ".pot", ".po", ".mo"}
        or path.name == "py.typed"
        if path.parent.name != "js"  # they are in the wheel as the bundle that is made of them
    }
    assert packed == sources
