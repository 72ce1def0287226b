// Where the keyboard is, while parts of the page are made anew under it.

const REACHED = "a[href], button:not(:disabled), input, select, summary, [tabindex='0']";
const identity = (one) => one.dataset.focus || one.id || one.closest("tr")?.dataset.key || null;
const reached = (box) => [...box.querySelectorAll(REACHED)];

/** Replace what is in a box; the focus stays on what it was on, or near it, and a text that is being typed stays. */
export function renew(box, ...children) {
  const had = document.activeElement;
  if (had === box || !box.contains(had)) return box.replaceChildren(...children);
  const known = identity(had), place = reached(box).indexOf(had);
  const typed = had.matches("input[type=text]") && had.value !== had.defaultValue ? [had.value, had.selectionStart, had.selectionEnd] : null;
  // Taken off the page, it says that its text has changed, which nobody has decided yet.
  had.dataset.replaced = "";
  box.replaceChildren(...children);
  const all = reached(box);
  const next = (known && all.find((one) => identity(one) === known)) ?? all[Math.min(place, all.length - 1)];
  if (!next) return leave(box);
  next.focus({ preventScroll: true });
  if (typed && identity(next) === known) {
    next.value = typed[0];
    next.setSelectionRange(typed[1], typed[2]);
  }
}

/** What has the focus goes away: it moves on to what follows from it, and not to the top of the page. */
export function leave(box, to = "records") {
  const had = document.activeElement;
  if (had === document.body || box.contains(had)) document.getElementById(to).focus({ preventScroll: true });
}
