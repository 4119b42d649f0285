// The page's style and script: report.css and report.js, which the build makes into strings.
#pragma once

#include <string_view>

namespace poolcpuid::report {

extern const std::string_view page_style;
extern const std::string_view page_script;

}  // namespace poolcpuid::report
