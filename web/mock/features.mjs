// The feature table, as GET /api/v1/features gives it.
const TABLE = [
  ["bytes", "B", "volume", "bytes"],
  ["packets", "packets", "volume", "packets"],
  ["flows", "flows", "volume", "flows"],
  ["packet_size", "B", "quantity", "mean bytes a packet"],
  ["duration", "s", "quantity", "mean duration of flows"],
  ["peers", "addresses", "count", "distinct peers"],
  ["ports", "ports", "count", "distinct own ports"],
  ["peer_entropy", "", "ratio", "entropy of peers by flows, 0 to 1"],
  ["peer_port_entropy", "", "ratio", "entropy of peer ports by flows, 0 to 1"],
  ["top_peer_share", "", "ratio", "share of flows of the largest peer"],
  ["tcp_share", "", "ratio", "TCP's share of packets"],
  ["udp_share", "", "ratio", "UDP's share of packets"],
  ["icmp_share", "", "ratio", "ICMP's share of packets"],
  ["other_share", "", "ratio", "other protocols' share of packets"],
  ["syn_share", "", "ratio", "share of TCP flows with SYN and no ACK"],
  ["rst_share", "", "ratio", "share of TCP flows with RST"],
  ["fragment_share", "", "ratio", "share of packets that are fragments"],
  ["reflector_share", "", "ratio", "share of bytes from amplification services' ports"],
  ["top_port", "port", "category", "service port with most flows"],
];

export const FEATURES = ["in", "out"].flatMap((d) =>
  TABLE.map(([name, unit, kind, help]) => ({
    name: `${name}_${d}`,
    unit,
    kind,
    help: `${help}, ${d}`,
    forecast: kind !== "category",
  })),
);
FEATURES.push({ name: "out_in_ratio", unit: "", kind: "ratio", help: "out / (out + in)", forecast: true });

export const VOLUMES = ["bytes", "packets", "flows"];
