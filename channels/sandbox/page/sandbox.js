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

/** An act of the person; what cannot be done is told, and null given. */
export async function act(what, body) {
  const form = body instanceof FormData;
  if (form) body.set("by", state.person ?? "");
  const sent = form ? body : JSON.stringify({ by: state.person, ...body });
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

export function can(what) {
  return (chat()?.can ?? ["say"]).includes(what);
}
