// What the robot knows of the space around it: its own links as they stood, and the things it measured. On request
// also where a simulator had its things, as outlines: that is the truth, which the robot does not know.

import { el } from "./dom.js";
import { mesh, robot } from "./feed.js";

const VERTEX = `#version 300 es
layout(location = 0) in vec3 at; layout(location = 1) in vec3 normal; layout(location = 2) in vec3 color;
uniform mat4 view; uniform mat4 model; uniform vec4 tint;
out vec3 facing; out vec3 paint;
void main() { gl_Position = view * model * vec4(at, 1.0); facing = mat3(model) * normal; paint = mix(color, tint.rgb, tint.a); }`;
const FRAGMENT = `#version 300 es
precision mediump float;
in vec3 facing; in vec3 paint; uniform float flatness; out vec4 shown;
void main() {
  vec3 n = normalize(facing);
  float light = 0.45 + 0.4 * abs(dot(n, normalize(vec3(0.4, 0.3, 0.85)))) + 0.15 * abs(n.y);
  shown = vec4(paint * mix(light, 1.0, flatness), 1.0);
}`;
const HUES = [[1, 0.69, 0], [0.24, 0.86, 0.85], [1, 0.5, 0.71], [0.65, 0.89, 0.18], [0.75, 0.58, 1], [1, 0.51, 0.17], [0.27, 0.54, 1]];

const NAMED = { red: [0.85, 0.16, 0.13], green: [0.2, 0.6, 0.25], blue: [0.16, 0.32, 0.85], yellow: [0.95, 0.8, 0.15], orange: [0.95, 0.5, 0.1], purple: [0.5, 0.15, 0.65], black: [0.12, 0.12, 0.13], white: [0.93, 0.93, 0.93], gray: [0.5, 0.5, 0.5], brown: [0.5, 0.3, 0.15], pink: [0.95, 0.6, 0.7] };

// The color that the name of a thing tells, else one that tells it from its neighbours.
function hue(thing, at) {
  const named = thing.label.toLowerCase().split(/\W+/).find((each) => Object.hasOwn(NAMED, each));
  return named ? NAMED[named] : HUES[at % HUES.length];
}

export class Scene {
  constructor(box, view) {
    this.view = view;
    this.box = box;
    this.canvas = el("canvas", { role: "img", tabindex: "0", "aria-label": "3-D scene" });
    this.labels = el("div", { class: "labels", "aria-hidden": "true" });
    this.caption = el("p", { class: "caption" });
    this.truth = el("label", { class: "check", title: "where the simulator has its things, which the robot does not know" }, el("input", { type: "checkbox" }), "simulator truth");
    this.bar = el("div", { class: "bar", hidden: true }, this.truth);
    this.truth.firstChild.addEventListener("change", () => this.paint());
    box.append(this.bar, el("div", { class: "stage" }, this.canvas, this.labels), this.caption);
    this.home();
    this.robots = new Map(); // source number -> {figure, buffer}
    this.canvas.addEventListener("pointermove", (event) => this._drag(event));
    this.canvas.addEventListener("pointerdown", (event) => this.canvas.setPointerCapture(event.pointerId));
    this.canvas.addEventListener("wheel", (event) => { event.preventDefault(); this._closer(Math.exp(event.deltaY / 600)); }, { passive: false });
    this.canvas.addEventListener("dblclick", () => { this.home(); this.paint(); });
    this.canvas.addEventListener("keydown", (event) => this._key(event));
    new ResizeObserver(() => this.paint()).observe(this.canvas);
  }

  home() {
    Object.assign(this, { turn: 0.75, tilt: 0.5, far: 1.9, middle: [0.35, 0, 0.22] });
  }

  _drag(event) {
    if (!event.buttons) return;
    if (event.buttons & 2 || event.shiftKey) {
      const by = this.far / 600;
      this.middle[0] += (Math.sin(this.turn) * event.movementX) * by;
      this.middle[1] -= (Math.cos(this.turn) * event.movementX) * by;
      this.middle[2] += event.movementY * by;
    } else {
      this.turn -= event.movementX / 150;
      this.tilt = Math.max(-0.1, Math.min(1.5, this.tilt + event.movementY / 150));
    }
    this.paint();
  }

  _closer(by) {
    this.far = Math.max(0.3, Math.min(6, this.far * by));
    this.paint();
  }

  _key(event) {
    const step = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
    if (step) {
      this.turn += step[0];
      this.tilt = Math.max(-0.1, Math.min(1.5, this.tilt + step[1]));
    } else if (event.key === "+" || event.key === "-") this._closer(event.key === "+" ? 0.85 : 1.18);
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.paint();
  }

  _begin() {
    if (this.gl !== undefined) return;
    this.gl = this.canvas.getContext("webgl2", { antialias: true, preserveDrawingBuffer: true });
    if (!this.gl) return;
    const gl = this.gl;
    this.program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(this.program, shader);
    }
    gl.linkProgram(this.program);
    this.places = Object.fromEntries(["view", "model", "tint", "flatness"].map((name) => [name, gl.getUniformLocation(this.program, name)]));
    this.cube = this._buffer(cube());
    this.grid = this._buffer(grid());
    this.edges = this._buffer(edges());
    this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.canvas.addEventListener("webglcontextrestored", () => { this.gl = undefined; this.robots.clear(); this.paint(); });
  }

  _buffer(numbers) {
    const gl = this.gl;
    const held = { array: gl.createVertexArray(), count: numbers.length / 9 };
    gl.bindVertexArray(held.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, numbers, gl.STATIC_DRAW);
    for (let at = 0; at < 3; at += 1) {
      gl.enableVertexAttribArray(at);
      gl.vertexAttribPointer(at, 3, gl.FLOAT, false, 36, at * 12);
    }
    return held;
  }

  _robot() {
    const { number } = this.view.run;
    if (!this.robots.has(number)) {
      this.robots.set(number, null);
      robot(number).then(async (figure) => {
        const held = { figure, buffer: null };
        this.robots.set(number, held);
        this.paint();
        if (!figure.parts) return;
        const corners = new Float32Array(await mesh(number));
        if (this.gl && corners.length) held.buffer = this._buffer(corners);
        this.paint();
      }).catch(() => this.robots.set(number, { figure: {}, buffer: null }));
    }
    return this.robots.get(number);
  }

  // Paint where something moved or became known since the last time.
  update() {
    const { run, tick } = this.view;
    if (!run) return;
    const joints = run.jointsAt(tick);
    const things = run.things.known(tick).map((thing) => `${thing.label} ${thing.tick}`).join();
    const solids = run.things.true(tick).map((solid) => solid.tick).join();
    const key = `${run.number} ${joints ? joints.tick : ""} ${things} ${solids} ${document.documentElement.dataset.theme}`;
    if (key === this.key) return;
    this.key = key;
    this.paint();
  }

  paint() {
    const { run, tick } = this.view;
    if (!run || !this.canvas.clientWidth || !run.tree) return;
    this._begin();
    if (!this.gl) {
      this.caption.textContent = "this browser shows no 3-D here (WebGL 2 is missing)";
      return;
    }
    const gl = this.gl;
    const ratio = window.devicePixelRatio || 1;
    const [wide, tall] = [Math.round(this.canvas.clientWidth * ratio), Math.round(this.canvas.clientHeight * ratio)];
    if (this.canvas.width !== wide || this.canvas.height !== tall) [this.canvas.width, this.canvas.height] = [wide, tall];
    gl.viewport(0, 0, wide, tall);
    gl.enable(gl.DEPTH_TEST);
    const dark = document.documentElement.dataset.theme === "dark" && !matchMedia("print").matches;
    gl.clearColor(...(dark ? [0.1, 0.12, 0.15] : [0.94, 0.95, 0.97]), 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.useProgram(this.program);
    const view = times(perspective(0.75, wide / tall, 0.02, 20), this._eye());
    gl.uniformMatrix4fv(this.places.view, true, view);
    gl.uniform1f(this.places.flatness, 1);
    this._draw(this.grid, 0, this.grid.count, IDENTITY, dark ? [0.3, 0.34, 0.4, 1] : [0.72, 0.75, 0.8, 1], gl.LINES);
    gl.uniform1f(this.places.flatness, 0);
    const joints = run.jointsAt(tick);
    const held = this._robot();
    const shown = [];
    if (held && held.figure.parts) shown.push(this._arm(held, joints));
    else if (joints && joints.tcp.length >= 3) this._draw(this.cube, 0, this.cube.count, placed(joints.tcp, [0.03, 0.03, 0.03], 0), [0.4, 0.5, 0.6, 1]);
    const things = run.things.known(tick);
    things.slice(0, 100).forEach((thing, at) => this._draw(this.cube, 0, this.cube.count, placed(thing.xyz, thing.size, thing.yaw), [...hue(thing, at), 1]));
    this.bar.hidden = run.things.solids.size === 0;
    const solids = this.truth.firstChild.checked ? run.things.true(tick).slice(0, 200) : [];
    gl.uniform1f(this.places.flatness, 1);
    for (const solid of solids) this._draw(this.edges, 0, this.edges.count, stood(solid), [...solid.rgb, 1], gl.LINES);
    this._names([...things.slice(0, 40), ...solids.slice(0, 40).map((solid) => ({ ...solid, label: `sim: ${solid.label}` }))], view);
    const grip = joints ? `, gripper ${(joints.width * 1000).toFixed(0)} mm` : "";
    this.caption.textContent = `${held && held.figure.name ? held.figure.name : "robot"}${grip}${things.length ? ` · ${things.length} known ${things.length === 1 ? "thing, where it was" : "things, where they were"} last measured` : ""}${solids.length ? ` · outlines: simulator truth, ${solids.length} ${solids.length === 1 ? "thing" : "things"}` : ""}`;
    this.canvas.setAttribute("aria-label", `3-D scene: ${this.caption.textContent}${things.length ? `: ${things.slice(0, 12).map((thing) => thing.label).join(", ")}` : ""}`);
  }

  _draw(held, begin, count, model, tint, mode) {
    const gl = this.gl;
    gl.bindVertexArray(held.array);
    gl.uniformMatrix4fv(this.places.model, true, model);
    gl.uniform4fv(this.places.tint, tint);
    gl.drawArrays(mode === undefined ? gl.TRIANGLES : mode, begin, count);
  }

  _arm(held, joints) {
    const { figure, buffer } = held;
    const q = joints && joints.q.length === figure.origins.length && joints.q.every(Number.isFinite) ? joints.q : figure.home;
    const frames = [figure.base];
    figure.origins.forEach((origin, at) => frames.push(times(frames[at], times(origin, turned(q[at])))));
    const hand = times(frames[frames.length - 1], figure.hand);
    const half = joints ? joints.width / 2 : 0.02;
    frames.push(hand, times(hand, moved(0, half, figure.finger)), times(hand, times(moved(0, -half, figure.finger), turned(Math.PI))));
    if (!buffer) return;
    for (const part of figure.parts) this._draw(buffer, part.begin, part.count, frames[part.frame], [0, 0, 0, 0]);
  }

  _eye() {
    const [ct, st, cp, sp] = [Math.cos(this.turn), Math.sin(this.turn), Math.cos(this.tilt), Math.sin(this.tilt)];
    const back = [ct * cp, st * cp, sp];
    const right = [-st, ct, 0];
    const up = [-ct * sp, -st * sp, cp];
    const eye = this.middle.map((each, at) => each + back[at] * this.far);
    const dot = (one, two) => one[0] * two[0] + one[1] * two[1] + one[2] * two[2];
    return [...right, -dot(right, eye), ...up, -dot(up, eye), ...back, -dot(back, eye), 0, 0, 0, 1];
  }

  _names(things, view) {
    const [wide, tall] = [this.canvas.clientWidth, this.canvas.clientHeight];
    while (this.labels.children.length < things.length) this.labels.append(el("span"));
    [...this.labels.children].forEach((label, at) => {
      const thing = things[at];
      label.hidden = !thing;
      if (!thing) return;
      const [x, y, z] = [thing.xyz[0], thing.xyz[1], thing.xyz[2] + thing.size[2] / 2];
      const w = view[12] * x + view[13] * y + view[14] * z + view[15];
      const px = ((view[0] * x + view[1] * y + view[2] * z + view[3]) / w + 1) / 2;
      const py = (1 - (view[4] * x + view[5] * y + view[6] * z + view[7]) / w) / 2;
      label.hidden = w <= 0 || px < 0 || px > 1 || py < 0 || py > 1;
      label.textContent = thing.label.slice(0, 40);
      label.style.transform = `translate(${px * wide}px, ${py * tall}px) translate(-50%, -120%)`;
    });
  }
}

const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const moved = (x, y, z) => [1, 0, 0, x, 0, 1, 0, y, 0, 0, 1, z, 0, 0, 0, 1];

function turned(angle) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [c, -s, 0, 0, s, c, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
}

function placed(xyz, size, yaw) {
  const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
  return [c * size[0], -s * size[1], 0, xyz[0], s * size[0], c * size[1], 0, xyz[1], 0, 0, size[2], xyz[2], 0, 0, 0, 1];
}

// The box of a thing of a simulated scene, turned as its quaternion says.
function stood({ xyz, quat: [x, y, z, w], size }) {
  const rows = [
    [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
    [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
    [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
  ];
  return [...rows.flatMap((row, at) => [...row.map((each, axis) => each * size[axis]), xyz[at]]), 0, 0, 0, 1];
}

function times(one, two) {
  const made = new Array(16).fill(0);
  for (let row = 0; row < 4; row += 1) for (let column = 0; column < 4; column += 1) for (let k = 0; k < 4; k += 1) made[4 * row + column] += one[4 * row + k] * two[4 * k + column];
  return made;
}

function perspective(angle, aspect, near, far) {
  const scale = 1 / Math.tan(angle / 2);
  return [scale / aspect, 0, 0, 0, 0, scale, 0, 0, 0, 0, (far + near) / (near - far), (2 * far * near) / (near - far), 0, 0, -1, 0];
}

function cube() {
  const numbers = [];
  for (let axis = 0; axis < 3; axis += 1) {
    for (const side of [-1, 1]) {
      const corner = (u, v) => {
        const at = [0, 0, 0];
        [at[axis], at[(axis + 1) % 3], at[(axis + 2) % 3]] = [side / 2, u / 2, v / 2];
        const normal = [0, 0, 0];
        normal[axis] = side;
        return [...at, ...normal, 1, 1, 1];
      };
      for (const [u, v] of [[-1, -1], [1, -1], [1, 1], [-1, -1], [1, 1], [-1, 1]]) numbers.push(...corner(u, v));
    }
  }
  return new Float32Array(numbers);
}

function edges() {
  const numbers = [];
  for (let axis = 0; axis < 3; axis += 1) {
    for (const [u, v] of [[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]]) {
      for (const end of [-0.5, 0.5]) {
        const at = [0, 0, 0];
        [at[axis], at[(axis + 1) % 3], at[(axis + 2) % 3]] = [end, u, v];
        numbers.push(...at, 0, 0, 1, 1, 1, 1);
      }
    }
  }
  return new Float32Array(numbers);
}

function grid() {
  const numbers = [];
  for (let at = -10; at <= 10; at += 1) {
    for (const end of [-1, 1]) numbers.push(at / 10 + 0.4, end, 0, 0, 0, 1, 1, 1, 1);
    for (const end of [-1, 1]) numbers.push(end + 0.4, at / 10, 0, 0, 0, 1, 1, 1, 1);
  }
  return new Float32Array(numbers);
}
