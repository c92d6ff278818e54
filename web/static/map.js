// The style map: all works as points on a canvas, coloured, zoomed into, and a part of it chosen. Without this script the
// table below it says the same.

const NEAR = 60; // so few works in view are shown as pictures
const MOST_ZOOM = 60;

const root = document.querySelector("[data-map]");
if (root) start(root);

async function start(root) {
  const words = JSON.parse(root.dataset.words);
  const status = root.querySelector("[data-chosen-words]");
  let points;
  try {
    points = unpack(await read(root.dataset.points));
  } catch {
    status.textContent = words.failed;
    root.querySelector("[data-tools]").hidden = true;
    return;
  }
  new StyleMap(root, points, words);
}

async function read(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.arrayBuffer();
}

// The file's form is told where it is made: web/map_view.py.
function unpack(data) {
  const length = new DataView(data).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  let at = 4 + length;
  const take = (Kind) => {
    const taken = new Kind(data, at, head.works);
    at += taken.byteLength;
    return taken;
  };
  const found = { ...head, ids: take(Uint32Array), x: take(Uint16Array), y: take(Uint16Array), colours: {} };
  for (const name of Object.keys(head.colourings)) found.colours[name] = take(Uint8Array);
  return found;
}

class StyleMap {
  constructor(root, points, words) {
    Object.assign(this, { root, points, words });
    this.canvas = root.querySelector("[data-canvas]");
    this.context = this.canvas.getContext("2d");
    this.tip = root.querySelector("[data-tip]");
    this.select = root.querySelector("[data-colouring]");
    this.mode = "move";
    this.only = null;
    this.box = this.chosenBefore();
    this.dragged = null;
    this.works = new Map();
    this.marked = new Set((root.dataset.marked || "").split(",").filter(Boolean).map(Number));
    root.querySelector("[data-tools]").inert = false;
    this.listen();
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
    this.all();
    this.resize();
    this.recolour();
    this.tell();
  }

  chosenBefore() {
    const chosen = this.root.dataset.chosen;
    if (!chosen) return null;
    const [left, top, width, height] = chosen.split(",").map(Number);
    return { left, top, right: left + width - 1, bottom: top + height - 1 };
  }

  // What is shown: the map's middle, and dots for one step of the map.

  all() {
    this.zoom = 1;
    this.x = this.points.size / 2;
    this.y = this.points.size / 2;
  }

  get scale() {
    return (Math.min(this.canvas.width, this.canvas.height) / (this.points.size * 1.04)) * this.zoom;
  }

  resize() {
    const rect = this.canvas.getBoundingClientRect();
    this.dots = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(rect.width * this.dots));
    this.canvas.height = Math.max(1, Math.round(rect.height * this.dots));
    this.draw();
  }

  toCanvas(x, y) {
    return [(x - this.x) * this.scale + this.canvas.width / 2, (y - this.y) * this.scale + this.canvas.height / 2];
  }

  toMap(left, top) {
    return [(left - this.canvas.width / 2) / this.scale + this.x, (top - this.canvas.height / 2) / this.scale + this.y];
  }

  view() {
    const [left, top] = this.toMap(0, 0);
    const [right, bottom] = this.toMap(this.canvas.width, this.canvas.height);
    return this.inside({ left, top, right, bottom });
  }

  inside({ left, top, right, bottom }) {
    const keep = (value) => Math.min(this.points.size, Math.max(0, Math.round(value)));
    return { left: keep(left), top: keep(top), right: keep(right), bottom: keep(bottom) };
  }

  by(factor, left = this.canvas.width / 2, top = this.canvas.height / 2) {
    const before = this.toMap(left, top);
    this.zoom = Math.min(MOST_ZOOM, Math.max(1, this.zoom * factor));
    const after = this.toMap(left, top);
    this.move(before[0] - after[0], before[1] - after[1]);
  }

  move(across, down) {
    const keep = (value) => Math.min(this.points.size, Math.max(0, value));
    this.x = keep(this.x + across);
    this.y = keep(this.y + down);
    this.draw();
  }

  // Colours and their legend.

  recolour() {
    const style = getComputedStyle(this.root);
    const colour = (name) => style.getPropertyValue(name).trim();
    this.palette = [...Array(10).keys()].map((number) => packed(colour(`--map-${number + 1}`)));
    this.grey = packed(colour("--map-others"));
    this.line = colour("--ink");
    this.ground = colour("--raised");
    this.accent = colour("--accent");
    this.only = null;
    this.legend();
    this.draw();
  }

  colourOf(code) {
    return code < this.palette.length ? this.palette[code] : this.grey;
  }

  legend() {
    const name = this.select.value;
    const codes = this.points.colours[name];
    const counts = new Map();
    for (const code of codes) counts.set(code, (counts.get(code) || 0) + 1);
    const list = document.createElement("ul");
    list.className = "map-legend";
    const rows = this.points.colourings[name].map((words, code) => [code, words]);
    rows.push([this.points.others, this.words.others], [this.points.unknown, this.words.unknown]);
    for (const [code, words] of rows) {
      if (!counts.has(code)) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "map-key";
      button.setAttribute("aria-pressed", "false");
      const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      swatch.setAttribute("class", `map-swatch map-${code < 10 ? code + 1 : "others"}`);
      swatch.setAttribute("viewBox", "0 0 10 10");
      swatch.setAttribute("aria-hidden", "true");
      const circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      for (const name of ["cx", "cy", "r"]) circle.setAttribute(name, "5");
      swatch.append(circle);
      const label = document.createElement("bdi");
      label.textContent = words;
      const count = document.createElement("span");
      count.className = "count";
      count.textContent = counts.get(code).toLocaleString(document.documentElement.lang);
      button.append(swatch, label, count);
      button.addEventListener("click", () => {
        this.only = this.only === code ? null : code;
        for (const other of list.querySelectorAll("button")) {
          other.setAttribute("aria-pressed", String(other === button && this.only !== null));
        }
        this.draw();
      });
      const item = document.createElement("li");
      item.append(button);
      list.append(item);
    }
    this.root.querySelector("[data-legend]").replaceChildren(list);
  }

  // Drawing: straight into the canvas's dots, so that 100,000 points take a few milliseconds.

  draw() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.paint();
    });
  }

  paint() {
    const { width, height } = this.canvas;
    const { x, y, works } = this.points;
    const codes = this.points.colours[this.select.value];
    const image = this.context.createImageData(width, height);
    const dots = new Uint32Array(image.data.buffer);
    const radius = Math.max(1, Math.round(Math.min(5, 1.3 + 0.35 * Math.log2(this.zoom) + 60 / Math.sqrt(works)) * this.dots));
    const stamp = disc(radius);
    const scale = this.scale;
    const [left, top] = [width / 2 - this.x * scale, height / 2 - this.y * scale];
    const visible = [];
    const faint = (this.grey & 0x00ffffff) | 0x40000000;
    const passes = this.only === null ? [null] : [false, true];
    for (const pass of passes) {
      for (let at = 0; at < works; at++) {
        if (pass !== null && (codes[at] === this.only) !== pass) continue;
        const a = Math.round(x[at] * scale + left);
        const b = Math.round(y[at] * scale + top);
        if (a < radius || b < radius || a >= width - radius || b >= height - radius) continue;
        if (pass !== false && visible.length <= NEAR) visible.push(at);
        const colour = pass === false ? faint : this.colourOf(codes[at]);
        for (let k = 0; k < stamp.length; k += 2) dots[(b + stamp[k + 1]) * width + a + stamp[k]] = colour;
      }
    }
    this.context.putImageData(image, 0, 0);
    if (visible.length && visible.length <= NEAR) this.pictures(visible);
    this.rings();
    this.frame(this.dragged || this.box);
  }

  rings() {
    if (!this.marked.size) return;
    const { ids, x, y, works, base } = this.points;
    this.context.strokeStyle = this.accent;
    this.context.lineWidth = 2 * this.dots;
    for (let at = 0; at < works; at++) {
      if (!this.marked.has(ids[at] + base)) continue;
      const [a, b] = this.toCanvas(x[at], y[at]);
      this.context.beginPath();
      this.context.arc(a, b, 6 * this.dots, 0, 2 * Math.PI);
      this.context.stroke();
    }
  }

  frame(box) {
    if (!box) return;
    const [a, b] = this.toCanvas(box.left, box.top);
    const [c, d] = this.toCanvas(box.right, box.bottom);
    this.context.lineWidth = 4 * this.dots;
    this.context.strokeStyle = this.ground;
    this.context.strokeRect(a, b, c - a, d - b);
    this.context.lineWidth = 2 * this.dots;
    this.context.strokeStyle = this.accent;
    this.context.strokeRect(a, b, c - a, d - b);
  }

  pictures(shown) {
    const size = 56 * this.dots;
    const missing = [];
    for (const at of shown) {
      const id = this.points.ids[at] + this.points.base;
      const work = this.works.get(id);
      if (!work) missing.push(id);
      else if (work.image?.complete && work.image.naturalWidth) {
        const [a, b] = this.toCanvas(this.points.x[at], this.points.y[at]);
        const share = size / Math.max(work.image.naturalWidth, work.image.naturalHeight);
        const [w, h] = [work.image.naturalWidth * share, work.image.naturalHeight * share];
        this.context.fillStyle = this.ground;
        this.context.fillRect(a - w / 2 - 2, b - h / 2 - 2, w + 4, h + 4);
        this.context.drawImage(work.image, a - w / 2, b - h / 2, w, h);
      }
    }
    if (missing.length) this.fetchWorks(missing);
  }

  async fetchWorks(ids) {
    clearTimeout(this.waiting);
    await new Promise((resolve) => (this.waiting = setTimeout(resolve, 120)));
    const wanted = ids.filter((id) => !this.works.has(id));
    if (!wanted.length) return;
    for (const id of wanted) this.works.set(id, {});
    try {
      const answer = await fetch(`${this.root.dataset.works}?ids=${wanted.join(",")}`);
      if (!answer.ok) return;
      for (const [id, work] of Object.entries(await answer.json())) {
        const image = new Image();
        image.onload = () => this.draw();
        image.src = work.picture;
        this.works.set(Number(id), { ...work, image });
      }
      this.pointed();
    } catch {
      // The points are there all the same.
    }
  }

  // What is under the pointer.

  nearest(left, top) {
    const { x, y, works } = this.points;
    const [a, b] = this.toMap(left, top);
    let best = -1;
    let least = (14 * this.dots) / this.scale;
    for (let at = 0; at < works; at++) {
      const distance = Math.hypot(x[at] - a, y[at] - b);
      if (distance < least) [best, least] = [at, distance];
    }
    return best;
  }

  pointed(place = this.place) {
    this.place = place;
    const at = place ? this.nearest(...place) : -1;
    const id = at < 0 ? null : this.points.ids[at] + this.points.base;
    const work = id === null ? null : this.works.get(id);
    this.tip.hidden = !work?.title;
    this.under = work?.page || null;
    if (id !== null && !work) this.fetchWorks([id]);
    if (!work?.title) return;
    this.tip.replaceChildren();
    for (const [text, kind] of [[work.title, "card-title"], [[work.artist, work.date].filter(Boolean).join(", "), "card-line"]]) {
      const line = document.createElement("span");
      line.className = kind;
      line.dir = "auto";
      line.textContent = text;
      this.tip.append(line);
    }
    const rect = this.canvas.getBoundingClientRect();
    const [left, top] = [place[0] / this.dots, place[1] / this.dots];
    this.tip.style.left = `${Math.min(left + 14, rect.width - 200)}px`;
    this.tip.style.top = `${Math.min(top + 14, rect.height - 70)}px`;
  }

  // Choosing a part.

  choose(box) {
    this.box = box;
    this.tell();
    this.draw();
  }

  tell() {
    const status = this.root.querySelector("[data-chosen-words]");
    const actions = this.root.querySelector("[data-chosen-actions]");
    if (!this.box) {
      status.textContent = "";
      actions.hidden = true;
      return;
    }
    const { left, top, right, bottom } = this.box;
    const { x, y, works } = this.points;
    let number = 0;
    for (let at = 0; at < works; at++) {
      if (x[at] >= left && x[at] <= right && y[at] >= top && y[at] <= bottom) number++;
    }
    status.textContent =
      number > 1
        ? this.words.chosen.replace("{number}", number.toLocaleString(document.documentElement.lang))
        : number ? this.words.one : this.words.none;
    actions.hidden = false;
    const part = `map:${this.points.map}@${left},${top},${right - left + 1},${bottom - top + 1}`;
    const address = new URL(this.root.dataset.search, location.href);
    address.searchParams.set("q", `${this.root.dataset.line} ${part}`.trim());
    const show = this.root.querySelector("[data-show]");
    show.href = address.href;
    show.hidden = !number;
  }

  listen() {
    const canvas = this.canvas;
    const place = (event) => {
      const rect = canvas.getBoundingClientRect();
      return [(event.clientX - rect.left) * this.dots, (event.clientY - rect.top) * this.dots];
    };
    const down = new Map();
    let travelled = 0;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      down.set(event.pointerId, { from: place(event), now: place(event) });
      travelled = 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      const now = place(event);
      const one = down.get(event.pointerId);
      if (!one) {
        this.pointed(now);
        return;
      }
      travelled += Math.hypot(now[0] - one.now[0], now[1] - one.now[1]);
      if (down.size === 2) {
        const [other] = [...down].filter(([id]) => id !== event.pointerId).map(([, at]) => at.now);
        const span = (at) => Math.hypot(at[0] - other[0], at[1] - other[1]) || 1;
        this.by(span(now) / span(one.now), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      } else if (this.mode === "choose" || event.shiftKey) {
        const [a, b] = [this.toMap(...one.from), this.toMap(...now)];
        this.dragged = this.inside({
          left: Math.min(a[0], b[0]), top: Math.min(a[1], b[1]), right: Math.max(a[0], b[0]), bottom: Math.max(a[1], b[1]),
        });
        this.draw();
      } else this.move((one.now[0] - now[0]) / this.scale, (one.now[1] - now[1]) / this.scale);
      one.now = now;
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => {
        down.delete(event.pointerId);
        if (this.dragged) {
          const box = this.dragged;
          this.dragged = null;
          this.choose(box);
        } else if (end === "pointerup" && travelled < 4 * this.dots && this.under && this.mode === "move") {
          location.assign(this.under);
        }
      });
    }
    canvas.addEventListener("pointerleave", () => this.pointed(null));
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.by(Math.exp(-event.deltaY / 400), ...place(event));
      },
      { passive: false },
    );
    canvas.addEventListener("keydown", (event) => {
      const step = canvas.width / 8 / this.scale;
      const action = {
        ArrowLeft: () => this.move(-step, 0),
        ArrowRight: () => this.move(step, 0),
        ArrowUp: () => this.move(0, -step),
        ArrowDown: () => this.move(0, step),
        "+": () => this.by(1.6),
        "=": () => this.by(1.6),
        "-": () => this.by(1 / 1.6),
        0: () => this.reset(),
        Enter: () => this.choose(this.view()),
        Escape: () => this.choose(null),
      }[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      action();
    });
    this.select.addEventListener("change", () => this.recolour());
    for (const button of this.root.querySelectorAll("[data-mode]")) {
      button.addEventListener("click", () => {
        this.mode = button.dataset.mode;
        canvas.classList.toggle("choosing", this.mode === "choose");
        for (const other of this.root.querySelectorAll("[data-mode]")) {
          other.setAttribute("aria-pressed", String(other === button));
        }
      });
    }
    const zooms = { in: () => this.by(1.6), out: () => this.by(1 / 1.6), all: () => this.reset() };
    for (const button of this.root.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", zooms[button.dataset.zoom]);
    }
    this.root.querySelector("[data-choose-view]").addEventListener("click", () => this.choose(this.view()));
    this.root.querySelector("[data-clear]").addEventListener("click", () => this.choose(null));
  }

  reset() {
    this.all();
    this.draw();
  }
}

// A colour as the canvas's dots have it, red in the lowest byte.
function packed(colour) {
  const [red, green, blue] = colour.match(/[\da-f]{2}/gi).map((pair) => parseInt(pair, 16));
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

function disc(radius) {
  const found = [];
  for (let down = -radius; down <= radius; down++) {
    for (let across = -radius; across <= radius; across++) {
      if (across * across + down * down <= (radius + 0.2) ** 2) found.push(across, down);
    }
  }
  return Int16Array.from(found);
}
