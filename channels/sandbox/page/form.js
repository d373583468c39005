// A modal that the platform opened for the person: filled in, sent, and shown again with what is wrong.

import { h, icon } from "./dom.js";
import { act, state } from "./sandbox.js";

let shown = null; // { id, dialog, signature }

export function showModal() {
  const modal = state.seen.modal;
  if (!modal || shown?.id !== modal.id) {
    const before = shown;
    shown = null;
    before?.dialog.close();
    before?.dialog.remove();
  }
  if (!modal) return;
  const signature = JSON.stringify(modal);
  if (shown?.signature === signature) return;
  const typed = shown ? read(shown.dialog, modal) : {};
  if (!shown) {
    const dialog = h("dialog", { class: "dialog modal", "aria-labelledby": "modal-title" });
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); act("close", { id: modal.id }); });
    document.body.append(dialog);
    shown = { id: modal.id, dialog };
  }
  shown.signature = signature;
  draw(shown.dialog, modal, typed);
  if (!shown.dialog.open) shown.dialog.showModal();
  const wrong = shown.dialog.querySelector("[aria-invalid=true]") ?? shown.dialog.querySelector(".field input, .field textarea, .field select");
  wrong?.focus();
}

function draw(dialog, modal, typed) {
  const close = () => act("close", { id: modal.id });
  const form = h("form", { novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    const send = form.querySelector(".strong");
    send.setAttribute("aria-busy", "true");
    await act("submit", filledIn(dialog, modal));
    send.removeAttribute("aria-busy");
  } }, modal.fields.map((field, at) => drawField(field, at, typed[field.name] ?? field.value)),
  h("div", { class: "dialog-buttons" }, h("button", { type: "button", class: "quiet", onclick: close }, "Cancel"),
    h("button", { class: "strong" }, modal.submit || "Submit")));
  dialog.replaceChildren(h("header", null, h("h2", { id: "modal-title" }, modal.title),
    h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: close }, icon("close"))), form);
}

function drawField(field, at, value) {
  const id = `field-${at}`;
  const about = [field.hint && `${id}-hint`, field.error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const marks = { id, name: field.name, "aria-describedby": about, "aria-invalid": field.error ? "true" : undefined,
    "aria-required": field.required ? "true" : undefined };
  const notes = [field.hint && h("span", { class: "hint", id: `${id}-hint` }, field.hint),
    field.error && h("span", { class: "error", id: `${id}-error` }, field.error)];
  const label = [field.label, !field.required && h("span", { class: "optional" }, "optional")];
  const many = ["checkboxes", "multi_select", "multi_choice", "many"].includes(field.type);
  if (many || field.type === "radio") {
    const given = [value ?? []].flat();
    return h("fieldset", { class: "field", "aria-describedby": about }, h("legend", null, label),
      (field.options ?? []).map((option) => h("label", { class: "option" }, h("input", { type: many ? "checkbox" : "radio",
        name: field.name, value: option.id, checked: given.includes(option.id) }), option.label)), notes);
  }
  let control;
  if (field.options?.length) {
    control = h("select", marks, h("option", { value: "" }, "Choose…"),
      field.options.map((option) => h("option", { value: option.id, selected: option.id === value }, option.label)));
  } else if (["textarea", "long", "paragraph", "multiline", "address", "long_text"].includes(field.type)) {
    control = h("textarea", { ...marks, rows: "3" });
    control.value = value ?? "";
  } else if (["checkbox", "boolean"].includes(field.type)) {
    control = h("input", { ...marks, type: "checkbox", checked: value === true || value === "true" });
  } else {
    const type = { date: "date", time: "time", datetime: "datetime-local", number: "number", integer: "number", email: "email",
      url: "url", phone: "tel", file: "file" }[field.type] ?? "text";
    control = h("input", { ...marks, type, step: type === "number" ? "any" : undefined, autocomplete: "off" });
    if (type !== "file") control.value = value ?? "";
  }
  return h("div", { class: "field" }, h("label", { for: id }, label), control, notes);
}

/** With its files in a form of their own, as an upload has them. */
function filledIn(dialog, modal) {
  const values = read(dialog, modal);
  const files = [...dialog.querySelectorAll("input[type=file]")].filter((each) => each.files.length);
  if (!files.length) return { id: modal.id, values };
  const form = new FormData();
  form.set("id", modal.id);
  form.set("values", JSON.stringify(values));
  for (const each of files) form.set(`file.${each.name}`, each.files[0], each.files[0].name);
  return form;
}

/** Name to text; of several boxes to a list, of one box to true or false. */
function read(dialog, modal) {
  return Object.fromEntries(modal.fields.map((field) => {
    const controls = [...dialog.querySelectorAll("[name]")].filter((each) => each.name === field.name);
    const first = controls[0];
    if (!first) return [field.name, ""];
    if (first.type === "file") return [field.name, ""];
    if (first.type === "radio") return [field.name, controls.find((each) => each.checked)?.value ?? ""];
    if (first.type === "checkbox" && first.id) return [field.name, first.checked];
    if (first.type === "checkbox") return [field.name, controls.filter((each) => each.checked).map((each) => each.value)];
    return [field.name, first.value];
  }));
}
