/** The page as a whole: what was chosen (look, language), the cache, and which address shows what. */

import { DirectionProvider, MantineProvider } from "@mantine/core";
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { BrowserRouter, Navigate, Route, Routes } from "react-router";

import { Api, Refusal, Unreachable } from "../api";
import { keys } from "../cache";
import { type Choices, ChoicesContext, type Scheme, useShownScheme } from "../scheme";
import { readStored, writeStored } from "../stored";
import { loadTexts, preferred, Texts, TextsContext } from "../texts";
import { theme } from "../theme";
import { Inbox } from "./inbox";
import { SignIn } from "./sign-in";
import { Signed } from "./signed";
import { Unknown } from "./unknown";

interface Chosen {
  scheme: Scheme;
  language: string | null;
}

export function App() {
  const [chosen, setChosen] = useState<Chosen>(() => readStored("choices", { scheme: "system", language: null }));
  const scheme = useShownScheme(chosen.scheme);
  const texts = useLoadedTexts(chosen.language);
  const api = useMemo(() => new Api(), []);
  const client = useMemo(newClient, []);

  useEffect(() => {
    document.documentElement.dataset.scheme = scheme;
  }, [scheme]);

  const choices: Choices = {
    ...chosen,
    choose: (choice) => {
      const next = { ...chosen, ...choice };
      setChosen(next);
      writeStored("choices", next);
    },
  };

  if (!texts) return null;
  return (
    <ChoicesContext value={choices}>
      <TextsContext value={texts}>
        <DirectionProvider key={texts.direction} initialDirection={texts.direction} detectDirection={false}>
          <MantineProvider theme={theme} forceColorScheme={scheme} withCssVariables={false} withGlobalClasses={false}>
            <QueryClientProvider client={client}>
              <BrowserRouter basename="/console">
                <Routes>
                  <Route path="sign-in" element={<SignIn api={api} />} />
                  <Route element={<Signed api={api} />}>
                    <Route index element={<Navigate to="/inbox/needs-reply" replace />} />
                    <Route path="inbox" element={<Navigate to="/inbox/needs-reply" replace />} />
                    <Route path="inbox/:view/:id?" element={<Inbox />} />
                    <Route path="*" element={<Unknown />} />
                  </Route>
                </Routes>
              </BrowserRouter>
            </QueryClientProvider>
          </MantineProvider>
        </DirectionProvider>
      </TextsContext>
    </ChoicesContext>
  );
}

function newClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (error instanceof Refusal && error.problem.code === "signed_out") client.setQueryData(keys.me, null);
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        gcTime: 30 * 60_000,
        refetchOnWindowFocus: false,
        retry: (failures, error) => error instanceof Unreachable && failures < 3,
      },
    },
  });
  return client;
}

/** Nothing is shown before the words are there: a page that changes its language under the reader is worse. */
function useLoadedTexts(choice: string | null): Texts | null {
  const language = preferred(choice, navigator.languages);
  const [texts, setTexts] = useState<Texts | null>(language === "en" ? new Texts() : null);
  useEffect(() => {
    let current = true;
    void loadTexts(language)
      .catch(() => new Texts())
      .then((loaded) => {
        if (!current) return;
        document.documentElement.lang = loaded.language;
        document.documentElement.dir = loaded.direction;
        setTexts(loaded);
      });
    return () => {
      current = false;
    };
  }, [language]);
  return texts;
}
