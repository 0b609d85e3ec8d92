// How a feature is shown. Volumes are totals of a step; people read them as rates.
import type { Feature, Maybe } from "../api/types";
import { percent, si, UNKNOWN } from "./format";

export interface FeatureLike {
  feature: string;
  unit: string;
}
export type Direction = "in" | "out";

const VOLUME = /^(bytes|packets|flows)_(in|out)$/;

export const isVolume = (name: string): boolean => VOLUME.test(name);
export const directionOf = (name: string): Direction | null =>
  name.endsWith("_in") ? "in" : name.endsWith("_out") ? "out" : null;

const LABELS: Record<string, string> = {
  bytes: "Traffic",
  packets: "Packets",
  flows: "Flows",
  packet_size: "Packet size",
  duration: "Flow duration",
  peers: "Peers",
  ports: "Own ports",
  peer_entropy: "Peer entropy",
  peer_port_entropy: "Peer port entropy",
  top_peer_share: "Top peer's share",
  tcp_share: "TCP share",
  udp_share: "UDP share",
  icmp_share: "ICMP share",
  other_share: "Other protocols' share",
  syn_share: "SYN-only share",
  rst_share: "RST share",
  fragment_share: "Fragment share",
  reflector_share: "Reflector share",
  top_port: "Top port",
  out_in_ratio: "Out/in ratio",
  gap: "Silence",
};

// "Traffic in". A feature that the page does not know keeps its name.
export function label(name: string): string {
  const direction = directionOf(name);
  const stem = direction ? name.slice(0, -direction.length - 1) : name;
  const text = LABELS[stem] ?? LABELS[name];
  return text ? (direction ? `${text} ${direction}` : text) : name.replace(/_/g, " ");
}

export function unitOf(f: FeatureLike): string {
  if (isVolume(f.feature)) return f.unit === "B" ? "bit/s" : `${f.unit}/s`;
  return f.unit;
}

// From a step's total (or a quantity) to what is drawn.
export function scale(f: FeatureLike, step_ms: number): number {
  if (!isVolume(f.feature)) return 1;
  return (f.unit === "B" ? 8 : 1) / (step_ms / 1000);
}

export function show(f: FeatureLike, x: Maybe | undefined, step_ms: number): string {
  if (x === null || x === undefined) return UNKNOWN;
  return showScaled(f, x * scale(f, step_ms));
}

// The feature's name says what is counted.
const COUNTED = new Set(["addresses", "ports"]);

export function showScaled(f: FeatureLike, x: Maybe | undefined): string {
  if (x === null || x === undefined) return UNKNOWN;
  if (f.unit === "" && /share|ratio/.test(f.feature)) return percent(x);
  if (f.unit === "port") return port(x);
  return si(x, COUNTED.has(f.unit) ? "" : unitOf(f));
}

// For an axis: the unit is short, since the chart's title names the feature.
export function showAxis(f: FeatureLike, x: Maybe): string {
  if (isVolume(f.feature)) return si(x, f.unit === "B" ? "bit/s" : "/s");
  if (f.unit === "B" || f.unit === "s" || f.unit === "" || f.unit === "port")
    return f.unit === "port" ? String(x) : showScaled(f, x);
  return si(x);
}

// "1.09 to 1.85 Mbit/s", "231 bit/s to 1.85 Mbit/s"
export function showRange(f: FeatureLike, low: Maybe, high: Maybe, step_ms: number): string {
  if (low === null && high === null) return UNKNOWN;
  const first = show(f, low, step_ms);
  const last = show(f, high, step_ms);
  const unit = last.replace(/^[^\u00a0]*/, "");
  const same = first.replace(/^[^\u00a0]*/, "") === unit;
  return `${same ? first.slice(0, first.length - unit.length) : first} to ${last}`;
}

const SERVICES: Record<number, string> = {
  20: "ftp-data",
  21: "ftp",
  22: "ssh",
  23: "telnet",
  25: "smtp",
  53: "dns",
  67: "dhcp",
  80: "http",
  110: "pop3",
  111: "portmap",
  123: "ntp",
  137: "netbios",
  143: "imap",
  161: "snmp",
  179: "bgp",
  389: "ldap",
  443: "https",
  445: "smb",
  500: "ike",
  514: "syslog",
  587: "submission",
  853: "dns over tls",
  993: "imaps",
  1194: "openvpn",
  1433: "mssql",
  1900: "ssdp",
  3306: "mysql",
  3389: "rdp",
  3478: "stun",
  4500: "ipsec nat-t",
  5060: "sip",
  5353: "mdns",
  5432: "postgresql",
  8080: "http-alt",
  11211: "memcached",
};
const PROTOCOLS: Record<number, string> = {
  1: "ICMP",
  2: "IGMP",
  6: "TCP",
  17: "UDP",
  41: "IPv6",
  47: "GRE",
  50: "ESP",
  58: "ICMPv6",
  132: "SCTP",
};

export const port = (x: number | string): string => {
  const name = SERVICES[Number(x)];
  return name ? `${x} ${name}` : String(x);
};
export const protocol = (x: number | string): string => PROTOCOLS[Number(x)] ?? String(x);

export const byName = (features: Feature[] | undefined, name: string): Feature | undefined =>
  features?.find((f) => f.name === name);
