import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const SHARED = join(import.meta.dirname, "../shared");
const OUT = join(import.meta.dirname, "../../channels/web/static");

/** What a page may set from outside; `--fd-radius` and those after it are measures of the panel and no tokens. */
const PUBLIC = ["accent", "accent-text", "bg", "text", "font"];
const MEASURES: Record<string, string> = {
  radius: "var(--fd-radius-panel)",
  "offset-x": "20px",
  "offset-y": "20px",
  // A plain number of this size would be rounded when the sheet is minified.
  z: "calc(2147483 * 1000)",
  width: "400px",
  height: "680px",
};

/** Puts the tokens a sheet uses in front of it, under private names: the page reaches the public ones and no others. */
function tokens(): Plugin {
  const declared = (selector: string, source: string): Map<string, string> => {
    const block = source.slice(source.indexOf(`${selector} {`)).split("}")[0]!;
    return new Map([...block.matchAll(/--fd-([\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name!, value!]));
  };
  return {
    name: "frontdesk:tokens",
    enforce: "pre",
    transform(code, id) {
      if (!/\/widget\/src\/[\w-]+\.css\?inline$/.test(id)) return null;
      const path = join(SHARED, "tokens.css");
      this.addWatchFile(path);
      const source = readFileSync(path, "utf-8");
      const light = new Map([...declared(":root", source), ...Object.entries(MEASURES)]);
      const dark = declared('[data-scheme="dark"]', source);
      const used = new Set<string>();
      const use = (css: string): void => {
        for (const [, name] of css.matchAll(/var\(--(?:_|fd-)([\w-]+)/g)) {
          if (used.has(name!)) continue;
          if (!light.has(name!)) this.error(`${id} uses --_${name}, which tokens.css does not have`);
          used.add(name!);
          use(light.get(name!)!);
          use(dark.get(name!) ?? "");
        }
      };
      use(code);
      const write = (from: Map<string, string>): string =>
        [...from]
          .filter(([name]) => used.has(name))
          .map(([name, value]) => {
            const inner = value.replaceAll("var(--fd-", "var(--_");
            const open = PUBLIC.includes(name) || name in MEASURES;
            return `--_${name}: ${open ? `var(--fd-${name}, ${inner})` : inner};`;
          })
          .join("");
      return `.fd{${write(light)}} .fd[data-scheme="dark"]{${write(dark)}} ${code}`;
    },
  };
}

/** Keeps the widget's own texts of each language, without their prefix; a language that lacks one fails the build. */
function texts(): Plugin {
  const folder = join(SHARED, "texts");
  const read = (language: string): Record<string, string> => {
    const all = JSON.parse(readFileSync(join(folder, `${language}.json`), "utf-8")) as Record<string, string>;
    return Object.fromEntries(
      Object.entries(all)
        .filter(([key]) => key.startsWith("widget."))
        .map(([key, text]) => [key.slice("widget.".length), text]),
    );
  };
  const languages = readdirSync(folder).map((name) => basename(name, ".json"));
  return {
    name: "frontdesk:texts",
    enforce: "pre",
    buildStart() {
      const wanted = Object.keys(read("en"));
      for (const language of languages) {
        const missing = wanted.filter((key) => !read(language)[key]);
        if (missing.length) this.error(`texts/${language}.json lacks widget.${missing.join(", widget.")}`);
      }
    },
    resolveId: (id) => (id === "virtual:launcher-texts" ? `\0${id}` : null),
    load(id) {
      if (id === "\0virtual:launcher-texts") {
        const launcher = ({ "launcher.open": open, "launcher.unread": unread }: Record<string, string>) => [open, unread];
        return `export default ${JSON.stringify(Object.fromEntries(languages.map((each) => [each, launcher(read(each))])))}`;
      }
      const [path] = id.split("?");
      return path?.startsWith(folder) ? JSON.stringify(read(basename(path, ".json"))) : null;
    },
  };
}

/** `vite build` makes the panel and its languages, `vite build --mode loader` then the classic script that names them. */
export default defineConfig(({ mode, command }) => {
  const loader = mode === "loader";
  const panel = loader && readdirSync(OUT).find((name) => /^panel-[\w-]+\.js$/.test(name));
  if (loader && command === "build" && !panel) throw new Error("the loader is built after the panel");
  return {
    base: "./",
    plugins: [tokens(), texts()],
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    define: { PANEL: JSON.stringify(panel || "") },
    publicDir: false,
    build: {
      outDir: OUT,
      emptyOutDir: !loader,
      target: "es2022",
      // Older ones lack adopted style sheets; naming them keeps logical properties from being rewritten to sides.
      cssTarget: ["chrome111", "firefox113", "safari16.4"],
      modulePreload: false,
      sourcemap: false,
      reportCompressedSize: false,
      rolldownOptions: loader
        ? { input: "src/loader.ts", output: { format: "iife", entryFileNames: "loader.js" } }
        : {
            input: "src/panel.tsx",
            preserveEntrySignatures: "strict",
            output: {
              entryFileNames: "panel-[hash].js",
              chunkFileNames: ({ facadeModuleId, name }) =>
                facadeModuleId?.startsWith(SHARED) ? `lang-${basename(facadeModuleId, ".json")}-[hash].js` : `${name}-[hash].js`,
            },
          },
    },
    test: {
      environment: "jsdom",
      include: ["test/**/*.test.{ts,tsx}"],
      setupFiles: ["test/setup.ts"],
    },
  };
});
