#include "flow/io/byte_stream.h"

#include <bzlib.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "flow/io/inputs.h"

namespace netflowgen::flow {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Folder : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(dir_); }
  void TearDown() override { fs::remove_all(dir_); }
  std::string write(const std::string& name, std::string_view bytes) {
    const fs::path path = dir_ / name;
    fs::create_directories(path.parent_path());
    base::write_file(path, bytes);
    return path.string();
  }
  fs::path dir_ = fs::path(testing::TempDir()) / ("nfg_flow_" + std::to_string(::getpid()));
};
using ByteStreams = Folder;
using InputFolders = Folder;

std::string rows(size_t n) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += "row " + std::to_string(base::mix64(i)) + "\n";
  return text;
}

std::string zstd(const std::string& text, int window_log = 0) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* c = ZSTD_createCCtx();
  if (window_log > 0) {
    ZSTD_CCtx_setParameter(c, ZSTD_c_enableLongDistanceMatching, 1);
    ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 0);
  }
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer o{out.data(), out.size(), 0};
  ZSTD_compressStream2(c, &o, &in, ZSTD_e_flush);  // so that the frame keeps its window, unlike a one-shot
  ZSTD_compressStream2(c, &o, &in, ZSTD_e_end);
  ZSTD_freeCCtx(c);
  out.resize(o.pos);
  return out;
}
std::string gzip(const std::string& text) {
  std::string out(text.size() + 1000, '\0');
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}
std::string xz(const std::string& text) {
  std::string out(text.size() + 1000, '\0');
  size_t n = 0;
  lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const uint8_t*>(text.data()),
                          text.size(), reinterpret_cast<uint8_t*>(out.data()), &n, out.size());
  out.resize(n);
  return out;
}
std::string bzip2(const std::string& text) {
  std::string out(text.size() + 10000, '\0');
  auto n = static_cast<unsigned>(out.size());
  BZ2_bzBuffToBuffCompress(out.data(), &n, const_cast<char*>(text.data()), static_cast<unsigned>(text.size()),
                           1, 0, 0);
  out.resize(n);
  return out;
}

// Everything a stream gives, and the message of the error that ended it ("" for a clean end).
std::pair<std::string, std::string> drain(ByteStream& stream, size_t piece = 70000) {
  std::string text;
  std::vector<uint8_t> buffer(piece);
  try {
    while (const size_t n = stream.read(buffer))
      text.append(buffer.begin(), buffer.begin() + static_cast<long>(n));
  } catch (const base::Error& e) {
    return {text, e.what()};
  }
  return {text, ""};
}

TEST_F(ByteStreams, TellsEveryCodecByContent) {
  const std::string text = rows(50000);
  const std::pair<const char*, std::string> files[] = {
      {"plain", text},  {"zstd", zstd(text)},   {"zstd27", zstd(text, 27)},     {"gzip", gzip(text)},
      {"xz", xz(text)}, {"bzip2", bzip2(text)}, {"BZh-text", "BZh9 is text\n"}, {"empty", ""},
      {"short", "a"},
  };
  for (const auto& [name, bytes] : files) {
    const auto path = write(name, bytes);
    const auto stream = open_bytes(path);
    const auto [got, error] = drain(*stream);
    EXPECT_EQ(error, "") << name;
    EXPECT_TRUE(got == (bytes.size() < 20 ? bytes : text)) << name << ": " << got.size() << " bytes";
    EXPECT_EQ(stream->consumed(), bytes.size()) << name;
  }
}

TEST_F(ByteStreams, JoinsConcatenatedMembers) {
  const std::string a = rows(1000);
  for (const auto& pack : {gzip(a) + gzip(a), zstd(a) + zstd(a), xz(a) + xz(a), bzip2(a) + bzip2(a)}) {
    const auto stream = open_bytes(write("two", pack));
    for (const size_t piece : {size_t{1}, size_t{70000}}) {
      const auto again = open_bytes(dir_ / "two");
      const auto [got, error] = drain(*again, piece);
      EXPECT_EQ(error, "");
      EXPECT_TRUE(got == a + a) << got.size();
    }
  }
}

TEST_F(ByteStreams, TruncatedGivesWhatIsReadableThenNamesTheFile) {
  const std::string text = rows(60000);
  const std::pair<const char*, std::string> files[] = {
      {"zstd", zstd(text)}, {"gzip", gzip(text)}, {"xz", xz(text)}, {"bzip2", bzip2(text)}};
  for (const auto& [name, bytes] : files) {
    const auto path = write(name, bytes.substr(0, bytes.size() / 2));
    const auto stream = open_bytes(path);
    const auto [got, error] = drain(*stream);
    EXPECT_GT(got.size(), text.size() / 3) << name;
    EXPECT_TRUE(text.starts_with(got)) << name;
    EXPECT_THAT(error, HasSubstr(path));
    EXPECT_THAT(error, HasSubstr("truncated"));
    EXPECT_THAT(drain(*stream).second, HasSubstr("truncated")) << "an error stays";
  }
}

TEST_F(ByteStreams, CorruptDataNameTheFile) {
  const std::string text = rows(60000);
  for (auto bytes : {zstd(text), gzip(text), xz(text), bzip2(text)}) {
    for (size_t i = bytes.size() / 2; i < bytes.size() / 2 + 64; ++i) bytes[i] = '\x55';
    const auto path = write("corrupt", bytes);
    const auto [got, error] = drain(*open_bytes(path));
    EXPECT_THAT(error, HasSubstr(path + ": bad "));
  }
  const auto [got, error] = drain(*open_bytes(write("tail", zstd(text) + "garbage after the frame")));
  EXPECT_TRUE(got == text);
  EXPECT_THAT(error, HasSubstr("bad zstd data"));
}

TEST_F(InputFolders, WalksFoldersInNameOrder) {
  write("b/2", "two");
  write("b/10", "ten");
  write("a", "first");
  write(".hidden", "x");
  write("c/.git/config", "x");
  Inputs inputs({dir_.string()});
  ASSERT_EQ(inputs.size(), 3u);
  EXPECT_THAT(inputs.path(0), testing::EndsWith("/a"));
  EXPECT_THAT(inputs.path(1), testing::EndsWith("/b/10"));
  EXPECT_EQ(inputs.total_bytes(), 11u);
  const auto head = inputs.peek(0, 3);
  EXPECT_EQ(std::string(head.begin(), head.end()), "fir");
  EXPECT_EQ(drain(*inputs.open(0)).first, "first");
}

TEST_F(InputFolders, SaysWhatIsMissing) {
  const auto message = [](const std::vector<std::string>& paths) {
    try {
      const Inputs inputs(paths);
    } catch (const base::Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(message({dir_.string()}), HasSubstr("holds no files"));
  EXPECT_THAT(message({"/nonexistent/x"}), HasSubstr("/nonexistent/x"));
  EXPECT_THAT(message({}), HasSubstr("no input"));
  EXPECT_THAT(message({"-", "-"}), HasSubstr("only once"));
}

TEST_F(InputFolders, PeekAtAPipeLosesNothing) {
  const auto path = (dir_ / "pipe").string();
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int keep_open = ::open(path.c_str(), O_RDWR | O_CLOEXEC);  // so that opening to read does not wait
  const std::string text = gzip("through a pipe");
  ASSERT_EQ(::write(keep_open, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  Inputs inputs({path});
  const auto head = inputs.peek(0, 7);
  EXPECT_EQ(std::string(head.begin(), head.end()), "through");
  const auto stream = inputs.open(0);
  std::vector<uint8_t> all(14);
  EXPECT_EQ(read_full(*stream, all), 14u);
  EXPECT_EQ(std::string(all.begin(), all.end()), "through a pipe");
  ::close(keep_open);
}

}  // namespace
}  // namespace netflowgen::flow
