// Hard negatives of a drawn network: how often each happens, and how strong they are.
#include "sim/draw/parts.h"

namespace netflowgen::sim {
namespace {

constexpr double kScansShare = 0.04;  // of max_records, at most, for the scans of a kind

// The highest rate of a scan that leaves at most `records` records.
Between<double> bounded(Between<double> rate, double per_packet_records, double records) {
  const double most = records / std::max(per_packet_records, 1e-12);
  rate.high = std::min(rate.high, most);
  rate.low = std::min(rate.low, rate.high);
  return rate;
}

Between<double> spread(Random& random, double low, double high) {
  const double middle = log_uniform(random, low, high);
  const double width = log_uniform(random, 1.5, 8);
  return {middle / width, middle * width};
}

}  // namespace

Benign draw_benign(Random random, const DrawFrom& from, const Scenario& s) {
  Benign b;
  const auto records = static_cast<double>(from.options.max_records);
  const double p = 1.0 / static_cast<double>(s.network.sampling);
  double hosts = 0;
  for (const auto& [name, role] : s.hosts) hosts += static_cast<double>(role.count);
  if (s.network.dark) hosts = std::exp2(128 - s.network.prefix.length);
  const double busy = log_uniform(random, 0.2, 4);  // some networks see far more of everything
  const auto often = [&](const char* kind, double low, double high) {
    const double rate = busy * log_uniform(random, low, high);
    return from.benign(kind) && random.chance(0.8) ? rate : 0;
  };
  b.flash_crowds = often("flash_crowd", 0.5, 6);
  b.load_tests = often("load_test", 0.2, 3);
  b.outages = often("outage", 0.3, 4);
  b.mail_campaigns = often("mail_campaign", 0.2, 3);
  b.software_updates = often("software_update", 0.3, 3);
  b.vertical_scans = often("vertical_scan", 0.3, 12);
  b.horizontal_scans = often("horizontal_scan", 0.1, 10);
  b.bursts = often("burst", 0.2, 4);
  b.crawls = often("crawl", 0.2, 4);
  b.backup_share = from.benign("backup") ? random.uniform(0, 0.8) : 0;
  b.length = log_uniform(random, 0.3, 2);
  b.flash_magnitude = spread(random, 1.5, 30);
  b.load_magnitude = spread(random, 3, 80);
  b.mail_magnitude = spread(random, 3, 80);
  b.backup_rate = spread(random, 5, 2'000);
  b.update_rate = spread(random, 10, 3'000);
  const double seconds = 600 * b.length;  // about the mean length of a scan
  const double days = static_cast<double>(s.duration.ms) / 86'400'000;
  const double vertical = 1 + b.vertical_scans * days;
  const double horizontal = 1 + b.horizontal_scans * days;
  b.scan_rate = bounded(spread(random, 2, 600), seconds * p * 1.3, kScansShare * records / vertical);
  b.sweep_rate =
      bounded(spread(random, 0.02, 10), seconds * p * 1.3 * hosts, kScansShare * records / horizontal);
  return b;
}

}  // namespace netflowgen::sim
