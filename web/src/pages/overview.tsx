// The first page: traffic and its forecast, open alerts, surprising nodes, health.
import { useState } from "preact/hooks";
import { status, useEvents } from "../api/live";
import type { HealthSummary, Maybe, Overview, TickEvent } from "../api/types";
import { useData } from "../api/use";
import { Mirror } from "../charts/fan";
import { spansOf } from "../charts/spans";
import { bytes, count, duration, si } from "../lib/format";
import { label, show, showRange } from "../lib/features";
import { rangeOf, showBetween } from "../lib/range";
import { href, setQuery, type Route } from "../lib/route";
import { useStore } from "../lib/store";
import { AlertList } from "../ui/alert_table";
import { Head, NodeLink, Panel, Segmented, Stat, Tag, Time } from "../ui/base";
import { RangePicker } from "../ui/range_picker";
import { Await, Empty } from "../ui/states";
import { Table, type Column } from "../ui/table";

const METRICS = [
  ["bytes", "Bits"],
  ["packets", "Packets"],
  ["flows", "Flows"],
] as const;
type Metric = (typeof METRICS)[number][0];
const UNITS: Record<Metric, string> = { bytes: "B", packets: "packets", flows: "flows" };
const STEP_MS = 60_000; // Until the server has said its own.

// The latest closed step; or the open one, as a rate, where it is above that already. Below it says nothing: flows are
// reported when they end, so that an open step lacks some.
function Now({
  data,
  tick,
  metric,
  direction,
  step_ms,
}: {
  data: Overview;
  tick: TickEvent | null;
  metric: Metric;
  direction: "in" | "out";
  step_ms: number;
}) {
  const name = `${metric}_${direction}` as keyof TickEvent["totals"];
  const like = { feature: name, unit: UNITS[metric] };
  const partial = tick && tick.elapsed_ms >= step_ms / 4 ? tick : null;
  const last = data.network.find((f) => f.feature === name)?.values.findLast((x) => x !== null);
  const soFar = partial?.totals[name] ?? null;
  const open: Maybe = partial && soFar !== null ? soFar * (step_ms / partial.elapsed_ms) : null;
  const value: Maybe | undefined = open !== null && open > (last ?? -1) ? open : last;
  const next = data.next?.find((n) => n.feature === name);
  const band =
    next && next.low !== null && next.high !== null
      ? `forecast ${showRange(like, next.low, next.high, step_ms)}`
      : undefined;
  return (
    <Stat name={direction === "in" ? "Received" : "Sent"} note={band}>
      {show(like, value, step_ms)}
    </Stat>
  );
}

function Stats({
  data,
  tick,
  metric,
  step_ms,
  scored,
}: {
  data: Overview;
  tick: TickEvent | null;
  metric: Metric;
  step_ms: number;
  scored: boolean;
}) {
  const { alerts, nodes, health } = data;
  const grave = alerts.by_severity.critical + alerts.by_severity.high;
  return (
    <dl class="stats">
      <Now data={data} tick={tick} metric={metric} direction="in" step_ms={step_ms} />
      <Now data={data} tick={tick} metric={metric} direction="out" step_ms={step_ms} />
      <Stat
        name="Open alerts"
        tone={grave > 0 ? "bad" : alerts.open > 0 ? "warn" : undefined}
        note={alerts.open > 0 ? bySeverity(alerts.by_severity) : "none"}
      >
        {count(alerts.open)}
      </Stat>
      <Stat name="Nodes" note={scored && nodes.known > 0 ? `${count(nodes.warm)} with a full window` : undefined}>
        {count(nodes.known)}
      </Stat>
      <Stat name="Flow records" note={`from ${count(health.exporters)} exporter${health.exporters === 1 ? "" : "s"}`}>
        {si(health.flows_per_second, "/s")}
      </Stat>
      <Stat
        name={scored ? "Scores" : "Shown"}
        note="after a step's end"
        tone={health.step_lag_ms !== null && health.step_lag_ms > 3 * step_ms ? "warn" : undefined}
      >
        {duration(health.step_lag_ms)}
      </Stat>
    </dl>
  );
}

const bySeverity = (by: Overview["alerts"]["by_severity"]): string =>
  (["critical", "high", "medium", "low"] as const)
    .filter((s) => by[s] > 0)
    .map((s) => `${by[s]} ${s}`)
    .join(", ");

function Traffic({
  data,
  metric,
  step_ms,
  from,
  to,
}: {
  data: Overview;
  metric: Metric;
  step_ms: number;
  from?: number;
  to?: number;
}) {
  const inbound = data.network.find((f) => f.feature === `${metric}_in`);
  const outbound = data.network.find((f) => f.feature === `${metric}_out`);
  if (!inbound || !outbound || data.times.length === 0) {
    return (
      <Empty title="No step has been closed in this time.">
        The first one is closed a few minutes after flows arrive.
      </Empty>
    );
  }
  const spans = spansOf(data.alerts.latest, data.now_ms);
  const forecast = inbound.high.some((x) => x !== null);
  return (
    <>
      <Mirror
        inbound={inbound}
        outbound={outbound}
        times={data.times}
        next={data.next ?? []}
        step_ms={step_ms}
        height={334}
        spans={spans}
        onZoom={showBetween}
        from={from}
        to={to}
      />
      <p class="legend">
        <span class="key line">received, upwards</span>
        <span class="key line-2">sent, downwards</span>
        {forecast && <span class="key band">forecast, 10 to 90 %</span>}
        {spans.length > 0 && <span class="key alert">alert</span>}
        <span class="dim">
          {data.resolution_ms > step_ms
            ? `means over ${duration(data.resolution_ms)}`
            : `steps of ${duration(step_ms)}`}
          ; drag to zoom
        </span>
      </p>
    </>
  );
}

type Surprising = Overview["surprising"][number];

function surprisingColumns(step_ms: number): Column<Surprising>[] {
  const rate = (name: string, x: Maybe) => show({ feature: name, unit: "B" }, x, step_ms);
  return [
    { name: "Node", cell: (n) => <NodeLink node={n.node} /> },
    {
      name: "Surprise",
      number: true,
      title: "Bits over all features, of the latest step",
      cell: (n) => si(n.bits, "bits"),
    },
    {
      name: "Driven by",
      cell: (n) =>
        n.driver ? (
          <>
            {label(n.driver)} <span class="dim">{si(n.driver_bits, "bits")}</span>
          </>
        ) : (
          "–"
        ),
    },
    { name: "In", number: true, cell: (n) => rate("bytes_in", n.bytes_in) },
    { name: "Out", number: true, wide: true, cell: (n) => rate("bytes_out", n.bytes_out) },
  ];
}

// What each level leaves out (docs/operations.md, When it is too much). A level includes those before it.
const SHED_WORDS: Record<HealthSummary["shed"], string> = {
  "nothing": "",
  "open step": "Floods are found at the end of their step, none earlier.",
  "history detail": "Floods are found at the end of their step, and Explore's lists lack the flows of this time.",
  "flow sample":
    "Floods are found at the end of their step, Explore's lists lack the flows of this time, and new alerts have few flows as evidence.",
};

function ShedNote({ health }: { health: HealthSummary }) {
  if (health.shed === "nothing") return null;
  return (
    <p class="warning shed" role="status">
      <b>Reading is behind</b>
      {health.shed_since_ms !== null && (
        <>
          {" "}
          since <Time ms={health.shed_since_ms} />
        </>
      )}
      , so that something is left out: {SHED_WORDS[health.shed]} Every flow is still counted, and every step is scored.
    </p>
  );
}

function Health({ health }: { health: HealthSummary }) {
  const dropped = health.drops.reduce((sum, d) => sum + d.count, 0);
  return (
    <>
      {health.warnings.map((w) => (
        <p key={w} class="warning" role="note">
          {w}
        </p>
      ))}
      <dl class="facts">
        <dt>Ledger</dt>
        <dd>
          {health.balanced ? <Tag tone="good">in = out + held + drops</Tag> : <Tag tone="bad">does not balance</Tag>}
        </dd>
        <dt>Packets</dt>
        <dd>{si(health.packets_per_second, "/s")}</dd>
        <dt>Lost on the way</dt>
        <dd>
          {count(health.lost_in_transit)} <span class="dim">by sequence numbers</span>
        </dd>
        <dt>Dropped by the kernel</dt>
        <dd>{count(health.kernel_drops)}</dd>
        <dt>Waiting</dt>
        <dd>{bytes(health.queue_bytes)}</dd>
        <dt>Left out now</dt>
        <dd>
          {health.shed === "nothing" ? "nothing" : <Tag tone="warn">{health.shed}</Tag>}
          {health.shed_since_ms !== null && (
            <span class="dim">
              {" "}
              since <Time ms={health.shed_since_ms} />
            </span>
          )}
        </dd>
        <dt>Open frames</dt>
        <dd>{count(health.frames_open)}</dd>
        <dt>Scoring a step</dt>
        <dd>{duration(health.score_ms)}</dd>
        <dt>Dropped</dt>
        <dd>
          {count(dropped)}
          {health.drops.length > 0 && (
            <ul class="drops">
              {health.drops.slice(0, 5).map((d) => (
                <li key={d.stage + d.reason}>
                  {count(d.count)} {d.reason} <span class="dim">({d.stage})</span>
                </li>
              ))}
            </ul>
          )}
        </dd>
      </dl>
      <p class="more">
        <a href={href(["exporters"])}>All exporters and stages</a>
      </p>
    </>
  );
}

function Alerts({ data, scored }: { data: Overview; scored: boolean }) {
  return (
    <Panel title="Alerts" side={<a href={href(["alerts"])}>All alerts</a>} class="capped">
      {data.alerts.latest.length > 0 ? (
        <AlertList alerts={data.alerts.latest} fold />
      ) : (
        <Empty title="No alerts.">{scored ? "Traffic is within its forecast." : "Nothing is scored."}</Empty>
      )}
    </Panel>
  );
}

function SurprisingNodes({ data, step_ms, scored }: { data: Overview; step_ms: number; scored: boolean }) {
  return (
    <Panel title="Most surprising nodes" side={<a href={href(["nodes"], { sort: "surprise" })}>All nodes</a>}>
      {data.surprising.length === 0 ? (
        <Empty title={scored ? "Nothing is scored yet." : "Surprise needs a model."} />
      ) : (
        <Table
          label="Most surprising nodes"
          columns={surprisingColumns(step_ms)}
          rows={data.surprising}
          id={(n) => n.node}
        />
      )}
    </Panel>
  );
}

export function OverviewView({ at }: { at: Route }) {
  const range = rangeOf(at);
  const metric = METRICS.find(([m]) => m === at.query.metric)?.[0] ?? "bytes";
  const data = useData<Overview>("overview", { range, on: ["step", "alert", "hello"] });
  const server = useStore(status);
  const step_ms = server?.step_ms ?? STEP_MS;
  const scored = server === null || (server.model_loaded && server.mode !== "collect");
  const [tick, setTick] = useState<TickEvent | null>(null);
  useEvents((name, event) => name === "tick" && setTick(event as TickEvent));
  const fixed = "from" in range ? range : undefined;
  const counters = (
    <Segmented
      label="Counter"
      value={metric}
      options={METRICS}
      onChange={(m) => setQuery({ metric: m === "bytes" ? undefined : m })}
    />
  );
  return (
    <>
      <Head title="Overview">
        <RangePicker range={range} />
      </Head>
      <Await of={data} lines={10}>
        {(d) => (
          <>
            <ShedNote health={d.health} />
            <Stats
              data={d}
              tick={tick && tick.now_ms > d.now_ms ? tick : d.partial}
              metric={metric}
              step_ms={step_ms}
              scored={scored}
            />
            <div class="grid wide-left">
              <Panel title="Traffic of the network" class="grow" side={counters}>
                <Traffic data={d} metric={metric} step_ms={step_ms} from={fixed?.from} to={fixed?.to} />
              </Panel>
              <Alerts data={d} scored={scored} />
              <SurprisingNodes data={d} step_ms={step_ms} scored={scored} />
              <Panel title="Health" side={<Time ms={d.now_ms} />}>
                <Health health={d.health} />
              </Panel>
            </div>
          </>
        )}
      </Await>
    </>
  );
}
