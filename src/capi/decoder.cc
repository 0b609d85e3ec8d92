// The decoder of the C interface: flow::Decoder, and a queue of flows that wait to be read.
#include "flow/decoder/decoder.h"

#include <memory>
#include <vector>

#include "capi/flow_fields.h"
#include "capi/guard.h"
#include "capi/text.h"

namespace netflowgen::capi {
namespace {

constexpr size_t kMaxPayload = 65'535;

flow::DecodeOptions decode_options(const nfg_decoder_options& o) {
  flow::DecodeOptions options;
  if (o.sampling_default > 0) options.sampling_default = o.sampling_default;
  return options;
}

}  // namespace
}  // namespace netflowgen::capi

struct nfg_decoder {
  explicit nfg_decoder(const nfg_decoder_options& o)
      : decoder(netflowgen::capi::decode_options(o)),
        max_queued(o.max_queued > 0 ? o.max_queued : netflowgen::capi::kMaxQueued) {}

  size_t queued() const { return flows.size() - next; }

  netflowgen::flow::Decoder decoder;
  size_t max_queued;
  std::vector<netflowgen::flow::Flow> flows;  // from `next` on they wait
  size_t next = 0;
  std::string counters;
};

extern "C" {

using namespace netflowgen;

nfg_status nfg_decoder_open(const nfg_decoder_options* options, nfg_decoder** decoder) {
  return capi::guarded([&] {
    capi::need(decoder != nullptr, "nfg_decoder_open: decoder is NULL");
    *decoder = std::make_unique<nfg_decoder>(capi::taken(options)).release();
    return NFG_OK;
  });
}

nfg_status nfg_decoder_decode(nfg_decoder* d, const void* payload, size_t size, const uint8_t source[16],
                              uint16_t source_port, int64_t received_ms) {
  return capi::guarded([&] {
    capi::need(d != nullptr && source != nullptr, "nfg_decoder_decode: decoder or source is NULL");
    capi::need(payload != nullptr || size == 0, "nfg_decoder_decode: payload is NULL");
    capi::need(size <= capi::kMaxPayload, "nfg_decoder_decode: a UDP payload has at most 65,535 octets");
    capi::need_time(received_ms);
    if (d->queued() >= d->max_queued)
      throw capi::StatusError(NFG_FULL, "flows wait: take them with nfg_decoder_read");
    if (d->next > 0) {
      d->flows.erase(d->flows.begin(), d->flows.begin() + static_cast<std::ptrdiff_t>(d->next));
      d->next = 0;
    }
    flow::Datagram datagram;
    datagram.received_ms = received_ms;
    capi::copy_octets(*reinterpret_cast<const uint8_t(*)[16]>(source), datagram.source);
    datagram.source_port = source_port;
    datagram.payload = {static_cast<const uint8_t*>(payload), size};
    d->decoder.decode(datagram, d->flows);
    return NFG_OK;
  });
}

size_t nfg_decoder_read(nfg_decoder* d, nfg_flow* flows, size_t capacity) {
  if (d == nullptr || flows == nullptr) return 0;
  const size_t count = std::min(capacity, d->queued());
  for (size_t i = 0; i < count; ++i) {
    flows[i] = {};
    capi::copy_fields(d->flows[d->next + i], flows[i]);
  }
  d->next += count;
  return count;
}

nfg_status nfg_decoder_advance(nfg_decoder* d, int64_t now_ms) {
  return capi::guarded([&] {
    capi::need(d != nullptr, "nfg_decoder_advance: decoder is NULL");
    capi::need_time(now_ms);
    d->decoder.advance(now_ms);
    return NFG_OK;
  });
}

nfg_status nfg_decoder_counters(nfg_decoder* d, const char** json) {
  return capi::guarded([&] {
    capi::need(d != nullptr && json != nullptr, "nfg_decoder_counters: an argument is NULL");
    d->counters = capi::counters_json(d->decoder.ledgers());
    *json = d->counters.c_str();
    return NFG_OK;
  });
}

void nfg_decoder_close(nfg_decoder* d) { delete d; }

}  // extern "C"
