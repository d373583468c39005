// Where the person writes: text, commands, files, voice, location; and what a bot puts below it.

import { ask, h, icon, iconButton, keep, openMenu, toast } from "./dom.js";
import { bytes, plain } from "./message.js";
import { act, can, chat, isMine, state, titleOf } from "./sandbox.js";

export class Composer {
  /** `show` opens another chat. */
  constructor(show) {
    this.open = show;
    this.mode = null; // { kind: "reply" | "thread" | "edit", message }
    this.files = [];
    this.recorder = null;
    this.drafts = new Map(); // chat id to text not yet sent
    this.of = null;

    this.text = h("textarea", { rows: "1", placeholder: "Message", "aria-label": "Message", autocomplete: "off",
      oninput: () => this.typed(), onkeydown: (event) => this.key(event), onpaste: (event) => this.pasted(event) });
    this.file = h("input", { type: "file", multiple: true, hidden: true, tabindex: "-1", "aria-label": "Files",
      onchange: () => { this.take(this.file.files); this.file.value = ""; } });
    this.attach = iconButton("attach", "Attach", () => this.attachments(), { class: "icon-button attach", "aria-haspopup": "menu" });
    this.voice = iconButton("microphone", "Record a voice message", () => this.record(), { class: "icon-button voice" });
    this.send = h("button", { class: "send", "aria-label": "Send", title: "Send" }, icon("send"));
    this.about = h("div", { class: "compose-about", hidden: true });
    this.chosen = h("ul", { class: "chosen", "aria-label": "Files to send", hidden: true });
    this.list = h("ul", { class: "commands", id: "commands", role: "listbox", "aria-label": "Commands", hidden: true });
    this.keyboard = h("div", { class: "keyboard", role: "group", "aria-label": "Quick replies", hidden: true });
    this.playing = h("div", { class: "playing", hidden: true });
    this.form = h("form", { class: "compose", onsubmit: (event) => { event.preventDefault(); this.submit(); } },
      this.attach, this.text, this.voice, this.send);
    this.away = h("span");
    this.back = h("button", { type: "button", class: "strong",
      onclick: () => act("member", { chat: this.of, what: chat().kind === "private" ? "unblock" : "join" }) });
    this.blocked = h("div", { class: "blocked", hidden: true }, this.away, this.back);
    this.start = h("div", { class: "blocked", hidden: true }, h("button", { type: "button", class: "strong",
      onclick: () => act("open", { chat: this.of, payload: "" }) }, "Start"));
    this.element = h("div", { class: "composer" }, this.list, this.playing, this.about, this.chosen, this.start, this.form, this.blocked,
      this.keyboard, this.file);
    this.element.addEventListener("dragover", (event) => { if (can("upload")) event.preventDefault(); });
    this.element.addEventListener("drop", (event) => {
      if (can("upload")) { event.preventDefault(); this.take(event.dataTransfer.files); }
    });
  }

  update() {
    const here = chat();
    this.element.hidden = !here;
    if (!here) return;
    if (this.of !== here.id) {
      if (this.of !== null) this.drafts.set(this.of, this.text.value);
      this.of = here.id;
      this.text.value = this.drafts.get(here.id) ?? "";
      this.leaveMode();
      this.files = [];
      this.showFiles();
      this.typed();
    }
    const waits = state.seen.platform === "openai";
    this.text.placeholder = waits ? (can("say") ? "Answer as the model" : "Nothing waits for an answer") : `Message ${titleOf(here)}`;
    this.text.disabled = !can("say");
    const alone = here.kind === "private";
    this.form.hidden = here.kind === "home" || (alone && Boolean(here.blocked));
    this.blocked.hidden = !here.blocked;
    this.away.textContent = alone ? "You have blocked this bot." : "The bot is not in here.";
    this.back.textContent = alone ? "Unblock" : "Add it";
    this.start.hidden = state.seen.platform !== "telegram" || !alone || here.blocked || here.messages.length > 0;
    this.attach.hidden = !["upload", "location", "contact"].some(can);
    this.voice.hidden = !can("voice") || !navigator.mediaDevices || !window.MediaRecorder;
    this.send.disabled = !can("say");
    this.showKeyboard(here);
    this.showTools(here);
  }

  // The reply keyboard

  showKeyboard(here) {
    const wanted = here.blocked ? null : here.keyboard;
    const signature = JSON.stringify([here.id, wanted]);
    if (this.keyboard.dataset.of === signature) return;
    this.keyboard.dataset.of = signature;
    this.keyboard.hidden = !wanted?.length;
    keep(this.keyboard, (wanted ?? []).map((row) => h("div", { class: "row" }, row.map((each) =>
      h("button", { type: "button", onclick: () => this.quick(each) },
        each.ask && icon(each.ask === "contact" ? "contact" : "location"), each.label)))));
  }

  quick(each) {
    if (each.ask === "contact") return act("contact", { chat: this.of });
    if (each.ask === "location") return this.shareLocation();
    return act("say", { chat: this.of, text: each.label });
  }

  // The model's side of the OpenAI stand-in

  showTools(here) {
    const signature = JSON.stringify([here.id, here.waiting]);
    if (this.playing.dataset.of === signature) return;
    this.playing.dataset.of = signature;
    this.playing.hidden = !here.waiting;
    keep(this.playing, !here.waiting ? [] : [
      h("span", { class: "asks" }, `${here.waiting.model}${here.waiting.stream ? ", streamed" : ""}`),
      here.waiting.stream && h("button", { type: "button", class: "quiet", onclick: () => this.piece() }, "Send a piece and go on"),
      here.waiting.tools.length > 0 && this.toolsButton(here.waiting.tools),
      this.refuseButton(),
    ].filter(Boolean));
  }

  toolsButton(tools) {
    const made = h("button", { type: "button", class: "quiet", "aria-haspopup": "menu", onclick: () => openMenu(made,
      tools.map((tool) => ({ text: tool.name, run: () => this.call(tool) })), "Tools") }, "Call a tool");
    return made;
  }

  refuseButton() {
    const made = h("button", { type: "button", class: "quiet", "aria-haspopup": "menu", onclick: () => openMenu(made,
      [429, 500, 503].map((status) => ({ text: `Fail with ${status}`, run: () => act("refuse", { chat: this.of, status }) })),
      "Failures") }, "Fail");
    return made;
  }

  async piece() {
    if (this.text.value && await act("piece", { chat: this.of, text: this.text.value })) this.clear();
    this.text.focus();
  }

  async call(tool) {
    const names = Object.entries(tool.parameters?.properties ?? {});
    const given = await ask(`Call ${tool.name}`, names.map(([name, schema]) => ({
      name, label: schema.description ? `${name}: ${schema.description}` : name, options: schema.enum })), "Call it");
    if (!given) return;
    const typed = names.map(([name, schema]) => [name, readAs(schema.type, given[name])]);
    act("call", { chat: this.of, name: tool.name, arguments: Object.fromEntries(typed) });
  }

  // Writing

  key(event) {
    if (!this.list.hidden && this.chooseCommand(event)) return;
    if (event.key === "Escape" && this.mode) { this.leaveMode(); this.text.value = ""; this.typed(); }
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.submit(); }
    if (event.key === "ArrowUp" && !this.text.value && can("edit")) {
      const last = [...chat().messages].reverse().find((each) => isMine(each) && !each.deleted);
      if (last) { event.preventDefault(); this.edit(last); }
    }
  }

  typed() {
    this.text.style.setProperty("height", "auto");
    const { scrollHeight } = this.text; // 0: not on screen
    if (scrollHeight) this.text.style.setProperty("height", `${Math.min(scrollHeight, 160)}px`);
    this.form.classList.toggle("empty", !this.text.value.trim() && !this.files.length);
    this.showCommands();
  }

  clear() {
    this.text.value = "";
    this.drafts.delete(this.of);
    this.typed();
  }

  async submit() {
    const text = this.text.value.trim();
    const here = chat();
    if (!here || (!text && !this.files.length)) return;
    if (this.files.length) return this.upload(text);
    const { mode } = this;
    const known = (here.commands ?? []).map((each) => each.name.replace(/^\//, ""))
      .filter((name) => text === `/${name}` || text.startsWith(`/${name} `)).sort((a, b) => b.length - a.length)[0];
    this.clear();
    this.leaveMode();
    let done;
    if (mode?.kind === "edit") done = await act("edit", { chat: here.id, message: mode.message.id, text });
    else if (known) done = await act("command", { chat: here.id, name: known, text: text.slice(known.length + 1).trim() });
    else done = await act("say", { chat: here.id, text, ...(mode?.kind === "reply" && { reply_to: mode.message.id }),
      ...(mode?.kind === "thread" && { thread: mode.message.id }) });
    if (!done && !this.text.value) { this.text.value = text; this.typed(); }
    if (done?.chat && done.chat !== here.id) this.open(done.chat);
  }

  replyTo(message) { this.enter("reply", message, `Reply to ${message.name}`); }

  inThread(message) { this.enter("thread", message, "Reply in thread"); }

  edit(message) {
    this.enter("edit", message, "Edit message");
    this.text.value = (message.spans ?? []).map((span) => span.text).join("");
    this.typed();
  }

  enter(kind, message, title) {
    this.mode = { kind, message };
    this.about.hidden = false;
    keep(this.about, [h("span", null, h("strong", null, title), " ", h("span", null, plain(message).slice(0, 80))),
      iconButton("close", "Leave it", () => { if (kind === "edit") this.clear(); this.leaveMode(); })]);
    this.text.focus();
  }

  leaveMode() {
    this.mode = null;
    this.about.hidden = true;
  }

  // Commands

  showCommands() {
    const begun = /^\/(.*)$/.exec(this.text.value);
    const every = (chat()?.commands ?? []).map((each) => ({ ...each, name: each.name.replace(/^\//, "") }));
    const found = begun ? every.filter((each) => each.name.startsWith(begun[1])) : [];
    this.list.hidden = !found.length;
    keep(this.list, found.map((each, at) => h("li", { role: "option", id: `command-${at}`, "aria-selected": String(at === 0),
      data: { name: each.name }, onpointerdown: (event) => { event.preventDefault(); this.complete(each.name); } },
    h("strong", null, `/${each.name}`), h("span", null, each.about))));
    if (found.length) { this.text.setAttribute("aria-controls", "commands"); this.text.setAttribute("aria-activedescendant", "command-0"); }
    else this.text.removeAttribute("aria-activedescendant");
  }

  /** Whether the key was for the list. */
  chooseCommand(event) {
    const options = [...this.list.children];
    const at = options.findIndex((each) => each.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const to = (at + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length;
      options.forEach((each, n) => each.setAttribute("aria-selected", String(n === to)));
      options[to].scrollIntoView({ block: "nearest" });
      this.text.setAttribute("aria-activedescendant", options[to].id);
    } else if (event.key === "Tab" || (event.key === "Enter" && this.text.value !== `/${options[at].dataset.name}`)) {
      this.complete(options[at].dataset.name);
    } else if (event.key === "Escape") {
      this.list.hidden = true;
    } else return false;
    event.preventDefault();
    return true;
  }

  complete(name) {
    this.text.value = `/${name} `;
    this.typed();
    this.text.focus();
  }

  // Files, voice, places

  attachments() {
    openMenu(this.attach, [
      can("upload") && { text: "Files", glyph: "file", run: () => this.file.click() },
      can("location") && { text: "Location", glyph: "location", run: () => this.shareLocation() },
      can("contact") && { text: "My contact", glyph: "contact", run: () => act("contact", { chat: this.of }) },
    ].filter(Boolean), "Attach");
  }

  async shareLocation() {
    const given = await ask("Send a location", [
      { name: "latitude", label: "Latitude", type: "number", value: "48.8566" },
      { name: "longitude", label: "Longitude", type: "number", value: "2.3522" }], "Send");
    if (given) act("location", { chat: this.of, latitude: Number(given.latitude), longitude: Number(given.longitude) });
  }

  pasted(event) {
    if (event.clipboardData.files.length && can("upload")) { event.preventDefault(); this.take(event.clipboardData.files); }
  }

  take(files) {
    this.files.push(...files);
    this.showFiles();
    this.text.focus();
  }

  showFiles() {
    this.chosen.hidden = !this.files.length;
    keep(this.chosen, this.files.map((file) => h("li", null, icon("file"), h("span", null, file.name),
      h("span", { class: "size" }, bytes(file.size)),
      iconButton("close", `Leave out ${file.name}`, () => { this.files = this.files.filter((each) => each !== file); this.showFiles(); }))));
    this.typed();
  }

  /** The words belong to the first. On Telegram several at once are one album. */
  async upload(caption) {
    const files = this.files;
    this.files = [];
    this.showFiles();
    this.clear();
    if (state.seen.platform === "telegram") return this.uploadThese(files, { caption });
    for (const [at, file] of files.entries()) await this.uploadThese([file], { caption: at ? "" : caption });
  }

  async uploadThese(files, more) {
    const form = new FormData();
    const kinds = new Set(files.map((file) => file.type.split("/")[0]));
    const [kind] = kinds;
    form.set("chat", this.of);
    if (kinds.size === 1 && ["image", "video", "audio"].includes(kind)) form.set("kind", kind);
    for (const [name, value] of Object.entries(more)) if (value) form.set(name, value);
    files.forEach((file, at) => form.set(at ? `file${at + 1}` : "file", file, file.name));
    await act("upload", form);
  }

  async record() {
    if (this.recorder) return this.recorder.stop();
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      return toast("This browser gives the page no microphone.", "bad");
    }
    const pieces = [];
    this.recorder = new MediaRecorder(stream);
    this.recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
    this.recorder.addEventListener("stop", () => {
      const type = this.recorder.mimeType.split(";")[0];
      this.recorder = null;
      this.showRecording(false);
      for (const track of stream.getTracks()) track.stop();
      this.uploadThese([new File(pieces, `voice.${type.endsWith("ogg") ? "ogg" : "webm"}`, { type })], { kind: "voice" });
    });
    this.recorder.start();
    this.showRecording(true);
  }

  showRecording(on) {
    const label = on ? "Stop and send the voice message" : "Record a voice message";
    this.voice.setAttribute("aria-label", label);
    this.voice.title = label;
    this.voice.classList.toggle("recording", on);
    this.voice.replaceChildren(icon(on ? "stop" : "microphone"));
  }
}

function readAs(type, text) {
  if (type === "integer" || type === "number") return Number(text);
  if (type === "boolean") return text === "true";
  if (type === "array" || type === "object") { try { return JSON.parse(text); } catch { return text; } }
  return text;
}
