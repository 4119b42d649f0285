// Slips: changes to a rulebook's text of which lint must find each, where it was made, and nothing else.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/load_rulebook.hpp"
#include "tests/catch.hpp"
#include "tests/unit/small_rulebook.hpp"

namespace poolcpuid::test {

// In the line of a file that entry stands on, from becomes to; lint then says message of field, on that line.
struct Slip {
    const char* file;
    const char* entry;
    const char* from;
    const char* to;
    const char* field;
    const char* message;
};

inline RulebookFile& file_of(std::vector<RulebookFile>& files, std::string_view path) {
    for (RulebookFile& file : files) {
        if (file.path == path) return file;
    }
    throw std::logic_error("no file " + std::string(path));
}

// Makes the slip; returns its line.
inline std::size_t make(std::vector<RulebookFile>& files, const Slip& slip) {
    std::string& bytes = file_of(files, slip.file).bytes;
    const std::size_t entry = only_place_of(bytes, slip.entry);
    const std::size_t begin = bytes.rfind('\n', entry) + 1;
    const std::size_t length = bytes.find('\n', entry) - begin;
    const std::size_t from = begin + only_place_of(std::string_view(bytes).substr(begin, length), slip.from);
    bytes.replace(from, std::string_view(slip.from).size(), slip.to);
    return line_at(bytes, from);
}

inline std::vector<LintFinding> lint(const std::vector<RulebookFile>& files) { return load_rulebook(files).findings; }

inline std::string all_texts(const std::vector<LintFinding>& findings) {
    std::string text;
    for (const LintFinding& finding : findings) text += finding.text() + "\n";
    return text;
}

// One finding and no other: a slip must not hide behind the noise that it makes.
inline void check_found(const Slip& slip, std::vector<RulebookFile> files = small_rulebook()) {
    const std::size_t line = make(files, slip);
    const std::vector<LintFinding> findings = lint(files);
    INFO(slip.file << ", " << slip.entry << ": " << slip.from << " became " << slip.to);
    INFO("found:\n" << all_texts(findings));
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].file == slip.file);
    CHECK(findings[0].line == line);
    CHECK(findings[0].field == slip.field);
    CHECK(findings[0].message.find(slip.message) != std::string::npos);
}

inline void check_all_found(const std::vector<Slip>& slips, const std::vector<RulebookFile>& files = small_rulebook()) {
    for (const Slip& slip : slips) check_found(slip, files);
}

}  // namespace poolcpuid::test
