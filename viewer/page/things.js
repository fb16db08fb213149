// Where things are: what the robot knows of them, and what only a simulator knows.

import { lastUpTo, list, text } from "./plain.js";

export class Things {
  // Args: cells, name of an entry -> its writes, which the run fills.
  constructor(cells) {
    this.cells = cells;
    this.grounded = []; // {tick, objects}
    this.solids = new Map(); // id of a thing of a simulated scene -> [{tick, label, xyz, quat, size, rgb}]
  }

  // Things that the robot knows the place of at a tick, the newest word about each.
  known(tick) {
    const found = new Map();
    for (const [name, writes] of this.cells) {
      const at = lastUpTo(writes, tick, (write) => write.tick);
      if (at >= 0) collect(writes[at].value, name, writes[at], found, 0);
    }
    for (let at = lastUpTo(this.grounded, tick, (told) => told.tick); at >= 0; at -= 1) {
      collect(this.grounded[at].objects, "", this.grounded[at], found, 0);
      if (found.size > 200) break;
    }
    return [...found.values()];
  }

  // Where the simulator had its things at a tick. No robot knows this.
  true(tick) {
    const found = [];
    for (const poses of this.solids.values()) {
      const at = lastUpTo(poses, tick, (pose) => pose.tick);
      if (at >= 0) found.push(poses[at]);
    }
    return found;
  }

  simulated(tick, entity) {
    const { pose, size, color } = list(entity.cubes)[0];
    const of = (vector, names) => [...names].map((name) => Number(vector[name]));
    const told = list(entity.metadata).find((each) => each.key === "label");
    const solid = { tick, label: text(told && told.value), xyz: of(pose.position, "xyz"), quat: of(pose.orientation, "xyzw"), size: of(size, "xyz"), rgb: of(color, "rgb") };
    if (![...solid.xyz, ...solid.quat, ...solid.size, ...solid.rgb].every(Number.isFinite)) throw new Error("no pose");
    const id = text(entity.id);
    if (!this.solids.has(id)) this.solids.set(id, []);
    this.solids.get(id).push(solid);
  }
}

function collect(value, name, write, found, depth) {
  if (!value || typeof value !== "object" || depth > 3 || found.size > 200) return;
  if (Array.isArray(value)) {
    for (const each of value) collect(each, name, write, found, depth + 1);
    return;
  }
  const { xyz, size, label } = value;
  if (Array.isArray(xyz) && xyz.length === 3 && Array.isArray(size) && size.length === 3 && [...xyz, ...size].every(Number.isFinite)) {
    const key = value.id ? `#${value.id}` : `${text(label)} ${text(value.frame_id)}`;
    const known = found.get(key);
    if (!known || known.tick < write.tick) {
      found.set(key, { label: text(label) || name, xyz, size, yaw: Number(value.yaw) || 0, tick: write.tick });
    }
  }
}
