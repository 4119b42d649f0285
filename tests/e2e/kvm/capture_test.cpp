// The hypervisor view of a capture is what KVM says. KVM is asked here again, by the numbers that its documentation and
// the C headers give its ioctls, and without any of the program's code.

#include <asm/prctl.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/validate.hpp"

namespace poolcpuid::test::capture_kvm_test {

using Json = nlohmann::json;

namespace {

constexpr unsigned long get_supported_cpuid = 0xC008AE05;
constexpr unsigned long get_msr_feature_index_list = 0xC004AE0A;
constexpr unsigned long get_msrs = 0xC008AE88;
constexpr std::uint32_t index_matters = 1;  // a flag of an entry
constexpr std::uint32_t tile_data = 18;     // the state component of AMX

struct CpuidEntry {
    std::uint32_t function, index, flags, eax, ebx, ecx, edx, padding[3];
};
struct CpuidList {
    std::uint32_t count = 256;
    std::uint32_t padding = 0;
    std::array<CpuidEntry, 256> entries{};
};
struct IndexList {
    std::uint32_t count = 1024;
    std::array<std::uint32_t, 1024> indices{};
};
struct OneMsr {
    std::uint32_t count = 1;
    std::uint32_t padding = 0;
    std::uint32_t index = 0;
    std::uint32_t reserved = 0;
    std::uint64_t value = 0;
};

using Rows = std::map<std::pair<std::uint32_t, std::uint32_t>, std::array<std::uint32_t, 4>>;
using Msrs = std::map<std::uint32_t, std::optional<std::uint64_t>>;

// /dev/kvm, opened by the test; while it is open the thread stays on one CPU, whose APIC id KVM reports.
class Kvm {
public:
    Kvm() : device_(::open("/dev/kvm", O_RDWR | O_CLOEXEC)) { ::sched_getaffinity(0, sizeof before_, &before_); }
    Kvm(const Kvm&) = delete;
    Kvm& operator=(const Kvm&) = delete;
    ~Kvm() {
        ::sched_setaffinity(0, sizeof before_, &before_);
        if (device_ >= 0) ::close(device_);
    }

    void stay_on(unsigned cpu) const {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
    }

    Rows supported_cpuid() const {
        ::syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM, tile_data);  // as VMMs do where there is AMX
        CpuidList list;
        REQUIRE(::ioctl(device_, get_supported_cpuid, &list) == 0);
        Rows rows;
        for (std::uint32_t i = 0; i < list.count; ++i) {
            const CpuidEntry& entry = list.entries.at(i);
            const std::uint32_t subleaf = (entry.flags & index_matters) != 0 ? entry.index : 0;
            rows[{entry.function, subleaf}] = {entry.eax, entry.ebx, entry.ecx, entry.edx};
        }
        return rows;
    }

    Msrs feature_msrs() const {
        IndexList list;
        REQUIRE(::ioctl(device_, get_msr_feature_index_list, &list) == 0);
        Msrs msrs;
        for (std::uint32_t i = 0; i < list.count; ++i) {
            OneMsr msr;
            msr.index = list.indices.at(i);
            const bool is_read = ::ioctl(device_, get_msrs, &msr) == 1;
            msrs[msr.index] = is_read ? std::optional(msr.value) : std::nullopt;
        }
        return msrs;
    }

private:
    int device_;
    cpu_set_t before_{};
};

std::uint64_t number(const Json& text) { return std::stoull(text.get<std::string>(), nullptr, 16); }
std::uint32_t number32(const Json& text) { return static_cast<std::uint32_t>(number(text)); }

Rows rows_of(const Json& cpuid) {
    Rows rows;
    for (const Json& row : cpuid) {
        rows[{number32(row.at("leaf")), number32(row.at("subleaf"))}] = {
            number32(row.at("eax")), number32(row.at("ebx")), number32(row.at("ecx")), number32(row.at("edx"))};
    }
    return rows;
}

Msrs msrs_of(const Json& list) {
    Msrs msrs;
    for (const Json& msr : list) {
        msrs[number32(msr.at("index"))] =
            msr.contains("fault") ? std::nullopt : std::optional<std::uint64_t>(number(msr.at("value")));
    }
    return msrs;
}

}  // namespace

TEST_CASE("KVM's view is what KVM says, row by row and MSR by MSR", "[capture]") {
    const Kvm kvm;
    const Result captured = run({"capture", "--name", "node-17"});
    INFO(captured.text());
    REQUIRE(captured.status == 0);
    for (const std::string& error : schema_errors("host", captured.out)) FAIL_CHECK(error);
    const Json views = Json::parse(captured.out).at("views");
    REQUIRE(views.contains("hypervisor"));
    const Json& view = views.at("hypervisor");
    CHECK(view.at("name") == "kvm");
    kvm.stay_on(views.at("hardware").at("cpus").at(0).at("cpu").get<unsigned>());
    const Rows rows = rows_of(view.at("cpuid"));
    CHECK(rows.size() == view.at("cpuid").size());
    CHECK(rows == kvm.supported_cpuid());
    CHECK(msrs_of(view.at("msrs")) == kvm.feature_msrs());
}

}  // namespace poolcpuid::test::capture_kvm_test
