// Loading a rulebook from its JSON files: parse, lint, flatten.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

// One file of a rulebook: its path within the directory ("cpuid/0x7.json") and its bytes.
struct RulebookFile {
    std::string path;
    std::string bytes;
};

// Something that is wrong with a rulebook.
struct LintFinding {
    std::string file;
    std::size_t line = 0;  // from 1; 0 when the whole file is meant
    std::string field;     // the id, when there is one
    std::string message;

    // "FILE:LINE: FIELD: MESSAGE", the parts that there are.
    std::string text() const;
};

// A rulebook with the storage behind it. The view stays valid as long as a copy of this does.
class LoadedRulebook {
public:
    const Rulebook& view() const noexcept;

private:
    friend struct RulebookLoader;
    std::shared_ptr<const class RulebookStorage> storage_;
};

struct LoadResult {
    LoadedRulebook rulebook;            // usable only when findings is empty
    std::vector<LintFinding> findings;  // sorted by file and line
};

// The files of a rulebook directory, sorted by path. Throws InputError when the directory or a file
// cannot be read or a part that every rulebook has is missing.
std::vector<RulebookFile> read_rulebook_directory(const std::string& directory);

// Checks and flattens a rulebook. Reports everything that is wrong, not just the first; never throws
// for content. The digest of a rulebook is the SHA-256 of the lines "DIGEST  PATH\n", one a file in
// order of path, as `sha256sum` prints them; those of targets/ and guests/ do not count, for no policy depends
// on them. Files without some of them make a rulebook that merges, and does not render or audit for these.
LoadResult load_rulebook(const std::vector<RulebookFile>& files);

}  // namespace poolcpuid
