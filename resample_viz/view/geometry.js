// Pure functions behind the stage: what a buffer means, which cells belong together, how a sum is
// written out. Nothing here touches the page, so all of it is tested without a browser.

/** The typed array behind a DataView, copied when it is not aligned. */
export function typedArray(view, dtype) {
  const Type = { f32: Float32Array, u16: Uint16Array, u8: Uint8Array, i32: Int32Array }[dtype];
  const size = Type.BYTES_PER_ELEMENT;
  if (view.byteOffset % size === 0) {
    return new Type(view.buffer, view.byteOffset, view.byteLength / size);
  }
  return new Type(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** How a stored code becomes a value: lo + code * step. Floats are stored as they are. */
export function scaleOf(panel) {
  const levels = { u8: 255, u16: 65535 }[panel.dtype];
  return levels ? { lo: panel.lo, step: (panel.hi - panel.lo) / levels } : { lo: 0, step: 1 };
}

/** Where a cell lies among the cells that were sent, row by row; -1 if it was not sent. */
export function placeOf(panel, row, col) {
  const r = row - panel.row0;
  const c = col - panel.col0;
  const sent = r >= 0 && r < panel.shownRows && c >= 0 && c < panel.shownCols;
  return sent ? r * panel.shownCols + c : -1;
}

/** The value of one cell of a pixel panel (codes are stored channel by channel); NaN if not sent. */
export function valueAt(panel, codes, channel, row, col) {
  const place = placeOf(panel, row, col);
  const { lo, step } = scaleOf(panel);
  return place < 0 ? NaN : lo + step * codes[channel * panel.shownRows * panel.shownCols + place];
}

/** Paints codes into RGBA bytes. `palette` holds 256 RGB triples for one-channel panels. */
export function paintPixels(panel, codes, palette, rgba, markOutside) {
  const cells = panel.shownRows * panel.shownCols;
  const shades = shadesOf(panel, codes);
  if (panel.channels === 3) {
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
  if (markOutside) markValuesOutside(panel, codes, rgba);
}

/** The 8-bit shade of every value between vmin and vmax, clipped. */
function shadesOf(panel, codes) {
  const { lo, step } = scaleOf(panel);
  const gain = 255 / (panel.vmax - panel.vmin || 1);
  const shade = (code) => (lo + step * code - panel.vmin) * gain;
  // A clamped array rounds and clips by itself.
  if (panel.dtype !== "u8") return Uint8ClampedArray.from(codes, shade);
  const table = Uint8ClampedArray.from({ length: 256 }, (_, code) => shade(code));
  const shades = new Uint8ClampedArray(codes.length);
  for (let i = 0; i < codes.length; i++) shades[i] = table[codes[i]];
  return shades;
}

/** Values beyond vmin or vmax become magenta; rounding to codes or to float32 does not count. */
function markValuesOutside(panel, codes, rgba) {
  const { lo, step } = scaleOf(panel);
  const slack = Math.max(panel.dtype === "f32" ? 0 : step, 1e-6 * (panel.vmax - panel.vmin));
  if (panel.lo >= panel.vmin - slack && panel.hi <= panel.vmax + slack) return;
  const cells = panel.shownRows * panel.shownCols;
  const low = panel.vmin - slack;
  const high = panel.vmax + slack;
  for (let k = 0; k < cells * panel.channels; k++) {
    const value = lo + step * codes[k];
    if (value < low || value > high) {
      const o = 4 * (k % cells);
      rgba[o] = 255;
      rgba[o + 1] = 0;
      rgba[o + 2] = 255;
    }
  }
}

/** Unpacks a chart: 3 bytes for each of `colors` colours, then lengths and colours, a byte each. */
export function paintRuns(panel, bytes, rgba) {
  const pixels = new Uint32Array(rgba.buffer);
  const part = (from, length) => new Uint8Array(bytes.buffer, bytes.byteOffset + from, length);
  const palette = part(0, 3 * panel.colors);
  const lengths = part(3 * panel.colors, panel.runs);
  const indices = part(3 * panel.colors + panel.runs, panel.runs);
  const words = Uint32Array.from({ length: panel.colors }, (_, i) =>
    (255 << 24) | (palette[3 * i + 2] << 16) | (palette[3 * i + 1] << 8) | palette[3 * i]);
  let at = 0;
  for (let run = 0; run < panel.runs; run++) {
    pixels.fill(words[indices[run]], at, at + lengths[run]);
    at += lengths[run];
  }
}

/** Paints an index map: the colour of a cell tells which input cell it reads (see indexColour). */
export function paintIndex(panel, positions, rgba) {
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

/** Row drives orange, column drives blue; neighbouring input cells differ in lightness. */
export function indexColour(row, col, inRows, inCols) {
  const r = Math.round(row);
  const c = Math.round(col);
  const down = inRows > 1 ? row / (inRows - 1) : 0.5;
  const right = inCols > 1 ? col / (inCols - 1) : 0.5;
  // Where input cells are too small to be told apart, the pattern would only be noise.
  const light = (r + c) % 2 === 0 || Math.max(inRows, inCols) > 48 ? 1 : 0.72;
  return [
    Math.round(light * (60 + 180 * down)),
    Math.round(light * (110 + 50 * down + 40 * right)),
    Math.round(light * (70 + 180 * right)),
  ];
}

/** The taps along both axes of a link, as typed arrays: [{index, weights, taps, out, in}, ...]. */
export function linkAxes(link, view) {
  let offset = view.byteOffset;
  const part = (dtype, length) => {
    const bytes = new DataView(view.buffer, offset, 4 * length);
    offset += 4 * length;
    return typedArray(bytes, dtype);
  };
  return link.axes.map((axis) => ({
    ...axis,
    index: part("i32", axis.out * axis.taps),
    weights: part("f32", axis.out * axis.taps),
  }));
}

/** [[input index, weight], ...] behind output `i` of one axis; an input may be read by several taps. */
export function axisSources(axis, i) {
  const found = new Map();
  for (let t = i * axis.taps; t < (i + 1) * axis.taps; t++) {
    if (axis.weights[t] !== 0) found.set(axis.index[t], (found.get(axis.index[t]) ?? 0) + axis.weights[t]);
  }
  return [...found];
}

/** [[output index, weight], ...] that input `j` of one axis reaches. */
export function axisTargets(axis, j) {
  const found = new Map();
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

/** The input cells behind output cell (row, col), with their weights. */
export function sources([rowAxis, colAxis], row, col) {
  return products(axisSources(rowAxis, row), axisSources(colAxis, col));
}

/** The output cells that input cell (row, col) reaches, with their weights. */
export function targets([rowAxis, colAxis], row, col) {
  return products(axisTargets(rowAxis, row), axisTargets(colAxis, col));
}

/**
 * The part of a panel that is shown: all of it, or as many cells as there are pixels on a screen so
 * many pixels wide, whose height follows from the cells that were sent: the cells stay square.
 */
export function visibleCells(panel, screenWidth, centre) {
  const screenHeight = (screenWidth * panel.shownRows) / panel.shownCols;
  const crop = (n, middle, from, sent, pixels) => {
    const count = Math.min(sent, Math.max(1, Math.floor(pixels)));
    const first = Math.round(middle * n - count / 2);
    return [Math.max(from, Math.min(from + sent - count, first)), count];
  };
  const [row, rows] = crop(panel.rows, centre.y, panel.row0, panel.shownRows, screenHeight);
  const [col, cols] = crop(panel.cols, centre.x, panel.col0, panel.shownCols, screenWidth);
  return { row, col, rows, cols };
}

/** The cell under a point given in fractions of the shown part; null outside. */
export function cellAt(view, fx, fy) {
  if (!(fx >= 0 && fx < 1 && fy >= 0 && fy < 1)) return null;
  return { row: view.row + Math.floor(fy * view.rows), col: view.col + Math.floor(fx * view.cols) };
}

/** The bounding box of a list of cells. */
export function extent(cells) {
  const rows = cells.map((cell) => cell.row);
  const cols = cells.map((cell) => cell.col);
  const row = Math.min(...rows);
  const col = Math.min(...cols);
  return { row, col, rows: Math.max(...rows) - row + 1, cols: Math.max(...cols) - col + 1 };
}

/** A number as a learner reads it: 3, 0.25, -0.0703. */
export function format(value, digits = 4) {
  if (!Number.isFinite(value)) return String(value);
  const text = Number.isInteger(value) ? String(value) : value.toFixed(digits);
  return text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "").replace(/^-0$/, "0").replace("-", "−");
}

/** "0.5625·0.41 + 0.1875·0.42 = 0.4125": terms in order of weight, the rest in brackets. */
export function writtenOut(cells, valueOf, most = 4) {
  const terms = cells.map((cell) => ({ ...cell, value: valueOf(cell) }));
  terms.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  const total = terms.reduce((sum, term) => sum + term.weight * term.value, 0);
  const shown = terms.slice(0, most).map((term) => `${format(term.weight)}·${format(term.value)}`);
  if (terms.length > most) {
    const rest = terms.slice(most).reduce((sum, term) => sum + term.weight * term.value, 0);
    shown.push(`(${terms.length - most} more: ${format(rest)})`);
  }
  return { text: shown.join(" + ").replaceAll("+ −", "− "), total };
}
