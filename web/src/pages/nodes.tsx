// All nodes of the latest closed step: search, sort, page.
import type { NodePage, NodeRow } from "../api/types";
import { useData } from "../api/use";
import { percent, si } from "../lib/format";
import { show } from "../lib/features";
import { setQuery, type Route } from "../lib/route";
import { Bar, Choice, Head, NodeLink, Panel, SearchBox, Tag, Time } from "../ui/base";
import { Await, Empty } from "../ui/states";
import { Pager, Table, type Column } from "../ui/table";

const LIMIT = 50;
const KINDS = [
  ["", "All"],
  ["host", "Hosts"],
  ["prefix", "Prefixes"],
  ["interface", "Interfaces"],
  ["as", "AS"],
] as const;
// A volume's order is that of in and out together, so that no column has its arrow.
const SORTS = [
  ["surprise", "surprise"],
  ["bytes", "traffic in and out"],
  ["packets", "packets in and out"],
  ["flows", "flows in and out"],
  ["name", "name"],
] as const;

export function nodeColumns(step_ms: number): Column<NodeRow>[] {
  const rate = (feature: string, unit: string) => (n: NodeRow) =>
    show({ feature, unit }, n[feature as "bytes_in"], step_ms);
  return [
    { name: "Node", sort: "name", cell: (n) => <NodeLink node={n.node} /> },
    { name: "Kind", wide: true, cell: (n) => n.kind },
    { name: "In", number: true, cell: rate("bytes_in", "B") },
    { name: "Out", number: true, cell: rate("bytes_out", "B") },
    { name: "Packets in", number: true, wide: true, cell: rate("packets_in", "packets") },
    { name: "Packets out", number: true, wide: true, cell: rate("packets_out", "packets") },
    { name: "Flows in", number: true, wide: true, cell: rate("flows_in", "flows") },
    { name: "Flows out", number: true, wide: true, cell: rate("flows_out", "flows") },
    { name: "Surprise", number: true, sort: "surprise", cell: (n) => si(n.bits, "bits") },
    {
      name: "Window",
      number: true,
      title: "How much of the model's window is filled",
      cell: (n) => (
        <span class="with-bar">
          <Bar share={n.warm} />
          {percent(n.warm)}
        </span>
      ),
    },
    {
      name: "Alerts",
      number: true,
      cell: (n) => (n.alerts > 0 ? <Tag tone="bad">{n.alerts} open</Tag> : <span class="dim">0</span>),
    },
  ];
}

export function NodesView({ at }: { at: Route }) {
  const q = at.query;
  const offset = Number(q.offset) || 0;
  const sort = SORTS.find(([s]) => s === q.sort)?.[0] ?? "bytes";
  const list = useData<NodePage>("nodes", {
    query: { search: q.search, kind: q.kind, sort, offset, limit: LIMIT },
    on: ["step", "hello"],
  });
  return (
    <>
      <Head
        title="Nodes"
        note={
          list.data && (
            <>
              Step of <Time ms={list.data.time_ms} />
            </>
          )
        }
      />
      <Panel title="Nodes of the latest step">
        <div class="filters">
          <SearchBox
            label="Part of a name, or a prefix"
            placeholder="192.0.2. or 192.0.2.0/24"
            value={q.search ?? ""}
            onChange={(v) => setQuery({ search: v || undefined, offset: undefined }, true)}
          />
          <Choice
            label="Kind"
            value={(q.kind ?? "") as ""}
            options={KINDS}
            onChange={(v) => setQuery({ kind: v || undefined, offset: undefined })}
          />
          <Choice
            label="Sorted by"
            value={sort}
            options={SORTS}
            onChange={(v) => setQuery({ sort: v === "bytes" ? undefined : v, offset: undefined })}
          />
        </div>
        <Await of={list} lines={10}>
          {(d) =>
            d.nodes.length === 0 ? (
              <Empty title={q.search || q.kind ? "No node matches." : "No step has been closed yet."}>
                {!(q.search || q.kind) && "Nodes appear when the first step after the start is closed."}
              </Empty>
            ) : (
              <>
                <Table
                  label="Nodes"
                  columns={nodeColumns(d.step_ms)}
                  rows={d.nodes}
                  id={(n) => n.node}
                  sorted={sort}
                  onSort={(key) => setQuery({ sort: key === "bytes" ? undefined : key, offset: undefined })}
                />
                <Pager
                  total={d.total}
                  offset={d.offset}
                  limit={LIMIT}
                  what="nodes"
                  onMove={(o) => setQuery({ offset: o ? String(o) : undefined })}
                />
              </>
            )
          }
        </Await>
      </Panel>
    </>
  );
}
