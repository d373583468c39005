// The panel: loaded by the loader when it is wanted, drawn into the loader's element.
import { render } from "preact";
import type { WidgetEvent } from "../../shared/schema";
import { Chat, type Told } from "./chat";
import type { Host, Panel } from "./host";
import { Memory } from "./memory";
import { Outbox } from "./outbox";
import css from "./panel.css?inline";
import { isNews } from "./store";
import { load, words as wordsOf } from "./texts";
import { Window } from "./views/Window";

let sheet: CSSStyleSheet | undefined;

export function mount(host: Host): Panel {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  }
  host.adopt(sheet);

  const place = document.createElement("div");
  place.className = "place";
  host.frame.append(place);

  host.launcher?.insertBefore(chevron(), host.launcher.lastElementChild);

  const memory = new Memory(host.account);
  const listeners = new Set<(told: Told) => void>();
  let words = wordsOf("en");
  let open = false;
  let focus = 0;
  let gone = false;
  let told = -1;
  let chat: Chat | undefined;

  const draw = (): void => {
    if (!chat || gone) return;
    render(
      <Window
        chat={chat}
        words={words}
        open={open}
        focus={focus}
        inline={host.inline}
        close={() => host.show(false, true)}
        listen={(tell) => {
          listeners.add(tell);
          return () => listeners.delete(tell);
        }}
      />,
      place,
    );
  };

  const badge = (): void => {
    if (!chat) return;
    const { unread } = chat;
    const { control } = chat.state;
    host.badge(open ? 0 : unread, control?.state === "human" && control.speaker.kind === "agent" ? control.speaker.name : "");
    if (unread !== told) host.emit("unread", { unread });
    told = unread;
  };

  const tell = (happened: Told): void => {
    for (const listener of listeners) listener(happened);
    if (happened.told === "failed") host.emit("error", { why: happened.why });
    if (happened.told === "news") for (const event of happened.events) announce(host, event);
  };

  const speak = async (language: string): Promise<void> => {
    words = await load(language);
    host.frame.lang = words.language;
    host.frame.dir = words.direction;
    draw();
  };

  const ready = Promise.all([Outbox.open(host.account), speak(host.language)]).then(([outbox]) => {
    if (gone) throw new Error("taken off the page while loading");
    const made = new Chat({ account: host.account, server: host.server, memory, outbox, language: () => words.language, tell });
    chat = made;
    made.subscribe(badge);
    // A page on which nobody opens the chat, and nobody has one, asks nothing of the server.
    if (open || memory.read().conversation) made.start();
    draw();
    host.emit("ready");
    if (memory.leftOpen && innerWidth > 480) host.show(true, false);
    return made;
  });
  ready.catch(() => {});

  return {
    show(shown, takeFocus) {
      open = shown;
      if (!host.inline) memory.leftOpen = shown;
      if (shown && takeFocus) focus += 1;
      if (shown) chat?.start();
      badge();
      draw();
    },
    send: (text) => void ready.then((made) => made.say(text)),
    locale: (language) => void speak(language),
    destroy() {
      gone = true;
      chat?.stop();
      render(null, place);
      place.remove();
    },
  };
}

function chevron(): Element {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  render(<path d="M5.5 9.2 12 15.6l6.5-6.4" />, svg);
  svg.setAttribute("class", "chevron");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

function announce(host: Host, event: WidgetEvent): void {
  if (event.kind === "controlled") host.emit("handoff", { state: event.control.state });
  else if (isNews(event)) host.emit("message", { seq: event.seq });
}
