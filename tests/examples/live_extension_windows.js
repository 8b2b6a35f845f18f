// Live's modal windows, for the double: a page is read, shown to the test as its fields, filled in and sent, by the
// page's own script, with the few parts of a document that such a page has.
"use strict";

const vm = require("node:vm");

module.exports = (report, wrong) => {
  const answers = [];
  let waiting = null;

  function showModal(url, width, height, onResult, onError) {
    if (![width, height].every((side) => Number.isInteger(side) && side > 0 && side < 2000)) throw wrong("a window of no size");
    if (typeof onResult !== "function" || typeof onError !== "function") throw wrong("showModalDialog takes two callbacks");
    const [, html] = /^data:text\/html(?:;charset=utf-8)?,(.*)$/s.exec(url) ?? [];
    if (html === undefined) throw wrong(`a window shows no ${url.slice(0, 40)}`);
    const page = read(decodeURIComponent(html));
    report("window", { title: page.title, text: page.text, fields: page.shown });
    const close = (answer) => act(page, answer, onResult, onError);
    if (answers.length) close(answers.shift());
    else if (waiting) throw wrong("two windows at once");
    else waiting = close;
  }

  showModal.answer = (answer) => {
    if (!waiting) { answers.push(answer); return; }
    const close = waiting;
    waiting = null;
    close(answer);
  };

  showModal.closeAll = () => {
    answers.length = 0;
    waiting?.({ press: "close" });
    waiting = null;
  };

  function read(html) {
    if (/(?:src|href)\s*=/i.test(html)) throw wrong("a page loads something");
    const fields = [...html.matchAll(/<(input|select|textarea|button)\b([^>]*)>([\s\S]*?)(?=<\/(?:select|textarea|button)>|<|$)/g)].map(
      ([whole, tag, attributes]) => field(html, whole, tag, attributes),
    );
    for (const one of fields.filter((found) => found.name || found.tag === "textarea")) {
      if (!html.includes(`<label for="${one.id}">`) && one.type !== "checkbox") throw wrong(`${one.id} has no label`);
    }
    const text = plain(html.replace(/<(style|script|title)[\s\S]*?<\/\1>/g, ""));
    const shown = Object.fromEntries(fields.filter((one) => one.name).map((one) => [one.name, one.type === "checkbox" ? one.checked : one.value]));
    const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, code]) => code);
    return { title: plain(/<title>(.*?)<\/title>/.exec(html)[1]), text, fields, shown, scripts };
  }

  function field(html, whole, tag, attributes) {
    const at = (name) => plain(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
    const found = { tag, name: at("name"), id: at("id"), type: at("type") || tag, value: at("value"), checked: / checked/.test(attributes) };
    Object.assign(found, { min: at("min"), max: at("max"), pattern: at("pattern"), required: / required/.test(attributes) });
    if (tag === "select") {
      const body = html.slice(html.indexOf(whole)).split("</select>")[0];
      found.options = [...body.matchAll(/<option value="([^"]*)"( selected)?/g)].map(([, value, on]) => ({ value, on }));
      found.value = (found.options.find((one) => one.on) ?? found.options[0]).value;
    }
    if (tag === "textarea") found.value = plain(html.slice(html.indexOf(whole) + whole.indexOf(">") + 1).split("</textarea>")[0]);
    return found;
  }

  function plain(text) {
    return text.replace(/<[^>]*>/g, " ").replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))).replace(/[ \t]+/g, " ").trim();
  }

  // What a browser would refuse to send.
  function isValid(one) {
    if (one.required && one.value === "") return false;
    if (one.type === "number") return Number(one.value) >= Number(one.min) && Number(one.value) <= Number(one.max);
    return !one.pattern || one.value === "" || new RegExp(`^(?:${one.pattern})$`).test(one.value);
  }

  function act(page, answer, onResult, onError) {
    if (answer.press === "close") { setTimeout(() => onError(), 3); return; }
    if (answer.press === "nothing") { setTimeout(() => onResult(""), 3); return; }
    const listeners = {};
    const listen = (who) => (kind, work) => { listeners[`${who}:${kind}`] = work; };
    const cancel = page.fields.find((one) => one.id === "cancel");
    const parts = { form: { elements: page.fields, addEventListener: listen("form") }, "#cancel": cancel ? { addEventListener: listen("cancel") } : null };
    const document = { querySelector: (what) => parts[what], addEventListener: listen("document") };
    const postMessage = (message) => {
      const right = message.method === "close_and_send" && message.params.length === 1 && typeof message.params[0] === "string";
      if (!right) throw wrong(`a page sent ${JSON.stringify(message)}`);
      setTimeout(() => onResult(message.params[0]), 3);
    };
    const window = answer.windows ? { chrome: { webview: { postMessage } } } : { webkit: { messageHandlers: { live: { postMessage } } } };
    for (const script of page.scripts) vm.runInNewContext(script, { document, window });
    for (const [name, value] of Object.entries(answer.values ?? {})) {
      const one = page.fields.find((found) => found.name === name);
      if (!one) throw wrong(`the window has no ${name}`);
      if (one.options && !one.options.some((option) => option.value === value)) throw wrong(`${name} has no ${value}`);
      if (one.type === "checkbox") one.checked = value;
      else one.value = String(value);
      if (!isValid(one)) throw wrong(`${name} does not take ${value}`);
    }
    if (answer.press === "ok") listeners["form:submit"]({ preventDefault() {} });
    if (answer.press === "cancel") listeners["cancel:click"]({});
    if (answer.press === "escape") listeners["document:keydown"]({ key: "Escape" });
  }

  return { showModal };
};
