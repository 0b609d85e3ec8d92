#!/usr/bin/env bash
# GCC 12 has C++20's <chrono> calendar, but not its time zones.
#
# Guess: -std=c++20 gives std::chrono::locate_zone and zoned_time, as year_month_day is there.
# Seen (g++-12 12.2.0-14+deb12u1): year_month_day compiles, locate_zone is not declared, and __cpp_lib_chrono is not
# 201907 or later. Hours of a day in local time need another reader of the zone files.
. "$(dirname "$0")/common.sh"
v=12.2.0-14+deb12u1
[ "$(dpkg-query -W -f "\${Version}" g++-12 2>/dev/null)" = "$v" ] ||
  debian g++-12=$v gcc-12=$v cpp-12=$v libgcc-12-dev=$v libstdc++-12-dev=$v
compiles() { g++-12 -std=c++20 -fsyntax-only -x c++ - >/dev/null 2>"$work/errors" && echo yes || echo no; }
expect "year_month_day" "$(compiles <<<'#include <chrono>
constexpr auto d = std::chrono::year{2026} / 3 / 29; static_assert(d.ok());')" yes
expect "locate_zone" "$(compiles <<<'#include <chrono>
const auto* z = std::chrono::locate_zone("UTC");')" no
grep -q "locate_zone.*is not a member" "$work/errors"
expect "__cpp_lib_chrono >= 201907" "$(compiles <<<'#include <chrono>
static_assert(__cpp_lib_chrono >= 201907L);')" no
