// Bearer tokens: 256 random bits each, kept as their SHA-256 with a role and a name. A token has so many bits that one round
// of a plain hash is enough; nobody can try them all.
//
// Constant after construction. The file: a line a token, "ROLE HASH NAME"; '#' begins a comment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "serve/http/message.h"

namespace netflowgen::serve {

class Tokens {
 public:
  Tokens() = default;  // none
  // A file that is not there holds none. Error: a line that is no token.
  static Tokens load(const base::fs::path& path);
  static Tokens parse(std::string_view text, const std::string& where);

  bool empty() const { return tokens_.empty(); }
  // kNone: not known. Takes the same time whether and where the token is found.
  Role role_of(std::string_view token) const;

  // Makes a token, appends its hash to the file and returns it; it is not kept anywhere. Error: the file cannot be written.
  static std::string add(const base::fs::path& path, Role role, std::string_view name);

 private:
  struct Token {
    Role role = Role::kNone;
    std::string hash;  // 64 hex digits
    std::string name;
  };
  std::vector<Token> tokens_;
};

std::string sha256_hex(std::string_view text);

}  // namespace netflowgen::serve
