// Which addresses are the network's own, guessed from who talks to whom. A wrong guess costs the reader a sentence: the page
// says what was taken and why, and --nodes overrides it.
//
// The guess rests on three things, in this order. 1. Private addresses are own, where they take part in enough of the traffic.
// 2. Own blocks (IPv4 /24, IPv6 /48) talk to many other networks; a block outside talks to few, namely the own ones.
// Blocks are taken by the number of networks (IPv4 /16, IPv6 /32) they talk to in flows that no block explains yet, until nearly
// every flow has an end inside. 3. Neighbouring blocks become one prefix where most active blocks between them are own.
// Pure functions of the survey.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "report/survey.h"

namespace netflowgen::report {

struct OwnPrefix {
  base::Prefix prefix;
  uint64_t addresses = 0;  // active ones
};

struct NodeGuess {
  std::vector<OwnPrefix> prefixes;  // ascending; empty: none was found, all addresses are taken
  uint64_t addresses = 0;           // active ones inside
  uint64_t both_ways = 0;           // of them, that send and receive
  double covered = 0;               // share of the flows that have an end inside, by the sample
  bool by_private = false;          // private addresses decided
  uint64_t left_out = 0;            // prefixes with little traffic beyond the most that are listed
};

inline constexpr size_t kMostPrefixes = 16;

NodeGuess guess_nodes(const Survey& survey);
// As a guess, but of prefixes that the user named.
NodeGuess describe_nodes(const Survey& survey, const std::vector<base::Prefix>& prefixes);

// RFC 1918, RFC 6598, RFC 4193.
bool is_private(const base::IpAddr& a);
// Multicast, broadcast, loopback, link-local, unspecified: no host of anyone's.
bool is_special(const base::IpAddr& a);

}  // namespace netflowgen::report
