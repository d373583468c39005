// For developers: where to point a client, what was called and delivered, and what is to go wrong.

import { h, iconButton, keep, toast } from "./dom.js";
import { clock, copy } from "./message.js";
import { act, get, state } from "./sandbox.js";

const EXAMPLES = {
  telegram: [
    ["Limit the second message", [{ on: "sendMessage", nth: 2, do: { status: 429, after: 3 } }]],
    ["Cut after sending", [{ on: "sendMessage", times: 1, do: { accept_then_cut: true } }]],
    ["Deliver twice", [{ on: "message", do: { duplicate: 1 } }]],
  ],
  slack: [
    ["Limit the second message", [{ on: "chat.postMessage", nth: 2, do: { status: 429, after: 3 } }]],
    ["Cut after posting", [{ on: "chat.postMessage", times: 1, do: { accept_then_cut: true } }]],
    ["Deliver twice", [{ on: "message", do: { duplicate: 1 } }]],
  ],
  discord: [
    ["Limit the second message", [{ on: "create_message", nth: 2, do: { status: 429, after: 3 } }]],
    ["End the gateway", [{ on: "MESSAGE_CREATE", nth: 1, do: { disconnect: 4000 } }]],
    ["Cut after posting", [{ on: "create_message", times: 1, do: { accept_then_cut: true } }]],
  ],
  openai: [
    ["Limit the next answer", [{ on: "chat.completions", times: 1, do: { status: 429, after: 3 } }]],
    ["Cut the stream", [{ on: "chunk", nth: 4, do: { cut: true } }]],
    ["Broken JSON", [{ on: "chat.completions", times: 1, do: { spoil: "json" } }]],
    ["Slow to begin", [{ on: "chat.completions", do: { delay: 10 } }]],
  ],
};
const SCRIPT = [{ when: "order (\\d+)", call: [{ name: "lookup", arguments: { question: "order {1}" } }] }, { when: "hello", say: "Hello there!" }];

export class Drawer {
  constructor() {
    this.entries = [];
    this.tab = "connect";
    this.filter = h("input", { type: "search", placeholder: "Only those that hold…", "aria-label": "Only those that hold",
      oninput: () => this.drawLog() });
    this.log = h("ol", { class: "entries", "aria-label": "Log" });
    this.script = h("textarea", { class: "script", rows: "10", spellcheck: "false", "aria-label": "Script of faults" });
    this.script.value = "[]";
    this.met = h("div", { class: "met", role: "status" });
    this.tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "For developers", onkeydown: (event) => this.turn(event) });
    this.body = h("div", { class: "drawer-body", role: "tabpanel", id: "panel", tabindex: "0" });
    this.element = h("aside", { class: "drawer", "aria-label": "For developers", hidden: true },
      h("header", null, h("h2", null, "For developers"), iconButton("close", "Close", () => this.toggle())), this.tabs, this.body);
  }

  toggle() {
    this.element.hidden = !this.element.hidden;
    this.button?.setAttribute("aria-expanded", String(!this.element.hidden));
    if (this.element.hidden) this.button?.focus();
    else { this.show(this.tab); this.refresh(); this.tabs.querySelector("[aria-selected=true]").focus(); }
  }

  show(tab) {
    this.tab = tab;
    const names = { connect: "Connect", journal: "Log", faults: "Faults", ...(state.seen?.platform === "openai" && { model: "Model" }) };
    this.tabs.replaceChildren(...Object.entries(names).map(([name, label]) => h("button", { type: "button", role: "tab",
      id: `tab-${name}`, "aria-selected": String(name === tab), "aria-controls": "panel", tabindex: name === tab ? "0" : "-1",
      onclick: () => this.show(name) }, label)));
    this.body.setAttribute("aria-labelledby", `tab-${tab}`);
    this.body.replaceChildren(...this[tab]());
    this.refresh();
  }

  turn(event) {
    const tabs = [...this.tabs.children];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const to = tabs[(tabs.findIndex((each) => each.tabIndex === 0) + step + tabs.length) % tabs.length];
    to.click();
    this.tabs.querySelector("[aria-selected=true]").focus();
  }

  connect() {
    return [h("p", null, "Point the unmodified client library of your bot here."),
      ...Object.entries({ ...state.about?.told, ...state.about?.how }).map(([name, value]) => h("div", { class: "told" },
        h("div", { class: "told-head" }, h("span", null, name), iconButton("copy", `Copy ${name}`, () => copy(value))),
        value.includes("\n") || value.length > 60 ? h("pre", { tabindex: "0" }, value) : h("code", null, value)))];
  }

  journal() { return [this.filter, this.log]; }

  faults() {
    const examples = EXAMPLES[state.seen?.platform] ?? [];
    return [
      h("p", null, "What is to go wrong, with calls of the bot and with events on their way to it. The first rule that is met decides."),
      h("div", { class: "examples" }, examples.map(([label, rules]) => h("button", { type: "button", class: "quiet",
        onclick: () => { this.script.value = JSON.stringify(rules, null, 2); } }, label))),
      this.script,
      h("div", { class: "dialog-buttons" },
        h("button", { type: "button", class: "quiet", onclick: () => { this.script.value = "[]"; this.apply(); } }, "Clear"),
        h("button", { type: "button", class: "strong", onclick: () => this.apply() }, "Apply")),
      this.met,
    ];
  }

  model() {
    const lines = h("textarea", { class: "script", rows: "12", spellcheck: "false", "aria-label": "Script of answers" });
    lines.value = JSON.stringify(SCRIPT, null, 2);
    const by = (who, label) => h("label", { class: "option" }, h("input", { type: "radio", name: "plays",
      checked: state.seen.plays === who, onchange: () => act("play", { by: who }) }), label);
    return [
      h("fieldset", { class: "field" }, h("legend", null, "Who answers what the script does not"),
        by("person", "I do, on this page"), by("script", "Nobody: it says so")),
      h("p", null, "The first line whose words are found in what the user said answers."),
      lines,
      h("div", { class: "dialog-buttons" }, h("button", { type: "button", class: "strong", onclick: async () => {
        let read;
        try { read = JSON.parse(lines.value); } catch (error) { return toast(String(error.message), "bad"); }
        if (await act("script", { lines: read })) toast("The script answers now.");
      } }, "Use this script")),
    ];
  }

  async apply() {
    const answer = await fetch("/_/faults", { method: "PUT", body: this.script.value });
    if (!answer.ok) return toast((await answer.json()).error, "bad");
    toast("From now on.");
    this.refresh();
  }

  async refresh() {
    if (this.element.hidden) return;
    try {
      if (this.tab === "journal") {
        const last = this.entries.at(-1)?.n ?? 0;
        const found = await get(`/_/log?after=${last}`);
        this.entries.push(...found.filter((entry) => entry.n > (this.entries.at(-1)?.n ?? 0)));
        this.drawLog();
      }
      if (this.tab === "faults") this.drawMet(await get("/_/faults"));
    } catch { /* the banner says that it is gone */ }
  }

  /** It is another sandbox now, at the same address. */
  forget() {
    this.entries = [];
    this.log.replaceChildren();
  }

  drawLog() {
    const wanted = this.filter.value.toLowerCase();
    const shown = this.entries.filter((entry) => !wanted || JSON.stringify(entry).toLowerCase().includes(wanted)).slice(-300).reverse();
    this.drawn ??= new Map();
    keep(this.log, shown.map((entry) => {
      if (!this.drawn.has(entry)) this.drawn.set(entry, drawEntry(entry));
      return this.drawn.get(entry);
    }));
  }

  drawMet(rules) {
    this.met.replaceChildren(...(rules.length
      ? rules.map(({ rule, done }) => h("div", null, h("code", null, rule.on), ` met ${done} ${done === 1 ? "time" : "times"}`))
      : [h("div", null, "Nothing goes wrong now.")]));
  }
}


function drawEntry(entry) {
  const data = entry.data === null || entry.data === undefined ? "" : JSON.stringify(entry.data, null, 2);
  return h("li", null, h("details", null,
    h("summary", null, h("span", { class: "n" }, String(entry.n)), h("span", { class: `kind ${entry.kind}` }, entry.kind),
      h("span", { class: "name" }, entry.name), h("time", { datetime: entry.at }, clock(entry.at))),
    h("pre", { tabindex: "0" }, data || "nothing more")));
}
