"use strict";

/** A job on the server, from its request to its takes; cancelled there when it is cancelled here. */

const { pause } = require("./live.js");
const { Cancelled, Refused } = require("./refused.js");
const { NoServer } = require("./server.js");

const EVERY = 250; // milliseconds between two looks
/** A server that has gone may be started again: its jobs go on. So long is waited for it, in milliseconds. */
const RETURN = 60000;
const ENDED = new Set(["done", "failed", "cancelled"]);

/** Renders a request; returns its takes. show(text, fraction). Throws Refused or Cancelled. */
async function render(server, task, request, show, abort) {
  let accepted;
  let record;
  try {
    accepted = await server.call(task, request, abort);
    record = await untilEnd(server, accepted.job, show, abort);
  } catch (error) {
    // By the request's id: the answer with the job's may be what was not waited for.
    if (abort.aborted) await cancel(server, request.id);
    throw error;
  }
  if (record.state === "cancelled") throw new Refused("The render was cancelled on the server.", "Ask again.");
  if (record.state === "failed" && !record.takes.length) {
    throw new Refused(record.failure.sentence, record.failure.remedy ?? "");
  }
  const notes = accepted.note ? [accepted.note] : [];
  if (record.state === "failed") notes.push(`${record.failure.sentence} ${record.failure.remedy ?? ""}`.trim());
  return { job: accepted.job, takes: record.takes, notes };
}

async function untilEnd(server, job, show, abort) {
  let gone = 0;
  for (;;) {
    if (abort.aborted) throw new Cancelled();
    try {
      const record = await server.call("jobs.show", { job }, abort);
      gone = 0;
      if (ENDED.has(record.state)) return record;
      show(words(record), record.progress?.fraction ?? 0);
    } catch (error) {
      if (!(error instanceof NoServer)) throw error;
      gone = gone || Date.now();
      if (Date.now() - gone > RETURN) throw error;
      show("The server has stopped. Start it again, and the render goes on.", 0);
    }
    await pause(EVERY);
  }
}

/** What a running job is doing, such as "rendering, 12 s left". */
function words(record) {
  if (record.state === "queued") return "Waiting for the renders before it";
  const left = record.progress?.seconds_left;
  return `${record.progress?.stage ?? "starting"}${left ? `, ${Math.round(left)} s left` : ""}`;
}

/** Cancels a request's job on the server. Where that fails, it has ended, or the server has. */
async function cancel(server, id) {
  try {
    await server.call("cancel", { job: id });
  } catch (error) {
    console.warn(`[takebridge] not cancelled: ${error.message}`);
  }
}

module.exports = { render };
