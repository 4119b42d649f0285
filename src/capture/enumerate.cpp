#include "capture/enumerate.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include <array>
#include <memory>
#include <optional>

#include "dump/leaf_shapes.hpp"
#include "os/file_descriptor.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::capture {

namespace {

// The first leaves of the ranges that dump::maximum_leaf knows, but for the hypervisors' between the first
// two, which come in blocks.
constexpr std::uint32_t basic_range = 0;
constexpr std::array<std::uint32_t, 3> upper_ranges{extended_range, transmeta_range, centaur_range};
constexpr std::uint32_t block_size = 0x100;

constexpr std::uint32_t most_blocks = 8;  // no hypervisor has so many: what announces more is damaged

class Enumerator {
public:
    explicit Enumerator(const CpuidSource& cpuid) : cpuid_(cpuid) {}

    Enumeration run() && {
        add_range(basic_range);
        add_hypervisor_blocks();
        for (const std::uint32_t first : upper_ranges) add_range(first);
        return std::move(result_);
    }

private:
    // A hypervisor that offers several interfaces has them one after the other: Hyper-V's first, then its own.
    void add_hypervisor_blocks() {
        for (std::uint32_t number = 0; add_range(hypervisor_range + number * block_size);) {
            if (++number < most_blocks) continue;
            result_.cut = true;
            return;
        }
    }

    // Adds the leaves of a range, or of a hypervisor's block. Returns whether the CPU has it.
    bool add_range(std::uint32_t first) {
        const std::optional<std::uint32_t> maximum = announced_maximum(first);
        if (!maximum) return false;
        std::uint32_t last = *maximum;
        if (last - first >= most_leaves_of_range) {
            last = first + most_leaves_of_range - 1;
            result_.cut = true;
        }
        for (std::uint32_t leaf = first; leaf <= last; ++leaf) add_leaf(leaf);
        return true;
    }

    // What the first leaf of a range announces, by the rule that the readers of dumps go by.
    std::optional<std::uint32_t> announced_maximum(std::uint32_t first) {
        CpuidTable& table = result_.cpuid;
        table.rows.push_back({{first, 0}, cpuid_(first, 0)});
        const std::optional<std::uint32_t> maximum = dump::maximum_leaf(table, first);
        table.rows.pop_back();
        return maximum;
    }

    void add_leaf(std::uint32_t leaf) {
        const Registers first = read({leaf, 0});
        add({leaf, 0}, first);
        const dump::LeafShape* const shape = dump::shape_of(leaf);
        if (shape == nullptr) return;
        switch (shape->how) {
            case dump::Subleaves::counted:
            case dump::Subleaves::bitmap: return add_announced(*shape, first);
            case dump::Subleaves::list: return add_list(*shape, first);
            case dump::Subleaves::components: return add_components(leaf, first);
        }
    }

    Registers read(LeafKey key) const { return cpuid_(key.leaf, key.subleaf); }

    void add(LeafKey key, const Registers& value) {
        if (result_.cpuid.rows.size() < limits::rows_per_cpu) {
            result_.cpuid.rows.push_back({key, value});
        } else {
            result_.cut = true;
        }
    }

    // A row that was not announced: zeros say that it does not exist.
    void add_unless_zero(LeafKey key, const Registers& value) {
        if (!value.all_zero()) add(key, value);
    }

    void mark_rest_unknown(std::uint32_t leaf) { result_.cpuid.unknown.push_back({leaf, std::nullopt}); }

    void add_announced(const dump::LeafShape& shape, const Registers& first) {
        const dump::AnnouncedSubleaves announced = dump::announced_subleaves(shape, first);
        if (announced.cut) mark_rest_unknown(shape.leaf);
        for (const std::uint32_t subleaf : announced.subleaves) add({shape.leaf, subleaf}, read({shape.leaf, subleaf}));
    }

    void add_list(const dump::LeafShape& shape, Registers value) {
        for (std::uint32_t subleaf = 0; !shape.ends_at(subleaf, value);) {
            if (++subleaf == dump::most_subleaves) return mark_rest_unknown(shape.leaf);
            value = read({shape.leaf, subleaf});
            add_unless_zero({shape.leaf, subleaf}, value);
        }
    }

    // There are CPUs that describe components which they do not announce.
    void add_components(std::uint32_t leaf, const Registers& user) {
        if (user.all_zero()) return;
        const Registers flags = read({leaf, 1});
        add_unless_zero({leaf, 1}, flags);
        const std::uint64_t announced = dump::announced_components(user, flags);
        for (std::uint32_t component = 2; component <= dump::last_component; ++component) {
            const Registers layout = read({leaf, component});
            if ((announced >> component & 1U) == 1) {
                add({leaf, component}, layout);
            } else {
                add_unless_zero({leaf, component}, layout);
            }
        }
    }

    const CpuidSource& cpuid_;
    Enumeration result_;
};

}  // namespace

Enumeration enumerate_cpuid(const CpuidSource& cpuid) { return Enumerator(cpuid).run(); }

Registers execute_cpuid(std::uint32_t leaf, std::uint32_t subleaf) {
#if defined(__x86_64__) || defined(__i386__)
    Registers value;
    __cpuid_count(leaf, subleaf, value.eax, value.ebx, value.ecx, value.edx);
    return value;
#else
    throw SystemError("leaf " + std::to_string(leaf) + "." + std::to_string(subleaf) + ": this machine has no CPUID");
#endif
}

std::optional<CpuidSource> open_cpuid_device(const std::string& path) {
    const auto device = std::make_shared<os::FileDescriptor>(path, O_RDONLY);
    if (!device->is_open()) return std::nullopt;
    return [device, path](std::uint32_t leaf, std::uint32_t subleaf) {
        // The driver takes ECX from the upper half of the position (Linux, arch/x86/kernel/cpuid.c).
        const auto position = static_cast<off_t>(std::uint64_t{subleaf} << 32U | leaf);
        std::array<std::uint32_t, register_count> words{};
        const ssize_t count = ::pread(device->number(), words.data(), sizeof words, position);
        if (count != static_cast<ssize_t>(sizeof words)) {
            throw SystemError(path + ": cannot be read: " + (count < 0 ? os::reason(errno) : "it ends too early"));
        }
        return Registers{words[0], words[1], words[2], words[3]};
    };
}

}  // namespace poolcpuid::capture
