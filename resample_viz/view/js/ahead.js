// @ts-check
// Frames ahead of the hand: what the kernel has sent before it was asked for is painted in the next
// animation frame. The kernel's own answer comes all the same, and has the last word.
//
// A stored move is (rest, slider, value) → (frame, state of other controls): `rest` names all that
// is set beside the slider. Nothing here computes anything, and nothing is written that the kernel
// would take for a move.
/** @import { Frame, Model, Slider, StoredMove } from "./protocol.js" */

const BUDGET = 32e6; // bytes
const SAME = 0.51; // steps: the kernel takes less for rounding
const DIGITS = 10; // of a slider's value, as the kernel reads it
const MOST_PASSED = 1000; // positions that wait for an answer; more than that, and nobody answers

/** The moves that a page keeps; those that were not used for longest go first. */
export class Store {
  /** @param {number} budget bytes */
  constructor(budget = BUDGET) {
    this.budget = budget;
    this.bytes = 0;
    /** @type {Map<string, StoredMove>} */
    this.moves = new Map();
    /** @type {Map<string, { data: DataView, users: number }>} */
    this.buffers = new Map();
    /** What went since the kernel was told. @type {{ moves: [string, number][], buffers: string[] }} */
    this.dropped = { moves: [], buffers: [] };
  }

  /** @param {string} rest @param {number} value */
  find(rest, value) {
    const key = `${rest} ${value}`;
    const move = this.moves.get(key);
    if (move) {
      this.moves.delete(key); // to the end: used last
      this.moves.set(key, move);
    }
    return move;
  }

  /**
   * Keeps a move, if all its buffers are at hand.
   * @param {StoredMove} move
   * @param {(name: string) => DataView | undefined} bytesOf
   */
  keep(move, bytesOf) {
    const key = `${move.rest} ${move.value}`;
    if (this.moves.has(key)) this.forget(key);
    const names = buffersOf(move.frame);
    const missing = names.filter((name) => !this.buffers.has(name) && !bytesOf(name));
    if (missing.length) {
      this.dropped.moves.push([move.rest, move.value]);
      this.dropped.buffers.push(...missing);
      return;
    }
    for (const name of names) {
      const held = this.buffers.get(name) ?? { data: copied(bytesOf(name)), users: 0 };
      if (!held.users) this.bytes += held.data.byteLength;
      held.users += 1;
      this.buffers.set(name, held);
    }
    this.moves.set(key, move);
    for (const oldest of this.moves.keys()) {
      if (this.bytes <= this.budget) break;
      const { rest, value } = this.moves.get(oldest);
      this.dropped.moves.push([rest, value]);
      this.dropped.buffers.push(...this.forget(oldest));
    }
  }

  /**
   * The names of the buffers that went with a move.
   * @param {string} key
   */
  forget(key) {
    const gone = buffersOf(this.moves.get(key).frame).filter((name) => {
      const held = this.buffers.get(name);
      held.users -= 1;
      return !held.users;
    });
    for (const name of gone) {
      this.bytes -= this.buffers.get(name).data.byteLength;
      this.buffers.delete(name);
    }
    this.moves.delete(key);
    return gone;
  }

  /**
   * The bytes of a frame that is kept, by their slots.
   * @param {Frame} frame
   */
  viewsOf({ panels, links }) {
    return new Map(
      [...panels, ...links].map(({ slot, buffer }) => [slot, this.buffers.get(buffer).data]),
    );
  }

  /** What was dropped since this was asked for last. */
  takeDropped() {
    const { dropped } = this;
    this.dropped = { moves: [], buffers: [] };
    return dropped;
  }
}

/** One view's ear at the sliders, and the frame that it is to paint. */
export class Ahead {
  /**
   * @param {Model} model
   * @param {() => void} paint asks for an animation frame
   */
  constructor(model, paint) {
    this.model = model;
    this.paint = paint;
    this.store = new Store();
    /** The frame to paint. @type {Frame} */
    this.frame = model.get("frame");
    /** Its bytes by their slots, if it was sent ahead. @type {Map<string, DataView> | null} */
    this.views = null;
    /** @type {Frame | null} */
    this.painted = null;
    this.count = 0;
    /** Positions of one slider that the kernel has not answered, and up to which one is painted. */
    this.path = { id: "", values: /** @type {number[]} */ ([]), painted: -1 };
    /** @type {Map<string, Slider | null>} */
    this.sliders = new Map();
    model.on("change:frame", this.answered);
    if (!model.widget_manager) return; // then there is nobody to listen to
    model.on("msg:custom", this.receive);
    model.on("change:moves", this.listen);
    this.listen();
  }

  close() {
    this.closed = true;
    this.model.off("change:frame", this.answered);
    this.model.off("msg:custom", this.receive);
    this.model.off("change:moves", this.listen);
    for (const slider of this.sliders.values()) slider?.off("change:value", this.heard);
  }

  /** Sliders that there are by now. One that is not there yet is looked for with the next frame. */
  listen = () => {
    for (const id of Object.keys(this.model.get("moves")?.sliders ?? {})) {
      if (this.sliders.has(id)) continue;
      this.sliders.set(id, null);
      this.control(id).then(
        (slider) => {
          if (this.closed) return;
          this.sliders.set(id, slider);
          slider.on("change:value", this.heard);
        },
        () => this.sliders.delete(id),
      );
    }
  };

  /** @param {string} id @returns {Promise<Slider>} */
  async control(id) {
    return this.model.widget_manager.get_model(id);
  }

  /** @param {Slider} slider */
  heard = (slider) => {
    if (slider._state_lock) return; // the kernel has moved it
    const id = slider.model_id;
    const stands = this.model.get("moves").sliders[id];
    if (!stands) return;
    if (this.path.id !== id) {
      const is_answered = !this.path.values.length;
      this.path = { id, values: [], painted: -1 };
      if (!is_answered) return; // what is set beside this slider is not known before the answer
    }
    const { values } = this.path;
    const value = Number(slider.get("value").toFixed(DIGITS));
    const last = values.length ? values[values.length - 1] : stands.value;
    if (Math.abs(value - last) <= SAME * slider.get("step")) return;
    if (values.push(value) > MOST_PASSED) values.shift();
    if (!this.isReady) this.model.send({ ahead: "ready" });
    this.isReady = true;
    const move = this.store.find(stands.rest, value);
    if (!move) return;
    this.path.painted = values.length - 1;
    this.frame = move.frame;
    this.views = this.store.viewsOf(move.frame);
    this.hasLed = true;
    this.setStates(move.states);
    this.paint();
  };

  /** The kernel's frame: painted, unless it answers a position before the one that is painted. */
  answered = () => {
    const frame = this.model.get("frame");
    const { heard, sliders, states } = this.model.get("moves") ?? {};
    const { values, painted } = this.path;
    const isMine = heard && heard === this.path.id && !frame.alert;
    const value = isMine ? sliders[heard].value : NaN;
    const place = values.indexOf(value);
    const isLeft = place >= 0 && place < painted && value !== values[values.length - 1];
    if (place < 0) this.path = { ...this.path, values: [], painted: -1 };
    else {
      this.path.painted = Math.max(-1, painted - place - 1);
      values.splice(0, place + 1);
    }
    if (isMine && this.isReady) this.keepAnswer(frame);
    if (isLeft) return;
    this.frame = frame;
    this.views = null;
    if (this.hasLed) this.setStates(states);
    this.hasLed = this.path.painted >= 0;
  };

  /** @param {Frame} frame */
  keepAnswer(frame) {
    const { heard, sliders, states } = this.model.get("moves");
    const slots = new Map([...frame.panels, ...frame.links].map((one) => [one.buffer, one.slot]));
    const move = { slider: heard, ...sliders[heard], frame: { ...frame, id: 0 }, states };
    this.store.keep(move, (name) => this.model.get(slots.get(name)));
  }

  /**
   * A message with moves: kept, and acknowledged, so that the next one may come.
   * @param {{ ahead?: number, moves?: StoredMove[], buffers?: string[] }} content
   * @param {DataView[]} data
   */
  receive = (content, data) => {
    if (!content.ahead) return;
    const sent = new Map(content.buffers.map((name, place) => [name, data[place]]));
    for (const move of content.moves) this.store.keep(move, (name) => sent.get(name));
    this.model.send({ ahead: content.ahead, ...this.store.takeDropped() });
  };

  /**
   * What other controls show, as if the kernel had written it: nothing of it goes back there.
   * @param {Record<string, Record<string, unknown>>} states
   */
  setStates(states) {
    for (const [id, state] of Object.entries(states ?? {}))
      this.control(id).then(
        (control) => control.set_state(state),
        () => {}, // a control that was closed
      );
  }

  /**
   * The bytes of a slot of the frame that is to be painted.
   * @param {string} slot
   */
  bytes(slot) {
    return this.views?.get(slot) ?? this.model.get(slot);
  }

  /** The frame to paint now; null if there is nothing to paint, or if it was painted ahead. */
  next() {
    const { frame, painted } = this;
    if (!frame.panels) return null;
    const isPainted = painted && !painted.id && painted.name === frame.name && !frame.alert;
    this.count = Math.max(isPainted ? this.count : this.count + 1, frame.id);
    this.painted = frame;
    return isPainted ? null : frame;
  }
}

/** @param {Frame} frame */
function buffersOf(frame) {
  return [...new Set([...frame.panels, ...frame.links].map((one) => one.buffer))];
}

/**
 * Apart from the message that it came in, which would stay as a whole.
 * @param {DataView} view
 */
function copied(view) {
  return new DataView(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}
