/** Who has the floor, seen from one agent: what the composer may do follows from it. Pure. */

import { type Control, holderOf, type Row, stateOf } from "../wire";

/** resolved: nobody speaks until somebody writes. free: a human is wanted and nobody has it yet. */
export type Floor = "mine" | "bot" | "free" | "colleague" | "paused" | "resolved";

export type Kind = "reply" | "note";

export function floorOf(row: Pick<Row, "control" | "status">, me: string): Floor {
  return row.status === "resolved" && stateOf(row.control) !== "wrap_up" ? "resolved" : held(row.control, me);
}

function held(control: Control, me: string): Floor {
  const state = stateOf(control);
  switch (state) {
    case "bot":
    case "paused":
      return state;
    case "queued":
    case "offered":
      return "free";
    case "human":
    case "wrap_up":
      return holderOf(control) === me ? "mine" : "colleague";
    default:
      state satisfies never;
      return "paused";
  }
}

/** A reply from here takes the conversation over, and says so before it is sent. */
export const claims = (floor: Floor): boolean => floor === "bot" || floor === "free" || floor === "resolved";

/** The bot and colleagues are not spoken over: writing begins as a note there. */
export const startsAs = (floor: Floor): Kind => (floor === "mine" || floor === "free" ? "reply" : "note");

export const mayReply = (floor: Floor): boolean => floor === "mine" || claims(floor);
