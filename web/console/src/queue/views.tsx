/** The views with their counts: as a pane, and as a menu where the pane is away. */

import { Menu } from "@mantine/core";
import { NavLink, useNavigate } from "react-router";

import { Icon, type IconName } from "../icons";
import { useTexts } from "../texts";
import { type View, VIEWS } from "../wire";
import { useCounts } from "./use-counts";
import styles from "./views.module.css";

const ICONS: Record<View, IconName> = {
  "needs-reply": "inbox",
  mine: "person",
  unassigned: "people",
  bot: "bot",
  resolved: "check",
  all: "list",
};

export function ViewList({ view, onChoose }: { view: View; onChoose(): void }) {
  const texts = useTexts();
  const counts = useCounts();
  return (
    <>
      <h2 className={styles.title}>{texts.t("nav.inbox")}</h2>
      <ul className={styles.list}>
        {VIEWS.map((one) => (
          <li key={one}>
            <NavLink to={`/inbox/${one}`} className={styles.view ?? ""} data-current={one === view || undefined} onClick={onChoose}>
              <Icon name={ICONS[one]} />
              <span className={styles.name}>{texts.t(`view.${one}`)}</span>
              <Count n={counts[one]} />
            </NavLink>
          </li>
        ))}
      </ul>
    </>
  );
}

export function ViewMenu({ view }: { view: View }) {
  const { t } = useTexts();
  const counts = useCounts();
  const navigate = useNavigate();
  return (
    <Menu width={224}>
      <Menu.Target>
        <button type="button" className={styles.choose} title={t("queue.views")}>
          <h2 className={styles.chosen}>{t(`view.${view}`)}</h2>
          <Icon name="down" />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {VIEWS.map((one) => (
          <Menu.Item
            key={one}
            aria-current={one === view || undefined}
            leftSection={<Icon name={ICONS[one]} />}
            rightSection={<Count n={counts[one]} />}
            onClick={() => void navigate(`/inbox/${one}`)}
          >
            {t(`view.${one}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function Count({ n }: { n: number | undefined }) {
  const texts = useTexts();
  return n ? <span className={styles.count}>{texts.count(n)}</span> : null;
}
