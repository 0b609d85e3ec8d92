#include "flow/filter/anonymize.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/check.h"
#include "base/error.h"
#include "base/file.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kCacheSize = size_t{1} << 16;
constexpr size_t kBlock = 16;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::array<uint8_t, 32> read_key(const std::string& path) {
  std::array<uint8_t, 32> key{};
  std::string text = base::read_file(path);
  if (text.size() == key.size()) {
    std::memcpy(key.data(), text.data(), key.size());
    return key;
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  const bool hex =
      text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) { return hex_digit(c) >= 0; });
  if (!hex) {
    throw base::Error(
        "{}: a CryptoPAn key is 32 bytes or 64 hexadecimal digits; make one with "
        "openssl rand -hex 32 > {}",
        path, path);
  }
  for (size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<uint8_t>(hex_digit(text[2 * i]) * 16 + hex_digit(text[2 * i + 1]));
  }
  return key;
}

bool read_bits(std::string_view text, unsigned limit, uint8_t& bits) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > limit) return false;
  bits = static_cast<uint8_t>(value);
  return true;
}

class AnonymizedSource : public FlowSource {
 public:
  AnonymizedSource(std::unique_ptr<FlowSource> source, const AnonymizeOptions& options)
      : source_(std::move(source)), anonymizer_(options) {}
  size_t read(std::span<Flow> out) override {
    const size_t n = source_->read(out);
    for (size_t i = 0; i < n; ++i) anonymizer_.apply(out[i]);
    return n;
  }
  bool waiting() const override { return source_->waiting(); }
  std::optional<TimeMs> time() const override { return source_->time(); }
  std::vector<base::LedgerView> ledgers() const override { return source_->ledgers(); }
  std::vector<FirstBadLine> bad_lines() const override { return source_->bad_lines(); }
  std::vector<std::string> notes() const override { return source_->notes(); }
  const Decoder* decoder() const override { return source_->decoder(); }
  uint32_t known() const override { return source_->known() & ~uint32_t{kKnownMac}; }
  uint64_t bytes_done() const override { return source_->bytes_done(); }
  uint64_t bytes_total() const override { return source_->bytes_total(); }

 private:
  std::unique_ptr<FlowSource> source_;
  Anonymizer anonymizer_;
};

}  // namespace

struct Anonymizer::Cipher {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  std::array<uint8_t, kBlock> pad{};

  explicit Cipher(const std::array<uint8_t, 32>& key) {
    NFG_CHECK(context != nullptr);
    NFG_CHECK(EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), nullptr, key.data(), nullptr) == 1);
    EVP_CIPHER_CTX_set_padding(context, 0);
    encrypt(key.data() + kBlock, pad.data(), kBlock);
  }
  ~Cipher() { EVP_CIPHER_CTX_free(context); }
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;

  void encrypt(const uint8_t* in, uint8_t* out, size_t size) {
    int written = 0;
    NFG_CHECK(EVP_EncryptUpdate(context, out, &written, in, static_cast<int>(size)) == 1);
  }
};

AnonymizeOptions parse_anonymize(const std::string& text) {
  AnonymizeOptions o;
  if (text.empty()) return o;
  if (text.starts_with("cryptopan:")) {
    o.method = AnonymizeOptions::Method::kCryptoPan;
    o.key = read_key(text.substr(10));
    return o;
  }
  o.method = AnonymizeOptions::Method::kTruncate;
  if (text == "truncate") return o;
  const size_t comma = text.find(',');
  const bool good = text.starts_with("truncate:") && comma != std::string::npos &&
                    read_bits(std::string_view(text).substr(9, comma - 9), 32, o.keep_v4) &&
                    read_bits(std::string_view(text).substr(comma + 1), 128, o.keep_v6);
  if (!good) {
    throw base::UsageError("--anonymize {}: expected cryptopan:KEYFILE, truncate, or truncate:V4BITS,V6BITS",
                           text);
  }
  return o;
}

Anonymizer::Anonymizer(const AnonymizeOptions& options) : options_(options) {
  if (options.method != AnonymizeOptions::Method::kCryptoPan) return;
  cipher_ = std::make_unique<Cipher>(options.key);
  cache_.resize(kCacheSize);
}
Anonymizer::~Anonymizer() = default;
Anonymizer::Anonymizer(Anonymizer&&) noexcept = default;
Anonymizer& Anonymizer::operator=(Anonymizer&&) noexcept = default;

void Anonymizer::apply(Flow& flow) {
  if (options_.method == AnonymizeOptions::Method::kNone) return;
  for (IpAddr* a : {&flow.src, &flow.dst, &flow.next_hop, &flow.nat_src, &flow.nat_dst}) *a = address(*a);
  std::memset(flow.src_mac, 0, sizeof flow.src_mac);
  std::memset(flow.dst_mac, 0, sizeof flow.dst_mac);
  flow.known &= ~uint32_t{kKnownMac};
}

IpAddr Anonymizer::address(const IpAddr& a) {
  if (a.is_zero() || options_.method == AnonymizeOptions::Method::kNone) return a;
  if (options_.method == AnonymizeOptions::Method::kTruncate) return compute(a);
  Cached& slot = cache_[a.hash() % kCacheSize];
  if (slot.from != a) slot = {a, compute(a)};
  return slot.to;
}

IpAddr Anonymizer::compute(const IpAddr& a) {
  if (options_.method == AnonymizeOptions::Method::kCryptoPan) return crypto_pan(a);
  return base::mask(a, a.is_v4() ? 96u + options_.keep_v4 : options_.keep_v6);
}

base::Prefix Anonymizer::prefix(const base::Prefix& p) {
  if (options_.method == AnonymizeOptions::Method::kNone) return p;
  return {base::mask(compute(p.address), p.length), p.length};
}

// Bit i of the result is bit i of the address, flipped by the first bit of the cipher of (the i bits before
// it, then the pad): one cipher block a bit, all in one call.
IpAddr Anonymizer::crypto_pan(const IpAddr& a) {
  const size_t first = a.is_v4() ? 12 : 0;  // of the bytes that are the address
  const size_t bits = 8 * (16 - first);
  std::array<uint8_t, 128 * kBlock> blocks;
  std::array<uint8_t, kBlock> block = cipher_->pad;
  for (size_t i = 0; i < bits; ++i) {
    std::memcpy(blocks.data() + i * kBlock, block.data(), kBlock);
    const auto bit = static_cast<uint8_t>(0x80u >> (i % 8));  // from here on it is the address's own
    block[i / 8] = static_cast<uint8_t>((block[i / 8] & ~bit) | (a.bytes[first + i / 8] & bit));
  }
  cipher_->encrypt(blocks.data(), blocks.data(), bits * kBlock);
  IpAddr result = a;
  for (size_t i = 0; i < bits; ++i) {
    result.bytes[first + i / 8] ^= static_cast<uint8_t>((blocks[i * kBlock] >> 7) << (7 - i % 8));
  }
  return result;
}

std::unique_ptr<FlowSource> anonymized(std::unique_ptr<FlowSource> source, const AnonymizeOptions& options) {
  if (options.method == AnonymizeOptions::Method::kNone) return source;
  return std::make_unique<AnonymizedSource>(std::move(source), options);
}

}  // namespace netflowgen::flow
