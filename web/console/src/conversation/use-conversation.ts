/** One open conversation: fetched once, then kept by the live line. */

import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { Refusal } from "../api";
import { keys, useLive } from "../cache";
import type { Draft } from "../live/draft";
import { useTools } from "../tools";
import type { Detail } from "../wire";
import { firstSeq, joined, lastSeq } from "./held";

export interface Opened {
  detail: Detail | undefined;
  failed: "unknown" | "failed" | null;
  retry(): void;
  older(): Promise<void>;
  fetchingOlder: boolean;
}

export function useConversation(id: string): Opened {
  const { api, client, link, load } = useTools();
  const [fetchingOlder, setFetchingOlder] = useState(false);
  const query = useQuery({ queryKey: keys.conversation(id), queryFn: () => load(id), staleTime: 0 });
  const loaded = query.data !== undefined;

  useEffect(() => {
    if (!loaded) return;
    const held = client.getQueryData<Detail>(keys.conversation(id));
    return link.watch(id, held ? lastSeq(held) : 0);
  }, [id, loaded, client, link]);

  async function older() {
    const held = client.getQueryData<Detail>(keys.conversation(id));
    if (!held?.more || fetchingOlder) return;
    setFetchingOlder(true);
    try {
      const page = await api.events(id, { before: firstSeq(held) });
      const earlier = { events: page.items, more: page.next !== null };
      client.setQueryData<Detail>(keys.conversation(id), (now) => now && { ...now, ...joined(now, earlier) });
    } finally {
      setFetchingOlder(false);
    }
  }

  // An address that cannot be a conversation's is refused as not understood.
  const unknown = query.error instanceof Refusal && ["not_found", "invalid"].includes(query.error.problem.code);
  return {
    detail: query.data,
    failed: query.isError && !loaded ? (unknown ? "unknown" : "failed") : null,
    retry: () => void query.refetch(),
    older,
    fetchingOlder,
  };
}

/** What the bot is writing now; one that was under way when the conversation was opened came with it. */
export function useDraft(detail: Detail): Draft | null {
  const live = useLive<Draft | null>(keys.draft(detail.row.id));
  const draft = live === undefined ? detail.draft : live;
  const ended = draft && detail.events.some(({ turn, body }) => turn === draft.turn && ENDS.includes(body.kind));
  return ended ? null : draft;
}

const ENDS: readonly string[] = ["said", "partial", "discarded"];
