/** Takes as lanes under the original, in its time scale. Only the lanes that can be seen exist as elements. */

import { button, byId, icon, make, setText, show } from "./dom.js";
import { Strip, drawGrid, drawRegion, drawSeams, prepare } from "./drawing.js";
import { regionsOfJob } from "./bridge.js";
import { differences, siblingsOf } from "./differences.js";
import { translated } from "./language.js";
import { drawMarked } from "./regions.js";
import { inOrder, nameOf, outOfSight, starsShown, starsSpoken } from "./take_order.js";
import { ago, counted, quoted, regionName, taskName } from "./words.js";
import { isStem } from "./stem_mix.js";
import { xOf } from "./viewport.js";

const SPARE = 3; // lanes kept above and below the visible ones
const TALLEST = 124; // pixels
const REGION_ONLY = "takebridge.region-only";
const WIDE = matchMedia("(min-width: 821px)");

export class Lanes {
  constructor(store, arranger, bridge, actions) {
    this.store = store;
    this.arranger = arranger;
    this.bridge = bridge;
    this.actions = actions;
    this.box = byId("lanes");
    this.list = byId("lane-list");
    this.lanes = new Map();
    this.height = 72;
    this.items = [];
    this.ground = document.createElement("canvas");
    this.surroundings = new Strip();
    this.box.addEventListener("scroll", () => this.#place());
    new ResizeObserver(() => this.#resized()).observe(this.box);
    byId("filter-here").addEventListener("click", () => store.set({ filter: "here" }));
    byId("filter-all").addEventListener("click", () => store.set({ filter: "all" }));
    byId("region-only").addEventListener("click", () => this.#showOnlyRegion(!store.get("regionOnly")));
    this.#showOnlyRegion(localStorage.getItem(REGION_ONLY) === "on");
    store.watch(["takes", "takesOf", "jobs", "selected", "filter", "order", "matches", "showHidden", "focus", "dragged", "marked", "grid", "audition", "stemMix"], () => this.#changed());
    arranger.alsoDraw(() => this.#draw());
  }

  /** Whether lanes show the song around what is new. This browser remembers it. */
  #showOnlyRegion(on) {
    this.store.set({ regionOnly: on });
    localStorage.setItem(REGION_ONLY, on ? "on" : "off");
    byId("region-only").setAttribute("aria-pressed", on);
    this.arranger.invalidate();
  }

  /** The takes that are listed, in their order. */
  get shown() {
    return this.items.filter((item) => item.take).map((item) => item.take);
  }

  /** Chooses the take `step` lanes further down. */
  step(step) {
    const takes = this.shown;
    if (!takes.length) return;
    const at = takes.findIndex((take) => take.take === this.store.get("selected"));
    const next = at < 0 ? (step > 0 ? 0 : takes.length - 1) : Math.min(Math.max(at + step, 0), takes.length - 1);
    this.actions.select(takes[next].take);
  }

  /** Scrolls a take's lane into sight. */
  reveal(id) {
    const at = this.items.findIndex((item) => item.take?.take === id);
    if (at < 0) return;
    const top = at * this.height;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight) this.box.scrollTop = top + this.height - clientHeight;
  }

  #resized() {
    this.least = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--lane-height")) || 72;
    // The scroll bar takes its width from the lanes; the rows above must end where the lanes do.
    const bar = this.box.offsetWidth - this.box.clientWidth;
    byId("tracks").style.setProperty("--bar", `${bar}px`);
    this.#changed();
    // What is in hand stays in sight when a window is made smaller or a tablet is turned.
    if (this.revealed) this.reveal(this.revealed);
  }

  #changed() {
    const { focus, filter, grid, selected, order, matches, showHidden } = this.store.values;
    const takes = this.store.get("takes").filter((take) => showHidden || !outOfSight(take));
    const region = this.arranger.region;
    const regions = region ? [...this.store.get("marked"), region] : [];
    const isHere = (take) => regions.some(({ start, end }) => take.position < end && take.position + take.length > start);
    const here = region ? takes.filter(isHere) : takes;
    const listed = inOrder(filter === "here" ? here : takes, order, matches);
    const pending = this.#pending(focus);
    this.items = [...pending.map((job) => ({ key: `job ${job.job}`, job })), ...listed.map((take) => ({ key: take.take, take }))];
    for (const [id, on] of [["filter-here", filter === "here"], ["filter-all", filter === "all"]]) byId(id).setAttribute("aria-pressed", on);
    setText(byId("take-count"), takes.length ? (listed.length === takes.length ? counted(takes.length, "take") : `${listed.length.toLocaleString("en")} of ${takes.length.toLocaleString("en")}`) : "");
    show(byId("lane-tools"), Boolean(focus?.song));
    const bar = this.box.offsetWidth - this.box.clientWidth;
    this.#share();
    this.list.style.height = `${this.items.length * this.height}px`;
    this.#empty(region, takes, grid, focus);
    if (this.box.offsetWidth - this.box.clientWidth !== bar) this.#resized();
    if (selected !== this.revealed) {
      this.revealed = selected;
      if (selected) this.reveal(selected);
    }
    this.#place();
  }

  /** Few lanes share the room there is. */
  #share() {
    const least = this.least ?? 72;
    const room = WIDE.matches ? Math.floor(this.box.clientHeight / Math.max(1, this.items.length)) : 0;
    this.height = Math.max(least, Math.min(room, TALLEST));
    this.list.classList.toggle("tall", WIDE.matches && this.height >= 96);
    this.list.style.setProperty("--lane-height", `${this.height}px`);
  }

  #pending(focus) {
    const song = focus?.song;
    if (!song) return [];
    return [...this.store.get("jobs").values()].filter(
      (job) => (job.state === "queued" || job.state === "running") && isAbout(job, focus),
    );
  }

  #empty(region, takes, grid, focus) {
    const box = byId("lanes-empty");
    const empty = Boolean(focus?.song) && !this.items.length;
    show(box, empty);
    const read = this.store.get("takesOf") === (focus?.song?.digest ?? null);
    const key = `${empty} ${read} ${region?.start} ${region?.end} ${takes.length}`;
    if (!empty || this.emptyFor === key) return;
    this.emptyFor = key;
    const name = regionName(region, grid, this.arranger.rate);
    if (!read) {
      box.replaceChildren(make("p", {}, "Reading the takes …"));
    } else if (!region) {
      box.replaceChildren(
        make("h3", {}, "Takes appear here, under the song"),
        make("p", {}, "Drag over some bars in the waveform above", make("span", { class: "keys-only" }, ", press → to select the first one,"), " or select bars in your DAW. Then request new takes and compare them with the original, which stays as it is."),
      );
    } else {
      box.replaceChildren(
        make("h3", {}, `No takes of ${name} yet`),
        make("p", { class: "keys-only" }, "Press ", make("kbd", {}, "R"), " to repaint this region, or fill in the form. Move the region with ", make("kbd", {}, "←"), " ", make("kbd", {}, "→"), ", resize it with ", make("kbd", {}, "Shift"), "."),
        make("p", { class: "touch-only" }, "Press Repaint below. Drag the region's bar to move it, or drag anew to select other bars."),
        ...(takes.length ? [make("p", {}, button(`Show all ${counted(takes.length, "take")} of this song`, { onclick: () => this.store.set({ filter: "all" }) }))] : []),
      );
    }
  }

  /** Makes, moves and removes elements so that the visible lanes exist. */
  #place() {
    const { height } = this;
    const first = Math.max(0, Math.floor(this.box.scrollTop / height) - SPARE);
    const last = Math.min(this.items.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / height) + SPARE);
    const wanted = new Set(this.items.slice(first, last).map((item) => item.key));
    // First, so that no lane that stays is moved in the page: what has the focus would lose it, and Tab leave the list.
    for (const [key, lane] of this.lanes) {
      if (!wanted.has(key)) {
        lane.element.remove();
        this.lanes.delete(key);
      }
    }
    for (let at = first; at < last; at += 1) {
      const item = this.items[at];
      let lane = this.lanes.get(item.key);
      if (!lane) {
        lane = item.take ? new TakeLane(this, item.take) : new JobLane(this, item.job);
        this.lanes.set(item.key, lane);
      }
      lane.at = at;
      lane.element.style.transform = `translateY(${at * height}px)`;
      lane.element.setAttribute("aria-setsize", this.items.length);
      lane.element.setAttribute("aria-posinset", at + 1);
      lane.update(item.take ?? item.job, this.store.values);
      // In the order of the list, so that Tab goes downwards.
      const before = this.list.children[at - first];
      if (before !== lane.element) this.list.insertBefore(lane.element, before ?? null);
    }
    this.arranger.invalidate();
  }

  /** Every lane has the same ground; it is drawn once and copied. */
  #draw() {
    const box = this.list.querySelector(".time");
    if (!box) return;
    const { arranger } = this;
    const ground = prepare(this.ground, arranger.width, box.clientHeight);
    if (!ground) return;
    drawGrid(ground, arranger.view, this.store.get("grid"), arranger.colors);
    drawMarked(ground, arranger.view, this.store.get("marked"), arranger.colors);
    drawRegion(ground, arranger.view, arranger.region, arranger.colors);
    for (const lane of this.lanes.values()) lane.draw(arranger, this.store.values, this.ground, this.surroundings);
  }
}

function isAbout(job, focus) {
  const source = job.request.source;
  return source === focus.request?.source || source === focus.song.source || source === `audio:${focus.song.digest}`;
}

/** A stem or a backing plays alongside the song; other takes are the song, changed in one place. */
const playsAlongside = (take) => take.stem !== "mix";

class TakeLane {
  constructor(lanes, take) {
    const { actions, bridge } = lanes;
    const id = take.take;
    this.id = id;
    this.stems = actions.stems;
    this.strip = new Strip();
    this.partStrip = new Strip();
    this.title = make("span", { dir: "auto" });
    this.stars = make("span", { class: "given-stars", "aria-hidden": "true" });
    this.badge = make("span", { class: "badge", hidden: true }, "in the song");
    this.warn = make("span", { class: "warn", hidden: true }, icon("warning"));
    this.sub = make("div", { class: "lane-sub" });
    this.choose = make("button", { type: "button", class: "lane-select", onclick: () => actions.select(id) });
    this.accept = button("Accept", { picture: "accept", title: "Accept", onclick: () => actions.accept(id) });
    const play = button("Play", { picture: "play", title: "Play", onclick: () => actions.play(id) });
    const address = bridge.locate(`takes/${encodeURIComponent(id)}/clip.wav`);
    const drag = make(
      "a",
      { class: "button grip", href: address, download: "", draggable: true, title: "Drag out as a file, or click to save" },
      icon("grip"),
    );
    this.named = [[this.accept, (name) => `Accept ${name}`], [play, (name) => `Play ${name}`], [drag, (name) => `Save the file of ${name}, or drag it out`]];
    drag.addEventListener("dragstart", (event) => actions.dragOut(event, id));
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.element = make(
      "li",
      { class: "lane", "data-take": id },
      make("div", { class: "gutter" },
        this.choose,
        make("div", { class: "words" }, make("div", { class: "lane-title" }, this.title, this.stars, this.warn), this.sub),
        make("div", { class: "lane-actions" }, play, this.accept, ...this.#mixing(take, actions), drag, this.badge)),
      make("div", { class: "time", onclick: () => actions.select(id), ondblclick: () => actions.play(id) }, this.canvas),
    );
  }

  /** Mute and solo, of a stem. */
  #mixing(take, actions) {
    if (!isStem(take)) return [];
    const toggle = (text, label, title, which) => button(label, { text, class: "letter", title, "aria-pressed": "false", onclick: () => actions.mix(this.take, which) });
    this.mute = toggle("M", `Mute the stem ${take.stem}`, "Mute this stem", "muted");
    this.solo = toggle("S", `Solo the stem ${take.stem}`, "Solo this stem", "solo");
    return [this.mute, this.solo];
  }

  #showMixing(take, audition, playing) {
    if (!this.mute) return;
    const { stems } = this;
    this.mute.setAttribute("aria-pressed", stems.isMuted(take));
    this.solo.setAttribute("aria-pressed", stems.isSolo(take));
    this.element.classList.toggle("mixed-out", !stems.isLeft(take));
    const mixed = Boolean(audition?.stems) && playing && stems.together(playing, take);
    this.element.classList.toggle("audible", mixed ? audition.stems.split(", ").includes(take.stem) : this.element.classList.contains("audible"));
  }

  update(take, { selected, audition, takes }) {
    this.take = take;
    const chosen = selected === take.take;
    const warnings = take.receipt?.warnings ?? [];
    const kind = playsAlongside(take) ? take.stem : taskName(take.task);
    const beside = playsAlongside(take) ? ` · ${take.stem}` : "";
    const title = take.name ? `${take.name}${beside}` : `${take.number} · ${kind}`;
    const spoken = take.name ? `${quoted(take.name)}${beside}` : title;
    setText(this.title, take.name ? title : translated(title));
    setText(this.stars, starsShown(take));
    for (const [element, words] of this.named) element.setAttribute("aria-label", words(nameOf(take)));
    const about = this.about(take, takes);
    setText(this.sub, about);
    const partly = Boolean(take.parts?.length);
    show(this.badge, take.chosen);
    setText(this.badge, partly ? "in part" : "in the song");
    show(this.warn, warnings.length > 0);
    if (warnings.length) this.warn.title = warnings.join("\n");
    this.element.classList.toggle("selected", chosen);
    this.element.classList.toggle("chosen", take.chosen);
    this.element.classList.toggle("out-of-sight", outOfSight(take));
    this.element.classList.toggle("audible", audition?.state === "playing" && audition.take === take.take);
    this.#showMixing(take, audition, audition?.state === "playing" ? takes.find((entry) => entry.take === audition.take) : null);
    this.choose.setAttribute("aria-pressed", chosen);
    this.choose.setAttribute("aria-label", [`The take ${spoken}${take.stars ? `, ${starsSpoken(take.stars)}` : ""}${take.chosen ? `, ${this.badge.textContent}` : ""}${warnings.length ? `, ${counted(warnings.length, "warning")}` : ""}`, about].join(". "));
    show(this.accept, !take.chosen || partly);
  }

  /** What sets it apart from the others of its region; where nothing does, its prompt, age and seed. */
  about(take, takes) {
    if (this.takes !== takes || this.described !== take) {
      this.apart = differences(take, siblingsOf(take, takes));
      Object.assign(this, { takes, described: take });
    }
    const age = ago(take.created, Date.now() / 1000);
    const hidden = outOfSight(take) ? "hidden" : null;
    if (this.apart.length) return [hidden, ...this.apart, age].filter(Boolean).join(" · ");
    return [hidden, take.prompt ? quoted(take.prompt) : null, age, `seed ${take.seed}`].filter(Boolean).join(" · ");
  }

  draw(arranger, values, ground, surroundings) {
    const surface = prepare(this.canvas, arranger.width, this.canvas.parentElement.clientHeight);
    if (!surface) return;
    const { colors, view, rate, sounds, full } = arranger;
    const { take } = this;
    const { context, rows, columns, ratio } = surface;
    context.drawImage(ground, 0, 0);
    const left = Math.round(xOf(view, take.position) * ratio);
    const right = Math.round(xOf(view, take.position + take.length) * ratio);
    const place = { top: 0, height: rows, full };
    const song = playsAlongside(take) || values.regionOnly ? null : arranger.songSound;
    if (song) {
      const dim = { ...place, color: colors["original-dim"] };
      surroundings.draw(surface, sounds, view, rate, song, { ...dim, to: Math.min(columns, left) });
      surroundings.draw(surface, sounds, view, rate, song, { ...dim, from: Math.max(0, right) });
    }
    if (right > 0 && left < columns) {
      const sound = { digest: take.audio, position: take.position };
      const all = take.chosen && !take.parts?.length;
      this.strip.draw(surface, sounds, view, rate, sound, { ...place, color: all ? colors.chosen : colors.take });
      for (const [start, end] of take.parts ?? []) {
        const [from, to] = [start, end].map((sample) => Math.round(xOf(view, sample) * ratio));
        this.partStrip.draw(surface, sounds, view, rate, sound, { ...place, color: colors.chosen, from: Math.max(0, from), to: Math.min(columns, to) });
      }
    }
    if (!playsAlongside(take)) drawSeams(surface, view, take, colors);
  }
}

/** A lane whose take is being rendered. */
class JobLane {
  constructor(lanes, job) {
    this.lanes = lanes;
    this.title = make("span", {});
    this.sub = make("div", { class: "lane-sub" });
    this.canvas = make("canvas", { "aria-hidden": "true" });
    const stop = button("Cancel", { picture: "close", onclick: () => lanes.bridge.cancel(job.job) });
    const play = button("Play what has been rendered", { picture: "play", onclick: () => lanes.actions.playJob(job.job) });
    this.element = make(
      "li",
      { class: "lane pending" },
      make("div", { class: "gutter" },
        make("div", { class: "words" }, make("div", { class: "lane-title" }, this.title), this.sub),
        make("div", { class: "lane-actions" }, play, stop)),
      make("div", { class: "time" }, this.canvas),
    );
  }

  update(job) {
    this.job = job;
    setText(this.title, `${taskName(job.command)} …`);
    setText(this.sub, job.progress ? `${Math.round(job.progress.fraction * 100)} % · ${job.progress.stage}` : "in the queue");
  }

  draw(arranger, values, ground, surroundings) {
    const surface = prepare(this.canvas, arranger.width, this.canvas.parentElement.clientHeight);
    if (!surface) return;
    const { colors, view } = arranger;
    surface.context.drawImage(ground, 0, 0);
    const dim = { top: 0, height: surface.rows, full: arranger.full, color: colors["original-dim"] };
    if (!values.regionOnly) surroundings.draw(surface, arranger.sounds, view, arranger.rate, arranger.songSound, dim);
    for (const region of regionsOfJob(this.job, values.grid, arranger.rate)) this.#drawBar(surface, region, arranger);
  }

  #drawBar({ context, rows, ratio }, region, { colors, view }) {
    const left = xOf(view, region.start) * ratio;
    const width = xOf(view, region.end) * ratio - left;
    const inset = Math.round(10 * ratio);
    context.save();
    context.beginPath();
    context.roundRect(left, inset, Math.max(2, width), rows - 2 * inset, 5 * ratio);
    context.clip();
    context.globalAlpha = 0.85;
    context.fillStyle = colors.line;
    context.fillRect(left, 0, width, rows);
    context.fillStyle = colors["take-dim"];
    context.fillRect(left, 0, width * (this.job.progress?.fraction ?? 0), rows);
    context.restore();
  }
}
