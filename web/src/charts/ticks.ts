// Labels of the time axis: the finest part that changes, and the day where it is a new one.
import { clock, day, parts } from "../lib/format";

const DAY_MS = 86400e3;

export function timeLabels(splits: number[], step_ms: number): string[] {
  let before = -1;
  return splits.map((at) => {
    const today = parts(at).day;
    const isNew = before !== -1 && today !== before;
    before = today;
    if (step_ms >= DAY_MS) return day(at);
    return isNew ? day(at) : clock(at, step_ms < 60e3);
  });
}
