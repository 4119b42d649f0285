#include "cli/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/manner.hpp"
#include "cli/page.hpp"

namespace poolcpuid::cli {

namespace {

// Thousands apart: "12,345".
std::string grouped(std::size_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
    return text;
}

std::string megabytes(double bytes) {
    constexpr double mega = 1e6;
    std::string text(32, '\0');
    text.resize(static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%.1f MB", bytes / mega)));
    return text;
}

std::string bar(std::size_t part, std::size_t whole) {
    constexpr std::size_t cells = 20;
    const std::size_t full = std::min(part, whole) * cells / whole;
    return "[" + std::string(full, '#') + std::string(cells - full, ' ') + "] ";
}

}  // namespace

std::string progress_line(const std::string& doing, const Counted& counted, double seconds, std::size_t width) {
    std::string line = doing + "  ";
    if (counted.of_hosts != 0) line += bar(counted.hosts, counted.of_hosts);
    line += grouped(counted.hosts);
    if (counted.of_hosts != 0) line += " of " + grouped(std::max(counted.hosts, counted.of_hosts));
    line += " hosts";
    if (counted.bytes != 0) {
        const auto bytes = static_cast<double>(counted.bytes);
        line += "  " + megabytes(bytes);
        if (seconds > 0) line += "  " + megabytes(bytes / seconds) + "/s";
    } else if (seconds > 0) {
        line += "  " + grouped(static_cast<std::size_t>(static_cast<double>(counted.hosts) / seconds)) + " hosts/s";
    }
    return line.substr(0, width);
}

Progress::Progress()
    : is_shown_at_all_(::isatty(STDERR_FILENO) == 1 && !manner().quiet && !is_read_by_programs(manner())) {}

void Progress::start(const std::string& doing) {
    doing_ = doing;
    counted_ = {};
    start_ = Clock::now();
}

void Progress::expect(std::size_t hosts) { counted_.of_hosts += hosts; }

void Progress::add(std::size_t hosts, std::size_t bytes) {
    counted_.hosts += hosts;
    counted_.bytes += bytes;
    if (is_shown_at_all_) show();
}

void Progress::wipe() {
    if (has_line_) std::fputs("\r\033[K", stderr);
    has_line_ = false;
}

void Progress::show() {
    constexpr auto silence = std::chrono::seconds(1);
    constexpr auto pause = std::chrono::milliseconds(100);
    const Clock::time_point now = Clock::now();
    if (now - begin_ < silence || now - last_ < pause) return;
    last_ = now;
    has_line_ = true;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const std::string line = "\r" + progress_line(doing_, counted_, seconds, output_width() - 1) + "\033[K";
    std::fputs(line.c_str(), stderr);
}

}  // namespace poolcpuid::cli
