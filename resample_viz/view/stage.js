// The stage: paints the frames that the kernel sends, and answers the pointer and the keyboard by
// itself. The model is the only state; this file writes to it only when the learner acts.
import {
  cellAt, extent, format, linkAxes, paintIndex, paintPixels, paintRuns, placeOf, sources, targets, typedArray, valueAt,
  visibleCells, writtenOut,
} from "./geometry.js";

const NUMBERS_FROM = 24; // CSS pixels per cell from which values are written into the cells
const MOST_HEIGHT = 600; // CSS pixels; a panel that would be taller becomes narrower
const LOUPE_CELLS = 6; // the loupe shows at most this many cells per axis
const LOUPE_SIZE = 168; // CSS pixels
const MEANING = ["kind", "dtype", "channels", "lo", "hi", "vmin", "vmax", "colormap", "inRows", "inCols"];
const CHANNEL_NAMES = ["red", "green", "blue"];
const LOST = "The kernel was restarted or closed. Hovering still works here; run the cell again to move the controls.";

function element(tag, classes = "", attributes = {}) {
  const node = document.createElement(tag);
  if (classes) node.className = classes;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** One panel: a figure with a canvas for the cells and a second one for what is drawn on them. */
class PanelView {
  constructor(stage, name) {
    this.stage = stage;
    this.figure = element("figure", "rv-panel", { "data-name": name });
    this.title = element("figcaption", "rv-title");
    this.screen = element("div", "rv-screen", { tabindex: "0", role: "img" });
    this.cells = element("canvas", "rv-cells", { "aria-hidden": "true" });
    this.overlay = element("canvas", "rv-overlay", { "aria-hidden": "true" });
    this.screen.append(this.cells, this.overlay);
    this.caption = element("div", "rv-caption");
    this.figure.append(this.title, this.screen, this.caption);
    this.listen();
  }

  update(meta, view) {
    const before = this.meta;
    const resized = before?.shownRows !== meta.shownRows || before?.shownCols !== meta.shownCols;
    // Bytes that were not sent again are the same object; they need no new paint, unless they now
    // stand for something else: a grey of 0.2 and a grey of 0.8 have the same codes.
    const same = view === this.bytes && !resized && MEANING.every((key) => before[key] === meta[key]);
    this.meta = meta;
    this.bytes = view;
    this.figure.dataset.role = meta.role;
    this.figure.dataset.kind = meta.kind;
    setText(this.title, meta.title);
    setText(this.caption, meta.caption);
    this.screen.setAttribute("aria-label", meta.alt);
    if (same) return;
    if (meta.kind !== "chart") this.codes = typedArray(view, meta.kind === "index" ? "f32" : meta.dtype);
    if (resized) {
      this.image = new ImageData(meta.shownCols, meta.shownRows);
      this.screen.style.aspectRatio = `${meta.shownCols} / ${meta.shownRows}`;
      this.screen.style.maxWidth = `${Math.max(1, (MOST_HEIGHT * meta.shownCols) / meta.shownRows)}px`;
    }
    this.colour();
  }

  colour() {
    if (this.meta.kind === "chart") return paintRuns(this.meta, this.bytes, this.image.data);
    if (this.meta.kind === "index") return paintIndex(this.meta, this.codes, this.image.data);
    const palette = this.stage.palette(this.meta.colormap);
    // An error beyond its scale is a large error, not a value that will be clipped.
    const mark = this.stage.markOutside && this.meta.role !== "error";
    paintPixels(this.meta, this.codes, palette, this.image.data, mark);
  }

  paint() {
    if (this.meta.kind === "chart") {
      resize(this.cells, this.meta.cols, this.meta.rows);
      this.cells.getContext("2d").putImageData(this.image, 0, 0);
      return;
    }
    const pixels = this.width * (window.devicePixelRatio || 1);
    this.view = visibleCells(this.meta, pixels, this.stage.centre);
    resize(this.cells, this.view.cols, this.view.rows);
    this.cells.getContext("2d").putImageData(this.image, this.meta.col0 - this.view.col, this.meta.row0 - this.view.row);
    resize(this.overlay, Math.round(pixels), Math.round((pixels * this.view.rows) / this.view.cols));
    this.decorate();
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
      (col - this.view.col) * size, (row - this.view.row) * size, cols * size, rows * size,
    ];
    const ratio = window.devicePixelRatio || 1;
    if (this.meta.kind === "pixels" && size / ratio >= NUMBERS_FROM) this.writeNumbers(pen, size, box);
    const frame = this.stage.croppedFrame(this);
    if (frame) outline(pen, box(frame), ratio, [6 * ratio, 4 * ratio]);
    const marks = this.stage.highlight.get(this.meta.name);
    if (marks?.length) {
      for (const mark of marks) {
        pen.globalAlpha = 0.25 + 0.5 * Math.min(1, Math.abs(mark.weight));
        pen.fillStyle = mark.weight < 0 ? "#56B4E9" : "#F0E442";
        if (marks.length > 1) pen.fillRect(...box(mark));
      }
      pen.globalAlpha = 1;
      outline(pen, box(extent(marks)), ratio, []);
    }
  }

  writeNumbers(pen, size, box) {
    pen.font = `${Math.round(Math.min(size * 0.32, 15 * (window.devicePixelRatio || 1)))}px sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const cells = this.meta.rows * this.meta.cols;
    for (let i = 0; i < cells; i++) {
      const row = Math.floor(i / this.meta.cols);
      const col = i % this.meta.cols;
      pen.fillStyle = this.inkAt(row, col);
      const [x, y, w, h] = box({ row, col });
      pen.fillText(format(this.value(row, col, 0), size > 60 ? 3 : 2), x + w / 2, y + h / 2);
    }
  }

  value(row, col, channel) {
    return valueAt(this.meta, this.codes, channel, row, col);
  }

  values(row, col) {
    return Array.from({ length: this.meta.channels }, (_, c) => this.value(row, col, c));
  }

  colourAt(row, col) {
    const place = placeOf(this.meta, row, col);
    return place < 0 ? [128, 128, 128] : this.image.data.subarray(4 * place, 4 * place + 3);
  }

  /** Black or white, whichever can be read on the colour of a cell. */
  inkAt(row, col) {
    const [r, g, b] = this.colourAt(row, col);
    return 0.3 * r + 0.59 * g + 0.11 * b > 140 ? "#000" : "#fff";
  }

  listen() {
    const { signal } = this.stage.abort;
    const on = (type, handler) => this.screen.addEventListener(type, handler, { signal });
    on("pointermove", (event) => this.pointed(event));
    on("pointerdown", (event) => this.pressed(event));
    on("pointerup", () => this.released());
    on("pointercancel", () => (this.drag = this.pressedCell = null));
    on("pointerleave", () => {
      this.pressedCell = null; // what is released elsewhere was no click
      this.stage.point(null);
    });
    on("dblclick", (event) => this.edit(this.cellUnder(event)));
    on("keydown", (event) => this.key(event));
    on("blur", () => this.stage.point(null));
  }

  cellUnder(event) {
    if (!this.view) return null;
    const rect = this.overlay.getBoundingClientRect();
    return cellAt(this.view, (event.clientX - rect.left) / rect.width, (event.clientY - rect.top) / rect.height);
  }

  pointed(event) {
    if (this.drag) {
      this.drag.moved ||= Math.hypot(event.clientX - this.drag.x, event.clientY - this.drag.y) > 3;
      if (!this.drag.moved) return;
      const rect = this.overlay.getBoundingClientRect();
      this.stage.pan(
        ((this.drag.x - event.clientX) / rect.width) * (this.view.cols / this.meta.cols),
        ((this.drag.y - event.clientY) / rect.height) * (this.view.rows / this.meta.rows),
      );
      this.drag = { ...this.drag, x: event.clientX, y: event.clientY };
      return;
    }
    const cell = this.cellUnder(event);
    this.stage.point(cell && { name: this.meta.name, ...cell });
  }

  pressed(event) {
    const cell = this.cellUnder(event);
    if (this.cropped) {
      this.drag = { x: event.clientX, y: event.clientY };
      this.screen.setPointerCapture(event.pointerId);
    }
    this.pressedCell = cell;
  }

  /** What lies beyond the cells that were sent has to be asked for. */
  released() {
    const moved = this.drag?.moved;
    const cell = this.pressedCell;
    this.drag = this.pressedCell = null;
    if (moved) this.stage.lookAt();
    else if (cell) this.stage.pin({ name: this.meta.name, ...cell });
  }

  key(event) {
    if (this.meta.kind === "chart" || event.target !== this.screen) return;
    const now = this.stage.spot;
    const here = now && now.name === this.meta.name ? now : { row: this.view.row, col: this.view.col };
    const step = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
      Home: [0, -here.col], End: [0, this.meta.cols], PageUp: [-here.row, 0], PageDown: [this.meta.rows, 0],
    }[event.key];
    if (step) {
      const within = (value, n) => Math.max(0, Math.min(n - 1, value));
      const first = now && now.name === this.meta.name ? step : [0, 0];
      this.stage.walk({
        name: this.meta.name,
        row: within(here.row + first[0], this.meta.rows),
        col: within(here.col + first[1], this.meta.cols),
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

  /** A number field over one cell; Enter sends the new value to the kernel. */
  edit(cell, start) {
    if (!cell || !this.meta.editable || this.screen.querySelector("input")) return;
    const field = element("input", "rv-edit", { inputmode: "decimal", "aria-label": `value of row ${cell.row}, column ${cell.col}` });
    field.value = start ?? format(this.value(cell.row, cell.col, 0)).replace("−", "-");
    const share = (n) => `${100 / n}%`;
    Object.assign(field.style, {
      left: `${(100 * (cell.col - this.view.col)) / this.view.cols}%`,
      top: `${(100 * (cell.row - this.view.row)) / this.view.rows}%`,
      width: share(this.view.cols), height: share(this.view.rows),
    });
    let open = true;
    const close = (send) => {
      if (!open) return;
      open = false;
      const value = Number(field.value);
      field.remove();
      if (send && field.value.trim() !== "" && Number.isFinite(value)) {
        this.stage.send({ panel: this.meta.name, row: cell.row, col: cell.col, value });
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
    if (start === undefined) field.select();
  }
}

function resize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A rectangle that stands out on any picture: white on black. */
function outline(pen, [x, y, w, h], ratio, dashes) {
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

class StageView {
  constructor(model, el) {
    this.model = model;
    this.abort = new AbortController();
    this.panels = new Map();
    this.links = [];
    this.highlight = new Map();
    this.centre = { x: 0.5, y: 0.5 };
    this.markOutside = true;
    this.spot = null;
    this.pinned = null;
    this.build(el);
    this.follow();
    this.show();
  }

  build(el) {
    this.root = element("div", "rv-stage", { "data-frame": "0", "data-state": "ok" });
    this.strip = element("div", "rv-strip", { "aria-label": "shapes" });
    this.alert = element("div", "rv-alert", { role: "alert" });
    this.code = element("code");
    this.copy = element("button", "rv-copy", { type: "button", title: "Copy this code" });
    this.copy.textContent = "Copy";
    const codeRow = element("div", "rv-code");
    const pre = element("pre");
    pre.append(this.code);
    codeRow.append(pre, this.copy);
    this.grid = element("div", "rv-panels");
    this.merits = element("dl", "rv-merits");
    this.marker = element("label", "rv-marker");
    this.markBox = element("input", "", { type: "checkbox" });
    this.markBox.checked = true;
    this.marker.append(this.markBox, "paint values outside the range of the picture magenta");
    this.loupe = element("canvas", "rv-loupe", { "aria-hidden": "true" });
    this.sentence = element("div", "rv-sentence", { "aria-live": "polite" });
    this.buildUpload();
    this.formula = element("div", "rv-formula");
    this.hint = element("div", "rv-hint");
    const words = element("div", "rv-words");
    words.append(this.strip, codeRow, this.merits, this.sentence);
    const head = element("div", "rv-head");
    const aside = element("div", "rv-aside"); // as wide with a small loupe as with a large one
    aside.append(this.loupe);
    head.append(words, aside);
    this.root.append(
      head, this.alert, this.hint, this.grid, this.marker, this.formula, this.own,
    );
    el.append(this.root);
    const { signal } = this.abort;
    this.copy.addEventListener("click", () => this.copyCode(), { signal });
    this.markBox.addEventListener("change", () => this.recolour(), { signal });
  }

  /** The learner's own picture: chosen from a dialog, or dropped anywhere on the stage. */
  buildUpload() {
    this.own = element("label", "rv-own");
    this.file = element("input", "", { type: "file", accept: "image/*" });
    this.own.append("Your own picture (or drop it here): ", this.file);
    const { signal } = this.abort;
    this.file.addEventListener("change", () => this.take(this.file.files[0]), { signal });
    this.root.addEventListener("dragover", (event) => event.preventDefault(), { signal });
    this.root.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.take(event.dataTransfer.files[0]);
    }, { signal });
  }

  async take(file) {
    if (!file) return;
    const most = this.model.get("max_upload");
    if (file.size > most) {
      setText(this.alert, `${file.name} has ${(file.size / 1e6).toFixed(1)} MB, more than the ${most / 1e6} MB that a lab takes: make it smaller first, 512 pixels are plenty.`);
      this.root.dataset.state = "error";
      return;
    }
    const data = new DataView(await file.arrayBuffer());
    this.model.set("upload", { name: file.name, data });
    this.model.save_changes();
    this.file.value = "";
  }

  follow() {
    this.model.on("change:frame", this.show);
    this.model.on("comm_live_update", this.lost);
    this.observer = new ResizeObserver(() => {
      for (const panel of this.panels.values()) panel.measured = panel.screen.clientWidth;
      this.repaint();
    });
    this.theme = new MutationObserver(() => this.tellTheme());
    this.theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
    this.tellTheme();
  }

  close() {
    this.closed = true;
    this.abort.abort();
    this.observer.disconnect();
    this.theme.disconnect();
    cancelAnimationFrame(this.request);
    this.model.off("change:frame", this.show);
    this.model.off("comm_live_update", this.lost);
    this.root.remove();
  }

  lost = () => {
    this.root.dataset.kernel = "lost";
    this.alert.textContent = LOST;
  };

  /** Charts are drawn in the kernel, so it has to know whether the page is dark. */
  tellTheme() {
    const probe = getComputedStyle(document.body).getPropertyValue("--jp-layout-color1").trim();
    const light = document.body.dataset.jpThemeLight;
    const dark = light ? light === "false" : isDark(probe);
    if (this.model.get("dark") === dark) return;
    this.model.set("dark", dark);
    this.model.save_changes();
  }

  palette(name) {
    const view = this.model.get("palettes")[name];
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  }

  /** Frames that come faster than the screen shows them are skipped. */
  show = () => {
    cancelAnimationFrame(this.request);
    this.request = requestAnimationFrame(() => this.draw(this.model.get("frame")));
  };

  draw(frame) {
    if (!frame.panels) return;
    this.links = frame.links.map((link) => ({ ...link, axes: linkAxes(link, this.model.get(link.slot)) }));
    this.arrange(frame.panels.map((meta) => meta.name));
    for (const meta of frame.panels) this.panels.get(meta.name).update(meta, this.model.get(meta.slot));
    for (const panel of this.panels.values()) panel.paint();
    this.write(frame);
    this.light();
    this.root.dataset.state = frame.alert ? "error" : "ok";
    this.root.dataset.frame = String(frame.id);
  }

  /** Keeps the figures that stay, so that nothing flickers and the focus is not lost. */
  arrange(names) {
    for (const [name, panel] of this.panels) {
      if (names.includes(name)) continue;
      panel.figure.remove();
      this.panels.delete(name);
    }
    for (const name of names) {
      if (this.panels.has(name)) continue;
      this.panels.set(name, new PanelView(this, name));
      this.observer.observe(this.panels.get(name).screen);
    }
    const wanted = names.map((name) => this.panels.get(name).figure);
    if (wanted.some((figure, i) => this.grid.children[i] !== figure)) this.grid.replaceChildren(...wanted);
  }

  write(frame) {
    const text = JSON.stringify([frame.strip, frame.merits]);
    if (text !== this.written) {
      this.written = text;
      this.strip.replaceChildren(...frame.strip.map(stripStep));
      this.merits.replaceChildren(...frame.merits.flatMap(meritItem));
    }
    setText(this.code, frame.code);
    setText(this.alert, this.root.dataset.kernel === "lost" ? LOST : frame.alert);
    setText(this.formula, frame.formula);
    setText(this.hint, frame.hint);
    this.marker.hidden = !frame.outside;
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
      for (const panel of this.panels.values()) panel.paint();
    });
  }

  /** Brings a cell that lies beyond the shown part into the middle. */
  bringIntoView({ name, row, col }) {
    const { meta, view } = this.panels.get(name);
    const seen = row >= view.row && row < view.row + view.rows && col >= view.col && col < view.col + view.cols;
    if (seen) return;
    this.centre = { x: (col + 0.5) / meta.cols, y: (row + 0.5) / meta.rows };
    this.repaint();
    this.lookAt();
  }

  pan(dx, dy) {
    const within = (value) => Math.max(0, Math.min(1, value));
    this.centre = { x: within(this.centre.x + dx), y: within(this.centre.y + dy) };
    this.repaint();
  }

  lookAt() {
    this.model.set("centre", [this.centre.y, this.centre.x]);
    this.model.save_changes();
  }

  /** The part of this (whole) panel that a larger, cropped panel shows. */
  croppedFrame(panel) {
    if (panel.cropped) return null;
    const other = [...this.panels.values()].find((candidate) => candidate.cropped);
    if (!other) return null;
    const scale = (value, from, to) => (value * to) / from;
    return {
      row: scale(other.view.row, other.meta.rows, panel.meta.rows),
      col: scale(other.view.col, other.meta.cols, panel.meta.cols),
      rows: scale(other.view.rows, other.meta.rows, panel.meta.rows),
      cols: scale(other.view.cols, other.meta.cols, panel.meta.cols),
    };
  }

  point(spot) {
    if (this.pinned) return;
    this.spot = spot;
    this.light();
  }

  walk(spot) {
    this.bringIntoView(spot);
    if (this.pinned) this.pinned = spot;
    this.spot = spot;
    this.light();
  }

  pin(spot) {
    const same = this.pinned && ["name", "row", "col"].every((key) => this.pinned[key] === spot[key]);
    this.pinned = same ? null : spot;
    this.spot = spot;
    this.light();
  }

  free() {
    this.pinned = null;
    this.spot = null;
    this.light();
  }

  /** Highlights the cell under the pointer, and the cells that it comes from or goes to. */
  light() {
    for (const panel of this.panels.values()) panel.figure.removeAttribute("data-hover");
    this.highlight = new Map();
    const spot = this.inside(this.spot);
    if (spot) this.connect(spot);
    for (const panel of this.panels.values()) panel.decorate();
    if (spot) {
      const { figure } = this.panels.get(spot.name);
      figure.dataset.hover = `${spot.row},${spot.col}`;
    }
    this.root.dataset.pinned = this.pinned ? "true" : "false";
    if (!spot) this.tell("Point at a cell to see where it comes from, or walk with the arrow keys. Click or Enter pins it, Esc frees it.", null);
  }

  /** A pinned cell may lie outside the next, smaller frame. */
  inside(spot) {
    const panel = spot && this.panels.get(spot.name);
    if (!panel || panel.meta.kind === "chart") return null;
    return {
      name: spot.name,
      row: Math.min(spot.row, panel.meta.rows - 1),
      col: Math.min(spot.col, panel.meta.cols - 1),
    };
  }

  connect(spot) {
    const meta = this.panels.get(spot.name).meta;
    const role = meta.like || meta.name;
    this.mark(role, [{ ...spot, weight: 1 }]);
    const incoming = this.links.find((link) => link.target === role);
    if (incoming) return this.explainOutput(spot, incoming);
    const outgoing = this.links.find((link) => link.source === role);
    if (outgoing) return this.explainInput(spot, outgoing);
    this.tell(`${meta.title}, row ${spot.row}, column ${spot.col}: ${this.reading(meta.name, spot)}.`, null);
  }

  /** Marks cells in a panel and in all panels that share its cells. */
  mark(role, cells) {
    for (const [name, { meta }] of this.panels) {
      if (name === role || meta.like === role) this.highlight.set(name, cells);
    }
  }

  explainOutput(spot, link) {
    const cells = sources(link.axes, spot.row, spot.col);
    this.mark(link.source, cells);
    const input = this.panels.get(link.source);
    const output = this.panels.get(link.target);
    const sum = writtenOut(cells, ({ row, col }) => input.value(row, col, 0));
    const channel = input.meta.channels === 3 ? ` (${CHANNEL_NAMES[0]} channel)` : "";
    const given = output.meta.dtype === "u8" ? "" : ` PyTorch: ${format(output.value(spot.row, spot.col, 0))}.`;
    this.tell(
      `Output row ${spot.row}, column ${spot.col}: ${this.reading(link.target, spot)}, from ${cells.length} input ${cells.length === 1 ? "cell" : "cells"}. ` +
        `${sum.text}${channel} = ${format(sum.total)}.${given}`,
      { panel: input, cells },
    );
  }

  explainInput(spot, link) {
    const cells = targets(link.axes, spot.row, spot.col);
    this.mark(link.target, cells);
    const total = cells.reduce((sum, cell) => sum + cell.weight, 0);
    const what = cells.length
      ? `reaches ${cells.length} output ${cells.length === 1 ? "cell" : "cells"}, with weights that sum to ${format(total)}`
      : "reaches no output cell: it is never read";
    this.tell(
      `Input row ${spot.row}, column ${spot.col}: ${this.reading(link.source, spot)}, ${what}.`,
      cells.length ? { panel: this.panels.get(link.target), cells } : null,
    );
  }

  reading(name, { row, col }) {
    const panel = this.panels.get(name);
    if (panel.meta.kind === "index") {
      const { row0, col0, shownRows } = panel.meta;
      return `reads at row ${format(panel.codes[row - row0], 2)}, column ${format(panel.codes[shownRows + col - col0], 2)}`;
    }
    // Eight bits over the range of the panel carry two decimals, no more.
    const digits = panel.meta.dtype === "u8" ? 2 : 4;
    const values = panel.values(row, col).map((value) => format(value, digits));
    const equals = panel.meta.dtype === "u8" ? "≈" : "=";
    return values.length === 3 ? `RGB ${equals} ${values.join(", ")}` : `value ${equals} ${values[0]}`;
  }

  tell(sentence, near) {
    setText(this.sentence, sentence);
    this.loupe.style.visibility = near ? "visible" : "hidden";
    if (near) this.magnify(near.panel, near.cells);
  }

  /** The cells named in the sentence, large enough to read: colour, value, weight. */
  magnify(panel, cells) {
    const area = extent(cells);
    const rows = Math.min(area.rows, LOUPE_CELLS);
    const cols = Math.min(area.cols, LOUPE_CELLS);
    const ratio = window.devicePixelRatio || 1;
    const size = Math.min(54, Math.floor(LOUPE_SIZE / Math.max(rows, cols))) * ratio;
    resize(this.loupe, cols * size, rows * size);
    this.loupe.style.width = `${(cols * size) / ratio}px`;
    this.loupe.style.height = `${(rows * size) / ratio}px`;
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
        const weight = weights.get(`${row},${col}`) ?? 0;
        pen.font = `${Math.round(size * 0.26)}px sans-serif`;
        const value = panel.value(row, col, 0);
        pen.fillText(Number.isNaN(value) ? "" : format(value, 2), (c + 0.5) * size, (r + 0.42) * size);
        pen.font = `bold ${Math.round(size * 0.26)}px sans-serif`;
        pen.fillText(`×${format(weight, 2)}`, (c + 0.5) * size, (r + 0.8) * size);
      }
    }
  }

  send(edit) {
    const { n = 0 } = this.model.get("edit") ?? {};
    this.model.set("edit", { ...edit, n: n + 1 });
    this.model.save_changes();
  }

  async copyCode() {
    const text = this.model.get("frame").copy ?? this.code.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = element("textarea"); // the clipboard is closed on plain http pages
      area.value = text;
      this.root.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this.copy.textContent = "Copied";
    this.copy.addEventListener("pointerleave", () => (this.copy.textContent = "Copy"), { once: true, signal: this.abort.signal });
  }
}

function stripStep(step) {
  const node = element("span", step.shape ? "rv-shape" : "rv-op");
  if (step.role) node.dataset.role = step.role;
  node.textContent = step.shape ? `${step.label} (${step.shape.join(", ")})` : `→ ${step.label} →`;
  return node;
}

function meritItem({ label, value, meaning }) {
  const name = element("dt");
  name.textContent = label;
  const number = element("dd");
  number.textContent = value;
  if (meaning) name.title = number.title = meaning;
  return [name, number];
}

function isDark(colour) {
  const hex = /^#([0-9a-f]{3,6})$/i.exec(colour);
  if (!hex) return matchMedia("(prefers-color-scheme: dark)").matches;
  const digits = hex[1].length === 3 ? [...hex[1]].map((d) => d + d).join("") : hex[1];
  const [r, g, b] = [0, 2, 4].map((i) => parseInt(digits.slice(i, i + 2), 16));
  return 0.3 * r + 0.59 * g + 0.11 * b < 128;
}

export default {
  render({ model, el }) {
    const view = new StageView(model, el);
    return () => view.close();
  },
};
