// Alerts as a table, wherever they are listed.
import type { AlertSummary } from "../api/types";
import { serverNow } from "../lib/clock";
import { duration, percent, si, times, timesExpected } from "../lib/format";
import { href } from "../lib/route";
import { narrow } from "../lib/window";
import { useStore } from "../lib/store";
import { NodeLink, SeverityTag, Tag, Time } from "./base";
import { Table, type Column } from "./table";

export const typeName = (type: string): string => type.replace(/_/g, " ");

export function AlertState({ alert }: { alert: AlertSummary }) {
  return (
    <span class="tags">
      {alert.end_ms === null ? <Tag tone="bad">open</Tag> : <Tag>ended</Tag>}
      {alert.early && <Tag title="Raised from a step that was still open">early</Tag>}
      {alert.suppressed && (
        <Tag tone="calm" title="Recorded, not sent">
          {alert.suppressed}
        </Tag>
      )}
      {alert.verdict && <Tag tone={alert.verdict === "confirmed" ? "warn" : "good"}>{alert.verdict}</Tag>}
    </span>
  );
}

export const lasted = (a: AlertSummary): string => duration(Math.max(0, (a.end_ms ?? serverNow()) - a.start_ms));

const COLUMNS: Column<AlertSummary>[] = [
  { name: "Severity", cell: (a) => <SeverityTag severity={a.severity} /> },
  { name: "Alert", cell: (a) => <a href={href(["alerts", a.id])}>{typeName(a.type)}</a> },
  { name: "Node", cell: (a) => <NodeLink node={a.node} /> },
  {
    name: "Seen / expected",
    number: true,
    title: "Seen over expected, of the volume that is most above its forecast",
    cell: (a) => times(a.times_expected),
  },
  { name: "Began", cell: (a) => <Time ms={a.start_ms} /> },
  { name: "Lasted", number: true, cell: lasted },
  { name: "State", cell: (a) => <AlertState alert={a} /> },
  {
    name: "Task",
    wide: true,
    cell: (a) => (
      <>
        {a.task}
        {a.probability != null && <span class="dim"> {percent(a.probability)}</span>}
      </>
    ),
  },
  {
    name: "Score",
    number: true,
    wide: true,
    title: "Highest score and its threshold",
    cell: (a) => (
      <>
        {si(a.score)} <span class="dim">/ {si(a.threshold)}</span>
      </>
    ),
  },
];

interface ListRow {
  alert: AlertSummary;
  more: number; // other alerts of its incident
}

// The alerts of an incident are one row.
function folded(alerts: AlertSummary[]): ListRow[] {
  const rows: ListRow[] = [];
  const of = new Map<string, ListRow>();
  for (const alert of alerts) {
    const first = alert.incident === null ? undefined : of.get(alert.incident);
    if (first) {
      ++first.more;
      continue;
    }
    const row = { alert, more: 0 };
    rows.push(row);
    if (alert.incident !== null) of.set(alert.incident, row);
  }
  return rows;
}

// Two lines an alert, for narrow places.
export function AlertList({ alerts, fold = false }: { alerts: AlertSummary[]; fold?: boolean }) {
  const rows = fold ? folded(alerts) : alerts.map((alert) => ({ alert, more: 0 }));
  return (
    <ul class="alert-list">
      {rows.map(({ alert: a, more }) => (
        <li key={a.id} class={`${a.severity} ${a.end_ms === null ? "" : "ended"}`}>
          <div>
            <SeverityTag severity={a.severity} />
            <a href={href(["alerts", a.id])}>{typeName(a.type)}</a>
            <AlertState alert={a} />
          </div>
          <div>
            <NodeLink node={a.node} />
            {more > 0 && (
              <a href={href(["alerts"], { view: "incidents", incident: a.incident ?? undefined })}>
                and {more} more of one incident
              </a>
            )}
            {more === 0 && a.times_expected !== null && <span>{timesExpected(a.times_expected)}</span>}
            <span class="dim">
              <Time ms={a.start_ms} />, {lasted(a)}
            </span>
          </div>
        </li>
      ))}
    </ul>
  );
}

export function AlertTable({
  alerts,
  label,
  without = [],
}: {
  alerts: AlertSummary[];
  label: string;
  without?: string[];
}) {
  if (useStore(narrow)) return <AlertList alerts={alerts} />;
  return (
    <Table
      label={label}
      columns={COLUMNS.filter((c) => !without.includes(c.name))}
      rows={alerts}
      id={(a) => a.id}
      tone={(a) => (a.suppressed ? "quiet" : "")}
    />
  );
}
