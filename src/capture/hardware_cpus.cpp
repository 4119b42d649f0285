#include "capture/hardware_cpus.hpp"

#include <cerrno>
#include <optional>
#include <utility>

#include "capture/cpu_list.hpp"
#include "capture/enumerate.hpp"
#include "capture/text_file.hpp"
#include "os/file_descriptor.hpp"
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

    HardwareCpus finish(std::vector<std::string>& not_seen) && {
        if (!result_.not_read.empty()) {
            not_seen.push_back("Left out logical CPU " + cpu_list_text(result_.not_read) +
                               ": the program may not run there, and " + problem_ +
                               ". Run it outside of a cpuset, or as root with the kernel module cpuid loaded.");
        }
        if (!cut_.empty()) {
            not_seen.push_back(
                "Logical CPU " + cpu_list_text(cut_) +
                " announces more leaves than any real CPU has: those beyond the first 256 of a range, or "
                "the first " +
                std::to_string(limits::rows_per_cpu) + " rows, were not read.");
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
                                       std::vector<std::string>& not_seen) {
    const std::string path = sources.sys + "/devices/system/cpu/online";
    const std::optional<std::string> text = read_text_file(path);
    if (text) {
        if (auto online = parse_cpu_list(*text)) return *std::move(online);
    }
    not_seen.push_back("Other logical CPUs than " + cpu_list_text(pinning.allowed()) + ", if there are any: " + path +
                       " cannot be read, so only those on which the program may run were.");
    return pinning.allowed();
}

HardwareCpus read_hardware_cpus(const std::vector<std::uint32_t>& online, const CaptureSources& sources,
                                os::Pinning& pinning, std::vector<std::string>& not_seen) {
    CpuReader reader(sources, pinning);
    for (const std::uint32_t number : online) reader.read(number);
    return std::move(reader).finish(not_seen);
}

}  // namespace poolcpuid::capture
