// The tree as an outline: one row a node, only those in sight exist, so that 5,000 nodes are as light as 50.

import { Rows, SYMBOLS, colors, el, fit, mark, size, word } from "./dom.js";

const HEIGHT = 24;
const STEP = 14;

export class Outline {
  constructor(box, map, view, heard) {
    this.box = box;
    this.map = map;
    this.view = view; // {run, tick, selected, onlyActive, marks}
    this.heard = heard;
    this.closings = new WeakMap(); // run -> uids that are closed in it
    this.items = [];
    this.where = new Map(); // uid -> position among the items
    this.era = null;
    this.key = "";
    this.found = [];
    this.hits = new Set();
    this.words = "";
    this.sought = ""; // for what, in which run and at which moment
    this.fixed = new WeakMap(); // era -> what does not change of its nodes and is searched
    this.rows = new Rows(box, HEIGHT, (row, at) => this._row(row, at));
    box.setAttribute("role", "tree");
    box.tabIndex = 0;
    box.addEventListener("keydown", (event) => this._key(event));
    this.rows.inner.addEventListener("click", (event) => this._click(event));
    this.rows.inner.addEventListener("dblclick", (event) => this._toggleAt(event));
    map.addEventListener("pointerdown", (event) => this._jump(event));
    map.addEventListener("pointermove", (event) => event.buttons && this._jump(event));
    box.addEventListener("scroll", () => this._paintMap(), { passive: true });
  }

  get closed() {
    const { run } = this.view;
    if (!run) return new Set();
    if (!this.closings.has(run)) this.closings.set(run, new Set());
    return this.closings.get(run);
  }

  // Bring rows up to date with the run, the tick and what is closed.
  update() {
    const { run, tick, onlyActive } = this.view;
    const era = run.treeAt(tick);
    if (era !== this.era) {
      this.era = era;
      this.key = "";
      if (era) this.box.setAttribute("aria-label", `tree ${era.name}`);
    }
    this._seek();
    const key = onlyActive ? `${tick} ${run.version} ${this.closed.size}` : `all ${this.closed.size}`;
    if (this.dirty || key !== this.key) {
      this._list();
      this.key = key;
      this.dirty = false;
      this.rows.set(this.items.length);
    } else this.rows.paint();
    this._name();
    this._paintMap();
  }

  _list() {
    this.listed = (this.listed || 0) + 1;
    this.items = [];
    this.where.clear();
    const { run, tick, onlyActive } = this.view;
    if (!this.era) return;
    const nodes = this.era.nodes;
    let keep = null;
    if (onlyActive) {
      keep = new Uint8Array(nodes.length);
      for (let at = nodes.length - 1; at >= 0; at -= 1) {
        if (run.state(nodes[at].uid, tick).status) keep[at] = 1;
        if (keep[at] && nodes[at].parent >= 0) keep[nodes[at].parent] = 1;
      }
    }
    const waiting = nodes.filter((node) => node.parent < 0).map((node) => node.index).reverse();
    while (waiting.length) {
      const node = nodes[waiting.pop()];
      if (keep && !keep[node.index]) continue;
      this.where.set(node.uid, this.items.length);
      this.items.push(node);
      if (!this.closed.has(node.uid)) for (let at = node.children.length - 1; at >= 0; at -= 1) waiting.push(node.children[at]);
    }
  }

  _row(row, at) {
    const node = this.items[at];
    const { run, tick, selected, marks } = this.view;
    if (!run) return;
    const state = run.state(node.uid, tick);
    if (!row.firstChild) this._make(row);
    const open = !this.closed.has(node.uid);
    const hit = this.hits.has(node.uid);
    const flag = (marks ? marks(node) : "") + (node.mocked ? "mock " : "") + (this.different && this.different.has(node.path) ? "≠" : "");
    const note = state.reason || this._hidden(node, open);
    const shown = `${node.uid} ${state.status} ${state.tick} ${node.uid === selected} ${open} ${hit} ${flag} ${note} ${run.number}`;
    if (row.shown === shown) return;
    row.shown = shown;
    const [twist, symbol, name, type, reason, flags, since] = row.children;
    const deep = Math.min(node.depth, 24) * STEP + Math.max(0, node.depth - 24) * 2;
    row.id = `${this.box.id}-${node.uid}`;
    row.uid = node.uid;
    row.className = `row ${mark(state.status)}${node.uid === selected ? " selected" : ""}${hit ? " hit" : ""}`;
    row.setAttribute("aria-level", node.depth + 1);
    row.setAttribute("aria-selected", node.uid === selected);
    row.setAttribute("aria-posinset", node.place);
    row.setAttribute("aria-setsize", node.parent >= 0 ? this.era.nodes[node.parent].children.length : 1);
    if (node.children.length) row.setAttribute("aria-expanded", open);
    else row.removeAttribute("aria-expanded");
    twist.style.marginInlineStart = `${deep}px`;
    twist.textContent = node.children.length ? (open ? "▾" : "▸") : "";
    symbol.textContent = SYMBOLS[state.status];
    const own = label(node);
    name.textContent = own;
    type.textContent = own === node.type ? "" : node.type;
    reason.textContent = note;
    reason.title = state.reason;
    flags.textContent = flag;
    const last = state.status ? state.tick : -1;
    since.textContent = last >= 0 ? `${last}` : "";
    since.title = last >= 0 ? `since tick ${last}` : "";
    row.setAttribute("aria-label", `${own}, ${own === node.type ? "" : `${node.type}, `}${word(state.status)}${state.reason ? `: ${state.reason}` : ""}${flag ? `, ${flag}` : ""}`);
  }

  _make(row) {
    row.setAttribute("role", "treeitem");
    for (const part of ["twist", "symbol", "name", "type", "reason", "flags", "since"]) {
      row.append(el("span", { class: part, "aria-hidden": "true" }));
    }
  }

  _hidden(node, open) {
    if (open || !node.children.length) return "";
    const running = this.view.run.running(this.view.tick).filter((leaf) => this._isBelow(leaf, node)).length;
    return running ? `… ${running} running below` : "…";
  }

  _isBelow(node, above) {
    for (let at = node.parent; at >= 0; at = this.era.nodes[at].parent) if (at === above.index) return true;
    return false;
  }

  _name() {
    const at = this.where.get(this.view.selected);
    if (at === undefined) this.box.removeAttribute("aria-activedescendant");
    else this.box.setAttribute("aria-activedescendant", `${this.box.id}-${this.view.selected}`);
  }

  // Open what hides a node and scroll to it.
  show(uid, middle = false) {
    if (!this.era) return;
    const node = this.era.byUid.get(uid);
    if (!node) return;
    for (let at = node.parent; at >= 0; at = this.era.nodes[at].parent) {
      if (this.closed.delete(this.era.nodes[at].uid)) this.dirty = true;
    }
    if (this.dirty || !this.where.has(uid)) this.update();
    const at = this.where.get(uid);
    if (at !== undefined) this.rows.show(at, middle);
  }

  toggle(uid) {
    if (this.closed.has(uid)) this.closed.delete(uid);
    else this.closed.add(uid);
    this.dirty = true;
    this.update();
  }

  openAll() {
    this.closed.clear();
    this.dirty = true;
    this.update();
  }

  // Close all that is not on the way to something running, or to the selected node.
  closeIdle() {
    if (!this.era) return;
    const keep = new Set();
    const chosen = this.era.byUid.get(this.view.selected);
    for (const leaf of [...this.view.run.running(this.view.tick), ...(chosen ? [chosen] : [])]) {
      for (let at = leaf.parent; at >= 0; at = this.era.nodes[at].parent) keep.add(at);
    }
    this.closed.clear();
    for (const node of this.era.nodes) if (node.children.length && !keep.has(node.index)) this.closed.add(node.uid);
    this.dirty = true;
    this.update();
  }

  // Nodes whose name, path, type or reason holds all words.
  search(words) {
    this.words = words.trim().toLowerCase();
    this._seek();
    this.rows.paint();
    this._paintMap();
    return this.found.length;
  }

  // Search anew where the run, the tree or the moment is another one: reasons are searched too.
  _seek() {
    const { run, tick } = this.view;
    const key = `${this.words}\n${run ? `${run.number} ${run.version}` : ""} ${this.era ? this.era.begin : ""} ${this.words ? tick : ""}`;
    if (key === this.sought) return;
    this.sought = key;
    const parts = this.words.split(/\s+/).filter(Boolean);
    const nodes = parts.length && this.era ? this.era.nodes : [];
    if (nodes.length && !this.fixed.has(this.era)) this.fixed.set(this.era, nodes.map((node) => `${node.name} ${node.path} ${node.type}`.toLowerCase()));
    const fixed = this.fixed.get(this.era);
    this.found = nodes.filter((node, at) => {
      const missing = parts.filter((part) => !fixed[at].includes(part));
      if (!missing.length) return true;
      const reason = run.state(node.uid, tick).reason.toLowerCase();
      return reason && missing.every((part) => reason.includes(part));
    });
    this.hits = new Set(this.found.map((node) => node.uid));
  }

  match(step) {
    if (!this.found.length) return null;
    const here = this.found.findIndex((node) => node.uid === this.view.selected);
    const chosen = this.era.byUid.get(this.view.selected);
    let next = here + step;
    if (here < 0) {
      const index = chosen ? chosen.index : -1;
      const after = this.found.findIndex((node) => node.index > index);
      next = step > 0 ? (after < 0 ? 0 : after) : (after < 0 ? this.found.length : after) - 1;
    }
    return this.found[(next + this.found.length) % this.found.length];
  }

  _click(event) {
    const row = event.target.closest(".row");
    if (!row) return;
    if (event.target.classList.contains("twist") && event.target.textContent) this.toggle(row.uid);
    else this.heard.select(row.uid);
  }

  _toggleAt(event) {
    const row = event.target.closest(".row");
    if (row && !event.target.classList.contains("twist")) this.toggle(row.uid);
  }

  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.items.length) return;
    const at = this.where.get(this.view.selected) ?? -1;
    const node = this.items[at];
    const page = Math.max(1, Math.floor(this.rows.sight / HEIGHT) - 1);
    const go = (to) => this.heard.select(this.items[Math.max(0, Math.min(this.items.length - 1, to))].uid);
    const keys = {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at - 1),
      PageDown: () => go(at + page),
      PageUp: () => go(at - page),
      Home: () => go(0),
      End: () => go(this.items.length - 1),
      ArrowRight: () => node && node.children.length && (this.closed.has(node.uid) ? this.toggle(node.uid) : go(at + 1)),
      ArrowLeft: () => {
        if (!node) return;
        if (node.children.length && !this.closed.has(node.uid)) this.toggle(node.uid);
        else if (node.parent >= 0) this.heard.select(this.era.nodes[node.parent].uid);
      },
      Enter: () => node && node.children.length && this.toggle(node.uid),
    };
    if (!keys[event.key]) return;
    keys[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }

  _jump(event) {
    const box = this.map.getBoundingClientRect();
    const share = (event.clientY - box.top) / box.height;
    this.box.scrollTop = share * this.items.length * HEIGHT - this.rows.sight / 2;
  }

  // The whole tree in one strip: where something runs, failed, or was found, and what is in sight.
  _paintMap() {
    if (!this.view.run || !size(this.map).height || !this.items.length) return;
    const { run, tick, selected } = this.view;
    const { theme } = document.documentElement.dataset;
    const key = `${run.number} ${run.version} ${tick} ${selected} ${this.listed} ${this.rows.top} ${this.sought} ${size(this.map).height} ${this.rows.sight} ${theme}`;
    if (key === this.painted) return;
    this.painted = key;
    const { context, width, height } = fit(this.map);
    const paint = colors();
    context.clearRect(0, 0, width, height);
    const step = Math.min(7, height / this.items.length);
    const order = { "": 0, SKIPPED: 1, SUCCESS: 2, RUNNING: 3, FAILURE: 4 };
    const best = new Map();
    this.items.forEach((node, at) => {
      const status = run.state(node.uid, tick).status;
      const y = Math.floor(at * step);
      if (!best.has(y) || order[status] > order[best.get(y)]) best.set(y, status);
    });
    const tall = Math.max(1.5, step - 1);
    for (const [y, status] of best) {
      context.fillStyle = paint[status] || paint.line;
      context.globalAlpha = status ? 1 : 0.35;
      context.fillRect(3, y, width - 6, tall);
    }
    context.globalAlpha = 1;
    context.fillStyle = paint.accent;
    for (const node of this.found) if (this.where.has(node.uid)) context.fillRect(0, this.where.get(node.uid) * step, 3, tall);
    const at = this.where.get(selected);
    if (at !== undefined) context.fillRect(0, at * step, width, Math.max(2, step / 6));
    context.strokeStyle = paint.faint;
    const top = (this.rows.top / HEIGHT) * step;
    const sight = (this.rows.sight / HEIGHT) * step;
    if (sight < height - 1) context.strokeRect(0.5, top + 0.5, width - 1, sight - 1);
  }
}

export function label(node) {
  return node.name || node.path.split("/").pop() || node.type;
}
