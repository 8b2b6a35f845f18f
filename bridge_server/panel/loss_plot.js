/** The loss of a training as a picture: every step faintly, their average, and the checks on fixed examples. */

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 200;
const LEAST = 240;
const LEFT = 52;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 26;
const KEPT = 0.9; // share of the average that each step keeps
const MOST = 1200; // points: more than there are pixels

/** A moving average without the pull of its start. */
export function averaged(losses) {
  let total = 0;
  let weight = 1;
  return losses.map((loss) => {
    total = KEPT * total + (1 - KEPT) * loss;
    weight *= KEPT;
    return total / (1 - weight);
  });
}

/** The check with the lowest loss, [step, loss]; null without one. */
export const bestOf = (checks) => checks.reduce((best, one) => (best && best[1] <= one[1] ? best : one), null);

/** What the curve spans: [lowest, highest]. A few very noisy steps must not flatten everything else. */
export function span(losses, checks) {
  const shown = [...losses, ...checks.map(([, loss]) => loss)].filter(Number.isFinite).sort((a, b) => a - b);
  if (!shown.length) return [0, 1];
  const low = shown[0];
  const high = shown[Math.ceil(0.99 * (shown.length - 1))];
  const margin = 0.08 * (high - low) || 0.5;
  return [low - margin, high + margin];
}

/** Points [step, loss], at most so many, the last among them. */
function thinned(losses) {
  const every = Math.max(1, Math.ceil(losses.length / MOST));
  return losses.map((loss, at) => [at + 1, loss]).filter((_, at) => at % every === 0 || at === losses.length - 1);
}

function drawn(name, properties, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(properties)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** An SVG element. losses: of each step so far; checks: [step, loss]; steps: of the whole training; room: in pixels. */
export function lossPlot({ losses = [], checks = [], steps = 0 }, room) {
  const width = Math.max(LEAST, room);
  const [low, high] = span(losses, checks);
  const whole = Math.max(steps, losses.length, 2);
  const x = (step) => LEFT + ((step - 1) / (whole - 1)) * (width - LEFT - RIGHT);
  const y = (loss) => HEIGHT - BOTTOM - (Math.min(Math.max(loss, low), high) - low) / (high - low) * (HEIGHT - TOP - BOTTOM);
  const line = (points, kind) => drawn("polyline", { class: kind, points: points.map(([step, loss]) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(" ") });
  const means = averaged(losses);
  const best = bestOf(checks);
  const picture = drawn("svg", { class: "loss-plot", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img" });
  const parts = [losses.length ? `at step ${losses.length} of ${whole}, average loss ${means.at(-1).toFixed(4)}` : "no step yet"];
  if (best) parts.push(`best on fixed examples: ${best[1].toFixed(4)} at step ${best[0]}`);
  picture.setAttribute("aria-label", `Loss: ${parts.join("; ")}`);
  for (let mark = 0; mark <= 3; mark += 1) {
    const loss = low + ((high - low) * mark) / 3;
    picture.append(drawn("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(loss), y2: y(loss) }));
    picture.append(drawn("text", { x: LEFT - 6, y: y(loss) + 4, "text-anchor": "end" }, loss.toFixed(3)));
    const step = 1 + Math.round(((whole - 1) * mark) / 3);
    picture.append(drawn("text", { x: x(step), y: HEIGHT - 6, "text-anchor": mark === 3 ? "end" : "middle" }, step));
  }
  picture.append(line(thinned(losses), "each"), line(thinned(means), "average"), line(checks, "checks"));
  for (const [step, loss] of checks) picture.append(drawn("circle", { class: "check", cx: x(step), cy: y(loss), r: best[0] === step ? 5 : 3 }));
  return picture;
}
