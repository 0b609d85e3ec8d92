// The fields of what the detector remembers, in the order of the state file (docs/formats.md, Streaming
// state): one description for writing and reading. What a format did not have yet is left out by a.version().
// For detector_state.cc.
#pragma once

#include "detect/alert.h"
#include "detect/archive.h"
#include "detect/incident.h"
#include "detect/track.h"
#include "detect/usual_traffic.h"

namespace netflowgen::detect {

template <typename A>
void visit(A& a, Band& b) {
  a.value(b.middle);
  a.value(b.upper);
}

template <typename A>
void visit(A& a, Track& t) {
  a.value(t.state);
  a.value(t.latched);
  for (int64_t* x :
       {&t.start_step, &t.raised_step, &t.last_hot, &t.last_on, &t.end_step, &t.alert_start, &t.hits}) {
    a.value(*x);
  }
  a.value(t.peak);
  visit(a, t.baseline);
}

template <typename A>
void visit(A& a, Talker& t) {
  a.value(t.name);
  for (double* x : {&t.share, &t.packets, &t.bytes, &t.flows}) a.value(*x);
}

template <typename A>
void visit(A& a, FlowEvidence& e) {
  for (auto* list : {&e.sources, &e.source_ports, &e.ports, &e.protocols, &e.exporters}) {
    a.list(*list, [](A& archive, Talker& t) { visit(archive, t); });
  }
  a.value(e.sampled);
  a.value(e.distinct_sources);
  a.value(e.syn_share);
  a.value(e.fragment_share);
  if (a.version() < 2) return;
  a.value(e.sampled_packets);
  for (double* x :
       {&e.tcp.flows, &e.tcp.flagged, &e.tcp.plain_ack_share, &e.tcp.long_share, &e.tcp.expected_again}) {
    a.value(*x);
  }
}

template <typename A>
void visit(A& a, base::Prefix& p) {
  a.value(p.address.bytes);
  a.value(p.length);
}

template <typename A>
void visit(A& a, Filter& f) {
  const auto number = [](A& archive, auto& x) { archive.value(x); };
  visit(a, f.destination);
  a.maybe(f.source, [](A& archive, base::Prefix& p) { visit(archive, p); });
  a.maybe(f.protocol, number);
  a.maybe(f.src_port, number);
  a.maybe(f.dst_port, number);
  a.value(f.syn_only);
  a.value(f.fragments);
  a.value(f.covers);
  if (a.version() < 2) return;
  a.value(f.collateral);
  a.value(f.usual_flows);
  a.value(f.action);
  a.value(f.rate_bytes);
  a.value(f.reason);
}

template <typename A>
void visit(A& a, UsualFlow& f) {
  a.value(f.src.bytes);
  a.value(f.log_priority);
  a.value(f.log_weight);
  a.value(f.bytes_per_packet);
  a.value(f.syns_per_packet);
  a.value(f.src_port);
  a.value(f.dst_port);
  a.value(f.protocol);
  a.value(f.tcp_flags);
  a.value(f.fragment);
  a.value(f.ported);
}

template <typename A>
void visit(A& a, Victim& v) {
  a.value(v.node);
  a.value(v.alert);
  a.value(v.severity);
  a.value(v.start_ms);
  a.value(v.end_ms);
}

template <typename A>
void visit(A& a, Incident& i) {
  a.value(i.id);
  a.value(i.event);
  visit(a, i.prefix);
  a.value(i.task);
  a.value(i.type);
  a.value(i.severity);
  for (base::TimeMs* t : {&i.start_ms, &i.raised_ms, &i.event_ms, &i.end_ms, &i.last_end_ms}) a.value(*t);
  a.value(i.suppressed);
  a.value(i.hosts);
  a.value(i.up);
  a.list(i.victims, [](A& archive, Victim& v) { visit(archive, v); });
  a.maybe(i.filter, [](A& archive, Filter& f) { visit(archive, f); });
}

template <typename A>
void visit(A& a, Driver& d) {
  a.value(d.feature);
  for (double* x : {&d.expected, &d.upper, &d.seen, &d.bits}) a.value(*x);
  a.value(d.forecast);
}

template <typename A>
void visit(A& a, Alert& x) {
  for (std::string* text : {&x.id, &x.node, &x.task, &x.guess.type, &x.reason, &x.policy}) a.value(*text);
  a.value(x.event);
  a.value(x.guess.probability);
  a.value(x.guess.by_model);
  for (base::TimeMs* t : {&x.start_ms, &x.raised_ms, &x.event_ms, &x.end_ms}) a.value(*t);
  a.value(x.severity);
  a.value(x.peak);
  a.value(x.threshold);
  a.value(x.suppressed);
  a.list(x.contacts, [](A& archive, std::string& s) { archive.value(s); });
  a.list(x.drivers, [](A& archive, Driver& d) { visit(archive, d); });
  a.maybe(x.flows, [](A& archive, FlowEvidence& e) { visit(archive, e); });
  a.maybe(x.filter, [](A& archive, Filter& f) { visit(archive, f); });
  if (a.version() < 2) return;
  a.value(x.times_expected);
  a.value(x.incident);
}

}  // namespace netflowgen::detect
