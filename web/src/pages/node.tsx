// One node: each feature against its forecast, surprise by feature, role, parents, neighbours, alerts.
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { status } from "../api/live";
import type { FeatureSeries, NodeInfo, NodeSeries, Peers, Seen } from "../api/types";
import { useData } from "../api/use";
import { Fan, above } from "../charts/fan";
import { Heat, type HeatRow } from "../charts/heat";
import { spansOf } from "../charts/spans";
import { count, duration, flowRecords, percent, si } from "../lib/format";
import { directionOf, isVolume, label, show, showRange } from "../lib/features";
import { ends, rangeOf, showBetween, type Range } from "../lib/range";
import { href, setQuery, type Route } from "../lib/route";
import { withHoles } from "../lib/series";
import { useStore } from "../lib/store";
import { AlertTable } from "../ui/alert_table";
import { Head, NodeLink, Panel, Segmented, Stat, Tag, Time } from "../ui/base";
import { RangePicker } from "../ui/range_picker";
import { Await, Empty } from "../ui/states";
import { Table, type Column } from "../ui/table";
import { TalkerTables } from "../ui/talkers";

const STEP_MS = 60_000;
const HEAT_ROWS = 12;
const KIND_WORDS: Record<NodeInfo["kind"], string> = {
  host: "Host",
  prefix: "Prefix",
  interface: "Interface",
  as: "Autonomous system",
};

function About({ node }: { node: NodeInfo }) {
  const filled =
    node.positions !== null && node.window !== null
      ? `${count(Math.min(node.positions, node.window))} of ${count(node.window)} positions`
      : undefined;
  return (
    <dl class="stats">
      <Stat
        name="Kind"
        note={
          node.children > 0 ? (
            <a href={href(["nodes"], { search: node.node, kind: "host" })}>{count(node.children)} hosts inside</a>
          ) : undefined
        }
      >
        {KIND_WORDS[node.kind]}
      </Stat>
      <Stat name="Role" note={node.role ? "by its traffic" : "too little is known"}>
        {node.role ?? "–"}
      </Stat>
      <Stat name="Window" note={filled} tone={node.learning ? "warn" : undefined}>
        {percent(node.warm)}
      </Stat>
      <Stat name="Policy">{node.policy ?? "none"}</Stat>
      <Stat name="First seen">
        <Time ms={node.first_ms} />
      </Stat>
      <Stat name="Latest step">
        <Time ms={node.last_ms} />
      </Stat>
      <Stat name="Inside">
        <span class="parents">
          {node.parents.length === 0 ? "–" : node.parents.map((p) => <NodeLink key={p} node={p} />)}
        </span>
      </Stat>
    </dl>
  );
}

interface SurpriseProps {
  series: NodeSeries;
  range: Range;
  pick: (feature: string) => void;
}

function Surprise({ series, range, pick }: SurpriseProps) {
  const rows: HeatRow[] = useMemo(() => {
    const peak = (bits: (number | null)[]) => Math.max(0, ...bits.map((x) => x ?? 0));
    return [...series.surprise.by_feature].sort((a, b) => peak(b.bits) - peak(a.bits)).slice(0, HEAT_ROWS);
  }, [series]);
  return (
    <Panel
      title="Surprise by feature"
      side={rows.length > 0 && <span class="dim">darker is more surprising; the {rows.length} highest</span>}
    >
      {rows.length === 0 ? (
        <Empty title="No step of this time was scored." />
      ) : (
        <Heat rows={rows} times={series.times} step_ms={series.resolution_ms} {...ends(range)} onPick={pick} />
      )}
    </Panel>
  );
}

// A chart is made when it comes into view: forty of them at once would make the page slow to open.
function Lazy({ height, children }: { height: number; children: () => JSX.Element }) {
  const box = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(false);
  useEffect(() => {
    const watch = new IntersectionObserver(
      (seen) => {
        if (!seen.some((s) => s.isIntersecting)) return;
        setNear(true);
        watch.disconnect();
      },
      { rootMargin: "300px" },
    );
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  return (
    <div ref={box} style={{ minHeight: `${height}px` }}>
      {near && children()}
    </div>
  );
}

const SETS = [
  ["volumes", "Volumes"],
  ["in", "In"],
  ["out", "Out"],
  ["all", "All"],
] as const;
type SetName = (typeof SETS)[number][0];

function picked(features: FeatureSeries[], set: SetName): FeatureSeries[] {
  if (set === "volumes") return features.filter((f) => isVolume(f.feature));
  if (set === "all") return features;
  return features.filter((f) => directionOf(f.feature) === set);
}

function Features({
  series,
  range,
  latest,
  set,
  onSet,
  step_ms,
}: {
  series: NodeSeries;
  range: Range;
  latest: Seen[];
  set: SetName;
  onSet: (s: SetName) => void;
  step_ms: number;
}) {
  const spans = spansOf(series.alerts, series.times.at(-1) ?? 0);
  const height = set === "volumes" ? 170 : 120;
  const forecast = series.features.some((f) => f.high.some((x) => x !== null));
  const now = new Map(latest.map((s) => [s.feature, s]));
  return (
    <Panel
      title="Features against their forecast"
      side={<Segmented label="Features" value={set} options={SETS} onChange={onSet} />}
    >
      <div class={`fans ${set === "volumes" ? "large" : ""}`}>
        {picked(series.features, set).map((f) => {
          const over = above(f.values, f.high).filter((x) => x !== null).length;
          return (
            <figure key={f.feature} id={`feature-${f.feature}`}>
              <figcaption>
                <b>{label(f.feature)}</b>
                <span>{show(f, now.get(f.feature)?.value ?? f.values.at(-1), step_ms)}</span>
                {over > 0 && <span class="over-count">{over} above</span>}
              </figcaption>
              <Lazy height={height}>
                {() => (
                  <Fan
                    series={f}
                    times={series.times}
                    step_ms={step_ms}
                    height={height}
                    spans={spans}
                    sync="node"
                    onZoom={showBetween}
                    {...ends(range)}
                  />
                )}
              </Lazy>
            </figure>
          );
        })}
      </div>
      <p class="legend">
        <span class="key line">seen</span>
        {forecast && <span class="key band">forecast, 10 to 90 %, made one step before</span>}
        {forecast && <span class="key over">above the forecast</span>}
        {spans.length > 0 && <span class="key alert">alert</span>}
        <span class="dim">
          {series.resolution_ms > step_ms
            ? `means over ${duration(series.resolution_ms)}`
            : `steps of ${duration(step_ms)}`}
          ; drag to zoom
        </span>
      </p>
    </Panel>
  );
}

function latestColumns(step_ms: number): Column<Seen>[] {
  return [
    { name: "Feature", cell: (s) => label(s.feature) },
    { name: "Seen", number: true, cell: (s) => <b>{show(s, s.value, step_ms)}</b> },
    { name: "Forecast", number: true, wide: true, title: "Median", cell: (s) => show(s, s.middle, step_ms) },
    { name: "10 to 90 %", number: true, cell: (s) => showRange(s, s.low, s.high, step_ms) },
    { name: "Surprise", number: true, cell: (s) => si(s.bits, "bits") },
  ];
}

function Latest({ node, step_ms }: { node: NodeInfo; step_ms: number }) {
  const [all, setAll] = useState(false);
  const rows = [...node.latest].sort((a, b) => (b.bits ?? -1) - (a.bits ?? -1));
  return (
    <Panel
      title="Latest step"
      side={
        <span class="dim">
          <Time ms={node.last_ms} />
        </span>
      }
    >
      {rows.length === 0 ? (
        <Empty title="It has no frame in the latest step." />
      ) : (
        <>
          <Table
            label="Features of the latest step"
            columns={latestColumns(step_ms)}
            rows={all ? rows : rows.slice(0, HEAT_ROWS)}
            id={(s) => s.feature}
          />
          {rows.length > HEAT_ROWS && (
            <p class="more">
              <button type="button" class="small" onClick={() => setAll(!all)}>
                {all ? "Most surprising only" : `All ${rows.length} features`}
              </button>
            </p>
          )}
        </>
      )}
    </Panel>
  );
}

// A source of traffic may be outside the network: history then holds nothing of it.
function Unknown({ node }: { node: string }) {
  return (
    <Panel title="Not a node">
      <Empty title={`History holds nothing of ${node}.`}>
        <p>It may be outside the network that this server watches, or silent for longer than history reaches.</p>
        <a href={href(["nodes"], { search: node })}>Search for it</a>
      </Empty>
    </Panel>
  );
}

function Now({ node, step_ms }: { node: NodeInfo; step_ms: number }) {
  return (
    <div class="grid halves left-more">
      <Latest node={node} step_ms={step_ms} />
      <Panel title="Alerts" side={<a href={href(["alerts"], { node: node.node })}>All its alerts</a>}>
        {node.alerts.length === 0 ? (
          <Empty title="No alert of this node." />
        ) : (
          <AlertTable label="Alerts of this node" alerts={node.alerts} without={["Node", "Task", "Score"]} />
        )}
      </Panel>
    </div>
  );
}

const showSet = (set: SetName) => setQuery({ features: set === "volumes" ? undefined : set });

interface OverProps {
  series: NodeSeries;
  range: Range;
  info: NodeInfo | null;
  set: SetName;
  step_ms: number;
}

function Over({ series: given, range, info, set, step_ms }: OverProps) {
  const series = useMemo(() => withHoles(given), [given]);
  const pick = (feature: string) => {
    if (!picked(series.features, set).some((f) => f.feature === feature)) showSet("all");
    const go = () => document.getElementById(`feature-${feature}`)?.scrollIntoView({ block: "center" });
    requestAnimationFrame(() => requestAnimationFrame(go));
  };
  if (series.times.length === 0) {
    return (
      <Panel title="Features">
        <Empty title="History holds no step of this node in this time.">Choose another time above.</Empty>
      </Panel>
    );
  }
  return (
    <>
      <Features series={series} range={range} latest={info?.latest ?? []} set={set} onSet={showSet} step_ms={step_ms} />
      <Surprise series={series} range={range} pick={pick} />
    </>
  );
}

const LEARNING = (
  <Tag tone="warn" title="Its alerts are suppressed until its window is full">
    learning
  </Tag>
);

const Notes = ({ node, learning }: { node: string; learning: boolean }) => (
  <span class="tags">
    {learning && LEARNING}
    <a href={href(["explore"], { node })}>Explore its traffic</a>
  </span>
);

export function NodeView({ node, at }: { node: string; at: Route }) {
  const range = rangeOf(at);
  const set = SETS.find(([name]) => name === at.query.features)?.[0] ?? "volumes";
  const path = `nodes/${encodeURIComponent(node)}`;
  const info = useData<NodeInfo>(path, { on: ["step", "alert", "hello"] });
  const unknown = info.error?.status === 404 && info.data === null;
  const series = useData<NodeSeries>(unknown ? null : `${path}/series`, { range, on: ["step", "hello"] });
  const peers = useData<Peers>(unknown ? null : `${path}/peers`, { on: ["step"] });
  const step_ms = useStore(status)?.step_ms ?? STEP_MS;
  return (
    <>
      <Head
        title={<span class="mono">{node}</span>}
        note={!unknown && <Notes node={node} learning={info.data?.learning ?? false} />}
      >
        <RangePicker range={range} />
      </Head>
      {unknown ? (
        <Unknown node={node} />
      ) : (
        <>
          <Await of={info} lines={2}>
            {(n) => <About node={n} />}
          </Await>
          <Await of={series} lines={10}>
            {(s) => <Over series={s} range={range} info={info.data} set={set} step_ms={step_ms} />}
          </Await>
          {info.data && <Now node={info.data} step_ms={step_ms} />}
          <Await of={peers} lines={3}>
            {(p) => (
              <TalkerTables
                title="Neighbours"
                note={`who sends to it; ${flowRecords(p.sampled)} of the latest steps`}
                lists={p}
              />
            )}
          </Await>
        </>
      )}
    </>
  );
}
