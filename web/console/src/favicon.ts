/** The page's mark in the tab, with a dot while somebody needs a reply. Drawn here, in the colours of the tokens. */

import { iconPath } from "./icons";

export function showFavicon(dot: boolean): void {
  const style = getComputedStyle(document.documentElement);
  const color = (token: string) => style.getPropertyValue(`--fd-${token}`).trim();
  const mark = `<rect width="16" height="16" rx="4" fill="${color("accent")}"/><path d="${iconPath("bell")}" transform="translate(2.4 2.4) scale(.7)" fill="none" stroke="${color("on-accent")}" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>`;
  const sign = dot ? `<circle cx="12.5" cy="3.5" r="3.5" fill="${color("bad")}"/>` : "";
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]") ?? document.createElement("link");
  link.rel = "icon";
  link.href = `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${mark}${sign}</svg>`)}`;
  if (!link.isConnected) document.head.append(link);
}
