#include "cli/serve_demo.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/temporary_folder.h"
#include "cli/serve_config.h"
#include "serve/service.h"

namespace netflowgen::cli {
namespace {

constexpr uint16_t kUsualPort = 8080;

// Whether the usual port can be bound. Another program may take it before the service does, which then ends with an error.
bool usual_port_is_free() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kUsualPort);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return bound;
}

// Short steps, so that an attack's end is seen soon after it; the simulated routers report within 25 s.
ServeArgs demo_args(const std::string& http, const base::fs::path& data) {
  ServeArgs args;
  args.data = data.string();
  args.policy = (data / "policy.yaml").string();
  base::write_file(args.policy, "defaults: {end_after: 1m, merge: 3m}\n");
  args.http = {!http.empty() ? http : usual_port_is_free() ? "127.0.0.1:8080" : "127.0.0.1:0"};
  args.series.nodes = "10.20.0.0/24";
  args.series.step = "20s";
  args.series.lateness = "30s";
  args.flush = "1m";
  args.log_every = "5m";
  args.memory = "1G";
  args.keep_steps = "7d";
  return args;
}

}  // namespace

void serve_demo(const std::string& http, Context& context) {
  const base::TemporaryFolder data("netflowgen-demo-");
  const auto make = [args = demo_args(http, data.path())] {
    auto options = service_options(args);
    options.demo = true;
    options.collector.quiet = true;
    return options;
  };
  auto options = make();
  options.load = make;  // a model that is trained on the demo is taken over, too
  serve::check_service(options);
  context.reload_on_hangup();
  serve::Service service(std::move(options), context.stop, context.reload);
  service.run();
}

}  // namespace netflowgen::cli
