/**
 * Which panes stand beside the conversation, lie over it, or are away.
 *
 * Wide enough, a pane is docked and its state is remembered; else it lies over the page until something is chosen.
 */

import { useMediaQuery } from "@mantine/hooks";
import { useState } from "react";

import { readStored, writeStored } from "../stored";

export type Pane = "docked" | "over" | "away";

export interface Panes {
  views: Pane;
  side: Pane;
  /** List and conversation are two screens. */
  single: boolean;
  toggle(pane: "views" | "side"): void;
  /** Puts away what lies over the page. */
  clear(): void;
}

export function usePanes(): Panes {
  const views = useWidth("(min-width: 1400px)");
  const side = useWidth("(min-width: 1180px)");
  const single = useWidth("(max-width: 859px)");
  const [docked, setDocked] = useState(() => readStored("panes", { views: true, side: true }));
  const [over, setOver] = useState<"views" | "side" | null>(null);

  const state = (pane: "views" | "side", room: boolean): Pane => {
    if (room) return docked[pane] ? "docked" : "away";
    return over === pane ? "over" : "away";
  };

  return {
    views: state("views", views),
    side: state("side", side),
    single,
    toggle: (pane) => {
      if (pane === "views" ? views : side) {
        const next = { ...docked, [pane]: !docked[pane] };
        setDocked(next);
        writeStored("panes", next);
      } else {
        setOver(over === pane ? null : pane);
      }
    },
    clear: () => setOver(null),
  };
}

function useWidth(query: string): boolean {
  return useMediaQuery(query, false, { getInitialValueInEffect: false });
}
