// What went wrong, what could not be read, and what to do where nothing is shown.

import * as address from "./address.js";
import { leave, renew } from "./focus.js";
import { at, el, many, shown } from "./text.js";

/** Whether the command still answers. What is shown stays. */
export function gone(is) {
  const box = at("gone");
  if (box.hidden === !is) return;
  box.hidden = !is;
  box.replaceChildren(...(is ? [el("p", {}, el("b", {}, "leadergate audit serve no longer answers")),
    el("p", {}, "It has ended, or the way to it is cut. What is shown is what it last told. Start it again on the same port, and the page goes on.")] : []));
}

/** What the URL asks for and does not exist: shown, and never passed over. */
export function faults(found) {
  const box = at("faults");
  box.hidden = !found.length;
  document.body.classList.toggle("faulty", found.length > 0);
  if (!found.length) {
    if (box.contains(document.activeElement)) leave(box);
    return box.replaceChildren();
  }
  const fields = new Set(found.map((one) => one.field).filter(Boolean));
  const mend = el("button", { type: "button", on: { click: () => address.change((query) => fields.forEach((one) => query.delete(one))) } },
    "Take them out of the link");
  box.replaceChildren(
    el("p", {}, el("b", {}, fields.size ? "This link asks for what does not exist" : "Nothing can be shown")),
    el("ul", {}, ...found.map((one) => el("li", {}, shown(one.text)))),
    ...(fields.size ? [mend] : []),
  );
}

/** Lines that could not be read, with file and line. */
export function source(told) {
  const box = at("notes");
  const lines = told.first_bad.map((one) => el("li", {}, el("code", {}, shown(one.file) + (one.line ? `:${one.line}` : "")), " ", shown(one.why)));
  const more = told.bad - told.first_bad.length;
  if (more > 0 && lines.length) lines.push(el("li", {}, `and ${many(more, "more line")}: leadergate audit serve --bad all shows each`));
  const parts = [];
  if (told.bad) {
    parts.push(el("details", { id: "bad-lines" }, el("summary", { "data-focus": "bad-lines" }, `${many(told.bad, "line")} of ours could not be read`), el("ul", {}, ...lines)));
  }
  if (told.unfinished.length) parts.push(el("p", {}, `${told.unfinished.map(shown).join(", ")} ends within a line: it is being written, or was cut off`));
  parts.push(...told.gaps.map((one) => el("p", {}, shown(one))));
  if (told.foreign && told.records) parts.push(el("p", { class: "quiet" }, `${many(told.foreign, "line")} of other programs passed over`));
  if (told.fault) parts.push(el("p", { role: "alert" }, shown(told.fault)));
  const open = at("bad-lines")?.open ?? false;
  box.hidden = !parts.length;
  renew(box, ...parts);
  if (open && at("bad-lines")) at("bad-lines").open = true;
}

/** Where no record is shown: why, and the way on. */
export function empty(summary, told) {
  const box = at("empty");
  const none = summary.records === 0;
  box.hidden = !none;
  at("table-box").hidden = none;
  at("plot-section").hidden = none && !summary.left_out;
  if (!none) {
    if (box.contains(document.activeElement)) leave(box);
    return box.replaceChildren();
  }
  if (!told.records && !summary.left_out) {
    box.replaceChildren(
      el("p", {}, el("b", {}, "No record has been read")),
      el("p", {}, "Are these logs of leadergate serve, and from a time with rejections? "
        + "Records are JSON lines with the schema leadergate.dev/record/v1."),
      ...(told.follows ? [el("p", {}, "The files are followed: records show up here as they come.")] : []),
    );
    return;
  }
  const acts = [];
  if (summary.left_out) acts.push(el("button", { type: "button", on: { click: () => address.set("routine", "true") } }, "Show routine rejections"));
  if (address.active().length) acts.push(el("button", { type: "button", on: { click: address.clear } }, "Clear all filters"));
  const why = summary.left_out
    ? `Only routine is left: ${many(summary.left_out, "rejection")} of followers, which each of their writes makes.`
    : `None of ${many(told.records, "record")} is what the filters ask for.`;
  box.replaceChildren(el("p", {}, el("b", {}, summary.left_out ? "Nothing that matters" : "Nothing matches")), el("p", {}, why), el("p", { class: "acts" }, ...acts));
}
