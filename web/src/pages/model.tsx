// The model in force: what it is, how well its forecasts hold, how warm the nodes are, its thresholds.
import type { Maybe, Model } from "../api/types";
import { useData } from "../api/use";
import { count, duration, percent, si } from "../lib/format";
import { label } from "../lib/features";
import { Choice, Head, Panel, Stat, Tag, Time } from "../ui/base";
import { CopyButton } from "../ui/base";
import { Markdown } from "../ui/markdown";
import { Await, Empty } from "../ui/states";
import { Table, type Column } from "../ui/table";
import { TrainingPanel } from "../ui/training";
import { useState } from "preact/hooks";

type Coverage = NonNullable<Model["coverage"]>[number];
type Task = NonNullable<Model["tasks"]>[number];
type Threshold = Task["thresholds"][number];

const OFF_BY = 0.1; // A share this far from the promised one is worth a look.

function Facts({ m }: { m: Model }) {
  return (
    <dl class="stats">
      <Stat name="Size" note={m.parameters === undefined ? undefined : `${si(m.parameters)} parameters with its heads`}>
        {m.size ?? "–"}
      </Stat>
      <Stat name="Window" note={m.step_ms === undefined ? undefined : `steps of ${duration(m.step_ms)}`}>
        {count(m.window)}
      </Stat>
      <Stat name="Trained" note={<Time ms={m.trained_ms} relative />}>
        <Time ms={m.trained_ms} />
      </Stat>
      <Stat name="In force since" note={<Time ms={m.loaded_ms} relative />}>
        <Time ms={m.loaded_ms} />
      </Stat>
      <Stat name="Nodes" note={`${count(m.nodes?.warm)} with a full window`}>
        {count(m.nodes?.known)}
      </Stat>
      <Stat name="Calibrated on" note={m.fitted_nodes ? "nodes" : "not on this one"}>
        {m.fitted_nodes ? count(m.fitted_nodes) : "other networks"}
      </Stat>
    </dl>
  );
}

// The promised share as a tick, the share that was seen as a dot.
function Held({ promised, seen }: { promised: number; seen: Maybe }) {
  if (seen === null) return <span class="dim">–</span>;
  const off = Math.abs(seen - promised) > OFF_BY;
  return (
    <span class={`held ${off ? "off" : ""}`}>
      <svg viewBox="0 0 100 12" aria-hidden="true">
        <line x1="0" x2="100" y1="6" y2="6" />
        <rect x={promised * 100 - 1} y="1" width="2" height="10" />
        <circle cx={seen * 100} cy="6" r="4" />
      </svg>
      {percent(seen)}
    </span>
  );
}

const COVERAGE: Column<Coverage>[] = [
  { name: "Volume", cell: (c) => label(c.feature) },
  { name: "At or below 10 %", number: true, cell: (c) => <Held promised={0.1} seen={c.low} /> },
  { name: "At or below 50 %", number: true, cell: (c) => <Held promised={0.5} seen={c.middle} /> },
  { name: "At or below 90 %", number: true, cell: (c) => <Held promised={0.9} seen={c.high} /> },
  { name: "Values", number: true, wide: true, cell: (c) => count(c.values) },
];

function Drift({ coverage }: { coverage: Coverage[] }) {
  const off = coverage.filter((c) =>
    (
      [
        [c.low, 0.1],
        [c.middle, 0.5],
        [c.high, 0.9],
      ] as const
    ).some(([seen, p]) => seen !== null && Math.abs(seen - p) > OFF_BY),
  );
  return (
    <Panel
      title="Do forecasts hold?"
      side={
        coverage.length > 0 &&
        (off.length === 0 ? (
          <Tag tone="good">they hold</Tag>
        ) : (
          <Tag tone="warn">
            {off.length} of {coverage.length} volumes are off
          </Tag>
        ))
      }
    >
      {coverage.length === 0 ? (
        <Empty title="Not measured yet.">It needs steps that were forecast.</Empty>
      ) : (
        <>
          <Table
            label="Calibration of the last day's forecasts"
            columns={COVERAGE}
            rows={coverage}
            id={(c) => c.feature}
          />
          <p class="dim">
            Of the last day's values, the share at or below each quantile of the forecast. The tick is what the quantile
            promises. Shares that leave it say that traffic is not like what the model was trained on: a model that is
            trained on it forecasts better.
          </p>
        </>
      )}
    </Panel>
  );
}

function Warmth({ warmth }: { warmth: number[] }) {
  const most = Math.max(1, ...warmth);
  const all = warmth.reduce((a, b) => a + b, 0);
  return (
    <Panel title="Warmth of nodes" side={<span class="dim">{count(all)} nodes of the latest step</span>}>
      {all === 0 ? (
        <Empty title="No node has been scored yet." />
      ) : (
        <ol class="histogram" aria-label="Nodes by the share of the window that is filled">
          {warmth.map((n, i) => (
            <li key={i}>
              <span class="column">
                <i style={{ height: `${(n / most) * 100}%` }} />
              </span>
              <b>{si(n)}</b>
              <span class="dim">{i * 10}</span>
            </li>
          ))}
        </ol>
      )}
      <p class="dim">
        How many nodes have 0, 10, 20 ... 90 % of their window or more filled. Alerts of a node are suppressed until its
        window is full enough.
      </p>
    </Panel>
  );
}

const THRESHOLDS: Column<Threshold>[] = [
  { name: "False alarms per node-day", cell: (t) => String(t.rate) },
  { name: "On", number: true, title: "An alert begins at this score", cell: (t) => si(t.on) },
  { name: "Off", number: true, title: "Below this score a step is normal", cell: (t) => si(t.off) },
  {
    name: "From",
    cell: (t) =>
      t.extrapolated ? (
        <Tag tone="calm" title="Too few false alarms were seen for this rate">
          extrapolated
        </Tag>
      ) : (
        "measured"
      ),
  },
];

function Tasks({ tasks }: { tasks: Task[] }) {
  const [name, setName] = useState(tasks[0]?.name ?? "");
  const task = tasks.find((t) => t.name === name) ?? tasks[0];
  if (!task)
    return (
      <Panel title="Thresholds">
        <Empty title="The model has no calibrated task.">
          <code>netflowgen calibrate</code> makes thresholds without labels.
        </Empty>
      </Panel>
    );
  return (
    <Panel
      title="Thresholds"
      side={
        tasks.length > 1 && (
          <Choice
            label="Task"
            value={task.name}
            options={tasks.map((t) => [t.name, t.name] as const)}
            onChange={setName}
          />
        )
      }
    >
      <p class="tags">
        <b>{task.name}</b> <span class="dim">score: {task.score}</span>{" "}
        {task.enabled ? (
          <Tag tone="good">on</Tag>
        ) : (
          <Tag tone="calm" title="Only where a policy names it">
            off unless a policy names it
          </Tag>
        )}
        {task.in_sample && (
          <Tag tone="warn" title="Thresholds come from steps that the head was trained on">
            in sample
          </Tag>
        )}
      </p>
      <Table
        label={`Thresholds of ${task.name}`}
        columns={THRESHOLDS}
        rows={task.thresholds}
        id={(t) => String(t.rate)}
      />
      <p class="dim">
        Promised: {task.default_rate === null ? "–" : String(task.default_rate)} false alarms per node and day. Found on{" "}
        {si(task.node_days)} node-days, <Time ms={task.from_ms} /> to <Time ms={task.to_ms} />.
      </p>
    </Panel>
  );
}

const TRAIN = "netflowgen pretrain STORE -o model\nnetflowgen calibrate STORE --model model -o detector";

export function ModelView() {
  const model = useData<Model>("model", { on: ["reload", "step", "hello"] });
  return (
    <>
      <Head title="Model" note={model.data?.path && <span class="mono">{model.data.path}</span>} />
      <Await of={model} lines={10}>
        {(m) =>
          !m.loaded ? (
            <>
              <Panel title="No model">
                <p>Traffic is collected. Without a model nothing is forecast and nothing is scored.</p>
                <p>Train one from the store, name it in the configuration, and reload.</p>
                <div class="row spread">
                  <span />
                  <CopyButton text={TRAIN} what="the commands" />
                </div>
                <pre class="code" tabIndex={0}>
                  {TRAIN}
                </pre>
              </Panel>
              <TrainingPanel />
            </>
          ) : (
            <>
              <Facts m={m} />
              <TrainingPanel />
              <div class="grid halves">
                <Drift coverage={m.coverage ?? []} />
                <Warmth warmth={m.warmth ?? []} />
                <Tasks tasks={m.tasks ?? []} />
                <Panel title="Card">
                  {m.card ? <Markdown text={m.card} /> : <Empty title="The model has no card." />}
                </Panel>
              </div>
            </>
          )
        }
      </Await>
    </>
  );
}
