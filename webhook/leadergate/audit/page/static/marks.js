// What the plot draws, as traces of plotly.js. It reads a kind of HTML in texts: < and & of records are escaped, and no
// tag but <br> is used, as others become style attributes, which the policy forbids.

import { clock, KINDS, many, short, shown, span, stamp, wide, writer } from "./text.js";

const HOLDERS = 8;
const LINES = 300;
const SYMBOLS = { "former-holder": "diamond", stranger: "square", undecided: "x", other: "circle", allowed: "circle-open" };
// Kinds of one pod and time lie beside each other.
const SHIFT = { "former-holder": 0, stranger: 0, undecided: 0.2, other: -0.2, allowed: 0.3 };
const GAPS = { expired: "had run out, and nobody took it", unheld: "held by nobody", absent: "did not exist", unreadable: "could not be read" };

/** A moment for plotly.js, which takes a number, and no text, for one of the browser's time zone. */
export const utc = (moment) => new Date(moment).toISOString().slice(0, -1);

/** A text for plotly.js that it shows as it is. */
export const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const SIZE = 12;

/** As much of a name as fits into so many pixels; ``shorter`` cuts it to a number of signs. */
export function fit(text, pixels, shorter = short) {
  const whole = shown(text);
  if (wide(whole, SIZE) <= pixels) return whole;
  let signs = Math.min([...whole].length - 1, Math.ceil(pixels / 3));
  while (signs > 3 && wide(shorter(text, signs), SIZE) > pixels) signs -= 1;
  return shorter(text, signs);
}

const pod = (holder) => holder.split("_")[0];

export function marks(content, colour, width) {
  const labels = { gates: content.gates, lanes: content.lanes.map(wrote) };
  const kinds = Object.keys(SYMBOLS).filter((kind) => content.marks.some((one) => one[1] === kind));
  const traces = [holders(content, colour, width), gaps(content, colour), turnings(content, colour)];
  traces.push(...kinds.map((kind) => dots(content, kind, colour)));
  if (content.routine.length) {
    traces.push(routine(content, colour));
    kinds.push("routine");
  }
  return { traces, labels, kinds };
}

/** Whose lane it is. */
const wrote = (lane) => (lane.name === null ? many(lane.pods, "other") : lane.pod === null ? writer(null, lane.name) : lane.name);

/** The takeovers of the gates that are drawn. */
export const drawnTurns = (content) => content.takeovers.filter((one) => content.gates.includes(one.gate));

const holder = (band, colour) => colour(`holder-${band.colour % HOLDERS}`);

/** As much of a name as fits: its end tells pods of one Deployment apart. */
function fitting(name, pixels) {
  const tail = (text, signs) => "…" + [...shown(text)].slice(1 - signs).join("");
  return pixels < 44 && wide(shown(name), SIZE) > pixels - 8 ? "" : plain(fit(name, pixels - 8, tail));
}

/** Takeovers as lines through all lanes. */
export function turns(content, colour, width) {
  const changes = drawnTurns(content);
  // Closer than that, they would hide what they are meant to tell apart.
  if (changes.length > Math.min(LINES, width / 14)) return [];
  return changes.map((one) => ({
    type: "line", xref: "x", yref: "paper", x0: utc(one.at), x1: utc(one.at), y0: 0, y1: 1, layer: "below", line: { color: colour("quiet"), width: 1, dash: "dot" },
  }));
}

/** The colour of a holder beside the lane of its pod. */
export function swatches(content, colour) {
  const known = new Map(content.bands.filter((one) => one.gap === null).map((one) => [`${one.gate.split("/")[0]}/${pod(one.holder)}`, one]));
  return content.lanes.flatMap((one, place) => (known.has(one.who) ? [{
    type: "rect", xref: "paper", yref: "y2", xsizemode: "pixel", xanchor: 0, x0: -14, x1: -6, y0: place - 0.2, y1: place + 0.2, line: { width: 0 }, fillcolor: holder(known.get(one.who), colour),
  }] : []));
}

function bar(bands, content, more) {
  return {
    type: "bar", orientation: "h", hoverinfo: "text", width: 0.68,
    y: bands.map((one) => content.gates.indexOf(one.gate)),
    base: bands.map((one) => utc(one.begin)),
    x: bands.map((one) => one.end - one.begin),
    ...more,
  };
}

function holders(content, colour, width) {
  const bands = content.bands.filter((one) => one.gap === null);
  const pixels = width / (content.until - content.since);
  return bar(bands, content, {
    text: bands.map((one) => fitting(pod(one.holder), (one.end - one.begin) * pixels)), textposition: "inside", insidetextanchor: "start", textangle: 0,
    textfont: { color: colour("on-holder"), size: SIZE }, constraintext: "none",
    hovertext: bands.map((one) => [`${plain(shown(one.holder))}`, `held ${plain(shown(one.gate))}`, lasted(one)].join("<br>")),
    marker: { color: bands.map((one) => holder(one, colour)), line: { color: colour("surface"), width: 1 } },
  });
}

function gaps(content, colour) {
  const bands = content.bands.filter((one) => one.gap !== null);
  return bar(bands, content, {
    hovertext: bands.map((one) => [`the Lease ${plain(shown(GAPS[one.gap] ?? one.gap))}`, lasted(one)].join("<br>")),
    marker: { color: colour("gap"), pattern: { shape: "/", size: 6, solidity: 0.35, fgcolor: colour("quiet"), bgcolor: colour("gap") }, line: { color: colour("surface"), width: 1 } },
  });
}

/** An end, with its day where that is another one. */
const ending = (begin, end, exact = false) => (stamp(begin).slice(0, 10) === stamp(end).slice(0, 10) ? clock(end, exact) : stamp(end, exact));
const lasted = (one) => `${stamp(one.since)} to ${one.until === null ? "the end" : ending(one.since, one.until)}` + (one.until === null ? "" : ` (${span(one.until - one.since)})`);

function turnings(content, colour) {
  const changes = drawnTurns(content);
  return {
    type: "scatter", mode: "markers", hoverinfo: "text", cliponaxis: false,
    x: changes.map((one) => utc(one.at)),
    y: changes.map((one) => content.gates.indexOf(one.gate) - 0.42),
    marker: { symbol: "triangle-down", size: 9, color: colour("ink") },
    hovertext: changes.map((one) => [`takeover ${stamp(one.at)}`, `from ${plain(shown(pod(one.of) || "nobody"))}`, `to ${plain(shown(pod(one.to)))}`, plain(shown(one.why))].join("<br>")),
    customdata: changes.map((one) => ({ begin: one.at - 300_000, end: one.at + 300_000 })),
  };
}

const period = (begin, width) => `${stamp(begin, width < 1000)} to ${ending(begin, begin + width, width < 1000)}`;

function dots(content, kind, colour) {
  const found = content.marks.filter((one) => one[1] === kind);
  const half = content.width / 2;
  return {
    type: "scatter", mode: "markers", yaxis: "y2", hoverinfo: "text", cliponaxis: false,
    x: found.map((one) => utc(Math.min(Math.max(one[2] + half, content.since), content.until))),
    y: found.map((one) => one[0] + SHIFT[kind]),
    marker: {
      symbol: SYMBOLS[kind], color: colour(kind), opacity: 0.85, line: { width: 0 },
      size: found.map((one) => Math.min(5 + 1.4 * Math.log2(1 + one[3]), 15)),
    },
    hovertext: found.map(([lane, , bucket, count]) => {
      return [`${many(count, "record")}: ${KINDS[kind]}`, plain(shown(wrote(content.lanes[lane]))), period(bucket, content.width)].join("<br>");
    }),
    customdata: found.map(([lane, , bucket]) => ({ begin: bucket, end: bucket + content.width, pod: content.lanes[lane].pod ?? null })),
  };
}

function routine(content, colour) {
  return {
    type: "bar", yaxis: "y3", hoverinfo: "text", marker: { color: colour("routine"), line: { width: 0 } },
    x: content.routine.map((one) => utc(one[0] + content.width / 2)), y: content.routine.map((one) => one[1]), width: content.width * 0.9,
    hovertext: content.routine.map((one) => `${many(one[1], "routine rejection")}<br>${period(one[0], content.width)}`),
  };
}
