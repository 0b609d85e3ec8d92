// What nearly every file reads of the standard library and of fmt, parsed once for all modules. It holds nothing of this
// project: a change in src never compiles it anew. A file still includes what it names (NETFLOWGEN_PCH=OFF shows it).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>
