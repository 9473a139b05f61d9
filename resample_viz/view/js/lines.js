// @ts-check
// Lines over the panels: from the cells that are read to the cell that reads them, with the weights
// on them, and the ways of winners.
/** @import { Bundle, Cell, Way } from "./protocol.js" */
/** @import { PanelView } from "./panel_view.js" */
import { extent, formatWeight } from "./geometry.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST_LABELS = 6;
const APART = 30; // CSS pixels between the labels of neighbouring lines
const ON_CELLS = 34; // CSS pixels per cell from which the weights stand on the cells

/** The drawing over all panels. */
export class Lines {
  constructor() {
    this.root = document.createElementNS(SVG, "svg");
    this.root.setAttribute("class", "rv-arrows");
    this.root.setAttribute("aria-hidden", "true");
    /** @type {[number, number][]} points of the lines, for what is not to cover them */
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
    const read = cells.filter(({ weight }) => weight !== 0);
    if (!read.length) return;
    if (read.length > MOST_LABELS) return this.drawFunnel(panel, read, other, cell, frame);
    const end = other.centreOf(cell, frame);
    const labelled = panel.cellSize < ON_CELLS;
    const apart = labelled ? 2 * APART : 6;
    const labels = [];
    for (const [i, one] of read.entries()) {
      const start = panel.centreOf(one, frame);
      const bend = (i - (read.length - 1) / 2) * apart;
      const x = (start[0] + end[0]) / 2;
      const y = (start[1] + end[1]) / 2 + bend;
      const path = `M ${start} Q ${x} ${y} ${end}`;
      const sign = one.weight < 0 ? "rv-line rv-negative" : "rv-line";
      const width = 1 + 2 * Math.min(1, Math.abs(one.weight));
      this.root.append(
        node("path", { d: path, class: "rv-line-ground", "stroke-width": width + 2 }),
        node("path", { d: path, class: sign, "stroke-width": width }),
      );
      const cx = (start[0] + end[0] + 2 * x) / 4;
      const cy = (start[1] + end[1] + 2 * y) / 4;
      this.points.push([start[0], start[1]], [cx, cy], [end[0], end[1]]);
      if (!labelled) continue;
      const label = node("text", { x: cx, y: cy, class: "rv-line-weight" });
      label.textContent = `×${formatWeight(one.weight)}`;
      labels.push(label);
    }
    const [x, y] = outward ? panel.centreOf(read[0], frame) : end;
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
}

/**
 * A node of the drawing.
 * @param {"line" | "circle" | "path" | "text"} tag
 * @param {Record<string, string | number>} attributes
 */
function node(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}
