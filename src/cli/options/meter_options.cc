#include "cli/options/meter_options.h"

#include "base/error.h"
#include "cli/options/decode_options.h"

namespace netflowgen::cli {

void add_meter_options(Command& command, MeterArgs& args) {
  const auto option = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->group(kPacketGroup)->capture_default_str();
  };
  option("--meter", args.mode,
         "Flows from the packets of captures: where they hold no flow export (auto), always or never")
      ->check(one_of({"auto", "on", "off"}));
  option("--meter-active", args.active, "Metering: a longer flow is split after this time");
  option("--meter-inactive", args.inactive, "Metering: a flow without packets for this time has ended");
  option("--meter-flows", args.max_flows, "Metering: open flows at most")->check(in_range(1, 1 << 26));
}

flow::MeterOptions meter_options(const MeterArgs& args) {
  flow::MeterOptions o;
  o.mode = args.mode == "on"    ? flow::MeterMode::kOn
           : args.mode == "off" ? flow::MeterMode::kOff
                                : flow::MeterMode::kAuto;
  o.active_ms = duration_ms(args.active, "--meter-active");
  o.inactive_ms = duration_ms(args.inactive, "--meter-inactive");
  o.max_flows = args.max_flows;
  if (o.active_ms == 0 || o.inactive_ms == 0)
    throw base::UsageError("--meter-active and --meter-inactive are above 0");
  return o;
}

}  // namespace netflowgen::cli
