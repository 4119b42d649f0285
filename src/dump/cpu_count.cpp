#include "dump/cpu_count.hpp"

#include <cstddef>
#include <string>

#include "base/lists.hpp"
#include "dump/leaf_shapes.hpp"
#include "dump/one_machine.hpp"

namespace poolcpuid::dump {

namespace {

// EBX of the highest level that a topology leaf lists: the logical CPUs that one of its kind has (SDM vol. 2A,
// CPUID). 0 where the leaf has no levels.
std::size_t cpus_by_topology(const CpuidTable& table, std::uint32_t leaf) {
    constexpr std::uint32_t count = 0xFFFF;
    const LeafShape* const shape = shape_of(leaf);
    std::size_t cpus = 0;
    for (const CpuidRow& row : table.rows) {
        if (row.key.leaf == leaf && !shape->ends_at(row.key.subleaf, row.value)) cpus = row.value.ebx & count;
    }
    return cpus;
}

// ECX[7:0] + 1 of leaf 80000008h (APM vol. 3, appendix E). Other vendors leave it 0.
std::size_t cpus_by_size(const CpuidTable& table) {
    const Registers* const sizes = table.find({0x80000008, 0});
    return sizes == nullptr ? 0 : std::size_t{sizes->ecx & 0xFFU} + 1;
}

std::size_t cpus_of_processor(const CpuidTable& table) {
    for (const std::uint32_t leaf : {0x1FU, 0xBU}) {
        if (const std::size_t cpus = cpus_by_topology(table, leaf); cpus != 0) return cpus;
    }
    return cpus_by_size(table);
}

void note_headed(const std::set<std::uint32_t>& headed, std::vector<DumpNote>& notes) {
    constexpr std::size_t most_headed = 8;
    std::vector<std::string> numbers;
    for (const std::uint32_t number : headed) numbers.push_back(std::to_string(number));
    notes.push_back({"cpus-missing", "The dump has a heading and no row of logical CPU " +
                                         short_list(numbers, most_headed) +
                                         ": it may be cut off, and nothing is known of what it lacks."});
}

}  // namespace

void note_missing_cpus(const HardwareView& view, const std::set<std::uint32_t>& headed, std::vector<DumpNote>& notes) {
    const std::size_t here = view.cpus.size();
    const std::size_t counted = cpus_of_processor(view.cpus.front().cpuid);
    const std::string count = "The dump has " + std::to_string(here) + " of the " + std::to_string(counted) +
                              " logical CPUs that its processor counts";
    if (here < counted && is_hybrid(view.cpus.front().cpuid)) {
        notes.push_back({"core-types-missing", count + ", whose cores are of several types: what one of another type "
                                                       "lacks is promised all the same. Take a dump of all of them."});
    } else if (!headed.empty() && (here < counted || counted == 0)) {
        note_headed(headed, notes);
    } else if (here < counted && here > 1) {
        notes.push_back({"cpus-missing", count + ": it may be cut off, and nothing is known of the others."});
    }
}

}  // namespace poolcpuid::dump
