#include "capture/msr_devices.hpp"

#include <cerrno>

#include "base/hex.hpp"
#include "capture/hardware_cpus.hpp"
#include "os/file_descriptor.hpp"

namespace poolcpuid::capture {

namespace {

// One MSR over all CPUs that were read.
enum class Reading { none, same, differs, failed };
struct Msr {
    MsrRow row;
    Reading reading = Reading::none;
};

// Fills the value unless RDMSR faults. False when neither happened.
bool read_msr(const os::FileDescriptor& device, MsrRow& row) {
    std::uint64_t value = 0;
    const ssize_t count = ::pread(device.number(), &value, sizeof value, static_cast<off_t>(row.index));
    if (count == static_cast<ssize_t>(sizeof value)) {
        row.value = value;
        return true;
    }
    return count < 0 && errno == EIO;
}

void read_on_one_more(const os::FileDescriptor& device, Msr& msr) {
    if (msr.reading == Reading::failed) return;
    MsrRow here{msr.row.index, std::nullopt};
    if (!read_msr(device, here)) {
        msr.reading = Reading::failed;
    } else if (msr.reading == Reading::none) {
        msr = {here, Reading::same};
    } else if (here != msr.row) {
        msr.reading = Reading::differs;
    }
}

class MsrReader {
public:
    explicit MsrReader(const std::vector<std::uint32_t>& indices) {
        for (const std::uint32_t index : indices) msrs_.push_back({{index, std::nullopt}});
    }

    void read_cpu(std::uint32_t cpu, const CaptureSources& sources) {
        const std::string path = sources.dev + "/cpu/" + std::to_string(cpu) + "/msr";
        const os::FileDescriptor device(path, O_RDONLY);
        if (!device.is_open()) {
            if (closed_.empty()) problem_ = path + " cannot be opened (" + os::reason(errno) + ")";
            closed_.push_back(cpu);
            return;
        }
        opened_ = true;
        for (Msr& msr : msrs_) read_on_one_more(device, msr);
    }

    std::optional<std::vector<MsrRow>> finish(std::vector<NotSeen>& not_seen) const {
        if (!closed_.empty()) {
            not_seen.push_back({unseen::msrs, (opened_ ? "No MSRs of logical CPU " + cpu_list_text(closed_)
                                                       : std::string("No MSRs in the hardware view")) +
                                                  ": " + problem_ +
                                                  ". Run as root, with the kernel module msr loaded (modprobe msr)."});
        }
        if (!opened_) return std::nullopt;
        name_left_out(Reading::differs, "MSRs that differ between logical CPUs, left out: ", not_seen);
        name_left_out(Reading::failed, "MSRs that the kernel does not read, left out: ", not_seen);
        std::vector<MsrRow> rows;
        for (const Msr& msr : msrs_) {
            if (msr.reading == Reading::same) rows.push_back(msr.row);
        }
        return rows;
    }

private:
    void name_left_out(Reading reading, const std::string& sentence, std::vector<NotSeen>& not_seen) const {
        std::string list;
        for (const Msr& msr : msrs_) {
            if (msr.reading == reading) list += (list.empty() ? "" : ", ") + to_hex(msr.row.index);
        }
        if (!list.empty()) not_seen.push_back({unseen::some_msrs, sentence + list + "."});
    }

    std::vector<Msr> msrs_;
    bool opened_ = false;                // a device
    std::vector<std::uint32_t> closed_;  // CPUs without a device that opens
    std::string problem_;                // of the first of these
};

}  // namespace

std::optional<std::vector<MsrRow>> read_msr_devices(const std::vector<std::uint32_t>& cpus,
                                                    const std::vector<std::uint32_t>& msrs,
                                                    const CaptureSources& sources, std::vector<NotSeen>& not_seen) {
    MsrReader reader(msrs);
    for (const std::uint32_t cpu : cpus) reader.read_cpu(cpu, sources);
    return reader.finish(not_seen);
}

}  // namespace poolcpuid::capture
