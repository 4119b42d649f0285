#include "capture/enumerate.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "dump/leaf_ranges.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::capture {

namespace {

// How a leaf says which subleaves it has.
enum class Subleaves : std::uint8_t {
    counted,     // EAX of subleaf 0 is the highest
    bitmap,      // subleaf n exists if bit n of a register of subleaf 0 is set
    list,        // from some subleaf on, the first with zeros in a field of a register ends the list
    components,  // 0 and 1 have a bit for each state component; the component's number is its subleaf
};

struct SubleafedLeaf {
    std::uint32_t leaf;
    Subleaves how;
    Register reg = Register::eax;  // bitmap, list
    std::uint32_t mask = 0;        // list: the field
    std::uint32_t from = 0;        // list: the first subleaf that may end it
};

constexpr std::uint32_t level_type = 0xFF00;
constexpr std::uint32_t cache_type = 0x1F;

// SDM vol. 2A, CPUID, and Intel's ISE for 27h and up; APM vol. 3, appendix E.4 for 8000_00xxh.
constexpr std::array subleafed_leaves{
    SubleafedLeaf{0x4, Subleaves::list, Register::eax, cache_type},
    SubleafedLeaf{0x7, Subleaves::counted},
    SubleafedLeaf{0xB, Subleaves::list, Register::ecx, level_type},
    SubleafedLeaf{0xD, Subleaves::components},
    SubleafedLeaf{0xF, Subleaves::bitmap, Register::edx},
    SubleafedLeaf{0x10, Subleaves::bitmap, Register::ebx},
    SubleafedLeaf{0x12, Subleaves::list, Register::eax, 0xF, 2},  // enclave page cache sections
    SubleafedLeaf{0x14, Subleaves::counted},
    SubleafedLeaf{0x17, Subleaves::counted},
    SubleafedLeaf{0x18, Subleaves::counted},
    SubleafedLeaf{0x1B, Subleaves::list, Register::eax, 0xFFF},  // PCONFIG targets
    SubleafedLeaf{0x1D, Subleaves::counted},
    SubleafedLeaf{0x1E, Subleaves::counted},
    SubleafedLeaf{0x1F, Subleaves::list, Register::ecx, level_type},
    SubleafedLeaf{0x20, Subleaves::counted},
    SubleafedLeaf{0x23, Subleaves::bitmap, Register::eax},
    SubleafedLeaf{0x24, Subleaves::counted},
    SubleafedLeaf{0x27, Subleaves::bitmap, Register::edx},  // as Fh, of one region
    SubleafedLeaf{0x28, Subleaves::bitmap, Register::ebx},  // as 10h, of one region
    SubleafedLeaf{0x29, Subleaves::counted},
    SubleafedLeaf{0x8000001D, Subleaves::list, Register::eax, cache_type},
    SubleafedLeaf{0x80000020, Subleaves::bitmap, Register::ebx},
    SubleafedLeaf{0x80000026, Subleaves::list, Register::ecx, level_type},
};

// The first leaves of the ranges that dump::maximum_leaf knows, but for the hypervisors' between the first
// two, which come in blocks.
constexpr std::uint32_t basic_range = 0;
constexpr std::array<std::uint32_t, 3> upper_ranges{dump::extended_range, 0x80860000, 0xC0000000};
constexpr std::uint32_t hypervisor_range = 0x40000000;
constexpr std::uint32_t block_size = 0x100;

// No range has a quarter of that, no leaf so many subleaves and no hypervisor so many blocks: what announces
// more is damaged.
constexpr std::uint32_t most_leaves = 0x100;
constexpr std::uint32_t most_blocks = 8;
constexpr std::uint32_t most_subleaves = 64;
constexpr std::uint32_t last_component = 62;

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
        if (last - first >= most_leaves) {
            last = first + most_leaves - 1;
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
        const auto* const how = std::find_if(subleafed_leaves.begin(), subleafed_leaves.end(),
                                             [leaf](const SubleafedLeaf& each) { return each.leaf == leaf; });
        if (how == subleafed_leaves.end()) return;
        switch (how->how) {
            case Subleaves::counted: return add_counted(leaf, first.eax);
            case Subleaves::bitmap: return add_bitmap(leaf, first[how->reg]);
            case Subleaves::list: return add_list(*how, first);
            case Subleaves::components: return add_components(leaf, first);
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

    void add_counted(std::uint32_t leaf, std::uint32_t last) {
        if (last >= most_subleaves) {
            mark_rest_unknown(leaf);
            last = most_subleaves - 1;
        }
        for (std::uint32_t subleaf = 1; subleaf <= last; ++subleaf) add({leaf, subleaf}, read({leaf, subleaf}));
    }

    void add_bitmap(std::uint32_t leaf, std::uint32_t subleaves) {
        for (std::uint32_t subleaf = 1; subleaf < 32; ++subleaf) {
            if ((subleaves >> subleaf & 1U) == 1) add({leaf, subleaf}, read({leaf, subleaf}));
        }
    }

    void add_list(const SubleafedLeaf& how, Registers value) {
        const auto ends_at = [&how](std::uint32_t subleaf, const Registers& row) {
            return subleaf >= how.from && (row[how.reg] & how.mask) == 0;
        };
        for (std::uint32_t subleaf = 0; !ends_at(subleaf, value);) {
            if (++subleaf == most_subleaves) return mark_rest_unknown(how.leaf);
            value = read({how.leaf, subleaf});
            add_unless_zero({how.leaf, subleaf}, value);
        }
    }

    // EAX and EDX of subleaf 0 are the bits of XCR0 that may be set, ECX and EDX of subleaf 1 those of
    // IA32_XSS (SDM vol. 1, 13.2). There are CPUs that describe components which they do not announce.
    void add_components(std::uint32_t leaf, const Registers& user) {
        if (user.all_zero()) return;
        const Registers flags = read({leaf, 1});
        add_unless_zero({leaf, 1}, flags);
        const std::uint64_t announced = std::uint64_t{user.edx | flags.edx} << 32U | user.eax | flags.ecx;
        for (std::uint32_t component = 2; component <= last_component; ++component) {
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

}  // namespace poolcpuid::capture
