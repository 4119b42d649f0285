#include "capture/hardware_cpus.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

#include "capture/enumerate.hpp"
#include "os/file_descriptor.hpp"
#include "os/read_file.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::capture {

namespace {

class CpuReader {
public:
    CpuReader(const CaptureSources& sources, os::Pinning& pinning) : sources_(sources), pinning_(pinning) {}

    void read(std::uint32_t number) {
        const std::optional<Enumeration> answers = enumerate(number);
        if (!answers) {
            result_.not_read.push_back(number);
            return;
        }
        if (answers->cut) cut_.push_back(number);
        result_.cpus.push_back({number, answers->cpuid});
    }

    HardwareCpus finish(std::vector<NotSeen>& not_seen) && {
        if (!result_.not_read.empty()) {
            not_seen.push_back(
                {unseen::cpus, "Left out logical CPU " + cpu_list_text(result_.not_read) +
                                   ": the program may not run there, and " + problem_ +
                                   ". Run it outside of a cpuset, or as root with the kernel module cpuid loaded."});
        }
        if (!cut_.empty()) {
            not_seen.push_back(
                {unseen::cpus, "Logical CPU " + cpu_list_text(cut_) +
                                   " announces more leaves than any real CPU has: those beyond the first 256 of a "
                                   "range, or the first " +
                                   std::to_string(limits::rows_per_cpu) + " rows, were not read."});
        }
        return std::move(result_);
    }

private:
    std::optional<Enumeration> enumerate(std::uint32_t number) {
        if (pinning_.move_to(number)) return enumerate_cpuid(execute_cpuid);
        const std::string path = sources_.dev + "/cpu/" + std::to_string(number) + "/cpuid";
        const std::optional<CpuidSource> device = open_cpuid_device(path);
        if (!device) {
            problem_ = path + " cannot be opened (" + os::reason(errno) + ")";
            return std::nullopt;
        }
        try {
            return enumerate_cpuid(*device);
        } catch (const SystemError& error) {
            problem_ = error.what();
            return std::nullopt;
        }
    }

    const CaptureSources& sources_;
    os::Pinning& pinning_;
    HardwareCpus result_;
    std::vector<std::uint32_t> cut_;
    std::string problem_;  // why the last of not_read could not be read
};

}  // namespace

std::vector<std::uint32_t> online_cpus(const CaptureSources& sources, const os::Pinning& pinning,
                                       std::vector<NotSeen>& not_seen) {
    const std::string path = sources.sys + "/devices/system/cpu/online";
    const std::optional<std::string> text = os::read_text_file(path);
    if (text) {
        if (auto online = parse_cpu_list(*text)) return *std::move(online);
    }
    not_seen.push_back({unseen::cpus, "Other logical CPUs than " + cpu_list_text(pinning.allowed()) +
                                          ", if there are any: " + path +
                                          " cannot be read, so only those on which the program may run were."});
    return pinning.allowed();
}

HardwareCpus read_hardware_cpus(const std::vector<std::uint32_t>& online, const CaptureSources& sources,
                                os::Pinning& pinning, std::vector<NotSeen>& not_seen) {
    CpuReader reader(sources, pinning);
    for (const std::uint32_t number : online) reader.read(number);
    return std::move(reader).finish(not_seen);
}

namespace {

std::optional<std::uint32_t> parse_number(std::string_view text) {
    std::uint32_t number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || end != last) return std::nullopt;
    return number;
}

// Adds the CPUs of "3" or "3-5". Returns whether text was one of these and there was room.
bool add_range(std::string_view text, std::vector<std::uint32_t>& cpus) {
    const std::size_t dash = text.find('-');
    const auto first = parse_number(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_number(text.substr(dash + 1));
    if (!first || !last || *last < *first) return false;
    if (*last - *first >= limits::logical_cpus - cpus.size()) return false;
    for (std::uint32_t cpu = *first; cpu <= *last; ++cpu) cpus.push_back(cpu);
    return true;
}

}  // namespace

std::optional<std::vector<std::uint32_t>> parse_cpu_list(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
    std::vector<std::uint32_t> cpus;
    for (bool more = true; more;) {
        const std::size_t comma = text.find(',');
        if (!add_range(text.substr(0, comma), cpus)) return std::nullopt;
        more = comma != std::string_view::npos;
        if (more) text.remove_prefix(comma + 1);
    }
    std::sort(cpus.begin(), cpus.end());
    cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
    return cpus;
}

std::string cpu_list_text(const std::vector<std::uint32_t>& cpus) {
    std::string text;
    for (std::size_t first = 0; first < cpus.size();) {
        std::size_t last = first;
        while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
        if (!text.empty()) text += ',';
        text += std::to_string(cpus[first]);
        if (last > first) text += '-' + std::to_string(cpus[last]);
        first = last + 1;
    }
    return text;
}

}  // namespace poolcpuid::capture
