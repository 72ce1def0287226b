// What happened, in one sentence and a row of figures.

import * as address from "./address.js";
import { renew } from "./focus.js";
import { at, el, many, number, shown, span, stamp } from "./text.js";

const FIGURES = [
  ["matters", ["rejection that matters", "rejections that matter"], null, ""],
  ["former", ["by former holders"], ["standing", "former-holder"], "former-holder"],
  ["strangers", ["by strangers"], ["standing", "stranger"], "stranger"],
  ["undecided", ["undecided"], ["verdict", "Indeterminate"], "undecided"],
  ["pods", ["writer", "writers"], null, ""],
  ["objects", ["object", "objects"], null, ""],
  ["takeovers", ["takeover", "takeovers"], null, ""],
];

export function source(told) {
  const files = told.files.length === 1 ? shown(told.files[0]) : many(told.files.length, "file");
  at("source").replaceChildren(`${many(told.records, "record")} of ${files}`);
  at("source").title = told.files.map(shown).join("\n");
}

export function show(summary) {
  at("said").replaceChildren(shown(summary.said[0]));
  at("more").replaceChildren(shown(summary.said.slice(1).join(" ")));
  at("range").replaceChildren(range(summary));
  const parts = FIGURES.map(([name, label, filter, kind]) => figure(summary[name], label[summary[name] === 1 ? 0 : label.length - 1], filter, kind));
  if (summary.allowed) parts.push(figure(summary.allowed, "allowed", ["verdict", "Allow"], "allowed"));
  const routine = summary.left_out ? "routine, left out" : "routine";
  parts.push(figure(summary.left_out || summary.routine, routine, null, "routine"));
  // Where there is nothing, a row of zeros says no more.
  at("figures").hidden = !summary.records && !summary.left_out;
  renew(at("figures"), ...parts);
}

function range(summary) {
  if (!summary.begin) return "";
  const first = Date.parse(summary.begin), last = Date.parse(summary.end);
  if (stamp(first) === stamp(last)) return `${stamp(first)} UTC`;
  const day = stamp(first).slice(0, 10) === stamp(last).slice(0, 10) ? stamp(last).slice(11) : stamp(last);
  return `${stamp(first)} to ${day} UTC · ${span(last - first)}`;
}

function figure(value, label, filter, kind) {
  const shownAs = filter && value
    ? el("button", { type: "button", class: "link", "data-focus": label, "aria-label": `${number(value)} ${label}: show these alone`, title: "Show these alone", on: { click: () => address.set(...filter) } }, number(value))
    : number(value);
  return el("div", { class: value ? kind : "none" }, el("dt", {}, label), el("dd", {}, shownAs));
}
