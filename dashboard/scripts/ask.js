// Questions before something is done, as a dialog of the page.

/** Asks; gives the fields' values, or null if the answer is no. `fields` are labels with their inputs. */
export function ask(question, fields = [], yes = "Yes") {
  const dialog = document.createElement("dialog");
  const form = document.createElement("form");
  form.method = "dialog";
  const text = document.createElement("p");
  text.textContent = question;
  text.id = "question";
  dialog.setAttribute("aria-labelledby", text.id);
  const buttons = document.createElement("div");
  buttons.className = "buttons";
  buttons.append(button("No", "no", true), button(yes, "yes"));
  form.append(text, ...fields, buttons);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const values = Object.fromEntries(new FormData(form));
      dialog.remove();
      resolve(dialog.returnValue === "yes" ? values : null);
    });
  });
}

function button(text, value, leaves = false) {
  const made = document.createElement("button");
  made.textContent = text;
  made.value = value;
  made.formNoValidate = leaves;
  if (!leaves) made.className = "main";
  return made;
}

/** A labelled input for [`ask`]. */
export function field(label, attributes) {
  const made = document.createElement("label");
  const input = Object.assign(document.createElement("input"), attributes);
  made.append(label, input);
  return made;
}
