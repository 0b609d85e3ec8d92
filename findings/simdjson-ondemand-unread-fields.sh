#!/usr/bin/env bash
# simdjson's On Demand front end accepts a line with rubbish in a field that is not read.
#
# Guess: a parser that gives a value has found the document to be JSON.
# Seen (libsimdjson-dev 3.0.1-1): {"x": {"y": tru, 1 2}, "bytes": 7} gives bytes 7 without an error.
# The DOM front end refuses it. A reader of JSON lines that uses On Demand counts damaged rows as good.
. "$(dirname "$0")/common.sh"
debian libsimdjson-dev=3.0.1-1
cat > "$work/t.cc" <<'C'
#include <simdjson.h>

#include <cstdio>

int main() {
  const simdjson::padded_string line(std::string(R"({"x": {"y": tru, 1 2}, "bytes": 7})"));
  simdjson::ondemand::parser lazy;
  simdjson::ondemand::document document;
  uint64_t bytes = 0;
  auto error = lazy.iterate(line).get(document);
  if (!error) error = document["bytes"].get_uint64().get(bytes);
  std::printf("ondemand: %s, bytes %d; ", simdjson::error_message(error), int(bytes));
  simdjson::dom::parser whole;
  std::printf("dom: %s\n", whole.parse(line).error() ? "refused" : "accepted");
}
C
lib=$(find "$work/root" -name 'libsimdjson.so*' | head -n 1)
g++ -std=c++17 -O0 -w -I"$work/root/usr/include" "$work/t.cc" -o "$work/t" -L"$(dirname "$lib")" -lsimdjson
expect "rubbish in x, bytes read" "$("$work/t")" "ondemand: No error, bytes 7; dom: refused"
