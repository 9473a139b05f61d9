"""environment.yml and pyproject.toml ask for the same packages, in versions that fit."""

from __future__ import annotations

import re
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


# What continuous integration runs, and what pre-commit does


def workflow() -> dict:
    return yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())


def test_every_supported_python_is_tested() -> None:
    matrix = workflow()["jobs"]["package"]["strategy"]["matrix"]
    classifiers = [line for line in pyproject()["classifiers"] if "Python :: 3." in line]
    assert matrix["python"] == [line.rpartition(" ")[2] for line in classifiers]
    assert matrix["python"][0] == pyproject()["requires-python"].removeprefix(">=")
    systems = {*matrix["os"], *(job["os"] for job in matrix["include"])}
    assert systems == {"ubuntu-latest", "macos-latest", "windows-latest"}
    assert {job["python"] for job in matrix["include"]} <= set(matrix["python"])


def test_the_oldest_python_is_the_one_that_tools_check_for() -> None:
    oldest = pyproject()["requires-python"].removeprefix(">=")
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert tools["mypy"]["python_version"] == oldest
    assert tools["ruff"]["target-version"] == "py" + oldest.replace(".", "")
    major, minor = oldest.split(".")
    assert f"sys.version_info < ({major}, {minor})" in (ROOT / "Makefile").read_text()
    (setup,) = (
        step["with"]
        for step in workflow()["jobs"]["test"]["steps"]
        if step.get("uses", "").startswith("actions/setup-python@")
    )
    assert setup["python-version"] == oldest


def test_steps_on_windows_need_no_make() -> None:
    steps = workflow()["jobs"]["package"]["steps"]
    elsewhere = [step for step in steps if step.get("if") == "runner.os != 'Windows'"]
    assert any("make" in step["run"].split() for step in elsewhere)
    for step in steps:
        if step not in elsewhere:
            assert "make" not in step.get("run", "").split()


def test_hooks_run_tools_of_this_environment_alone() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local", "nothing is downloaded"
    installed = {Requirement(line).name for line in pyproject()["optional-dependencies"]["test"]}
    brought_by = {"python": "pytest", "lint-imports": "import-linter"}
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        folder, _, tool = hook["entry"].split()[0].rpartition("/")
        assert folder == ".venv/bin"
        assert brought_by.get(tool, tool) in installed


def test_the_owner_of_the_repository_is_named_at_one_place() -> None:
    """OWNER, until the repository has one."""
    readme = (ROOT / "README.md").read_text()
    link = r"^\[binder\]: https://mybinder\.org/v2/gh/([\w-]+)/resample-viz/HEAD\?urlpath=lab/tree/(.+)$"
    ((owner, opened),) = re.findall(link, readme, re.MULTILINE)
    assert "][binder]" in readme
    assert (ROOT / opened).is_file()
    for pattern in ("*.md", "*.cff", "*.toml", "*.yml", "Makefile", ".github/workflows/*.yml"):
        for path in ROOT.glob(pattern):
            assert path.read_text().count(f"{owner}/") == (path.name == "README.md"), path


def test_the_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == pyproject()["version"]
    assert citation["license"] == pyproject()["license"]
    assert {"cff-version", "message", "title", "authors"} <= set(citation), "what CFF 1.2.0 demands"
