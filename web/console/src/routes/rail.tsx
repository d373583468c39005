import { Menu, Tooltip } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { NavLink, useNavigate } from "react-router";

import { keys } from "../cache";
import { Face } from "../face";
import { Icon, type IconName } from "../icons";
import { Kbd } from "../keys/use-keys";
import { SCHEMES, type Scheme, useChoices } from "../scheme";
import { signInHint } from "../stored";
import { LANGUAGES, useTexts } from "../texts";
import { useTools } from "../tools";
import styles from "./frame.module.css";

interface Props {
  waiting: number;
  onKeys(): void;
}

export function Rail({ waiting, onKeys }: Props) {
  const { t } = useTexts();
  return (
    <nav className={styles.rail} aria-label={t("nav.main")}>
      <span className={styles.mark} aria-hidden="true">
        <Icon name="bell" />
      </span>
      <span className={styles.desk}>
        <Place to="/inbox" icon="inbox" name={t("nav.inbox")} badge={waiting} hint={<Kbd keys="G" />} />
      </span>
      <span className={styles.phone}>
        <Place to="/inbox/needs-reply" icon="inbox" name={t("view.needs-reply")} badge={waiting} />
      </span>
      <span className={styles.phone}>
        <Place to="/inbox/mine" icon="person" name={t("view.mine")} />
      </span>
      <span className={styles.phone}>
        <Place to="/inbox/bot" icon="bot" name={t("view.bot")} />
      </span>
      <span className={styles.gap} />
      <Tooltip label={<>{t("nav.keys")}<Kbd keys="?" /></>}>
        <button type="button" className={`${styles.place} ${styles.desk}`} aria-label={t("nav.keys")} onClick={onKeys}>
          <Icon name="keys" />
        </button>
      </Tooltip>
      <PersonMenu />
    </nav>
  );
}

interface PlaceProps {
  to: string;
  icon: IconName;
  name: string;
  badge?: number;
  hint?: ReactNode;
}

function Place({ to, icon, name, badge = 0, hint }: PlaceProps) {
  const texts = useTexts();
  return (
    <Tooltip label={<>{name}{hint}</>} disabled={!hint}>
      <NavLink to={to} className={styles.place ?? ""}>
        <span className="hidden">{badge > 0 ? `${name}, ${texts.count(badge)}` : name}</span>
        <Icon name={icon} size={18} />
        {badge > 0 && (
          <span className={styles.badge} aria-hidden="true">
            {badge > 99 ? "99+" : texts.count(badge)}
          </span>
        )}
        <span className={styles.placeName} aria-hidden="true">
          {name}
        </span>
      </NavLink>
    </Tooltip>
  );
}

const LOOKS: Record<Scheme, IconName> = { light: "sun", dark: "moon", system: "screen" };

function PersonMenu() {
  const { t, language } = useTexts();
  const { me, api } = useTools();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { scheme, choose } = useChoices();

  async function signOut() {
    await api.signOut().catch(() => {});
    signInHint.set(false);
    await navigate("/sign-in", { replace: true });
    client.setQueryData(keys.me, null);
  }

  return (
    <Menu width={264} position="top-start">
      <Menu.Target>
        <button type="button" className={styles.place}>
          <Face name={me.name} kind="agent" size={28} />
          <span className="hidden">{t("nav.you", { name: me.name })}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={styles.who}>
          <div className={styles.whoName}>{me.name}</div>
          <div className={styles.whoMail}>{me.email}</div>
        </div>
        <Menu.Label>{t("menu.look")}</Menu.Label>
        <Menu.RadioGroup value={scheme} onChange={(look) => choose({ scheme: look as Scheme })}>
          <div className={styles.looks}>
            {SCHEMES.map((look) => (
              <Menu.RadioItem key={look} value={look} checkIcon={null} closeMenuOnClick={false}>
                <span className={styles.look}>
                  <Icon name={LOOKS[look]} />
                  {t(`menu.${look}`)}
                </span>
              </Menu.RadioItem>
            ))}
          </div>
        </Menu.RadioGroup>
        <Menu.Label>{t("menu.language")}</Menu.Label>
        <Menu.RadioGroup value={language} onChange={(tag) => choose({ language: tag })}>
          {LANGUAGES.map((tag) => (
            <Menu.RadioItem key={tag} value={tag} lang={tag} checkIcon={<Icon name="check" />} closeMenuOnClick>
              {nativeName(tag)}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="leave" />} onClick={() => void signOut()}>
          {t("menu.signout")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** A language is chosen by the name its speakers give it. */
function nativeName(tag: string): string {
  const name = new Intl.DisplayNames(tag, { type: "language" }).of(tag) ?? tag;
  return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1);
}
