// Runs in JupyterLab's page before its own scripts. All times are the page's own clock, from the
// browser's input event to the first animation frame in which its result can be seen.

(() => {
    const traffic = {received: 0, sent: 0};   // bytes of payload, number of messages

    window.WebSocket = class extends WebSocket {
        constructor(...options) {
            super(...options);
            this.addEventListener('message', ({data}) => {
                traffic.received += data.byteLength ?? data.size ?? data.length;
            });
        }
        send(data) {
            traffic.sent += 1;
            super.send(data);
        }
    };

    // A canvas says nothing when it is painted: count it. (For ipympl; labs count by themselves.)
    const drawImage = CanvasRenderingContext2D.prototype.drawImage;
    CanvasRenderingContext2D.prototype.drawImage = function (...parameters) {
        this.canvas.rvDrawn = (this.canvas.rvDrawn ?? 0) + 1;
        return drawImage.apply(this, parameters);
    };

    // What can be seen now, as something that differs when it differs.
    const seen = {
        stage: root => root.querySelector('.rv-stage')?.dataset.frame,
        image: root => {
            const image = root.querySelector('.jp-OutputArea-output img');
            return image?.complete ? image.src : undefined;
        },
        canvas: root => root.querySelector('canvas')?.rvDrawn,
        hover: root => root.dataset.hover,
    };

    const timeOfNext = type => new Promise(resolve =>
        document.addEventListener(type, event => resolve(event.timeStamp),
            {capture: true, once: true}));

    // Resolves with the time of the first frame in which `look` sees something other than now.
    const nextChange = (look, root, seconds = 30) => new Promise((resolve, reject) => {
        const before = look(root);
        const deadline = performance.now() + 1000 * seconds;
        const check = () => {
            const now = look(root);
            if (now !== undefined && now !== before) resolve(performance.now());
            else if (performance.now() > deadline) reject(new Error('nothing changed'));
            else requestAnimationFrame(check);
        };
        requestAnimationFrame(check);
    });

    window.rvProbe = {
        traffic,
        // Arm before the input event; the answer is in `result` when it is painted.
        arm(root, kind, type) {
            const pressed = timeOfNext(type);
            const painted = nextChange(seen[kind], root);
            this.result = Promise.all([pressed, painted]).then(([from, to]) => to - from);
        },
        // Hover: the highlight must be drawn in the very frame that follows the event, so count
        // from the event to the change itself, and the frames begun in between.
        armHover(root) {
            let frames = 0;
            this.result = new Promise(resolve => document.addEventListener('pointermove', event => {
                const tick = () => { frames += 1; ticking = requestAnimationFrame(tick); };
                let ticking = requestAnimationFrame(tick);
                new MutationObserver((_, observer) => {
                    observer.disconnect();
                    cancelAnimationFrame(ticking);
                    resolve([performance.now() - event.timeStamp, frames]);
                }).observe(root, {attributes: true, attributeFilter: ['data-hover']});
            }, {capture: true, once: true}));
        },
        // From now on: when was the last input event, when did the picture last change?
        follow(root, kind, type) {
            const state = {event: 0, change: 0};
            const stop = new AbortController();
            document.addEventListener(type, event => { state.event = event.timeStamp; },
                {capture: true, signal: stop.signal});
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
            this.unfollow = () => { stop.abort(); return state.change - state.event; };
        },
    };
})();
