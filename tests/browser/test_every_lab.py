"""Every preset and every value of every control of every lab, painted by the stage in a page."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from resample_viz.labs import LABS, Lab
from tests.browser.notebook_page import artifacts
from tests.browser.show import ShownLab, other_values, shown_lab
from tests.browser.stage_page import StagePage

EACH_LAB = pytest.mark.parametrize("kind", LABS, ids=lambda lab: lab.name)
LEARNERS_OWN = "your own"
"""A choice that waits for what the learner brings."""
SILENT = {
    "network": {"image", "size"},
    "reconstruction": {"borrowed"},
    "upsampling": {"mark_outside"},
}
"""Controls that show nothing yet: of the picture before a step is looked at, of indices before the
blocks of the decoder need some, and of values out of range where there are none."""
MOST_CHOICES = 3
"""So many of a long list are tried, its first and last among them; `make slow` tries them all."""
ALL_CHOICES = 1000


@EACH_LAB
def test_every_preset_paints_its_point(stage_page: StagePage, kind: type[Lab]) -> None:
    with shown_lab(stage_page, kind) as lab:
        views: dict[str, dict[str, str]] = {"light": {}, "dark": {}}
        for preset in kind.presets:
            lab.do(lambda shown, name=preset.name: shown.set(preset=name))  # type: ignore[misc]
            for theme in ("light", "dark"):
                lab.change_theme(theme)  # type: ignore[arg-type]
                assert lab.state == "ok", f"{preset.name}: {lab.alert}"
                expect(lab.view.locator(".rv-hint")).to_have_text(preset.look)
                views[theme][preset.name] = lab.seen()
                name = f"stage-{kind.name}-{preset.name.replace(' ', '-')}-{theme}"
                lab.view.screenshot(path=artifacts() / f"{name}.png")
        for seen in views.values():
            assert len(set(seen.values())) == len(kind.presets), "two presets show the same"


@pytest.mark.parametrize("most", [MOST_CHOICES, pytest.param(ALL_CHOICES, marks=pytest.mark.slow)])
@EACH_LAB
def test_every_control_changes_what_is_painted(
    stage_page: StagePage, kind: type[Lab], most: int
) -> None:
    with shown_lab(stage_page, kind) as lab:
        names = {name for name, _ in lab.controls()}
        assert names, "a lab has controls"
        changed = {name for name, one in lab.controls() if changes_something(lab, one, most)}
        # Whether two sliders move together is seen when one of them moves.
        silent = {name for name in names - changed if not name.endswith("-together")}
        assert silent == SILENT.get(kind.name, set())


def changes_something(lab: ShownLab, control: Any, most: int) -> bool:
    """Moves a control to its values, and back; whether any of them changed what is seen."""
    at_first, before = control.value, lab.seen()
    changed = False
    values = [value for value in other_values(control) if value != LEARNERS_OWN]
    for value in spread(values, most):
        lab.move(control, value)
        seen = lab.seen()
        changed = changed or seen != before
        if lab.state == "error":
            assert lab.alert.strip().endswith("."), f"{control.description} = {value}: no sentence"
        else:
            assert not lab.alert.strip()
    lab.move(control, at_first)
    assert lab.state == "ok", f"{control.description} back at {at_first}: {lab.alert}"
    return changed


def spread(values: list[Any], most: int) -> list[Any]:
    """At most so many of the values, the first and the last among them."""
    if len(values) <= most:
        return values
    return [values[round(n * (len(values) - 1) / (most - 1))] for n in range(most)]
