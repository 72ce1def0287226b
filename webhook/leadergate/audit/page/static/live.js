// Records that come in while the page is open: counted, and shown at once where somebody wants them live.

import * as address from "./address.js";
import { at, many } from "./text.js";

const EVERY = 1000;
let refresh = null;
let known = null;
let on = false;

export function start(source, act) {
  refresh = act;
  if (!source.follows) return;
  const button = at("live");
  button.hidden = false;
  button.addEventListener("click", toggle);
  setTimeout(look, EVERY);
}

export function toggle() {
  if (at("live").hidden) return;
  on = !on;
  at("live").setAttribute("aria-pressed", String(on));
  refresh();
}

/** All that there is now is about to be shown. */
export async function seen() {
  if (at("live").hidden) return;
  const told = await fresh(0);
  if (told) known = told.next;
  label(0);
}

async function look() {
  if (!document.hidden && known !== null) {
    const told = await fresh(known);
    if (told?.fault) at("notes").hidden = false, at("notes").replaceChildren(told.fault);
    if (told?.fresh && on) await refresh();
    else if (told) label(told.fresh);
  }
  setTimeout(look, EVERY);
}

async function fresh(after) {
  try {
    const response = await fetch(`/api/fresh/${after}?${address.asking()}`);
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

function label(count) {
  at("live-text").replaceChildren(on ? "Live" : count ? `${many(count, "new record")}: show` : "Live");
  at("live").classList.toggle("news", count > 0);
}
