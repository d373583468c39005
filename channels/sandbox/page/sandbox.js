// What the page asks of the sandbox, and the person on whose behalf.

import { toast } from "./dom.js";

export const state = {
  seen: null,
  about: null,
  chat: null, // id of the open one
  person: null, // id of who plays
  read: new Map(), // chat id to how many messages of it were on screen
};

export async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

const SAID = new Set(["say", "upload", "command", "location", "contact"]);
const held = []; // what was said before the bot had ever come
let saying = false;

/** The words that wait for the bot. */
export const waiting = () => held.map(({ body }) => (body instanceof FormData ? body.get("file")?.name : body.text ?? body.name) ?? "…");

/** An act of the person; what cannot be done is told, and null given. What is said before the bot came waits for it. */
export async function act(what, body) {
  if (!SAID.has(what) || !(state.seen?.absent || held.length)) return send(what, withPerson(body));
  return new Promise((done) => {
    held.push({ what, body: withPerson(body), done });
    document.dispatchEvent(new Event("held"));
  });
}

/** The bot has come: it hears what waited, in the order in which it was said. */
export async function sayHeld() {
  if (saying || state.seen.absent) return;
  saying = true;
  while (held.length) {
    const { what, body, done } = held[0];
    done(await send(what, body));
    held.shift();
  }
  saying = false;
}

function withPerson(body) {
  if (!(body instanceof FormData)) return { by: state.person, ...body };
  body.set("by", state.person ?? "");
  return body;
}

async function send(what, body) {
  const form = body instanceof FormData;
  const sent = form ? body : JSON.stringify(body);
  try {
    const answer = await fetch(`/_/${what}`, {
      method: "POST", body: sent, headers: form ? {} : { "content-type": "application/json" },
    });
    const found = await answer.json();
    if (answer.ok) return found ?? {};
    toast(found.error, "bad");
  } catch {
    toast("The sandbox does not answer.", "bad");
  }
  return null;
}

export function chat() {
  return state.seen?.chats.find((each) => each.id === state.chat) ?? null;
}

/** The chats of who plays: another person's talk with the bot is not theirs. */
export function chats() {
  return state.seen.chats.filter((each) => {
    const owner = ownerOf(each);
    return !owner || owner.id === state.person;
  });
}

/** A private chat bears the name of its person; they know it by the bot's. */
export function titleOf(each) {
  if (!ownerOf(each)) return each.title;
  const { bots } = state.seen;
  return (bots.find((bot) => String(each.id).startsWith(`${bot.id}!`)) ?? bots[0])?.name ?? each.title;
}

function ownerOf(each) {
  return each.kind === "private" ? state.seen.people.find((person) => person.name === each.title) : undefined;
}

/** Whether who plays said it; a name that nobody bears is theirs. */
export function isMine(message) {
  if (message.by !== "person") return false;
  const speaker = state.seen.people.find((each) => each.name === message.name);
  return !speaker || speaker.id === state.person;
}

/** Replies and threads go with what is said wherever the platform has them. */
export function can(what) {
  const here = chat();
  const known = here?.can ?? ["say"];
  const { platform } = state.seen ?? {};
  if (what === "reply" && ["telegram", "discord"].includes(platform)) return known.includes("say");
  if (what === "thread" && platform === "slack" && here?.kind !== "thread") return known.includes("say");
  return known.includes(what);
}

/** The chat that hangs below a message. */
export function threadOf(message, here) {
  const ids = [message.thread, `${here.id}:${message.id}`].filter(Boolean);
  return state.seen.chats.find((each) => each.parent === here.id && (ids.includes(each.id) || each.id === message.id)) ?? null;
}
