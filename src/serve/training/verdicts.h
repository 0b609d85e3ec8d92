// What operators said of alerts, as labels for training (docs/formats.md, Labels).
#pragma once

#include "base/file.h"

namespace netflowgen::serve {

// Writes the judged alerts of alerts.db: node, start, end, type; `benign` where an operator rejected one. The last verdict counts.
// Returns how many; 0: nothing is written. Error: the file cannot be read or written.
size_t write_verdicts(const base::fs::path& alerts_db, const base::fs::path& labels);

}  // namespace netflowgen::serve
