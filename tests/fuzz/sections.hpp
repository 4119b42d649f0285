// Several files in one input: each begins with a line "=== NAME", and what stands before the first of these lines is
// for the target itself. Plain text, so that seeds can be written by hand and a crash can be read.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace poolcpuid::fuzz {

struct Section {
    std::string_view name;
    std::string_view bytes;  // up to the next section, with the line feed before it
};

struct Sections {
    std::string_view head;
    std::vector<Section> files;
};

inline Sections sections_of(std::string_view input) {
    constexpr std::string_view mark = "=== ";
    const auto next_mark = [&](std::size_t from) {
        if (input.substr(from).starts_with(mark)) return from;
        const std::size_t at = input.find("\n=== ", from);
        return at == std::string_view::npos ? input.size() : at + 1;
    };
    std::size_t at = next_mark(0);
    Sections result{input.substr(0, at), {}};
    while (at < input.size()) {
        const std::size_t name = at + mark.size();
        const std::size_t end_of_line = input.find('\n', name);
        if (end_of_line == std::string_view::npos) break;
        const std::size_t bytes = end_of_line + 1;
        at = next_mark(bytes);
        result.files.push_back({input.substr(name, end_of_line - name), input.substr(bytes, at - bytes)});
    }
    return result;
}

}  // namespace poolcpuid::fuzz
