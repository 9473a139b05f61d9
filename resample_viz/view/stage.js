// Made by tools/bundle.mjs from js/, sha256 55af534c9f9fc2d0eee7751a7ab13e27b8d66425ace7d9fde699003f8afaad09

// resample_viz/view/js/words.js
var words = {};
function speak(chosen) {
  words = chosen ?? {};
}
function t(message, values = {}) {
  const translated = words[message];
  return filled(typeof translated === "string" ? translated : message, message, values);
}
function n(one, many, count, values = {}) {
  const english = count === 1 ? one : many;
  const translated = words[one];
  const form = typeof translated === "object" && translated.forms[translated.of[count < translated.of.length ? count : 100 + count % 100]];
  return filled(form || english, english, { count, ...values });
}
function filled(translated, english, values) {
  const places = /\{(\w+)\}/g;
  const fits = [...translated.matchAll(places)].every(([, name]) => name in values);
  return (fits ? translated : english).replace(
    places,
    (place, name) => name in values ? String(values[name]) : place
  );
}

// resample_viz/view/js/geometry.js
function typedArray(view, dtype) {
  const buffer = (
    /** @type {ArrayBuffer} */
    view.buffer
  );
  const Type = { f32: Float32Array, u16: Uint16Array, u8: Uint8Array, i32: Int32Array }[dtype];
  const size = Type.BYTES_PER_ELEMENT;
  if (view.byteOffset % size === 0) {
    return new Type(buffer, view.byteOffset, view.byteLength / size);
  }
  return new Type(buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}
function scaleOf(panel) {
  const levels = { u8: 255, u16: 65535, f32: 0 }[panel.dtype];
  return levels ? { lo: panel.lo, step: (panel.hi - panel.lo) / levels } : { lo: 0, step: 1 };
}
function placeOf(panel, row, col) {
  const r = row - panel.row0;
  const c = col - panel.col0;
  const sent = r >= 0 && r < panel.shownRows && c >= 0 && c < panel.shownCols;
  return sent ? r * panel.shownCols + c : -1;
}
function valueAt(panel, codes, channel, row, col) {
  const place = placeOf(panel, row, col);
  const sent = channel - panel.firstChannel;
  if (place < 0 || sent < 0 || sent >= panel.channels) return NaN;
  const { lo, step } = scaleOf(panel);
  return lo + step * codes[sent * panel.shownRows * panel.shownCols + place];
}
function paintPixels(panel, codes, palette, rgba, markOutside) {
  const cells = panel.shownRows * panel.shownCols;
  const shown = shownCodes(panel, codes);
  const shades = shadesOf(panel, shown);
  if (panel.colour) {
    for (let i = 0, o = 0; i < cells; i++, o += 4) {
      rgba[o] = shades[i];
      rgba[o + 1] = shades[i + cells];
      rgba[o + 2] = shades[i + 2 * cells];
      rgba[o + 3] = 255;
    }
  } else {
    for (let i = 0, o = 0; i < cells; i++, o += 4) {
      const p = 3 * shades[i];
      rgba[o] = palette[p];
      rgba[o + 1] = palette[p + 1];
      rgba[o + 2] = palette[p + 2];
      rgba[o + 3] = 255;
    }
  }
  if (markOutside) markValuesOutside(panel, shown, rgba);
}
function shownCodes(panel, codes) {
  const cells = panel.shownRows * panel.shownCols;
  const from = (panel.channel - panel.firstChannel) * cells;
  return panel.colour ? codes : codes.subarray(from, from + cells);
}
function shadesOf(panel, codes) {
  const { lo, step } = scaleOf(panel);
  const gain = 255 / (panel.vmax - panel.vmin || 1);
  const shade = (code) => (lo + step * code - panel.vmin) * gain;
  if (panel.dtype !== "u8") return Uint8ClampedArray.from(codes, shade);
  const table = Uint8ClampedArray.from({ length: 256 }, (_, code) => shade(code));
  const shades = new Uint8ClampedArray(codes.length);
  for (let i = 0; i < codes.length; i++) shades[i] = table[codes[i]];
  return shades;
}
function markValuesOutside(panel, codes, rgba) {
  const { lo, step } = scaleOf(panel);
  const slack = Math.max(panel.dtype === "f32" ? 0 : step, 1e-6 * (panel.vmax - panel.vmin));
  if (panel.lo >= panel.vmin - slack && panel.hi <= panel.vmax + slack) return;
  const cells = panel.shownRows * panel.shownCols;
  const low = panel.vmin - slack;
  const high = panel.vmax + slack;
  for (let k = 0; k < codes.length; k++) {
    const value = lo + step * codes[k];
    if (value < low || value > high) {
      const o = 4 * (k % cells);
      rgba[o] = 255;
      rgba[o + 1] = 0;
      rgba[o + 2] = 255;
    }
  }
}
function paintRuns(panel, bytes, rgba) {
  const pixels = new Uint32Array(rgba.buffer);
  const part = (from, length) => new Uint8Array(bytes.buffer, bytes.byteOffset + from, length);
  const palette = part(0, 3 * panel.colors);
  const lengths = part(3 * panel.colors, panel.runs);
  const indices = part(3 * panel.colors + panel.runs, panel.runs);
  const words2 = Uint32Array.from(
    { length: panel.colors },
    (_, i) => 255 << 24 | palette[3 * i + 2] << 16 | palette[3 * i + 1] << 8 | palette[3 * i]
  );
  let at = 0;
  for (let run = 0; run < panel.runs; run++) {
    pixels.fill(words2[indices[run]], at, at + lengths[run]);
    at += lengths[run];
  }
}
function paintIndex(panel, positions, rgba) {
  const rows = positions.subarray(0, panel.shownRows);
  const cols = positions.subarray(panel.shownRows);
  let o = 0;
  for (const row of rows) {
    for (const col of cols) {
      const [r, g, b] = indexColour(row, col, panel.inRows, panel.inCols);
      rgba[o++] = r;
      rgba[o++] = g;
      rgba[o++] = b;
      rgba[o++] = 255;
    }
  }
}
function indexColour(row, col, inRows, inCols) {
  const r = Math.round(row);
  const c = Math.round(col);
  const down = inRows > 1 ? row / (inRows - 1) : 0.5;
  const right = inCols > 1 ? col / (inCols - 1) : 0.5;
  const light = (r + c) % 2 === 0 || Math.max(inRows, inCols) > 48 ? 1 : 0.72;
  return [
    Math.round(light * (60 + 180 * down)),
    Math.round(light * (110 + 50 * down + 40 * right)),
    Math.round(light * (70 + 180 * right))
  ];
}
function readLink(link, view) {
  let offset = view.byteOffset;
  const part = (dtype, length) => {
    const bytes = new DataView(view.buffer, offset, 4 * length);
    offset += 4 * length;
    return (
      /** @type {D extends "i32" ? Int32Array : Float32Array} */
      typedArray(bytes, dtype)
    );
  };
  const read2 = (axis) => ({
    ...axis,
    index: part("i32", axis.out * axis.taps),
    weights: part("f32", axis.out * axis.taps)
  });
  const axes = [read2(link.axes[0]), read2(link.axes[1])];
  const [rows, cols] = axes;
  const kernel = link.kernel ? part("f32", link.kernel * rows.taps * cols.taps) : null;
  const winners = link.winners ? part("i32", link.winners) : null;
  return { ...link, inputs: link.kernel ?? 1, axes, kernel, winners };
}
function axisSources(axis, i) {
  const found = /* @__PURE__ */ new Map();
  for (let t2 = i * axis.taps; t2 < (i + 1) * axis.taps; t2++) {
    if (axis.weights[t2] !== 0)
      found.set(axis.index[t2], (found.get(axis.index[t2]) ?? 0) + axis.weights[t2]);
  }
  return [...found];
}
function axisTargets(axis, j) {
  const found = /* @__PURE__ */ new Map();
  for (let t2 = 0; t2 < axis.index.length; t2++) {
    if (axis.index[t2] !== j || axis.weights[t2] === 0) continue;
    const i = Math.floor(t2 / axis.taps);
    found.set(i, (found.get(i) ?? 0) + axis.weights[t2]);
  }
  return [...found];
}
function products(rows, cols) {
  return rows.flatMap(([row, a]) => cols.map(([col, b]) => ({ row, col, weight: a * b })));
}
function sources(link, row, col) {
  const [rows, cols] = link.axes;
  if (link.winners) {
    const winner = link.winners[row * cols.out + col];
    return [{ row: Math.floor(winner / cols.in), col: winner % cols.in, weight: 1 }];
  }
  if (!link.kernel) return products(axisSources(rows, row), axisSources(cols, col));
  const found = [];
  for (let channel = 0; channel < link.inputs; channel++) {
    for (let u = 0; u < rows.taps; u++) {
      for (let v = 0; v < cols.taps; v++) {
        const cell = { row: rows.index[row * rows.taps + u], col: cols.index[col * cols.taps + v] };
        if (cell.row < 0 || cell.col < 0) continue;
        const weight = link.kernel[(channel * rows.taps + u) * cols.taps + v];
        found.push({
          ...cell,
          channel: link.firstChannel + channel,
          weight,
          tap: { row: u, col: v }
        });
      }
    }
  }
  return found;
}
function windowOf(link, row, col) {
  const [rows, cols] = link.axes;
  const taps = ({ index, weights, taps: n2 }, i) => [...index.subarray(i * n2, (i + 1) * n2)].filter(
    (at, t2) => at >= 0 && (link.kernel || weights[i * n2 + t2] !== 0)
  );
  return taps(rows, row).flatMap((r) => taps(cols, col).map((c) => ({ row: r, col: c })));
}
function targets(link, row, col, channel = link.firstChannel) {
  const [rows, cols] = link.axes;
  if (link.winners) return winnerTargets(link, row * cols.in + col);
  if (!link.kernel) return products(axisTargets(rows, row), axisTargets(cols, col));
  const kernel = link.kernel.subarray((channel - link.firstChannel) * rows.taps * cols.taps);
  return tapsOn(rows, row).flatMap(
    ([i, u]) => tapsOn(cols, col).map(([j, v]) => ({
      row: i,
      col: j,
      weight: kernel[u * cols.taps + v],
      tap: { row: u, col: v }
    }))
  );
}
function winnerTargets({ winners, axes }, place) {
  const found = [];
  winners.forEach((winner, i) => {
    if (winner === place)
      found.push({ row: Math.floor(i / axes[1].out), col: i % axes[1].out, weight: 1 });
  });
  return found;
}
function tapsOn(axis, j) {
  const found = [];
  for (let t2 = 0; t2 < axis.index.length; t2++) {
    if (axis.index[t2] === j) found.push([Math.floor(t2 / axis.taps), t2 % axis.taps]);
  }
  return found;
}
function addedUp(link, steps, valueAtCell, before = null) {
  const [rows, cols] = link.axes;
  const known = before && before.steps <= steps;
  const sums = known ? before.sums.slice() : new Float64Array(rows.out * cols.out).fill(link.bias ?? 0);
  for (let step = known ? before.steps : 0; step < steps; step++) {
    const row = Math.floor(step / cols.in);
    const col = step % cols.in;
    for (let channel = 0; channel < link.inputs; channel++) {
      const from = (link.firstChannel ?? 0) + channel;
      const value = valueAtCell(row, col, from);
      for (const cell of targets(link, row, col, from))
        sums[cell.row * cols.out + cell.col] += cell.weight * value;
    }
  }
  return sums;
}
function numberOf({ rows, cols, margin: [top, left, bottom, right] }, row, col) {
  const inside = row >= top && row < rows - bottom && col >= left && col < cols - right;
  return inside ? (row - top) * (cols - left - right) + col - left : -1;
}
function cellOf({ cols, margin: [top, left, , right] }, number) {
  const width = cols - left - right;
  return { row: top + Math.floor(number / width), col: left + number % width };
}
function visibleCells(panel, screenWidth, centre, screenHeight = screenWidth * panel.shownRows / panel.shownCols) {
  const crop = (n2, middle, from, sent, pixels) => {
    const count = Math.min(sent, Math.max(1, Math.floor(pixels)));
    const first = Math.round(middle * n2 - count / 2);
    return [Math.max(from, Math.min(from + sent - count, first)), count];
  };
  const [row, rows] = crop(panel.rows, centre.y, panel.row0, panel.shownRows, screenHeight);
  const [col, cols] = crop(panel.cols, centre.x, panel.col0, panel.shownCols, screenWidth);
  return { row, col, rows, cols };
}
function cellAt(view, fx, fy) {
  if (!(fx >= 0 && fx < 1 && fy >= 0 && fy < 1)) return null;
  return { row: view.row + Math.floor(fy * view.rows), col: view.col + Math.floor(fx * view.cols) };
}
function extent(cells) {
  const rows = cells.map((cell) => cell.row);
  const cols = cells.map((cell) => cell.col);
  const row = Math.min(...rows);
  const col = Math.min(...cols);
  return { row, col, rows: Math.max(...rows) - row + 1, cols: Math.max(...cols) - col + 1 };
}
function format(value, digits = 4) {
  if (!Number.isFinite(value)) return String(value);
  const text = Number.isInteger(value) ? String(value) : value.toFixed(digits);
  return text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "").replace(/^-0$/, "0").replace("-", "−");
}
function formatWeight(weight) {
  const small = weight !== 0 && Math.abs(weight) < 5e-3;
  return small ? weight.toExponential(0).replaceAll("-", "−") : format(weight, 2);
}
function writtenOut(cells, valueAtCell, { most = 4, inOrder = false, bias = 0 } = {}) {
  let terms = cells.map((cell) => ({ ...cell, value: valueAtCell(cell) }));
  if (inOrder) terms = terms.filter(({ weight }) => weight !== 0);
  else terms.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  const add = (sum, term) => sum + term.weight * term.value;
  const total = terms.reduce(add, bias);
  const shown = terms.slice(0, most).map((term) => `${format(term.weight)}·${format(term.value)}`);
  if (terms.length > most) {
    const rest = { total: format(terms.slice(most).reduce(add, 0)) };
    const left = terms.length - most;
    shown.push(`(${n("{count} more adds {total}", "{count} more add {total}", left, rest)})`);
  }
  if (bias) shown.push(t("{bias} (bias)", { bias: format(bias) }));
  return { text: (shown.join(" + ") || "0").replaceAll("+ −", "− "), total };
}
function numberTyped(text) {
  const plain = text.trim().replace(/−/g, "-").replace(",", ".");
  const parts = plain.split("/").map((part) => part.trim() === "" ? NaN : Number(part));
  const value = parts.length === 2 ? parts[0] / parts[1] : parts.length === 1 ? parts[0] : NaN;
  return Number.isFinite(value) ? value : NaN;
}

// resample_viz/view/js/ahead.js
var BUDGET = 32e6;
var SAME = 0.51;
var DIGITS = 10;
var MOST_PASSED = 1e3;
var Store = class {
  /** @param {number} budget bytes */
  constructor(budget = BUDGET) {
    this.budget = budget;
    this.bytes = 0;
    this.moves = /* @__PURE__ */ new Map();
    this.buffers = /* @__PURE__ */ new Map();
    this.dropped = { moves: [], buffers: [] };
  }
  /** @param {string} rest @param {number} value */
  find(rest, value) {
    const key = `${rest} ${value}`;
    const move = this.moves.get(key);
    if (move) {
      this.moves.delete(key);
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
      [...panels, ...links].map(({ slot, buffer }) => [slot, this.buffers.get(buffer).data])
    );
  }
  /** What was dropped since this was asked for last. */
  takeDropped() {
    const { dropped } = this;
    this.dropped = { moves: [], buffers: [] };
    return dropped;
  }
};
var Ahead = class {
  /**
   * @param {Model} model
   * @param {() => void} paint asks for an animation frame
   */
  constructor(model, paint) {
    this.model = model;
    this.paint = paint;
    this.store = new Store();
    this.frame = model.get("frame");
    this.views = null;
    this.painted = null;
    this.count = 0;
    this.path = { id: "", values: (
      /** @type {number[]} */
      []
    ), painted: -1 };
    this.sliders = /* @__PURE__ */ new Map();
    model.on("change:frame", this.answered);
    if (!model.widget_manager) return;
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
        () => this.sliders.delete(id)
      );
    }
  };
  /** @param {string} id @returns {Promise<Slider>} */
  async control(id) {
    return this.model.widget_manager.get_model(id);
  }
  /** @param {Slider} slider */
  heard = (slider) => {
    if (slider._state_lock) return;
    const id = slider.model_id;
    const stands = this.model.get("moves").sliders[id];
    if (!stands) return;
    if (this.path.id !== id) {
      const is_answered = !this.path.values.length;
      this.path = { id, values: [], painted: -1 };
      if (!is_answered) return;
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
        () => {
        }
        // a control that was closed
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
};
function buffersOf(frame) {
  return [...new Set([...frame.panels, ...frame.links].map((one) => one.buffer))];
}
function copied(view) {
  return new DataView(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

// resample_viz/view/js/dom.js
function element(tag, classes = "", attributes = {}) {
  const node2 = document.createElement(tag);
  if (classes) node2.className = classes;
  for (const [name, value] of Object.entries(attributes)) node2.setAttribute(name, String(value));
  return node2;
}
function resize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}
function setText(node2, text) {
  if (node2.textContent !== text) node2.textContent = text;
}
function setStyle({ style }, wanted) {
  for (const [name, value] of Object.entries(wanted))
    if (style.getPropertyValue(name) !== value) style.setProperty(name, value);
}
function outline(pen, place, ratio, dashes) {
  const [x, y, w, h] = place;
  const grow = Math.max(0, 5 * ratio - w) / 2;
  const rect = [x - grow, y - grow, w + 2 * grow, h + 2 * grow];
  pen.setLineDash([]);
  pen.lineWidth = 4 * ratio;
  pen.strokeStyle = "#000";
  pen.strokeRect(...rect);
  pen.setLineDash(dashes);
  pen.lineWidth = 2 * ratio;
  pen.strokeStyle = "#fff";
  pen.strokeRect(...rect);
}

// resample_viz/view/js/card.js
var AWAY = 14;
var PER_POINT = 600;
var PER_PIXEL = 25;
var Card = class {
  constructor() {
    this.root = element("div", "rv-card", { "aria-hidden": "true" });
    this.text = element("div", "rv-card-text");
    this.loupe = element("canvas", "rv-loupe", { "aria-hidden": "true" });
    this.sign = element("div", "rv-pin");
    this.root.append(this.loupe, this.text, this.sign);
    this.root.hidden = true;
  }
  /**
   * @param {string} sentence
   * @param {string} sign what is said of a pinned cell, "" for one that is not
   */
  write(sentence, sign) {
    setText(this.text, sentence);
    setText(this.sign, sign);
  }
  /**
   * Puts the card beside `cell`, where it covers least. Every part has a weight for each square
   * pixel of it that is covered.
   * @param {Box} cell
   * @param {[Box, number][]} parts
   * @param {[number, number][]} points of lines
   * @param {Box} room
   */
  place(cell, parts, points, room) {
    this.root.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = this.root;
    const middle = { x: (cell.left + cell.right) / 2, y: (cell.top + cell.bottom) / 2 };
    const lefts = /* @__PURE__ */ new Set([cell.right + AWAY, cell.left - AWAY - width, middle.x - width / 2]);
    const tops = /* @__PURE__ */ new Set([cell.bottom + AWAY, cell.top - AWAY - height, middle.y - height / 2]);
    for (const [{ left, right, top, bottom }] of parts) {
      for (const one of [left, right + AWAY, left - AWAY - width, right - width]) lefts.add(one);
      for (const one of [top, bottom + AWAY, top - AWAY - height, bottom - height]) tops.add(one);
    }
    let best = null;
    for (const left of lefts) {
      for (const top of tops) {
        const box = within({ left, top, right: left + width, bottom: top + height }, room);
        const cost = parts.reduce((sum, [part, weight]) => sum + weight * overlap(box, part), 0) + 10 * overlap(box, cell) + PER_POINT * points.filter((point) => holds(box, point)).length + PER_PIXEL * distance(box, middle);
        if (!best || cost < best.cost) best = { cost, box };
      }
    }
    this.root.style.transform = `translate(${Math.round(best.box.left)}px, ${Math.round(best.box.top)}px)`;
  }
  hide() {
    this.root.hidden = true;
  }
};
function within(box, room) {
  const right = Math.max(0, box.right - room.right);
  const below = Math.max(0, box.bottom - room.bottom);
  const dx = Math.max(room.left - box.left, -right);
  const dy = Math.max(room.top - box.top, -below);
  return {
    left: box.left + dx,
    right: box.right + dx,
    top: box.top + dy,
    bottom: box.bottom + dy
  };
}
function distance(box, { x, y }) {
  return Math.hypot(
    Math.max(box.left - x, x - box.right, 0),
    Math.max(box.top - y, y - box.bottom, 0)
  );
}
function overlap(a, b) {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return Math.max(0, width) * Math.max(0, height);
}
function holds(box, [x, y]) {
  return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
}

// resample_viz/view/js/lab.js
var NARROW = 700;
var TYPED_INTO = "input, textarea, select, [contenteditable=true]";
var HANDLES = ".noUi-handle";
var LabAround = class {
  /**
   * @param {HTMLElement} stage the root of the stage, which may not be in the page yet
   * @param {AbortSignal} signal
   * @param {() => void} onResize
   */
  constructor(stage, signal, onResize) {
    this.stage = stage;
    this.onResize = onResize;
    this.watched = null;
    this.place = null;
    this.full = element("button", "rv-full", {
      type: "button",
      title: t("Full screen (Esc leaves it)"),
      "aria-label": t("Full screen")
    });
    this.full.append(icon("M1 6V1h5M10 1h5v5M15 10v5h-5M6 15H1v-5"));
    this.full.hidden = !document.fullscreenEnabled;
    this.full.addEventListener("click", () => this.toggle(), { signal });
    document.addEventListener("fullscreenchange", () => this.changed(), { signal });
    window.addEventListener("resize", onResize, { signal });
    window.addEventListener("keydown", (event) => this.key(event), { signal, capture: true });
    this.names = new MutationObserver(() => this.nameHandles());
    signal.addEventListener("abort", () => this.names.disconnect());
  }
  /** The outermost element of the lab; the stage itself where it stands alone. */
  get root() {
    return (
      /** @type {HTMLElement} */
      this.stage.closest(".rv-lab") ?? this.stage
    );
  }
  get isFull() {
    return document.fullscreenElement === this.root;
  }
  async toggle() {
    if (this.isFull) return document.exitFullscreen();
    const { root } = this;
    this.place = root.parentElement;
    this.place.style.minHeight = `${root.offsetHeight}px`;
    await root.requestFullscreen();
  }
  changed() {
    this.onResize();
    const { place } = this;
    if (this.isFull || !place) return;
    this.place = null;
    requestAnimationFrame(() => requestAnimationFrame(() => place.style.minHeight = ""));
  }
  /** Called with every frame: the lab is in the page now, and its controls may be others. */
  attend() {
    const { root } = this;
    if (this.watched !== root && root !== this.stage) {
      this.watched = root;
      this.names.observe(root, {
        subtree: true,
        childList: true,
        attributeFilter: ["aria-valuetext"]
      });
      this.nameHandles();
    }
    root.classList.toggle("rv-narrow", root.clientWidth > 0 && root.clientWidth <= NARROW);
  }
  /** CSS pixels that one screen has for the lab. */
  get height() {
    if (this.isFull) return window.innerHeight - 2;
    const notebook = this.stage.closest(".jp-WindowedPanel-outer");
    return (notebook?.clientHeight || window.innerHeight) - 9;
  }
  /** CSS pixels of the rows above the stage. */
  get above() {
    const { root } = this;
    if (root === this.stage) return 0;
    const style = getComputedStyle(root);
    const own = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
    const head = (
      /** @type {HTMLElement | null} */
      root.querySelector(".rv-lab-head")
    );
    return own + (head ? head.offsetHeight + (parseFloat(style.rowGap) || 0) : 0);
  }
  /** Sliders say their own name, and round numbers. */
  nameHandles() {
    for (const handle of this.root.querySelectorAll(HANDLES)) {
      const label = handle.closest(".widget-slider, .widget-inline-hbox")?.querySelector("label");
      if (label && handle.getAttribute("aria-label") !== label.textContent)
        handle.setAttribute("aria-label", label.textContent);
      const said = handle.getAttribute("aria-valuetext");
      const round = said && Number.isFinite(Number(said)) ? String(+Number(said).toFixed(4)) : said;
      if (round !== said) handle.setAttribute("aria-valuetext", round);
    }
  }
  /** @param {KeyboardEvent} event */
  key(event) {
    const wanted = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (!wanted || event.key.toLowerCase() !== "z") return;
    const at = (
      /** @type {HTMLElement} */
      event.target
    );
    if (!this.root.contains(at) || at.closest(TYPED_INTO)) return;
    const undo = (
      /** @type {HTMLButtonElement | null} */
      this.root.querySelector("button.rv-undo")
    );
    if (!undo) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    undo.click();
  }
};
function icon(path) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 16 16", width: 14, height: 14 }))
    drawing.setAttribute(name, String(value));
  const line2 = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line2.setAttribute("d", path);
  line2.setAttribute("class", "rv-icon");
  drawing.append(line2);
  return drawing;
}

// resample_viz/view/js/layout.js
var GAP = 12;
var LEAST = 220;
var LEAST_OF_THREE = 180;
var LEAST_OTHER = 43;
var WANTED_OTHER = 128;
var MOST_ROWS = 3;
var SHARING = 2;
var TINY = 100;
var SECOND_LINE = 10;
var CHART = 96;
var LEAST_CHART = 190;
var NOTES = 150;
var KERNEL_SHARE = 0.5;
var LEAST_BESIDE = 80;
var CHART_BELOW = 0.72;
var TITLE = 20;
var MOST_OTHER = 0.6;
var LEAST_SEEN = 110;
function plan(room) {
  const below = planBelow(room);
  const beside = planBeside(room);
  const chosen = beside.main >= below.main && beside.small >= LEAST_BESIDE ? beside : below;
  const { ratio } = room;
  return {
    ...chosen,
    main: whole(chosen.main, ratio),
    small: whole(chosen.small, ratio),
    chart: whole(chosen.chart, ratio)
  };
}
function planBelow(room) {
  const { width, count, smalls, charts } = room;
  const least = count > 2.5 ? LEAST_OF_THREE : LEAST;
  const widest = (width - GAP * (Math.ceil(count) - 1)) / count;
  if (widest < least)
    return { main: width, small: width / 3, chart: CHART, isBeside: false, isChartApart: true };
  let best = { score: -1, main: least, small: LEAST_OTHER, isChartApart: charts > 0 };
  for (const isChartApart2 of charts ? [false, true] : [false]) {
    for (let rows = 1; rows <= MOST_ROWS; rows++) {
      for (let main2 = least; main2 <= widest; main2++) {
        const small2 = smallBelow(room, main2, rows, isChartApart2);
        if (small2 < LEAST_OTHER) continue;
        const score = main2 + (1 + smalls / 4) * Math.min(small2, WANTED_OTHER) + small2 / 2;
        if (score >= best.score) best = { score, main: main2, small: small2, isChartApart: isChartApart2 };
      }
    }
  }
  const { main, small, isChartApart } = best;
  return { main, small, chart: isChartApart ? CHART : small, isBeside: false, isChartApart };
}
function smallBelow({ width, height, smalls, charts }, main, rows, isChartApart) {
  const chart = isChartApart ? CHART + TITLE : 0;
  const high = (height - main - chart - (rows - 1) * (TITLE + GAP / 2)) / rows;
  const taken = NOTES + (charts && !isChartApart ? LEAST_CHART + GAP : 0);
  const wide = smalls ? (width - taken) / Math.ceil(smalls / rows) - GAP : high;
  const small = Math.min(high, wide, MOST_OTHER * main);
  return small < TINY ? Math.min(small, high - SECOND_LINE) : small;
}
function planBeside({ width, height, count, smalls }) {
  if (smalls > SHARING) return { main: 0, small: 0, chart: 0, isBeside: true, isChartApart: false };
  const widest = (width - GAP * Math.ceil(count) - LEAST_BESIDE) / count;
  const main = Math.min(widest, Math.max(LEAST, CHART_BELOW * height));
  const left = width - count * main - Math.ceil(count) * GAP;
  const small = Math.min(left, (main - TITLE - GAP / 2) / 2);
  return {
    main,
    small,
    chart: Math.max(LEAST_OTHER, height - main),
    isBeside: true,
    isChartApart: false
  };
}
function whole(length, ratio) {
  return Math.floor(length * ratio + 1e-6) / ratio;
}
function commonScale(pictures, ratio) {
  if (pictures.length < 2 || pictures.some(({ cropped }) => cropped)) return null;
  const scale = Math.min(...pictures.map(({ most }) => most));
  const seen = pictures.every(
    ({ rows, cols }) => Math.max(rows, cols) * scale / ratio >= LEAST_SEEN
  );
  return seen ? scale : null;
}
function notLarger({ rows, cols, most, cropped }, pictures) {
  const cells = Math.max(rows, cols);
  if (cropped) return most;
  const larger = pictures.filter((one) => !one.cropped && Math.max(one.rows, one.cols) > cells);
  const sizes = larger.map((one) => Math.max(one.rows, one.cols) * one.most / cells);
  return Math.max(1, Math.floor(Math.min(most, ...sizes)));
}

// resample_viz/view/js/lines.js
var SVG = "http://www.w3.org/2000/svg";
var MOST_LABELS = 6;
var APART = 30;
var ON_CELLS = 34;
var Lines = class {
  constructor() {
    this.root = document.createElementNS(SVG, "svg");
    this.root.setAttribute("class", "rv-arrows");
    this.root.setAttribute("aria-hidden", "true");
    this.points = [];
  }
  /**
   * @param {Way[]} ways
   * @param {Bundle | null} bundle
   * @param {DOMRect} frame
   */
  draw(ways, bundle, frame) {
    this.root.replaceChildren();
    this.points = [];
    for (const [from, start, to, end] of ways) {
      const [x1, y1] = from.centreOf(start, frame);
      const [x2, y2] = to.centreOf(end, frame);
      for (const layer of ["rv-arrow-ground", "rv-arrow"]) {
        this.root.append(node("line", { x1, y1, x2, y2, class: layer }));
      }
      this.root.append(node("circle", { cx: x2, cy: y2, r: 4, class: "rv-arrow-head" }));
    }
    if (bundle) this.drawBundle(bundle, frame);
  }
  /**
   * One bent line for each cell, so that the lines of neighbours can be told apart.
   * @param {Bundle} bundle
   * @param {DOMRect} frame
   */
  drawBundle({ panel, cells, other, cell, outward }, frame) {
    const read2 = cells.filter(({ weight }) => weight !== 0);
    if (!read2.length) return;
    if (read2.length > MOST_LABELS) return this.drawFunnel(panel, read2, other, cell, frame);
    const end = other.centreOf(cell, frame);
    const labelled = panel.cellSize < ON_CELLS;
    const apart = labelled ? 2 * APART : 6;
    const labels = [];
    for (const [i, one] of read2.entries()) {
      const start = panel.centreOf(one, frame);
      const bend = (i - (read2.length - 1) / 2) * apart;
      const x2 = (start[0] + end[0]) / 2;
      const y2 = (start[1] + end[1]) / 2 + bend;
      const path = `M ${start} Q ${x2} ${y2} ${end}`;
      const sign = one.weight < 0 ? "rv-line rv-negative" : "rv-line";
      const width = 1 + 2 * Math.min(1, Math.abs(one.weight));
      this.root.append(
        node("path", { d: path, class: "rv-line-ground", "stroke-width": width + 2 }),
        node("path", { d: path, class: sign, "stroke-width": width })
      );
      const cx = (start[0] + end[0] + 2 * x2) / 4;
      const cy = (start[1] + end[1] + 2 * y2) / 4;
      this.points.push([start[0], start[1]], [cx, cy], [end[0], end[1]]);
      if (!labelled) continue;
      const label = node("text", { x: cx, y: cy, class: "rv-line-weight" });
      label.textContent = `×${formatWeight(one.weight)}`;
      labels.push(label);
    }
    const [x, y] = outward ? panel.centreOf(read2[0], frame) : end;
    this.root.append(node("circle", { cx: x, cy: y, r: 3, class: "rv-line-end" }), ...labels);
  }
  /**
   * Of many cells, two lines from the corners of the box around them: the weights stand in the card.
   * @param {PanelView} panel
   * @param {Cell[]} cells
   * @param {PanelView} other
   * @param {Cell} cell
   * @param {DOMRect} frame
   */
  drawFunnel(panel, cells, other, cell, frame) {
    const box = panel.rectOf(extent(cells), frame);
    const [x2, y2] = other.centreOf(cell, frame);
    const x1 = Math.abs(box.left - x2) < Math.abs(box.right - x2) ? box.left : box.right;
    for (const y1 of [box.top, box.bottom]) {
      for (const layer of ["rv-line-ground", "rv-line"])
        this.root.append(node("line", { x1, y1, x2, y2, class: layer, "stroke-width": 2 }));
      this.points.push([(x1 + x2) / 2, (y1 + y2) / 2]);
    }
  }
};
function node(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

// resample_viz/view/js/row_chart.js
var FEWEST = 7;
var MOST = 13;
var PER_COLUMN = 28;
var LEFT = 34;
var RIGHT = 4;
var ROOM = 0.15;
var MOST_LABELS2 = 6;
function rowScene(meta, bytes, link, { input, output, chart }, { row, col }) {
  const [rows, cols] = link.axes;
  const numbers = (
    /** @type {Float32Array} */
    typedArray(bytes, "f32")
  );
  const places = meta.samples ? numbers.subarray(2 * meta.samples) : Float32Array.from({ length: cols.out }, (_, i) => (i + 0.5) * cols.in / cols.out - 0.5);
  return {
    row,
    col,
    places,
    place: places[col],
    span: shownColumns(places[col], cols.in, chart.width),
    range: [meta.vmin, meta.vmax],
    mixed: mixedRow(rows, row, cols.in, (r, c) => input.value(r, c)),
    outputs: Array.from({ length: cols.out }, (_, c) => output.value(row, c)),
    offsets: numbers.subarray(0, meta.samples),
    weights: numbers.subarray(meta.samples, 2 * meta.samples),
    taps: axisSources(cols, col)
  };
}
function shownColumns(place, width, pixels) {
  const most = Math.max(FEWEST, Math.min(MOST, Math.round(pixels / PER_COLUMN)));
  const count = Math.min(width, most);
  const first = Math.max(0, Math.min(width - count, Math.round(place - (count - 1) / 2)));
  return [first - 0.6, first + count - 0.4];
}
function columnAt(x, width, [first, last]) {
  return first + (x - LEFT) / (width - LEFT - RIGHT) * (last - first);
}
function mixedRow(rows, row, width, value) {
  const mixed = new Float64Array(width);
  for (const [i, weight] of axisSources(rows, row))
    for (let col = 0; col < width; col++) mixed[col] += weight * value(i, col);
  return mixed;
}
function nearest(places, column) {
  let best = 0;
  for (let i = 1; i < places.length; i++)
    if (Math.abs(places[i] - column) < Math.abs(places[best] - column)) best = i;
  return best;
}
function paintRow(pen, scene, size, colours) {
  const { width, height, ratio } = size;
  const { span } = scene;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "10px sans-serif";
  pen.textBaseline = "middle";
  const middle = scene.offsets.length ? 0.46 * height : height;
  const x = (column) => LEFT + (column - span[0]) / (span[1] - span[0]) * (width - LEFT - RIGHT);
  const place = x(scene.place);
  pen.strokeStyle = colours("line");
  line(pen, place, 0, place, height, [2, 3]);
  paintLegend(pen, width, colours);
  paintValues(pen, scene, { x, bottom: middle, width }, colours);
  if (scene.offsets.length) paintKernel(pen, scene, { x, top: middle, width, height }, colours);
}
function paintLegend(pen, width, colours) {
  pen.textAlign = "right";
  pen.fillStyle = colours("output");
  pen.fillText("— y", width - RIGHT, 6);
  pen.fillStyle = colours("input");
  pen.fillText("● x", width - RIGHT - 24, 6);
}
function paintValues(pen, scene, { x, bottom, width }, colours) {
  const { range, mixed, places, outputs, col } = scene;
  const [low, high] = range;
  const room = ROOM * (high - low);
  const y = (value) => bottom - 3 - (value - low + room) / (high - low + 2 * room) * (bottom - 6);
  pen.strokeStyle = colours("line");
  pen.fillStyle = colours("quiet");
  pen.textAlign = "right";
  for (const level of range) {
    line(pen, LEFT, y(level), width, y(level), [3, 3]);
    pen.fillText(String(Number(level.toPrecision(3))), LEFT - 5, y(level));
  }
  pen.save();
  pen.beginPath();
  pen.rect(LEFT, 0, width - LEFT, bottom);
  pen.clip();
  pen.strokeStyle = pen.fillStyle = colours("output");
  pen.lineWidth = 1.5;
  pen.beginPath();
  outputs.forEach((value, i) => {
    if (!Number.isNaN(value)) pen.lineTo(x(places[i]), y(value));
  });
  pen.stroke();
  for (const [i, value] of outputs.entries()) dot(pen, x(places[i]), y(value), i === col ? 4 : 2);
  pen.fillStyle = colours("input");
  for (const [i, value] of mixed.entries()) dot(pen, x(i), y(value), 3.2);
  pen.restore();
}
function paintKernel(pen, scene, { x, top, width, height }, colours) {
  const { offsets, weights, place, taps } = scene;
  const sums = [...weights, ...taps.map(([, weight]) => weight)];
  const high = Math.max(...sums, 1e-6);
  const low = Math.min(0, ...sums);
  const bottom = height - 22;
  const y = (weight) => bottom - (weight - low) / (high - low) * (bottom - top - 8);
  pen.strokeStyle = colours("line");
  line(pen, LEFT, y(0), width, y(0), []);
  pen.save();
  pen.beginPath();
  pen.rect(LEFT, 0, width - LEFT, height);
  pen.clip();
  pen.strokeStyle = pen.fillStyle = colours("kernel");
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (const [i, offset] of offsets.entries()) pen.lineTo(x(place + offset), y(weights[i]));
  pen.stroke();
  pen.textAlign = "center";
  for (const [column, weight] of taps) {
    pen.lineWidth = 2;
    line(pen, x(column), y(0), x(column), y(weight), []);
    dot(pen, x(column), y(weight), 3);
  }
  pen.fillStyle = colours("text");
  for (const [i, [column, weight]] of taps.length <= MOST_LABELS2 ? taps.entries() : [])
    pen.fillText(formatWeight(weight), x(column), height - 6 - i % 2 * 10);
  pen.restore();
  pen.textAlign = "right";
  pen.fillStyle = colours("quiet");
  pen.fillText(String(Number(high.toPrecision(2))), LEFT - 5, y(high));
  pen.fillText("0", LEFT - 5, y(0));
}
function line(pen, x1, y1, x2, y2, dashes) {
  pen.setLineDash(dashes);
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
  pen.setLineDash([]);
}
function dot(pen, x, y, radius) {
  if (Number.isNaN(y)) return;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}

// resample_viz/view/js/panel_view.js
var NUMBERS_FROM = 24;
var WEIGHTS_FROM = 34;
var CROSSED_FROM = 6;
var MOST_HEIGHT = 600;
var NO_NUMBER = (typed) => t("{typed} is no number, so the cell keeps its value: type one such as 0.5, −2 or 1/3.", {
  typed: JSON.stringify(typed)
});
var MEANING = [
  "kind",
  "dtype",
  "channels",
  "channel",
  "lo",
  "hi",
  "vmin",
  "vmax",
  "colormap",
  "inRows",
  "inCols"
];
var PanelView = class {
  /**
   * @param {StageView} stage
   * @param {string} name
   */
  constructor(stage, name) {
    this.stage = stage;
    this.measured = void 0;
    this.side = null;
    this.cellSize = 0;
    this.isOverview = false;
    this.scene = null;
    this.drag = null;
    this.figure = element("figure", "rv-panel", { "data-name": name });
    this.title = element("figcaption", "rv-title");
    this.screen = element("div", "rv-screen", { tabindex: "0", role: "img" });
    this.cells = element("canvas", "rv-cells", { "aria-hidden": "true" });
    this.overlay = element("canvas", "rv-overlay", { "aria-hidden": "true" });
    this.screen.append(this.cells, this.overlay);
    this.caption = element("div", "rv-caption");
    this.larger = element("button", "rv-larger", { type: "button" });
    this.larger.hidden = true;
    this.figure.append(this.title, this.screen, this.caption, this.larger);
    this.listen();
  }
  /**
   * @param {PanelMeta} meta
   * @param {DataView} view
   */
  update(meta, view) {
    const before = this.meta;
    const resized = before?.shownRows !== meta.shownRows || before?.shownCols !== meta.shownCols;
    const same = view === this.bytes && !resized && MEANING.every((key) => before[key] === meta[key]);
    this.meta = meta;
    this.bytes = view;
    this.figure.dataset.role = meta.role;
    this.figure.dataset.kind = meta.kind;
    if (meta.spots?.length) this.figure.dataset.pickable = "true";
    if (meta.ties?.length) this.figure.dataset.matrix = meta.cols > 2 * meta.rows ? "wide" : "tall";
    setText(this.title, meta.title);
    setText(this.caption, meta.caption);
    this.screen.setAttribute("aria-label", meta.alt);
    this.writeNames(meta);
    if (same) return;
    this.count = this.sums = void 0;
    if (meta.kind === "row") return;
    if (meta.kind !== "chart")
      this.codes = typedArray(view, meta.kind === "index" ? "f32" : meta.dtype);
    if (resized) {
      this.image = new ImageData(meta.shownCols, meta.shownRows);
      this.shape();
    }
    this.colour();
  }
  /**
   * Gives the panel a fixed side (of a chart: height) in CSS pixels.
   * @param {number} side
   * @param {boolean} isOverview
   */
  fix(side, isOverview) {
    if (side === this.side && isOverview === this.isOverview) return;
    this.side = side;
    this.isOverview = isOverview;
    this.measured = void 0;
    this.shape();
  }
  /**
   * The button that puts a small panel among the main ones, or takes it back.
   * @param {boolean} isSmall
   * @param {boolean} isEnlarged
   */
  offerEnlarging(isSmall, isEnlarged) {
    this.larger.hidden = !isSmall && !isEnlarged;
    this.larger.textContent = isEnlarged ? "⤡" : "⤢";
    const label = isEnlarged ? t("{title}: small again", { title: this.meta.title }) : t("{title}: large, beside the input", { title: this.meta.title });
    this.larger.title = label;
    this.larger.setAttribute("aria-label", label);
  }
  /** Whether it has cells. */
  get isPicture() {
    return this.meta.kind === "pixels" || this.meta.kind === "index";
  }
  /** The size of the screen: fixed, or as wide as there is room, in the shape of the tensor. */
  shape() {
    const { style } = this.screen;
    const { shownCols, shownRows } = this.meta;
    const isChart = !this.isPicture;
    const fixed = this.side === null ? "" : `${this.side}px`;
    style.height = fixed;
    style.width = isChart ? "" : fixed;
    this.figure.style.width = isChart ? "" : fixed;
    style.aspectRatio = fixed ? "auto" : `${shownCols} / ${shownRows}`;
    style.maxWidth = fixed ? "" : `${Math.max(1, MOST_HEIGHT * shownCols / shownRows)}px`;
  }
  /**
   * The names of the rows, beside them; those of the columns are told under the pointer.
   * @param {PanelMeta} meta
   */
  writeNames({ names, picked }) {
    const rows = names?.[0] ?? [];
    if (!rows.length) return;
    if (!this.names) {
      const beside = element("div", "rv-beside");
      this.names = element("ol", "rv-names", { "aria-hidden": "true" });
      this.screen.replaceWith(beside);
      beside.append(this.names, this.screen);
      this.figure.dataset.named = "true";
    }
    if (this.names.dataset.text !== rows.join()) {
      this.names.dataset.text = rows.join();
      this.names.replaceChildren(
        ...rows.map((name) => {
          const line2 = element("li");
          line2.textContent = name;
          return line2;
        })
      );
    }
    for (const [row, line2] of [...this.names.children].entries()) {
      line2.classList.toggle("rv-picked", row === picked[0]);
    }
  }
  /**
   * Shows the cells up to number `count` only, or `sums` in place of the values; undefined ends it.
   * @param {number | undefined} [count]
   * @param {Float32Array | undefined} [sums]
   */
  reveal(count, sums) {
    if (this.count === void 0 && count === void 0) return;
    this.count = count;
    this.sums = sums;
    this.colour();
    this.paint();
  }
  /**
   * Whether a cell is hidden because the walk has not come to it.
   * @param {number} row
   * @param {number} col
   */
  hides(row, col) {
    return this.count !== void 0 && !this.sums && numberOf(this.meta, row, col) >= this.count;
  }
  colour() {
    if (this.meta.kind === "row") return;
    if (this.meta.kind === "chart") return paintRuns(this.meta, this.bytes, this.image.data);
    if (this.meta.kind === "index") return paintIndex(this.meta, this.codes, this.image.data);
    const palette = this.stage.palette(this.meta.colormap);
    const mark = this.stage.markOutside && this.meta.role !== "error";
    const { sums, meta } = this;
    const shown = sums ? { ...meta, dtype: "f32", colour: false, firstChannel: meta.channel } : meta;
    paintPixels(shown, sums ?? this.codes, palette, this.image.data, mark);
    if (this.count === void 0 || sums) return;
    for (let i = 0; i < meta.shownRows * meta.shownCols; i++) {
      const row = meta.row0 + Math.floor(i / meta.shownCols);
      if (this.hides(row, meta.col0 + i % meta.shownCols)) this.image.data[4 * i + 3] = 0;
    }
  }
  /** The cells that can be seen, and how many device pixels each of them can have. */
  measure() {
    const ratio = window.devicePixelRatio || 1;
    const { rows, cols, shownRows, shownCols } = this.meta;
    const width = this.side ?? this.width;
    const height = this.side ?? width * shownRows / shownCols;
    const pixels = [Math.floor(width * ratio + 1e-6), Math.floor(height * ratio + 1e-6)];
    const each = this.perPixel;
    const view = visibleCells(this.meta, each * pixels[0], this.stage.centre, each * pixels[1]);
    const room = Math.min(pixels[0] / view.cols, pixels[1] / view.rows);
    const most = each > 1 ? 1 / each : Math.max(1, Math.floor(room));
    return { view, pixels, ratio, most, cropped: view.rows < rows || view.cols < cols, rows, cols };
  }
  /**
   * Cells are a whole number of device pixels: `scale`, or as many as there is room for.
   * @param {number | null} [scale]
   */
  paint(scale = null) {
    if (this.meta.kind === "row") return;
    if (this.meta.kind === "chart") {
      resize(this.cells, this.meta.cols, this.meta.rows);
      this.cells.getContext("2d").putImageData(this.image, 0, 0);
      return;
    }
    const { view, pixels, ratio, most, cropped } = this.measure();
    this.view = view;
    this.figure.toggleAttribute("data-cropped", cropped);
    const size = scale ?? most;
    const each = size < 1 ? Math.round(1 / size) : 1;
    resize(this.cells, Math.ceil(view.cols / each), Math.ceil(view.rows / each));
    this.cells.getContext("2d").putImageData(
      each > 1 ? condensed(this.image, each) : this.image,
      (this.meta.col0 - view.col) / each,
      (this.meta.row0 - view.row) / each
    );
    const width = this.cells.width * each * size;
    const height = this.cells.height * each * size;
    resize(this.overlay, width, height);
    const left = `${Math.floor((pixels[0] - width) / 2) / ratio}px`;
    const top = `${Math.floor((pixels[1] - height) / 2) / ratio}px`;
    for (const node2 of [this.cells, this.overlay])
      setStyle(node2, {
        left,
        top,
        width: `${width / ratio}px`,
        height: `${height / ratio}px`
      });
    this.cellSize = size / ratio;
    if (this.names) {
      const line2 = this.cellSize * view.rows / this.meta.rows;
      this.names.style.fontSize = `${Math.min(11, 0.95 * line2)}px`;
      this.names.style.height = this.cells.style.height;
      this.names.style.marginTop = this.cells.style.top;
    }
    this.decorate();
  }
  /**
   * A row as a chart, in device pixels.
   * @param {import("./protocol.js").RowScene} scene
   * @param {import("./protocol.js").Colours} colours
   */
  paintScene(scene, colours) {
    this.scene = scene;
    const ratio = window.devicePixelRatio || 1;
    const width = whole(this.width, ratio);
    const height = this.side ?? 150;
    resize(this.cells, Math.round(width * ratio), Math.round(height * ratio));
    setStyle(this.cells, { width: `${width}px`, height: `${height}px` });
    paintRow(this.cells.getContext("2d"), scene, { width, height, ratio }, colours);
  }
  /** Of an overview, the cells that share one device pixel along each axis. */
  get perPixel() {
    if (!this.isOverview || this.side === null) return 1;
    const { shownRows, shownCols } = this.meta;
    const pixels = this.side * (window.devicePixelRatio || 1);
    return Math.max(1, Math.ceil(Math.max(shownRows, shownCols) / (pixels + 1e-6)));
  }
  /** CSS pixels; asked of the page only once, because asking makes it lay itself out. */
  get width() {
    this.measured ||= this.screen.clientWidth;
    return this.measured || 300;
  }
  get cropped() {
    return this.view && (this.view.rows < this.meta.rows || this.view.cols < this.meta.cols);
  }
  /** The overlay: numbers where cells are large, the cropped part of larger panels, the highlight. */
  decorate() {
    if (!this.view) return;
    const pen = this.overlay.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.overlay.width, this.overlay.height);
    const size = this.overlay.width / this.view.cols;
    const box = ({ row, col, rows = 1, cols = 1 }) => [
      (col - this.view.col) * size,
      (row - this.view.row) * size,
      cols * size,
      rows * size
    ];
    const ratio = window.devicePixelRatio || 1;
    const { cells, boxes } = this.stage.highlight.get(this.meta.name) ?? { cells: [], boxes: [] };
    const filled2 = cells.length > 1 ? cells.filter(({ weight }) => weight !== 0) : [];
    for (const mark of filled2) {
      pen.globalAlpha = 0.25 + 0.5 * Math.min(1, Math.abs(mark.weight));
      pen.fillStyle = mark.weight < 0 ? "#56B4E9" : "#F0E442";
      pen.fillRect(...box(mark));
    }
    pen.globalAlpha = 1;
    if (this.meta.kind === "pixels") this.drawGrid(pen, size, box, ratio, filled2);
    if (size / ratio >= WEIGHTS_FROM && this.meta.kind === "pixels")
      this.writeWeights(pen, size, box, filled2);
    const frame = this.stage.croppedFrame(this);
    if (frame) outline(pen, box(frame), ratio, [6 * ratio, 4 * ratio]);
    if (this.meta.picked?.length)
      outline(pen, box({ row: this.meta.picked[0], col: this.meta.picked[1] }), ratio, []);
    for (const one of boxes) outline(pen, box(one), ratio, []);
  }
  /**
   * What belongs to the cells themselves: padding, cells that are never read, numbers, tiles.
   * @param {Pen} pen
   * @param {number} size
   * @param {BoxOf} box
   * @param {number} ratio
   * @param {Cell[]} filled
   */
  drawGrid(pen, size, box, ratio, filled2) {
    const {
      margin: [top, left, bottom, right],
      rows,
      cols,
      lines,
      unread
    } = this.meta;
    const inside = { row: top, col: left, rows: rows - top - bottom, cols: cols - left - right };
    if (top || left || bottom || right) this.drawPadding(pen, box, inside, ratio);
    if (size / ratio >= NUMBERS_FROM) this.writeNumbers(pen, size, box, filled2);
    if (unread[0].length || unread[1].length) this.crossOut(pen, size / ratio, box, ratio);
    if (!lines.length) return;
    pen.beginPath();
    for (let row = lines[0]; row < rows; row += lines[0])
      pen.rect(...box({ row, col: 0, rows: 0, cols }));
    for (let col = lines[1]; col < cols; col += lines[1])
      pen.rect(...box({ row: 0, col, rows, cols: 0 }));
    pen.strokeStyle = "#CC79A7";
    pen.stroke();
  }
  /**
   * What no output reads: a stroke through every cell, or bands where cells are small.
   * @param {Pen} pen
   * @param {number} size
   * @param {BoxOf} box
   * @param {number} ratio
   */
  crossOut(pen, size, box, ratio) {
    const {
      rows,
      cols,
      unread: [unreadRows, unreadCols]
    } = this.meta;
    pen.strokeStyle = pen.fillStyle = "#D55E00";
    if (size < CROSSED_FROM) {
      pen.globalAlpha = 0.5;
      for (const row of unreadRows) pen.fillRect(...box({ row, col: 0, cols }));
      for (const col of unreadCols) pen.fillRect(...box({ row: 0, col, rows }));
      pen.globalAlpha = 1;
      return;
    }
    pen.lineWidth = 2 * ratio;
    pen.beginPath();
    for (let row = 0; row < rows; row++) {
      for (const col of unreadRows.includes(row) ? Array(cols).keys() : unreadCols) {
        const [x, y, w, h] = box({ row, col });
        pen.moveTo(x, y + h);
        pen.lineTo(x + w, y);
      }
    }
    pen.stroke();
  }
  /**
   * Padding is hatched, and a dashed line runs around what is inside.
   * @param {Pen} pen
   * @param {BoxOf} box
   * @param {Area} inside
   * @param {number} ratio
   */
  drawPadding(pen, box, inside, ratio) {
    const [x, y, w, h] = box(inside);
    pen.save();
    pen.beginPath();
    pen.rect(0, 0, this.overlay.width, this.overlay.height);
    pen.rect(x, y, w, h);
    pen.clip("evenodd");
    pen.beginPath();
    const gap = 7 * ratio;
    for (let at = -this.overlay.height; at < this.overlay.width; at += gap) {
      pen.moveTo(at, this.overlay.height);
      pen.lineTo(at + this.overlay.height, 0);
    }
    pen.lineWidth = ratio;
    pen.strokeStyle = "rgba(150, 150, 150, 0.9)";
    pen.stroke();
    pen.restore();
    outline(pen, [x, y, w, h], ratio, [4 * ratio, 3 * ratio]);
  }
  /**
   * @param {Pen} pen
   * @param {number} size
   * @param {BoxOf} box
   * @param {Cell[]} filled
   */
  writeNumbers(pen, size, box, filled2) {
    const bright = new Set(filled2.map(({ row, col }) => `${row},${col}`));
    pen.font = `${Math.round(Math.min(size * 0.32, 15 * (window.devicePixelRatio || 1)))}px sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const cells = this.meta.rows * this.meta.cols;
    for (let i = 0; i < cells; i++) {
      const row = Math.floor(i / this.meta.cols);
      const col = i % this.meta.cols;
      if (this.hides(row, col)) continue;
      pen.fillStyle = bright.has(`${row},${col}`) ? "#000" : this.inkAt(row, col);
      const [x, y, w, h] = box({ row, col });
      pen.fillText(format(this.value(row, col), size > 60 ? 3 : 2), x + w / 2, y + h / 2);
    }
  }
  /**
   * The weights with which cells are read, under their values.
   * @param {Pen} pen
   * @param {number} size
   * @param {BoxOf} box
   * @param {Cell[]} filled
   */
  writeWeights(pen, size, box, filled2) {
    pen.font = `bold ${Math.round(Math.min(size * 0.24, 12 * (window.devicePixelRatio || 1)))}px sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    pen.fillStyle = "#000";
    for (const mark of filled2) {
      const [x, y, w, h] = box(mark);
      pen.fillText(`×${formatWeight(mark.weight)}`, x + w / 2, y + h - 0.06 * size);
    }
  }
  /**
   * The value of a cell in one channel; without one, in the channel that is shown.
   * @param {number} row
   * @param {number} col
   * @param {number} [channel]
   */
  value(row, col, channel = this.meta.channel) {
    if (this.sums && channel === this.meta.channel)
      return this.sums[placeOf(this.meta, row, col)] ?? NaN;
    return valueAt(this.meta, this.codes, channel, row, col);
  }
  /**
   * One value, or those of red, green and blue.
   * @param {number} row
   * @param {number} col
   */
  values(row, col) {
    return this.meta.colour ? [0, 1, 2].map((channel) => this.value(row, col, channel)) : [this.value(row, col)];
  }
  /**
   * A cell as it is called: counted from where the padding ends.
   * @param {Cell} cell
   */
  nameOf({ row, col }) {
    const [top, left] = this.meta.margin ?? [0, 0];
    return t("row {row}, column {col}", { row: format(row - top), col: format(col - left) });
  }
  /**
   * @param {number} row
   * @param {number} col
   */
  colourAt(row, col) {
    const place = placeOf(this.meta, row, col);
    return place < 0 ? [128, 128, 128] : this.image.data.subarray(4 * place, 4 * place + 3);
  }
  /**
   * Black or white, whichever can be read on the colour of a cell.
   * @param {number} row
   * @param {number} col
   */
  inkAt(row, col) {
    const [r, g, b] = this.colourAt(row, col);
    return 0.3 * r + 0.59 * g + 0.11 * b > 140 ? "#000" : "#fff";
  }
  listen() {
    const { signal } = this.stage.abort;
    const on = (type, handler) => this.screen.addEventListener(type, handler, { signal });
    on("pointermove", (event) => this.pointed(event));
    on("pointerdown", (event) => this.pressed(event));
    on("pointerup", (event) => this.released(event));
    on("pointercancel", () => {
      this.drag = this.pressedCell = null;
    });
    on("pointerleave", (event) => {
      if (event.pointerType === "touch") return;
      this.pressedCell = null;
      this.stage.point(null);
    });
    on("dblclick", (event) => this.edit(this.cellUnder(event)));
    on("keydown", (event) => this.key(event));
    on("blur", () => this.stage.point(null));
    this.larger.addEventListener("click", () => this.stage.enlarge(this.meta.name), { signal });
  }
  /**
   * The middle of a cell, in pixels from the corner of `frame`.
   * @param {Cell} cell
   * @param {DOMRect} frame
   */
  centreOf({ row, col }, frame) {
    const rect = this.overlay.getBoundingClientRect();
    const { view } = this;
    return [
      rect.left - frame.left + (col + 0.5 - view.col) / view.cols * rect.width,
      rect.top - frame.top + (row + 0.5 - view.row) / view.rows * rect.height
    ];
  }
  /**
   * Where some cells lie, in pixels from the corner of `frame`.
   * @param {Cell & Partial<import("./protocol.js").Extent>} cells
   * @param {DOMRect} frame
   * @returns {import("./protocol.js").Box}
   */
  rectOf({ row, col, rows = 1, cols = 1 }, frame) {
    const rect = this.overlay.getBoundingClientRect();
    const { view } = this;
    const left = rect.left - frame.left + (col - view.col) / view.cols * rect.width;
    const top = rect.top - frame.top + (row - view.row) / view.rows * rect.height;
    return {
      left,
      top,
      right: left + cols / view.cols * rect.width,
      bottom: top + rows / view.rows * rect.height
    };
  }
  /** @param {MouseEvent} event */
  cellUnder(event) {
    if (this.spots.length) return this.spotUnder(event);
    if (!this.view || this.meta.kind === "row") return null;
    const rect = this.overlay.getBoundingClientRect();
    return cellAt(
      this.view,
      (event.clientX - rect.left) / rect.width,
      (event.clientY - rect.top) / rect.height
    );
  }
  /** The bars of a chart that can be pointed at. */
  get spots() {
    return this.meta.spots ?? [];
  }
  /** @param {MouseEvent} event */
  spotUnder(event) {
    const rect = this.cells.getBoundingClientRect();
    const x = (event.clientX - rect.left) / rect.width * this.meta.cols;
    const col = this.spots.findLastIndex(([left]) => left <= x);
    return col < 0 || x > this.meta.end ? null : { row: 0, col };
  }
  /** @param {PointerEvent} event */
  pointed(event) {
    if (this.meta.kind === "row") return this.stage.pointRow(this, event);
    if (this.drag) {
      this.drag.moved ||= Math.hypot(event.clientX - this.drag.x, event.clientY - this.drag.y) > 3;
      if (!this.drag.moved) return;
      const rect = this.overlay.getBoundingClientRect();
      this.stage.pan(
        (this.drag.x - event.clientX) / rect.width * (this.view.cols / this.meta.cols),
        (this.drag.y - event.clientY) / rect.height * (this.view.rows / this.meta.rows)
      );
      this.drag = { ...this.drag, x: event.clientX, y: event.clientY };
      return;
    }
    if (event.pointerType === "touch") return;
    const cell = this.cellUnder(event);
    this.stage.point(cell && { name: this.meta.name, ...cell });
  }
  /** @param {PointerEvent} event */
  pressed(event) {
    const cell = this.cellUnder(event);
    if (this.cropped) {
      this.drag = { x: event.clientX, y: event.clientY };
      this.screen.setPointerCapture(event.pointerId);
    }
    this.pressedCell = cell;
  }
  /**
   * What lies beyond the cells that were sent has to be asked for. A click pins; of a finger, the
   * first tap points, and the second on the same cell pins.
   * @param {PointerEvent} event
   */
  released(event) {
    const moved = this.drag?.moved;
    const cell = this.pressedCell;
    this.drag = this.pressedCell = null;
    if (moved) return this.stage.lookAt();
    if (!cell) return;
    const spot = { name: this.meta.name, ...cell };
    if (event.pointerType === "touch" && !this.stage.isAt(spot)) this.stage.tap(spot);
    else this.stage.pin(spot);
  }
  /** @param {KeyboardEvent} event */
  key(event) {
    const isChart = this.meta.kind === "chart";
    if (this.meta.kind === "row") return this.stage.keyRow(this, event);
    if (isChart && !this.spots.length || event.target !== this.screen) return;
    const { rows, cols } = isChart ? { rows: 1, cols: this.spots.length } : this.meta;
    const now = this.stage.spot;
    const here = now && now.name === this.meta.name ? now : { row: this.view?.row ?? 0, col: this.view?.col ?? 0 };
    const step = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      Home: [0, -here.col],
      End: [0, cols],
      PageUp: [-here.row, 0],
      PageDown: [rows, 0]
    }[event.key];
    if (step) {
      const within3 = (value, n2) => Math.max(0, Math.min(n2 - 1, value));
      const first = now && now.name === this.meta.name ? step : [0, 0];
      this.stage.walkTo({
        name: this.meta.name,
        row: within3(here.row + first[0], rows),
        col: within3(here.col + first[1], cols)
      });
    } else if (event.key === "Enter") {
      this.stage.pin({ ...here, name: this.meta.name });
    } else if (event.key === "Escape") {
      this.stage.free();
    } else if (this.meta.editable && /^[-\d.]$/.test(event.key)) {
      this.edit(here, event.key);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
  /**
   * A number field over one cell; Enter sends the new value to the kernel.
   * @param {Cell | null} cell
   * @param {string | undefined} [start]
   */
  edit(cell, start) {
    if (!cell || !this.meta.editable || this.screen.querySelector("input")) return;
    if (numberOf(this.meta, cell.row, cell.col) < 0) return;
    const field = element("input", "rv-edit", {
      inputmode: "decimal",
      "aria-label": t("value of {cell}", { cell: this.nameOf(cell) })
    });
    field.value = start ?? format(this.value(cell.row, cell.col)).replace("−", "-");
    const { left, top } = this.rectOf(cell, this.screen.getBoundingClientRect());
    Object.assign(field.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${this.cellSize}px`,
      height: `${this.cellSize}px`
    });
    let open = true;
    const close = (send) => {
      if (!open) return;
      open = false;
      const value = numberTyped(field.value);
      field.remove();
      const isEmpty = field.value.trim() === "";
      if (send && !isEmpty && Number.isNaN(value)) this.stage.say(NO_NUMBER(field.value));
      else if (send && !isEmpty) {
        const [top2, left2] = this.meta.margin;
        this.stage.send({
          panel: this.meta.name,
          row: cell.row - top2,
          col: cell.col - left2,
          value
        });
      }
      this.screen.focus({ preventScroll: true });
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" || event.key === "Escape") close(event.key === "Enter");
    });
    field.addEventListener("pointerdown", (event) => event.stopPropagation());
    field.addEventListener("blur", () => close(false));
    this.screen.append(field);
    field.focus({ preventScroll: true });
    if (start === void 0) field.select();
  }
};
function condensed(image, each) {
  const width = Math.ceil(image.width / each);
  const small = new ImageData(width, Math.ceil(image.height / each));
  const { data } = image;
  const pixels = new Uint32Array(data.buffer);
  const kept = new Uint32Array(small.data.buffer);
  const lightest = new Int16Array(kept.length).fill(-1);
  for (let row = 0, i = 0; row < image.height; row++) {
    const first = Math.floor(row / each) * width;
    for (let col = 0; col < image.width; col++, i++) {
      const light = data[4 * i] + data[4 * i + 1] + data[4 * i + 2];
      const at = first + Math.floor(col / each);
      if (light <= lightest[at]) continue;
      lightest[at] = light;
      kept[at] = pixels[i];
    }
  }
  return small;
}

// resample_viz/view/js/stepper.js
var SLOWEST = 1;
var FASTEST = 60;
var USUAL = 4;
var KEYS = [
  "Enter",
  " ",
  "ArrowLeft",
  "ArrowRight",
  "ArrowUp",
  "ArrowDown",
  "Home",
  "End",
  "PageUp",
  "PageDown"
];
var Stepper = class {
  /**
   * `onStep(step)` is called with 0 … count - 1, and with null when the walk is over.
   * @param {AbortSignal} signal
   * @param {(step: number | null) => void} onStep
   */
  constructor(signal, onStep) {
    this.onStep = onStep;
    this.count = 0;
    this.step = null;
    this.root = element("div", "rv-stepper", {
      role: "group",
      "aria-label": t("step through the cells")
    });
    this.first = this.button("|◀", t("first cell"), () => this.go(0));
    this.back = this.button("◀", t("one cell back"), () => this.go((this.step ?? this.count) - 1));
    this.play = this.button(`▶ ${t("Play")}`, t("play or pause"), () => this.toggle());
    this.next = this.button("▶|", t("next cell"), () => this.go((this.step ?? -1) + 1));
    this.end = this.button("✕", t("end the walk"), () => this.stop());
    this.speed = element("input", "", {
      type: "range",
      min: SLOWEST,
      max: FASTEST,
      value: USUAL,
      "aria-label": t("cells per second")
    });
    this.words = element("span", "rv-steps", { "aria-live": "off" });
    this.root.append(t("slow"), this.speed, t("fast"), this.words);
    signal.addEventListener("abort", () => this.pause());
    this.root.addEventListener("keydown", (event) => {
      if (KEYS.includes(event.key)) event.stopPropagation();
    });
    this.show();
  }
  /**
   * @param {string} text
   * @param {string} label
   * @param {() => void} press
   */
  button(text, label, press) {
    const button = element("button", "", { type: "button", title: label, "aria-label": label });
    button.textContent = text;
    button.addEventListener("click", () => {
      if (button !== this.play) this.pause();
      press();
    });
    this.root.append(button);
    return button;
  }
  /**
   * There are so many cells now; a walk goes on if it can.
   * @param {number} count
   */
  resize(count) {
    this.root.hidden = count === 0;
    if (count === this.count) return;
    this.count = count;
    if (this.step !== null && this.step >= count) this.stop();
    this.show();
  }
  /** @param {number} step */
  go(step) {
    this.step = Math.max(0, Math.min(this.count - 1, step));
    this.show();
    this.onStep(this.step);
  }
  get playing() {
    return this.request !== void 0;
  }
  toggle() {
    if (this.playing) return this.pause();
    if (this.step === null || this.step >= this.count - 1) this.go(0);
    let before = performance.now();
    let due = 0;
    const tick = (now) => {
      due += (now - before) / 1e3 * this.speed.valueAsNumber;
      before = now;
      this.request = requestAnimationFrame(tick);
      const steps = Math.floor(due);
      due -= steps;
      if (steps > 0) this.go(this.step + steps);
      if (this.step >= this.count - 1 || !this.root.isConnected) this.pause();
    };
    this.request = requestAnimationFrame(tick);
    this.show();
  }
  pause() {
    if (!this.playing) return;
    cancelAnimationFrame(this.request);
    this.request = void 0;
    this.show();
  }
  stop() {
    this.pause();
    if (this.step === null) return;
    this.step = null;
    this.show();
    this.onStep(null);
  }
  show() {
    const text = this.playing ? `❚❚ ${t("Pause")}` : `▶ ${t("Play")}`;
    if (this.play.textContent !== text) this.play.textContent = text;
    this.end.disabled = this.step === null;
    this.back.disabled = this.step === 0;
    this.words.textContent = this.step === null ? n("{count} cell to walk", "{count} cells to walk", this.count) : t("cell {step} of {count}", { step: this.step + 1, count: this.count });
  }
};

// resample_viz/view/js/stage.js
var LOUPE_CELLS = 6;
var LOUPE_SIZE = 150;
var LEAST_LOUPE_CELL = 34;
var PRODUCTS = 9;
var pinned = () => t("pinned: Esc or a click on it frees it");
var LOW = 520;
var TITLE_ROWS = 57;
var traced = () => t(
  "Point at a cell to see where it comes from, or walk with the arrow keys. Click or Enter pins it, Esc frees it."
);
var read = () => t("Point at a cell to read its value, or walk with the arrow keys.");
var lost = () => t(
  "The kernel was restarted or closed. Hovering still works here; run the cell again to move the controls."
);
var StageView = class {
  /**
   * @param {Model} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.model = model;
    speak(model.get("words"));
    this.abort = new AbortController();
    this.panels = /* @__PURE__ */ new Map();
    this.links = [];
    this.highlight = /* @__PURE__ */ new Map();
    this.arrows = [];
    this.bundle = null;
    this.walked = "";
    this.centre = { x: 0.5, y: 0.5 };
    this.markOutside = true;
    this.unmeasured = true;
    this.main = [];
    this.sameCells = false;
    this.spot = null;
    this.pinned = null;
    this.added = null;
    this.written = "";
    this.offered = "";
    this.enlarged = "";
    this.colours = /* @__PURE__ */ new Map();
    this.partly = "";
    this.rows = "";
    this.ahead = new Ahead(model, this.show);
    this.build(el);
    this.follow();
    this.show();
  }
  /** @param {HTMLElement} el */
  build(el) {
    const { signal } = this.abort;
    this.root = element("div", "rv-stage", { "data-frame": "0", "data-state": "ok" });
    this.around = new LabAround(this.root, signal, () => this.repaint());
    this.strip = element("div", "rv-strip", { "aria-label": t("shapes") });
    this.top = element("div", "rv-top");
    this.top.append(this.strip, this.around.full);
    this.alert = element("div", "rv-alert", { role: "alert" });
    this.hint = element("div", "rv-hint");
    this.words = element("div", "rv-words");
    this.waysOut = element("div", "rv-ways-out");
    this.refusal = element("div", "rv-refusal");
    this.refusal.append(this.alert, this.waysOut);
    this.words.append(this.hint, this.refusal);
    this.grid = element("div", "rv-panels");
    this.mainRow = element("div", "rv-main-row");
    this.otherRow = element("div", "rv-other-row");
    this.column = element("div", "rv-column");
    this.notes = element("div", "rv-notes");
    this.lines = new Lines();
    this.card = new Card();
    this.loupe = this.card.loupe;
    this.field = element("div", "rv-field");
    this.field.append(this.grid, this.lines.root, this.card.root);
    this.warnings = element("div", "rv-warnings", { role: "status" });
    this.progress = element("div", "rv-progress", { role: "status" });
    this.stepper = new Stepper(signal, (step) => this.stepTo(step));
    this.merits = element("dl", "rv-merits");
    this.marker = element("label", "rv-marker");
    this.markBox = element("input", "", { type: "checkbox" });
    this.markBox.checked = true;
    this.marker.append(this.markBox, t("paint values outside the range of the picture magenta"));
    this.sentence = element("div", "rv-sentence", { "aria-live": "polite" });
    this.buildUpload();
    this.foot = element("div", "rv-foot");
    this.foot.append(this.sentence, this.own);
    this.buildCode();
    this.root.append(
      this.top,
      this.merits,
      this.words,
      this.warnings,
      this.stepper.root,
      this.progress,
      this.field,
      this.marker,
      this.foot,
      this.codeRow
    );
    el.append(this.root);
    this.markBox.addEventListener("change", () => this.recolour(), { signal });
  }
  /** The first line of the code; the others, and how the shape comes about, unfold. */
  buildCode() {
    this.codeRow = element("div", "rv-code");
    this.fold = element("details");
    this.firstLine = element("summary");
    this.code = element("code");
    this.formula = element("div", "rv-formula");
    const pre = element("pre");
    pre.append(this.code);
    this.fold.append(this.firstLine, pre, this.formula);
    this.copy = element("button", "rv-copy", { type: "button", title: t("Copy this code") });
    this.copy.textContent = t("Copy");
    this.codeRow.append(this.fold, this.copy);
    this.copy.addEventListener("click", () => this.copyCode(), { signal: this.abort.signal });
  }
  /** The learner's own picture: chosen from a dialog, or dropped anywhere on the stage. */
  buildUpload() {
    this.own = element("label", "rv-own");
    this.own.hidden = !this.model.get("max_upload");
    this.file = element("input", "", { type: "file", accept: "image/*" });
    this.own.append(t("Your own picture, or drop it here"), this.file);
    const { signal } = this.abort;
    this.file.addEventListener("change", () => this.take(this.file.files[0]), { signal });
    this.root.addEventListener("dragover", (event) => event.preventDefault(), { signal });
    this.root.addEventListener(
      "drop",
      (event) => {
        event.preventDefault();
        event.stopPropagation();
        this.take(event.dataTransfer.files[0]);
      },
      { signal }
    );
  }
  /** @param {File | undefined} [file] */
  async take(file) {
    const most = this.model.get("max_upload");
    if (!file || !most) return;
    if (file.size > most) {
      this.say(
        t(
          "{name} has {size} MB, more than the {most} MB that a lab takes: make it smaller first, 512 pixels are plenty.",
          { name: file.name, size: (file.size / 1e6).toFixed(1), most: most / 1e6 }
        )
      );
      return;
    }
    const data = new DataView(await file.arrayBuffer());
    this.model.set("upload", { name: file.name, data });
    this.model.save_changes();
    this.file.value = "";
  }
  follow() {
    this.model.on("change:frame", this.show);
    this.model.on("change:progress", this.showProgress);
    this.showProgress();
    this.model.on("comm_live_update", this.lost);
    this.observer = new ResizeObserver(() => {
      for (const panel of this.panels.values()) panel.measured = panel.screen.clientWidth;
      this.repaint();
    });
    this.observer.observe(this.root);
    this.theme = new MutationObserver(() => this.tellTheme());
    this.theme.observe(document.body, {
      attributes: true,
      attributeFilter: ["data-jp-theme-light", "class"]
    });
    this.tellTheme();
  }
  close() {
    this.closed = true;
    this.abort.abort();
    this.observer.disconnect();
    this.theme.disconnect();
    cancelAnimationFrame(this.request);
    this.ahead.close();
    this.model.off("change:frame", this.show);
    this.model.off("change:progress", this.showProgress);
    this.model.off("comm_live_update", this.lost);
    this.root.remove();
  }
  lost = () => {
    this.root.dataset.kernel = "lost";
    this.warn(lost());
  };
  showProgress = () => {
    const { share, text } = this.model.get("progress") ?? {};
    const bar = element("progress", "", { max: "1", value: String(share ?? 0) });
    this.progress.replaceChildren(...text ? [bar, ` ${text}`] : []);
  };
  /** Charts are drawn in the kernel, so it has to know whether the page is dark. */
  tellTheme() {
    this.colours.clear();
    const probe = getComputedStyle(document.body).getPropertyValue("--jp-layout-color1").trim();
    const light = document.body.dataset.jpThemeLight;
    const dark = light ? light === "false" : isDark(probe);
    if (this.model.get("dark") === dark) return;
    this.model.set("dark", dark);
    this.model.save_changes();
  }
  /** @param {string} name */
  palette(name) {
    const view = this.model.get("palettes")[name];
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  }
  /** Frames that come faster than the screen shows them are skipped. */
  show = () => {
    cancelAnimationFrame(this.request);
    this.request = requestAnimationFrame(() => {
      const frame = this.ahead.next();
      if (frame) this.draw(frame);
      this.root.dataset.frame = String(this.ahead.count);
    });
  };
  /** @param {Frame} frame */
  draw(frame) {
    this.links = frame.links.map((link) => readLink(link, this.ahead.bytes(link.slot)));
    this.main = this.chosenMain(frame);
    this.arrange(frame.panels.map((meta) => meta.name));
    const columns = String(this.main.length ? 0 : frame.columns);
    if (this.grid.dataset.columns !== columns) {
      this.grid.dataset.columns = columns;
      this.grid.style.setProperty("--rv-columns", columns);
    }
    for (const meta of frame.panels)
      this.panels.get(meta.name).update(meta, this.ahead.bytes(meta.slot));
    this.sameCells = frame.sameCells;
    this.showOutside(frame);
    this.write(frame);
    const rows = `${Boolean(frame.walk)} ${frame.warnings.length} ${frame.main}`;
    if (this.unmeasured || rows !== this.rows) this.layOut();
    this.rows = rows;
    this.paintAll();
    this.walk(frame);
    this.light();
    this.root.dataset.state = frame.alert ? "error" : "ok";
  }
  /**
   * Keeps the figures that stay, so that nothing flickers and the focus is not lost.
   * @param {string[]} names
   */
  arrange(names) {
    for (const [name, panel] of this.panels) {
      if (names.includes(name)) continue;
      panel.figure.remove();
      this.panels.delete(name);
      this.unmeasured = true;
    }
    for (const name of names) {
      if (this.panels.has(name)) continue;
      this.panels.set(name, new PanelView(this, name));
      this.unmeasured = true;
      this.observer.observe(this.panels.get(name).screen);
    }
    if (!this.main.length) fill(this.grid, figures(names.map((name) => this.panels.get(name))));
    else if (this.unmeasured) fill(this.grid, [this.mainRow, this.otherRow]);
  }
  /**
   * The main panels; the last of them gives way to a small one that was enlarged.
   * @param {Frame} frame
   */
  chosenMain({ main = [], panels }) {
    const { enlarged } = this;
    const isThere = panels.some(({ name }) => name === enlarged);
    return isThere && !main.includes(enlarged) ? [...main.slice(0, -1), enlarged] : main;
  }
  /**
   * A small panel takes the place of the last main one, or gives it back.
   * @param {string} name
   */
  enlarge(name) {
    this.enlarged = this.enlarged === name ? "" : name;
    this.draw(this.ahead.frame);
    this.layOut();
    this.paintAll();
    this.light();
  }
  /** The size and the place of the panels, where all of them are to fit on one screen. */
  layOut() {
    this.unmeasured = false;
    this.around.attend();
    this.root.classList.toggle("rv-one-screen", this.main.length > 0);
    if (!this.main.length) return;
    const { height, above } = this.around;
    const isLow = height < LOW;
    this.root.classList.toggle("rv-low", isLow);
    const top = this.field.getBoundingClientRect().top - this.root.getBoundingClientRect().top;
    const below = (isLow ? 0 : this.foot.offsetHeight + 4) + this.firstLine.offsetHeight + 10;
    const taken = above + top + below;
    const main = this.main.map((name) => this.panels.get(name));
    const others = [...this.panels.values()].filter((panel) => !main.includes(panel));
    const small = others.filter((panel) => panel.isPicture);
    const charts = others.filter((panel) => !panel.isPicture);
    const kernels = main.filter(isKernel).length;
    const sizes = plan({
      width: this.root.clientWidth,
      height: height - taken - TITLE_ROWS,
      ratio: window.devicePixelRatio || 1,
      count: main.length - kernels * (1 - KERNEL_SHARE),
      smalls: small.length,
      charts: charts.length
    });
    for (const panel of main) panel.fix(sideOf(panel, sizes.main), false);
    for (const panel of small) panel.fix(sizes.small, true);
    for (const panel of charts) panel.fix(sizes.chart, false);
    for (const panel of this.panels.values())
      panel.offerEnlarging(others.includes(panel), panel.meta.name === this.enlarged);
    const { isBeside } = sizes;
    fill(this.column, isBeside ? figures(small) : []);
    fill(this.mainRow, [...figures(main), this.column]);
    fill(this.otherRow, [...isBeside ? [] : figures(small), this.notes, ...figures(charts)]);
    this.notes.style.maxHeight = `${(isBeside ? sizes.chart : sizes.small) + 20}px`;
    this.grid.classList.toggle("rv-tiny", !isBeside && small.length > 0 && sizes.small < TINY);
    this.otherRow.classList.toggle("rv-chart-apart", sizes.isChartApart);
  }
  /** Input and output are drawn at one scale where both can be seen then; a kernel has its own. */
  paintAll() {
    const main = this.main.map((name) => this.panels.get(name));
    const alike = main.filter((panel) => panel?.meta.kind === "pixels" && !isKernel(panel));
    const sizes = alike.map((panel) => panel.measure());
    const ratio = window.devicePixelRatio || 1;
    const scale = this.sameCells ? commonScale(sizes, ratio) : null;
    for (const panel of this.panels.values()) {
      const i = alike.indexOf(panel);
      panel.paint(i < 0 ? null : scale ?? notLarger(sizes[i], sizes));
    }
  }
  /** @param {Frame} frame */
  write(frame) {
    const text = JSON.stringify([frame.strip, frame.merits]);
    if (text !== this.written) {
      this.written = text;
      this.strip.replaceChildren(...frame.strip.map(stripStep));
      this.merits.replaceChildren(...frame.merits.map(meritItem));
    }
    setText(this.code, frame.code);
    setText(this.firstLine, frame.code.split("\n", 1)[0]);
    this.codeRow.hidden = !frame.code;
    this.root.toggleAttribute("data-plain", !frame.code && !frame.links.length);
    this.warn(this.root.dataset.kernel === "lost" ? lost() : frame.alert);
    this.offer(frame.waysOut ?? []);
    setText(this.formula, frame.formula);
    setText(this.hint, frame.hint);
    const warnings = frame.warnings.map((text2) => {
      const line2 = element("div");
      line2.textContent = `⚠ ${text2}`;
      return line2;
    });
    if (this.warnings.textContent !== warnings.map((line2) => line2.textContent).join(""))
      this.warnings.replaceChildren(...warnings);
    this.marker.hidden = !frame.outside || frame.main?.length > 0;
    if (this.main.length)
      fill(this.notes, [this.merits, ...frame.panels.filter(({ caption }) => caption).map(noteOf)]);
  }
  /** @param {string} sentence "" for none */
  warn(sentence) {
    setText(this.alert, sentence);
    this.refusal.hidden = !sentence;
  }
  /**
   * What a refusal suggests, as buttons that do it.
   * @param {string[]} labels
   */
  offer(labels) {
    if (labels.join() === this.offered) return;
    this.offered = labels.join();
    const { signal } = this.abort;
    this.waysOut.replaceChildren(
      ...labels.map((label) => {
        const button = element("button", "rv-way-out", { type: "button" });
        button.textContent = t("Use {setting}", { setting: label });
        button.addEventListener("click", () => this.takeWayOut(label), { signal });
        return button;
      })
    );
  }
  /** @param {string} label */
  takeWayOut(label) {
    const { n: n2 = 0 } = this.model.get("way_out") ?? {};
    this.model.set("way_out", { label, n: n2 + 1 });
    this.model.save_changes();
  }
  /** @param {Frame} frame */
  showOutside({ main, markOutside = true }) {
    if (!main?.length || markOutside === this.markOutside) return;
    this.markBox.checked = markOutside;
    this.recolour();
  }
  /**
   * The stepper follows the frame: another panel to walk over, or another number of cells.
   * @param {Frame} frame
   */
  walk({ walk, stamp }) {
    const meta = this.panels.get(walk)?.meta;
    if (walk !== this.walked) this.stepper.stop();
    this.stamp = stamp;
    this.walked = walk;
    this.stepper.resize(meta ? cellsInside(meta) : 0);
    if (this.stepper.step !== null) this.stepTo(this.stepper.step);
  }
  /**
   * One cell of the walk: lights it up, and shows what has been computed so far.
   * @param {number | null} step
   */
  stepTo(step) {
    if (step === null) {
      for (const panel of this.panels.values()) panel.reveal();
      return this.free();
    }
    const walked = this.panels.get(this.walked);
    if (!walked) return;
    const link = this.links.find((one) => (this.stamp ? one.source : one.target) === this.walked);
    const output = link && this.panels.get(link.target);
    if (this.stamp) this.addUp(step + 1, link, walked, output);
    else output?.reveal(step + 1);
    this.spot = { name: this.walked, ...cellOf(walked.meta, step) };
    if (this.pinned) this.pinned = this.spot;
    this.light();
  }
  /**
   * Shows in the output what the first cells of the input have put there.
   * @param {number} steps
   * @param {Link} link
   * @param {PanelView} input
   * @param {PanelView} output
   */
  addUp(steps, link, input, output) {
    const { colour, rows, cols, shownRows, shownCols } = output.meta;
    if (colour || shownRows < rows || shownCols < cols) return;
    const before = this.added?.link === link ? this.added : null;
    const sums = addedUp(link, steps, (...cell) => input.value(...cell), before);
    this.added = { link, steps, sums };
    output.reveal(steps, Float32Array.from(sums));
  }
  recolour() {
    this.markOutside = this.markBox.checked;
    for (const panel of this.panels.values()) if (panel.meta.kind === "pixels") panel.colour();
    this.repaint();
  }
  repaint() {
    if (this.closed || this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      if (this.closed) return;
      this.layOut();
      this.paintAll();
      this.light();
    });
  }
  /**
   * Brings a cell that lies beyond the shown part into the middle.
   * @param {Spot} spot
   */
  bringIntoView({ name, row, col }) {
    const { meta, view } = this.panels.get(name);
    if (!view) return;
    const seen = row >= view.row && row < view.row + view.rows && col >= view.col && col < view.col + view.cols;
    if (seen) return;
    this.centre = { x: (col + 0.5) / meta.cols, y: (row + 0.5) / meta.rows };
    this.repaint();
    this.lookAt();
  }
  /**
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    const within3 = (value) => Math.max(0, Math.min(1, value));
    this.centre = { x: within3(this.centre.x + dx), y: within3(this.centre.y + dy) };
    this.repaint();
  }
  lookAt() {
    this.model.set("centre", [this.centre.y, this.centre.x]);
    this.model.save_changes();
  }
  /**
   * The part of this (whole) panel that a larger, cropped panel shows.
   * @param {PanelView} panel
   */
  croppedFrame(panel) {
    const isPicture = ({ meta }) => meta.role !== "kernel" && !meta.names?.[0].length;
    if (panel.cropped || !isPicture(panel)) return null;
    const other = [...this.panels.values()].find(
      (candidate) => candidate.cropped && isPicture(candidate)
    );
    if (!other) return null;
    const scale = (value, from, to) => value * to / from;
    return {
      row: scale(other.view.row, other.meta.rows, panel.meta.rows),
      col: scale(other.view.col, other.meta.cols, panel.meta.cols),
      rows: scale(other.view.rows, other.meta.rows, panel.meta.rows),
      cols: scale(other.view.cols, other.meta.cols, panel.meta.cols)
    };
  }
  /** @param {Spot} spot */
  isAt({ name, row, col }) {
    const { spot } = this;
    return spot?.name === name && spot.row === row && spot.col === col;
  }
  /**
   * A finger on a cell: it points, also where another cell is pinned.
   * @param {Spot} spot
   */
  tap(spot) {
    this.pinned = null;
    this.point(spot);
  }
  /** @param {Spot | null} spot */
  point(spot) {
    if (this.pinned || this.stepper.playing) return;
    this.spot = spot;
    this.light();
  }
  /** @param {Spot} spot */
  walkTo(spot) {
    this.bringIntoView(spot);
    if (this.pinned) this.pinned = spot;
    this.spot = spot;
    this.light();
  }
  /** @param {Spot} spot */
  pin(spot) {
    if (this.panels.get(spot.name).meta.pickable) return this.pick(spot);
    const { pinned: pinned2 } = this;
    const same = pinned2?.name === spot.name && pinned2.row === spot.row && pinned2.col === spot.col;
    this.pinned = same ? null : spot;
    this.spot = spot;
    this.light();
  }
  /**
   * Tells the kernel which cell of a panel was chosen.
   * @param {Spot} spot
   */
  pick({ name, row, col }) {
    const { n: n2 = 0 } = this.model.get("picked") ?? {};
    this.model.set("picked", { panel: name, row, col, n: n2 + 1 });
    this.model.save_changes();
  }
  free() {
    this.pinned = null;
    this.spot = null;
    this.light();
  }
  /** Highlights the cell under the pointer, and the cells that it comes from or goes to. */
  light() {
    for (const panel of this.panels.values()) panel.figure.removeAttribute("data-hover");
    this.highlight = /* @__PURE__ */ new Map();
    this.arrows = [];
    this.bundle = null;
    const spot = this.inside(this.spot);
    if (spot) this.connect(spot);
    const frame = spot && this.field.getBoundingClientRect();
    this.lines.draw(this.arrows, this.bundle, frame);
    for (const panel of this.panels.values()) {
      if (!panel.meta) continue;
      if (panel.meta.kind === "row") this.paintRow(panel);
      else panel.decorate();
    }
    if (spot) {
      const { figure } = this.panels.get(spot.name);
      figure.dataset.hover = `${spot.row},${spot.col}`;
    }
    this.root.dataset.pinned = this.pinned ? "true" : "false";
    if (!spot) this.tell(this.links.length ? traced() : read(), null);
    if (spot) this.placeCard(spot, frame);
    else this.card.hide();
    this.root.toggleAttribute("data-card", !this.card.root.hidden);
  }
  /**
   * @param {Spot} spot
   * @param {DOMRect} frame
   */
  placeCard(spot, frame) {
    const panel = this.panels.get(spot.name);
    if (!panel.view) return this.card.hide();
    const sign = [this.loupe.hidden ? "" : this.partly, this.pinned ? pinned() : ""];
    this.card.write(this.sentence.textContent, sign.filter(Boolean).join("; "));
    const parts = [];
    const part = (node2, weight) => parts.push([within2(node2.getBoundingClientRect(), frame), weight]);
    for (const [name, { boxes }] of this.highlight)
      for (const box of boxes) parts.push([this.panels.get(name).rectOf(box, frame), 3]);
    for (const { meta, cells, title, isOverview } of this.panels.values()) {
      part(title, 0.5);
      part(cells, meta.kind === "row" ? 2 : isOverview ? 0.4 : 0.8);
    }
    for (const node2 of [this.top, this.words, this.notes]) part(node2, 0.6);
    for (const node2 of this.around.root.querySelectorAll(".rv-controls")) part(node2, 0.5);
    const room = within2(this.around.root.getBoundingClientRect(), frame);
    this.card.place(panel.rectOf(spot, frame), parts, this.lines.points, room);
  }
  /**
   * A pinned cell may lie outside the next, smaller frame.
   * @param {Spot | null} spot
   */
  inside(spot) {
    const panel = spot && this.panels.get(spot.name);
    if (panel?.spots.length)
      return { ...spot, row: 0, col: Math.min(spot.col, panel.spots.length - 1) };
    if (!panel || panel.meta.kind === "chart") return null;
    return {
      name: spot.name,
      row: Math.min(spot.row, panel.meta.rows - 1),
      col: Math.min(spot.col, panel.meta.cols - 1)
    };
  }
  /** @param {Spot} spot */
  connect(spot) {
    const panel = this.panels.get(spot.name);
    const role = panel.meta.like || panel.meta.name;
    if (panel.spots.length)
      return this.tell(`${panel.spots[spot.col][1]} ${t("Click or Enter chooses it.")}`, null);
    if (panel.meta.ties?.length) return this.explainWeight(spot, panel);
    if (panel.meta.names?.[0].length) return this.explainPair(spot, panel);
    const here = this.moved(spot, panel, this.panels.get(role));
    this.mark(role, [{ ...here, weight: 1 }]);
    const incoming = this.links.find((link) => link.target === role);
    const outgoing = this.links.filter((link) => link.source === role);
    this.markBands(role, here);
    if (incoming) return this.explainOutput(spot, here, incoming);
    if (outgoing.length) return this.explainInput(spot, here, outgoing);
    const facts = { cell: panel.nameOf(spot), reading: this.reading(panel, spot) };
    this.tell(t("{title}, {cell}: {reading}.", { title: panel.meta.title, ...facts }), null);
  }
  /**
   * The same place in another panel, whose padding may be wider or narrower.
   * @template {Cell} C
   * @param {C} cell
   * @param {PanelView} from
   * @param {PanelView | undefined} [to]
   */
  moved(cell, from, to) {
    const [top, left] = from.meta.margin ?? [0, 0];
    const [otherTop, otherLeft] = to?.meta.margin ?? [0, 0];
    return { ...cell, row: cell.row - top + otherTop, col: cell.col - left + otherLeft };
  }
  /**
   * Marks cells in a panel and in all panels that share its cells; a box runs around them.
   * @param {string} role
   * @param {Cell[]} cells
   * @param {Mark['boxes'] | undefined} [boxes]
   */
  mark(role, cells, boxes) {
    const owner = this.panels.get(role);
    for (const [name, panel] of this.panels) {
      if (name !== role && panel.meta.like !== role) continue;
      const place = (cell) => this.moved(cell, owner ?? panel, panel);
      const around = boxes ?? (cells.length ? [extent(cells)] : []);
      this.highlight.set(name, { cells: cells.map(place), boxes: around.map(place) });
    }
  }
  /**
   * In every matrix, the row or the column that stands for a cell.
   * @param {string} role
   * @param {Cell} cell
   */
  markBands(role, cell) {
    const owner = this.panels.get(role);
    const number = owner?.meta.margin ? numberOf(owner.meta, cell.row, cell.col) : -1;
    if (number < 0) return;
    for (const [name, { meta }] of this.panels) {
      if (!meta.ties?.length) continue;
      const boxes = [];
      if (meta.ties[0] === role) boxes.push({ row: number, col: 0, rows: 1, cols: meta.cols });
      if (meta.ties[1] === role) boxes.push({ row: 0, col: number, rows: meta.rows, cols: 1 });
      if (boxes.length) this.highlight.set(name, { cells: [], boxes });
    }
  }
  /**
   * A cell of a matrix: the weight between two cells of the panels that it is tied to.
   * @param {Spot} spot
   * @param {PanelView} panel
   */
  explainWeight(spot, panel) {
    const [to, from] = panel.meta.ties.map((name) => this.panels.get(name));
    const target = cellOf(to.meta, spot.row);
    const source = cellOf(from.meta, spot.col);
    this.mark(to.meta.name, [{ ...target, weight: 1 }]);
    this.mark(from.meta.name, [{ ...source, weight: 1 }]);
    this.highlight.set(spot.name, {
      cells: [],
      boxes: [
        { row: spot.row, col: 0, rows: 1, cols: panel.meta.cols },
        { row: 0, col: spot.col, rows: panel.meta.rows, cols: 1 }
      ]
    });
    this.tell(
      t(
        "Matrix row {row}, column {col}: {reading}, the weight with which {source} goes into {target}.",
        {
          row: spot.row,
          col: spot.col,
          reading: this.reading(panel, spot),
          source: `${from.meta.name} ${from.nameOf(source)}`,
          target: `${to.meta.name} ${to.nameOf(target)}`
        }
      ),
      null
    );
  }
  /**
   * A cell of a table: what its row and its column stand for, and the value.
   * @param {Spot} spot
   * @param {PanelView} panel
   */
  explainPair(spot, panel) {
    const {
      names: [rows, cols],
      unit,
      title
    } = panel.meta;
    const value = panel.value(spot.row, spot.col);
    const words2 = Number.isNaN(value) ? t("not computed") : `${format(value, 1)}${unit ? ` ${unit}` : ""}`;
    this.highlight.set(spot.name, {
      cells: [],
      boxes: [
        { row: spot.row, col: 0, rows: 1, cols: panel.meta.cols },
        { row: 0, col: spot.col, rows: panel.meta.rows, cols: 1 }
      ]
    });
    this.tell(
      [
        t("{title}: {row} against {col}: {value}.", {
          title,
          row: rows[spot.row],
          col: cols[spot.col],
          value: words2
        }),
        ...panel.meta.pickable ? [t("Click or Enter chooses the two.")] : []
      ].join(" "),
      null
    );
  }
  /**
   * @param {Spot} spot
   * @param {Cell} here
   * @param {Link} link
   */
  explainOutput(spot, here, link) {
    const output = this.panels.get(link.target);
    const input = this.panels.get(link.source);
    const cells = sources(link, here.row, here.col);
    const seen = link.kernel || link.winners ? windowOf(link, here.row, here.col) : cells;
    this.mark(link.source, firstChannel(cells), seen.length ? [extent(seen)] : []);
    this.markFurther(link.source, firstChannel(cells));
    const facts = {
      cell: output.nameOf(here),
      reading: this.reading(this.panels.get(spot.name), spot)
    };
    if (link.winners) {
      this.showReturn(link, cells[0], here);
      return this.tell(
        n(
          "Output {cell}: {reading}, the largest of the {count} cell of its window: the one at {winner}.",
          "Output {cell}: {reading}, the largest of the {count} cells of its window: the one at {winner}.",
          seen.length,
          { ...facts, winner: input.nameOf(cells[0]) }
        ),
        { panel: input, cells }
      );
    }
    if (cells.length && this.panels.get(link.target).view)
      this.bundle = {
        panel: input,
        cells: firstChannel(cells),
        other: output,
        cell: here,
        outward: false
      };
    const sum = writtenOut(
      cells,
      (cell) => input.value(cell.row, cell.col, channelOf(cell, input)),
      {
        most: link.kernel ? PRODUCTS : void 0,
        inOrder: Boolean(link.kernel),
        bias: link.bias
      }
    );
    const count = new Set(cells.map((cell) => `${cell.row},${cell.col}`)).size;
    const shown = output.meta.colour ? ` (${channelNames()[link.channel ?? 0]})` : "";
    const channel = output.meta.colour ? link.channel : void 0;
    const theirs = `${output.meta.by ?? "PyTorch"}: ${format(output.value(here.row, here.col, channel))}`;
    const given = output.meta.dtype === "u8" || output.sums ? "" : ` ${theirs}.`;
    const known = Number.isNaN(sum.total) ? "" : ` ${sum.text}${shown} = ${format(sum.total)}.`;
    const from = link.inputs > 1 ? n(
      "Output {cell}: {reading}, from {count} input cell in {channels} channels.",
      "Output {cell}: {reading}, from {count} input cells in {channels} channels.",
      count,
      { ...facts, channels: link.inputs }
    ) : n(
      "Output {cell}: {reading}, from {count} input cell.",
      "Output {cell}: {reading}, from {count} input cells.",
      count,
      facts
    );
    this.tell(
      `${from}${known}${given}`,
      cells.length ? { panel: input, cells: firstChannel(cells), products: Boolean(link.kernel) } : null
    );
  }
  /**
   * Cells of a panel that is made from another one (an input stretched by zeros) come from there.
   * @param {string} role
   * @param {Cell[]} cells
   */
  markFurther(role, cells) {
    const link = this.links.find(({ target }) => target === role);
    if (!link) return;
    const further = cells.flatMap(
      (cell) => sources(link, cell.row, cell.col).map((one) => ({ ...one, weight: cell.weight }))
    );
    this.mark(link.source, further);
  }
  /**
   * A winner's way: from its place in the source into the output, and back to the cell of its index.
   * @param {Link} link
   * @param {Cell} winner
   * @param {Cell} target
   */
  showReturn(link, winner, target) {
    const input = this.panels.get(link.source);
    const back = this.panels.get(link.back);
    this.arrows.push([input, winner, this.panels.get(link.target), target]);
    if (!back) return;
    const place = cellOf(back.meta, numberOf(input.meta, winner.row, winner.col));
    if (place.row >= back.meta.rows) return;
    this.highlight.set(link.back, { cells: [{ ...place, weight: 1 }], boxes: [extent([place])] });
    this.arrows.push([this.panels.get(link.target), target, back, place]);
  }
  /**
   * Where an input goes: through every link that starts at its panel, the first one in words.
   * @param {Spot} spot
   * @param {Cell} here
   * @param {Link[]} links
   */
  explainInput(spot, here, links) {
    const input = this.panels.get(links[0].source);
    let near = null;
    let words2 = "";
    for (const link of links) {
      const channel = link.kernel ? Math.max(link.firstChannel, input.meta.channel ?? 0) : void 0;
      const cells = targets(link, here.row, here.col, channel);
      this.mark(link.target, cells);
      for (const next of this.links.filter(({ source }) => source === link.target)) {
        this.mark(
          next.target,
          cells.flatMap((cell) => targets(next, cell.row, cell.col))
        );
      }
      if (words2) continue;
      words2 = reachOf(cells);
      this.bundle = {
        panel: this.panels.get(link.target),
        cells,
        other: input,
        cell: here,
        outward: true
      };
      const adds = input.value(here.row, here.col, channel);
      near = cells.length ? { panel: this.panels.get(link.target), cells, adds } : null;
    }
    const facts = {
      cell: input.nameOf(here),
      reading: this.reading(this.panels.get(spot.name), spot),
      reach: words2
    };
    this.tell(
      numberOf(input.meta, here.row, here.col) < 0 ? t("Padding at {cell}: {reading}, {reach}.", facts) : t("Input {cell}: {reading}, {reach}.", facts),
      near
    );
  }
  /**
   * @param {PanelView} panel
   * @param {Cell} cell
   */
  reading(panel, { row, col }) {
    if (panel.meta.kind === "index") {
      const { row0, col0, shownRows } = panel.meta;
      return t("reads at row {row}, column {col}", {
        row: format(panel.codes[row - row0], 2),
        col: format(panel.codes[shownRows + col - col0], 2)
      });
    }
    if (panel.hides(row, col)) return t("not computed yet");
    const digits = panel.meta.dtype === "u8" && !panel.sums ? 2 : 4;
    const values = panel.values(row, col).map((value) => format(value, digits));
    const equals = panel.meta.dtype === "u8" ? "≈" : "=";
    if (values.length === 3) return `RGB ${equals} ${values.join(", ")}`;
    return `${panel.sums ? t("value so far") : t("value")} ${equals} ${values[0]}`;
  }
  /**
   * @param {string} sentence
   * @param {Near | null} near
   */
  tell(sentence, near) {
    setText(this.sentence, sentence);
    this.loupe.hidden = !near;
    if (near) this.magnify(near);
  }
  /**
   * The output cell whose row a row chart shows: the one that is pointed at, or its source in x, or
   * the one in the middle of what is seen.
   * @param {Link} link
   * @returns {Cell}
   */
  cellOfRow(link) {
    const [rows, cols] = link.axes;
    const spot = this.inside(this.spot);
    const role = spot && (this.panels.get(spot.name).meta.like || spot.name);
    if (role === link.target) return spot;
    if (role === link.source) {
      const row = heaviest(axisTargets(rows, spot.row));
      const col = heaviest(axisTargets(cols, spot.col));
      if (row !== null && col !== null) return { row, col };
    }
    return {
      row: Math.min(rows.out - 1, Math.floor(this.centre.y * rows.out)),
      col: Math.min(cols.out - 1, Math.floor(this.centre.x * cols.out))
    };
  }
  /** @param {PanelView} panel */
  paintRow(panel) {
    const { meta, bytes } = panel;
    const link = this.links.find((one) => one.source === meta.source && one.target === meta.target);
    if (!link) return;
    const input = this.panels.get(meta.source);
    const output = this.panels.get(meta.target);
    const panels = { input, output, chart: panel };
    const scene = rowScene(meta, bytes, link, panels, this.cellOfRow(link));
    panel.paintScene(scene, (name) => this.colour(name));
    const { row, place } = scene;
    const title = meta.samples ? t("Row {row} of y, kernel at {place}", { row, place: format(place, 2) }) : t("Row {row} of y", { row });
    setText(panel.title, title);
  }
  /**
   * A colour of the page; asked for once in each theme.
   * @param {string} name
   */
  colour(name) {
    const { colours } = this;
    if (!colours.has(name)) {
      const value = getComputedStyle(this.root).getPropertyValue(`--rv-${name}`);
      colours.set(name, value.trim());
    }
    return colours.get(name);
  }
  /**
   * The pointer over a row chart takes the place of the output cell along.
   * @param {PanelView} panel
   * @param {PointerEvent} event
   */
  pointRow({ cells, scene, meta }, event) {
    const rect = cells.getBoundingClientRect();
    const column = columnAt(event.clientX - rect.left, rect.width, scene.span);
    this.point({ name: meta.target, row: scene.row, col: nearest(scene.places, column) });
  }
  /**
   * @param {PanelView} panel
   * @param {KeyboardEvent} event
   */
  keyRow({ scene, meta }, event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (!step) return this.free();
    const col = Math.max(0, Math.min(scene.places.length - 1, scene.col + step));
    this.walkTo({ name: meta.target, row: scene.row, col });
  }
  /**
   * The cells named in the sentence, large enough to read: colour, value, weight, product; or, of
   * an input's targets, the weight and what the input adds.
   * @param {Near} near
   */
  magnify({ panel, cells, products: products2 = false, adds }) {
    const area = extent(cells);
    const rows = Math.min(area.rows, LOUPE_CELLS);
    const cols = Math.min(area.cols, LOUPE_CELLS);
    const all = area.rows * area.cols;
    this.partly = rows * cols < all ? t("{shown} of {all} cells are shown", { shown: rows * cols, all }) : "";
    const ratio = window.devicePixelRatio || 1;
    const size = loupeCell(Math.max(rows, cols)) * ratio;
    resize(this.loupe, cols * size, rows * size);
    this.loupe.style.width = `${cols * size / ratio}px`;
    this.loupe.style.height = `${rows * size / ratio}px`;
    const weights = new Map(cells.map((cell) => [`${cell.row},${cell.col}`, cell.weight]));
    const pen = this.loupe.getContext("2d");
    pen.textAlign = "center";
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        const row = area.row + r;
        const col = area.col + c;
        pen.fillStyle = `rgb(${panel.colourAt(row, col).join(",")})`;
        pen.fillRect(c * size, r * size, size, size);
        pen.fillStyle = panel.inkAt(row, col);
        const weight = weights.get(`${row},${col}`);
        const value = panel.value(row, col, cells[0].channel);
        const lines = adds === void 0 ? [Number.isNaN(value) ? "" : format(value, 2), `×${formatWeight(weight ?? 0)}`] : added(adds, weight);
        if (products2 && weight !== void 0 && size / ratio >= 40)
          lines.push(`= ${format(weight * value, 2)}`);
        lines.forEach((text, i) => {
          pen.font = `${i === 1 ? "bold " : ""}${Math.round(size * 0.24)}px sans-serif`;
          pen.fillText(text, (c + 0.5) * size, r * size + size * (i + 1) / (lines.length + 0.4));
        });
      }
    }
  }
  /**
   * Refuses something in the browser itself: the kernel never hears of it.
   * @param {string} sentence
   */
  say(sentence) {
    this.warn(sentence);
    this.root.dataset.state = "error";
  }
  /** @param {Omit<Edit, 'n' | 'name'>} edit */
  send(edit) {
    const { n: n2 = 0 } = this.model.get("edit") ?? {};
    this.model.set("edit", { ...edit, n: n2 + 1 });
    this.model.save_changes();
  }
  async copyCode() {
    const text = this.ahead.frame.copy ?? this.code.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = element("textarea");
      area.value = text;
      this.root.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this.copy.textContent = t("Copied");
    this.copy.addEventListener("pointerleave", () => this.copy.textContent = t("Copy"), {
      once: true,
      signal: this.abort.signal
    });
  }
};
function fill(parent, wanted) {
  for (const child of [...parent.children]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((one, i) => {
    if (parent.children[i] !== one) parent.insertBefore(one, parent.children[i] ?? null);
  });
}
function sideOf(panel, main) {
  return isKernel(panel) ? whole(KERNEL_SHARE * main, window.devicePixelRatio || 1) : main;
}
function isKernel({ meta }) {
  return meta.role === "kernel";
}
function figures(panels) {
  return [...panels].map(({ figure }) => figure);
}
function noteOf({ caption, name }) {
  const note = element("div");
  const called = { index: t("index"), error: t("error") };
  note.textContent = `${called[name] ?? name}: ${caption}`;
  return note;
}
function within2(rect, frame) {
  return {
    left: rect.left - frame.left,
    top: rect.top - frame.top,
    right: rect.right - frame.left,
    bottom: rect.bottom - frame.top
  };
}
function loupeCell(cells) {
  return Math.max(LEAST_LOUPE_CELL, Math.min(54, Math.floor(LOUPE_SIZE / cells)));
}
function heaviest(weighted) {
  return weighted.length ? weighted.reduce((a, b) => b[1] > a[1] ? b : a)[0] : null;
}
function cellsInside({ rows, cols, margin: [top, left, bottom, right] }) {
  return (rows - top - bottom) * (cols - left - right);
}
function firstChannel(cells) {
  return cells.filter(({ channel }) => channel === cells[0].channel);
}
function channelOf(cell, panel) {
  return cell.channel ?? panel.meta.channel;
}
function added(value, weight) {
  if (weight === void 0) return ["", ""];
  const product = format(weight * value, 2);
  return [`×${formatWeight(weight)}`, product.startsWith("−") ? product : `+${product}`];
}
function channelNames() {
  return [t("red channel"), t("green channel"), t("blue channel")];
}
function reachOf(cells) {
  if (!cells.length) return t("reaches no output cell: it is never read");
  const total = cells.reduce((sum, cell) => sum + cell.weight, 0);
  return n(
    "reaches {count} output cell, with weights that sum to {total}",
    "reaches {count} output cells, with weights that sum to {total}",
    cells.length,
    { total: format(total) }
  );
}
function stripStep(step, place, steps) {
  const node2 = element("span", step.shape ? "rv-shape" : "rv-op");
  if (step.role) node2.dataset.role = step.role;
  node2.textContent = step.shape ? `${step.label} (${step.shape.join(", ")})` : `→ ${step.label}${steps[place + 1]?.shape ? " →" : ""}`;
  return node2;
}
function meritItem({ label, value, meaning }) {
  const name = element("dt");
  name.textContent = label;
  const number = element("dd");
  number.textContent = value;
  if (meaning) name.title = number.title = meaning;
  const pair = element("div");
  pair.append(name, number);
  return pair;
}
function isDark(colour) {
  const hex = /^#([0-9a-f]{3,6})$/i.exec(colour);
  if (!hex) return matchMedia("(prefers-color-scheme: dark)").matches;
  const digits = hex[1].length === 3 ? [...hex[1]].map((d) => d + d).join("") : hex[1];
  const [r, g, b] = [0, 2, 4].map((i) => parseInt(digits.slice(i, i + 2), 16));
  return 0.3 * r + 0.59 * g + 0.11 * b < 128;
}
var stage_default = {
  /** @param {{ model: Model, el: HTMLElement }} context */
  render({ model, el }) {
    const view = new StageView(model, el);
    return () => view.close();
  }
};
export {
  StageView,
  Store,
  stage_default as default
};
