// One node's traffic: its protocols over any time, and who takes part in the latest steps.
import { status } from "../api/live";
import type { Explore, Maybe, NodeSeries, Peers } from "../api/types";
import { useData } from "../api/use";
import { ink, seriesInk } from "../charts/palette";
import { Stacked } from "../charts/stacked";
import { duration, flowRecords, percent, si } from "../lib/format";
import { ends, showBetween, type Range } from "../lib/range";
import { href, setQuery, type Route } from "../lib/route";
import { withHoles } from "../lib/series";
import { useStore } from "../lib/store";
import { Bar, Panel, SearchBox, Segmented } from "../ui/base";
import { Await, Empty } from "../ui/states";
import { Table, type Column } from "../ui/table";
import { TalkerTables } from "../ui/talkers";

const DIRECTIONS = [
  ["in", "Received"],
  ["out", "Sent"],
] as const;
type Direction = (typeof DIRECTIONS)[number][0];
const PROTOCOLS = [
  ["tcp", "TCP"],
  ["udp", "UDP"],
  ["icmp", "ICMP"],
  ["other", "other protocols"],
] as const;
const UNIT = "packets/s";
const STEP_MS = 60_000;

const featuresOf = (d: Direction) => [`packets_${d}`, ...PROTOCOLS.map(([p]) => `${p}_share_${d}`)];

const sum = (values: Maybe[]): number => values.reduce<number>((a, x) => a + (x ?? 0), 0);

// A protocol's packets are its share of the step's packets; what no share tells stays with "all others".
function stackOf(s: NodeSeries, d: Direction): Explore {
  const of = (name: string) => s.features.find((f) => f.feature === name)?.values ?? s.times.map(() => null);
  const total = of(`packets_${d}`);
  const all = sum(total);
  const series = PROTOCOLS.map(([p, label]) => {
    const share = of(`${p}_share_${d}`);
    const values = total.map((x, i) => (x === null || share[i] == null ? null : x * share[i]!));
    const own = sum(values);
    return { name: p, label, values, bytes: null, packets: own, flows: null, share: all > 0 ? own / all : null };
  }).filter((row) => row.packets > 0);
  const other = total.map((x, i) => (x === null ? null : Math.max(0, x - sum(series.map((r) => r.values[i] ?? null)))));
  return {
    by: "protocol",
    metric: "packets",
    resolution_ms: s.resolution_ms,
    times: s.times,
    total,
    other: other.map((x, i) => (x !== null && x < 0.001 * (total[i] ?? 0) ? 0 : x)),
    series,
  };
}

interface Row {
  name: string;
  index: number;
  share: Maybe;
  mean: Maybe;
  most: Maybe;
}

const COLUMNS: Column<Row>[] = [
  {
    name: "Protocol",
    cell: (r) => (
      <span class="named">
        <i class="swatch" aria-hidden="true" style={{ background: ink(seriesInk(r.index)) }} />
        {r.name}
      </span>
    ),
  },
  {
    name: "Share",
    number: true,
    cell: (r) => (
      <span class="with-bar">
        <Bar share={r.share} />
        {percent(r.share)}
      </span>
    ),
  },
  { name: "Mean", number: true, cell: (r) => si(r.mean, UNIT) },
  { name: "Highest", number: true, cell: (r) => si(r.most, UNIT) },
];

function rowsOf(data: Explore, factor: number): Row[] {
  return data.series.map((s, index) => {
    const known = s.values.filter((x): x is number => x !== null);
    return {
      name: s.label,
      index,
      share: s.share,
      mean: known.length ? (sum(known) / known.length) * factor : null,
      most: known.length ? Math.max(...known) * factor : null,
    };
  });
}

function Protocols({ node, direction, range }: { node: string; direction: Direction; range: Range }) {
  const series = useData<NodeSeries>(`nodes/${encodeURIComponent(node)}/series`, {
    query: { features: featuresOf(direction).join(",") },
    range,
    on: ["step", "hello"],
  });
  const step_ms = useStore(status)?.step_ms ?? STEP_MS;
  return (
    <Await of={series} lines={12}>
      {(s) => {
        const data = stackOf(withHoles(s), direction);
        const factor = 1000 / step_ms; // Values are of a step, also where they are means over several.
        if (data.times.length === 0)
          return <Empty title="History holds no step of this node in this time.">Choose another time above.</Empty>;
        return (
          <>
            <Stacked
              data={data}
              unit={UNIT}
              axisUnit="/s"
              factor={factor}
              chosen={null}
              height={280}
              onZoom={showBetween}
              {...ends(range)}
            />
            <Table label="Its protocols" columns={COLUMNS} rows={rowsOf(data, factor)} id={(r) => r.name} />
            <p class="dim">
              {data.resolution_ms > step_ms ? "Means over" : "Steps of"} {duration(data.resolution_ms)}. Of other
              counters and features the <a href={href(["nodes", node])}>node's page</a> has charts.
            </p>
          </>
        );
      }}
    </Await>
  );
}

// Flows are kept for as long as alerts need them; so this is of the latest steps, whatever time is chosen above.
function Partners({ node }: { node: string }) {
  const peers = useData<Peers>(`nodes/${encodeURIComponent(node)}/peers`, { on: ["step", "hello"] });
  return (
    <Await of={peers} lines={3}>
      {(p) => (
        <TalkerTables
          title="Who sends to it now"
          note={`${flowRecords(p.sampled)} of the latest steps; older ones are not kept`}
          lists={p}
        />
      )}
    </Await>
  );
}

export function ExploreNode({ at, range }: { at: Route; range: Range }) {
  const node = at.query.node ?? "";
  const direction = DIRECTIONS.find(([d]) => d === at.query.direction)?.[0] ?? "in";
  return (
    <>
      <Panel title={node ? `Traffic of ${node}` : "Traffic of one node"}>
        <div class="filters">
          <SearchBox
            label="Node"
            placeholder="An address, prefix, interface or AS"
            value={node}
            onChange={(v) => setQuery({ node: v.trim() || undefined }, true)}
          />
          <Segmented
            label="Direction"
            value={direction}
            options={DIRECTIONS}
            onChange={(d) => setQuery({ direction: d === "in" ? undefined : d })}
          />
        </div>
        {node ? (
          <Protocols node={node} direction={direction} range={range} />
        ) : (
          <Empty title="Name a node above.">
            Or choose one of <a href={href(["nodes"])}>all nodes</a>.
          </Empty>
        )}
      </Panel>
      {node && <Partners node={node} />}
    </>
  );
}
