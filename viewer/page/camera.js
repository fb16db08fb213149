// The picture of a moment with what was found in it: boxes, masks and points.

import { colors, el, fit, seconds } from "./dom.js";
import { pictureUrl } from "./feed.js";

const HUES = ["#ffb000", "#3ddbd9", "#ff7eb6", "#a6e32d", "#be95ff", "#ff832b", "#4589ff", "#fa4d56"];

export class Camera {
  constructor(box, view) {
    this.view = view;
    this.canvas = el("canvas", { role: "img", "aria-label": "camera" });
    this.caption = el("p", { class: "caption" });
    this.pick = el("select", { "aria-label": "camera" });
    this.layers = el("label", { class: "check" }, el("input", { type: "checkbox", checked: true }), "boxes");
    this.bar = el("div", { class: "bar" }, this.pick, this.layers);
    box.append(this.bar, this.canvas, this.caption);
    this.pictures = new Map(); // "source name" -> image
    this.masks = new Map();
    this.pick.addEventListener("change", () => this.update());
    this.layers.firstChild.addEventListener("change", () => this.update());
    new ResizeObserver(() => this.update()).observe(this.canvas);
  }

  // An image, undefined while it is on its way, null where there is none.
  _image(name) {
    const key = `${this.view.run.number} ${name}`;
    if (!this.pictures.has(key)) {
      this.pictures.set(key, undefined);
      if (this.pictures.size > 300) this.pictures.delete(this.pictures.keys().next().value);
      const image = new Image();
      image.decoding = "async";
      image.onload = () => {
        this.pictures.set(key, image);
        this.update();
      };
      image.onerror = () => {
        this.pictures.set(key, null);
        this.update();
      };
      image.src = pictureUrl(this.view.run.number, name);
    }
    return this.pictures.get(key);
  }

  _cameras() {
    const { run } = this.view;
    const seen = `${run.number} ${run.frames.length}`;
    if (seen === this.seen) return;
    this.seen = seen;
    const names = run.cameras();
    const known = [...this.pick.options].slice(1).map((option) => option.value);
    if (names.join("\n") === known.join("\n") && this.pick.options.length) return;
    const chosen = this.pick.value;
    this.pick.replaceChildren(el("option", { value: "", text: "any camera" }), ...names.map((name) => el("option", { value: name, text: name })));
    this.pick.value = names.includes(chosen) ? chosen : "";
    this.pick.hidden = names.length < 2;
  }

  update() {
    const { run, tick } = this.view;
    if (!run) return;
    this._cameras();
    const frame = run.frameAt(tick, this.pick.value);
    const { context, width, height } = fit(this.canvas);
    const paint = colors();
    if (!frame) return this._nothing(context, width, height, paint, "no picture up to this moment");
    const image = frame.kept ? this._image(frame.picture) : null;
    if (image === undefined) {
      if (this.last) this._draw(context, width, height, this.last);
      return undefined;
    }
    if (image === null) return this._nothing(context, width, height, paint, frame.kept ? "the picture cannot be shown" : "pictures were not kept in this trace");
    this.last = image;
    const place = this._draw(context, width, height, image);
    const found = this.layers.firstChild.checked ? run.regions(tick, frame.id) : { here: [], older: null };
    const names = [];
    if (found.older) this._regions(context, place, found.older, true, names);
    for (const answer of found.here) this._regions(context, place, answer, false, names);
    const old = found.older && names.length ? `, as seen ${seconds(Math.max(0, run.timeOf(tick) - found.older.time))} ago` : "";
    const whose = document.body.classList.contains("comparing") ? `${run.name}: ` : "";
    this.caption.textContent = `${whose}${frame.id}, ${seconds(frame.time)}${names.length ? ` · ${names.slice(0, 12).join(", ")}${old}` : ""}`;
    this.canvas.setAttribute("aria-label", `camera ${frame.camera}, picture ${frame.id}${names.length ? ` with ${names.join(", ")}${old}` : ""}`);
    return undefined;
  }

  _nothing(context, width, height, paint, said) {
    context.clearRect(0, 0, width, height);
    context.fillStyle = paint.faint;
    context.font = "13px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(said, width / 2, height / 2);
    context.textAlign = "start";
    this.caption.textContent = "";
    this.canvas.setAttribute("aria-label", `camera: ${said}`);
  }

  _draw(context, width, height, image) {
    const scale = Math.min(width / image.width, height / image.height);
    const place = { w: image.width * scale, h: image.height * scale };
    place.x = (width - place.w) / 2;
    place.y = (height - place.h) / 2;
    context.clearRect(0, 0, width, height);
    context.imageSmoothingEnabled = scale < 3;
    context.drawImage(image, place.x, place.y, place.w, place.h);
    return place;
  }

  _regions(context, place, answer, older, names) {
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "alphabetic";
    answer.regions.slice(0, 60).forEach((region, at) => {
      const [x0, y0, x1, y1] = region.box_xyxy.map(Number);
      if (![x0, y0, x1, y1].every(Number.isFinite)) return;
      const hue = HUES[at % HUES.length];
      const name = String(region.label ?? "").slice(0, 60);
      names.push(name);
      context.globalAlpha = older ? 0.65 : 1;
      if (typeof region.mask === "string" && region.mask && !older) this._mask(context, place, region.mask, hue);
      context.strokeStyle = hue;
      context.lineWidth = older ? 1.5 : 2;
      context.setLineDash(older ? [4, 4] : []);
      const box = [place.x + x0 * place.w, place.y + y0 * place.h, (x1 - x0) * place.w, (y1 - y0) * place.h];
      context.strokeRect(...box);
      context.setLineDash([]);
      const point = Array.isArray(region.point_uv) ? region.point_uv.map(Number) : null;
      if (point && point.every(Number.isFinite)) {
        context.fillStyle = hue;
        context.beginPath();
        context.arc(place.x + point[0] * place.w, place.y + point[1] * place.h, 4, 0, 7);
        context.fill();
        context.strokeStyle = "#000";
        context.lineWidth = 1;
        context.stroke();
      }
      const sure = Number(region.confidence);
      const said = Number.isFinite(sure) && sure < 0.995 ? `${name} ${sure.toFixed(2)}` : name;
      const wide = context.measureText(said).width + 8;
      const top = box[1] > place.y + 18 ? box[1] - 17 : box[1] + box[3];
      const left = Math.max(place.x, Math.min(box[0], place.x + place.w - wide));
      context.fillStyle = hue;
      context.fillRect(left, top, wide, 17);
      context.fillStyle = "#111";
      context.fillText(said, left + 4, top + 13);
      context.globalAlpha = 1;
    });
  }

  _mask(context, place, name, hue) {
    const image = this._image(name);
    if (!image) return;
    const key = `${this.view.run.number} ${name} ${hue}`;
    if (!this.masks.has(key)) {
      const tinted = el("canvas");
      [tinted.width, tinted.height] = [image.width, image.height];
      const inner = tinted.getContext("2d");
      inner.drawImage(image, 0, 0);
      const pixels = inner.getImageData(0, 0, image.width, image.height);
      const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hue.slice(at, at + 2), 16));
      for (let at = 0; at < pixels.data.length; at += 4) {
        const on = pixels.data[at] > 127;
        pixels.data.set([red, green, blue, on ? 110 : 0], at);
      }
      inner.putImageData(pixels, 0, 0);
      this.masks.set(key, tinted);
      if (this.masks.size > 100) this.masks.delete(this.masks.keys().next().value);
    }
    context.drawImage(this.masks.get(key), place.x, place.y, place.w, place.h);
  }
}
