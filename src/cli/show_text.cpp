// show: the CPU that a guest gets, features by the register that says them.
#include <algorithm>

#include "base/hex.hpp"
#include "cli/texts.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/guest_features.hpp"

namespace poolcpuid::cli {

namespace {

class ShowText {
public:
    ShowText(const Rulebook& rulebook, const PoolPolicy& policy, const GuestCpu& guest, std::string_view tongue,
             Page& page)
        : rulebook_(rulebook), policy_(policy), guest_(guest), tongue_(tongue), page_(page) {}

    void put() {
        head();
        features();
        announced();
        unnamed();
        limits();
        msrs();
    }

private:
    void fact(const std::string& label, const std::string& words) { page_.row(0, label, label_column, words); }

    void head() {
        page_.paragraph(0, policy_.pool, ": what its guests get", Colour::bold, 2);
        fact("vendor", policy_.vendor);
        fact("identity", full_text(guest_.identity));
        fact("level", level_text());
        fact("QEMU", guest_.qemu ? choice_text(*guest_.qemu) : "nearest model not known: --qemu PATH asks one");
        fact("libvirt",
             guest_.libvirt ? choice_text(*guest_.libvirt) : "nearest model not known: --cpu-map DIR has its models");
    }

    std::string level_text() const {
        std::string text = guest_.level == nullptr ? "below all that are known" : std::string(guest_.level->id);
        if (guest_.next == nullptr) return text;
        return text + "; for " + std::string(guest_.next->id) + " it lacks " +
               short_list(ids_of(guest_.next_missing), 6);
    }

    static std::string choice_text(const ModelChoice& choice) {
        std::string text = choice.model.name;
        if (!choice.model.add.empty()) text += ", with " + short_list(choice.model.add, 6);
        if (!choice.model.remove.empty()) text += ", without " + short_list(choice.model.remove, 6);
        return text + " (" + choice.version + ")";
    }

    std::vector<std::string> ids_of(const std::vector<FieldIndex>& fields) const {
        std::vector<std::string> ids;
        for (const FieldIndex index : fields) ids.emplace_back(rulebook_[index].id);
        return ids;
    }

    std::string name_of(FieldIndex index) const { return std::string(name_in(tongue_, rulebook_[index])); }

    // "0x7.0 ebx", "MSR 0x10a".
    static std::string register_text(const Field& field) {
        if (field.is_msr) return "MSR " + to_hex(field.leaf);
        return document::leaves_text({{field.leaf, field.subleaf_first}}) + " " + to_string(field.reg);
    }

    // Each name once: what CPUID says in two places stands in the first.
    void features() {
        std::vector<std::pair<std::string, std::vector<std::string>>> registers;
        std::vector<std::string> named;
        for (const FieldIndex index : guest_.features) {
            const std::string name = name_of(index);
            const bool is_told = std::find(named.begin(), named.end(), name) != named.end();
            if (name.empty() || is_told || is_announcement(rulebook_, index)) continue;
            named.push_back(name);
            const std::string place = register_text(rulebook_[index]);
            if (registers.empty() || registers.back().first != place) registers.push_back({place, {}});
            registers.back().second.push_back(name);
        }
        const bool is_own = tongue_ == tongues.front();
        page_.title("Features: " + std::to_string(named.size()) +
                    (is_own ? "" : ", by the names of " + std::string(tongue_ == "vendor" ? policy_.vendor : tongue_)));
        for (const auto& [place, names] : registers) page_.row(2, place, register_column, joined(names), Colour::cyan);
    }

    void announced() {
        std::vector<std::string> names;
        for (const FieldIndex index : guest_.features) {
            if (!is_announcement(rulebook_, index)) continue;
            names.push_back(name_of(index).empty() ? std::string(rulebook_[index].id) : name_of(index));
        }
        if (names.empty()) return;
        page_.title("Announced: what the guest must not rely on, or has to do");
        page_.line(joined(names), Colour::yellow, 2, 0);
    }

    void unnamed() {
        std::vector<std::string> ids;
        for (const FieldIndex index : guest_.features) {
            if (name_of(index).empty() && !is_announcement(rulebook_, index)) ids.emplace_back(rulebook_[index].id);
        }
        if (ids.empty()) return;
        page_.title("Without a name there: " + std::to_string(ids.size()) + ", as poolcpuid calls them");
        page_.line(joined(ids), Colour::none, 2, 0);
    }

    void limits() {
        if (guest_.limits.empty()) return;
        page_.title("Limits");
        for (const auto& [index, value] : guest_.limits) {
            const Field& field = rulebook_[index];
            const std::string name = name_of(index).empty() ? std::string(field.id) : name_of(index);
            page_.row(2, name, register_column, document::value_text(field, to_hex(value)));
        }
    }

    void msrs() {
        if (policy_.msrs.empty()) return;
        page_.title("MSRs: " + std::to_string(policy_.msrs.size()));
        for (const MsrRow& msr : policy_.msrs) {
            page_.row(2, to_hex(msr.index), register_column, to_hex(msr.value.value_or(0), 16));
        }
    }

    static constexpr std::size_t label_column = 10;
    static constexpr std::size_t register_column = 20;

    const Rulebook& rulebook_;
    const PoolPolicy& policy_;
    const GuestCpu& guest_;
    std::string_view tongue_;
    Page& page_;
};

}  // namespace

void show_text(const Rulebook& rulebook, const PoolPolicy& policy, const GuestCpu& guest, std::string_view tongue,
               Page& page) {
    ShowText(rulebook, policy, guest, tongue, page).put();
}

}  // namespace poolcpuid::cli
