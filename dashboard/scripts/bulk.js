// Doing something to the jobs that are chosen, or to all that match.
import { call } from "./api.js";
import { ask, field } from "./ask.js";
import { say } from "./say.js";

const number = new Intl.NumberFormat("en");

export function startBulk() {
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-check-all]")) {
      const boxes = event.target.closest("table").querySelectorAll('input[name="job"]');
      boxes.forEach((box) => (box.checked = event.target.checked));
    }
    showChosen();
  });
  document.addEventListener("page:dressed", showChosen);
  document.addEventListener("click", (event) => {
    const each = event.target.closest("[data-each]");
    const all = event.target.closest("[data-bulk]");
    if (each) toChosen(each);
    else if (all) toAll(all);
  });
}

const chosen = () => [...document.querySelectorAll('input[name="job"]:checked')].map((box) => box.value);

function showChosen() {
  const n = chosen().length;
  for (const text of document.querySelectorAll("[data-chosen]")) text.textContent = n ? `${n} chosen` : "None chosen";
  for (const button of document.querySelectorAll("[data-each]")) button.disabled = n === 0;
}

async function toChosen(button) {
  const ids = chosen();
  if (!(await ask(`${button.textContent}: ${ids.length} jobs?`))) return;
  const results = await Promise.allSettled(ids.map((id) => call(button.dataset.each.replace("{id}", id), {})));
  const refused = results.filter((result) => result.status === "rejected");
  say(`${results.length - refused.length} done.`);
  if (refused.length) say(`${refused.length} refused: ${refused[0].reason.message}`, true);
  document.dispatchEvent(new CustomEvent("page:stale"));
}

async function toAll(button) {
  const body = JSON.parse(button.dataset.bulk);
  const choice = button.closest("label")?.querySelector("[data-bulk-choice]");
  if (choice) body[choice.dataset.bulkChoice] = choice.value;
  const what = choice ? `${button.textContent} to ${choice.value}` : button.textContent;
  button.closest("details.menu")?.removeAttribute("open");
  try {
    const { matched, matchedAtLeast } = await call("POST /api/bulk-operations/preview", body);
    if (matched === 0) return say("No job matches.");
    const count = `${matchedAtLeast ? "more than " : ""}${number.format(matched)}`;
    const answers = await ask(
      `${what}: ${count} jobs.`,
      [
        field("Why", { name: "reason", maxLength: 500, required: true }),
        field("Jobs a second at the most (empty: as fast as it goes)", { name: "rate", type: "number", min: 1, max: 100000 }),
      ],
      `Do it to ${count}`,
    );
    if (!answers) return;
    if (answers.rate) body.ratePerSecond = Number(answers.rate);
    await call("POST /api/bulk-operations", { ...body, reason: answers.reason });
    location.assign("/bulk");
  } catch (error) {
    say(error.message, true);
  }
}
