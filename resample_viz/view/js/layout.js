// @ts-check
// How large the panels of a one-screen lab are: the main ones beside each other, as large as the
// screen lets them be, the others small, below them. Numbers only.
/** @import { Plan, Room } from "./protocol.js" */

const GAP = 12; // CSS pixels between panels
const LEAST = 220; // CSS pixels; a main panel is never smaller while two of them fit side by side
const LEAST_OF_THREE = 180; // CSS pixels, where three stand side by side
const LEAST_OTHER = 43; // CSS pixels
const WANTED_OTHER = 128; // CSS pixels: a picture of 128 cells has one for each
const MOST_ROWS = 3;
const SHARING = 2; // small panels that can stand in a column beside the main ones
const PER_LETTER = 6.5; // CSS pixels of a title
const SECOND_LINE = 10; // CSS pixels that a title of two lines needs more
const CHART = 96; // CSS pixels: the height of a chart in a row of its own
const LEAST_CHART = 190; // CSS pixels: the width of a chart beside small panels
const NOTES = 150; // CSS pixels: the figures of merit, and the gap beside them
export const KERNEL_SHARE = 0.5; // of a main panel, for a kernel between two of them
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
 * Small panels in one to three rows under the main ones, charts beside them or in a row of their own:
 * of all sizes that fit, those that together show most.
 * @param {Room} room
 * @returns {Plan}
 */
function planBelow(room) {
  const { width, count, smalls, charts } = room;
  const least = count > 2.5 ? LEAST_OF_THREE : LEAST;
  const widest = (width - GAP * (Math.ceil(count) - 1)) / count;
  if (widest < least)
    return { main: width, small: width / 3, chart: CHART, isBeside: false, isChartApart: true };
  let best = { score: -1, main: least, small: LEAST_OTHER, isChartApart: charts > 0 };
  for (const isChartApart of charts ? [false, true] : [false]) {
    for (let rows = 1; rows <= MOST_ROWS; rows++) {
      for (let main = least; main <= widest; main++) {
        const small = smallBelow(room, main, rows, isChartApart);
        if (small < LEAST_OTHER) continue;
        const score = main + (1 + smalls / 4) * Math.min(small, WANTED_OTHER) + small / 2;
        if (score >= best.score) best = { score, main, small, isChartApart };
      }
    }
  }
  const { main, small, isChartApart } = best;
  return { main, small, chart: isChartApart ? CHART : small, isBeside: false, isChartApart };
}

/**
 * The side of small panels in so many rows under main ones of a size.
 * @param {Room} room
 * @param {number} main
 * @param {number} rows
 * @param {boolean} isChartApart
 */
function smallBelow({ width, height, smalls, charts, letters }, main, rows, isChartApart) {
  const chart = isChartApart ? CHART + TITLE : 0;
  const high = (height - main - chart - (rows - 1) * (TITLE + GAP / 2)) / rows;
  const taken = NOTES + (charts && !isChartApart ? LEAST_CHART + GAP : 0);
  const wide = smalls ? (width - taken) / Math.ceil(smalls / rows) - GAP : high;
  const small = Math.min(high, wide, MOST_OTHER * main);
  return isLong(letters, small) ? Math.min(small, high - SECOND_LINE) : small;
}

/**
 * @param {Room} room
 * @returns {Plan}
 */
function planBeside({ width, height, count, smalls, letters }) {
  if (smalls > SHARING) return { main: 0, small: 0, chart: 0, isBeside: true, isChartApart: false };
  const widest = (width - GAP * Math.ceil(count) - LEAST_BESIDE) / count;
  const main = Math.min(widest, Math.max(LEAST, CHART_BELOW * height));
  const left = width - count * main - Math.ceil(count) * GAP;
  // Two of them, one above the other, are as high as a main panel with its title.
  const second = isLong(letters, left) ? 2 * SECOND_LINE : 0;
  const small = Math.min(left, (main - TITLE - GAP / 2 - second) / 2);
  return {
    main,
    small,
    chart: Math.max(LEAST_OTHER, height - main),
    isBeside: true,
    isChartApart: false,
  };
}

/**
 * Whether a title of so many letters takes two lines over a panel so many CSS pixels wide.
 * @param {number} letters
 * @param {number} width
 */
export function isLong(letters, width) {
  return letters * PER_LETTER > width - 8;
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

/**
 * Device pixels per cell with which a picture is not drawn larger than one that has more cells.
 * @param {{ rows: number, cols: number, most: number, cropped: boolean }} picture
 * @param {{ rows: number, cols: number, most: number, cropped: boolean }[]} pictures
 */
export function notLarger({ rows, cols, most, cropped }, pictures) {
  const cells = Math.max(rows, cols);
  if (cropped) return most;
  const larger = pictures.filter((one) => !one.cropped && Math.max(one.rows, one.cols) > cells);
  const sizes = larger.map((one) => (Math.max(one.rows, one.cols) * one.most) / cells);
  return Math.max(1, Math.floor(Math.min(most, ...sizes)));
}
