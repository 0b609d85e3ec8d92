#include "sim/simulator.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "sim/testing.h"

namespace netflowgen::sim {
namespace {

Scenario tiny() { return parse_scenario(std::string(*builtin_scenario("tiny")), "tiny"); }

bool same(const flow::Flow& a, const flow::Flow& b) {
  return a.start_ms == b.start_ms && a.end_ms == b.end_ms && a.received_ms == b.received_ms &&
         a.src == b.src && a.dst == b.dst && a.src_port == b.src_port && a.dst_port == b.dst_port &&
         a.protocol == b.protocol && a.packets == b.packets && a.bytes == b.bytes &&
         a.tcp_flags == b.tcp_flags && a.exporter == b.exporter && a.in_if == b.in_if &&
         a.out_if == b.out_if && a.src_as == b.src_as;
}

TEST(Simulator, SameForEveryNumberOfThreadsAndBatchSize) {
  const auto one = all_flows(tiny(), 1, 1000);
  ASSERT_GT(one.size(), 10'000u);
  for (const auto& [threads, batch] : {std::pair{2u, 1000ul}, std::pair{7u, 1ul}}) {
    const auto other = all_flows(tiny(), threads, batch);
    ASSERT_EQ(one.size(), other.size());
    for (size_t i = 0; i < one.size(); ++i) ASSERT_TRUE(same(one[i], other[i])) << i;
  }
  Scenario next = tiny();
  next.seed += 1;
  EXPECT_NE(all_flows(next).size(), one.size());
}

// What other people's figures were made with stays as it was, whatever keys are added.
TEST(Simulator, BuiltInScenariosKeepTheirFlows) {
  struct Sums {
    const char* name;
    int64_t hours;  // 0: all of it
    uint64_t flows, packets, bytes, ports;
  };
  constexpr Sums kKnown[] = {{"tiny", 0, 35649, 67628, 52676210, 1480211174},
                             {"demo", 6, 147391, 239218, 164073671, 7110925264},
                             {"campus", 1, 386136, 434377, 267554758, 15593475443}};
  for (const auto& known : kKnown) {
    Scenario s = parse_scenario(std::string(*builtin_scenario(known.name)), known.name);
    if (known.hours > 0) s.duration.ms = known.hours * 60 * kMinuteMs;
    uint64_t flows = 0, packets = 0, bytes = 0, ports = 0;
    for (const auto& f : all_flows(s)) {
      ++flows;
      packets += f.packets;
      bytes += f.bytes;
      ports += f.src_port + f.dst_port;
    }
    EXPECT_EQ(flows, known.flows) << known.name;
    EXPECT_EQ(packets, known.packets) << known.name;
    EXPECT_EQ(bytes, known.bytes) << known.name;
    EXPECT_EQ(ports, known.ports) << known.name;
  }
}

TEST(Simulator, OrderTimesAndLedger) {
  const Scenario s = tiny();
  Simulator simulator(s, {2});
  std::vector<flow::Flow> batch(777);
  TimeMs last = 0;
  uint64_t count = 0;
  for (size_t n = simulator.read(batch); n > 0; n = simulator.read(batch)) {
    for (size_t i = 0; i < n; ++i) {
      const auto& f = batch[i];
      ASSERT_GE(f.received_ms, last);
      last = f.received_ms;
      ASSERT_LE(f.start_ms, f.end_ms);
      ASSERT_LE(f.end_ms, f.received_ms);
      ASSERT_GE(f.start_ms, s.start.ms);
      ASSERT_LT(f.received_ms, s.start.ms + s.duration.ms);
      ASSERT_LE(f.end_ms - f.start_ms, s.network.active_timeout.ms);
      ASSERT_GT(f.packets, 0u);
      ASSERT_GE(f.bytes, 28 * f.packets);
    }
    count += n;
    EXPECT_TRUE(simulator.ledgers().front().balanced());
  }
  const auto ledger = simulator.ledgers().front();
  EXPECT_EQ(ledger.out, count);
  EXPECT_EQ(ledger.held, 0u);
  EXPECT_TRUE(ledger.balanced());
  EXPECT_GT(ledger.dropped(), 0u);  // the warm-up
}

// Flows to a label's node within it, of which the attack is most.
TEST(Simulator, LabelsAreWhereTheAttacksAre) {
  for (const auto& type : {"syn_flood", "ack_flood", "rst_flood", "udp_flood", "icmp_flood", "fragment_flood",
                           "gre_flood", "dns_amplification", "ntp_amplification", "ssdp_amplification",
                           "cldap_amplification", "memcached_amplification", "http_flood", "slowloris",
                           "connection_flood", "pulse_wave", "carpet_bombing"}) {
    Scenario normal = quiet_scenario("web", 3);
    normal.network.sampling = 4;
    normal.attacks.damage_at = 0;
    Scenario attacked = normal;
    attacked.attacks.script.push_back({.kind = type,
                                       .victim = "web-1",
                                       .start = "1h",
                                       .duration = Duration{20 * kMinuteMs},
                                       .intensity = 8,
                                       .ramp = Duration{2 * kMinuteMs},
                                       .preparation = Duration{0},
                                       .sources = {},
                                       .spoofed = {}});
    const Simulator planned(attacked);
    ASSERT_EQ(planned.attacks().size(), 1u);
    const auto& event = planned.attacks().front();
    EXPECT_EQ(event.label, type);
    const IpAddr victim = planned.network().hosts().front().address;
    const auto packets_in = [&](const flow::Flow& f) {
      return f.dst == victim ? static_cast<double>(f.packets * f.sampling) : 0.0;
    };
    // The host's own flows are the same in both runs, so the difference is the attack.
    const auto with = by_minute(attacked, all_flows(attacked), packets_in);
    const auto without = by_minute(normal, all_flows(normal), packets_in);
    const double usual = planned.network().hosts().front().normal_in;
    double inside = 0;
    for (size_t m = 0; m < with.size(); ++m) {
      const double extra = with[m] - without[m];
      if (m < 60 || m >= 80) {
        EXPECT_EQ(extra, 0) << type << " minute " << m;
      } else {
        inside += extra;
      }
    }
    const double plateau = event.pulse_period_ms > 0 ? event.pulse_on_ms / event.pulse_period_ms : 1.0;
    const double floor = std::max(usual, attacked.attacks.floor);
    EXPECT_NEAR(inside / (8 * floor * 18 * plateau), 1.0, event.pulse_period_ms > 0 ? 0.5 : 0.15) << type;
  }
}

TEST(Simulator, PreparationComesBeforeTheLabelAndIsSmall) {
  Scenario normal = quiet_scenario("web", 3);
  normal.network.sampling = 1;
  Scenario attacked = normal;
  attacked.attacks.damage_at = normal.attacks.damage_at = 0;
  for (int64_t seed = 1; seed <= 5; ++seed) {
    attacked.seed = normal.seed = seed;
    attacked.attacks.script = {{.kind = "syn_flood",
                                .victim = "web-1",
                                .start = "2h",
                                .duration = Duration{10 * kMinuteMs},
                                .intensity = 10,
                                .ramp = Duration{0},
                                .preparation = Duration{30 * kMinuteMs},
                                .sources = {},
                                .spoofed = {}}};
    const auto count = [](const flow::Flow&) { return 1.0; };
    const auto with = by_minute(attacked, all_flows(attacked), count);
    const auto without = by_minute(normal, all_flows(normal), count);
    double before = 0;
    for (size_t m = 0; m < 90; ++m) EXPECT_EQ(with[m], without[m]);
    for (size_t m = 90; m < 120; ++m) before += with[m] - without[m];
    const double during = with[125] - without[125];
    EXPECT_GT(before, 100);
    EXPECT_LT(before / 30, 0.5 * during);
  }
}

TEST(Simulator, SamplingIsUnbiased) {
  const auto totals = [](int64_t sampling) {
    Scenario s = quiet_scenario("web", 24);
    s.network.sampling = sampling;
    double packets = 0;
    double bytes = 0;
    for (const auto& f : all_flows(s)) {
      packets += static_cast<double>(f.packets * f.sampling);
      bytes += static_cast<double>(f.bytes * f.sampling);
    }
    return std::pair(packets, bytes);
  };
  const auto [packets, bytes] = totals(1);
  const Simulator planned(quiet_scenario("web", 24));
  const auto& host = planned.network().hosts().front();
  EXPECT_NEAR(packets / ((host.normal_in + host.normal_out) * 1440), 1.0, 0.02);
  for (const int64_t sampling : {10, 100}) {
    const auto [p, b] = totals(sampling);
    EXPECT_NEAR(p / packets, 1.0, 0.04) << sampling;
    EXPECT_NEAR(b / bytes, 1.0, 0.05) << sampling;
  }
}

TEST(Simulator, EveryRoleHasTheLevelThatAttacksAreMeasuredBy) {
  for (const auto& role : all_roles()) {
    Scenario s = quiet_scenario(std::string(role.name), 72);
    s.network.sampling = 16;
    const Simulator planned(s);
    const auto& host = planned.network().hosts().front();
    double in = 0;
    for (const auto& f : all_flows(s)) {
      if (f.dst == host.address) in += static_cast<double>(f.packets * f.sampling);
    }
    // Sessions with heavy-tailed lengths make the mean of three days uncertain.
    const double error = 0.08 + 4 * std::sqrt(16 / (host.normal_in * 72 * 60));
    EXPECT_NEAR(in / (host.normal_in * 72 * 60), 1.0, role.sessions.empty() ? error : 0.8) << role.name;
  }
}

TEST(Simulator, DaysAndWeekendsAreVisible) {
  Scenario s = quiet_scenario("client", 7 * 24);
  s.hosts.at("client").cycle = "office";
  s.hosts.at("client").count = 5;
  s.network.sampling = 8;
  const auto flows = by_minute(s, all_flows(s), [](const flow::Flow&) { return 1.0; });
  const auto hours = [&](size_t day, size_t from, size_t to) {
    double sum = 0;
    for (size_t m = (day * 24 + from) * 60; m < (day * 24 + to) * 60; ++m) sum += flows[m];
    return sum;
  };
  EXPECT_GT(hours(1, 9, 12), 4 * hours(1, 1, 4));   // Tuesday, day against night
  EXPECT_GT(hours(1, 9, 12), 2 * hours(6, 9, 12));  // and against Sunday
}

TEST(Simulator, LongRangeDependence) {
  Scenario s = quiet_scenario("web", 14 * 24);
  s.hosts.at("web").noise = 0.4;
  s.hosts.at("web").hurst = 0.85;
  s.network.sampling = 8;
  const auto x =
      by_minute(s, all_flows(s), [](const flow::Flow& f) { return static_cast<double>(f.packets); });
  EXPECT_GT(hurst_of(x, 16, 1024), 0.65);
  // And not by construction of the estimator: without noise arrivals are Poisson.
  const Scenario normal = [] {
    Scenario c = quiet_scenario("dns", 14 * 24);
    c.network.sampling = 8;
    return c;
  }();
  const auto y = by_minute(normal, all_flows(normal),
                           [](const flow::Flow& f) { return static_cast<double>(f.packets); });
  EXPECT_LT(hurst_of(y, 16, 1024), 0.6);
}

TEST(Simulator, HeavyTailedSessions) {
  Scenario s = quiet_scenario("nat", 72);
  s.network.sampling = 32;
  std::map<std::pair<uint16_t, uint16_t>, double> length;  // of tuples to the host, by ports
  for (const auto& f : all_flows(s)) {
    if (f.src_port == 443 && f.protocol == flow::kUdp)
      length[{f.src_port, f.dst_port}] += static_cast<double>(f.packets);
  }
  std::vector<double> sizes;
  double sum = 0;
  for (const auto& [key, packets] : length) {
    sizes.push_back(packets);
    sum += packets;
  }
  std::sort(sizes.rbegin(), sizes.rend());
  double top = 0;
  for (size_t i = 0; i < sizes.size() / 50; ++i) top += sizes[i];
  EXPECT_GT(top / sum, 0.4);  // 2 % of the conversations carry most of the packets
}

TEST(Simulator, BenignEventsRaiseTrafficAndAreListed) {
  Scenario s = quiet_scenario("web", 4);
  s.network.sampling = 8;
  s.benign.script = {{.kind = "flash_crowd",
                      .victim = "web-1",
                      .start = "1h",
                      .duration = Duration{30 * kMinuteMs},
                      .intensity = 10,
                      .ramp = Duration{kMinuteMs},
                      .preparation = {},
                      .sources = {},
                      .spoofed = {}},
                     {.kind = "outage",
                      .victim = "web-1",
                      .start = "2h",
                      .duration = Duration{10 * kMinuteMs},
                      .intensity = {},
                      .ramp = {},
                      .preparation = {},
                      .sources = {},
                      .spoofed = {}},
                     {.kind = "vertical_scan",
                      .victim = "web-1",
                      .start = "3h",
                      .duration = Duration{10 * kMinuteMs},
                      .intensity = 200,
                      .ramp = {},
                      .preparation = {},
                      .sources = {},
                      .spoofed = {}}};
  const Simulator planned(s);
  ASSERT_EQ(planned.benign_events().size(), 3u);
  EXPECT_EQ(planned.attacks().size(), 0u);
  const IpAddr web = planned.network().hosts().front().address;
  const auto flows = all_flows(s);
  const auto in = by_minute(s, flows, [&](const flow::Flow& f) { return f.dst == web ? 1.0 : 0.0; });
  const auto out = by_minute(s, flows, [&](const flow::Flow& f) { return f.src == web ? 1.0 : 0.0; });
  const auto ports =
      by_minute(s, flows, [&](const flow::Flow& f) { return f.dst == web && f.dst_port > 1024 ? 1.0 : 0.0; });
  const auto mean = [](const std::vector<double>& x, size_t from, size_t to) {
    double sum = 0;
    for (size_t m = from; m < to; ++m) sum += x[m];
    return sum / static_cast<double>(to - from);
  };
  EXPECT_GT(mean(in, 62, 70), 4 * mean(in, 0, 58));
  EXPECT_EQ(mean(out, 122, 129), 0);
  EXPECT_GT(mean(in, 122, 129), 0);
  EXPECT_GT(mean(ports, 180, 190), 20 * (mean(ports, 0, 58) + 1));
}

TEST(Simulator, BurstsAndCrawlsComeFromFewMachines) {
  for (const auto& [kind, role] : {std::pair{"burst", "mail"}, {"crawl", "client"}}) {
    Scenario s = quiet_scenario(role, 3);
    const Scenario script =
        parse_scenario(std::string("hosts: {client: 1, mail: 1}\nbenign: {script: [{kind: ") + kind +
                           ", victim: " + role + "-1, start: 1h, duration: 30m, intensity: 20}]}",
                       "test");
    s.benign.script = script.benign.script;
    const auto count = [](const flow::Flow&) { return 1.0; };
    const auto flows = by_minute(s, all_flows(s), count);
    double before = 0;
    double during = 0;
    for (size_t m = 0; m < 60; ++m) before += flows[m] / 60;
    for (size_t m = 60; m < 90; ++m) during += flows[m] / 30;
    EXPECT_GT(during, 4 * before) << kind;
    EXPECT_EQ(Simulator(s).benign_events().at(0).kind, kind);
  }
}

// Flows to the host in a minute that has any, and the share of them that come from the minute's commonest peer.
struct Together {
  double flows = 0;  // all of them
  double minutes = 0;
  double share = 0;
};
Together together(const Scenario& s) {
  const IpAddr host = Simulator(s).network().hosts().front().address;
  std::map<int64_t, std::map<std::string, int>> peers;
  Together t;
  for (const auto& f : all_flows(s)) {
    if (f.dst != host) continue;
    ++peers[f.start_ms / kMinuteMs][f.src.to_string()];
    ++t.flows;
  }
  t.minutes = static_cast<double>(peers.size());
  for (const auto& [minute, count] : peers) {
    int most = 0, all = 0;
    for (const auto& [peer, n] : count) most = std::max(most, n), all += n;
    t.share += most / (all * t.minutes);
  }
  return t;
}

TEST(Simulator, VisitsBringManyConversationsOfOnePeer) {
  for (const auto& [role, level] : {std::pair{"mail", 0.1}, {"web", 0.1}, {"client", 0.5}}) {
    Scenario apart = quiet_scenario(role, 24);
    apart.network.sampling = 1;
    RoleSpec& spec = apart.hosts.begin()->second;
    spec.level = level;
    spec.noise = 0;
    Scenario in_a_row = apart;
    RoleSpec& visited = in_a_row.hosts.begin()->second;
    visited.visit = 8;
    visited.visit_gap.ms = 3'000;
    const Together one = together(apart);
    const Together many = together(in_a_row);
    EXPECT_NEAR(many.flows / one.flows, 1, 0.35) << role;  // the same rate in all
    EXPECT_LT(many.minutes, 0.8 * one.minutes) << role;    // in fewer minutes
    EXPECT_GT(many.share, one.share + 0.15) << role;       // and mostly of one peer
    visited.visit = 2;
    in_a_row.network.sampling = apart.network.sampling = 1'000;
    EXPECT_EQ(all_flows(in_a_row).size(), all_flows(apart).size()) << role;  // sampling tears visits apart
  }
}

TEST(Simulator, RegularVisitsAreEven) {
  Scenario s = quiet_scenario("backup", 12);
  s.network.sampling = 1;
  RoleSpec& spec = s.hosts.begin()->second;
  spec.noise = 0;
  spec.sessions = 0;
  spec.visit = 200;
  spec.visit_spread = 0;
  spec.visit_gap.ms = 20'000;
  for (const double regular : {0.0, 1.0}) {
    spec.regular = regular;
    const IpAddr host = Simulator(s).network().hosts().front().address;
    std::map<std::string, std::vector<double>> starts;
    for (const auto& f : all_flows(s)) {
      if (f.dst == host && f.dst_port == 9'100)
        starts[f.src.to_string()].push_back(static_cast<double>(f.start_ms));
    }
    size_t even = 0, gaps = 0;
    for (auto& [peer, at] : starts) {
      std::sort(at.begin(), at.end());
      for (size_t i = 2; i < at.size(); ++i, ++gaps)
        even += std::abs((at[i] - at[i - 1]) / std::max(1.0, at[i - 1] - at[i - 2]) - 1) < 0.15 ? 1u : 0u;
    }
    ASSERT_GT(gaps, 50u);
    const double share = static_cast<double>(even) / static_cast<double>(gaps);
    EXPECT_TRUE(regular > 0 ? share > 0.5 : share < 0.3) << regular << " " << share;
  }
}

TEST(Simulator, AttacksOnOneHostKeepTheirDistance) {
  Scenario s = parse_scenario(std::string(*builtin_scenario("demo")), "demo");
  for (int64_t seed = 1; seed <= 3; ++seed) {
    s.seed = seed;
    const Simulator planned(s);
    EXPECT_GE(planned.attacks().size() * 18,
              static_cast<size_t>(s.attacks.count) * 17);  // nearly all find a place
    std::set<std::string> types;
    std::map<size_t, double> busy_until;
    size_t prepared = 0;
    for (const auto& a : planned.attacks()) {
      types.insert(a.label);
      prepared += a.preparation.empty() ? 0 : 1;
      EXPECT_GE(a.start_ms, static_cast<double>(s.start.ms));
      EXPECT_LE(a.end_ms, static_cast<double>(s.start.ms + s.duration.ms));
      for (const size_t v : a.victims) {
        EXPECT_GE(a.preparation_start_ms(), busy_until[v]);
        busy_until[v] = a.end_ms;
      }
    }
    EXPECT_GE(types.size(), 14u);
    EXPECT_NEAR(static_cast<double>(prepared) / static_cast<double>(planned.attacks().size()), 0.5, 0.2);
  }
}

}  // namespace
}  // namespace netflowgen::sim
