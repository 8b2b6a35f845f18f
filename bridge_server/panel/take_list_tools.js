/** The order of the takes in the list, and whether hidden ones are in it; both as this browser had them last. */

import { button, byId, make, setText, show } from "./dom.js";
import { ORDERS, outOfSight } from "./take_order.js";
import { listeningText } from "./words.js";

const ORDER = "takebridge.order";

const RANKED = 100; // takes at most, the newest: a network hears each of them

/** The order this browser had last; the one that a network has to be asked for is asked for anew. */
export function keptOrder() {
  const kept = localStorage.getItem(ORDER);
  return kept !== "match" && ORDERS.some(([name]) => name === kept) ? kept : "newest";
}

export class TakeListTools {
  constructor(store, bridge) {
    this.store = store;
    this.bridge = bridge;
    this.order = make("select", { id: "take-order", "aria-label": "Order of the takes", title: "Order of the takes", onchange: () => this.#choose(this.order.value) },
      ...ORDERS.map(([name, label]) => make("option", { value: name }, label)));
    this.hidden = button("Show hidden", { id: "show-hidden", class: "small", hidden: true, "aria-pressed": "false", onclick: () => store.set({ showHidden: !store.get("showHidden") }) });
    this.listening = make("span", { class: "quiet", id: "ranking", role: "status" });
    this.stop = button("Stop listening", { id: "stop-ranking", class: "small", text: "Stop listening", hidden: true });
    byId("save-song").before(this.order, this.listening, this.stop, this.hidden);
    store.watch(["order"], ({ order }) => {
      this.order.value = order;
      localStorage.setItem(ORDER, order);
    });
    store.watch(["takes", "showHidden"], (values) => this.#changed(values));
  }

  async #choose(order) {
    if (order === "match" && !(await this.#rank())) this.order.value = this.store.get("order");
    else this.store.set({ order });
  }

  /** Whether the server has said how well the song's takes follow their prompts. */
  async #rank() {
    this.order.disabled = true;
    setText(this.listening, listeningText(0));
    const moved = (fraction) => setText(this.listening, listeningText(fraction));
    const found = await this.bridge.listen("takes.rank", { song: this.store.get("takesOf"), limit: RANKED }, moved, (cancel) => this.#offersStop(cancel));
    this.order.disabled = false;
    setText(this.listening, "");
    show(this.stop, false);
    if (!found) return false;
    const scored = found.takes.filter((one) => one.match !== null);
    this.store.set({ matches: Object.fromEntries(scored.map((one) => [one.take, one.match])) });
    return true;
  }

  #offersStop(cancel) {
    this.stop.disabled = false;
    this.stop.onclick = () => {
      this.stop.disabled = true;
      cancel();
    };
    show(this.stop, true);
  }

  #changed({ takes, showHidden }) {
    const count = takes.filter(outOfSight).length;
    show(this.hidden, count > 0);
    setText(this.hidden.querySelector("span"), `Show hidden (${count.toLocaleString("en")})`);
    this.hidden.setAttribute("aria-pressed", Boolean(showHidden));
  }
}
