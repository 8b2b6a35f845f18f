/**
 * What the page shows: values by name. Watchers of any of them are called once, before the next frame,
 * after any of them has changed.
 */
export class Store {
  constructor(values) {
    this.values = { ...values };
    this.watchers = [];
    this.touched = new Set();
    this.planned = false;
  }

  get(name) {
    return this.values[name];
  }

  /** Sets values by name; those that are the same object as before count as unchanged. */
  set(changes) {
    for (const [name, value] of Object.entries(changes)) {
      if (this.values[name] !== value) {
        this.values[name] = value;
        this.touched.add(name);
      }
    }
    this.#plan();
  }

  /** Calls `show(values)` after changes of any of the names, and once at the beginning. */
  watch(names, show) {
    this.watchers.push({ names, show, fresh: true });
    this.#plan();
  }

  #plan() {
    if (this.planned) return;
    this.planned = true;
    // Not requestAnimationFrame: a panel in a hidden tab must not fall behind the server.
    queueMicrotask(() => this.#notify());
  }

  #notify() {
    this.planned = false;
    const touched = this.touched;
    this.touched = new Set();
    for (const watcher of this.watchers) {
      if (watcher.fresh || watcher.names.some((name) => touched.has(name))) {
        watcher.fresh = false;
        try {
          watcher.show(this.values);
        } catch (error) {
          reportError(error); // one failing watcher must not stop the others
        }
      }
    }
  }
}
