// @ts-check
// The card beside the cell that is pointed at: the sentence, the loupe, and whether it is pinned.
/** @import { Box } from "./protocol.js" */
import { element, setText } from "./dom.js";

const AWAY = 14; // CSS pixels between the cell and the card
const PER_POINT = 300; // square pixels that a covered point of a line counts for
const FAR = 20; // square pixels that a pixel of distance counts for
const OF_PICTURES = 0.2; // what a covered square pixel of a picture counts for

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
   * Puts the card beside `cell`, where it covers least of what it speaks of.
   * @param {Box} cell
   * @param {Box[]} avoid
   * @param {Box[]} pictures
   * @param {[number, number][]} points
   * @param {Box} room
   */
  place(cell, avoid, pictures, points, room) {
    this.root.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = this.root;
    const middle = { x: (cell.left + cell.right) / 2, y: (cell.top + cell.bottom) / 2 };
    const edges = pictures.flatMap(({ left, right }) => [left - AWAY - width, right + AWAY]);
    const lefts = [cell.right + AWAY, cell.left - AWAY - width, middle.x - width / 2, ...edges];
    const tops = [cell.bottom + AWAY, cell.top - AWAY - height, middle.y - height / 2];
    let best = null;
    for (const [i, left] of lefts.entries()) {
      for (const [j, top] of tops.entries()) {
        if (i === 2 && j === 2) continue; // on the cell itself
        const box = within({ left, top, right: left + width, bottom: top + height }, room);
        /** @param {Box[]} boxes */
        const covers = (boxes) => boxes.reduce((sum, other) => sum + overlap(box, other), 0);
        const covered = covers([cell, ...avoid]) + OF_PICTURES * covers(pictures);
        const crossed = points.filter((point) => holds(box, point)).length * PER_POINT;
        const cost = covered + crossed + FAR * distance(box, middle);
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
