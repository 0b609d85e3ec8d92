// What pages have in common: the style sheet of text, tables and charts (svg.h), light and dark.
#pragma once

namespace netflowgen::eval {

extern const char* const kReportStyle;  // CSS

}  // namespace netflowgen::eval
