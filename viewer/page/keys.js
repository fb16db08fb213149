// Single keys, each with a name; they rest while something is typed, and can be turned off.

import { byId, el } from "./dom.js";

export class Keys {
  constructor() {
    this.acts = new Map();
    this.rows = [];
    document.addEventListener("keydown", (event) => this._pressed(event));
    byId("help").addEventListener("click", () => byId("keys").showModal());
  }

  // Name what some keys do; `keys` are as in KeyboardEvent.key.
  add(keys, says, act, shown = keys.join(" ")) {
    for (const key of keys) this.acts.set(key, act);
    if (says) this.rows.push([shown, says]);
  }

  list() {
    byId("key-list").replaceChildren(...this.rows.flatMap(([keys, says]) => [el("dt", {}, ...keys.split(" ").flatMap((key) => [el("kbd", { text: key }), " "])), el("dd", { text: says })]));
  }

  _pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
    const target = event.target;
    if (target.matches("input:not([type=checkbox]), select, textarea")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (event.key === " " && target.matches(`button:not([role="tab"][aria-selected="true"]), input, summary`)) return;
    const act = this.acts.get(event.key);
    if (!act || !byId("keys-on").checked) return;
    event.preventDefault();
    act(event);
  }
}
