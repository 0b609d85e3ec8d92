// Files that are either the old one or the new one, never half of each: written to a temporary name in the
// same folder, synced, renamed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace netflowgen::base {

namespace fs = std::filesystem;

// A file being written. Without commit() the destructor removes the temporary file and the old file stays.
// Errors (disk full, no permission) throw Error with the path and the system's reason; the old file stays
// then too. What is no regular file, such as a device or a pipe, is written in place.
class AtomicFile {
 public:
  explicit AtomicFile(fs::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view text) { write(text.data(), text.size()); }
  void write(const void* data, size_t size);
  void commit();  // sync, rename, sync the folder

 private:
  fs::path path_;
  fs::path temporary_;
  int fd_ = -1;
};

void write_file(const fs::path& path, std::string_view text);
std::string read_file(const fs::path& path);  // Error when it cannot be read

// Read-only memory map of a file; empty files map to an empty span.
class MappedFile {
 public:
  explicit MappedFile(const fs::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const uint8_t> bytes() const { return {data_, size_}; }

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace netflowgen::base
