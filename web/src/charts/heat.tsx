// Surprise by feature and time: a row a feature, darker is more surprising.
import { useEffect, useRef } from "preact/hooks";
import type { Maybe } from "../api/types";
import { clock, day, si } from "../lib/format";
import { label } from "../lib/features";
import { ink, onColours } from "./palette";

export interface HeatRow {
  feature: string;
  bits: Maybe[];
}

interface Props {
  rows: HeatRow[];
  times: number[];
  step_ms: number; // How long each value is of.
  from: number;
  to: number;
  onPick: (feature: string) => void;
}

const ROW_PX = 18;
const USUAL_BITS = 3; // Up to here a step is nothing to look at.
const FULL_BITS = 16; // As dark as it gets: a chance of 1 in 65,536.

function paint(canvas: HTMLCanvasElement, { rows, times, step_ms, from, to }: Props): void {
  const ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.width = width * ratio;
  canvas.height = rows.length * ROW_PX * ratio;
  const ctx = canvas.getContext("2d")!;
  ctx.scale(ratio, ratio);
  const scale = width / Math.max(1, to - from);
  rows.forEach((row, y) => {
    ctx.globalAlpha = 1;
    ctx.fillStyle = ink("grid");
    ctx.fillRect(0, y * ROW_PX, width, ROW_PX - 2);
    ctx.fillStyle = ink("over");
    row.bits.forEach((x, i) => {
      if (x === null || x <= USUAL_BITS) return;
      ctx.globalAlpha = Math.min(1, (x - USUAL_BITS) / FULL_BITS + 0.08);
      ctx.fillRect((times[i]! - from) * scale, y * ROW_PX, Math.max(1, step_ms * scale + 0.3), ROW_PX - 2);
    });
  });
}

export function Heat(props: Props) {
  const { rows, times, step_ms, from, to, onPick } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const draw = () => canvas.current && paint(canvas.current, props);
    draw();
    const sizes = new ResizeObserver(draw);
    sizes.observe(canvas.current!);
    const colours = onColours(draw);
    return () => {
      sizes.disconnect();
      colours();
    };
  }, [rows, times, from, to]);
  const follow = (e: MouseEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const row = rows[Math.floor((e.clientY - box.top) / ROW_PX)];
    const at = from + ((e.clientX - box.left) / box.width) * (to - from);
    const i = times.findLastIndex((t) => t <= at);
    if (!row || !tip.current) return;
    const bits = i >= 0 && at < times[i]! + step_ms ? row.bits[i] : null;
    tip.current.textContent = `${label(row.feature)} · ${day(at)} ${clock(at)} · ${si(bits, "bits")}`;
    tip.current.hidden = false;
    tip.current.style.left = `${Math.min(e.clientX - box.left + 12, box.width - 200)}px`;
    tip.current.style.top = `${e.clientY - box.top + 14}px`;
  };
  return (
    <div class="heat">
      <div class="heat-names">
        {rows.map((r) => (
          <button key={r.feature} type="button" class="plain" onClick={() => onPick(r.feature)} title="Go to its chart">
            {label(r.feature)}
          </button>
        ))}
      </div>
      <div class="heat-cells" onMouseMove={follow} onMouseLeave={() => tip.current && (tip.current.hidden = true)}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`Surprise over time of ${rows.length} features; the table of features has the latest values`}
        />
        <div ref={tip} class="tip" hidden />
      </div>
    </div>
  );
}
