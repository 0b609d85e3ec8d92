// The keys of a scenario, once: (key, field, help). Readers, writers and the docs visit them in this order.
#pragma once

#include "sim/scenario.h"

namespace netflowgen::sim {

template <typename Visitor, typename S>
void visit(Visitor& v, S& s) requires std::is_same_v<std::remove_const_t<S>, NetworkSpec> {
  v("prefix", s.prefix, "addresses of the hosts with IPv4");
  v("prefix6", s.prefix6, "addresses of the hosts with IPv6");
  v("ipv6_share", s.ipv6_share, "share of hosts that have an IPv6 address instead");
  v("as_number", s.as_number, "AS of the network");
  v("sampling", s.sampling, "N: the routers sample 1 packet in N");
  v("routers", s.routers, "exporters");
  v("uplinks", s.uplinks, "interfaces to the Internet, a router");
  v("interfaces", s.interfaces, "interfaces to hosts, a router");
  v("active_timeout", s.active_timeout, "longer flows are cut");
  v("inactive_timeout", s.inactive_timeout, "a flow ends after this long without a sampled packet");
  v("radiation", s.radiation, "unsolicited packets a minute from the Internet to every address");
  v("dark", s.dark, "scans and carpet bombing also reach addresses that no host has");
}

template <typename Visitor, typename S>
void visit(Visitor& v, S& s) requires std::is_same_v<std::remove_const_t<S>, RoleSpec> {
  v("like", s.like, "built-in role whose traffic it has; needed for a role of your own");
  v("count", s.count, "hosts");
  v("level", s.level, "factor on all rates");
  v("spread", s.spread, "sigma of the lognormal level from host to host");
  v("cycle", s.cycle, "hours and weekdays: office, home, server, flat or night");
  v("timezone", s.timezone, "UTC offset, as +01:00; empty: the scenario's");
  v("noise", s.noise, "sigma of the long-range dependent noise of the log-rate");
  v("hurst", s.hurst, "Hurst parameter of that noise, 0.5 to 1");
  v("mix", s.mix, "sigma of the lognormal rate of each kind of its traffic, from host to host");
  v("sessions", s.sessions, "factor on the rate of its long transfers and calls");
  v("presence", s.presence, "median share of the time in which such a host is awake; 1: always");
  v("awake", s.awake, "mean length of an awake spell");
  v("visit", s.visit, "median conversations that one peer has with it in a row; 1: every peer has one");
  v("visit_spread", s.visit_spread, "sigma of the logarithm of their number");
  v("visit_gap", s.visit_gap, "median time from one to the next");
  v("regular", s.regular, "share of visits at even intervals, as programs poll");
}

template <typename Visitor, typename S>
void visit(Visitor& v, S& s) requires std::is_same_v<std::remove_const_t<S>, AttackShape> {
  v("vector", s.vector, "type that a carpet or a pulse wave sends; empty: drawn");
  v("flow_packets", s.flow_packets, "packets of one flow; 0: a source keeps one flow");
  v("flow_length", s.flow_length, "how long a flow of several packets lasts, at most 10m");
  v("answer", s.answer, "packets that the victim sends back for one received");
  v("reply", s.reply, "what these are: syn_ack, rst, icmp or data; empty: the type's");
  v("bytes", s.bytes, "mean bytes of a packet");
  v("port", s.port, "at the victim; 0: a new one for each flow");
  v("pulse_period", s.pulse_period, "from one pulse to the next");
  v("pulse_on", s.pulse_on, "length of a pulse");
  v("pulse_floor", s.pulse_floor, "share of the strength between pulses");
}

template <typename Visitor, typename S>
void visit(Visitor& v, S& s) requires std::is_same_v<std::remove_const_t<S>, ScriptedEvent> {
  v("kind", s.kind, "attack type, or kind of benign event");
  v("victim", s.victim, "host name (web-3), address or prefix; empty: drawn");
  v("start", s.start, "a time, or a duration from the start (51h)");
  v("duration", s.duration, "how long");
  v("intensity", s.intensity, "attack: times the victim's normal packets; benign: magnitude");
  v("ramp", s.ramp, "time until the plateau");
  v("preparation", s.preparation, "probing before the start; 0s: none");
  v("sources", s.sources, "machines, reflectors, or spoofed addresses");
  v("spoofed", s.spoofed, "sources are forged");
  v("shape", s.shape, "of an attack: how its flows look, where it differs from its type");
}

template <typename Visitor, typename S>
void visit(Visitor& v, S& s) requires std::is_same_v<std::remove_const_t<S>, Benign> {
  v("flash_crowds", s.flash_crowds, "a day: new visitors on a web, game or DNS host");
  v("load_tests", s.load_tests, "a day: a few machines send a web host many requests");
  v("outages", s.outages, "a day: a server stops answering, clients retry, then all come back");
  v("mail_campaigns", s.mail_campaigns, "a day: a mail host sends to thousands");
  v("software_updates", s.software_updates, "a day: many hosts download the same within the hour");
  v("vertical_scans", s.vertical_scans, "a day: one Internet host probes the ports of one host");
  v("horizontal_scans", s.horizontal_scans, "a day: one Internet host probes one port of all hosts");
  v("bursts", s.bursts, "a day: a few machines send any host that serves many requests");
  v("crawls", s.crawls, "a day: any host opens many connections to others");
  v("backup_share", s.backup_share, "share of server hosts with a nightly backup to a backup host");
  v("flash_magnitude", s.flash_magnitude, "extra visitors at the peak, times the host's mean");
  v("scan_rate", s.scan_rate, "packets a second of a vertical scan");
  v("sweep_rate", s.sweep_rate, "packets a second to each host, of a horizontal scan");
  v("load_magnitude", s.load_magnitude, "of a load test, times the host's mean");
  v("mail_magnitude", s.mail_magnitude, "of a mail campaign, times the host's mean");
  v("backup_rate", s.backup_rate, "packets a second of a backup");
  v("update_rate", s.update_rate, "packets a second of a software update on a client");
  v("length", s.length, "factor on how long events last");
  v("script", s.script, "events given by hand");
}

template <typename Visitor, typename S>
void visit(Visitor& v, S& s) requires std::is_same_v<std::remove_const_t<S>, Attacks> {
  v("count", s.count, "attacks drawn by the seed, spread evenly over the time");
  v("types", s.types, "relative frequency by type; empty: every type alike");
  v("victims", s.victims, "relative frequency by role of the victim; empty: the built-in one");
  v("intensity", s.intensity, "packets at the plateau, times the victim's normal packets received");
  v("floor", s.floor, "packets a minute that count as normal for a quieter victim");
  v("duration", s.duration, "from the first to the last packet");
  v("ramp_share", s.ramp_share, "share of attacks that grow slowly (up to 60 % of their time)");
  v("preparation_share", s.preparation_share, "share announced by probes, scans or password guessing");
  v("preparation", s.preparation, "how long before the start that begins");
  v("repeat_share", s.repeat_share, "share of attacks on a host that was attacked before");
  v("botnets", s.botnets, "botnets from which attacks draw their machines, again and again");
  v("spoofed_share", s.spoofed_share, "share of spoofed ones among floods that can be");
  v("gap", s.gap, "shortest time between attacks on one host");
  v("damage_at", s.damage_at, "intensity at which half of the victim's own traffic is lost; 0: none is");
  v("records", s.records, "that one attack sends in five seconds at most; traffic above shares them");
  v("script", s.script, "attacks given by hand, besides `count`");
}

template <typename Visitor, typename S>
void visit(Visitor& v, S& s) requires std::is_same_v<std::remove_const_t<S>, Scenario> {
  v("name", s.name, "a word for reports");
  v("seed", s.seed, "the same seed gives the same flows, for any number of threads");
  v("start", s.start, "UTC; whole minutes");
  v("duration", s.duration, "whole minutes");
  v("timezone", s.timezone, "UTC offset of the hosts' days, as +01:00");
  v("network", s.network, "");
  v("hosts", s.hosts, "by role: web, dns, mail, nat, vpn, client, iot, database, voip, game, backup, idle");
  v("benign", s.benign, "");
  v("attacks", s.attacks, "");
}

}  // namespace netflowgen::sim
