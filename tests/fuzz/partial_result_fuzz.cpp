// Any bytes as a partial result of a merge, under the digest that they have and our rulebook: what can be read is
// written again to the same bytes, is a set, and merges as its hosts do.
//
// "RULEBOOK VERSION" and "RULEBOOK SHA256" in the input stand for those of the rulebook, so that seeds outlive it.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/partial_result.hpp"
#include "poolcpuid/pool_state.hpp"
#include "require.hpp"

using namespace poolcpuid;
using fuzz::require;

namespace {

void replace(std::string& text, std::string_view word, std::string_view by) {
    const std::size_t at = text.find(word);
    if (at != std::string::npos) text.replace(at, word.size(), by);
}

// The document read under its own digest, which an error names where it has another.
std::optional<PartialResult> read(std::string& document) {
    constexpr std::string_view named = "the digest of the document's content, ";
    for (int attempts = 0; attempts < 2; ++attempts) {
        try {
            return read_partial_result(document, "input", 1, builtin_rulebook(), {});
        } catch (const InputError& error) {
            if (!std::string_view(error.expected()).starts_with(named)) return std::nullopt;
            const std::size_t at = document.rfind("\"sha256\"");
            const std::size_t quote = at == std::string::npos ? at : document.find('"', at + 8);
            const std::size_t end = quote == std::string::npos ? quote : document.find('"', quote + 1);
            if (end == std::string::npos) return std::nullopt;
            document.replace(quote + 1, end - quote - 1, error.expected().substr(named.size()));
        }
    }
    return std::nullopt;
}

PartialResult read_again(const std::string& document) {
    try {
        return read_partial_result(document, "again", 1, builtin_rulebook(), {});
    } catch (const InputError&) {
        require(false, "what was written can be read");
        throw;
    }
}

// The policy of a part, or why there is none.
std::string policy_of(const PartialResult& part) {
    PoolState state(builtin_rulebook());
    try {
        part.each([&](const HostDump& host, const std::set<std::string>& names) {
            for (const std::string& name : names) state.add(host, name);
        });
        return to_json(state.finish({}));
    } catch (const NoPolicyError&) {
        return "no policy";
    } catch (const InputError&) {
        return "one name, two contents";
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string document(reinterpret_cast<const char*>(data), size);
    replace(document, "RULEBOOK VERSION", builtin_rulebook().version);
    replace(document, "RULEBOOK SHA256", builtin_rulebook().sha256);
    (void)is_partial_result(document);
    const std::optional<PartialResult> part = read(document);
    if (!part) return 0;
    const std::string text = to_json(*part, builtin_rulebook(), {});
    require(is_partial_result(text), "what is written is recognised");
    PartialResult again = read_again(text);
    require(to_json(again, builtin_rulebook(), {}) == text, "it is written to the same bytes");
    again.combine(*part);
    require(to_json(again, builtin_rulebook(), {}) == text, "twice is once");
    require(policy_of(again) == policy_of(*part), "the policy is that of the hosts");
    return 0;
}
