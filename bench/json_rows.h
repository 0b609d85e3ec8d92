// Rows of JSON lines as the supported tools write them, for bench/json.cc, and what the reader takes out of each, as a
// Python expression over the dict `d`.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/random.h"
#include "base/time.h"
#include "flow/record.h"
#include "flow/write/json_writer.h"

namespace netflowgen::bench {

struct JsonCase {
  std::string name;
  std::function<std::string(base::Random&, size_t)> row;
  std::string picks;      // Python: the values of one object that a flow is made of
  size_t flows_of_row = 0;  // 0: a row of the reader is an object; else the rows in each object
};

inline std::string v4(base::Random& r) { return base::IpAddr::v4(static_cast<uint32_t>(r.next())).to_string(); }
inline uint64_t port(base::Random& r) { return r.chance(0.5) ? 443 : 1024 + r.below(60000); }
inline base::TimeMs time_of(size_t i) { return 1'767'225'600'000 + static_cast<base::TimeMs>(i) * 3; }

inline std::string zeek_row(base::Random& r, size_t i) {
  return fmt::format(
      R"({{"ts":{}.{:03}988,"uid":"C{:016x}","id.orig_h":"{}","id.orig_p":{},"id.resp_h":"{}","id.resp_p":{},"proto":"tcp",)"
      R"("service":"ssl","duration":0.{:06},"orig_bytes":{},"resp_bytes":{},"conn_state":"SF","local_orig":true,)"
      R"("local_resp":false,"missed_bytes":0,"history":"ShADadFf","orig_pkts":{},"orig_ip_bytes":{},"resp_pkts":{},)"
      R"("resp_ip_bytes":{}}})",
      time_of(i) / 1000, time_of(i) % 1000, r.next(), v4(r), port(r), v4(r), port(r), r.below(1000000),
      r.below(10000), r.below(1000000), 1 + r.below(100), 40 + r.below(10000), 1 + r.below(100),
      40 + r.below(1000000));
}

inline std::string suricata_row(base::Random& r, size_t i) {
  std::string t = base::format_time(time_of(i)).substr(0, 19) + ".123456+0000";
  return fmt::format(
      R"({{"timestamp":"{}","flow_id":{},"in_iface":"eth0","event_type":"flow","src_ip":"{}","src_port":{},"dest_ip":"{}",)"
      R"("dest_port":{},"proto":"TCP","app_proto":"tls","flow":{{"pkts_toserver":{},"pkts_toclient":{},"bytes_toserver":{},)"
      R"("bytes_toclient":{},"start":"{}","end":"{}","age":1,"state":"closed","reason":"timeout","alerted":false}},)"
      R"("tcp":{{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,)"
      R"("state":"closed"}}}})",
      t, r.next() >> 12, v4(r), port(r), v4(r), port(r), 1 + r.below(100), 1 + r.below(100),
      40 + r.below(10000), 40 + r.below(1000000), t, t);
}

inline std::string nfdump_row(base::Random& r, size_t i) {
  const std::string t = base::format_time(time_of(i)).substr(0, 19);
  return fmt::format(
      R"({{"cnt":{},"type":"FLOW","export_sysid":1,"first":"{}.123","last":"{}.456","received":"{}.789","in_packets":{},)"
      R"("in_bytes":{},"proto":6,"tcp_flags":"...AP.SF","src_port":{},"dst_port":{},"fwd_status":0,"src_tos":0,)"
      R"("src4_addr":"{}","dst4_addr":"{}","input_snmp":1,"output_snmp":2,"src_mask":24,"dst_mask":16,"src_as":{},)"
      R"("dst_as":{},"sampled":0}})",
      i, t, t, t, 1 + r.below(100), 40 + r.below(100000), port(r), port(r), v4(r), v4(r), r.below(65000),
      r.below(65000));
}

inline std::string own_row(base::Random& r, size_t i) {
  flow::Flow f;
  f.start_ms = time_of(i);
  f.end_ms = f.received_ms = f.start_ms + 1500;
  f.src = base::IpAddr::v4(static_cast<uint32_t>(r.next()));
  f.dst = base::IpAddr::v4(static_cast<uint32_t>(r.next()));
  f.src_port = static_cast<uint16_t>(port(r));
  f.dst_port = static_cast<uint16_t>(port(r));
  f.protocol = flow::kTcp;
  f.tcp_flags = flow::kSyn | flow::kAck;
  f.packets = 1 + r.below(100);
  f.bytes = 40 + r.below(100000);
  f.known = flow::kKnownBytes | flow::kKnownPackets | flow::kKnownPorts | flow::kKnownProtocol |
            flow::kKnownTcpFlags | flow::kKnownDuration | flow::kKnownAddresses;
  std::string text;
  flow::append_json(text, f);
  return text;
}

inline std::string goflow2_row(base::Random& r, size_t i) {
  const auto t = time_of(i);
  return fmt::format(
      R"({{"type":"NETFLOW_V9","time_received_ns":{}123456789,"sequence_num":{},"sampling_rate":0,"sampler_address":"192.0.2.1",)"
      R"("time_flow_start_ns":{}000000,"time_flow_end_ns":{}000000,"bytes":{},"packets":{},"src_addr":"{}","dst_addr":"{}",)"
      R"("etype":"IPv4","proto":"TCP","src_port":{},"dst_port":{},"in_if":{},"out_if":{},"src_mac":"00:00:00:00:00:00",)"
      R"("dst_mac":"00:00:00:00:00:00","src_vlan":0,"dst_vlan":0,"vlan_id":0,"ip_tos":0,"forwarding_status":64,"ip_ttl":0,)"
      R"("ip_flags":0,"tcp_flags":27,"icmp_type":0,"icmp_code":0,"ipv6_flow_label":0,"fragment_id":0,"fragment_offset":0,)"
      R"("src_as":{},"dst_as":{},"next_hop":"","next_hop_as":0,"src_net":"0.0.0.0/0","dst_net":"0.0.0.0/0",)"
      R"("bgp_next_hop":"","bgp_communities":[],"as_path":[],"mpls_ttl":[],"mpls_label":[],"mpls_ip":[],)"
      R"("observation_domain_id":0,"observation_point_id":0}})",
      t / 1000, i, t - 1000, t, 40 + r.below(100000), 1 + r.below(100), v4(r), v4(r), port(r), port(r),
      r.below(500), r.below(500), r.below(65000), r.below(65000));
}

inline std::string pmacct_row(base::Random& r, size_t i) {
  std::string t = base::format_time(time_of(i)).substr(0, 19);
  t[10] = ' ';
  return fmt::format(
      R"({{"event_type": "purge", "as_src": {}, "as_dst": {}, "peer_ip_src": "192.0.2.1", "iface_in": {}, "iface_out": {}, )"
      R"("ip_src": "{}", "ip_dst": "{}", "port_src": {}, "port_dst": {}, "tcp_flags": "27", "ip_proto": "tcp", "tos": 0, )"
      R"("timestamp_start": "{}.{:06}", "timestamp_end": "{}.{:06}", "timestamp_arrival": "{}.{:06}", "packets": {}, )"
      R"("bytes": {}, "writer_id": "default/1234"}})",
      r.below(65000), r.below(65000), r.below(500), r.below(500), v4(r), v4(r), port(r), port(r), t,
      r.below(500000), t, 500000 + r.below(500000), t, r.below(1000000), 1 + r.below(100), 40 + r.below(100000));
}

inline std::string aws_row(base::Random& r, size_t i) {
  const auto t = time_of(i) / 1000;
  return fmt::format(
      R"({{"version":2,"account_id":"123456789010","interface_id":"eni-1235b8ca{:09x}","srcaddr":"{}","dstaddr":"{}",)"
      R"("srcport":{},"dstport":{},"protocol":6,"packets":{},"bytes":{},"start":{},"end":{},"action":"ACCEPT",)"
      R"("log_status":"OK"}})",
      r.below(1u << 20), v4(r), v4(r), port(r), port(r), 1 + r.below(100), 40 + r.below(100000), t, t + 60);
}

inline std::string gcp_row(base::Random& r, size_t i) {
  const std::string t = base::format_time(time_of(i)).substr(0, 19);
  return fmt::format(
      R"({{"insertId":"{:x}","jsonPayload":{{"bytes_sent":"{}","connection":{{"dest_ip":"{}","dest_port":{},"protocol":6,)"
      R"("src_ip":"{}","src_port":{}}},"dest_location":{{"asn":{},"continent":"America","country":"usa"}},)"
      R"("end_time":"{}.987654321Z","packets_sent":"{}","reporter":"SRC","rtt_msec":"{}","src_instance":)"
      R"({{"project_id":"example","region":"us-central1","vm_name":"vm-{}","zone":"us-central1-a"}},)"
      R"("start_time":"{}.123456789Z"}},"logName":"projects/example/logs/compute.googleapis.com%2Fvpc_flows",)"
      R"("receiveTimestamp":"{}.5Z","resource":{{"labels":{{"location":"us-central1-a","project_id":"example",)"
      R"("subnetwork_id":"1234567890","subnetwork_name":"default"}},"type":"gce_subnetwork"}},"timestamp":"{}.5Z"}})",
      r.next(), 40 + r.below(100000), v4(r), port(r), v4(r), port(r), r.below(65000), t, 1 + r.below(100),
      1 + r.below(200), r.below(50), t, t, t);
}

inline constexpr size_t kTuples = 20;

inline std::string azure_row(base::Random& r, size_t i) {
  std::string tuples;
  for (size_t k = 0; k < kTuples; ++k) {
    tuples += fmt::format(R"({}"{},{},{},{},{},T,O,A,E,{},{},{},{}")", k == 0 ? "" : ",", time_of(i) / 1000, v4(r),
                          v4(r), port(r), port(r), 1 + r.below(100), 40 + r.below(100000), 1 + r.below(100),
                          40 + r.below(100000));
  }
  return fmt::format(
      R"({{"time":"2026-01-01T00:00:00.1234567Z","systemId":"0a1b2c3d","macAddress":"000D3AF87856",)"
      R"("category":"NetworkSecurityGroupFlowEvent","resourceId":"/SUBSCRIPTIONS/X/NETWORKSECURITYGROUPS/NSG",)"
      R"("operationName":"NetworkSecurityGroupFlowEvents","properties":{{"Version":2,"flows":[{{"rule":"Allow",)"
      R"("flows":[{{"mac":"000D3AF87856","flowTuples":[{}]}}]}}]}}}})",
      tuples);
}

inline std::string cloudwatch_row(base::Random& r, size_t i) {
  const auto t = time_of(i) / 1000;
  return fmt::format(
      R"({{"id":"{:056d}","timestamp":{},"message":"2 123456789010 eni-1235b8ca123456789 {} {} {} {} 6 {} {} {} {} ACCEPT OK"}})",
      i, time_of(i), v4(r), v4(r), port(r), port(r), 1 + r.below(100), 40 + r.below(100000), t, t + 60);
}

inline std::vector<JsonCase> json_cases() {
  return {
      {"zeek", zeek_row,
     R"(d["ts"], d["id.orig_h"], d["id.orig_p"], d["id.resp_h"], d["id.resp_p"], d["proto"], d["duration"], )"
     R"(d["history"], d["orig_ip_bytes"], d["orig_pkts"], d["resp_ip_bytes"], d["resp_pkts"],)"},
      {"suricata", suricata_row,
     R"(d["event_type"], d["flow"]["start"], d["flow"]["end"], d["src_ip"], d["dest_ip"], d["src_port"], )"
     R"(d["dest_port"], d["proto"], d["flow"]["pkts_toserver"], d["flow"]["bytes_toserver"], )"
     R"(d["flow"]["pkts_toclient"], d["flow"]["bytes_toclient"], d["tcp"]["tcp_flags_ts"], d["tcp"]["tcp_flags_tc"],)"},
      {"nfdump", nfdump_row,
     R"(d["type"], d["first"], d["last"], d["received"], d["src4_addr"], d["dst4_addr"], d["proto"], )"
     R"(d["src_port"], d["dst_port"], d["tcp_flags"], d["in_packets"], d["in_bytes"], d["src_tos"], )"
     R"(d["input_snmp"], d["output_snmp"], d["src_as"], d["dst_as"], d["src_mask"], d["dst_mask"],)"},
      {"goflow2", goflow2_row,
     R"(d["type"], d["etype"], d["time_flow_start_ns"], d["time_flow_end_ns"], d["time_received_ns"], )"
     R"(d["src_addr"], d["dst_addr"], d["src_port"], d["dst_port"], d["proto"], d["tcp_flags"], d["packets"], )"
     R"(d["bytes"], d["sampling_rate"], d["sampler_address"], d["observation_domain_id"], d["in_if"], d["out_if"], )"
     R"(d["src_as"], d["dst_as"], d["next_hop"], d["ip_tos"], d["ip_ttl"], d["src_vlan"], d["dst_vlan"], )"
     R"(d["icmp_type"], d["icmp_code"], d["src_mac"], d["dst_mac"],)"},
      {"pmacct", pmacct_row,
     R"(d["timestamp_start"], d["timestamp_end"], d["timestamp_arrival"], d["ip_src"], d["ip_dst"], )"
     R"(d["port_src"], d["port_dst"], d["ip_proto"], d["tcp_flags"], d["packets"], d["bytes"], d["peer_ip_src"], )"
     R"(d["iface_in"], d["iface_out"], d["as_src"], d["as_dst"], d["tos"],)"},
      {"aws-vpc", aws_row,
     R"(d["log_status"], d["start"], d["end"], d["srcaddr"], d["dstaddr"], d["srcport"], d["dstport"], )"
     R"(d["protocol"], d["packets"], d["bytes"],)"},
      {"gcp", gcp_row,
     R"((p := d["jsonPayload"])["start_time"], p["end_time"], (c := p["connection"])["src_ip"], c["dest_ip"], )"
     R"(c["src_port"], c["dest_port"], c["protocol"], p["packets_sent"], p["bytes_sent"],)"},
      {"azure", azure_row,
     R"([t.split(",") for f in d["properties"]["flows"] for g in f["flows"] for t in g["flowTuples"]],)", kTuples},
      {"cloudwatch", cloudwatch_row,
     R"(d["message"].split(),)"},
      {"flows", own_row,
     R"(d["start"], d["end"], d["src"], d["dst"], d["src_port"], d["dst_port"], d["protocol"], )"
     R"(d["tcp_flags"], d["packets"], d["bytes"],)"},
  };
}

}  // namespace netflowgen::bench
