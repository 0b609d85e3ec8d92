// Addresses made unrecognisable before anything is stored: CryptoPAn (Fan, Xu, Ammar, Moon, 2004), which
// keeps common prefixes common, or truncation to a prefix. Both families.
//
// Invariants: 1. apply() changes src, dst, next_hop, nat_src and nat_dst, and removes the MAC addresses;
// exporters keep theirs, they are the operator's own. 2. IPv4 stays IPv4, zero stays zero (a missing
// address). 3. The same key gives the same addresses on every machine. One a thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ip.h"
#include "flow/source.h"

namespace netflowgen::flow {

struct AnonymizeOptions {
  enum class Method : uint8_t { kNone, kCryptoPan, kTruncate };
  Method method = Method::kNone;
  std::array<uint8_t, 32> key{};  // CryptoPAn: AES-128 key, then pad
  uint8_t keep_v4 = 24;           // truncation: bits kept
  uint8_t keep_v6 = 48;
};

// "cryptopan:KEYFILE" (32 bytes, or 64 hexadecimal digits), "truncate" or "truncate:24,48"; "" is none.
// UsageError when it is none of these, Error when the key cannot be read.
AnonymizeOptions parse_anonymize(const std::string& text);

class Anonymizer {
 public:
  explicit Anonymizer(const AnonymizeOptions& options);
  ~Anonymizer();
  Anonymizer(Anonymizer&&) noexcept;
  Anonymizer& operator=(Anonymizer&&) noexcept;

  void apply(Flow& flow);
  IpAddr address(const IpAddr& a);
  // The prefix that the prefix's addresses have afterwards, for node lists.
  base::Prefix prefix(const base::Prefix& p);

 private:
  struct Cipher;
  struct Cached {
    IpAddr from;
    IpAddr to;
  };
  IpAddr compute(const IpAddr& a);
  IpAddr crypto_pan(const IpAddr& a);

  AnonymizeOptions options_;
  std::unique_ptr<Cipher> cipher_;
  std::vector<Cached> cache_;  // direct-mapped
};

// `source` with every flow anonymised.
std::unique_ptr<FlowSource> anonymized(std::unique_ptr<FlowSource> source, const AnonymizeOptions& options);

}  // namespace netflowgen::flow
