// @ts-check
// Pure functions behind the stage: what a buffer means, which cells belong together, how a sum is
// written out. Nothing here touches the page, so all of it is tested without a browser.
/** @import { Area, Axis, AxisMeta, Cell, Codes, Link, LinkMeta, PanelMeta, Sums, ValueOf, WeightedCell } from "./protocol.js" */
import { n, t } from "./words.js";

/**
 * The typed array behind a DataView, copied when it is not aligned.
 * @param {DataView} view
 * @param {"f32" | "u16" | "u8" | "i32"} dtype
 */
export function typedArray(view, dtype) {
  const buffer = /** @type {ArrayBuffer} */ (view.buffer);
  const Type = { f32: Float32Array, u16: Uint16Array, u8: Uint8Array, i32: Int32Array }[dtype];
  const size = Type.BYTES_PER_ELEMENT;
  if (view.byteOffset % size === 0) {
    return new Type(buffer, view.byteOffset, view.byteLength / size);
  }
  return new Type(buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/**
 * How a stored code becomes a value: lo + code * step. Floats are stored as they are.
 * @param {PanelMeta} panel
 */
export function scaleOf(panel) {
  const levels = { u8: 255, u16: 65535, f32: 0 }[panel.dtype];
  return levels ? { lo: panel.lo, step: (panel.hi - panel.lo) / levels } : { lo: 0, step: 1 };
}

/**
 * Where a cell lies among the cells that were sent, row by row; -1 if it was not sent.
 * @param {PanelMeta} panel
 * @param {number} row
 * @param {number} col
 */
export function placeOf(panel, row, col) {
  const r = row - panel.row0;
  const c = col - panel.col0;
  const sent = r >= 0 && r < panel.shownRows && c >= 0 && c < panel.shownCols;
  return sent ? r * panel.shownCols + c : -1;
}

/**
 * The value of one cell of a pixel panel (codes are stored channel by channel); NaN if not sent.
 * @param {PanelMeta} panel
 * @param {Codes} codes
 * @param {number} channel
 * @param {number} row
 * @param {number} col
 */
export function valueAt(panel, codes, channel, row, col) {
  const place = placeOf(panel, row, col);
  const sent = channel - panel.firstChannel;
  if (place < 0 || sent < 0 || sent >= panel.channels) return NaN;
  const { lo, step } = scaleOf(panel);
  return lo + step * codes[sent * panel.shownRows * panel.shownCols + place];
}

/**
 * Paints codes into RGBA bytes. `palette` holds 256 RGB triples for one-channel panels.
 * @param {PanelMeta} panel
 * @param {Codes} codes
 * @param {Uint8Array} palette
 * @param {Uint8ClampedArray} rgba
 * @param {boolean} markOutside
 */
export function paintPixels(panel, codes, palette, rgba, markOutside) {
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

/**
 * The codes of what is painted: all three channels of a colour panel, else the one it shows.
 * @param {PanelMeta} panel
 * @param {Codes} codes
 */
function shownCodes(panel, codes) {
  const cells = panel.shownRows * panel.shownCols;
  const from = (panel.channel - panel.firstChannel) * cells;
  return panel.colour ? codes : codes.subarray(from, from + cells);
}

/**
 * The 8-bit shade of every value between vmin and vmax, clipped.
 * @param {PanelMeta} panel
 * @param {Codes} codes
 */
function shadesOf(panel, codes) {
  const { lo, step } = scaleOf(panel);
  const gain = 255 / (panel.vmax - panel.vmin || 1);
  /** @param {number} code */
  const shade = (code) => (lo + step * code - panel.vmin) * gain;
  // A clamped array rounds and clips by itself.
  if (panel.dtype !== "u8") return Uint8ClampedArray.from(codes, shade);
  const table = Uint8ClampedArray.from({ length: 256 }, (_, code) => shade(code));
  const shades = new Uint8ClampedArray(codes.length);
  for (let i = 0; i < codes.length; i++) shades[i] = table[codes[i]];
  return shades;
}

/**
 * Values beyond vmin or vmax become magenta; rounding to codes or to float32 does not count.
 * @param {PanelMeta} panel
 * @param {Codes} codes
 * @param {Uint8ClampedArray} rgba
 */
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

/**
 * Unpacks a chart: 3 bytes for each of `colors` colours, then lengths and colours, a byte each.
 * @param {PanelMeta} panel
 * @param {DataView} bytes
 * @param {Uint8ClampedArray} rgba
 */
export function paintRuns(panel, bytes, rgba) {
  const pixels = new Uint32Array(rgba.buffer);
  /** @param {number} from @param {number} length */
  const part = (from, length) => new Uint8Array(bytes.buffer, bytes.byteOffset + from, length);
  const palette = part(0, 3 * panel.colors);
  const lengths = part(3 * panel.colors, panel.runs);
  const indices = part(3 * panel.colors + panel.runs, panel.runs);
  const words = Uint32Array.from(
    { length: panel.colors },
    (_, i) => (255 << 24) | (palette[3 * i + 2] << 16) | (palette[3 * i + 1] << 8) | palette[3 * i],
  );
  let at = 0;
  for (let run = 0; run < panel.runs; run++) {
    pixels.fill(words[indices[run]], at, at + lengths[run]);
    at += lengths[run];
  }
}

/**
 * Paints an index map: the colour of a cell tells which input cell it reads (see indexColour).
 * @param {PanelMeta} panel
 * @param {Codes} positions
 * @param {Uint8ClampedArray} rgba
 */
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

/**
 * Row drives orange, column drives blue; neighbouring input cells differ in lightness.
 * @param {number} row
 * @param {number} col
 * @param {number} inRows
 * @param {number} inCols
 */
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

/**
 * A link with its bytes read: axes [{index, weights, taps, out, in}, ...], and `kernel` (input
 * channels × taps × taps) or `winners` (one source cell for each target cell) where it has them.
 * @param {LinkMeta} link
 * @param {DataView} view
 */
export function readLink(link, view) {
  let offset = view.byteOffset;
  /**
   * @template {"i32" | "f32"} D
   * @param {D} dtype
   * @param {number} length
   */
  const part = (dtype, length) => {
    const bytes = new DataView(view.buffer, offset, 4 * length);
    offset += 4 * length;
    return /** @type {D extends "i32" ? Int32Array : Float32Array} */ (typedArray(bytes, dtype));
  };
  /** @param {AxisMeta} axis @returns {Axis} */
  const read = (axis) => ({
    ...axis,
    index: part("i32", axis.out * axis.taps),
    weights: part("f32", axis.out * axis.taps),
  });
  /** @type {[Axis, Axis]} */
  const axes = [read(link.axes[0]), read(link.axes[1])];
  const [rows, cols] = axes;
  const kernel = link.kernel ? part("f32", link.kernel * rows.taps * cols.taps) : null;
  const winners = link.winners ? part("i32", link.winners) : null;
  return { ...link, inputs: link.kernel ?? 1, axes, kernel, winners };
}

/**
 * [[input index, weight], ...] behind output `i` of one axis; an input may be read by several taps.
 * @param {Axis} axis
 * @param {number} i
 */
export function axisSources(axis, i) {
  const found = new Map();
  for (let t = i * axis.taps; t < (i + 1) * axis.taps; t++) {
    if (axis.weights[t] !== 0)
      found.set(axis.index[t], (found.get(axis.index[t]) ?? 0) + axis.weights[t]);
  }
  return [...found];
}

/**
 * [[output index, weight], ...] that input `j` of one axis reaches.
 * @param {Axis} axis
 * @param {number} j
 */
export function axisTargets(axis, j) {
  const found = new Map();
  for (let t = 0; t < axis.index.length; t++) {
    if (axis.index[t] !== j || axis.weights[t] === 0) continue;
    const i = Math.floor(t / axis.taps);
    found.set(i, (found.get(i) ?? 0) + axis.weights[t]);
  }
  return [...found];
}

/**
 * @param {[number, number][]} rows
 * @param {[number, number][]} cols
 */
function products(rows, cols) {
  return rows.flatMap(([row, a]) => cols.map(([col, b]) => ({ row, col, weight: a * b })));
}

/**
 * The source cells behind target cell (row, col), with their weights. Of a kernel, every tap that
 * lies on a cell is listed, those of weight 0 too, channel by channel in the order of the window.
 * @param {Link} link
 * @param {number} row
 * @param {number} col
 */
export function sources(link, row, col) {
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
          tap: { row: u, col: v },
        });
      }
    }
  }
  return found;
}

/**
 * The cells of the window that target cell (row, col) looks at, whatever their weights.
 * @param {Link} link
 * @param {number} row
 * @param {number} col
 */
export function windowOf(link, row, col) {
  const [rows, cols] = link.axes;
  /** @param {Axis} axis @param {number} i */
  const taps = ({ index, weights, taps: n }, i) =>
    [...index.subarray(i * n, (i + 1) * n)].filter(
      (at, t) => at >= 0 && (link.kernel || weights[i * n + t] !== 0),
    );
  return taps(rows, row).flatMap((r) => taps(cols, col).map((c) => ({ row: r, col: c })));
}

/**
 * The target cells that source cell (row, col) reaches, with their weights.
 * @param {Link} link
 * @param {number} row
 * @param {number} col
 * @param {number | undefined} [channel]
 */
export function targets(link, row, col, channel = link.firstChannel) {
  const [rows, cols] = link.axes;
  if (link.winners) return winnerTargets(link, row * cols.in + col);
  if (!link.kernel) return products(axisTargets(rows, row), axisTargets(cols, col));
  const kernel = link.kernel.subarray((channel - link.firstChannel) * rows.taps * cols.taps);
  return tapsOn(rows, row).flatMap(([i, u]) =>
    tapsOn(cols, col).map(([j, v]) => ({
      row: i,
      col: j,
      weight: kernel[u * cols.taps + v],
      tap: { row: u, col: v },
    })),
  );
}

/**
 * @param {Link} link
 * @param {number} place
 */
function winnerTargets({ winners, axes }, place) {
  /** @type {WeightedCell[]} */
  const found = [];
  winners.forEach((winner, i) => {
    if (winner === place)
      found.push({ row: Math.floor(i / axes[1].out), col: i % axes[1].out, weight: 1 });
  });
  return found;
}

/**
 * [[output, tap], ...] of the taps of one axis that read input `j`.
 * @param {Axis} axis
 * @param {number} j
 */
function tapsOn(axis, j) {
  const found = [];
  for (let t = 0; t < axis.index.length; t++) {
    if (axis.index[t] === j) found.push([Math.floor(t / axis.taps), t % axis.taps]);
  }
  return found;
}

/**
 * What the first `steps` source cells, row by row, have added up to in every target cell. `before`,
 * {steps, sums} of an earlier call, saves adding up anew what it has already.
 * @param {Link} link
 * @param {number} steps
 * @param {ValueOf} valueAtCell
 * @param {Sums | null} [before]
 */
export function addedUp(link, steps, valueAtCell, before = null) {
  const [rows, cols] = link.axes;
  const known = before && before.steps <= steps;
  const sums = known
    ? before.sums.slice()
    : new Float64Array(rows.out * cols.out).fill(link.bias ?? 0);
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

/**
 * Row by row, the number of a cell among those inside the margin; -1 in the padding.
 * @param {Pick<PanelMeta, 'rows' | 'cols' | 'margin'>} panel
 * @param {number} row
 * @param {number} col
 */
export function numberOf({ rows, cols, margin: [top, left, bottom, right] }, row, col) {
  const inside = row >= top && row < rows - bottom && col >= left && col < cols - right;
  return inside ? (row - top) * (cols - left - right) + col - left : -1;
}

/**
 * The cell with this number, in the coordinates of the panel.
 * @param {Pick<PanelMeta, 'cols' | 'margin'>} panel
 * @param {number} number
 */
export function cellOf({ cols, margin: [top, left, , right] }, number) {
  const width = cols - left - right;
  return { row: top + Math.floor(number / width), col: left + (number % width) };
}

/**
 * The part of a panel that is shown: all of it, or as many cells as there are pixels on a screen so
 * many pixels wide and high; without a height, it follows from the cells that were sent.
 * @param {PanelMeta} panel
 * @param {number} screenWidth
 * @param {{x: number, y: number}} centre
 * @param {number} [screenHeight]
 */
export function visibleCells(
  panel,
  screenWidth,
  centre,
  screenHeight = (screenWidth * panel.shownRows) / panel.shownCols,
) {
  /**
   * @param {number} n
   * @param {number} middle
   * @param {number} from
   * @param {number} sent
   * @param {number} pixels
   * @returns {[number, number]}
   */
  const crop = (n, middle, from, sent, pixels) => {
    const count = Math.min(sent, Math.max(1, Math.floor(pixels)));
    const first = Math.round(middle * n - count / 2);
    return [Math.max(from, Math.min(from + sent - count, first)), count];
  };
  const [row, rows] = crop(panel.rows, centre.y, panel.row0, panel.shownRows, screenHeight);
  const [col, cols] = crop(panel.cols, centre.x, panel.col0, panel.shownCols, screenWidth);
  return { row, col, rows, cols };
}

/**
 * The cell under a point given in fractions of the shown part; null outside.
 * @param {Area} view
 * @param {number} fx
 * @param {number} fy
 */
export function cellAt(view, fx, fy) {
  if (!(fx >= 0 && fx < 1 && fy >= 0 && fy < 1)) return null;
  return { row: view.row + Math.floor(fy * view.rows), col: view.col + Math.floor(fx * view.cols) };
}

/**
 * The bounding box of a list of cells.
 * @param {Cell[]} cells
 */
export function extent(cells) {
  const rows = cells.map((cell) => cell.row);
  const cols = cells.map((cell) => cell.col);
  const row = Math.min(...rows);
  const col = Math.min(...cols);
  return { row, col, rows: Math.max(...rows) - row + 1, cols: Math.max(...cols) - col + 1 };
}

/**
 * A number as a learner reads it: 3, 0.25, -0.0703.
 * @param {number} value
 * @param {number} [digits]
 */
export function format(value, digits = 4) {
  if (!Number.isFinite(value)) return String(value);
  const text = Number.isInteger(value) ? String(value) : value.toFixed(digits);
  return text
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "")
    .replace(/^-0$/, "0")
    .replace("-", "−");
}

/**
 * A weight in a small cell: two decimals, or one digit that counts where two decimals say 0.
 * @param {number} weight
 */
export function formatWeight(weight) {
  const small = weight !== 0 && Math.abs(weight) < 0.005;
  return small ? weight.toExponential(0).replaceAll("-", "−") : format(weight, 2);
}

/**
 * "0.5625·0.41 + 0.1875·0.42 = 0.4125": terms in order of weight (or, with `inOrder`, of the window,
 * without those of weight 0), the rest in brackets, and a bias that is not 0.
 * @param {WeightedCell[]} cells
 * @param {(cell: WeightedCell) => number} valueAtCell
 * @param {{most?: number, inOrder?: boolean, bias?: number}} [options]
 */
export function writtenOut(cells, valueAtCell, { most = 4, inOrder = false, bias = 0 } = {}) {
  let terms = cells.map((cell) => ({ ...cell, value: valueAtCell(cell) }));
  if (inOrder) terms = terms.filter(({ weight }) => weight !== 0);
  else terms.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  /** @param {number} sum @param {{ weight: number, value: number }} term */
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

/**
 * What a learner typed as a number: 0.5, 0,5, −2, 1e-3 or 1/3; NaN if it is none.
 * @param {string} text
 */
export function numberTyped(text) {
  const plain = text.trim().replace(/−/g, "-").replace(",", ".");
  const parts = plain.split("/").map((part) => (part.trim() === "" ? NaN : Number(part)));
  const value = parts.length === 2 ? parts[0] / parts[1] : parts.length === 1 ? parts[0] : NaN;
  return Number.isFinite(value) ? value : NaN;
}
