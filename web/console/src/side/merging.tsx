/** Finding the customer who is the same person, and joining the two after a look at both. */

import { Button, Modal, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { keys } from "../cache";
import { useTexts } from "../texts";
import { useTools } from "../tools";
import type { Detail, Identities, People } from "../wire";
import { Account } from "./accounts";
import styles from "./side.module.css";

type Person = People["items"][number];

interface Props {
  opened: boolean;
  detail: Detail;
  /** Who the customer of this conversation is. */
  known: Identities;
  onDone(): Promise<void>;
  onClose(): void;
}

const PAUSE = 250;
const SHORTEST = 2;

export function Merging({ opened, onClose, ...more }: Props) {
  const { t } = useTexts();
  return (
    <Modal opened={opened} onClose={onClose} title={t("merge.title")} size={560} closeButtonProps={{ "aria-label": t("close") }}>
      <Choosing {...more} onClose={onClose} />
    </Modal>
  );
}

function Choosing({ detail, known, onDone, onClose }: Omit<Props, "opened">) {
  const { t } = useTexts();
  const { api } = useTools();
  const [typed, setTyped] = useState("");
  const [search] = useDebouncedValue(typed.trim(), PAUSE);
  const [chosen, setChosen] = useState<Person | null>(null);
  const found = useQuery({ queryKey: keys.people(search), queryFn: () => api.people(search), enabled: search.length >= SHORTEST, staleTime: 0 });
  const others = found.data?.items.filter((person) => person.contact !== known.contact) ?? [];

  if (chosen) {
    const me: Person = {
      contact: known.contact,
      name: detail.customer.name || detail.row.customer,
      conversations: detail.customer.conversations,
      identities: known.items.map(({ channel, external }) => [channel, external] as const),
    };
    return <Sure one={me} other={chosen} onDone={onDone} onClose={onClose} onBack={() => setChosen(null)} />;
  }
  return (
    <div className={styles.merge}>
      <TextInput
        label={t("merge.search")}
        description={t("merge.search.hint")}
        type="search"
        value={typed}
        data-autofocus
        dir="auto"
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <p className="hidden" role="status">
        {found.data ? t("merge.found", { n: others.length }) : ""}
      </p>
      {found.isError && (
        <p className={styles.failed} role="alert">
          {t("accounts.failed")}
        </p>
      )}
      {found.data && others.length === 0 && <p className={styles.none}>{t("merge.nobody")}</p>}
      <ul className={styles.people}>
        {others.map((person) => (
          <li key={person.contact}>
            <button type="button" onClick={() => setChosen(person)}>
              <Who person={person} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface SureProps {
  one: Person;
  other: Person;
  onDone(): Promise<void>;
  onClose(): void;
  onBack(): void;
}

function Sure({ one, other, onDone, onClose, onBack }: SureProps) {
  const { t } = useTexts();
  const { api } = useTools();
  const [state, setState] = useState<"" | "busy" | "failed">("");

  function submit(event: FormEvent) {
    event.preventDefault();
    setState("busy");
    api.merge(one.contact, other.contact).then(
      () => onDone().then(onClose),
      () => setState("failed"),
    );
  }

  return (
    <form className={styles.merge} onSubmit={submit}>
      <div className={styles.both}>
        <Who person={one} />
        <Who person={other} />
      </div>
      <p>{t("merge.hint")}</p>
      {state === "failed" && (
        <p className={styles.failed} role="alert">
          {t("accounts.failed")}
        </p>
      )}
      <div className={styles.buttons}>
        <Button variant="default" onClick={onBack}>
          {t("nav.back")}
        </Button>
        <Button type="submit" loading={state === "busy"} data-autofocus>
          {t("merge.submit")}
        </Button>
      </div>
    </form>
  );
}

function Who({ person }: { person: Person }) {
  const { t } = useTexts();
  return (
    <span className={styles.person}>
      <strong dir="auto">{person.name}</strong>
      <span>{t("merge.conversations", { n: person.conversations })}</span>
      {person.identities.map(([channel, external]) => (
        <Account key={`${channel} ${external}`} channel={channel} external={external} />
      ))}
    </span>
  );
}
