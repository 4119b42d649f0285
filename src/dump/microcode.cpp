#include "dump/microcode.hpp"

#include <string>

#include "base/hex.hpp"
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

}  // namespace

// AMD's stands in the lower half, others' in the upper one.
std::optional<std::uint32_t> dump::revision_in(const std::vector<MsrRow>& msrs, std::string_view vendor) noexcept {
    const unsigned low = vendor == "AuthenticAMD" || vendor == "HygonGenuine" ? 0 : 32;
    const MsrRow* row = find_msr(msrs, microcode_msr);
    return row == nullptr ? std::nullopt : revision_of(row->value.value_or(0) >> low);
}

std::optional<std::uint32_t> microcode_revision(const HostDump& host) {
    if (dump::taken_in(host) != dump::TakenIn::host) return std::nullopt;
    if (const auto said = revision_in_meta(host)) return said;
    if (!host.hardware || !host.hardware->msrs) return std::nullopt;
    return dump::revision_in(*host.hardware->msrs, vendor_string(host.first_table()).value_or(""));
}

void dump::note_unreadable_revision(HostDump& host) {
    const std::string* text = revision_text(host);
    if (text == nullptr || from_hex(*text, 8)) return;
    host.notes.push_back({"microcode-unknown", "The dump has \"" + printable(*text) +
                                                   "\" as microcode revision, which is not as /proc/cpuinfo spells it "
                                                   "(\"0x8301055\"): it counts as not known."});
}

}  // namespace poolcpuid
