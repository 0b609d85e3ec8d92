// When alerts lasted, as spans of a chart.
import type { AlertSummary, Severity } from "../api/types";
import type { Span } from "./chart";

const ORDER: Severity[] = ["low", "medium", "high", "critical"];

function joined(spans: Span[]): Span[] {
  const out: Span[] = [];
  for (const span of spans.sort((a, b) => a.from - b.from)) {
    const last = out.at(-1);
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else out.push({ ...span });
  }
  return out;
}

// Overlapping alerts of a severity are one span, or many of them would hide the chart; the more severe are painted last.
export function spansOf(alerts: AlertSummary[], now: number): Span[] {
  const sent = alerts.filter((a) => a.suppressed === null);
  return ORDER.flatMap((s) =>
    joined(sent.filter((a) => a.severity === s).map((a) => ({ from: a.start_ms, to: a.end_ms ?? now, ink: s }))),
  );
}
