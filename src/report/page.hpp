// The page while it is written, and the parts that several sections write alike.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/report.hpp"
#include "poolcpuid/rulebook.hpp"
#include "report/columns.hpp"
#include "report/html.hpp"

namespace poolcpuid::report {

// With more columns than this they are numbered and narrow; with fewer they carry names.
inline constexpr std::size_t most_named_columns = 6;

struct Page {
    Page(const Rulebook& rules, const ReportInput& report_input);

    // The hosts are known by the numbers of their columns.
    bool numbered() const { return columns.columns.size() > most_named_columns; }

    Html html;
    const ReportInput& input;
    const Rulebook& rulebook;
    const PoolPolicy& policy;  // with every name where the hosts were given
    Columns columns;
    std::vector<std::string> anchors;  // the id of each decision's row
};

// A section with its heading. The id is what links and the table of contents point to.
class Section {
public:
    Section(Page& page, std::string_view id, std::string_view title);

private:
    Html::Element element_;
};

// A field as a link to its row: "avx2", "xs_offset[5]".
void put_field_link(Page& page, const Decision& decision);

// Names, at most eight, each kept apart from its neighbours' writing direction: "a, b and 3 more". total
// is how many there are; 0 where nobody knows: a list of eight then ends in "…".
void put_names(Page& page, const std::vector<std::string>& names, std::size_t total);

// Hosts by their names or, where these are many, by their CPUs: "Haswell-EP ×40, Rome ×28". The inputs have every name
// that is known.
void put_hosts(Page& page, const HostList& hosts);

// A badge with the rule's word in its colours.
void put_rule(Page& page, std::string_view rule);

// <dt> and <dd>.
void put_term(Page& page, std::string_view term, std::string_view text);

// The first row of a table: a heading for each column.
void put_head(Page& page, std::initializer_list<std::string_view> columns);

// The sections, in the order of the page.
void put_summary(Page& page);
void put_findings(Page& page);
void put_vulnerabilities(Page& page);
void put_fields(Page& page);
void put_costs(Page& page);
void put_registers(Page& page);
void put_inputs(Page& page);
void put_rulebook(Page& page);

// Of how many vulnerabilities guests are falsely safe.
std::size_t falsely_safe_count(const Audit& audit);

// What the page says of rules, impacts, numbers and lists.

// What a rule's word means.
struct RuleWords {
    std::string_view rule;
    std::string_view promise;  // what a field of this rule promises
    std::string_view in_pool;  // and what a pool makes of it
};

// The words of a rule, or nullptr for a word that is no rule's.
const RuleWords* words_of(std::string_view rule);

// The rule itself where it is one, else "other": a class of the style sheet.
std::string_view style_of(std::string_view rule);

// Sorted numbers as ranges: "1–4, 9".
std::string ranges(const std::vector<std::size_t>& numbers);

// "a" … "z", "aa" …: a key for a value that is too long for a narrow column.
std::string letter(std::size_t index);

}  // namespace poolcpuid::report
