#include "dump/cpu_count.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "base/lists.hpp"
#include "dump/leaf_shapes.hpp"
#include "dump/one_machine.hpp"

namespace poolcpuid::dump {

namespace {

// A level of a topology leaf (SDM vol. 2A, CPUID): EBX counts the logical CPUs that one of its kind has, and EAX the
// bits of their x2APIC ID, EDX, that differ within it.
struct Level {
    Registers value;

    std::size_t cpus() const noexcept { return value.ebx & 0xFFFFU; }
    std::uint32_t kind() const noexcept { return value.ecx >> 8U & 0xFFU; }
    std::uint32_t id() const noexcept { return value.edx >> (value.eax & 0x1FU); }
};

// What the first topology leaf with a count lists, from the threads of a core to the processor.
std::vector<Level> levels_of(const CpuidTable& table) {
    std::vector<Level> levels;
    for (const std::uint32_t leaf : {0x1FU, 0xBU}) {
        const LeafShape* const shape = shape_of(leaf);
        for (const CpuidRow& row : table.rows) {
            if (row.key.leaf == leaf && !shape->ends_at(row.key.subleaf, row.value)) levels.push_back({row.value});
        }
        if (!levels.empty() && levels.back().cpus() != 0) return levels;
        levels.clear();
    }
    return levels;
}

// ECX[7:0] + 1 of leaf 80000008h (APM vol. 3, appendix E). Other vendors leave it 0.
std::size_t cpus_by_size(const CpuidTable& table) {
    const Registers* const sizes = table.find({0x80000008, 0});
    return sizes == nullptr ? 0 : std::size_t{sizes->ecx & 0xFFU} + 1;
}

std::size_t cpus_of_processor(const CpuidTable& table) {
    const std::vector<Level> levels = levels_of(table);
    return levels.empty() ? cpus_by_size(table) : levels.back().cpus();
}

// True where the cores that the view has a CPU of have, with their other threads, as many as the first one's processor
// counts: no core is missing, and a thread is like the others of its core. So it is where SMT is off, of which CPUID
// tells nothing.
bool has_all_cores(const HardwareView& view, std::size_t counted) {
    constexpr std::uint32_t of_threads = 1;
    std::map<std::uint32_t, std::size_t> cores;  // the threads of each
    std::optional<std::uint32_t> processor;
    for (const LogicalCpu& cpu : view.cpus) {
        const std::vector<Level> levels = levels_of(cpu.cpuid);
        if (levels.empty() || levels.front().kind() != of_threads) return false;
        if (processor.value_or(levels.back().id()) != levels.back().id()) continue;
        processor = levels.back().id();
        cores.emplace(levels.front().id(), levels.front().cpus());
    }
    std::size_t threads = 0;
    for (const auto& core : cores) threads += core.second;
    return threads >= counted;
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
    const bool lacks_cores = here < counted && !has_all_cores(view, counted);
    const std::string count = "The dump has " + std::to_string(here) + " of the " + std::to_string(counted) +
                              " logical CPUs that its processor counts";
    if (lacks_cores && is_hybrid(view.cpus.front().cpuid)) {
        notes.push_back({"core-types-missing", count + ", whose cores are of several types: what one of another type "
                                                       "lacks is promised all the same. Take a dump of all of them."});
    } else if (!headed.empty() && (here < counted || counted == 0)) {
        note_headed(headed, notes);
    } else if (lacks_cores && here > 1) {
        notes.push_back({"cpus-missing", count + ": it may be cut off, and nothing is known of the others."});
    }
}

}  // namespace poolcpuid::dump
