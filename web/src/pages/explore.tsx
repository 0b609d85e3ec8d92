// Traffic by one dimension, and nodes beside each other.
import { status } from "../api/live";
import type { Dimension, Explore } from "../api/types";
import { useData } from "../api/use";
import { inkOf, OTHER, Stacked } from "../charts/stacked";
import { ink } from "../charts/palette";
import { bytes, count, duration, percent, si } from "../lib/format";
import { rangeOf, showBetween, type Range } from "../lib/range";
import { href, setQuery, type Route } from "../lib/route";
import { useStore } from "../lib/store";
import { Bar, Choice, Head, NodeLink, Panel, Segmented } from "../ui/base";
import { RangePicker } from "../ui/range_picker";
import { Await, Empty } from "../ui/states";
import { Table, type Column } from "../ui/table";
import { Compare } from "./compare";
import { ExploreNode } from "./explore_node";

const VIEWS = [
  ["traffic", "Traffic by"],
  ["node", "One node"],
  ["nodes", "Nodes beside each other"],
] as const;
const DIMENSIONS: readonly (readonly [Dimension, string])[] = [
  ["source", "Sources"],
  ["destination", "Destinations"],
  ["port", "Ports"],
  ["protocol", "Protocols"],
  ["exporter", "Exporters"],
];
const METRICS = [
  ["bytes", "Bits"],
  ["packets", "Packets"],
  ["flows", "Flows"],
] as const;
const LIMITS = [
  ["5", "5"],
  ["10", "10"],
  ["20", "20"],
  ["50", "50"],
] as const;
const UNITS = { bytes: "bit/s", packets: "packets/s", flows: "flows/s" };

interface Row {
  name: string;
  label: string;
  share: number | null;
  bytes: number | null;
  packets: number | null;
  flows: number | null;
  mean: number | null;
  most: number | null;
  index: number;
}

const known = (values: (number | null)[]): number[] => values.filter((x): x is number => x !== null);

function rowsOf(data: Explore, factor: number): Row[] {
  const figures = (values: (number | null)[]) => {
    const v = known(values);
    return v.length === 0
      ? { mean: null, most: null }
      : { mean: (v.reduce((a, b) => a + b, 0) / v.length) * factor, most: Math.max(...v) * factor };
  };
  const rows: Row[] = data.series.map((s, index) => ({ ...s, ...figures(s.values), index }));
  const all = known(data.total).reduce((a, b) => a + b, 0);
  const rest = known(data.other).reduce((a, b) => a + b, 0);
  if (rest > 0) {
    const amount = { bytes: null, packets: null, flows: null, [data.metric]: rest };
    rows.push({
      name: OTHER,
      label: "all others",
      share: all > 0 ? rest / all : null,
      ...amount,
      ...figures(data.other),
      index: data.series.length,
    });
  }
  return rows;
}

function columnsOf(
  data: Explore,
  unit: string,
  chosen: string | null,
  choose: (name: string | null) => void,
): Column<Row>[] {
  const isNode = data.by === "source" || data.by === "destination";
  return [
    {
      name: DIMENSIONS.find(([d]) => d === data.by)?.[1].replace(/s$/, "") ?? "Name",
      cell: (r) => (
        <span class="named">
          <i class="swatch" aria-hidden="true" style={{ background: ink(inkOf(r.index, data.series.length)) }} />
          {isNode && r.name !== OTHER ? <NodeLink node={r.name} /> : r.label}
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
    { name: "Mean", number: true, cell: (r) => si(r.mean, unit) },
    { name: "Highest", number: true, wide: true, cell: (r) => si(r.most, unit) },
    { name: "Bytes", number: true, cell: (r) => bytes(r.bytes) },
    { name: "Packets", number: true, wide: true, cell: (r) => si(r.packets) },
    { name: "Flows", number: true, wide: true, cell: (r) => si(r.flows) },
    {
      name: "Chart",
      cell: (r) => (
        <button
          type="button"
          class="small"
          aria-pressed={chosen === r.name}
          onClick={() => choose(chosen === r.name ? null : r.name)}
        >
          {chosen === r.name ? "Show all" : "Alone"}
        </button>
      ),
    },
  ];
}

function Breakdown({ at, range }: { at: Route; range: Range }) {
  const by = DIMENSIONS.find(([d]) => d === at.query.by)?.[0] ?? "source";
  const metric = METRICS.find(([m]) => m === at.query.metric)?.[0] ?? "bytes";
  const limit = LIMITS.find(([n]) => n === at.query.limit)?.[0] ?? "10";
  const data = useData<Explore>("explore", { query: { by, metric, limit }, range, on: ["step", "hello"] });
  const chosen = at.query.alone ?? null;
  const step_ms = useStore(status)?.step_ms;
  const select = (change: Record<string, string | undefined>) => setQuery({ ...change, alone: undefined });
  const choose = (name: string | null) => setQuery({ alone: name ?? undefined });
  const fixed = "from" in range ? range : undefined;
  return (
    <Panel
      title={`Traffic by ${by}`}
      side={
        data.data && (
          <span class="dim">
            {data.data.resolution_ms === step_ms ? "steps" : "means"} of {duration(data.data.resolution_ms)}
          </span>
        )
      }
    >
      <div class="filters">
        <Segmented
          label="Dimension"
          value={by}
          options={DIMENSIONS}
          onChange={(v) => select({ by: v === "source" ? undefined : v })}
        />
        <Segmented
          label="Counter"
          value={metric}
          options={METRICS}
          onChange={(v) => select({ metric: v === "bytes" ? undefined : v })}
        />
        <Choice
          label="Most"
          value={limit}
          options={LIMITS}
          onChange={(v) => select({ limit: v === "10" ? undefined : v })}
        />
      </div>
      <Await of={data} lines={12}>
        {(d) => {
          const factor = (d.metric === "bytes" ? 8 : 1) / (d.resolution_ms / 1000);
          const unit = UNITS[d.metric as keyof typeof UNITS] ?? "/s";
          const alone = d.series.some((s) => s.name === chosen) || chosen === OTHER ? chosen : null;
          if (d.times.length === 0)
            return <Empty title="No flows were seen in this time.">Choose another time above.</Empty>;
          return (
            <>
              <Stacked
                data={d}
                unit={unit}
                axisUnit={d.metric === "bytes" ? unit : "/s"}
                factor={factor}
                chosen={alone}
                height={300}
                onZoom={showBetween}
                from={fixed?.from}
                to={fixed?.to}
              />
              <Table
                label={`Traffic by ${d.by}`}
                columns={columnsOf(d, unit, alone, choose)}
                rows={rowsOf(d, factor)}
                id={(r) => r.name}
              />
              <p class="dim">
                {count(d.series.length)} with a series of their own. A name that a step does not list had less than
                those it lists. Counters are after sampling is undone.
              </p>
            </>
          );
        }}
      </Await>
    </Panel>
  );
}

export function ExploreView({ at }: { at: Route }) {
  const range = rangeOf(at);
  const { node } = at.query;
  const view = at.query.view === "nodes" ? "nodes" : at.query.view === "node" || node ? "node" : "traffic";
  return (
    <>
      <Head title="Explore">
        <RangePicker range={range} />
      </Head>
      <nav class="tabs" aria-label="Ways to explore">
        {VIEWS.map(([v, name]) => (
          <a
            key={v}
            href={href(["explore"], v === "traffic" ? {} : v === "node" && node ? { node } : { view: v })}
            aria-current={v === view ? "true" : undefined}
          >
            {name}
          </a>
        ))}
      </nav>
      {view === "nodes" && <Compare at={at} range={range} />}
      {view === "node" && <ExploreNode at={at} range={range} />}
      {view === "traffic" && <Breakdown at={at} range={range} />}
    </>
  );
}
