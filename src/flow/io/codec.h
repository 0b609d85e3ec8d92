// Decoders of compressed streams, one interface over four libraries. Used by byte_stream.cc alone.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace netflowgen::flow {

class Codec {
 public:
  struct Step {
    size_t taken = 0;           // of the input
    size_t given = 0;           // into the output
    bool between = false;       // a member has just ended: the input may end here
    const char* bad = nullptr;  // the data are corrupt, and why
  };

  virtual ~Codec() = default;
  virtual const char* name() const = 0;
  // Decodes some of `in` into some of `out`. Makes progress (taken or given) unless it needs more input.
  virtual Step step(std::span<const uint8_t> in, std::span<uint8_t> out) = 0;
  // The input has ended: whatever is still inside. Only xz needs to be told.
  virtual Step finish(std::span<uint8_t> /*out*/) { return {}; }
};

inline constexpr size_t kCodecMagicBytes = 10;

// The decoder that the first bytes of a stream call for; nullptr: plain.
std::unique_ptr<Codec> find_codec(std::span<const uint8_t> head);

}  // namespace netflowgen::flow
