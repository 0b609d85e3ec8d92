// The parts of the page; internal to page*.cc. All functions are pure and return HTML.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/html.h"
#include "detect/alert_text.h"
#include "report/report.h"

namespace netflowgen::report {

using base::escape_html;

std::string story_section(const ReportData& data);    // what this network is, what happened
std::string traffic_section(const ReportData& data);  // charts with the forecast's band
std::string alerts_section(const ReportData& data);
std::string unusual_section(const ReportData& data);
std::string tables_section(const ReportData& data);
std::string quality_section(const ReportData& data);
std::string truth_section(const ReportData& data);  // empty where no truth is known
std::string terms_section(const ReportData& data);
std::string figures_json(const ReportData& data);  // for programs

// A time that the page's script can show in the reader's own zone.
std::string time_html(base::TimeMs ms);
// The same for every "2024-03-05 08:12 UTC" of a text; the rest is escaped.
std::string with_times(std::string_view text);
// "1,234,567".
std::string count_text(uint64_t n);
// "1 flow", "1,234 flows".
std::string count_of(uint64_t n, std::string_view one, std::string_view many);
// "1.25 GB", "8.1 Mbit/s".
std::string bytes_text(double bytes);
std::string bit_rate_text(double bits_per_second);
// "12 %", "under 1 %", "0 %".
std::string percent_text(double share);
// Of a value of a feature: "12 k flows", "TCP 0.97".
std::string value_text(int feature, double value);
// "SYN flood".
std::string attack_name(std::string_view type);
// What such an attack is, in a sentence; empty where there is none.
std::string_view attack_help(std::string_view type);

// Alerts that the page shows, most severe first: those that are sent, and those that only the time of learning holds back.
// Those below least_severity() are weak signs: in a large network over a long time most of them are false alarms.
struct Shown {
  detect::AlertRow row;
  bool early = false;
  bool weak = false;
};
std::vector<Shown> shown_alerts(const ReportData& data);
// From which severity an alert is called a suspected attack, medium at least: false alarms of that severity are few over all
// nodes and all time. A severity's rate is at most a tenth of the one below it (detect/severity.h).
detect::Severity least_severity(const ReportData& data);
// False alarms that are to be expected of that severity and above, over all nodes and all time.
double false_alarms(const ReportData& data, detect::Severity severity);
// The first ones of them that are not weak.
std::span<const Shown> suspected(std::span<const Shown> shown);
// Those that a policy holds back.
uint64_t held_back(const ReportData& data);

}  // namespace netflowgen::report
