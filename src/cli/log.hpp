// The program's log: on standard error, so that standard output is data only.
#pragma once

#include <string>

namespace poolcpuid::cli {

// Prepares the log, once.
void start_log();

// Adds what is of interest when something is puzzling.
void make_log_verbose();

void log_error(const std::string& message);
void log_warning(const std::string& message);
void log_info(const std::string& message);
void log_debug(const std::string& message);

}  // namespace poolcpuid::cli
