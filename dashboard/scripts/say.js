// Short messages in the corner, read aloud by screen readers.
const SHOWN_MS = 6000;

export function say(text, bad = false) {
  const line = document.createElement("p");
  line.textContent = text;
  line.classList.toggle("bad", bad);
  document.getElementById("toasts").append(line);
  setTimeout(() => line.remove(), SHOWN_MS);
}
