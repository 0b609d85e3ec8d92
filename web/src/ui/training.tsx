// Training on the server's own store: what runs, how far it is, what became of it, and the buttons that start and stop it.
import { useState } from "preact/hooks";
import { post } from "../api/client";
import { status } from "../api/live";
import type { Training } from "../api/types";
import { useData } from "../api/use";
import { useStore } from "../lib/store";
import { Panel, Tag, Time } from "./base";
import { Await } from "./states";

const KINDS = [
  ["calibrate", "Calibrate", "New alert thresholds from the traffic in the store; no labels are needed."],
  ["finetune", "Fine-tune", "Learns from the alerts that you confirmed and rejected, and from labels.csv."],
  ["pretrain", "Pre-train", "A new model of this network alone. It takes long, and comes in force with a restart."],
] as const;

const TONES = { taken: "good", refused: "warn", failed: "warn", stopped: "calm" } as const;

function Last({ t }: { t: Training }) {
  if (t.state === "idle") return <p class="dim">Nothing was trained since the service started.</p>;
  const tone = TONES[t.state as keyof typeof TONES];
  return (
    <>
      <p>
        <b>{t.kind}</b> {tone ? <Tag tone={tone}>{t.state}</Tag> : <Tag tone="calm">{t.state}</Tag>}{" "}
        {t.started_ms !== null && (
          <>
            since <Time ms={t.started_ms} />
          </>
        )}
      </p>
      {t.message && <p>{t.message}</p>}
    </>
  );
}

function Running({ t }: { t: Training }) {
  const share = t.total ? Math.min(1, (t.done ?? 0) / t.total) : null;
  return (
    <>
      <p role="status">
        <b>{t.step ?? t.kind}</b> {t.note || "begins"}
      </p>
      <progress aria-label="Progress" value={share ?? undefined} max={1} />
      {t.lines.length > 0 && (
        <pre class="code" tabIndex={0}>
          {t.lines.slice(-5).join("\n")}
        </pre>
      )}
    </>
  );
}

export function TrainingPanel() {
  const training = useData<Training>("training", { on: ["training", "hello"] });
  const role = useStore(status)?.role;
  const [problem, setProblem] = useState("");
  const ask = async (path: string, body: unknown) => {
    setProblem("");
    try {
      await post<Training>(path, body);
      training.reload();
    } catch (e) {
      setProblem(e instanceof Error ? e.message : String(e));
    }
  };
  return (
    <Panel title="Training">
      <Await of={training} lines={3}>
        {(t) => {
          const running = t.state === "running" || t.state === "taking";
          if (!t.available)
            return (
              <p>
                This build collects and detects, and does not train. The full build does; or train elsewhere, copy the
                model here, name it in <code>model.path</code>, and reload.
              </p>
            );
          return (
            <>
              {running ? <Running t={t} /> : <Last t={t} />}
              {role === "viewer" && <p class="dim">Your token may look on. An operator starts a training.</p>}
              {role !== "viewer" && running && (
                <button type="button" disabled={t.state === "taking"} onClick={() => void ask("training/stop", {})}>
                  Stop
                </button>
              )}
              {role !== "viewer" && !running && (
                <dl class="kinds">
                  {KINDS.map(([kind, name, text]) => (
                    <div key={kind}>
                      <dt>
                        <button type="button" onClick={() => void ask("training", { kind })}>
                          {name}
                        </button>
                      </dt>
                      <dd>{text}</dd>
                    </div>
                  ))}
                </dl>
              )}
              {problem && (
                <p class="warning" role="alert">
                  {problem}
                </p>
              )}
            </>
          );
        }}
      </Await>
    </Panel>
  );
}
