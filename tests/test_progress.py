"""The line that says how far longer work is: after a second, and never where nobody looks."""

from __future__ import annotations

import io

import pytest

from resample_viz import progress
from resample_viz.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds, for tests to set."""
    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(("setting", "is_shown"), [(None, True), ("1", True), ("0", False)])
def test_a_line_comes_after_a_second_and_goes_at_the_end(
    setting: str | None, is_shown: bool, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(progress.SILENCED_BY, raising=False)
    if setting is not None:
        monkeypatch.setenv(progress.SILENCED_BY, setting)
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress() as line:
        line.report("too early")
        clock[0] = 1.5
        line.report("half of it")
    written = terminal.getvalue()
    assert "too early" not in written
    assert ("half of it" in written) == is_shown
    assert written.endswith("\r\x1b[K") == is_shown


def test_nothing_is_written_into_a_file(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(progress.SILENCED_BY)
    file = io.StringIO()
    monkeypatch.setattr("sys.stderr", file)
    with Progress() as line:
        clock[0] = 2.0
        line.report("half of it")
    assert file.getvalue() == ""
