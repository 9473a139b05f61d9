// @ts-check
// One panel on the page: what it paints, and what the pointer and the keyboard do to it.
/** @import { StageView } from "./stage.js" */
/** @import { Area, BoxOf, Cell, PanelMeta, Pen } from "./protocol.js" */
import {
  cellAt,
  format,
  formatWeight,
  numberOf,
  numberTyped,
  paintIndex,
  paintPixels,
  paintRuns,
  placeOf,
  typedArray,
  valueAt,
  visibleCells,
} from "./geometry.js";
import { element, outline, resize, setStyle, setText } from "./dom.js";
import { whole } from "./layout.js";
import { paintRow } from "./row_chart.js";
import { t } from "./words.js";

const NUMBERS_FROM = 24; // CSS pixels per cell from which values are written into the cells
const WEIGHTS_FROM = 34; // CSS pixels per cell from which weights stand on the cells
const CROSSED_FROM = 6; // CSS pixels per cell from which unread cells are crossed out one by one
const MOST_HEIGHT = 600; // CSS pixels; a panel that would be taller becomes narrower
/** @param {string} typed */
const NO_NUMBER = (typed) =>
  t("{typed} is no number, so the cell keeps its value: type one such as 0.5, −2 or 1/3.", {
    typed: JSON.stringify(typed),
  });
/** @type {(keyof PanelMeta)[]} */
const MEANING = [
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
  "inCols",
];

/** One panel: a figure with a canvas for the cells and a second one for what is drawn on them. */
export class PanelView {
  /**
   * @param {StageView} stage
   * @param {string} name
   */
  constructor(stage, name) {
    this.stage = stage;
    /** @type {number | undefined} CSS pixels; see `width` */
    this.measured = undefined;
    /** @type {number | null} CSS pixels of its side or height on one screen; null where it flows */
    this.side = null;
    this.cellSize = 0; // CSS pixels
    this.isOverview = false; // small beside the main panels: all of it is shown, cells or not
    /** @type {import("./protocol.js").RowScene | null} */
    this.scene = null;
    /** @type {{ x: number, y: number, moved?: boolean } | null} */
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
    // Bytes that were not sent again are the same object; they need no new paint, unless they now
    // stand for something else: a grey of 0.2 and a grey of 0.8 have the same codes.
    const same =
      view === this.bytes && !resized && MEANING.every((key) => before[key] === meta[key]);
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
    this.count = this.sums = undefined;
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
    this.measured = undefined;
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
    const label = isEnlarged
      ? t("{title}: small again", { title: this.meta.title })
      : t("{title}: large, beside the input", { title: this.meta.title });
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
    style.maxWidth = fixed ? "" : `${Math.max(1, (MOST_HEIGHT * shownCols) / shownRows)}px`;
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
          const line = element("li");
          line.textContent = name;
          return line;
        }),
      );
    }
    for (const [row, line] of [...this.names.children].entries()) {
      line.classList.toggle("rv-picked", row === picked[0]);
    }
  }

  /**
   * Shows the cells up to number `count` only, or `sums` in place of the values; undefined ends it.
   * @param {number | undefined} [count]
   * @param {Float32Array | undefined} [sums]
   */
  reveal(count, sums) {
    if (this.count === undefined && count === undefined) return;
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
    return this.count !== undefined && !this.sums && numberOf(this.meta, row, col) >= this.count;
  }

  colour() {
    if (this.meta.kind === "row") return;
    if (this.meta.kind === "chart") return paintRuns(this.meta, this.bytes, this.image.data);
    if (this.meta.kind === "index") return paintIndex(this.meta, this.codes, this.image.data);
    const palette = this.stage.palette(this.meta.colormap);
    // An error beyond its scale is a large error, not a value that will be clipped.
    const mark = this.stage.markOutside && this.meta.role !== "error";
    const { sums, meta } = this;
    /** @type {PanelMeta} */
    const shown = sums
      ? { ...meta, dtype: "f32", colour: false, firstChannel: meta.channel }
      : meta;
    paintPixels(shown, sums ?? this.codes, palette, this.image.data, mark);
    if (this.count === undefined || sums) return;
    for (let i = 0; i < meta.shownRows * meta.shownCols; i++) {
      const row = meta.row0 + Math.floor(i / meta.shownCols);
      if (this.hides(row, meta.col0 + (i % meta.shownCols))) this.image.data[4 * i + 3] = 0;
    }
  }

  /** The cells that can be seen, and how many device pixels each of them can have. */
  measure() {
    const ratio = window.devicePixelRatio || 1;
    const { rows, cols, shownRows, shownCols } = this.meta;
    const width = this.side ?? this.width;
    const height = this.side ?? (width * shownRows) / shownCols;
    /** @type {[number, number]} */
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
    if (this.meta.kind === "row") return; // it follows the pointer, see `StageView.light`
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
    this.cells
      .getContext("2d")
      .putImageData(
        each > 1 ? condensed(this.image, each) : this.image,
        (this.meta.col0 - view.col) / each,
        (this.meta.row0 - view.row) / each,
      );
    const width = this.cells.width * each * size;
    const height = this.cells.height * each * size;
    resize(this.overlay, width, height);
    const left = `${Math.floor((pixels[0] - width) / 2) / ratio}px`;
    const top = `${Math.floor((pixels[1] - height) / 2) / ratio}px`;
    for (const node of [this.cells, this.overlay])
      setStyle(node, {
        left,
        top,
        width: `${width / ratio}px`,
        height: `${height / ratio}px`,
      });
    this.cellSize = size / ratio;
    if (this.names) {
      const line = (this.cellSize * view.rows) / this.meta.rows;
      this.names.style.fontSize = `${Math.min(11, 0.95 * line)}px`;
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
    /** @type {BoxOf} */
    const box = ({ row, col, rows = 1, cols = 1 }) => [
      (col - this.view.col) * size,
      (row - this.view.row) * size,
      cols * size,
      rows * size,
    ];
    const ratio = window.devicePixelRatio || 1;
    const { cells, boxes } = this.stage.highlight.get(this.meta.name) ?? { cells: [], boxes: [] };
    const filled = cells.length > 1 ? cells.filter(({ weight }) => weight !== 0) : [];
    for (const mark of filled) {
      pen.globalAlpha = 0.25 + 0.5 * Math.min(1, Math.abs(mark.weight));
      pen.fillStyle = mark.weight < 0 ? "#56B4E9" : "#F0E442";
      pen.fillRect(...box(mark));
    }
    pen.globalAlpha = 1;
    if (this.meta.kind === "pixels") this.drawGrid(pen, size, box, ratio, filled);
    if (size / ratio >= WEIGHTS_FROM && this.meta.kind === "pixels")
      this.writeWeights(pen, size, box, filled);
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
  drawGrid(pen, size, box, ratio, filled) {
    const {
      margin: [top, left, bottom, right],
      rows,
      cols,
      lines,
      unread,
    } = this.meta;
    const inside = { row: top, col: left, rows: rows - top - bottom, cols: cols - left - right };
    if (top || left || bottom || right) this.drawPadding(pen, box, inside, ratio);
    if (size / ratio >= NUMBERS_FROM) this.writeNumbers(pen, size, box, filled);
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
      unread: [unreadRows, unreadCols],
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
  writeNumbers(pen, size, box, filled) {
    const bright = new Set(filled.map(({ row, col }) => `${row},${col}`)); // by the highlight
    const cells = Array.from({ length: this.meta.rows * this.meta.cols }, (_, i) => {
      const [row, col] = [Math.floor(i / this.meta.cols), i % this.meta.cols];
      return { row, col, text: format(this.value(row, col), size > 60 ? 3 : 2) };
    });
    const ratio = window.devicePixelRatio || 1;
    const longest = Math.max(...cells.map(({ text }) => text.length));
    pen.font = `${Math.round(Math.min(numberSize(size, longest), 15 * ratio))}px sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const { row, col, text } of cells) {
      if (this.hides(row, col)) continue;
      pen.fillStyle = bright.has(`${row},${col}`) ? "#000" : this.inkAt(row, col);
      const [x, y, w, h] = box({ row, col });
      pen.fillText(text, x + w / 2, y + h / 2);
    }
  }

  /**
   * The weights with which cells are read, under their values.
   * @param {Pen} pen
   * @param {number} size
   * @param {BoxOf} box
   * @param {Cell[]} filled
   */
  writeWeights(pen, size, box, filled) {
    pen.font = `bold ${Math.round(Math.min(size * 0.24, 12 * (window.devicePixelRatio || 1)))}px sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    pen.fillStyle = "#000";
    for (const mark of filled) {
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
    return this.meta.colour
      ? [0, 1, 2].map((channel) => this.value(row, col, channel))
      : [this.value(row, col)];
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
    /**
     * @template {keyof HTMLElementEventMap} K
     * @param {K} type
     * @param {(event: HTMLElementEventMap[K]) => void} handler
     */
    const on = (type, handler) => this.screen.addEventListener(type, handler, { signal });
    on("pointermove", (event) => this.pointed(event));
    on("pointerdown", (event) => this.pressed(event));
    on("pointerup", (event) => this.released(event));
    on("pointercancel", () => {
      this.drag = this.pressedCell = null;
    });
    on("pointerleave", (event) => {
      if (event.pointerType === "touch") return; // a finger leaves after every tap
      this.pressedCell = null; // what is released elsewhere was no click
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
      rect.left - frame.left + ((col + 0.5 - view.col) / view.cols) * rect.width,
      rect.top - frame.top + ((row + 0.5 - view.row) / view.rows) * rect.height,
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
    const left = rect.left - frame.left + ((col - view.col) / view.cols) * rect.width;
    const top = rect.top - frame.top + ((row - view.row) / view.rows) * rect.height;
    return {
      left,
      top,
      right: left + (cols / view.cols) * rect.width,
      bottom: top + (rows / view.rows) * rect.height,
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
      (event.clientY - rect.top) / rect.height,
    );
  }

  /** The bars of a chart that can be pointed at. */
  get spots() {
    return this.meta.spots ?? [];
  }

  /** @param {MouseEvent} event */
  spotUnder(event) {
    const rect = this.cells.getBoundingClientRect();
    const x = ((event.clientX - rect.left) / rect.width) * this.meta.cols;
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
        ((this.drag.x - event.clientX) / rect.width) * (this.view.cols / this.meta.cols),
        ((this.drag.y - event.clientY) / rect.height) * (this.view.rows / this.meta.rows),
      );
      this.drag = { ...this.drag, x: event.clientX, y: event.clientY };
      return;
    }
    if (event.pointerType === "touch") return; // a tap points, see `released`
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
    if ((isChart && !this.spots.length) || event.target !== this.screen) return;
    const { rows, cols } = isChart ? { rows: 1, cols: this.spots.length } : this.meta;
    const now = this.stage.spot;
    const here =
      now && now.name === this.meta.name
        ? now
        : { row: this.view?.row ?? 0, col: this.view?.col ?? 0 };
    const step = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      Home: [0, -here.col],
      End: [0, cols],
      PageUp: [-here.row, 0],
      PageDown: [rows, 0],
    }[event.key];
    if (step) {
      /** @param {number} value @param {number} n */
      const within = (value, n) => Math.max(0, Math.min(n - 1, value));
      const first = now && now.name === this.meta.name ? step : [0, 0];
      this.stage.walkTo({
        name: this.meta.name,
        row: within(here.row + first[0], rows),
        col: within(here.col + first[1], cols),
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
    if (numberOf(this.meta, cell.row, cell.col) < 0) return; // padding is not for typing
    const field = element("input", "rv-edit", {
      inputmode: "decimal",
      "aria-label": t("value of {cell}", { cell: this.nameOf(cell) }),
    });
    field.value = start ?? format(this.value(cell.row, cell.col)).replace("−", "-");
    const { left, top } = this.rectOf(cell, this.screen.getBoundingClientRect());
    Object.assign(field.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${this.cellSize}px`,
      height: `${this.cellSize}px`,
    });
    let open = true;
    /** @param {boolean} send */
    const close = (send) => {
      if (!open) return;
      open = false;
      const value = numberTyped(field.value);
      field.remove();
      const isEmpty = field.value.trim() === "";
      if (send && !isEmpty && Number.isNaN(value)) this.stage.say(NO_NUMBER(field.value));
      else if (send && !isEmpty) {
        const [top, left] = this.meta.margin;
        this.stage.send({
          panel: this.meta.name,
          row: cell.row - top,
          col: cell.col - left,
          value,
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
    if (start === undefined) field.select();
  }
}

/**
 * The size of the numbers in cells: as large as the longest of them lets it be.
 * @param {number} cell
 * @param {number} letters
 */
function numberSize(cell, letters) {
  return Math.min(0.45 * cell, (0.92 * cell) / (0.56 * letters));
}

/**
 * A picture with one pixel for `each` × `each` pixels: the lightest of them, so that no error of an
 * error map is lost.
 * @param {ImageData} image
 * @param {number} each
 */
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
