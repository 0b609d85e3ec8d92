#include "cli/options/publish_options.h"

#include <unistd.h>

#include "series/partial_frames.h"

namespace netflowgen::cli {
namespace {

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != 0 ? name : "localhost";
}

// The end of it where it is too long: folders differ there.
std::string usual_name(const base::fs::path& store) {
  const std::string name = host_name() + ":" + base::fs::absolute(store).lexically_normal().string();
  return name.size() <= series::kMaxCollectorName ? name
                                                  : name.substr(name.size() - series::kMaxCollectorName);
}

}  // namespace

serve::PublishOptions publish_options(const std::string& topic, const std::string& name,
                                      const base::fs::path& store) {
  serve::PublishOptions o;
  o.topic = topic;
  o.collector = name.empty() ? usual_name(store) : name;
  o.queue = store / "frames-queue.db";
  serve::check_publish(o);
  return o;
}

}  // namespace netflowgen::cli
