// Lines "key : value", as /proc/cpuinfo and `xe host-cpu-info` have them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace poolcpuid::dump {

// What stands behind a key, without blanks around it, and on which line.
struct KeyedLine {
    std::string text;
    std::size_t line = 0;
};

class KeyedLines {
public:
    // file is what messages name; it must outlive this.
    explicit KeyedLines(std::string_view file) noexcept : file_(file) {}

    // Takes a line apart at its first colon, and keeps it unless its key was there. The key, or nothing where there is
    // no colon.
    std::string_view add(std::string_view line, std::size_t number);

    bool empty() const noexcept { return lines_.empty(); }

    // The line of a key, or nullptr.
    KeyedLine* find(std::string_view key);

    // The line of a key, or an InputError: it is not there, or is no decimal number.
    const KeyedLine& required(std::string_view key) const;
    std::uint32_t number(std::string_view key) const;

private:
    std::string_view file_;
    std::map<std::string, KeyedLine, std::less<>> lines_;
    std::size_t first_ = 0;  // the number of the line that was added first
};

}  // namespace poolcpuid::dump
