import type { WidgetTableView } from "../../../shared/schema";
import { useWords } from "../texts";

/** Wider than the panel it is moved sideways, by hand or with the arrow keys. */
export function Table({ table }: { table: WidgetTableView }) {
  const { t } = useWords();
  return (
    <div class="card table" tabIndex={0} role="group" aria-label={table.title || t("table")}>
      <table>
        {table.title && <caption dir="auto">{table.title}</caption>}
        <thead>
          <tr>
            {table.columns.map((name, at) => (
              <th key={at} scope="col" dir="auto">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, n) => (
            <tr key={n}>
              {row.map((cell, at) => (
                <td key={at} dir="auto">
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
