// @ts-check
// The card beside the cell that is pointed at: the sentence, the loupe, and whether it is pinned.
/** @import { Box } from "./protocol.js" */
import { element, setText } from "./dom.js";

const AWAY = 14; // CSS pixels between the cell and the card
// What it costs to cover something, and to be away, in square pixels of what the card speaks of.
const PER_POINT = 600; // of a line
const PER_PIXEL = 25; // of distance

export class Card {
  constructor() {
    this.root = element("div", "rv-card", { "aria-hidden": "true" });
    this.text = element("div", "rv-card-text");
    this.loupe = element("canvas", "rv-loupe", { "aria-hidden": "true" });
    this.sign = element("div", "rv-pin");
    this.root.append(this.loupe, this.text, this.sign);
    this.root.hidden = true;
  }

  /**
   * @param {string} sentence
   * @param {string} sign what is said of a pinned cell, "" for one that is not
   */
  write(sentence, sign) {
    setText(this.text, sentence);
    setText(this.sign, sign);
  }

  /**
   * Puts the card beside `cell`, where it covers least. Every part has a weight for each square
   * pixel of it that is covered.
   * @param {Box} cell
   * @param {[Box, number][]} parts
   * @param {[number, number][]} points of lines
   * @param {Box} room
   */
  place(cell, parts, points, room) {
    this.root.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = this.root;
    const middle = { x: (cell.left + cell.right) / 2, y: (cell.top + cell.bottom) / 2 };
    const lefts = new Set([cell.right + AWAY, cell.left - AWAY - width, middle.x - width / 2]);
    const tops = new Set([cell.bottom + AWAY, cell.top - AWAY - height, middle.y - height / 2]);
    for (const [{ left, right, top, bottom }] of parts) {
      for (const one of [left, right + AWAY, left - AWAY - width, right - width]) lefts.add(one);
      for (const one of [top, bottom + AWAY, top - AWAY - height, bottom - height]) tops.add(one);
    }
    let best = null;
    for (const left of lefts) {
      for (const top of tops) {
        const box = within({ left, top, right: left + width, bottom: top + height }, room);
        const cost =
          parts.reduce((sum, [part, weight]) => sum + weight * overlap(box, part), 0) +
          10 * overlap(box, cell) +
          PER_POINT * points.filter((point) => holds(box, point)).length +
          PER_PIXEL * distance(box, middle);
        if (!best || cost < best.cost) best = { cost, box };
      }
    }
    this.root.style.transform = `translate(${Math.round(best.box.left)}px, ${Math.round(best.box.top)}px)`;
  }

  hide() {
    this.root.hidden = true;
  }
}

/**
 * @param {Box} box
 * @param {Box} room
 * @returns {Box}
 */
function within(box, room) {
  const right = Math.max(0, box.right - room.right);
  const below = Math.max(0, box.bottom - room.bottom);
  const dx = Math.max(room.left - box.left, -right);
  const dy = Math.max(room.top - box.top, -below);
  return {
    left: box.left + dx,
    right: box.right + dx,
    top: box.top + dy,
    bottom: box.bottom + dy,
  };
}

/**
 * How far a point is from a box, in pixels.
 * @param {Box} box
 * @param {{ x: number, y: number }} point
 */
function distance(box, { x, y }) {
  return Math.hypot(
    Math.max(box.left - x, x - box.right, 0),
    Math.max(box.top - y, y - box.bottom, 0),
  );
}

/**
 * @param {Box} a
 * @param {Box} b
 */
function overlap(a, b) {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return Math.max(0, width) * Math.max(0, height);
}

/**
 * @param {Box} box
 * @param {[number, number]} point
 */
function holds(box, [x, y]) {
  return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
}
