// From the builder to the store: frames become rows, a shard is written between steps.
#pragma once

#include "series/builder.h"
#include "series/store.h"

namespace netflowgen::series {

class StoreSink : public FrameSink {
 public:
  // The writer must outlive the sink.
  explicit StoreSink(StoreWriter& writer) : writer_(writer) {}
  void frame(const NodeKey& node, int64_t step, std::span<const float> frame) override {
    writer_.add(node, step, frame);
  }

 private:
  StoreWriter& writer_;
};

}  // namespace netflowgen::series
