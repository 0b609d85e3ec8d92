// The page's files, which are compiled into the program.
#pragma once

#include "serve/http/message.h"

namespace netflowgen::serve {

// Answers with a file of the page, or its index for a path that is one of its views. False: there is no such file.
bool reply_asset(const Request& request, const Reply& reply);

}  // namespace netflowgen::serve
