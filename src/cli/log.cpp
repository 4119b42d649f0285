#include "cli/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "text/printable.hpp"

namespace poolcpuid::cli {

void start_log(bool verbose) {
    auto logger = spdlog::stderr_color_mt("poolcpuid");
    logger->set_pattern("%n: %^%l%$: %v");
    logger->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
}

void log_error(const std::string& message) { spdlog::error("{}", printable(message)); }
void log_warning(const std::string& message) { spdlog::warn("{}", printable(message)); }
void log_info(const std::string& message) { spdlog::info("{}", printable(message)); }
void log_debug(const std::string& message) { spdlog::debug("{}", printable(message)); }

}  // namespace poolcpuid::cli
