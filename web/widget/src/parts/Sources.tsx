import { isSafe } from "../../../shared/markdown";
import type { WidgetSourceView } from "../../../shared/schema";
import { useWords } from "../texts";
import { Glyph } from "./Glyph";
import { Link, hostOf } from "./Text";

/** What an answer rests on; the host is shown in full, so that a reader knows where a link leads. */
export function Sources({ sources }: { sources: readonly WidgetSourceView[] }) {
  const { t } = useWords();
  return (
    <details class="sources">
      <summary>
        <Glyph name="next" size={12} />
        {t("sources", { n: sources.length })}
      </summary>
      <ol>
        {sources.map((source, at) => (
          <li key={at} dir="auto">
            <p class="source-title">{source.title}</p>
            <p class="source-passage">{source.passage}</p>
            {isSafe(source.address) && (
              <Link address={source.address} host={false}>
                {hostOf(source.address)}
              </Link>
            )}
          </li>
        ))}
      </ol>
    </details>
  );
}
