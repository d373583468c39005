import { type Icon, type IconName, icons } from "../../../shared/icons";

export function Glyph({ name, size = 16 }: { name: IconName; size?: number }) {
  const icon: Icon = icons[name];
  return (
    <svg class={icon.flips ? "glyph flips" : "glyph"} viewBox="0 0 16 16" width={size} height={size} aria-hidden="true">
      <path d={icon.path} />
    </svg>
  );
}
