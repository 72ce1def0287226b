// Filters at the side: every choice with the count of records that it would show.

import * as address from "./address.js";
import { leave, renew } from "./focus.js";
import { at, el, name as named, number, short, shown } from "./text.js";

const GROUPS = [
  ["standing", "Standing", false],
  ["gate", "Gate", true],
  ["pod", "Pod", true],
  ["reason", "Reason", false],
  ["object", "Object", true],
  ["account", "Service account", true],
  ["verdict", "Verdict", false],
  ["mode", "Mode of the gate", false],
  ["resource", "Resource", false],
  ["webhook_pod", "Webhook's replica", false],
];
const FEW = 5;
const whole = new Set();
let last = null;

/** Whatever the answer, what is set shows at once. */
export function sync() {
  const count = address.active().length;
  at("active").replaceChildren(count ? String(count) : "");
  if (document.activeElement === at("zoom-out") && !address.zoomed()) leave(at("zoom-out"), "plot-title");
  at("zoom-out").hidden = !address.zoomed();
  chips();
}

export function show(choices) {
  last = choices;
  renew(at("filters"), times(), switches(), ...GROUPS.map(([name, label, pattern]) => group(name, label, pattern, choices[name])));
}

function group(name, label, pattern, offered) {
  const chosen = address.current().getAll(name);
  if (!pattern && offered.length < 2 && !chosen.length) return el("fieldset", { hidden: true });
  const few = whole.has(name) ? offered : offered.filter((one, place) => place < FEW || chosen.includes(one.pattern));
  const more = offered.length - few.length;
  return el("fieldset", {}, el("legend", {}, label),
    ...few.map((one, place) => choice(name, one, chosen.includes(one.pattern), place)),
    more > 0 ? el("button", { type: "button", class: "link", id: `more-${name}`, on: { click: () => { whole.add(name); show(last); at(`choice-${name}-${few.length}`).focus(); } } }, `${more} more`) : null,
    pattern ? text(`add-${name}`, `Add a ${label.toLowerCase()} by pattern`, "pattern: web-*", "", (value) => value && !chosen.includes(value) && address.toggle(name, value)) : null,
  );
}

function choice(name, one, checked, place) {
  const id = `choice-${name}-${place}`;
  return el("label", { for: id, title: shown(one.value), class: one.count ? null : "none" },
    el("input", { type: "checkbox", id, checked, "data-field": name, "data-value": one.pattern, "data-focus": `${name} ${one.pattern}`, on: { change: () => address.toggle(name, one.pattern) } }),
    name === "standing" ? el("span", { class: `dot ${one.value}` }, one.value) : named(one.value),
    el("span", { class: "count" }, number(one.count)));
}

function times() {
  const query = address.current();
  return el("fieldset", {}, el("legend", {}, "Time, UTC"),
    text("since", "From", "from: 2026-03-01T02:30, 90m", query.get("since") ?? "", (value) => address.set("since", value)),
    text("until", "Until", "until: 2026-03-01T03:00", query.get("until") ?? "", (value) => address.set("until", value)));
}

function switches() {
  const query = address.current();
  const routine = query.get("routine") === "true";
  const dry = query.get("dry_run") ?? "";
  const option = (value, label) => el("option", { value, selected: dry === value }, label);
  return el("fieldset", {}, el("legend", {}, "Show"),
    el("label", { for: "routine-too" },
      el("input", { type: "checkbox", id: "routine-too", checked: routine, on: { change: () => address.set("routine", routine ? null : "true") } }),
      el("span", {}, "routine rejections, too")),
    el("label", { for: "dry-run", class: "pick" }, el("span", {}, "dry runs"),
      el("select", { id: "dry-run", on: { change: (event) => address.set("dry_run", event.target.value) } },
        option("", "with them"), option("false", "without"), option("true", "alone"))));
}

function text(id, label, placeholder, value, act) {
  const input = el("input", { type: "text", id, "aria-label": label, placeholder, value, spellcheck: "false", on: { change: () => decided(input, act) } });
  return input;
}

function decided(input, act) {
  if ("replaced" in input.dataset) return;
  input.defaultValue = input.value;
  act(input.value.trim());
}

/** What is set, above the table, each to be taken away. */
function chips() {
  const active = address.active();
  const made = active.map(([name, value]) => el("li", {},
    el("button", { type: "button", title: shown(`${name}: ${value}`), "aria-label": shown(`Take away ${name} ${value}`), on: { click: () => take(name, value) } },
      el("span", { class: "quiet" }, shown(name.replace("_", " "))), " ", short(value, 40), " ", el("span", { "aria-hidden": "true" }, "✕"))));
  if (active.length > 1) made.push(el("li", {}, el("button", { type: "button", class: "link", id: "clear", on: { click: address.clear } }, "Clear all")));
  renew(at("chips"), ...made);
}

function take(name, value) {
  address.change((query) => {
    const rest = query.getAll(name).filter((one) => one !== value);
    query.delete(name);
    for (const one of rest) query.append(name, one);
  });
}

export const focus = () => at("since")?.focus();
