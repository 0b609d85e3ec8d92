#include "flow/decoder/convention.h"

#include <algorithm>
#include <array>

namespace netflowgen::flow {
namespace {

using Unit = SequenceUnit;
using Convention = SequenceConvention;

constexpr std::array<Convention, 4> kLegacy{
    {{Unit::kRecords}, {Unit::kRecords, true}, {Unit::kMessages}, {Unit::kNothing}}};
constexpr std::array<Convention, 8> kV9{{{Unit::kMessages},
                                         {Unit::kRecords},
                                         {Unit::kRecords, true},
                                         {Unit::kFlowRecords},
                                         {Unit::kFlowRecords, true},
                                         {Unit::kAllRecords},
                                         {Unit::kAllRecords, true},
                                         {Unit::kNothing}}};
constexpr std::array<Convention, 8> kIpfix{{{Unit::kRecords},
                                            {Unit::kRecords, true},
                                            {Unit::kFlowRecords},
                                            {Unit::kFlowRecords, true},
                                            {Unit::kMessages},
                                            {Unit::kAllRecords},
                                            {Unit::kAllRecords, true},
                                            {Unit::kNothing}}};
constexpr std::array<Convention, 1> kSflow{{{Unit::kMessages}}};

// Every message counts for one, or for none, whatever it holds.
constexpr bool by_message(Unit unit) { return unit == Unit::kMessages || unit == Unit::kNothing; }

uint32_t units_of(Unit unit, const MessageCount& m) {
  switch (unit) {
    case Unit::kRecords:
      return m.records;
    case Unit::kFlowRecords:
      return m.records - m.options;
    case Unit::kAllRecords:
      return m.records + m.templates;
    case Unit::kMessages:
      return 1;
    case Unit::kNothing:
      return 0;
  }
  return 0;
}

SequenceSpan span_of(const Convention& c, uint32_t seq, const MessageCount& m) {
  const uint32_t count = units_of(c.unit, m);
  const bool exact = m.exact || by_message(c.unit);
  return c.through ? SequenceSpan{seq - count, count, exact, true} : SequenceSpan{seq, count, true, exact};
}

}  // namespace

std::span<const Convention> conventions_of(uint8_t version) {
  switch (version) {
    case 9:
      return kV9;
    case 10:
      return kIpfix;
    case 105:
      return kSflow;
    default:
      return kLegacy;
  }
}

std::string_view unit_name(uint8_t version, Unit unit) {
  if (version == 105) return "datagrams";
  if (by_message(unit)) return version == 10 ? "messages" : "packets";
  return version == 9 || version == 10 ? "records" : "flows";
}

std::string_view convention_text(uint8_t version, const Convention& convention) {
  if (convention == conventions_of(version).front()) return {};
  switch (convention.unit) {
    case Unit::kRecords:
      return convention.through ? "numbers count records, those of the message itself included"
                                : "numbers count records";
    case Unit::kFlowRecords:
      return convention.through
                 ? "numbers count flow records without options, those of the message itself included"
                 : "numbers count flow records without options";
    case Unit::kAllRecords:
      return convention.through ? "numbers count records and templates, those of the message itself included"
                                : "numbers count records and templates";
    case Unit::kMessages:
      return "numbers count messages";
    case Unit::kNothing:
      return "numbers do not count: loss cannot be seen";
  }
  return {};
}

SequenceMeter::SequenceMeter(uint8_t version) : version_(version) {
  const auto all = conventions_of(version);
  candidates_.reserve(all.size());
  for (const Convention& c : all)
    candidates_.push_back({c, c.unit == Unit::kNothing ? -kHandicap : 0, 0, {}});
}

void SequenceMeter::add(uint32_t seq, const MessageCount& message) {
  if (misses_ >= kRelearn) learn_again();
  // Where it is not known how many records a message held, only those that do not count records could score.
  const bool sure = message.exact && sure_;
  sure_ = message.exact;
  bool foreseen = false;
  bool begins = false;
  size_t scored = 0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    Candidate& c = candidates_[i];
    const SequenceSpan span = span_of(c.convention, seq, message);
    const uint64_t copies = c.tracker.counts().duplicates;
    if (!c.tracker.started() && foreseen_ == 0 && span.first_exact) {
      // A stream begins at 0; or at -1, where a number is that of the message's last record.
      begins |= i == best_;
      if (span.first == 0) c.score += kFirstNumber;
      if (span.first == UINT32_MAX) c.score += kFirstNumber / 2;
    }
    const bool hit = c.tracker.add(span);
    if (hit && sure) ++c.score, ++scored;
    if (c.convention.unit == Unit::kFlowRecords && c.tracker.counts().duplicates == copies) {
      c.unnumbered += message.options;
    }
    if (i == best_) foreseen = hit;
  }
  foreseen_ += foreseen ? 1 : 0;
  if (foreseen || begins) {
    misses_ -= std::min(misses_, 1u);
  } else if (sure) {
    misses_ += kMiss;
  }
  if (scored != candidates_.size() && candidates_.size() > 1)
    choose();  // else nothing has changed between them
}

// The best is the one with the highest score, the earlier in the list where scores agree.
void SequenceMeter::choose() {
  const auto top = std::ranges::max_element(candidates_, {}, &Candidate::score);
  const int32_t least = top->score - kGiveUp;
  if (std::ranges::any_of(candidates_, [=](const Candidate& c) { return c.score < least; })) {
    std::erase_if(candidates_, [=](const Candidate& c) { return c.score < least; });
    candidates_.shrink_to_fit();
  }
  best_ =
      static_cast<size_t>(std::ranges::max_element(candidates_, {}, &Candidate::score) - candidates_.begin());
}

void SequenceMeter::restart() {
  for (Candidate& c : candidates_) c.tracker.restart();
}

void SequenceMeter::learn_again() {
  misses_ = 0;
  if (conventions_of(version_).size() == 1) return;
  done_ = counts();
  SequenceMeter fresh(version_);
  for (Candidate& c : fresh.candidates_) {
    if (c.convention != convention()) continue;
    c.tracker = best().tracker;
    c.tracker.take_counts();
    c.score = 1;  // it stays until another is better
  }
  const Convention known = convention();
  candidates_ = std::move(fresh.candidates_);
  best_ = static_cast<size_t>(std::ranges::find(candidates_, known, &Candidate::convention) -
                              candidates_.begin());
}

SequenceCounts SequenceMeter::counts() const {
  SequenceCounts sum = done_;
  sum.add(best().tracker.counts());
  sum.received += best().unnumbered;
  return sum;
}

}  // namespace netflowgen::flow
