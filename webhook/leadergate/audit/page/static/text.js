// Text from records, which attackers may choose: it only ever becomes text nodes, and what nobody sees is shown escaped.

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

function escaped(sign) {
  const code = sign.codePointAt(0);
  if (code < 0x100) return "\\x" + code.toString(16).padStart(2, "0");
  return code < 0x10000 ? "\\u" + code.toString(16).padStart(4, "0") : "\\U" + code.toString(16).padStart(8, "0");
}

/** The text on one line, with control characters, bidirectional marks and the like as escapes. */
export function shown(text) {
  return String(text).replace(UNSEEN, escaped);
}

/** An element; what is not an element becomes its text. Attributes that are null or false are left out. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((one) => one !== null && one !== undefined));
  return made;
}

export const at = (id) => document.getElementById(id);

/** A count with its unit: many(1, "pod") is "1 pod". */
export function many(count, what) {
  return `${number(count)} ${what}${count === 1 ? "" : "s"}`;
}

export const number = (count) => count.toLocaleString("en-US");

/** The middle of a long name left out: pods of one Deployment differ at their end. */
export function short(text, longest) {
  const signs = [...shown(text)];
  if (signs.length <= longest) return signs.join("");
  const end = Math.ceil(longest * 0.55);
  return signs.slice(0, longest - end - 1).join("") + "…" + signs.slice(-end).join("");
}

const pen = document.createElement("canvas").getContext("2d");
const sans = getComputedStyle(document.documentElement).getPropertyValue("--sans");

/** How wide a text is in the page's font of that size, both in pixels. */
export function wide(text, size) {
  pen.font = `${size}px ${sans}`;
  return pen.measureText(text).width;
}

const TAIL = 12;

/** A name in as much room as there is: its text is whole, and where that does not fit, its middle is left out of sight. */
export function name(text, full = text) {
  const signs = [...shown(text)];
  const made = el("span", { class: "cut", title: shown(full) });
  if (signs.length <= TAIL + 3) {
    made.append(signs.join(""));
    return made;
  }
  const tail = signs.slice(-TAIL).join("");
  // A little less than it needs: what has room for all of it must not be cut.
  made.style.setProperty("--tail", `${(wide(tail, 100) / 100 - 0.05).toFixed(2)}em`);
  made.append(el("bdi", {}, signs.slice(0, -TAIL).join("")), el("bdi", {}, tail));
  return made;
}

/** Who wrote: a pod, or a user whose credentials prove none. */
export const writer = (pod, username) => pod ?? (username ? `user ${username}` : "");

/** UTC, to the second, or to the millisecond where that tells more. */
export function stamp(moment, exact = false) {
  const text = new Date(moment).toISOString();
  return text.slice(0, 10) + " " + text.slice(11, exact ? 23 : 19);
}

export const clock = (moment, exact = false) => new Date(moment).toISOString().slice(11, exact ? 23 : 19);

/** A span of milliseconds as people say it. */
export function span(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = parts.findIndex(([size]) => seconds >= size);
  let rest = seconds;
  return parts.slice(first, first + 2).map(([size, unit]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count ? `${number(count)} ${unit}` : "";
  }).filter(Boolean).join(" ");
}

/** What each kind of record is called, in the order of how much it matters. */
export const KINDS = {
  "former-holder": "former holder",
  stranger: "stranger",
  undecided: "undecided",
  other: "no valid holder",
  allowed: "allowed",
  routine: "routine",
};
