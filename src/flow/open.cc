#include "flow/open.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "flow/capture/packet_source.h"
#include "flow/capture/pcap_reader.h"
#include "flow/clickhouse/clickhouse_source.h"
#include "flow/filter/one_direction.h"
#include "flow/kafka/kafka_source.h"
#include "flow/nfcapd/nfcapd_source.h"
#include "flow/protobuf/protobuf_source.h"
#include "flow/text/csv_source.h"
#include "flow/text/json/json_source.h"
#include "flow/text/rate_source.h"

namespace netflowgen::flow {
namespace {

// How a binary format plugs in: one row in kBinaryFormats, with the test of its first bytes and the function that
// makes its source.
struct BinaryFormat {
  std::string_view name;  // also a value of InputOptions::dialect
  // Whether these first bytes (at least 4, at most kHeadBytes, fewer only when the file is shorter) are its
  // own.
  bool (*matches)(base::Bytes head);
  std::unique_ptr<FlowSource> (*open)(std::unique_ptr<Inputs> inputs, const InputOptions& options);
};

constexpr std::string_view kGeneric = "generic";

bool is_pcapng(base::Bytes head) {
  return PcapReader::matches(head) && base::load_be32(head.data()) == 0x0a0d0d0a;
}
bool is_pcap(base::Bytes head) { return PcapReader::matches(head) && !is_pcapng(head); }
bool is_nfcapd(base::Bytes head) {  // little-endian, or of a big-endian machine
  return head.size() >= 2 && ((head[0] == 0x0c && head[1] == 0xa5) || (head[0] == 0xa5 && head[1] == 0x0c));
}

constexpr std::array<BinaryFormat, 5> kBinaryFormats{{
    {"pcap", is_pcap, open_capture},
    {"pcapng", is_pcapng, open_capture},
    {"nfcapd", is_nfcapd, open_nfcapd},
    {"messages", is_message, open_messages},
    {"goflow2-protobuf", is_goflow2_protobuf, open_goflow2_protobuf},
}};

const BinaryFormat* find_binary(base::Bytes head) {
  for (const auto& format : kBinaryFormats) {
    if (format.matches(head)) return &format;
  }
  return nullptr;
}

// No control characters but white space. The empty head is no text.
bool is_text(base::Bytes head) {
  return !head.empty() && std::none_of(head.begin(), head.end(), [](uint8_t c) { return c < 9; });
}

// Which binary format the input has, and the file that shows it. Empty files and junk (archives begin like that after a
// crash) show nothing: the next one decides, and the format's reader names them. Null: text, or nothing that is known.
std::pair<const BinaryFormat*, size_t> find_format(Inputs& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto head = inputs.peek(i, kHeadBytes);
    if (const BinaryFormat* format = find_binary(head); format != nullptr) return {format, i};
    if (is_text(head)) break;
  }
  return {nullptr, 0};
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void check_dialect(const InputOptions& options) {
  const auto names = dialect_names();
  if (!options.dialect.empty() && std::find(names.begin(), names.end(), options.dialect) == names.end()) {
    throw base::UsageError("there is no dialect '{}'; known: {}", options.dialect, joined(names));
  }
  if (!options.map.empty() && !options.dialect.empty() && options.dialect != kGeneric) {
    throw base::UsageError("give a dialect or a column map, not both ({} and {})", options.dialect,
                           options.map);
  }
  if (options.map.empty() && options.dialect == kGeneric) {
    throw base::UsageError("the dialect generic needs a column map: --map FILE (docs/formats.md)");
  }
}

std::unique_ptr<FlowSource> open_binary(const BinaryFormat& format, size_t shown_by,
                                        std::unique_ptr<Inputs> inputs, const InputOptions& options) {
  if (!options.map.empty() || (!options.dialect.empty() && options.dialect != format.name)) {
    throw base::Error("{}: expected {}, but this is a {} file", inputs->path(shown_by),
                      options.map.empty() ? options.dialect : "text for the column map " + options.map,
                      format.name);
  }
  return format.open(std::move(inputs), options);
}

std::optional<ColumnMap> flow_map(const InputOptions& options) {
  if (options.map.empty()) return {};
  ColumnMap map = load_column_map(options.map);
  if (map.rates) {
    throw base::Error("column map {}: it maps rates per node, and flows are expected here", options.map);
  }
  return map;
}

// The first file that is neither empty nor an empty array decides whether text is JSON; a map does by its format, a dialect that has one form
// only by that.
bool reads_json(Inputs& inputs, const InputOptions& options, const std::optional<ColumnMap>& map) {
  if (map) return map->json;
  const bool text = find_dialect(options.dialect) != nullptr;
  const bool json = find_json_dialect(options.dialect) != nullptr;
  if (text != json) return json;
  bool empty_array = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto bytes = inputs.peek(i, kHeadBytes);
    const std::string_view head(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (is_empty_json_array(head)) {
      empty_array = true;
    } else if (!head.empty()) {
      return is_json(head);
    }
  }
  return empty_array;
}

std::unique_ptr<FlowSource> open_text(std::unique_ptr<Inputs> inputs, const InputOptions& options) {
  auto map = flow_map(options);
  const PlanOptions plan{options.utc_offset_minutes, options.assume_time};
  if (reads_json(*inputs, options, map)) {
    return std::make_unique<JsonSource>(
        std::move(inputs),
        JsonOptions{find_json_dialect(options.dialect), std::move(map), options.strict, true, plan});
  }
  return std::make_unique<CsvSource>(
      std::move(inputs), TextOptions{find_dialect(options.dialect), std::move(map), options.strict, plan});
}

}  // namespace

namespace {

std::unique_ptr<FlowSource> open_any(const InputOptions& options) {
  for (const auto& path : options.paths) {
    if (is_kafka_url(path)) return open_kafka(options);
    if (is_clickhouse_url(path)) return open_clickhouse(options);
  }
  check_dialect(options);
  auto inputs = std::make_unique<Inputs>(options.paths);
  if (const auto [format, file] = find_format(*inputs); format != nullptr) {
    return open_binary(*format, file, std::move(inputs), options);
  }
  for (const auto& format : kBinaryFormats) {
    if (format.name == options.dialect) {
      throw base::Error("{}: expected a {} file, but its first bytes are not those of one", inputs->path(0),
                        format.name);
    }
  }
  return open_text(std::move(inputs), options);
}

}  // namespace

std::unique_ptr<FlowSource> open_flows(const InputOptions& options) {
  return one_direction(open_any(options), options.direction);
}

std::string pinned(const std::string& path) {
  if (is_clickhouse_url(path)) return pinned_clickhouse(path);
  return is_kafka_url(path) ? pinned_kafka(path) : path;
}

bool is_pinned_topic(const std::string& path) {
  if (is_clickhouse_url(path)) return parse_clickhouse_url(path).until_ms.has_value();
  return is_kafka_url(path) && is_pinned(parse_kafka_url(path));
}

std::unique_ptr<RateSource> open_rates(const InputOptions& options) {
  if (options.map.empty())
    throw base::UsageError("rates need a column map of kind rates: --map FILE (docs/formats.md)");
  ColumnMap map = load_column_map(options.map);
  if (!map.rates)
    throw base::Error("column map {}: it maps flows, and rates per node are expected here", options.map);
  return std::make_unique<CsvRateSource>(std::make_unique<Inputs>(options.paths), std::move(map),
                                         options.strict, options.utc_offset_minutes);
}

bool is_rates(const InputOptions& options) {
  return !options.map.empty() && load_column_map(options.map).rates;
}

std::vector<std::string> dialect_names() {
  std::vector<std::string> names;
  for (const Dialect* dialect : all_dialects()) names.emplace_back(dialect->name);
  for (const JsonDialect* dialect : all_json_dialects()) {
    if (find_dialect(dialect->name) == nullptr) names.emplace_back(dialect->name);
  }
  names.emplace_back(kGeneric);
  for (const auto& format : kBinaryFormats) names.emplace_back(format.name);
  return names;
}

}  // namespace netflowgen::flow
