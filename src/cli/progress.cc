#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <memory>

#include "cli/command.h"

namespace netflowgen::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::string eta_text(double seconds) {
  const auto s = static_cast<long>(seconds);
  return s >= 3600 ? fmt::format("{}h{:02}m", s / 3600, s / 60 % 60)
                   : fmt::format("{}m{:02}s", s / 60, s % 60);
}

struct Printer {
  std::string label;
  bool terminal = isatty(STDERR_FILENO) != 0;
  Clock::time_point start = Clock::now();
  Clock::time_point last = start;
  bool first = true;

  void operator()(const base::Progress& p) {
    const auto now = Clock::now();
    const bool end = p.total > 0 && p.done >= p.total;
    const auto every = terminal ? std::chrono::milliseconds(200) : std::chrono::milliseconds(10000);
    if (!end && now - last < every) return;
    last = now;
    const double elapsed = std::chrono::duration<double>(now - start).count();
    const double rate = elapsed > 0 ? static_cast<double>(p.done) / elapsed : 0;
    std::string text = fmt::format("{}: {} {}", label, p.done, p.what);
    if (p.total > 0) {
      text = fmt::format("{}: {:3.0f}% {}/{} {}", label,
                         100.0 * static_cast<double>(p.done) / static_cast<double>(p.total), p.done, p.total,
                         p.what);
    }
    text += fmt::format(", {:.3g}/s", rate);
    if (p.total > p.done && rate > 0)
      text += ", ETA " + eta_text(static_cast<double>(p.total - p.done) / rate);
    if (!p.note.empty()) text += ", " + p.note;
    if (terminal) {
      fmt::print(stderr, "\r\x1b[K{}{}", text, end ? "\n" : "");
    } else {
      fmt::print(stderr, "{}\n", text);
    }
    std::fflush(stderr);
  }
};

}  // namespace

base::ProgressFn progress_printer(const Context& context, const char* label) {
  if (context.quiet) return [](const base::Progress&) {};
  auto printer = std::make_shared<Printer>();
  printer->label = label;
  return [printer](const base::Progress& p) { (*printer)(p); };
}

}  // namespace netflowgen::cli
