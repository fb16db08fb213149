// The run on one axis: what the root and the chosen node were, what ran, what failed, what was asked.

import { colors, fit } from "./dom.js";
import { limitsOf, verdict } from "./questions.js";

const LEFT = 92;
const RIGHT = 12;
const LANES = ["root", "this node", "leaves", "failures", "questions", "marks"];

export class Timeline {
  constructor(box, canvas, view, heard) {
    this.box = box;
    this.canvas = canvas;
    this.view = view;
    this.heard = heard;
    this.still = document.createElement("canvas");
    this.sight = null; // [from, to] in seconds; null shows all
    box.addEventListener("keydown", (event) => this._key(event));
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      box.focus();
      this._scrub(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && this._scrub(event));
    canvas.addEventListener("wheel", (event) => this._zoom(event), { passive: false });
    canvas.addEventListener("dblclick", () => {
      this.sight = null;
      this.paint();
    });
    new ResizeObserver(() => this.paint()).observe(canvas);
  }

  range() {
    const end = Math.max(this.view.run.lastTime, this.view.other ? this.view.other.lastTime : 0, 0.05);
    return this.sight || [0, end];
  }

  x(time) {
    const [from, to] = this.range();
    return LEFT + ((time - from) / (to - from || 1)) * (this.width - LEFT - RIGHT);
  }

  time(x) {
    const [from, to] = this.range();
    return from + ((x - LEFT) / Math.max(1, this.width - LEFT - RIGHT)) * (to - from);
  }

  _scrub(event) {
    const box = this.canvas.getBoundingClientRect();
    const { run } = this.view;
    const time = this.time(event.clientX - box.left);
    const tick = run.tickAt(Math.max(0, time));
    const nearer = run.timeOf(tick + 1) - time < time - run.timeOf(tick) ? 1 : 0;
    this.heard.seek(Math.min(tick + nearer, run.lastTick));
  }

  _zoom(event) {
    event.preventDefault();
    const box = this.canvas.getBoundingClientRect();
    const [from, to] = this.range();
    const end = this.view.run.lastTime;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const by = ((event.deltaX || event.deltaY) / Math.max(1, this.width)) * (to - from);
      const move = Math.max(-from, Math.min(by, Math.max(0, end - to)));
      this.sight = [from + move, to + move];
    } else {
      const at = this.time(event.clientX - box.left);
      const scale = Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300)));
      const next = [Math.max(0, at - (at - from) * scale), Math.min(end, at + (to - at) * scale)];
      if (next[1] - next[0] < 0.1) return;
      this.sight = next[0] <= 0 && next[1] >= end ? null : next;
    }
    this.paint();
  }

  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { run, tick } = this.view;
    const far = Math.max(10, Math.round(run.lastTick / 20));
    const keys = {
      ArrowRight: () => tick + 1,
      ArrowLeft: () => tick - 1,
      ArrowUp: () => tick + 1,
      ArrowDown: () => tick - 1,
      PageUp: () => tick + far,
      PageDown: () => tick - far,
      Home: () => 0,
      End: () => run.lastTick,
    };
    if (!keys[event.key]) return;
    this.heard.seek(keys[event.key]());
    event.preventDefault();
    event.stopPropagation();
  }

  paint() {
    const { run, tick, selected, other } = this.view;
    if (!run) return;
    const { context, width, height } = fit(this.canvas);
    this.width = width;
    const paint = colors();
    const { theme } = document.documentElement.dataset;
    const key = `${run.number} ${run.version} ${run.ended} ${selected} ${other ? other.number : ""} ${this.range()} ${width} ${height} ${window.devicePixelRatio} ${theme}`;
    if (key !== this.key) {
      this.key = key;
      this.still.width = this.canvas.width;
      this.still.height = this.canvas.height;
      const beneath = this.still.getContext("2d");
      beneath.setTransform(context.getTransform());
      this._lanes(beneath, paint, width, height);
    }
    context.clearRect(0, 0, width, height);
    context.drawImage(this.still, 0, 0, width, height);
    const x = this.x(run.timeOf(tick));
    if (x >= LEFT - 6) {
      context.fillStyle = paint.accent;
      context.fillRect(x - 1, 0, 2, height);
      context.beginPath();
      context.moveTo(x - 6, 0);
      context.lineTo(x + 6, 0);
      context.lineTo(x, 8);
      context.fill();
    }
    this.box.setAttribute("aria-valuemax", run.lastTick);
    this.box.setAttribute("aria-valuenow", tick);
    this.box.setAttribute("aria-valuetext", `tick ${tick} of ${run.lastTick}, ${run.timeOf(tick).toFixed(2)} seconds`);
  }

  // All but the present moment, which alone moves from tick to tick.
  _lanes(context, paint, width, height) {
    const { run, selected, other } = this.view;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    const axis = 18;
    const tall = (height - axis) / LANES.length;
    LANES.forEach((lane, at) => {
      context.fillStyle = paint.faint;
      context.fillText(lane, 8, axis + tall * (at + 0.5));
      context.fillStyle = paint.line;
      context.fillRect(LEFT, axis + tall * (at + 1) - 1, width - LEFT - RIGHT, 1);
    });
    context.beginPath();
    context.rect(LEFT - 6, 0, width - LEFT - RIGHT + 12, height);
    context.clip();
    this._axis(context, paint, axis, height);
    const lane = (at) => [axis + tall * at + 2, tall - 5];
    const era = run.tree;
    if (era && era.nodes.length) this._history(context, paint, run.histories[era.nodes[0].uid], ...lane(0), run);
    if (selected >= 0) this._history(context, paint, run.histories[selected], ...lane(1), run);
    this._leaves(context, paint, ...lane(2));
    this._marks(context, run.failures.map(([at]) => run.timeOf(at)), paint.FAILURE, ...lane(3));
    this._questions(context, paint, ...lane(4));
    const [top, size] = lane(5);
    this._marks(context, run.eras.slice(1).map((each) => run.timeOf(each.begin)), paint.warn, top, size);
    this._marks(context, run.interventions.map((each) => each.time), paint.accent, top, size);
    if (other) {
      const ticks = this.view.differences.map((each) => run.timeOf(each.tick));
      this._marks(context, ticks, paint.warn, top, size);
    }
  }

  _axis(context, paint, axis, height) {
    const [from, to] = this.range();
    const steps = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 36000];
    const room = ((this.width - LEFT - RIGHT) / (to - from || 1));
    const step = steps.find((each) => each * room >= 64) || steps[steps.length - 1];
    context.fillStyle = paint.faint;
    for (let at = Math.ceil(from / step) * step; at <= to + 1e-9; at += step) {
      const x = this.x(at);
      context.fillRect(x, axis - 4, 1, 4);
      context.globalAlpha = 0.15;
      context.fillRect(x, axis, 1, height);
      context.globalAlpha = 1;
      context.fillText(step < 1 ? at.toFixed(2) : `${Math.round(at)} s`, x + 3, axis / 2);
    }
  }

  _history(context, paint, history, top, size, run) {
    if (!history) return;
    const { ticks, statuses, resets } = history;
    let drawn = -Infinity;
    for (let at = 0; at < ticks.length; at += 1) {
      const status = statuses[at];
      if (status === "INVALID") continue;
      const from = this.x(run.timeOf(ticks[at]));
      let next = at + 1;
      while (next < ticks.length && statuses[next] === status) next += 1;
      const until = next < ticks.length ? ticks[next] + (resets[next] && ticks[next] === ticks[at] ? 1 : 0) : run.lastTick + (run.ended ? 1 : 0);
      const to = this.x(run.timeOf(until));
      at = next - 1;
      if (to < LEFT - 6 || from > this.width || (to <= drawn && status !== "FAILURE")) continue;
      context.fillStyle = paint[status];
      const wide = Math.max(status === "RUNNING" ? 1 : 2.5, to - from - 0.5);
      context.fillRect(from, top, wide, size);
      drawn = from + wide;
    }
  }

  // Leaves that were RUNNING, each a bar; those at the same time stand on two levels.
  _leaves(context, paint, top, size) {
    const { run } = this.view;
    if (this.leavesOf !== `${run.number} ${run.version}`) {
      this.leavesOf = `${run.number} ${run.version}`;
      this.bars = leafBars(run);
    }
    context.save();
    for (const bar of this.bars) {
      const from = this.x(bar.from);
      const to = this.x(bar.to);
      if (to < LEFT || from > this.width) continue;
      context.fillStyle = paint.RUNNING;
      context.globalAlpha = bar.odd ? 0.55 : 0.85;
      const y = top + (bar.level ? size / 2 : 0);
      const tall = bar.shared ? size / 2 : size;
      context.fillRect(from, y, Math.max(1, to - from - 1), tall);
      if (to - from > 34 && tall > 9) {
        context.globalAlpha = 1;
        context.fillStyle = paint.paper;
        context.save();
        context.beginPath();
        context.rect(from, y, to - from - 3, tall);
        context.clip();
        context.fillText(bar.name, Math.max(from, LEFT) + 4, y + tall / 2);
        context.restore();
      }
    }
    context.restore();
  }

  _marks(context, times, color, top, size) {
    context.fillStyle = color;
    let last = -10;
    for (const time of times) {
      const x = this.x(time);
      if (x - last < 1 || x < LEFT - 4) continue;
      context.fillRect(x - 2, top, 4, size);
      last = x;
    }
  }

  _questions(context, paint, top, size) {
    const { run } = this.view;
    let last = -10;
    for (const question of run.questions) {
      const x = this.x(question.time);
      if (x < LEFT - 4 || x > this.width || x - last < 0.7) continue;
      last = x;
      context.fillStyle = paint[verdict(question, limitsOf(run, question.asker)).status] || paint.faint;
      context.beginPath();
      context.arc(x, top + size / 2, Math.min(3.5, size / 2), 0, 7);
      context.fill();
    }
  }
}

// A node that a change of the tree kept has one history over all of its trees.
export function leafBars(run) {
  const bars = [];
  const leaves = new Map();
  for (const era of run.eras) for (const node of era.nodes) if (!node.children.length) leaves.set(node.uid, node);
  for (const node of leaves.values()) {
    const { ticks, statuses } = run.histories[node.uid];
    for (let at = 0; at < ticks.length; at += 1) {
      if (statuses[at] !== "RUNNING") continue;
      const from = ticks[at];
      while (at + 1 < ticks.length && statuses[at + 1] === "RUNNING") at += 1;
      const to = at + 1 < ticks.length ? ticks[at + 1] : run.lastTick;
      bars.push({ from: run.timeOf(from), to: run.timeOf(to), name: node.name || node.type, level: 0, shared: false });
    }
  }
  bars.sort((one, two) => one.from - two.from);
  const until = [-1, -1];
  bars.forEach((bar, at) => {
    bar.odd = at % 2;
    bar.level = bar.from >= until[0] ? 0 : 1;
    bar.shared = bar.level === 1;
    if (bar.shared) for (let back = at - 1; back >= 0 && at - back < 8; back -= 1) if (bars[back].to > bar.from) bars[back].shared = true;
    until[bar.level] = Math.max(until[bar.level], bar.to);
  });
  return bars;
}
