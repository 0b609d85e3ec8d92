// Sends an attack: its preparation, its ramp and plateau or pulses, and what the victim answers.
#pragma once

#include <array>
#include <vector>

#include "sim/traffic/attack.h"
#include "sim/traffic/traffic_source.h"

namespace netflowgen::sim {

// How large the conversations of HTTP floods and of password guessing are; one for all attacks.
struct AttackMixes {
  explicit AttackMixes(const Thinning& thinning);

  ConversationMix requests;
  ConversationMix guesses;
};

class AttackSource final : public TrafficSource {
 public:
  // References must outlive the source.
  AttackSource(const Network& network, const AttackMixes& mixes, const AttackEvent& event);
  void generate(int64_t minute, Buckets& out) override;

 private:
  static constexpr size_t kSlots = 12;  // of five seconds, in a minute
  static constexpr double kSlotMs = static_cast<double>(kMinuteMs) / kSlots;

  // Physical packets expected in each slot of a minute, and the minute's start.
  struct Minute {
    double start_ms;
    std::array<double, kSlots> packets{};
    double total = 0;
  };
  template <typename Rate>  // Rate: packets per ms at a time
  Minute minute_of(int64_t minute, Rate rate);
  double draw_time(const Minute& m);
  double answer_of(const Minute& m) const;  // packets sent back for one received, within what hosts can send
  uint64_t max_records() const { return static_cast<uint64_t>(network_.scenario().attacks.records); }

  void send(const Minute& m, Buckets& out);  // in the type's style
  void spoofed(const Minute& m, bool answer, Buckets& out);
  void from_sources(const Minute& m, bool answer, Buckets& out);
  void flows(const Minute& m, Buckets& out);
  void one_flow(const Minute& m, double length_ms, double answer, uint64_t share, Buckets& out);
  void requests(const Minute& m, const ConversationMix& mix, uint16_t port, Buckets& out);
  void scan(const Minute& m, Buckets& out);

  // A leg to a victim, or an answer from it.
  Leg leg(const IpAddr& source, uint16_t source_port, bool answer);
  // Member i of the sources with the port it keeps.
  IpAddr source_address(uint64_t i) const;
  uint16_t source_port(uint64_t i) const;
  uint64_t draw_source();
  void prepare_sources();

  const Network& network_;
  const AttackMixes& mixes_;
  const AttackEvent& event_;
  Random random_;
  bool v6_;
  uint64_t per_machine_ = 1;  // connections that a machine of a slow attack holds
  std::vector<double> upto_;  // [sources] cumulative share of the packets; made when first needed
};

}  // namespace netflowgen::sim
