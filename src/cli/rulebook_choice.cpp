#include "cli/rulebook_choice.hpp"

#include "cli/log.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::cli {

RulebookChoice::RulebookChoice(const std::string& directory) {
    if (directory.empty()) return;
    const LoadResult result = load_rulebook(read_rulebook_directory(directory));
    for (const LintFinding& finding : result.findings) log_error(directory + "/" + finding.text());
    if (!result.findings.empty()) {
        throw InputError(directory, 0, "a rulebook that passes rules lint",
                         std::to_string(result.findings.size()) + " findings");
    }
    loaded_ = result.rulebook;
}

}  // namespace poolcpuid::cli
