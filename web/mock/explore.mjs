// Made-up traffic by one dimension.
import { chance, HOSTS } from "./network.mjs";

const PORTS = ["tcp/443", "udp/443", "tcp/80", "udp/53", "tcp/22", "udp/123", "tcp/25", "tcp/993", "udp/4500"];
const SERVICES = { "tcp/443": "https", "udp/443": "quic", "tcp/80": "http", "udp/53": "dns", "tcp/22": "ssh" };
const PROTOCOLS = ["tcp", "udp", "icmp", "gre", "esp"];

const NAMES = {
  source: (i) => `198.51.100.${i * 5 + 4}`,
  destination: (i) => HOSTS[(i * 3) % HOSTS.length].node,
  port: (i) => PORTS[i] ?? `tcp/${9000 + i}`,
  protocol: (i) => PROTOCOLS[i],
  exporter: (i) => `203.0.113.${i + 1}`,
};
export const DIMENSIONS = Object.keys(NAMES);

const sum = (values) => values.reduce((a, b) => a + b, 0);

// `total`: of each bucket. At most `most` names have a series of their own.
export function breakdown(by, metric, times, total, most) {
  const all = sum(total);
  const n = Math.min(most, by === "protocol" ? PROTOCOLS.length : 40);
  const series = Array.from({ length: n }, (_, i) => {
    const values = times.map((t, k) => Math.round(total[k] * (0.3 / (i + 1)) * (0.7 + 0.6 * chance(by, i, t))));
    const own = sum(values);
    const name = NAMES[by](i);
    return {
      name,
      label: SERVICES[name] ? `${name} ${SERVICES[name]}` : name,
      bytes: metric === "bytes" ? own : own * 620,
      packets: own / 620,
      flows: own / 21000,
      share: all ? own / all : null,
      values,
    };
  });
  const other = total.map((x, k) => Math.max(0, x - sum(series.map((s) => s.values[k]))));
  return { total, other, series };
}
