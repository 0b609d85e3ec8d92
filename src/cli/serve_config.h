// The configuration of `serve`: one YAML file. One table (serve_config.cc) has every key with its default and its help; the
// annotated file that --init writes, --dump-config and the reader come from it, so they cannot differ.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/options/decode_options.h"
#include "cli/options/series_options.h"
#include "serve/service.h"

namespace netflowgen::cli {

// As the file has it, before values are checked and given their units.
struct ServeArgs {
  std::string mode = "active";
  std::string data = "/var/lib/netflowgen";
  std::vector<std::string> listen = {"udp://[::]:2055", "udp://[::]:6343"};
  std::vector<std::string> allow;
  std::string sockets = "1";
  std::string receive_buffer = "32M";
  std::string queue = "256M";
  std::string anonymize;
  SeriesArgs series;
  DecodeArgs decode;
  std::string publish;
  std::string publish_as;
  std::string publish_queue = "1G";
  std::string frames_from;
  std::string frames_state;
  std::string collectors = "1";
  std::string patience;
  std::string frames_memory = "1G";
  std::string rows;
  std::vector<std::string> row_tables = {"frames", "scores", "alerts"};
  std::string row_source;
  std::string rows_keep = "90d";
  std::string rows_keep_alerts = "730d";
  std::string row_queue = "1G";
  std::string tick = "1s";
  std::string flush = "5m";
  std::string log_every = "1m";
  std::string model = "default";
  std::string policy;
  std::string threads = "0";
  std::string precision = "float32";
  std::string cache = "float32";
  std::string max_nodes = "0";
  std::vector<std::string> http = {"127.0.0.1:8080"};
  std::vector<std::string> hosts;
  std::string tokens;
  std::string certificate;
  std::string key;
  std::string http_threads = "2";
  std::string connections = "12000";
  std::string rate = "50";
  std::string memory = "512M";
  std::string nodes = "1000";
  std::string keep_steps = "1d";
  std::string keep_quarters = "30d";
  std::string keep_days = "730d";
  std::string disk = "4G";
  std::string store_keep = "400d";
  std::string store_disk = "100G";
  std::string alerts_keep = "730d";
  std::string alerts_most = "1000000";
  std::vector<serve::OutputOptions> outputs;
  std::string file;                  // where it is from; "": defaults
  std::map<std::string, int> lines;  // of the keys that it gives

  ServeArgs() {
    series.lateness = kUsualLateness;
    series.step.clear();  // the model's
  }
};

// UsageError names file, line and key: not YAML, an unknown key (with the nearest known one), a value of another kind.
ServeArgs load_serve_config(const std::string& path);
ServeArgs parse_serve_config(const std::string& text, const std::string& file);

// Every key with its help; load_serve_config() of it gives the same arguments.
std::string serve_config_text(const ServeArgs& args);

// Checked, with units; steps and nodes as the model has them. UsageError names file, line and key. Error: the model cannot be
// read.
serve::ServiceOptions service_options(const ServeArgs& args);

// The same without file and line in messages, version and way to read the file again: for service_options().
serve::ServiceOptions checked_options(const ServeArgs& args);

}  // namespace netflowgen::cli
