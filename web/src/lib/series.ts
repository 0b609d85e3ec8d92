// A node's series between what history holds: a line must not join two steps that have unknown ones between them.
import type { Maybe, NodeSeries } from "../api/types";

const LONGER = 1.5; // Of a step: what is farther apart has a hole between.

// Puts a time without values into each hole.
export function withHoles(s: NodeSeries): NodeSeries {
  const holes: number[] = []; // Indices that have a hole before them.
  for (let i = 1; i < s.times.length; ++i) if (s.times[i]! - s.times[i - 1]! > LONGER * s.resolution_ms) holes.push(i);
  if (holes.length === 0) return s;
  const spread = <T>(list: T[], between: (i: number) => T): T[] => {
    const out: T[] = [];
    let next = 0;
    list.forEach((x, i) => {
      if (holes[next] === i) {
        out.push(between(i));
        ++next;
      }
      out.push(x);
    });
    return out;
  };
  const unknown = (list: Maybe[]) => spread<Maybe>(list, () => null);
  return {
    ...s,
    times: spread(s.times, (i) => s.times[i - 1]! + s.resolution_ms),
    features: s.features.map((f) => ({
      ...f,
      values: unknown(f.values),
      low: unknown(f.low),
      middle: unknown(f.middle),
      high: unknown(f.high),
    })),
    surprise: {
      total: unknown(s.surprise.total),
      by_feature: s.surprise.by_feature.map((f) => ({ ...f, bits: unknown(f.bits) })),
    },
    scores: s.scores.map((x) => ({ ...x, values: unknown(x.values) })),
  };
}
