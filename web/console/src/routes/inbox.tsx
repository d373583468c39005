/** The inbox: views, queue, conversation and side pane. What is selected stands in the address. */

import { useEffect, useRef } from "react";
import { Navigate, useNavigate, useParams, useSearchParams } from "react-router";

import { Conversation } from "../conversation/conversation";
import { NoConversation } from "../conversation/none";
import { useKey } from "../keys/use-keys";
import { Queue } from "../queue/queue";
import { useRows } from "../queue/use-rows";
import { ViewList } from "../queue/views";
import { useTexts } from "../texts";
import { isView, type View } from "../wire";
import styles from "./inbox.module.css";
import { usePanes } from "./panes";
import { Unknown } from "./unknown";

export function Inbox() {
  const { view, id } = useParams();
  if (view === undefined) return <Navigate to="/inbox/needs-reply" replace />;
  return isView(view) ? <Panes view={view} id={id ?? null} /> : <Unknown />;
}

function Panes({ view, id }: { view: View; id: string | null }) {
  const { t } = useTexts();
  const navigate = useNavigate();
  const [search, setSearch] = useSearchParams();
  const words = search.get("q") ?? "";
  const panes = usePanes();
  const list = useRows(view, words);

  const go = (pathname: string) => void navigate({ pathname, search: search.toString() });
  const open = (conversation: string) => {
    panes.clear();
    go(`/inbox/${view}/${conversation}`);
  };
  const step = useSteps(list.rows.map((row) => row.id), id, open);
  useKey("next", () => step(1));
  useKey("previous", () => step(-1));
  useKey("views", () => panes.toggle("views"));
  useKey("side", () => panes.toggle("side"));

  const showList = !panes.single || id === null;
  const showConversation = !panes.single || id !== null;
  return (
    <main className={styles.inbox} data-views={panes.views} data-single={panes.single || undefined}>
      <h1 className="hidden">{t("title")}</h1>
      {showConversation && (
        <a className="hidden skip" href="#conversation">
          {t("nav.skip")}
        </a>
      )}
      {panes.views !== "away" && (
        <aside className={styles.views} data-pane={panes.views} aria-label={t("nav.views")}>
          <ViewList view={view} onChoose={panes.clear} />
        </aside>
      )}
      {showList && (
        <section className={styles.queue} aria-label={t("nav.queue")}>
          <Queue
            list={list}
            view={view}
            selected={id}
            words={words}
            chooseView={panes.views !== "docked"}
            onOpen={open}
            onSearch={(next) => setSearch(next ? { q: next } : {}, { replace: true })}
          />
        </section>
      )}
      {showConversation && (
        <section id="conversation" tabIndex={-1} className={styles.conversation} aria-label={t("nav.conversation")}>
          {id ? (
            <Conversation
              key={id}
              id={id}
              side={panes.side}
              onSide={() => panes.toggle("side")}
              onBack={panes.single ? () => go(`/inbox/${view}`) : null}
              onNext={() => step(1)}
            />
          ) : (
            <NoConversation />
          )}
        </section>
      )}
      {(panes.views === "over" || (panes.side === "over" && id)) && (
        <button type="button" className={styles.veil} aria-label={t("close")} onClick={panes.clear} />
      )}
    </main>
  );
}

/** One step up or down the list; where the open one has left it, from the place where it stood. */
function useSteps(ids: readonly string[], id: string | null, open: (id: string) => void): (by: 1 | -1) => void {
  const place = useRef(-1);
  const index = id ? ids.indexOf(id) : -1;
  useEffect(() => {
    if (index >= 0) place.current = index;
  }, [index]);
  return (by) => {
    const from = index >= 0 ? index + by : id && by === 1 ? Math.max(0, place.current) : place.current + by;
    const next = ids[Math.min(Math.max(from, 0), ids.length - 1)];
    if (next !== undefined && next !== id) open(next);
  };
}
