// A signed-in page's tools over a server that a test plays.
import { DirectionProvider, MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { MemoryRouter } from "react-router";

import { Api } from "../src/api";
import { keys } from "../src/cache";
import { Keys } from "../src/keys/use-keys";
import { openTools, type Tools, ToolsContext } from "../src/tools";
import type { Detail, Me, Problem } from "../src/wire";
import { ME } from "./samples";

export const me: Me = { id: ME.id ?? "", name: "Mara", email: "mara@shop.example", role: "agent", csrf: "c1", brand: "Shop" };

export interface Asked {
  path: string;
  body: Record<string, unknown>;
  key: string;
  token: string;
}

type Answer = object | Problem | Error | Promise<object>;

/** Answers in turn, a promise when it is kept; what was asked stands in `asked`. */
export class FakeServer {
  asked: Asked[] = [];
  #answers: Answer[] = [];

  will(...answers: Answer[]): void {
    this.#answers.push(...answers);
  }

  readonly fetch = async (address: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (init.method === "POST") {
      this.asked.push({
        path: address.replace("/api/console", ""),
        body: init.body instanceof File ? { file: init.body.name } : (JSON.parse(String(init.body)) as Record<string, unknown>),
        key: headers.get("idempotency-key") ?? "",
        token: headers.get("x-csrf-token") ?? "",
      });
    }
    const answer = (await this.#answers.shift()) ?? new Error("nobody answers");
    if (answer instanceof Error) throw answer;
    const refused = "code" in answer;
    return new Response(JSON.stringify(answer), {
      status: refused ? (answer as Problem).status : 200,
      headers: { "content-type": refused ? "application/problem+json" : "application/json" },
    });
  };
}

export function problem(code: Problem["code"], more: Partial<Problem> = {}): Problem {
  return {
    type: `urn:x:${code}`,
    title: code,
    status: 409,
    code,
    text: `It is ${code}.`,
    request: "r1",
    row: null,
    events: [],
    wait: null,
    ...more,
  };
}

export function makeTools(server: FakeServer, open?: Detail): Tools {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  if (open) client.setQueryData(keys.conversation(open.row.id), open);
  return openTools(me, new Api(server.fetch), client, null);
}

export function Page({ tools, children }: { tools: Tools; children: ReactNode }) {
  return (
    <DirectionProvider detectDirection={false}>
      <MantineProvider withCssVariables={false} withGlobalClasses={false} env="test">
        <QueryClientProvider client={tools.client}>
          <MemoryRouter>
            <ToolsContext value={tools}>
              <Keys>{children}</Keys>
            </ToolsContext>
          </MemoryRouter>
        </QueryClientProvider>
      </MantineProvider>
    </DirectionProvider>
  );
}
