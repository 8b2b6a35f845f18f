/** The keys, what they do, and the dialog that lists them. Keys typed into a field go to the field. */

import { byId, isField, make } from "./dom.js";
import { dialog } from "./songs.js";

/** [keys as shown, what they do, name of the action, keys as the browser names them (with modifiers)]. */
export const KEYS = [
  ["Space", "play, stop", "playOrStop", [" "]],
  ["← →", "move the region by a bar; without one, select a bar", null, []],
  ["Shift ← →", "lengthen or shorten it by a bar", null, []],
  ["↑ ↓", "select a take; during playback, switch to it", null, []],
  ["A", "play the original", "original", ["a"]],
  ["B", "play the take", "hearTake", ["b"]],
  ["R", "repaint the region", "repaint", ["r"]],
  ["N", "keep the region marked, so that the next one is rendered with it; again: unmark it", "markRegion", ["n"]],
  ["Enter", "accept the take", "acceptSelected", ["Enter"]],
  ["Backspace", "revert to the previous take or the original", "revertSelected", ["Backspace"]],
  ["Y", "redo the last revert", "redoSelected", ["y"]],
  ["Shift Enter", "accept the part of the take inside the region", null, []],
  ["Ctrl Z", "undo what was accepted or reverted last, anywhere in the song", null, []],
  ["Ctrl Shift Z", "redo it", null, []],
  ["1 … 5", "give the take stars; the same number again takes them away", null, []],
  ["F2", "name the take", "renameSelected", ["F2"]],
  ["Delete", "delete the take, after asking", "askToDelete", ["Delete"]],
  ["Esc", "cancel the running job; asks when it is another's or long under way", "cancel", ["Escape"]],
  ["G", "render again: same recipe, new seed", "againSelected", ["g"]],
  ["V", "vary the take", "varySelected", ["v"]],
  ["S", "show its spectrogram", "spectrogram", ["s"]],
  ["L", "loop on, off", "loop", ["l"]],
  ["M", "match the loudness of take and original", "match", ["m"]],
  ["H", "audition settings: where takes play, pre-roll, sync", "hearing", ["h"]],
  ["Z", "zoom to the region", "zoomRegion", ["z"]],
  ["0", "show the whole song", "zoomAll", ["0"]],
  ["+ −", "zoom in, out", null, []],
  ["P", "edit the prompt", "prompt", ["p"]],
  ["D", "dark or light", "switchScheme", ["d"]],
  ["?", "show these keys", "help", ["?"]],
];

const MORE = {
  ArrowLeft: (event, actions) => actions.nudge(-1, event.shiftKey),
  ArrowRight: (event, actions) => actions.nudge(1, event.shiftKey),
  ArrowUp: (_, actions) => actions.step(-1),
  ArrowDown: (_, actions) => actions.step(1),
  "+": (_, actions) => actions.zoom(1.5),
  "=": (_, actions) => actions.zoom(1.5),
  ...Object.fromEntries([1, 2, 3, 4, 5].map((count) => [String(count), (event, actions) => !event.repeat && actions.giveStars(count)])),
  "-": (_, actions) => actions.zoom(1 / 1.5),
};

export class Keyboard {
  constructor(actions, attention) {
    this.actions = actions;
    this.notify = attention.control();
    this.byKey = new Map(KEYS.flatMap(([, , action, keys]) => keys.map((key) => [key, action])));
    window.addEventListener("keydown", (event) => this.#pressed(event));
    // A clicked button must not keep the focus: the next space would press it again instead of playing.
    document.addEventListener("mousedown", (event) => {
      if (event.target.closest("button, summary") && !event.target.closest("dialog")) {
        event.preventDefault();
        if (isField(document.activeElement)) document.activeElement.blur();
      }
    });
    byId("help-button").addEventListener("click", () => this.help());
  }

  help() {
    const keys = KEYS.map(([shown, does]) => make("div", {}, make("dt", {}, ...shown.split(" ").flatMap((key) => [make("kbd", {}, key), " "])), make("dd", {}, does)));
    dialog("help-dialog", "Keys and help",
      make("dl", { class: "keys" }, ...keys),
      make("p", { class: "quiet" }, "Mouse: drag in the waveform to select (Alt ignores the grid, Shift or Ctrl adds a region to the one before), drag the region's bar to move it or its edges to resize it. The wheel zooms, and scrolls sideways. Drag the ruler to scroll and zoom; click it to play from there. On a touch screen, pinch and drag with two fingers."),
      make("p", { class: "quiet" }, "Nothing is overwritten: the original is kept, and so is every take until you delete it. Accepting a take only records that it is in the song."),
      this.notify,
      make("p", {}, make("button", { type: "button", onclick: () => this.actions.switchScheme() }, "Dark or light")));
    byId("help-dialog").showModal();
  }

  #pressed(event) {
    if (this.#walks(event)) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
    const target = event.target;
    if (document.querySelector("dialog[open]")) return;
    if (isField(target)) {
      if (event.key === "Escape") target.blur();
      else if (event.key === "Enter" && target.id === "f-prompt" && !event.shiftKey) {
        event.preventDefault();
        target.form.requestSubmit();
      }
      return;
    }
    const element = target instanceof Element ? target : null;
    // What is focused keeps the keys that work it.
    const pressable = element?.closest("button, a[href], summary, select, input");
    if (pressable && (event.key === " " || event.key === "Enter")) return;
    if (element?.closest("input[type=range]") && event.key.startsWith("Arrow")) return;
    const more = MORE[event.key];
    const name = this.byKey.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
    if (!more && (!name || event.repeat)) return;
    if (event.shiftKey && event.key === "Enter") {
      event.preventDefault();
      this.actions.acceptPartSelected();
      return;
    }
    if (event.shiftKey && !more && event.key !== "?") return;
    event.preventDefault();
    if (more) more(event, this.actions);
    else this.actions[name]();
  }

  /** Undo and redo over the whole song. In a field these keys undo what was typed. */
  #walks(event) {
    const wanted = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "z";
    if (!wanted || event.defaultPrevented || isField(event.target) || document.querySelector("dialog[open]")) return false;
    event.preventDefault();
    if (!event.repeat) this.actions.walk(event.shiftKey ? "redo" : "undo");
    return true;
  }
}
