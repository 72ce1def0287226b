// The timeline: a lane for each gate that says who held its Lease, a lane for each pod with what it wrote without it.

import * as address from "./address.js";
import { renew } from "./focus.js";
import { drawnTurns, fit, marks, plain, swatches, turns, utc } from "./marks.js";
import { at, el, KINDS, many, number, shown, stamp } from "./text.js";

const box = at("plot");
const LANE = 30;
const POD = 28;
const FAR = 5;
// A finger that moves over the plot scrolls the page.
const TOUCH = matchMedia("(hover: none) and (pointer: coarse)");
let content = null;
let drawn = null;
let loading = null;

/** Draw it, once ``first`` is shown: what the package's script takes to load is longer than all else together. */
export async function show(answer, first) {
  content = answer;
  const none = !content.bands.length && !content.marks.length && !content.routine.length;
  box.hidden = none || content.since === null;
  note();
  if (box.hidden) return;
  // Its place is kept, so that nothing below it moves when it comes.
  box.style.minHeight = `${domains(content).height}px`;
  if (!drawn) box.replaceChildren(el("p", { class: "quiet" }, "Drawing…"));
  await first;
  await loaded();
  if (!box.hidden) draw();
}

/** The plotting package, from the first plot on. */
function loaded() {
  loading ??= new Promise((done, failed) => {
    document.head.append(el("script", { src: box.dataset.script, on: { load: done, error: () => { loading = null; failed({ gone: true, faults: [] }); } } }));
  });
  return loading;
}

/** The sheet's colours by name; each is looked up once, as thousands of marks ask for it. */
function colours() {
  const style = getComputedStyle(document.documentElement), known = new Map();
  return (name) => known.get(name) ?? (known.set(name, style.getPropertyValue(`--${name}`).trim()), known.get(name));
}

function draw() {
  const colour = colours();
  const left = Math.round(Math.min(Math.max(box.clientWidth * 0.24, 130), 320));
  const { traces, labels, kinds } = marks(content, colour, box.clientWidth - left - 12);
  legend(kinds);
  const parts = domains(content);
  const axis = (domain, more) => ({ domain, fixedrange: true, showgrid: false, zeroline: false, ...more });
  const ink = colour("ink"), line = colour("line");
  const layout = {
    height: parts.height, margin: { l: left, r: 12, t: 8, b: 44 }, barmode: "overlay", bargap: 0.3,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest", dragmode: TOUCH.matches ? false : "zoom",
    font: { family: colour("sans"), size: 12, color: ink }, uniformtext: { mode: "hide", minsize: 11 },
    hoverlabel: { bgcolor: colour("surface"), bordercolor: line, font: { family: colour("sans"), color: ink, size: 12 }, align: "left", namelength: 0 },
    xaxis: { type: "date", range: [utc(content.since), utc(content.until)], anchor: "free", position: 0, gridcolor: line, showgrid: true, zeroline: false, ticks: "outside", tickcolor: line, tickfont: { color: colour("quiet") }, hoverformat: "%H:%M:%S", tickangle: 0, nticks: Math.max(2, Math.floor((box.clientWidth - left) / 60)) },
    yaxis: axis(parts.gates, { range: [content.gates.length - 0.5, -0.5], showticklabels: false }),
    yaxis2: axis(parts.pods, { range: [Math.max(content.lanes.length, 1) - 0.5, -0.5], tickvals: labels.lanes.map((_, place) => place), showticklabels: false, showgrid: true, gridcolor: line, griddash: "dot", visible: content.lanes.length > 0 }),
    yaxis3: axis(parts.routine, { rangemode: "tozero", nticks: 3, tickfont: { size: 10, color: colour("quiet") }, visible: Boolean(content.routine.length) }),
    annotations: [...names(labels.gates, "y", left - 20, colour), ...names(labels.lanes, "y2", left - 20, colour)],
    shapes: [...turns(content, colour, box.clientWidth - left - 12), ...swatches(content, colour)],
  };
  // The time for a double click is what desktops allow; plotly.js wants it quicker.
  const config = { displayModeBar: false, doubleClick: false, doubleClickDelay: 500, responsive: true, showTips: false, scrollZoom: false };
  box.setAttribute("aria-label", words());
  if (!drawn) box.replaceChildren();
  window.Plotly.react(box, traces, layout, config);
  if (!drawn) listen();
  drawn = content;
}

/** What lanes are called; pointing at a name that is cut tells the whole of it. */
function names(labels, axis, room, colour) {
  return labels.map((label, place) => ({
    xref: "paper", x: 0, xanchor: "right", xshift: -16, yref: axis, y: place, showarrow: false, borderpad: 0, align: "right",
    text: plain(fit(label, room)), hovertext: fit(label, room) === shown(label) ? "" : plain(shown(label)),
    hoverlabel: { bgcolor: colour("surface"), bordercolor: colour("line"), font: { family: colour("sans"), color: colour("ink"), size: 12 } },
  }));
}

/** How the height is shared, from the bottom: routine, pods, gates. */
function domains({ gates, lanes, routine }) {
  const top = Math.max(gates.length, 1) * LANE, pods = lanes.length * POD, bottom = routine.length ? 56 : 0;
  const gap = 14, inner = top + (pods ? gap + pods : 0) + (bottom ? gap + bottom : 0);
  const share = (size) => size / inner;
  const low = bottom ? share(bottom + gap) : 0;
  return { height: inner + 52, routine: [0, Math.max(share(bottom), 0.001)], pods: [low, low + Math.max(share(pods), 0.001)], gates: [1 - share(top), 1] };
}

function listen() {
  box.on("plotly_relayout", (change) => {
    const ends = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (ends.some((one) => one === undefined)) return;
    const [since, until] = ends.map((one) => (typeof one === "number" ? one : Date.parse(one.replace(" ", "T") + "Z")));
    address.zoom(since, until);
  });
  box.on("plotly_doubleclick", address.zoomOut);
  box.on("plotly_click", ({ points }) => {
    const mark = points[0].customdata;
    if (!mark) return;
    address.zoom(mark.begin, mark.end, (query) => mark.pod && query.set("pod", mark.pod));
  });
  document.addEventListener("theme", draw);
  // Names fit into other bands then.
  let soon = 0;
  addEventListener("resize", () => { clearTimeout(soon); soon = setTimeout(draw, 150); });
}

function legend(kinds) {
  const told = kinds.map((kind) => el("li", { class: `mark ${kind}` }, KINDS[kind]));
  if (content.bands.some((one) => one.gap !== null)) told.unshift(el("li", { class: "mark gap" }, "no known holder"));
  if (drawnTurns(content).length) told.unshift(el("li", { class: "mark takeover" }, "takeover"));
  at("legend").replaceChildren(...told);
}

function note() {
  const told = [];
  if (content.gates_left_out) told.push(`${many(content.gates_left_out, "more gate")} not drawn: filter by gate to see them`);
  if (content.bands_left_out) told.push("more changes of holder than can be drawn: zoom in");
  const far = content.far ?? [];
  const parts = far.slice(0, FAR).flatMap((one) => [" ", el("button", { type: "button", class: "link", "data-focus": `far ${one.since}`, on: { click: () => address.zoom(one.since, one.until) } },
    `${many(one.count, "record")} of ${stamp(one.since).slice(0, 10)}`)]);
  if (far.length) told.push(`${many(far.reduce((sum, one) => sum + one.count, 0), "record")} far from the others in time not drawn:`);
  at("plot-note").hidden = !told.length;
  renew(at("plot-note"), told.join("; "), ...parts);
}

function words() {
  const pods = content.lanes.length;
  return `Timeline of ${many(content.gates.length, "gate")} with ${many(content.takeovers.length + content.takeovers_left_out, "takeover")} and ${many(pods, "lane")} of who wrote; `
    + `${number(content.marks.reduce((sum, one) => sum + one[3], 0))} records drawn. The takeovers follow as a table, and so do the records.`;
}
