// The public capture: its parts put together in the order in which they need the CPU.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "capture/hardware_cpus.hpp"
#include "capture/kvm.hpp"
#include "capture/meta.hpp"
#include "capture/msr_devices.hpp"
#include "dump/virtual_machine.hpp"
#include "os/file_descriptor.hpp"
#include "os/pinning.hpp"
#include "poolcpuid/capture.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid {

namespace {

std::string machine_name() {
    std::array<char, limits::name_bytes + 1> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) {
        throw SystemError("this machine has no name (" + os::reason(errno) + "): give one");
    }
    return name.data();
}

std::string name_of_host(const std::string& given) {
    std::string name = given.empty() ? machine_name() : given;
    const std::string problem = host_name_problem(name);
    if (!problem.empty()) throw UsageError("the host's name must be one that documents take, not " + problem);
    return name;
}

// The words of what was not seen, sorted, each once, with commas between them.
std::string missing_text(const std::vector<NotSeen>& not_seen) {
    std::set<std::string_view> words;
    for (const NotSeen& thing : not_seen) words.insert(thing.word);
    std::string text;
    for (const std::string_view word : words) text += (text.empty() ? "" : ",") + std::string(word);
    return text;
}

// Moves to the first CPU on which the thread may run.
void move_to_first(os::Pinning& pinning, const std::vector<std::uint32_t>& cpus) {
    for (const std::uint32_t cpu : cpus) {
        if (pinning.move_to(cpu)) return;
    }
}

}  // namespace

std::vector<std::uint32_t> feature_msrs(const Rulebook& rulebook) {
    std::vector<std::uint32_t> indices;
    for (const Field& field : rulebook.fields) {
        if (field.is_msr && field.rule != Rule::hide && field.rule != Rule::owned) indices.push_back(field.leaf);
    }
    std::sort(indices.begin(), indices.end());
    indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
    return indices;
}

CaptureResult capture_host(const Rulebook& rulebook, const CaptureOptions& options) {
    CaptureResult result;
    HostDump& host = result.host;
    host.name = name_of_host(options.name);
    {
        os::Pinning pinning;
        const std::vector<std::uint32_t> online = capture::online_cpus(options.sources, pinning, result.not_seen);
        auto hardware = capture::read_hardware_cpus(online, options.sources, pinning, result.not_seen);
        if (hardware.cpus.empty()) {
            throw SystemError("no logical CPU can be read" +
                              (result.not_seen.empty() ? "" : ": " + result.not_seen.back().sentence));
        }
        host.hardware = HardwareView{std::move(hardware.cpus), std::nullopt};
        if (!hardware.not_read.empty()) host.meta["cpus_not_read"] = capture::cpu_list_text(hardware.not_read);
        host.hardware->msrs =
            capture::read_msr_devices(online, feature_msrs(rulebook), options.sources, result.not_seen);
        move_to_first(pinning, online);
        host.hypervisor = capture::read_kvm(options.sources, result.not_seen);
    }
    host.meta.merge(capture::read_meta(options.sources, result.not_seen));
    const std::string missing = missing_text(result.not_seen);
    if (!missing.empty()) host.meta["missing"] = missing;
    dump::note_virtual_machine(host);
    // As who reads the document back has it: of its content, whatever its layout.
    host.sha256 = sha256_of(host);
    return result;
}

}  // namespace poolcpuid
