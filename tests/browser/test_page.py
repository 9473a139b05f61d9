"""A lab as a page from a disk: no kernel, no network, and the same stored moves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from resample_viz.labs import UpsamplingLab
from resample_viz.labs.core.page import write_page
from resample_viz.page import main
from tests.browser.notebook_page import collect_errors
from tests.browser.stage_page import VIEWPORT

EVERY = 10
"""Of the slider's steps: 0.5."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    write_page(UpsamplingLab, folder, parameter="scale_factor", every=EVERY)
    return folder


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Page]:
    """The page from the disk, in a browser that has no network."""
    context = browser.new_context(viewport=VIEWPORT, offline=True)
    page = context.new_page()
    errors = collect_errors(page)
    page.goto((folder / "index.html").as_uri())
    expect(page.locator(".rv-stage")).to_have_attribute("data-frame", re.compile("[1-9]"))
    yield page
    context.close()
    assert not errors, f"errors in the browser's console: {errors}"


def test_a_page_opens_as_the_lab_does(page: Page) -> None:
    lab = page.locator(".rv-lab.rv-lab-upsampling")
    expect(lab.locator(".rv-stage")).to_have_attribute("data-state", "ok")
    expect(lab.locator(".rv-code")).to_contain_text("scale_factor=2.0, mode='bilinear'")
    expect(lab.locator(".rv-control-scale_factor .noUi-handle").first).to_be_visible()
    assert page.locator(".rv-preset").count() == len(UpsamplingLab.presets)
    names = page.locator("figure.rv-panel").evaluate_all("all => all.map(one => one.dataset.name)")
    assert names == ["x", "y", "index", "error", "profile"]


def test_the_slider_moves_through_all_its_positions(page: Page) -> None:
    handle = page.locator(".rv-control-scale_factor .noUi-handle").first
    handle.press("Home")
    codes = set()
    for place in range(16):
        code = page.locator(".rv-code")
        expect(code).to_contain_text(f"scale_factor={0.5 + 0.5 * place}")
        codes.add(page.locator(".rv-strip").inner_text() + code.inner_text())
        handle.press("ArrowRight")
    assert len(codes) == 16


def test_a_move_is_painted_in_the_next_animation_frame(page: Page) -> None:
    pressed = """handle => new Promise(resolve => {
        const code = document.querySelector('.rv-code');
        handle.addEventListener('keydown', () => requestAnimationFrame(() =>
            requestAnimationFrame(() => resolve(code.innerText))), {once: true});
        handle.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
    })"""
    handle = page.locator(".rv-control-scale_factor .noUi-handle").first
    assert "scale_factor=2.5" in handle.evaluate(pressed)


@pytest.mark.parametrize("number", range(len(UpsamplingLab.presets)))
def test_a_preset_is_what_the_lab_shows(page: Page, number: int) -> None:
    preset = UpsamplingLab.presets[number]
    button = page.get_by_role("button", name=preset.name)
    button.click()
    expect(page.locator(".rv-hint")).to_have_text(preset.look)
    expect(button).to_have_class(re.compile("rv-active"))
    lab = UpsamplingLab(preset=preset.name)
    shown, factor = lab.stage.frame, lab.settings.operation.scale_factor
    lab.close()
    assert page.locator(".rv-code code").text_content() == shown["code"]
    expect(page.locator(".rv-control-mode .mod-active")).to_have_text(lab_mode(preset.settings))
    expect(page.locator(".rv-control-image select option:checked")).to_have_text(
        str(preset.settings["image"])
    )
    readout = page.locator(".rv-control-scale_factor .widget-readout").first
    expect(readout).to_have_text(f"{factor:.2f}")
    page.locator(".rv-control-scale_factor .noUi-handle").first.press("ArrowLeft")
    expect(page.locator(".rv-code")).to_contain_text(f"scale_factor={round(factor - 0.5, 10)}")
    expect(button).not_to_have_class(re.compile("rv-active"))


def lab_mode(settings: dict[str, object]) -> str:
    return str(settings["mode"])


def test_what_is_not_stored_is_disabled_and_the_page_says_how_to_get_it(page: Page) -> None:
    note = page.locator(".rv-needs-kernel")
    expect(note).to_contain_text("JupyterLab")
    for control in (
        ".rv-undo",
        ".rv-reset",
        ".rv-control-image select",
        ".rv-control-way_back select",
    ):
        expect(page.locator(control)).to_be_disabled()
    expect(page.locator(".rv-control-scale_factor .noUi-target").first).not_to_have_attribute(
        "disabled", "true"
    )
    expect(page.locator(".rv-own")).to_be_hidden()


def test_hovering_works_without_a_kernel(page: Page) -> None:
    page.get_by_role("button", name="bicubic overshoots").click()
    expect(page.locator(".rv-code")).to_contain_text("bicubic")
    page.locator("figure[data-name='y'] canvas").first.hover()
    expect(page.locator(".rv-sentence")).to_contain_text("Output row")


def test_each_buffer_is_written_once(folder: Path) -> None:
    names: list[str] = []
    for script in (folder / "frames").glob("*.js"):
        content = json.loads(script.read_text().removeprefix("rvFrames(").removesuffix(");\n"))
        names += content["buffers"]
    assert len(names) == len(set(names)) > 100


def test_nothing_in_a_page_is_loaded_from_elsewhere(folder: Path) -> None:
    text = (folder / "index.html").read_text()
    assert "://" not in text
    for name in re.findall(r'(?:src|href)="([^"]*)"', text):
        assert (folder / name).is_file()


def test_the_command_line_knows_the_labs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["NoLab", "somewhere"])
    assert "UpsamplingLab" in capsys.readouterr().err
