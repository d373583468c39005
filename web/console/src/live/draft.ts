/** The text the bot is writing, grown from frames: `text` stands from code point `start` on. */

export interface Draft {
  turn: number;
  attempt: number;
  text: string;
}

interface Piece {
  turn: number;
  attempt: number;
  start: number;
  text: string;
}

/** Pieces of an older attempt are ignored. A piece that does not join on is dropped: the commit brings the whole. */
export function grow(draft: Draft | null, piece: Piece): Draft | null {
  const known = draft !== null && draft.turn === piece.turn && draft.attempt === piece.attempt;
  if (draft && !known && (piece.turn < draft.turn || (piece.turn === draft.turn && piece.attempt < draft.attempt))) {
    return draft;
  }
  const held = known ? [...draft.text] : [];
  if (piece.start > held.length) return draft;
  return { turn: piece.turn, attempt: piece.attempt, text: held.slice(0, piece.start).join("") + piece.text };
}
