// One message, as the platform's app would show it.

import { ask, avatar, h, icon, iconButton, openMenu, toast } from "./dom.js";
import { act, can, isMine, state, threadOf } from "./sandbox.js";

const EMOJI = { "👍": "+1", "❤️": "heart", "😂": "joy", "🎉": "tada", "😢": "cry", "👀": "eyes" }; // with Slack's names
const own = new Set(); // reactions of who plays, as `react` keys them
const TAGS = { bold: "strong", italic: "em", strike: "s", underline: "u", code: "code", mention: "mark", small: "small" };

export const clock = (at) => new Date(at).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });

const cardText = (body) => (Array.isArray(body) ? body.map((span) => span.text).join("").trim() : body ?? "");

export const plain = (message) =>
  (message.spans ?? []).map((span) => span.text).join("").trim() || message.cards?.[0]?.title
  || cardText(message.cards?.[0]?.body) || (message.files?.length ? message.files[0].alt || message.files[0].name : "")
  || (message.location && "Location") || (message.contact && message.contact.name) || "";

export function drawMessage(message, chat, before, compose) {
  if (message.by === "system") {
    return h("li", { class: "message system" },
      message.name && h("span", { class: "author" }, message.name), h("div", { class: "text" }, spans(message.spans)));
  }
  const mine = isMine(message);
  const thread = threadOf(message, chat);
  const goesOn = before && before.by === message.by && before.name === message.name && !before.deleted
    && new Date(message.at) - new Date(before.at) < 300_000 && !message.reply_to
    && !before.ephemeral && !message.ephemeral;
  const classes = ["message", mine ? "mine" : "theirs", goesOn && "goes-on", message.draft && "draft",
    message.ephemeral && "ephemeral", message.deleted && "deleted"].filter(Boolean);
  const body = message.deleted ? [h("div", { class: "text" }, "This message was deleted")] : content(message, chat);
  const edited = message.edited && !message.deleted && h("span", { class: "edited" }, "edited");
  const time = h("time", { datetime: message.at, title: new Date(message.at).toLocaleString() }, clock(message.at));
  return h("li", { class: classes.join(" "), data: { id: message.id } },
    avatar(message.name || "?"),
    h("div", { class: "column" },
      h("div", { class: "head" }, h("span", { class: `author hue-text-${hue(message.name)}` }, message.name),
        message.by === "bot" && h("span", { class: "tag" }, "APP"), time),
      h("div", { class: "bubble" }, quoted(message, chat), body,
        h("span", { class: "foot" }, edited, time.cloneNode(true))),
      !message.deleted && rows(message.rows, message, chat),
      !message.deleted && reactions(message, chat),
      thread && h("button", { type: "button", class: "replies", onclick: () => compose.open(thread.id) },
        icon("thread"), replies(thread)),
      message.ephemeral && h("div", { class: "only-you" }, "Only you can see this")),
    !message.deleted && !message.draft && toolbar(message, chat, compose));
}

function hue(name) {
  let sum = 0;
  for (const letter of name ?? "") sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return sum % 8;
}

function replies(thread) {
  const count = thread.messages?.length ?? 0;
  return count === 1 ? "1 message in the thread" : `${count} messages in the thread`;
}

function quoted(message, chat) {
  const first = message.reply_to && chat.messages.find((each) => each.id === message.reply_to);
  return first && h("div", { class: "quoted" }, h("strong", null, first.name),
    h("span", null, first.deleted ? "A deleted message" : plain(first).slice(0, 120)));
}

function content(message, chat) {
  const files = message.files ?? [];
  const pictures = files.length > 1 && files.every(isPicture);
  const shown = pictures ? h("div", { class: "album" }, files.map(file)) : files.map(file);
  const words = message.blocks?.length > 0
    ? message.blocks.map((each) => (each.table ? table(each.table) : h("div", { class: "text" }, spans(each.spans))))
    : message.spans?.length > 0 && h("div", { class: "text" }, spans(message.spans));
  const below = state.seen.platform === "telegram"; // a caption
  return [
    !below && words,
    message.table && table(message.table),
    shown,
    below && words,
    ...(message.cards ?? []).map((each) => card(each, message, chat)),
    message.location && location(message.location),
    message.contact && contact(message.contact),
    message.draft && h("span", { class: "caret", role: "img", "aria-label": "still writing" }),
    message.can_stop && h("button", { type: "button", class: "stop", onclick: () => act("stop", { chat: chat.id }) },
      icon("stop"), "Stop"),
  ];
}

/** What was sent as one album, drawn as one message. */
export function together(messages) {
  const shown = [];
  for (const message of messages) {
    const last = shown.at(-1);
    const goesOn = message.album && last?.album === message.album && !last.deleted && !message.deleted;
    if (!goesOn) { shown.push(message); continue; }
    shown[shown.length - 1] = { ...last, also: [...(last.also ?? []), message.id],
      spans: last.spans?.length ? last.spans : message.spans, files: [...last.files, ...message.files] };
  }
  return shown;
}

// Spans that stand in one block are drawn as one.
export function spans(list) {
  const drawn = [];
  let block = null;
  for (const each of list ?? []) {
    const kind = (each.marks ?? []).find((mark) => mark === "fence" || mark === "quote" || mark === "heading");
    if (!kind) { // what is below a heading begins there
      drawn.push(inline(block?.kind === "heading" ? { ...each, text: each.text.replace(/^\n+/, "") } : each));
      block = null;
      continue;
    }
    if (!block || block.kind !== kind) {
      const made = kind === "fence" ? h("pre", { tabindex: "0" }, h("code")) : h(kind === "quote" ? "blockquote" : "h4");
      block = { kind, place: made.firstElementChild ?? made };
      drawn.push(made);
    }
    block.place.append(inline({ ...each, marks: each.marks.filter((mark) => mark !== kind) }));
  }
  return drawn;
}

function inline(span) {
  let drawn = document.createTextNode(span.text);
  for (const mark of span.marks ?? []) if (TAGS[mark]) drawn = h(TAGS[mark], null, drawn);
  if (/^(https?|mailto|tel):/i.test(span.link ?? "")) {
    drawn = h("a", { href: span.link, target: "_blank", rel: "noopener noreferrer" }, drawn);
  }
  if (!(span.marks ?? []).includes("spoiler")) return drawn;
  const inside = h("span", { "aria-hidden": "true" }, drawn);
  const spoiler = h("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": "Hidden text, show it" }, inside);
  const show = () => {
    spoiler.classList.add("shown");
    for (const name of ["role", "tabindex", "aria-label"]) spoiler.removeAttribute(name);
    inside.removeAttribute("aria-hidden");
  };
  spoiler.addEventListener("click", show);
  spoiler.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") show(); });
  return spoiler;
}

function table({ columns, rows, title, right }) {
  const at = (index) => (right?.includes(index) ? "end" : undefined);
  return h("div", { class: "table", tabindex: "0", role: "region", "aria-label": title || "Table" }, h("table", null,
    title && h("caption", null, title),
    columns.some(Boolean) && h("thead", null, h("tr", null, columns.map((name, n) => h("th", { scope: "col", class: at(n) }, name)))),
    h("tbody", null, rows.map((row) => h("tr", null, row.map((cell, n) => h("td", { class: at(n) }, cell)))))));
}

export const bytes = (size) =>
  size >= 1_048_576 ? `${(size / 1_048_576).toFixed(1)} MB` : size >= 1024 ? `${Math.round(size / 1024)} KB` : `${size} bytes`;

const kindOf = (each) => each.kind || each.type?.split("/")[0];

const isPicture = (each) => each.href && ["image", "photo", "sticker", "animation"].includes(kindOf(each))
  && !/^video/.test(each.type ?? "");

function file(each) {
  const kind = kindOf(each);
  const label = each.alt || each.name;
  if (isPicture(each)) {
    return h("figure", { class: `picture ${kind}` }, h("img", { src: each.href, alt: label || "A picture" }));
  }
  if (each.href && ["voice", "audio"].includes(kind)) {
    return h("figure", { class: "sound" }, h("figcaption", null, kind === "voice" ? "Voice message" : label),
      h("audio", { controls: true, preload: "metadata", src: each.href }));
  }
  if (each.href && ["video", "animation", "video_note"].includes(kind)) {
    return h("figure", { class: "picture" }, h("video", { controls: true, preload: "metadata", src: each.href, "aria-label": label }));
  }
  const inside = [h("span", { class: "file-glyph" }, icon("file")),
    h("span", { class: "file-name" }, h("strong", null, each.name || "file"), h("span", null, bytes(each.size ?? 0)))];
  return each.href
    ? h("a", { class: "file", href: each.href, download: each.name || true }, inside)
    : h("div", { class: "file" }, inside);
}

/** Some platforms lay out buttons and pictures within it. */
function card(each, message, chat) {
  const made = h("div", { class: "card" },
    each.title && h("strong", { class: "card-title" }, each.title),
    each.body && h("div", { class: "card-body" }, Array.isArray(each.body) ? spans(each.body) : each.body),
    each.fields?.length > 0 && h("dl", null, each.fields.map((field) =>
      h("div", null, h("dt", null, field.name), h("dd", null, field.value)))),
    each.image && h("img", { src: each.image, alt: each.alt || each.title || "A picture" }),
    ...(each.files ?? []).map(file),
    each.footer && h("div", { class: "card-footer" }, each.footer),
    rows(each.rows, message, chat));
  if (each.color) made.style.setProperty("--card", each.color);
  return made;
}

function location({ latitude, longitude, label }) {
  const place = `${latitude.toFixed(4)}, ${longitude.toFixed(4)}`;
  return h("div", { class: "place" }, h("span", { class: "map", "aria-hidden": "true" }, icon("location")),
    h("span", { class: "file-name" }, h("strong", null, label || "Location"), h("span", null, place)));
}

function contact({ name, phone }) {
  return h("div", { class: "file" }, avatar(name || phone || "?"),
    h("span", { class: "file-name" }, h("strong", null, name || "Contact"), h("span", null, phone)));
}

function rows(list, message, chat) {
  if (!list?.length) return null;
  return h("div", { class: "rows" }, list.map((row) =>
    h("div", { class: "row" }, row.map((each) => control(each, message, chat)))));
}

function control(each, message, chat) {
  if (each.kind === "select") return select(each, message, chat);
  if (each.kind === "search") return search(each, message, chat);
  return PICKED[each.kind] ? picker(each, message, chat) : button(each, message, chat);
}

const PICKED = { date: "date", time: "time", datetime: "datetime-local" };

function picker(each, message, chat) {
  const label = each.placeholder || `Pick a ${each.kind === "datetime" ? "day and a time" : each.kind}`;
  const made = h("input", { type: PICKED[each.kind], class: "press", "aria-label": label, title: label });
  made.value = each.value ?? "";
  made.addEventListener("change", () => {
    if (made.value) act("choose", { chat: chat.id, message: message.id, id: each.id, values: [made.value] });
  });
  return made;
}

// A list whose options the app gives as the person types.
function search(each, message, chat) {
  const named = { chat: chat.id, message: message.id, id: each.id };
  const label = each.placeholder || "Search";
  const input = h("input", { type: "search", "aria-label": label, placeholder: "Type to search", autocomplete: "off" });
  const found = h("div", { class: "found" });
  const made = h("details", { class: "many" }, h("summary", { class: "press select" }, label),
    h("div", { class: "boxes" }, input, found));
  let asked = 0;
  const ask = async () => {
    const turn = ++asked;
    const answer = await act("suggest", { ...named, text: input.value });
    if (turn !== asked || !answer) return;
    const options = answer.options.map((option) => h("button", { type: "button", class: "option", onclick: () => {
      made.open = false;
      input.value = "";
      act("choose", { ...named, values: [option.id] });
    } }, option.label));
    found.replaceChildren(...(options.length ? options : [h("p", { class: "none" }, "Nothing begins like that.")]));
  };
  input.addEventListener("input", ask);
  made.addEventListener("toggle", () => { if (made.open) { ask(); input.focus(); } });
  return made;
}

function button(each, message, chat) {
  if (each.link) {
    return h("a", { class: "press link", href: each.link, target: "_blank", rel: "noopener noreferrer" },
      each.label, h("span", { class: "arrow", "aria-hidden": "true" }, "↗"));
  }
  const made = h("button", { type: "button", class: `press ${each.style ?? ""}`, disabled: Boolean(each.disabled) }, each.label);
  if (each.copy) {
    made.addEventListener("click", () => copy(each.copy));
    return made;
  }
  made.addEventListener("click", async () => {
    made.setAttribute("aria-busy", "true");
    await act("press", { chat: chat.id, message: message.id, id: each.id });
    made.removeAttribute("aria-busy");
  });
  return made;
}

function select(each, message, chat) {
  const choose = (values) => act("choose", { chat: chat.id, message: message.id, id: each.id, values });
  const label = each.placeholder || "Choose";
  if (!each.many) {
    const made = h("select", { class: "press select", "aria-label": label, disabled: Boolean(each.disabled) },
      h("option", { value: "" }, label), each.options.map((option) => h("option", { value: option.id,
        selected: (each.chosen ?? []).includes(option.id) }, option.label)));
    made.addEventListener("change", async () => { if (made.value) { await choose([made.value]); made.value = ""; } });
    return made;
  }
  const boxes = each.options.map((option) => h("label", null, h("input", { type: "checkbox", value: option.id,
    checked: (each.chosen ?? []).includes(option.id) }), option.label));
  if (each.disabled) return h("button", { type: "button", class: "press select", disabled: true }, label);
  const made = h("details", { class: "many" }, h("summary", { class: "press select" }, label), h("div", { class: "boxes" }, boxes,
    h("button", { type: "button", class: "strong", onclick: () => {
      made.open = false;
      choose([...made.querySelectorAll("input:checked")].map((box) => box.value));
    } }, "Done")));
  return made;
}

function reactions(message, chat) {
  if (!message.reactions?.length) return null;
  return h("div", { class: "reactions" }, message.reactions.map(({ emoji, count }) => {
    const shown = Object.keys(EMOJI).find((each) => `:${EMOJI[each]}:` === emoji) ?? emoji;
    return h("button", { type: "button", class: "reaction", "aria-pressed": String(own.has(reactionKey(message, chat, shown))),
      "aria-label": `${shown} ${count}`, disabled: !can("react"), onclick: () => react(message, chat, shown) },
    shown, h("span", null, String(count)));
  }));
}

const reactionKey = (message, chat, emoji) => [chat.id, message.id, emoji, state.person].join("/");

async function react(message, chat, emoji) {
  const key = reactionKey(message, chat, emoji);
  const add = !own.has(key);
  if (add) own.add(key); else own.delete(key); // before the message is drawn again
  const named = state.seen.platform === "slack" ? EMOJI[emoji] ?? emoji : emoji;
  const done = await act("react", { chat: chat.id, message: message.id, emoji: named, add });
  if (!done) { if (add) own.delete(key); else own.add(key); }
}

function toolbar(message, chat, compose) {
  const mine = isMine(message);
  const text = plain(message);
  const items = [
    can("react") && { text: "React", glyph: "react", run: () => openMenu(more, Object.keys(EMOJI).map((emoji) => ({
      text: emoji, run: () => react(message, chat, emoji) })), "Reactions") },
    can("reply") && { text: "Reply", glyph: "reply", run: () => compose.replyTo(message) },
    can("thread") && { text: "Reply in thread", glyph: "thread", run: () => compose.inThread(message) },
    mine && can("edit") && { text: "Edit", glyph: "edit", run: () => compose.edit(message) },
    text && { text: "Copy text", glyph: "copy", run: () => copy(text) },
    mine && can("delete") && { text: "Delete", glyph: "trash", danger: true,
      run: async () => { for (const id of [message.id, ...(message.also ?? [])]) await act("delete", { chat: chat.id, message: id }); } },
  ].filter(Boolean);
  if (!items.length) return null;
  const more = iconButton("menu", `What to do with “${text.slice(0, 40) || "this message"}”`,
    () => openMenu(more, items, "Message"), { class: "icon-button more", "aria-haspopup": "menu" });
  return more;
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    toast("This browser does not let the page copy.", "bad");
  }
}
