// A run as the page knows it: every node's history, so that the state at any tick is a search and not a replay.

import { lastUpTo, list, text, whole } from "./plain.js";
import { Things } from "./things.js";

export { lastUpTo };
export const NOTHING = Object.freeze({ status: "", reason: "", tick: -1, at: -1 });
const NO_CHANGES = { tick: -1, changes: [], failed: false };
const STOPPED = ["TIME_LIMIT", "INTERRUPTED", "TERMINATED", "UNRECORDED"];
const RAISED = "fault: "; // how the reason of a node begins that raised
const STATUSES = new Set(["SUCCESS", "FAILURE", "RUNNING", "SKIPPED", "INVALID"]);

export class Run {
  constructor(number, name, live) {
    this.number = number;
    this.name = name;
    this.live = live;
    this.version = 0;
    this.began = null;
    this.start = {};
    this.end = null;
    this.ended = false;
    this.complete = true;
    this.full = false;
    this.problem = ""; // why its trace could not be written to the end
    this.lastTick = 0;
    this.lastTime = 0;
    this.eras = []; // each: the tree from a tick on
    this.histories = []; // by uid: {ticks, statuses, reasons, resets}
    this.tickMarks = []; // [tick, time], rising
    this.failures = []; // [tick, uid of the first node that failed]
    this.cells = new Map(); // name -> [{tick, time, value, writer, version}]
    this.questions = [];
    this.answers = [];
    this.frames = []; // {id, time, camera, picture, kept}
    this.joints = [];
    this.log = []; // {tick, time, level, name, text}
    this.things = new Things(this.cells);
    this.interventions = [];
    this.stoodAt = -1; // the tick in which it stood last, for somebody who looked
    this.damaged = 0;
    this._open = new Map();
    this._answered = new Map();
    this._pictures = new Map();
    this._nextTree = null;
    this._newest = NO_CHANGES; // the newest message about statuses
    this._leaves = { key: "", found: [] };
  }

  get tree() {
    return this.eras.length ? this.eras[this.eras.length - 1] : null;
  }

  treeAt(tick) {
    const at = lastUpTo(this.eras, tick, (era) => era.begin);
    return this.eras[Math.max(0, at)] || null;
  }

  add(rows) {
    for (const row of rows) {
      const [number, topic, time, data] = row;
      try {
        this._take(number, topic, time, data);
      } catch {
        this.damaged += 1;
      }
    }
    this.version += 1;
  }

  _take(number, topic, time, data) {
    if (this.began === null) this.began = time;
    const since = time - this.began;
    const tick = whole(data.tick);
    if (since > this.lastTime) this.lastTime = since;
    if (tick >= 0) this._mark(tick, since);
    switch (topic) {
      case "/run":
        return this._run(data, since);
      case "/tree":
        return this._treeCame(data);
      case "/status":
        return this._status(tick, data);
      case "/blackboard":
        return this._cell(tick, since, data);
      case "/questions":
        return this._question(tick, since, data);
      case "/answers":
        return this._answer(tick, since, data);
      case "/cancelled":
        return this._cancelled(tick, data);
      case "/frames":
      case "/frames_again":
      case "/frames_dropped":
        return this._frame(topic, since, data);
      case "/joints":
        return void this.joints.push({
          tick,
          q: list(data.q).map(Number),
          width: Number(data.gripper_width) || 0,
          tcp: list(data.tcp).map(Number),
        });
      case "/log":
        return this._said(-1, since, whole(data.level, 2), text(data.name), text(data.message));
      case "/truth":
        return undefined;
      case "/simulated":
        return void list(data.entities).forEach((entity) => this.things.simulated(tick, entity));
      default:
        return this._event(topic, tick, since, data);
    }
  }

  // Whether it has ended, and whether all of it is here; what the server says beside the messages.
  stands({ ended, complete, full, problem }) {
    const why = text(problem);
    if (why && why !== this.problem) this._said(this.lastTick, this.lastTime, 4, "trace", why);
    Object.assign(this, { ended, complete, full, problem: why });
    this.version += 1;
  }

  _mark(tick, time) {
    if (tick > this.lastTick) this.lastTick = tick;
    const marks = this.tickMarks;
    const last = marks.length ? marks[marks.length - 1] : null;
    if (!last || (tick > last[0] && time >= last[1])) marks.push([tick, time]);
  }

  // Seconds since the run began at which a tick was; between known ones by their distance.
  timeOf(tick) {
    const marks = this.tickMarks;
    if (!marks.length) return 0;
    const at = lastUpTo(marks, tick, (mark) => mark[0]);
    if (at < 0) return marks[0][1];
    const [t0, s0] = marks[at];
    if (t0 === tick || at === marks.length - 1) return s0;
    const [t1, s1] = marks[at + 1];
    return s0 + ((s1 - s0) * (tick - t0)) / (t1 - t0);
  }

  tickAt(time) {
    const marks = this.tickMarks;
    if (!marks.length) return 0;
    const at = lastUpTo(marks, time + 1e-6, (mark) => mark[1]);
    if (at < 0) return marks[0][0];
    if (at === marks.length - 1) return marks[at][0];
    const [t0, s0] = marks[at];
    const [t1, s1] = marks[at + 1];
    return Math.floor(t0 + ((t1 - t0) * (time + 1e-6 - s0)) / (s1 - s0 || 1));
  }

  _run(data, since) {
    if (data.event === "start") this.start = data;
    else if (data.event === "end") {
      this.end = data;
      if (Number.isInteger(data.ticks)) this._mark(data.ticks, since);
      this._seeThroughTheHalt(text(data.outcome));
      this._said(this.lastTick, since, data.outcome === "SUCCESS" ? 2 : 4, "run", `ended: ${text(data.outcome)} ${text(data.reason || data.fault)}`);
    } else if (data.event === "reload" && this._nextTree && Number.isInteger(data.tick)) {
      const before = this.tree;
      const cameFrom = list(data.came_from);
      const uids = this._nextTree.map((_, at) => {
        const old = whole(cameFrom[at]);
        return before && old >= 0 && old < before.nodes.length ? before.nodes[old].uid : this._newHistory();
      });
      this._begin(whole(data.tick, this.lastTick) + 1, this._nextData, this._nextTree, uids);
      this._said(whole(data.tick), since, 3, "run", "the tree was changed");
    }
  }

  // What was RUNNING when a run was ended from outside, or by a fault, was halted after its last tick, and what was to
  // be done then was ticked; what counts is how it was before, as in trees/tracing/history.py.
  _seeThroughTheHalt(outcome) {
    const { tick, changes, failed } = this._newest;
    const raised = outcome === "FAULT" ? changes.findLastIndex((each) => each.reason.startsWith(RAISED)) : -1;
    let kept = -1; // all of them
    if (raised >= 0) kept = raised + 1;
    else if (outcome === "FAULT") kept = changes.findIndex((each) => each.reset);
    else if (STOPPED.includes(outcome) && this.tree) {
      const root = changes.findLast((each) => each.uid === this.tree.nodes[0].uid);
      if (root && root.status === "INVALID") kept = 0;
    }
    for (const { uid } of kept < 0 ? [] : changes.splice(kept).reverse()) for (const part of Object.values(this.histories[uid])) part.pop();
    if (failed && (raised >= 0 || !changes.some((each) => each.status === "FAILURE"))) this.failures.pop();
    if (raised >= 0) this.failures.push([tick, changes[raised].uid]);
    this._newest = NO_CHANGES;
  }

  _treeCame(data) {
    const rows = list(data.nodes);
    if (!rows.length) throw new TypeError("a tree without nodes");
    if (!this.eras.length) this._begin(0, data, rows, rows.map(() => this._newHistory()));
    else [this._nextTree, this._nextData] = [rows, data];
  }

  _newHistory() {
    this.histories.push({ ticks: [], statuses: [], reasons: [], resets: [] });
    return this.histories.length - 1;
  }

  _begin(begin, data, rows, uids) {
    const files = new Map();
    for (const [file, content] of Object.entries(data.files || {})) files.set(file, text(content).split("\n"));
    if (!files.size) files.set(text(data.file), text(data.text).split("\n"));
    const era = { begin, name: text(data.name), file: text(data.file), files, nodes: [], byPath: new Map(), byUid: new Map() };
    rows.forEach((row, index) => {
      let parent = whole(row.parent);
      if (parent >= index) parent = index ? 0 : -1; // parents stand before their children; a damaged trace may lie
      const node = {
        index,
        uid: uids[index],
        path: text(row.path),
        name: text(row.name),
        type: text(row.type),
        kind: text(row.kind),
        parent,
        depth: parent >= 0 ? era.nodes[parent].depth + 1 : 0,
        children: [],
        place: 1,
        file: text(row.file) || era.file,
        line: whole(row.line, 0),
        column: whole(row.column, 0),
        mocked: text(row.mocked),
        ports: row.ports && typeof row.ports === "object" ? row.ports : {},
      };
      era.nodes.push(node);
      era.byPath.set(node.path, node);
      era.byUid.set(node.uid, node);
      if (parent >= 0) node.place = era.nodes[parent].children.push(index);
    });
    this.eras.push(era);
  }

  _status(tick, data) {
    const era = this.tree;
    const changes = list(data.changes);
    let body = changes.length;
    while (body && changes[body - 1].status === "INVALID") body -= 1;
    let failed = -1;
    const newest = [];
    changes.forEach((change, at) => {
      const node = era && era.nodes[whole(change.node)];
      if (!node || !STATUSES.has(change.status)) return;
      const history = this.histories[node.uid];
      history.ticks.push(tick);
      history.statuses.push(change.status);
      history.reasons.push(text(change.reason));
      history.resets.push(at >= body);
      newest.push({ uid: node.uid, status: change.status, reason: text(change.reason), reset: at >= body });
      if (change.status === "FAILURE" && failed < 0) failed = node.uid;
    });
    if (failed >= 0) this.failures.push([tick, failed]);
    this._newest = { tick, changes: newest, failed: failed >= 0 };
  }

  // State of a node at the end of a tick, before what ended in it was reset.
  state(uid, tick) {
    const history = this.histories[uid];
    if (!history) return NOTHING;
    let at = lastUpTo(history.ticks, tick);
    while (at > 0 && history.resets[at] && history.ticks[at] === tick && history.ticks[at - 1] === tick) at -= 1;
    if (at < 0 || history.statuses[at] === "INVALID") {
      const halting = at >= 0 && history.reasons[at] ? history.reasons[at] : "";
      return at < 0 ? NOTHING : { status: "", reason: halting, tick: history.ticks[at], at };
    }
    let since = at;
    while (since > 0 && history.statuses[since - 1] === history.statuses[at] && history.statuses[at] === "RUNNING") since -= 1;
    return { status: history.statuses[at], reason: history.reasons[at], tick: history.ticks[since], at };
  }

  // What a node was before it was reset: the last event that is no reset.
  before(uid, tick) {
    const history = this.histories[uid];
    let at = history ? lastUpTo(history.ticks, tick) : -1;
    while (at >= 0 && history.statuses[at] === "INVALID") at -= 1;
    return at < 0 ? NOTHING : { status: history.statuses[at], reason: history.reasons[at], tick: history.ticks[at], at };
  }

  changeOf(uid, tick, step) {
    const ticks = this.histories[uid] ? this.histories[uid].ticks : [];
    if (step < 0) {
      const at = lastUpTo(ticks, tick - 1);
      return at < 0 ? null : ticks[at];
    }
    const at = lastUpTo(ticks, tick) + 1;
    return at < ticks.length ? ticks[at] : null;
  }

  failure(tick, step) {
    const at = step > 0 ? lastUpTo(this.failures, tick, (f) => f[0]) + 1 : lastUpTo(this.failures, tick - 1, (f) => f[0]);
    return this.failures[at] || null;
  }

  // Leaves, and composites with nothing RUNNING below, that are RUNNING at a tick, in the order of the tree.
  running(tick) {
    const era = this.treeAt(tick);
    const key = `${tick} ${this.version}`;
    if (!era) return [];
    if (this._leaves.key === key) return this._leaves.found;
    const runs = era.nodes.map((node) => this.state(node.uid, tick).status === "RUNNING");
    const found = era.nodes.filter((node, at) => runs[at] && !node.children.some((child) => runs[child]));
    this._leaves = { key, found };
    return found;
  }

  _cell(tick, since, data) {
    const name = text(data.name);
    if (!this.cells.has(name)) this.cells.set(name, []);
    this.cells.get(name).push({ tick, time: since, value: data.value, writer: text(data.writer), version: whole(data.version, 0) });
  }

  cell(name, tick) {
    const writes = this.cells.get(name) || [];
    const at = lastUpTo(writes, tick, (write) => write.tick);
    return at < 0 ? null : writes[at];
  }

  _question(tick, since, data) {
    const question = {
      tick,
      time: since,
      asker: text(data.asker),
      kind: text(data.kind),
      text: text(data.text),
      frame: text(data.frame),
      shared: Boolean(data.shared),
      answer: null,
      cancelled: -1,
    };
    const key = `${question.kind}\n${question.text}\n${question.frame}`;
    this.questions.push(question);
    if (question.shared && this._answered.has(key)) question.answer = this._answered.get(key);
    else if (this._open.has(key)) this._open.get(key).push(question);
    else this._open.set(key, [question]);
  }

  _answer(tick, since, data) {
    const chances = {};
    for (const [name, p] of Object.entries(data.probabilities || {})) chances[name] = Number(p) || 0;
    const answer = {
      tick,
      time: since,
      kind: text(data.kind),
      question: text(data.question),
      frame: text(data.frame),
      chances,
      neither: Number(data.neither) || 0,
      regions: list(data.regions).filter((each) => each && Array.isArray(each.box_xyxy)),
      text: text(data.text),
      problem: text(data.problem),
      model: text(data.model),
      backend: text(data.backend),
      latency: Number(data.latency) || 0,
      cost: Number(data.cost) || 0,
      image: text(data.image),
      data: data.data,
    };
    const key = `${answer.kind}\n${answer.question}\n${answer.frame}`;
    this.answers.push(answer);
    this._answered.set(key, answer);
    for (const question of this._open.get(key) || []) question.answer = answer;
    this._open.delete(key);
  }

  _cancelled(tick, data) {
    const key = `${text(data.kind)}\n${text(data.text)}\n${text(data.frame)}`;
    const open = this._open.get(key) || [];
    const at = open.findIndex((question) => question.asker === text(data.asker));
    if (at >= 0) open.splice(at, 1)[0].cancelled = tick;
  }

  _frame(topic, since, data) {
    const id = text(data.frame_id);
    let picture = id;
    if (topic === "/frames_again") picture = this._pictures.get(text(data.same_as)) || text(data.same_as);
    this._pictures.set(id, picture);
    const cut = id.lastIndexOf("#");
    const kept = topic === "/frames" ? data.kept !== false : topic === "/frames_again";
    this.frames.push({ id, time: since, camera: cut > 0 ? id.slice(0, cut) : "camera", picture, kept });
  }

  cameras() {
    return [...new Set(this.frames.map((frame) => frame.camera))].sort();
  }

  frameAt(tick, camera = "") {
    const until = this.timeOf(tick) + 1e-6;
    let at = lastUpTo(this.frames, until, (frame) => frame.time);
    while (at >= 0 && camera && this.frames[at].camera !== camera) at -= 1;
    return at < 0 ? null : this.frames[at];
  }

  // Answers that were there at a tick and name regions: those about one frame, or the newest ones.
  regions(tick, frame) {
    const upTo = lastUpTo(this.answers, tick, (answer) => answer.tick);
    const here = [];
    let newest = null;
    for (let at = upTo; at >= 0 && at > upTo - 400; at -= 1) {
      const answer = this.answers[at];
      if (!answer.regions.length) continue;
      if (answer.frame === frame) here.push(answer);
      else if (!newest) newest = answer;
    }
    return { here, older: here.length ? null : newest };
  }

  jointsAt(tick) {
    const at = lastUpTo(this.joints, tick, (joints) => joints.tick);
    return at < 0 ? null : this.joints[at];
  }

  _said(tick, time, level, name, said) {
    this.log.push({ tick, time, level, name, text: said });
  }

  _event(topic, tick, since, data) {
    if (topic === "/ground") this.things.grounded.push({ tick, objects: list(data.objects) });
    if (topic === "/interventions") {
      this.interventions.push({ tick, time: since, what: text(data.do), node: text(data.node), text: text(data.text) });
      if (data.do === "stands") this.stoodAt = Math.max(this.stoodAt, tick);
    }
    if (topic === "/say") return; // /log has it
    if (/^\/[a-z_]+$/.test(topic)) {
      const { tick: _, path, ...rest } = data;
      const labels = topic === "/ground" ? list(data.objects).map((each) => text(each && each.label)).join(", ") || "nothing" : "";
      const said = labels || (typeof rest.text === "string" && topic === "/interventions" ? rest.text : brief(rest, 400));
      this._said(tick, since, topic === "/interventions" ? 3 : 1, topic.slice(1), `${text(path)} ${said}`.trim());
    }
  }
}

// A value as one line of JSON, cut where it gets long.
export function brief(value, most = 160) {
  const said = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return said.length > most ? `${said.slice(0, most - 1)}…` : said;
}
