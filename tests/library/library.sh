# Installs the library below the build folder and uses it as a stranger would: find_package and pkg-config, from a copy of the
# examples, with the model that was installed. Go and Rust where their compilers are.
set -u
[ -z "${SANITIZE:-}" ] || { echo "skipped: programs of strangers are not compiled with sanitizers"; exit 77; }
failed=0
check() { if ! eval "$2"; then echo "FAILED: $1" >&2; failed=1; fi; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset NETFLOWGEN_MODEL

# The tree is moved after it was installed: nothing in it may know where it was.
cmake --install "$BINARY_DIR" --prefix "$work/first" --component library >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
mv "$work/first" "$work/installed"
prefix=$work/installed
lib=$(dirname "$(find "$prefix" -name libnetflowgen.so)")
check "no file for builds names the source tree" '! grep -rlF -e "$SOURCE_DIR" -e "$work/first" "$prefix/include" "$lib/cmake" "$lib/pkgconfig"'
check "only fmt of other projects is shown" '! grep -rhE "^#include <(nlohmann|yaml-cpp|boost|openssl|sqlite|zstd|simdjson|librdkafka|CLI)" "$prefix/include"'
check "only names of the project are exported" '! nm -D --defined-only "$lib/libnetflowgen.so" | awk "{print \$3}" | c++filt | grep -vE "^nfg_|netflowgen::"'
check "it has a version: $(readlink "$lib/libnetflowgen.so")" '[ -e "$lib/libnetflowgen.so.$VERSION" ]'

"$NETFLOWGEN" -q simulate tiny -o "$work/sim" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
flows=$work/sim/flows.csv.zst

# Every public header, each of which needs nothing before it.
cp -r "$SOURCE_DIR/examples" "$work/examples"
{ (cd "$prefix/include/netflowgen" && find . -name '*.h' | sed 's|^\./||' | sort | sed 's|.*|#include "&"|'); echo '#include <netflowgen.h>'; } >"$work/headers"
check "there are many headers ($(wc -l <"$work/headers"))" '[ "$(wc -l <"$work/headers")" -gt 80 ]'
mkdir "$work/headers.cpp"
{ cat "$work/headers"; echo 'int main() { return nfg_abi_version() == NFG_ABI_VERSION ? 0 : 1; }'; } >"$work/headers.cpp/all.cc"
{ tac "$work/headers"; echo 'int unused_headers() { return 0; }'; } >"$work/headers.cpp/reversed.cc"
cat >"$work/headers.cpp/CMakeLists.txt" <<'EOF'
cmake_minimum_required(VERSION 3.25)
project(headers LANGUAGES C CXX)
find_package(netflowgen CONFIG REQUIRED)
add_executable(headers all.cc reversed.cc)
target_link_libraries(headers PRIVATE netflowgen::netflowgen)
EOF

build() {  # NAME FOLDER
  (cd "$work" && cmake -S "$2" -B "$work/build-$1" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Debug && cmake --build "$work/build-$1") >"$work/log" 2>&1 ||
    { echo "FAILED: $1 is built with find_package" >&2; tail -30 "$work/log" >&2; failed=1; }
}
build headers "$work/headers.cpp"
check "the headers' program runs" '"$work/build-headers/headers"'
build cpp "$work/examples/cpp"
check "the example runs" '(cd / && "$work/build-cpp/forecast" "$flows" 10.30.0.0/26) >"$work/cpp.out"'
check "with the installed model" 'grep -qF "the model is in $prefix/share/netflowgen/models/default" "$work/cpp.out"'
check "it forecasts" '[ "$(grep -c "bytes_in in .* min: [0-9]" "$work/cpp.out")" -ge 3 ]'
check "it scores" '[ "$(grep -cE "score:.* ddos -?[0-9]" "$work/cpp.out")" = 3 ]'
status=0; "$work/build-cpp/forecast" /nowhere >"$work/out" 2>"$work/err" || status=$?
check "a missing file is an error with a sentence ($status)" '[ $status = 1 ] && grep -q "^forecast: .*/nowhere" "$work/err"'
cp -r "$work/headers.cpp" "$work/old.cpp" && sed -i 's/find_package(netflowgen /find_package(netflowgen 0.1 /' "$work/old.cpp/CMakeLists.txt"
check "another minor version is refused" '! cmake -S "$work/old.cpp" -B "$work/build-old" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 && grep -q "version: $VERSION" "$work/log"'

# The same figures as the command.
"$NETFLOWGEN" -q series "$flows" -o "$work/store" --nodes 10.30.0.0/26 >"$work/log" 2>&1 || { cat "$work/log"; failed=1; }
node=$(sed -n 's/^\([0-9.]*\) bytes_in in 1 min: .*/\1/p' "$work/cpp.out" | head -1)
"$NETFLOWGEN" -q forecast "$work/store" --node "$node" --feature bytes_in -f csv --model "$prefix/share/netflowgen/models/default" >"$work/forecast.csv" || failed=1
said=$(sed -n 's/.* bytes_in in 1 min: \([0-9]*\),.*/\1/p' "$work/cpp.out" | head -1)
expected=$(sed -n 2p "$work/forecast.csv" | cut -d, -f9)
check "the example forecasts $said where the command forecasts $expected" 'awk "BEGIN { exit !($said >= $expected * 0.99999 - 1 && $said <= $expected * 1.00001 + 1) }"'
# C by pkg-config.
export PKG_CONFIG_PATH=$lib/pkgconfig
check "pkg-config knows the version" '[ "$(pkg-config --modversion netflowgen)" = "$VERSION" ]'
check "a C program is built with pkg-config" 'cc -std=c99 -Wall -Wextra -Wpedantic -Werror "$SOURCE_DIR/tests/library/capi.c" -o "$work/capi" $(pkg-config --cflags --libs netflowgen) -lm -Wl,-rpath,"$lib"'
check "and runs" '"$work/capi" "$prefix/share/netflowgen/models/default" >"$work/capi.out"'
check "a C++ program, too" 'c++ -std=c++20 -fsyntax-only -x c++ "$work/headers.cpp/all.cc" $(pkg-config --cflags netflowgen-cpp)'

# Debian's package has all but the model, which comes with the program; without it programs are built all the same.
cmake --install "$BINARY_DIR" --prefix "$work/dev" --component dev >"$work/log" 2>&1 || { cat "$work/log"; failed=1; }
check "component dev is the library without the model" 'diff <(cd "$prefix" && find . -not -type d -not -path "./share/netflowgen/models/*" | sort) <(cd "$work/dev" && find . -not -type d -not -path "./share/doc/*" | sort)'
cp -r "$work/headers.cpp" "$work/model.cpp" && echo 'message("the model: [${NETFLOWGEN_MODEL_FOLDER}]")' >>"$work/model.cpp/CMakeLists.txt"
check "where there is no model, none is named" 'cmake -S "$work/model.cpp" -B "$work/build-model" -DCMAKE_PREFIX_PATH="$work/dev" 2>&1 | grep -qx "the model: \[\]"'
check "where there is one, it is" 'cmake -S "$work/model.cpp" -B "$work/build-model-2" -DCMAKE_PREFIX_PATH="$prefix" 2>&1 | grep -qx "the model: \[$prefix/share/netflowgen/models/default\]"'

languages=
if command -v go >/dev/null; then
  check "the Go example is built" '(cd "$work/examples/go" && CGO_CFLAGS="$(pkg-config --cflags netflowgen)" CGO_LDFLAGS="$(pkg-config --libs netflowgen) -Wl,-rpath,$lib" GOFLAGS=-mod=mod GOTOOLCHAIN=local go build -o "$work/go-example" .) >"$work/log" 2>&1 || { cat "$work/log"; false; }'
  check "and runs" '"$work/go-example" >"$work/go.out"'
  languages="$languages, Go"
else echo "not run: the Go example, there is no go"; fi
if command -v rustc >/dev/null; then
  check "the Rust example is built" 'rustc --edition 2021 -O "$work/examples/rust/src/main.rs" -o "$work/rust-example" -L "$lib" -C link-arg=-Wl,-rpath,"$lib" >"$work/log" 2>&1 || { cat "$work/log"; false; }'
  check "and runs" '"$work/rust-example" >"$work/rust.out"'
  languages="$languages, Rust"
else echo "not run: the Rust example, there is no rustc"; fi
"$work/capi" "$prefix/share/netflowgen/models/default" example >"$work/c.out"
check "C raises an alert and scores the flood higher" 'grep -q "^alert in minute 100$" "$work/c.out" && grep -q "in the flood$" "$work/c.out"'
for language in go rust; do
  [ ! -e "$work/$language.out" ] || check "$language prints what C prints" 'diff "$work/c.out" "$work/$language.out"'
done

[ $failed = 0 ] && echo "library: installed, moved, and used from C++, C$languages"
exit $failed
