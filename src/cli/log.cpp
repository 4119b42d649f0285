#include "cli/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/printable.hpp"

namespace poolcpuid::cli {

void start_log() {
    auto logger = spdlog::stderr_color_mt("poolcpuid");
    logger->set_pattern("%n: %^%l%$: %v");
    logger->set_level(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
}

void make_log_verbose() { spdlog::default_logger()->set_level(spdlog::level::debug); }

void log_error(const std::string& message) { spdlog::error("{}", printable(message)); }
void log_warning(const std::string& message) { spdlog::warn("{}", printable(message)); }
void log_info(const std::string& message) { spdlog::info("{}", printable(message)); }
void log_debug(const std::string& message) { spdlog::debug("{}", printable(message)); }

}  // namespace poolcpuid::cli
