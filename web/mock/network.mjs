// A made-up network: everything is a function of node, feature and time, so any time can be asked for.
import { FEATURES } from "./features.mjs";

export const STEP = 60_000;

// A number in [0, 1) that depends on its arguments alone.
export function chance(...keys) {
  let h = 2166136261;
  for (const c of keys.join("|")) h = Math.imul(h ^ c.charCodeAt(0), 16777619);
  h ^= h >>> 15;
  h = Math.imul(h, 2246822519);
  h ^= h >>> 13;
  h = Math.imul(h, 3266489917);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}

const ROLES = ["server", "client", "client", "client", "mixed", null];

export const HOSTS = Array.from({ length: 140 }, (_, i) => ({
  node: `192.0.2.${i + 10}`,
  kind: "host",
  level: 10 ** (5.2 + 2.6 * chance("level", i)), // bytes a step
  role: ROLES[Math.floor(chance("role", i) * ROLES.length)],
  warm: i % 9 === 0 ? chance("warm", i) : 1,
}));
export const OTHERS = [
  { node: "192.0.2.0/24", kind: "prefix", level: 2e9, role: null, warm: 1 },
  { node: "192.0.2.0/25", kind: "prefix", level: 1.3e9, role: null, warm: 1 },
  { node: "203.0.113.1#7", kind: "interface", level: 1.6e9, role: null, warm: 1 },
  { node: "AS64500", kind: "as", level: 2e9, role: null, warm: 1 },
  { node: "2001:db8:0:1::53", kind: "host", level: 4e6, role: "server", warm: 1 },
];
export const NODES = [...HOSTS, ...OTHERS];
export const nodeOf = (name) => NODES.find((n) => n.node === name);

const DAY = 86400e3;
const daily = (t) => 1 + 0.45 * Math.sin(((t % DAY) / DAY) * 2 * Math.PI - 1.9);

// What attacks multiply.
const SHAPES = {
  udp_flood: { bytes_in: 38, packets_in: 52, flows_in: 30, peers_in: 40, udp_share_in: 4, packet_size_in: 0.7 },
  syn_flood: { bytes_in: 6, packets_in: 44, flows_in: 60, syn_share_in: 9, peers_in: 35, packet_size_in: 0.2 },
  dns_amplification: { bytes_in: 80, packets_in: 22, flows_in: 8, reflector_share_in: 30, packet_size_in: 3 },
  http_flood: { bytes_in: 3, packets_in: 4, flows_in: 7, peers_in: 5 },
  scan: { ports_out: 30, flows_out: 12, peers_out: 25, syn_share_out: 6 },
};

const base = (node, feature, t) => {
  const name = feature.name;
  const stem = name.replace(/_(in|out)$/, "");
  const out = name.endsWith("_out") ? 0.55 : 1;
  switch (stem) {
    case "bytes":
      return node.level * daily(t) * out;
    case "packets":
      return (node.level / 620) * daily(t) * out;
    case "flows":
      return (node.level / 21000) * daily(t) * out + 2;
    case "packet_size":
      return 620;
    case "duration":
      return 6;
    case "peers":
      return 4 + Math.sqrt(node.level / 3e4) * daily(t);
    case "ports":
      return 5;
    case "top_port":
      return node.role === "server" ? 443 : 53;
    case "tcp_share":
      return 0.78;
    case "udp_share":
      return 0.2;
    default:
      return 0.05 + 0.4 * chance(node.node, stem);
  }
};

const noise = (node, name, t) => Math.exp((chance(node.node, name, t) - 0.5) * 0.5);

const effect = (attacks, node, name, t) => {
  let factor = 1;
  for (const a of attacks) {
    if (a.node !== node.node || t < a.start_ms || (a.end_ms !== null && t >= a.end_ms)) continue;
    const full = SHAPES[a.type]?.[name];
    if (full) factor *= 1 + (full - 1) * Math.min(1, (t - a.start_ms + STEP) / (3 * STEP));
  }
  return factor;
};

const PROTOCOL_SHARE = /^(tcp|udp|icmp|other)_(share_(?:in|out))$/;

const raw = (attacks, node, feature, t) =>
  base(node, feature, t) * noise(node, feature.name, t) * effect(attacks, node, feature.name, t);

export function value(attacks, node, feature, t) {
  if (feature.kind === "category") return base(node, feature, t);
  const x = raw(attacks, node, feature, t);
  const protocol = PROTOCOL_SHARE.exec(feature.name);
  if (protocol) {
    const all = ["tcp", "udp", "icmp", "other"].map((p) =>
      raw(attacks, node, { ...feature, name: `${p}_${protocol[2]}` }, t),
    );
    return x / all.reduce((a, b) => a + b, 0);
  }
  if (feature.kind === "ratio") return Math.min(1, x);
  return feature.kind === "quantity" ? x : Math.round(x);
}

// Made one step before: it follows an attack only slowly.
export function forecast(attacks, node, feature, t) {
  if (!feature.forecast) return { low: null, middle: null, high: null };
  const seen = effect(attacks, node, feature.name, t - STEP);
  const middle = base(node, feature, t) * seen ** 0.25;
  const most = feature.kind === "ratio" ? 1 : Infinity;
  return { low: middle * 0.78, middle: Math.min(most, middle), high: Math.min(most, middle * 1.32) };
}

// Bits: near 1 inside the band, growing outside.
export function surprise(attacks, node, feature, t) {
  if (!feature.forecast || node.warm < 0.1) return null;
  const f = forecast(attacks, node, feature, t);
  const x = value(attacks, node, feature, t);
  const off = Math.abs(Math.log2(Math.max(1e-9, x) / Math.max(1e-9, f.middle)));
  return Math.min(24, 0.3 + 3.2 * off);
}

// Makes a series of [from, to) in steps or coarser buckets.
export function timesOf(from, to) {
  const length = to - from;
  const resolution = length / STEP <= 1500 ? STEP : length / (15 * STEP) <= 1500 ? 15 * STEP : DAY;
  const times = [];
  for (let t = Math.ceil(from / resolution) * resolution; t + resolution <= to; t += resolution) times.push(t);
  return { times, resolution };
}

export function featureSeries(attacks, node, feature, times) {
  const fans = times.map((t) => forecast(attacks, node, feature, t));
  return {
    feature: feature.name,
    unit: feature.unit,
    values: times.map((t) => value(attacks, node, feature, t)),
    low: fans.map((f) => f.low),
    middle: fans.map((f) => f.middle),
    high: fans.map((f) => f.high),
  };
}

// The sum over the network: a node of its own with the attacks of all hosts at their size.
const NETWORK = { node: "network", kind: "prefix", level: 2.2e9, role: null, warm: 1 };

export function networkSeries(attacks, name, times) {
  const feature = FEATURES.find((f) => f.name === name);
  const series = featureSeries([], NETWORK, feature, times);
  series.values = series.values.map((x, i) => {
    let extra = 0;
    for (const a of attacks) {
      const node = nodeOf(a.node);
      if (node) extra += base(node, feature, times[i]) * (effect([a], node, name, times[i]) - 1);
    }
    return Math.round(x + extra);
  });
  return series;
}
