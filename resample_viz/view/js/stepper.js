// @ts-check
// The stepper: first, back, play, next and a speed, over numbered cells. It knows numbers only; what
// a step means is up to the stage. Everything happens in the browser, one step or more per frame.

import { element } from "./dom.js";
import { n, t } from "./words.js";

const SLOWEST = 1; // cells per second
const FASTEST = 60;
const USUAL = 4;
const KEYS = [
  "Enter",
  " ",
  "ArrowLeft",
  "ArrowRight",
  "ArrowUp",
  "ArrowDown",
  "Home",
  "End",
  "PageUp",
  "PageDown",
];

export class Stepper {
  /**
   * `onStep(step)` is called with 0 … count - 1, and with null when the walk is over.
   * @param {AbortSignal} signal
   * @param {(step: number | null) => void} onStep
   */
  constructor(signal, onStep) {
    this.onStep = onStep;
    this.count = 0;
    this.step = null;
    this.root = element("div", "rv-stepper", {
      role: "group",
      "aria-label": t("step through the cells"),
    });
    this.first = this.button("|◀", t("first cell"), () => this.go(0));
    this.back = this.button("◀", t("one cell back"), () => this.go((this.step ?? this.count) - 1));
    this.play = this.button(`▶ ${t("Play")}`, t("play or pause"), () => this.toggle());
    this.next = this.button("▶|", t("next cell"), () => this.go((this.step ?? -1) + 1));
    this.end = this.button("✕", t("end the walk"), () => this.stop());
    this.speed = element("input", "", {
      type: "range",
      min: SLOWEST,
      max: FASTEST,
      value: USUAL,
      "aria-label": t("cells per second"),
    });
    this.words = element("span", "rv-steps", { "aria-live": "off" });
    this.root.append(t("slow"), this.speed, t("fast"), this.words);
    signal.addEventListener("abort", () => this.pause());
    this.root.addEventListener("keydown", (event) => {
      if (KEYS.includes(event.key)) event.stopPropagation(); // a notebook has other plans with them
    });
    this.show();
  }

  /**
   * @param {string} text
   * @param {string} label
   * @param {() => void} press
   */
  button(text, label, press) {
    const button = element("button", "", { type: "button", title: label, "aria-label": label });
    button.textContent = text;
    button.addEventListener("click", () => {
      if (button !== this.play) this.pause();
      press();
    });
    this.root.append(button);
    return button;
  }

  /**
   * There are so many cells now; a walk goes on if it can.
   * @param {number} count
   */
  resize(count) {
    this.root.hidden = count === 0;
    if (count === this.count) return;
    this.count = count;
    if (this.step !== null && this.step >= count) this.stop();
    this.show();
  }

  /** @param {number} step */
  go(step) {
    this.step = Math.max(0, Math.min(this.count - 1, step));
    this.show();
    this.onStep(this.step);
  }

  get playing() {
    return this.request !== undefined;
  }

  toggle() {
    if (this.playing) return this.pause();
    if (this.step === null || this.step >= this.count - 1) this.go(0);
    let before = performance.now();
    let due = 0;
    /** @param {number} now */
    const tick = (now) => {
      due += ((now - before) / 1000) * this.speed.valueAsNumber;
      before = now;
      this.request = requestAnimationFrame(tick);
      const steps = Math.floor(due);
      due -= steps;
      if (steps > 0) this.go(this.step + steps);
      if (this.step >= this.count - 1 || !this.root.isConnected) this.pause();
    };
    this.request = requestAnimationFrame(tick);
    this.show();
  }

  pause() {
    if (!this.playing) return;
    cancelAnimationFrame(this.request);
    this.request = undefined;
    this.show();
  }

  stop() {
    this.pause();
    if (this.step === null) return;
    this.step = null;
    this.show();
    this.onStep(null);
  }

  show() {
    const text = this.playing ? `❚❚ ${t("Pause")}` : `▶ ${t("Play")}`;
    if (this.play.textContent !== text) this.play.textContent = text;
    this.end.disabled = this.step === null;
    this.back.disabled = this.step === 0;
    this.words.textContent =
      this.step === null
        ? n("{count} cell to walk", "{count} cells to walk", this.count)
        : t("cell {step} of {count}", { step: this.step + 1, count: this.count });
  }
}
