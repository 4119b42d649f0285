// `xe host-cpu-info` of XenServer and XCP-ng: the words of Xen's featureset that an HVM guest can be given there. A
// word is a register, whole; which word is which is data (policy/targets/xen.json). Leaves without a word are not
// known.
//
//           vendor: GenuineIntel
//           family: 6
//            model: 85
//         stepping: 7
//     features_hvm: 17cbfbff-f7fa3223-2d93fbff-00000123-…
//     features_hvm_host: 17cbfbff-f7fa3223-2d93fbff-00000121-…
//
// features_hvm is Xen's max set, by which xapi judges VMs that come from other hosts; features_hvm_host is the default
// set, with which new VMs start (ocaml/xenopsd/xc in xen-api). Bad news comes from the latter (xen_sets.hpp).
//
// `xe host-param-list` and `host-param-get` have the same on one line:
//
//   cpu_info (MRO): cpu_count: 8; vendor: GenuineIntel; …; features_hvm: 17cbfbff-f7fa3223-…
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/printable.hpp"
#include "dump/keyed_lines.hpp"
#include "dump/line_reader.hpp"
#include "dump/named_features.hpp"
#include "dump/reader.hpp"
#include "dump/xen_sets.hpp"
#include "rulebook/target_data.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::string_view words_key = "features_hvm";
constexpr std::string_view default_words_key = "features_hvm_host";
constexpr std::string_view list_key = "cpu_info";
constexpr std::string_view words_in_list = "; features_hvm:";

// What stands behind the key of the words and its colon; nothing of another line.
std::optional<std::string_view> xe_words(std::string_view line) noexcept {
    if (!line.starts_with(words_key)) return std::nullopt;
    const std::string_view behind = trim(line.substr(words_key.size()));
    return behind.starts_with(':') ? std::optional(trim(behind.substr(1))) : std::nullopt;
}

// Calls take with each "key: value" of a line, of which the map of `xe host-param-list` has many.
template <typename Take>
void for_each_entry(std::string_view line, Take take) {
    if (line.find(words_in_list) == std::string_view::npos) return take(line);
    if (line.starts_with(list_key)) line.remove_prefix(line.find(':') + 1);
    while (!line.empty()) {
        const std::size_t end = std::min(line.find(';'), line.size());
        take(trim(line.substr(0, end)));
        line.remove_prefix(std::min(end + 1, line.size()));
    }
}

// The words have no blank between them: where the line is broken they stand below their key.
Piece xe_piece(std::string_view line) noexcept {
    const auto words = xe_words(line);
    if (!words) return Piece::none;
    if (words->empty()) return Piece::part;
    return words->find_first_of(" \t") == std::string_view::npos ? Piece::whole : Piece::part;
}

// The rest of the words, where a terminal has broken the line before a "-".
bool is_rest_of_words(std::string_view line) noexcept {
    Cursor cursor(line);
    return cursor.skip("-") && cursor.hex(8).has_value();
}

class XeReader {
public:
    explicit XeReader(const Source& source) : source_(source), lines_(source.file) {
        LineReader lines(source, xe_piece);
        while (lines.next()) {
            if (is_rest_of_words(lines.text())) {
                refuse(lines.number(), "all words of a featureset on one line", quote_row(lines.text()));
            }
            for_each_entry(lines.text(), [&](std::string_view entry) { take(entry, lines.number()); });
        }
    }

    HostDump read() {
        HostDump dump;
        XenSet max = set_of(lines_.required(words_key));
        dump.hypervisor.emplace();
        dump.hypervisor->name = "xen";
        dump.hypervisor->cpuid = std::move(max.cpuid);
        if (!max.msrs.empty()) dump.hypervisor->msrs = std::move(max.msrs);
        check_has_guests(dump.hypervisor->cpuid);
        std::vector<XenSet> others;
        const KeyedLine* words = lines_.find(default_words_key);
        if (words != nullptr && !words->text.empty()) others.push_back(told_by_default(set_of(*words)));
        take_bad_news(*dump.hypervisor, others);
        if (dump.hypervisor->msrs && dump.hypervisor->msrs->empty()) dump.hypervisor->msrs.reset();
        return dump;
    }

private:
    void take(std::string_view entry, std::size_t line) {
        const std::string_view key = lines_.add(entry, line);
        const bool is_once = key == "vendor" || key == words_key;
        if (!is_once && key != "family" && key != "model" && key != "stepping") return;
        const KeyedLine& first = lines_.required(key);
        // A /proc/cpuinfo in the text has some of these keys, too: that of this host says the same.
        if (first.line == line || (!is_once && trim(entry.substr(entry.find(':') + 1)) == first.text)) return;
        refuse(line, "one host a text, which has one line \"" + std::string(key) + "\"",
               "another after that on line " + std::to_string(first.line));
    }

    // A Xen that cannot run HVM guests has words all the same, with the few bits that it sets by itself.
    void check_has_guests(const CpuidTable& table) const {
        constexpr std::uint32_t fpu = 1;
        if ((table.find(signature_key)->edx & fpu) != 0) return;
        refuse(lines_.required(words_key).line, "the words of a Xen that runs HVM guests",
               "no FPU in them: this one has no HVM (VT-x or AMD-V is off, or the host is a virtual machine)");
    }

    [[noreturn]] void refuse(std::size_t line, const std::string& expected, const std::string& found) const {
        throw InputError(std::string(source_.file), line, expected, found);
    }

    std::vector<std::uint32_t> words_of(const KeyedLine& entry) const {
        std::vector<std::uint32_t> words;
        Cursor cursor(entry.text);
        do {
            const auto word = cursor.hex(8);
            if (!word) refuse(entry.line, "words of 8 hexadecimal digits with \"-\" between them", quote(entry.text));
            words.push_back(static_cast<std::uint32_t>(*word));
        } while (cursor.skip("-"));
        if (!cursor.at_end()) refuse(entry.line, "nothing behind the words", quote(entry.text));
        return words;
    }

    NamedFeatures cpu() const {
        NamedFeatures features(Tongue::linux_kernel, Speaker::of_guests);
        const KeyedLine& vendor = lines_.required("vendor");
        if (!features.set_vendor(vendor.text)) {
            refuse(vendor.line, "a vendor of CPUs with CPUID as \"vendor\"", quote(vendor.text));
        }
        if (!features.set_signature(lines_.number("family"), lines_.number("model"), lines_.number("stepping"))) {
            refuse(lines_.required("family").line, "family, model and stepping as CPUID has them", "others");
        }
        return features;
    }

    XenSet set_of(const KeyedLine& entry) const {
        NamedFeatures features = cpu();
        const std::vector<std::uint32_t> words = words_of(entry);
        // A Xen that is newer than the rulebook may have more words.
        const std::size_t count = std::min(words.size(), target_.words.size());
        std::map<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>>
            halves;  // of MSRs: value, and bits that are known
        for (std::size_t i = 0; i < count; ++i) {
            const rulebook::DataPlace& place = target_.words[i].place;
            if (!place.is_msr) {
                features.set_register({place.leaf_first, place.subleaf_first}, place.registers.front(), words[i]);
                continue;
            }
            auto& [value, bits] = halves[place.leaf_first];
            value |= std::uint64_t{words[i]} << place.low;
            bits |= place.mask();
        }
        XenSet set{features.finish(), {}};
        for (const auto& [index, half] : halves) {
            if (half.second != ~std::uint64_t{0}) continue;  // a half of an MSR: nothing can be said of the other
            set.msrs.push_back({index, half.first});
        }
        return set;
    }

    // A guest that is not given an MSR is told nothing of it.
    XenSet told_by_default(XenSet set) const {
        for (const rulebook::FeatureWord& word : target_.words) {
            if (word.read_with.empty() || has_feature(set.cpuid, word.read_with)) continue;
            std::erase_if(set.msrs, [&](const MsrRow& row) { return row.index == word.place.leaf_first; });
        }
        return set;
    }

    // Whether the set has a feature by Xen's name for it.
    static bool has_feature(const CpuidTable& table, std::string_view name) {
        const auto& fields = builtin_rulebook().fields;
        return std::any_of(fields.begin(), fields.end(), [&](const Field& field) {
            const Registers* row = table.find({field.leaf, field.subleaf_first});
            return !field.is_msr && field.names.xen == name && row != nullptr &&
                   ((*row)[field.reg] & field.mask()) != 0;
        });
    }

    const rulebook::XenTarget target_ = rulebook::xen_data(builtin_rulebook());
    Source source_;
    KeyedLines lines_;
};

}  // namespace

bool is_xe_featureset_row(std::string_view line) noexcept { return xe_words(line).has_value(); }

bool is_xe_featureset(std::string_view bytes) noexcept {
    return any_line(bytes, [](std::string_view line) noexcept {
        return is_xe_featureset_row(line) || line.find(words_in_list) != std::string_view::npos;
    });
}

HostDump read_xe_featureset(const Source& source) { return XeReader(source).read(); }

}  // namespace poolcpuid::dump
