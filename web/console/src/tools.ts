/** What a signed-in page works with, put together in one place and handed down. */

import type { QueryClient } from "@tanstack/react-query";
import { createContext, useContext, useSyncExternalStore } from "react";

import type { Api } from "./api";
import { keys } from "./cache";
import { Attached } from "./composer/attached";
import { Unsent } from "./composer/unsent";
import { heard, lastSeq, refreshed } from "./conversation/held";
import { Desk, type Place } from "./desk";
import { feed, putRow } from "./live/feed";
import { browserClock, Link, type Socket } from "./live/link";
import type { Detail, Done, Me, Problem, Row } from "./wire";

export interface Tools {
  me: Me;
  api: Api;
  client: QueryClient;
  link: Link;
  desk: Desk;
  unsent: Unsent;
  attached: Attached;
  /** A conversation as the server has it, joined to what is held. */
  load(conversation: string): Promise<Detail>;
}

export function openTools(me: Me, api: Api, client: QueryClient, storage: Storage | null): Tools {
  const unsent = new Unsent(storage, me.id);
  const attached = new Attached(api);
  // Whoever the server says is signed in now: nobody, or somebody else from another tab.
  const signedOut = () => void client.invalidateQueries({ queryKey: keys.me });
  const detail = (id: string) => client.getQueryData<Detail>(keys.conversation(id));

  const desk = new Desk(
    api,
    {
      row: (id) => detail(id)?.row ?? rowInLists(client, id),
      done: (id, done) => void settle(id, done),
      learned: (id, problem) => learn(id, problem),
      signedOut,
    },
    unsent,
    attached,
    browserClock,
  );
  const link = new Link(
    openSocket,
    feed(client, me.id, {
      ready: () => desk.retry(),
      lost: signedOut,
    }),
  );

  async function load(id: string): Promise<Detail> {
    const fetched = await api.detail(id);
    const whole = refreshed(detail(id), fetched);
    link.advance(id, lastSeq(whole));
    return whole;
  }

  function hear(id: string, events: Detail["events"]): void {
    client.setQueryData<Detail>(keys.conversation(id), (held) => held && heard(held, events));
    link.advance(id, lastSeq(detail(id) ?? { events: [] }));
  }

  async function settle(id: string, done: Done): Promise<void> {
    putRow(client, done.row, null);
    // The live line brings what was written; without it, it is fetched.
    if (link.state !== "online") await client.invalidateQueries({ queryKey: keys.conversation(id) });
  }

  function learn(id: string, problem: Problem): void {
    if (problem.row) putRow(client, problem.row, null);
    if (problem.events) hear(id, problem.events);
  }

  return { me, api, client, link, desk, unsent, attached, load };
}

function openSocket(): Socket {
  const address = new URL("/ws/console", window.location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address);
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.close(),
    set onmessage(hear: Socket["onmessage"]) {
      socket.onmessage = hear;
    },
    set onclose(end: Socket["onclose"]) {
      socket.onclose = end;
    },
  };
}

function rowInLists(client: QueryClient, id: string): Row | undefined {
  const lists = client.getQueriesData<{ pages: { items: readonly Row[] }[] }>({ queryKey: ["rows"] });
  for (const [, held] of lists) {
    const row = held?.pages.flatMap((page) => page.items).find((one) => one.id === id);
    if (row) return row;
  }
  return undefined;
}

export const ToolsContext = createContext<Tools | null>(null);

export function useTools(): Tools {
  const tools = useContext(ToolsContext);
  if (!tools) throw new Error("no tools: this part belongs inside the signed-in page");
  return tools;
}

export function usePlace(conversation: string): Place {
  const { desk } = useTools();
  return useSyncExternalStore(desk.subscribe, () => desk.place(conversation));
}
