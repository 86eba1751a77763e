// The next ticks of a schedule while its pattern is written, as the server reckons them.
import { call, Refused } from "./api.js";

/** Waits this long after the last key. */
const PAUSE_MS = 250;
const waiting = new WeakMap();

export function startPreviews() {
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form");
    if (!event.target.matches('[name="cron"], [name="timezone"]') || !form?.querySelector("[data-preview]")) return;
    clearTimeout(waiting.get(form));
    waiting.set(form, setTimeout(() => show(form), PAUSE_MS));
  });
}

async function show(form) {
  const place = form.querySelector("[data-preview]");
  const { cron, timezone } = form.elements;
  if (!cron.value.trim()) return place.replaceChildren();
  const query = new URLSearchParams({ cron: cron.value.trim(), timezone: timezone.value.trim() || "UTC" });
  try {
    const { description, nextTicks } = await call(`GET /api/schedules/preview?${query}`);
    const list = document.createElement("ol");
    list.className = "ticks";
    const zone = timezone.value.trim() || "UTC";
    const there = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", timeZone: zone });
    list.append(...nextTicks.map((at) => Object.assign(document.createElement("li"), { textContent: there.format(new Date(at)) })));
    const words = Object.assign(document.createElement("p"), { textContent: description });
    place.replaceChildren(words, list);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    place.replaceChildren(Object.assign(document.createElement("p"), { className: "refusal", textContent: error.message }));
  }
}
