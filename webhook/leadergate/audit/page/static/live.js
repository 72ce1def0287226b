// Whether the command is still there, and records that come in while the page is open: counted, and shown at once where
// somebody wants them live.

import * as address from "./address.js";
import * as notices from "./notices.js";
import { at, many } from "./text.js";

const EVERY = 1000;
let refresh = null;
let tell = null;
let source = null;
let known = null;
let on = false;
let missed = false;

/** ``act`` shows everything anew; ``retell`` is called with the source where it has changed. */
export function start(told, act, retell) {
  [source, refresh, tell] = [told, act, retell];
  if (source.follows) {
    at("live").hidden = false;
    at("live").addEventListener("click", toggle);
  }
  setTimeout(look, EVERY);
}

export function toggle() {
  if (at("live").hidden) return;
  on = !on;
  at("live").setAttribute("aria-pressed", String(on));
  refresh();
}

/** Nobody answered what was asked: once somebody does, it is asked again. */
export function miss() {
  missed = true;
  notices.gone(true);
}

/** All that there is now is about to be shown. */
export async function seen() {
  if (!source?.follows) return;
  const asking = address.asking();
  const told = await fresh(0);
  if (!told || asking !== address.asking()) return;
  known = told.next;
  label(0);
}

async function look() {
  if (!document.hidden) await there() && source.follows && known !== null && await news();
  setTimeout(look, EVERY);
}

async function there() {
  const told = await answer("/api/source");
  notices.gone(!told);
  if (!told) return false;
  // Started again, it may hold other records under other places.
  if (told.started !== source.started) location.reload();
  else if (JSON.stringify(told) !== JSON.stringify(source)) tell(source = told);
  if (missed) {
    missed = false;
    await refresh();
  }
  return true;
}

async function news() {
  const told = await fresh(known);
  if (told?.fresh && on) await refresh();
  else if (told) label(told.fresh);
}

const fresh = (after) => answer(`/api/fresh/${after}?${address.asking()}`);

async function answer(path) {
  try {
    const response = await fetch(path);
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

function label(count) {
  at("live-text").replaceChildren(on ? "Live: on" : count ? `${many(count, "new record")}: show` : "Live");
  at("live").classList.toggle("news", count > 0);
}
