/** Light, dark, or as the system has it; kept by the browser. */

import { useMediaQuery } from "@mantine/hooks";
import { createContext, useContext } from "react";

export type Scheme = "light" | "dark" | "system";

export const SCHEMES: readonly Scheme[] = ["light", "dark", "system"];

export function useShownScheme(choice: Scheme): "light" | "dark" {
  const dark = useMediaQuery("(prefers-color-scheme: dark)", false, { getInitialValueInEffect: false });
  return choice === "system" ? (dark ? "dark" : "light") : choice;
}

/** What the reader chose, and how to choose otherwise. */
export interface Choices {
  scheme: Scheme;
  language: string | null;
  choose(choice: Partial<Pick<Choices, "scheme" | "language">>): void;
}

export const ChoicesContext = createContext<Choices>({ scheme: "system", language: null, choose: () => {} });

export const useChoices = (): Choices => useContext(ChoicesContext);
