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
    assert first.endswith(f"js/, sha256 {sha}"), "view/js/ has changed: run `make bundle`"


def test_every_source_is_in_the_bundle() -> None:
    assert re.findall(r"^// resample_viz/view/js/(\w+\.js)$", Stage._esm, re.MULTILINE)
    for path in SOURCES:
        assert f"// resample_viz/view/js/{path.name}\n" in Stage._esm


@pytest.mark.skipif(
    not ESBUILD.exists() or shutil.which("node") is None, reason="esbuild is not installed"
)
def test_bundling_again_gives_the_same_bytes(tmp_path: Path) -> None:
    again = tmp_path / "stage.js"
    command = ["node", str(ROOT / "tools" / "bundle.mjs"), str(again)]
    subprocess.run(command, check=True, cwd=ROOT)
    assert again.read_bytes() == (HERE / "stage.js").read_bytes()


def test_the_bundle_is_one_text_that_imports_nothing_and_exports_a_widget() -> None:
    assert not re.search(r"^\s*import\b", Stage._esm, re.MULTILINE)
    exported = re.search(r"export \{([^}]*)\};\s*$", Stage._esm)
    assert exported
    assert "stage_default as default" in exported[1]


def test_no_file_of_javascript_names_where_its_packages_came_from() -> None:
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in re.sub(r'"url": "https?://[^"]*"', "", lock), "see .npmrc"
