/** Who the customer is, channel by channel; two who are one person are joined here, and taken apart again. */

import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { keys } from "../cache";
import { channelIcon, channelName } from "../channel";
import { Icon } from "../icons";
import { useTexts } from "../texts";
import { useTools } from "../tools";
import type { Detail } from "../wire";
import { Merging } from "./merging";
import { Section } from "./section";
import styles from "./side.module.css";

export function Accounts({ detail }: { detail: Detail }) {
  const { t } = useTexts();
  const { api } = useTools();
  const id = detail.row.id;
  const query = useQuery({ queryKey: keys.identities(id), queryFn: () => api.identities(id) });
  const changed = useChanged(id);
  const [merging, setMerging] = useState(false);
  const [failed, setFailed] = useState(false);
  const known = query.data;

  function apart(channel: string, external: string) {
    setFailed(false);
    api.unmerge(channel, external).then(changed, () => setFailed(true));
  }

  if (!known) return null;
  return (
    <Section title={t("accounts.title")}>
      <ul className={styles.accounts}>
        {known.items.map(({ channel, external, merged }) => (
          <li key={`${channel} ${external}`}>
            <Account channel={channel} external={external} />
            {merged && (
              <Button variant="subtle" size="compact-xs" onClick={() => apart(channel, external)} aria-label={t("accounts.apart.of", { name: short(external) })}>
                {t("accounts.apart")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {failed && (
        <p className={styles.failed} role="alert">
          {t("accounts.failed")}
        </p>
      )}
      <Button variant="default" size="xs" onClick={() => setMerging(true)}>
        {t("accounts.merge")}
      </Button>
      <Merging opened={merging} detail={detail} known={known} onDone={changed} onClose={() => setMerging(false)} />
    </Section>
  );
}

/** What was fetched of the customer is fetched again. */
function useChanged(id: string): () => Promise<void> {
  const { client, load } = useTools();
  return async () => {
    await Promise.all([
      client.invalidateQueries({ queryKey: ["identities"] }),
      client.fetchQuery({ queryKey: keys.conversation(id), queryFn: () => load(id), staleTime: 0 }).catch(() => undefined),
    ]);
  };
}

export function Account({ channel, external }: { channel: string; external: string }) {
  const { t } = useTexts();
  return (
    <span className={styles.account}>
      <Icon name={channelIcon(channel)} size={12} />
      <span>{channelName(channel, t)}</span>
      <bdi title={external}>{short(external)}</bdi>
    </span>
  );
}

/** A visitor of the website has no other name than a long number. */
const short = (external: string) => (external.length > 24 ? `${external.slice(0, 8)}…` : external);
