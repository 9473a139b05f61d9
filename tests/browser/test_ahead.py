"""Frames that were sent ahead are painted at once; the kernel has the last word."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from resample_viz.labs import UpsamplingLab
from tests.browser.stage_page import StagePage

RENDERED = "([id, value]) => new Promise(resolve => { \
    window.fakeWidget.controls[id].set('value', value); \
    requestAnimationFrame(() => { \
        const root = document.querySelector('.rv-stage'); \
        resolve([root.dataset.frame, root.querySelector('.rv-code').innerText]); }); })"


class Bench:
    """A lab on a bare page: the test is the wire between the two."""

    def __init__(self, page: StagePage, monkeypatch: pytest.MonkeyPatch, views: int = 1) -> None:
        self.page, self.wire = page, []
        self.lab = UpsamplingLab(image="edge", size=8)
        self.taken = 0
        self.hand = self.lab.controls.sliders()["scale_factor"][0].widget
        self.slider, self.undo = self.hand.model_id, self.lab._undo_button.model_id
        monkeypatch.setattr(
            self.lab.stage, "send", lambda content, buffers: self.wire.append((content, buffers))
        )
        self.before = self.traits()
        controls = {
            self.slider: {"value": 2.0, "step": 0.05},
            self.undo: {"disabled": True},
        }
        self.view = page.mount(
            self.lab.stage._esm, self.lab.stage._css, controls=controls, **self.before
        )
        for _ in range(views - 1):
            page.add_view()
        page.frames()

    def traits(self) -> dict[str, Any]:
        stage = self.lab.stage
        names = [n for n in stage.keys if n.startswith(("panel_", "link_"))]
        named = ("frame", "moves", "palettes", "progress", "max_upload", "dark", "centre")
        return {name: copy.copy(getattr(stage, name)) for name in (*names, *named)}

    def kernel_hears(self) -> None:
        """What the page has said by custom messages."""
        said = self.page.sent
        for content in said[self.taken :]:
            self.lab.stage._handle_custom_msg(content, [])
        self.taken = len(said)

    def page_receives(self) -> None:
        """Messages that the kernel has sent ahead, and the receipts."""
        while self.wire:
            self.page.receive(*self.wire.pop(0))
            self.kernel_hears()

    def kernel_moves(self, value: float) -> None:
        """The kernel follows the slider."""
        self.kernel_hears()
        self.hand.value = value
        self.answer()

    def answer(self) -> None:
        """What the kernel shows now reaches the page."""
        now = self.traits()
        self.page.set(**{n: v for n, v in now.items() if v != self.before[n]})
        self.before = now
        self.page.frames()

    def touched(self, value: float = 2.05) -> None:
        """A first move, and all that comes ahead of the next ones."""
        self.page.move(self.slider, value)
        self.kernel_moves(value)
        self.page_receives()

    def moved(self, value: float) -> tuple[int, str]:
        """The counter and the code in the animation frame after a move in the page."""
        frame, code = self.page.page.evaluate(RENDERED, [self.slider, value])
        return int(frame), code

    @property
    def frame(self) -> int:
        return int(self.page.page.locator(".rv-stage").first.get_attribute("data-frame") or 0)

    @property
    def code(self) -> str:
        return self.page.page.locator(".rv-code").first.inner_text()


@pytest.fixture
def bench(stage_page: StagePage, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Bench(stage_page, monkeypatch)
    yield made
    made.lab.close()


def test_what_was_sent_is_painted_in_the_next_animation_frame(bench: Bench) -> None:
    bench.touched()
    before = bench.frame
    counted, code = bench.moved(2.1)
    assert counted == before + 1
    assert "scale_factor=2.1" in code
    bench.page.frames()
    assert bench.page.control(bench.undo) == {"disabled": False, "saved": []}
    assert bench.page.control(bench.slider)["saved"] == []


def test_pixels_are_those_that_the_kernel_gives(bench: Bench) -> None:
    read = "() => Array.from(document.querySelectorAll('canvas.rv-cells'), c => c.toDataURL())"
    bench.touched()
    bench.moved(2.1)
    ahead = bench.page.page.evaluate(read)
    bench.kernel_moves(2.1)
    bench.page.set(frame={**bench.lab.stage.frame, "name": "anew"})  # painted in any case
    bench.page.frames()
    assert bench.page.page.evaluate(read) == ahead


def test_an_answer_with_the_same_content_is_not_painted_again(bench: Bench) -> None:
    bench.touched()
    counted, _ = bench.moved(2.1)
    bench.page.page.evaluate("() => { CanvasRenderingContext2D.prototype.putImageData = () => {"
                             " throw new Error('painted again'); }; }")  # fmt: skip
    bench.kernel_moves(2.1)
    assert bench.frame == counted


def test_the_kernel_has_the_last_word(bench: Bench) -> None:
    bench.touched()
    bench.moved(2.1)
    bench.lab.set(mode="nearest")
    bench.answer()
    assert "nearest" in bench.code


def test_answers_to_positions_that_were_left_do_not_flicker(bench: Bench) -> None:
    bench.touched()
    for value in (2.1, 2.15, 2.2):
        bench.moved(value)
    bench.kernel_moves(2.1)
    assert "scale_factor=2.2" in bench.code
    bench.kernel_moves(2.2)  # 2.15 was merged into it
    assert "scale_factor=2.2" in bench.code
    bench.lab.undo()  # back to before the drag: no answer to a slider
    bench.answer()
    assert "scale_factor=2.0" in bench.code


def test_a_refusal_in_the_middle_of_a_drag(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.touched()
    bench.moved(2.1)
    bench.lab.stage.refuse("not 2.1: try 2.05.")
    bench.answer()
    root = bench.page.page.locator(".rv-stage")
    assert root.get_attribute("data-state") == "error"
    assert "scale_factor=2.05" in bench.code
    bench.page.write(bench.slider, value=2.05)  # put back by the kernel
    bench.page.frames()
    assert root.get_attribute("data-state") == "error"
    bench.moved(2.1)
    assert root.get_attribute("data-state") == "ok"


def test_a_position_that_was_not_sent_waits_for_the_kernel(bench: Bench) -> None:
    bench.touched()
    before = bench.frame
    counted, code = bench.moved(5.0)
    assert counted == before
    assert "scale_factor=2.05" in code
    bench.kernel_moves(5.0)
    assert "scale_factor=5.0" in bench.code


def test_after_a_reversal_what_was_passed_is_there(bench: Bench) -> None:
    bench.touched()
    for value in (2.1, 2.15):
        bench.moved(value)
        bench.kernel_moves(value)
    for value in (2.1, 2.05):
        before = bench.frame
        counted, code = bench.moved(value)
        assert counted == before + 1
        assert f"scale_factor={value}" in code
        bench.kernel_moves(value)
    bench.page_receives()
    _, code = bench.moved(2.0)
    assert "scale_factor=2.0" in code


def test_moves_from_other_settings_are_not_painted(bench: Bench) -> None:
    bench.touched()
    bench.lab.set(mode="nearest", scale_factor=2.05)
    bench.answer()
    _, code = bench.moved(2.1)
    assert "scale_factor=2.05" in code


def test_what_the_kernel_writes_is_no_touch(bench: Bench) -> None:
    bench.page.write(bench.slider, value=3.0)
    bench.page.frames()
    assert bench.page.sent == []


def test_a_rounded_value_is_no_touch(bench: Bench) -> None:
    bench.page.move(bench.slider, 1.9999999999999998)
    assert bench.page.sent == []


def test_a_page_keeps_no_more_than_its_budget_and_says_what_went(bench: Bench) -> None:
    kept = """([moves, size, budget]) => {
        const store = new window.rvStore(budget);
        for (const [rest, value, name] of moves) {
            const panels = [{slot: 'panel_0', buffer: name}];
            const move = {slider: 's', rest, value, states: {}, frame: {id: 0, panels, links: []}};
            store.keep(move, () => new DataView(new ArrayBuffer(size)));
            if (value === 2) store.find('r', 1);
        }
        return [[...store.moves.keys()], store.bytes, store.takeDropped()];
    }"""
    bench.page.page.evaluate(
        "async text => { window.rvStore = (await import(URL.createObjectURL("
        "new Blob([text], {type: 'text/javascript'})))).Store; }",
        bench.lab.stage._esm,
    )
    moves = [["r", 1, "a"], ["r", 2, "b"], ["r", 3, "c"], ["r", 4, "a"]]
    keys, size, dropped = bench.page.page.evaluate(kept, [moves, 10, 20])
    assert keys == ["r 1", "r 3", "r 4"]
    assert size == 20  # a buffer that two moves have counts once
    assert dropped == {"moves": [["r", 2]], "buffers": ["b"]}


def test_without_other_models_nothing_is_listened_to(
    stage_page: StagePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = UpsamplingLab(image="edge", size=8)
    names = [n for n in lab.stage.keys if n.startswith(("panel_", "link_"))]
    named = ("frame", "moves", "palettes", "progress", "max_upload", "dark", "centre")
    traits = {name: getattr(lab.stage, name) for name in (*names, *named)}
    stage_page.mount(lab.stage._esm, **traits)
    stage_page.frames()
    assert stage_page.page.locator(".rv-stage").get_attribute("data-frame") == "1"
    assert stage_page.sent == []
    lab.close()


def test_two_views_are_painted_and_a_closed_one_leaves_no_listener(
    stage_page: StagePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(stage_page, monkeypatch, views=2)
    bench.touched()
    bench.moved(2.1)
    stage_page.frames()
    for number in (0, 1):
        code = stage_page.page.locator(".rv-code").nth(number)
        assert "scale_factor=2.1" in code.inner_text()
    heard = "id => window.fakeWidget.controls[id].listeners.length"
    assert stage_page.page.evaluate(heard, bench.slider) == 2
    stage_page.close_view(0)
    stage_page.close_view(1)
    assert stage_page.page.evaluate(heard, bench.slider) == 0
    assert stage_page.listeners == 0
    bench.lab.close()
