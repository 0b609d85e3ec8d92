#include "serve/fleet/partition_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/leftovers.h"

namespace netflowgen::serve {
namespace {

using base::Error;

constexpr const char* kFormat = "netflowgen-partition";
constexpr int kVersion = 1;
constexpr uint64_t kAlertBytes = uint64_t{64} << 20;  // from which on alerts.jsonl begins anew

// An open file, closed at the end.
struct File {
  int fd;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

std::unique_ptr<PartitionFolder> PartitionFolder::take(const base::fs::path& state, const std::string& topic,
                                                       int32_t partition) {
  const auto path = state / fmt::format("partition-{}", partition);
  std::error_code error;
  base::fs::create_directories(path, error);
  if (error) throw Error("{}: cannot be made: {}", path.string(), error.message());
  const int lock = ::open((path / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) throw Error("{}: cannot be locked: {}", path.string(), std::strerror(errno));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const int why = errno;
    ::close(lock);
    if (why == EWOULDBLOCK) return nullptr;
    throw Error("{}: cannot be locked: {}", path.string(), std::strerror(why));
  }
  std::unique_ptr<PartitionFolder> folder(new PartitionFolder(path, lock));
  folder->load(topic);
  return folder;
}

PartitionFolder::~PartitionFolder() { ::close(lock_); }

base::fs::path PartitionFolder::file(const char* kind, uint64_t generation, const char* end) const {
  return path_ / fmt::format("{}-{}{}", kind, generation, end);
}

base::fs::path PartitionFolder::detector() const { return file("detector", generation_, ".safetensors"); }

std::vector<uint8_t> PartitionFolder::steps() const {
  const std::string bytes = base::read_file(file("steps", generation_, ""));
  return {bytes.begin(), bytes.end()};
}

void PartitionFolder::load(const std::string& topic) {
  topic_ = topic;
  base::remove_leftovers(path_);
  const auto manifest = path_ / "partition.json";
  if (base::fs::exists(manifest)) {
    try {
      const auto j = nlohmann::json::parse(base::read_file(manifest));
      if (j.at("format") != kFormat || j.at("version") != kVersion)
        throw Error("{}: of another version of the program", manifest.string());
      if (j.at("topic") != topic)
        throw Error("{}: the state is of topic {}, not {}; give each topic a folder of its own",
                    manifest.string(), j.at("topic").get<std::string>(), topic);
      generation_ = j.at("generation");
      offset_ = j.at("offset");
      alerts_ = j.at("alerts");
    } catch (const nlohmann::json::exception& e) {
      throw Error("{}: damaged; remove the folder to begin anew", manifest.string());
    }
  }
  const auto alerts = path_ / "alerts.jsonl";
  std::error_code none;
  const uint64_t size = base::fs::exists(alerts) ? base::fs::file_size(alerts, none) : 0;
  alerts_ = std::min(alerts_, size);  // it has begun anew
  if (size > alerts_) base::fs::resize_file(alerts, alerts_);
  const auto delivered = path_ / "delivered";
  if (base::fs::exists(delivered))
    delivered_ = std::strtoull(base::read_file(delivered).c_str(), nullptr, 10);
  if (delivered_ <= alerts_) return;
  delivered_ = 0;  // of the file before this one
  base::write_file(delivered, "0");
}

std::string PartitionFolder::undelivered() const {
  const auto alerts = path_ / "alerts.jsonl";
  return base::fs::exists(alerts) ? base::read_file(alerts).substr(delivered_) : "";
}

void PartitionFolder::append(const std::string& lines) {
  if (lines.empty()) return;
  const auto path = path_ / "alerts.jsonl";
  const File file{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
  size_t done = 0;
  while (file.fd >= 0 && done < lines.size()) {
    const ssize_t n =
        ::pwrite(file.fd, lines.data() + done, lines.size() - done, static_cast<off_t>(alerts_ + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  if (done < lines.size() || ::fsync(file.fd) != 0)
    throw Error("{}: alerts cannot be written: {}", path.string(), std::strerror(errno));
}

void PartitionFolder::save(int64_t offset, const std::vector<uint8_t>& steps, const std::string& alerts,
                           const std::function<void(const base::fs::path&)>& write_detector) {
  const uint64_t next = generation_ + 1;
  if (alerts_ > kAlertBytes && delivered_ == alerts_) {
    base::fs::rename(path_ / "alerts.jsonl", path_ / "alerts-old.jsonl");
    base::write_file(path_ / "delivered", "0");
    alerts_ = delivered_ = 0;
  }
  append(alerts);
  write_detector(file("detector", next, ".safetensors"));
  base::write_file(file("steps", next, ""), {reinterpret_cast<const char*>(steps.data()), steps.size()});
  const uint64_t length = alerts_ + alerts.size();
  base::write_file(path_ / "partition.json", nlohmann::json{{"format", kFormat},
                                                            {"version", kVersion},
                                                            {"topic", topic_},
                                                            {"generation", next},
                                                            {"offset", offset},
                                                            {"alerts", length}}
                                                     .dump(1) +
                                                 "\n");
  std::error_code ignored;
  base::fs::remove(file("detector", generation_, ".safetensors"), ignored);
  base::fs::remove(file("steps", generation_, ""), ignored);
  generation_ = next;
  offset_ = offset;
  alerts_ = length;
}

void PartitionFolder::note_delivered() {
  if (delivered_ == alerts_) return;
  base::write_file(path_ / "delivered", std::to_string(alerts_));
  delivered_ = alerts_;
}

}  // namespace netflowgen::serve
