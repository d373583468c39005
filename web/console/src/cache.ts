/** Names of what the page remembers. */

import { type QueryKey, skipToken, useQuery } from "@tanstack/react-query";

import type { View } from "./wire";

export const keys = {
  me: ["me"] as const,
  counts: ["counts"] as const,
  link: ["link"] as const,
  rows: (view: View, search: string) => ["rows", view, search] as const,
  conversation: (id: string) => ["conversation", id] as const,
  draft: (id: string) => ["draft", id] as const,
  typing: (id: string) => ["typing", id] as const,
  identities: (id: string) => ["identities", id] as const,
  people: (search: string) => ["people", search] as const,
  viewers: (id: string) => ["viewers", id] as const,
};

/** What the live line alone brings; nothing is fetched. */
export function useLive<T>(key: QueryKey): T | undefined {
  return useQuery<T>({ queryKey: key, queryFn: skipToken, staleTime: Infinity }).data;
}
