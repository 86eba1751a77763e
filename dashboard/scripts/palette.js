// Going anywhere by keyboard: Ctrl-K for the palette, `/` for the filter, `g` and a letter for a section.
let waitsForLetter = false;

/** What the palette tells of the keyboard. */
const KEYS = [
  ["Ctrl K", "this"],
  ["/", "filter"],
  ["g", "and a letter: a section"],
  ["?", "help"],
];

export function startPalette() {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    const section = waitsForLetter && document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
    waitsForLetter = event.key === "g";
    if (section) section.click();
    else if (event.key === "/") {
      event.preventDefault();
      const filter = document.querySelector('.filter input[type="search"]');
      if (filter) filter.focus();
      else location.assign("/jobs");
    } else if (event.key === "?") open();
  });
  document.getElementById("palette-open")?.addEventListener("click", open);
}

/** Everything that the page links to, the sections first. */
function targets() {
  const sections = [...document.querySelectorAll("nav[aria-label=Sections] a")].map((link) => ({
    text: `${link.textContent} (g ${link.dataset.key})`,
    href: link.href,
  }));
  const others = [...document.querySelectorAll("main a[href]")].map((link) => ({ text: link.textContent.trim(), href: link.href }));
  const seen = new Set();
  return [...sections, ...others].filter(({ text, href }) => text && !seen.has(href) && seen.add(href));
}

function open() {
  if (document.getElementById("palette")) return;
  const dialog = document.createElement("dialog");
  dialog.id = "palette";
  dialog.setAttribute("aria-label", "Go to");
  const input = Object.assign(document.createElement("input"), { placeholder: "Go to a section, a job's id, or find jobs: kind:… state:…" });
  input.setAttribute("aria-label", "Where to");
  const list = document.createElement("ul");
  const keys = document.createElement("p");
  keys.className = "keys muted";
  for (const [key, does] of KEYS) keys.append(Object.assign(document.createElement("kbd"), { textContent: key }), ` ${does}  `);
  dialog.append(input, list, keys);
  document.body.append(dialog);
  const all = targets();
  let at = 0;
  const show = () => {
    const words = input.value.trim().toLowerCase();
    const found = all.filter(({ text }) => text.toLowerCase().includes(words)).slice(0, 12);
    if (words) found.push({ text: `Find jobs: ${input.value.trim()}`, href: `/jobs?q=${encodeURIComponent(input.value.trim())}` });
    at = Math.min(at, Math.max(found.length - 1, 0));
    list.replaceChildren(
      ...found.map(({ text, href }, place) => {
        const item = document.createElement("li");
        item.setAttribute("aria-selected", String(place === at));
        const link = Object.assign(document.createElement("a"), { href, textContent: text });
        item.append(link);
        return item;
      }),
    );
  };
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") at += 1;
    else if (event.key === "ArrowUp") at = Math.max(0, at - 1);
    else if (event.key === "Enter") return list.children[at]?.firstChild.click();
    else return;
    event.preventDefault();
    show();
  });
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  show();
}
