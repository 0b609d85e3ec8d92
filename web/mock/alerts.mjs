// Made-up alerts: some open, many ended, with evidence and a filter.
import { FEATURES } from "./features.mjs";
import { chance, forecast, HOSTS, nodeOf, STEP, value } from "./network.mjs";

const TYPES = ["udp_flood", "syn_flood", "dns_amplification", "http_flood", "scan"];
const SEVERITIES = ["low", "medium", "high", "critical"];

const idOf = (i) =>
  Math.floor(chance("id", i) * 2 ** 52)
    .toString(16)
    .padStart(16, "3");

const step = (t) => Math.floor(t / STEP) * STEP;

export function makeAlerts(now, count) {
  const alerts = [];
  for (let i = 0; i < count; ++i) {
    const type = TYPES[i % TYPES.length];
    const node = HOSTS[(i * 37 + 3) % HOSTS.length];
    const start =
      i === 0
        ? step(now) - 14 * STEP
        : i === 1
          ? step(now) - 5 * STEP
          : step(now - i * (37 + 20 * chance("gap", i)) * STEP);
    const end = i < 2 ? null : start + STEP * (4 + Math.floor(30 * chance("length", i)));
    const severity = i === 0 ? "critical" : i === 1 ? "medium" : SEVERITIES[Math.floor(chance("severity", i) * 4)];
    alerts.push({
      id: idOf(i),
      node: node.node,
      task: i % 4 === 3 ? "anomaly" : "ddos",
      type,
      probability: 0.6 + 0.39 * chance("p", i),
      severity,
      start_ms: start,
      raised_ms: start + (i === 0 ? 35_000 : 2 * STEP),
      end_ms: end,
      times_expected: 2 + 40 * chance("times", i),
      score: 3 + 4 * chance("score", i),
      threshold: 2.7,
      early: i === 0,
      suppressed: i % 7 === 5 ? ["learning", "maintenance", "dry run"][i % 3] : null,
      incident: i === 3 || i === 4 ? "9f00000000000001" : null,
      verdict: i % 6 === 4 ? "confirmed" : i % 11 === 8 ? "rejected" : null,
    });
  }
  return alerts;
}

const talkers = (n, name, level) => {
  const weights = Array.from({ length: n }, (_, i) => 1 / (i + 1.5));
  const all = weights.reduce((a, b) => a + b, 0) * 1.3;
  return weights.map((w, i) => ({
    name: name(i),
    share: w / all,
    packets: Math.round((level * w) / 620),
    bytes: Math.round(level * w),
    flows: Math.round((level * w) / 40000),
  }));
};

const source = (i) => `198.51.100.${(i * 53 + 7) % 254}`;
const SOURCE_PORTS = ["53", "123", "1900", "389", "40112"];

export const evidence = (node, level) => ({
  sampled: 1840,
  sampled_packets: 20314,
  distinct_sources: 913,
  sources: talkers(5, source, level),
  source_ports: talkers(5, (i) => SOURCE_PORTS[i], level),
  ports: talkers(4, (i) => ["443", "80", "53", "8080"][i], level),
  protocols: talkers(3, (i) => ["17", "6", "1"][i], level),
  exporters: talkers(2, (i) => `203.0.113.${i + 1}`, level),
});

const filterOf = (a) => ({
  text: `drop UDP to ${a.node} from port 53`,
  match: { destination: `${a.node}/32`, protocol: 17, source_port: 53 },
  action: a.type === "http_flood" ? "none" : "drop",
  rate: null,
  reason: a.type === "http_flood" ? "It would hit most of what the node usually receives." : null,
  covers: 0.967,
  collateral: a.type === "http_flood" ? 0.91 : 0.018,
  usual_flows: 1204,
  flowspec_nlri: "0c01200000000003811105910035",
  gobgp:
    a.type === "http_flood"
      ? null
      : `gobgp global rib -a ipv4-flowspec add match destination ${a.node}/32 protocol udp source-port '==53' then discard`,
  exabgp:
    a.type === "http_flood"
      ? null
      : `announce flow route { match { destination ${a.node}/32; protocol udp; source-port =53; } then { discard; } }`,
  nftables: a.type === "http_flood" ? null : `nft add rule inet filter forward ip daddr ${a.node} udp sport 53 drop`,
});

const iso = (ms) => (ms === null ? null : new Date(ms).toISOString().replace(".000", ""));

export function detailOf(a, all, feedback, now) {
  const node = nodeOf(a.node);
  const at = a.end_ms === null ? step(now) - STEP : a.start_ms + 3 * STEP;
  const drivers = FEATURES.filter((f) => f.kind !== "category")
    .map((f) => {
      const usual = forecast([], node, f, at);
      const seen = value(all, node, f, at);
      return {
        feature: f.name,
        unit: f.unit,
        expected: usual.middle,
        upper: usual.high * 1.3,
        seen,
        bits: Math.min(24, Math.abs(Math.log2(seen / usual.middle)) * 3),
        by: "forecast",
      };
    })
    .filter((d) => d.seen > d.upper)
    .sort((x, y) => y.bits - x.bits)
    .slice(0, 7);
  const history = [{ event: "raised", time_ms: a.raised_ms, severity: a.severity, score: a.threshold + 0.4 }];
  if (a.severity === "critical")
    history.push({ event: "escalated", time_ms: a.raised_ms + 3 * STEP, severity: "critical", score: a.score });
  if (a.end_ms !== null) history.push({ event: "ended", time_ms: a.end_ms, severity: a.severity, score: a.score });
  const lead = drivers[0];
  return {
    summary: a,
    story: lead
      ? `${a.node} receives far more than was forecast: ${lead.feature} is ${(lead.seen / lead.expected).toFixed(0)} times the expected value. 913 sources take part. The suggested filter covers 97 % of the packets.`
      : "",
    record: {
      format: 2,
      record: "alert",
      id: a.id,
      event: a.end_ms === null ? "raised" : "ended",
      node: a.node,
      task: a.task,
      type: a.type,
      severity: a.severity,
      start: iso(a.start_ms),
      raised: iso(a.raised_ms),
      end: iso(a.end_ms),
      features: drivers,
      flows: a.type === "scan" ? null : evidence(node, node.level * 30),
      filter: a.type === "scan" ? null : filterOf(a),
    },
    history,
    feedback,
  };
}

export function incidents(alerts) {
  const mine = alerts.filter((a) => a.incident);
  if (mine.length === 0) return [];
  return [
    {
      format: 2,
      record: "incident",
      id: "9f00000000000001",
      event: "ended",
      prefix: "192.0.2.0/24",
      name: "carpet bombing",
      task: "ddos",
      type: "udp_flood",
      severity: "high",
      start: iso(Math.min(...mine.map((a) => a.start_ms))),
      raised: iso(mine[0].raised_ms),
      end: iso(mine[0].end_ms),
      hosts: 16,
      suppressed: null,
      victims: Array.from({ length: 9 }, (_, i) => ({
        node: `192.0.2.${20 + i}`,
        alert: mine[i % mine.length].id,
        severity: "high",
        start: iso(mine[0].start_ms),
        end: iso(mine[0].end_ms),
      })),
      filter: filterOf(mine[0]),
    },
  ];
}
