#include "cli/render_text.hpp"

#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "base/hex.hpp"
#include "base/printable.hpp"
#include "cli/page.hpp"

namespace poolcpuid::cli {

namespace {

constexpr std::size_t most_hosts = 8;  // named in a line; --format json has all

class Remarks {
public:
    Remarks(const PoolPolicy& policy, const Rulebook& rulebook, const Rendering& rendering, std::size_t width,
            bool colour)
        : policy_(policy), rulebook_(rulebook), rendering_(rendering), width_(width), colour_(colour) {}

    std::string text() {
        const std::string target(to_string(rendering_.target));
        paragraph("", printable(policy_.pool) + " for " + target + " (" + rendering_.version + ")", 2);
        inexpressible();
        for (const std::string& note : rendering_.notes) paragraph("note: ", note, 4);
        for (const HostAdvice& entry : rendering_.hosts) advice(entry);
        return terminal_text(text_, colour_);
    }

private:
    void paragraph(const std::string& label, const std::string& body, std::size_t indent,
                   Colour colour = Colour::cyan) {
        text_ += painted(label, colour) + wrapped(body, width_, display_width(label), indent) + "\n";
    }

    std::string item(const Inexpressible& entry) const {
        std::string name = entry.field;
        const FieldIndex index = rulebook_.find(entry.field);
        const BitPlace& place = entry.place;
        if (index == no_field) {
            name = (place.is_msr ? "MSR " : "") + to_hex(place.leaf) +
                   (place.is_msr ? "" : "." + to_hex(place.subleaf_first) + " " + to_string(place.reg)) + " bits " +
                   std::to_string(place.high) + ":" + std::to_string(place.low);
        } else if (rulebook_[index].subleaf_first != rulebook_[index].subleaf_last) {
            name += "[" + std::to_string(place.subleaf_first) + "]";
        }
        const bool is_flag = place.low == place.high;
        if (!is_flag) name += " (" + entry.instead + ", not " + entry.value + ")";
        return name;
    }

    // Entries that are alike in everything but the field are one paragraph. What may hurt comes before what is only
    // lost, and there what may crash first; what only describes is counted.
    void inexpressible() {
        if (rendering_.inexpressible.empty()) {
            paragraph("", "It says all of the policy.", 2);
            return;
        }
        paragraph("",
                  "It cannot say " + std::to_string(rendering_.inexpressible.size()) +
                      (rendering_.inexpressible.size() == 1 ? " field" : " fields") + " of the policy:",
                  2);
        using Key = std::tuple<bool, Impact, Telling, std::string, std::string>;
        std::map<Key, std::string> paragraphs;
        for (const Inexpressible& entry : rendering_.inexpressible) {
            if (entry.impact == Impact::cosmetic) continue;
            const bool is_loss = entry.telling == Telling::less;
            std::string& items = paragraphs[{is_loss, entry.impact, entry.telling, entry.reason, entry.consequence}];
            items += (items.empty() ? "" : ", ") + item(entry);
        }
        for (const auto& [key, items] : paragraphs) {
            const auto& [is_loss, impact, telling, reason, consequence] = key;
            const std::string label =
                "  " + std::string(to_string(telling)) + " (" + std::string(to_string(impact)) + "): ";
            paragraph(label, items + ". " + reason + (reason.empty() ? "" : " ") + consequence, 6,
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
        std::string names;
        for (const std::string& subject : subjects) names += (names.empty() ? "" : ", ") + subject;
        if (has_others) names += names.empty() ? "descriptions" : ", other descriptions";
        paragraph("  otherwise (cosmetic): ",
                  names + ": " + std::to_string(registers.size()) +
                      (registers.size() == 1 ? " register." : " registers.") + " No promise changes.",
                  6, Colour::yellow);
    }

    void advice(const HostAdvice& entry) {
        std::string names;
        for (std::size_t i = 0; i < entry.hosts.size() && i < most_hosts; ++i) {
            names += (names.empty() ? "" : ", ") + printable(entry.hosts[i]);
        }
        if (entry.hosts.size() > most_hosts)
            names += " and " + std::to_string(entry.hosts.size() - most_hosts) + " more";
        std::string fields;
        for (const StartUp& hidden : entry.hidden) fields += (fields.empty() ? "" : ", ") + hidden.field;
        std::string body = entry.advice;
        if (entry.breaks.empty() && !fields.empty()) body = "does not show " + fields + " by itself. " + body;
        paragraph("host " + names + ": ", body, 4, entry.breaks.empty() ? Colour::cyan : Colour::red);
        if (entry.output) text_ += "    " + *entry.output;
    }

    const PoolPolicy& policy_;
    const Rulebook& rulebook_;
    const Rendering& rendering_;
    std::size_t width_;
    bool colour_;
    std::string text_;
};

}  // namespace

std::string render_remarks(const PoolPolicy& policy, const Rulebook& rulebook, const Rendering& rendering,
                           std::size_t width, bool colour) {
    return Remarks(policy, rulebook, rendering, width, colour).text();
}

}  // namespace poolcpuid::cli
