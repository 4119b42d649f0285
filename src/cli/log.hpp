// The program's log: on standard error, so that standard output is data only.
#pragma once

#include <string>

namespace poolcpuid::cli {

// Prepares the log. verbose adds what is of interest when something is puzzling.
void start_log(bool verbose);

void log_error(const std::string& message);
void log_warning(const std::string& message);
void log_info(const std::string& message);
void log_debug(const std::string& message);

}  // namespace poolcpuid::cli
