// Steering a run that is live: pause, step, breakpoints, forced results, answers to questions, the stop.

import { byId, el } from "./dom.js";
import { command } from "./feed.js";
import { label } from "./tree.js";

export class Control {
  constructor(view, heard) {
    this.view = view;
    this.heard = heard;
    this.state = null;
    this.said = byId("said");
    const act = (id, make) => byId(id).addEventListener("click", () => this.send(make()));
    act("pause", () => this.pausing());
    act("step", () => this.stepping());
    act("run-to", () => ({ do: "run_to", node: this._path() }));
    act("stop", () => ({ do: "stop" }));
    byId("break-form").addEventListener("submit", (event) => this._break(event));
    byId("force-form").addEventListener("submit", (event) => this._force(event));
  }

  get on() {
    return this.state !== null && !this.state.ended && this.view.run.live;
  }

  pausing() {
    return { do: this.state && this.state.paused ? "resume" : "pause" };
  }

  stepping() {
    return { do: "step", ticks: Math.max(1, Number(byId("step-ticks").value) || 1) };
  }

  breaking() {
    const node = this._path();
    const known = (this.state ? this.state.breakpoints : []).find((each) => each.node === node && !each.status && !each.when && !each.answer);
    return known ? { do: "unbreak", id: known.id } : { do: "break", node, status: null, when: null, answer: null, once: false };
  }

  _path() {
    const { run, tick, selected } = this.view;
    const era = run.treeAt(tick);
    const node = era && (era.byUid.get(selected) || era.nodes[0]);
    return node ? node.path : "";
  }

  async send(data) {
    const told = await command(data);
    if (told.ok) {
      // the state comes with the events, in order; the one in this answer may be older than the newest of those
      this._say(WORDS[data.do] ?? "");
    } else this._say(told.error || "refused", true);
    return told;
  }

  _say(text, wrong = false) {
    this.said.textContent = text;
    this.said.className = wrong ? "wrong" : "";
  }

  tell(state) {
    if (!state || typeof state !== "object") return;
    this.state = state;
    document.body.classList.toggle("paused", Boolean(state.paused) && !state.ended);
    byId("pause").textContent = state.paused ? "Resume" : "Pause";
    byId("pause").setAttribute("aria-pressed", String(Boolean(state.paused)));
    for (const id of ["pause", "step", "run-to", "stop"]) byId(id).disabled = Boolean(state.ended);
    this._list("breakpoints", state.breakpoints || [], (each) => [conditions(each), { do: "unbreak", id: each.id }, "remove"]);
    this._list("forced", state.forced || [], (each) => [`${each.node} → ${each.status}${each.once ? ", once" : ", always"}`, { do: "release", node: each.node }, "release"]);
    this._questions(state.questions || []);
    this.heard.state(state);
  }

  _list(id, rows, make) {
    const key = JSON.stringify(rows);
    const box = byId(id);
    if (box.key === key) return;
    box.key = key;
    box.replaceChildren(...rows.map((row) => {
      const [said, undo, name] = make(row);
      return el("li", {}, el("span", { text: said }), el("button", { text: name, "aria-label": `${name} ${said}`, on: { click: () => this.send(undo) } }));
    }));
    if (!rows.length) box.append(el("li", { class: "empty", text: "none" }));
  }

  _questions(questions) {
    const box = byId("asks");
    const key = JSON.stringify(questions);
    if (box.key === key) return;
    box.key = key;
    box.hidden = !questions.length;
    box.replaceChildren(...questions.map((question) => {
      const answer = (text) => this.send({ do: "answer", question: question.id, text });
      const options = question.options || [];
      const input = el("input", { type: "text", "aria-label": `answer to: ${question.prompt}`, placeholder: question.default ? `${question.default} (default)` : "answer" });
      const form = el("form", { on: { submit: (event) => { event.preventDefault(); answer(input.value || question.default || ""); } } },
        ...options.map((option) => el("button", { type: "button", text: option, on: { click: () => answer(option) } })),
        ...(options.length ? [] : [input, el("button", { text: "answer" })]));
      const until = Number.isFinite(question.until) ? ` (until ${question.until.toFixed(1)} s)` : "";
      return el("div", { class: "ask" }, el("strong", { text: question.prompt }), until, form);
    }));
  }

  _break(event) {
    event.preventDefault();
    const value = (id) => byId(id).value.trim() || null;
    const node = byId("break-any").checked ? null : this._path();
    const data = { do: "break", node, status: value("break-status"), when: value("break-when"), answer: value("break-answer"), once: byId("break-once").checked };
    if (!node && !data.status && !data.when && !data.answer) return this._say("say when: a status, an expression or an answer", true);
    return this.send(data);
  }

  _force(event) {
    event.preventDefault();
    return this.send({ do: "force", node: this._path(), status: byId("force-status").value, once: byId("force-once").checked });
  }

  // What of a node the outline marks.
  marks(node) {
    if (!this.state) return "";
    const stops = (this.state.breakpoints || []).some((each) => each.node === node.path);
    const forced = (this.state.forced || []).find((each) => each.node === node.path);
    return `${stops ? "● break " : ""}${forced ? `⚑ ${String(forced.status).toLowerCase()} ` : ""}`;
  }

  _standing(run) {
    const { paused, ended, reason, tick } = this.state;
    if (ended) return `ended in tick ${tick}`;
    if (!paused) return `running, tick ${Math.max(tick, run.lastTick)}`;
    if (!stands(this.state, run)) return `pausing in tick ${tick}`;
    return `paused at tick ${tick}${reason && reason !== "paused" ? `: ${reason}` : ""}`;
  }

  update() {
    const { run, tick, selected } = this.view;
    const era = run.treeAt(tick);
    const node = era && (era.byUid.get(selected) || era.nodes[0]);
    byId("debug").hidden = !this.state || !run.live;
    if (this.state) byId("standing").textContent = this._standing(run);
    for (const chosen of document.querySelectorAll(".chosen")) chosen.textContent = node ? label(node) : "";
  }
}

// Whether a run stands, as far as what was written until then is here: its messages come later than its state.
function stands(state, run) {
  return state.standing && (run.stoodAt >= state.tick || Boolean(run.problem));
}

// What is said of a command whose effect does not show at once.
const WORDS = { run_to: "runs until the node is ticked", break: "breakpoint set", unbreak: "breakpoint removed", set: "value set", force: "result forced", release: "released", answer: "answered", stop: "stopped" };

function conditions(each) {
  const parts = [each.node || "any node"];
  if (each.status) parts.push(`is ${each.status}`);
  if (each.when) parts.push(`when ${each.when}`);
  if (each.answer) parts.push(`answer ${each.answer}`);
  const wrong = each.problem ? `; cannot be computed: ${each.problem}` : "";
  return `${parts.join(", ")}${each.once ? ", once" : ""}${each.hits ? ` (${each.hits} hits)` : ""}${wrong}`;
}
