// The table: one page of records, a row for each, sorted by any of its columns.

import * as address from "./address.js";
import { renew } from "./focus.js";
import { at, el, KINDS, many, name, number, shown, stamp, writer } from "./text.js";

const COLUMNS = [
  ["time", "Time, UTC"],
  ["standing", "Standing"],
  ["pod", "Pod"],
  ["object", "Object"],
  ["gate", "Gate"],
  ["holder", "Holder then"],
  ["reason", "Reason"],
];
let rows = [];
let size = 100;
let total = 0;

const sort = () => address.current().get("sort") || "-time";
const page = () => Number(address.current().get("page") || "1");

export function show(content) {
  rows = content.rows;
  size = content.size;
  const marked = address.current().get("record");
  renew(at("table-head"), ...COLUMNS.map(head));
  // As much of the time as tells the rows apart.
  const differ = (length) => new Set(rows.map((one) => one.time.slice(0, length))).size > 1;
  const from = differ(4) ? 0 : differ(10) ? 5 : 11;
  renew(at("table-body"), ...rows.map((one) => row(one, from, marked)));
  paging();
}

function head([name, label]) {
  const [by, down] = [sort().replace("-", ""), sort().startsWith("-")];
  const next = by === name && down ? name : by === name || name !== "time" && by !== name ? (by === name ? `-${name}` : name) : `-${name}`;
  const mark = by === name ? (down ? " ↓" : " ↑") : "";
  return el("th", { scope: "col", class: `c-${name}`, "aria-sort": by === name ? (down ? "descending" : "ascending") : null },
    el("button", { type: "button", id: `sort-${name}`, on: { click: () => { address.set("sort", next); } } },
      label, el("span", { "aria-hidden": "true" }, mark)));
}

/** A pod of another namespace than the Lease's is none of its operator's, whatever it is called. */
const wrote = (one) => (one.pod === null || one.who === `${one.gate.split("/")[0]}/${one.pod}` ? writer(one.pod, one.username) : one.who);

function row(one, from, marked) {
  const moment = Date.parse(one.time);
  const query = address.current();
  query.set("record", one.key);
  const link = el("a", { href: address.href(query), title: one.time }, stamp(moment, true).slice(from));
  const kind = one.kind === "other" ? one.standing ?? KINDS.other : KINDS[one.kind];
  const cells = [
    ["time", link],
    ["standing", el("span", { class: `badge ${one.kind}` }, shown(kind))],
    ["pod", name(wrote(one), one.who ?? "")],
    ["object", name(one.object)],
    ["gate", name(one.gate)],
    ["holder", one.holder ? name(one.holder.split("_")[0], one.holder) : el("span", { class: "quiet" }, nobody(one))],
    ["reason", reason(one)],
  ];
  return el("tr", { "data-key": one.key, class: one.key === marked ? "marked" : null, on: { click: (event) => opened(event, one.key) } },
    ...cells.map(([column, content]) => el("td", { class: `c-${column}` }, content)));
}

/** What the Lease said where it names no holder. */
function nobody(one) {
  if (one.holder === "") return "nobody";
  return { LeaseNotFound: "no Lease", LeaseUnreadable: "not readable" }[one.reason] ?? "unknown";
}

/** Where a write was not simply turned away, that is told as well. */
function reason(one) {
  const more = [one.mode === "enforce" ? null : shown(one.mode), one.dry_run ? "dry run" : null].filter(Boolean);
  return el("span", {}, shown(one.reason), more.length ? el("span", { class: "quiet" }, ` · ${more.join(", ")}`) : null);
}

function opened(event, key) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || String(getSelection())) return;
  event.preventDefault();
  event.currentTarget.querySelector("a").focus();
  address.set("record", key, { keepPage: true, state: { opened: true } });
}

export function count(summary) {
  total = summary.records;
  at("count").replaceChildren(many(total, "record") + (summary.left_out ? `, and ${many(summary.left_out, "routine rejection")} of followers left out` : ""));
  const routine = at("routine");
  const on = address.current().get("routine") === "true";
  routine.hidden = !summary.left_out && !on;
  routine.replaceChildren(on ? "Leave routine out" : "Show them");
  routine.onclick = () => address.set("routine", on ? null : "true");
  for (const suffix of ["csv", "json", "jsonl"]) at(suffix).href = `/download/records.${suffix}?${address.asking(["page", "sort"])}`;
  paging();
}

function paging() {
  const last = Math.max(Math.ceil(total / size), 1);
  const beyond = page() > last ? ": there is no such page" : "";
  at("page").replaceChildren(`Page ${number(page())} of ${number(last)}${beyond}`);
  at("previous").disabled = page() <= 1;
  at("next").disabled = page() >= last;
  document.querySelector(".pages").hidden = last <= 1 && page() <= 1;
}

function turn(by) {
  const last = Math.max(Math.ceil(total / size), 1), next = Math.min(page() + by, last);
  address.set("page", next > 1 ? String(next) : null, { keepPage: true });
  at("records").scrollIntoView();
}

at("previous").addEventListener("click", () => turn(-1));
at("next").addEventListener("click", () => turn(1));

/** The key of the record that is so many rows from another in the table, or null. */
export function beside(key, by) {
  const place = rows.findIndex((one) => one.key === key);
  return rows[place + by]?.key ?? null;
}

export function mark(key) {
  for (const one of at("table-body").children) one.classList.toggle("marked", one.dataset.key === key);
}

/** Move the focus so many rows on. */
export function step(by) {
  const links = [...at("table-body").querySelectorAll("a")];
  const place = links.indexOf(document.activeElement);
  const next = links[place < 0 ? 0 : Math.min(Math.max(place + by, 0), links.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

export const link = (key) => at("table-body").querySelector(`tr[data-key="${CSS.escape(key)}"] a`);
