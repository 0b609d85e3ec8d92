// One datagram, from seeds of sFlow v5; whatever it turns into is decoded as what it then is.
#include "fuzz/datagrams.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  netflowgen::fuzz::decode_twice(data, size);
  return 0;
}
