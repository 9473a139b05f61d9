"""What is imported where, so that a cheap import stays cheap; the rest is in pyproject.toml."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import resample_viz

PACKAGE = Path(resample_viz.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
KNOW_PATHS = {Path(__file__).name, "samples.py"}  # they look for such paths themselves
HEAVY = {"matplotlib", "torchvision", "skimage", "PIL", "scipy", "sklearn"}


def part_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0]


def imported(module: Path, *, top_level: bool = False) -> set[str]:
    """Full names of what a module imports; those under TYPE_CHECKING are never run."""
    tree = ast.parse(module.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    nodes = tree.body if top_level else [n for n in ast.walk(tree) if id(n) not in skipped]
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_heavy_libraries_are_imported_where_they_are_used(module: Path) -> None:
    roots = {name.partition(".")[0] for name in imported(module, top_level=True)}
    assert roots.isdisjoint(HEAVY)
    if part_of(module) == "operations":
        assert roots - set(sys.stdlib_module_names) <= {"torch", "resample_viz"}


def name_of(module: Path) -> str:
    parts = ("resample_viz", *module.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(part for part in parts if part != "__init__")


def test_no_module_imports_a_package_that_it_is_part_of() -> None:
    """Circles between modules are found by import-linter, but not these."""
    for module in MODULES:
        parts = name_of(module).split(".")
        packages = {".".join(parts[:length]) for length in range(2, len(parts))}
        assert imported(module).isdisjoint(packages), module


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_everything_public_has_a_docstring(module: Path) -> None:
    tree = ast.parse(module.read_text())
    documented = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    scopes = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
    for scope in scopes:
        assert ast.get_docstring(scope), f"{module.name}: {getattr(scope, 'name', 'the module')}"
        if getattr(scope, "name", "").startswith("_"):
            continue
        for node in filter(lambda found: isinstance(found, documented), scope.body):
            is_setter = any(ast.unparse(mark).endswith(".setter") for mark in node.decorator_list)
            if not node.name.startswith("_") and not is_setter:
                assert ast.get_docstring(node), f"{module.name}: {node.name}"


# Import name → the package that brings it, where the names differ or another one promises it.
BROUGHT_BY = {
    "PIL": "pillow",
    "skimage": "scikit-image",
    "lazy_loader": "lazy-loader",
    "traitlets": "ipywidgets",
    "IPython": "ipywidgets",
    "sklearn": "scikit-learn",
}


def test_every_library_that_is_imported_is_declared() -> None:
    lines = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    declared = {Requirement(line).name for line in lines["dependencies"]}
    roots = {name.partition(".")[0] for module in MODULES for name in imported(module)}
    foreign = roots - set(sys.stdlib_module_names) - {"resample_viz"}
    assert foreign.isdisjoint({"cv2"}), "OpenCV comes with the notebooks, not with the package"
    assert {"torch", "matplotlib"} < foreign
    assert {BROUGHT_BY.get(name, name) for name in foreign} <= declared


def in_a_fresh_process(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_importing_the_package_loads_none_of_its_parts() -> None:
    code = "import sys, resample_viz; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = set(in_a_fresh_process(code).split())
    assert loaded.isdisjoint(HEAVY | {"torch", "ipywidgets", "anywidget"})


def test_making_a_lab_needs_neither_torchvision_nor_scipy() -> None:
    code = (
        "import sys, resample_viz as rv; rv.UpsamplingLab()._repr_mimebundle_();"
        "print(*{m.split('.')[0] for m in sys.modules})"
    )
    loaded = set(in_a_fresh_process(code).split())
    assert loaded.isdisjoint({"torchvision", "scipy", "pandas", "sklearn"})


def test_every_public_name_exists_and_is_documented() -> None:
    names = re.findall(r"(\w+) as \1", (PACKAGE / "__init__.pyi").read_text())
    assert names
    assert set(names) == set(resample_viz.__all__)
    for name in names:
        assert getattr(resample_viz, name).__doc__


def test_no_file_knows_one_machine() -> None:
    root = PACKAGE.parent
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        path = root / name
        if path.suffix in {".png", ".ipynb"} or path.name in KNOW_PATHS or not path.exists():
            continue
        found = re.search(r"(?<![\w.])/(?:home|root|Users)/\w+", path.read_text())
        assert not found, f"{name} names {found}"
