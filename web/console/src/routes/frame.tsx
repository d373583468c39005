/** Around every signed-in page: the rail (on a phone a bar at the foot), the strip that tells of a lost line, the sheet of keys. */

import { type ReactNode, useEffect, useState } from "react";
import { useNavigate } from "react-router";

import { keys, useLive } from "../cache";
import { showFavicon } from "../favicon";
import { useCounts } from "../queue/use-counts";
import { Sheet } from "../keys/sheet";
import { useKey } from "../keys/use-keys";
import type { LinkState } from "../live/link";
import { useTexts } from "../texts";
import { useTools } from "../tools";
import type { View } from "../wire";
import styles from "./frame.module.css";
import { Rail } from "./rail";

export function Frame({ children }: { children: ReactNode }) {
  const { t } = useTexts();
  const navigate = useNavigate();
  const [sheet, setSheet] = useState(false);
  const waiting = useCounts()["needs-reply"] ?? 0;

  useEffect(() => {
    document.title = waiting > 0 ? `(${waiting}) ${t("title")}` : t("title");
    showFavicon(waiting > 0);
  }, [waiting, t]);

  const go = (view: View) => () => void navigate(`/inbox/${view}`);
  useKey("go_needs_reply", go("needs-reply"));
  useKey("go_mine", go("mine"));
  useKey("go_unassigned", go("unassigned"));
  useKey("go_bot", go("bot"));
  useKey("sheet", () => setSheet(true));

  return (
    <div className={styles.frame}>
      <Rail waiting={waiting} onKeys={() => setSheet(true)} />
      <LineStrip />
      <div className={styles.page}>{children}</div>
      <Sheet opened={sheet} onClose={() => setSheet(false)} />
    </div>
  );
}

/** Shown only when the line stays away for a moment; the page stays usable under it. */
function LineStrip() {
  const { t } = useTexts();
  const { link } = useTools();
  const state = useLive<LinkState>(keys.link) ?? link.state;
  return (
    <div role="status" className={styles.status}>
      {state === "offline" && <div className={styles.strip}>{t("link.offline")}</div>}
    </div>
  );
}
