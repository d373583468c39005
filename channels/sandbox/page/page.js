// The chat page: draws what the person sees now, as often as the sandbox says that something changed.

import { ask, avatar, closeMenu, h, icon, iconButton, keep, openMenu, toast } from "./dom.js";
import { clock, drawMessage, plain, together } from "./message.js";
import { act, can, chat, chats, get, isMine, sayHeld, state, threadOf, titleOf, waiting } from "./sandbox.js";
import { Composer } from "./composer.js";
import { Drawer } from "./drawer.js";
import { showModal } from "./form.js";

const NAMES = { telegram: "Telegram", slack: "Slack", discord: "Discord", openai: "OpenAI" };
const HEADINGS = { telegram: "Chats", slack: "Channels", discord: "Channels", openai: "Requests" };
const KINDS = {
  telegram: ["private", "group", "supergroup", "forum", "topic", "channel"], slack: ["channel", "private", "group"],
  discord: ["channel", "thread", "forum", "private"], openai: [],
};

const composer = new Composer(open);
const drawer = new Drawer();
const rows = new Map(); // chat id to its row of the list
const drawn = new Map(); // message id to { signature, element }, of the open chat
let drawnOf = null;

const list = h("ul", { class: "chats" });
const person = h("select", { "aria-label": "You are", onchange: () => choosePerson() });
const heading = h("h1", null, "Sandbox");
const newChat = iconButton("plus", "New chat", makeChat, { class: "icon-button new-chat" });
const title = h("h2", { class: "title" });
const status = h("p", { class: "status", "aria-live": "polite" });
const face = h("div", { class: "face" });
const back = iconButton("back", "All chats", () => document.body.classList.remove("in-chat"), { class: "icon-button back" });
const more = iconButton("menu", "This chat", chatMenu, { "aria-haspopup": "menu" });
const scheme = iconButton("moon", "Dark or light", turnScheme);
const developers = iconButton("code", "For developers", () => drawer.toggle(), { "aria-expanded": "false" });
const items = h("ol");
const log = h("div", { class: "log", role: "log", "aria-label": "Messages", tabindex: "0" }, items);
const typing = h("div", { class: "typing", hidden: true }, h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), h("span", { "aria-live": "polite" }));
const latest = h("button", { type: "button", class: "latest", hidden: true, onclick: () => toEnd() }, "New messages ↓");
const nothing = h("div", { class: "nothing" });
const absent = h("div", { class: "absent", role: "status", hidden: true });
const gone = h("div", { class: "gone", role: "status", hidden: true }, "The sandbox does not answer. This page goes on when it is back.");

drawer.button = developers;
document.body.append(
  h("a", { class: "skip", href: "#message-log" }, "To the messages"),
  h("div", { class: "app" },
    h("nav", { class: "rail", "aria-hidden": "true" }, h("span", { class: "rail-home" }, icon("thread")), h("span", { class: "rail-dot" })),
    h("nav", { class: "side", "aria-label": "Chats" },
      h("header", null, heading, newChat),
      list,
      h("footer", null, h("label", { class: "person" }, h("span", null, "You are"), person))),
    h("main", { class: "main" },
      h("header", { class: "bar" }, back, face, h("div", { class: "about" }, title, status), h("div", { class: "tools" }, more, scheme, developers)),
      gone,
      absent,
      h("div", { class: "stage", id: "message-log" }, log, typing, latest, nothing),
      composer.element),
    drawer.element),
  h("div", { id: "toast", class: "toast", role: "status" }));
let stoodAt = 0;
log.addEventListener("scroll", () => {
  if (atEnd()) { log.dataset.follow = "1"; latest.hidden = true; markRead(); }
  else if (log.scrollTop < stoodAt) delete log.dataset.follow; // up: to read what was
  stoodAt = log.scrollTop;
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenu(); });
addEventListener("focus", markRead);

// Light and dark: the person's choice, else the system's, else what the app of that kind usually is

function wantedScheme() {
  try { return localStorage.getItem("scheme"); } catch { return null; }
}

function applyScheme(name) {
  const dark = name ? name === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.scheme = dark ? "dark" : "light";
  scheme.replaceChildren(icon(dark ? "sun" : "moon"));
}

function turnScheme() {
  const name = document.documentElement.dataset.scheme === "dark" ? "light" : "dark";
  try { localStorage.setItem("scheme", name); } catch { /* it holds until the page is left */ }
  applyScheme(name);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => applyScheme(wantedScheme()));
applyScheme(wantedScheme());

// What the person sees

/** Where nothing was said yet: the bot's own chat, for in a channel it wants to be mentioned. */
const firstChat = () =>
  chats().find((each) => messages(each).length) ?? chats().find((each) => each.kind === "private") ?? chats()[0];

function draw() {
  const { seen } = state;
  document.documentElement.dataset.platform = seen.platform;
  heading.textContent = HEADINGS[seen.platform] ?? "Chats";
  newChat.hidden = !(KINDS[seen.platform] ?? ["group"]).length;
  drawPeople();
  if (!chats().some((each) => each.id === state.chat)) state.chat = firstChat()?.id ?? null;
  drawChats();
  drawChat();
  composer.update();
  drawAbsent();
  sayHeld().then(drawAbsent);
  showModal();
  if (seen.toast && seen.toast !== draw.toast) toast(seen.toast);
  draw.toast = seen.toast;
}

function drawAbsent() {
  const words = waiting();
  absent.hidden = !state.seen.absent && !words.length;
  absent.replaceChildren(h("span", null, "The bot has not connected yet. What you write is sent when it has."),
    ...words.map((each) => h("q", null, each)));
}

document.addEventListener("held", drawAbsent);

function drawPeople() {
  const { people } = state.seen;
  if (!people.some((each) => each.id === state.person)) state.person = people[0]?.id ?? null;
  const wanted = people.map((each) => each.id).join("\n");
  if (person.dataset.of !== wanted) {
    person.dataset.of = wanted;
    const another = state.seen.platform === "openai" ? [] : [h("option", { value: "+" }, "Somebody else…")];
    person.replaceChildren(...people.map((each) => h("option", { value: each.id }, each.name)), ...another);
  }
  person.value = state.person ?? "";
}

async function choosePerson() {
  if (person.value !== "+") {
    state.person = person.value;
  } else {
    person.value = state.person;
    const given = await ask("Somebody else", [{ name: "name", label: "Name" }], "Be them");
    const made = given && await act("person", { name: given.name });
    if (made) state.person = made.person ?? made.id ?? state.person;
  }
  drawn.clear();
  refresh();
}

const visible = (each) => !each.ephemeral || !each.to || each.to === state.person;
const messages = (each) => (each.messages ?? []).filter(visible);

function drawChats() {
  const known = chats();
  const roots = known.filter((each) => !each.parent || !known.some((other) => other.id === each.parent));
  const below = (id) => known.filter((each) => each.parent === id);
  const ordered = roots.flatMap((each) => [each, ...below(each.id)]);
  keep(list, ordered.map((each) => {
    const last = messages(each).filter((one) => !one.deleted).at(-1);
    const unread = each.id === state.chat ? 0 : Math.max(0, messages(each).length - (state.read.get(each.id) ?? messages(each).length));
    if (!state.read.has(each.id)) state.read.set(each.id, messages(each).length);
    const signature = JSON.stringify([titleOf(each), each.kind, each.typing, last?.id, last && plain(last), unread, each.id === state.chat,
      Boolean(each.waiting), state.person]);
    const before = rows.get(each.id);
    if (before?.signature === signature) return before.element;
    const fresh = chatRow(each, last, unread);
    const element = before?.element ?? fresh;
    if (before) {
      const focused = element.contains(document.activeElement);
      element.className = fresh.className;
      element.replaceChildren(...fresh.children);
      if (focused) element.querySelector("button").focus();
    }
    rows.set(each.id, { signature, element });
    return element;
  }));
  const count = [...list.querySelectorAll(".unread")].length;
  document.title = `${count ? `(${count}) ` : ""}${NAMES[state.seen.platform] ?? state.seen.platform} sandbox`;
}

function chatRow(each, last, unread) {
  const channel = ["channel", "forum", "thread", "topic"].includes(each.kind);
  const speaker = last && (isMine(last) ? "You: " : each.kind === "group" ? `${last.name}: ` : "");
  const preview = each.typing || (last ? speaker + plain(last) : "");
  return h("li", { class: `${each.parent ? "child" : ""} kind-${each.kind}` },
    h("button", { type: "button", class: "chat", "aria-current": each.id === state.chat ? "true" : undefined, onclick: () => open(each.id) },
      channel ? h("span", { class: "glyph", "aria-hidden": "true" }, icon(each.kind === "channel" ? "hash" : "thread")) : avatar(titleOf(each)),
      h("span", { class: "chat-text" }, h("span", { class: "chat-title" }, titleOf(each)),
        h("span", { class: `chat-last ${each.typing ? "is-typing" : ""}` }, preview)),
      h("span", { class: "chat-end" }, last && h("time", { datetime: last.at }, clock(last.at)),
        unread > 0 && h("span", { class: "unread", "aria-label": `${unread} unread` }, String(unread)),
        each.waiting && h("span", { class: "unread", "aria-label": "waits for you" }, "!"))));
}

function open(id) {
  state.chat = id;
  document.body.classList.add("in-chat");
  if (chats().some((each) => each.id === id)) { draw(); toEnd(); } else refresh().then(toEnd);
  if (matchMedia("(min-width: 721px)").matches) composer.text.focus();
}

function drawChat() {
  const here = chat();
  nothing.hidden = Boolean(here);
  more.hidden = !here || !hasMenu(here);
  if (!here) {
    title.textContent = "";
    items.replaceChildren();
    typing.hidden = true;
    nothing.replaceChildren(...empty());
    return;
  }
  if (drawnOf !== here.id) { drawn.clear(); drawnOf = here.id; log.dataset.follow = "1"; }
  const follow = "follow" in log.dataset || !items.children.length;
  title.textContent = titleOf(here);
  face.replaceChildren(["channel", "forum", "thread", "topic"].includes(here.kind)
    ? h("span", { class: "glyph" }, icon(here.kind === "channel" ? "hash" : "thread")) : avatar(titleOf(here)));
  const above = ["telegram", "openai"].includes(state.seen.platform); // elsewhere it stands over the composer
  status.textContent = (above && here.typing) || about(here);
  status.classList.toggle("is-typing", above && Boolean(here.typing));
  typing.hidden = above || !here.typing;
  typing.lastElementChild.textContent = here.typing ?? "";
  log.dataset.kind = here.kind;
  const all = messages(here);
  const elements = [];
  together(all).forEach((message, at, shown) => {
    const before = shown[at - 1];
    if (!before || new Date(before.at).toDateString() !== new Date(message.at).toDateString()) elements.push(day(message.at));
    elements.push(kept(message, here, before));
  });
  keep(items, elements);
  if (follow) toEnd(); else if (all.length > (state.read.get(here.id) ?? 0)) latest.hidden = false;
  if (follow) markRead();
}

function kept(message, here, before) {
  const first = message.reply_to && here.messages.find((each) => each.id === message.reply_to);
  const thread = threadOf(message, here)?.messages?.length;
  const signature = JSON.stringify([message, before && [before.by, before.name, before.deleted, before.ephemeral], first && plain(first), thread, here.can, state.person]);
  const known = drawn.get(message.id);
  if (known?.signature === signature) return known.element;
  const element = drawMessage(message, here, before, composer);
  if (known?.element.contains(document.activeElement)) queueMicrotask(() => log.focus());
  drawn.set(message.id, { signature, element });
  return element;
}

const days = new Map();

function day(at) {
  const name = new Date(at).toDateString();
  if (!days.has(name)) {
    const label = new Date(at).toLocaleDateString([], { weekday: "long", month: "long", day: "numeric" });
    days.set(name, h("li", { class: "day" }, h("span", null, label)));
  }
  return days.get(name);
}

function about(here) {
  const people = state.seen.people.length + state.seen.bots.length;
  return { private: "bot", channel: "channel", forum: "forum", thread: "thread", topic: "topic", group: `group, ${people} members` }[here.kind] ?? "";
}

function empty() {
  if (state.seen.platform === "openai") {
    return [h("h2", null, "No request yet"), h("p", null, "Point your program here; what it asks appears on this page, and you may answer as the model.")];
  }
  return [h("h2", null, "No chat yet"), h("p", null, "Make one, then write to the bot.")];
}

function chatMenu() {
  const here = chat();
  const member = (what, text) => ({ text, run: () => act("member", { chat: here.id, what }) });
  const opens = (payload, text) => ({ text, run: async () => {
    const made = await act("open", { chat: here.id, payload });
    await refresh();
    if (made?.chat && payload !== "home") open(made.chat);
  } });
  if (here.kind === "private" && state.seen.platform === "slack") {
    openMenu(more, [opens("", "New thread with the assistant"), opens("home", "Open the app's home")], "This chat");
    return;
  }
  openMenu(more, here.kind === "private"
    ? [here.blocked ? member("unblock", "Unblock the bot") : member("block", "Block the bot")]
    : [member("join", "Add the bot"), member("leave", "Remove the bot")], "This chat");
}

/** Whether there is anything to do with the chat as a whole. */
function hasMenu(here) {
  if (here.kind === "private") return can("block") || state.seen.platform === "slack";
  return ["channel", "group"].includes(here.kind) && ["telegram", "slack"].includes(state.seen.platform);
}

async function makeChat() {
  const within = chat()?.kind === "forum"; // a post of the forum, with its first words
  const given = await ask(within ? "New post" : "New chat", [
    { name: "title", label: within ? "Title" : "Name" },
    within ? { name: "text", label: "First words" } : { name: "kind", label: "Kind", options: KINDS[state.seen.platform] ?? ["private", "group"] },
  ], "Make it");
  if (!given) return;
  const below = within || ["thread", "topic"].includes(given.kind);
  const made = await act("chat", { kind: "thread", ...given, ...(below && { parent: chat()?.parent ?? chat()?.id }) });
  if (made?.chat) { await refresh(); open(made.chat); }
}

// Where the reader stands

function atEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < 80;
}

function toEnd() {
  log.dataset.follow = "1";
  log.scrollTop = log.scrollHeight;
  latest.hidden = true;
  markRead();
}

function markRead() {
  const here = chat();
  if (here && atEnd()) state.read.set(here.id, messages(here).length);
}

// Pictures come later than their messages, and a phone's keyboard takes room.
const sizes = new ResizeObserver(() => { if ("follow" in log.dataset) log.scrollTop = log.scrollHeight; });
sizes.observe(log);
sizes.observe(items);

// Live

let asking = null;
let again = false;

async function refresh() {
  if (asking) { again = true; return asking; }
  asking = (async () => {
    do {
      again = false;
      state.seen = await get("/_/seen");
      draw();
    } while (again);
  })();
  try { await asking; } catch { gone.hidden = false; } finally { asking = null; }
}

async function begin() {
  const live = new EventSource("/_/live");
  live.addEventListener("open", async () => {
    try { state.about = await get("/_/about"); } catch { return; }
    gone.hidden = true;
    drawer.forget();
    drawer.refresh();
  });
  live.addEventListener("message", () => { refresh(); drawer.refresh(); });
  live.addEventListener("error", () => { gone.hidden = false; });
  await refresh();
}

begin();
