// Elements without markup in strings: what a bot writes is never parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element. Properties named `on…` are listeners, `data` is its dataset, true and false set and leave out. */
export function h(tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(made.dataset, value);
    else if (name === "class") made.className = value;
    else if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const PATHS = {
  attach: "M16.5 6.5 8.8 14.2a2.2 2.2 0 0 0 3.1 3.1l8-8a4.2 4.2 0 0 0-6-6l-8.3 8.4a6.2 6.2 0 0 0 8.8 8.8l6.4-6.5",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6 6 18",
  code: "M9 7l-5 5 5 5M15 7l5 5-5 5",
  contact: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4-5.5 8-5.5s7 1.500 8 5.500",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  file: "M6 3h8l5 5v13H6zM14 3v5h5",
  hash: "M9 4 7 20M17 4l-2 16M4 9h17M3 15h17",
  location: "M12 21s7-6.200 7-11.500a7 7 0 0 0-14 0C5 14.800 12 21 12 21zM12 12a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  menu: "M6 11.500a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1zM12 11.500a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1zM18 11.500a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1z",
  microphone: "M12 15a3.500 3.500 0 0 0 3.500-3.500v-5a3.500 3.500 0 0 0-7 0v5A3.500 3.500 0 0 0 12 15zM5 11a7 7 0 0 0 14 0M12 18v3",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z",
  plus: "M12 5v14M5 12h14",
  react: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.500 14.500c2 2.500 5 2.500 7 0M9 9.500h.01M15 9.500h.01",
  reply: "M10 6 4 12l6 6M4 12h10c4 0 6 2 6 6",
  send: "M4 12 20 4l-5 16-3.500-6.500zM11.500 13.500 20 4",
  stop: "M7 7h10v10H7z",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2",
  thread: "M5 5h14v10h-8l-4 4v-4H5zM9 9h6M9 12h3",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
};

export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("aria-hidden", "true");
  made.classList.add("icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  made.append(path);
  return made;
}

export function iconButton(name, label, onclick, properties) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...properties }, icon(name));
}

/** Initials on one of eight colours, the same for the same name. */
export function avatar(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  const words = name.replace(/[^\p{L}\p{N} ]/gu, " ").trim().split(/\s+/);
  const initials = words.slice(0, 2).map((word) => [...word][0] ?? "").join("").toUpperCase();
  return h("span", { class: `avatar hue-${sum % 8}`, "aria-hidden": "true" }, initials || "?");
}

/** Keeps the children that are still wanted in place, so that focus, selection and players survive. */
export function keep(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, at) => {
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null);
  });
}

/** A menu below its button: arrows move, Escape closes and gives the focus back. */
export function openMenu(button, items, label) {
  closeMenu();
  const rows = items.map(({ text, glyph, run, danger }) =>
    h("button", { type: "button", role: "menuitem", tabindex: "-1", class: danger ? "danger" : "",
      onclick: () => { closeMenu(); run(); } }, glyph && icon(glyph), text));
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label }, rows);
  const move = (event) => {
    const at = rows.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) rows[(to + rows.length) % rows.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") { closeMenu(); button.focus(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  menu.addEventListener("keydown", move);
  document.body.append(menu);
  const place = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = place.bottom + height + 8 < innerHeight;
  menu.style.setProperty("top", `${Math.max(8, below ? place.bottom + 4 : place.top - height - 4)}px`);
  menu.style.setProperty("left", `${Math.max(8, Math.min(place.left, innerWidth - width - 8))}px`);
  button.setAttribute("aria-expanded", "true");
  open = { menu, button };
  rows[0]?.focus();
}

let open = null;

export function closeMenu() {
  open?.menu.remove();
  open?.button.setAttribute("aria-expanded", "false");
  open = null;
}

document.addEventListener("pointerdown", (event) => {
  if (open && !open.menu.contains(event.target) && !open.button.contains(event.target)) closeMenu();
});

/** A dialog whose form is asked for; gives what was filled in, or null. */
export function ask(title, fields, submit) {
  return new Promise((done) => {
    const form = h("form", { method: "dialog" });
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "ask-title" },
      h("h2", { id: "ask-title" }, title), form);
    for (const field of fields) {
      const control = field.options
        ? h("select", { name: field.name }, field.options.map((each) => h("option", { value: each }, each)))
        : h("input", { name: field.name, value: field.value ?? "", type: field.type ?? "text", step: "any",
            required: true, autocomplete: "off" });
      form.append(h("label", { class: "field" }, h("span", null, field.label), control));
    }
    form.append(h("div", { class: "dialog-buttons" },
      h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Cancel"),
      h("button", { class: "strong" }, submit)));
    let given = null;
    form.addEventListener("submit", () => { given = Object.fromEntries(new FormData(form)); });
    dialog.addEventListener("close", () => { dialog.remove(); done(given); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

let saying = 0;

export function toast(text, kind = "") {
  const place = document.getElementById("toast");
  place.textContent = text;
  place.className = `toast shown ${kind}`;
  clearTimeout(saying);
  saying = setTimeout(() => place.classList.remove("shown"), 6000);
}
