// Zooming into pictures that are kept in tiles (IIIF Image API). Without this script the picture is shown as it stands.

const MOST_SCALE = 2; // screen pixels for one of the picture's
const KEPT_TILES = 200;

class Zoom {
  constructor(root) {
    this.root = root;
    this.words = root.dataset;
    this.still = root.querySelector("picture");
    this.others = [];
    this.open = root.querySelector("button");
    this.open.addEventListener("click", () => this.start());
  }

  button(words, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "button button-plain";
    made.textContent = words;
    made.addEventListener("click", action);
    return made;
  }

  async start() {
    this.open.disabled = true;
    try {
      const answer = await fetch(this.words.info, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      this.info = await answer.json();
    } catch {
      this.open.textContent = this.words.failedWords;
      this.open.disabled = false;
      return;
    }
    this.open.disabled = false;
    this.base = this.words.info.replace(/\/info\.json$/, "");
    this.tile = this.info.tiles[0].width;
    this.factors = this.info.tiles[0].scaleFactors;
    this.tiles = new Map();
    const height = this.still.getBoundingClientRect().height;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "zoom-canvas";
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", this.words.viewWords);
    this.tools = document.createElement("div");
    this.tools.className = "zoom-tools";
    this.tools.append(
      this.button(this.words.inWords, () => this.by(1.6)),
      this.button(this.words.outWords, () => this.by(1 / 1.6)),
      this.button(this.words.wholeWords, () => this.fit()),
      this.button(this.words.closeWords, () => this.stop()),
    );
    this.still.hidden = true;
    this.open.hidden = true;
    this.root.append(this.canvas, this.tools);
    this.canvas.style.height = `${Math.max(320, Math.min(height, window.innerHeight * 0.8))}px`;
    this.listen();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.canvas);
    this.resize();
    this.fit();
    this.canvas.focus({ preventScroll: true });
  }

  stop() {
    this.observer.disconnect();
    this.canvas.remove();
    this.tools.remove();
    this.tiles.clear();
    this.canvas = null;
    this.still.hidden = false;
    this.open.hidden = false;
    this.open.focus({ preventScroll: true });
  }

  resize() {
    const rect = this.canvas.getBoundingClientRect();
    this.dots = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(rect.width * this.dots));
    this.canvas.height = Math.max(1, Math.round(rect.height * this.dots));
    if (this.scale) this.move(0, 0);
  }

  get least() {
    return Math.min(this.canvas.width / this.info.width, this.canvas.height / this.info.height, 1);
  }

  fit() {
    this.scale = this.least;
    this.x = this.info.width / 2;
    this.y = this.info.height / 2;
    this.changed();
  }

  // Zooms so that the picture's point below a place of the canvas stays there; the middle by default.
  by(factor, left = this.canvas.width / 2, top = this.canvas.height / 2) {
    const [dx, dy] = [left - this.canvas.width / 2, top - this.canvas.height / 2];
    const before = this.scale;
    this.scale = Math.min(MOST_SCALE * this.dots, Math.max(this.least, this.scale * factor));
    this.x += dx / before - dx / this.scale;
    this.y += dy / before - dy / this.scale;
    this.move(0, 0);
  }

  move(across, down) {
    const keep = (value, shown, size) => (shown >= size ? size / 2 : Math.min(Math.max(value, shown / 2), size - shown / 2));
    this.x = keep(this.x + across / this.scale, this.canvas.width / this.scale, this.info.width);
    this.y = keep(this.y + down / this.scale, this.canvas.height / this.scale, this.info.height);
    this.changed();
  }

  // Pictures that are compared show the same place, in shares of their size.
  changed(told = false) {
    this.draw();
    if (told) return;
    for (const other of this.others) {
      if (!other.canvas) continue;
      other.scale = Math.max(other.least, (this.scale / this.least) * other.least);
      other.x = (this.x / this.info.width) * other.info.width;
      other.y = (this.y / this.info.height) * other.info.height;
      other.changed(true);
    }
  }

  draw() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      if (this.canvas) this.paint();
    });
  }

  paint() {
    const context = this.canvas.getContext("2d");
    const { width, height } = this.canvas;
    context.clearRect(0, 0, width, height);
    const wanted = this.factors.filter((factor) => factor <= 1 / this.scale).pop() || 1;
    const coarse = this.factors[this.factors.length - 1];
    for (const factor of [...new Set([coarse, wanted])]) this.level(context, factor);
  }

  level(context, factor) {
    const side = this.tile * factor;
    const [left, top] = [this.x - this.canvas.width / 2 / this.scale, this.y - this.canvas.height / 2 / this.scale];
    const first = (value) => Math.max(0, Math.floor(value / side));
    const last = (value, size) => Math.min(Math.ceil(size / side) - 1, Math.floor(value / side));
    for (let row = first(top); row <= last(top + this.canvas.height / this.scale, this.info.height); row++) {
      for (let column = first(left); column <= last(left + this.canvas.width / this.scale, this.info.width); column++) {
        const [x, y] = [column * side, row * side];
        const [w, h] = [Math.min(side, this.info.width - x), Math.min(side, this.info.height - y)];
        const image = this.picture(x, y, w, h, factor);
        if (!image.complete || !image.naturalWidth) continue;
        // To whole dots, so that no seam shows between tiles.
        const [a, b] = [Math.round((x - left) * this.scale), Math.round((y - top) * this.scale)];
        const [c, d] = [Math.round((x + w - left) * this.scale), Math.round((y + h - top) * this.scale)];
        context.drawImage(image, a, b, c - a, d - b);
      }
    }
  }

  picture(x, y, w, h, factor) {
    const key = `${x},${y},${factor}`;
    let image = this.tiles.get(key);
    if (!image) {
      image = new Image();
      image.onload = () => this.draw();
      image.src = `${this.base}/${x},${y},${w},${h}/${Math.ceil(w / factor)},/0/default.webp`;
      if (this.tiles.size >= KEPT_TILES) this.tiles.delete(this.tiles.keys().next().value);
    } else this.tiles.delete(key);
    this.tiles.set(key, image); // the ones that were used last stand last
    return image;
  }

  listen() {
    const canvas = this.canvas;
    const place = (event) => {
      const rect = canvas.getBoundingClientRect();
      return [(event.clientX - rect.left) * this.dots, (event.clientY - rect.top) * this.dots];
    };
    const down = new Map();
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      down.set(event.pointerId, place(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = down.get(event.pointerId);
      if (!before) return;
      const now = place(event);
      if (down.size === 2) {
        const [other] = [...down].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
        const span = (at) => Math.hypot(at[0] - other[0], at[1] - other[1]) || 1;
        this.by(span(now) / span(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      } else this.move(before[0] - now[0], before[1] - now[1]);
      down.set(event.pointerId, now);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => down.delete(event.pointerId));
    }
    canvas.addEventListener("dblclick", (event) => this.by(2, ...place(event)));
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.by(Math.exp(-event.deltaY / 400), ...place(event));
      },
      { passive: false },
    );
    canvas.addEventListener("keydown", (event) => {
      const step = canvas.width / 8;
      const action = {
        ArrowLeft: () => this.move(-step, 0),
        ArrowRight: () => this.move(step, 0),
        ArrowUp: () => this.move(0, -step),
        ArrowDown: () => this.move(0, step),
        "+": () => this.by(1.6),
        "=": () => this.by(1.6),
        "-": () => this.by(1 / 1.6),
        0: () => this.fit(),
        Escape: () => this.stop(),
      }[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      action();
    });
  }
}

const zooms = [...document.querySelectorAll("[data-zoom]")].map((root) => new Zoom(root));
if (document.querySelector("[data-together]")) {
  for (const one of zooms) one.others = zooms.filter((other) => other !== one);
}
