/** What the server says, by the names the console uses. Generated from the Python types; nothing is written down twice. */

import type {
  ConsoleClientFrame,
  ConsoleCounts,
  ConsoleDetail,
  ConsoleDone,
  ConsoleEvents,
  ConsoleIdentities,
  ConsoleMe,
  ConsolePeople,
  ConsoleProblem,
  ConsoleRow,
  ConsoleRowFrame,
  ConsoleRows,
  ConsoleServerFrame,
  ConsoleUploaded,
  Control,
} from "../../shared/schema";

export type { Author, Command, Control, Event, Frame, Message, Move, Part, Span } from "../../shared/schema";

export type ClientFrame = ConsoleClientFrame;
export type Counts = ConsoleCounts;
export type Detail = ConsoleDetail;
export type Done = ConsoleDone;
export type Events = ConsoleEvents;
export type Identities = ConsoleIdentities;
export type Me = ConsoleMe;
export type People = ConsolePeople;
export type Problem = ConsoleProblem;
export type Row = ConsoleRow;
export type Rows = ConsoleRows;
export type ServerFrame = ConsoleServerFrame;
export type Uploaded = ConsoleUploaded;
export type View = ConsoleRowFrame["views"][number];
export type How = "resume" | "restart" | "free";
export type Verdict = "" | "approve" | "refuse";
export type ControlState = NonNullable<Control["state"]>;

export const VIEWS: readonly View[] = ["needs-reply", "mine", "unassigned", "bot", "resolved", "all"];

export function isView(word: string | undefined): word is View {
  return VIEWS.includes(word as View);
}

/** Fields that hold their default are left out on the wire. */
export const stateOf = (control: Control): ControlState => control.state ?? "bot";
export const epochOf = (control: Control): number => control.epoch ?? 0;
export const holderOf = (control: Control): string => control.holder ?? "";
