// What a hostile page can try against the server at `target`. Returns {name: what it could read or open, or null}.
// only: the names of some attempts, to make no others; patience: milliseconds for one.
async function attack(target, take, digest, only = null, patience = 2500) {
  const here = { http: `http://${target}`, ws: `ws://${target}` };
  const rpc = (method, params = {}) => JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const repaint = rpc("repaint", { source: "song.wav", start: 0, end: 4800, prompt: "stolen" });
  const found = {};
  const soon = (promise) => Promise.race([promise, new Promise((done) => setTimeout(done, patience, null))]);
  const tries = [];
  const attempt = (name, work) =>
    (!only || only.includes(name)) && tries.push(async () => { found[name] = (await soon(Promise.resolve().then(work).catch(() => null))) ?? null; });
  // So many at once: a browser has six connections to a server, and a sound that plays keeps one.
  const inTurns = () => Promise.all(Array.from({ length: 12 }, async () => { while (tries.length) await tries.shift()(); }));

  const pages = [
    "/", "/schema.json", "/hello.json", "/healthz", "/metrics", "/server.json", "/token.txt", "/rpc", "/bridge",
    "/?HOST_INFO", "/panel/main.js", "/panel/panel.css", "/panel/icon.svg", `/takes/${take}/clip.wav`, `/takes/${take}/song.wav`,
    `/takes/${take}/picture.png`, `/takes/${take}/recipe.json`, `/audio/${digest}.wav`, `/peaks/${digest}`, "/reaper/index.xml",
    "/exports/../server.json", `/passages/songs/${digest}/original.wav`, `/passages/takes/${take}/original.wav`,
  ];
  for (const path of pages) {
    attempt(`fetch ${path}`, async () => (await fetch(here.http + path)).text());
    attempt(`fetch with credentials ${path}`, async () => (await fetch(here.http + path, { credentials: "include" })).text());
    attempt(`opaque fetch ${path}`, async () => (await (await fetch(here.http + path, { mode: "no-cors" })).text()) || null);
  }

  // Tags load without asking for permission; whether they loaded is already knowledge.
  const tag = (kind, path, make) =>
    attempt(`${kind} ${path}`, () => new Promise((done) => {
      const one = make(here.http + path);
      for (const event of ["load", "loadedmetadata", "canplay"]) {
        one.addEventListener(event, () => { done(event); one.remove(); one.removeAttribute("src"); one.load?.(); });
      }
      one.addEventListener("error", () => done(null));
      document.body.append(one);
    }));
  const element = (name, values) => Object.assign(document.createElement(name), values);
  for (const path of [`/takes/${take}/picture.png`, "/panel/icon.svg", `/spectrogram/${digest}`]) tag("img", path, (src) => element("img", { src }));
  for (const path of ["/panel/main.js", "/schema.json", "/server.json", "/metrics", "/healthz", `/takes/${take}/recipe.json`]) {
    tag("script", path, (src) => element("script", { src }));
    tag("module", path, (src) => element("script", { src, type: "module" }));
  }
  tag("stylesheet", "/panel/panel.css", (href) => element("link", { rel: "stylesheet", href }));
  for (const rel of ["prefetch", "preload"]) {
    for (const path of ["/healthz", "/panel/main.js", `/takes/${take}/clip.wav`]) tag(rel, path, (href) => element("link", { rel, href, as: "fetch" }));
  }
  for (const path of [`/takes/${take}/clip.wav`, `/audio/${digest}.wav`, `/passages/songs/${digest}/original.wav`]) {
    tag("audio", path, (src) => element("audio", { src, preload: "auto" }));
    tag("video", path, (src) => element("video", { src, preload: "auto" }));
  }
  attempt("import", async () => Object.keys(await import(`${here.http}/panel/words.js`)).join());
  attempt("EventSource", () => new Promise((done) => {
    const one = new EventSource(`${here.http}/bridge`);
    one.onopen = () => done("open");
    one.onmessage = (event) => done(event.data);
    one.onerror = () => { one.close(); done(null); };
  }));
  attempt("worker", () => new Promise((done) => {
    const one = new Worker(`${here.http}/panel/sha256.js`);
    one.onmessage = (event) => done(event.data);
    one.onerror = () => done(null);
  }));
  attempt("service worker", async () => (await navigator.serviceWorker.register(`${here.http}/panel/main.js`)).scope);

  // What a frame shows cannot be read, but its height, its number of frames and its messages could be.
  for (const path of ["/", "/healthz", "/server.json", "/metrics", `/takes/${take}/clip.wav`, `/takes/${take}/recipe.json`]) {
    attempt(`iframe ${path}`, () => new Promise((done) => {
      const frame = element("iframe", { src: here.http + path });
      frame.onload = () => {
        try { done(frame.contentDocument?.body?.innerText || null); } catch { done(frame.contentWindow.length || null); }
      };
      document.body.append(frame);
    }));
  }
  for (const name of ["object", "embed"]) {
    attempt(name, () => new Promise((done) => {
      const one = element(name, { [name === "object" ? "data" : "src"]: `${here.http}/panel/icon.svg`, type: "image/svg+xml" });
      one.onload = () => { try { done(one.getSVGDocument?.()?.documentElement?.outerHTML ?? null); } catch { done(null); } };
      one.onerror = () => done(null);
      document.body.append(one);
    }));
  }

  // Requests that want to change something.
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json"]) {
    for (const mode of ["cors", "no-cors"]) {
      attempt(`post ${type} ${mode}`, async () =>
        (await (await fetch(`${here.http}/rpc`, { method: "POST", mode, headers: { "Content-Type": type }, body: repaint })).text()) || null);
    }
  }
  for (const method of ["PUT", "POST", "DELETE", "PATCH"]) {
    attempt(`${method} upload`, async () =>
      (await fetch(`${here.http}/uploads/stolen.wav`, { method, body: new Blob([new Uint8Array(2000)]) })).text());
  }
  attempt("beacon", () => { navigator.sendBeacon(`${here.http}/rpc`, new Blob([repaint], { type: "text/plain" })); return null; });
  attempt("keepalive", async () => { await fetch(`${here.http}/rpc`, { method: "POST", mode: "no-cors", keepalive: true, body: rpc("forget") }); return null; });
  for (const enctype of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
    for (const action of ["/rpc", "/uploads/stolen.wav", "/"]) {
      attempt(`form ${enctype} ${action}`, () => new Promise((done) => {
        const name = `answer ${enctype} ${action}`;
        const frame = element("iframe", { name });
        const form = element("form", { method: "post", enctype, action: here.http + action, target: name });
        // The trick that makes a text/plain form send JSON: the name opens a string that the value closes.
        form.append(element("input", { name: repaint.slice(0, -1) + ',"x":"', value: '"}' }));
        document.body.append(frame, form);
        frame.onload = () => { try { done(frame.contentDocument?.body?.innerText || null); } catch { done(null); } };
        form.submit();
      }));
    }
  }

  for (const query of ["/", "/?client=panel", "/bridge"]) {
    attempt(`WebSocket ${query}`, () => new Promise((done) => {
      const socket = new WebSocket(here.ws + query);
      socket.binaryType = "arraybuffer";
      socket.onopen = () => { socket.send(repaint); done("open"); };
      socket.onerror = () => done(null);
    }));
  }
  await inTurns();
  return found;
}
