// A scenario: the network, its hosts, what happens to it, as one struct with every default beside its comment.
//
// Read from YAML (unknown keys are refused with the nearest known one), written back with every default in
// force. scenario_fields.h lists the keys once for reading, writing and docs/simulation.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/time.h"

namespace netflowgen::sim {

using base::TimeMs;

struct Duration {
  int64_t ms = 0;
};
struct Time {
  TimeMs ms = 0;
};
template <typename T>
struct Between {  // drawn log-uniformly from [low, high]
  T low;
  T high;
};
using Weights = std::map<std::string, double>;

struct NetworkSpec {
  base::Prefix prefix = *base::Prefix::parse("10.20.0.0/22");  // hosts with IPv4 take addresses from here
  base::Prefix prefix6 = *base::Prefix::parse("2001:db8:20::/64");  // and with IPv6 from here
  double ipv6_share = 0;  // of hosts that have an IPv6 address instead
  int64_t as_number = 64'500;
  int64_t sampling = 128;           // N: the routers sample 1 packet in N
  int64_t routers = 2;              // exporters
  int64_t uplinks = 2;              // interfaces to the Internet, a router
  int64_t interfaces = 8;           // interfaces to hosts, a router
  Duration active_timeout{60'000};  // longer flows are cut
  Duration inactive_timeout{15'000};
  double radiation = 6;  // unsolicited packets a minute that the Internet sends to every address
  bool dark = false;     // scans and carpet bombing also reach addresses that no host has
};

// One kind of host. Defaults other than `count` are the built-in role's (roles.h).
struct RoleSpec {
  std::string like;           // built-in role whose traffic it has; empty: its own name
  int64_t count = 0;          // hosts
  double level = 1;           // factor on all its rates
  double spread = 0;          // sigma of the lognormal level from host to host
  std::string cycle;          // hours and weekdays: office, home, server, flat or night
  std::string timezone;       // UTC offset; empty: the scenario's
  double noise = 0;           // sigma of the long-range dependent noise of its log-rate
  double hurst = 0.8;         // that noise's Hurst parameter
  double mix = 0;             // sigma of the lognormal rate of each kind of its traffic, from host to host
  double sessions = 1;        // factor on the rate of its long transfers and calls
  double presence = 1;        // median share of the time in which such a host is awake; 1: always
  Duration awake{1'800'000};  // mean length of an awake spell
  double visit = 1;  // median conversations that one peer has with it in a row; 1: every peer has one
  double visit_spread = 0.8;  // sigma of the logarithm of their number
  Duration visit_gap{5'000};  // median time from one to the next
  double regular = 0;         // share of visits at even intervals, as programs poll
};

// How an attack looks in flow records, where it is not what its type usually looks like.
struct AttackShape {
  std::string vector;                   // type that a carpet or a pulse wave sends; empty: drawn
  std::optional<double> flow_packets;   // packets of one flow; 0: a source keeps one flow
  std::optional<Duration> flow_length;  // how long a flow of several packets lasts, at most 10 minutes
  std::optional<double> answer;         // packets that the victim sends back for one received
  std::string reply;                    // what these are: syn_ack, rst, icmp or data; empty: the type's
  std::optional<int64_t> bytes;         // mean bytes of a packet
  std::optional<int64_t> port;          // at the victim; 0: a new one for each flow
  std::optional<Duration> pulse_period;
  std::optional<Duration> pulse_on;   // length of the pulse in every period
  std::optional<double> pulse_floor;  // share of the plateau's strength between pulses
};

// An event given by hand. What is left out is drawn by the seed.
struct ScriptedEvent {
  std::string kind;    // attack: its type; benign: its kind
  std::string victim;  // host name ("web-3"), address, or prefix
  std::string start;   // a time, or a duration from the scenario's start ("51h")
  std::optional<Duration> duration;
  std::optional<double> intensity;  // attack: times the victim's normal packets; benign: magnitude
  std::optional<Duration> ramp;
  std::optional<Duration> preparation;  // 0s: none
  std::optional<int64_t> sources;
  std::optional<bool> spoofed;
  std::optional<AttackShape> shape = {};  // attacks only
};

// Hard negatives: look like attacks, are not. Rates are for the whole network, a day, Poisson.
struct Benign {
  double flash_crowds = 2;                  // new visitors on a web, game or DNS host, 20 minutes to hours
  double load_tests = 0.7;                  // a few machines send a web host many requests
  double outages = 1.5;                     // a server stops answering, clients retry, then all come back
  double mail_campaigns = 0.7;              // a mail host sends to thousands
  double software_updates = 1;              // hosts download the same within the hour
  double vertical_scans = 3;                // one Internet host probes the ports of one host, hard
  double horizontal_scans = 4;              // one Internet host probes one port of all hosts
  double bursts = 0;                        // a few machines send any serving host many requests
  double crawls = 0;                        // any host opens many connections to others
  double backup_share = 0.4;                // of server hosts that send a nightly backup to a backup host
  Between<double> flash_magnitude{2, 30};   // extra visitors at the peak, times the host's mean
  Between<double> scan_rate{20, 600};       // packets a second
  Between<double> sweep_rate{0.2, 8};       // packets a second to each host, of a horizontal scan
  Between<double> load_magnitude{5, 60};    // of a load test, times the host's mean
  Between<double> mail_magnitude{5, 60};    // of a mail campaign, times the host's mean
  Between<double> backup_rate{60, 1'500};   // packets a second
  Between<double> update_rate{150, 3'000};  // packets a second, of a client; devices have a tenth
  double length = 1;                        // factor on how long events last
  std::vector<ScriptedEvent> script;
};

struct Attacks {
  int64_t count = 80;                  // drawn by the seed, spread evenly over the time
  Weights types;                       // relative frequency; empty: every type alike
  Weights victims;                     // by role; empty: by how often such hosts are attacked
  Between<double> intensity{0.3, 40};  // at the plateau, times the victim's normal packets received
  double floor = 1500;                 // packets a minute that count as normal for a quieter victim
  Between<Duration> duration{{120'000}, {3'600'000}};
  double ramp_share = 0.6;         // of attacks that grow slowly (up to 60 % of their time)
  double preparation_share = 0.5;  // of attacks announced by probes, scans or password guessing
  Between<Duration> preparation{{300'000}, {1'800'000}};
  double repeat_share = 0.35;  // of attacks on a host that was attacked before
  int64_t botnets = 6;         // from which attacks draw their machines, again and again
  double spoofed_share = 0.5;  // of floods that may be spoofed
  Duration gap{1'800'000};     // shortest time between attacks on one host
  double damage_at = 30;       // intensity at which half of the victim's own traffic is lost; 0: none
  int64_t records = 20'000;    // that an attack sends in five seconds at most; traffic above shares them
  std::vector<ScriptedEvent> script;
};

struct Scenario {
  std::string name = "scenario";
  int64_t seed = 1;
  Time start{1'709'510'400'000};  // 2024-03-04, a Monday
  Duration duration{86'400'000};
  std::string timezone = "UTC";  // UTC offset of the hosts' days
  NetworkSpec network;
  std::map<std::string, RoleSpec> hosts;  // empty: the built-in roles, see default_hosts()
  Benign benign;
  Attacks attacks;
};

// Error: what is wrong, in which line, and the nearest known key. `where` names the file in messages.
Scenario parse_scenario(const std::string& yaml, const std::string& where);
Scenario load_scenario(const std::string& path);
// The file that a scenario is from, and the line of each key that the file gives ("network.sampling").
struct ScenarioPlaces {
  std::string file;
  std::map<std::string, int> lines = {};
};
// Error: a value out of range, with file, line and key. parse_scenario has called it.
void validate(const Scenario& scenario, const ScenarioPlaces& places);
// YAML with every key and its value in force; parsing it gives the same scenario.
std::string dump_scenario(const Scenario& scenario);
// The table of keys for docs/simulation.md.
std::string scenario_keys();

// Scenarios compiled in: "demo", "tiny", "campus" (configs/scenarios/NAME.yaml). nullopt: no such name.
std::optional<std::string_view> builtin_scenario(std::string_view name);
std::string builtin_scenario_names();

// The role's own defaults as a spec, by its name or `like`. Error: no such role.
RoleSpec default_role(const std::string& name, const std::string& where);
// Offset in ms from the scenario's start of "51h" or of an absolute time. nullopt: neither.
std::optional<int64_t> event_offset(const Scenario& scenario, const std::string& text);

}  // namespace netflowgen::sim
