/** Writes what the live line brings into the page's cache. */

import type { QueryClient } from "@tanstack/react-query";

import { keys } from "../cache";
import { heard, newer } from "../conversation/held";
import { changed, flat, type Pages, placed, removed } from "../queue/rows";
import type { Author, Detail, Event, Row, ServerFrame, View } from "../wire";
import { type Draft, grow } from "./draft";
import type { LinkState, Listener } from "./link";

/** Flow stack and slots are the server's to tell: they are asked for again once a turn has moved them. */
const SETTLE = 250;

export interface Typing {
  who: Author;
  until: number;
}

interface Hooks {
  ready(): void;
  /** The line broke: the sign-in may have ended. */
  lost(): void;
}

export function feed(client: QueryClient, me: string, hooks: Hooks): Listener {
  const drafts = new Map<string, Draft>();
  const dirty = new Set<string>();

  // However many pieces arrive, a frame of the screen paints them once.
  function paint(conversation: string): void {
    if (dirty.size === 0) requestAnimationFrame(flush);
    dirty.add(conversation);
  }

  function flush(): void {
    for (const conversation of dirty) client.setQueryData(keys.draft(conversation), drafts.get(conversation) ?? null);
    dirty.clear();
  }

  function endDraft(conversation: string, turn: number | null): void {
    const draft = drafts.get(conversation) ?? openDraft(client, conversation);
    if (!draft || (turn !== null && draft.turn > turn)) return;
    drafts.delete(conversation);
    dirty.delete(conversation);
    client.setQueryData(keys.draft(conversation), null);
  }

  function onEvent(conversation: string, event: Event): void {
    client.setQueryData<Detail>(keys.conversation(conversation), (held) => held && heard(held, [event]));
    const { kind } = event.body;
    if (kind === "said" || kind === "pressed") silence(client, conversation, event.author);
    if (event.author.kind === "bot" && (kind === "said" || kind === "partial")) endDraft(conversation, event.turn ?? null);
    if (kind === "discarded" || kind === "controlled") endDraft(conversation, null);
    if (kind === "turned" || kind === "returned" || kind === "controlled") {
      setTimeout(() => void client.invalidateQueries({ queryKey: keys.conversation(conversation) }), SETTLE);
    }
  }

  function frame(frame: ServerFrame): void {
    switch (frame.frame) {
      case "ready":
        client.setQueryData(keys.counts, { frame: "counts", views: frame.counts });
        return;
      case "counts":
        client.setQueryData(keys.counts, frame);
        return;
      case "row":
        putRow(client, frame.row, frame.views);
        return;
      case "event":
        onEvent(frame.conversation, frame.event);
        return;
      case "draft": {
        const draft = grow(drafts.get(frame.conversation) ?? openDraft(client, frame.conversation), frame);
        if (!draft) return;
        drafts.set(frame.conversation, draft);
        paint(frame.conversation);
        return;
      }
      case "reset":
        endDraft(frame.conversation, frame.turn);
        return;
      case "typing": {
        if (frame.who.kind === "agent" && frame.who.id === me) return;
        const typing: Typing | null = frame.seconds > 0 ? { who: frame.who, until: Date.now() + frame.seconds * 1_000 } : null;
        client.setQueryData(keys.typing(frame.conversation), typing);
        return;
      }
      case "viewers":
        client.setQueryData(keys.viewers(frame.conversation), frame.agents);
        return;
      case "caught_up":
      case "refused":
      case "ping":
        return;
      default:
        frame satisfies never;
    }
  }

  return {
    frame,
    state: (state: LinkState) => client.setQueryData(keys.link, state),
    ready: () => {
      // A list is never patched across a gap, and the time before the first frame is one.
      void client.invalidateQueries({ queryKey: ["rows"] });
      hooks.ready();
    },
    lost: hooks.lost,
  };
}

/** The draft that was already being written when the conversation was opened. */
function openDraft(client: QueryClient, conversation: string): Draft | null {
  return client.getQueryData<Detail>(keys.conversation(conversation))?.draft ?? null;
}

function silence(client: QueryClient, conversation: string, author: Author): void {
  client.setQueryData<Typing | null>(keys.typing(conversation), (typing) =>
    typing && typing.who.kind === author.kind ? null : typing,
  );
}

/** Brings every list, and the open conversation, to the state of one row. */
export function putRow(client: QueryClient, row: Row, views: readonly View[] | null): void {
  for (const query of client.getQueryCache().findAll({ queryKey: ["rows"] })) {
    const [, view, search] = query.queryKey as ReturnType<typeof keys.rows>;
    client.setQueryData<Pages>(query.queryKey, (held) => {
      if (!held) return held;
      if (views === null) return changed(held, row);
      if (!views.includes(view)) return removed(held, row.id);
      // What matches a search is the server's to say.
      return search === "" || flat(held).some((other) => other.id === row.id) ? placed(held, row) : held;
    });
  }
  client.setQueryData<Detail>(keys.conversation(row.id), (held) => held && { ...held, row: newer(held.row, row) });
}
