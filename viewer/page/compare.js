// Two runs, tick by tick: where they begin to differ, and in what.

import { el } from "./dom.js";
import { brief } from "./run.js";

const MOST = 2000;

// Return [{tick, kind, what, one, two}], in order: each status, answer and value from where it begins to differ.
export function differences(one, two) {
  const found = [];
  const last = Math.min(one.lastTick, two.lastTick);
  statuses(one, two, last, found);
  answers(one, two, found);
  values(one, two, last, found);
  if (one.lastTick !== two.lastTick && one.ended && two.ended) {
    found.push({ tick: last, kind: "length", what: "ticks", one: `${one.lastTick}`, two: `${two.lastTick}` });
  }
  const order = { answer: 0, blackboard: 1, status: 2, length: 3 };
  found.sort((a, b) => a.tick - b.tick || order[a.kind] - order[b.kind]);
  return found.slice(0, MOST);
}

function byTick(run, last) {
  const found = new Map();
  for (const era of run.eras) {
    for (const node of era.nodes) {
      const { ticks } = run.histories[node.uid];
      for (const tick of ticks) {
        if (tick < era.begin || tick > last) continue;
        if (!found.has(tick)) found.set(tick, new Set());
        found.get(tick).add(node.path);
      }
    }
  }
  return found;
}

function statuses(one, two, last, found) {
  const changes = [byTick(one, last), byTick(two, last)];
  const ticks = [...new Set([...changes[0].keys(), ...changes[1].keys()])].sort((a, b) => a - b);
  const apart = new Set();
  const said = (run, path, tick) => {
    const era = run.treeAt(tick);
    const node = era && era.byPath.get(path);
    if (!node) return "not there";
    const state = run.state(node.uid, tick);
    return state.status || "idle";
  };
  let before = null;
  for (const tick of ticks) {
    const paths = new Set([...(changes[0].get(tick) || []), ...(changes[1].get(tick) || [])]);
    if (before !== null) for (const path of apart) paths.add(path);
    for (const path of paths) {
      const [a, b] = [said(one, path, tick), said(two, path, tick)];
      if (a === b) apart.delete(path);
      else if (!apart.has(path)) {
        apart.add(path);
        if (found.length < MOST) found.push({ tick, kind: "status", what: path, one: a, two: b });
      }
    }
    before = tick;
  }
}

// Answers, those to the same question in the order in which they came; one that only one run had counts as long as the
// other one went on.
function answers(one, two, found) {
  const read = (run) => {
    const counts = new Map();
    const rows = new Map();
    for (const answer of run.answers) {
      const key = `${answer.kind}: ${answer.question}`;
      const number = (counts.get(key) || 0) + 1;
      counts.set(key, number);
      rows.set(`${key}\n${number}`, answer);
    }
    return rows;
  };
  const [first, second] = [read(one), read(two)];
  for (const key of new Set([...first.keys(), ...second.keys()])) {
    const [here, there] = [first.get(key), second.get(key)];
    if (here ? !there && here.tick > two.lastTick : there.tick > one.lastTick) continue;
    const [a, b] = [here, there].map((each) => (each ? told(each) : "no answer"));
    const tick = Math.min(...[here, there].filter(Boolean).map((each) => each.tick));
    if (a !== b) found.push({ tick, kind: "answer", what: key.split("\n")[0], one: a, two: b });
  }
}

function told(answer) {
  const chances = Object.entries(answer.chances).map(([name, p]) => `${name} ${p.toFixed(2)}`);
  const regions = answer.regions.map((each) => `${each.label} ${each.box_xyxy.map((v) => Number(v).toFixed(2)).join(" ")}`);
  return brief([...chances, ...regions, answer.text, answer.problem].filter(Boolean).join(", "), 300);
}

function values(one, two, last, found) {
  for (const name of new Set([...one.cells.keys(), ...two.cells.keys()])) {
    const ticks = [...new Set([...(one.cells.get(name) || []), ...(two.cells.get(name) || [])].map((each) => each.tick))].filter((tick) => tick <= last).sort((a, b) => a - b);
    let apart = false;
    for (const tick of ticks) {
      const [a, b] = [one, two].map((run) => {
        const write = run.cell(name, tick);
        return write ? JSON.stringify(write.value) : "unset";
      });
      if (a !== b && !apart) found.push({ tick, kind: "blackboard", what: name, one: brief(a), two: brief(b) });
      apart = a !== b;
    }
  }
}

export class Compare {
  constructor(box, view, heard) {
    this.box = box;
    this.view = view;
    this.heard = heard;
    this.key = "";
  }

  update() {
    const { run, other, differences: found, tick } = this.view;
    if (!other) return;
    const key = `${run.number} ${other.number} ${found.length}`;
    if (key !== this.key) {
      this.key = key;
      const rows = found.slice(0, 500).map((each) => {
        const row = el("tr", { class: `kind-${each.kind}` },
          el("td", { class: "number" }, el("button", { class: "link", text: `${each.tick}`, "aria-label": `go to tick ${each.tick}`, on: { click: () => this.heard.difference(each) } })),
          el("td", { text: each.kind }), el("td", {}, el("span", { text: each.what.split("/").pop(), title: each.what })), el("td", { text: each.one }), el("td", { text: each.two }));
        row.tick = each.tick;
        return row;
      });
      this.body = el("tbody", {}, ...rows);
      const head = el("tr", {}, ...["tick", "in", "what", run.name, other.name].map((text) => el("th", { scope: "col", text })));
      this.box.replaceChildren(
        el("p", { class: "headline", text: found.length ? `They differ from tick ${found[0].tick} on: ${found[0].kind} ${found[0].what}, ${found[0].one} here, ${found[0].two} there.` : "No difference in statuses, answers and values." }),
        el("table", { class: "cells" }, el("thead", {}, head), this.body),
      );
    }
    for (const row of this.body.children) row.classList.toggle("now", row.tick === tick);
  }
}
