// netflowgen serve: the service, from one YAML file. docs/serve.md says how to operate it.
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/serve_config.h"
#include "cli/serve_demo.h"
#include "flow/kafka/kafka_url.h"
#include "serve/detector_service.h"
#include "serve/output_check.h"
#include "serve/service.h"

namespace netflowgen::cli {
namespace {

using base::UsageError;

struct ServeCommand {
  std::string config;
  std::string init;
  std::string role;
  std::string name;
  std::string test;
  std::string http;
  bool demo = false;
  bool check = false;
  bool dump = false;
  bool tables = false;
};

void write_init(const std::string& path) {
  if (path == "-") return fmt::print("{}", serve_config_text(ServeArgs{}));
  if (base::fs::exists(path))
    throw base::Error("{}: it is there already; remove it, or name another file", path);
  base::write_file(path, serve_config_text(ServeArgs{}));
  fmt::print("{} has every key with its default; then: netflowgen serve {}\n", path, path);
}

void print_new_token(const serve::ServiceOptions& options, const ServeCommand& c) {
  const std::string token = serve::add_token(options.tokens, c.role, c.name);
  fmt::print("{}\n", token);
  fmt::print(stderr, "its hash is in {}; the token itself is kept nowhere\n", options.tokens.string());
}

void print_tables(const ServeArgs& args, serve::ServiceOptions& options) {
  if (args.rows.empty()) options.rows.url = "clickhouse://localhost/netflowgen";
  fmt::print("{}", serve::create_statements(options.rows));
}

void check(const serve::ServiceOptions& options) {
  serve::check_service(options);
  if (!options.detect.model.empty() && options.mode != serve::ServeMode::kCollect)
    serve::DetectSetup setup(options.detect);
  const std::string from = options.frames.topic.empty()
                               ? fmt::format("{} addresses for flows", options.collector.live.listen.size())
                               : "partial frames of " + flow::parse_kafka_url(options.frames.topic).name();
  fmt::print("the configuration is valid: {}, data in {}, {}\n", from, options.data.string(),
             options.detect.model.empty() ? "no model" : "model " + options.detect.model);
  if (!options.collector.nodes_line.empty()) fmt::print("{}\n", options.collector.nodes_line);
}

void test_outputs(const serve::ServiceOptions& options, bool ended) {
  if (options.outputs.empty()) throw base::Error("the configuration has no outputs");
  std::error_code error;
  base::fs::create_directories(options.data, error);  // where outputs keep what they announced
  if (error) throw base::Error("cannot create the folder {}: {}", options.data.string(), error.message());
  std::string failed;
  for (const auto& r : serve::check_outputs(options.outputs, ended)) {
    fmt::print("{}: {}\n", r.name, r.problem.empty() ? "taken" : r.problem);
    if (!r.problem.empty()) failed += (failed.empty() ? "" : ", ") + r.name;
  }
  if (!failed.empty()) throw base::Error("these outputs did not take the alert: {}", failed);
}

void run_demo(const ServeCommand& c, Context& context) {
  if (!c.config.empty()) throw UsageError("--demo takes no file: it has its own configuration");
  serve_demo(c.http, context);
}

void run(const ServeCommand& c, Context& context) {
  if (c.demo) return run_demo(c, context);
  if (!c.http.empty()) throw UsageError("--http is for --demo; a file has http.listen");
  if (!c.init.empty()) return write_init(c.init);
  ServeArgs args = c.config.empty() ? ServeArgs{} : load_serve_config(c.config);
  if (c.dump) return fmt::print("{}", serve_config_text(args));
  if (!c.role.empty()) {
    args.model = "none";  // a token needs no model, which may not be there yet
    return print_new_token(service_options(args), c);
  }
  auto options = service_options(args);
  if (c.tables) return print_tables(args, options);
  if (c.check) return check(options);
  if (!c.test.empty()) return test_outputs(options, c.test == "ended");
  if (c.config.empty())
    throw UsageError(
        "serve needs a file: netflowgen serve --init FILE writes one, netflowgen serve FILE runs it; "
        "netflowgen serve --demo needs none");
  serve::check_service(options);
  options.collector.quiet = context.quiet;
  context.reload_on_hangup();
  if (!options.frames.topic.empty()) {
    serve::DetectorService detectors(std::move(options), context.stop, context.reload);
    return detectors.run();
  }
  serve::Service service(std::move(options), context.stop, context.reload);
  service.run();
}

}  // namespace

void add_serve(Command& app, Context& context) {
  auto c = std::make_shared<ServeCommand>();
  auto* command =
      app.add_subcommand("serve", "Collect, detect, and show it: one service with a page and an API");
  command->add_option("CONFIG", c->config, "The configuration, a YAML file");
  command->add_option("--init", c->init,
                      "Write a configuration with every key and its help to this file (-: print it)");
  command->add_flag("--check", c->check, "Check the configuration and stop");
  command->add_flag("--dump-config", c->dump, "Print the configuration in force and stop");
  command->add_flag("--print-tables", c->tables,
                    "Print the statements that make the tables of ClickHouse, and stop");
  command->add_option("--add-token", c->role, "Make a bearer token: viewer, operator or admin")
      ->check(one_of({"viewer", "operator", "admin"}));
  command->add_option("--token-name", c->name, "Whose the token is, for the file of tokens");
  command->add_option("--test-outputs", c->test, "Send a made-up alert through every output: raised, ended")
      ->check(one_of({"raised", "ended"}));
  command->add_flag("--demo", c->demo, "Replay a simulated network with attacks, live; needs no file");
  command->add_option("--http", c->http,
                      "Address of the page with --demo (127.0.0.1:8080, else a free port)");
  command->footer(
      "Examples: netflowgen serve --demo\n"
      "          netflowgen serve --init netflowgen.yaml\n"
      "          netflowgen serve netflowgen.yaml --check\n"
      "          netflowgen serve netflowgen.yaml\n"
      "          netflowgen serve netflowgen.yaml --add-token viewer --token-name wallboard");
  command->callback([c, &context] { run(*c, context); });
}

}  // namespace netflowgen::cli
