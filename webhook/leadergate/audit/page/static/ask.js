// Questions to the command that serves the page. A newer question of the same kind ends an older one.

const asked = new Map();

/** The answer, or null where a newer question came. Throws {faults} where the URL asks for what does not exist. */
export async function ask(kind, path) {
  asked.get(kind)?.abort();
  const mine = new AbortController();
  asked.set(kind, mine);
  try {
    const response = await fetch(path, { signal: mine.signal });
    const content = await response.json();
    if (!response.ok) throw content.faults ? content : { faults: [{ field: "", text: content.fault }] };
    return content;
  } catch (fault) {
    if (mine.signal.aborted) return null;
    if (fault.faults) throw fault;
    throw { faults: [{ field: "", text: "leadergate audit serve no longer answers: start it again" }] };
  }
}
