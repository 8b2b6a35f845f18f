/**
 * Where takes play: in this browser, or on the bridge's machine. Sends the audition's commands to the one or the other,
 * and shows its state as the state of the audition. This browser remembers the choice; until there is one, it is the
 * bridge's machine where that has a sound device, and this browser elsewhere.
 */

import { BrowserAudition, cannotPlay } from "./browser_audition.js";
import { StemMix } from "./stem_mix.js";

const KEPT = "takebridge.place";
const PLACES = ["here", "bridge"];

export class Listening {
  constructor(store, bridge, notices, lanes) {
    this.store = store;
    this.bridge = bridge;
    this.notices = notices;
    this.browser = new BrowserAudition(store, bridge, notices, (scene) => neighbours(lanes.shown, scene));
    this.stems = new StemMix(store);
    const kept = localStorage.getItem(KEPT);
    store.set({ chosenPlace: PLACES.includes(kept) ? kept : null });
    store.watch(["bridgeAudition", "bridgeSilent", "hereAudition", "chosenPlace"], () => this.#derive());
  }

  get place() {
    return this.store.get("place");
  }

  /** Plays elsewhere from now on; what plays where one leaves stops. */
  async choose(place) {
    if (place === this.place) return;
    const { audition } = this.store.values;
    if (audition && (audition.state === "playing" || audition.state === "waiting")) await this.call("audition.stop");
    localStorage.setItem(KEPT, place);
    this.store.set({ chosenPlace: place });
    this.#derive();
    this.notices.announce(place === "here" ? "Takes play in this browser." : "Takes play on the bridge's machine.");
  }

  /** Carries out a command of the audition, such as "audition.play". */
  async call(method, given = {}) {
    const stems = method === "audition.play" && given.take ? this.stems.heard(given.take) : [];
    const params = stems.length ? { ...given, stems } : given;
    if (this.place !== "here") return this.bridge.call(method, params);
    try {
      return await this.browser[method.replace("audition.", "")](params);
    } catch (error) {
      this.notices.error(error);
      return undefined;
    }
  }

  /** Mutes or solos a stem ("muted", "solo"), or takes it back; what plays of its separation follows at once. */
  async mix(take, which) {
    this.stems.toggle(take, which);
    const { audition, takes } = this.store.values;
    const playing = audition?.state === "stopped" ? null : takes.find((entry) => entry.take === audition?.take);
    if (playing && this.stems.together(playing, take)) await this.call("audition.play", { take: playing.take, side: audition.side });
  }

  /** Whether anything can play; if not, a notice says why. Just after the page has opened, that is asked for first. */
  async canPlay() {
    if (!this.store.get("audition")) await this.bridge.refreshAudition();
    this.#derive();
    if (this.place === "here") {
      const reason = cannotPlay();
      if (reason) this.notices.say(reason, "Play on the bridge's machine: audition settings, H.");
      return !reason;
    }
    const { audition } = this.store.values;
    if (audition && audition.state !== "none") return true;
    this.notices.say("This server cannot play audio.", audition?.message || "Run takebridge doctor to see what is missing.");
    return false;
  }

  /** Whether something can be heard now. A device that was plugged in since is found. */
  async canHear() {
    if (!(await this.canPlay())) return false;
    if (this.place === "here") return true;
    if (this.store.get("bridgeSilent")) await this.bridge.refreshAudition();
    const { bridgeSilent: silent } = this.store.values;
    if (!silent) return true;
    this.notices.say(silent, "Or play in this browser: audition settings, H.");
    return false;
  }

  #derive() {
    const { bridgeAudition, bridgeAuditionAt, bridgeSilent, hereAudition, hereAuditionAt, chosenPlace, place: before } = this.store.values;
    if (!bridgeAudition) return;
    const silent = bridgeAudition.state === "none" || Boolean(bridgeSilent);
    let place = chosenPlace ?? (bridgeSilent === null ? before : silent && !cannotPlay() ? "here" : "bridge");
    // A device that is plugged in meanwhile does not end what plays.
    if (!chosenPlace && before === "here" && hereAudition.state !== "stopped") place = "here";
    if (!place) return;
    this.store.set(
      place === "here"
        ? { place, audition: hereAudition, auditionAt: hereAuditionAt, silent: "" }
        : { place, audition: bridgeAudition, auditionAt: bridgeAuditionAt, silent: bridgeSilent ?? "" },
    );
  }
}

/** The takes of the scene's place among those that are listed, from the one that plays outwards. */
function neighbours(takes, scene) {
  const playing = takes.findIndex((take) => take.take === scene.take);
  if (playing < 0) return [];
  const { position, length, stem } = takes[playing];
  return takes
    .map((take, at) => ({ take, far: Math.abs(at - playing) }))
    .filter(({ take, far }) => far && take.position === position && take.length === length && (take.stem === "mix") === (stem === "mix"))
    .sort((a, b) => a.far - b.far)
    .map(({ take }) => take.take);
}
