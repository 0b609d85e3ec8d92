// One alert: what was seen, what was expected, where it came from, what to do.
import { useState } from "preact/hooks";
import { ApiError, post } from "../api/client";
import { status } from "../api/live";
import type { AlertDetail, AlertSummary, Evidence, Feedback, Filter, Maybe, NodeSeries } from "../api/types";
import { useData, type Loaded } from "../api/use";
import { Chart, type Mark } from "../charts/chart";
import { Fan } from "../charts/fan";
import { serverNow } from "../lib/clock";
import { count, exact, flowRecords, percent, si, times } from "../lib/format";
import { label, show } from "../lib/features";
import { format, route, setQuery } from "../lib/route";
import { withHoles } from "../lib/series";
import { useStore } from "../lib/store";
import { AlertState, lasted, typeName } from "../ui/alert_table";
import { Head, NodeLink, Panel, SeverityTag, Stat, Tag, Time } from "../ui/base";
import { FilterPanel } from "../ui/filter";
import { Await, Empty } from "../ui/states";
import { Table, type Column } from "../ui/table";
import { TalkerTables } from "../ui/talkers";

const STEP_MS = 60_000;
const BEFORE_STEPS = 40;
const AFTER_STEPS = 15;
const DRAWN_SPAN_STEPS = 20;

type Driver = AlertDetail["record"]["features"][number];

function marksOf(d: AlertDetail): Mark[] {
  const { summary } = d;
  const marks: Mark[] = [{ at: summary.start_ms, ink: "axis", label: "onset", dash: true }];
  const raised = d.history.filter((h) => h.event !== "ended");
  for (const h of raised.length > 0
    ? raised
    : [{ event: "raised", time_ms: summary.raised_ms, severity: summary.severity }]) {
    marks.push({ at: h.time_ms, ink: h.severity, label: h.event });
  }
  if (summary.end_ms !== null) marks.push({ at: summary.end_ms, ink: "axis", label: "end", dash: true });
  return marks;
}

function Timeline({ d, series, step_ms }: { d: AlertDetail; series: Loaded<NodeSeries>; step_ms: number }) {
  const drivers = d.record.features.map((f) => f.feature);
  const named = useStore(route).query.feature;
  const chosen = drivers.find((f) => f === named) ?? drivers[0] ?? "bytes_in";
  const { summary } = d;
  const shared = {
    spans: [{ from: summary.start_ms, to: summary.end_ms ?? serverNow(), ink: summary.severity }],
    marks: marksOf(d),
    sync: "alert",
  };
  const select = drivers.length > 1 && (
    <select aria-label="Feature" value={chosen} onChange={(e) => setQuery({ feature: e.currentTarget.value })}>
      {drivers.map((f) => (
        <option key={f} value={f}>
          {label(f)}
        </option>
      ))}
    </select>
  );
  return (
    <Panel title="Timeline" side={select} class="grow">
      <Await of={series} lines={8}>
        {(given) => {
          const s = withHoles(given);
          const span = { from: spanOf(summary, step_ms).from, to: spanOf(summary, step_ms).to ?? serverNow() };
          const feature = s.features.find((f) => f.feature === chosen) ?? s.features[0];
          const score = s.scores.find((x) => x.task === summary.task);
          if (!feature || s.times.length === 0) return <Empty title="History holds no steps of this time." />;
          return (
            <>
              <Fan series={feature} times={s.times} step_ms={step_ms} height={220} {...shared} {...span} />
              <p class="legend">
                <span class="key line">{label(feature.feature).toLowerCase()}</span>
                <span class="key band">forecast, 10 to 90 %</span>
                <span class="key over">above the forecast</span>
                <span class="key alert">the alert</span>
              </p>
              {score && (
                <Scores score={score} threshold={summary.threshold} times={s.times} shared={{ ...shared, ...span }} />
              )}
            </>
          );
        }}
      </Await>
    </Panel>
  );
}

interface ScoresProps {
  score: NodeSeries["scores"][number];
  threshold: Maybe; // Of the alert: policies may set another than the task's.
  times: number[];
  shared: object;
}

function Scores({ score, threshold, times, shared }: ScoresProps) {
  const lines = [{ label: `score, ${score.task}`, values: score.values, ink: "line" as const }];
  const limit =
    threshold === null
      ? []
      : [
          {
            label: "threshold",
            values: times.map(() => threshold as Maybe),
            ink: "over" as const,
            width: 1,
            dash: true,
          },
        ];
  return (
    <>
      <h3>Score of task {score.task} and its threshold</h3>
      <Chart
        {...shared}
        marks={[]}
        times={times}
        lines={[...lines, ...limit]}
        height={120}
        zero={false}
        show={(x) => si(x)}
        label={`Score of ${score.task}; the threshold is ${si(threshold)}`}
      />
    </>
  );
}

// As the server counts it: bursts of a mostly silent host are expected. Ports and shares have no ratio that tells anything.
function ratio(f: Driver): string {
  if (f.unit === "" || f.unit === "port") return "–";
  const expected = Math.max(f.expected ?? 0, (f.upper ?? 0) / 3);
  return expected > 0 && f.seen !== null ? times(f.seen / expected) : "–";
}

function driverColumns(step_ms: number, most: number): Column<Driver>[] {
  return [
    { name: "Feature", cell: (f) => label(f.feature) },
    { name: "Seen", number: true, cell: (f) => <b>{show(f, f.seen, step_ms)}</b> },
    {
      name: "Expected",
      number: true,
      cell: (f) => (
        <span title={f.by === "usual" ? "The node's usual value" : "The forecast's median"}>
          {show(f, f.expected, step_ms)}
        </span>
      ),
    },
    { name: "At most", number: true, wide: true, title: "Top of the band", cell: (f) => show(f, f.upper, step_ms) },
    {
      name: "Ratio",
      number: true,
      title: "To what was expected, at least a third of the band's top",
      cell: (f) => ratio(f),
    },
    {
      name: "Surprise",
      number: true,
      cell: (f) => (
        <span class="with-bar">
          <meter class="bar" min={0} max={most} value={f.bits ?? 0} aria-hidden="true" />
          {si(f.bits, "bits")}
        </span>
      ),
    },
  ];
}

function Drivers({ d, step_ms }: { d: AlertDetail; step_ms: number }) {
  const rows = d.record.features;
  const most = Math.max(1, ...rows.map((f) => f.bits ?? 0));
  return (
    <Panel title="Expected and seen">
      {rows.length === 0 ? (
        <Empty title="No volume was above its forecast." />
      ) : (
        <Table label="Expected and seen" columns={driverColumns(step_ms, most)} rows={rows} id={(f) => f.feature} />
      )}
    </Panel>
  );
}

function Verdict({
  id,
  summary,
  given,
  reload,
}: {
  id: string;
  summary: AlertSummary;
  given: Feedback[];
  reload: () => void;
}) {
  const role = useStore(status)?.role;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const may = role !== "viewer";
  const answer = async (verdict: "confirmed" | "rejected") => {
    setBusy(true);
    setError("");
    try {
      await post<Feedback>(`alerts/${id}/feedback`, { verdict });
      reload();
    } catch (e) {
      setError(e instanceof ApiError ? e.message : String(e));
    }
    setBusy(false);
  };
  return (
    <div class="verdict">
      <div class="row" role="group" aria-label="Was this an attack?">
        <button
          type="button"
          disabled={busy || !may}
          aria-pressed={summary.verdict === "confirmed"}
          onClick={() => answer("confirmed")}
        >
          Confirm
        </button>
        <button
          type="button"
          disabled={busy || !may}
          aria-pressed={summary.verdict === "rejected"}
          onClick={() => answer("rejected")}
        >
          Reject
        </button>
      </div>
      <p class="dim" aria-live="polite">
        {error ? (
          <span class="bad-text">{error}</span>
        ) : !may ? (
          "Your role is viewer. Confirming needs an operator."
        ) : summary.verdict ? (
          <>
            Said {summary.verdict} <Time ms={given.at(-1)?.given_ms} />. The next finetune learns from it.
          </>
        ) : (
          "Was it an attack? Answers are labels for finetune."
        )}
      </p>
    </div>
  );
}

// The commands of the filter have a place of their own.
function Story({ text, filter }: { text: string; filter: Filter | null }) {
  const commands = [filter?.gobgp, filter?.exabgp, filter?.nftables];
  const lines = text.split("\n").filter((l) => l.trim() !== "" && !commands.includes(l.trim()));
  return (
    <div class="story">
      {lines.map((l) => (
        <p key={l}>{l}</p>
      ))}
    </div>
  );
}

function Facts({ d }: { d: AlertDetail }) {
  const { summary, record } = d;
  const flows = (record.flows ?? null) as Evidence | null;
  return (
    <dl class="stats">
      <Stat name="Seen" note={seenNote(summary.times_expected)}>
        {times(summary.times_expected)}
      </Stat>
      <Stat name="Began" note={<Time ms={summary.start_ms} relative />}>
        <Time ms={summary.start_ms} />
      </Stat>
      <Stat name="Raised" note={summary.early ? "after the onset, from an open step" : "after the onset"}>
        {seconds(summary.raised_ms - summary.start_ms)}
      </Stat>
      <Stat
        name={summary.end_ms === null ? "Lasts" : "Lasted"}
        note={
          summary.end_ms === null ? (
            "still open"
          ) : (
            <>
              until <Time ms={summary.end_ms} />
            </>
          )
        }
      >
        {lasted(summary)}
      </Stat>
      <Stat name="Score" note={`threshold ${si(summary.threshold)}, task ${summary.task}`}>
        {si(summary.score)}
      </Stat>
      {flows && (
        <Stat name="Sources" note={`in ${flowRecords(flows.sampled)}`}>
          {count(flows.distinct_sources)}
        </Stat>
      )}
    </dl>
  );
}

const seenNote = (x: Maybe): string =>
  x === null ? "nothing was expected yet" : x < 1 ? "of what was expected: no volume is above" : "of what was expected";

const seconds = (ms: number): string =>
  ms < 60_000 ? `${Math.round(ms / 1000)}\u00a0s` : `${Math.round(ms / 60_000)}\u00a0min`;

function History({ d }: { d: AlertDetail }) {
  return (
    <Panel title="History">
      <ol class="history">
        <li>
          <time>{exact(d.summary.start_ms)}</time> onset
        </li>
        {d.history.map((h) => (
          <li key={`${h.time_ms}${h.event}`}>
            <time>{exact(h.time_ms)}</time> {h.event} <SeverityTag severity={h.severity} />{" "}
            <span class="dim">score {si(h.score)}</span>
          </li>
        ))}
        {d.feedback.map((f) => (
          <li key={`f${f.given_ms}`}>
            <time>{exact(f.given_ms)}</time> {f.verdict} by an operator
          </li>
        ))}
      </ol>
      <p class="dim mono">{d.summary.id}</p>
    </Panel>
  );
}

export function AlertPageView({ id }: { id: string }) {
  const detail = useData<AlertDetail>(`alerts/${encodeURIComponent(id)}`, { on: ["alert", "step", "hello"] });
  const step_ms = useStore(status)?.step_ms ?? STEP_MS;
  return (
    <Await of={detail} lines={12}>
      {(d) => <Detail d={d} detail={detail} step_ms={step_ms} />}
    </Await>
  );
}

// The begin of what is drawn does not move while the alert lasts.
function spanOf(a: AlertSummary, step_ms: number) {
  const from = Math.max(0, a.start_ms - BEFORE_STEPS * step_ms);
  if (a.end_ms === null) return { from };
  return { from, to: Math.max(a.end_ms, a.start_ms + DRAWN_SPAN_STEPS * step_ms) + AFTER_STEPS * step_ms };
}

function Detail({ d, detail, step_ms }: { d: AlertDetail; detail: Loaded<AlertDetail>; step_ms: number }) {
  const { summary } = d;
  const features = [...new Set([...d.record.features.map((f) => f.feature), "bytes_in", "packets_in"])].join(",");
  const series = useData<NodeSeries>(`nodes/${encodeURIComponent(summary.node)}/series`, {
    query: { features, ...spanOf(summary, step_ms) },
    on: summary.end_ms === null ? ["step"] : [],
  });
  const flows = (d.record.flows ?? null) as Evidence | null;
  const filter = (d.record.filter ?? null) as Filter | null;
  return (
    <>
      <Head
        title={
          <>
            {typeName(summary.type)} <span class="on">on</span> <NodeLink node={summary.node} />
          </>
        }
        note={
          <span class="tags">
            <SeverityTag severity={summary.severity} />
            <AlertState alert={summary} />
            {summary.incident && (
              <Tag tone="calm">
                <a href={format(["alerts"], { view: "incidents", incident: summary.incident })}>part of an incident</a>
              </Tag>
            )}
            {summary.probability != null && <span class="dim">type is {percent(summary.probability)} sure</span>}
          </span>
        }
      >
        <Verdict id={summary.id} summary={summary} given={d.feedback} reload={detail.reload} />
      </Head>
      <Story text={d.story} filter={filter} />
      <Facts d={d} />
      <div class="grid wide-left">
        <div class="stack">
          <Timeline d={d} series={series} step_ms={step_ms} />
          <Drivers d={d} step_ms={step_ms} />
        </div>
        <div class="stack">
          <FilterPanel filter={filter} />
          <History d={d} />
        </div>
      </div>
      {flows ? (
        <TalkerTables title="Where it comes from" note={`a sample of ${flowRecords(flows.sampled)}`} lists={flows} />
      ) : (
        <Panel title="Where it comes from">
          <Empty title="No flows were kept of this alert.">
            A series store has no flows, and a long time may have passed.
          </Empty>
        </Panel>
      )}
    </>
  );
}
