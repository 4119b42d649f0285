#include "rulebook/lint.hpp"

#include <set>
#include <string>

#include "rulebook/lint_context.hpp"
#include "rulebook/words.hpp"

namespace poolcpuid::rulebook {

namespace {

constexpr std::size_t most_vendors = 8;            // VendorMask is 8 bits wide
constexpr std::size_t most_vulnerabilities = 256;  // VulnerabilityIndex likewise
constexpr std::size_t most_fields = no_field;      // and what no FieldIndex can tell apart from none is too many

// Of rulebook.json, and that ids are ids of one entry each.
class HeadLinter : LintContext {
public:
    explicit HeadLinter(const LintContext& context) : LintContext(context) {}

    void run() {
        check_head();
        check_vulnerabilities();
        check_hypervisors();
        check_ids_once();
    }

private:
    void check_head() {
        if (source_.version.empty()) report({"rulebook.json", 0}, "", "the rulebook has no version");
        if (source_.vendors.size() > most_vendors) {
            report(source_.vendors.back().place, "", "more than " + std::to_string(most_vendors) + " vendors");
        }
        if (source_.vendors.empty()) report({"rulebook.json", 0}, "", "the rulebook has no vendors");
        std::set<std::string> vendors;
        std::set<std::string> strings;
        for (const SourceVendor& vendor : source_.vendors) {
            if (!is_id(vendor.id) || vendor.id == all_vendors) {
                report(vendor.place, "", "a vendor's id is of a-z, 0-9 and _ only, and not \"all\"");
            }
            if (!vendors.insert(vendor.id).second) report(vendor.place, "", "vendor \"" + vendor.id + "\" again");
            for (const std::string& text : vendor.strings) {
                if (text.size() != 12)
                    report(vendor.place, "", "the vendor string \"" + text + "\" is not of 12 bytes");
                if (!strings.insert(text).second) report(vendor.place, "", "the vendor string \"" + text + "\" again");
            }
        }
    }

    void check_vulnerabilities() {
        if (source_.vulnerabilities.size() > most_vulnerabilities) {
            report(source_.vulnerabilities.back().place, "",
                   "more than " + std::to_string(most_vulnerabilities) + " vulnerabilities");
        }
        std::set<std::string> ids;
        for (const SourceVulnerability& vulnerability : source_.vulnerabilities) {
            if (!is_id(vulnerability.id)) report(vulnerability.place, "", "an id is of a-z, 0-9 and _ only");
            if (!ids.insert(vulnerability.id).second) {
                report(vulnerability.place, "", "vulnerability \"" + vulnerability.id + "\" again");
            }
            check_vendors(vulnerability.place, "", vulnerability.vendors);
            if (vulnerability.name.empty()) report(vulnerability.place, "", "no name");
            if (vulnerability.source.empty()) report(vulnerability.place, "", "no source");
            for (const SourceByHand& by_hand : vulnerability.by_hand) {
                if (by_hand.option.empty()) report(vulnerability.place, "", "by_hand has an empty option");
                check_conditions(vulnerability.place, "", "by_hand", by_hand.where);
            }
        }
    }

    // They have room for 12 and 4 bytes in their leaves.
    void check_hypervisors() {
        std::set<std::string> ids;
        for (const SourceHypervisor& hypervisor : source_.hypervisors) {
            const auto say = [&](const std::string& message) { report(hypervisor.place, "", message); };
            if (!is_id(hypervisor.id)) say("an id is of a-z, 0-9 and _ only");
            if (!ids.insert(hypervisor.id).second) say("hypervisor \"" + hypervisor.id + "\" again");
            if (hypervisor.name.empty()) say("no name");
            if (hypervisor.source.empty()) say("no source");
            if (hypervisor.signature.size() > 12) say("a signature is of at most 12 bytes");
            if (hypervisor.interface.size() > 4) say("an interface is of at most 4 bytes");
            if (hypervisor.signature.empty() && hypervisor.interface.empty()) {
                say("a hypervisor has a signature or an interface by which its leaves are known");
            }
        }
        if (ids.size() >= no_hypervisor) {
            report(source_.hypervisors.back().place, "",
                   "no more than " + std::to_string(no_hypervisor - 1) + " hypervisors");
        }
    }

    void check_ids_once() {
        if (source_.fields.size() > most_fields) {
            report(source_.fields.back().place, "", "more than " + std::to_string(most_fields) + " fields");
        }
        for (const SourceField& field : source_.fields) {
            const SourceField& first = *find(field.id);
            if (&first == &field) continue;
            report(field.place, field.id,
                   "the id is used twice; first in " + first.place.file + ":" + std::to_string(first.place.line));
        }
    }
};

}  // namespace

void lint(const SourceRulebook& source, std::vector<LintFinding>& findings) {
    const LintContext context(source, findings);
    HeadLinter(context).run();
    lint_fields(context);
    lint_groups(context);
    lint_models(context);
}

}  // namespace poolcpuid::rulebook
