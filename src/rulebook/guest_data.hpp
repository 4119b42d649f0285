// What a guest's kernel makes of the CPU that it sees: the files of guests/ of a rulebook. policy/README.md says what
// each key means. The audit parses the file of its guest when it needs it; lint parses all of them with the same code.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "poolcpuid/audit.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/rulebook.hpp"
#include "rulebook/target_data.hpp"

namespace poolcpuid::rulebook {

// One term of a condition.
struct GuestTerm {
    enum class Kind : std::uint8_t {
        field,       // of the rulebook: it is not 0
        tag,         // of a table: the row of this CPU has it
        fact,        // a condition with a name
        assumption,  // what the policy cannot say of the guest
        guest,       // a guest is asked, and not a host as such
        vendor,
    };

    Kind kind = Kind::field;
    std::string name;  // of a vendor its id
    bool negated = false;
    bool told = false;  // asks the guest where a host is asked

    // As the file has it: "!told:rtm".
    std::string text() const;
};

// Any list of which every term holds; without lists it never holds.
using GuestCondition = std::vector<std::vector<GuestTerm>>;

// Whether which(term) is true of one of its terms.
template <typename Which>
bool any_term(const GuestCondition& condition, const Which& which) {
    return std::any_of(condition.begin(), condition.end(),
                       [&](const auto& list) { return std::any_of(list.begin(), list.end(), which); });
}

// CPUs by family, model and stepping; what is empty is any. A row of a file that leaves its CPUs to the model table is
// one for each model there that it is about.
struct GuestCpus {
    Releases releases;
    std::vector<std::string> vendors;
    std::vector<NumberRange> families;
    std::vector<NumberRange> models;
    std::vector<NumberRange> steppings;
    std::vector<std::string> tags;

    bool has(std::string_view vendor, const Signature& signature) const noexcept;
};

// Of its rows the first that has a CPU counts.
struct GuestTable {
    std::string id;
    std::vector<GuestCpus> rows;
};

struct GuestFact {
    std::string id;
    Releases releases;
    GuestCondition any;
};

// What the kernel prints, or a part of it.
struct GuestPhrase {
    Releases releases;
    std::optional<GuestCondition> condition;  // nothing: otherwise
    std::string text;
    std::optional<Belief> belief;         // of the first part
    std::optional<GuestCondition> needs;  // of the host, for it to be true there; nothing: software alone does it
};

struct GuestVulnerability {
    std::string id;
    std::string name;  // empty: that of the rulebook's vulnerability
    GuestCondition affected;
    std::optional<GuestCondition> on_host;       // when a guest has something to do there; nothing: as affected
    std::vector<std::vector<GuestPhrase>> says;  // parts, of each the first phrase that holds
    std::string why;
    std::string source;
};

struct GuestData {
    std::string id;
    std::string name;
    std::vector<GuestKernel> kernels;  // by release
    std::vector<GuestAssumption> assumptions;
    std::vector<GuestTable> tables;
    std::vector<GuestFact> facts;                     // one speaks only of those before it
    std::vector<GuestVulnerability> vulnerabilities;  // sorted by id
};

// The guests' files of a rulebook, in its order. Throws InputError where a file has a slip that lint would have found.
std::vector<GuestData> guest_data(const Rulebook& rulebook);

// Appends a finding for everything that is wrong with the files, which are those of guests/. source: what their names
// are checked against; nullptr where it is not whole, and only their shape can be checked.
void lint_guests(const std::vector<RulebookFile>& files, const SourceRulebook* source,
                 std::vector<LintFinding>& findings);

}  // namespace poolcpuid::rulebook
