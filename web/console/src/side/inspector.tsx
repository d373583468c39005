/** What the bot stands at, and how it came there: flows, slots, and each turn with its commands and calls. */

import { useEffect, useMemo, useRef } from "react";

import { Icon } from "../icons";
import type { Draft } from "../live/draft";
import { useTexts } from "../texts";
import type { Detail, Frame } from "../wire";
import { Section } from "./section";
import styles from "./side.module.css";
import { type Call, type Decision, shown, traces, type TurnTrace } from "./trace";

interface Props {
  detail: Detail;
  turn: number | null;
  draft: Draft | null;
}

export function Inspector({ detail, turn, draft }: Props) {
  const { t } = useTexts();
  const turns = useMemo(() => traces(detail.events), [detail.events]);
  return (
    <>
      <Section title={t("inspector.now")}>
        {draft && (
          <p className={styles.live}>
            <Icon name="pen" size={12} />
            {t("said.writing")}
          </p>
        )}
        {detail.stack.length === 0 ? (
          <p className={styles.none}>{t("inspector.noflow")}</p>
        ) : (
          <ol className={styles.stack}>
            {[...detail.stack].reverse().map((frame, index) => (
              <FrameView key={frame.id} frame={frame} top={index === 0} />
            ))}
          </ol>
        )}
      </Section>
      <Section title={t("inspector.slots")}>
        {detail.slots.length === 0 ? (
          <p className={styles.none}>{t("inspector.noslots")}</p>
        ) : (
          <dl className={styles.facts}>
            {detail.slots.map((slot) => (
              <div key={`${slot.flow} ${slot.name}`} className={styles.fact}>
                <dt>
                  {slot.name}
                  {slot.flow && <span className={styles.of}>{slot.flow}</span>}
                </dt>
                <dd className={styles.value} dir="auto">
                  {shown(slot.value)}
                </dd>
              </div>
            ))}
          </dl>
        )}
      </Section>
      <Section title={t("inspector.turns")}>
        {turns.length === 0 && <p className={styles.none}>{t("inspector.noturns")}</p>}
        {turns.map((trace, index) => (
          <TurnView key={trace.turn} trace={trace} open={turn === null ? index === 0 : trace.turn === turn} asked={trace.turn === turn} />
        ))}
      </Section>
    </>
  );
}

function FrameView({ frame, top }: { frame: Frame; top: boolean }) {
  const { t } = useTexts();
  return (
    <li className={styles.frame} data-top={top || undefined}>
      <Icon name="flow" size={12} />
      <span>
        <b>{frame.flow}</b>
        {frame.step && ` › ${frame.step}`}
      </span>
      {frame.asking && <span className={styles.chip}>{t("inspector.asks", { slot: frame.asking })}</span>}
      {(frame.tries ?? 0) > 0 && (
        <span className={styles.chip} data-tone="warn">
          {t("inspector.tries", { n: frame.tries ?? 0 })}
        </span>
      )}
    </li>
  );
}

function TurnView({ trace, open, asked }: { trace: TurnTrace; open: boolean; asked: boolean }) {
  const texts = useTexts();
  const { t } = texts;
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (!asked || !box.current) return;
    box.current.open = true;
    box.current.scrollIntoView({ block: "start" });
  }, [asked]);

  return (
    <details ref={box} className={styles.turn} open={open} data-asked={asked || undefined}>
      <summary>
        <Icon name="down" size={12} />
        <span className={styles.heard} dir="auto">
          {trace.heard || `#${trace.turn}`}
        </span>
        <time dateTime={trace.at}>{texts.time(trace.at)}</time>
      </summary>
      <div className={styles.turnBody}>
        {trace.responder && (
          <p>
            <b className={styles.responder}>{trace.responder}</b> {t("inspector.decided")}
          </p>
        )}
        {trace.declined.length > 0 && (
          <ul className={styles.declined} aria-label={t("inspector.declined")}>
            {trace.declined.map(([who, why]) => (
              <li key={who}>
                <b>{who}</b>: {why}
              </li>
            ))}
          </ul>
        )}
        {trace.decisions.map((decision, index) => (
          <DecisionView key={index} decision={decision} />
        ))}
        {trace.path.length > 0 && <p className={styles.path}>{trace.path.join(" › ")}</p>}
        {trace.facts.map((fact, index) => (
          <p key={index} className={styles.filled} dir="auto">
            {fact.name} = <span className={styles.value}>{shown(fact.value)}</span>
          </p>
        ))}
        {trace.calls.map((call) => (
          <CallView key={call.key} call={call} />
        ))}
      </div>
    </details>
  );
}

function DecisionView({ decision }: { decision: Decision }) {
  const { t } = useTexts();
  return (
    <p className={styles.decision} data-refused={decision.refused ? true : undefined}>
      <Icon name={decision.refused ? "cross" : "check"} size={12} />
      <span>
        <b>{decision.command}</b> <span dir="auto">{decision.about}</span>{" "}
        <span className={styles.of}>{t("inspector.source", { source: decision.source })}</span>
        {decision.refused && <span className={styles.refused}>{t("inspector.refused", { why: decision.refused })}</span>}
      </span>
    </p>
  );
}

const CALLS = { running: "clock", done: "check", failed: "alert" } as const;

function CallView({ call }: { call: Call }) {
  const { t } = useTexts();
  const args = Object.entries(call.args).map(([name, value]) => `${name}: ${shown(value)}`);
  const outcome = call.state === "failed" ? call.error : call.state === "done" ? shown(call.result) : "";
  return (
    <div className={styles.call} data-state={call.state}>
      <p>
        <Icon name={CALLS[call.state]} size={12} />
        <b>{call.action}</b>
        <span className={styles.of}>{t(`inspector.${call.state}`)}</span>
      </p>
      {args.length > 0 && <p className={styles.value}>{args.join(", ")}</p>}
      {outcome && outcome !== "–" && <p className={styles.value}>→ {outcome}</p>}
    </div>
  );
}
