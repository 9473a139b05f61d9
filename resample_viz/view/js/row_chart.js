// @ts-check
// One row of x and of y as a chart, and the kernel that stands between them: above the samples, below
// the kernel at the place of one output cell, with its value at every sample, which is the weight.
/** @import { Axis, Cell, Colours, Link, PanelMeta, Pen, RowScene, Size } from "./protocol.js" */
/** @import { PanelView } from "./panel_view.js" */
import { axisSources, formatWeight, typedArray } from "./geometry.js";

const FEWEST = 7; // columns of x
const MOST = 13;
const PER_COLUMN = 28; // CSS pixels
const LEFT = 34; // CSS pixels, for the numbers
const RIGHT = 4;
const ROOM = 0.15; // of the range of values, above and below it
const MOST_LABELS = 6;

/**
 * What the chart of one output cell's row shows, from what the stage has.
 * @param {PanelMeta} meta
 * @param {DataView} bytes
 * @param {Link} link
 * @param {{ input: PanelView, output: PanelView, chart: PanelView }} panels
 * @param {Cell} cell
 * @returns {RowScene}
 */
export function rowScene(meta, bytes, link, { input, output, chart }, { row, col }) {
  const [rows, cols] = link.axes;
  const numbers = /** @type {Float32Array} */ (typedArray(bytes, "f32"));
  const places = meta.samples
    ? numbers.subarray(2 * meta.samples)
    : Float32Array.from({ length: cols.out }, (_, i) => ((i + 0.5) * cols.in) / cols.out - 0.5);
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
    taps: axisSources(cols, col),
  };
}

/**
 * The columns of x that are shown around the place of the output cell, as many as can be told apart.
 * @param {number} place
 * @param {number} width of x
 * @param {number} pixels
 * @returns {[number, number]}
 */
function shownColumns(place, width, pixels) {
  const most = Math.max(FEWEST, Math.min(MOST, Math.round(pixels / PER_COLUMN)));
  const count = Math.min(width, most);
  const first = Math.max(0, Math.min(width - count, Math.round(place - (count - 1) / 2)));
  return [first - 0.6, first + count - 0.4];
}

/**
 * The column of x under a pixel of a chart `width` pixels wide.
 * @param {number} x
 * @param {number} width
 * @param {[number, number]} span
 */
export function columnAt(x, width, [first, last]) {
  return first + ((x - LEFT) / (width - LEFT - RIGHT)) * (last - first);
}

/**
 * x, mixed over its rows as output row `row` is: what PyTorch then resizes along the width.
 * @param {Axis} rows
 * @param {number} row
 * @param {number} width
 * @param {(row: number, col: number) => number} value
 */
function mixedRow(rows, row, width, value) {
  const mixed = new Float64Array(width);
  for (const [i, weight] of axisSources(rows, row))
    for (let col = 0; col < width; col++) mixed[col] += weight * value(i, col);
  return mixed;
}

/**
 * The output cell whose kernel stands closest to a column.
 * @param {ArrayLike<number>} places
 * @param {number} column
 */
export function nearest(places, column) {
  let best = 0;
  for (let i = 1; i < places.length; i++)
    if (Math.abs(places[i] - column) < Math.abs(places[best] - column)) best = i;
  return best;
}

/**
 * @param {Pen} pen
 * @param {RowScene} scene
 * @param {Size} size
 * @param {Colours} colours
 */
export function paintRow(pen, scene, size, colours) {
  const { width, height, ratio } = size;
  const { span } = scene;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "10px sans-serif";
  pen.textBaseline = "middle";
  const middle = scene.offsets.length ? 0.46 * height : height;
  /** @param {number} column */
  const x = (column) => LEFT + ((column - span[0]) / (span[1] - span[0])) * (width - LEFT - RIGHT);
  const place = x(scene.place);
  pen.strokeStyle = colours("line");
  line(pen, place, 0, place, height, [2, 3]);
  paintLegend(pen, width, colours);
  paintValues(pen, scene, { x, bottom: middle, width }, colours);
  if (scene.offsets.length) paintKernel(pen, scene, { x, top: middle, width, height }, colours);
}

/**
 * What is x and what is y, at the right end of the upper part.
 * @param {Pen} pen
 * @param {number} width
 * @param {Colours} colours
 */
function paintLegend(pen, width, colours) {
  pen.textAlign = "right";
  pen.fillStyle = colours("output");
  pen.fillText("— y", width - RIGHT, 6);
  pen.fillStyle = colours("input");
  pen.fillText("● x", width - RIGHT - 24, 6);
}

/**
 * Dots for x, a line with dots for y; dashed where the range of the picture ends.
 * @param {Pen} pen
 * @param {RowScene} scene
 * @param {{ x: (column: number) => number, bottom: number, width: number }} place
 * @param {Colours} colours
 */
function paintValues(pen, scene, { x, bottom, width }, colours) {
  const { range, mixed, places, outputs, col } = scene;
  const [low, high] = range;
  const room = ROOM * (high - low);
  /** @param {number} value */
  const y = (value) => bottom - 3 - ((value - low + room) / (high - low + 2 * room)) * (bottom - 6);
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

/**
 * The kernel as a curve, and a stem at every sample that it weighs.
 * @param {Pen} pen
 * @param {RowScene} scene
 * @param {{ x: (column: number) => number, top: number, width: number, height: number }} where
 * @param {Colours} colours
 */
function paintKernel(pen, scene, { x, top, width, height }, colours) {
  const { offsets, weights, place, taps } = scene;
  const sums = [...weights, ...taps.map(([, weight]) => weight)];
  const high = Math.max(...sums, 1e-6);
  const low = Math.min(0, ...sums);
  const bottom = height - 22;
  /** @param {number} weight */
  const y = (weight) => bottom - ((weight - low) / (high - low)) * (bottom - top - 8);
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
  for (const [i, [column, weight]] of taps.length <= MOST_LABELS ? taps.entries() : [])
    pen.fillText(formatWeight(weight), x(column), height - 6 - (i % 2) * 10); // neighbours apart
  pen.restore();
  pen.textAlign = "right";
  pen.fillStyle = colours("quiet");
  pen.fillText(String(Number(high.toPrecision(2))), LEFT - 5, y(high));
  pen.fillText("0", LEFT - 5, y(0));
}

/**
 * @param {Pen} pen
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 * @param {number[]} dashes
 */
function line(pen, x1, y1, x2, y2, dashes) {
  pen.setLineDash(dashes);
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
  pen.setLineDash([]);
}

/**
 * @param {Pen} pen
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
function dot(pen, x, y, radius) {
  if (Number.isNaN(y)) return;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}
