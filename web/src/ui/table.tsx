// A table whose columns are data. It scrolls within itself where the window is narrow.
import type { ComponentChildren } from "preact";
import { count } from "../lib/format";

export interface Column<T> {
  name: string;
  cell: (row: T) => ComponentChildren;
  number?: boolean;
  sort?: string; // The key that the server sorts by.
  title?: string;
  wide?: boolean; // Left out on a phone.
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => string;
  sorted?: string;
  onSort?: (key: string) => void;
  tone?: (row: T) => string;
}

export function Table<T>({ label, columns, rows, id, sorted, onSort, tone }: Props<T>) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((c) => (
              <th
                key={c.name}
                scope="col"
                class={classOf(c)}
                title={c.title}
                aria-sort={c.sort && c.sort === sorted ? (c.sort === "name" ? "ascending" : "descending") : undefined}
              >
                {c.sort && onSort ? (
                  <button type="button" class="plain" onClick={() => onSort(c.sort!)}>
                    {c.name}
                  </button>
                ) : (
                  c.name
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)} class={tone?.(row)}>
              {columns.map((c) => (
                <td key={c.name} class={classOf(c)}>
                  {c.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const classOf = (c: { number?: boolean; wide?: boolean }): string =>
  `${c.number ? "number" : ""} ${c.wide ? "wide" : ""}`.trim();

export function Pager(props: {
  total: number;
  offset: number;
  limit: number;
  what: string;
  onMove: (offset: number) => void;
}) {
  const { total, offset, limit } = props;
  if (total === 0) return null;
  const last = Math.min(total, offset + limit);
  return (
    <nav class="pager" aria-label={`Pages of ${props.what}`}>
      <span>
        {count(offset + 1)} to {count(last)} of {count(total)} {total === 1 ? props.what.replace(/s$/, "") : props.what}
      </span>
      <button
        type="button"
        class="small"
        disabled={offset === 0}
        onClick={() => props.onMove(Math.max(0, offset - limit))}
      >
        Previous
      </button>
      <button type="button" class="small" disabled={last >= total} onClick={() => props.onMove(offset + limit)}>
        Next
      </button>
    </nav>
  );
}
