// All alerts and incidents, newest first.
import type { AlertPage, Incident, IncidentPage } from "../api/types";
import { useData } from "../api/use";
import { serverNow } from "../lib/clock";
import { duration } from "../lib/format";
import { PRESETS } from "../lib/range";
import { href, setQuery, type Route } from "../lib/route";
import { useStore } from "../lib/store";
import { narrow } from "../lib/window";
import { Choice, Head, NodeLink, Panel, SearchBox, Segmented, SeverityTag, Tag, Time } from "../ui/base";
import { AlertTable, typeName } from "../ui/alert_table";
import { Await, Empty } from "../ui/states";
import { Pager, Table, type Column } from "../ui/table";

const LIMIT = 50;
const STATES = [
  ["all", "All"],
  ["open", "Open"],
  ["ended", "Ended"],
] as const;
const SEVERITIES = [
  ["", "Any"],
  ["medium", "Medium"],
  ["high", "High"],
  ["critical", "Critical"],
] as const;
const TIMES = [["", "Any time"], ...PRESETS.map(([name, , title]) => [name, `Last ${title}`] as const)] as const;
// docs/detection.md, Types.
const TYPES: readonly (readonly [string, string])[] = [
  ["", "Any"],
  ...[
    "syn_flood",
    "ack_flood",
    "rst_flood",
    "udp_flood",
    "icmp_flood",
    "fragment_flood",
    "gre_flood",
    "dns_amplification",
    "ntp_amplification",
    "ssdp_amplification",
    "cldap_amplification",
    "memcached_amplification",
    "amplification",
    "tcp_flood",
    "http_flood",
    "slowloris",
    "connection_flood",
    "other_protocol_flood",
    "scan",
    "outage",
    "unknown",
  ].map((t) => [t, typeName(t)] as const),
];
const VIEWS = [
  ["alerts", "Alerts"],
  ["incidents", "Incidents"],
] as const;

const page = (offset: number) => setQuery({ offset: offset ? String(offset) : undefined });

function Alerts({ at }: { at: Route }) {
  const q = at.query;
  const offset = Number(q.offset) || 0;
  const within = PRESETS.find(([name]) => name === q.within);
  const list = useData<AlertPage>("alerts", {
    range: within && { last: within[1] },
    query: {
      state: q.state ?? "all",
      node: q.node,
      severity: q.severity,
      type: q.type,
      suppressed: q.suppressed !== "no",
      offset,
      limit: LIMIT,
    },
    on: ["alert", "hello"],
  });
  const filtered = within || q.state || q.node || q.severity || q.type || q.suppressed;
  return (
    <Panel title="Alerts">
      <div class="filters">
        <Segmented
          label="State"
          value={(q.state ?? "all") as "all"}
          options={STATES}
          onChange={(v) => setQuery({ state: v === "all" ? undefined : v, offset: undefined })}
        />
        <SearchBox
          label="Node or prefix"
          value={q.node ?? ""}
          onChange={(v) => setQuery({ node: v || undefined, offset: undefined }, true)}
        />
        <Choice
          label="When"
          value={within?.[0] ?? ""}
          options={TIMES}
          onChange={(v) => setQuery({ within: v || undefined, offset: undefined })}
        />
        <Choice
          label="Type"
          value={q.type ?? ""}
          options={TYPES}
          onChange={(v) => setQuery({ type: v || undefined, offset: undefined })}
        />
        <Choice
          label="Severity at least"
          value={(q.severity ?? "") as ""}
          options={SEVERITIES}
          onChange={(v) => setQuery({ severity: v || undefined, offset: undefined })}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={q.suppressed !== "no"}
            onChange={(e) => setQuery({ suppressed: e.currentTarget.checked ? undefined : "no", offset: undefined })}
          />{" "}
          Suppressed ones, too
        </label>
      </div>
      <Await of={list} lines={8}>
        {(d) =>
          d.alerts.length === 0 ? (
            <Empty title={filtered ? "No alert matches these filters." : "No alert yet."}>
              {!filtered && "Alerts appear here as soon as traffic leaves its forecast."}
            </Empty>
          ) : (
            <>
              <AlertTable alerts={d.alerts} label="Alerts" />
              <Pager total={d.total} offset={d.offset} limit={LIMIT} what="alerts" onMove={page} />
            </>
          )
        }
      </Await>
    </Panel>
  );
}

const INCIDENT_COLUMNS: Column<Incident>[] = [
  { name: "Severity", cell: (i) => <SeverityTag severity={i.severity} /> },
  { name: "Incident", cell: (i) => <IncidentName incident={i} /> },
  { name: "Prefix", cell: (i) => <NodeLink node={i.prefix} /> },
  { name: "Hosts", number: true, cell: (i) => i.hosts },
  { name: "Began", cell: (i) => <Time ms={Date.parse(i.start)} /> },
  {
    name: "Lasted",
    number: true,
    cell: (i) => lastedOf(i),
  },
  { name: "State", cell: (i) => (i.end ? <Tag>ended</Tag> : <Tag tone="bad">open</Tag>) },
  { name: "Alerts", cell: (i) => <Victims incident={i} /> },
];

// An attack on many hosts of a prefix at once has a name of its own, whatever it sends.
const IncidentName = ({ incident }: { incident: Incident }) =>
  incident.name ? (
    <>
      <b>{incident.name}</b> <span class="dim">{typeName(incident.type)}</span>
    </>
  ) : (
    <>{typeName(incident.type)}</>
  );

const SHOWN_VICTIMS = 6;

function Victims({ incident }: { incident: Incident }) {
  const victims = incident.victims ?? [];
  return (
    <span class="tags victims">
      {victims.slice(0, SHOWN_VICTIMS).map((v) => (
        <a key={v.alert} class="mono" href={href(["alerts", v.alert])}>
          {v.node}
        </a>
      ))}
      {victims.length > SHOWN_VICTIMS && (
        <a href={href(["alerts"], { node: incident.prefix })}>and {victims.length - SHOWN_VICTIMS} more</a>
      )}
    </span>
  );
}

const lastedOf = (i: Incident): string => duration((i.end ? Date.parse(i.end) : serverNow()) - Date.parse(i.start));

// For narrow windows, as AlertList.
function IncidentList({ incidents, marked }: { incidents: Incident[]; marked: string | undefined }) {
  return (
    <ul class="alert-list">
      {incidents.map((i) => (
        <li key={i.id} class={`${i.severity} ${i.end ? "ended" : ""} ${i.id === marked ? "marked" : ""}`}>
          <div>
            <SeverityTag severity={i.severity} />
            <IncidentName incident={i} />
            {i.end ? <Tag>ended</Tag> : <Tag tone="bad">open</Tag>}
          </div>
          <div>
            <NodeLink node={i.prefix} />
            <span>{i.hosts} hosts</span>
            <span class="dim">
              <Time ms={Date.parse(i.start)} />, {lastedOf(i)}
            </span>
          </div>
          <Victims incident={i} />
        </li>
      ))}
    </ul>
  );
}

function Incidents({ at }: { at: Route }) {
  const phone = useStore(narrow);
  const offset = Number(at.query.offset) || 0;
  const list = useData<IncidentPage>("incidents", { query: { offset, limit: LIMIT }, on: ["incident", "hello"] });
  return (
    <Panel title="Incidents">
      <Await of={list}>
        {(d) =>
          d.incidents.length === 0 ? (
            <Empty title="No incident yet.">Alerts of many hosts of one prefix become one incident.</Empty>
          ) : (
            <>
              {phone ? (
                <IncidentList incidents={d.incidents as unknown as Incident[]} marked={at.query.incident} />
              ) : (
                <Table
                  label="Incidents"
                  columns={INCIDENT_COLUMNS}
                  rows={d.incidents as unknown as Incident[]}
                  id={(i) => i.id}
                  tone={(i) => (i.id === at.query.incident ? "marked" : "")}
                />
              )}
              <Pager total={d.total} offset={d.offset} limit={LIMIT} what="incidents" onMove={page} />
            </>
          )
        }
      </Await>
    </Panel>
  );
}

export function AlertsView({ at }: { at: Route }) {
  const view = at.query.view === "incidents" ? "incidents" : "alerts";
  return (
    <>
      <Head title="Alerts">
        <Segmented
          label="List"
          value={view}
          options={VIEWS}
          onChange={(v) => setQuery({ view: v === "alerts" ? undefined : v, offset: undefined })}
        />
      </Head>
      {view === "alerts" ? <Alerts at={at} /> : <Incidents at={at} />}
    </>
  );
}
