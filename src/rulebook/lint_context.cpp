#include "rulebook/lint_context.hpp"

#include <algorithm>
#include <utility>

#include "rulebook/words.hpp"

namespace poolcpuid::rulebook {

LintContext::LintContext(const SourceRulebook& source, std::vector<LintFinding>& findings)
    : source_(source), findings_(findings) {
    for (const SourceVendor& vendor : source.vendors) vendors_.insert(vendor.id);
    for (const SourceVulnerability& entry : source.vulnerabilities) vulnerabilities_.insert(entry.id);
    for (const SourceField& field : source.fields) fields_.emplace(field.id, &field);
}

void LintContext::report(const Place& place, const std::string& field, std::string message) const {
    findings_.push_back({place.file, place.line, field, std::move(message)});
}

const SourceField* LintContext::find(const std::string& id) const {
    const auto at = fields_.find(id);
    return at == fields_.end() ? nullptr : at->second;
}

void LintContext::check_vendors(const Place& place, const std::string& field,
                                const std::vector<std::string>& vendors) const {
    if (vendors.empty()) report(place, field, "no vendors");
    for (const std::string& vendor : vendors) {
        if (vendor != all_vendors && !vendors_.contains(vendor))
            report(place, field, "unknown vendor \"" + vendor + "\"");
    }
}

void LintContext::check_ids(const Place& place, const std::string& owner, const std::vector<std::string>& ids) const {
    if (ids.empty()) report(place, owner, "an empty list of fields");
    for (const std::string& id : ids) {
        if (find(id) == nullptr) report(place, owner, "unknown field \"" + id + "\"");
    }
}

std::string LintContext::referred(const std::string& term) { return term.starts_with("!") ? term.substr(1) : term; }

void LintContext::check_conditions(const Place& place, const std::string& owner, const char* key,
                                   const std::vector<std::vector<std::string>>& lists) const {
    for (const std::vector<std::string>& list : lists) {
        if (list.empty()) report(place, owner, std::string(key) + " has an empty list of fields, which all fulfil");
        for (const std::string& term : list) {
            if (find(referred(term)) != nullptr) continue;
            report(place, owner, std::string(key) + " names the unknown field \"" + referred(term) + "\"");
        }
    }
}

void LintContext::check_reason(const Place& place, const std::string& owner, const std::string& why,
                               const std::string& source) const {
    if (why.empty()) report(place, owner, "no why");
    if (source.empty()) report(place, owner, "no source");
}

// Taking away a bit that announces bad news would hide the news: such fields may not be dependents.
void LintContext::check_may_go(const Place& place, const std::string& owner,
                               const std::vector<std::string>& ids) const {
    for (const std::string& id : ids) {
        const SourceField* field = find(id);
        if (field == nullptr) continue;
        const auto rule = parse_word(rule_words, field->rule);
        if (rule == Rule::union_ || rule == Rule::guarded || is_bad_news(id)) {
            report(place, owner, "\"" + id + "\" announces a relaxed behaviour and may not be taken away");
        }
    }
}

// RSBA or RRSBA of a group; EIBRS, the good member, may go.
bool LintContext::is_bad_news(const std::string& id) const {
    return std::any_of(source_.retpoline.begin(), source_.retpoline.end(),
                       [&](const SourceRetpoline& bits) { return bits.rsba == id || bits.rrsba == id; });
}

// What a feature stands on must have a value before derived fields are computed, or none at all.
void LintContext::check_may_carry(const Place& place, const std::string& owner,
                                  const std::vector<std::string>& ids) const {
    for (const std::string& id : ids) {
        const SourceField* field = find(id);
        if (field == nullptr) continue;
        const auto rule = parse_word(rule_words, field->rule);
        if (!field->is_msr && (rule == Rule::derive || rule == Rule::owned || rule == Rule::group)) {
            report(place, owner, "\"" + id + "\" is of the rule " + field->rule + " and can carry nothing");
        }
    }
}

bool is_id(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

bool shares_vendor(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    const auto has_all = [](const std::vector<std::string>& v) {
        return std::find(v.begin(), v.end(), "all") != v.end();
    };
    if (has_all(a) || has_all(b)) return true;
    return std::any_of(a.begin(), a.end(),
                       [&](const std::string& vendor) { return std::find(b.begin(), b.end(), vendor) != b.end(); });
}

}  // namespace poolcpuid::rulebook
