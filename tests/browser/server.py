"""A real JupyterLab and a real Chromium, each started on its own and thrown away afterwards.

Nothing of the developer's own set-up is used or changed: settings, data, runtime files and the
IPython profile live in a temporary directory, and so does the working copy of the notebooks.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Playwright

REPOSITORY = Path(__file__).resolve().parents[2]

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROME_ON_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")

# Besides what Playwright itself asks for: no first run, no sync, no updates, no background traffic.
CHROMIUM_FLAGS = (
    "--disable-gpu",
    # The suite must work offline: whatever asks for another host gets an error, not a download.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

SERVER_OPTIONS = (
    "--no-browser",
    "--allow-root",
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port=0",  # the system picks a free one; the runtime file says which
    "--ServerApp.terminals_enabled=False",
    "--KernelManager.shutdown_wait_time=0.2",  # s; a kernel of a test has nothing left to save
    "--LanguageServerManager.autodetect=False",
    "--LabApp.extension_manager=readonly",  # the other kind asks the network
    "--LabApp.expose_app_in_browser=True",  # commands and signals instead of menus and guesses
)

# Defaults that keep JupyterLab from asking questions, fetching news or writing in the background.
LAB_SETTINGS: dict[str, dict[str, Any]] = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/lsp-extension:plugin": {"activate": "off"},
}

START_SECONDS = 90
STOP_SECONDS = 20


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome, or None where there is none.

    The environment variable CHROMIUM goes first; if it is set, nothing else is tried.
    """
    if chosen := os.environ.get("CHROMIUM"):
        return shutil.which(chosen)
    found = (shutil.which(name) for name in CHROMIUM_NAMES)
    on_macos = str(CHROME_ON_MACOS) if CHROME_ON_MACOS.exists() else None
    return next((path for path in found if path), on_macos)


def launch_chromium(playwright: Playwright, executable: str) -> Browser:
    """Start a headless browser; its sandbox is given up only where it cannot work."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return playwright.chromium.launch(
        executable_path=executable,
        args=list(CHROMIUM_FLAGS),
        chromium_sandbox=not (is_root or in_ci()),
    )


def in_ci() -> bool:
    """Whether a continuous-integration service runs us (CI=true, as they all set)."""
    return os.environ.get("CI", "").lower() in ("1", "true")


@dataclass(frozen=True)
class JupyterServer:
    """A running JupyterLab: where it listens, and the directory that it serves."""

    url: str
    token: str
    root: Path
    pid: int

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Call the server's REST API and return the decoded answer (None if it is empty)."""
        call = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}"},
        )
        # No proxies: an http_proxy in the environment must not see calls to this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(call, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def configure(self, plugin: str, **settings: object) -> None:
        """Set a JupyterLab plugin's user settings, from the next page load on."""
        self.request("PUT", f"lab/api/settings/{plugin}", {"raw": json.dumps(settings)})

    def write_notebook(self, cells: Sequence[str]) -> str:
        """Store a notebook with these code cells and return its path for `NotebookPage.open`."""
        name = f"scratch-{uuid.uuid4().hex[:8]}.ipynb"
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(notebook, self.root / name)
        return name

    def end_session(self, session: str) -> None:
        """End a notebook's session and its kernel."""
        self.request("DELETE", f"api/sessions/{session}")


@contextmanager
def jupyterlab(notebooks: Path | None = REPOSITORY / "notebooks") -> Iterator[JupyterServer]:
    """Serve a working copy of `notebooks` with a JupyterLab of its own; stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="rv-jupyter-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        root = home / "notebooks"
        if notebooks is not None and notebooks.is_dir():
            shutil.copytree(notebooks, root, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        root.mkdir(exist_ok=True)
        overrides = home / "config" / "labconfig" / "default_setting_overrides.json"
        overrides.parent.mkdir(parents=True)
        overrides.write_text(json.dumps(LAB_SETTINGS))
        log = home / "server.log"
        command = [sys.executable, "-m", "jupyterlab", *SERVER_OPTIONS]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, f"--ServerApp.root_dir={root}"],
                cwd=root,
                env=_server_environment(home),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield _wait_until_ready(process, home / "runtime", root, log)
        finally:
            _stop(process)


def _server_environment(home: Path) -> dict[str, str]:
    """This process's environment, without the developer's Jupyter and with `home` instead."""
    ours = ("JUPYTER", "IPYTHON", "MPLBACKEND")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    source = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    return inherited | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        # Kernels import the tree under test, installed or not.
        "PYTHONPATH": os.pathsep.join(source),
    }


def _wait_until_ready(
    process: subprocess.Popen[bytes], runtime: Path, root: Path, log: Path
) -> JupyterServer:
    """Ask the server for its status until it answers, it dies or the time is up."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            process.wait(timeout=0.05)
            break  # it died
        except subprocess.TimeoutExpired:
            pass
        try:
            info = json.loads((runtime / f"jpserver-{process.pid}.json").read_text())
            server = JupyterServer(info["url"], info["token"], root, process.pid)
            server.request("GET", "api/status")
            return server
        except (OSError, json.JSONDecodeError):
            continue  # not listening yet, or the file is half written
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
    raise RuntimeError(f"JupyterLab was not ready after {START_SECONDS} s. Its log ends:\n{tail}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server; on SIGTERM it ends its kernels first."""
    process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
