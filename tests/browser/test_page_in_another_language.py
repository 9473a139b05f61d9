"""The stage in a language that is longer than English: nothing is left over, nothing runs over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator

from resample_viz import words
from resample_viz.labs import UpsamplingLab
from tests.browser.show import ShownLab, shown_lab
from tests.browser.stage_page import StagePage
from tests.pseudo import Pseudo, forgotten

WIDE = {"width": 1366, "height": 768}

# What can be read or heard: texts of nodes that are shown, and what stands for those that cannot.
TEXTS = """root => {
    const found = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const { parentElement: owner, data } = walker.currentNode;
        if (owner.closest('pre, summary') || !owner.checkVisibility()) continue;
        if (data.trim()) found.push(data.trim());
    }
    for (const node of root.querySelectorAll('[aria-label], [title], [placeholder]')) {
        for (const name of ['aria-label', 'title', 'placeholder']) {
            if (node.getAttribute(name)) found.push(node.getAttribute(name));
        }
    }
    return found;
}"""
RUN_OVER = """root => Array.from(
    root.querySelectorAll('button, figcaption, .rv-strip, .rv-caption, .rv-merits, '
        + '.rv-alert, .rv-hint, .rv-formula, .rv-warnings, .rv-marker, .rv-own, .rv-stepper, '
        + '.rv-card')
).filter(node => node.checkVisibility() && node.scrollWidth > node.clientWidth
    && getComputedStyle(node).display !== 'inline'
).map(node => `${node.className} ${node.scrollWidth} > ${node.clientWidth}: ${node.innerText}`)"""


@pytest.fixture
def lab(stage_page: StagePage) -> Iterator[ShownLab]:
    stage_page.page.set_viewport_size(WIDE)
    words.use(Pseudo())
    try:
        with shown_lab(stage_page, UpsamplingLab) as shown:
            yield shown
    finally:
        words.use(words.ENGLISH)


def left_in_english(root: Locator) -> dict[str, list[str]]:
    return {text: left for text in root.evaluate(TEXTS) if (left := forgotten(text))}


def test_the_page_is_read_as_a_learner_reads_it(lab: ShownLab) -> None:
    texts = lab.root.evaluate(TEXTS)
    assert sum(text.startswith("[") for text in texts) > 15
    assert any("×" in text or "(1, 3, 128, 128)" in text for text in texts)


@pytest.mark.parametrize("preset", [p.name for p in UpsamplingLab.presets])
def test_no_preset_is_left_in_english_or_runs_over(lab: ShownLab, preset: str) -> None:
    lab.do(lambda shown: shown.set(preset=preset))
    assert left_in_english(lab.root) == {}
    assert lab.root.evaluate(RUN_OVER) == []


def test_what_the_pointer_tells_is_translated(lab: ShownLab) -> None:
    lab.do(lambda shown: shown.set(preset="bicubic overshoots"))
    for name in ("x", "y", "index", "error"):
        lab.root.locator(f"figure[data-name={name}] .rv-screen").hover()
        lab.root.page.keyboard.press("ArrowRight")
        assert left_in_english(lab.root) == {}, name
        assert lab.root.evaluate(RUN_OVER) == [], name
    lab.do(lambda shown: shown.set(preset="no power of two"))  # in colour, and too large for all
    for name in ("x", "y"):
        lab.root.locator(f"figure[data-name={name}] .rv-screen").hover()
        assert left_in_english(lab.root) == {}, name


def test_a_refusal_and_what_the_page_says_of_itself_are_translated(lab: ShownLab) -> None:
    lab.do(lambda shown: setattr(shown.controls.single("mode"), "value", "nearest"))
    lab.do(lambda shown: setattr(shown.controls.single("align_corners"), "value", True))
    assert lab.state == "error"
    assert left_in_english(lab.root) == {}
    assert lab.root.evaluate(RUN_OVER) == []
    lab.root.locator("button.rv-copy").click()
    assert left_in_english(lab.root) == {}


def test_what_runs_over_or_is_left_in_english_would_be_found(lab: ShownLab) -> None:
    lab.root.page.add_style_tag(content="figcaption { white-space: nowrap; width: 40px; }")
    assert len(lab.root.evaluate(RUN_OVER)) >= 5
    lab.root.locator("figcaption").first.evaluate("node => { node.textContent = 'Way back'; }")
    assert left_in_english(lab.root) == {"Way back": ["Way", "back"]}
