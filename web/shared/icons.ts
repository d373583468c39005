// Outlines on a grid of 16, drawn with the current colour; the stroke is 1.5 wide and round.
// `flips`: it points along the line of text, and is mirrored where that runs from right to left.

export interface Icon {
  readonly path: string;
  readonly flips?: boolean;
}

export const icons = {
  chat: { path: "M2.75 4.75a2 2 0 0 1 2-2h6.5a2 2 0 0 1 2 2v4a2 2 0 0 1-2 2H7.5l-3.25 2.5v-2.56a2 2 0 0 1-1.5-1.94z", flips: true },
  down: { path: "M3.5 6 8 10.5 12.5 6" },
  close: { path: "M4 4l8 8M12 4l-8 8" },
  send: { path: "M8 13V3M3.75 7.25 8 3l4.25 4.25" },
  spark: { path: "M8 2.25 9.45 6.55 13.75 8 9.45 9.45 8 13.75 6.55 9.45 2.25 8 6.55 6.55z" },
  person: { path: "M8 8a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 8 8zM2.75 13.5c.6-2.2 2.65-3.5 5.25-3.5s4.65 1.3 5.25 3.5" },
  clock: { path: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.75V8l2.25 1.5" },
  tick: { path: "M3.25 8.5 6.5 11.75 12.75 4.75" },
  warning: { path: "M8 2.5 14 13H2zM8 6.5v3M8 11.25v.01" },
  next: { path: "M6 3.5 10.5 8 6 12.5", flips: true },
  out: { path: "M9.5 3H13v3.5M13 3 7.5 8.5M6.5 3.5H4a1 1 0 0 0-1 1V12a1 1 0 0 0 1 1h7.5a1 1 0 0 0 1-1V9.5", flips: true },
  file: { path: "M4.5 2.75h4.25L11.5 5.5v7.75h-7zM8.5 3v2.75h2.75" },
  clip: { path: "M12.5 7.5 7.75 12.25a3 3 0 0 1-4.25-4.25l5-5a2 2 0 0 1 2.85 2.85L6.4 10.8A1 1 0 0 1 5 9.4l4.25-4.25" },
  pin: { path: "M8 13.75s4.25-3.75 4.25-7a4.25 4.25 0 0 0-8.5 0c0 3.25 4.25 7 4.25 7zM8 8.25a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z" },
  stop: { path: "M4.5 5.5a1 1 0 0 1 1-1h5a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1h-5a1 1 0 0 1-1-1z" },
} satisfies Record<string, Icon>;

export type IconName = keyof typeof icons;
