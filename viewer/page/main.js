// The page: one moment of one run (or of two), shown by all of its parts at once.

import { Camera } from "./camera.js";
import { Compare, differences } from "./compare.js";
import { Control } from "./control.js";
import { byId, el, mark, seconds } from "./dom.js";
import { info, listen, load } from "./feed.js";
import { Keys } from "./keys.js";
import { Blackboard, Log, Why, Yaml } from "./panels.js";
import { Questions } from "./questions.js";
import { Run } from "./run.js";
import { Scene } from "./scene.js";
import { Timeline } from "./timeline.js";
import { Outline, label } from "./tree.js";

const view = { run: null, other: null, differences: [], tick: 0, selected: -1, onlyActive: false, follow: false, pinned: false, playing: false, marks: null };
const otherView = { get run() { return view.other; }, get tick() { return view.tick; }, selected: -1, get onlyActive() { return view.onlyActive; }, marks: null };
const runs = [];
let stopListening = null;
let drawing = 0;
let tab = "why";

const heard = { select: pick, seek, choose, command: (data) => control.send(data), steered: () => control.on, state: steered, difference };
const outline = new Outline(byId("tree"), byId("map"), view, heard);
const otherOutline = new Outline(byId("other-tree"), byId("other-map"), otherView, {
  select(uid) {
    const era = view.other.treeAt(view.tick);
    choose(era.byUid.get(uid).path, uid);
  },
});
const timeline = new Timeline(byId("timeline"), byId("lanes"), view, heard);
const camera = new Camera(byId("camera"), view);
const otherCamera = new Camera(byId("other-camera"), otherView);
const scene = new Scene(byId("scene"), view);
const control = new Control(view, heard);
view.marks = (node) => control.marks(node);
const panels = {
  why: new Why(byId("why"), view, heard),
  questions: new Questions(byId("questions"), view, heard),
  values: new Blackboard(byId("values"), view, heard),
  log: new Log(byId("log"), view, heard),
  yaml: new Yaml(byId("yaml"), view, heard),
  steer: control,
  compare: new Compare(byId("compare"), view, heard),
};
const keys = new Keys();
const LOST = "the run cannot be reached; trying again";

// -- moving ---------------------------------------------------------------------------------------------------------

function seek(tick, mayFollow = false) {
  const { run } = view;
  view.tick = Math.max(0, Math.min(Math.round(tick), Math.max(run.lastTick, view.other ? view.other.lastTick : 0)));
  if (!mayFollow && view.follow && !(run.live && view.tick === run.lastTick)) setFollow(false);
  draw();
}

// What somebody chose stays chosen, also while the page follows the run.
function pick(uid, middle = false) {
  view.pinned = true;
  select(uid, middle);
}

function select(uid, middle = false) {
  view.selected = uid;
  if (view.other) {
    const node = nodeOf(uid);
    const era = view.other.treeAt(view.tick);
    const twin = node && era ? era.byPath.get(node.path) : null;
    otherView.selected = twin ? twin.uid : -1;
    if (twin) otherOutline.show(twin.uid, middle);
  }
  outline.show(uid, middle);
  draw();
}

function nodeOf(uid) {
  const era = view.run.treeAt(view.tick);
  return era ? era.byUid.get(uid) : null;
}

function choose(path, other = -1) {
  const era = view.run.treeAt(view.tick);
  const base = era && (era.byPath.get(path) || era.byPath.get(path.split("#")[0]));
  if (base) pick(base.uid);
  else if (other >= 0) {
    otherView.selected = other;
    draw();
  }
}

function difference(each) {
  seek(each.tick);
  if (each.kind === "status") choose(each.what);
}

function nextRunning(step) {
  const leaves = view.run.running(view.tick);
  if (!leaves.length) return;
  const here = leaves.findIndex((leaf) => leaf.uid === view.selected);
  pick(leaves[(here + step + leaves.length * 2 + (here < 0 && step < 0 ? 1 : 0)) % leaves.length].uid, true);
  byId("tree").focus({ preventScroll: true });
}

function toFailure(step) {
  const found = view.run.failure(view.tick, step);
  if (!found) return notice(step > 0 ? "no later failure" : "no earlier failure");
  seek(found[0]);
  return pick(found[1], true);
}

function toChange(step) {
  const tick = view.run.changeOf(view.selected, view.tick, step);
  if (tick === null) notice(step > 0 ? "this node does not change any more" : "this node did not change before");
  else seek(tick);
}

function toDifference(step) {
  const found = view.differences;
  const next = step > 0 ? found.find((each) => each.tick > view.tick) : found.filter((each) => each.tick < view.tick).pop();
  if (next) difference(next);
  else notice(view.other ? "no other difference there" : "choose a run to compare with first");
}

function notice(text) {
  byId("notice").textContent = text;
  byId("notice").hidden = !text;
  clearTimeout(notice.timer);
  if (text) notice.timer = setTimeout(() => notice(""), 4000);
}

// -- playing and following ------------------------------------------------------------------------------------------

function setFollow(on) {
  view.follow = on;
  view.pinned = false;
  byId("follow").setAttribute("aria-pressed", String(on));
  if (on && view.run.live) view.tick = view.run.lastTick;
  draw();
}

function setPlaying(on) {
  view.playing = on;
  byId("play").textContent = on ? "❚❚" : "▶";
  byId("play").setAttribute("aria-label", on ? "pause" : "play");
  if (!on) return;
  if (view.tick >= view.run.lastTick) view.tick = 0;
  const began = performance.now();
  const from = view.run.timeOf(view.tick);
  const step = (now) => {
    if (!view.playing) return;
    const tick = view.run.tickAt(from + (now - began) / 1000);
    if (tick !== view.tick) seek(Math.max(tick, view.tick), true);
    if (view.tick >= view.run.lastTick) setPlaying(false);
    else requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function followRunning() {
  const { run, tick } = view;
  const leaves = run.running(tick);
  if (view.pinned || !leaves.length || leaves.some((leaf) => leaf.uid === followRunning.last)) return;
  followRunning.last = leaves[0].uid;
  select(leaves[0].uid);
}

// -- drawing --------------------------------------------------------------------------------------------------------

function draw() {
  if (!drawing && view.run) drawing = requestAnimationFrame(paint);
}

function paint() {
  drawing = 0;
  if (view.follow) followRunning();
  outline.update();
  matches();
  if (view.other) otherOutline.update();
  leaves();
  heading();
  timeline.paint();
  camera.update();
  if (view.other) otherCamera.update();
  else scene.update();
  control.update();
  panels[tab].update();
}

function heading() {
  const { run, tick } = view;
  const era = run.treeAt(tick);
  byId("title").textContent = era ? era.name : run.name;
  document.title = `${era ? era.name : run.name} – knothole`;
  const outcome = run.end ? String(run.end.outcome || "ended") : run.live && !run.ended && run.complete ? "LIVE" : "UNFINISHED";
  byId("outcome").textContent = outcome;
  byId("outcome").title = run.problem;
  byId("outcome").className = `badge ${outcome === "SUCCESS" ? "s-success" : ["FAILURE", "FAULT"].includes(outcome) ? "s-failure" : "s-running"}`;
  byId("moment").textContent = `tick ${tick} of ${run.lastTick} · ${seconds(run.timeOf(tick))}`;
}

function matches() {
  const said = outline.words ? `${outline.found.length} found` : "";
  if (byId("matches").textContent !== said) byId("matches").textContent = said;
}

function leaves() {
  const found = view.run.running(view.tick);
  const key = found.map((leaf) => `${leaf.uid} ${view.run.state(leaf.uid, view.tick).reason}`).join("\n") + view.selected;
  if (key === leaves.key) return;
  leaves.key = key;
  const chips = found.slice(0, 24).map((leaf, at) =>
    el("li", {}, el("button", { class: `leaf${leaf.uid === view.selected ? " selected" : ""}`, title: leaf.path, on: { click: () => pick(leaf.uid, true) } },
      at < 9 ? el("kbd", { text: at + 1 }) : null, el("b", { text: label(leaf) }), " ", el("span", { text: view.run.state(leaf.uid, view.tick).reason.slice(0, 120) }))));
  if (found.length > 24) chips.push(el("li", { class: "empty", text: `and ${found.length - 24} more` }));
  if (!found.length) chips.push(el("li", { class: "empty", text: "nothing" }));
  byId("leaves").replaceChildren(...chips);
}

function showTab(name, focus = true) {
  if (byId(`tab-${name}`).hidden) return;
  tab = name;
  for (const button of byId("tabs").children) {
    const on = button.id === `tab-${name}`;
    button.setAttribute("aria-selected", String(on));
    button.tabIndex = on ? 0 : -1;
    byId(button.getAttribute("aria-controls")).hidden = !on;
  }
  if (focus) byId(`tab-${name}`).focus();
  draw();
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    sessionStorage.setItem("theme", theme);
  } catch {
    // pages without storage forget it
  }
  draw();
}

// -- runs -----------------------------------------------------------------------------------------------------------

async function open(number) {
  const run = await loaded(number);
  if (stopListening) stopListening();
  stopListening = null;
  view.run = run;
  const root = run.tree && run.tree.nodes[0];
  view.selected = root ? root.uid : -1;
  view.tick = run.lastTick;
  if (run.live) {
    const news = () => {
      if (view.follow) view.tick = run.lastTick;
      if (view.selected < 0 && run.tree && run.tree.nodes.length) view.selected = run.tree.nodes[0].uid;
      draw();
    };
    stopListening = listen(run, run.next, { news, state: (state) => control.tell(state), warn: () => warn(run), connected: (on) => connected(run, on) });
    if (!run.ended) setFollow(true);
  }
  warn(run);
  byId("run").value = String(number);
  // no run is compared with itself; arrow keys pass over it
  for (const option of byId("other").options) option.disabled = option.value === String(number);
  if (view.other === run) compareWith(-1);
  else if (view.other) compareWith(view.other.number);
  draw();
}

// What else is said stays when the connection is there.
function connected(run, on) {
  if (!on && !run.ended) notice(LOST);
  else if (byId("notice").textContent === LOST) notice("");
}

function warn(run) {
  if (run.full) notice("the run has become long: this page leaves out where the robot stood, and later all but statuses; its trace has the rest");
  if (run.problem) notice(run.problem);
  else if (!run.complete) notice("this trace has no end: its writer was killed, or is still at work");
}

async function loaded(number) {
  const run = runs[number];
  if (run.next === undefined) run.next = await load(run, (count) => count > 30000 && notice(`${count} messages read`));
  return run;
}

async function compareWith(number) {
  view.other = number >= 0 && number !== view.run.number ? await loaded(number) : null;
  const on = Boolean(view.other);
  document.body.classList.toggle("comparing", on);
  for (const id of ["other-pane", "other-name", "tree-name", "other-camera", "tab-compare"]) byId(id).hidden = !on;
  byId("scene").hidden = on;
  byId("other").value = on ? String(number) : "";
  view.differences = on ? differences(view.run, view.other) : [];
  const apart = new Set(view.differences.filter((each) => each.kind === "status").map((each) => each.what));
  outline.different = on ? apart : null;
  otherOutline.different = on ? apart : null;
  outline.dirty = otherOutline.dirty = true;
  if (on) {
    byId("tree-name").textContent = view.run.name;
    byId("other-name").textContent = view.other.name;
    showTab("compare", false);
    if (view.differences.length) difference(view.differences[0]);
  } else if (tab === "compare") showTab("why", false);
  draw();
}

function steered(state) {
  byId("tab-steer").hidden = false;
  if (state.paused && view.run && view.run.live && view.follow) view.tick = view.run.lastTick;
  outline.rows.paint();
  draw();
}

// -- beginning ------------------------------------------------------------------------------------------------------

function wire() {
  const on = (id, act) => byId(id).addEventListener("click", act);
  on("follow", () => setFollow(!view.follow));
  on("only-active", toggleActive);
  on("open-all", () => outline.openAll());
  on("close-idle", () => outline.closeIdle());
  on("theme", toggleTheme);
  on("first", () => seek(0));
  on("last", () => seek(view.run.lastTick));
  on("tick-before", () => seek(view.tick - 1));
  on("tick-after", () => seek(view.tick + 1));
  on("failure-before", () => toFailure(-1));
  on("failure-after", () => toFailure(1));
  on("change-before", () => toChange(-1));
  on("change-after", () => toChange(1));
  on("play", () => setPlaying(!view.playing));
  byId("run").addEventListener("change", (event) => open(Number(event.target.value)));
  byId("other").addEventListener("change", (event) => compareWith(event.target.value === "" ? -1 : Number(event.target.value)));
  byId("tabs").addEventListener("click", (event) => event.target.matches("[role=tab]") && showTab(event.target.getAttribute("aria-controls")));
  byId("tabs").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const tabs = [...byId("tabs").children].filter((each) => !each.hidden);
    const at = tabs.findIndex((each) => each.getAttribute("aria-selected") === "true");
    showTab(tabs[(at + step + tabs.length) % tabs.length].getAttribute("aria-controls"));
    event.stopPropagation();
  });
  const search = byId("search");
  search.addEventListener("input", () => {
    const count = outline.search(search.value);
    matches();
    const first = count ? (outline.hits.has(view.selected) ? null : outline.match(1)) : null;
    if (first) pick(first.uid, true);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") toMatch(event.shiftKey ? -1 : 1);
    if (event.key === "Escape" || event.key === "ArrowDown") {
      byId("tree").focus();
      event.preventDefault();
    }
  });
  window.addEventListener("beforeprint", () => printed(true));
  window.addEventListener("afterprint", () => printed(false));
}

function toMatch(step) {
  const node = outline.match(step);
  if (node) pick(node.uid, true);
}

function toggleActive() {
  view.onlyActive = !view.onlyActive;
  byId("only-active").setAttribute("aria-pressed", String(view.onlyActive));
  outline.dirty = otherOutline.dirty = true;
  draw();
}

function toggleTheme() {
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
}

function printed(on) {
  const before = document.documentElement.dataset.theme;
  if (on) {
    printed.theme = before;
    document.documentElement.dataset.theme = "light";
  } else document.documentElement.dataset.theme = printed.theme || before;
  for (const rows of [outline.rows, otherOutline.rows, panels.log.rows, panels.yaml.rows]) {
    rows.all = on;
    rows.paint();
  }
  for (const panel of Object.values(panels)) if (on) panel.update();
  paint();
}

function bind() {
  keys.add(["/"], "search; Enter and Shift+Enter go through what is found", () => byId("search").focus());
  keys.add(["n", "N"], "next and previous match", (event) => toMatch(event.key === "n" ? 1 : -1));
  keys.add(["r", "R"], "next and previous running leaf", (event) => nextRunning(event.key === "r" ? 1 : -1));
  for (let at = 1; at <= 9; at += 1) {
    keys.add([String(at)], at === 1 ? "the running leaf of this number" : "", () => {
      const leaf = view.run.running(view.tick)[at - 1];
      if (leaf) pick(leaf.uid, true);
    }, "1 … 9");
  }
  keys.add(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"], "move in the tree, open and close", (event) => {
    byId("tree").focus();
    byId("tree").dispatchEvent(new KeyboardEvent("keydown", { key: event.key, bubbles: false }));
  }, "↑ ↓ ← →");
  keys.add(["e"], "expand all", () => outline.openAll());
  keys.add(["c"], "collapse what is idle", () => outline.closeIdle());
  keys.add(["a"], "only nodes that were ticked", toggleActive);
  keys.add(["l"], "follow what runs", () => setFollow(!view.follow));
  keys.add([",", "."], "tick before, next tick", (event) => seek(view.tick + (event.key === "." ? 1 : -1)));
  keys.add(["<", ">"], "ten ticks back, on", (event) => seek(view.tick + (event.key === ">" ? 10 : -10)));
  keys.add(["[", "]"], "change of this node: before, next", (event) => toChange(event.key === "]" ? 1 : -1));
  keys.add(["F", "f"], "failure: before, next", (event) => toFailure(event.key === "f" ? 1 : -1));
  keys.add(["D", "d"], "difference of two runs: before, next", (event) => toDifference(event.key === "d" ? 1 : -1));
  keys.add(["0", "$"], "first and last tick", (event) => seek(event.key === "0" ? 0 : view.run.lastTick));
  keys.add([" "], "play; with steering: pause and resume", () => (control.on ? control.send(control.pausing()) : setPlaying(!view.playing)), "space");
  const steer = (act) => () => (control.on ? act() : notice("this view is read-only"));
  keys.add(["s"], "steering: step", steer(() => control.send(control.stepping())));
  keys.add(["u"], "steering: run until this node is ticked", steer(() => byId("run-to").click()));
  keys.add(["B"], "steering: break at this node, or not any more", steer(() => control.send(control.breaking())));
  keys.add(["X"], "steering: stop the robot and end the run", steer(() => control.send({ do: "stop" })));
  const tabs = { w: "why", q: "questions", v: "values", g: "log", y: "yaml", b: "steer", m: "compare" };
  keys.add(Object.keys(tabs), "why, questions, blackboard, log, YAML, debug, compare", (event) => showTab(tabs[event.key]));
  keys.add(["i"], "the timeline, for arrows and page keys", () => byId("timeline").focus());
  keys.add(["t"], "light or dark", toggleTheme);
  keys.add(["?"], "these keys", () => byId("keys").showModal());
  keys.list();
}

async function begin() {
  let theme = null;
  try {
    theme = sessionStorage.getItem("theme");
  } catch {
    // as in setTheme
  }
  document.documentElement.dataset.theme = theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  wire();
  bind();
  showTab("why", false);
  try {
    const told = await info();
    told.sources.forEach((source, number) => runs.push(new Run(number, source.name, source.live)));
    const options = () => runs.map((run) => el("option", { value: run.number, text: run.live ? `${run.name} (live)` : run.name }));
    byId("run").replaceChildren(...options());
    byId("other").replaceChildren(el("option", { value: "", text: "–" }), ...options());
    byId("run-choice").hidden = byId("other-choice").hidden = runs.length < 2;
    await open(0);
  } catch (error) {
    byId("title").textContent = "cannot read the run";
    notice(error.message);
  }
  document.body.dataset.ready = "true";
}

// What tests and benchmarks ask of the page; nothing here can steer.
window.knothole = { view, runs, outline };
begin();
