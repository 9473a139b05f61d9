"""environment.yml and pyproject.toml ask for the same packages, in versions that fit."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}
CONDA_ONLY = {"python", "pip"}
BY_PIP = {"opencv-python-headless"}  # conda-forge's opencv brings a whole desktop along


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def conda() -> tuple[dict[str, tuple[SpecifierSet, str]], list[str]]:
    """Package → (versions, build), under the names that pip uses; and the pip section."""
    parsed = yaml.safe_load((ROOT / "environment.yml").read_text())
    packages, pip = {}, []
    for entry in parsed["dependencies"]:
        if isinstance(entry, dict):
            pip = entry["pip"]
            continue
        name, versions, build, *_ = (*entry.split(), "", "")
        name = canonicalize_name(CONDA_NAMES.get(name, name))
        packages[name] = (SpecifierSet(versions), build)
    return packages, pip


def wanted() -> dict[str, SpecifierSet]:
    """What a learner's environment needs: the package, the notebook server, and nbval."""
    project = pyproject()
    optional = project["optional-dependencies"]
    lines = [*project["dependencies"], *optional["notebooks"]]
    lines += [line for line in optional["test"] if Requirement(line).name == "nbval"]
    requirements = map(Requirement, lines)
    return {canonicalize_name(r.name): r.specifier for r in requirements}


def test_conda_and_pip_ask_for_the_same_packages() -> None:
    assert set(conda()[0]) - CONDA_ONLY == set(wanted()) - BY_PIP


@pytest.mark.parametrize("name", sorted(set(wanted()) - BY_PIP))
def test_the_lower_bounds_agree(name: str) -> None:
    assert conda()[0][name][0] == wanted()[name]


def test_python_versions_agree() -> None:
    assert conda()[0]["python"][0] == SpecifierSet(pyproject()["requires-python"])


@pytest.mark.parametrize("name", ["torch", "torchvision"])
def test_conda_takes_cpu_builds(name: str) -> None:
    assert conda()[0][name][1] == "cpu*"


def test_pip_brings_the_package_itself_and_opencv() -> None:
    *others, package = conda()[1]
    assert package == "-e ."
    found = {canonicalize_name(r.name): r.specifier for r in map(Requirement, others)}
    assert found == {name: wanted()[name] for name in BY_PIP}


def test_binder_needs_no_further_step() -> None:
    assert not list(ROOT.glob("**/postBuild"))
    assert yaml.safe_load((ROOT / "environment.yml").read_text())["channels"][0] == "conda-forge"


def test_the_makefile_pins_a_pair_that_the_bounds_allow() -> None:
    line = next(
        line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("TORCH :=")
    )
    pinned = [Requirement(word) for word in line.partition(":=")[2].split()]
    assert [r.name for r in pinned] == ["torch", "torchvision"]
    for requirement in pinned:
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        assert Version(specifier.version) in wanted()[requirement.name]
