// Keeps what is in #live fresh: something happened in the queue, so the same page is fetched again and what changed is
// put into place. Nothing is fetched while the tab is hidden, or while somebody types into what would be replaced.
import htmx from "htmx.org/dist/htmx.esm.js";

/** At least this long between two looks. */
const GAP_MS = 1000;
/** Without any event, relative times and figures are looked at again after this long. */
const QUIET_MS = 15000;
/** Figures are kept this long for all who look, and a little more: after the last event they are looked at once more. */
const SETTLED_MS = 3500;
/** For who may not watch events. */
const UNWATCHED_MS = 3000;

let source = null;
let stale = false;
let settledAt = Infinity;
let busy = false;
let lookedAt = Date.now();
let over = false;
let quietMs = QUIET_MS;

export function startLive(dress) {
  const live = () => document.getElementById("live");
  if (!live()) return;
  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
  document.addEventListener("page:stale", () => {
    look();
    changed();
  });
  document.addEventListener("session:over", sessionOver);
  document.addEventListener("htmx:before:response", (event) => {
    const status = event.detail.ctx.response.status;
    if (status === 401) sessionOver();
    // a refusal is no page: what is shown stays
    if (status >= 400) event.preventDefault();
  });
  if (!document.hidden) connect();
  setInterval(() => {
    const age = Date.now() - lookedAt;
    if ((stale && age >= GAP_MS) || Date.now() >= settledAt || age >= quietMs) look();
  }, 250);

  async function look() {
    if (busy || over || document.hidden || isBusyWith(live())) return;
    busy = true;
    stale = false;
    lookedAt = Date.now();
    if (lookedAt >= settledAt) settledAt = Infinity;
    try {
      await htmx.ajax("GET", location.pathname + location.search, { target: "#live", select: "#live", swap: "outerMorph" });
      dress();
    } finally {
      busy = false;
    }
  }
}

/** Whether somebody is in the middle of something there. */
function isBusyWith(place) {
  const at = document.activeElement;
  const types = at && place.contains(at) && at.matches("input:not([type=checkbox]), textarea, select");
  const chose = place.querySelector('input[name="job"]:checked');
  const open = document.querySelector("dialog[open], details.menu[open], [data-revealed]");
  return Boolean(types || chose || open || !getSelection().isCollapsed);
}

function changed() {
  stale = true;
  settledAt = Date.now() + SETTLED_MS;
}

function connect() {
  if (source || over) return;
  changed();
  source = new EventSource("/api/events");
  source.addEventListener("open", () => {
    quietMs = QUIET_MS;
    note("");
  });
  source.addEventListener("changes", changed);
  source.addEventListener("reset", changed);
  // the browser comes back by itself; only a refusal ends the source
  source.addEventListener("error", () => {
    if (source?.readyState !== EventSource.CLOSED) return note("reconnecting …");
    // refused, to somebody who may look at some pages only: they are looked at every few seconds instead
    source = null;
    quietMs = UNWATCHED_MS;
  });
}

function disconnect() {
  source?.close();
  source = null;
}

function sessionOver() {
  over = true;
  disconnect();
  const here = encodeURIComponent(location.pathname + location.search);
  const link = document.createElement("a");
  link.href = `/login?next=${here}`;
  link.textContent = "Your session is over: log in again";
  document.getElementById("connection").replaceChildren(link);
}

function note(text) {
  document.getElementById("connection").textContent = text;
}
