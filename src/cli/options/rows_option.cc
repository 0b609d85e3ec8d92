#include "cli/options/rows_option.h"

#include <fmt/format.h>

#include "base/error.h"

namespace netflowgen::cli {

void add_rows_option(Command& command, RowArgs& args, const std::string& what, const char* group) {
  auto* option =
      command.add_option("--clickhouse", args.url, what + " to clickhouse://HOST:PORT/DATABASE, too");
  if (group != nullptr) option->group(group);
  command
      .add_option("--clickhouse-source", args.source, "Column `source` of these rows: tells networks apart")
      ->group(kAdvancedGroup);
}

std::unique_ptr<serve::RowWriter> open_rows(const RowArgs& args, int64_t step_ms) {
  if (args.url.empty()) return nullptr;
  serve::RowOptions options;
  options.url = args.url;
  options.source = args.source;
  options.queue_bytes = uint64_t{64} << 20;
  options.wait = true;
  return std::make_unique<serve::RowWriter>(
      options, step_ms, [](const std::string& line) { fmt::print(stderr, "{}\n", line); });
}

void write_rows(detect::StreamingDetector& stream, std::vector<std::string> tasks, serve::RowWriter& rows) {
  stream.set_observer([tasks = std::move(tasks), &rows, last = detect::kNoStep](
                          int64_t step, std::span<const detect::NodeScores> seen) mutable {
    if (step != last) rows.close();
    last = step;
    rows.seen(step, seen, tasks);
  });
}

void copy_rows(const std::string& store, const series::StoreInfo& info, size_t first, serve::RowWriter& rows,
               const Context& context) {
  constexpr size_t kAtOnce = 16'384;  // rows
  std::vector<float> frame(series::kFeatureCount);
  for (size_t s = first; s < info.shards.size(); ++s) {
    const series::Shard shard(store, info.shards[s]);
    for (size_t r = 0; r < shard.rows() && !context.stop.requested(); ++r) {
      shard.frame(r, frame);
      rows.frame(shard.names()[shard.nodes()[r]], shard.steps()[r], frame);
      if (r % kAtOnce == kAtOnce - 1) rows.close();
    }
  }
  if (context.stop.requested()) throw base::Stopped("stopped; a part of the frames is not written as rows");
  finish_rows(rows, context);
}

void finish_rows(serve::RowWriter& rows, const Context& context) {
  constexpr int64_t kLook_ms = 200;
  const auto progress = progress_printer(context, "clickhouse");
  while (!rows.finish(kLook_ms)) {
    if (context.stop.requested())
      throw base::Stopped("stopped; {} rows are not written", rows.counts().rows.held);
    const auto c = rows.counts().rows;
    progress({"rows", c.out, c.in + 1, ""});
  }
}

}  // namespace netflowgen::cli
