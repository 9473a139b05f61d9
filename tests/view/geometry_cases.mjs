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
    const axes = geometry.linkAxes(link, view(bytes, shift));
    return {
      sources: outputs.map(([row, col]) => geometry.sources(axes, row, col)),
      targets: inputs.map(([row, col]) => geometry.targets(axes, row, col)),
    };
  },
  pixels({ panel, bytes, shift, palette, mark }) {
    const codes = geometry.typedArray(view(bytes, shift), panel.dtype);
    const rgba = new Uint8ClampedArray(4 * panel.shownRows * panel.shownCols);
    geometry.paintPixels(panel, codes, Uint8Array.from(palette), rgba, mark);
    const values = [];
    for (let channel = 0; channel < panel.channels; channel++) {
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
  sum({ cells, values, most }) {
    let next = 0;
    return geometry.writtenOut(cells, () => values[next++], most);
  },
};

const results = cases.map(({ what, ...rest }) => run[what](rest));
process.stdout.write(JSON.stringify(results));
