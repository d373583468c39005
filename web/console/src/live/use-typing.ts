import { keys, useLive } from "../cache";
import { useNow } from "../now";
import type { Typing } from "./feed";

/** Who is typing in a conversation, until it has not been said again in time. */
export function useTyping(id: string): Typing | null {
  const data = useLive<Typing | null>(keys.typing(id));
  const now = useNow(data != null);
  return data && data.until > now ? data : null;
}
