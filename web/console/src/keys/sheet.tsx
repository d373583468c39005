/** The sheet of keys. */

import { Modal } from "@mantine/core";
import { Fragment } from "react";

import { type Key, useTexts } from "../texts";
import { type Binding, BINDINGS } from "./keys";
import styles from "./sheet.module.css";
import { Kbd } from "./use-keys";

const GROUPS: readonly Binding["group"][] = ["go", "act", "write"];

export function Sheet({ opened, onClose }: { opened: boolean; onClose(): void }) {
  const { t } = useTexts();
  return (
    <Modal opened={opened} onClose={onClose} title={t("keys.title")} size={720} closeButtonProps={{ "aria-label": t("close") }}>
      <p className={styles.hint}>{t("keys.hint")}</p>
      <div className={styles.groups}>
        {GROUPS.map((group) => (
          <section key={group}>
            <h3 className={styles.title}>{t(`keys.group.${group}`)}</h3>
            <dl className={styles.list}>
              {acts(group).map(([act, ways]) => (
                <Fragment key={act}>
                  <dt>{t(`keys.${act}` as Key)}</dt>
                  <dd>
                    {ways.map((way) => (
                      <span key={way.join()} className={styles.way}>
                        {way.map((key, index) => (
                          <Fragment key={key}>
                            {index > 0 && <span className={styles.then}>{t("keys.then")}</span>}
                            <Kbd keys={key} />
                          </Fragment>
                        ))}
                      </span>
                    ))}
                  </dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}

/** Each act once, with every way to it. */
function acts(group: Binding["group"]): [string, (readonly string[])[]][] {
  const ways = new Map<string, (readonly string[])[]>();
  for (const binding of BINDINGS) {
    if (binding.group === group) ways.set(binding.act, [...(ways.get(binding.act) ?? []), binding.keys]);
  }
  return [...ways];
}
