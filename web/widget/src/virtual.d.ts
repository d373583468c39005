/** Per language: the launcher's name, and its name with unread messages. */
declare module "virtual:launcher-texts" {
  const texts: Record<string, [open: string, unread: string]>;
  export default texts;
}
