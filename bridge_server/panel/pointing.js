/** Mouse, touch and wheel on the arranger: selecting, moving, resizing, scrolling, zooming, seeking. */

import { byId } from "./dom.js";
import { within } from "./grid.js";
import { sampleAt, xOf } from "./viewport.js";

const CLICK = 4; // pixels a pointer may wander in a click
const FINE = 90; // pixels a bar from which on regions snap to beats
const WIDE = matchMedia("(min-width: 821px)");

export class Pointing {
  constructor(arranger, store, bridge, listening, regions) {
    this.arranger = arranger;
    this.store = store;
    this.bridge = bridge;
    this.listening = listening;
    this.regions = regions;
    this.pointers = new Map();
    this.gesture = null;
    const original = byId("original-time");
    original.addEventListener("pointerdown", (event) => this.#pressOriginal(event));
    byId("ruler-time").addEventListener("pointerdown", (event) => this.#begin(event, this.#scrub(event)));
    byId("overview").addEventListener("pointerdown", (event) => this.#pressOverview(event));
    byId("lanes").addEventListener("pointerdown", (event) => this.#pressLane(event));
    for (const id of ["tracks", "overview-row"]) {
      byId(id).addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    }
    window.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, (event) => this.#end(event));
    for (const id of ["handle-start", "handle-end"]) byId(id).addEventListener("keydown", (event) => this.#handleKey(event, id));
    original.addEventListener("dblclick", () => arranger.zoomToRegion());
  }

  #x(event) {
    return event.clientX - byId("original-time").getBoundingClientRect().left;
  }

  /** Whether regions snap to beats rather than bars at this zoom. */
  get toBeats() {
    const grid = this.store.get("grid");
    return Boolean(grid) && grid.barLength(sampleAt(this.arranger.view, this.arranger.width / 2)) / this.arranger.view.scale > FINE;
  }

  #snap(sample, event) {
    const grid = this.store.get("grid");
    return grid && !event.altKey ? grid.snapped(sample, this.toBeats) : Math.round(sample);
  }

  #begin(event, gesture) {
    if (event.button > 1 || !this.arranger.view || !this.store.get("focus")?.song) return;
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.pointers.size === 2) {
      this.gesture?.leave?.();
      this.gesture = this.#pinch();
    } else if (this.pointers.size === 1) {
      this.gesture = gesture;
      this.from = { x: event.clientX, y: event.clientY };
      this.wandered = false;
    }
    event.preventDefault();
  }

  #move(event) {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer || !this.gesture) return;
    const before = { ...pointer };
    pointer.x = event.clientX;
    pointer.y = event.clientY;
    if (Math.hypot(event.clientX - this.from.x, event.clientY - this.from.y) > CLICK) this.wandered = true;
    if (this.wandered || this.pointers.size > 1) this.gesture.move(event, before);
  }

  #end(event) {
    if (!this.pointers.delete(event.pointerId) || this.pointers.size) return;
    const gesture = this.gesture;
    this.gesture = null;
    if (!gesture) return;
    if (event.type === "pointercancel") gesture.leave?.();
    else if (this.wandered) gesture.end?.(event);
    else gesture.click?.(event);
  }

  #pressOriginal(event) {
    if (event.button === 1) this.#begin(event, this.#scroll());
    else if (event.target.closest(".handle")) this.#begin(event, this.#resize(event.target.closest(".handle").id === "handle-start"));
    else if (event.target.closest("#region-bar")) this.#begin(event, this.#shift(event));
    else this.#begin(event, this.#draw(event));
    const handle = event.target.closest(".handle");
    if (handle) handle.focus({ preventScroll: true });
    else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  }

  #pressLane(event) {
    if (!event.target.closest(".time")) return;
    if (event.pointerType === "mouse" && event.button === 0) return; // a click chooses; lanes.js handles it
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.from = { x: event.clientX, y: event.clientY };
    this.wandered = false;
    if (this.pointers.size === 2) this.gesture = this.#pinch();
    else this.gesture = this.#scroll();
  }

  /** A new region; with Shift or Ctrl, the one before stays marked. */
  #draw(event) {
    const start = sampleAt(this.arranger.view, this.#x(event));
    let joins = event.shiftKey || event.ctrlKey || event.metaKey;
    return {
      move: (moved) => {
        if (joins && this.arranger.region) this.regions.add(this.arranger.region);
        joins = false;
        const here = sampleAt(this.arranger.view, this.#x(moved));
        this.#drag(this.#spanned(start, here, moved));
      },
      end: () => this.#drop(),
      leave: () => this.#forget(),
      click: (last) => this.#seek(last),
    };
  }

  #spanned(a, b, event) {
    const grid = this.store.get("grid");
    const { first, last } = this.arranger.reach;
    const held = (sample) => Math.min(Math.max(sample, first), last);
    if (grid && !event.altKey) {
      const region = grid.around(held(a), held(b), this.toBeats);
      return { start: Math.max(region.start, first), end: Math.min(region.end, last) };
    }
    return { start: Math.round(Math.min(held(a), held(b))), end: Math.round(Math.max(held(a), held(b), held(Math.min(a, b)) + 1)) };
  }

  #shift(event) {
    const begun = this.arranger.region;
    const from = sampleAt(this.arranger.view, this.#x(event));
    return {
      move: (moved) => {
        const start = this.#snap(begun.start + sampleAt(this.arranger.view, this.#x(moved)) - from, moved);
        const grid = this.store.get("grid");
        let end = start + begun.end - begun.start;
        // Four bars stay four bars where the tempo is another.
        if (grid && !moved.altKey && grid.isBar(begun.start) && grid.isBar(begun.end) && grid.isBar(start)) {
          const bars = grid.place(begun.end).bar - grid.place(begun.start).bar;
          end = grid.movedBy(start, bars);
        }
        const { first, last } = this.arranger.reach;
        this.#drag(within({ start, end }, first, last));
      },
      end: () => this.#drop(),
      leave: () => this.#forget(),
    };
  }

  #resize(atStart) {
    const begun = this.arranger.region;
    return {
      move: (moved) => {
        const here = sampleAt(this.arranger.view, this.#x(moved));
        this.#drag(this.#spannedFrom(atStart ? begun.end : begun.start, here, moved));
      },
      end: () => this.#drop(),
      leave: () => this.#forget(),
    };
  }

  /** From a fixed edge, which stays even off the grid, to where the pointer is. */
  #spannedFrom(fixed, here, event) {
    const { first, last } = this.arranger.reach;
    const moved = Math.min(Math.max(this.#snap(here, event), first), last);
    if (moved === fixed) return this.#spanned(fixed, here, event);
    return { start: Math.min(fixed, moved), end: Math.max(fixed, moved) };
  }

  #drag(region) {
    this.store.set({ dragged: region });
  }

  #drop() {
    const region = this.store.get("dragged");
    if (region) this.bridge.select(region);
  }

  #forget() {
    this.store.set({ dragged: null });
  }

  #scroll() {
    return {
      move: (event, before) => this.arranger.pan(before.x - event.clientX),
    };
  }

  /** The ruler: sideways scrolls, up and down zooms, a click plays from there. */
  #scrub(event) {
    const x = this.#x(event);
    return {
      move: (moved, before) => {
        this.arranger.pan(before.x - moved.clientX);
        if (moved.clientY !== before.y) this.arranger.zoom(1.012 ** (moved.clientY - before.y), x);
      },
      click: (last) => this.#seek(last),
    };
  }

  #pinch() {
    return {
      move: (event, before) => {
        const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
        if (!other) return;
        const was = Math.abs(before.x - other.x);
        const is = Math.abs(event.clientX - other.x);
        const left = byId("original-time").getBoundingClientRect().left;
        this.arranger.pan((before.x - event.clientX) / 2);
        if (was > 8 && is > 8) this.arranger.zoom(is / was, (event.clientX + other.x) / 2 - left);
      },
    };
  }

  #seek(event) {
    const audition = this.store.get("audition");
    if (!audition || audition.state === "none" || audition.state === "stopped") return;
    this.listening.call("audition.seek", { position: Math.round(sampleAt(this.arranger.view, this.#x(event))) });
  }

  #pressOverview(event) {
    const canvas = byId("overview");
    const { first, last } = this.arranger.limits;
    const perPixel = (last - first) / canvas.clientWidth;
    const shown = this.arranger.width * this.arranger.view.scale;
    const at = (moved) => first + (moved.clientX - canvas.getBoundingClientRect().left) * perPixel;
    const here = at(event);
    const inside = here >= this.arranger.view.first && here <= this.arranger.view.first + shown;
    const offset = inside ? here - this.arranger.view.first : shown / 2;
    const go = (moved) => this.arranger.show({ ...this.arranger.view, first: at(moved) - offset });
    this.#begin(event, { move: go, click: go });
  }

  #wheel(event) {
    if (!this.arranger.view || !this.store.get("focus")?.song) return;
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
    const dx = (event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX) * unit;
    const dy = (event.shiftKey ? 0 : event.deltaY) * unit;
    const overLanes = event.target.closest("#lanes") !== null;
    const overview = event.target.closest("#overview-row") !== null;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.arranger.zoom(1.01 ** -dy, this.#x(event));
    } else if (Math.abs(dx) > Math.abs(dy)) {
      event.preventDefault();
      this.arranger.pan(dx);
    } else if (WIDE.matches && !overLanes && dy) {
      // Where the page itself scrolls, and in the lanes, the wheel scrolls down as everywhere.
      event.preventDefault();
      this.arranger.zoom(1.0022 ** -dy, overview ? this.arranger.width / 2 : this.#x(event));
    }
  }

  /** Arrow keys on a focused handle: a beat, with shift a bar. */
  #handleKey(event, id) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
    const step = steps[event.key];
    const region = this.arranger.region;
    if (!step || !region || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const grid = this.store.get("grid");
    const at = id === "handle-start" ? region.start : region.end;
    let next;
    if (grid && event.shiftKey) next = grid.movedBy(at, step);
    else if (grid?.beats.length) {
      const aim = xOf(this.arranger.view, at);
      const beats = grid.beats;
      const found = step > 0 ? beats.find((beat) => beat > at) : beats.findLast((beat) => beat < at);
      next = found ?? sampleAt(this.arranger.view, aim + step * 8);
    } else next = at + step * this.arranger.rate * (event.shiftKey ? 1 : 0.1);
    const moved = id === "handle-start" ? { start: next, end: region.end } : { start: region.start, end: next };
    const { first, last } = this.arranger.reach;
    if (moved.start < moved.end && moved.start >= first && moved.end <= last) {
      this.arranger.reveal(moved);
      this.bridge.select(moved);
    }
  }
}
