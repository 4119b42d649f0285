#include "dump/microcode.hpp"

#include <algorithm>
#include <string>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "base/printable.hpp"
#include "dump/virtual_machine.hpp"

namespace poolcpuid {

namespace {

// No revision is 0, which IA32_BIOS_SIGN_ID is until it was asked for; and Hyper-V tells its guests all ones.
std::optional<std::uint32_t> revision_of(std::uint64_t value) noexcept {
    const auto revision = static_cast<std::uint32_t>(value);
    return revision == 0 || revision == ~std::uint32_t{0} ? std::nullopt : std::optional(revision);
}

// As the meta data word it, or nullptr.
const std::string* revision_text(const HostDump& host) {
    const auto meta = host.meta.find("microcode");
    return meta == host.meta.end() ? nullptr : &meta->second;
}

std::optional<std::uint32_t> revision_in_meta(const HostDump& host) {
    const std::string* text = revision_text(host);
    return text == nullptr ? std::nullopt : revision_of(from_hex(*text, 8).value_or(0));
}

std::optional<std::uint32_t> revision_in_hardware(const HostDump& host) {
    if (!host.hardware || !host.hardware->msrs) return std::nullopt;
    return dump::revision_in(*host.hardware->msrs, vendor_string(host.first_table()).value_or(""));
}

}  // namespace

// AMD's stands in the lower half, others' in the upper one.
std::optional<std::uint32_t> dump::revision_in(const std::vector<MsrRow>& msrs, std::string_view vendor) noexcept {
    const unsigned low = vendor == "AuthenticAMD" || vendor == "HygonGenuine" ? 0 : 32;
    const MsrRow* row = find_msr(msrs, microcode_msr);
    return row == nullptr ? std::nullopt : revision_of(row->value.value_or(0) >> low);
}

// Of two that contradict each other the older one counts: it has less of what newer ones mend.
std::optional<std::uint32_t> microcode_revision(const HostDump& host) {
    if (dump::taken_in(host) != dump::TakenIn::host) return std::nullopt;
    const auto said = revision_in_meta(host);
    const auto read = revision_in_hardware(host);
    return said && read ? std::min(said, read) : said ? said : read;
}

void dump::put_revisions(const std::set<std::string>& revisions, HostDump& host) {
    constexpr std::size_t most_named = 4;
    if (revisions.size() == 1) host.meta["microcode"] = *revisions.begin();
    if (revisions.size() < 2) return;
    host.notes.push_back({"cpus-differ", "The logical CPUs have different microcodes, so that none counts: " +
                                             short_list({revisions.begin(), revisions.end()}, most_named) + "."});
}

void dump::note_revision(HostDump& host) {
    const std::string* text = revision_text(host);
    if (text == nullptr) return;
    if (!from_hex(*text, 8)) {
        host.notes.push_back({"microcode-unknown", "The dump has \"" + printable(*text) +
                                                       "\" as microcode revision, which is not as /proc/cpuinfo spells "
                                                       "it (\"0x8301055\"): it counts as not known."});
        return;
    }
    const auto said = revision_in_meta(host);
    const auto read = revision_in_hardware(host);
    if (!said || !read || *said == *read || taken_in(host) != TakenIn::host) return;
    host.notes.push_back({"microcode-unknown", "The dump has two microcode revisions, " + to_hex(*said) +
                                                   " by its words and " + to_hex(*read) + " in MSR " +
                                                   to_hex(microcode_msr) + ": the older one counts, " +
                                                   to_hex(std::min(*said, *read)) +
                                                   ". Take the dump again, or leave the one that is not so away."});
}

}  // namespace poolcpuid
