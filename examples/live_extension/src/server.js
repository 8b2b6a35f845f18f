"use strict";

/**
 * The Takebridge server, over HTTP on this machine: JSON-RPC, audio up and audio down.
 *
 * node's own `http` and nothing else: Live's host is reported to have no fetch and no URL. It sends no Origin and no
 * Sec-Fetch headers, as the server expects of programs (docs/http.md, "Who may ask").
 */

const http = require("node:http");

const { Cancelled, Refused } = require("./refused.js");

/** A server that says nothing for so many milliseconds is not there. */
const PATIENCE = 20000;
const CLIENT = "live-extension";
const START = "Start it in a terminal: takebridge serve. Then try again.";
const ADDRESS = "Check the address: right-click > Takebridge: Settings.";
const TOKEN = "In Live, the token goes into the settings: right-click > Takebridge: Settings.";

/** The server is not there, or has gone: `START` says what to do. */
class NoServer extends Refused {}

class Server {
  /** address: "127.0.0.1:9125", as in the settings; token: "" where the server needs none. Throws Refused. */
  constructor(address, token) {
    const [, host, port] = /^(?:http:\/\/)?(\[[0-9a-fA-F:]+\]|[^:/[\]\s]+):(\d{1,5})\/?$/.exec(address.trim()) ?? [];
    if (!port) {
      throw new Refused(
        `"${address}" is no address of a server.`,
        "Write it as 127.0.0.1:9125: right-click > Takebridge: Settings.",
      );
    }
    this.name = `${host}:${port}`;
    this.host = host.replace(/[[\]]/g, "");
    this.port = Number(port);
    this.token = token.trim();
    this.calls = 0;
  }

  /** The result of a method. Throws Refused with the server's own words, NoServer, or Cancelled. */
  async call(method, params, abort = null) {
    this.calls += 1;
    const body = JSON.stringify({ jsonrpc: "2.0", id: this.calls, method, params });
    const headers = { "Content-Type": "application/json" };
    const answer = read(await this.request("POST", `/rpc?client=${CLIENT}`, headers, Buffer.from(body), abort));
    if (answer.error) throw refusalOf(answer.error);
    return answer.result;
  }

  /** Sends audio; returns its name as a source. */
  async upload(name, bytes, abort) {
    const path = `/uploads/${encodeURIComponent(name)}`;
    const answer = read(await this.request("PUT", path, { "Content-Type": "audio/wav" }, bytes, abort));
    return answer.source;
  }

  /** The clip of a take, as the bytes of a WAV file. */
  async clip(take, abort) {
    const response = await this.request("GET", `/takes/${encodeURIComponent(take)}/clip.wav`, {}, null, abort);
    if (response.status !== 200) read(response);
    return response.body;
  }

  request(method, path, headers, body, abort) {
    return new Promise((resolve, reject) => {
      const lost = (error) => reject(abort?.aborted ? new Cancelled() : this.unreachable(error));
      const request = http.request(
        {
          host: this.host,
          port: this.port,
          method,
          path,
          timeout: PATIENCE,
          headers: {
            ...headers,
            Host: this.name,
            ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}),
            ...(body ? { "Content-Length": body.length } : {}),
          },
        },
        (response) => {
          const pieces = [];
          response.on("data", (piece) => pieces.push(piece));
          response.on("end", () => {
            const type = response.headers["content-type"] ?? "";
            resolve({ status: response.statusCode, type, body: Buffer.concat(pieces) });
          });
          response.on("error", lost);
        },
      );
      request.on("timeout", () => request.destroy(new Error("no answer")));
      request.on("error", lost);
      abort?.when(() => request.destroy(new Error("cancelled")));
      request.end(body ?? undefined);
    });
  }

  unreachable(error) {
    if (error.code === "ECONNREFUSED") {
      return new NoServer(`The Takebridge server is not running at ${this.name}.`, START);
    }
    return new NoServer(`The Takebridge server at ${this.name} does not answer (${error.code ?? error.message}).`, START);
  }
}

/** An answer's JSON. Throws Refused with the server's words, which a refusal by HTTP has as text. */
function read(response) {
  const text = response.body.toString("utf8");
  try {
    const found = JSON.parse(text);
    if (found && typeof found === "object") return found;
  } catch {
    // Said below: the same is wrong with a page and with a number.
  }
  if (/^text\/plain/.test(response.type) && response.status >= 400) {
    const where = response.status === 403 ? TOKEN : "";
    throw new Refused(text.trim().slice(0, 500), where);
  }
  throw new Refused(`Another program answers at that address, not a Takebridge server (HTTP status ${response.status}).`, ADDRESS);
}

/** An error of JSON-RPC, in the server's own words. */
function refusalOf(error) {
  return new Refused(error.message, error.data?.remedy ?? "");
}

module.exports = { NoServer, Server };
