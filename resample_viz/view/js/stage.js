// @ts-check
// The stage: paints the frames that the kernel sends, and answers the pointer and the keyboard by
// itself. The model is the only state; this file writes to it only when the learner acts.
/** @import { Bundle, Cell, Edit, Frame, Link, Mark, Merit, Model, Near, PanelMeta, Spot, Step, Sums, Way, WeightedCell } from "./protocol.js" */
import {
  addedUp,
  cellOf,
  extent,
  format,
  formatWeight,
  numberOf,
  readLink,
  sources,
  axisTargets,
  targets,
  windowOf,
  writtenOut,
} from "./geometry.js";
import { Ahead } from "./ahead.js";
import { Card } from "./card.js";
import { element, resize, setText } from "./dom.js";
import { LabAround } from "./lab.js";
import { commonScale, isLong, KERNEL_SHARE, notLarger, plan, whole } from "./layout.js";
import { Lines } from "./lines.js";
import { columnAt, nearest, rowScene } from "./row_chart.js";
import { PanelView } from "./panel_view.js";
import { Stepper } from "./stepper.js";
import { n, speak, t } from "./words.js";

const LOUPE_CELLS = 6; // the loupe shows at most this many cells per axis
const LOUPE_SIZE = 150; // CSS pixels, unless its cells would be too small to be read
const LEAST_LOUPE_CELL = 34; // CSS pixels
const PRODUCTS = 9; // products that are written out of a window
const pinned = () => t("pinned: Esc or a click on it frees it");
const LOW = 520; // CSS pixels; on a lower screen the sentence stands at the pointer alone
const TITLE_ROWS = 57; // CSS pixels: two titles, and the gap between two rows of panels
const traced = () =>
  t(
    "Point at a cell to see where it comes from, or walk with the arrow keys. Click or Enter pins it, Esc frees it.",
  );
const read = () => t("Point at a cell to read its value, or walk with the arrow keys.");
const lost = () =>
  t(
    "The kernel was restarted or closed. Hovering still works here; run the cell again to move the controls.",
  );

export class StageView {
  /**
   * @param {Model} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.model = model;
    speak(model.get("words"));
    this.abort = new AbortController();
    /** @type {Map<string, PanelView>} */
    this.panels = new Map();
    /** @type {Link[]} */
    this.links = [];
    /** @type {Map<string, Mark>} */
    this.highlight = new Map();
    /** @type {Way[]} */
    this.arrows = [];
    /** @type {Bundle | null} */
    this.bundle = null;
    this.walked = "";
    this.centre = { x: 0.5, y: 0.5 };
    this.markOutside = true;
    this.unmeasured = true; // whether the page has to be asked how much room there is
    /** @type {string[]} */
    this.main = [];
    this.sameCells = false;
    /** @type {Spot | null} */
    this.spot = null;
    /** @type {Spot | null} */
    this.pinned = null;
    /** @type {Sums | null} */
    this.added = null;
    this.written = "";
    this.offered = "";
    this.enlarged = "";
    /** @type {Map<string, string>} */
    this.colours = new Map();
    this.partly = "";
    this.rows = "";
    this.ahead = new Ahead(model, this.show);
    this.build(el);
    this.follow();
    this.show();
  }

  /** @param {HTMLElement} el */
  build(el) {
    const { signal } = this.abort;
    this.root = element("div", "rv-stage", { "data-frame": "0", "data-state": "ok" });
    this.around = new LabAround(this.root, signal, () => this.repaint());
    this.strip = element("div", "rv-strip", { "aria-label": t("shapes") });
    this.top = element("div", "rv-top");
    this.top.append(this.strip, this.around.full);
    this.alert = element("div", "rv-alert", { role: "alert" });
    this.hint = element("div", "rv-hint");
    this.words = element("div", "rv-words");
    this.waysOut = element("div", "rv-ways-out");
    this.refusal = element("div", "rv-refusal");
    this.refusal.append(this.alert, this.waysOut);
    this.words.append(this.hint, this.refusal);
    this.grid = element("div", "rv-panels");
    this.mainRow = element("div", "rv-main-row");
    this.otherRow = element("div", "rv-other-row");
    this.column = element("div", "rv-column");
    this.notes = element("div", "rv-notes");
    this.lines = new Lines();
    this.card = new Card();
    this.loupe = this.card.loupe;
    this.field = element("div", "rv-field");
    this.field.append(this.grid, this.lines.root, this.card.root);
    this.warnings = element("div", "rv-warnings", { role: "status" });
    this.progress = element("div", "rv-progress", { role: "status" });
    this.stepper = new Stepper(signal, (step) => this.stepTo(step));
    this.merits = element("dl", "rv-merits");
    this.marker = element("label", "rv-marker");
    this.markBox = element("input", "", { type: "checkbox" });
    this.markBox.checked = true;
    this.marker.append(this.markBox, t("paint values outside the range of the picture magenta"));
    this.sentence = element("div", "rv-sentence", { "aria-live": "polite" });
    this.buildUpload();
    this.foot = element("div", "rv-foot");
    this.foot.append(this.sentence, this.own);
    this.buildCode();
    this.root.append(
      this.top,
      this.merits,
      this.words,
      this.warnings,
      this.stepper.root,
      this.progress,
      this.field,
      this.marker,
      this.foot,
      this.codeRow,
    );
    el.append(this.root);
    this.markBox.addEventListener("change", () => this.recolour(), { signal });
  }

  /** The first line of the code; the others, and how the shape comes about, unfold. */
  buildCode() {
    this.codeRow = element("div", "rv-code");
    this.fold = element("details");
    this.firstLine = element("summary");
    this.code = element("code");
    this.formula = element("div", "rv-formula");
    const pre = element("pre");
    pre.append(this.code);
    this.fold.append(this.firstLine, pre, this.formula);
    this.copy = element("button", "rv-copy", { type: "button", title: t("Copy this code") });
    this.copy.textContent = t("Copy");
    this.codeRow.append(this.fold, this.copy);
    this.copy.addEventListener("click", () => this.copyCode(), { signal: this.abort.signal });
  }

  /** The learner's own picture: chosen from a dialog, or dropped anywhere on the stage. */
  buildUpload() {
    this.own = element("label", "rv-own");
    this.own.hidden = !this.model.get("max_upload");
    this.file = element("input", "", { type: "file", accept: "image/*" });
    this.own.append(t("Your own picture, or drop it here"), this.file);
    const { signal } = this.abort;
    this.file.addEventListener("change", () => this.take(this.file.files[0]), { signal });
    this.root.addEventListener("dragover", (event) => event.preventDefault(), { signal });
    this.root.addEventListener(
      "drop",
      (event) => {
        event.preventDefault();
        event.stopPropagation();
        this.take(event.dataTransfer.files[0]);
      },
      { signal },
    );
  }

  /** @param {File | undefined} [file] */
  async take(file) {
    const most = this.model.get("max_upload");
    if (!file || !most) return;
    if (file.size > most) {
      this.say(
        t(
          "{name} has {size} MB, more than the {most} MB that a lab takes: make it smaller first, 512 pixels are plenty.",
          { name: file.name, size: (file.size / 1e6).toFixed(1), most: most / 1e6 },
        ),
      );
      return;
    }
    const data = new DataView(await file.arrayBuffer());
    this.model.set("upload", { name: file.name, data });
    this.model.save_changes();
    this.file.value = "";
  }

  follow() {
    this.model.on("change:frame", this.show);
    this.model.on("change:progress", this.showProgress);
    this.showProgress();
    this.model.on("comm_live_update", this.lost);
    this.observer = new ResizeObserver(() => {
      for (const panel of this.panels.values()) panel.measured = panel.screen.clientWidth;
      this.repaint();
    });
    this.observer.observe(this.root);
    this.theme = new MutationObserver(() => this.tellTheme());
    this.theme.observe(document.body, {
      attributes: true,
      attributeFilter: ["data-jp-theme-light", "class"],
    });
    this.tellTheme();
  }

  close() {
    this.closed = true;
    this.abort.abort();
    this.observer.disconnect();
    this.theme.disconnect();
    cancelAnimationFrame(this.request);
    this.ahead.close();
    this.model.off("change:frame", this.show);
    this.model.off("change:progress", this.showProgress);
    this.model.off("comm_live_update", this.lost);
    this.root.remove();
  }

  lost = () => {
    this.root.dataset.kernel = "lost";
    this.warn(lost());
  };

  showProgress = () => {
    const { share, text } = this.model.get("progress") ?? {};
    const bar = element("progress", "", { max: "1", value: String(share ?? 0) });
    this.progress.replaceChildren(...(text ? [bar, ` ${text}`] : []));
  };

  /** Charts are drawn in the kernel, so it has to know whether the page is dark. */
  tellTheme() {
    this.colours.clear();
    const probe = getComputedStyle(document.body).getPropertyValue("--jp-layout-color1").trim();
    const light = document.body.dataset.jpThemeLight;
    const dark = light ? light === "false" : isDark(probe);
    if (this.model.get("dark") === dark) return;
    this.model.set("dark", dark);
    this.model.save_changes();
  }

  /** @param {string} name */
  palette(name) {
    const view = this.model.get("palettes")[name];
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  }

  /** Frames that come faster than the screen shows them are skipped. */
  show = () => {
    cancelAnimationFrame(this.request);
    this.request = requestAnimationFrame(() => {
      const frame = this.ahead.next();
      if (frame) this.draw(frame);
      this.root.dataset.frame = String(this.ahead.count);
    });
  };

  /** @param {Frame} frame */
  draw(frame) {
    this.links = frame.links.map((link) => readLink(link, this.ahead.bytes(link.slot)));
    this.main = this.chosenMain(frame);
    this.arrange(frame.panels.map((meta) => meta.name));
    const columns = String(this.main.length ? 0 : frame.columns);
    if (this.grid.dataset.columns !== columns) {
      this.grid.dataset.columns = columns;
      this.grid.style.setProperty("--rv-columns", columns);
    }
    for (const meta of frame.panels)
      this.panels.get(meta.name).update(meta, this.ahead.bytes(meta.slot));
    this.sameCells = frame.sameCells;
    this.showOutside(frame);
    this.write(frame);
    const rows = `${Boolean(frame.walk)} ${frame.warnings.length} ${frame.main}`;
    if (this.unmeasured || rows !== this.rows) this.layOut();
    this.rows = rows;
    this.paintAll();
    this.walk(frame);
    this.light();
    this.root.dataset.state = frame.alert ? "error" : "ok";
  }

  /**
   * Keeps the figures that stay, so that nothing flickers and the focus is not lost.
   * @param {string[]} names
   */
  arrange(names) {
    for (const [name, panel] of this.panels) {
      if (names.includes(name)) continue;
      panel.figure.remove();
      this.panels.delete(name);
      this.unmeasured = true;
    }
    for (const name of names) {
      if (this.panels.has(name)) continue;
      this.panels.set(name, new PanelView(this, name));
      this.unmeasured = true;
      this.observer.observe(this.panels.get(name).screen);
    }
    if (!this.main.length) fill(this.grid, figures(names.map((name) => this.panels.get(name))));
    else if (this.unmeasured) fill(this.grid, [this.mainRow, this.otherRow]);
  }

  /**
   * The main panels; the last of them gives way to a small one that was enlarged.
   * @param {Frame} frame
   */
  chosenMain({ main = [], panels }) {
    const { enlarged } = this;
    const isThere = panels.some(({ name }) => name === enlarged);
    return isThere && !main.includes(enlarged) ? [...main.slice(0, -1), enlarged] : main;
  }

  /**
   * A small panel takes the place of the last main one, or gives it back.
   * @param {string} name
   */
  enlarge(name) {
    this.enlarged = this.enlarged === name ? "" : name;
    this.draw(this.ahead.frame);
    this.layOut();
    this.paintAll();
    this.light();
  }

  /** The size and the place of the panels, where all of them are to fit on one screen. */
  layOut() {
    this.unmeasured = false;
    this.around.attend();
    this.root.classList.toggle("rv-one-screen", this.main.length > 0);
    if (!this.main.length) return;
    const { height, above } = this.around;
    const isLow = height < LOW;
    this.root.classList.toggle("rv-low", isLow);
    const top = this.field.getBoundingClientRect().top - this.root.getBoundingClientRect().top;
    const below = (isLow ? 0 : this.foot.offsetHeight + 4) + this.firstLine.offsetHeight + 10;
    const taken = above + top + below;
    const main = this.main.map((name) => this.panels.get(name));
    const others = [...this.panels.values()].filter((panel) => !main.includes(panel));
    const small = others.filter((panel) => panel.isPicture);
    const charts = others.filter((panel) => !panel.isPicture);
    const kernels = main.filter(isKernel).length;
    const letters = Math.max(0, ...small.map(({ meta }) => meta.title.length));
    const sizes = plan({
      width: this.root.clientWidth,
      height: height - taken - TITLE_ROWS,
      ratio: window.devicePixelRatio || 1,
      count: main.length - kernels * (1 - KERNEL_SHARE),
      smalls: small.length,
      charts: charts.length,
      letters,
    });
    for (const panel of main) panel.fix(sideOf(panel, sizes.main), false);
    for (const panel of small) panel.fix(sizes.small, true);
    for (const panel of charts) panel.fix(sizes.chart, false);
    for (const panel of this.panels.values())
      panel.offerEnlarging(others.includes(panel), panel.meta.name === this.enlarged);
    const { isBeside } = sizes;
    fill(this.column, isBeside ? figures(small) : []);
    fill(this.mainRow, [...figures(main), this.column]);
    fill(this.otherRow, [...(isBeside ? [] : figures(small)), this.notes, ...figures(charts)]);
    this.notes.style.maxHeight = `${(isBeside ? sizes.chart : sizes.small) + 20}px`;
    this.grid.classList.toggle("rv-long-titles", isLong(letters, sizes.small));
    this.otherRow.classList.toggle("rv-chart-apart", sizes.isChartApart);
  }

  /** Input and output are drawn at one scale where both can be seen then; a kernel has its own. */
  paintAll() {
    const main = this.main.map((name) => this.panels.get(name));
    const alike = main.filter((panel) => panel?.meta.kind === "pixels" && !isKernel(panel));
    const sizes = alike.map((panel) => panel.measure());
    const ratio = window.devicePixelRatio || 1;
    const scale = this.sameCells ? commonScale(sizes, ratio) : null;
    for (const panel of this.panels.values()) {
      const i = alike.indexOf(panel);
      panel.paint(i < 0 ? null : (scale ?? notLarger(sizes[i], sizes)));
    }
  }

  /** @param {Frame} frame */
  write(frame) {
    const text = JSON.stringify([frame.strip, frame.merits]);
    if (text !== this.written) {
      this.written = text;
      this.strip.replaceChildren(...frame.strip.map(stripStep));
      this.merits.replaceChildren(...frame.merits.map(meritItem));
    }
    setText(this.code, frame.code);
    setText(this.firstLine, frame.code.split("\n", 1)[0]);
    this.codeRow.hidden = !frame.code;
    this.root.toggleAttribute("data-plain", !frame.code && !frame.links.length);
    this.warn(this.root.dataset.kernel === "lost" ? lost() : frame.alert);
    this.offer(frame.waysOut ?? []);
    setText(this.formula, frame.formula);
    setText(this.hint, frame.hint);
    const warnings = frame.warnings.map((text) => {
      const line = element("div");
      line.textContent = `⚠ ${text}`;
      return line;
    });
    if (this.warnings.textContent !== warnings.map((line) => line.textContent).join(""))
      this.warnings.replaceChildren(...warnings);
    this.marker.hidden = !frame.outside || frame.main?.length > 0; // where it is no setting
    if (this.main.length)
      fill(this.notes, [this.merits, ...frame.panels.filter(({ caption }) => caption).map(noteOf)]);
  }

  /** @param {string} sentence "" for none */
  warn(sentence) {
    setText(this.alert, sentence);
    this.refusal.hidden = !sentence;
  }

  /**
   * What a refusal suggests, as buttons that do it.
   * @param {string[]} labels
   */
  offer(labels) {
    if (labels.join() === this.offered) return;
    this.offered = labels.join();
    const { signal } = this.abort;
    this.waysOut.replaceChildren(
      ...labels.map((label) => {
        const button = element("button", "rv-way-out", { type: "button" });
        button.textContent = t("Use {setting}", { setting: label });
        button.addEventListener("click", () => this.takeWayOut(label), { signal });
        return button;
      }),
    );
  }

  /** @param {string} label */
  takeWayOut(label) {
    const { n = 0 } = this.model.get("way_out") ?? {};
    this.model.set("way_out", { label, n: n + 1 });
    this.model.save_changes();
  }

  /** @param {Frame} frame */
  showOutside({ main, markOutside = true }) {
    if (!main?.length || markOutside === this.markOutside) return;
    this.markBox.checked = markOutside;
    this.recolour();
  }

  /**
   * The stepper follows the frame: another panel to walk over, or another number of cells.
   * @param {Frame} frame
   */
  walk({ walk, stamp }) {
    const meta = this.panels.get(walk)?.meta;
    if (walk !== this.walked) this.stepper.stop();
    this.stamp = stamp;
    this.walked = walk;
    this.stepper.resize(meta ? cellsInside(meta) : 0);
    if (this.stepper.step !== null) this.stepTo(this.stepper.step);
  }

  /**
   * One cell of the walk: lights it up, and shows what has been computed so far.
   * @param {number | null} step
   */
  stepTo(step) {
    if (step === null) {
      for (const panel of this.panels.values()) panel.reveal();
      return this.free();
    }
    const walked = this.panels.get(this.walked);
    if (!walked) return;
    const link = this.links.find((one) => (this.stamp ? one.source : one.target) === this.walked);
    const output = link && this.panels.get(link.target);
    if (this.stamp) this.addUp(step + 1, link, walked, output);
    else output?.reveal(step + 1);
    this.spot = { name: this.walked, ...cellOf(walked.meta, step) };
    if (this.pinned) this.pinned = this.spot;
    this.light();
  }

  /**
   * Shows in the output what the first cells of the input have put there.
   * @param {number} steps
   * @param {Link} link
   * @param {PanelView} input
   * @param {PanelView} output
   */
  addUp(steps, link, input, output) {
    const { colour, rows, cols, shownRows, shownCols } = output.meta;
    if (colour || shownRows < rows || shownCols < cols) return; // too much to add up in every frame
    const before = this.added?.link === link ? this.added : null; // every frame has links of its own
    const sums = addedUp(link, steps, (...cell) => input.value(...cell), before);
    this.added = { link, steps, sums };
    output.reveal(steps, Float32Array.from(sums));
  }

  recolour() {
    this.markOutside = this.markBox.checked;
    for (const panel of this.panels.values()) if (panel.meta.kind === "pixels") panel.colour();
    this.repaint();
  }

  repaint() {
    if (this.closed || this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      if (this.closed) return;
      this.layOut();
      this.paintAll();
      this.light();
    });
  }

  /**
   * Brings a cell that lies beyond the shown part into the middle.
   * @param {Spot} spot
   */
  bringIntoView({ name, row, col }) {
    const { meta, view } = this.panels.get(name);
    if (!view) return; // a chart is always whole
    const seen =
      row >= view.row &&
      row < view.row + view.rows &&
      col >= view.col &&
      col < view.col + view.cols;
    if (seen) return;
    this.centre = { x: (col + 0.5) / meta.cols, y: (row + 0.5) / meta.rows };
    this.repaint();
    this.lookAt();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    /** @param {number} value */
    const within = (value) => Math.max(0, Math.min(1, value));
    this.centre = { x: within(this.centre.x + dx), y: within(this.centre.y + dy) };
    this.repaint();
  }

  lookAt() {
    this.model.set("centre", [this.centre.y, this.centre.x]);
    this.model.save_changes();
  }

  /**
   * The part of this (whole) panel that a larger, cropped panel shows.
   * @param {PanelView} panel
   */
  croppedFrame(panel) {
    // A kernel shows no part of a picture, and a table is none.
    /** @param {PanelView} one */
    const isPicture = ({ meta }) => meta.role !== "kernel" && !meta.names?.[0].length;
    if (panel.cropped || !isPicture(panel)) return null;
    const other = [...this.panels.values()].find(
      (candidate) => candidate.cropped && isPicture(candidate),
    );
    if (!other) return null;
    /** @param {number} value @param {number} from @param {number} to */
    const scale = (value, from, to) => (value * to) / from;
    return {
      row: scale(other.view.row, other.meta.rows, panel.meta.rows),
      col: scale(other.view.col, other.meta.cols, panel.meta.cols),
      rows: scale(other.view.rows, other.meta.rows, panel.meta.rows),
      cols: scale(other.view.cols, other.meta.cols, panel.meta.cols),
    };
  }

  /** @param {Spot} spot */
  isAt({ name, row, col }) {
    const { spot } = this;
    return spot?.name === name && spot.row === row && spot.col === col;
  }

  /**
   * A finger on a cell: it points, also where another cell is pinned.
   * @param {Spot} spot
   */
  tap(spot) {
    this.pinned = null;
    this.point(spot);
  }

  /** @param {Spot | null} spot */
  point(spot) {
    if (this.pinned || this.stepper.playing) return;
    this.spot = spot;
    this.light();
  }

  /** @param {Spot} spot */
  walkTo(spot) {
    this.bringIntoView(spot);
    if (this.pinned) this.pinned = spot;
    this.spot = spot;
    this.light();
  }

  /** @param {Spot} spot */
  pin(spot) {
    if (this.panels.get(spot.name).meta.pickable) return this.pick(spot);
    const { pinned } = this;
    const same = pinned?.name === spot.name && pinned.row === spot.row && pinned.col === spot.col;
    this.pinned = same ? null : spot;
    this.spot = spot;
    this.light();
  }

  /**
   * Tells the kernel which cell of a panel was chosen.
   * @param {Spot} spot
   */
  pick({ name, row, col }) {
    const { n = 0 } = this.model.get("picked") ?? {};
    this.model.set("picked", { panel: name, row, col, n: n + 1 });
    this.model.save_changes();
  }

  free() {
    this.pinned = null;
    this.spot = null;
    this.light();
  }

  /** Highlights the cell under the pointer, and the cells that it comes from or goes to. */
  light() {
    for (const panel of this.panels.values()) panel.figure.removeAttribute("data-hover");
    this.highlight = new Map();
    this.arrows = [];
    this.bundle = null;
    const spot = this.inside(this.spot);
    if (spot) this.connect(spot);
    const frame = spot && this.field.getBoundingClientRect();
    this.lines.draw(this.arrows, this.bundle, frame);
    for (const panel of this.panels.values()) {
      if (!panel.meta) continue; // it is just being put into the page, where another lost the focus
      if (panel.meta.kind === "row") this.paintRow(panel);
      else panel.decorate();
    }
    if (spot) {
      const { figure } = this.panels.get(spot.name);
      figure.dataset.hover = `${spot.row},${spot.col}`;
    }
    this.root.dataset.pinned = this.pinned ? "true" : "false";
    if (!spot) this.tell(this.links.length ? traced() : read(), null);
    if (spot) this.placeCard(spot, frame);
    else this.card.hide();
    this.root.toggleAttribute("data-card", !this.card.root.hidden);
  }

  /**
   * @param {Spot} spot
   * @param {DOMRect} frame
   */
  placeCard(spot, frame) {
    const panel = this.panels.get(spot.name);
    if (!panel.view) return this.card.hide(); // a bar of a chart says all in the sentence
    const sign = [this.loupe.hidden ? "" : this.partly, this.pinned ? pinned() : ""];
    this.card.write(this.sentence.textContent, sign.filter(Boolean).join("; "));
    /** @type {[import("./protocol.js").Box, number][]} */
    const parts = [];
    /** @param {Element} node @param {number} weight */
    const part = (node, weight) =>
      parts.push([within(node.getBoundingClientRect(), frame), weight]);
    for (const [name, { boxes }] of this.highlight)
      for (const box of boxes) parts.push([this.panels.get(name).rectOf(box, frame), 3]);
    for (const { meta, cells, title, isOverview } of this.panels.values()) {
      part(title, 0.5);
      part(cells, meta.kind === "row" ? 2 : isOverview ? 0.4 : 0.8);
    }
    for (const node of [this.top, this.words, this.notes]) part(node, 0.6);
    for (const node of this.around.root.querySelectorAll(".rv-controls")) part(node, 0.5);
    const room = within(this.around.root.getBoundingClientRect(), frame);
    this.card.place(panel.rectOf(spot, frame), parts, this.lines.points, room);
  }

  /**
   * A pinned cell may lie outside the next, smaller frame.
   * @param {Spot | null} spot
   */
  inside(spot) {
    const panel = spot && this.panels.get(spot.name);
    if (panel?.spots.length)
      return { ...spot, row: 0, col: Math.min(spot.col, panel.spots.length - 1) };
    if (!panel || panel.meta.kind === "chart") return null;
    return {
      name: spot.name,
      row: Math.min(spot.row, panel.meta.rows - 1),
      col: Math.min(spot.col, panel.meta.cols - 1),
    };
  }

  /** @param {Spot} spot */
  connect(spot) {
    const panel = this.panels.get(spot.name);
    const role = panel.meta.like || panel.meta.name;
    if (panel.spots.length)
      return this.tell(`${panel.spots[spot.col][1]} ${t("Click or Enter chooses it.")}`, null);
    if (panel.meta.ties?.length) return this.explainWeight(spot, panel);
    if (panel.meta.names?.[0].length) return this.explainPair(spot, panel);
    const here = this.moved(spot, panel, this.panels.get(role));
    this.mark(role, [{ ...here, weight: 1 }]);
    const incoming = this.links.find((link) => link.target === role);
    const outgoing = this.links.filter((link) => link.source === role);
    this.markBands(role, here);
    if (incoming) return this.explainOutput(spot, here, incoming);
    if (outgoing.length) return this.explainInput(spot, here, outgoing);
    const facts = { cell: panel.nameOf(spot), reading: this.reading(panel, spot) };
    this.tell(t("{title}, {cell}: {reading}.", { title: panel.meta.title, ...facts }), null);
  }

  /**
   * The same place in another panel, whose padding may be wider or narrower.
   * @template {Cell} C
   * @param {C} cell
   * @param {PanelView} from
   * @param {PanelView | undefined} [to]
   */
  moved(cell, from, to) {
    const [top, left] = from.meta.margin ?? [0, 0];
    const [otherTop, otherLeft] = to?.meta.margin ?? [0, 0];
    return { ...cell, row: cell.row - top + otherTop, col: cell.col - left + otherLeft };
  }

  /**
   * Marks cells in a panel and in all panels that share its cells; a box runs around them.
   * @param {string} role
   * @param {Cell[]} cells
   * @param {Mark['boxes'] | undefined} [boxes]
   */
  mark(role, cells, boxes) {
    const owner = this.panels.get(role);
    for (const [name, panel] of this.panels) {
      if (name !== role && panel.meta.like !== role) continue;
      /** @param {Cell} cell */
      const place = (cell) => this.moved(cell, owner ?? panel, panel);
      const around = boxes ?? (cells.length ? [extent(cells)] : []);
      this.highlight.set(name, { cells: cells.map(place), boxes: around.map(place) });
    }
  }

  /**
   * In every matrix, the row or the column that stands for a cell.
   * @param {string} role
   * @param {Cell} cell
   */
  markBands(role, cell) {
    const owner = this.panels.get(role);
    const number = owner?.meta.margin ? numberOf(owner.meta, cell.row, cell.col) : -1;
    if (number < 0) return;
    for (const [name, { meta }] of this.panels) {
      if (!meta.ties?.length) continue;
      const boxes = [];
      if (meta.ties[0] === role) boxes.push({ row: number, col: 0, rows: 1, cols: meta.cols });
      if (meta.ties[1] === role) boxes.push({ row: 0, col: number, rows: meta.rows, cols: 1 });
      if (boxes.length) this.highlight.set(name, { cells: [], boxes });
    }
  }

  /**
   * A cell of a matrix: the weight between two cells of the panels that it is tied to.
   * @param {Spot} spot
   * @param {PanelView} panel
   */
  explainWeight(spot, panel) {
    const [to, from] = panel.meta.ties.map((name) => this.panels.get(name));
    const target = cellOf(to.meta, spot.row);
    const source = cellOf(from.meta, spot.col);
    this.mark(to.meta.name, [{ ...target, weight: 1 }]);
    this.mark(from.meta.name, [{ ...source, weight: 1 }]);
    this.highlight.set(spot.name, {
      cells: [],
      boxes: [
        { row: spot.row, col: 0, rows: 1, cols: panel.meta.cols },
        { row: 0, col: spot.col, rows: panel.meta.rows, cols: 1 },
      ],
    });
    this.tell(
      t(
        "Matrix row {row}, column {col}: {reading}, the weight with which {source} goes into {target}.",
        {
          row: spot.row,
          col: spot.col,
          reading: this.reading(panel, spot),
          source: `${from.meta.name} ${from.nameOf(source)}`,
          target: `${to.meta.name} ${to.nameOf(target)}`,
        },
      ),
      null,
    );
  }

  /**
   * A cell of a table: what its row and its column stand for, and the value.
   * @param {Spot} spot
   * @param {PanelView} panel
   */
  explainPair(spot, panel) {
    const {
      names: [rows, cols],
      unit,
      title,
    } = panel.meta;
    const value = panel.value(spot.row, spot.col);
    const words = Number.isNaN(value)
      ? t("not computed")
      : `${format(value, 1)}${unit ? ` ${unit}` : ""}`;
    this.highlight.set(spot.name, {
      cells: [],
      boxes: [
        { row: spot.row, col: 0, rows: 1, cols: panel.meta.cols },
        { row: 0, col: spot.col, rows: panel.meta.rows, cols: 1 },
      ],
    });
    this.tell(
      [
        t("{title}: {row} against {col}: {value}.", {
          title,
          row: rows[spot.row],
          col: cols[spot.col],
          value: words,
        }),
        ...(panel.meta.pickable ? [t("Click or Enter chooses the two.")] : []),
      ].join(" "),
      null,
    );
  }

  /**
   * @param {Spot} spot
   * @param {Cell} here
   * @param {Link} link
   */
  explainOutput(spot, here, link) {
    const output = this.panels.get(link.target);
    const input = this.panels.get(link.source);
    const cells = sources(link, here.row, here.col);
    const seen = link.kernel || link.winners ? windowOf(link, here.row, here.col) : cells;
    this.mark(link.source, firstChannel(cells), seen.length ? [extent(seen)] : []);
    this.markFurther(link.source, firstChannel(cells));
    const facts = {
      cell: output.nameOf(here),
      reading: this.reading(this.panels.get(spot.name), spot),
    };
    if (link.winners) {
      this.showReturn(link, cells[0], here);
      return this.tell(
        n(
          "Output {cell}: {reading}, the largest of the {count} cell of its window: the one at {winner}.",
          "Output {cell}: {reading}, the largest of the {count} cells of its window: the one at {winner}.",
          seen.length,
          { ...facts, winner: input.nameOf(cells[0]) },
        ),
        { panel: input, cells },
      );
    }
    if (cells.length && this.panels.get(link.target).view)
      this.bundle = {
        panel: input,
        cells: firstChannel(cells),
        other: output,
        cell: here,
        outward: false,
      };
    const sum = writtenOut(
      cells,
      (cell) => input.value(cell.row, cell.col, channelOf(cell, input)),
      {
        most: link.kernel ? PRODUCTS : undefined,
        inOrder: Boolean(link.kernel),
        bias: link.bias,
      },
    );
    const count = new Set(cells.map((cell) => `${cell.row},${cell.col}`)).size;
    const shown = output.meta.colour ? ` (${channelNames()[link.channel ?? 0]})` : "";
    const channel = output.meta.colour ? link.channel : undefined;
    const theirs = `${output.meta.by ?? "PyTorch"}: ${format(output.value(here.row, here.col, channel))}`;
    const given = output.meta.dtype === "u8" || output.sums ? "" : ` ${theirs}.`;
    const known = Number.isNaN(sum.total) ? "" : ` ${sum.text}${shown} = ${format(sum.total)}.`;
    const from =
      link.inputs > 1
        ? n(
            "Output {cell}: {reading}, from {count} input cell in {channels} channels.",
            "Output {cell}: {reading}, from {count} input cells in {channels} channels.",
            count,
            { ...facts, channels: link.inputs },
          )
        : n(
            "Output {cell}: {reading}, from {count} input cell.",
            "Output {cell}: {reading}, from {count} input cells.",
            count,
            facts,
          );
    this.tell(
      `${from}${known}${given}`,
      cells.length
        ? { panel: input, cells: firstChannel(cells), products: Boolean(link.kernel) }
        : null,
    );
  }

  /**
   * Cells of a panel that is made from another one (an input stretched by zeros) come from there.
   * @param {string} role
   * @param {Cell[]} cells
   */
  markFurther(role, cells) {
    const link = this.links.find(({ target }) => target === role);
    if (!link) return;
    const further = cells.flatMap((cell) =>
      sources(link, cell.row, cell.col).map((one) => ({ ...one, weight: cell.weight })),
    );
    this.mark(link.source, further);
  }

  /**
   * A winner's way: from its place in the source into the output, and back to the cell of its index.
   * @param {Link} link
   * @param {Cell} winner
   * @param {Cell} target
   */
  showReturn(link, winner, target) {
    const input = this.panels.get(link.source);
    const back = this.panels.get(link.back);
    this.arrows.push([input, winner, this.panels.get(link.target), target]);
    if (!back) return;
    const place = cellOf(back.meta, numberOf(input.meta, winner.row, winner.col));
    if (place.row >= back.meta.rows) return; // an index that is no cell there
    this.highlight.set(link.back, { cells: [{ ...place, weight: 1 }], boxes: [extent([place])] });
    this.arrows.push([this.panels.get(link.target), target, back, place]);
  }

  /**
   * Where an input goes: through every link that starts at its panel, the first one in words.
   * @param {Spot} spot
   * @param {Cell} here
   * @param {Link[]} links
   */
  explainInput(spot, here, links) {
    const input = this.panels.get(links[0].source);
    let near = null;
    let words = "";
    for (const link of links) {
      const channel = link.kernel
        ? Math.max(link.firstChannel, input.meta.channel ?? 0)
        : undefined;
      const cells = targets(link, here.row, here.col, channel);
      this.mark(link.target, cells);
      for (const next of this.links.filter(({ source }) => source === link.target)) {
        this.mark(
          next.target,
          cells.flatMap((cell) => targets(next, cell.row, cell.col)),
        );
      }
      if (words) continue;
      words = reachOf(cells);
      this.bundle = {
        panel: this.panels.get(link.target),
        cells,
        other: input,
        cell: here,
        outward: true,
      };
      const adds = input.value(here.row, here.col, channel);
      near = cells.length ? { panel: this.panels.get(link.target), cells, adds } : null;
    }
    const facts = {
      cell: input.nameOf(here),
      reading: this.reading(this.panels.get(spot.name), spot),
      reach: words,
    };
    this.tell(
      numberOf(input.meta, here.row, here.col) < 0
        ? t("Padding at {cell}: {reading}, {reach}.", facts)
        : t("Input {cell}: {reading}, {reach}.", facts),
      near,
    );
  }

  /**
   * @param {PanelView} panel
   * @param {Cell} cell
   */
  reading(panel, { row, col }) {
    if (panel.meta.kind === "index") {
      const { row0, col0, shownRows } = panel.meta;
      return t("reads at row {row}, column {col}", {
        row: format(panel.codes[row - row0], 2),
        col: format(panel.codes[shownRows + col - col0], 2),
      });
    }
    if (panel.hides(row, col)) return t("not computed yet");
    // Eight bits over the range of the panel carry two decimals, no more.
    const digits = panel.meta.dtype === "u8" && !panel.sums ? 2 : 4;
    const values = panel.values(row, col).map((value) => format(value, digits));
    const equals = panel.meta.dtype === "u8" ? "≈" : "=";
    if (values.length === 3) return `RGB ${equals} ${values.join(", ")}`;
    return `${panel.sums ? t("value so far") : t("value")} ${equals} ${values[0]}`;
  }

  /**
   * @param {string} sentence
   * @param {Near | null} near
   */
  tell(sentence, near) {
    setText(this.sentence, sentence);
    this.loupe.hidden = !near;
    if (near) this.magnify(near);
  }

  /**
   * The output cell whose row a row chart shows: the one that is pointed at, or its source in x, or
   * the one in the middle of what is seen.
   * @param {Link} link
   * @returns {Cell}
   */
  cellOfRow(link) {
    const [rows, cols] = link.axes;
    const spot = this.inside(this.spot);
    const role = spot && (this.panels.get(spot.name).meta.like || spot.name);
    if (role === link.target) return spot;
    if (role === link.source) {
      const row = heaviest(axisTargets(rows, spot.row));
      const col = heaviest(axisTargets(cols, spot.col));
      if (row !== null && col !== null) return { row, col };
    }
    return {
      row: Math.min(rows.out - 1, Math.floor(this.centre.y * rows.out)),
      col: Math.min(cols.out - 1, Math.floor(this.centre.x * cols.out)),
    };
  }

  /** @param {PanelView} panel */
  paintRow(panel) {
    const { meta, bytes } = panel;
    const link = this.links.find((one) => one.source === meta.source && one.target === meta.target);
    if (!link) return;
    const input = this.panels.get(meta.source);
    const output = this.panels.get(meta.target);
    const panels = { input, output, chart: panel };
    const scene = rowScene(meta, bytes, link, panels, this.cellOfRow(link));
    panel.paintScene(scene, (name) => this.colour(name));
    const { row, place } = scene;
    const title = meta.samples
      ? t("Row {row} of y, kernel at {place}", { row, place: format(place, 2) })
      : t("Row {row} of y", { row });
    setText(panel.title, title);
  }

  /**
   * A colour of the page; asked for once in each theme.
   * @param {string} name
   */
  colour(name) {
    const { colours } = this;
    if (!colours.has(name)) {
      const value = getComputedStyle(this.root).getPropertyValue(`--rv-${name}`);
      colours.set(name, value.trim());
    }
    return colours.get(name);
  }

  /**
   * The pointer over a row chart takes the place of the output cell along.
   * @param {PanelView} panel
   * @param {PointerEvent} event
   */
  pointRow({ cells, scene, meta }, event) {
    const rect = cells.getBoundingClientRect();
    const column = columnAt(event.clientX - rect.left, rect.width, scene.span);
    this.point({ name: meta.target, row: scene.row, col: nearest(scene.places, column) });
  }

  /**
   * @param {PanelView} panel
   * @param {KeyboardEvent} event
   */
  keyRow({ scene, meta }, event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (!step) return this.free();
    const col = Math.max(0, Math.min(scene.places.length - 1, scene.col + step));
    this.walkTo({ name: meta.target, row: scene.row, col });
  }

  /**
   * The cells named in the sentence, large enough to read: colour, value, weight, product; or, of
   * an input's targets, the weight and what the input adds.
   * @param {Near} near
   */
  magnify({ panel, cells, products = false, adds }) {
    const area = extent(cells);
    const rows = Math.min(area.rows, LOUPE_CELLS);
    const cols = Math.min(area.cols, LOUPE_CELLS);
    const all = area.rows * area.cols;
    this.partly =
      rows * cols < all ? t("{shown} of {all} cells are shown", { shown: rows * cols, all }) : "";
    const ratio = window.devicePixelRatio || 1;
    const size = loupeCell(Math.max(rows, cols)) * ratio;
    resize(this.loupe, cols * size, rows * size);
    this.loupe.style.width = `${(cols * size) / ratio}px`;
    this.loupe.style.height = `${(rows * size) / ratio}px`;
    const weights = new Map(cells.map((cell) => [`${cell.row},${cell.col}`, cell.weight]));
    const pen = this.loupe.getContext("2d");
    pen.textAlign = "center";
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        const row = area.row + r;
        const col = area.col + c;
        pen.fillStyle = `rgb(${panel.colourAt(row, col).join(",")})`;
        pen.fillRect(c * size, r * size, size, size);
        pen.fillStyle = panel.inkAt(row, col);
        const weight = weights.get(`${row},${col}`);
        const value = panel.value(row, col, cells[0].channel);
        const lines =
          adds === undefined
            ? [Number.isNaN(value) ? "" : format(value, 2), `×${formatWeight(weight ?? 0)}`]
            : added(adds, weight);
        if (products && weight !== undefined && size / ratio >= 40)
          lines.push(`= ${format(weight * value, 2)}`);
        lines.forEach((text, i) => {
          pen.font = `${i === 1 ? "bold " : ""}${Math.round(size * 0.24)}px sans-serif`;
          pen.fillText(text, (c + 0.5) * size, r * size + (size * (i + 1)) / (lines.length + 0.4));
        });
      }
    }
  }

  /**
   * Refuses something in the browser itself: the kernel never hears of it.
   * @param {string} sentence
   */
  say(sentence) {
    this.warn(sentence);
    this.root.dataset.state = "error";
  }

  /** @param {Omit<Edit, 'n' | 'name'>} edit */
  send(edit) {
    const { n = 0 } = this.model.get("edit") ?? {};
    this.model.set("edit", { ...edit, n: n + 1 });
    this.model.save_changes();
  }

  async copyCode() {
    const text = this.ahead.frame.copy ?? this.code.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = element("textarea"); // the clipboard is closed on plain http pages
      area.value = text;
      this.root.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this.copy.textContent = t("Copied");
    this.copy.addEventListener("pointerleave", () => (this.copy.textContent = t("Copy")), {
      once: true,
      signal: this.abort.signal,
    });
  }
}

/**
 * Gives a node these children; those that it has already keep the focus.
 * @param {Element} parent
 * @param {Element[]} wanted
 */
function fill(parent, wanted) {
  for (const child of [...parent.children]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((one, i) => {
    if (parent.children[i] !== one) parent.insertBefore(one, parent.children[i] ?? null);
  });
}

/**
 * A kernel between the main panels is smaller than these.
 * @param {PanelView} panel
 * @param {number} main
 */
function sideOf(panel, main) {
  return isKernel(panel) ? whole(KERNEL_SHARE * main, window.devicePixelRatio || 1) : main;
}

/** @param {PanelView} panel */
function isKernel({ meta }) {
  return meta.role === "kernel";
}

/** @param {Iterable<PanelView>} panels */
function figures(panels) {
  return [...panels].map(({ figure }) => figure);
}

/** @param {PanelMeta} panel */
function noteOf({ caption, title }) {
  const note = element("div");
  note.textContent = `${title.split(/[:,(]/)[0].trim()}: ${caption}`;
  return note;
}

/**
 * A rectangle of the page, counted from the corner of another one.
 * @param {DOMRect} rect
 * @param {DOMRect} frame
 * @returns {import("./protocol.js").Box}
 */
function within(rect, frame) {
  return {
    left: rect.left - frame.left,
    top: rect.top - frame.top,
    right: rect.right - frame.left,
    bottom: rect.bottom - frame.top,
  };
}

/**
 * CSS pixels per cell of a loupe with so many cells along an axis.
 * @param {number} cells
 */
function loupeCell(cells) {
  return Math.max(LEAST_LOUPE_CELL, Math.min(54, Math.floor(LOUPE_SIZE / cells)));
}

/**
 * The index with the largest weight; null if there is none.
 * @param {[number, number][]} weighted
 */
function heaviest(weighted) {
  return weighted.length ? weighted.reduce((a, b) => (b[1] > a[1] ? b : a))[0] : null;
}

/**
 * How many cells of a panel are not padding.
 * @param {Pick<PanelMeta, 'rows' | 'cols' | 'margin'>} panel
 */
function cellsInside({ rows, cols, margin: [top, left, bottom, right] }) {
  return (rows - top - bottom) * (cols - left - right);
}

/**
 * One mark for a cell that is read in several channels.
 * @template {Cell} T
 * @param {T[]} cells
 */
function firstChannel(cells) {
  return cells.filter(({ channel }) => channel === cells[0].channel);
}

/**
 * The channel that a source is read from: a footprint without channels explains the shown one.
 * @param {Cell} cell
 * @param {PanelView} panel
 */
function channelOf(cell, panel) {
  return cell.channel ?? panel.meta.channel;
}

/**
 * What an input cell adds to an output cell: its weight there, and the product; nothing elsewhere.
 * @param {number} value
 * @param {number | undefined} weight
 */
function added(value, weight) {
  if (weight === undefined) return ["", ""];
  const product = format(weight * value, 2);
  return [`×${formatWeight(weight)}`, product.startsWith("−") ? product : `+${product}`];
}

function channelNames() {
  return [t("red channel"), t("green channel"), t("blue channel")];
}

/** @param {WeightedCell[]} cells */
function reachOf(cells) {
  if (!cells.length) return t("reaches no output cell: it is never read");
  const total = cells.reduce((sum, cell) => sum + cell.weight, 0);
  return n(
    "reaches {count} output cell, with weights that sum to {total}",
    "reaches {count} output cells, with weights that sum to {total}",
    cells.length,
    { total: format(total) },
  );
}

/**
 * An operation has an arrow before it, and one after it that leads to a tensor.
 * @param {Step} step
 * @param {number} place
 * @param {Step[]} steps
 */
function stripStep(step, place, steps) {
  const node = element("span", step.shape ? "rv-shape" : "rv-op");
  if (step.role) node.dataset.role = step.role;
  node.textContent = step.shape
    ? `${step.label} (${step.shape.join(", ")})`
    : `→ ${step.label}${steps[place + 1]?.shape ? " →" : ""}`;
  return node;
}

/** @param {Merit} merit */
function meritItem({ label, value, meaning }) {
  const name = element("dt");
  name.textContent = label;
  const number = element("dd");
  number.textContent = value;
  if (meaning) name.title = number.title = meaning;
  const pair = element("div"); // a label never stands apart from its number
  pair.append(name, number);
  return pair;
}

/** @param {string} colour */
function isDark(colour) {
  const hex = /^#([0-9a-f]{3,6})$/i.exec(colour);
  if (!hex) return matchMedia("(prefers-color-scheme: dark)").matches;
  const digits = hex[1].length === 3 ? [...hex[1]].map((d) => d + d).join("") : hex[1];
  const [r, g, b] = [0, 2, 4].map((i) => parseInt(digits.slice(i, i + 2), 16));
  return 0.3 * r + 0.59 * g + 0.11 * b < 128;
}

export { Store } from "./ahead.js";

export default {
  /** @param {{ model: Model, el: HTMLElement }} context */
  render({ model, el }) {
    const view = new StageView(model, el);
    return () => view.close();
  },
};
