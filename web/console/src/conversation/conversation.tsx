/** One conversation: its head, its log, the composer, and what stands beside it. */

import { Button } from "@mantine/core";
import { useRef, useState } from "react";

import { keys, useLive } from "../cache";
import { Composer, type ComposerHandle } from "../composer/composer";
import { claims, type Floor, floorOf, type Kind, mayReply, startsAs } from "../composer/floor";
import type { Trouble } from "../desk";
import { useKey } from "../keys/use-keys";
import { useTyping } from "../live/use-typing";
import type { Pane } from "../routes/panes";
import { Side, type Tab } from "../side/side";
import { useTexts } from "../texts";
import { usePlace, useTools } from "../tools";
import type { Detail } from "../wire";
import { type Changed, Changing } from "./changing";
import styles from "./conversation.module.css";
import { HandBack } from "./hand-back";
import { Judging } from "./judging";
import { Header } from "./header";
import { Log } from "./log";
import { type Opened, useConversation, useDraft } from "./use-conversation";

interface Props {
  id: string;
  side: Pane;
  onSide(): void;
  /** To the list, where list and conversation are two screens. */
  onBack: (() => void) | null;
  onNext(): void;
}

export function Conversation(props: Props) {
  const { t } = useTexts();
  const opened = useConversation(props.id);
  if (opened.detail) return <Shown {...props} opened={opened} detail={opened.detail} />;
  if (opened.failed) {
    return (
      <div className={styles.nothing} role="alert">
        <p>{t(opened.failed === "unknown" ? "conversation.unknown" : "conversation.failed")}</p>
        {props.onBack && (
          <Button variant="default" size="xs" onClick={props.onBack}>
            {t("nav.back")}
          </Button>
        )}
        {opened.failed === "failed" && (
          <Button variant="default" size="xs" onClick={opened.retry}>
            {t("queue.retry")}
          </Button>
        )}
      </div>
    );
  }
  return <Skeleton />;
}

function Shown({ id, side, onSide, onBack, onNext, opened, detail }: Props & { opened: Opened; detail: Detail }) {
  const { me, desk, unsent } = useTools();
  const { row } = detail;
  const place = usePlace(id);
  const draft = useDraft(detail);
  const typing = useTyping(id);
  const viewers = useLive<readonly string[]>(keys.viewers(id)) ?? [];
  const seen = useRef(0);
  const composer = useRef<ComposerHandle>(null);
  const [handingBack, setHandingBack] = useState(false);
  const [changing, setChanging] = useState<Changed | null>(null);
  const [tab, setTab] = useState<Tab>("customer");
  const [turn, setTurn] = useState<number | null>(null);

  // A takeover shows at once; the server decides, and the loser is told.
  const floor: Floor = place.doing === "take_over" ? "mine" : floorOf(row, me.id);
  const [kind, setKind] = useKind(floor, place.trouble);
  const mayTake = claims(floor) || (floor === "colleague" && me.role === "admin");
  const mayResolve = row.status === "open" && (mayTake || floor === "mine");

  function takeOver() {
    setKind("reply");
    void desk.takeOver(id).then((won) => won && composer.current?.focus());
  }

  function resolve() {
    void desk.resolve(id, "").then((done) => done && onNext());
  }

  function write(next: Kind) {
    if (next === "reply" && !mayReply(floor) && !unsent.text(id, "reply")) return;
    setKind(next);
    composer.current?.focus();
  }

  function use(text: string) {
    setKind("reply");
    unsent.append(id, "reply", text);
    composer.current?.focus();
  }

  useKey("take_over", takeOver, mayTake);
  useKey("hand_back", () => setHandingBack(true), floor === "mine");
  useKey("resolve", resolve, mayResolve);
  useKey("reply", () => write("reply"));
  useKey("note", () => write("note"));
  useKey("open", () => composer.current?.focus());

  return (
    <div className={styles.shown} data-side={side}>
      <div className={styles.main}>
        <Header
          row={row}
          viewers={viewers}
          doing={place.doing}
          sideOpen={side !== "away"}
          onTakeOver={mayTake ? takeOver : null}
          onHandBack={floor === "mine" ? () => setHandingBack(true) : null}
          onResolve={mayResolve ? resolve : null}
          onSide={onSide}
          onBack={onBack}
        />
        <Log
          detail={detail}
          draft={floor === "mine" ? null : draft}
          typing={typing}
          sending={place.sending}
          inFlight={place.inFlight}
          fetchingOlder={opened.fetchingOlder}
          onOlder={() => void opened.older()}
          onSeen={(seq) => {
            seen.current = Math.max(seen.current, seq);
          }}
          onUse={floor === "mine" || claims(floor) ? use : null}
          onTurn={(next) => {
            setTurn(next);
            setTab("inspector");
            if (side === "away") onSide();
          }}
          onChange={(bubble, how) => setChanging({ bubble, how })}
          onEdit={(key) => desk.edit(id, key)}
          onForget={(key) => desk.forget(id, key)}
        />
        {floor === "mine" && row.reason === "approval" && <Judging row={row} />}
        <Composer
          ref={composer}
          row={row}
          floor={floor}
          kind={kind}
          onKind={write}
          trouble={place.trouble}
          seen={() => seen.current}
          onTakeOver={mayTake ? takeOver : null}
          onNext={onNext}
        />
      </div>
      {side !== "away" && (
        <Side pane={side} detail={detail} tab={tab} onTab={setTab} turn={turn} draft={draft} onClose={onSide} />
      )}
      <HandBack opened={handingBack} detail={detail} onClose={() => setHandingBack(false)} />
      <Changing changing={changing} detail={detail} onClose={() => setChanging(null)} />
    </div>
  );
}

/**
 * What is written follows who has the floor, until the agent chooses; a change of the floor begins anew. A text that
 * lost the race for it stays in sight.
 */
function useKind(floor: Floor, trouble: Trouble | null): [Kind, (kind: Kind) => void] {
  const [chosen, setChosen] = useState<{ floor: Floor; kind: Kind } | null>(null);
  const lost = trouble?.code === "control" ? trouble.kind : null;
  const kind = chosen?.floor === floor ? chosen.kind : (lost ?? startsAs(floor));
  return [kind, (next) => setChosen({ floor, kind: next })];
}

function Skeleton() {
  const { t } = useTexts();
  return (
    <div className={styles.skeleton} role="status" aria-label={t("app.loading")}>
      <i />
      <b />
      <b />
      <b />
    </div>
  );
}
