/** What only a signed-in agent sees: asks who that is, opens the live line, and leaves for the sign-in when it ends. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { Navigate, Outlet, useLocation } from "react-router";

import { type Api, Refusal } from "../api";
import { keys } from "../cache";
import { Keys } from "../keys/use-keys";
import { browserStorage, signInHint } from "../stored";
import { useTexts } from "../texts";
import { openTools, ToolsContext } from "../tools";
import type { Me } from "../wire";
import { Frame } from "./frame";
import { Message } from "./unknown";

export function Signed({ api }: { api: Api }) {
  const { t } = useTexts();
  const location = useLocation();
  const wasSignedIn = useRef(false);
  const me = useQuery({
    queryKey: keys.me,
    queryFn: async (): Promise<Me | null> => {
      if (!signInHint.get()) return null;
      try {
        return await api.me();
      } catch (error) {
        if (!(error instanceof Refusal) || error.problem.code !== "signed_out") throw error;
        signInHint.set(false);
        return null;
      }
    },
    staleTime: Infinity,
  });

  if (me.data) {
    wasSignedIn.current = true;
    return <Page key={me.data.id} me={me.data} api={api} />;
  }
  if (me.data === null) {
    const state = { from: location.pathname + location.search, again: wasSignedIn.current };
    return <Navigate to="/sign-in" replace state={state} />;
  }
  if (me.isError) {
    return <Message title={t("app.failed")} act={t("queue.retry")} onAct={() => void me.refetch()} />;
  }
  return null;
}

function Page({ me, api }: { me: Me; api: Api }) {
  const client = useQueryClient();
  // The line is opened for a person: a new token for the same person must not break it.
  const tools = useMemo(() => openTools(me, api, client, browserStorage()), [me.id, api, client]);

  useEffect(() => {
    const { link } = tools;
    const wake = () => {
      if (document.visibilityState === "visible") link.wake();
    };
    link.start();
    window.addEventListener("online", wake);
    window.addEventListener("pageshow", wake);
    document.addEventListener("visibilitychange", wake);
    return () => {
      window.removeEventListener("online", wake);
      window.removeEventListener("pageshow", wake);
      document.removeEventListener("visibilitychange", wake);
      link.stop();
    };
  }, [tools]);

  return (
    <ToolsContext value={tools}>
      <Keys>
        <Frame>
          <Outlet />
        </Frame>
      </Keys>
    </ToolsContext>
  );
}
