// Completion for the last word of the filter bar: `<input data-complete="LIST">`, from the options of the datalist LIST.
// Names come first; once one is written, its values. What the page shows can be narrowed by without typing an id.
const SHOWN_MAX = 8;

export function startCompletion() {
  const input = document.querySelector("input[data-complete]");
  const words = input && document.getElementById(input.dataset.complete);
  const list = document.getElementById("completions");
  if (!words || !list) return;
  const options = [...words.options].map((option) => ({ value: option.value, about: option.textContent }));
  let at = -1;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");
  input.addEventListener("input", show);
  input.addEventListener("focus", show);
  input.addEventListener("blur", () => setTimeout(hide, 150));
  input.addEventListener("keydown", onKey);
  list.addEventListener("mousedown", (event) => {
    const item = event.target.closest("li");
    if (!item) return;
    event.preventDefault();
    take(item.dataset.value);
  });

  function show() {
    const word = lastWord(input.value.slice(0, input.selectionStart));
    const found = offers(options, word).slice(0, SHOWN_MAX);
    at = -1;
    list.replaceChildren(...found.map(item));
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
  }

  function hide() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function onKey(event) {
    const items = [...list.children];
    if (event.key === "Escape" && !list.hidden) hide();
    else if (event.key === "ArrowDown" && !list.hidden) move(items, at + 1);
    else if (event.key === "ArrowUp" && !list.hidden) move(items, at - 1);
    else if ((event.key === "Enter" || event.key === "Tab") && !list.hidden && at >= 0) take(items[at].dataset.value);
    else return;
    event.preventDefault();
  }

  function move(items, to) {
    at = (to + items.length) % items.length;
    items.forEach((item, place) => item.setAttribute("aria-selected", String(place === at)));
    input.setAttribute("aria-activedescendant", items[at].id);
    items[at].scrollIntoView({ block: "nearest" });
  }

  function take(value) {
    const before = input.value.slice(0, input.selectionStart);
    const after = input.value.slice(input.selectionStart);
    const kept = before.slice(0, before.length - lastWord(before).length);
    const space = value.endsWith(":") ? "" : " ";
    input.value = kept + value + space + after.trimStart();
    const place = (kept + value + space).length;
    input.setSelectionRange(place, place);
    show();
  }
}

/** The word that is being written: what follows the last space outside of quotes. */
export function lastWord(text) {
  let quoted = false;
  let from = 0;
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === "\\" && quoted) i += 1;
    else if (text[i] === '"') quoted = !quoted;
    else if (text[i] === " " && !quoted) from = i + 1;
  }
  return text.slice(from);
}

/** Names while there is no colon, then that name's values: those that begin so first, then those that contain it. */
export function offers(options, word) {
  const text = word.toLowerCase();
  const wantsName = !text.includes(":");
  const fits = options.filter(({ value }) => (wantsName ? value.endsWith(":") : !value.endsWith(":")));
  const [name, rest] = wantsName ? ["", text] : [text.slice(0, text.indexOf(":") + 1), text.slice(text.indexOf(":") + 1)];
  const of = fits.filter(({ value }) => value.toLowerCase().startsWith(name));
  const tail = ({ value }) => value.toLowerCase().slice(name.length);
  const begins = of.filter((option) => tail(option).startsWith(rest) && option.value.toLowerCase() !== text);
  const contains = rest ? of.filter((option) => !tail(option).startsWith(rest) && tail(option).includes(rest)) : [];
  return [...begins, ...contains];
}

function item({ value, about }, place) {
  const made = document.createElement("li");
  made.id = `completion-${place}`;
  made.dataset.value = value;
  made.setAttribute("role", "option");
  made.setAttribute("aria-selected", "false");
  const code = document.createElement("code");
  code.textContent = value;
  made.append(code);
  if (about) made.append(Object.assign(document.createElement("span"), { className: "muted", textContent: about }));
  return made;
}
