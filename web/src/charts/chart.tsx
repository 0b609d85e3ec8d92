// A chart over time: lines, bands between lines, spans and marks. All charts of the page are this one.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Maybe } from "../api/types";
import { zone } from "../lib/settings";
import { useStore } from "../lib/store";
import { attachKeys, Tip } from "./cursor";
import { fade, ink, onColours, type Ink } from "./palette";
import { timeLabels } from "./ticks";

export interface Line {
  label: string;
  values: Maybe[];
  ink: Ink;
  width?: number; // 0: not drawn, the edge of a band
  dash?: boolean;
  dots?: boolean; // points only
  fill?: Ink; // down to 0
  silent?: boolean; // not in the tip
  tip?: Maybe[]; // what the tip shows instead (stacked areas)
}

export interface Band {
  upper: number;
  lower: number;
  ink: Ink;
} // indices of lines
export interface Span {
  from: number;
  to: number;
  ink: Ink;
} // times
export interface Mark {
  at: number;
  ink: Ink;
  label?: string;
  dash?: boolean;
}

export interface ChartProps {
  label: string; // What it shows, for those who do not see it.
  times: number[];
  lines: Line[];
  bands?: Band[];
  spans?: Span[];
  marks?: Mark[];
  show: (x: Maybe) => string;
  axis?: (x: Maybe) => string; // Shorter, for the axis.
  height: number;
  soft?: boolean; // Bands are translucent parts of a stack.
  sync?: string; // Charts of one name share their cursor.
  zero?: boolean; // The scale includes 0.
  most?: number; // The scale ends here at least.
  from?: number;
  to?: number;
  onZoom?: (from: number, to: number) => void;
}

interface Shown {
  chart: uPlot;
  structure: string;
}

const SOFT = "70";
const FONT = "11px system-ui, sans-serif";

function paintSpans(u: uPlot, props: ChartProps): void {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const span of props.spans ?? []) {
    const left = u.valToPos(span.from, "x", true);
    const right = Math.max(u.valToPos(span.to, "x", true), left + devicePixelRatio);
    ctx.fillStyle = fade(ink(span.ink), "17");
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}

// A strip at the top says how severe, over the grid.
function paintStrips(u: uPlot, props: ChartProps): void {
  const { ctx, bbox } = u;
  const end = bbox.left + bbox.width;
  for (const span of props.spans ?? []) {
    const left = Math.max(bbox.left, u.valToPos(span.from, "x", true));
    const right = Math.min(end, Math.max(u.valToPos(span.to, "x", true), left + 2 * devicePixelRatio));
    if (right <= left) continue;
    ctx.fillStyle = ink(span.ink);
    ctx.fillRect(left, bbox.top, right - left, 3 * devicePixelRatio);
  }
}

function paintMarks(u: uPlot, props: ChartProps): void {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  let row = 0;
  for (const mark of props.marks ?? []) {
    const x = Math.round(u.valToPos(mark.at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = ctx.fillStyle = ink(mark.ink);
    ctx.lineWidth = ratio;
    ctx.setLineDash(mark.dash ? [4 * ratio, 3 * ratio] : []);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    if (!mark.label) continue;
    const width = ctx.measureText(mark.label).width;
    const fits = x + width + 6 * ratio < bbox.left + bbox.width;
    ctx.fillText(mark.label, fits ? x + 4 * ratio : x - width - 4 * ratio, bbox.top + (5 + 13 * (row++ % 4)) * ratio);
  }
  ctx.restore();
}

// A line has no width at a value between two unknown ones: it is drawn as a point.
function alone(u: uPlot, series: number): number[] {
  const values = u.data[series]!;
  const unknown = (i: number) => values[i] === null || values[i] === undefined;
  const out: number[] = [];
  for (let i = 0; i < values.length; ++i) if (!unknown(i) && unknown(i - 1) && unknown(i + 1)) out.push(i);
  return out;
}

function seriesOf(line: Line): uPlot.Series {
  const stroke = () => ink(line.ink);
  if (line.dots)
    return { label: line.label, paths: () => null, points: { show: true, size: 5, fill: stroke, stroke, width: 0 } };
  return {
    label: line.label,
    stroke: line.width === 0 ? undefined : stroke,
    width: line.width ?? 1.5,
    dash: line.dash ? [5, 4] : undefined,
    fill: line.fill ? () => fade(ink(line.fill!), SOFT) : undefined,
    spanGaps: false,
    points: { show: line.width !== 0 && !line.dash, size: 4, width: 0, fill: stroke, stroke, filter: alone },
  };
}

function yRange(props: ChartProps): uPlot.Range.Function {
  return (_u, low, high) => {
    if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, props.most ?? 1];
    let a = low;
    let b = Math.max(high, props.most ?? high);
    if (props.zero !== false) {
      a = Math.min(a, 0);
      b = Math.max(b, 0);
    }
    if (a === b) b = a + (Math.abs(a) || 1);
    const pad = (b - a) * 0.06;
    return [a < 0 || props.zero === false ? a - pad : a, b + pad];
  };
}

function optionsOf(box: HTMLElement, of: () => ChartProps, tip: Tip): uPlot.Options {
  const props = of();
  const axis = {
    stroke: () => ink("axis"),
    font: FONT,
    ticks: { show: false },
    grid: { stroke: () => ink("grid"), width: 1 },
  };
  return {
    width: Math.max(80, box.clientWidth),
    height: props.height,
    ms: 1,
    tzDate: (ms) => (zone.get() === "utc" ? uPlot.tzDate(new Date(ms), "UTC") : new Date(ms)),
    padding: [6, 26, 0, 0],
    legend: { show: false },
    cursor: {
      drag: { x: props.onZoom !== undefined, y: false, setScale: false },
      points: { size: 6, width: 1.5 },
      y: false,
      sync: props.sync ? { key: props.sync, setSeries: false } : undefined,
    },
    scales: {
      x: { time: true, range: (_u, low, high) => xRange(of(), low, high) },
      y: { range: (u, low, high, key) => yRange(of())(u, low, high, key) as [number, number] },
    },
    axes: [
      { ...axis, size: 26, gap: 5, space: 64, values: (_u, splits, _a, _s, step) => timeLabels(splits, step) },
      { ...axis, size: 66, gap: 6, space: 28, values: (_u, splits) => splits.map((x) => (of().axis ?? of().show)(x)) },
    ],
    series: [{}, ...props.lines.map(seriesOf)],
    bands: (props.bands ?? []).map((b) => ({
      series: [b.upper + 1, b.lower + 1] as [number, number],
      fill: () => (props.soft ? fade(ink(b.ink), SOFT) : ink(b.ink)),
    })),
    hooks: {
      drawClear: [(u) => paintSpans(u, of())],
      draw: [(u) => paintStrips(u, of()), (u) => paintMarks(u, of())],
      setCursor: [(u) => tip.follow(u, of())],
      setSelect: [
        (u) => {
          if (u.select.width < 4) return;
          const from = u.posToVal(u.select.left, "x");
          const to = u.posToVal(u.select.left + u.select.width, "x");
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          of().onZoom?.(from, to);
        },
      ],
    },
  };
}

function xRange(props: ChartProps, low: number | null, high: number | null): [number, number] {
  const from = props.from ?? low ?? 0;
  const to = props.to ?? high ?? 1;
  return to > from ? [from, to] : [from - 60e3, from + 60e3];
}

const structureOf = (p: ChartProps): string =>
  JSON.stringify([
    p.lines.map((l) => [l.label, l.ink, l.width, l.dash, l.dots, l.fill]),
    p.bands,
    p.height,
    p.sync,
    !!p.onZoom,
  ]);

const dataOf = (p: ChartProps): uPlot.AlignedData => [p.times, ...p.lines.map((l) => l.values)] as uPlot.AlignedData;

export function Chart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const shown = useRef<Shown | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const z = useStore(zone);

  useEffect(() => {
    const structure = structureOf(props);
    const now = shown.current;
    if (now && now.structure === structure) {
      now.chart.setData(dataOf(props));
      return;
    }
    now?.chart.destroy();
    const tip = new Tip(box.current!);
    const chart = new uPlot(
      optionsOf(box.current!, () => latest.current, tip),
      dataOf(props),
      box.current!,
    );
    shown.current = { chart, structure };
  });

  useEffect(() => {
    const element = box.current!;
    const sizes = new ResizeObserver(() => {
      const width = element.clientWidth;
      const chart = shown.current?.chart;
      if (chart && width > 0 && width !== chart.width) chart.setSize({ width, height: latest.current.height });
    });
    sizes.observe(element);
    const colours = onColours(() => shown.current?.chart.redraw(true, true));
    const keys = attachKeys(element, () => shown.current?.chart);
    return () => {
      sizes.disconnect();
      colours();
      keys();
      shown.current?.chart.destroy();
      shown.current = null;
    };
  }, []);

  useEffect(() => shown.current?.chart.redraw(false, true), [z]);

  return <div ref={box} class="chart" role="img" aria-label={props.label} tabIndex={0} />;
}
