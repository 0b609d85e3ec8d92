#include "serve/http/tokens.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include <array>
#include <sstream>

#include "base/error.h"

namespace netflowgen::serve {
namespace {

constexpr size_t kTokenBytes = 32;
constexpr std::string_view kPrefix = "nfg_";  // so that a leaked one is recognised

std::string hex_of(const unsigned char* bytes, size_t n) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw base::Error("SHA-256 is not available in OpenSSL");
  }
  return hex_of(digest.data(), size);
}

Tokens Tokens::load(const base::fs::path& path) {
  if (!base::fs::exists(path)) return {};
  return parse(base::read_file(path), path.string());
}

Tokens Tokens::parse(std::string_view text, const std::string& where) {
  Tokens out;
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream words(line);
    std::string role;
    Token token;
    if (!(words >> role) || role.front() == '#') continue;
    words >> token.hash;
    std::getline(words >> std::ws, token.name);
    const auto known = parse_role(role);
    const bool hex = token.hash.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!known || token.hash.size() != 64 || !hex) {
      throw base::Error("{}, line {}: expected ROLE HASH NAME, as netflowgen serve --add-token writes it",
                        where, number);
    }
    token.role = *known;
    out.tokens_.push_back(std::move(token));
  }
  return out;
}

Role Tokens::role_of(std::string_view token) const {
  const std::string hash = sha256_hex(token);
  Role role = Role::kNone;
  for (const auto& t : tokens_) {
    if (CRYPTO_memcmp(t.hash.data(), hash.data(), hash.size()) == 0) role = std::max(role, t.role);
  }
  return role;
}

std::string Tokens::add(const base::fs::path& path, Role role, std::string_view name) {
  load(path);  // refuses to append to something else
  std::array<unsigned char, kTokenBytes> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    throw base::Error("OpenSSL has no random numbers for a token");
  }
  const std::string token = std::string(kPrefix) + hex_of(random.data(), random.size());
  std::string text = base::fs::exists(path) ? base::read_file(path) : "# ROLE HASH NAME\n";
  text += fmt::format("{} {} {}\n", name_of(role), sha256_hex(token), name);
  const mode_t before = ::umask(077);
  base::write_file(path, text);
  ::umask(before);
  return token;
}

}  // namespace netflowgen::serve
