/**
 * More than one region: those that were marked and stay marked while another is selected. One request renders all of
 * them. They belong to this page and this song; what is selected belongs to everybody.
 */

import { byId, make, setText, show } from "./dom.js";
import { drawRegion } from "./drawing.js";
import { counted, regionName } from "./words.js";
import { xOf } from "./viewport.js";

const MOST = 32; // as many as a request may name

const apart = (a, b) => a.end <= b.start || b.end <= a.start;
const same = (a, b) => a.start === b.start && a.end === b.end;

export class Regions {
  constructor(store, arranger, bridge, notices) {
    this.store = store;
    this.arranger = arranger;
    this.bridge = bridge;
    this.notices = notices;
    this.box = byId("marked-regions");
    this.boxes = [];
    this.song = null;
    byId("mark-region").addEventListener("click", () => this.mark());
    store.watch(["focus", "dragged", "marked", "grid", "view"], (values) => this.#changed(values));
    arranger.alsoDraw(() => this.#place());
  }

  /** All that a request is about, in the order they were marked; the selected one comes last. */
  get all() {
    const { region } = this.arranger;
    const marked = this.store.get("marked");
    return region ? [...marked.filter((one) => apart(one, region)), region] : marked;
  }

  /** Keeps the selected region marked, so that the next one joins it; one that is marked already is unmarked. */
  mark() {
    const { region } = this.arranger;
    if (!region) {
      this.notices.say("No region is selected.", "Drag over some bars first, then mark them.");
      return;
    }
    const marked = this.store.get("marked");
    if (marked.some((one) => same(one, region))) this.unmark(region);
    else this.add(region);
  }

  add(region) {
    const marked = this.store.get("marked").filter((one) => apart(one, region));
    if (marked.length >= MOST - 1) {
      this.notices.say(`At most ${MOST} regions can be rendered at once.`, "Render these first.");
      return;
    }
    this.store.set({ marked: [...marked, { start: region.start, end: region.end }] });
    this.notices.announce(`${this.#name(region)} stays marked; ${counted(marked.length + 1, "region")} so far.`);
  }

  unmark(region) {
    this.store.set({ marked: this.store.get("marked").filter((one) => !same(one, region)) });
    this.notices.announce(`${this.#name(region)} is no longer marked.`);
  }

  /** Selects a marked region; the selected one is marked in its place. */
  async take(region) {
    const before = this.arranger.region;
    const rest = this.store.get("marked").filter((one) => !same(one, region));
    this.store.set({ marked: before && !same(before, region) ? [...rest.filter((one) => apart(one, before)), before] : rest });
    await this.bridge.select(region);
  }

  /** A request's values for these regions, in place of the one that is selected. */
  into(given) {
    const all = this.all;
    if (all.length < 2) return given;
    const { start, end, ...rest } = given;
    return { ...rest, regions: all.map((one) => ({ start: one.start, end: one.end })) };
  }

  #name(region) {
    const name = regionName(region, this.store.get("grid"), this.arranger.rate);
    return `${name[0].toUpperCase()}${name.slice(1)}`;
  }

  #changed({ focus, marked }) {
    const digest = focus?.song?.digest ?? null;
    if (digest !== this.song) {
      this.song = digest;
      if (marked.length) {
        this.store.set({ marked: [] });
        return;
      }
    }
    const button = byId("mark-region");
    show(button, Boolean(digest));
    const { region } = this.arranger;
    button.setAttribute("aria-pressed", Boolean(region && marked.some((one) => same(one, region))));
    const shown = marked.filter((one) => !region || !same(one, region));
    if (JSON.stringify(shown) !== this.listed) {
      this.listed = JSON.stringify(shown);
      this.boxes = shown.map((one) => this.#made(one));
      this.box.replaceChildren(...this.boxes.map(({ element }) => element));
    }
    for (const { one, label, away } of this.boxes) {
      const name = this.#name(one);
      setText(label, name);
      label.setAttribute("aria-label", `Select ${name} again`);
      away.setAttribute("aria-label", `Unmark ${name}`);
    }
    this.arranger.invalidate();
  }

  #made(one) {
    const label = make("button", { type: "button", class: "small plain", title: "Select this region again", onclick: () => this.take(one) });
    const away = make("button", { type: "button", class: "small plain", title: "Unmark this region", onclick: () => this.unmark(one) }, "×");
    const element = make("div", { class: "marked-region" }, make("div", { class: "marked-label" }, label, away));
    for (const pressed of [label, away]) pressed.addEventListener("pointerdown", (event) => event.stopPropagation());
    return { one, label, away, element };
  }

  #place() {
    const { view, width } = this.arranger;
    for (const { one, element } of this.boxes) {
      // Far outside the screen a box need not be exact; browsers fail on boxes of millions of pixels.
      const [left, right] = [one.start, one.end].map((sample) => Math.max(-4000, Math.min(xOf(view, sample), width + 4000)));
      element.style.transform = `translateX(${left}px)`;
      element.style.width = `${Math.max(2, right - left)}px`;
      show(element, right > 0 && left < width);
    }
  }
}

/** The marked regions over a lane, as the selected one is drawn. */
export function drawMarked(surface, view, marked, colors) {
  for (const region of marked) drawRegion(surface, view, region, colors);
}
