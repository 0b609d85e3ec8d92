// The packets of captures, file after file in the order of their first packets. What was looked at beforehand is read
// again from memory, so that a pipe can be looked into as well. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "flow/capture/pcap_reader.h"
#include "flow/io/file_walk.h"

namespace netflowgen::flow {

class CaptureFiles {
 public:
  // Error when no file can be read, or with `strict` at the first thing that cannot.
  CaptureFiles(std::unique_ptr<Inputs> inputs, bool strict);

  // False: the end. The packet's bytes are valid until the next call of next() or look_ahead().
  bool next(Packet& packet);
  // As next(), but next() will give the packet again. REQUIRES: before the first next().
  bool look_ahead(Packet& packet);
  size_t kept_bytes() const { return kept_bytes_; }

  const FileWalk& walk() const { return walk_; }
  std::vector<base::LedgerView> ledgers() const {
    return {walk_.ledger("capture files"), reader_.ledger().view("captured packets")};
  }

 private:
  struct Kept {
    Packet packet;
    std::vector<uint8_t> bytes;
  };

  void sort_by_first_packet();
  bool next_file();
  bool read(Packet& packet);
  uint64_t lost() const;

  FileWalk walk_;
  PcapReader reader_;
  bool reading_ = false;
  uint64_t lost_before_ = 0;
  std::vector<Kept> kept_;
  size_t kept_at_ = 0;
  size_t kept_bytes_ = 0;
};

}  // namespace netflowgen::flow
