/**
 * The song in time: overview, ruler, original, and everything that is drawn in the same time scale. Owns the view
 * (what stretch is on the screen) and when canvases are drawn; lanes.js owns the list of takes.
 */

import { byId, setText, show } from "./dom.js";
import { drawChords } from "./chords.js";
import { Strip, drawGrid, drawRegion, drawRuler, prepare, readColors } from "./drawing.js";
import { within } from "./grid.js";
import { CHANGED } from "./scheme.js";
import { clamped, fitted, panned, sampleAt, xOf, zoomed } from "./viewport.js";
import { duration, placeName, placeSpoken, regionName } from "./words.js";

const MARGIN = 0.02; // of the song, shown past its ends
const SLIM = 130; // pixels: in a narrower region its name is shown next to it
const TINY = 40; // pixels: a narrower region is zoomed to when a song is first shown
const KEPT = "takebridge.view";

export class Arranger {
  constructor(store, bridge, sounds) {
    this.store = store;
    this.bridge = bridge;
    this.sounds = sounds;
    this.colors = readColors();
    this.width = 0;
    this.drawers = [];
    this.frames = [];
    this.planned = false;
    this.shownSong = null;
    this.strips = { overview: new Strip(), original: new Strip() };
    window.addEventListener(CHANGED, () => {
      this.colors = readColors();
      this.invalidate();
    });
    new ResizeObserver(() => this.#resized()).observe(byId("original-time"));
    new ResizeObserver(() => this.invalidate()).observe(byId("overview"));
    store.watch(["focus", "grid", "takes", "selected", "view", "dragged", "jobs", "audition", "filter", "chords"], () => this.#changed());
  }

  /** Has `draw(surface-independent arguments)` called whenever the canvases are drawn. */
  alsoDraw(draw) {
    this.drawers.push(draw);
  }

  get rate() {
    return this.store.get("focus")?.song?.rate ?? 48000;
  }

  get region() {
    return this.store.get("dragged") ?? this.store.get("focus")?.selection ?? null;
  }

  get view() {
    return this.store.get("view");
  }

  /** First and last sample that can be scrolled to: the song, and whatever reaches past it. */
  get limits() {
    const { focus, takes } = this.store.values;
    const song = focus?.song;
    if (!song) return { first: 0, last: 48000 * 60 };
    let first = song.position;
    let last = song.position + song.length;
    for (const take of takes) {
      if (take.position < first) first = take.position;
      if (take.position + take.length > last) last = take.position + take.length;
    }
    const region = this.region;
    if (region) {
      first = Math.min(first, region.start);
      last = Math.max(last, region.end);
    }
    const margin = Math.round((last - first) * MARGIN);
    return { first: first - margin, last: last + margin };
  }

  /** Furthest a region may reach: it may lie past the song's end, as far as bars are drawn there. */
  get reach() {
    const { focus, grid } = this.store.values;
    const song = focus?.song;
    if (!song) return { first: 0, last: 0 };
    const end = song.position + song.length;
    return { first: song.position, last: grid ? Math.max(end, grid.bars.at(-1)) : end };
  }

  show(view) {
    this.store.set({ view: clamped(view, this.limits, this.width) });
    const digest = this.store.get("focus")?.song?.digest;
    if (digest) sessionStorage.setItem(KEPT, JSON.stringify({ digest, ...this.view }));
  }

  zoom(factor, x = this.width / 2) {
    this.show(zoomed(this.view, factor, x, this.limits, this.width));
  }

  pan(pixels) {
    this.show(panned(this.view, pixels, this.limits, this.width));
  }

  zoomToRegion() {
    if (this.region) this.show(fitted(this.region, 0.14, this.limits, this.width));
  }

  zoomToAll() {
    const { first, last } = this.limits;
    this.show({ first, scale: (last - first) / this.width });
  }

  /** Scrolls so that a region can be seen, and no further than it must. */
  reveal(region) {
    const shown = { start: this.view.first, end: sampleAt(this.view, this.width) };
    if (region.end - region.start > shown.end - shown.start) this.show(fitted(region, 0.1, this.limits, this.width));
    else if (region.start < shown.start || region.end > shown.end) {
      const length = shown.end - shown.start;
      this.show({ ...this.view, first: (region.start + region.end - length) / 2 });
    }
  }

  invalidate() {
    if (this.planned) return;
    this.planned = true;
    requestAnimationFrame(() => {
      this.planned = false;
      const began = performance.now();
      this.#draw();
      this.frames.push(performance.now() - began);
      if (this.frames.length > 600) this.frames.shift();
    });
  }

  #resized() {
    const width = byId("original-time").clientWidth;
    if (!width) return;
    const before = this.width;
    this.width = width;
    if (this.shownSong && before && this.view) this.show({ ...this.view, scale: (this.view.scale * before) / width });
    else this.#changed();
    this.invalidate();
  }

  #changed() {
    const { focus, grid } = this.store.values;
    const song = focus?.song;
    if (song && this.width && this.shownSong !== song.digest) {
      this.shownSong = song.digest;
      const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
      if (kept?.digest === song.digest) this.show({ first: kept.first, scale: kept.scale });
      else {
        this.zoomToAll();
        const region = this.region;
        if (region && (region.end - region.start) / this.view.scale < TINY) this.show(fitted(region, 0.3, this.limits, this.width));
      }
    }
    this.#follow();
    if (!song) this.shownSong = null;
    setText(byId("original-sub"), song ? [song.channels === 1 ? "mono" : "stereo", `${song.rate / 1000} kHz`, duration(song.length / song.rate)].join(" · ") : "");
    show(byId("drag-hint"), Boolean(song) && !this.region);
    this.#placeRegion(grid);
    this.invalidate();
  }

  /** Scrolls to a region that another client selects; one selected here is on screen already. */
  #follow() {
    const { focus, dragged } = this.store.values;
    const region = focus?.selection ?? null;
    const key = region ? `${region.start} ${region.end}` : "";
    if (this.followed !== undefined && key !== this.followed && region && !dragged && this.view) {
      const last = sampleAt(this.view, this.width);
      if (region.end < this.view.first || region.start > last) this.reveal(region);
    }
    this.followed = key;
  }

  #placeRegion(grid) {
    const region = this.region;
    const box = byId("region");
    show(box, Boolean(region && this.view && this.width));
    if (box.hidden) return;
    const left = xOf(this.view, region.start);
    const right = xOf(this.view, region.end);
    // Far outside the screen a box need not be exact; browsers fail on boxes of millions of pixels.
    const from = Math.max(-4000, Math.min(left, this.width + 4000));
    const to = Math.max(-4000, Math.min(right, this.width + 4000));
    box.style.transform = `translateX(${from}px)`;
    box.style.width = `${Math.max(2, to - from)}px`;
    const label = byId("region-label");
    const name = regionName(region, grid, this.rate);
    setText(label, `${name[0].toUpperCase()}${name.slice(1)} · ${duration((region.end - region.start) / this.rate)}`);
    const slim = to - from < SLIM;
    box.classList.toggle("slim", slim);
    // Next to a slim region, on the side with room.
    box.classList.toggle("left", slim && to + label.offsetWidth > this.width && from > label.offsetWidth);
    label.style.transform = slim ? "" : `translateX(${Math.max(0, -from)}px)`;
    const { first, last } = this.reach;
    for (const [id, sample] of [["handle-start", region.start], ["handle-end", region.end]]) {
      const handle = byId(id);
      handle.setAttribute("aria-valuemin", first);
      handle.setAttribute("aria-valuemax", Math.max(last, sample));
      handle.setAttribute("aria-valuenow", sample);
      handle.setAttribute("aria-valuetext", placeSpoken(sample, grid, this.rate));
      handle.title = placeName(sample, grid, this.rate);
    }
  }

  /** The sample value that fills a lane: the song's own highest, so that takes can be compared by eye. */
  get full() {
    const digest = this.store.get("focus")?.song?.digest;
    const peaks = digest && this.sounds.peaks(digest);
    if (!peaks) return 1;
    if (this.fullOf !== digest) {
      let most = 0;
      for (const value of peaks.levels.at(-1).data) most = Math.max(most, Math.abs(value)); // an RMS is below its peak
      this.fullOf = digest;
      this.fullValue = Math.max(0.05, most / 32767);
    }
    return this.fullValue;
  }

  /** The song as something that can be drawn. */
  get songSound() {
    const song = this.store.get("focus")?.song;
    return song ? { digest: song.digest, position: song.position } : null;
  }

  #draw() {
    if (!this.shownSong || !this.view || !this.width) return;
    this.#drawOverview();
    this.#drawRuler();
    this.#drawOriginal();
    for (const draw of this.drawers) draw();
  }

  #drawRuler() {
    const surface = prepare(byId("ruler"), this.width, byId("ruler-time").clientHeight);
    if (!surface) return;
    drawRegion(surface, this.view, this.region, this.colors);
    drawRuler(surface, this.view, this.store.get("grid"), this.rate, this.colors);
  }

  #drawOriginal() {
    const surface = prepare(byId("original"), this.width, byId("original-time").clientHeight);
    if (!surface) return;
    drawGrid(surface, this.view, this.store.get("grid"), this.colors);
    drawRegion(surface, this.view, this.region, this.colors);
    const top = Math.round(20 * surface.ratio);
    const options = { top, height: surface.rows - top, split: true, full: this.full, color: this.colors.original };
    this.strips.original.draw(surface, this.sounds, this.view, this.rate, this.songSound, options);
    drawChords(surface, this.view, this.store.get("chords"), this.colors);
  }

  #drawOverview() {
    const canvas = byId("overview");
    const surface = prepare(canvas, canvas.clientWidth, canvas.clientHeight);
    if (!surface) return;
    const { context, columns, rows, ratio } = surface;
    const { first, last } = this.limits;
    const whole = { first, scale: (last - first) / canvas.clientWidth };
    const strip = Math.round(12 * ratio);
    const x = (sample) => Math.round(xOf(whole, sample) * ratio);
    drawGrid(surface, whole, this.store.get("grid"), { ...this.colors, line: "transparent", "line-strong": this.colors.line });
    const options = { top: 0, height: rows - strip, full: this.full, color: this.colors.original };
    this.strips.overview.draw(surface, this.sounds, whole, this.rate, this.songSound, options);
    this.#drawChanges(context, x, ratio);
    const places = this.#places();
    for (const { position, length, chosen } of places) {
      context.fillStyle = chosen ? this.colors.chosen : this.colors.take;
      const left = x(position);
      context.fillRect(left, rows - Math.round(8 * ratio), Math.max(2 * ratio, x(position + length) - left - ratio), Math.round((chosen ? 6 : 3) * ratio));
    }
    const region = this.region;
    if (region) {
      context.fillStyle = this.colors["region-fill"];
      context.fillRect(x(region.start), 0, Math.max(2, x(region.end) - x(region.start)), rows);
      context.fillStyle = this.colors.region;
      context.fillRect(x(region.start), 0, Math.max(2, x(region.end) - x(region.start)), Math.round(3 * ratio));
    }
    const left = x(this.view.first);
    const right = x(sampleAt(this.view, this.width));
    context.globalAlpha = 0.55;
    context.fillStyle = this.colors.ground;
    context.fillRect(0, 0, left, rows);
    context.fillRect(right, 0, columns - right, rows);
    context.globalAlpha = 1;
    if (right - left < columns - 2) {
      context.strokeStyle = this.colors.dim;
      context.lineWidth = ratio;
      context.strokeRect(left + ratio / 2, ratio / 2, right - left - ratio, rows - ratio);
    }
  }

  /** Tempo and time signature changes in the overview, as small marks at the top. */
  #drawChanges(context, x, ratio) {
    const grid = this.store.get("grid");
    if (!grid) return;
    context.fillStyle = this.colors.dim;
    const size = 3 * ratio;
    for (const [sample] of [...grid.tempi.slice(1), ...grid.meters.slice(1)]) {
      const at = x(sample);
      context.beginPath();
      context.moveTo(at - size, 0);
      context.lineTo(at + size, 0);
      context.lineTo(at, size * 1.6);
      context.fill();
    }
  }

  /** The places takes lie at, each once; worked out again when the takes change. */
  #places() {
    const takes = this.store.get("takes");
    if (this.placesOf !== takes) {
      const found = new Map();
      for (const take of takes) {
        const key = `${take.position} ${take.length}`;
        const place = found.get(key) ?? { position: take.position, length: take.length, chosen: false };
        place.chosen ||= take.chosen;
        found.set(key, place);
      }
      this.placesOf = takes;
      this.placesFound = [...found.values()].sort((a, b) => a.chosen - b.chosen);
    }
    return this.placesFound;
  }

  /** Moves the region by whole bars, or its end when `resize`; by seconds where there are no bars. */
  nudge(bars, resize) {
    const grid = this.store.get("grid");
    const region = this.region;
    const { first, last } = this.reach;
    if (!region) {
      this.#begin(grid, first, last);
      return;
    }
    let next;
    if (!grid) {
      const step = bars * this.rate;
      next = resize ? { start: region.start, end: Math.max(region.start + this.rate, region.end + step) } : { start: region.start + step, end: region.end + step };
    } else next = resize ? grid.resized(region, bars) : grid.moved(region, bars);
    if (resize) next.end = Math.min(next.end, last);
    else {
      const length = next.end - next.start;
      if (next.start < first || next.end > last) next = within(next, first, last);
      if (next.end - next.start !== length || (next.start === region.start && next.end === region.end)) return;
    }
    this.reveal(next);
    this.bridge.select(next);
  }

  /** A region for the keys to begin with: the bar under the DAW's playhead, else the first that is on the screen. */
  #begin(grid, first, last) {
    const { focus, view } = this.store.values;
    if (!focus?.song || !view) return;
    const { playhead } = focus;
    const known = playhead !== undefined && playhead !== null && playhead >= first && playhead < last;
    const at = known ? playhead : Math.max(first, view.first);
    const region = grid ? grid.around(at, at, false) : { start: at, end: Math.min(last, at + 4 * this.rate) };
    this.reveal(region);
    this.bridge.select(region);
  }
}
