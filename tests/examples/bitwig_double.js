// A strict double of the part of Bitwig's controller API that Takebridge.control.js uses, run by node.
//
// Unknown properties throw; methods check how many arguments of which kind they get; objects can only be made inside
// init, values only be read when markInterested was called; what Bitwig ignores in silence is ignored in silence.
// OSC is real UDP. Commands come as JSON lines on stdin, what happens goes out as JSON lines on stdout.
"use strict";

const dgram = require("node:dgram");
const fs = require("node:fs");
const readline = require("node:readline");
const vm = require("node:vm");

const [, , scriptPath, bridgePort, ownPort, pace = "1"] = process.argv; // pace: seconds of the script per second of ours
let inInit = false;
let api = 0; // what the script asked for
const model = {
   tempo: 120, automated: false, numerator: 4, denominator: 4, loop: true, loopStart: 0, loopDuration: 4,
   track: { exists: true, name: "Band", type: "Audio", mute: false },
   slots: Array.from({ length: 32 }, (_, n) => ({ exists: n < 4, content: null, name: "" })),
   selected: null, settings: {}, deaf: false, stretch: 1,
};

function report(event, value) { process.stdout.write(JSON.stringify({ event, value }) + "\n"); }

// An object of which nothing exists but what is given. Symbols and `then` are what node itself asks for.
function strict(name, members) {
   return new Proxy(members, {
      get(target, key) {
         if (typeof key === "symbol") return target[key];
         if (!(key in target)) {
            throw new Error(`${name} has no ${key}`);
         }
         return target[key];
      },
      set(_, key) { throw new Error(`${name}.${String(key)} cannot be set`); },
   });
}

// Bitwig refuses what came after the version of its API that a script asks for, also where it has it.
function since(version, name, work) {
   return (...given) => {
      if (api < version) throw new Error(`${name}: This is only available for API versions after ${version}, not ${api}`);
      return work(...given);
   };
}

function check(name, given, kinds) {
   if (given.length !== kinds.length) throw new Error(`${name} takes ${kinds.length} arguments, got ${given.length}`);
   kinds.forEach((kind, n) => {
      const right = kind === "int" ? Number.isInteger(given[n]) : typeof given[n] === kind;
      if (!right) throw new Error(`${name}: argument ${n + 1} must be ${kind}, got ${typeof given[n]}`);
   });
}

function method(name, kinds, work, initOnly = false) {
   return (...given) => {
      check(name, given, kinds);
      if (initOnly && !inInit) throw new Error(`${name} may only be called in init`);
      return work(...given);
   };
}

function value(name, read, getter = "get") {
   let interested = false;
   return strict(name, {
      markInterested: method(`${name}.markInterested`, [], () => { interested = true; }, true),
      [getter]: method(`${name}.${getter}`, [], () => {
         if (!interested) throw new Error(`${name} is read but nobody is interested in it`);
         return read();
      }),
   });
}

// One object for each value, so that markInterested and get meet on the same one.
function once(make) { let made; return () => (made ??= make()); }

function one(name, read, getter) { const made = value(name, read, getter); return method(name, [], () => made); }

const timeSignature = strict("timeSignature", {
   numerator: one("numerator", () => model.numerator), denominator: one("denominator", () => model.denominator),
});
const tempo = strict("tempo", {
   value: one("tempo.value", () => model.tempo, "getRaw"),
   hasAutomation: since(19, "hasAutomation", one("tempo.hasAutomation", () => model.automated)),
});
const transport = strict("transport", {
   tempo: method("tempo", [], () => tempo),
   timeSignature: method("timeSignature", [], () => timeSignature),
   isArrangerLoopEnabled: one("isArrangerLoopEnabled", () => model.loop),
   arrangerLoopStart: one("arrangerLoopStart", () => model.loopStart),
   arrangerLoopDuration: one("arrangerLoopDuration", () => model.loopDuration),
});

function insertFile(slot, path) {
   // "If it's not possible to do so then this does nothing."
   if (model.deaf || model.track.type !== "Audio" || !slot.exists || !fs.existsSync(path)) return;
   const beats = wavSeconds(path) * model.tempo / 60 * model.stretch;
   setTimeout(() => {
      slot.content = { path, beats };
      slot.name = path.replace(/.*[\\/]/, "");
      report("inserted", { slot: model.slots.indexOf(slot), path });
   }, 50);
}

function wavSeconds(path) {
   const data = fs.readFileSync(path);
   let place = 12, rate = 0, frameBytes = 1;
   while (place + 8 <= data.length) {
      const id = data.toString("latin1", place, place + 4), size = data.readUInt32LE(place + 4);
      if (id === "fmt ") { rate = data.readUInt32LE(place + 12); frameBytes = data.readUInt16LE(place + 20); }
      if (id === "data") return size / frameBytes / rate;
      place += 8 + size + (size % 2);
   }
   throw new Error("no data chunk");
}

const slotObjects = model.slots.map((slot, n) => strict(`slot ${n}`, {
   exists: one(`slot ${n}.exists`, () => slot.exists),
   hasContent: one(`slot ${n}.hasContent`, () => slot.content !== null),
   select: method("select", [], () => { setTimeout(() => { model.selected = slot; }, 20); }),
   replaceInsertionPoint: method("replaceInsertionPoint", [], () => strict("insertionPoint", {
      insertFile: method("insertFile", ["string"], (path) => insertFile(slot, path)),
   })),
}));
const bank = strict("clipLauncherSlotBank", {
   getItemAt: method("getItemAt", ["int"], (n) => slotObjects[n]),
});
const cursorTrack = strict("cursorTrack", {
   exists: one("track.exists", () => model.track.exists), name: one("track.name", () => model.track.name),
   trackType: one("track.trackType", () => model.track.type), mute: one("track.mute", () => model.track.mute),
   clipLauncherSlotBank: method("clipLauncherSlotBank", [], () => bank),
});
const cursorClip = strict("cursorClip", {
   exists: one("clip.exists", () => model.selected?.content != null),
   getLoopLength: one("clip.loopLength", () => model.selected?.content?.beats ?? 0),
   setName: method("setName", ["string"], (name) => {
      model.selected.name = name;
      report("named", { slot: model.slots.indexOf(model.selected), name });
   }),
});
const signals = {};
const documentState = strict("documentState", {
   getStringSetting: method("getStringSetting", ["string", "string", "int", "string"], (label, category, size, initial) => {
      model.settings[label] = initial;
      return value(label, () => model.settings[label].slice(0, size));
   }, true),
   getNumberSetting: method("getNumberSetting",
      ["string", "string", "number", "number", "number", "string", "number"],
      (label, category, low, high, step, unit, initial) => {
         model.settings[label] = initial;
         return value(label, () => Math.min(high, Math.max(low, model.settings[label])), "getRaw");
      }, true),
   getSignalSetting: method("getSignalSetting", ["string", "string", "string"], (label, category, action) => strict(label, {
      addSignalObserver: method("addSignalObserver", ["function"], (callback) => { signals[action] = callback; }, true),
      fire: method("fire", [], () => { throw new Error("This signal cannot be invoked"); }),
   }), true),
});

// OSC 1.0, the types that cross here.
function padded(text) { const size = Buffer.byteLength(text) + 1; const data = Buffer.alloc(Math.ceil(size / 4) * 4); data.write(text); return data; }
function encode(address, texts) {
   return Buffer.concat([padded(address), padded("," + "s".repeat(texts.length)), ...texts.map(padded)]);
}
function decode(data) {
   let place = 0;
   const text = () => {
      const end = data.indexOf(0, place), found = data.toString("utf8", place, end);
      place = Math.ceil((end + 1) / 4) * 4;
      return found;
   };
   const address = text(), tags = text(), values = [];
   for (const tag of tags.slice(1)) {
      if (tag === "s") values.push(text());
      else if (tag === "i") { values.push(data.readInt32BE(place)); place += 4; }
      else if (tag === "f") { values.push(data.readFloatBE(place)); place += 4; }
      else if (tag === "d") { values.push(data.readDoubleBE(place)); place += 8; }
      else if (tag === "h") { values.push(data.readBigInt64BE(place)); place += 8; }
      else values.push(tag === "T");
   }
   return { address, tags, values };
}
function oscMessage({ address, tags, values }) {
   const typed = (name, tag) => method(name, ["int"], (n) => {
      if (tags[n + 1] !== tag) throw new Error(`${name}(${n}) on a message of types ${tags}`);
      return values[n];
   });
   return strict("OscMessage", {
      getAddressPattern: method("getAddressPattern", [], () => address), getTypeTag: method("getTypeTag", [], () => tags),
      getString: typed("getString", "s"), getInt: typed("getInt", "i"), getFloat: typed("getFloat", "f"),
      getDouble: typed("getDouble", "d"), getLong: typed("getLong", "h"),
   });
}
const out = dgram.createSocket("udp4");
const oscModule = strict("oscModule", {
   createAddressSpace: method("createAddressSpace", [], () => {
      const space = { callback: null };
      return Object.assign(strict("addressSpace", {
         setName: method("setName", ["string"], () => {}), space,
         registerDefaultMethod: method("registerDefaultMethod", ["function"], (callback) => { space.callback = callback; }),
      }));
   }, true),
   createUdpServer: method("createUdpServer", ["object"], (space) => strict("OscServer", {
      start: method("start", ["int"], (port) => {
         const socket = dgram.createSocket("udp4");
         socket.on("message", (data) => attempt(() => space.space.callback(null, oscMessage(decode(data)))));
         socket.bind(port, "127.0.0.1", () => report("listening", port));
      }),
   }), true),
   connectToUdpServer: method("connectToUdpServer", ["string", "int", "object"], (address, port) => strict("OscConnection", {
      sendMessage: (path, ...given) => {
         for (const argument of [path, ...given]) {
            if (typeof argument !== "string") throw new Error(`sendMessage: ${typeof argument} becomes who knows what in Java`);
         }
         report("sent", [path, ...given]);
         out.send(encode(path, given), port, address);
      },
   }), true),
});
const host = strict("host", {
   setShouldFailOnDeprecatedUse: method("setShouldFailOnDeprecatedUse", ["boolean"], () => {}),
   defineController: method("defineController", ["string", "string", "string", "string", "string"], () => {}),
   defineMidiPorts: method("defineMidiPorts", ["int", "int"], () => {}),
   createTransport: method("createTransport", [], () => transport, true),
   createCursorTrack: method("createCursorTrack", ["string", "string", "int", "int", "boolean"], () => cursorTrack, true),
   createLauncherCursorClip: method("createLauncherCursorClip", ["int", "int"], () => cursorClip, true),
   getDocumentState: method("getDocumentState", [], () => documentState, true),
   getOscModule: method("getOscModule", [], () => oscModule),
   scheduleTask: method("scheduleTask", ["function", "int"], (task, delay) => { setTimeout(() => attempt(task), delay); }),
   getHostVersion: method("getHostVersion", [], () => "5.2.7"), getHostApiVersion: method("getHostApiVersion", [], () => 19),
   showPopupNotification: method("showPopupNotification", ["string"], (text) => report("popup", text)),
   errorln: method("errorln", ["string"], (text) => report("error", text)),
});

function attempt(work) { try { work(); } catch (error) { report("error", String(error.stack || error)); } }

const context = vm.createContext({
   Date: class extends Date { getTime() { return Number(pace) * super.getTime(); } },
   host, println: (text) => report("println", String(text)), loadAPI: method("loadAPI", ["int"], (version) => { api = version; }),
});
const source = fs.readFileSync(scriptPath, "utf8")
   .replace("var BRIDGE_PORT = 9124;", `var BRIDGE_PORT = ${bridgePort};`).replace("var OWN_PORT = 9129;", `var OWN_PORT = ${ownPort};`);
vm.runInContext(source, context, { filename: scriptPath });
inInit = true;
context.init();
inInit = false;

readline.createInterface({ input: process.stdin }).on("line", (line) => {
   const { command, values } = JSON.parse(line);
   if (command === "press") attempt(signals[values]);
   else if (command === "model") Object.assign(model, values);
   else if (command === "track") Object.assign(model.track, values);
   else if (command === "settings") Object.assign(model.settings, values);
   else if (command === "slots") model.slots.forEach((slot, n) => { slot.exists = n < values; });
   else if (command === "occupy") Object.assign(model.slots[values], { name: "mine", content: { path: "mine.wav", beats: 4 } });
   else if (command === "state") report("state", model.slots.filter((slot) => slot.content).map((slot) => ({ name: slot.name, ...slot.content })));
}).on("close", () => { context.exit(); process.exit(0); });
