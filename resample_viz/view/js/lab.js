// @ts-check
// What the stage does for the lab around it: full screen, Ctrl+Z, names for sliders, one column where
// there is no room for two. Everything ends with the signal.
import { element } from "./dom.js";
import { t } from "./words.js";

const NARROW = 700; // CSS pixels
const TYPED_INTO = "input, textarea, select, [contenteditable=true]";
const HANDLES = ".noUi-handle";

export class LabAround {
  /**
   * @param {HTMLElement} stage the root of the stage, which may not be in the page yet
   * @param {AbortSignal} signal
   * @param {() => void} onResize
   */
  constructor(stage, signal, onResize) {
    this.stage = stage;
    this.onResize = onResize;
    /** @type {HTMLElement | null} */
    this.watched = null;
    /** @type {HTMLElement | null} */
    this.place = null;
    this.full = element("button", "rv-full", {
      type: "button",
      title: t("Full screen (Esc leaves it)"),
      "aria-label": t("Full screen"),
    });
    this.full.append(icon("M1 6V1h5M10 1h5v5M15 10v5h-5M6 15H1v-5"));
    this.full.hidden = !document.fullscreenEnabled;
    this.full.addEventListener("click", () => this.toggle(), { signal });
    document.addEventListener("fullscreenchange", () => this.changed(), { signal });
    window.addEventListener("resize", onResize, { signal });
    // Before JupyterLab hears the keys, for which they undo what was done to the notebook.
    window.addEventListener("keydown", (event) => this.key(event), { signal, capture: true });
    this.names = new MutationObserver(() => this.nameHandles());
    signal.addEventListener("abort", () => this.names.disconnect());
  }

  /** The outermost element of the lab; the stage itself where it stands alone. */
  get root() {
    return /** @type {HTMLElement} */ (this.stage.closest(".rv-lab") ?? this.stage);
  }

  get isFull() {
    return document.fullscreenElement === this.root;
  }

  async toggle() {
    if (this.isFull) return document.exitFullscreen();
    const { root } = this;
    // The lab leaves its place in the notebook, which is not to move for that.
    this.place = root.parentElement;
    this.place.style.minHeight = `${root.offsetHeight}px`;
    await root.requestFullscreen();
  }

  changed() {
    this.onResize();
    const { place } = this;
    if (this.isFull || !place) return;
    this.place = null;
    // After the frame in which the lab is laid out anew.
    requestAnimationFrame(() => requestAnimationFrame(() => (place.style.minHeight = "")));
  }

  /** Called with every frame: the lab is in the page now, and its controls may be others. */
  attend() {
    const { root } = this;
    if (this.watched !== root && root !== this.stage) {
      this.watched = root;
      this.names.observe(root, {
        subtree: true,
        childList: true,
        attributeFilter: ["aria-valuetext"],
      });
      this.nameHandles();
    }
    root.classList.toggle("rv-narrow", root.clientWidth > 0 && root.clientWidth <= NARROW);
  }

  /** CSS pixels that one screen has for the lab. */
  get height() {
    if (this.isFull) return window.innerHeight - 2;
    const notebook = this.stage.closest(".jp-WindowedPanel-outer");
    return (notebook?.clientHeight || window.innerHeight) - 9;
  }

  /** CSS pixels of the rows above the stage. */
  get above() {
    const { root } = this;
    if (root === this.stage) return 0;
    const style = getComputedStyle(root);
    const own = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
    const head = /** @type {HTMLElement | null} */ (root.querySelector(".rv-lab-head"));
    return own + (head ? head.offsetHeight + (parseFloat(style.rowGap) || 0) : 0);
  }

  /** Sliders say their own name, and round numbers. */
  nameHandles() {
    for (const handle of this.root.querySelectorAll(HANDLES)) {
      const label = handle.closest(".widget-slider, .widget-inline-hbox")?.querySelector("label");
      if (label && handle.getAttribute("aria-label") !== label.textContent)
        handle.setAttribute("aria-label", label.textContent);
      const said = handle.getAttribute("aria-valuetext");
      const round = said && Number.isFinite(Number(said)) ? String(+Number(said).toFixed(4)) : said;
      if (round !== said) handle.setAttribute("aria-valuetext", round);
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const wanted = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (!wanted || event.key.toLowerCase() !== "z") return;
    const at = /** @type {HTMLElement} */ (event.target);
    if (!this.root.contains(at) || at.closest(TYPED_INTO)) return;
    const undo = /** @type {HTMLButtonElement | null} */ (
      this.root.querySelector("button.rv-undo")
    );
    if (!undo) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    undo.click();
  }
}

/**
 * A drawing of 16 × 16 pixels.
 * @param {string} path
 */
function icon(path) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 16 16", width: 14, height: 14 }))
    drawing.setAttribute(name, String(value));
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  line.setAttribute("class", "rv-icon");
  drawing.append(line);
  return drawing;
}
