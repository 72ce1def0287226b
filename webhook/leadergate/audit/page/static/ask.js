// Questions to the command that serves the page. A newer question of the same kind ends an older one.

const asked = new Map();

/** The answer, or null where a newer question came. Throws {faults} where the URL asks for what does not exist, {gone} where nobody answers. */
export async function ask(kind, path) {
  asked.get(kind)?.abort();
  const mine = new AbortController();
  asked.set(kind, mine);
  try {
    const response = await fetch(path, { signal: mine.signal });
    const text = await response.text();
    const content = answer(text) ?? { fault: `the answer cannot be read: ${response.status} ${text.slice(0, 200)}` };
    if (!response.ok) throw content.faults ? content : { faults: [{ field: "", text: content.fault }] };
    return content;
  } catch (fault) {
    if (mine.signal.aborted) return null;
    if (fault.faults) throw fault;
    throw { gone: true, faults: [] };
  }
}

function answer(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
