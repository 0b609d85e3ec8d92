// A feature of several nodes over time.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "../api/client";
import { status, useEvents } from "../api/live";
import type { FeatureList, FeatureSeries, Maybe, NodePage, NodeSeries } from "../api/types";
import { useData } from "../api/use";
import { Chart } from "../charts/chart";
import { ink, seriesInk } from "../charts/palette";
import { duration } from "../lib/format";
import { label, scale, showAxis, showScaled } from "../lib/features";
import { bounds, ends, showBetween, type Range } from "../lib/range";
import { setQuery, type Route } from "../lib/route";
import { withHoles } from "../lib/series";
import { useStore } from "../lib/store";
import { NodeLink, Panel, SearchBox } from "../ui/base";
import { Empty, Failed, Loading } from "../ui/states";
import { Table, type Column } from "../ui/table";

const MOST_NODES = 8;
const STEP_MS = 60_000;
const REFRESH_MS = 10_000;

interface Answer {
  of: string;
  series: (NodeSeries | null)[];
  error: ApiError | null;
}

// One request a node; a node that history does not know is left out, not an error of all.
async function load(
  nodes: string[],
  feature: string,
  range: Range,
  signal: AbortSignal,
): Promise<(NodeSeries | null)[]> {
  return Promise.all(
    nodes.map(async (n) => {
      try {
        return withHoles(
          await get<NodeSeries>(
            `nodes/${encodeURIComponent(n)}/series`,
            { features: feature, ...bounds(range) },
            signal,
          ),
        );
      } catch (e) {
        if (e instanceof ApiError && e.status === 404) return null;
        throw e;
      }
    }),
  );
}

function useSeries(nodes: string[], feature: string, range: Range): [Answer | null, () => void] {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [turn, setTurn] = useState(0);
  const last = useRef(0);
  const of = JSON.stringify([nodes, feature, range]);
  useEffect(() => {
    const abort = new AbortController();
    last.current = Date.now();
    load(nodes, feature, range, abort.signal).then(
      (series) => !abort.signal.aborted && setAnswer({ of, series, error: null }),
      (e) =>
        !abort.signal.aborted &&
        setAnswer({ of, series: [], error: e instanceof ApiError ? e : new ApiError(0, String(e)) }),
    );
    return () => abort.abort();
  }, [of, turn]);
  useEvents(
    (name) => name === "step" && "last" in range && Date.now() - last.current > REFRESH_MS && setTurn((n) => n + 1),
  );
  return [answer?.of === of || answer?.error === null ? answer : null, () => setTurn((n) => n + 1)];
}

// Times of nodes may differ: a node is silent in some steps.
function aligned(all: { node: string; series: FeatureSeries; times: number[] }[]): {
  times: number[];
  values: Maybe[][];
} {
  const times = [...new Set(all.flatMap((a) => a.times))].sort((a, b) => a - b);
  const at = new Map(times.map((t, i) => [t, i]));
  const values = all.map((a) => {
    const row: Maybe[] = times.map(() => null);
    a.times.forEach((t, i) => (row[at.get(t)!] = a.series.values[i] ?? null));
    return row;
  });
  return { times, values };
}

interface Row {
  node: string;
  index: number;
  last: Maybe;
  mean: Maybe;
  most: Maybe;
}

function Result({
  answer,
  nodes,
  feature,
  range,
  drop,
}: {
  answer: Answer;
  range: Range;
  nodes: string[];
  feature: string;
  drop: (node: string) => void;
}) {
  const step_ms = useStore(status)?.step_ms ?? STEP_MS;
  const found = answer.series.flatMap((s) => {
    const series = s?.features.find((f) => f.feature === feature);
    return s && series && nodes.includes(s.node)
      ? [{ node: s.node, series, times: s.times, resolution: s.resolution_ms }]
      : [];
  });
  const lost = nodes.filter((n) => !found.some((f) => f.node === n));
  if (found.length === 0) return <Empty title="History holds nothing of these nodes in this time." />;
  const like = found[0]!.series;
  const by = scale(like, step_ms);
  const { times, values } = aligned(found);
  const scaled = values.map((row) => row.map((x) => (x === null ? null : x * by)));
  const rows: Row[] = found.map((f, index) => {
    const v = scaled[index]!.filter((x): x is number => x !== null);
    return {
      node: f.node,
      index,
      last: v.at(-1) ?? null,
      mean: v.length ? v.reduce((a, b) => a + b, 0) / v.length : null,
      most: v.length ? Math.max(...v) : null,
    };
  });
  const columns: Column<Row>[] = [
    {
      name: "Node",
      cell: (r) => (
        <span class="named">
          <i class="swatch" aria-hidden="true" style={{ background: ink(seriesInk(r.index)) }} />
          <NodeLink node={r.node} />
        </span>
      ),
    },
    { name: "Last", number: true, cell: (r) => showScaled(like, r.last) },
    { name: "Mean", number: true, cell: (r) => showScaled(like, r.mean) },
    { name: "Highest", number: true, cell: (r) => showScaled(like, r.most) },
    {
      name: "Remove",
      cell: (r) => (
        <button type="button" class="small" aria-label={`Remove ${r.node}`} onClick={() => drop(r.node)}>
          Remove
        </button>
      ),
    },
  ];
  return (
    <>
      <Chart
        times={times}
        height={280}
        show={(x) => showScaled(like, x)}
        axis={(x) => showAxis(like, x)}
        onZoom={showBetween}
        {...ends(range)}
        lines={found.map((f, i) => ({ label: f.node, values: scaled[i]!, ink: seriesInk(i) }))}
        label={`${label(feature)} of ${found.map((f) => f.node).join(", ")}`}
      />
      <Table label={`${label(feature)} by node`} columns={columns} rows={rows} id={(r) => r.node} />
      {lost.length > 0 && <p class="dim">Nothing is known in this time of {lost.join(", ")}.</p>}
      <p class="dim">Each value is of {duration(found[0]!.resolution)}.</p>
    </>
  );
}

function Add({ nodes, add }: { nodes: string[]; add: (node: string) => void }) {
  const [search, setSearch] = useState("");
  const list = useData<NodePage>("nodes", { query: { search, limit: 12, sort: "bytes" } });
  const rest = (list.data?.nodes ?? []).filter((n) => !nodes.includes(n.node));
  return (
    <div class="adder">
      <SearchBox label="Add a node" placeholder="Add a node: part of its name" value={search} onChange={setSearch} />
      <div class="tags" role="group" aria-label="Nodes to add">
        {rest.map((n) => (
          <button
            key={n.node}
            type="button"
            class="small mono"
            disabled={nodes.length >= MOST_NODES}
            onClick={() => add(n.node)}
          >
            + {n.node}
          </button>
        ))}
        {list.data && rest.length === 0 && <span class="dim">No other node matches.</span>}
      </div>
      {nodes.length >= MOST_NODES && <p class="dim">At most {MOST_NODES} nodes at once.</p>}
    </div>
  );
}

export function Compare({ at, range }: { at: Route; range: Range }) {
  const nodes = (at.query.nodes ?? "").split(",").filter(Boolean).slice(0, MOST_NODES);
  const feature = at.query.feature ?? "bytes_in";
  const features = useData<FeatureList>("features");
  const [answer, again] = useSeries(nodes, feature, range);
  const put = (list: string[]) => setQuery({ nodes: list.join(",") || undefined }, true);
  return (
    <Panel
      title="Nodes beside each other"
      side={
        <select
          aria-label="Feature"
          value={feature}
          onChange={(e) => setQuery({ feature: e.currentTarget.value }, true)}
        >
          {(features.data?.features ?? [{ name: feature, help: "" }]).map((f) => (
            <option key={f.name} value={f.name} title={f.help}>
              {label(f.name)}
            </option>
          ))}
        </select>
      }
    >
      <Add nodes={nodes} add={(n) => put([...nodes, n])} />
      {nodes.length === 0 ? (
        <Empty title="Choose a node above.">Up to {MOST_NODES} nodes share one chart.</Empty>
      ) : !answer ? (
        <Loading lines={8} />
      ) : answer.error ? (
        <Failed error={answer.error} retry={again} />
      ) : (
        <Result
          answer={answer}
          range={range}
          nodes={nodes}
          feature={feature}
          drop={(n) => put(nodes.filter((x) => x !== n))}
        />
      )}
    </Panel>
  );
}
