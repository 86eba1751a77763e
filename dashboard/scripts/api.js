// Calls of the HTTP API with the session of the page.

/** What went wrong, as the API tells it: `errors` names fields. */
export class Refused extends Error {
  constructor(status, problem) {
    const fields = (problem.errors ?? []).map((error) => `${error.field ?? error.pointer}: ${error.message}`);
    super(fields.join("\n") || problem.detail || problem.title || `The answer was ${status}.`);
    this.status = status;
  }
}

const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** Calls `"POST /api/…"`; gives the answer's body, or null if it has none. Throws [`Refused`], or an error if nothing answered. */
export async function call(api, body, version) {
  const [method, path] = api.split(" ", 2);
  const headers = { "X-CSRF-Token": csrf(), Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (version) headers["If-Match"] = `"${version}"`;
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  const answer = text && response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : null;
  if (response.status === 401) document.dispatchEvent(new CustomEvent("session:over"));
  if (!response.ok) throw new Refused(response.status, answer ?? {});
  return answer;
}
