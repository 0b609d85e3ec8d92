// The devices that send flows, and the ledger of every stage.
import { useState } from "preact/hooks";
import type { Explore, Exporter, ExporterList, Ledger, Maybe } from "../api/types";
import { useData } from "../api/use";
import { Spark } from "../charts/spark";
import { serverNow } from "../lib/clock";
import { bytes, count, duration, percent, si } from "../lib/format";
import { setQuery, type Route } from "../lib/route";
import { Head, Panel, SearchBox, Tag, Time } from "../ui/base";
import { Await, Empty } from "../ui/states";
import { Pager, Table, type Column } from "../ui/table";

const LIMIT = 25;
const SILENT_MS = 120_000;
const LOSS_WARN = 0.001;
const LOSS_BAD = 0.01;
const SKEW_WARN_MS = 2_000;

function Loss({ e }: { e: Exporter }) {
  if (e.loss === null)
    return (
      <span class="dim" title="It sends no sequence numbers that loss can be known by">
        –
      </span>
    );
  const tone = e.loss >= LOSS_BAD ? "bad" : e.loss >= LOSS_WARN ? "warn" : undefined;
  return tone ? <Tag tone={tone}>{percent(e.loss)}</Tag> : <>{percent(e.loss)}</>;
}

function Timeouts({ e }: { e: Exporter }) {
  const pair = (measured: Maybe, announced: Maybe) =>
    measured === null && announced === null ? (
      "–"
    ) : (
      <>
        {duration(measured ?? announced)}
        {measured !== null && announced !== null && announced !== measured && (
          <span class="dim"> (says {duration(announced)})</span>
        )}
        {measured === null && <span class="dim"> announced</span>}
      </>
    );
  const t = e.timeouts;
  return (
    <>
      {pair(t.active_ms, t.announced_active_ms)} / {pair(t.inactive_ms, t.announced_inactive_ms)}
    </>
  );
}

const SOURCES: Record<Exporter["sampling"][number]["source"], string> = {
  announced: "The exporter says so",
  configured: "By the configuration",
  assumed: "The exporter says nothing, so that every packet is taken to have been seen",
};
const SHOWN_RATES = 3;

function Sampling({ e }: { e: Exporter }) {
  if (e.sampling.length === 0) return <span class="dim">–</span>;
  const rates = e.sampling.slice(0, SHOWN_RATES);
  return (
    <>
      {rates.map((s, i) => (
        <span key={`${s.rate}${s.source}`} title={SOURCES[s.source]}>
          {i > 0 && ", "}
          {s.rate === 1 ? "every packet" : `1 in ${count(s.rate)}`}
          {s.source !== "announced" && <span class="dim"> {s.source}</span>}
        </span>
      ))}
      {e.sampling.length > SHOWN_RATES && ` and ${e.sampling.length - SHOWN_RATES} more`}
    </>
  );
}

const versions = (e: Exporter): string =>
  [
    ...new Set(
      e.sequences.map((s) =>
        s.version === 10 ? "IPFIX" : s.version === 9 || s.version === 5 ? `NetFlow v${s.version}` : `v${s.version}`,
      ),
    ),
  ].join(", ");

function columnsOf(history: Map<string, Maybe[]>, open: string, toggle: (name: string) => void): Column<Exporter>[] {
  return [
    {
      name: "Exporter",
      cell: (e) => (
        <button type="button" class="plain mono" aria-expanded={open === e.exporter} onClick={() => toggle(e.exporter)}>
          {e.exporter}
        </button>
      ),
    },
    {
      name: "Last packet",
      cell: (e) =>
        e.last_ms !== null && serverNow() - e.last_ms > SILENT_MS ? (
          <Tag tone="bad">
            <Time ms={e.last_ms} relative />
          </Tag>
        ) : (
          <Time ms={e.last_ms} relative />
        ),
    },
    { name: "Packets", number: true, wide: true, cell: (e) => si(e.packets_per_second, "/s") },
    { name: "Flows", number: true, cell: (e) => si(e.flows_per_second, "/s") },
    {
      name: "Last hour",
      wide: true,
      title: "Its traffic",
      cell: (e) =>
        history.has(e.exporter) ? (
          <Spark values={history.get(e.exporter)!} label="Traffic of the last hour" />
        ) : (
          <span class="dim">–</span>
        ),
    },
    { name: "Loss", number: true, title: "By sequence numbers", cell: (e) => <Loss e={e} /> },
    { name: "Templates", number: true, cell: (e) => count(e.templates) },
    { name: "Sampling", number: true, title: "Of the last ten minutes", cell: (e) => <Sampling e={e} /> },
    { name: "Time-outs", title: "Active / inactive, as measured", cell: (e) => <Timeouts e={e} /> },
    {
      name: "Clock",
      number: true,
      title: "How far its clock is ahead",
      cell: (e) =>
        Math.abs(e.clock_skew_ms) > SKEW_WARN_MS ? (
          <Tag tone="warn">{signed(e.clock_skew_ms)}</Tag>
        ) : (
          signed(e.clock_skew_ms)
        ),
    },
    { name: "Sends", wide: true, cell: (e) => versions(e) || <span class="dim">–</span> },
  ];
}

const signed = (ms: number): string => (ms > 0 ? `+${duration(ms)}` : duration(ms));

type Sequence = Exporter["sequences"][number];
const SEQUENCES: Column<Sequence>[] = [
  { name: "Version", cell: (s) => String(s.version) },
  { name: "Domain", number: true, cell: (s) => String(s.domain) },
  { name: "Received", number: true, cell: (s) => `${count(s.received)} ${s.unit}` },
  { name: "Lost", number: true, cell: (s) => count(s.lost) },
  { name: "Reordered", number: true, cell: (s) => count(s.reordered) },
  { name: "Duplicates", number: true, cell: (s) => count(s.duplicates) },
  { name: "Resets", number: true, cell: (s) => count(s.resets) },
];

const balanced = (l: Ledger): boolean => l.in === l.out + l.held + Object.values(l.drops).reduce((a, b) => a + b, 0);

const LEDGER: Column<Ledger>[] = [
  { name: "Stage", cell: (l) => l.stage },
  { name: "In", number: true, cell: (l) => count(l.in) },
  { name: "Out", number: true, cell: (l) => count(l.out) },
  { name: "Held", number: true, cell: (l) => count(l.held) },
  { name: "Dropped", number: true, cell: (l) => count(Object.values(l.drops).reduce((a, b) => a + b, 0)) },
  {
    name: "Reasons",
    cell: (l) => (
      <span class="reasons">
        {Object.entries(l.drops)
          .filter(([, n]) => n > 0)
          .sort((a, b) => b[1] - a[1])
          .map(([reason, n]) => (
            <span key={reason}>
              {reason} {count(n)}
            </span>
          ))}
      </span>
    ),
  },
  {
    name: "Balance",
    cell: (l) => (balanced(l) ? <Tag tone="good">balances</Tag> : <Tag tone="bad">does not balance</Tag>),
  },
];

function Details({ e }: { e: Exporter }) {
  const notes = Object.entries(e.notes)
    .filter(([, n]) => n > 0)
    .sort((a, b) => b[1] - a[1]);
  return (
    <Panel title={<span class="mono">{e.exporter}</span>} class="detail">
      <h3>Sequence numbers</h3>
      {e.sequences.length === 0 ? (
        <Empty title="It sends none." />
      ) : (
        <Table
          label={`Sequence numbers of ${e.exporter}`}
          columns={SEQUENCES}
          rows={e.sequences}
          id={(s) => `${s.version} ${s.domain}`}
        />
      )}
      <h3>Ledger</h3>
      {e.ledgers.length === 0 ? (
        <Empty title="Nothing is counted yet." />
      ) : (
        <Table label={`Ledger of ${e.exporter}`} columns={LEDGER} rows={e.ledgers} id={(l) => l.stage} />
      )}
      <h3>Notes</h3>
      {notes.length === 0 ? (
        <p class="dim">Nothing out of the ordinary.</p>
      ) : (
        <ul class="notes">
          {notes.map(([name, n]) => (
            <li key={name}>
              <b>{count(n)}</b> {name.replace(/_/g, " ")}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

// The address may hold the port already: "udp://[::]:2055".
const socketName = (s: ExporterList["sockets"][number]): string =>
  s.address.endsWith(`:${s.port}`) ? s.address : `${s.address} port ${s.port}`;

function List({ all, at }: { all: ExporterList; at: Route }) {
  const search = at.query.search ?? "";
  const open = at.query.exporter ?? "";
  const [offset, setOffset] = useState(0);
  const history = useData<Explore>("explore", {
    query: { by: "exporter", metric: "bytes", limit: 50 },
    range: { last: 3600e3 },
    on: ["step"],
  });
  const lines = new Map((history.data?.series ?? []).map((s) => [s.name, s.values]));
  const found = all.exporters.filter((e) => e.exporter.includes(search));
  const start = Math.min(offset, Math.max(0, found.length - 1));
  const shown = found.find((e) => e.exporter === open);
  const toggle = (name: string) => setQuery({ exporter: name === open ? undefined : name }, true);
  if (all.exporters.length === 0) {
    const where = all.sockets.map(socketName).join(", ");
    return (
      <Empty title="No exporter has sent anything yet.">
        {where ? `Point NetFlow, IPFIX or sFlow at ${where}.` : "No socket is open for flows."}
      </Empty>
    );
  }
  return (
    <>
      <div class="filters">
        <SearchBox
          label="Part of an address"
          value={search}
          onChange={(v) => {
            setOffset(0);
            setQuery({ search: v || undefined }, true);
          }}
        />
      </div>
      {found.length === 0 ? (
        <Empty title="No exporter matches." />
      ) : (
        <>
          <Table
            label="Exporters"
            columns={columnsOf(lines, open, toggle)}
            rows={found.slice(start, start + LIMIT)}
            id={(e) => e.exporter}
          />
          <Pager total={found.length} offset={start} limit={LIMIT} what="exporters" onMove={setOffset} />
        </>
      )}
      {shown && <Details e={shown} />}
    </>
  );
}

export function ExportersView({ at }: { at: Route }) {
  const list = useData<ExporterList>("exporters", { on: ["step", "tick", "hello"] });
  return (
    <>
      <Head title="Exporters" />
      <Await of={list} lines={8}>
        {(d) => (
          <>
            {d.warnings.map((w) => (
              <p key={w} class="warning" role="note">
                {w}
              </p>
            ))}
            <Panel title="Exporters" side={<span class="dim">{count(d.exporters.length)}</span>}>
              <List all={d} at={at} />
            </Panel>
            <Panel title="Ledger of every stage" side={<span class="dim">in = out + held + drops</span>}>
              {d.ledgers.length === 0 ? (
                <Empty title="Nothing is counted yet." />
              ) : (
                <Table label="Ledger of every stage" columns={LEDGER} rows={d.ledgers} id={(l) => l.stage} />
              )}
            </Panel>
            <Panel title="Sockets">
              {d.sockets.length === 0 ? (
                <Empty title="No socket is open for flows." />
              ) : (
                <ul class="plain-list">
                  {d.sockets.map((s) => (
                    <li key={`${s.address}${s.port}`}>
                      <span class="mono">{socketName(s)}</span>, receive buffer {bytes(s.receive_buffer)}
                    </li>
                  ))}
                </ul>
              )}
            </Panel>
          </>
        )}
      </Await>
    </>
  );
}
