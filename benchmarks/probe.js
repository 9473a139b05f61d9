// @ts-check
// Runs in JupyterLab's page before its own scripts. All times are the page's own clock, from the
// browser's input event to the first animation frame in which its result can be seen.

/** @typedef {(root: HTMLElement) => string | number | undefined} Look */

(() => {
  const traffic = { received: 0, sent: 0 }; // bytes of payload, number of messages

  window.WebSocket = class extends WebSocket {
    /** @param {string | URL} url @param {string | string[]} [protocols] */
    constructor(url, protocols) {
      super(url, protocols);
      this.addEventListener("message", ({ data }) => {
        traffic.received += data.byteLength ?? data.size ?? data.length;
      });
    }
    /** @param {string | Blob | BufferSource} data */
    send(data) {
      traffic.sent += 1;
      super.send(data);
    }
  };

  // A canvas says nothing when it is painted: count it. (For ipympl; labs count by themselves.)
  const drawImage = CanvasRenderingContext2D.prototype.drawImage;
  /** @type {WeakMap<HTMLCanvasElement, number>} */
  const drawn = new WeakMap();
  CanvasRenderingContext2D.prototype.drawImage = /** @param {any[]} parameters */ function (
    ...parameters
  ) {
    drawn.set(this.canvas, (drawn.get(this.canvas) ?? 0) + 1);
    return Reflect.apply(drawImage, this, parameters);
  };

  // What can be seen now, as something that differs when it differs.
  /** @type {Record<string, Look>} */
  const seen = {
    stage: (root) => /** @type {HTMLElement} */ (root.querySelector(".rv-stage"))?.dataset.frame,
    image: (root) => {
      /** @type {HTMLImageElement} */
      const image = root.querySelector(".jp-OutputArea-output img");
      return image?.complete ? image.src : undefined;
    },
    canvas: (root) => drawn.get(root.querySelector("canvas")),
    hover: (root) => root.dataset.hover,
  };

  /** @param {string} type @returns {Promise<number>} */
  const timeOfNext = (type) =>
    new Promise((resolve) =>
      document.addEventListener(type, (event) => resolve(event.timeStamp), {
        capture: true,
        once: true,
      }),
    );

  // Resolves with the time of the first frame in which `look` sees something other than now.
  /** @param {Look} look @param {HTMLElement} root @returns {Promise<number>} */
  const nextChange = (look, root, seconds = 30) =>
    new Promise((resolve, reject) => {
      const before = look(root);
      const deadline = performance.now() + 1000 * seconds;
      const check = () => {
        const now = look(root);
        if (now !== undefined && now !== before) resolve(performance.now());
        else if (performance.now() > deadline) reject(new Error("nothing changed"));
        else requestAnimationFrame(check);
      };
      requestAnimationFrame(check);
    });

  const probe = {
    traffic,
    /** @type {Promise<number | number[]>} */
    result: undefined,
    /** @type {() => number} */
    unfollow: undefined,
    // Arm before the input event; the answer is in `result` when it is painted.
    /** @param {HTMLElement} root @param {string} kind @param {string} type */
    arm(root, kind, type) {
      const pressed = timeOfNext(type);
      const painted = nextChange(seen[kind], root);
      this.result = Promise.all([pressed, painted]).then(([from, to]) => to - from);
    },
    // Hover: the highlight must be drawn in the very frame that follows the event, so count
    // from the event to the change itself, and the frames begun in between.
    /** @param {HTMLElement} root */
    armHover(root) {
      let frames = 0;
      this.result = new Promise((resolve) =>
        document.addEventListener(
          "pointermove",
          (event) => {
            const tick = () => {
              frames += 1;
              ticking = requestAnimationFrame(tick);
            };
            let ticking = requestAnimationFrame(tick);
            new MutationObserver((_, observer) => {
              observer.disconnect();
              cancelAnimationFrame(ticking);
              resolve([performance.now() - event.timeStamp, frames]);
            }).observe(root, { attributes: true, attributeFilter: ["data-hover"] });
          },
          { capture: true, once: true },
        ),
      );
    },
    // From now on: when was the last input event, when did the picture last change?
    /** @param {HTMLElement} root @param {string} kind @param {string} type */
    follow(root, kind, type) {
      const state = { event: 0, change: 0 };
      const stop = new AbortController();
      document.addEventListener(
        type,
        (event) => {
          state.event = event.timeStamp;
        },
        { capture: true, signal: stop.signal },
      );
      let last = seen[kind](root);
      const check = () => {
        const now = seen[kind](root);
        if (now !== undefined && now !== last) {
          last = now;
          state.change = performance.now();
        }
        if (!stop.signal.aborted) requestAnimationFrame(check);
      };
      requestAnimationFrame(check);
      this.unfollow = () => {
        stop.abort();
        return state.change - state.event;
      };
    },
  };
  Object.assign(window, { rvProbe: probe });
})();
