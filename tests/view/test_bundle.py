"""The JavaScript that the browser gets is the one that is in view/js/."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from resample_viz.view import Stage
from resample_viz.view.stage import HERE

ROOT = HERE.parents[1]
SOURCES = sorted((HERE / "js").glob("*.js"))
ESBUILD = ROOT / "node_modules" / "esbuild"


def test_the_bundle_was_made_of_these_sources() -> None:
    sha = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()
    first = Stage._esm.partition("\n")[0]
    assert first.endswith(f", sha256 {sha}"), "view/js/ has changed: run `make bundle`"


def test_every_source_is_in_the_bundle() -> None:
    bundled = Stage._esm.partition("\n")[0].partition("js/: ")[2].partition(",")[0]
    assert bundled.split() == [path.name for path in SOURCES]


@pytest.mark.skipif(
    not ESBUILD.exists() or shutil.which("node") is None, reason="esbuild is not installed"
)
def test_bundling_again_gives_the_same_bytes(tmp_path: Path) -> None:
    command = ["node", str(ROOT / "tools" / "bundle.mjs"), str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT)
    assert (tmp_path / "stage.js").read_bytes() == (HERE / "stage.js").read_bytes()


@pytest.mark.skipif(
    not (ROOT / "node_modules" / "@jupyter-widgets").exists() or shutil.which("node") is None,
    reason="ipywidgets' front end is not installed",
)
def test_bundling_ipywidgets_again_gives_the_same_bytes(tmp_path: Path) -> None:
    command = ["node", str(ROOT / "tools" / "bundle_widgets.mjs"), str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT)
    for name in ("widgets.js", "widgets.css"):
        assert (tmp_path / name).read_bytes() == (HERE / "page" / name).read_bytes()


def test_the_bundle_is_one_text_that_imports_nothing_and_exports_a_widget() -> None:
    assert not re.search(r"(^|[;}])\s*import\b", Stage._esm, re.MULTILINE)
    exported = re.search(r"export\s*\{([^}]*)\};\s*$", Stage._esm)
    assert exported
    assert "stage_default as default" in exported[1]


def test_no_file_of_javascript_names_where_its_packages_came_from() -> None:
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    funding = r'"url": "https?://[^"]*"|^ *"https://github.com/[^"]*"'
    assert "://" not in re.sub(funding, "", lock, flags=re.MULTILINE), "see .npmrc"
