/** One view's rows, page after page, kept still while the pointer is over them. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { type PointerEvent, useEffect, useMemo, useRef, useState } from "react";

import { keys } from "../cache";
import { useTools } from "../tools";
import type { Row, View } from "../wire";
import { hold, type Shown } from "./order";
import { flat } from "./rows";

/** A pointer that rests this long no longer holds the order. */
const REST = 3_000;

export interface RowList extends Shown {
  loading: boolean;
  failed: boolean;
  more: boolean;
  loadMore(): void;
  retry(): void;
  /** Shows what has been held back. */
  release(): void;
  pointer: { onPointerMove(event: PointerEvent): void; onPointerLeave(): void };
}

export function useRows(view: View, search: string): RowList {
  const { api } = useTools();
  const query = useInfiniteQuery({
    queryKey: keys.rows(view, search),
    queryFn: ({ pageParam }) => api.rows(view, search, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    // While the words of a search change, what was found stays until something else is.
    placeholderData: (held, before) => (before?.queryKey[1] === view ? held : undefined),
  });
  const fresh = useMemo(() => flat(query.data), [query.data]);
  const held = useHeld(fresh, `${view} ${search}`);

  return {
    ...held,
    loading: query.isPending,
    failed: query.isError && fresh.length === 0,
    more: query.hasNextPage,
    loadMore: () => {
      if (query.hasNextPage && !query.isFetching) void query.fetchNextPage();
    },
    retry: () => void query.refetch(),
  };
}

function useHeld(fresh: readonly Row[], list: string): Shown & Pick<RowList, "release" | "pointer"> {
  const [over, setOver] = useState(false);
  const shown = useRef<{ list: string; rows: readonly Row[] }>({ list, rows: fresh });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const free = !over || shown.current.list !== list || shown.current.rows.length === 0;
  const result = free ? { rows: fresh, gone: NONE, updates: 0 } : hold(shown.current.rows, fresh);
  useEffect(() => {
    shown.current = { list, rows: result.rows };
  });
  useEffect(() => () => clearTimeout(timer.current), []);

  const release = () => {
    clearTimeout(timer.current);
    setOver(false);
  };
  return {
    ...result,
    release,
    pointer: {
      onPointerMove: (event) => {
        if (event.pointerType === "touch") return;
        clearTimeout(timer.current);
        timer.current = setTimeout(() => setOver(false), REST);
        setOver(true);
      },
      onPointerLeave: release,
    },
  };
}

const NONE: ReadonlySet<string> = new Set();
