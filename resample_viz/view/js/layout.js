// @ts-check
// How large the panels of a one-screen lab are: the main ones beside each other, as large as the
// screen lets them be, the others small, below them. Numbers only.
/** @import { Plan, Room } from "./protocol.js" */

export const GAP = 12; // CSS pixels between panels
const LEAST = 220; // CSS pixels; a main panel is never smaller while two of them fit side by side
const WANTED = 256; // CSS pixels; a main panel has them before the others get more than they need
const LEAST_OTHER = 60;
const WANTED_OTHER = 128; // CSS pixels: a picture of 128 cells has one for each
const MAIN_SHARE = 0.7; // of the height, for the main panels
const LEAST_BESIDE = 80; // CSS pixels of a small panel in a column of its own
const CHART_BELOW = 0.72; // of the height, for the main panels, if only charts are below
const TITLE = 20; // CSS pixels
const MOST_OTHER = 0.6; // of a main panel
const LEAST_SEEN = 110; // CSS pixels of a picture whose cells are as large as those of another one

/**
 * The side of a main panel; the side of a small one, beside the main panels in a column where that
 * costs these nothing, else in the row below; and the height of a chart in that row.
 * @param {Room} room
 * @returns {Plan}
 */
export function plan(room) {
  const below = planBelow(room);
  const beside = planBeside(room);
  const chosen = beside.main >= below.main && beside.small >= LEAST_BESIDE ? beside : below;
  const { ratio } = room;
  return {
    ...chosen,
    main: whole(chosen.main, ratio),
    small: whole(chosen.small, ratio),
    chart: whole(chosen.chart, ratio),
  };
}

/**
 * @param {Room} room
 * @returns {Plan}
 */
function planBelow({ width, height, count }) {
  const widest = (width - GAP * (count - 1)) / count;
  const fits = widest >= LEAST;
  const left = Math.min(MAIN_SHARE * height, Math.max(WANTED, height - WANTED_OTHER));
  const main = fits ? Math.min(widest, Math.max(LEAST, left)) : width;
  const small = Math.max(LEAST_OTHER, Math.min(height - main, MOST_OTHER * main));
  return { main, small, chart: small, isBeside: false };
}

/**
 * @param {Room} room
 * @returns {Plan}
 */
function planBeside({ width, height, count }) {
  const widest = (width - GAP * count - LEAST_BESIDE) / count;
  const main = Math.min(widest, Math.max(LEAST, CHART_BELOW * height));
  const left = width - count * (main + GAP);
  // Two of them, one above the other, are as high as a main panel with its title.
  const small = Math.min(left, (main - TITLE - GAP / 2) / 2);
  return { main, small, chart: Math.max(LEAST_OTHER, height - main), isBeside: true };
}

/**
 * The largest number of CSS pixels up to `length` that is a whole number of device pixels.
 * @param {number} length
 * @param {number} ratio
 */
export function whole(length, ratio) {
  return Math.floor(length * ratio + 1e-6) / ratio;
}

/**
 * Device pixels per cell with which all of these pictures are drawn at one scale; null if one of
 * them is only a part, or would become too small to be seen.
 * @param {{ rows: number, cols: number, most: number, cropped: boolean }[]} pictures
 * @param {number} ratio
 */
export function commonScale(pictures, ratio) {
  if (pictures.length < 2 || pictures.some(({ cropped }) => cropped)) return null;
  const scale = Math.min(...pictures.map(({ most }) => most));
  const seen = pictures.every(
    ({ rows, cols }) => (Math.max(rows, cols) * scale) / ratio >= LEAST_SEEN,
  );
  return seen ? scale : null;
}
