// Parts of a whole over time.
import type { Explore, Maybe } from "../api/types";
import { si } from "../lib/format";
import { Chart, type Band, type ChartProps, type Line } from "./chart";
import { seriesInk, type Ink } from "./palette";

interface Props extends Pick<ChartProps, "height" | "onZoom" | "from" | "to"> {
  data: Explore;
  unit: string; // of a rate
  axisUnit: string; // the same, shorter
  factor: number; // from a bucket's total to that rate
  chosen: string | null; // One part alone.
}

export const OTHER = "other";
export const inkOf = (i: number, n: number): Ink => (i < n ? seriesInk(i) : "median");

export function Stacked({ data, unit, axisUnit, factor, chosen, ...rest }: Props) {
  const rows = [
    ...data.series.map((s, i) => ({ name: s.name, label: s.label, values: s.values, ink: seriesInk(i) })),
    { name: OTHER, label: "all others", values: data.other, ink: "median" as Ink },
  ].filter((r) => chosen === null || r.name === chosen);
  let base: number[] = data.times.map(() => 0);
  const lines: Line[] = [];
  const bands: Band[] = [];
  for (const row of rows) {
    const own: Maybe[] = row.values.map((x) => (x === null ? null : x * factor));
    base = base.map((b, i) => b + (own[i] ?? 0));
    const fromZero = lines.length === 0;
    lines.push({
      label: row.label,
      values: [...base],
      tip: own,
      ink: row.ink,
      width: 1,
      fill: fromZero ? row.ink : undefined,
    });
    if (!fromZero) bands.push({ upper: lines.length - 1, lower: lines.length - 2, ink: row.ink });
  }
  return (
    <Chart
      {...rest}
      times={data.times}
      lines={lines}
      bands={bands}
      soft
      show={(x) => si(x, unit)}
      axis={(x) => si(x, axisUnit)}
      label={`Stacked areas: ${rows
        .slice(0, 5)
        .map((r) => r.label)
        .join(", ")}${rows.length > 5 ? " and others" : ""}`}
    />
  );
}
