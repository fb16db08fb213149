// Elements are made here, and only with text: nothing that a trace says is ever read as markup.

export function el(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name === "on") for (const [event, heard] of Object.entries(value)) element.addEventListener(event, heard);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

export const SYMBOLS = { SUCCESS: "✔", FAILURE: "✘", RUNNING: "▶", SKIPPED: "⤼", "": "·" };
const WORDS = { SUCCESS: "success", FAILURE: "failure", RUNNING: "running", SKIPPED: "skipped", "": "idle" };
export const word = (status) => WORDS[status] ?? "idle";
export const mark = (status) => `s-${word(status)}`;

export const seconds = (value) => `${value.toFixed(2)} s`;

// The colors of the present theme, for what is painted on a canvas.
export function colors() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    "": read("idle"),
    SUCCESS: read("success"),
    FAILURE: read("failure"),
    RUNNING: read("running"),
    SKIPPED: read("skipped"),
    ink: read("ink"),
    faint: read("faint"),
    line: read("line"),
    paper: read("paper"),
    panel: read("panel"),
    accent: read("accent"),
    warn: read("warn"),
  };
}

// A canvas of the size that it has on the screen, sharp on fine screens; its context draws in CSS pixels.
export function fit(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const box = canvas.getBoundingClientRect();
  const width = Math.max(1, Math.round(box.width));
  const height = Math.max(1, Math.round(box.height));
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, width, height };
}

// Rows of equal height of which only those in sight exist.
export class Rows {
  constructor(box, height, draw) {
    this.box = box;
    this.height = height;
    this.draw = draw;
    this.count = 0;
    this.all = false;
    this.inner = el("div", { class: "rows", role: "presentation" });
    this.pool = [];
    this.first = 0;
    box.append(this.inner);
    box.addEventListener("scroll", () => this.paint(), { passive: true });
    new ResizeObserver(() => this.paint()).observe(box);
  }

  set(count) {
    this.count = count;
    this.inner.style.height = `${count * this.height}px`;
    this.paint();
  }

  paint() {
    const sight = this.box.clientHeight || 400;
    const first = this.all ? 0 : Math.max(0, Math.floor(this.box.scrollTop / this.height) - 4);
    const last = this.all ? Math.min(this.count, 4000) : Math.min(this.count, Math.ceil((this.box.scrollTop + sight) / this.height) + 4);
    while (this.pool.length < last - first) {
      const row = el("div", { class: "row" });
      this.pool.push(row);
      this.inner.append(row);
    }
    this.pool.forEach((row, at) => {
      const index = first + at;
      row.hidden = index >= last;
      if (row.hidden) return;
      row.style.transform = `translateY(${index * this.height}px)`;
      this.draw(row, index);
    });
    this.first = first;
  }

  rowOf(index) {
    const at = index - this.first;
    return at >= 0 && at < this.pool.length && !this.pool[at].hidden ? this.pool[at] : null;
  }

  show(index, middle = false) {
    const top = index * this.height;
    const sight = this.box.clientHeight;
    const above = top < this.box.scrollTop + this.height;
    const below = top + 2 * this.height > this.box.scrollTop + sight;
    if (above || below) this.box.scrollTop = Math.max(0, middle || above ? top - (middle ? sight / 2 : this.height) : top + 2 * this.height - sight);
  }
}
