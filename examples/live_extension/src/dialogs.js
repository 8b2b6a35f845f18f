"use strict";

/** The pages of the extension's windows. They load nothing and talk to nobody: they send one text back to Live. */

const NAMES = { repaint: "Repaint", complete: "Continue", accompany: "Accompany", extract: "Stems" };

const STYLE = `
  body { background: #2b2b2b; color: #d8d8d8; font: 13px/1.4 -apple-system, "Segoe UI", sans-serif; margin: 0; padding: 16px; }
  h1 { font-size: 15px; margin: 0 0 8px; } p { margin: 0 0 10px; } .facts { color: #a8a8a8; }
  label { display: block; margin: 8px 0 3px; } label.tick { margin: 10px 0 0; }
  input:not([type=checkbox]), select, textarea { background: #1b1b1b; border: 1px solid #5a5a5a; border-radius: 3px;
    box-sizing: border-box; color: #f0f0f0; font: inherit; padding: 6px; width: 100%; }
  .row { display: flex; gap: 12px; } .row > div { flex: 1; }
  .buttons { display: flex; gap: 8px; justify-content: flex-end; margin-top: 14px; }
  button { background: #4a4a4a; border: 1px solid #111; border-radius: 3px; color: #f0f0f0; font: inherit; padding: 6px 16px; }
  button[type=submit] { background: #ffb54d; color: #1a1206; }
  :focus-visible { outline: 2px solid #ffb54d; outline-offset: 1px; }`;

/** Enter sends the form, Esc closes it. Live listens in two ways, one on macOS, one on Windows. */
const SCRIPT = `
  function send(value) {
    const message = { method: "close_and_send", params: [JSON.stringify(value)] };
    const mac = window.webkit && window.webkit.messageHandlers && window.webkit.messageHandlers.live;
    if (mac) mac.postMessage(message);
    else if (window.chrome && window.chrome.webview) window.chrome.webview.postMessage(message);
  }
  const form = document.querySelector("form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = {};
    for (const field of form.elements) {
      if (!field.name) continue;
      if (field.type === "checkbox") values[field.name] = field.checked;
      else values[field.name] = field.type === "number" ? Number(field.value) : field.value;
    }
    send({ ok: true, values });
  });
  const cancel = document.querySelector("#cancel");
  if (cancel) cancel.addEventListener("click", () => send({ ok: false }));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") send({ ok: false }); });`;

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

function page(title, body) {
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>` +
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">` +
    `<style>${STYLE}</style></head><body><h1>${escaped(title)}</h1><form>${body}</form><script>${SCRIPT}</script></body></html>`
  );
}

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function input(name, label, value, attributes = 'type="text"') {
  return (
    `<div><label for="${name}">${escaped(label)}</label>` +
    `<input id="${name}" name="${name}" value="${escaped(value)}" ${attributes}></div>`
  );
}

function number(name, label, value, least, most, step = 1) {
  return input(name, label, value, `type="number" min="${least}" max="${most}" step="${step}" required`);
}

function choice(name, label, value, options) {
  const lines = Object.entries(options).map(
    ([key, text]) => `<option value="${key}"${key === value ? " selected" : ""}>${escaped(text)}</option>`,
  );
  const select = `<select id="${name}" name="${name}">${lines.join("")}</select>`;
  return `<div><label for="${name}">${escaped(label)}</label>${select}</div>`;
}

function tick(name, label, on) {
  return (
    `<label class="tick"><input type="checkbox" id="${name}" name="${name}"${on ? " checked" : ""}> ` +
    `${escaped(label)}</label>`
  );
}

function row(...fields) {
  return `<div class="row">${fields.join("")}</div>`;
}

function buttons(action, cancels = true) {
  const cancel = cancels ? '<button type="button" id="cancel">Cancel</button>' : "";
  return `<div class="buttons">${cancel}<button type="submit">${escaped(action)}</button></div>`;
}

const PLACES = { lanes: "in take lanes of the track", track: "on new tracks" };
const MODES = { each: "each by itself", together: "all together, as one band" };

/** What to ask of a task. facts: the line that says what was read from the set; several: more than one track. */
function askPage(task, values, facts, several) {
  const prompt = input("prompt", "Prompt (what it should sound like)", values.prompt, 'type="text" maxlength="2000" autofocus');
  const takes = number("takes", "Takes", values.takes, 1, 8);
  const strength = number("strength", "Strength, 0 to 1", values.strength, 0, 1, "any");
  const place = choice("place", "Where takes go", values.place, PLACES);
  const fields = {
    repaint: [prompt, row(takes, strength), place, several ? choice("mode", "The tracks are rendered", values.mode, MODES) : ""],
    complete: [prompt, row(number("bars", "Bars", values.bars, 1, 64), takes, strength), place],
    accompany: [prompt, row(takes, strength)],
    extract: [input("stems", "Stems, separated by commas (empty: all)", values.stems, 'type="text" maxlength="200" autofocus')],
  }[task];
  const body = `<p class="facts">${escaped(facts)}</p>${fields.join("")}${buttons(NAMES[task])}`;
  return page(`Takebridge: ${NAMES[task]}`, body);
}

/** The settings. read: the time signature that could be read, or "". */
function settingsPage(values, read) {
  const signature = read ? `empty: ${read}, from the scenes` : "empty: 4/4; Live does not show it";
  const body = [
    row(
      input("address", "Server", values.address, 'type="text" required autofocus'),
      input("token", "Token (only if the server has one)", values.token, 'type="password" autocomplete="off"'),
    ),
    row(
      input("meter", `Time signature (${signature})`, values.meter, 'type="text" pattern="[0-9]{1,2}/(1|2|4|8|16|32)"'),
      number("context", "Context, in seconds before and after", values.context, 0, 120),
    ),
    choice("place", "Where takes go", values.place, PLACES),
    tick("summary", "Show a summary after each render, also when all went well", values.summary),
    buttons("Save"),
  ];
  return page("Takebridge: Settings", body.join(""));
}

/** How high the window of `askPage` is, in pixels. */
function askHeight(task, several, notes) {
  const fields = { repaint: 330, complete: 330, accompany: 280, extract: 220 }[task];
  return fields + (task === "repaint" && several ? 62 : 0) + 40 * notes;
}

/** Something to read. */
function messagePage(title, paragraphs) {
  const body = paragraphs.map((text) => `<p>${escaped(text)}</p>`).join("");
  return page(title, body + buttons("OK", false));
}

/** Something to copy. */
function reportPage(title, text, where) {
  const body =
    `<p>${escaped(where)}</p><label for="report">Report</label>` +
    `<textarea id="report" rows="16" readonly autofocus>${escaped(text)}</textarea>`;
  return page(title, body + buttons("OK", false));
}

module.exports = { NAMES, askHeight, askPage, messagePage, reportPage, settingsPage };
