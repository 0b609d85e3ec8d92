// The engine of the C interface.
#include <memory>

#include "capi/engine_handle.h"
#include "capi/guard.h"

struct nfg_engine {
  explicit nfg_engine(const nfg_engine_options& o) : handle(o) {}
  netflowgen::capi::EngineHandle handle;
};

extern "C" {

using namespace netflowgen;

nfg_status nfg_engine_open(const nfg_engine_options* options, nfg_engine** engine) {
  return capi::guarded([&] {
    capi::need(engine != nullptr, "nfg_engine_open: engine is NULL");
    *engine = std::make_unique<nfg_engine>(capi::taken(options)).release();
    return NFG_OK;
  });
}

nfg_status nfg_engine_add_flows(nfg_engine* e, const nfg_flow* flows, size_t count) {
  return capi::guarded([&] {
    capi::need(e != nullptr && (flows != nullptr || count == 0), "nfg_engine_add_flows: an argument is NULL");
    e->handle.add_flows({flows, count});
    return NFG_OK;
  });
}

nfg_status nfg_engine_add_frame(nfg_engine* e, const char* node, int64_t time_ms, const float* values,
                                size_t count) {
  return capi::guarded([&] {
    capi::need(e != nullptr && node != nullptr && values != nullptr,
               "nfg_engine_add_frame: an argument is NULL");
    e->handle.add_frame(node, time_ms, {values, count});
    return NFG_OK;
  });
}

nfg_status nfg_engine_close_steps(nfg_engine* e, int64_t time_ms) {
  return capi::guarded([&] {
    capi::need(e != nullptr, "nfg_engine_close_steps: engine is NULL");
    e->handle.close_steps(time_ms);
    return NFG_OK;
  });
}

nfg_status nfg_engine_next_score(nfg_engine* e, nfg_score* score) {
  return capi::guarded([&] {
    capi::need(e != nullptr && score != nullptr, "nfg_engine_next_score: an argument is NULL");
    return e->handle.next_score(*score) ? NFG_OK : NFG_END;
  });
}

nfg_status nfg_engine_next_alert(nfg_engine* e, const char** json) {
  return capi::guarded([&] {
    capi::need(e != nullptr && json != nullptr, "nfg_engine_next_alert: an argument is NULL");
    *json = e->handle.next_alert();
    return *json != nullptr ? NFG_OK : NFG_END;
  });
}

size_t nfg_engine_task_count(const nfg_engine* e) { return e == nullptr ? 0 : e->handle.tasks().size(); }

const char* nfg_engine_task_name(const nfg_engine* e, size_t index) {
  return index < nfg_engine_task_count(e) ? e->handle.tasks()[index].c_str() : nullptr;
}

int64_t nfg_engine_step_ms(const nfg_engine* e) { return e == nullptr ? 0 : e->handle.step_ms(); }

nfg_status nfg_engine_counters(nfg_engine* e, const char** json) {
  return capi::guarded([&] {
    capi::need(e != nullptr && json != nullptr, "nfg_engine_counters: an argument is NULL");
    *json = e->handle.counters();
    return NFG_OK;
  });
}

void nfg_engine_close(nfg_engine* e) { delete e; }

}  // extern "C"
