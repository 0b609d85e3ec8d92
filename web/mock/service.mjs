// Made-up exporters, ledgers, and the model.
import { chance, STEP } from "./network.mjs";

const stage = (name, input, drops = {}, held = 0) => ({
  stage: name,
  in: input,
  held,
  drops,
  out: input - held - Object.values(drops).reduce((a, b) => a + b, 0),
});

export function exporters(now, count) {
  return Array.from({ length: count }, (_, i) => {
    const lost = i % 5 === 2 ? 41_220 : i % 5 === 4 ? 410 : 0;
    const received = 1_900_000 + 31 * i;
    return {
      exporter: `203.0.113.${i + 1}`,
      packets_per_second: 210 * (1 + chance("rate", i)),
      flows_per_second: 5200 * (1 + chance("rate", i)),
      last_ms: i === 3 ? now - 640_000 : now - 900,
      lost,
      received,
      loss: i === 4 ? null : lost / (lost + received),
      templates: 2 + (i % 4),
      clock_skew_ms: i === 1 ? 7200 : -120 * i,
      timeouts: {
        active_ms: 60_000,
        inactive_ms: 15_000,
        announced_active_ms: i === 2 ? 120_000 : null,
        announced_inactive_ms: null,
      },
      sampling: [
        { rate: i === 0 ? 1000 : 1, source: i === 2 ? "assumed" : "announced" },
        ...(i === 1 ? [{ rate: 4000, source: "configured" }] : []),
      ],
      sequences: [
        {
          version: i % 2 ? 10 : 9,
          unit: i % 2 ? "records" : "packets",
          domain: 256 + i,
          received,
          lost,
          reordered: 12,
          duplicates: 0,
          resets: i === 3 ? 1 : 0,
        },
      ],
      notes: i === 0 ? { capped_flows: 8, options_records: 1200 } : {},
      ledgers: [stage("decode", 2_000_000, { "unknown template": 310 }), stage("filter", 1_999_690, {})],
    };
  });
}

export const ledgers = () => [
  stage("receive", 41_201_933, { "queue full": 211 }),
  stage("decode", 41_201_722, { "unknown template": 2310, "truncated": 4 }),
  stage("series", 39_822_100, { "late": 1023, "no node": 88_211 }, 18_433),
  stage("engine", 8_211_400, {}, 0),
];

export const health = (now, fresh, shed = "nothing") => ({
  balanced: true,
  exporters: fresh ? 0 : 6,
  packets_per_second: fresh ? 0 : 1833,
  flows_per_second: fresh ? 0 : 46_200,
  lost_in_transit: fresh ? 0 : 41_630,
  kernel_drops: 0,
  drops: fresh
    ? []
    : [
        { stage: "series", reason: "no node", count: 88_211 },
        { stage: "decode", reason: "unknown template", count: 2310 },
        { stage: "series", reason: "late", count: 1023 },
        { stage: "receive", reason: "queue full", count: 211 },
      ],
  queue_bytes: fresh ? 0 : 48_200,
  shed,
  shed_since_ms: shed === "nothing" ? null : now - 95_000,
  step_lag_ms: fresh ? null : 61_200,
  score_ms: fresh ? null : 42,
  frames_open: fresh ? 0 : 288,
  warnings: fresh ? [] : ["Exporter 203.0.113.4 has been silent for 10 minutes."],
});

const CARD = `# Model card

Size \`small\`, pre-trained on seven days of a campus network. All of it is made up.

## Training

- 3,072,000 positions, one pass
- loss 1.84 bits per feature

| split | nodes | days |
|---|---|---|
| training | 131 | 5 |
| validation | 131 | 1 |

## Limits

It does **not** know flash crowds of a size that the training period lacks.
`;

export const model = (now) => ({
  loaded: true,
  path: "/var/lib/netflowgen/detector",
  loaded_ms: now - 5 * 3600e3,
  trained_ms: now - 9 * 86400e3,
  card: CARD,
  size: "small",
  parameters: 3_412_992,
  window: 512,
  step_ms: STEP,
  quantiles: [0.1, 0.5, 0.9],
  fitted_nodes: 131,
  nodes: { known: 145, warm: 127 },
  warmth: [2, 1, 3, 2, 1, 2, 3, 2, 2, 127],
  tasks: [
    {
      name: "ddos",
      score: "head ddos",
      enabled: true,
      default_rate: 0.03,
      in_sample: false,
      from_ms: now - 12 * 86400e3,
      to_ms: now - 9 * 86400e3,
      node_days: 393,
      thresholds: [
        [10, -1.2],
        [3, -0.4],
        [1, 0.31],
        [0.3, 1.2],
        [0.1, 1.9],
        [0.03, 2.71],
        [0.01, 3.4],
        [0.003, 4.2],
        [0.001, 5.0],
      ].map(([rate, on], i) => ({ rate, on, off: on - 1.6, extrapolated: i > 6 })),
    },
    {
      name: "anomaly",
      score: "inject",
      enabled: false,
      default_rate: 0.01,
      in_sample: false,
      from_ms: now - 12 * 86400e3,
      to_ms: now - 9 * 86400e3,
      node_days: 393,
      thresholds: [
        [1, 0.9],
        [0.1, 2.4],
        [0.01, 4.1],
      ].map(([rate, on]) => ({ rate, on, off: on - 1, extrapolated: false })),
    },
  ],
  coverage: ["bytes_in", "packets_in", "flows_in", "bytes_out", "packets_out", "flows_out"].map((feature, i) => ({
    feature,
    low: 0.09 + 0.005 * i,
    middle: i === 5 ? 0.33 : 0.5 + 0.01 * i,
    high: 0.9 - 0.006 * i,
    values: 201_120,
  })),
});
