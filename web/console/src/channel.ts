/** How a channel is shown; one that this page does not know yet goes by its own name. */

import type { IconName } from "./icons";
import type { Key } from "./texts";

const CHANNELS = ["web", "telegram", "slack", "discord", "terminal"] as const;

const known = (channel: string) => CHANNELS.find((name) => name === channel);

export const channelIcon = (channel: string): IconName => known(channel) ?? "web";

export function channelName(channel: string, t: (key: Key) => string): string {
  const name = known(channel);
  return name ? t(`channel.${name}`) : channel;
}
