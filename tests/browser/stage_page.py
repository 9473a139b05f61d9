"""An anywidget module in a bare browser page: no server, no kernel, about a second.

The module's text is imported through a Blob URL and rendered with a fake model that has what
anywidget promises: `get`, `set`, `on`, `off`, `save_changes` (and `send`, recorded), and, where a
test gives it other models, a `widget_manager`.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from playwright.sync_api import Locator, Page, ViewportSize

from tests.browser.notebook_page import collect_errors

# Bytes cannot travel through Playwright: they go as {"$bytes": base64}, in both directions, and
# are a DataView in the page, as they are in Jupyter.
FAKE_WIDGET = """() => {
    const decode = value => {
        if (Array.isArray(value)) return value.map(decode);
        if (value === null || typeof value !== 'object') return value;
        if ('$bytes' in value) {
            const text = atob(value.$bytes);
            return new DataView(Uint8Array.from(text, c => c.charCodeAt(0)).buffer);
        }
        return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, decode(v)]));
    };
    const encode = value => {
        if (Array.isArray(value)) return value.map(encode);
        if (value === null || typeof value !== 'object') return value;
        if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
            const bytes = ArrayBuffer.isView(value)
                ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
                : new Uint8Array(value);
            return {$bytes: btoa(Array.from(bytes, b => String.fromCharCode(b)).join(''))};
        }
        return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, encode(v)]));
    };

    class Model {
        constructor(traits, id = '') {
            this.model_id = id;
            this.traits = decode(traits);
            this.listeners = [];   // [event, callback]
            this.unsaved = {};
            this.saved = [];       // one entry for each save_changes()
            this.sent = [];        // custom messages
        }
        get(name) { return this.traits[name]; }
        set(name, value) {
            const changes = typeof name === 'object' ? name : {[name]: value};
            Object.assign(this.unsaved, changes);
            this.assign(changes);
        }
        assign(changes) {
            const changed = Object.keys(changes).filter(k => this.traits[k] !== changes[k]);
            Object.assign(this.traits, changes);
            for (const name of changed) this.trigger(`change:${name}`, this, this.traits[name]);
            if (changed.length) this.trigger('change', this);
        }
        trigger(event, ...values) {
            for (const [name, callback] of [...this.listeners]) {
                if (name === event) callback(...values);
            }
        }
        on(events, callback) {
            for (const event of events.split(' ')) this.listeners.push([event, callback]);
        }
        off(events, callback) {
            const names = events?.split(' ');
            this.listeners = this.listeners.filter(([event, other]) =>
                (names && !names.includes(event)) || (callback && callback !== other));
        }
        set_state(state) {     // what the kernel writes
            this._state_lock = state;
            this.assign(state);
            this._state_lock = null;
        }
        save_changes() { this.saved.push(encode(this.unsaved)); this.unsaved = {}; }
        send(content) { this.sent.push(encode(content)); }
    }

    window.fakeWidget = {
        async start(esm, css, traits, controls) {
            document.head.append(Object.assign(
                document.createElement('style'), {textContent: css}));
            const url = URL.createObjectURL(new Blob([esm], {type: 'text/javascript'}));
            const module = await import(url);
            this.widget = typeof module.default === 'function'
                ? await module.default() : module.default;
            this.model = new Model(traits);
            if (controls) {
                this.controls = Object.fromEntries(
                    Object.entries(controls).map(([id, state]) => [id, new Model(state, id)]));
                this.model.widget_manager = {
                    get_model: async id => this.controls[id] ?? Promise.reject(new Error(id)),
                };
            }
            this.experimental = {invoke: () => Promise.reject(new Error('no kernel'))};
            this.views = [];
            const {model, experimental} = this;
            await this.widget.initialize?.({model, experimental});
        },
        async addView() {
            const el = document.createElement('div');
            el.className = 'view';
            document.body.append(el);
            const controller = new AbortController();
            const {model, experimental} = this;
            const {signal} = controller;
            const cleanup = await this.widget.render({model, el, signal, experimental});
            return this.views.push({controller, cleanup}) - 1;
        },
        async closeView(index) {
            const {controller, cleanup} = this.views[index];
            controller.abort();
            await cleanup?.();
        },
        set(traits) { this.model.assign(decode(traits)); },
        get(name) { return encode(this.model.get(name) ?? null); },
        receive(content, buffers) {
            this.model.trigger('msg:custom', content, decode(buffers));
        },
    };
}"""

VIEWPORT: ViewportSize = {"width": 1280, "height": 720}

FRAMES = """async count => {
    for (let i = 0; i < count; i++) await new Promise(requestAnimationFrame);
}"""


class StagePage:
    """A page that renders one anywidget module, with the kernel's side in the test's hands.

    Attributes:
        page: Playwright's page, for mouse, keyboard and screenshots.
        errors: texts of console errors and uncaught exceptions so far.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors = collect_errors(page)

    def renew(self) -> None:
        """Leave the document and what it holds, and set back what a test may have changed."""
        self.page.goto("about:blank")
        self.page.set_viewport_size(VIEWPORT)
        self.page.emulate_media(color_scheme="light", media="null")
        self.errors.clear()

    def mount(
        self, esm: str, css: str = "", *, controls: dict[str, Any] | None = None, **traits: object
    ) -> Locator:
        """Import the module, give it a model with these traits, and return its first view.

        Traits are JSON-like values; `bytes`, at any depth, arrive as a DataView. `controls` are
        the states of other models, by id; without any there is no widget manager.
        """
        # A <!doctype> for standards mode, which is what JupyterLab's page is in.
        self.page.set_content("<!doctype html><html lang=en><title>stage</title><body></body>")
        self.page.evaluate(FAKE_WIDGET)
        start = "parts => window.fakeWidget.start(...parts)"
        self.page.evaluate(start, [esm, css, _encoded(traits), controls])
        return self.add_view()

    def add_view(self) -> Locator:
        """Render another view of the same model and return its element."""
        index = self.page.evaluate("() => window.fakeWidget.addView()")
        return self.page.locator("body > .view").nth(index)

    def close_view(self, index: int = 0) -> None:
        """Abort a view's signal and call its cleanup, as anywidget does when a view goes."""
        self.page.evaluate("index => window.fakeWidget.closeView(index)", index)

    def set(self, **traits: object) -> None:
        """Change traits as the kernel does: in one message, then the change events."""
        self.page.evaluate("traits => window.fakeWidget.set(traits)", _encoded(traits))

    def receive(self, content: object, buffers: list[bytes]) -> None:
        """A custom message of the kernel."""
        self.page.evaluate(
            "parts => window.fakeWidget.receive(...parts)", [content, _encoded(buffers)]
        )

    def move(self, control: str, value: float) -> None:
        """Move a control in the page, as a hand does."""
        self.page.evaluate(
            "([id, value]) => window.fakeWidget.controls[id].set('value', value)", [control, value]
        )

    def write(self, control: str, **state: object) -> None:
        """Move a control as the kernel does."""
        self.page.evaluate(
            "([id, state]) => window.fakeWidget.controls[id].set_state(state)", [control, state]
        )

    def control(self, control: str) -> dict[str, Any]:
        """What a control shows, and what of it went to the kernel."""
        return self.page.evaluate(
            "id => ({...window.fakeWidget.controls[id].traits,"
            " saved: window.fakeWidget.controls[id].saved})",
            control,
        )

    def get(self, name: str) -> Any:
        """A trait's value as the model has it now (a DataView as `bytes`)."""
        return _decoded(self.page.evaluate("name => window.fakeWidget.get(name)", name))

    @property
    def saved(self) -> list[dict[str, Any]]:
        """What each `save_changes()` would have sent to the kernel, oldest first."""
        return _decoded(self.page.evaluate("() => window.fakeWidget.model.saved"))

    @property
    def sent(self) -> list[Any]:
        """Custom messages sent to the kernel, oldest first."""
        return _decoded(self.page.evaluate("() => window.fakeWidget.model.sent"))

    @property
    def listeners(self) -> int:
        """How many callbacks listen to the model."""
        return self.page.evaluate("() => window.fakeWidget.model.listeners.length")

    def frames(self, count: int = 2) -> None:
        """Wait for animation frames: what was asked for before is painted afterwards."""
        self.page.evaluate(FRAMES, count)


def _encoded(value: object) -> Any:
    """JSON-like values with `bytes` as {"$bytes": base64}."""
    if isinstance(value, bytes | bytearray | memoryview):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: _encoded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    json.dumps(value)  # refuses here, with the value, what the page would refuse without it
    return value


def _decoded(value: Any) -> Any:
    """The inverse of `_encoded`."""
    if isinstance(value, dict):
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        return {key: _decoded(item) for key, item in value.items()}
    return [_decoded(item) for item in value] if isinstance(value, list) else value
