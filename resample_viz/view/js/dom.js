// @ts-check
// What the parts of the stage share: making nodes, changing them only where something changed, and
// drawing rectangles.
/** @import { Pen, Rect } from "./protocol.js" */

/**
 * A new node of the page.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} classes
 * @param {Record<string, string | number>} attributes
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, classes = "", attributes = {}) {
  const node = document.createElement(tag);
  if (classes) node.className = classes;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export function resize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/**
 * @param {HTMLElement} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Writes what differs: what is written makes the page lay itself out again.
 * @param {HTMLElement} node
 * @param {Record<string, string>} wanted
 */
export function setStyle({ style }, wanted) {
  for (const [name, value] of Object.entries(wanted))
    if (style.getPropertyValue(name) !== value) style.setProperty(name, value);
}

/**
 * A rectangle that stands out on any picture: white on black.
 * @param {Pen} pen
 * @param {Rect} place
 * @param {number} ratio
 * @param {number[]} dashes
 */
export function outline(pen, place, ratio, dashes) {
  const [x, y, w, h] = place;
  const grow = Math.max(0, 5 * ratio - w) / 2;
  /** @type {Rect} */
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
