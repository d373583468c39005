/** Gives the page's parts the keys they answer to. The part that asked last is heard. */

import { createContext, useContext, useEffect, useMemo, useRef, type ReactNode } from "react";

import { type Act, isApple, KeyReader, placeOf, shownKey } from "./keys";

type Handler = () => void;
type Handlers = Map<Act, Handler[]>;

const KeysContext = createContext<Handlers>(new Map());

export function Keys({ children }: { children: ReactNode }) {
  const handlers = useMemo<Handlers>(() => new Map(), []);

  useEffect(() => {
    const reader = new KeyReader();
    const hear = (event: KeyboardEvent) => {
      // An open layer has the keys to itself.
      if (event.defaultPrevented || event.isComposing || document.querySelector("[role=dialog], [role=menu]")) return;
      const act = reader.read(event, placeOf(event.target), event.timeStamp);
      const handler = act && handlers.get(act)?.at(-1);
      if (!handler) return;
      event.preventDefault();
      handler();
    };
    document.addEventListener("keydown", hear);
    return () => document.removeEventListener("keydown", hear);
  }, [handlers]);

  return <KeysContext value={handlers}>{children}</KeysContext>;
}

export function useKey(act: Act, run: Handler, enabled = true): void {
  const handlers = useContext(KeysContext);
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(() => {
    if (!enabled) return;
    const handler = () => latest.current();
    handlers.set(act, [...(handlers.get(act) ?? []), handler]);
    return () => {
      handlers.set(act, (handlers.get(act) ?? []).filter((one) => one !== handler));
    };
  }, [handlers, act, enabled]);
}

export function Kbd({ keys }: { keys: string }) {
  return <kbd>{shownKey(keys, isApple())}</kbd>;
}
