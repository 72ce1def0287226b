// What the keyboard does, and the list of it.

import * as address from "./address.js";
import { at, el } from "./text.js";

const KEYS = [
  ["j, ↓", "next record"],
  ["k, ↑", "previous record"],
  ["Enter", "open the record"],
  ["Esc", "close the drawer"],
  ["z", "zoom out"],
  ["r", "routine rejections on or off"],
  ["l", "live on or off"],
  ["f", "go to the filters"],
  ["t", "light or dark"],
  ["?", "this list"],
];

export function start({ table, drawer, live, filters }) {
  const box = at("keys");
  at("keys-list").replaceChildren(...KEYS.flatMap(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)]));
  at("keys-open").addEventListener("click", () => box.showModal());
  at("keys-close").addEventListener("click", () => box.close());
  at("theme").addEventListener("click", theme);
  // Whoever steers by voice can do without them.
  at("keys-on").checked = localStorage.getItem("keys") !== "off";
  at("keys-on").addEventListener("change", () => localStorage.setItem("keys", at("keys-on").checked ? "on" : "off"));
  name();
  const routine = () => address.set("routine", address.current().get("routine") === "true" ? null : "true");
  const acts = { z: address.zoomOut, r: routine, l: live.toggle, f: filters.focus, t: theme, "?": () => box.showModal() };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input[type=text], select")) return;
    const by = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (drawer.isOpen()) {
      if (event.key.length === 1 && !at("keys-on").checked) return;
      if (by && !(event.key.startsWith("Arrow") && event.target.id === "raw")) act(event, () => drawer.go(by));
      return;
    }
    if (box.open || !at("keys-on").checked && event.key.length === 1) return;
    const inTable = event.target.closest("#table") !== null;
    if (by && (inTable || event.key.length === 1)) act(event, () => table.step(by));
    else if (acts[event.key]) act(event, acts[event.key]);
  });
}

function act(event, what) {
  event.preventDefault();
  what();
}

const dark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function theme() {
  const chosen = dark() ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  localStorage.setItem("theme", chosen);
  name();
  document.dispatchEvent(new Event("theme"));
}

const name = () => at("theme").replaceChildren(dark() ? "Light" : "Dark");
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { name(); document.dispatchEvent(new Event("theme")); });
