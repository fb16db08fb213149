// What stands beside the tree as text: why, the blackboard, the log, the YAML.

import { Rows, SYMBOLS, el, mark, seconds, word } from "./dom.js";
import { why } from "./feed.js";
import { brief, lastUpTo } from "./run.js";
import { label } from "./tree.js";

export class Why {
  constructor(box, view, heard) {
    this.box = box;
    this.view = view;
    this.heard = heard;
    this.asked = "";
    this.timer = 0;
    this.head = el("div", { class: "node" });
    this.told = el("div", { class: "told", "aria-live": "polite" });
    box.append(this.head, this.told);
  }

  update() {
    const { run, tick, selected } = this.view;
    const era = run.treeAt(tick);
    const node = era && (era.byUid.get(selected) || era.nodes[0]);
    if (!node) {
      this.told.textContent = "";
      return;
    }
    this._facts(run, era, node, tick);
    const state = run.state(node.uid, tick);
    const live = run.ended ? "" : tick === run.lastTick ? run.lastTick : "";
    const key = `${run.number} ${node.path} ${tick} ${state.at} ${run.ended} ${live}`;
    if (key === this.asked) return;
    this.asked = key;
    if (node.path !== this.about) this.told.replaceChildren(el("p", { class: "empty", text: "…" }));
    this.about = node.path;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this._ask(run, node.path, tick, key), 120);
  }

  _facts(run, era, node, tick) {
    const state = run.state(node.uid, tick);
    const facts = [
      el("h3", {}, el("span", { class: `symbol ${mark(state.status)}`, text: SYMBOLS[state.status] }), ` ${label(node)} `, el("span", { class: "kind", text: node.type })),
      el("div", { class: "path", text: node.path }),
      el("div", { class: "state" }, el("b", { text: word(state.status) }), state.tick >= 0 ? ` since tick ${state.tick} (${seconds(run.timeOf(state.tick))})` : " not ticked yet", state.reason ? `: ${brief(state.reason, 600)}` : ""),
    ];
    if (!state.status) {
      const last = run.before(node.uid, tick);
      if (last.tick >= 0) {
        facts.push(el("div", {}, "before it was ", el("b", { text: word(last.status) }), " in ", this._jump(last.tick), last.reason ? `: ${brief(last.reason, 300)}` : ""));
      }
    }
    this.head.replaceChildren(...facts);
  }

  _jump(tick) {
    return el("button", { class: "link", text: `tick ${tick}`, on: { click: () => this.heard.seek(tick) } });
  }

  async _ask(run, path, tick, key) {
    let told;
    try {
      told = await why(run.number, path, tick);
    } catch (error) {
      told = { error: error.message };
    }
    if (key !== this.asked) return;
    if (told.error) {
      this.told.replaceChildren(el("p", { class: "empty", text: told.error }));
      return;
    }
    const links = (told.chain || []).map((link) =>
      el("li", { class: mark(link.status === "FAULT" ? "FAILURE" : link.status) },
        el("button", { class: "link", text: link.path.split("/").slice(-1)[0] + (link.name && !link.path.endsWith(link.name) ? ` “${link.name}”` : ""), title: link.path, on: { click: () => this.heard.choose(link.path) } }),
        el("span", { class: "place", text: ` line ${link.line} ` }),
        el("div", { class: "says", text: link.says || `${link.status}${link.reason ? `: ${link.reason}` : ""}` }),
        link.tick && link.tick !== tick ? el("div", { class: "when" }, "since ", this._jump(link.tick)) : null,
        ...(link.notes || []).map((note) => el("div", { class: "note", text: note })),
      ),
    );
    this.told.replaceChildren(
      el("p", { class: "headline", text: told.headline.replace(told.node || path, path.split("/").slice(-1)[0]) }),
      links.length ? el("ol", { class: "chain", "aria-label": "chain of causes" }, ...links) : "",
      ...(told.remarks || []).map((remark) => el("p", { class: "note", text: remark })),
    );
  }
}

export class Blackboard {
  constructor(box, view, heard) {
    this.box = box;
    this.view = view;
    this.heard = heard;
    this.open = new Set();
    this.editing = null;
    this.filter = el("input", { type: "search", placeholder: "Filter entries", "aria-label": "filter entries", on: { input: () => this.update(true) } });
    this.body = el("tbody");
    const head = el("thead", {}, el("tr", {}, ...["entry", "value", "writer", "tick"].map((text) => el("th", { scope: "col", text }))));
    this.empty = el("p", { class: "empty", text: "The blackboard is empty at this moment." });
    box.append(this.filter, el("table", { class: "cells" }, head, this.body), this.empty);
  }

  update(force = false) {
    const { run, tick } = this.view;
    if (this.editing) return;
    const key = `${run.number} ${tick} ${run.cells.size} ${run.version} ${this.heard.steered()}`;
    if (!force && key === this.key) return;
    this.key = key;
    const wanted = this.filter.value.toLowerCase();
    const rows = [];
    for (const name of [...run.cells.keys()].sort()) {
      const write = run.cell(name, tick);
      if (!write || (wanted && !`${name} ${brief(write.value)}`.toLowerCase().includes(wanted)) || rows.length > 600) continue;
      rows.push(this._row(name, write, tick));
      if (this.open.has(name)) rows.push(this._more(name, write));
    }
    this.empty.hidden = rows.length > 0;
    this.body.replaceChildren(...rows);
  }

  _row(name, write, tick) {
    const short = name.split("/").pop();
    const open = this.open.has(name);
    const toggle = el("button", { class: "link name", text: `${open ? "▾" : "▸"} ${short}`, title: name, "aria-expanded": String(open), on: { click: () => this._toggle(name) } });
    const value = el("td", { class: "value", text: brief(write.value) });
    if (this.heard.steered() && isWhole(write.value)) value.append(el("button", { class: "edit", text: "edit", "aria-label": `edit ${name}`, on: { click: () => this._edit(name, write, value) } }));
    const writer = el("button", { class: "link", text: write.writer.split("/").pop(), title: write.writer, on: { click: () => this.heard.choose(write.writer) } });
    const above = name.includes("/") ? el("div", { class: "path", text: name.slice(0, name.lastIndexOf("/")) }) : null;
    return el("tr", { class: write.tick === tick ? "fresh" : "", "data-entry": name }, el("td", {}, toggle, above), value, el("td", {}, writer), el("td", { class: "number", text: write.tick }));
  }

  _more(name, write) {
    const { run, tick } = this.view;
    const writes = run.cells.get(name);
    const last = lastUpTo(writes, tick, (each) => each.tick);
    const history = writes.slice(Math.max(0, last - 60), last + 1).reverse().map((each) =>
      el("li", {}, el("button", { class: "link", text: `tick ${each.tick}`, on: { click: () => this.heard.seek(each.tick) } }), ` ${each.writer.split("/").pop()}: `, el("code", { text: brief(each.value, 200) })),
    );
    const later = writes.length - 1 - last;
    return el("tr", { class: "more" }, el("td", { colspan: "4" },
      el("pre", { text: JSON.stringify(write.value, null, 2).slice(0, 20000) }),
      el("ul", { class: "history", "aria-label": `history of ${name}` }, ...history),
      later > 0 ? el("p", { class: "empty", text: `${later} more after this moment` }) : null,
    ));
  }

  _toggle(name) {
    if (!this.open.delete(name)) this.open.add(name);
    this.update(true);
  }

  _edit(name, write, cell) {
    const before = typeof write.value === "string" ? write.value : JSON.stringify(write.value);
    const input = el("input", { type: "text", value: before, "aria-label": `value of ${name}` });
    const shown = input.value; // without line breaks, which such a field does not hold
    const done = () => {
      this.editing = null;
      this.update(true);
    };
    const form = el("form", { on: { submit: async (event) => {
      event.preventDefault();
      if (input.value !== shown) await this.heard.command({ do: "set", name, value: meant(input.value, write.value) });
      done();
    } } }, input, el("button", { text: "set" }), el("button", { type: "button", text: "cancel", on: { click: done } }));
    form.addEventListener("keydown", (event) => event.key === "Escape" && done());
    this.editing = name;
    cell.replaceChildren(form);
    input.focus();
    input.select();
  }
}

const MOST_ITEMS = 200; // of a list or a mapping in a trace; what has more was cut

export function isWhole(value, depth = 0) {
  if (value === null || typeof value !== "object") return true;
  const items = Object.values(value);
  return depth < 20 && items.length < MOST_ITEMS && items.every((each) => isWhole(each, depth + 1));
}

// What a typed text means for an entry that holds a value: a text is a text, whatever it looks like; elsewhere what is
// no plain data is read as a tree file is, `20s`.
export function meant(typed, held) {
  if (typeof held === "string") return JSON.stringify(typed);
  try {
    const data = JSON.parse(typed);
    return typeof data === "string" || held === null ? typed : data;
  } catch {
    return typed;
  }
}

const LEVELS = { 1: "debug", 2: "info", 3: "warning", 4: "error", 5: "fatal" };

export class Log {
  constructor(box, view, heard) {
    this.view = view;
    this.heard = heard;
    this.shown = [];
    this.filter = el("input", { type: "search", placeholder: "Filter lines", "aria-label": "filter lines", on: { input: () => this.update(true) } });
    this.list = el("div", { class: "list", tabindex: "0", role: "log", "aria-label": "log" });
    box.append(this.filter, this.list);
    this.rows = new Rows(this.list, 22, (row, at) => this._row(row, at));
    this.rows.inner.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) this.heard.seek(row.tick);
    });
  }

  update(force = false) {
    const { run, tick } = this.view;
    const time = run.timeOf(tick) + 1e-6;
    const count = lastUpTo(run.log, time, (line) => line.time) + 1;
    const key = `${run.number} ${count} ${run.log.length}`;
    if (!force && key === this.key) return;
    this.key = key;
    const wanted = this.filter.value.toLowerCase();
    this.shown = run.log.filter((line) => !wanted || `${line.name} ${line.text}`.toLowerCase().includes(wanted));
    this.now = lastUpTo(this.shown, time, (line) => line.time);
    this.rows.set(this.shown.length);
    if (this.now >= 0) this.rows.show(this.now);
  }

  _row(row, at) {
    const line = this.shown[at];
    if (!row.firstChild) row.append(el("span", { class: "time" }), el("span", { class: "from" }), el("span", { class: "text" }));
    row.tick = line.tick >= 0 ? line.tick : this.view.run.tickAt(line.time);
    row.className = `row log-${LEVELS[line.level] || "info"}${at > this.now ? " later" : ""}${at === this.now ? " now" : ""}`;
    row.children[0].textContent = seconds(line.time);
    row.children[1].textContent = line.name;
    row.children[2].textContent = line.text.slice(0, 2000);
    row.title = line.text.slice(0, 2000);
  }
}

export class Yaml {
  constructor(box, view, heard) {
    this.view = view;
    this.heard = heard;
    this.pick = el("select", { "aria-label": "file", on: { change: () => { this.chosen = this.pick.value; this.update(); } } });
    this.list = el("div", { class: "list code", tabindex: "0", role: "group", "aria-label": "YAML source" });
    box.append(this.pick, this.list);
    this.rows = new Rows(this.list, 20, (row, at) => this._row(row, at));
    this.rows.inner.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      const nodes = row ? this.byLine.get(row.line) : null;
      if (nodes) this.heard.select(nodes[0].uid);
    });
  }

  update() {
    const { run, tick, selected } = this.view;
    const era = run.treeAt(tick);
    if (!era) return;
    const node = era.byUid.get(selected) || era.nodes[0];
    if (era !== this.era) {
      this.era = era;
      this.file = "";
      this.pick.replaceChildren(...[...era.files.keys()].map((file) => el("option", { value: file, text: file.split(/[\\/]/).pop() })));
      this.pick.hidden = era.files.size < 2;
    }
    const moved = this.of !== `${selected}`;
    if (moved) this.chosen = node && era.files.has(node.file) ? node.file : era.file;
    const file = this.chosen && era.files.has(this.chosen) ? this.chosen : [...era.files.keys()][0];
    if (file !== this.file) {
      this.file = file;
      this.pick.value = file;
      this.lines = era.files.get(file) || [];
      this.byLine = new Map();
      for (const each of era.nodes) if (each.file === file) this.byLine.set(each.line, [...(this.byLine.get(each.line) || []), each]);
    }
    this.active = new Set(run.running(tick).filter((each) => each.file === file).map((each) => each.line));
    this.line = node && node.file === file ? node.line : 0;
    this.rows.set(this.lines.length);
    this.of = `${selected}`;
    if (moved && this.line) this.rows.show(this.line - 1, true);
  }

  _row(row, at) {
    const { run, tick } = this.view;
    if (!row.firstChild) row.append(el("span", { class: "status" }), el("span", { class: "line" }), el("code"));
    const nodes = this.byLine.get(at + 1) || [];
    const status = nodes.length ? run.state(nodes[0].uid, tick).status : "";
    row.line = at + 1;
    row.className = `row${this.active.has(at + 1) ? " active" : ""}${this.line === at + 1 ? " selected" : ""}${nodes.length ? " node" : ""} ${mark(status)}`;
    row.children[0].textContent = nodes.length ? SYMBOLS[status] : "";
    row.children[1].textContent = at + 1;
    row.children[2].textContent = this.lines[at].slice(0, 1000);
    if (this.active.has(at + 1)) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}
