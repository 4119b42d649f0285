// render: what it has to say beside the text that is to be pasted.
#include <string>
#include <vector>

#include "cli/losses.hpp"
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
    void inexpressible() {
        if (rendering_.inexpressible.empty()) return page_.line("It says all of the policy.");
        page_.line("It cannot say " + counted(rendering_.inexpressible.size(), "field") + " of the policy:");
        for (const Loss& loss : losses_of(rendering_, rulebook_)) {
            page_.paragraph(2, loss.heading(), loss.text, loss.telling == Telling::more ? Colour::red : Colour::yellow);
        }
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
