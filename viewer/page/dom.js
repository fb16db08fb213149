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

const NAMES = { "": "idle", SUCCESS: "success", FAILURE: "failure", RUNNING: "running", SKIPPED: "skipped", ink: "ink", faint: "faint", line: "line", paper: "paper", panel: "panel", accent: "accent", warn: "warn" };
const themes = new Map();

// The colors of the present theme, for what is painted on a canvas.
export function colors() {
  const { theme } = document.documentElement.dataset;
  if (!themes.has(theme)) {
    const style = getComputedStyle(document.documentElement);
    themes.set(theme, Object.fromEntries(Object.entries(NAMES).map(([name, value]) => [name, style.getPropertyValue(`--${value}`).trim()])));
  }
  return themes.get(theme);
}

// Sizes are noted when they change, so that to ask for one costs no layout; only what had none is measured again.
const sizes = new WeakMap();
const sizing = new ResizeObserver((entries) => {
  for (const entry of entries) sizes.set(entry.target, entry.contentRect);
});

export function size(element) {
  const known = sizes.get(element);
  if (known && known.width) return known;
  if (!known) sizing.observe(element);
  sizes.set(element, { width: element.clientWidth, height: element.clientHeight });
  return sizes.get(element);
}

const ON_PAPER = { width: 640, height: 44 }; // of a canvas that is hidden on the screen, but printed

// A canvas of the size that it has on the screen, sharp on fine screens; its context draws in CSS pixels.
export function fit(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const box = size(canvas);
  const width = Math.round(box.width) || ON_PAPER.width;
  const height = Math.round(box.height) || ON_PAPER.height;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, width, height };
}

// Rows of equal height of which only those in sight exist; one that scrolls out of sight is used again.
export class Rows {
  constructor(box, height, draw) {
    this.box = box;
    this.height = height;
    this.draw = draw;
    this.count = 0;
    this.all = false;
    this.top = 0;
    this.inner = el("div", { class: "rows", role: "presentation" });
    this.pool = [];
    box.append(this.inner);
    box.addEventListener("scroll", () => {
      this.top = box.scrollTop;
      this.paint(false);
    }, { passive: true });
    size(box);
    new ResizeObserver(() => this.paint(false)).observe(box);
  }

  get sight() {
    return size(this.box).height || 400;
  }

  set(count) {
    if (count !== this.count) {
      this.count = count;
      this.inner.style.height = `${count * this.height}px`;
      this.top = Math.max(0, Math.min(this.top, count * this.height - this.sight));
    }
    this.paint();
  }

  // Draw what is in sight; without `fresh` only rows that were not in sight before.
  paint(fresh = true) {
    const first = this.all ? 0 : Math.max(0, Math.floor(this.top / this.height) - 4);
    const last = this.all ? Math.min(this.count, 4000) : Math.min(this.count, Math.ceil((this.top + this.sight) / this.height) + 4);
    const wanted = this.all ? this.count : Math.ceil(this.sight / this.height) + 10;
    while (this.pool.length < Math.min(wanted, 4000)) {
      const row = el("div", { class: "row" });
      this.pool.push(row);
      this.inner.append(row);
      for (const each of this.pool) each.index = -1;
    }
    for (const row of this.pool) {
      if (row.index >= first && row.index < last) continue;
      row.hidden = true;
      row.index = -1;
      row.shown = "";
      row.removeAttribute("id");
    }
    for (let index = first; index < last; index += 1) {
      const row = this.pool[index % this.pool.length];
      if (!fresh && row.index === index && !row.hidden) continue;
      if (row.index !== index) row.style.transform = `translateY(${index * this.height}px)`;
      row.index = index;
      row.hidden = false;
      this.draw(row, index);
    }
  }

  show(index, middle = false) {
    const top = index * this.height;
    const above = top < this.top + this.height;
    const below = top + 2 * this.height > this.top + this.sight;
    if (!above && !below) return;
    const wanted = middle ? top - this.sight / 2 : above ? top - this.height : top + 2 * this.height - this.sight;
    this.top = Math.round(Math.max(0, Math.min(wanted, this.count * this.height - this.sight)));
    this.box.scrollTop = this.top;
  }
}
