// Bodies of webhooks of chat systems, in the forms that their own documents give: Slack (incoming webhooks, Block Kit),
// Mattermost (incoming webhooks, attachments), Teams (workflows, Adaptive Cards 1.4), Discord (execute webhook, embeds).
//
// Any thread. Invariants: 1. Names from outside mention nobody and format nothing. 2. A body has at most 16 KiB.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "serve/live_detector.h"

namespace netflowgen::serve {

// "slack", "mattermost", "teams", "discord".
const std::vector<std::string>& chat_formats();

// `story`: several lines about the record; `link`: of its page, "": none. REQUIRES: `format` is one of chat_formats().
nlohmann::ordered_json chat_body(std::string_view format, const AlertRecord& record, const std::string& story,
                                 const std::string& link);

}  // namespace netflowgen::serve
