#include "cli/verify_text.hpp"

#include <utility>
#include <vector>

#include "cli/diff_groups.hpp"
#include "cli/text_layout.hpp"
#include "policy/document_text.hpp"
#include "text/hex.hpp"
#include "text/printable.hpp"

namespace poolcpuid::cli {

namespace {

std::string counted(std::size_t count, const char* one, const char* many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

class VerifyText {
public:
    VerifyText(const PoolPolicy& policy, const Rulebook& rulebook, const Verification& verification,
               const KvmHost& host, std::size_t width, bool colour)
        : policy_(policy),
          rulebook_(rulebook),
          verification_(verification),
          host_(host),
          width_(width),
          colour_(colour) {}

    std::string text() {
        head();
        if (!verification_.refused.empty()) {
            title("KVM refuses", "31");
            for (const Refused& refused : verification_.refused) {
                paragraph(2, place_of(refused) + ": ", printable(refused.reason));
            }
        }
        if (!verification_.differences.empty()) {
            title("The guest sees it otherwise", "31");
            fields(verification_.differences);
        }
        if (!verification_.uncontrolled.empty()) {
            title("Out of the VMM's hands: this KVM shows it whatever it is told", "33");
            fields(verification_.uncontrolled);
        }
        return std::move(text_);
    }

private:
    void line(const std::string& text) { text_ += text + "\n"; }

    // A label, then words that wrap under it.
    void paragraph(std::size_t indent, const std::string& label, const std::string& words) {
        const std::string start = std::string(indent, ' ') + label;
        line(start + wrapped(words, width_, display_width(start), indent + 4));
    }

    void title(const std::string& words, const char* code) {
        const std::string text = wrapped(words, width_, 0, 2);
        line("\n" + (colour_ ? std::string("\033[") + code + "m" + text + "\033[0m" : text));
    }

    std::string verdict() const {
        if (!verification_.shows_policy()) {
            std::string text = "The vCPU does not show the policy:";
            const std::size_t different = verification_.differences.size();
            const std::size_t refused = verification_.refused.size();
            if (different != 0) text += " " + counted(different, "field differs", "fields differ");
            if (refused != 0) text += (different != 0 ? ", " : " ") + counted(refused, "refusal", "refusals");
            return text + ".";
        }
        if (verification_.uncontrolled.empty()) return "The vCPU shows the policy.";
        return "The vCPU shows the policy as far as this KVM lets a VMM decide; " +
               counted(verification_.uncontrolled.size(), "field is", "fields are") + " out of its hands.";
    }

    void head() {
        line(wrapped(verdict(), width_, 0, 2));
        line(wrapped("policy: " + printable(policy_.pool) + " (" + printable(policy_.vendor) + ")", width_, 0, 2));
        std::string kvm = host_.module.empty() ? "KVM" : host_.module;
        if (!host_.kernel.empty()) kvm += ", Linux " + host_.kernel;
        line(wrapped("on: " + printable(kvm), width_, 0, 2));
        if (verification_.rows + verification_.other_rows == 0) return;
        line(wrapped("compared: " + counted(verification_.rows, "row", "rows") + " of CPUID and " +
                         counted(verification_.msrs, "MSR", "MSRs") + " of the policy; " +
                         counted(verification_.other_rows, "other leaf or subleaf", "other leaves and subleaves") +
                         " (zeros unless listed below)",
                     width_, 0, 2));
    }

    static std::string place_of(const Refused& refused) {
        if (!refused.key) return "the list of entries";
        if (refused.is_msr) return "MSR " + to_hex(refused.key->leaf);
        return "leaf " + to_hex(refused.key->leaf) + " subleaf " + to_hex(refused.key->subleaf);
    }

    // Fields with the same meaning are one paragraph; they stand together in the list.
    void fields(const std::vector<SeenField>& list) {
        for (std::size_t i = 0; i < list.size();) {
            const std::string& meaning = list[i].meaning;
            std::string items;
            for (; i < list.size() && list[i].meaning == meaning; ++i)
                items += (items.empty() ? "" : ", ") + item(list[i]);
            paragraph(2, "", meaning);
            paragraph(6, "", items);
        }
    }

    std::string item(const SeenField& seen) const {
        const FieldIndex index = rulebook_.find(seen.field);
        const std::string values = " (" + seen.seen + ", not " + seen.policy + ")";
        if (index == no_field) return document::place_text(seen.place) + values;
        const Field& field = rulebook_[index];
        std::string text = seen.field;
        if (field.subleaf_first != field.subleaf_last) text += "[" + std::to_string(seen.place.subleaf_first) + "]";
        if (field.low != field.high) return text + values;
        return text + (seen.seen == "0x0" ? " (clear)" : " (set)");
    }

    const PoolPolicy& policy_;
    const Rulebook& rulebook_;
    const Verification& verification_;
    const KvmHost& host_;
    std::size_t width_;
    bool colour_;
    std::string text_;
};

}  // namespace

std::string verify_text(const PoolPolicy& policy, const Rulebook& rulebook, const Verification& verification,
                        const KvmHost& host, std::size_t width, bool colour) {
    return VerifyText(policy, rulebook, verification, host, width, colour).text();
}

}  // namespace poolcpuid::cli
