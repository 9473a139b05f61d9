// Runs functions of geometry.js on cases from standard input, and prints the results as JSON.
// Arguments: the path of geometry.js. Typed arrays come and go as plain lists.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const geometry = await import(pathToFileURL(process.argv[2]));
const cases = JSON.parse(readFileSync(0, "utf8"));
const view = (bytes, shift = 0) =>
  new DataView(Uint8Array.from([...Array(shift).fill(9), ...bytes]).buffer, shift);

const run = {
  links({ link, bytes, shift, outputs, inputs }) {
    const read = geometry.readLink(link, view(bytes, shift));
    return {
      sources: outputs.map(([row, col]) => geometry.sources(read, row, col)),
      targets: inputs.map(([row, col, channel]) => geometry.targets(read, row, col, channel)),
      windows: outputs.map(([row, col]) => geometry.windowOf(read, row, col)),
    };
  },
  pixels({ panel, bytes, shift, palette, mark }) {
    const codes = geometry.typedArray(view(bytes, shift), panel.dtype);
    const rgba = new Uint8ClampedArray(4 * panel.shownRows * panel.shownCols);
    geometry.paintPixels(panel, codes, Uint8Array.from(palette), rgba, mark);
    const values = [];
    for (
      let channel = panel.firstChannel;
      channel < panel.firstChannel + panel.channels;
      channel++
    ) {
      for (let row = 0; row < panel.shownRows; row++) {
        for (let col = 0; col < panel.shownCols; col++) {
          values.push(geometry.valueAt(panel, codes, channel, panel.row0 + row, panel.col0 + col));
        }
      }
    }
    return { rgba: [...rgba], values };
  },
  index({ panel, bytes }) {
    const rgba = new Uint8ClampedArray(4 * panel.shownRows * panel.shownCols);
    geometry.paintIndex(panel, geometry.typedArray(view(bytes), "f32"), rgba);
    return [...rgba];
  },
  chart({ panel, bytes }) {
    const rgba = new Uint8ClampedArray(4 * panel.shownRows * panel.shownCols);
    const shifted = new DataView(Uint8Array.from([9, ...bytes]).buffer, 1); // not aligned
    geometry.paintRuns(panel, shifted, rgba);
    return [...rgba];
  },
  visible: ({ panel, pixels, centre }) => geometry.visibleCells(panel, pixels, centre),
  cellAt: ({ view: shown, x, y }) => geometry.cellAt(shown, x, y),
  format: ({ value, digits }) => geometry.format(value, digits),
  sum({ cells, values, ...options }) {
    let next = 0;
    return geometry.writtenOut(cells, () => values[next++], options);
  },
  addedUp({ link, bytes, values, steps, half }) {
    const read = geometry.readLink(link, view(bytes));
    const valueAtCell = (row, col, channel) => values[channel][row][col];
    const before = { steps: half, sums: geometry.addedUp(read, half, valueAtCell) };
    const onwards = geometry.addedUp(read, steps, valueAtCell, before);
    return [geometry.addedUp(read, steps, valueAtCell), onwards].map((sums) => [...sums]);
  },
  numbers: ({ panel, cells, count }) => ({
    numbers: cells.map(([row, col]) => geometry.numberOf(panel, row, col)),
    cells: Array.from({ length: count }, (_, number) => geometry.cellOf(panel, number)),
  }),
};

const results = cases.map(({ what, ...rest }) => run[what](rest));
process.stdout.write(JSON.stringify(results));
