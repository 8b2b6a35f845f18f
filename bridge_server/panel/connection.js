/**
 * JSON-RPC over one WebSocket that reconnects by itself. Knows calls, responses and notifications, not their meaning.
 */

const FIRST_WAIT = 400;
const LONGEST_WAIT = 5000;
/** A response that takes longer than this will not come: the connection is dead without having closed. */
const PATIENCE = 60000;

/** An error response: what is wrong and what to do about it. */
export class Refused extends Error {
  constructor(error) {
    super(error.message);
    this.remedy = error.data?.remedy ?? "";
    this.code = error.data?.code ?? "";
    this.field = error.data?.field ?? "";
  }
}

/** There was no connection, or it was lost after a call was `sent` and before the response came: it may be carried out. */
export class Lost extends Error {
  constructor(sent = false) {
    super(sent ? "The connection was lost before the server answered." : "The server cannot be reached, so nothing was done.");
    this.remedy = sent
      ? "The page reconnects by itself and then shows what was done. Do it again only if that is missing."
      : "The page reconnects by itself. Then do it again.";
  }
}

export class Connection {
  /**
   * address: ws://...; admitted(): a promise of whether to connect, asked before each attempt, for a server that was started
   * again may want another token, or of the milliseconds after which to ask it again; opened(): each time it is connected; changed(state): "connecting", "open", "lost";
   * notified(name, values): each notification.
   */
  constructor(address, { admitted, opened, changed, notified }) {
    this.address = address;
    this.admitted = admitted;
    this.opened = opened;
    this.changed = changed;
    this.notified = notified;
    this.waiting = new Map();
    this.number = 0;
    this.wait = FIRST_WAIT;
    this.socket = null;
    this.timer = 0;
    this.beginning = false;
    // A laptop that wakes up, or a tab that comes to the front, need not wait for the next attempt.
    for (const sign of ["online", "focus"]) window.addEventListener(sign, () => this.#hurry());
  }

  /** Connects if the server lets this page in; else a later sign of life tries again, or the time until it may. */
  async begin() {
    if (this.beginning || this.socket !== null) return;
    this.beginning = true;
    let admitted = LONGEST_WAIT; // where asking fails
    try {
      admitted = await this.admitted();
    } finally {
      this.beginning = false;
      clearTimeout(this.timer);
      if (admitted === true) this.#open();
      else if (admitted) this.timer = setTimeout(() => this.begin(), admitted);
    }
  }

  #open() {
    this.changed("connecting");
    const socket = new WebSocket(this.address);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.wait = FIRST_WAIT;
      this.changed("open");
      this.opened();
    });
    socket.addEventListener("message", (event) => this.#receive(event.data));
    socket.addEventListener("close", () => this.#closed(socket));
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** The result of a method. Rejects with Refused or Lost. patience: milliseconds; 0 for work that reports progress. */
  call(method, params = {}, patience = PATIENCE) {
    if (!this.isOpen) return Promise.reject(new Lost());
    this.number += 1;
    const id = this.number;
    this.socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    return new Promise((resolve, reject) => {
      const timer = patience ? setTimeout(() => this.socket?.close(), patience) : 0;
      this.waiting.set(id, { resolve, reject, timer });
    });
  }

  /** Sends a binary frame; resolves once little of it still waits in the browser. */
  async sendBytes(data) {
    if (!this.isOpen) throw new Lost();
    this.socket.send(data);
    while (this.isOpen && this.socket.bufferedAmount > 4e6) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  #receive(data) {
    if (typeof data !== "string") return;
    const message = JSON.parse(data);
    if (message.method) {
      this.notified(message.method, message.params ?? {});
      return;
    }
    const waiting = this.waiting.get(message.id);
    if (!waiting) return;
    this.waiting.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.error) waiting.reject(new Refused(message.error));
    else waiting.resolve(message.result);
  }

  #closed(socket) {
    if (socket !== this.socket) return;
    this.socket = null;
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(new Lost(true));
    }
    this.waiting.clear();
    this.changed("lost");
    this.timer = setTimeout(() => this.begin(), this.wait);
    this.wait = Math.min(LONGEST_WAIT, this.wait * 1.6);
  }

  #hurry() {
    if (this.socket !== null) return;
    clearTimeout(this.timer);
    this.wait = FIRST_WAIT;
    this.begin();
  }
}
