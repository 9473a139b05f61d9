// Made by tools/bundle.mjs from js/, sha256 25c6eafec53785bc874e0743bd12255ff3a909c03ae97b6f6c5ac8545991f658

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
  const words = Uint32Array.from(
    { length: panel.colors },
    (_, i) => 255 << 24 | palette[3 * i + 2] << 16 | palette[3 * i + 1] << 8 | palette[3 * i]
  );
  let at = 0;
  for (let run = 0; run < panel.runs; run++) {
    pixels.fill(words[indices[run]], at, at + lengths[run]);
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
  const read = (axis) => ({
    ...axis,
    index: part("i32", axis.out * axis.taps),
    weights: part("f32", axis.out * axis.taps)
  });
  const axes = [read(link.axes[0]), read(link.axes[1])];
  const [rows, cols] = axes;
  const kernel = link.kernel ? part("f32", link.kernel * rows.taps * cols.taps) : null;
  const winners = link.winners ? part("i32", link.winners) : null;
  return { ...link, inputs: link.kernel ?? 1, axes, kernel, winners };
}
function axisSources(axis, i) {
  const found = /* @__PURE__ */ new Map();
  for (let t = i * axis.taps; t < (i + 1) * axis.taps; t++) {
    if (axis.weights[t] !== 0)
      found.set(axis.index[t], (found.get(axis.index[t]) ?? 0) + axis.weights[t]);
  }
  return [...found];
}
function axisTargets(axis, j) {
  const found = /* @__PURE__ */ new Map();
  for (let t = 0; t < axis.index.length; t++) {
    if (axis.index[t] !== j || axis.weights[t] === 0) continue;
    const i = Math.floor(t / axis.taps);
    found.set(i, (found.get(i) ?? 0) + axis.weights[t]);
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
  const taps = ({ index, weights, taps: n }, i) => [...index.subarray(i * n, (i + 1) * n)].filter(
    (at, t) => at >= 0 && (link.kernel || weights[i * n + t] !== 0)
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
  for (let t = 0; t < axis.index.length; t++) {
    if (axis.index[t] === j) found.push([Math.floor(t / axis.taps), t % axis.taps]);
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
function visibleCells(panel, screenWidth, centre) {
  const screenHeight = screenWidth * panel.shownRows / panel.shownCols;
  const crop = (n, middle, from, sent, pixels) => {
    const count = Math.min(sent, Math.max(1, Math.floor(pixels)));
    const first = Math.round(middle * n - count / 2);
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
    shown.push(`(${terms.length - most} more add ${format(terms.slice(most).reduce(add, 0))})`);
  }
  if (bias) shown.push(`${format(bias)} (bias)`);
  return { text: (shown.join(" + ") || "0").replaceAll("+ −", "− "), total };
}

// resample_viz/view/js/dom.js
function element(tag, classes = "", attributes = {}) {
  const node = document.createElement(tag);
  if (classes) node.className = classes;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}
function resize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
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

// resample_viz/view/js/panel_view.js
var NUMBERS_FROM = 24;
var CROSSED_FROM = 6;
var MOST_HEIGHT = 600;
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
    this.drag = null;
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
    if (meta.kind !== "chart")
      this.codes = typedArray(view, meta.kind === "index" ? "f32" : meta.dtype);
    if (resized) {
      this.image = new ImageData(meta.shownCols, meta.shownRows);
      this.screen.style.aspectRatio = `${meta.shownCols} / ${meta.shownRows}`;
      this.screen.style.maxWidth = `${Math.max(1, MOST_HEIGHT * meta.shownCols / meta.shownRows)}px`;
    }
    this.colour();
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
        })
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
    resize(
      this.overlay,
      Math.round(pixels),
      Math.round(pixels * this.view.rows / this.view.cols)
    );
    if (this.names) {
      const line = this.width * this.view.rows / this.view.cols / this.meta.rows;
      this.names.style.fontSize = `${Math.min(11, 0.95 * line)}px`;
    }
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
      (col - this.view.col) * size,
      (row - this.view.row) * size,
      cols * size,
      rows * size
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
      unread
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
  writeNumbers(pen, size, box, filled) {
    const bright = new Set(filled.map(({ row, col }) => `${row},${col}`));
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
    return `row ${format(row - top)}, column ${format(col - left)}`;
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
    on("pointerup", () => this.released());
    on("pointercancel", () => {
      this.drag = this.pressedCell = null;
    });
    on("pointerleave", () => {
      this.pressedCell = null;
      this.stage.point(null);
    });
    on("dblclick", (event) => this.edit(this.cellUnder(event)));
    on("keydown", (event) => this.key(event));
    on("blur", () => this.stage.point(null));
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
  /** @param {MouseEvent} event */
  cellUnder(event) {
    if (this.spots.length) return this.spotUnder(event);
    if (!this.view) return null;
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
  /** What lies beyond the cells that were sent has to be asked for. */
  released() {
    const moved = this.drag?.moved;
    const cell = this.pressedCell;
    this.drag = this.pressedCell = null;
    if (moved) this.stage.lookAt();
    else if (cell) this.stage.pin({ name: this.meta.name, ...cell });
  }
  /** @param {KeyboardEvent} event */
  key(event) {
    const isChart = this.meta.kind === "chart";
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
      const within = (value, n) => Math.max(0, Math.min(n - 1, value));
      const first = now && now.name === this.meta.name ? step : [0, 0];
      this.stage.walkTo({
        name: this.meta.name,
        row: within(here.row + first[0], rows),
        col: within(here.col + first[1], cols)
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
      "aria-label": `value of ${this.nameOf(cell)}`
    });
    field.value = start ?? format(this.value(cell.row, cell.col)).replace("−", "-");
    const share = (n) => `${100 / n}%`;
    Object.assign(field.style, {
      left: `${100 * (cell.col - this.view.col) / this.view.cols}%`,
      top: `${100 * (cell.row - this.view.row) / this.view.rows}%`,
      width: share(this.view.cols),
      height: share(this.view.rows)
    });
    let open = true;
    const close = (send) => {
      if (!open) return;
      open = false;
      const value = Number(field.value);
      field.remove();
      if (send && field.value.trim() !== "" && Number.isFinite(value)) {
        const [top, left] = this.meta.margin;
        this.stage.send({
          panel: this.meta.name,
          row: cell.row - top,
          col: cell.col - left,
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
      "aria-label": "step through the cells"
    });
    this.first = this.button("|◀", "first cell", () => this.go(0));
    this.back = this.button("◀", "one cell back", () => this.go((this.step ?? this.count) - 1));
    this.play = this.button("▶ Play", "play or pause", () => this.toggle());
    this.next = this.button("▶|", "next cell", () => this.go((this.step ?? -1) + 1));
    this.end = this.button("✕", "end the walk", () => this.stop());
    this.speed = element("input", "", {
      type: "range",
      min: SLOWEST,
      max: FASTEST,
      value: USUAL,
      "aria-label": "cells per second"
    });
    this.words = element("span", "rv-steps", { "aria-live": "off" });
    this.root.append("slow", this.speed, "fast", this.words);
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
    const text = this.playing ? "❚❚ Pause" : "▶ Play";
    if (this.play.textContent !== text) this.play.textContent = text;
    this.end.disabled = this.step === null;
    this.back.disabled = this.step === 0;
    this.words.textContent = this.step === null ? `${this.count} cells to walk` : `cell ${this.step + 1} of ${this.count}`;
  }
};

// resample_viz/view/js/stage.js
var LOUPE_CELLS = 6;
var LOUPE_SIZE = 168;
var PRODUCTS = 9;
var CHANNEL_NAMES = ["red", "green", "blue"];
var SVG = "http://www.w3.org/2000/svg";
var TRACED = "Point at a cell to see where it comes from, or walk with the arrow keys. Click or Enter pins it, Esc frees it.";
var READ = "Point at a cell to read its value, or walk with the arrow keys.";
var LOST = "The kernel was restarted or closed. Hovering still works here; run the cell again to move the controls.";
var StageView = class {
  /**
   * @param {Model} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.model = model;
    this.abort = new AbortController();
    this.panels = /* @__PURE__ */ new Map();
    this.links = [];
    this.highlight = /* @__PURE__ */ new Map();
    this.arrows = [];
    this.walked = "";
    this.centre = { x: 0.5, y: 0.5 };
    this.markOutside = true;
    this.spot = null;
    this.pinned = null;
    this.added = null;
    this.written = "";
    this.build(el);
    this.follow();
    this.show();
  }
  /** @param {HTMLElement} el */
  build(el) {
    this.root = element("div", "rv-stage", { "data-frame": "0", "data-state": "ok" });
    this.strip = element("div", "rv-strip", { "aria-label": "shapes" });
    this.alert = element("div", "rv-alert", { role: "alert" });
    this.code = element("code");
    this.copy = element("button", "rv-copy", { type: "button", title: "Copy this code" });
    this.copy.textContent = "Copy";
    this.codeRow = element("div", "rv-code");
    const pre = element("pre");
    pre.append(this.code);
    this.codeRow.append(pre, this.copy);
    this.grid = element("div", "rv-panels");
    this.drawing = document.createElementNS(SVG, "svg");
    this.drawing.setAttribute("class", "rv-arrows");
    this.drawing.setAttribute("aria-hidden", "true");
    const field = element("div", "rv-field");
    field.append(this.grid, this.drawing);
    this.warnings = element("div", "rv-warnings", { role: "status" });
    this.progress = element("div", "rv-progress", { role: "status" });
    this.stepper = new Stepper(this.abort.signal, (step) => this.stepTo(step));
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
    words.append(this.strip, this.codeRow, this.merits, this.sentence);
    const head = element("div", "rv-head");
    const aside = element("div", "rv-aside");
    aside.append(this.loupe);
    head.append(words, aside);
    this.root.append(
      head,
      this.alert,
      this.hint,
      this.warnings,
      this.stepper.root,
      this.progress,
      field,
      this.marker,
      this.formula,
      this.own
    );
    el.append(this.root);
    const { signal } = this.abort;
    this.copy.addEventListener("click", () => this.copyCode(), { signal });
    this.markBox.addEventListener("change", () => this.recolour(), { signal });
  }
  /** The learner's own picture: chosen from a dialog, or dropped anywhere on the stage. */
  buildUpload() {
    this.own = element("label", "rv-own");
    this.own.hidden = !this.model.get("max_upload");
    this.file = element("input", "", { type: "file", accept: "image/*" });
    this.own.append("Your own picture (or drop it here): ", this.file);
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
      setText(
        this.alert,
        `${file.name} has ${(file.size / 1e6).toFixed(1)} MB, more than the ${most / 1e6} MB that a lab takes: make it smaller first, 512 pixels are plenty.`
      );
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
    this.model.on("change:progress", this.showProgress);
    this.showProgress();
    this.model.on("comm_live_update", this.lost);
    this.observer = new ResizeObserver(() => {
      for (const panel of this.panels.values()) panel.measured = panel.screen.clientWidth;
      this.repaint();
    });
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
    this.model.off("change:frame", this.show);
    this.model.off("change:progress", this.showProgress);
    this.model.off("comm_live_update", this.lost);
    this.root.remove();
  }
  lost = () => {
    this.root.dataset.kernel = "lost";
    this.alert.textContent = LOST;
  };
  showProgress = () => {
    const { share, text } = this.model.get("progress") ?? {};
    const bar = element("progress", "", { max: "1", value: String(share ?? 0) });
    this.progress.replaceChildren(...text ? [bar, ` ${text}`] : []);
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
  /** @param {string} name */
  palette(name) {
    const view = this.model.get("palettes")[name];
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  }
  /** Frames that come faster than the screen shows them are skipped. */
  show = () => {
    cancelAnimationFrame(this.request);
    this.request = requestAnimationFrame(() => this.draw(this.model.get("frame")));
  };
  /** @param {Frame} frame */
  draw(frame) {
    if (!frame.panels) return;
    this.links = frame.links.map((link) => readLink(link, this.model.get(link.slot)));
    this.arrange(frame.panels.map((meta) => meta.name));
    if (this.grid.dataset.columns !== String(frame.columns)) {
      this.grid.dataset.columns = String(frame.columns);
      this.grid.style.setProperty("--rv-columns", String(frame.columns));
    }
    for (const meta of frame.panels)
      this.panels.get(meta.name).update(meta, this.model.get(meta.slot));
    for (const panel of this.panels.values()) panel.paint();
    this.write(frame);
    this.walk(frame);
    this.light();
    this.root.dataset.state = frame.alert ? "error" : "ok";
    this.root.dataset.frame = String(frame.id);
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
    }
    for (const name of names) {
      if (this.panels.has(name)) continue;
      this.panels.set(name, new PanelView(this, name));
      this.observer.observe(this.panels.get(name).screen);
    }
    const wanted = names.map((name) => this.panels.get(name).figure);
    if (wanted.some((figure, i) => this.grid.children[i] !== figure))
      this.grid.replaceChildren(...wanted);
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
    this.codeRow.hidden = !frame.code;
    this.root.toggleAttribute("data-plain", !frame.code && !frame.links.length);
    setText(this.alert, this.root.dataset.kernel === "lost" ? LOST : frame.alert);
    setText(this.formula, frame.formula);
    setText(this.hint, frame.hint);
    const warnings = frame.warnings.map((text2) => {
      const line = element("div");
      line.textContent = `⚠ ${text2}`;
      return line;
    });
    if (this.warnings.textContent !== warnings.map((line) => line.textContent).join(""))
      this.warnings.replaceChildren(...warnings);
    this.marker.hidden = !frame.outside;
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
      for (const panel of this.panels.values()) panel.paint();
      this.drawArrows();
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
    const within = (value) => Math.max(0, Math.min(1, value));
    this.centre = { x: within(this.centre.x + dx), y: within(this.centre.y + dy) };
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
    const { pinned } = this;
    const same = pinned?.name === spot.name && pinned.row === spot.row && pinned.col === spot.col;
    this.pinned = same ? null : spot;
    this.spot = spot;
    this.light();
  }
  /**
   * Tells the kernel which cell of a panel was chosen.
   * @param {Spot} spot
   */
  pick({ name, row, col }) {
    const { n = 0 } = this.model.get("picked") ?? {};
    this.model.set("picked", { panel: name, row, col, n: n + 1 });
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
    const spot = this.inside(this.spot);
    if (spot) this.connect(spot);
    this.drawArrows();
    for (const panel of this.panels.values()) panel.decorate();
    if (spot) {
      const { figure } = this.panels.get(spot.name);
      figure.dataset.hover = `${spot.row},${spot.col}`;
    }
    this.root.dataset.pinned = this.pinned ? "true" : "false";
    if (!spot) this.tell(this.links.length ? TRACED : READ, null);
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
      return this.tell(`${panel.spots[spot.col][1]} Click or Enter chooses it.`, null);
    if (panel.meta.ties?.length) return this.explainWeight(spot, panel);
    if (panel.meta.names?.[0].length) return this.explainPair(spot, panel);
    const here = this.moved(spot, panel, this.panels.get(role));
    this.mark(role, [{ ...here, weight: 1 }]);
    const incoming = this.links.find((link) => link.target === role);
    const outgoing = this.links.filter((link) => link.source === role);
    this.markBands(role, here);
    if (incoming) return this.explainOutput(spot, here, incoming);
    if (outgoing.length) return this.explainInput(spot, here, outgoing);
    this.tell(`${panel.meta.title}, ${panel.nameOf(spot)}: ${this.reading(panel, spot)}.`, null);
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
      `Matrix row ${spot.row}, column ${spot.col}: ${this.reading(panel, spot)}, the weight with which ${from.meta.name} ${from.nameOf(source)} goes into ${to.meta.name} ${to.nameOf(target)}.`,
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
    const words = Number.isNaN(value) ? "not computed" : `${format(value, 1)}${unit ? ` ${unit}` : ""}`;
    this.highlight.set(spot.name, {
      cells: [],
      boxes: [
        { row: spot.row, col: 0, rows: 1, cols: panel.meta.cols },
        { row: 0, col: spot.col, rows: panel.meta.rows, cols: 1 }
      ]
    });
    this.tell(
      `${title}: ${rows[spot.row]} against ${cols[spot.col]}: ${words}.${panel.meta.pickable ? " Click or Enter chooses the two." : ""}`,
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
    const name = `Output ${output.nameOf(here)}: ${this.reading(this.panels.get(spot.name), spot)}`;
    if (link.winners) {
      this.showReturn(link, cells[0], here);
      return this.tell(
        `${name}, the largest of the ${seen.length} cells of its window: the one at ${input.nameOf(cells[0])}.`,
        { panel: input, cells }
      );
    }
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
    const channels = link.inputs > 1 ? ` in ${link.inputs} channels` : "";
    const shown = output.meta.colour ? ` (${CHANNEL_NAMES[link.channel ?? 0]} channel)` : "";
    const channel = output.meta.colour ? link.channel : void 0;
    const theirs = `${output.meta.by ?? "PyTorch"}: ${format(output.value(here.row, here.col, channel))}`;
    const given = output.meta.dtype === "u8" || output.sums ? "" : ` ${theirs}.`;
    const known = Number.isNaN(sum.total) ? "" : ` ${sum.text}${shown} = ${format(sum.total)}.`;
    this.tell(
      `${name}, from ${count} input ${count === 1 ? "cell" : "cells"}${channels}.${known}${given}`,
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
  drawArrows() {
    this.drawing.replaceChildren();
    const frame = this.grid.getBoundingClientRect();
    for (const [from, start, to, end] of this.arrows) {
      const [x1, y1] = from.centreOf(start, frame);
      const [x2, y2] = to.centreOf(end, frame);
      for (const layer of ["rv-arrow-ground", "rv-arrow"]) {
        this.drawing.append(svg("line", { x1, y1, x2, y2, class: layer }));
      }
      this.drawing.append(svg("circle", { cx: x2, cy: y2, r: 4, class: "rv-arrow-head" }));
    }
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
    let words = "";
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
      if (words) continue;
      words = reachOf(cells);
      const adds = input.value(here.row, here.col, channel);
      near = cells.length ? { panel: this.panels.get(link.target), cells, adds } : null;
    }
    const padding = numberOf(input.meta, here.row, here.col) < 0 ? "Padding at" : "Input";
    this.tell(
      `${padding} ${input.nameOf(here)}: ${this.reading(this.panels.get(spot.name), spot)}, ${words}.`,
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
      return `reads at row ${format(panel.codes[row - row0], 2)}, column ${format(panel.codes[shownRows + col - col0], 2)}`;
    }
    if (panel.hides(row, col)) return "not computed yet";
    const digits = panel.meta.dtype === "u8" && !panel.sums ? 2 : 4;
    const values = panel.values(row, col).map((value) => format(value, digits));
    const equals = panel.meta.dtype === "u8" ? "≈" : "=";
    const so = panel.sums ? " so far" : "";
    return values.length === 3 ? `RGB ${equals} ${values.join(", ")}` : `value${so} ${equals} ${values[0]}`;
  }
  /**
   * @param {string} sentence
   * @param {Near | null} near
   */
  tell(sentence, near) {
    setText(this.sentence, sentence);
    this.loupe.style.visibility = near ? "visible" : "hidden";
    if (near) this.magnify(near);
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
    const ratio = window.devicePixelRatio || 1;
    const size = Math.min(54, Math.floor(LOUPE_SIZE / Math.max(rows, cols))) * ratio;
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
  /** @param {Omit<Edit, 'n' | 'name'>} edit */
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
      const area = element("textarea");
      area.value = text;
      this.root.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this.copy.textContent = "Copied";
    this.copy.addEventListener("pointerleave", () => this.copy.textContent = "Copy", {
      once: true,
      signal: this.abort.signal
    });
  }
};
function svg(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
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
function reachOf(cells) {
  if (!cells.length) return "reaches no output cell: it is never read";
  const total = cells.reduce((sum, cell) => sum + cell.weight, 0);
  return `reaches ${cells.length} output ${cells.length === 1 ? "cell" : "cells"}, with weights that sum to ${format(total)}`;
}
function stripStep(step, place, steps) {
  const node = element("span", step.shape ? "rv-shape" : "rv-op");
  if (step.role) node.dataset.role = step.role;
  node.textContent = step.shape ? `${step.label} (${step.shape.join(", ")})` : `→ ${step.label}${steps[place + 1]?.shape ? " →" : ""}`;
  return node;
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
  stage_default as default
};
