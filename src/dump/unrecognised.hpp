// What a file that no reader recognises most likely is, so that its refusal can say so.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace poolcpuid::dump {

struct Unrecognised {
    std::string what;
    std::size_t line = 0;  // where it shows, from 1; 0: in no single line
};

// "a Git LFS pointer, not the dump itself (run git lfs pull)", "a latency table of InstLatx64" …, with what to do
// instead where something helps; "text without CPUID rows in any known format" when nothing better is known. Linear in
// the size of bytes.
Unrecognised describe_unrecognised(std::string_view bytes);

// "rows of NetBSD's `cpuctl -v identify` (not read; …)": of a text with rows of a tool that is not read. Nothing for
// others. Linear.
std::optional<std::string> describe_other_rows(std::string_view bytes);

}  // namespace poolcpuid::dump
