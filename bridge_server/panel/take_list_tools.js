/** The order of the takes in the list, and whether hidden ones are in it; both as this browser had them last. */

import { button, byId, make, setText, show } from "./dom.js";
import { ORDERS, outOfSight } from "./take_order.js";

const ORDER = "takebridge.order";

/** The order this browser had last. */
export function keptOrder() {
  const kept = localStorage.getItem(ORDER);
  return ORDERS.some(([name]) => name === kept) ? kept : "newest";
}

export class TakeListTools {
  constructor(store) {
    this.store = store;
    this.order = make("select", { id: "take-order", "aria-label": "Order of the takes", title: "Order of the takes", onchange: () => store.set({ order: this.order.value }) },
      ...ORDERS.map(([name, label]) => make("option", { value: name }, label)));
    this.hidden = button("Show hidden", { id: "show-hidden", class: "small", hidden: true, "aria-pressed": "false", onclick: () => store.set({ showHidden: !store.get("showHidden") }) });
    byId("save-song").before(this.order, this.hidden);
    store.watch(["order"], ({ order }) => {
      this.order.value = order;
      localStorage.setItem(ORDER, order);
    });
    store.watch(["takes", "showHidden"], (values) => this.#changed(values));
  }

  #changed({ takes, showHidden }) {
    const count = takes.filter(outOfSight).length;
    show(this.hidden, count > 0);
    setText(this.hidden.querySelector("span"), `Show hidden (${count.toLocaleString("en")})`);
    this.hidden.setAttribute("aria-pressed", Boolean(showHidden));
  }
}
