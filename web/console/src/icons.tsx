/** Our own glyphs: 16 px, drawn with lines. A glyph never stands alone for a state; a word or a label is beside it. */

const PATHS = {
  bell: "M2.5 12.5h11M4 12.5V10a4 4 0 0 1 8 0v2.5M8 6V4.5M6.75 3.5h2.5",
  inbox: "M2.5 9.5h3l1 2h3l1-2h3M2.5 9.5v3a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-3l-2-6h-7z",
  bot: "M3.5 6.5h9v6h-9zM8 6.5V3.5M6.25 9v1M9.75 9v1M1.75 8.5v2M14.25 8.5v2M7.25 3h1.5",
  person: "M8 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM3 13.5c.5-2.6 2.5-4 5-4s4.5 1.4 5 4",
  people: "M6 7.5a2.25 2.25 0 1 0 0-4.5 2.25 2.25 0 0 0 0 4.5zM1.75 13c.4-2.3 2.1-3.5 4.25-3.5s3.85 1.2 4.25 3.5M10.5 3.25a2.1 2.1 0 0 1 0 4M12 9.75c1.3.5 2 1.6 2.25 3.25",
  urgent: "M8 13V3M3.75 7.25 8 3l4.25 4.25",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.75V8l2.25 1.5",
  ring: "M3.5 11.5h9c-1-1-1.25-2-1.25-4a3.25 3.25 0 0 0-6.5 0c0 2-.250 3-1.25 4zM6.75 13.5h2.5",
  lock: "M4 7.5h8v6H4zM5.5 7.5v-2a2.5 2.5 0 0 1 5 0v2",
  check: "M3 8.5l3.25 3.25L13 5",
  cross: "M4 4l8 8M12 4l-8 8",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  send: "M8 13V3.5M4 7l4-4 4 4",
  down: "M4.5 6.5L8 10l3.5-3.5",
  back: "M9.5 3.5L5 8l4.5 4.5",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5l3 3",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  side: "M2.5 3h11v10h-11zM10 3v10",
  views: "M2.5 3h11v10h-11zM6 3v10",
  sun: "M8 10.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM8 1.5v1.25M8 13.25v1.25M1.5 8h1.25M13.25 8h1.25M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z",
  screen: "M2 3h12v8H2zM6 13.5h4",
  keys: "M1.5 4h13v8h-13zM4 6.5h.01M6.5 6.5h.01M9 6.5h.01M11.5 6.5h.01M4.5 9.5h7",
  leave: "M6.5 3H3v10h3.5M6.5 8H14M11 5l3 3-3 3",
  language: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM2 8h12M8 2c1.7 1.6 2.5 3.6 2.5 6s-.8 4.4-2.5 6c-1.7-1.6-2.5-3.6-2.5-6S6.3 3.6 8 2z",
  take: "M5 8V4a1 1 0 0 1 2 0v3.5V3a1 1 0 0 1 2 0v4.5V4a1 1 0 0 1 2 0v5.5a4 4 0 0 1-4 4c-1.7 0-2.6-.8-3.4-2.2L2.3 9a.9.9 0 0 1 1.5-1L5 9.5",
  return: "M6 4L2.5 7.5 6 11M2.5 7.5h7a4 4 0 0 1 4 4v1",
  alert: "M8 2.5l6 10.5H2zM8 6.5V9.5M8 11.25v.01",
  eye: "M1.5 8C3 5.2 5.2 3.75 8 3.75S13 5.2 14.5 8C13 10.8 10.8 12.25 8 12.25S3 10.8 1.5 8zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  outside: "M9.5 2.5h4v4M13.5 2.5L7.5 8.5M11.5 9.5v4h-9v-9h4",
  stop: "M4.5 4.5h7v7h-7z",
  flow: "M2.5 3h4v3.5h-4zM9.5 9.5h4V13h-4zM4.5 6.5v4.75h5",
  list: "M5.5 4.5h8M5.5 8h8M5.5 11.5h8M2.5 4.5h.01M2.5 8h.01M2.5 11.5h.01",
  pen: "M3 13l.6-2.8L10.5 3.3l2.2 2.2-6.9 6.9zM9.25 4.5l2.25 2.25",
  note: "M3 3h10v6.5L9.5 13H3zM9.5 13V9.5H13",
  press: "M8 8l5 2-2.2.8L10 13zM4.2 9.3A4 4 0 1 1 11 6",
  file: "M4 2.5h5l3 3v8H4zM9 2.5v3h3",
  clip: "M12.5 7.5L7.75 12.25a3 3 0 0 1-4.25-4.25l5-5a2 2 0 0 1 2.85 2.85L6.4 10.8a1 1 0 0 1-1.4-1.4l4.25-4.25",
  pin: "M8 13.75s4.25-3.75 4.25-7a4.25 4.25 0 0 0-8.5 0c0 3.25 4.25 7 4.25 7zM8 8.25a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z",
  telegram: "M2 7.7L13.5 3l-2 10-3.75-2.75L6 12.25 5.5 9l6-4.5L4.25 8.75z",
  slack: "M6.25 2.5l-1.5 11M11.25 2.5l-1.5 11M2.75 5.75h11M2.25 10.25h11",
  discord: "M5.25 4C4 4.2 3.2 4.6 2.75 5.25 2 7 1.75 8.8 2 11c1 .9 2 1.25 3.25 1.5L6 11.25M10.75 4c1.25.2 2.05.6 2.5 1.25.75 1.75 1 3.55.75 5.75-1 .9-2 1.25-3.25 1.5L10 11.25M4.75 11c2 .9 4.5.9 6.5 0M6 8.25v.01M10 8.25v.01M5.5 4.5c1.6-.5 3.4-.5 5 0",
  web: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM2 8h12M8 2c1.7 1.6 2.5 3.6 2.5 6s-.8 4.4-2.5 6c-1.7-1.6-2.5-3.6-2.5-6S6.3 3.6 8 2z",
  terminal: "M2.5 4.5L6 8l-3.5 3.5M7.5 11.5h6",
} as const;

export type IconName = keyof typeof PATHS;

export const iconPath = (name: IconName): string => PATHS[name];

const MIRRORED: readonly IconName[] = ["back", "leave", "return", "side", "views", "list", "outside"];

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      className={MIRRORED.includes(name) ? "mirrors" : undefined}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
