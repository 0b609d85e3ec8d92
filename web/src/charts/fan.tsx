// Observed values over their forecast: the band from the lowest to the highest quantile, its median, and what is above.
import type { FeatureSeries, Maybe, NextForecast } from "../api/types";
import { label, scale, showAxis, showScaled } from "../lib/features";
import { Chart, type Band, type ChartProps, type Line } from "./chart";

type Extra = Pick<ChartProps, "height" | "sync" | "spans" | "marks" | "onZoom" | "from" | "to">;

interface Props extends Extra {
  series: FeatureSeries;
  times: number[];
  step_ms: number;
}

const scaled = (values: Maybe[], by: number): Maybe[] => values.map((x) => (x === null ? null : x * by));

export const above = (values: Maybe[], high: Maybe[]): Maybe[] =>
  values.map((x, i) => (x !== null && high[i] !== null && high[i] !== undefined && x > high[i]! ? x : null));

export function Fan({ series, times, step_ms, ...rest }: Props) {
  const by = scale(series, step_ms);
  const values = scaled(series.values, by);
  const low = scaled(series.low, by);
  const high = scaled(series.high, by);
  const known = high.some((x) => x !== null);
  const lines: Line[] = [];
  const bands: Band[] = [];
  if (known) {
    lines.push(
      { label: "90 % of forecast", values: high, ink: "median", width: 0 },
      { label: "10 % of forecast", values: low, ink: "median", width: 0 },
      { label: "median forecast", values: scaled(series.middle, by), ink: "median", width: 1, dash: true },
    );
    bands.push({ upper: 0, lower: 1, ink: "band" });
  }
  lines.push({ label: "seen", values, ink: "line" });
  if (known)
    lines.push({ label: "above forecast", values: above(values, high), ink: "over", dots: true, silent: true });
  return (
    <Chart
      {...rest}
      times={times}
      lines={lines}
      bands={bands}
      show={(x) => showScaled(series, x)}
      axis={(x) => showAxis(series, x)}
      label={summary(series, values, high)}
    />
  );
}

function summary(series: FeatureSeries, values: Maybe[], high: Maybe[]): string {
  const seen = values.filter((x): x is number => x !== null);
  const last = seen.at(-1);
  const name = label(series.feature);
  if (last === undefined) return `${name}: no values in this time`;
  const over = above(values, high).filter((x) => x !== null).length;
  const text = `${name}: last ${showScaled(series, last)}, highest ${showScaled(series, Math.max(...seen))}`;
  return high.some((x) => x !== null) ? `${text}, ${over} of ${seen.length} steps above the forecast band` : text;
}

interface MirrorProps extends Extra {
  inbound: FeatureSeries;
  outbound: FeatureSeries;
  times: number[];
  next: NextForecast[];
  step_ms: number;
}

// Received upwards, sent downwards, each over its band, and the forecast of the next steps.
export function Mirror({ inbound, outbound, times, next, step_ms, ...rest }: MirrorProps) {
  const later = [...new Set(next.map((n) => n.time_ms))].filter((t) => t > (times.at(-1) ?? 0)).sort((a, b) => a - b);
  const all = [...times, ...later];
  const side = (s: FeatureSeries, sign: number, first: number) => {
    const by = scale(s, step_ms) * sign;
    const of = new Map(next.filter((n) => n.feature === s.feature).map((n) => [n.time_ms, n]));
    const extend = (values: Maybe[], pick?: "low" | "middle" | "high") =>
      scaled([...values, ...later.map((t) => (pick ? (of.get(t)?.[pick] ?? null) : null))], by);
    const word = sign > 0 ? "received" : "sent";
    const high = extend(s.high, "high");
    const lines: Line[] = [
      { label: `${word}, 90 % of forecast`, values: high, ink: "median", width: 0 },
      { label: `${word}, 10 % of forecast`, values: extend(s.low, "low"), ink: "median", width: 0 },
      {
        label: `${word}, median forecast`,
        values: extend(s.middle, "middle"),
        ink: "median",
        width: 1,
        dash: true,
        silent: true,
      },
      { label: word, values: extend(s.values), ink: sign > 0 ? "line" : "line-2" },
    ];
    return {
      lines,
      band: { upper: sign > 0 ? first : first + 1, lower: sign > 0 ? first + 1 : first, ink: "band" as const },
    };
  };
  const up = side(inbound, 1, 0);
  const down = side(outbound, -1, 4);
  return (
    <Chart
      {...rest}
      times={all}
      lines={[...up.lines, ...down.lines]}
      bands={[up.band, down.band]}
      show={(x) => showScaled(inbound, x === null ? null : Math.abs(x))}
      axis={(x) => showAxis(inbound, x === null ? null : Math.abs(x))}
      label={
        `${summary(inbound, scaled(inbound.values, scale(inbound, step_ms)), scaled(inbound.high, scale(inbound, step_ms)))}; ` +
        summary(
          outbound,
          scaled(outbound.values, scale(outbound, step_ms)),
          scaled(outbound.high, scale(outbound, step_ms)),
        )
      }
    />
  );
}
