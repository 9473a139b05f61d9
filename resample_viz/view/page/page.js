// @ts-check
// A lab in a page without a kernel: stored moves answer its controls. The lab's widgets are
// ipywidgets', its stage is the stage; only what answers them is another one.
//
// A page from a disk may load scripts, but neither modules nor data: so the stage is a text, imported
// as anywidget imports it, and frames are scripts that call `rvFrames`, one for each situation (the
// lab's opening, or a preset), loaded when needed.
/** @import { Control, PageMove, Situation, StoredPage } from "../js/protocol.js" */

const DIGITS = 10; // of a slider's value, as the kernel reads it

/** Decodes base64 text of zlib's format. @param {string} text @returns {Promise<DataView>} */
async function inflated(text) {
  const packed = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new DataView(await new Response(stream).arrayBuffer());
}

/** Scripts with frames, each loaded once. */
class Frames {
  constructor() {
    /** @type {Map<string, Promise<Situation>>} */
    this.loaded = new Map();
    /** @type {Map<string, DataView>} */
    this.buffers = new Map();
    /** @type {Map<string, (situation: Situation) => void>} */
    this.waiting = new Map();
    window.rvFrames = (situation) => this.waiting.get(situation.name)(situation);
  }

  /** @param {string} name */
  load(name) {
    if (!this.loaded.has(name)) this.loaded.set(name, this.fetch(name));
    return this.loaded.get(name);
  }

  /** @param {string} name @returns {Promise<Situation>} */
  async fetch(name) {
    const script = document.createElement("script");
    script.src = `frames/${name}.js`;
    const situation = await new Promise((resolve, reject) => {
      this.waiting.set(name, resolve);
      script.addEventListener("error", () => reject(new Error(`${script.src} is missing`)));
      document.head.append(script);
    });
    await Promise.all(situation.needs.map((/** @type {string} */ other) => this.load(other)));
    const packed = Object.entries(situation.buffers);
    const views = await Promise.all(packed.map(([, text]) => inflated(String(text))));
    for (const [place, [buffer]] of packed.entries()) this.buffers.set(buffer, views[place]);
    return situation;
  }
}

/** The stage, as anywidget takes it. @type {typeof import("../js/stage.js").default} */
let stage;

/** @param {string} text */
async function imported(text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    return (await import(url)).default;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** The models and views of a stored lab: ipywidgets' own, and the stage. */
class Manager extends window.rvWidgets.ManagerBase {
  /** @param {string} name @param {string} module */
  async loadClass(name, module) {
    const { base, controls } = window.rvWidgets;
    if (module === "@jupyter-widgets/base") return base[name];
    if (module === "@jupyter-widgets/controls") return controls[name];
    return name.endsWith("Model") ? base.DOMWidgetModel : StageInPage;
  }

  async _get_comm_info() {
    return {};
  }

  async _create_comm() {
    throw new Error("there is no kernel");
  }
}

class StageInPage extends window.rvWidgets.base.DOMWidgetView {
  render() {
    super.render();
    this.el.classList.add("rv-page-stage");
    this.end = stage.render({ model: this.model, el: this.el });
  }

  remove() {
    this.end?.();
    return super.remove();
  }
}

/** Answers the controls of one lab from what is stored. */
class StoredLab {
  /** @param {StoredPage} stored */
  constructor(stored) {
    this.stored = stored;
    this.manager = new Manager();
    this.frames = new Frames();
    this.count = 0;
    /** @type {Map<string, PageMove>} */
    this.moves = new Map();
    /** @type {PageMove["sliders"]} */
    this.stands = {};
  }

  /** @param {HTMLElement} place */
  async open(place) {
    const { models, lab, stage: id, slider, situations, palettes } = this.stored;
    await this.manager.set_state({ version_major: 2, version_minor: 0, state: models });
    this.stage = await this.manager.get_model(id);
    const decoded = Object.entries(palettes).map(async ([name, text]) => [
      name,
      await inflated(text),
    ]);
    this.stage.set_state({ palettes: Object.fromEntries(await Promise.all(decoded)) });
    (await this.manager.get_model(slider)).on("change:value", this.heard);
    for (const { button, name } of situations) {
      if (!button) continue;
      const model = await this.manager.get_model(button);
      model.comm = { send: () => this.choose(name) }; // a button says nothing but that it was pressed
    }
    await this.choose(situations[0].name);
    const view = await this.manager.create_view(await this.manager.get_model(lab), {});
    window.rvWidgets.Widget.attach(view.luminoWidget, place);
  }

  /** The opening, or a preset; of two that are asked for at once, the later. @param {string} name */
  async choose(name) {
    this.chosen = name;
    const situation = await this.frames.load(name);
    if (this.chosen !== name) return;
    for (const move of situation.moves) this.moves.set(key(move), move);
    await this.show(situation.shown);
  }

  /** @param {Control} slider */
  heard = (slider) => {
    const stands = this.stands[slider.model_id];
    if (slider._state_lock || !stands) return;
    const value = Number(slider.get("value").toFixed(DIGITS));
    const move = this.moves.get(key({ ...stands, value }));
    if (move) this.show(move);
  };

  /**
   * What a kernel would write: the frame, and the controls that it moves.
   * @param {PageMove} move
   */
  async show({ slider, frame, states, sliders }) {
    this.stands = sliders;
    /** @type {Record<string, unknown>} */
    const traits = { frame: { ...frame, id: ++this.count } };
    for (const { slot, buffer } of [...frame.panels, ...frame.links])
      traits[slot] = this.frames.buffers.get(buffer);
    this.stage.set_state(traits);
    for (const [id, state] of Object.entries(states)) {
      const control = await this.manager.get_model(id);
      const { value: _, ...others } = state;
      const written = id === slider ? others : state; // the hand is at its value already
      control.set_state(await control.constructor._deserialize_state(written, this.manager));
    }
  }
}

/** @param {{ rest: string, value: number }} move */
function key({ rest, value }) {
  return `${rest} ${value}`;
}

window.rvLab = new StoredLab(window.rvStored);
imported(window.rvStored.esm).then((one) => {
  stage = one;
  return window.rvLab.open(document.querySelector("#lab"));
});
