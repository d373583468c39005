import { useQuery } from "@tanstack/react-query";

import { keys } from "../cache";
import { useTools } from "../tools";
import type { Counts } from "../wire";

/** How many conversations each view has. */
export function useCounts(): Partial<Counts["views"]> {
  const { api } = useTools();
  return useQuery({ queryKey: keys.counts, queryFn: () => api.counts() }).data?.views ?? {};
}
