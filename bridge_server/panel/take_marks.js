/** Name, stars and hiding of the selected take, on its card: the row stays while its values change. */

import { button, byId, make, setText } from "./dom.js";
import { MAX_STARS, nameOf, outOfSight, starsSpoken } from "./take_order.js";
import { quoted } from "./words.js";

export class TakeMarks {
  constructor(store, bridge, lanes, notices) {
    this.store = store;
    this.bridge = bridge;
    this.lanes = lanes;
    this.notices = notices;
    this.row = make("div", { class: "marks", id: "take-marks" });
    this.stars = make("div", { class: "stars", role: "group", "aria-label": "Stars" },
      ...Array.from({ length: MAX_STARS }, (_, at) => button(starsSpoken(at + 1), { text: "☆", class: "small plain", title: `${starsSpoken(at + 1)} (${at + 1})`, onclick: () => this.giveStars(at + 1) })));
    this.rename = button("Rename", { class: "small", id: "rename", title: "Give the take a name (F2)", onclick: () => this.askName() });
    this.hide = button("Hide", { class: "small", id: "hide-take", onclick: () => this.toggleHidden() });
    store.watch(["takes", "selected", "showHidden"], () => this.#changed());
  }

  get take() {
    const id = this.store.get("selected");
    return id ? this.store.get("takes").find((take) => take.take === id) ?? null : null;
  }

  /** The same number again takes the stars away. */
  async giveStars(count) {
    const { take } = this;
    if (!take) return;
    const stars = take.stars === count ? 0 : count;
    if (await this.bridge.mark(take.take, { stars })) this.notices.announce(`The stars of ${nameOf(take)}: ${starsSpoken(stars)}.`);
  }

  /** A field in place of the button; Enter keeps the name, Escape does not. */
  askName() {
    const { take } = this;
    if (!take || this.asking === take.take) {
      this.row.querySelector("input")?.focus();
      return;
    }
    this.asking = take.take;
    const input = make("input", { id: "take-name", maxLength: 80, value: take.name ?? "", placeholder: "Name", autocomplete: "off", "aria-label": "Name of the take" });
    const form = make("form", { class: "naming" }, input, make("button", { type: "submit", class: "small primary" }, "Save"), button("Do not rename", { text: "Cancel", class: "small", onclick: () => this.#named(form) }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#keepName(form, take, input.value.trim());
    });
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation(); // elsewhere it cancels the running job
      this.#named(form);
    });
    this.row.replaceChildren(form);
    this.row.scrollIntoView({ block: "nearest" });
    input.focus();
    input.select();
  }

  async #keepName(form, take, name) {
    if (name !== (take.name ?? "")) {
      const done = await this.bridge.mark(take.take, { name });
      if (!done) return;
      this.notices.announce(done.name ? `The take is called ${quoted(done.name)}.` : "The take has no name now.");
    }
    this.#named(form);
  }

  /** Back to the buttons, with the focus on the one that began it. */
  #named(form) {
    const inside = form.contains(document.activeElement);
    this.asking = null;
    this.#changed();
    if (inside) this.rename.focus();
  }

  async toggleHidden() {
    const { take } = this;
    if (!take) return;
    this.next = neighbour(this.lanes.shown, take.take);
    const done = await this.bridge.mark(take.take, { hidden: !take.hidden });
    if (!done) return;
    this.notices.announce(done.hidden ? "The take is hidden. “Show hidden” in the list of takes brings it back." : "The take is shown again.");
  }

  /** A take has gone from the list: another one is selected, and the focus goes to it if it was on the card. */
  leave(id, next) {
    const inside = byId("take").contains(document.activeElement);
    if (this.store.get("selected") === id || !this.store.get("selected")) this.store.set({ selected: next });
    if (!inside && document.activeElement !== document.body) return;
    setTimeout(() => (document.querySelector(`.lane[data-take="${CSS.escape(next ?? "")}"] .lane-select`) ?? byId("lanes")).focus({ preventScroll: true }), 0);
  }

  #changed() {
    const { take } = this;
    if (!take) return;
    if (outOfSight(take) && !this.store.get("showHidden")) {
      const { shown } = this.lanes;
      this.leave(take.take, shown.some((entry) => entry.take === this.next) ? this.next : neighbour(shown, take.take));
      return;
    }
    if (this.asking && this.asking !== take.take) this.asking = null;
    const count = take.stars ?? 0;
    [...this.stars.children].forEach((star, at) => {
      star.classList.toggle("given", at < count);
      setText(star.querySelector("span"), at < count ? "★" : "☆");
      star.setAttribute("aria-pressed", at + 1 === count);
    });
    setText(this.rename.querySelector("span"), take.name ? "Rename" : "Name…");
    this.rename.setAttribute("aria-label", take.name ? "Rename the take" : "Name the take");
    setText(this.hide.querySelector("span"), take.hidden ? "Show" : "Hide");
    this.hide.setAttribute("aria-label", take.hidden ? "Show the take again" : "Hide the take");
    this.hide.title = take.hidden ? "Show the take in the list again" : "Leave the take out of the list; nothing is deleted";
    this.hide.disabled = Boolean(take.chosen) && !take.hidden;
    if (this.hide.disabled) this.hide.title = "A take that is in the song cannot be hidden";
    if (!this.asking && this.row.firstChild !== this.stars) this.row.replaceChildren(this.stars, this.rename, this.hide);
  }
}

/** The id of the take after one in the list, or before it when it is the last; null where there is no other. */
export function neighbour(takes, id) {
  const listed = takes.filter((take) => take.take === id || !outOfSight(take));
  const at = listed.findIndex((take) => take.take === id);
  return (at < 0 ? listed[0] : listed[at + 1] ?? listed[at - 1])?.take ?? null;
}
