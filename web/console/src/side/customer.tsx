import { channelIcon, channelName } from "../channel";
import { reasonKey } from "../conversation/timeline";
import { Face } from "../face";
import { Icon } from "../icons";
import { useTexts } from "../texts";
import { type Detail, stateOf } from "../wire";
import { Accounts } from "./accounts";
import { Section } from "./section";
import styles from "./side.module.css";

export function CustomerTab({ detail }: { detail: Detail }) {
  const texts = useTexts();
  const { t } = texts;
  const { customer, row } = detail;
  const facts = Object.entries(customer.facts);
  return (
    <>
      <div className={styles.card}>
        <Face name={customer.name || row.customer} kind="customer" size={48} />
        <div>
          <h2 className={styles.name} dir="auto">
            {customer.name || row.customer}
          </h2>
          <p className={styles.channel}>
            <Icon name={channelIcon(customer.channel)} size={12} />
            {channelName(customer.channel, t)}
          </p>
        </div>
      </div>
      {row.reason && stateOf(row.control) !== "bot" && (
        <Section title={t("customer.handoff")}>
          <p className={styles.why}>{t(reasonKey("line.wanted", row.reason))}</p>
          {row.note && <p dir="auto">{row.note}</p>}
        </Section>
      )}
      <Section title={t("customer.about")}>
      <dl className={styles.facts}>
        <dt>{t("customer.language")}</dt>
        <dd>{customer.language ? texts.languageName(customer.language) : "–"}</dd>
        <dt>{t("customer.since")}</dt>
        <dd>{texts.date(customer.first_seen)}</dd>
        <dt>{t("customer.count")}</dt>
        <dd>{texts.count(customer.conversations)}</dd>
      </dl>
      </Section>
      <Accounts detail={detail} />
      <Section title={t("customer.facts")}>
        {facts.length === 0 ? (
          <p className={styles.none}>{t("customer.nofacts")}</p>
        ) : (
          <dl className={styles.facts}>
            {facts.map(([name, value]) => (
              <div key={name} className={styles.fact}>
                <dt dir="auto">{name}</dt>
                <dd dir="auto">{value}</dd>
              </div>
            ))}
          </dl>
        )}
      </Section>
    </>
  );
}
