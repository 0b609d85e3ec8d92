#include "serve/live_view.h"

#include <algorithm>

#include "serve/collector.h"

namespace netflowgen::serve {
namespace {

double rate(uint64_t now, uint64_t before, double seconds) {
  return seconds <= 0 || now < before ? 0 : static_cast<double>(now - before) / seconds;
}

ExporterView exporter_view(flow::ExporterReport report, const LiveView* before, base::TimeMs now_ms) {
  ExporterView v;
  for (const auto& l : report.ledgers) {
    if (l.stage == "datagrams") v.datagrams = l.in;
    if (l.stage == "flows") v.flows = l.out;
  }
  v.report = std::move(report);
  if (before == nullptr) return v;
  const double seconds = static_cast<double>(now_ms - before->time_ms) / 1000;
  const auto old =
      std::find_if(before->exporters.begin(), before->exporters.end(),
                   [&](const ExporterView& e) { return e.report.exporter == v.report.exporter; });
  const bool known = old != before->exporters.end();
  v.packets_per_second = rate(v.datagrams, known ? old->datagrams : 0, seconds);
  v.flows_per_second = rate(v.flows, known ? old->flows : 0, seconds);
  v.last_ms = v.datagrams > (known ? old->datagrams : 0) ? now_ms : known ? old->last_ms : 0;
  return v;
}

}  // namespace

const base::LedgerView* find_stage(const std::vector<base::LedgerView>& views, std::string_view stage) {
  for (const auto& v : views) {
    if (v.stage == stage) return &v;
  }
  return nullptr;
}

std::shared_ptr<const LiveView> take_view(Collector& collector, const LiveView* before, base::TimeMs now_ms,
                                          std::vector<base::LedgerView> others) {
  auto view = std::make_shared<LiveView>();
  view->time_ms = now_ms;
  view->ledgers = collector.ledgers();
  for (auto& ledger : others) view->ledgers.push_back(std::move(ledger));
  if (const auto* live = collector.live()) {
    for (auto& report : live->decoder()->exporters()) {
      for (const auto& s : report.sequences) view->lost_in_transit += s.lost;
      view->exporters.push_back(exporter_view(std::move(report), before, now_ms));
    }
    view->sockets = live->sockets().sockets();
    view->queue_bytes = live->queued_bytes();
    view->decoder_bytes = live->decoder()->memory_bytes();
  }
  for (auto& w : collector.pipeline().source().warnings()) view->warnings.push_back(std::move(w.text));
  if (const auto* sockets = find_stage(view->ledgers, "sockets")) {
    view->packets = sockets->in;
    for (const auto& [reason, count] : sockets->drops) {
      if (reason == name_of(flow::SocketDrop::kKernelFull)) view->kernel_drops = count;
    }
  }
  if (const auto* flows = find_stage(view->ledgers, "series flows")) view->flows = flows->in;
  const double seconds = before == nullptr ? 0 : static_cast<double>(now_ms - before->time_ms) / 1000;
  view->packets_per_second = rate(view->packets, before == nullptr ? 0 : before->packets, seconds);
  view->flows_per_second = rate(view->flows, before == nullptr ? 0 : before->flows, seconds);
  view->shed = name_of(collector.shed().level());
  if (collector.shed().level() != Shed::kNothing)
    view->shed_ms = before != nullptr && before->shed_ms != INT64_MIN ? before->shed_ms : now_ms;
  view->frames_open = collector.pipeline().builder().frame_ledger().held;
  view->store_frames = collector.store().info().rows();
  view->store_removed = collector.removed_frames();
  view->stored_ms = collector.store().info().end_step * collector.options().series.step_ms;
  if (auto* detector = collector.detector()) {
    auto& d = view->detection;
    d.on = true;
    d.nodes = detector->stream().engine().nodes();
    d.capacity = detector->stream().engine().capacity();
    d.open_alerts = detector->stream().detector().open_alerts();
    d.score_ms = detector->last_cost().count();
  }
  return view;
}

}  // namespace netflowgen::serve
