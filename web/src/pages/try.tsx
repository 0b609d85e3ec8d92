// The demo: follow an attack from its first step to its end, with nothing set up.
import type { ComponentChildren } from "preact";
import { status } from "../api/live";
import type { AlertPage, AlertSummary, Overview } from "../api/types";
import { useData } from "../api/use";
import { Mirror } from "../charts/fan";
import { spansOf } from "../charts/spans";
import { href } from "../lib/route";
import { useStore } from "../lib/store";
import { AlertTable, typeName } from "../ui/alert_table";
import { CopyButton, Head, NodeLink, Panel, SeverityTag, Tag } from "../ui/base";
import { Await, Empty, Loading } from "../ui/states";

const COMMAND = "netflowgen serve --demo";
const SHOWN_MS = 2 * 3600e3;

function Offline() {
  return (
    <Panel title="This server watches a real network">
      <p>
        The demo replays a simulated network with attacks, from barely visible to overwhelming. It needs no exporter, no
        model of your own and no configuration.
      </p>
      <p>Start it beside this one, on another machine or port:</p>
      <div class="row spread">
        <pre class="code" tabIndex={0}>
          {COMMAND}
        </pre>
        <CopyButton text={COMMAND} what="the command" />
      </div>
    </Panel>
  );
}

interface Act {
  title: string;
  done: boolean;
  text: ComponentChildren;
}

// Of the live part: alerts of the replayed past came before the start.
function actsOf(o: Overview, alerts: AlertSummary[], started_ms: number): Act[] {
  const shown = alerts.filter((a) => a.suppressed === null && a.raised_ms >= started_ms);
  const open = shown.find((a) => a.end_ms === null);
  const first = open ?? shown[0];
  const ended = shown.find((a) => a.end_ms !== null);
  const forecast = o.network.some((f) => f.high.some((x) => x !== null));
  return [
    {
      title: "Traffic arrives",
      done: o.times.length > 0,
      text: "Flow records become one frame per node and step. The line below is their sum.",
    },
    {
      title: "It is forecast",
      done: forecast,
      text: "The band is what the model expected, one step before. No threshold was set by hand.",
    },
    {
      title: "An attack begins",
      done: first !== undefined,
      text: first ? (
        <>
          <SeverityTag severity={first.severity} /> {typeName(first.type)} on <NodeLink node={first.node} />
        </>
      ) : (
        "Traffic of a node leaves its band. The first attack begins within a minute of the start, then one every five minutes."
      ),
    },
    {
      title: "It is explained",
      done: first !== undefined,
      text: first ? (
        <a href={href(["alerts", first.id])}>What was expected, what was seen, who sends it, which filter stops it</a>
      ) : (
        "The alert has what was expected, what was seen, and a filter."
      ),
    },
    {
      title: "It ends",
      done: ended !== undefined,
      text: ended ? (
        <a href={href(["alerts", ended.id])}>Traffic is back inside its band</a>
      ) : (
        "An alert stays open until traffic is back inside its band for three steps. The next attack follows."
      ),
    },
  ];
}

function Acts({ acts }: { acts: Act[] }) {
  const now = acts.findIndex((a) => !a.done);
  return (
    <ol class="acts">
      {acts.map((a, i) => (
        <li
          key={a.title}
          class={a.done ? "done" : i === now ? "now" : ""}
          aria-current={i === now ? "step" : undefined}
        >
          <b>{a.title}</b>
          {a.done ? <Tag tone="good">seen</Tag> : i === now ? <Tag tone="warn">next</Tag> : null}
          <p>{a.text}</p>
        </li>
      ))}
    </ol>
  );
}

function Demo() {
  const overview = useData<Overview>("overview", { range: { last: SHOWN_MS }, on: ["step", "alert", "hello"] });
  const alerts = useData<AlertPage>("alerts", { query: { limit: 20 }, on: ["alert", "hello"] });
  const now = useStore(status);
  const step_ms = now?.step_ms ?? 60_000;
  return (
    <Await of={overview} lines={10}>
      {(o) => {
        const list = alerts.data?.alerts ?? [];
        const inbound = o.network.find((f) => f.feature === "bytes_in");
        const outbound = o.network.find((f) => f.feature === "bytes_out");
        return (
          <>
            <p>
              The server simulates 140 hosts behind two routers, which report their flows to it as real ones do.
              Everything behind them is what runs on a real network: decoding, the model, detection, alerts. Six hours
              of the past were replayed at the start.
            </p>
            <Acts acts={actsOf(o, list, now?.started_ms ?? 0)} />
            <Panel title="The demo's network, two hours">
              {inbound && outbound && o.times.length > 0 ? (
                <Mirror
                  inbound={inbound}
                  outbound={outbound}
                  times={o.times}
                  next={o.next ?? []}
                  step_ms={step_ms}
                  height={260}
                  spans={spansOf(list, o.now_ms)}
                />
              ) : (
                <Empty title="The replay begins." />
              )}
            </Panel>
            <Panel title="Alerts of the replay" side={<a href={href(["alerts"])}>All alerts</a>}>
              {list.length === 0 ? (
                <Empty title="No alert yet." />
              ) : (
                <AlertTable label="Alerts of the replay" alerts={list} />
              )}
            </Panel>
          </>
        );
      }}
    </Await>
  );
}

export function TryView() {
  const now = useStore(status);
  return (
    <>
      <Head title="Try it" note={now?.demo && "A simulated network is replayed"} />
      {!now ? <Loading /> : now.demo ? <Demo /> : <Offline />}
    </>
  );
}
