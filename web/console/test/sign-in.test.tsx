import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { MemoryRouter, Route, Routes } from "react-router";
import { afterEach, beforeEach, expect, test } from "vitest";

import { Api } from "../src/api";
import { SignIn } from "../src/routes/sign-in";
import { FakeServer, me, problem } from "./helpers";

let server: FakeServer;
const user = userEvent.setup();

beforeEach(() => {
  server = new FakeServer();
  render(
    <MantineProvider withCssVariables={false} withGlobalClasses={false} env="test">
      <QueryClientProvider client={new QueryClient()}>
        <MemoryRouter initialEntries={[{ pathname: "/sign-in", state: { from: "/inbox/mine/c1", again: true } }]}>
          <Routes>
            <Route path="/sign-in" element={<SignIn api={new Api(server.fetch)} />} />
            <Route path="/inbox/mine/c1" element={<p>the place</p>} />
          </Routes>
        </MemoryRouter>
      </QueryClientProvider>
    </MantineProvider>,
  );
});
afterEach(cleanup);

async function submit(): Promise<void> {
  await user.type(screen.getByLabelText("E-mail"), "mara@shop.example");
  await user.type(screen.getByLabelText("Password"), "secret{Enter}");
}

test("after an expired sign-in it leads back to the place", async () => {
  expect(screen.getByText(/Your sign-in has ended/)).toBeTruthy();
  server.will(me);
  await submit();
  expect(await screen.findByText("the place")).toBeTruthy();
});

test("a wrong pair is told in the server's words", async () => {
  server.will(problem("wrong_sign_in", { status: 401, text: "The address or the password is wrong." }));
  await submit();
  expect((await screen.findByRole("alert")).textContent).toBe("The address or the password is wrong.");
});

test("too many tries name the wait and bar the button", async () => {
  server.will(problem("rate", { status: 429, wait: 85 }));
  await submit();
  expect((await screen.findByText(/Try again in 1 minute and 2\d seconds/)).textContent).toContain("Too many attempts");
  expect((screen.getByRole("button", { name: "Sign in" }) as HTMLButtonElement).disabled).toBe(true);
});

test("no answer is told as such", async () => {
  await submit();
  expect(await screen.findByText(/cannot be reached/)).toBeTruthy();
});
