// The drawer: one record whole, what it means and what to do, to be copied or linked.

import * as address from "./address.js";
import { ask } from "./ask.js";
import { at, el, KINDS, shown, short, writer } from "./text.js";

const KEY = /^[0-9a-f]{14}$/;
const box = at("drawer");
let table = null;
let open = null;
// Counts what was asked for, so that an answer that comes after all of it is passed over.
let turn = 0;
let followed = false;

export function start(rows) {
  table = rows;
  at("drawer-close").addEventListener("click", () => box.close());
  at("drawer-next").addEventListener("click", () => go(1));
  at("drawer-previous").addEventListener("click", () => go(-1));
  box.addEventListener("click", (event) => event.target === box && box.close());
  box.addEventListener("close", closed);
}

/** Whoever opened it in this page goes back to where that was; a link that opened it loses the record. */
function closed() {
  turn += 1;
  const left = address.current().get("record") ?? open;
  open = null;
  table.mark(null);
  // Closed by going back or forward, the URL is right already.
  if (followed) followed = false;
  else if (history.state?.opened) history.back();
  else address.set("record", null, { keepPage: true, replace: true, state: history.state });
  table.link(left)?.focus();
}

export const isOpen = () => box.open;

/** Show the record that the URL names, or none. */
export async function sync() {
  const key = address.current().get("record");
  if (key === open && box.open) return;
  const mine = ++turn;
  if (!key) {
    followed = box.open;
    if (box.open) box.close();
    return;
  }
  let content;
  try {
    content = KEY.test(key) ? await ask("record", `/api/record/${key}`) : { fault: `the link names no record: ${key.slice(0, 60)}` };
  } catch (fault) {
    content = fault.gone ? { gone: true, fault: "leadergate audit serve no longer answers" } : { fault: fault.faults[0].text };
  }
  // It may have been closed, or gone on to another one, meanwhile.
  if (content === null || mine !== turn || address.current().get("record") !== key) return;
  open = key;
  table.mark(key);
  show(key, content);
  if (!box.open) box.showModal();
  box.scrollTop = 0;
  at("drawer-title").focus();
}

export function go(by) {
  const key = table.beside(address.current().get("record"), by);
  if (key) address.set("record", key, { keepPage: true, replace: true, state: history.state });
}

function show(key, content) {
  at("drawer-next").disabled = !table.beside(key, 1);
  at("drawer-previous").disabled = !table.beside(key, -1);
  if (content.fault) {
    at("drawer-title").replaceChildren(content.gone ? "It cannot be shown" : "No such record");
    at("drawer-body").replaceChildren(el("p", {}, shown(content.fault)));
    return;
  }
  const { record, raw, kind, explanation, file } = content;
  const who = writer(record.requester?.pod, record.requester?.username);
  at("drawer-title").replaceChildren(el("span", { class: `badge ${kind}` }, KINDS[kind]), " ", el("span", { title: shown(who) }, short(who, 60)));
  const copied = el("span", { class: "quiet", role: "status" });
  const pretty = JSON.stringify(JSON.parse(raw), null, 2);
  const code = el("pre", { id: "raw", tabindex: "0" }, lines(pretty));
  const button = (label, id, text, fallback) => el("button", { type: "button", id, on: { click: () => copy(text(), copied, fallback) } }, label);
  at("drawer-body").replaceChildren(
    ...explanation.said.map((one) => el("p", { class: "said" }, shown(one))),
    ...(explanation.todo.length ? [el("h3", {}, "What to do"), ...explanation.todo.map((one) => (one.startsWith("$ ") ? el("pre", { class: "command" }, shown(one.slice(2))) : el("p", { class: "said" }, shown(one))))] : []),
    el("h3", {}, "The record"),
    el("dl", { class: "fields" }, ...fields(record)),
    ...(file ? [el("p", { class: "quiet" }, `from ${shown(file)}`)] : []),
    el("p", { class: "acts" }, button("Copy JSON", "copy", () => raw, code), button("Copy link", "copy-link", () => location.href, null), copied),
    el("h3", {}, "As it was written"), code,
  );
}

// JSON keeps its lines; all else that nobody sees is escaped.
const lines = (text) => text.split("\n").map(shown).join("\n");

function fields(value, above = "") {
  return Object.entries(value).flatMap(([name, one]) => {
    const path = above ? `${above}.${name}` : name;
    if (one !== null && typeof one === "object" && !Array.isArray(one)) return fields(one, path);
    const told = one === null ? el("span", { class: "quiet" }, "null") : one === "" ? el("span", { class: "quiet" }, "empty") : shown(typeof one === "string" ? one : JSON.stringify(one));
    return [el("dt", {}, shown(path)), el("dd", {}, told)];
  });
}

async function copy(text, told, fallback) {
  try {
    await navigator.clipboard.writeText(text);
    told.replaceChildren("Copied");
  } catch {
    if (fallback) getSelection().selectAllChildren(fallback);
    told.replaceChildren(fallback ? "The browser does not let the page copy: it is selected" : "The browser does not let the page copy: take it from the address bar");
  }
}
