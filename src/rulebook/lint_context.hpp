// What the parts of lint share: the entries by their names, how a finding is made, and what several parts ask.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/load_rulebook.hpp"
#include "rulebook/source.hpp"

namespace poolcpuid::rulebook {

inline constexpr std::string_view all_vendors = "all";

class LintContext {
public:
    // Both must outlive this. Of entries with one name, the first counts.
    LintContext(const SourceRulebook& source, std::vector<LintFinding>& findings);

protected:
    // field: the id or name of the entry, where it has one.
    void report(const Place& place, const std::string& field, std::string message) const;

    // The field with the id, or nullptr.
    const SourceField* find(const std::string& id) const;

    // The id in a term of a condition, which may be negated.
    static std::string referred(const std::string& term);

    // Each reports what is wrong with a part of the entry owner at place.
    void check_vendors(const Place& place, const std::string& owner, const std::vector<std::string>& vendors) const;
    void check_ids(const Place& place, const std::string& owner, const std::vector<std::string>& ids) const;
    void check_conditions(const Place& place, const std::string& owner, const char* key,
                          const std::vector<std::vector<std::string>>& lists) const;
    void check_reason(const Place& place, const std::string& owner, const std::string& why,
                      const std::string& source) const;
    void check_may_go(const Place& place, const std::string& owner, const std::vector<std::string>& ids) const;
    void check_may_carry(const Place& place, const std::string& owner, const std::vector<std::string>& ids) const;

    const SourceRulebook& source_;
    std::vector<LintFinding>& findings_;
    std::set<std::string> vendors_;
    std::set<std::string> vulnerabilities_;
    std::map<std::string, const SourceField*> fields_;

private:
    bool is_bad_news(const std::string& id) const;
};

bool is_id(std::string_view text);

// True when two lists of vendors have one in common; "all" has all.
bool shares_vendor(const std::vector<std::string>& a, const std::vector<std::string>& b);

// Each appends what is wrong with the entries that it is named after.
void lint_fields(const LintContext& context);
void lint_groups(const LintContext& context);  // what says something of several fields, and XSAVE's components
void lint_models(const LintContext& context);

}  // namespace poolcpuid::rulebook
