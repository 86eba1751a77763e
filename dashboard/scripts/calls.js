// Forms that call the HTTP API: `<form data-api="POST /api/…">`. Their fields become the JSON body.
import { call } from "./api.js";
import { ask } from "./ask.js";
import { showRevealed } from "./reveal.js";
import { say } from "./say.js";

export function startCalls() {
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-api]");
    if (!form) return;
    event.preventDefault();
    send(form);
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    say("Copied.");
  });
}

async function send(form) {
  const refusal = form.querySelector(".refusal");
  if (refusal) refusal.hidden = true;
  if (form.dataset.ask && !(await ask(form.dataset.ask))) return;
  const buttons = form.querySelectorAll("button");
  buttons.forEach((button) => (button.disabled = true));
  try {
    const answer = await call(form.dataset.api, bodyOf(form), form.dataset.version);
    if (form.closest("[data-reveals]")) {
      showRevealed(answer);
      return say(form.dataset.done);
    }
    if (form.dataset.then) return location.assign(form.dataset.then);
    say(form.dataset.done ?? "Done.");
    form.closest("details.edit")?.removeAttribute("open");
    document.dispatchEvent(new CustomEvent("page:stale"));
  } catch (error) {
    const text = error.status === 412 ? "Somebody else changed it in the meantime. Look at it again." : error.message;
    if (refusal && form.elements.length > buttons.length) {
      refusal.textContent = text;
      refusal.hidden = false;
    } else say(text, true);
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}

/** The form's fields as JSON; `a.b` is `b` within `a`. What is left empty is left out. */
export function bodyOf(form) {
  const given = form.dataset.body ? JSON.parse(form.dataset.body) : undefined;
  const fields = [...form.elements].filter((field) => field.name);
  if (given === undefined && fields.length === 0) return undefined;
  const body = given ?? {};
  const cleared = new Set();
  for (const field of fields) {
    const value = valueOf(field);
    if (value === undefined) continue;
    const path = field.name.split(".");
    if (value === null) {
      // an emptied limit ends all of it: a rate without a count is no rate
      body[path[0]] = null;
      cleared.add(path[0]);
      continue;
    }
    if (cleared.has(path[0])) continue;
    let at = body;
    for (const name of path.slice(0, -1)) at = at[name] ??= {};
    at[path.at(-1)] = value;
  }
  return body;
}

function valueOf(field) {
  const text = field.value.trim();
  switch (field.dataset.type) {
    case "boolean":
      return field.checked;
    case "number-or-null":
      return text === "" ? null : Number(text);
    case "number":
      return text === "" ? undefined : Number(text);
    case "time":
      return text === "" ? undefined : new Date(text).toISOString();
    case "json":
      if (text === "") return undefined;
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new Error(`${field.name}: ${error.message}`);
      }
    default:
      return text === "" ? undefined : text;
  }
}
