// What shows that logical CPUs are not those of one machine: two dumps in one text are two hosts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

// True for a core of a hybrid (leaf 7 EDX[15]; SDM vol. 2A, CPUID) or heterogeneous (leaf 80000026h EAX[30]; APM
// vol. 3, appendix E) processor.
bool is_hybrid(const CpuidTable& table);

// Throws an InputError that names file and line when a machine with the CPU first cannot have the CPU other:
// of another vendor; of another family or model, unless both are hybrid. Steppings may differ: dual boards have had
// two.
void check_same_machine(const CpuidTable& first, const CpuidTable& other, std::string_view file, std::size_t line);

// Throws an InputError that names file and line when the views of a host are of different vendors.
void check_same_vendor(const HostDump& host, std::string_view file, std::size_t line);

// What a message says of a text that goes on with another dump.
inline constexpr const char* two_hosts = " (two dumps in one text are two hosts, which need a file each)";

// Throws the InputError of a text in which a logical CPU comes again, which found describes.
[[noreturn]] void refuse_second_dump(const std::string& found, std::string_view file, std::size_t line);

// How a text heads the rows of a logical CPU.
struct CpuHeader {
    std::optional<std::uint32_t> number;
    std::string affinity;  // the mask of CPUs on which the tool ran, as the text words it; empty: none
    std::size_t line = 0;
    std::uint32_t first_number = 0;  // what the tool gives the first CPU
};

// The headers of one text.
class CpuHeaders {
public:
    // heading is what messages call a header.
    explicit CpuHeaders(std::string_view heading = "a heading") noexcept : heading_(heading) {}

    // Throws an InputError that names file when the header shows that another dump begins: a number comes
    // again (but with another mask: there are tools that number all CPUs alike), or a header without number
    // and mask, which stands for the one CPU of a dump, is not alone. O(log n).
    void add(const CpuHeader& header, std::string_view file);

    // Throws the same of the next CPU, whose rows begin on line, where it has a header, which was added, and others do
    // not, or the other way round: then it is of another dump, or a header was lost. That of the first CPU may be,
    // which is easily missed by who copies the text. Constant.
    void check_others(const std::optional<CpuHeader>& header, std::size_t line, std::string_view file);

private:
    using Key = std::pair<std::optional<std::uint32_t>, std::string>;
    using Lines = std::map<Key, std::size_t>;  // by number and mask

    Lines::const_iterator clash_of(const Key& key) const;
    [[noreturn]] void refuse_mixed(const std::string& found, std::string_view file, std::size_t line) const;

    std::string_view heading_;
    Lines lines_;
    std::size_t without_ = 0;  // CPUs that have no header
};

}  // namespace poolcpuid::dump
