// GET and POST /api/v1/training, POST /api/v1/training/stop.
#include <fmt/format.h>

#include "serve/api/json.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

TrainingKind kind_of(const Request& r) {
  const std::string type = r.header("content-type");
  if (type.substr(0, type.find(';')) != "application/json")
    throw ApiError{415, "the body must be application/json"};
  const Json body = Json::parse(r.body, nullptr, false);
  const bool one_key =
      body.is_object() && body.size() == 1 && body.contains("kind") && body["kind"].is_string();
  const auto kind = parse_training_kind(one_key ? body["kind"].get<std::string>() : "");
  if (!kind) throw ApiError{400, R"(the body must be {"kind": K} with K calibrate, finetune or pretrain)"};
  return *kind;
}

}  // namespace

Json training_json(bool available, const TrainingView& v) {
  const bool ever = v.state != TrainingState::kIdle;
  const bool progress = v.progress.total > 0;
  return {{"available", available},
          {"state", name_of(v.state)},
          {"kind", ever ? Json(name_of(v.kind)) : Json(nullptr)},
          {"started_ms", time_or_null(v.started_ms)},
          {"ended_ms", time_or_null(v.ended_ms)},
          {"step", progress ? Json(v.progress.step) : Json(nullptr)},
          {"done", progress ? Json(v.progress.done) : Json(nullptr)},
          {"total", progress ? Json(v.progress.total) : Json(nullptr)},
          {"note", v.progress.note},
          {"model", ever ? Json(v.model) : Json(nullptr)},
          {"message", v.message},
          {"lines", v.lines}};
}

Json training_json(const ServiceState& state) {
  return training_json(state.can_train, state.trainer->view());
}

Json start_training(ServiceState& state, const Request& r) {
  const TrainingKind kind = kind_of(r);
  if (!state.can_train) {
    throw ApiError{
        409,
        "this build has no training: install the full build, or train elsewhere and name the model "
        "in the configuration"};
  }
  const auto paths = state.training_paths(kind);
  if (paths.model.empty() && kind != TrainingKind::kPretrain)
    throw ApiError{409, "no model is in force to start from; pretrain makes one"};
  if (!state.trainer->start(kind, paths, now_ms())) throw ApiError{409, "a training is running already"};
  return training_json(state);
}

Json stop_training(ServiceState& state) {
  if (!state.trainer->stop()) throw ApiError{409, "no training is running"};
  return training_json(state);
}

}  // namespace netflowgen::serve
