// People's data in clear, after a recorded call. While it is shown, the page is not refreshed over it.

/** Shows a revealed job in place of the masked one. */
export function showRevealed(job) {
  for (const name of ["args", "output"]) {
    const place = document.querySelector(`[data-shown="${name}"]`);
    if (!place || job[name] === null) continue;
    const text = document.createElement("pre");
    text.className = "letter";
    text.textContent = JSON.stringify(job[name], null, 2);
    place.replaceChildren(text);
    place.dataset.revealed = "";
  }
  for (const edit of document.querySelectorAll("[data-when-revealed]")) {
    edit.hidden = false;
    const field = edit.querySelector('textarea[name="args"]');
    if (field) field.value = JSON.stringify(job.args, null, 2);
  }
  const form = document.querySelector("[data-reveals]");
  if (!form) return;
  const hide = Object.assign(document.createElement("button"), { type: "button", className: "small", textContent: "Mask again" });
  hide.addEventListener("click", () => location.reload());
  form.replaceChildren(hide);
}
