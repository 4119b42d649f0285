#include "capture/msr_devices.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "capture/cpu_list.hpp"
#include "capture/file_descriptor.hpp"
#include "text/hex.hpp"

namespace poolcpuid::capture {

namespace {

std::string list(const std::vector<std::uint32_t>& msrs) {
    std::string text;
    for (const std::uint32_t index : msrs) text += (text.empty() ? "" : ", ") + to_hex(index);
    return text;
}

// One MSR over all CPUs.
enum class Reading { none, same, differs, failed };

class MsrReader {
public:
    MsrReader(const std::vector<std::uint32_t>& cpus, const CaptureSources& sources) {
        for (const std::uint32_t cpu : cpus) {
            const std::string path = sources.dev + "/cpu/" + std::to_string(cpu) + "/msr";
            FileDescriptor device(path, O_RDONLY);
            if (device.is_open()) {
                devices_.push_back(std::move(device));
            } else if (closed_.empty()) {
                problem_ = path + " cannot be opened (" + reason(errno) + ")";
                closed_.push_back(cpu);
            } else {
                closed_.push_back(cpu);
            }
        }
    }

    std::optional<std::vector<MsrRow>> read(const std::vector<std::uint32_t>& msrs,
                                            std::vector<std::string>& not_seen) const {
        const std::string advice = ". Run as root, with the kernel module msr loaded.";
        if (devices_.empty()) {
            not_seen.push_back("No MSRs in the hardware view: " + problem_ + advice);
            return std::nullopt;
        }
        if (!closed_.empty()) {
            not_seen.push_back("No MSRs of logical CPU " + cpu_list_text(closed_) + ": " + problem_ + advice);
        }
        std::vector<MsrRow> rows;
        std::vector<std::uint32_t> differ;
        std::vector<std::uint32_t> failed;
        for (const std::uint32_t index : msrs) {
            MsrRow row{index, std::nullopt};
            const Reading reading = read_everywhere(row);
            if (reading == Reading::same) rows.push_back(row);
            if (reading == Reading::differs) differ.push_back(index);
            if (reading == Reading::failed) failed.push_back(index);
        }
        if (!differ.empty())
            not_seen.push_back("MSRs that differ between logical CPUs, left out: " + list(differ) + ".");
        if (!failed.empty()) not_seen.push_back("MSRs that the kernel does not read, left out: " + list(failed) + ".");
        return rows;
    }

private:
    Reading read_everywhere(MsrRow& row) const {
        Reading all = Reading::none;
        for (const FileDescriptor& device : devices_) {
            MsrRow here{row.index, std::nullopt};
            if (!read_one(device, here)) return Reading::failed;
            if (all == Reading::none) {
                row = here;
                all = Reading::same;
            } else if (here != row) {
                all = Reading::differs;
            }
        }
        return all;
    }

    // Fills the value unless RDMSR faults. False when neither happened.
    static bool read_one(const FileDescriptor& device, MsrRow& row) {
        std::uint64_t value = 0;
        const ssize_t count = ::pread(device.number(), &value, sizeof value, static_cast<off_t>(row.index));
        if (count == static_cast<ssize_t>(sizeof value)) {
            row.value = value;
            return true;
        }
        return count < 0 && errno == EIO;
    }

    std::vector<FileDescriptor> devices_;
    std::vector<std::uint32_t> closed_;  // CPUs without a device that opens
    std::string problem_;                // of the first of these
};

}  // namespace

std::optional<std::vector<MsrRow>> read_msr_devices(const std::vector<std::uint32_t>& cpus,
                                                    const std::vector<std::uint32_t>& msrs,
                                                    const CaptureSources& sources, std::vector<std::string>& not_seen) {
    return MsrReader(cpus, sources).read(msrs, not_seen);
}

}  // namespace poolcpuid::capture
