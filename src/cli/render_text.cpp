// render: what it has to say beside the text that is to be pasted.
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "base/hex.hpp"
#include "cli/texts.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::cli {

namespace {

class Remarks {
public:
    Remarks(const PoolPolicy& policy, const Rulebook& rulebook, const Rendering& rendering, Page& page)
        : policy_(policy), rulebook_(rulebook), rendering_(rendering), page_(page) {}

    void put() {
        page_.line(policy_.pool + " for " + rendering_.target + " (" + rendering_.version + ")");
        inexpressible();
        for (const std::string& note : rendering_.notes) page_.paragraph(0, "note: ", note, Colour::cyan);
        for (const HostAdvice& entry : rendering_.hosts) advice(entry);
    }

private:
    std::string item(const Inexpressible& entry) const {
        std::string name = document::field_text(rulebook_, entry.field, entry.place);
        const BitPlace& place = entry.place;
        if (rulebook_.find(entry.field) == no_field) {
            name = (place.is_msr ? "MSR " : "") + to_hex(place.leaf) +
                   (place.is_msr ? "" : "." + to_hex(place.subleaf_first) + " " + to_string(place.reg)) + " bits " +
                   std::to_string(place.high) + ":" + std::to_string(place.low);
        }
        const bool is_flag = place.low == place.high;
        if (!is_flag) name += " (" + entry.instead + ", not " + entry.value + ")";
        return name;
    }

    // Entries that are alike in everything but the field are one paragraph. What may hurt comes before what is only
    // lost, and there what may crash first; what only describes is counted.
    void inexpressible() {
        if (rendering_.inexpressible.empty()) return page_.line("It says all of the policy.");
        page_.line("It cannot say " + counted(rendering_.inexpressible.size(), "field") + " of the policy:");
        using Key = std::tuple<bool, Impact, Telling, std::string, std::string>;
        std::map<Key, std::vector<std::string>> paragraphs;
        for (const Inexpressible& entry : rendering_.inexpressible) {
            if (entry.impact == Impact::cosmetic) continue;
            const bool is_loss = entry.telling == Telling::less;
            paragraphs[{is_loss, entry.impact, entry.telling, entry.reason, entry.consequence}].push_back(item(entry));
        }
        for (const auto& [key, items] : paragraphs) {
            const auto& [is_loss, impact, telling, reason, consequence] = key;
            page_.paragraph(2, std::string(to_string(telling)) + " (" + std::string(to_string(impact)) + "): ",
                            joined(items) + ". " + reason + (reason.empty() ? "" : " ") + consequence,
                            telling == Telling::more ? Colour::red : Colour::yellow);
        }
        cosmetic();
    }

    void cosmetic() {
        using Place = std::tuple<bool, std::uint32_t, std::uint32_t, Register>;
        std::set<Place> registers;
        std::set<std::string> subjects;
        bool has_others = false;
        for (const Inexpressible& entry : rendering_.inexpressible) {
            if (entry.impact != Impact::cosmetic) continue;
            registers.emplace(entry.place.is_msr, entry.place.leaf, entry.place.subleaf_first, entry.place.reg);
            if (entry.about.empty()) {
                has_others = true;
            } else {
                subjects.insert(entry.about);
            }
        }
        if (registers.empty()) return;
        std::vector<std::string> names(subjects.begin(), subjects.end());
        if (has_others) names.emplace_back(names.empty() ? "descriptions" : "other descriptions");
        page_.paragraph(2, "otherwise (cosmetic): ",
                        joined(names) + ": " + counted(registers.size(), "register") + ". No promise changes.",
                        Colour::yellow);
    }

    // A few by their names, many by their CPUs and kernels.
    static std::string hosts_text(const HostAdvice& entry) {
        constexpr std::size_t most_kinds = 3;
        const bool are_few = entry.hosts.size() <= most_hosts_listed || entry.kinds.contains("");
        if (are_few) return "host " + short_list(entry.hosts, most_hosts_listed);
        return counted(entry.hosts.size(), "host") + " (" + document::cpus_text(entry.kinds, most_kinds) + ")";
    }

    void advice(const HostAdvice& entry) {
        std::vector<std::string> fields;
        for (const StartUp& hidden : entry.hidden) fields.push_back(hidden.field);
        std::string body = entry.advice;
        if (entry.breaks.empty() && !fields.empty()) body = "does not show " + joined(fields) + " by itself. " + body;
        page_.paragraph(0, hosts_text(entry) + ": ", body, entry.breaks.empty() ? Colour::cyan : Colour::red);
        if (entry.output) page_.verbatim("    " + *entry.output);
    }

    const PoolPolicy& policy_;
    const Rulebook& rulebook_;
    const Rendering& rendering_;
    Page& page_;
};

}  // namespace

void render_text(const PoolPolicy& policy, const Rulebook& rulebook, const Rendering& rendering, Page& page) {
    Remarks(policy, rulebook, rendering, page).put();
}

}  // namespace poolcpuid::cli
