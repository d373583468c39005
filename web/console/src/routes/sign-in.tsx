/** Sign-in: says what went wrong in words, and counts the wait down when there were too many tries. */

import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useLocation, useNavigate } from "react-router";

import { type Api, Refusal } from "../api";
import { keys } from "../cache";
import { Icon } from "../icons";
import { useNow } from "../now";
import { signInHint } from "../stored";
import { useTexts } from "../texts";
import styles from "./sign-in.module.css";

interface From {
  from?: string;
  again?: boolean;
}

type Trouble = { text: string } | { until: number } | null;

export function SignIn({ api }: { api: Api }) {
  const texts = useTexts();
  const { t } = texts;
  const navigate = useNavigate();
  const client = useQueryClient();
  const { from, again } = (useLocation().state ?? {}) as From;
  const [trouble, setTrouble] = useState<Trouble>(null);
  const [busy, setBusy] = useState(false);
  const password = useRef<HTMLInputElement>(null);
  const now = useNow(true);
  const left = trouble && "until" in trouble ? Math.max(0, trouble.until - now) : 0;

  useEffect(() => {
    document.title = t("signin.title");
  }, [t]);

  // Nothing of whoever was here before stays in memory.
  useEffect(() => client.removeQueries({ predicate: (query) => query.queryKey[0] !== keys.me[0] }), [client]);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setTrouble(null);
    try {
      client.setQueryData(keys.me, await api.signIn(String(form.get("email")), String(form.get("password"))));
      signInHint.set(true);
      await navigate(from ?? "/inbox/needs-reply", { replace: true });
    } catch (error) {
      setBusy(false);
      setTrouble(troubleOf(error, t("signin.unreachable")));
      password.current?.focus();
      password.current?.select();
    }
  }

  const text = left > 0 ? t("signin.rate", { wait: texts.wait(left) }) : trouble && "text" in trouble ? trouble.text : "";
  return (
    <main className={styles.page}>
      <form className={styles.card} onSubmit={(event) => void submit(event)}>
        <span className={styles.mark} aria-hidden="true">
          <Icon name="bell" size={20} />
        </span>
        <h1 className={styles.title}>{t("signin.title")}</h1>
        <p className={styles.lead}>{again ? t("signin.again") : t("signin.lead")}</p>
        <TextInput
          name="email"
          type="email"
          label={t("signin.email")}
          autoComplete="username"
          size="md"
          required
          withAsterisk={false}
          autoFocus
        />
        <PasswordInput
          ref={password}
          name="password"
          label={t("signin.password")}
          autoComplete="current-password"
          size="md"
          required
          withAsterisk={false}
          visibilityToggleIcon={({ reveal }) => <Icon name={reveal ? "lock" : "eye"} />}
          visibilityToggleButtonProps={{ "aria-label": t("signin.show") }}
        />
        <div role="alert" className={styles.trouble}>
          {text && (
            <p>
              <Icon name="alert" />
              <span>{text}</span>
            </p>
          )}
        </div>
        <Button type="submit" size="md" fullWidth loading={busy} disabled={left > 0}>
          {t("signin.submit")}
        </Button>
      </form>
    </main>
  );
}

function troubleOf(error: unknown, unreachable: string): Trouble {
  if (!(error instanceof Refusal)) return { text: unreachable };
  const { code, text, wait } = error.problem;
  return code === "rate" && wait != null ? { until: Date.now() + wait * 1_000 } : { text };
}
