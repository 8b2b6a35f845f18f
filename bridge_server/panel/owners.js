/**
 * Whose a job is. The tab has a name that a reload keeps, and each page in it a connection of its own: what this tab
 * requested before a reload is still its own.
 */

const KEPT = "takebridge.tab";
const KEY = "ws:"; // how the server names clients of its WebSocket
const PANEL = "panel-";

const random = () => crypto.getRandomValues(new Uint32Array(2)).join("");

function tabName() {
  const kept = sessionStorage.getItem(KEPT) ?? random();
  sessionStorage.setItem(KEPT, kept);
  return kept;
}

const mine = `${PANEL}${tabName()}-`;

/** The name this page gives itself: request ids are counted anew after a reload. */
export const pageName = () => `${mine}${random()}`;

export const isMine = (job) => job.client.startsWith(`${KEY}${mine}`);

/** Who requested a job, in a word or two: "another panel", "REAPER". */
export function ownerName({ client }) {
  if (client.startsWith(`${KEY}${PANEL}`)) return "another panel";
  if (client.startsWith("drop:")) return "the watched folder";
  if (client === "midi") return "a MIDI pad";
  if (client.startsWith("http:")) return "a script";
  // Senders of OSC that name themselves do so after their address.
  const osc = /^osc:[^:@]*(?::([^@]+))?/.exec(client);
  if (osc) return osc[1] ?? "an OSC client";
  const name = /^(?:ws|mailbox):(.*)$/s.exec(client)?.[1] ?? client;
  return name && !/^[0-9a-f]{16}$/.test(name) ? name : "another program";
}
