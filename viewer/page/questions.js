// What was asked of the model: each question with its probability over time, and where it was accepted or rejected.

import { colors, el, fit, seconds } from "./dom.js";
import { brief, lastUpTo } from "./run.js";

// What a node was given at a port; null for what is not told, or computed anew each time.
function given(era, node, port) {
  if (!Object.keys(node.ports).length) return written(era, node, port);
  const value = Object.hasOwn(node.ports, port) ? node.ports[port] : null;
  return typeof value === "object" ? null : value;
}

// What a node's file says of a port, as the author wrote it: for traces of earlier versions, which tell no ports.
function written(era, node, port) {
  const lines = era.files.get(node.file);
  if (!lines || node.line < 1) return null;
  const after = era.nodes.filter((each) => each.file === node.file && (each.line > node.line || (each.line === node.line && each.column > node.column)));
  let [last, column] = [Math.min(lines.length, node.line + 30) + 1, 0];
  for (const each of after) if (each.line < last || (each.line === last && each.column < column)) [last, column] = [each.line, each.column];
  const own = lines.slice(node.line - 1, last);
  own[0] = (own[0] || "").slice(Math.max(0, node.column - 1));
  if (last === node.line) own[0] = own[0].slice(0, Math.max(0, column - node.column));
  else if (own.length > last - node.line) own[own.length - 1] = own[own.length - 1].slice(0, Math.max(0, column - 1));
  const found = new RegExp(`\\b${port}:\\s*(?:"([^"]*)"|'([^']*)'|([^,}\\s]+))`).exec(own.map((line) => line.replace(/(^|\s)#.*/, "")).join("\n"));
  return found ? (found[1] ?? found[2] ?? found[3]) : null;
}

export function verdict(question, limits = { expect: "yes", accept: 0.8, reject: 0.2 }) {
  const { answer } = question;
  if (question.cancelled >= 0) return { p: null, status: "SKIPPED", said: "cancelled" };
  if (!answer) return { p: null, status: "RUNNING", said: "no answer yet" };
  if (answer.problem) return { p: null, status: "SKIPPED", said: answer.problem };
  const chances = Object.entries(answer.chances);
  if (question.kind === "yes_no") {
    const p = answer.chances[limits.expect] ?? 0;
    const status = p >= limits.accept ? "SUCCESS" : p <= limits.reject ? "FAILURE" : "RUNNING";
    return { p, status, said: `p(${limits.expect}) = ${p.toFixed(2)}` };
  }
  if (chances.length) {
    const [name, p] = chances.reduce((best, each) => (each[1] > best[1] ? each : best));
    return { p, status: "SUCCESS", said: `${name}  ${p.toFixed(2)}` };
  }
  if (question.kind === "ground") {
    const names = answer.regions.map((region) => String(region.label ?? "")).join(", ");
    return { p: null, status: answer.regions.length ? "SUCCESS" : "FAILURE", said: names || "nothing found" };
  }
  return { p: null, status: "SUCCESS", said: brief(answer.text || answer.data || (answer.image ? "a picture" : ""), 200) };
}

const LIMITS = new WeakMap(); // run -> asker -> limits

// What an asker expects, and from which probability on it takes that for true, or for false.
export function limitsOf(run, asker) {
  if (!LIMITS.has(run)) LIMITS.set(run, new Map());
  const known = LIMITS.get(run);
  if (!known.has(asker)) {
    const era = run.eras.find((each) => each.byPath.has(asker));
    const node = era ? era.byPath.get(asker) : null;
    const number = (port, otherwise) => {
      const value = Number(node ? (given(era, node, port) ?? otherwise) : otherwise);
      return Number.isFinite(value) ? value : otherwise;
    };
    const expect = (node && given(era, node, "expect")) || "yes";
    known.set(asker, { expect: expect === "no" ? "no" : "yes", accept: number("accept", 0.8), reject: number("reject", 0.2) });
  }
  return known.get(asker);
}

export class Questions {
  constructor(box, view, heard) {
    this.box = box;
    this.view = view;
    this.heard = heard;
    this.cards = new Map();
    this.empty = el("p", { class: "empty", text: "Nothing was asked up to this moment." });
    box.append(this.empty);
  }

  update() {
    const { run, tick } = this.view;
    if (this.of !== run) {
      for (const card of this.cards.values()) card.box.remove();
      this.cards.clear();
      this.of = run;
      this.grouped = 0;
    }
    for (; this.grouped < run.questions.length; this.grouped += 1) {
      const question = run.questions[this.grouped];
      const key = `${question.asker}\n${question.kind}\n${question.text}`;
      if (!this.cards.has(key) && this.cards.size < 400) this.cards.set(key, this._card(question));
      if (this.cards.has(key)) this.cards.get(key).asked.push(question);
    }
    let shown = 0;
    const cards = [...this.cards.values()];
    for (const card of cards) {
      card.at = lastUpTo(card.asked, tick, (question) => question.tick);
      card.box.hidden = card.at < 0;
      if (card.at >= 0) shown += 1;
    }
    this.empty.hidden = shown > 0;
    const order = cards.filter((card) => card.at >= 0).sort((one, two) => two.asked[two.at].tick - one.asked[one.at].tick);
    const wanted = order.map((card) => card.box);
    const now = [...this.box.querySelectorAll(".question:not([hidden])")];
    if (wanted.some((box, at) => box !== now[at])) this.box.append(...wanted);
    order.forEach((card) => this._fill(card, tick)); // once it is in the page, and has a size
  }

  _card(question) {
    const canvas = el("canvas", { class: "spark", role: "img", tabindex: "0" });
    const said = el("span", { class: "said" });
    const meta = el("div", { class: "meta" });
    const asker = el("button", { class: "link", text: question.asker.split("/").slice(-2).join("/"), title: question.asker });
    const box = el("article", { class: "question" }, el("h3", { text: question.text }), el("div", { class: "by" }, el("span", { class: "kind", text: question.kind }), asker, said), canvas, meta);
    const card = { box, canvas, said, meta, asked: [], at: -1 };
    asker.addEventListener("click", () => this.heard.choose(question.asker));
    canvas.addEventListener("click", (event) => {
      const share = (event.clientX - canvas.getBoundingClientRect().left) / canvas.clientWidth;
      this.heard.seek(this.view.run.tickAt(share * this.view.run.lastTime));
    });
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const next = step && card.asked[card.at + step];
      if (next) this.heard.seek(next.tick);
      if (step) event.stopPropagation();
    });
    return card;
  }

  _fill(card, tick) {
    const question = card.asked[card.at];
    const limits = limitsOf(this.view.run, question.asker);
    const known = question.answer && question.answer.tick <= tick ? question : { ...question, answer: null };
    const told = verdict(known, limits);
    card.said.textContent = told.said;
    card.said.className = `said s-${{ SUCCESS: "success", FAILURE: "failure", RUNNING: "running", SKIPPED: "skipped" }[told.status]}`;
    const answer = known.answer;
    const facts = [`asked ${card.at + 1}× , last in tick ${question.tick}`.replace("× ,", "×,"), question.frame && `about ${question.frame}`];
    if (answer) {
      const others = Object.entries(answer.chances).map(([name, p]) => `${name} ${p.toFixed(2)}`).join(", ");
      facts.push(others, answer.neither > 0.005 && `neither ${answer.neither.toFixed(2)}`, `answered in tick ${answer.tick}`, answer.latency && `latency ${seconds(answer.latency)}`, answer.model || answer.backend);
      if (answer.text && answer.text !== told.said) facts.push(brief(answer.text, 300));
    }
    card.meta.textContent = facts.filter(Boolean).join(" · ");
    this._spark(card, limits);
    const numbers = card.asked.slice(0, card.at + 1).map((each) => verdict(each, limits).said);
    card.canvas.setAttribute("aria-label", `probability over time, latest ${numbers.slice(-3).join(", ")}`);
  }

  _spark(card, limits) {
    const drawn = card.asked.map((question) => [question.time, verdict(question, limits)]).filter(([, told]) => told.p !== null);
    card.canvas.hidden = !drawn.length;
    if (!drawn.length) return;
    const { context, width, height } = fit(card.canvas);
    const paint = colors();
    const { run, tick } = this.view;
    const x = (time) => 2 + (time / (run.lastTime || 1)) * (width - 4);
    const y = (p) => height - 3 - p * (height - 6);
    context.clearRect(0, 0, width, height);
    context.setLineDash([3, 3]);
    if (card.asked[0].kind === "yes_no") {
      for (const [p, color] of [[limits.accept, paint.SUCCESS], [limits.reject, paint.FAILURE]]) {
        context.strokeStyle = color;
        context.beginPath();
        context.moveTo(0, y(p));
        context.lineTo(width, y(p));
        context.stroke();
      }
    }
    context.setLineDash([]);
    context.strokeStyle = paint.faint;
    context.beginPath();
    drawn.forEach(([time, told], at) => (at ? context.lineTo(x(time), y(told.p)) : context.moveTo(x(time), y(told.p))));
    context.stroke();
    for (const [time, told] of drawn) {
      context.fillStyle = paint[told.status];
      context.beginPath();
      context.arc(x(time), y(told.p), 2.5, 0, 7);
      context.fill();
    }
    context.fillStyle = paint.accent;
    context.fillRect(x(run.timeOf(tick)) - 0.5, 0, 1.5, height);
  }
}
