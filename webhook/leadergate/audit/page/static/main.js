// Puts the page together: each change of the URL asks for everything anew, and each part shows its answer.

import * as address from "./address.js";
import { ask } from "./ask.js";
import * as drawer from "./drawer.js";
import * as figures from "./figures.js";
import * as filters from "./filters.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import * as notices from "./notices.js";
import * as plot from "./plot.js";
import * as table from "./table.js";
import * as takeovers from "./takeovers.js";
import { at } from "./text.js";

let source = null;
let summary = null;

async function part(kind, show) {
  const content = await ask(kind, `/api/${kind}?${address.asking()}`);
  if (content !== null) await show(content);
}

let turn = 0;

async function refresh() {
  const mine = ++turn;
  document.body.setAttribute("aria-busy", "true");
  filters.sync();
  const told = part("summary", (content) => {
    summary = content;
    figures.show(content, source);
    table.count(content, source);
    notices.empty(content, source);
  });
  const listed = part("records", table.show);
  const parts = [
    told,
    listed,
    part("timeline", (content) => { takeovers.show(content); return plot.show(content, Promise.allSettled([told, listed])); }),
    part("choices", filters.show),
    live.seen(),
  ];
  const faults = (await Promise.allSettled(parts)).filter((one) => one.status === "rejected").map((one) => one.reason);
  for (const fault of faults) if (!fault.faults) console.error(fault);
  // Whoever asked later tells what came of it.
  if (mine !== turn) return;
  if (faults.some((one) => one.gone)) live.miss();
  else notices.faults(faults.find((one) => one.faults)?.faults ?? []);
  document.body.setAttribute("aria-busy", "false");
}

async function start() {
  if (innerWidth <= 1000) at("side").open = false;
  const told = (content) => {
    source = content;
    figures.source(source);
    notices.source(source);
    if (summary) notices.empty(summary, source);
  };
  try {
    told(await ask("source", "/api/source"));
  } catch (fault) {
    if (fault.gone) notices.gone(true);
    else notices.faults(fault.faults);
    return;
  }
  live.start(source, refresh, told);
  keys.start({ table, drawer, live, filters });
  drawer.start(table);
  address.onChange((narrowed) => {
    if (narrowed) refresh();
    drawer.sync();
  });
  at("zoom-out").addEventListener("click", address.zoomOut);
  await refresh();
  drawer.sync();
}

await start();
