#include "flow/kafka/kafka_position.h"

#include <charconv>

#include "base/error.h"

namespace netflowgen::flow {
namespace {

template <typename T>
bool take_number(std::string_view& text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// kafka://BROKERS/TOPIC -> TOPIC: brokers may be named otherwise after a move.
std::string_view topic_of(std::string_view name) { return name.substr(name.rfind('/') + 1); }

}  // namespace

std::string positions_text(std::string_view name, const std::vector<KafkaPosition>& positions) {
  std::string text(topic_of(name));
  for (const auto& p : positions) text += fmt::format(" {}:{}:{}", p.partition, p.offset, p.flows);
  return text;
}

std::vector<KafkaPosition> parse_positions(std::string_view name, std::string_view text) {
  const std::string_view topic = topic_of(name);
  std::string_view rest = text;
  if (!rest.starts_with(topic) || (rest.size() > topic.size() && rest[topic.size()] != ' ')) {
    throw base::Error(
        "the place where reading stopped is of another topic ('{}') than {}; give this topic a store of its "
        "own",
        text.substr(0, text.find(' ')), name);
  }
  rest.remove_prefix(topic.size());
  std::vector<KafkaPosition> positions;
  while (!rest.empty()) {
    KafkaPosition p;
    if (!take(rest, ' ') || !take_number(rest, p.partition) || !take(rest, ':') ||
        !take_number(rest, p.offset) || !take(rest, ':') || !take_number(rest, p.flows)) {
      throw base::Error("the place where reading {} stopped is damaged: '{}'", name, text);
    }
    positions.push_back(p);
  }
  return positions;
}

}  // namespace netflowgen::flow
