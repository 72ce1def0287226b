// The plot in words: each takeover as a row of a table.

import * as address from "./address.js";
import { renew } from "./focus.js";
import { at, el, many, shown, stamp } from "./text.js";

const AROUND = 300_000;
const MOST = 200;

export function show(content) {
  const changes = content.takeovers;
  at("takeovers-title").replaceChildren(changes.length ? `${many(changes.length + content.takeovers_left_out, "takeover")} as a table` : "No takeover in this time");
  at("takeovers").classList.toggle("none", !changes.length);
  const rows = changes.slice(0, MOST).map((one) => el("tr", {},
    el("td", {}, el("button", { type: "button", class: "link", "data-focus": `${one.gate} ${one.at}`, title: "Zoom to five minutes around it", on: { click: () => address.zoom(one.at - AROUND, one.at + AROUND) } }, stamp(one.at))),
    el("td", {}, shown(one.gate)),
    el("td", {}, shown(one.of.split("_")[0] || "nobody")),
    el("td", {}, shown(one.to.split("_")[0])),
    el("td", {}, shown(one.why))));
  const heads = ["Time, UTC", "Gate", "From", "To", "Why"].map((one) => el("th", { scope: "col" }, one));
  const left = changes.length + content.takeovers_left_out - rows.length;
  const more = left ? [el("p", { class: "quiet" }, `and ${many(left, "more takeover")}: zoom in to see them`)] : [];
  renew(at("takeovers-body"), ...(changes.length ? [el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)), ...more] : []));
}
