// The filter is the URL's query string, under the names of the command's flags: a link shows the same to whoever opens it.

export const current = () => new URLSearchParams(location.search);

/** What the server is asked for: all but the record that the drawer shows. */
export function asking(without = []) {
  const query = current();
  for (const name of ["record", ...without]) query.delete(name);
  return query.toString();
}

export const href = (query) => (query.toString() ? `?${query}` : location.pathname);

let listener = () => {};

/** Call back after each change of the URL, with whether anything but the record has changed. */
export function onChange(act) {
  let before = asking();
  const told = () => {
    const now = asking();
    const narrowed = now !== before;
    before = now;
    act(narrowed);
  };
  listener = told;
  addEventListener("popstate", told);
}

/** Go to a changed URL. A change of the filter goes back to the first page. */
export function change(edit, { state = null, replace = false, keepPage = false } = {}) {
  const query = current();
  edit(query);
  if (!keepPage) query.delete("page");
  if (href(query) === href(current())) return;
  history[replace ? "replaceState" : "pushState"](state, "", href(query));
  listener();
}

export function set(name, value, options) {
  change((query) => (value === null || value === "" ? query.delete(name) : query.set(name, value)), options);
}

export function toggle(name, value) {
  change((query) => {
    const values = query.getAll(name);
    query.delete(name);
    for (const one of values.includes(value) ? values.filter((other) => other !== value) : [...values, value]) {
      query.append(name, one);
    }
  });
}

/** The filters that are set, as [name, value] pairs. */
export function active() {
  return [...current()].filter(([name, value]) => value !== "" && !["sort", "page", "record"].includes(name));
}

export function clear() {
  change((query) => {
    for (const [name] of active()) query.delete(name);
  });
}

const RFC3339 = (moment, exact) => new Date(moment).toISOString().replace(exact ? /^$/ : /\.\d+Z/, exact ? "" : "Z");

/** Narrow the time, so that going back widens it again. */
export function zoom(since, until, more = () => {}) {
  const exact = until - since < 600_000;
  const end = exact ? Math.ceil(until) : Math.ceil(until / 1000) * 1000;
  change((query) => {
    query.set("since", RFC3339(Math.floor(since), exact));
    query.set("until", RFC3339(end, exact));
    more(query);
  }, { state: { zoomed: true } });
}

export const zoomed = () => current().has("since") || current().has("until");

export function zoomOut() {
  if (history.state?.zoomed) history.back();
  else change((query) => { query.delete("since"); query.delete("until"); });
}
