// Routes that take an attack off the network: FlowSpec (RFC 8955) by the alert's filter, or a blackhole of its node, announced by
// GoBGP's client or over ExaBGP's pipe. Nothing is announced unless the output is enabled; then each is logged as a dry run.
//
// Invariants: 1. Never inside, and never around, a prefix of `never`. 2. At most `most` at a time. 3. Each is withdrawn when its
// alert ends, and after `longest_ms` whatever happens; what is announced is on the disk before it is, so that a restart
// withdraws it too. 4. A suppressed alert announces nothing.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "detect/policy.h"
#include "serve/log.h"
#include "serve/outputs/announcement.h"
#include "serve/outputs/output.h"
#include "serve/outputs/process.h"

namespace netflowgen::serve {
namespace {

struct Route {
  std::string withdraw;
  base::TimeMs until_ms = 0;
  bool made = false;  // not a dry run
};

class Announcer : public Output {
 public:
  Announcer(const OutputOptions& o, OutputLog log)
      : options_(o), log_(std::move(log)), file_(o.folder / ("announced-" + o.name + ".json")) {
    if (o.blackhole && o.next_hop.empty()) throw base::Error("{}: a blackhole needs next-hop", o.name);
    if (o.kind == OutputKind::kExabgp && o.pipe.empty()) throw base::Error("{}: exabgp needs pipe", o.name);
    load();
  }

  void send(const Notice& notice) override {
    const auto* a = std::get_if<detect::Alert>(&notice.record);
    if (a == nullptr) return;
    const auto known = routes_.find(a->id);
    if (a->event == detect::AlertEvent::kEnded) {
      if (known != routes_.end()) withdraw(known);
      return;
    }
    if (known == routes_.end()) announce(*a);
  }

  void tick(base::TimeMs now_ms) override {
    for (auto it = routes_.begin(); it != routes_.end();) {
      const auto next = std::next(it);
      if (it->second.until_ms <= now_ms) {
        log_(fmt::format("{}: the announcement for alert {} has lasted as long as it may", options_.name,
                         it->first));
        withdraw(it);
      }
      it = next;
    }
  }

 private:
  using Routes = std::map<std::string, Route>;

  void announce(const detect::Alert& a) {
    if (!a.sent()) return;
    const auto lines = announcement_of(a, options_);
    if (!lines) return;
    if (const std::string why = forbidden(lines->destination); !why.empty()) {
      return log_(fmt::format("{}: nothing is announced for {}: {}", options_.name, a.node, why));
    }
    if (routes_.size() >= options_.most) {
      return log_(fmt::format("{}: nothing is announced for {}: {} announcements are up, which is the limit",
                              options_.name, a.node, routes_.size()));
    }
    routes_[a.id] = {lines->withdraw, now_ms() + options_.longest_ms, options_.enabled};
    save();
    try {
      carry_out(lines->announce);
    } catch (...) {
      routes_.erase(a.id);
      save();
      throw;
    }
  }

  void withdraw(Routes::iterator at) {
    if (at->second.made) {
      carry_out(at->second.withdraw);
    } else {
      log_(fmt::format("{}: dry run: {}", options_.name, at->second.withdraw));
    }
    routes_.erase(at);
    save();
  }

  std::string forbidden(const base::Prefix& p) const {
    for (const auto& n : options_.never) {
      const bool inside = n.length <= p.length && n.contains(p.address);
      const bool around = p.length <= n.length && p.contains(n.address);
      if (inside || around) return fmt::format("{} is in the allow-list", n.to_string());
    }
    return "";
  }

  void carry_out(const std::string& line) const {
    if (!options_.enabled) return log_(fmt::format("{}: dry run: {}", options_.name, line));
    log_(fmt::format("{}: {}", options_.name, line));
    options_.kind == OutputKind::kExabgp ? write_line(line) : run(line);
  }

  void run(const std::string& line) const {
    auto words = words_of(line);  // "gobgp global rib ..."
    if (!options_.command.empty()) words.front() = options_.command;
    words.insert(words.begin() + 1, options_.arguments.begin(), options_.arguments.end());
    const auto result = run_process(words, "", options_.timeout_ms);
    // Success is silent; a failure may end with 0 and say so (GoBGP 3.10).
    if (result.timed_out || result.exit_code != 0 || !result.output.empty()) {
      throw base::Error("{} ended with {}: {}", words.front(), result.exit_code,
                        result.output.substr(0, 200));
    }
  }

  void write_line(const std::string& line) const {
    const int fd = ::open(options_.pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
      throw base::Error("{}: {}", options_.pipe, std::strerror(errno));  // ENXIO: ExaBGP does not run
    const std::string text = line + "\n";
    const ssize_t n = ::write(fd, text.data(), text.size());  // less than PIPE_BUF: whole or not at all
    const int error = errno;
    ::close(fd);
    if (n < 0) throw base::Error("{}: {}", options_.pipe, std::strerror(error));
  }

  void load() {
    if (!base::fs::exists(file_)) return;
    const std::string where = file_.string();
    const auto j = base::parse_json(base::read_file(file_), where);
    for (const auto& item : base::elements(j, "routes", where)) {
      routes_[base::field(item, "alert", where).as<std::string>()] = {
          base::field(item, "withdraw", where).as<std::string>(),
          base::field(item, "until_ms", where).as<int64_t>(), base::field(item, "made", where).as<bool>()};
    }
  }

  void save() const {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& [alert, r] : routes_) {
      list.push_back(
          {{"alert", alert}, {"withdraw", r.withdraw}, {"until_ms", r.until_ms}, {"made", r.made}});
    }
    base::write_file(file_, nlohmann::json{{"routes", list}}.dump(1) + "\n");
  }

  OutputOptions options_;
  OutputLog log_;
  base::fs::path file_;
  Routes routes_;  // by alert
};

void replace(std::string& text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
}

}  // namespace

std::optional<Announcement> announcement_of(const detect::Alert& a, const OutputOptions& o) {
  Announcement out;
  const bool exabgp = o.kind == OutputKind::kExabgp;
  if (o.blackhole) {
    const auto prefix = detect::prefix_of(a.node);
    if (!prefix) return std::nullopt;
    out.destination = *prefix;
    const std::string text = prefix->to_string();
    if (exabgp) {
      out.announce =
          fmt::format("announce route {} next-hop {} community [ {} ]", text, o.next_hop, o.community);
      out.withdraw = fmt::format("withdraw route {} next-hop {}", text, o.next_hop);
    } else {
      const char* const family = prefix->address.is_v4() ? "ipv4" : "ipv6";
      out.announce = fmt::format("gobgp global rib -a {} add {} nexthop {} community {}", family, text,
                                 o.next_hop, o.community);
      out.withdraw = fmt::format("gobgp global rib -a {} del {}", family, text);
    }
    return out;
  }
  if (!a.filter || a.filter->action == detect::FilterAction::kNone) return std::nullopt;
  out.destination = a.filter->destination;
  out.announce = exabgp ? detect::exabgp_line(*a.filter) : detect::gobgp_command(*a.filter);
  out.withdraw = out.announce;
  exabgp ? replace(out.withdraw, "announce ", "withdraw ")
         : replace(out.withdraw, " add match ", " del match ");
  return out;
}

std::unique_ptr<Output> make_announcer(const OutputOptions& o, OutputLog log) {
  return std::make_unique<Announcer>(o, std::move(log));
}

}  // namespace netflowgen::serve
